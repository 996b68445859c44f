//! Kinds of checks.

use serde::Deserialize;

/// Kind of a check. Those of a path come first, in the order in which they decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
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
    /// A Private Link service in a VNet.
    PrivateLink,
    /// A DNS Private Resolver in a VNet.
    DnsResolver,
    /// Backends of an internal load balancer.
    LoadBalancer,
    /// Registration of the feature that `DropUnencrypted` takes.
    DropFeature,
    /// A cloud where VNet encryption is a preview.
    Cloud,
    /// Size of the client's VM.
    VmSize,
    /// Accelerated networking of a confidential VM.
    ConfidentialVm,
    /// Accelerated networking of the client's NIC.
    AcceleratedNetworking,
    /// Encryption of the client's VM, as its NIC states it.
    ClientNic,
    /// Stop and start of the client's VM since encryption was switched on.
    Restart,
    /// A client's address that is a pod's.
    PodAddress,
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
    /// Region of that key's Key Vault.
    KeyVaultRegion,
    /// Soft delete and purge protection of that Key Vault.
    KeyVaultProtection,
    /// Rights of the file system on that key.
    KeyAccess,
    /// Switch and expiry of that key.
    KeyValidity,
    /// Rotation of that key.
    KeyRotation,
    /// Encryption of a VM's disks by the storage service.
    DiskEncryption,
    /// Management of a VM's disks by Azure, in place of blobs of a storage account.
    UnmanagedDisk,
    /// Two layers of encryption of a disk.
    DoubleEncryption,
    /// Rotation of the key of a disk encryption set.
    DiskKeyRotation,
    /// Networks that a disk can be exported to.
    DiskExport,
    /// Networks that a disk's snapshot can be exported to.
    Snapshot,
    /// Encryption of the caches of a VM's disks.
    HostEncryption,
    /// Encryption of a VM's temporary disk.
    TemporaryDisk,
    /// Support of Azure Disk Encryption by a VM that uses it.
    AdeSupport,
    /// Completeness of the exports.
    Exports,
}

impl CheckKind {
    /// Title in a table.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ClientVnet => "client's VNet encrypted",
            Self::ServerVnet => "server's VNet encrypted",
            Self::Enforcement => "plaintext refused",
            Self::Peering => "peering encrypted",
            Self::Hub => "VNets in between",
            Self::PrivateLink => "no Private Link service",
            Self::DnsResolver => "no DNS resolver",
            Self::LoadBalancer => "load balancer's backends",
            Self::DropFeature => "DropUnencrypted registered",
            Self::Cloud => "cloud with the feature",
            Self::VmSize => "VM size supported",
            Self::ConfidentialVm => "confidential VM",
            Self::AcceleratedNetworking => "accelerated networking",
            Self::ClientNic => "client's NIC encrypts",
            Self::Restart => "VM stopped and started",
            Self::PodAddress => "no address of a pod",
            Self::ServerNic => "server's NIC encrypts",
            Self::Maintenance => "AMLFS maintained since",
            Self::SameHost => "on different hosts",
            Self::Fragments => "no IP fragments",
            other => other.title_beside_paths(),
        }
    }

    /// Title of a kind that is of no path.
    fn title_beside_paths(self) -> &'static str {
        match self {
            Self::Reach => "VM on a path",
            Self::NsgToServers => "NSGs: to servers",
            Self::NsgToClients => "NSGs: to clients",
            Self::NsgWithin => "NSGs: between servers",
            Self::NsgServices => "NSGs: to services",
            Self::NsgMonitor => "NSGs: from monitoring",
            Self::NsgExposure => "NSGs: locked down",
            Self::FlowLog => "VNet flow log",
            Self::FileSystemKey => "AMLFS at rest",
            Self::KeyVaultRegion => "Key Vault's region",
            Self::KeyVaultProtection => "Key Vault protected",
            Self::KeyAccess => "key usable by AMLFS",
            Self::KeyValidity => "key valid",
            Self::KeyRotation => "key rotated",
            Self::DiskEncryption => "disks at rest",
            Self::UnmanagedDisk => "disks managed",
            Self::DoubleEncryption => "disks encrypted twice",
            Self::DiskKeyRotation => "disk keys rotated",
            Self::DiskExport => "disks not exported",
            Self::Snapshot => "snapshots not exported",
            Self::HostEncryption => "caches at rest",
            Self::TemporaryDisk => "temporary disk at rest",
            Self::AdeSupport => "ADE supported",
            _ => "exports complete",
        }
    }

    /// Tells if a failure is a cause of plaintext on a path.
    #[must_use]
    pub fn is_of_path(self) -> bool {
        let works_all_the_same = [Self::PrivateLink, Self::DnsResolver, Self::DropFeature];
        self <= Self::Fragments && !works_all_the_same.contains(&self)
    }

    /// Tells if all paths between two networks share its checks.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self < Self::VmSize || self == Self::ServerNic || self == Self::Maintenance
    }

    /// Tells if a failure keeps an end from encrypting, so that `DropUnencrypted` drops its
    /// traffic.
    pub(super) fn keeps_from_encrypting(self) -> bool {
        (Self::VmSize..=Self::Maintenance).contains(&self)
    }
}
