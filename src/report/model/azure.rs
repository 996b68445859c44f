//! Resources of Azure's configuration, and their checks.

use serde::Serialize;

use crate::azure::checks::Check;
use crate::azure::topology::FoundBy;

/// A server that was named, and the source of its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerReport {
    /// An address, or a CIDR block.
    pub address: String,
    /// Set where it is expected to be seen; else it is a block that servers may be in.
    pub expected: bool,
    /// `--servers`, or the resource in Azure's exports.
    pub source: String,
    /// Data that it serves.
    #[serde(flatten)]
    pub serves: ServesReport,
}

/// Data that a server serves, as connect requests that can be read, mount sources or a client's
/// own files tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServesReport {
    /// Names of its file systems.
    pub file_systems: Vec<String>,
    /// Names of its targets, as in `lustrefs-OST0003`.
    pub targets: Vec<String>,
}

/// One end of a path. Resources are named by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlaceReport {
    /// The address; `null` where any of several is meant.
    pub address: Option<String>,
    /// The NIC.
    pub nic: Option<String>,
    /// The VM; the scale set where only its model was exported.
    pub vm: Option<String>,
    /// The VNet.
    pub virtual_network: Option<String>,
    /// Way in which it was found: by `nic`, `file_system` or `prefix`.
    pub found_by: Option<FoundBy>,
    /// NICs with the address of which none can be told to be meant; none where one is.
    pub candidates: Vec<String>,
    /// Name of the VM, told apart from others.
    #[serde(skip)]
    pub vm_label: Option<String>,
}

/// Both ends of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndsReport {
    /// The client's end.
    pub client: PlaceReport,
    /// The server's end.
    pub server: PlaceReport,
    /// The file system behind the server.
    pub file_system: Option<String>,
    /// Name of the file system, told apart from others.
    #[serde(skip)]
    pub file_system_label: Option<String>,
}

/// A file system and its checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSystemReport {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// The address of its MGS.
    pub mgs_address: Option<String>,
    /// The checks.
    pub checks: Vec<Check>,
}

/// Standing of a VM towards the file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is on a path.
    OnPath,
    /// It is on none.
    NoPath,
    /// The exports cannot tell.
    Unknown,
}

/// A VM and its checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientReport {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its standing towards the file systems.
    pub standing: Standing,
    /// The checks.
    pub checks: Vec<Check>,
}
