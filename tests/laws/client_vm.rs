//! What a client VM's own files tell, read from trees of such files. Their shapes are
//! those that the sources named in `plainsight::run::live` print.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, geteuid, setfsuid};
use plainsight::run::live::route::{Local, holder, interfaces_for, local_addresses, synthetic_of};
use plainsight::run::live::servers::{Discovered, discover};
use plainsight::verdict::Servers;
use proptest::prelude::*;
use tempfile::TempDir;

fn sample(name: &str) -> PathBuf {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client-vm");
    samples.join(name)
}

/// The addresses found, as text, with `true` for those expected.
fn found(discovered: &Discovered) -> BTreeMap<String, bool> {
    let servers = discovered.servers.iter();
    servers
        .map(|(address, found)| (address.to_string(), found.expected))
        .collect()
}

fn source_of<'a>(discovered: &'a Discovered, address: &str) -> &'a str {
    let address: IpAddr = address.parse().expect("an address");
    &discovered.servers[&address.into()].source
}

fn expected<const N: usize>(servers: [(&str, bool); N]) -> BTreeMap<String, bool> {
    BTreeMap::from(servers.map(|(address, expected)| (address.to_owned(), expected)))
}

#[test]
fn a_client_of_lustre_2_15_tells_its_servers() {
    let discovered = discover(&sample("lustre-2.15"));
    assert_eq!(
        found(&discovered),
        expected([
            ("10.0.0.4", true),   // the mount's MGS
            ("10.0.0.5", true),   // in use by an import
            ("10.0.0.6", true),   // in use, if idle
            ("10.0.0.7", false),  // stands by
            ("10.0.0.8", true),   // known by its conn_uuid alone
            ("10.0.0.99", false), // a peer, perhaps a router
        ])
    );
    let local: Vec<_> = discovered.local.iter().map(ToString::to_string).collect();
    assert_eq!(local, ["10.0.1.10"]);
}

/// A mount names its file system, and so does a target; `LNet`'s peers name none.
#[test]
fn servers_come_with_the_names_of_their_file_systems() {
    let mut servers = Servers::default();
    discover(&sample("lustre-2.15")).add_to(&mut servers);
    let names = |address: &str| {
        let address: IpAddr = address.parse().expect("an address");
        servers.file_systems(address.into()).collect::<Vec<_>>()
    };
    for address in ["10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8"] {
        assert_eq!(names(address), ["lustrefs"], "{address}");
    }
    assert_eq!(names("10.0.0.99"), [""; 0]);
    assert_eq!(names("10.0.1.10"), [""; 0]);
}

/// What is connected serves a target; who stands by for it does not, nor who only has the mount.
#[test]
fn servers_come_with_the_targets_that_they_serve() {
    let mut servers = Servers::default();
    discover(&sample("lustre-2.15")).add_to(&mut servers);
    let targets = |address: &str| {
        let address: IpAddr = address.parse().expect("an address");
        let targets = servers.targets(address.into());
        targets.map(|it| it.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(targets("10.0.0.4"), ["MGS", "lustrefs-MDT0000"]);
    assert_eq!(targets("10.0.0.5"), ["lustrefs-OST0000"]);
    assert_eq!(targets("10.0.0.7"), [""; 0]);
    assert_eq!(targets("10.0.0.8"), ["lustrefs-OST0003"]);
    assert_eq!(targets("10.0.0.99"), [""; 0]);
}

#[test]
fn each_server_comes_with_its_source() {
    let discovered = discover(&sample("lustre-2.15"));
    let source = |address| source_of(&discovered, address);
    let osc = "fs/lustre/osc/lustrefs";
    assert_eq!(source("10.0.0.4"), "/proc/mounts, /mnt/amlfs");
    assert_eq!(
        source("10.0.0.5"),
        format!("/proc/{osc}-OST0000-osc-ffff9c1d4b2e8000/import, current_connection")
    );
    assert!(source("10.0.0.7").ends_with("/import, failover_nids"));
    assert_eq!(
        source("10.0.0.8"),
        format!("/sys/{osc}-OST0003-osc-ffff9c1d4b2e8000/ost_conn_uuid")
    );
    assert_eq!(source("10.0.0.99"), "/sys/kernel/debug/lnet/peers");
}

#[test]
fn a_nid_of_another_network_is_passed_over_with_a_note() {
    let notes = discover(&sample("lustre-2.15")).notes;
    assert_eq!(
        notes.into_iter().collect::<Vec<_>>(),
        ["/sys/kernel/debug/lnet/peers: 10.0.0.77@o2ib is no TCP NID and is passed over"]
    );
}

#[test]
fn mounts_name_nodes_rails_and_networks() {
    let discovered = discover(&sample("odd-mounts"));
    assert_eq!(
        found(&discovered),
        expected([
            ("10.0.0.4", true),
            ("10.0.0.5", true),
            ("10.0.0.6", true),
            ("10.0.0.7", true),
            ("10.0.0.8", true),
            ("10.0.1.6", true),
            ("10.0.1.7", true),
            ("fd00::1", true),
            ("fd00::2", true),
        ])
    );
    assert_eq!(source_of(&discovered, "10.0.0.5"), "/proc/mounts, /mnt/a b");
    assert_eq!(
        discovered.notes.into_iter().collect::<Vec<_>>(),
        ["/proc/mounts, /mnt/ib: 172.16.0.1@o2ib is no TCP NID and is passed over"]
    );
}

#[test]
fn a_later_lustre_quotes_its_nids_in_debugfs() {
    assert_eq!(
        found(&discover(&sample("later-lustre"))),
        expected([
            ("fd00:10::4", true),
            ("fd00:10::5", true),
            ("fd00:10::6", false),
        ])
    );
}

#[test]
fn a_machine_without_lustre_has_nothing_to_say() {
    let empty = TempDir::new().expect("a folder");
    assert_eq!(discover(empty.path()), Discovered::default());
}

#[test]
fn what_cannot_be_read_is_noted() {
    let root = TempDir::new().expect("a folder");
    fs::create_dir_all(root.path().join("proc/mounts")).expect("a folder in a file's place");
    let notes: Vec<_> = discover(root.path()).notes.into_iter().collect();
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].starts_with("cannot read /proc/mounts: "),
        "{notes:?}"
    );
}

#[test]
fn what_only_root_may_read_is_noted_once() {
    let root = TempDir::new().expect("a folder");
    let debugfs = root.path().join("sys/kernel/debug");
    fs::create_dir_all(&debugfs).expect("a folder");
    for (folder, mode) in [(root.path(), 0o755), (&debugfs, 0)] {
        fs::set_permissions(folder, Permissions::from_mode(mode)).expect("permissions");
    }
    // This thread alone looks at files as nobody, if root runs the tests.
    setfsuid(Uid::from_raw(65534));
    let notes: Vec<_> = discover(root.path()).notes.into_iter().collect();
    assert_eq!(notes, ["only root may read /sys/kernel/debug"]);
    setfsuid(geteuid());
}

#[test]
fn the_servers_found_are_expected_or_may_be_servers() {
    let mut servers = Servers::default();
    servers.add_list("10.0.0.5").expect("a list");
    discover(&sample("lustre-2.15")).add_to(&mut servers);
    let rank = |address: &str| servers.rank(address.parse::<IpAddr>().expect("one").into());
    let ranks = ["10.0.0.4", "10.0.0.7", "10.0.0.99", "10.0.0.77"].map(rank);
    assert_eq!(ranks, [2, 1, 1, 0]);
    let named = servers
        .named()
        .map(|(address, source)| (address.to_string(), source));
    let blocks = servers
        .blocks()
        .map(|(block, source)| (block.to_string(), source));
    let named: BTreeMap<_, _> = named.chain(blocks).collect();
    assert_eq!(named["10.0.0.5"], "--servers");
    assert_eq!(named["10.0.0.4"], "/proc/mounts, /mnt/amlfs");
    assert_eq!(named["10.0.0.99/32"], "/sys/kernel/debug/lnet/peers");
}

fn local() -> Vec<Local> {
    let held = [
        ("eth0", "10.0.1.10"),
        ("eth1", "10.0.2.10"),
        ("eth0", "fd00:1::10"),
    ];
    held.map(|(interface, address)| Local {
        interface: interface.to_owned(),
        address: address.parse().expect("an address"),
    })
    .to_vec()
}

#[test]
fn the_interfaces_to_capture_lead_to_the_servers_or_hold_the_nid() {
    let vm = sample("lustre-2.15");
    let discovered = discover(&vm);
    let mut servers = Servers::default();
    discovered.add_to(&mut servers);
    let nids = || discovered.local.iter().copied();
    let to = |address: IpAddr| match address.to_string().as_str() {
        "10.0.0.4" => Ok(Some("eth0".to_owned())),
        "10.0.0.5" => Ok(Some("eth1".to_owned())),
        _ => Ok(None),
    };
    let to_servers = interfaces_for(servers.expected(), nids(), to, &local());
    assert_eq!(
        Vec::from_iter(to_servers.expect("routes")),
        ["eth0", "eth1"]
    );
    let to_nobody = interfaces_for(std::iter::empty(), nids(), to, &local());
    assert_eq!(Vec::from_iter(to_nobody.expect("routes")), ["eth0"]);
    let refused = |_: IpAddr| Err(io::ErrorKind::Other.into());
    interfaces_for(servers.expected(), nids(), refused, &local()).expect_err("no answer");
}

#[test]
fn a_file_without_end_is_read_in_part() {
    let root = TempDir::new().expect("a folder");
    fs::create_dir(root.path().join("proc")).expect("a folder");
    let line = "10.0.0.4@tcp:/fs /mnt lustre rw 0 0\n";
    fs::write(root.path().join("proc/mounts"), line.repeat(40_000)).expect("a file");
    let discovered = discover(root.path());
    assert_eq!(found(&discovered), expected([("10.0.0.4", true)]));
    let notes: Vec<_> = discovered.notes.into_iter().collect();
    assert_eq!(notes, ["only the first MiB of /proc/mounts was read"]);
}

#[test]
fn a_vf_has_a_synthetic_interface_above_it() {
    let vm = sample("lustre-2.15");
    let above = |interface| synthetic_of(&vm, interface);
    assert_eq!(above("enP53091s1").as_deref(), Some("eth0")); // joined
    assert_eq!(above("enP53092s2").as_deref(), Some("eth1")); // by its MAC alone
    for other in [
        "eth0",
        "eth1",
        "lo",
        "docker0",
        "veth1",
        "absent",
        "../../../x",
    ] {
        assert_eq!(above(other), None, "{other}");
    }
}

#[test]
fn this_machine_holds_the_loopback_address() {
    let local = local_addresses().expect("addresses");
    assert_eq!(
        holder(&local, "127.0.0.1".parse().expect("one")),
        Some("lo")
    );
}

/// Every file that is read, where a machine has it.
const FILES: [&str; 7] = [
    "proc/mounts",
    "proc/fs/lustre/osc/x/import",
    "sys/kernel/debug/lustre/mgc/x/import",
    "sys/fs/lustre/mdc/x/conn_uuid",
    "sys/kernel/debug/lnet/peers",
    "sys/kernel/debug/lnet/nis",
    "sys/class/net/x/address",
];

/// Words that lead into the parsers, between any others.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let words = r#"(10\.0\.0\.4|fd00::1|@tcp|@o2ib|@|:|:/|,|\\040|\\|\\é| lustre|current_connection: |failover_nids: \[|"|eth0|0000000A|00FFFFFF|0003|00| |\t|\n|.){0,60}"#;
    prop_oneof![
        words.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    // Each case is a tree of files.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_to_their_end(contents in prop::collection::vec(text(), FILES.len())) {
        let root = TempDir::new().expect("a folder");
        for (file, bytes) in FILES.iter().zip(&contents) {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        let discovered = discover(root.path());
        let mut servers = Servers::default();
        discovered.add_to(&mut servers);
        let named = servers.named().count() + servers.blocks().count();
        prop_assert_eq!(named, discovered.servers.len());
        for said in discovered.notes.iter().chain(discovered.servers.values().map(|f| &f.source)) {
            prop_assert!(!said.contains(char::is_control), "{said:?}");
        }
        let _ = synthetic_of(root.path(), "x");
    }
}
