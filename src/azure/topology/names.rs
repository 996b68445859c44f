//! Names of resources, told apart where several have the same.

use std::collections::HashMap;

use super::{Export, ResourceId};

/// Names in use, by kind and name in lower case, with the number of resources that have each.
#[derive(Debug, Default)]
pub(super) struct ResourceNames(HashMap<(u64, String), u32>);

impl ResourceNames {
    pub(super) fn new(export: &Export) -> Self {
        let mut names = Self::default();
        let subnets = export.vnets.values().flat_map(|vnet| &vnet.subnets);
        subnets.for_each(|subnet| names.add(&subnet.id));
        export.vnets.keys().for_each(|id| names.add(id));
        export.peerings.keys().for_each(|id| names.add(id));
        // The model of a scale set stands for its VM and for its NIC.
        let nics = export.nics.keys().filter(|id| !export.vms.contains_key(id));
        nics.for_each(|id| names.add(id));
        export.vms.keys().for_each(|id| names.add(id));
        export.nsgs.keys().for_each(|id| names.add(id));
        export.file_systems.keys().for_each(|id| names.add(id));
        export.disks.keys().for_each(|id| names.add(id));
        export.snapshots.keys().for_each(|id| names.add(id));
        export.flow_logs.keys().for_each(|id| names.add(id));
        export.vaults.keys().for_each(|id| names.add(id));
        names.add_services(export);
        names
    }

    fn add_services(&mut self, export: &Export) {
        let sets = export.scale_sets.keys();
        let sets = sets.filter(|id| !export.vms.contains_key(id));
        sets.for_each(|id| self.add(id));
        export.private_links.keys().for_each(|id| self.add(id));
        export.dns_resolvers.keys().for_each(|id| self.add(id));
        export.load_balancers.keys().for_each(|id| self.add(id));
        export.clusters.keys().for_each(|id| self.add(id));
        export.features.keys().for_each(|id| self.add(id));
        let sets = export.disk_encryption_sets.keys();
        sets.for_each(|id| self.add(id));
        export.roles.iter().for_each(|role| self.add(&role.id));
    }

    fn add(&mut self, id: &ResourceId) {
        *self.0.entry(entry(id)).or_default() += 1;
    }

    /// Name of a resource; where several of its kind have it, with those of what encloses
    /// it, its group and its subscription.
    pub(super) fn label(&self, id: &ResourceId) -> String {
        let is_shared = self.0.get(&entry(id)).is_some_and(|&count| count > 1);
        if !is_shared {
            return id.name().to_owned();
        }
        format!(
            "{} ({}, {})",
            chain(id),
            id.resource_group(),
            id.subscription()
        )
    }
}

/// Kind, as the length of its name, and name of a resource. Kinds of the same length are
/// taken for one, which only tells more apart.
fn entry(id: &ResourceId) -> (u64, String) {
    let mut segments = id.key().rsplit('/');
    let name = segments.next().unwrap_or_default();
    let kind = segments.next().unwrap_or_default();
    (kind.len() as u64, name.to_owned())
}

/// Names of a resource and of those that enclose it, as in `VNET/SUBNET`.
fn chain(id: &ResourceId) -> String {
    let types = id.as_str().rsplit("/providers/").next().unwrap_or_default();
    let names: Vec<&str> = types.split('/').skip(2).step_by(2).collect();
    names.join("/")
}
