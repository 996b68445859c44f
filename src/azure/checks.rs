//! Every known cause of plaintext, and what auditors ask for beside it, each as a check:
//! whether it passes, the field that decides that, and what to do.
//!
//! Pass means that this is no cause, fail that it is one, and unknown that exports cannot
//! tell. Where both ends are as they should be, traffic can be in plaintext all the same:
//! no check makes a verdict.

use std::collections::BTreeSet;

use serde::Serialize;

use super::export::{FileSystem, ResourceId, Setting};
use super::topology::{Azure, Ends, Place};
use crate::flow_log::State;

mod access;
mod at_rest;
mod encryption;
mod flow_log;
mod host;
mod peering;
mod remedy;
mod server;
mod vm;

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// This is a cause.
    Fail,
    /// Exports cannot tell.
    Unknown,
    /// This is no cause.
    Pass,
}

impl Outcome {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Unknown, Self::Pass];

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
        }
    }
}

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Encryption of the client's VNet.
    ClientVnet,
    /// Encryption of the server's VNet.
    ServerVnet,
    /// What becomes of traffic that cannot be encrypted.
    Enforcement,
    /// The peering between the two VNets, and what it knows of the far one.
    Peering,
    /// The size of the client's VM.
    VmSize,
    /// Accelerated networking of the client's NIC.
    AcceleratedNetworking,
    /// What the client's NIC says of its VM.
    ClientNic,
    /// Whether the client's VM was stopped and started since.
    Restart,
    /// What a server's NIC says of its VM.
    ServerNic,
    /// Whether the file system went through maintenance since.
    Maintenance,
    /// Whether client and server share a host.
    SameHost,
    /// IP fragments.
    Fragments,
    /// NSGs from clients to servers.
    NsgToServers,
    /// NSGs from servers to clients.
    NsgToClients,
    /// NSGs between servers.
    NsgWithin,
    /// NSGs from servers to the services that they need.
    NsgServices,
    /// Flow logs, which tell of the wire.
    FlowLog,
    /// Whose key encrypts the file system at rest.
    FileSystemKey,
    /// Encryption of a VM's disks by the storage service.
    DiskEncryption,
    /// Encryption of its caches and temporary disks.
    HostEncryption,
}

impl Kind {
    /// A few words for a table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ClientVnet => "client's VNet encrypted",
            Self::ServerVnet => "server's VNet encrypted",
            Self::Enforcement => "plaintext refused",
            Self::Peering => "peering encrypted",
            Self::VmSize => "VM size supported",
            Self::AcceleratedNetworking => "accelerated networking",
            Self::ClientNic => "client's NIC encrypts",
            Self::Restart => "VM stopped and started",
            Self::ServerNic => "server's NIC encrypts",
            Self::Maintenance => "AMLFS maintained since",
            Self::SameHost => "on different hosts",
            Self::Fragments => "no IP fragments",
            Self::NsgToServers => "NSGs: to servers",
            Self::NsgToClients => "NSGs: to clients",
            Self::NsgWithin => "NSGs: between servers",
            Self::NsgServices => "NSGs: to services",
            Self::FlowLog => "VNet flow log",
            Self::FileSystemKey => "AMLFS at rest",
            Self::DiskEncryption => "disks at rest",
            Self::HostEncryption => "caches at rest",
        }
    }
}

/// A field that decided a check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Field {
    /// The name of the resource.
    pub resource: String,
    /// Its id; `null` for a flow log, which is none.
    pub id: Option<String>,
    /// The path of the field as az prints it.
    pub path: String,
    /// What is there; `null` where it is absent.
    pub value: Option<String>,
}

impl Field {
    fn of(id: &ResourceId, setting: &Setting) -> Self {
        Self::at(id, setting.path, setting.value.clone())
    }

    fn at(id: &ResourceId, path: impl Into<String>, value: Option<String>) -> Self {
        Self {
            resource: id.name().to_owned(),
            id: Some(id.to_string()),
            path: path.into(),
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
        }
    }
}

/// A check, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Check {
    /// What it says.
    pub outcome: Outcome,
    /// What is checked.
    pub check: Kind,
    /// The same in a sentence.
    pub says: String,
    /// The field that decided, where there is one.
    pub field: Option<Field>,
    /// A command that mends it, where there is one.
    pub remedy: Option<String>,
}

impl Check {
    fn new(check: Kind, outcome: Outcome, says: impl Into<String>) -> Self {
        Self {
            outcome,
            check,
            says: says.into(),
            field: None,
            remedy: None,
        }
    }

    fn field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    fn remedy(self, command: String) -> Self {
        self.maybe(Some(command))
    }

    /// With a remedy, if there is one.
    fn maybe(mut self, command: Option<String>) -> Self {
        self.remedy = command;
        self
    }
}

/// Whether a capture shows IP fragments of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fragments {
    /// It shows some whose first one it does not show.
    Seen,
    /// It shows no such ones; those whose first was captured are not told from whole packets.
    NoneAlone,
    /// Nothing of it was captured.
    #[default]
    NoCapture,
}

/// What captures and flow logs show of a path that decides a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether captures show IP fragments.
    pub fragments: Fragments,
    /// The states that flow logs have of it.
    pub states: BTreeSet<State>,
}

/// The causes of plaintext on a path, those that decide first.
#[must_use]
pub fn of_path(azure: &Azure, ends: &Ends<'_>, seen: &Seen) -> Vec<Check> {
    let mut checks = encryption::of(ends);
    checks.extend(peering::of(azure, ends));
    checks.extend(vm::of(azure, &ends.client, seen));
    checks.extend(server::of(ends));
    checks.push(host::same(ends, seen));
    checks.push(host::fragments(seen.fragments));
    checks
}

/// What auditors ask of a file system and those of its clients that are known.
#[must_use]
pub fn of_file_system(
    azure: &Azure,
    file_system: &FileSystem,
    clients: &[Place<'_>],
) -> Vec<Check> {
    let mut checks = access::of(azure, file_system, clients);
    checks.push(flow_log::of(azure, file_system));
    checks.push(at_rest::of_file_system(file_system));
    checks
}

/// What auditors ask of a client's VM: its disks.
#[must_use]
pub fn of_client(azure: &Azure, client: &Place<'_>) -> Vec<Check> {
    at_rest::of_client(azure, client)
}
