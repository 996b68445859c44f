//! Hosts: network namespaces on one Ethernet, gone when dropped.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, setns};

/// Runs `ip` with arguments parted by spaces.
pub fn ip(arguments: &str) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments.split_whitespace())
        .output()
        .context("cannot run ip")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {arguments}: {complaint}");
    Ok(())
}

/// A network namespace, deleted when dropped.
pub struct Namespace {
    /// As `ip` knows it.
    pub name: String,
}

impl Namespace {
    /// Makes a namespace without IPv6, whose chatter nobody asked for.
    pub fn new() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("plainsight-{}-{number}", std::process::id());
        ip(&format!("netns add {name}"))?;
        let namespace = Self { name };
        namespace.enter(disable_ipv6)??;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Runs `ip` inside.
    pub fn ip(&self, arguments: &str) -> Result<()> {
        ip(&format!("-n {} {arguments}", self.name))
    }

    /// Runs `work` on a thread that lives inside. Sockets opened there stay
    /// inside wherever they are used later.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| self.join().map(|()| work()));
            inside.join().expect("the work does not panic")
        })
    }

    /// Moves the calling thread inside, for good.
    pub fn join(&self) -> Result<()> {
        let path = Path::new("/run/netns").join(&self.name);
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        setns(file, CloneFlags::CLONE_NEWNET).context("setns")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nobody is left to tell, and a namespace left behind does no harm.
        let _ = ip(&format!("netns del {}", self.name));
    }
}

fn disable_ipv6() -> Result<()> {
    for scope in ["all", "default"] {
        let path = format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6");
        if Path::new(&path).exists() {
            fs::write(&path, "1").context(path)?;
        }
    }
    Ok(())
}

/// A machine with an address, seen from within its namespace.
#[derive(Clone)]
pub struct Host {
    namespace: Arc<Namespace>,
    address: Ipv4Addr,
}

impl Host {
    /// The address it speaks from.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its namespace, which lives as long as the longest holder.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// Runs `ip` on it.
    pub fn ip(&self, arguments: &str) -> Result<()> {
        self.namespace.ip(arguments)
    }

    /// Runs `work` on it.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        self.namespace.enter(work)
    }

    /// The same machine under another of its addresses.
    pub fn at(&self, address: Ipv4Addr) -> Self {
        Self {
            namespace: Arc::clone(&self.namespace),
            address,
        }
    }

    /// Adds an address to a device that is not up yet.
    pub fn own(&self, device: &str, addresses: &[Ipv4Addr]) -> Result<()> {
        for address in addresses {
            self.ip(&format!("addr add {address}/16 dev {device}"))?;
        }
        self.ip(&format!("link set {device} up"))
    }

    /// Knows `address` by its hardware address, so that none asks by ARP.
    pub fn know(&self, device: &str, address: Ipv4Addr, hardware: &str) -> Result<()> {
        self.ip(&format!(
            "neigh replace {address} lladdr {hardware} dev {device} nud permanent"
        ))
    }

    /// Puts `eth0` on top of another interface with the same MAC, as
    /// accelerated networking does: every packet passes both.
    pub fn accelerate(&self, lower: &str, peers: &[Host]) -> Result<()> {
        self.ip("link set eth0 down")?;
        self.ip("addr flush dev eth0")?;
        self.ip(&format!("link set eth0 name {lower}"))?;
        self.ip(&format!("link set {lower} up"))?;
        self.ip(&format!(
            "link add link {lower} name eth0 type macvlan mode passthru"
        ))?;
        self.own("eth0", &[self.address])?;
        peers
            .iter()
            .try_for_each(|peer| self.know("eth0", peer.address, &hardware(peer.address)))
    }

    /// Puts a VXLAN interface on top of `eth0`.
    pub fn overlay(
        &self,
        far_end: &Host,
        addresses: &[Ipv4Addr],
        peers: &[Ipv4Addr],
    ) -> Result<()> {
        let (near, far) = (self.address, far_end.address);
        self.ip(&format!(
            "link add vxlan0 mtu 1500 address {} type vxlan id 42 dstport 4789 local {near} remote {far}",
            hardware(addresses[0]),
        ))?;
        self.own("vxlan0", addresses)?;
        peers
            .iter()
            .try_for_each(|&peer| self.know("vxlan0", peer, &hardware(peers[0])))
    }
}

/// What every link of a [`Lan`] is like.
#[derive(Clone, Copy)]
pub struct Link {
    /// Largest IP packet.
    pub mtu: u16,
    /// Whether TCP hands packets far above the MTU to the interface.
    pub segmentation_offload: bool,
}

impl Link {
    /// Ethernet as a guest has it.
    pub const ETHERNET: Self = Self {
        mtu: 1500,
        segmentation_offload: true,
    };
}

/// Hosts joined by a bridge.
pub struct Lan {
    hosts: Vec<Host>,
    bridge: Namespace,
}

impl Lan {
    /// Hosts that must ask for each other's hardware address first.
    pub fn strangers(link: Link, addresses: &[Ipv4Addr]) -> Result<Self> {
        let bridge = Namespace::new()?;
        // Snooping would have the bridge itself speak IGMP.
        bridge.ip("link add br0 type bridge mcast_snooping 0")?;
        bridge.ip("link set br0 up")?;
        let hosts = Vec::new();
        let mut lan = Self { hosts, bridge };
        for &address in addresses {
            lan.plug_in(address, link)?;
        }
        Ok(lan)
    }

    /// Hosts that know each other: no ARP.
    pub fn new(link: Link, addresses: &[Ipv4Addr]) -> Result<Self> {
        let lan = Self::strangers(link, addresses)?;
        for host in &lan.hosts {
            for &peer in addresses.iter().filter(|&&peer| peer != host.address) {
                host.know("eth0", peer, &hardware(peer))?;
            }
        }
        Ok(lan)
    }

    /// The hosts, in the order of their addresses as given.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    fn plug_in(&mut self, address: Ipv4Addr, link: Link) -> Result<()> {
        let host = Host {
            namespace: Arc::new(Namespace::new()?),
            address,
        };
        let port = format!("port{}", self.hosts.len());
        let (mtu, mac) = (link.mtu, hardware(address));
        host.ip(&format!(
            "link add eth0 mtu {mtu} address {mac} type veth peer name {port} mtu {mtu} netns {}",
            self.bridge.name
        ))?;
        self.bridge.ip(&format!("link set {port} master br0 up"))?;
        if !link.segmentation_offload {
            host.ip("link set eth0 gso_max_segs 1")?;
        }
        host.own("eth0", &[address])?;
        self.hosts.push(host);
        Ok(())
    }
}

/// A locally administered MAC that tells whose it is.
fn hardware(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
