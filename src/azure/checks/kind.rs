//! Kinds of checks.

use serde::Serialize;

/// Kind of a check. Those of a path come first, in the order in which they decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Encryption of the client's VNet.
    ClientVnet,
    /// Encryption of the server's VNet.
    ServerVnet,
    /// Treatment of traffic that cannot be encrypted.
    Enforcement,
    /// The peering between two VNets, and its knowledge of the far one.
    Peering,
    /// VNets and appliances between those of client and server.
    Hub,
    /// Size of the client's VM.
    VmSize,
    /// Accelerated networking of the client's NIC.
    AcceleratedNetworking,
    /// Encryption of the client's VM, as its NIC states it.
    ClientNic,
    /// Stop and start of the client's VM since encryption was switched on.
    Restart,
    /// Encryption of a server, as its NIC states it.
    ServerNic,
    /// Maintenance of the file system since encryption was switched on.
    Maintenance,
    /// One host for client and server.
    SameHost,
    /// IP fragments.
    Fragments,
    /// Way from a VM to a file system.
    Reach,
    /// NSGs from clients to servers.
    NsgToServers,
    /// NSGs from servers to clients.
    NsgToClients,
    /// NSGs between servers.
    NsgWithin,
    /// NSGs from servers to the services that they need.
    NsgServices,
    /// NSGs from Azure Monitor to servers.
    NsgMonitor,
    /// Rules of NSGs that open servers to others than clients.
    NsgExposure,
    /// Flow logs, which tell of the wire.
    FlowLog,
    /// Key that encrypts the file system at rest.
    FileSystemKey,
    /// Encryption of a VM's disks by the storage service.
    DiskEncryption,
    /// Encryption of a VM's caches and temporary disks.
    HostEncryption,
    /// Completeness of the exports.
    Exports,
}

impl Kind {
    /// Title in a table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ClientVnet => "client's VNet encrypted",
            Self::ServerVnet => "server's VNet encrypted",
            Self::Enforcement => "plaintext refused",
            Self::Peering => "peering encrypted",
            Self::Hub => "VNets in between",
            Self::VmSize => "VM size supported",
            Self::AcceleratedNetworking => "accelerated networking",
            Self::ClientNic => "client's NIC encrypts",
            Self::Restart => "VM stopped and started",
            Self::ServerNic => "server's NIC encrypts",
            Self::Maintenance => "AMLFS maintained since",
            Self::SameHost => "on different hosts",
            Self::Fragments => "no IP fragments",
            Self::Reach => "VM on a path",
            Self::NsgToServers => "NSGs: to servers",
            Self::NsgToClients => "NSGs: to clients",
            Self::NsgWithin => "NSGs: between servers",
            Self::NsgServices => "NSGs: to services",
            Self::NsgMonitor => "NSGs: from monitoring",
            Self::NsgExposure => "NSGs: locked down",
            Self::FlowLog => "VNet flow log",
            Self::FileSystemKey => "AMLFS at rest",
            Self::DiskEncryption => "disks at rest",
            Self::HostEncryption => "caches at rest",
            Self::Exports => "exports complete",
        }
    }

    /// Tells if a failure is a cause of plaintext on a path.
    #[must_use]
    pub fn is_of_path(self) -> bool {
        self <= Self::Fragments
    }

    /// Tells if all paths between two networks share its checks.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self <= Self::Hub || self == Self::ServerNic || self == Self::Maintenance
    }

    /// Tells if a failure keeps an end from encrypting, so that `DropUnencrypted` drops its
    /// traffic.
    pub(super) fn keeps_from_encrypting(self) -> bool {
        (Self::VmSize..=Self::Maintenance).contains(&self)
    }
}
