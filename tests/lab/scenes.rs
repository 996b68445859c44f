//! The scenes: what happens in each, and what that makes true.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Result;

use crate::noise;
use crate::support::lab::dtls::{Suite, Tunnel};
use crate::support::lab::hosts::{Host, Lan, Link};
use crate::support::lab::inner;
use crate::support::lab::lustre::{self, Mount};
use crate::support::lab::record::{self, Recipe, Recorder};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 20, 1, 4);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 2, 5);
const SECOND_SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 2, 6);
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(10, 20, 3, 9);

const ETH0: Recipe = Recipe::of("eth0");
const CLIENT_PORT: u16 = 40001;
const PORTS: &[u16] = &[1023, 1022, 1021];
const BULK: usize = 8 << 10;

/// A trace to be recorded.
pub struct Scene {
    /// The file it goes to; its ending tells the format.
    pub file: &'static str,
    /// What it shows, in a sentence.
    pub shows: &'static str,
    /// Makes it happen and records it into a file.
    pub record: fn(&Path) -> Result<()>,
    /// What is true of it. A path not named here is none.
    pub paths: &'static [PathTruth],
}

/// What is true of a path.
pub struct PathTruth {
    /// The client's address.
    pub client: Ipv4Addr,
    /// The server's address.
    pub server: Ipv4Addr,
    /// The verdict that the scene's making implies.
    pub verdict: &'static str,
    /// All that the path's traffic went by; what else the two said to each
    /// other is not the path's.
    pub carriers: &'static [Carrier],
}

/// What a path's traffic goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// TCP on Lustre's port.
    ReadableTcp,
    /// DTLS that encrypts.
    Tunnel,
    /// DTLS with a NULL cipher.
    NullTunnel,
    /// DTLS records in a TCP stream on Lustre's port.
    TunnelOverTcp,
    /// UDP on Lustre's port that is no DTLS.
    Riddles,
    /// Whatever it was, the recording left no ports.
    PortsCutOff,
}

const fn path(server: Ipv4Addr, verdict: &'static str, carriers: &'static [Carrier]) -> PathTruth {
    PathTruth {
        client: CLIENT,
        server,
        verdict,
        carriers,
    }
}

const PLAINTEXT: &[PathTruth] = &[path(SERVER, "plaintext", &[Carrier::ReadableTcp])];
const ENCRYPTED: &[PathTruth] = &[path(SERVER, "encrypted", &[Carrier::Tunnel])];
const WEAK: &[PathTruth] = &[path(SERVER, "weak", &[Carrier::Tunnel])];
const NULL: &[PathTruth] = &[path(SERVER, "plaintext", &[Carrier::NullTunnel])];
const ONE_EACH: &[PathTruth] = &[
    path(SERVER, "encrypted", &[Carrier::Tunnel]),
    path(SECOND_SERVER, "plaintext", &[Carrier::ReadableTcp]),
];

/// Every scene.
pub const SCENES: &[Scene] = &[
    Scene {
        file: "all-plaintext.pcap",
        shows: "Lustre in the clear with two servers: control and bulk connections from reserved \
                ports, some below 1019, and a server that calls its client back on 988",
        record: all_plaintext,
        paths: &[
            path(SERVER, "plaintext", &[Carrier::ReadableTcp]),
            path(SECOND_SERVER, "plaintext", &[Carrier::ReadableTcp]),
        ],
    },
    Scene {
        file: "all-encrypted.pcap",
        shows: "Azure's suite from the first handshake message on, with a HelloVerifyRequest; \
                time in nanoseconds",
        record: |file| tunnel(file, ETH0.in_nanoseconds(), Suite::AZURE_WITH_COOKIE),
        paths: ENCRYPTED,
    },
    Scene {
        file: "one-path-each-way.pcap",
        shows: "One server inside DTLS and one in the clear, among everyday noise: ARP, ICMP, \
                DNS, HTTPS, SSH and syslog, some of it with the servers",
        record: one_path_each_way,
        paths: ONE_EACH,
    },
    Scene {
        file: "turns.pcapng",
        shows: "Readable Lustre that stops and goes on inside DTLS",
        record: turns,
        paths: &[path(
            SERVER,
            "mixed",
            &[Carrier::ReadableTcp, Carrier::Tunnel],
        )],
    },
    Scene {
        file: "no-handshake.pcap",
        shows: "Azure's suite, recorded from after the handshake on",
        record: |file| tunnel_under_way(file, Suite::AZURE),
        paths: ENCRYPTED,
    },
    Scene {
        file: "null-cipher.pcap",
        shows: "DTLS 1.2 with TLS_ECDHE_ECDSA_WITH_NULL_SHA, which its handshake admits",
        record: |file| tunnel(file, ETH0, Suite::NULL),
        paths: NULL,
    },
    Scene {
        file: "null-cipher-no-handshake.pcap",
        shows: "The same from after the handshake on: only the readable IP packets inside the \
                records tell",
        record: |file| tunnel_under_way(file, Suite::NULL),
        paths: NULL,
    },
    Scene {
        file: "aes-128.pcap",
        shows: "DTLS 1.2 with AES-128-GCM",
        record: |file| tunnel(file, ETH0, Suite::AES_128),
        paths: WEAK,
    },
    Scene {
        file: "dtls-1.0.pcap",
        shows: "DTLS 1.0 with AES-256-CBC",
        record: |file| tunnel(file, ETH0, Suite::DTLS_1_0),
        paths: WEAK,
    },
    Scene {
        file: "vxlan.pcap",
        shows: "One server inside DTLS and one in the clear, both inside VXLAN, recorded on the \
                network underneath",
        record: vxlan,
        paths: ONE_EACH,
    },
    Scene {
        file: "any-interface.pcap",
        shows: "`-i any` on a client with accelerated networking: every packet stands twice, \
                with another interface index (SLL2)",
        record: any_interface,
        paths: ONE_EACH,
    },
    Scene {
        file: "two-interfaces.pcapng",
        shows: "The same as pcapng with two interfaces, of which the virtual function's misses \
                incoming SYNs",
        record: two_interfaces,
        paths: ONE_EACH,
    },
    Scene {
        file: "fragments.pcap",
        shows: "DTLS records in datagrams larger than the link's MTU of 576, so most come in IP \
                fragments",
        record: fragments,
        paths: ENCRYPTED,
    },
    Scene {
        file: "snap-34.cap",
        shows: "One server inside DTLS and one in the clear, cut to 34 bytes: no ports, no proof",
        record: |file| cut(file, 34),
        paths: &[
            path(SERVER, "undetermined", &[Carrier::PortsCutOff]),
            path(SECOND_SERVER, "undetermined", &[Carrier::PortsCutOff]),
        ],
    },
    Scene {
        file: "snap-60.cap",
        shows: "The same cut to 60 bytes: ports and the first record header of each datagram, \
                but neither the suite nor bytes enough to tell a cipher",
        record: |file| cut(file, 60),
        paths: &[
            path(SERVER, "undetermined", &[Carrier::Tunnel]),
            path(SECOND_SERVER, "plaintext", &[Carrier::ReadableTcp]),
        ],
    },
    Scene {
        file: "lookalikes.pcap",
        shows: "UDP that begins as DTLS does and goes on as it never would, to an ordinary port \
                and to 988 of a server",
        record: lookalikes,
        paths: &[path(SERVER, "undetermined", &[Carrier::Riddles])],
    },
    Scene {
        file: "nfs.pcap",
        shows: "NFS from a reserved client port, and no Lustre at all",
        record: nfs,
        paths: &[],
    },
    Scene {
        file: "dtls-elsewhere.pcap",
        shows: "Azure's suite between two hosts of which neither is a known server",
        record: dtls_elsewhere,
        paths: &[],
    },
    Scene {
        file: "dtls-over-tcp.pcap",
        shows: "DTLS records in a TCP stream on port 988: odd, and encrypted all the same",
        record: dtls_over_tcp,
        paths: &[path(SERVER, "encrypted", &[Carrier::TunnelOverTcp])],
    },
    Scene {
        file: "private-rpcs.pcap",
        shows: "RPCs with Kerberos privacy: their bodies are hidden, the network layer is not",
        record: private_rpcs,
        paths: PLAINTEXT,
    },
    Scene {
        file: "one-path-each-way.pcap.gz",
        shows: "one-path-each-way.pcap, compressed with gzip",
        record: |file| compressed(file, record::gzip),
        paths: ONE_EACH,
    },
    Scene {
        file: "one-path-each-way.pcap.zst",
        shows: "one-path-each-way.pcap, compressed with Zstandard",
        record: |file| compressed(file, record::zstd),
        paths: ONE_EACH,
    },
];

fn all_plaintext(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER, SECOND_SERVER])?;
    let [client, server, second] = three(&lan);
    record::while_doing(client, ETH0, file, || {
        let mut mount = Mount::open(client, server, &[1023, 1022, 1021, 1020, 1019])?;
        mount.connect_targets()?;
        lustre::converse(client, second, &[1018, 1017, 1016], BULK)?;
        mount.write(4 * BULK)?;
        lustre::call_back(server, 1023, client)?;
        mount.read(2 * BULK)?;
        mount.keep_alive()
    })
}

/// A tunnel to [`SERVER`] from its first handshake message to its last alert.
fn tunnel(file: &Path, recipe: Recipe, suite: Suite) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    record::while_doing(client, recipe, file, || whole_tunnel(client, server, suite))
}

fn whole_tunnel(client: &Host, server: &Host, suite: Suite) -> Result<()> {
    let packets = inner::conversation(client.address(), server.address())?;
    let mut tunnel = Tunnel::open(client, CLIENT_PORT, server, suite)?;
    tunnel.carry(&packets)?;
    tunnel.close()
}

fn tunnel_under_way(file: &Path, suite: Suite) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    let packets = inner::conversation(CLIENT, SERVER)?;
    let mut tunnel = Tunnel::open(client, CLIENT_PORT, server, suite)?;
    record::while_doing(client, ETH0, file, || {
        tunnel.carry(&packets)?;
        tunnel.close()
    })
}

/// The first server inside DTLS, the second in the clear.
fn one_each(client: &Host, server: &Host, second: &Host) -> Result<()> {
    whole_tunnel(client, server, Suite::AZURE)?;
    lustre::converse(client, second, PORTS, BULK)
}

fn one_path_each_way(file: &Path) -> Result<()> {
    let addresses = [CLIENT, SERVER, SECOND_SERVER, NEIGHBOUR];
    let lan = Lan::strangers(Link::ETHERNET, &addresses)?;
    let [client, server, second, neighbour] = lan.hosts() else {
        unreachable!("a host for each address")
    };
    record::while_doing(client, ETH0, file, || {
        noise::everyday(client, neighbour)?;
        one_each(client, server, second)?;
        noise::beside_lustre(client, server)
    })
}

fn turns(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    let folder = tempfile::tempdir()?;
    let recording = folder.path().join("turns.pcap");
    record::while_doing(client, ETH0, &recording, || {
        lustre::converse(client, server, PORTS, BULK)?;
        whole_tunnel(client, server, Suite::AZURE)
    })?;
    record::to_pcapng(&recording, file)
}

fn vxlan(file: &Path) -> Result<()> {
    let near_end = Ipv4Addr::new(192, 168, 50, 4);
    let far_end = Ipv4Addr::new(192, 168, 50, 5);
    let underlay = Link {
        mtu: 1600,
        ..Link::ETHERNET
    };
    let lan = Lan::new(underlay, &[near_end, far_end])?;
    let [near, far] = two(&lan);
    near.overlay(far, &[CLIENT], &[SERVER, SECOND_SERVER])?;
    far.overlay(near, &[SERVER, SECOND_SERVER], &[CLIENT])?;
    record::while_doing(near, ETH0, file, || {
        one_each(&near.at(CLIENT), &far.at(SERVER), &far.at(SECOND_SERVER))
    })
}

/// Hosts of which the client's `eth0` sits on top of `enP1s1`.
fn accelerated() -> Result<Lan> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER, SECOND_SERVER])?;
    let [client, server, second] = three(&lan);
    client.accelerate("enP1s1", &[server.clone(), second.clone()])?;
    Ok(lan)
}

fn any_interface(file: &Path) -> Result<()> {
    let lan = accelerated()?;
    let [client, server, second] = three(&lan);
    record::while_doing(client, Recipe::of_any(), file, || {
        one_each(client, server, second)
    })
}

fn two_interfaces(file: &Path) -> Result<()> {
    const LOWER: Recipe =
        Recipe::of("enP1s1").only("not (src net 10.20.2.0/24 and tcp[tcpflags] & tcp-syn != 0)");
    let lan = accelerated()?;
    let [client, server, second] = three(&lan);
    let folder = tempfile::tempdir()?;
    let recordings = ["upper.pcap", "lower.pcap"].map(|name| folder.path().join(name));
    let upper = Recorder::start(client, ETH0, &recordings[0])?;
    let lower = Recorder::start(client, LOWER, &recordings[1])?;
    let outcome = one_each(client, server, second);
    upper.stop()?;
    lower.stop()?;
    outcome?;
    record::merge(&recordings, file)
}

fn fragments(file: &Path) -> Result<()> {
    let narrow = Link {
        mtu: 576,
        ..Link::ETHERNET
    };
    let lan = Lan::new(narrow, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    record::while_doing(client, ETH0, file, || {
        whole_tunnel(client, server, Suite::AZURE_IN_SMALL_PACKETS)
    })
}

fn cut(file: &Path, snap_length: i32) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER, SECOND_SERVER])?;
    let [client, server, second] = three(&lan);
    record::while_doing(client, ETH0.cut_to(snap_length), file, || {
        one_each(client, server, second)
    })
}

fn lookalikes(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    record::while_doing(client, ETH0, file, || noise::lookalikes(client, server))
}

fn nfs(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, NEIGHBOUR])?;
    let [client, server] = two(&lan);
    record::while_doing(client, ETH0, file, || noise::nfs(client, 1021, server))
}

fn dtls_elsewhere(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, NEIGHBOUR])?;
    let [client, neighbour] = two(&lan);
    record::while_doing(client, ETH0, file, || {
        whole_tunnel(client, neighbour, Suite::AZURE)
    })
}

fn dtls_over_tcp(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    let packets = inner::conversation(CLIENT, SERVER)?;
    record::while_doing(client, ETH0, file, || {
        let mut tunnel = Tunnel::open_over_tcp(client, 1023, server, Suite::AZURE)?;
        tunnel.carry(&packets)?;
        tunnel.close()
    })
}

fn private_rpcs(file: &Path) -> Result<()> {
    let lan = Lan::new(Link::ETHERNET, &[CLIENT, SERVER])?;
    let [client, server] = two(&lan);
    record::while_doing(client, ETH0, file, || {
        let mut mount = Mount::open(client, server, PORTS)?;
        (0..8).try_for_each(|_| mount.confide())?;
        mount.write(BULK)?;
        mount.keep_alive()
    })
}

/// Compresses the trace whose name lacks this one's last ending.
fn compressed(file: &Path, compress: fn(&Path, &Path) -> Result<()>) -> Result<()> {
    let original = file.with_extension("");
    if original.exists() {
        return compress(&original, file);
    }
    one_path_each_way(&original)?;
    compress(&original, file)?;
    Ok(fs::remove_file(original)?)
}

fn two(lan: &Lan) -> [&Host; 2] {
    let [first, second] = lan.hosts() else {
        unreachable!("a host for each address")
    };
    [first, second]
}

fn three(lan: &Lan) -> [&Host; 3] {
    let [first, second, third] = lan.hosts() else {
        unreachable!("a host for each address")
    };
    [first, second, third]
}
