//! Posture: the checks alone, without a capture. They are of each path from a client to a
//! file system, of each file system, of each VM, and of the exports as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use super::model::{PosturePath, PostureReport, PostureSummary};
use super::{ClientReport, EndsReport, FileSystemReport, Standing};
use crate::azure::checks::{self, Access, Check, CheckKind, CheckTimes, Outcome, SeenFacts};
use crate::azure::controls::{self, Control};
use crate::azure::export::ResourceId;
use crate::azure::topology::{Azure, Route, RouteEnd, RouteEnds};
use crate::azure::waivers::{Desk, Waiver, WaiverReport, WaiverState};
use crate::verdict::{Exit, Servers};
use jiff::tz::TimeZone;

/// Version of the JSON's shape. Fields may be added within one.
const SCHEMA_VERSION: u32 = 1;
/// Most paths that are checked; more would not fit into memory for long.
const MAX_PATHS: usize = 50_000;

/// Wishes of whoever asks for a posture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Times that checks are held to.
    pub times: CheckTimes,
    /// Kinds of checks of which only a pass is good enough.
    pub required: BTreeSet<CheckKind>,
    /// Failures that are accepted.
    pub waivers: Vec<Waiver>,
}

impl PostureReport {
    /// Checks the configuration. `servers` names those that no export has.
    #[must_use]
    pub fn new(azure: &Azure, servers: &Servers) -> Self {
        Self::with(azure, servers, &Wishes::default())
    }

    /// As [`new`](Self::new), with wishes.
    #[must_use]
    pub fn with(azure: &Azure, servers: &Servers, wishes: &Wishes) -> Self {
        let survey = Survey::new(azure, servers);
        let mut file_systems = Vec::new();
        let mut accesses = HashMap::new();
        for it in azure.export.file_systems.values() {
            let near = survey.near(&it.id);
            let mut access = checks::of_file_system(azure, it, &near, wishes.times);
            let checks = std::mem::take(&mut access.checks);
            file_systems.push(FileSystemReport::new(it, checks));
            accesses.insert(&it.id, access);
        }
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            summary: PostureSummary::default(),
            paths: paths(azure, &survey, &accesses),
            file_systems,
            clients: survey.clients(),
            checks: checks::of_estate(azure),
            controls: Vec::new(),
            required: wishes
                .required
                .iter()
                .map(|&kind| controls::id(kind))
                .collect(),
            waivers: Vec::new(),
            inventory: azure.export.inventory.clone(),
            warnings: warnings(azure, survey.paths.len()),
        };
        report.require(&wishes.required);
        report.waive(wishes);
        report.controls = report.controls();
        report.summary = PostureSummary::of(&report);
        report
    }

    fn all_checks_mut(&mut self) -> impl Iterator<Item = &mut Check> {
        let paths = self.paths.iter_mut().flat_map(|path| &mut path.causes);
        let file_systems = self.file_systems.iter_mut().flat_map(|it| &mut it.checks);
        let clients = self.clients.iter_mut().flat_map(|it| &mut it.checks);
        paths
            .chain(file_systems)
            .chain(clients)
            .chain(&mut self.checks)
    }

    /// Controls that checks are of.
    fn controls(&self) -> Vec<&'static Control> {
        let kinds: BTreeSet<CheckKind> = self.all_checks().map(|check| check.check).collect();
        let all = controls::all().iter();
        all.filter(|control| kinds.contains(&control.check))
            .collect()
    }

    /// Holds checks to requirements. One that no check answers is open.
    fn require(&mut self, required: &BTreeSet<CheckKind>) {
        let mut unanswered = required.clone();
        for check in self.all_checks_mut() {
            if required.contains(&check.check) {
                unanswered.remove(&check.check);
                check.require();
            }
        }
        let open = unanswered.into_iter().map(Check::unanswered);
        self.checks.extend(open);
    }

    /// Waives what is accepted. Of a path alone, no check can be that others share.
    fn waive(&mut self, wishes: &Wishes) {
        let today = wishes
            .times
            .now
            .map(|now| now.to_zoned(TimeZone::UTC).date());
        let mut desk = Desk::open(&wishes.waivers, today);
        let shared: BTreeSet<usize> = self.paths.iter().filter_map(|it| it.shares_with).collect();
        for (at, path) in self.paths.iter_mut().enumerate() {
            let client = path.ends.client.address.as_deref();
            let server = path.ends.server.address.as_deref();
            let server = server.or(path.ends.file_system_label.as_deref());
            let ends = client.zip(server);
            for check in &mut path.causes {
                let is_others = shared.contains(&at) && check.check.is_shared();
                check.waiver = desk.waive(check, ends.filter(|_| !is_others));
            }
        }
        let file_systems = self.file_systems.iter_mut().flat_map(|it| &mut it.checks);
        let clients = self.clients.iter_mut().flat_map(|it| &mut it.checks);
        for check in file_systems.chain(clients).chain(&mut self.checks) {
            check.waiver = desk.waive(check, None);
        }
        self.waivers = desk.close();
        let told = self.waivers.iter().filter_map(idle);
        self.warnings.extend(told);
    }

    /// All checks, those of paths first. What paths share is listed once.
    pub fn all_checks(&self) -> impl Iterator<Item = &Check> {
        let paths = self.paths.iter().flat_map(|path| &path.causes);
        let file_systems = self.file_systems.iter().flat_map(|it| &it.checks);
        paths
            .chain(file_systems)
            .chain(self.clients.iter().flat_map(|it| &it.checks))
            .chain(&self.checks)
    }

    /// Causes of a path, those that it shares included, in the order in which they decide.
    #[must_use]
    pub fn causes<'r>(&'r self, path: &'r PosturePath) -> Vec<&'r Check> {
        let shared = path.shares_with.and_then(|at| self.paths.get(at));
        let shared = shared.into_iter().flat_map(|other| &other.causes);
        let shared = shared.filter(|check| check.check.is_shared());
        let mut causes: Vec<&Check> = shared.chain(&path.causes).collect();
        causes.sort_by_key(|check| check.check);
        causes
    }

    /// Exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.summary.exit_code
    }
}

/// Sentence on a waiver of a control that waives nothing; `None` for one that does. Waivers of
/// verdicts are for `analyze`.
#[must_use]
pub fn idle(report: &WaiverReport) -> Option<String> {
    let waiver = &report.waiver;
    let control = waiver.control.as_deref()?;
    let of = waiver.resource.as_deref().or(waiver.path.as_deref());
    let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
    let who = format!("the waiver of {control}{of} by {}", waiver.by);
    match report.state {
        WaiverState::Used => None,
        WaiverState::Expired => Some(format!("{who} expired on {}", waiver.until)),
        WaiverState::Ambiguous => Some(format!(
            "{who} waives nothing: several resources have this name, so give the id of one"
        )),
        WaiverState::Unmatched => Some(format!("{who} matches nothing that fails or is open")),
    }
}

impl PostureSummary {
    fn of(report: &PostureReport) -> Self {
        let all = report.all_checks();
        let (waived, counted): (Vec<&Check>, Vec<&Check>) =
            all.partition(|check| check.waiver.is_some());
        let outcomes = || counted.iter().map(|check| check.outcome);
        let count = |wanted| outcomes().filter(|&outcome| outcome == wanted).count();
        // Without a path there is nothing to pass for.
        let open = report.paths.is_empty().then_some(Outcome::Unknown);
        Self {
            fail: count(Outcome::Fail),
            unknown: count(Outcome::Unknown),
            note: count(Outcome::Note),
            pass: count(Outcome::Pass),
            waived: waived.len(),
            exit_code: Exit::of_checks(outcomes().chain(open)).code(),
        }
    }
}

/// Paths between clients and servers, and VMs that are on none.
struct Survey<'a> {
    azure: &'a Azure,
    clients: Vec<RouteEnd<'a>>,
    paths: Vec<RouteEnds<'a>>,
    /// Routes of VMs that are on no path, as far as one of their NICs has one.
    strangers: BTreeMap<&'a ResourceId, Option<Route<'a>>>,
}

impl<'a> Survey<'a> {
    fn new(azure: &'a Azure, servers: &Servers) -> Self {
        let mut survey = Self {
            azure,
            clients: azure.clients().collect(),
            paths: Vec::new(),
            strangers: azure.export.vms.keys().map(|id| (id, None)).collect(),
        };
        let file_systems = azure.export.file_systems.values();
        let known = file_systems.map(|file_system| azure.ends_to(file_system));
        for ends in known.chain(named(azure, servers)) {
            survey.add(&ends);
        }
        survey.strangers = survey.strangers();
        survey
    }

    /// Adds the paths to a server from each client that has a way to it; from an unknown one
    /// where none has, since the server's end is worth checking all the same.
    fn add(&mut self, ends: &RouteEnds<'a>) {
        let mut routes = HashMap::new();
        let before = self.paths.len();
        for client in &self.clients {
            let key = (client.vnet_id, client.subnet_id);
            let route = routes.entry(key);
            let route = route.or_insert_with(|| self.azure.route(client, &ends.server));
            if route.is_path() && self.paths.len() < MAX_PATHS {
                self.paths.push(RouteEnds {
                    client: *client,
                    ..ends.clone()
                });
            } else if let Some(vm) = client.vm {
                let known = self.strangers.entry(&vm.id).or_default();
                if !matches!(known, Some(Route::Unknown(_))) {
                    *known = Some(route.clone());
                }
            }
        }
        if self.paths.len() == before {
            self.paths.push(ends.clone());
        }
    }

    /// VMs that are on no path.
    fn strangers(&mut self) -> BTreeMap<&'a ResourceId, Option<Route<'a>>> {
        let mut all = std::mem::take(&mut self.strangers);
        for vm in self.paths.iter().filter_map(|ends| ends.client.vm) {
            all.remove(&vm.id);
        }
        all
    }

    /// Clients with a way to a file system.
    fn near(&self, file_system: &ResourceId) -> Vec<RouteEnd<'a>> {
        let to = self.paths.iter().filter(|ends| {
            let to = ends.file_system.map(|it| &it.id);
            to == Some(file_system) && ends.client.vnet_id.is_some()
        });
        to.map(|ends| ends.client).collect()
    }

    /// Reports of all VMs, those on paths first.
    fn clients(&self) -> Vec<ClientReport> {
        let azure = self.azure;
        let mut all = ClientReport::all(azure, self.paths.iter().map(|ends| ends.client));
        all.extend(self.strangers.iter().map(|(id, route)| {
            let check = checks::of_stranger(azure, id, route.as_ref());
            let standing = match route {
                Some(Route::None(_)) => Standing::NoPath,
                _ => Standing::Unknown,
            };
            ClientReport::new(id, standing, vec![check])
        }));
        all
    }
}

/// Servers that are named and no file system's; of blocks, any address.
fn named<'a>(azure: &'a Azure, servers: &Servers) -> Vec<RouteEnds<'a>> {
    let one = servers.named();
    let one = one.map(|(address, _)| azure.ends(None, address.into()));
    let any = servers.blocks().map(|(block, _)| {
        let mut ends = azure.ends(None, block.network());
        ends.server.address = None;
        ends
    });
    let all = one.chain(any);
    all.filter(|ends| ends.file_system.is_none()).collect()
}

/// Networks of a path. Paths between the same ones share what does not depend on the client.
type Networks<'a> = (
    Option<&'a ResourceId>,
    Option<std::net::IpAddr>,
    Option<&'a ResourceId>,
    Option<&'a ResourceId>,
    Option<&'a ResourceId>,
);

fn networks<'a>(ends: &RouteEnds<'a>) -> Networks<'a> {
    (
        ends.file_system.map(|it| &it.id),
        ends.server.address,
        ends.server.vnet_id,
        ends.client.vnet_id,
        ends.client.subnet_id,
    )
}

fn paths(
    azure: &Azure,
    survey: &Survey<'_>,
    accesses: &HashMap<&ResourceId, Access<'_>>,
) -> Vec<PosturePath> {
    let mut listed = HashMap::new();
    let mut paths: Vec<PosturePath> = Vec::with_capacity(survey.paths.len());
    for ends in &survey.paths {
        let at = paths.len();
        let first = *listed.entry(networks(ends)).or_insert(at);
        let causes = if first == at {
            checks::of_path(azure, ends, &SeenFacts::default())
        } else {
            checks::of_ends(azure, ends, &SeenFacts::default())
        };
        let shared = paths.get(first).map_or(&[][..], |path| &path.causes);
        let shared = shared.iter().filter(|check| check.check.is_shared());
        let access = ends.file_system.and_then(|it| accesses.get(&it.id));
        let by_rule = access.and_then(|access| access.blocks(&ends.client));
        let mut all = causes.iter().chain(shared);
        let blocked = all.find(|check| check.is_blocking());
        let blocked = blocked.map(|check| &check.says[..]).or(by_rule);
        paths.push(PosturePath {
            ends: EndsReport::of(azure, ends),
            blocked: blocked.map(str::to_owned),
            shares_with: (first < at).then_some(first),
            causes,
        });
    }
    paths
}

/// Sentences on what was passed over, the paths beyond the limit included.
fn warnings(azure: &Azure, paths: usize) -> Vec<String> {
    let mut warnings = azure.export.warnings.clone();
    if paths >= MAX_PATHS {
        warnings.push(format!(
            "only the first {MAX_PATHS} paths are checked: split the exports"
        ));
    }
    warnings
}
