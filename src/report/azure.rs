//! Checks of Azure's configuration on paths, file systems and clients, for a report.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::model::PlaceReport;
use super::{
    ClientReport, EndsReport, FileSystemReport, PathReport, Report, ServerReport, ServesReport,
    Standing, Warning,
};
use crate::azure::checks::{self, Check, CheckTimes, FragmentsSeen, SeenFacts};
use crate::azure::export::{FileSystem, ResourceId};
use crate::azure::topology::{Azure, RouteEnd, RouteEnds};
use crate::decode::Address;
use crate::flow::Reason;
use crate::verdict::{self, Servers};

impl ServerReport {
    /// All that were named.
    pub(crate) fn all(servers: &Servers) -> Vec<Self> {
        let named = servers.named().map(|(address, source)| Self {
            address: address.to_string(),
            expected: true,
            source: source.to_owned(),
            serves: ServesReport::of(servers, Some(address)),
        });
        let blocks = servers.blocks().map(|(block, source)| Self {
            address: block.to_string(),
            expected: false,
            source: source.to_owned(),
            // A block of one address is a server too: one that stands by.
            serves: ServesReport::of(servers, only_host(block)),
        });
        named.chain(blocks).collect()
    }
}

/// The address of a block that has one.
fn only_host(block: IpNet) -> Option<Address> {
    let is_host = block.prefix_len() == block.max_prefix_len();
    is_host.then(|| block.addr().into())
}

impl ServesReport {
    /// Data that an address serves; none where it is not known.
    pub(super) fn of(servers: &Servers, address: Option<Address>) -> Self {
        let Some(address) = address else {
            return Self::default();
        };
        let file_systems = servers.file_systems(address).map(str::to_owned);
        let targets = servers.targets(address).map(|target| target.to_string());
        Self {
            file_systems: file_systems.collect(),
            targets: targets.collect(),
        }
    }
}

impl PlaceReport {
    fn of(azure: &Azure, place: &RouteEnd<'_>, rivals: &[&ResourceId]) -> Self {
        Self {
            address: place.address.map(|address| address.to_string()),
            nic: place.nic.map(|nic| nic.id.to_string()),
            vm: place.vm.map(|vm| vm.id.to_string()),
            virtual_network: place.vnet_id.map(ToString::to_string),
            found_by: place.found_by,
            candidates: rivals.iter().map(ToString::to_string).collect(),
            vm_label: place.vm.map(|vm| azure.label(&vm.id)),
        }
    }
}

impl EndsReport {
    pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>) -> Self {
        Self {
            client: PlaceReport::of(azure, &ends.client, &ends.client_rivals),
            server: PlaceReport::of(azure, &ends.server, &ends.server_rivals),
            file_system: ends.file_system.map(|it| it.id.to_string()),
            file_system_label: ends.file_system.map(|it| azure.label(&it.id)),
        }
    }
}

impl FileSystemReport {
    pub(super) fn new(file_system: &FileSystem, checks: Vec<Check>) -> Self {
        Self {
            name: file_system.id.name().to_owned(),
            id: file_system.id.to_string(),
            mgs_address: file_system.mgs.map(|address| address.to_string()),
            checks,
        }
    }
}

impl ClientReport {
    /// A report for each VM among places of clients.
    pub(super) fn all<'a>(
        azure: &Azure,
        places: impl IntoIterator<Item = RouteEnd<'a>>,
    ) -> Vec<Self> {
        let vms = places
            .into_iter()
            .filter_map(|place| Some((&place.vm?.id, place)));
        let vms: BTreeMap<&ResourceId, RouteEnd<'_>> = vms.collect();
        let checks = |place| checks::of_client(azure, place);
        vms.iter()
            .map(|(id, place)| Self::new(id, Standing::OnPath, checks(place)))
            .collect()
    }

    pub(super) fn new(id: &ResourceId, standing: Standing, checks: Vec<Check>) -> Self {
        Self {
            name: id.name().to_owned(),
            id: id.to_string(),
            standing,
            checks,
        }
    }
}

/// Ends of paths in Azure's configuration, as far as they were explained.
pub(super) struct Explained<'a> {
    azure: &'a Azure,
    clients: Vec<RouteEnd<'a>>,
    /// File systems, each with the clients of its paths.
    file_systems: BTreeMap<&'a ResourceId, (&'a FileSystem, Vec<RouteEnd<'a>>)>,
}

impl<'a> Explained<'a> {
    /// Explanations of no path yet.
    pub(super) fn of(azure: &'a Azure) -> Self {
        Self {
            azure,
            clients: Vec::new(),
            file_systems: BTreeMap::new(),
        }
    }

    /// Adds the checks of the configuration to a path.
    pub(super) fn path(&mut self, path: &verdict::Path<'_>, report: &mut PathReport) {
        let verdict::Ends::Seen { client, server } = path.ends else {
            return;
        };
        let azure = self.azure;
        let ends = azure.ends(IpAddr::from(client), server.into());
        report.causes = checks::of_path(azure, &ends, &seen(path));
        report.azure = Some(Box::new(EndsReport::of(azure, &ends)));
        self.clients.push(ends.client);
        if let Some(it) = ends.file_system {
            let known = self.file_systems.entry(&it.id);
            known.or_insert((it, Vec::new())).1.push(ends.client);
        }
    }

    /// Adds the checks of file systems and clients to the report.
    pub(super) fn finish(self, to: &mut Report) {
        let Self {
            azure,
            clients,
            file_systems,
        } = self;
        let file_systems = file_systems.into_values();
        let report = |(it, clients): (_, Vec<_>)| {
            let checks = checks::of_file_system(azure, it, &clients, CheckTimes::default()).checks;
            FileSystemReport::new(it, checks)
        };
        to.file_systems = file_systems.map(report).collect();
        to.clients = ClientReport::all(azure, clients);
        to.exports.clone_from(&azure.export.inventory.files);
        let told = azure.export.warnings.iter().cloned();
        to.warnings.extend(told.map(Warning::from));
    }
}

fn seen(path: &verdict::Path) -> SeenFacts {
    let states = path.platform.iter().flat_map(|it| it.states.keys());
    SeenFacts {
        fragments: fragments(path),
        states: states.copied().collect(),
    }
}

/// Fragments whose first was captured count with it, and are not told apart from it.
fn fragments(path: &verdict::Path) -> FragmentsSeen {
    let unread = path.parts.iter().filter_map(|part| part.key?.unread);
    if path.parts.is_empty() {
        FragmentsSeen::NoCapture
    } else if unread.into_iter().any(|reason| reason == Reason::ORPHAN) {
        FragmentsSeen::Seen
    } else {
        FragmentsSeen::NoneAlone
    }
}
