//! Checks of the configuration: every known cause of plaintext, and what auditors ask for
//! beside it. Each has an outcome, the field that decides it, and a command that mends it.
//!
//! No check makes a verdict: where both ends are as they should be, traffic can be in
//! plaintext all the same.

use std::collections::BTreeSet;

use super::export::{FileSystem, ResourceId, Setting};
use super::topology::{Azure, Route, RouteEnd, RouteEnds};
use crate::flow_log::State;

mod access;
mod ade;
mod at_rest;
mod disks;
mod encryption;
mod estate;
mod flow_log;
mod host;
mod hub;
mod keys;
mod kind;
mod peering;
mod remedy;
mod server;
mod vm;
mod vnet;
mod volatile;

pub use access::Access;
pub use kind::CheckKind;

/// Outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// This is a cause of plaintext, blocks traffic, or lacks what auditors ask for.
    Fail,
    /// These exports cannot tell; others could.
    Unknown,
    /// No export can ever tell, or nothing is asked: worth knowing, and no open check.
    Note,
    /// This is as it should be.
    Pass,
}

impl Outcome {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Unknown, Self::Note, Self::Pass];

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Note => "note",
            Self::Pass => "pass",
        }
    }
}

/// Consequence of a failure for the traffic of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It passes in plaintext.
    Plaintext,
    /// It does not pass.
    Blocked,
}

/// The field that decided a check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Name of the resource, with its group and subscription where another has the same.
    pub resource: String,
    /// Its id; `null` for a flow log, which is none.
    pub id: Option<String>,
    /// Path of the field as az prints it.
    pub path: String,
    /// Its value; `null` where it is absent.
    pub value: Option<String>,
    /// Name of the file that it stood in; `null` where it is no export's.
    pub file: Option<String>,
}

impl Field {
    fn of(azure: &Azure, id: &ResourceId, setting: &Setting) -> Self {
        Self::at(azure, id, setting.path, setting.value.clone())
    }

    fn at(azure: &Azure, id: &ResourceId, path: impl Into<String>, value: Option<String>) -> Self {
        let path = path.into();
        Self {
            resource: azure.label(id),
            id: Some(id.to_string()),
            file: azure.export.file_of(id, &path).map(str::to_owned),
            path,
            value,
        }
    }

    /// The encryption field of a flow log's tuples.
    fn logged(state: State) -> Self {
        Self {
            resource: "flow log".to_owned(),
            id: None,
            path: "encryption".to_owned(),
            value: Some(state.name().to_owned()),
            file: None,
        }
    }
}

/// A check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Check {
    /// Its outcome.
    pub outcome: Outcome,
    /// Its kind.
    pub check: CheckKind,
    /// The same in a sentence.
    pub says: String,
    /// Consequence of a failure for a path's traffic; `null` where it has none.
    pub effect: Option<Effect>,
    /// The field that decided, where there is one.
    pub field: Option<Field>,
    /// A command that mends it, where there is one.
    pub remedy: Option<String>,
    /// Place of the waiver that accepts it, among those of the report; `null` for none.
    pub waiver: Option<usize>,
}

impl Check {
    fn new(check: CheckKind, outcome: Outcome, says: impl Into<String>) -> Self {
        let is_cause = outcome == Outcome::Fail && check.is_of_path();
        Self {
            outcome,
            check,
            says: says.into(),
            effect: is_cause.then_some(Effect::Plaintext),
            field: None,
            remedy: None,
            waiver: None,
        }
    }

    fn field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// Sets the consequence of a failure.
    fn blocks(mut self) -> Self {
        self.effect = (self.outcome == Outcome::Fail).then_some(Effect::Blocked);
        self
    }

    /// Sets the remedy, if there is one.
    fn remedy(mut self, command: Option<String>) -> Self {
        self.remedy = command;
        self
    }

    /// Holds it to a requirement: only a pass is good enough, and of a file system's key only
    /// the customer's. What the exports cannot tell stays open.
    pub fn require(&mut self) {
        let is_microsofts = |field: &Field| field.value.is_none();
        let is_weak = self.check == CheckKind::FileSystemKey
            && self.field.as_ref().is_some_and(is_microsofts);
        match self.outcome {
            Outcome::Pass if !is_weak => return,
            Outcome::Unknown => {}
            _ => self.outcome = Outcome::Fail,
        }
        self.says += "; it is required (--require)";
    }

    /// Answer to a requirement of a kind that nothing of the exports was checked for. Those
    /// that lack a resource must not pass for it.
    #[must_use]
    pub fn unanswered(kind: CheckKind) -> Self {
        let says = format!(
            "Nothing in the exports was checked for \"{}\"; it is required (--require)",
            kind.title()
        );
        Self::new(kind, Outcome::Unknown, says)
    }

    /// Tells if it fails and keeps traffic from passing.
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        self.effect == Some(Effect::Blocked)
    }
}

/// IP fragments of a path in captures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FragmentsSeen {
    /// Some without their first one.
    Seen,
    /// None without its first one; others are not told from whole packets.
    NoneAlone,
    /// Nothing of the path was captured.
    #[default]
    NoCapture,
}

/// Facts of captures and flow logs that decide checks of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenFacts {
    /// IP fragments in captures.
    pub fragments: FragmentsSeen,
    /// States in flow logs.
    pub states: BTreeSet<State>,
}

/// Times that checks are held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckTimes {
    /// Days that flow logs have to reach back.
    pub since_days: Option<u64>,
    /// The present, which tells what has expired; without it nothing has.
    pub now: Option<jiff::Timestamp>,
}

/// Causes of plaintext on a path, those that decide first.
#[must_use]
pub fn of_path(azure: &Azure, ends: &RouteEnds<'_>, seen: &SeenFacts) -> Vec<Check> {
    let route = azure.route(&ends.client, &ends.server);
    let mut checks = of_route(azure, ends, &route);
    checks.extend(of_ends(azure, ends, seen));
    checks.sort_by_key(|check| check.check);
    checks
}

/// Causes that all paths between two networks share.
#[must_use]
pub fn of_route(azure: &Azure, ends: &RouteEnds<'_>, route: &Route<'_>) -> Vec<Check> {
    let mut checks = encryption::of(azure, ends);
    checks.extend(peering::of(azure, ends, route));
    checks.extend(hub::of(azure, ends, route));
    checks.extend(vnet::of(azure, ends));
    checks.extend(server::of(azure, ends));
    dropped(ends, checks)
}

/// Causes of one path alone.
#[must_use]
pub fn of_ends(azure: &Azure, ends: &RouteEnds<'_>, seen: &SeenFacts) -> Vec<Check> {
    let mut checks = vm::of(azure, ends, seen);
    checks.extend(vnet::pod(azure, ends));
    checks.push(host::same(azure, ends, seen));
    checks.push(host::fragments(seen.fragments));
    dropped(ends, checks)
}

/// Waives plaintext where both VNets drop traffic that cannot be encrypted, so that none
/// passes.
fn dropped(ends: &RouteEnds<'_>, mut checks: Vec<Check>) -> Vec<Check> {
    let drops = |place: &RouteEnd<'_>| {
        place.vnet.is_some_and(|vnet| {
            vnet.encryption.flag() == Some(true) && vnet.enforcement.is("DropUnencrypted")
        })
    };
    if drops(&ends.client) && drops(&ends.server) {
        for check in &mut checks {
            if check.effect == Some(Effect::Plaintext) && check.check.keeps_from_encrypting() {
                check.effect = Some(Effect::Blocked);
                check.says += "; both VNets drop what cannot be encrypted (DropUnencrypted)";
            }
        }
    }
    checks
}

/// Checks of a file system, and of the NSGs between it and clients.
#[must_use]
pub fn of_file_system<'a>(
    azure: &'a Azure,
    file_system: &'a FileSystem,
    clients: &[RouteEnd<'a>],
    times: CheckTimes,
) -> Access<'a> {
    let mut access = access::of(azure, file_system, clients);
    let checks = &mut access.checks;
    let since_days = times.since_days;
    checks.extend(flow_log::of(azure, file_system, clients, since_days));
    checks.push(at_rest::of_file_system(azure, file_system));
    checks.extend(keys::of(azure, file_system, times.now));
    access
}

/// Checks of a client's VM: its disks.
#[must_use]
pub fn of_client(azure: &Azure, client: &RouteEnd<'_>) -> Vec<Check> {
    at_rest::of_client(azure, client)
}

/// Checks of the exports as a whole.
#[must_use]
pub fn of_estate(azure: &Azure) -> Vec<Check> {
    estate::of(azure)
}

/// The standing of a VM that is on no path, and why.
#[must_use]
pub fn of_stranger(azure: &Azure, vm: &ResourceId, route: Option<&Route<'_>>) -> Check {
    estate::of_stranger(azure, vm, route)
}
