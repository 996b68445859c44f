//! Checks, controls, waivers and the inventory of exports.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::azure::checks::{Check, CheckKind, Effect, Field, Outcome};
use crate::azure::controls::{self, Control, Reference, Test};
use crate::azure::export::{ExportTime, FileReport, IgnoredReport, Inventory, KindReport};
use crate::azure::topology::FoundBy;
use crate::azure::waivers::{WaiverReport, WaiverState};

words!(Outcome {
    Fail => "fail",
    Unknown => "unknown",
    Note => "note",
    Pass => "pass",
});

words!(Effect {
    Plaintext => "plaintext",
    Blocked => "blocked",
});

words!(FoundBy {
    Nic => "nic",
    FileSystem => "file_system",
    Prefix => "prefix",
});

words!(WaiverState {
    Used => "used",
    Expired => "expired",
    Ambiguous => "ambiguous",
    Unmatched => "unmatched",
});

words!(ExportTime {
    Export => "export",
    File => "file",
});

words!(CheckKind {
    ClientVnet => "client_vnet",
    ServerVnet => "server_vnet",
    Enforcement => "enforcement",
    Peering => "peering",
    Hub => "hub",
    PrivateLink => "private_link",
    DnsResolver => "dns_resolver",
    LoadBalancer => "load_balancer",
    DropFeature => "drop_feature",
    Cloud => "cloud",
    VmSize => "vm_size",
    ConfidentialVm => "confidential_vm",
    AcceleratedNetworking => "accelerated_networking",
    ClientNic => "client_nic",
    Restart => "restart",
    PodAddress => "pod_address",
    ServerNic => "server_nic",
    Maintenance => "maintenance",
    SameHost => "same_host",
    Fragments => "fragments",
    Reach => "reach",
    NsgToServers => "nsg_to_servers",
    NsgToClients => "nsg_to_clients",
    NsgWithin => "nsg_within",
    NsgServices => "nsg_services",
    NsgMonitor => "nsg_monitor",
    NsgExposure => "nsg_exposure",
    FlowLog => "flow_log",
    FileSystemKey => "file_system_key",
    KeyVaultRegion => "key_vault_region",
    KeyVaultProtection => "key_vault_protection",
    KeyAccess => "key_access",
    KeyValidity => "key_validity",
    KeyRotation => "key_rotation",
    DiskEncryption => "disk_encryption",
    UnmanagedDisk => "unmanaged_disk",
    DoubleEncryption => "double_encryption",
    DiskKeyRotation => "disk_key_rotation",
    DiskExport => "disk_export",
    Snapshot => "snapshot",
    HostEncryption => "host_encryption",
    TemporaryDisk => "temporary_disk",
    AdeSupport => "ade_support",
    Exports => "exports",
});

fields!(Field {
    resource => "resource",
    id => "id",
    path => "path",
    value => "value",
    file => "file",
});

/// A check carries the id of its control, whose text stands once in the catalogue.
impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Check", 8)?;
        fields.serialize_field("outcome", &self.outcome)?;
        fields.serialize_field("control", controls::id(self.check))?;
        fields.serialize_field("check", &self.check)?;
        fields.serialize_field("says", &self.says)?;
        fields.serialize_field("effect", &self.effect)?;
        fields.serialize_field("field", &self.field)?;
        fields.serialize_field("remedy", &self.remedy)?;
        fields.serialize_field("waiver", &self.waiver)?;
        fields.end()
    }
}

fields!(Control {
    id => "id",
    check => "check",
    title => "title",
    level => "level",
    rationale => "rationale",
    test => "test",
    expected => "expected",
    remedy => "remedy",
    back_out => "back_out",
    references => "references",
});

fields!(Test {
    portal => "portal",
    command => "command",
});

fields!(Reference {
    benchmark => "benchmark",
    id => "id",
    title => "title",
    source => "source",
});

fields!(WaiverReport {
    waiver.control => "control",
    waiver.resource => "resource",
    waiver.path => "path",
    waiver.reason => "reason",
    waiver.by => "by",
    waiver.until => "until",
    state => "state",
    waived => "waived",
});

fields!(Inventory {
    files => "files",
    resources => "resources",
    ignored => "ignored",
});

fields!(FileReport {
    name => "name",
    size => "size",
    sha256 => "sha256",
    exported => "exported",
    exported_by => "exported_by",
    resources => "resources",
    ignored => "ignored",
    is_page => "is_page",
    fault => "fault",
});

fields!(KindReport {
    kind => "kind",
    subscription => "subscription",
    count => "count",
});

fields!(IgnoredReport {
    file => "file",
    why => "why",
    count => "count",
});

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::azure::controls;

    #[test]
    fn the_catalogue_is_printed_as_it_is_read() {
        let read: Value = serde_json::from_str(include_str!("../../azure/controls.json")).unwrap();
        assert_eq!(serde_json::to_value(controls::all()).unwrap(), read);
    }
}
