//! Where published guidance errs, each with a fixture.

use plainsight::azure::checks::CheckKind;
use plainsight::azure::export::Export;

use crate::support::azure::{MGS, azure, fixture, path_to, posture, said, with};

/// `encryptionSettingsCollection` is about a disk, and no VNet is encrypted for it.
#[test]
fn encryption_of_a_disk_is_not_that_of_a_vnet() {
    let azure = azure(with(&fixture("traps/disk-encryption.json")));
    let checks = path_to(&azure, MGS);
    assert_eq!(said(&checks, CheckKind::ClientVnet)[0].0, "fail");
    let report = posture(&azure);
    // Nor does it cover caches and temporary disks, unless it is of all volumes.
    let field = (
        "unknown",
        "client-1-os",
        "encryptionSettingsCollection.enabled",
        Some("true"),
    );
    assert_eq!(
        said(report.all_checks(), CheckKind::HostEncryption),
        [field]
    );
}

/// `az storage fs list` lists containers; its output is no file system of AMLFS.
#[test]
fn a_container_is_no_file_system() {
    let export = Export::of("fs.json", fixture("traps/storage-filesystem.json"));
    assert!(export.file_systems.is_empty());
    assert_eq!(export.warnings.len(), 1);
    assert!(
        export.warnings[0].contains("use az amlfs list"),
        "{:?}",
        export.warnings
    );
}

/// A VM that runs again after a reboot was not stopped and started for it.
#[test]
fn a_reboot_is_no_stop_and_start() {
    let checks = path_to(&azure(with(&fixture("traps/rebooted.json"))), MGS);
    let time = Some("2026-11-20T09:30:00.123456+00:00");
    let field = ("unknown", "client-1", "instanceView.statuses", time);
    assert_eq!(said(&checks, CheckKind::Restart), [field]);
    // Nor does any remedy reboot.
    let report = posture(&azure(with(&fixture("causes/not-restarted.json"))));
    for check in report.all_checks() {
        assert!(
            !check
                .remedy
                .as_deref()
                .unwrap_or_default()
                .contains("restart")
        );
    }
}

/// AKS nodes may share the subnet of a file system: they are clients of it.
#[test]
fn who_is_in_the_subnet_is_not_a_server_for_that() {
    let azure = azure(with(&fixture("traps/aks-node.json")));
    let (servers, blocks) = azure.servers();
    let named: Vec<String> = servers.keys().map(ToString::to_string).collect();
    assert_eq!(named, ["10.20.2.5", "10.20.2.6"]);
    assert_eq!(blocks.len(), 1);
    let report = posture(&azure);
    let clients: Vec<_> = report
        .paths
        .iter()
        .filter_map(|path| path.ends.client.address.as_deref())
        .collect();
    assert_eq!(clients, ["10.20.2.40", "10.20.1.4"]);
    let ends = azure.ends(
        "10.20.1.4".parse::<std::net::IpAddr>().unwrap(),
        "10.20.2.40".parse().unwrap(),
    );
    assert!(ends.file_system.is_none());
}
