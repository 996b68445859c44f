//! Reads exports: files and folders of JSON as `az ... -o json` prints it.
//!
//! ARM's shape, with `properties`, and az's, without, are the same here, keys may be in
//! any case, and a file may hold one resource, a list, or ARM's list with `value`. What
//! cannot be read is counted, never fatal, as long as a path that was named holds any JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserializer;
use serde_json::Value;

use crate::input::discovery::DiscoveryError;
use crate::input::{InputPath, OpenError, discover};

mod compute;
mod file_system;
mod items;
mod kind;
mod network;
mod node;
mod resource;
mod security;

pub use compute::{AttachedDisk, Disk, VirtualMachine};
pub use file_system::FileSystem;
pub use network::{FlowLog, IpConfiguration, Nic, Peering, Subnet, VirtualNetwork};
pub(crate) use node::net;
pub use resource::{ResourceId, Setting};
pub use security::{Rule, SecurityGroup, Side};

use kind::Kind;
use node::{Node, merge, normalized};

/// The largest file that is read. An export of a thousand VMs has a few MiB.
pub const MAX_LEN: u64 = 64 << 20;
/// As many differences between exports are told, of what may be two exports of all.
const DIFFERENCES: usize = 5;
/// As many reasons to pass over JSON are told apart in a file.
const REASONS: usize = 20;

/// Why there is nothing to read from a path.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be found, opened or read.
    #[error(transparent)]
    Unreadable(OpenError),
    /// Nothing in it is JSON.
    #[error("{} holds no JSON that can be read: {why}", path.display())]
    NoJson {
        /// The path, as named.
        path: PathBuf,
        /// What is wrong with it, or with the first of its files.
        why: String,
    },
}

/// All that the exports say, each resource once.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// VNets.
    pub vnets: BTreeMap<ResourceId, VirtualNetwork>,
    /// Peerings, also those that VNets list.
    pub peerings: BTreeMap<ResourceId, Peering>,
    /// NICs.
    pub nics: BTreeMap<ResourceId, Nic>,
    /// VMs.
    pub vms: BTreeMap<ResourceId, VirtualMachine>,
    /// NSGs.
    pub nsgs: BTreeMap<ResourceId, SecurityGroup>,
    /// AMLFS file systems.
    pub file_systems: BTreeMap<ResourceId, FileSystem>,
    /// Managed disks.
    pub disks: BTreeMap<ResourceId, Disk>,
    /// Flow log resources.
    pub flow_logs: BTreeMap<ResourceId, FlowLog>,
    /// What was passed over, and what differs between exports: sentences.
    pub warnings: Vec<String>,
}

impl Export {
    /// Reads files, and folders with all their folders.
    ///
    /// # Errors
    /// A path that cannot be read, or that holds nothing readable as JSON.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ExportError> {
        let mut files = discover(paths).map_err(|error| match error {
            DiscoveryError::NoFiles { path } => ExportError::NoJson {
                path,
                why: "it has no files".to_owned(),
            },
            error => ExportError::Unreadable(error.into()),
        })?;
        // Of two exports of a resource the one that was named first counts.
        let named = |file: &InputPath| {
            let path = file.found_in.as_ref().unwrap_or(&file.path);
            paths.iter().position(|named| named == path)
        };
        files.sort_by_cached_key(|file| (named(file), file.path.clone()));
        let mut reading = Reading::default();
        for file in &files {
            reading.add_file(file);
        }
        reading.check(&files)?;
        Ok(reading.finish())
    }

    /// What JSON of one file says; `name` stands for the file in warnings.
    #[must_use]
    pub fn of(name: &str, json: Value) -> Self {
        let mut reading = Reading::default();
        // What is JSON already has no errors.
        reading.add(name, Found::of(json).unwrap_or_default());
        reading.finish()
    }
}

/// Exports while they are read.
#[derive(Default)]
struct Reading {
    resources: BTreeMap<(Kind, ResourceId), Value>,
    /// Where each was first found.
    places: BTreeMap<ResourceId, String>,
    /// Files that are not JSON, and why.
    broken: BTreeMap<PathBuf, String>,
    /// What else is no resource, by file and reason, and how much of it.
    passed: BTreeMap<(String, String), u64>,
    differing: BTreeSet<String>,
    more_differing: u64,
}

/// What a file holds, until it is read to its end.
#[derive(Default)]
struct Found {
    resources: Vec<(Kind, ResourceId, Value)>,
    passed: BTreeMap<String, u64>,
}

impl Found {
    fn of<'de, D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        let mut found = Self::default();
        items::each(json, &mut |item| found.add(normalized(item)))?;
        Ok(found)
    }

    /// Adds a resource, and the peerings that a VNet lists.
    fn add(&mut self, resource: Value) {
        match Kind::of(Node(&resource)) {
            Ok((kind, id)) => {
                if kind == Kind::VirtualNetwork {
                    let peerings = Node(&resource).list("virtualNetworkPeerings");
                    peerings.for_each(|peering| self.add(peering.0.clone()));
                }
                self.resources.push((kind, id, resource));
            }
            Err(why) => self.pass(why),
        }
    }

    fn pass(&mut self, why: String) {
        let is_told = self.passed.len() < REASONS || self.passed.contains_key(&why);
        let why = if is_told {
            why
        } else {
            "other JSON".to_owned()
        };
        *self.passed.entry(why).or_default() += 1;
    }
}

impl Reading {
    fn add_file(&mut self, file: &InputPath) {
        let read = text_of(&file.path).and_then(|text| {
            let mut json = serde_json::Deserializer::from_str(&text);
            let found = Found::of(&mut json).and_then(|found| json.end().map(|()| found));
            found.map_err(|error| format!("not JSON: {error}"))
        });
        match read {
            Ok(found) => self.add(&file.to_string(), found),
            Err(why) => drop(self.broken.insert(file.path.clone(), why)),
        }
    }

    fn add(&mut self, name: &str, found: Found) {
        for (kind, id, resource) in found.resources {
            self.add_resource(name, kind, id, resource);
        }
        for (why, count) in found.passed {
            *self.passed.entry((name.to_owned(), why)).or_default() += count;
        }
    }

    fn add_resource(&mut self, name: &str, kind: Kind, id: ResourceId, resource: Value) {
        let place = self
            .places
            .entry(id.clone())
            .or_insert_with(|| name.to_owned());
        let shown = format!("{} in resource group {}", id.name(), id.resource_group());
        let known = self.resources.entry((kind, id)).or_default();
        if let Some(path) = merge(known, resource) {
            let says = format!(
                "{name}: {shown} differs in {path} from what {place} says, which is used here"
            );
            self.differ(says);
        }
    }

    fn differ(&mut self, says: String) {
        if self.differing.len() < DIFFERENCES {
            self.differing.insert(says);
        } else if !self.differing.contains(&says) {
            self.more_differing += 1;
        }
    }

    /// Whether every path that was named holds some JSON.
    fn check(&self, files: &[InputPath]) -> Result<(), ExportError> {
        let named = |file: &InputPath| file.found_in.clone().unwrap_or_else(|| file.path.clone());
        let read: BTreeSet<PathBuf> = files
            .iter()
            .filter(|file| !self.broken.contains_key(&file.path))
            .map(named)
            .collect();
        let empty = files.iter().find(|file| !read.contains(&named(file)));
        empty.map_or(Ok(()), |file| {
            let why = self.broken.get(&file.path).cloned().unwrap_or_default();
            Err(ExportError::NoJson {
                path: named(file),
                why,
            })
        })
    }

    fn finish(self) -> Export {
        let mut export = Export {
            warnings: self.warnings(),
            ..Export::default()
        };
        for ((kind, id), value) in &self.resources {
            export.add(*kind, id.clone(), Node(value));
        }
        export
    }

    fn warnings(&self) -> Vec<String> {
        let broken = self.broken.iter();
        let broken = broken.map(|(path, why)| format!("{}: passed over: {why}", path.display()));
        let passed = self.passed.iter().map(|((name, why), count)| match count {
            1 => format!("{name}: passed over: {why}"),
            _ => format!("{name}: {count} passed over: {why}"),
        });
        let differing = self.differing.iter().cloned();
        let more = (self.more_differing > 0).then(|| {
            let more = self.more_differing;
            format!("and {more} more resources or files that differ: are the exports of one time?")
        });
        let all = broken.chain(passed).chain(differing);
        all.chain(more).collect()
    }
}

impl Export {
    fn add(&mut self, kind: Kind, id: ResourceId, node: Node<'_>) {
        let key = id.clone();
        match kind {
            Kind::VirtualNetwork => drop(self.vnets.insert(key, VirtualNetwork::of(id, node))),
            Kind::Peering => drop(self.peerings.insert(key, Peering::of(id, node))),
            Kind::Nic => drop(self.nics.insert(key, Nic::of(id, node))),
            Kind::VirtualMachine => drop(self.vms.insert(key, VirtualMachine::of(id, node))),
            Kind::SecurityGroup => drop(self.nsgs.insert(key, SecurityGroup::of(id, node))),
            Kind::FileSystem => drop(self.file_systems.insert(key, FileSystem::of(id, node))),
            Kind::Disk => drop(self.disks.insert(key, Disk::of(id, node))),
            Kind::FlowLog => drop(self.flow_logs.insert(key, FlowLog::of(id, node))),
        }
    }
}

/// The text of a file, or why there is none.
fn text_of(path: &Path) -> Result<String, String> {
    let bytes = bytes(path).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(format!("larger than {} MiB", MAX_LEN >> 20));
    }
    text(bytes).ok_or_else(|| "not JSON: neither UTF-8 nor UTF-16".to_owned())
}

/// A file's bytes; one more than the limit where there are more.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?
            .take(MAX_LEN + 1)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Text in UTF-8, with or without a byte order mark, or in UTF-16 with one, as
/// `PowerShell` redirects it.
fn text(mut bytes: Vec<u8>) -> Option<String> {
    let utf16 = |bytes: &[u8], number: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks();
        let units = pairs.iter().map(|&pair| number(pair));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        rest.is_empty().then(|| text.ok())?
    };
    match &bytes[..] {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, ..] => String::from_utf8(bytes.split_off(3)).ok(),
        _ => String::from_utf8(bytes).ok(),
    }
}
