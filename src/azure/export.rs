//! Exports: files and folders of JSON as `az ... -o json` prints it.
//!
//! ARM's shape, with `properties`, and az's, without, are the same here, keys may be in
//! any case, and a file may hold one resource, a list, ARM's list with `value`, the `data`
//! of Azure Resource Graph, or several of these in a row. What cannot be read is counted,
//! never fatal, as long as a path that was named holds any JSON.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::input::discovery::DiscoveryError;
use crate::input::name::FileName;
use crate::input::{InputPath, OpenError, discover};

mod bytes;
mod compute;
mod file_system;
mod inventory;
mod items;
mod keys;
mod kind;
mod network;
mod node;
mod normal;
mod reading;
mod resource;
mod security;
mod services;

pub use bytes::MAX_LEN;
pub use compute::{Ade, AttachedDisk, Disk, ScaleSet, VirtualMachine};
pub use file_system::FileSystem;
pub use inventory::{ExportTime, FileReport, IgnoredReport, Inventory, KindReport};
pub use keys::{DiskEncryptionSet, KeyName, RoleAssignment, Vault, VaultKey, VaultKeys};
pub use network::{FlowLogResource, IpConfiguration, Nic, Peering, Subnet, VirtualNetwork};
pub(crate) use node::net;
pub use resource::{ResourceId, Setting};
pub use security::{SecurityGroup, SecurityRule, Side};
pub use services::{DnsResolver, Feature, LoadBalancer, ManagedCluster, PrivateLinkService};

use kind::ResourceKind;
use node::JsonNode;
use reading::{ExportReading, Origins};

/// Reason why a path gives no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be found, opened or read.
    #[error(transparent)]
    Unreadable(OpenError),
    /// Nothing in it is JSON.
    #[error("{} holds no JSON that can be read: {why}", FileName(path))]
    NoJson {
        /// The path, as named.
        path: PathBuf,
        /// Fault of it, or of the first of its files.
        why: String,
    },
}

/// All resources of the exports, each once.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// VNets.
    pub vnets: BTreeMap<ResourceId, VirtualNetwork>,
    /// Peerings, also those that VNets list.
    pub peerings: BTreeMap<ResourceId, Peering>,
    /// NICs.
    pub nics: BTreeMap<ResourceId, Nic>,
    /// VMs, and models of scale sets whose instances were not exported.
    pub vms: BTreeMap<ResourceId, VirtualMachine>,
    /// Models of scale sets.
    pub scale_sets: BTreeMap<ResourceId, ScaleSet>,
    /// NSGs.
    pub nsgs: BTreeMap<ResourceId, SecurityGroup>,
    /// AMLFS file systems.
    pub file_systems: BTreeMap<ResourceId, FileSystem>,
    /// Managed disks.
    pub disks: BTreeMap<ResourceId, Disk>,
    /// Snapshots of disks.
    pub snapshots: BTreeMap<ResourceId, Disk>,
    /// Disk encryption sets.
    pub disk_encryption_sets: BTreeMap<ResourceId, DiskEncryptionSet>,
    /// Flow log resources.
    pub flow_logs: BTreeMap<ResourceId, FlowLogResource>,
    /// Private Link services.
    pub private_links: BTreeMap<ResourceId, PrivateLinkService>,
    /// DNS Private Resolvers.
    pub dns_resolvers: BTreeMap<ResourceId, DnsResolver>,
    /// Load balancers.
    pub load_balancers: BTreeMap<ResourceId, LoadBalancer>,
    /// AKS clusters.
    pub clusters: BTreeMap<ResourceId, ManagedCluster>,
    /// Preview features of `Microsoft.Network`.
    pub features: BTreeMap<ResourceId, Feature>,
    /// Key Vaults.
    pub vaults: BTreeMap<ResourceId, Vault>,
    /// Keys of Key Vaults.
    pub keys: VaultKeys,
    /// Role assignments.
    pub roles: Vec<RoleAssignment>,
    /// Files that were read, and what they held.
    pub inventory: Inventory,
    /// Sentences on what was passed over, and on what differs between exports.
    pub warnings: Vec<String>,
    origins: Origins,
}

impl Export {
    /// Reads files, and folders with all their folders.
    ///
    /// # Errors
    /// A path that cannot be read, or that holds nothing readable as JSON.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ExportError> {
        Self::read_with(paths, &mut Vec::new())
    }

    /// Reads files and folders, and those of some other files that hold resources, which it takes
    /// out of these.
    ///
    /// # Errors
    /// A path that cannot be read, or that holds nothing readable as JSON.
    pub fn read_with(paths: &[PathBuf], others: &mut Vec<InputPath>) -> Result<Self, ExportError> {
        let mut files = discover(paths).map_err(|error| match error {
            DiscoveryError::NoFiles { path } => ExportError::NoJson {
                path,
                why: "it has no files".to_owned(),
            },
            error @ DiscoveryError::Unreadable { .. } => ExportError::Unreadable(error.into()),
        })?;
        // Of two exports of a resource the one that was named first counts.
        let named = |file: &InputPath| {
            let path = file.found_in.as_ref().unwrap_or(&file.path);
            paths.iter().position(|named| named == path)
        };
        files.sort_by_cached_key(|file| (named(file), file.path.clone()));
        let mut reading = ExportReading::default();
        for file in &files {
            reading.add_file(file);
        }
        reading.check(&files)?;
        let named: HashSet<_> = files.iter().map(InputPath::canonical).collect();
        others.retain(|file| !named.contains(&file.canonical()) && !reading.takes_file(file));
        Ok(reading.finish())
    }

    /// Reads the JSON of one file; `name` stands for the file in warnings.
    #[must_use]
    pub fn of(name: &str, json: Value) -> Self {
        let mut reading = ExportReading::default();
        reading.add_value(name, json);
        reading.finish()
    }

    /// Name of the file that a field of a resource stood in, or of a resource that it is part
    /// of.
    #[must_use]
    pub fn file_of(&self, id: &ResourceId, path: &str) -> Option<&str> {
        self.file_at(self.origins.file_of(id, path)?)
    }

    /// Name of the file that a field of a key stood in.
    #[must_use]
    pub fn file_of_key(&self, key: &VaultKey, path: &str) -> Option<&str> {
        self.file_at(key.file_of(path)?)
    }

    fn file_at(&self, place: u32) -> Option<&str> {
        let file = self.inventory.files.get(place as usize)?;
        Some(&file.name)
    }

    /// Tells if lists of the exports end before their last page.
    #[must_use]
    pub fn is_paged(&self) -> bool {
        self.inventory.files.iter().any(|file| file.is_page)
    }

    fn add(&mut self, kind: ResourceKind, id: ResourceId, node: JsonNode<'_>) {
        let key = id.clone();
        match kind {
            ResourceKind::VirtualNetwork => {
                drop(self.vnets.insert(key, VirtualNetwork::of(id, node)));
            }
            ResourceKind::Peering => drop(self.peerings.insert(key, Peering::of(id, node))),
            ResourceKind::Nic => drop(self.nics.insert(key, Nic::of(id, node))),
            ResourceKind::VirtualMachine => {
                drop(self.vms.insert(key, VirtualMachine::of(id, node)));
            }
            ResourceKind::ScaleSet => drop(self.scale_sets.insert(key, ScaleSet::of(id, node))),
            ResourceKind::SecurityGroup => drop(self.nsgs.insert(key, SecurityGroup::of(id, node))),
            ResourceKind::FileSystem => {
                drop(self.file_systems.insert(key, FileSystem::of(id, node)));
            }
            ResourceKind::Disk => drop(self.disks.insert(key, Disk::of(id, node))),
            ResourceKind::Snapshot => drop(self.snapshots.insert(key, Disk::of(id, node))),
            ResourceKind::FlowLog => {
                drop(self.flow_logs.insert(key, FlowLogResource::of(id, node)));
            }
            other => self.add_other(other, id, node),
        }
    }

    /// Adds a service in a VNet, or one that holds keys.
    fn add_other(&mut self, kind: ResourceKind, id: ResourceId, node: JsonNode<'_>) {
        let key = id.clone();
        match kind {
            ResourceKind::PrivateLinkService => {
                let service = PrivateLinkService::of(id, node);
                self.private_links.insert(key, service);
            }
            ResourceKind::DnsResolver => {
                drop(self.dns_resolvers.insert(key, DnsResolver::of(id, node)));
            }
            ResourceKind::LoadBalancer => {
                drop(self.load_balancers.insert(key, LoadBalancer::of(id, node)));
            }
            ResourceKind::ManagedCluster => {
                drop(self.clusters.insert(key, ManagedCluster::of(id, node)));
            }
            ResourceKind::Feature => drop(self.features.insert(key, Feature::of(id, node))),
            ResourceKind::Vault => drop(self.vaults.insert(key, Vault::of(id, node))),
            ResourceKind::DiskEncryptionSet => {
                let set = DiskEncryptionSet::of(id, node);
                self.disk_encryption_sets.insert(key, set);
            }
            ResourceKind::RoleAssignment => self.roles.push(RoleAssignment::of(id, node)),
            _ => {}
        }
    }

    /// Lets the model of each scale set stand for its instances, where none was exported.
    fn add_models(&mut self) {
        let instances = self.vms.values().filter_map(|vm| vm.scale_set.clone());
        let nics = self.nics.keys().filter_map(scale_set_of);
        let known: BTreeSet<ResourceId> = instances.chain(nics).collect();
        for (id, set) in &self.scale_sets {
            if !known.contains(id) {
                self.vms.insert(id.clone(), set.instance.clone());
                let nic = set.nics.first().cloned();
                self.nics.extend(nic.map(|nic| (id.clone(), nic)));
            }
        }
    }
}

/// The scale set that a NIC's id lies within.
fn scale_set_of(nic: &ResourceId) -> Option<ResourceId> {
    nic.segment("virtualmachinescalesets")?;
    nic.parent("virtualmachines")
}
