//! Disks of clients: their management, temporary disks, and Azure Disk Encryption with its
//! support matrix, in both shapes of JSON.

use plainsight::azure::checks::{Check, CheckKind, Outcome};
use serde_json::{Value, json};

use crate::support::azure::{arm, azure, base, id, of_base, posture, with};
use Outcome::{Fail, Pass, Unknown};

/// Checks of a kind, which both shapes agree on.
fn told(resources: &[Value], kind: CheckKind) -> Vec<Check> {
    let in_arm: Vec<Value> = resources.iter().map(arm).collect();
    let [one, other] = [resources.to_vec(), in_arm].map(|shape| {
        let report = posture(&azure(shape));
        let of_kind = report.all_checks().filter(|check| check.check == kind);
        of_kind.cloned().collect::<Vec<_>>()
    });
    assert_eq!(one, other);
    one
}

fn vm(changes: &[(&str, Value)]) -> Value {
    let mut vm = of_base("client-1");
    for (key, value) in changes {
        vm[*key] = value.clone();
    }
    vm
}

fn only(resources: &[Value], kind: CheckKind) -> Check {
    let mut checks = told(resources, kind);
    assert_eq!(checks.len(), 1, "{checks:?}");
    checks.remove(0)
}

/// A VM with ADE of a size, an image and volumes; `null` where it does not say.
fn encrypted(size: &str, image: Value, volumes: &str, os: &str) -> Value {
    let ade = json!([{
        "name": "AzureDiskEncryptionForLinux",
        "settings": {"VolumeType": volumes, "EncryptionOperation": "EnableEncryption"},
        "provisioningState": "Succeeded",
    }]);
    let mut vm = vm(&[
        ("resources", ade),
        ("hardwareProfile", json!({"vmSize": size})),
        ("securityProfile", json!(null)),
    ]);
    vm["storageProfile"]["imageReference"] = image;
    vm["storageProfile"]["osDisk"]["osType"] = json!(os);
    vm
}

fn image(urn: &str) -> Value {
    let [publisher, offer, sku, version] = urn.split(':').collect::<Vec<_>>()[..] else {
        panic!("{urn}")
    };
    json!({"publisher": publisher, "offer": offer, "sku": sku, "version": version})
}

#[test]
fn the_support_matrix_is_held_to_sizes_and_images() {
    let ubuntu = "Canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2:latest";
    let rows: [(&str, &str, &str, Outcome); 12] = [
        ("Standard_D4s_v5", ubuntu, "All", Pass),
        ("Standard_D4s_v6", ubuntu, "All", Fail),
        ("Standard_E8ads_v7", ubuntu, "All", Fail),
        ("Basic_A1", ubuntu, "All", Fail),
        ("Standard_A4_v2", ubuntu, "Data", Fail),
        ("Standard_B2s", ubuntu, "Data", Pass),
        ("Standard_B2s", ubuntu, "All", Fail),
        ("Standard_B1s", ubuntu, "Data", Fail),
        (
            "Standard_D4s_v5",
            "almalinux:almalinux-hpc:8_10-hpc-gen2:latest",
            "All",
            Fail,
        ),
        ("Standard_D4s_v5", "RedHat:RHEL:6.8:latest", "OS", Fail),
        ("Standard_D4s_v5", "RedHat:RHEL:6.8:latest", "Data", Pass),
        ("Standard_D4s_v5", "RedHat:RHEL:10_0:latest", "All", Unknown),
    ];
    for (size, urn, volumes, outcome) in rows {
        let vm = encrypted(size, image(urn), volumes, "Linux");
        let check = only(&with(&vm), CheckKind::AdeSupport);
        assert_eq!(
            check.outcome, outcome,
            "{size} {urn} {volumes}: {}",
            check.says
        );
    }
    let own = json!({"id": id("Microsoft.Compute/images", "hpc")});
    for (image, os, outcome) in [
        (own.clone(), "Linux", Unknown),
        (json!(null), "Linux", Unknown),
        (own, "Windows", Pass),
    ] {
        let vm = encrypted("Standard_D4s_v5", image, "All", os);
        assert_eq!(only(&with(&vm), CheckKind::AdeSupport).outcome, outcome);
    }
}

/// An extension that was told to decrypt, or that failed, encrypts nothing.
#[test]
fn an_extension_is_no_encryption() {
    let of = |operation: &str, state: &str| {
        let mut vm = encrypted("Standard_D4ds_v5", json!(null), "All", "Linux");
        vm["resources"][0]["settings"]["EncryptionOperation"] = json!(operation);
        vm["resources"][0]["provisioningState"] = json!(state);
        let all = with(&vm);
        [CheckKind::HostEncryption, CheckKind::TemporaryDisk].map(|kind| only(&all, kind).outcome)
    };
    assert_eq!(of("EnableEncryption", "Succeeded"), [Pass, Pass]);
    assert_eq!(of("EnableEncryptionFormatAll", "Succeeded"), [Pass, Pass]);
    assert_eq!(of("DisableEncryption", "Succeeded"), [Fail, Fail]);
    assert_eq!(of("EnableEncryption", "Failed"), [Unknown, Unknown]);
    let mut vm = encrypted("Standard_D4s_v5", json!(null), "All", "Linux");
    vm["resources"][0]["settings"]["EncryptionOperation"] = json!("DisableEncryption");
    assert_eq!(told(&with(&vm), CheckKind::AdeSupport), []);
}

#[test]
fn temporary_disks_have_a_control_of_their_own() {
    let of = |size: &str, at_host: Value| {
        let vm = vm(&[
            ("hardwareProfile", json!({"vmSize": size})),
            ("securityProfile", json!({"encryptionAtHost": at_host})),
        ]);
        only(&with(&vm), CheckKind::TemporaryDisk).outcome
    };
    assert_eq!(of("Standard_D4ds_v5", json!(true)), Pass);
    assert_eq!(of("Standard_D4ds_v5", json!(false)), Fail);
    assert_eq!(of("Standard_D4ds_v5", json!(null)), Fail);
    assert_eq!(of("Standard_D4ds_v5", json!("perhaps")), Unknown);
    assert_eq!(of("Standard_D4s_v5", json!(false)), Pass);
    assert_eq!(of("Standard_D4s_v9", json!(false)), Unknown);
}

/// Azure refuses encryption at host where Azure Disk Encryption is in use, or ever was.
#[test]
fn encryption_at_host_is_not_advised_beside_disk_encryption() {
    let of = |vm: &Value| only(&with(vm), CheckKind::HostEncryption);
    let bare = of(&vm(&[("securityProfile", json!(null))]));
    assert!(bare.remedy.unwrap().contains("encryptionAtHost=true"));
    let some = of(&encrypted("Standard_D4s_v5", json!(null), "OS", "Linux"));
    assert_eq!((some.outcome, some.remedy), (Fail, None));
}

#[test]
fn disks_that_are_not_managed_have_a_control_of_their_own() {
    let of = |disk: Value| {
        let mut vm = of_base("client-1");
        vm["storageProfile"]["dataDisks"] = json!([disk]);
        only(&with(&vm), CheckKind::UnmanagedDisk)
    };
    let blob = json!({"name": "old", "vhd": {"uri": "https://a.blob.core.windows.net/v/old.vhd"}});
    let unmanaged = of(blob);
    let field = unmanaged.field.unwrap();
    assert_eq!(unmanaged.outcome, Fail);
    assert_eq!(field.path, "storageProfile.dataDisks[0].vhd.uri");
    let command = unmanaged.remedy.unwrap();
    let verbs = ["vm deallocate ", "vm convert ", "vm start "];
    assert!(
        command
            .split(" && ")
            .zip(verbs)
            .all(|(part, verb)| part.contains(verb)),
        "{command}"
    );
    assert_eq!(of(json!({"name": "odd"})).outcome, Unknown);
    let managed = json!({"name": "new", "managedDisk": {"storageAccountType": "Premium_LRS"}});
    assert_eq!(of(managed).outcome, Pass);
    assert_eq!(only(&base(), CheckKind::UnmanagedDisk).outcome, Pass);
    // Neither does a VM that does not say its disks pass.
    let mut silent = of_base("client-1");
    silent["storageProfile"] = json!({"imageReference": null});
    assert_eq!(
        only(&with(&silent), CheckKind::UnmanagedDisk).outcome,
        Unknown
    );
}

/// The disks of one VM answer nothing for those of another.
#[test]
fn disks_that_no_export_has_stay_open() {
    let second = json!([of_base("client-1"), of_base("client-1-nic")]).to_string();
    let second = second
        .replace("client-1", "client-2")
        .replace("10.20.1.4", "10.20.1.9");
    let mut second: Value = serde_json::from_str(&second).unwrap();
    let set = id("Microsoft.Compute/diskEncryptionSets", "des");
    second[0]["storageProfile"]["osDisk"]["managedDisk"]["diskEncryptionSet"] = json!({"id": set});
    let all = with(&second);
    for kind in [CheckKind::DiskExport, CheckKind::DoubleEncryption] {
        let open = told(&all, kind)
            .into_iter()
            .filter(|it| it.outcome == Unknown);
        let says: Vec<String> = open.map(|it| it.says).collect();
        assert_eq!(says.len(), 1, "{says:?}");
        assert!(
            says[0].contains("client-2-os of VM client-2 is in no export"),
            "{says:?}"
        );
    }
    // Its VM names the set that it is encrypted with.
    assert_eq!(only(&all, CheckKind::DiskKeyRotation).outcome, Unknown);
    let set = json!({"id": set, "encryptionType": "EncryptionAtRestWithCustomerKey",
                     "rotationToLatestKeyVersionEnabled": false});
    let all = [all, vec![set]].concat();
    assert_eq!(only(&all, CheckKind::DiskKeyRotation).outcome, Fail);
}

/// ARM has an extension's own type in its properties, and any name.
#[test]
fn an_extension_of_arm_is_known_by_its_settings() {
    let mut vm = of_base("client-1");
    vm["securityProfile"] = json!(null);
    vm["hardwareProfile"]["vmSize"] = json!("Standard_D4ds_v5");
    let mut vm = arm(&vm);
    vm["properties"]["resources"] = json!([{
        "id": format!("{}/extensions/ade", vm["id"].as_str().unwrap()), "name": "ade",
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "properties": {
            "publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryptionForLinux",
            "provisioningState": "Succeeded",
            "settings": {"EncryptionOperation": "EnableEncryption", "VolumeType": "All"},
        },
    }]);
    let report = posture(&azure(with(&vm)));
    for kind in [CheckKind::HostEncryption, CheckKind::TemporaryDisk] {
        let mut of_kind = report.all_checks().filter(|check| check.check == kind);
        assert_eq!(of_kind.next().unwrap().outcome, Pass);
    }
}
