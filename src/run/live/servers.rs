//! AMLFS servers that a client VM uses, as its own kernel tells.
//!
//! | file | says | readable by | from |
//! |---|---|---|---|
//! | `/proc/mounts` | the NIDs of the MGS of each mount: nodes between `:`, NIDs of a node between `,` | all | `mount.lustre(8)`, `proc(5)` |
//! | `/proc/fs/lustre/{mgc,mdc,osc}/*/import` | `current_connection` and `failover_nids` | all | Lustre 2.15, `lprocfs_import_seq_show` of `lustre/obdclass/lprocfs_status.c` |
//! | `/sys/kernel/debug/lustre/{mgc,mdc,osc}/*/import` | the same, where a later Lustre has moved it; NIDs may be quoted | root | `lprocfs_obd_setup` and `ldebugfs_mgc_obd_vars` of later Lustre |
//! | `/sys/fs/lustre/{mgc,mdc,osc}/*/*conn_uuid` | the NID in use | all | Lustre 2.15, `conn_uuid_show` |
//! | `/sys/kernel/debug/lnet/peers`, `/proc/sys/lnet/peers` | a table of the NIDs `LNet` has talked to | root, all | `proc_lnet_peers` of `lnet/lnet/router_proc.c` |
//! | `/sys/kernel/debug/lnet/nis`, `/proc/sys/lnet/nis` | a table of this VM's own NIDs | root, all | `proc_lnet_nis` of the same file |
//!
//! A NID that a mount names or an import uses is expected to be seen. Failover NIDs that
//! are not in use belong to a node that stands by, which is rightly silent; `LNet`'s peers
//! can be routers or other clients. Both only may be servers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;

use crate::decode::Address;
use crate::evidence::target::TargetName;
use crate::verdict::Servers;
use crate::verdict::servers::{ServersError, addresses};

/// Servers and addresses found on a client VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// Addresses that are servers, or may be.
    pub servers: BTreeMap<Address, ServerSource>,
    /// Names of the file systems that a server is known to be of.
    pub file_systems: BTreeMap<Address, BTreeSet<String>>,
    /// Targets that a server serves now.
    pub targets: BTreeMap<Address, BTreeSet<TargetName>>,
    /// The VM's own Lustre addresses.
    pub local: BTreeSet<Address>,
    /// Files and words that could not be read or used, a sentence each.
    pub notes: BTreeSet<String>,
}

/// Source of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSource {
    /// True for a server that is expected to be seen, false for one that only may be.
    pub expected: bool,
    /// The file that names it, and what in it.
    pub source: String,
}

impl Discovered {
    /// Adds what was found to who is a server.
    pub fn add_to(&self, servers: &mut Servers) {
        for (&address, found) in &self.servers {
            if found.expected {
                servers.add_expected(address, &found.source);
            } else {
                servers.add_block(IpNet::from(IpAddr::from(address)), &found.source);
            }
        }
        for (&address, names) in &self.file_systems {
            let names = names.iter();
            names.for_each(|name| servers.add_file_system(address, name));
        }
        for (&address, targets) in &self.targets {
            let targets = targets.iter();
            targets.for_each(|&target| servers.add_target(address, target));
        }
    }
}

/// Reads all there is below `root`, which is `/` but for tests.
#[must_use]
pub fn discover(root: &Path) -> Discovered {
    let mut search = Search {
        root,
        discovered: Discovered::default(),
    };
    search.local();
    search.mounts();
    search.imports();
    search.peers();
    search.discovered
}

/// Longer than any of these files on a client of a thousand targets.
const MAX_FILE_LEN: u64 = 1 << 20;

const KINDS: [&str; 3] = ["mgc", "mdc", "osc"];
const UUIDS: [&str; 4] = [
    "conn_uuid",
    "mgs_conn_uuid",
    "mds_conn_uuid",
    "ost_conn_uuid",
];
const DEBUGFS: &str = "sys/kernel/debug";

struct Search<'a> {
    root: &'a Path,
    discovered: Discovered,
}

impl Search<'_> {
    fn local(&mut self) {
        for path in ["sys/kernel/debug/lnet/nis", "proc/sys/lnet/nis"] {
            let table = self.read(path).unwrap_or_default();
            let nids = first_column(&table).filter_map(|nid| addresses(nid).ok());
            self.discovered.local.extend(nids.flatten());
        }
    }

    fn mounts(&mut self) {
        let mounts = self.read("proc/mounts").unwrap_or_default();
        for (device, place) in mounts.lines().filter_map(lustre_mount) {
            let source = format!("/proc/mounts, {}", place.escape_debug());
            let nids = mount_nids(&device);
            self.add(&nids, &source, true);
            self.name(&nids, mounted(&device));
        }
    }

    fn imports(&mut self) {
        for base in ["proc/fs/lustre", "sys/kernel/debug/lustre"] {
            self.each_target(base, |search, target| {
                let path = format!("{target}/import");
                if let Some(import) = search.read(&path) {
                    search.import(&path, &import, target);
                }
            });
        }
        self.each_target("sys/fs/lustre", |search, target| {
            for uuid in UUIDS {
                let path = format!("{target}/{uuid}");
                let nid = search.read(&path).unwrap_or_default();
                search.add(&nids(&nid), &shown(&path), true);
                search.name(&nids(&nid), file_system(target));
                search.name_target(&nids(&nid), served(target));
            }
        });
    }

    fn import(&mut self, path: &str, import: &str, target: &str) {
        for (key, expected) in [("current_connection", true), ("failover_nids", false)] {
            let values = import.lines().filter_map(|line| value(line, key));
            let nids: Vec<_> = values.flat_map(nids).collect();
            self.add(&nids, &format!("{}, {key}", shown(path)), expected);
            self.name(&nids, file_system(target));
            // Who stands by serves nothing now.
            if expected {
                self.name_target(&nids, served(target));
            }
        }
    }

    fn peers(&mut self) {
        for path in ["sys/kernel/debug/lnet/peers", "proc/sys/lnet/peers"] {
            let table = self.read(path).unwrap_or_default();
            let nids: Vec<_> = first_column(&table).collect();
            self.add(&nids, &shown(path), false);
        }
    }

    /// Calls for each `KIND/TARGET` below a folder, in the order of their names.
    fn each_target(&mut self, base: &str, mut each: impl FnMut(&mut Self, &str)) {
        for kind in KINDS {
            let folder = format!("{base}/{kind}");
            for target in self.targets(&folder) {
                each(self, &format!("{folder}/{target}"));
            }
        }
    }

    fn targets(&mut self, folder: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(self.root.join(folder));
        let entries = self.noted(folder, entries).into_iter().flatten();
        let folders = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().is_dir());
        let names = folders.filter_map(|entry| entry.file_name().into_string().ok());
        names.collect()
    }

    fn read(&mut self, path: &str) -> Option<String> {
        let bytes = read_start(&self.root.join(path));
        let bytes = self.noted(path, bytes)?;
        if bytes.len() as u64 == MAX_FILE_LEN {
            self.note(format!("only the first MiB of {} was read", shown(path)));
        }
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Result of reading; a failure is noted, unless the machine lacks the file.
    fn noted<T>(&mut self, path: &str, result: io::Result<T>) -> Option<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let path = if path.starts_with(DEBUGFS) {
                    DEBUGFS
                } else {
                    path
                };
                self.note(format!("only root may read {}", shown(path)));
                None
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.note(format!("cannot read {}: {error}", shown(path)));
                None
            }
            result => result.ok(),
        }
    }

    fn note(&mut self, note: String) {
        self.discovered.notes.insert(note);
    }

    fn add(&mut self, nids: &[&str], source: &str, expected: bool) {
        let mut unused = Vec::new();
        for nid in nids.iter().filter(|nid| !nid.ends_with("@lo")) {
            if self.discovered.servers.len() >= Servers::LIMIT {
                let limit = Servers::LIMIT;
                self.note(format!(
                    "{source}: only the first {limit} servers are taken"
                ));
                return;
            }
            match addresses(nid) {
                Ok(addresses) => addresses
                    .into_iter()
                    .for_each(|address| self.add_server(address, source, expected)),
                Err(error) => unused.push(error),
            }
        }
        if let Some(error) = unused.first() {
            self.note(passed_over(source, error));
        }
    }

    /// Names the file system of servers that were taken.
    fn name(&mut self, nids: &[&str], file_system: Option<&str>) {
        let Some(name) = file_system else {
            return;
        };
        let known = nids.iter().filter_map(|nid| addresses(nid).ok()).flatten();
        let Discovered {
            servers,
            file_systems,
            ..
        } = &mut self.discovered;
        for address in known.filter(|address| servers.contains_key(address)) {
            let names = file_systems.entry(address).or_default();
            names.insert(name.to_owned());
        }
    }

    /// Names the target that servers serve.
    fn name_target(&mut self, nids: &[&str], target: Option<TargetName>) {
        let known = nids.iter().filter_map(|nid| addresses(nid).ok()).flatten();
        let Discovered {
            servers, targets, ..
        } = &mut self.discovered;
        for address in known.filter(|address| servers.contains_key(address)) {
            targets.entry(address).or_default().extend(target);
        }
    }

    fn add_server(&mut self, address: Address, source: &str, expected: bool) {
        if self.discovered.local.contains(&address) {
            return;
        }
        let found = || ServerSource {
            expected,
            source: source.to_owned(),
        };
        let known = self.discovered.servers.entry(address).or_insert_with(found);
        if expected && !known.expected {
            *known = found();
        }
    }
}

fn passed_over(source: &str, error: &ServersError) -> String {
    match error {
        ServersError::NotTcp(nid) => {
            format!(
                "{source}: {} is no TCP NID and is passed over",
                nid.escape_debug()
            )
        }
        ServersError::Unknown(word)
        | ServersError::TooMany(word, _)
        | ServersError::TooManyInAll(word) => {
            format!(
                "{source}: {} is no NID and is passed over",
                word.escape_debug()
            )
        }
    }
}

/// A path as it is on the machine itself, whatever bytes are in it.
fn shown(path: &str) -> String {
    format!("/{}", path.escape_debug())
}

fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_LEN)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The device and the place of a line of `/proc/mounts`, if it is a client's mount.
/// A server's own targets are mounted from a block device.
fn lustre_mount(line: &str) -> Option<(String, String)> {
    let mut fields = line.split(' ').map(unescape);
    let (device, place, kind) = (fields.next()?, fields.next()?, fields.next()?);
    (kind == "lustre" && device.contains('@')).then_some((device, place))
}

/// The name of the file system in a mount's device: `fs` of `10.0.0.4@tcp:/fs/folder`.
fn mounted(device: &str) -> Option<&str> {
    let (_, place) = device.split_once(":/")?;
    place.split('/').next().filter(|name| !name.is_empty())
}

/// The name of the file system in a target's: `fs` of `osc/fs-OST0000-osc-ffff9c1d4b2e8000`.
fn file_system(target: &str) -> Option<&str> {
    let (_, target) = target.rsplit_once('/')?;
    let name = ["-OST", "-MDT"]
        .iter()
        .find_map(|mark| target.split_once(mark));
    name.map(|(name, _)| name).filter(|name| !name.is_empty())
}

/// Target that a folder is of: that of `osc/fs-OST0000-osc-ffff9c1d4b2e8000`, and of `mgc/MGC...`
/// the management server's.
fn served(folder: &str) -> Option<TargetName> {
    let (kind, name) = folder.rsplit_once('/')?;
    TargetName::parse(if kind.ends_with("mgc") { "MGS" } else { name })
}

/// Space, tab, newline, backslash and `#` stand as a backslash and three octal digits.
fn unescape(field: &str) -> String {
    let mut pieces = field.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..3);
        if let Some(code) = code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            plain.push(code.into());
            plain.push_str(&piece[3..]);
        } else {
            plain.push('\\');
            plain.push_str(piece);
        }
    }
    plain
}

/// The NIDs of a mount's device. An address may have colons in it, so that one ends a NID
/// only behind its `@`.
fn mount_nids(device: &str) -> Vec<&str> {
    let mut rest = device.split_once(":/").map_or(device, |(nids, _)| nids);
    let mut nids = Vec::new();
    while !rest.is_empty() {
        let at = rest.find('@').unwrap_or(rest.len());
        let end = rest[at..]
            .find([':', ','])
            .map_or(rest.len(), |end| at + end);
        nids.push(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    nids
}

/// The value of a `key: value` line, if it is that key's.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.trim_start().strip_prefix(key)?.strip_prefix(':')
}

/// The NIDs of a value: one, or a list in brackets; quoted or not; `<none>`.
fn nids(value: &str) -> Vec<&str> {
    value
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '"'))
        .filter(|word| word.contains('@'))
        .collect()
}

/// The NIDs in the first column of a table.
fn first_column(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.contains('@'))
}
