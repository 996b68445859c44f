//! Fixtures of every control: each one passes, fails and is unknown for some configuration,
//! and both shapes of JSON say the same of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use plainsight::azure::checks::Outcome::{self, Fail, Pass, Unknown};
use plainsight::azure::checks::{CheckKind, CheckTimes};
use plainsight::azure::controls;
use plainsight::azure::export::Export;
use plainsight::azure::topology::Azure;
use plainsight::azure::vm_sizes::VmSizes;
use plainsight::report::posture::{PostureReport, Wishes};
use plainsight::verdict::Servers;
use serde_json::{Value, json};

use super::places;
use crate::support::azure::{arm, base, fixture, folder, id, of_base, with};

/// Outcomes that a control never has without captures and flow logs, and why.
#[rustfmt::skip]
const NEVER: [(CheckKind, &[Outcome], &str); 11] = [
    (CheckKind::Enforcement, &[Fail], "plaintext that is permitted is a note"),
    (CheckKind::Cloud, &[Pass, Fail, Unknown], "a preview is a note"),
    (CheckKind::PodAddress, &[Pass, Unknown], "an address is a pod's, or may be"),
    (CheckKind::Maintenance, &[Pass, Unknown], "no export tells what was done"),
    (CheckKind::SameHost, &[Fail, Unknown], "a flow log tells"),
    (CheckKind::Fragments, &[Pass, Fail, Unknown], "a capture tells"),
    (CheckKind::Reach, &[Pass, Fail], "a VM is on a path, and has its checks; or on none"),
    (CheckKind::FileSystemKey, &[Fail], "Microsoft's key fails where another is required"),
    (CheckKind::DiskEncryption, &[Fail], "managed disks are always encrypted"),
    (CheckKind::DoubleEncryption, &[Fail], "one layer is a note"),
    (CheckKind::Exports, &[Fail], "exports that are not whole leave it open"),
];

/// Deepest members that are changed one by one.
const DEPTH: usize = 3;

/// Configurations: the base, what each fixture differs in, and all that follows from taking
/// a resource or a member away, or from turning a switch.
fn configurations() -> Vec<Vec<Value>> {
    let mut all = vec![base()];
    for name in ["causes", "traps"] {
        let files = fs::read_dir(folder(name)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        all.extend(names.map(|file| with(&fixture(&format!("{name}/{file}")))));
    }
    all.extend(less(&base()));
    all.extend(places::hubs());
    let rows = [networks(), services(), machines(), disks()].concat();
    all.extend(rows.iter().map(with));
    all
}

/// A resource of the base, of which some members differ; `null` takes one away.
fn but(name: &str, changes: &[(&str, Value)]) -> Value {
    let mut resource = of_base(name);
    for (key, value) in changes {
        resource[*key] = value.clone();
    }
    resource
}

/// VNets that drop what cannot be encrypted, file systems and vaults.
fn networks() -> Vec<Value> {
    let mut dropping = of_base("client-vnet");
    dropping["encryption"]["enforcement"] = json!("DropUnencrypted");
    let feature = |state: Value| {
        let id = "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Features/providers/Microsoft.Network/features/AllowDropUnecryptedVnet";
        json!([dropping.clone(), {"id": id, "properties": {"state": state}}])
    };
    let states = [json!("Registered"), json!("NotRegistered"), json!(null)];
    let mut all: Vec<Value> = states.map(feature).to_vec();
    all.push(but("hpc-keys", &[("location", json!("westus"))]));
    let bare = of_base("fs1");
    all.push(json!({"id": bare["id"], "name": "fs1", "type": bare["type"]}));
    all
}

/// Services that stand in a VNet.
fn services() -> Vec<Value> {
    let vnet = of_base("client-vnet");
    let subnet = &vnet["subnets"][0]["id"];
    let nic = of_base("client-1-nic")["id"].as_str().unwrap().to_owned();
    let backend = |nic: &str| json!({"id": format!("{nic}/ipConfigurations/ipconfig1")});
    let balancer = |backends: &[Value]| {
        json!({
            "id": id("Microsoft.Network/loadBalancers", "lb"),
            "frontendIPConfigurations": [{"subnet": {"id": subnet}}],
            "backendAddressPools": [{"backendIPConfigurations": backends}],
        })
    };
    let mut one = of_base("client-1-nic");
    one["ipConfigurations"] = json!([one["ipConfigurations"][0]]);
    let mut closed = vnet.clone();
    closed["subnets"][0]["privateLinkServiceNetworkPolicies"] = json!("Disabled");
    vec![
        json!({
            "id": id("Microsoft.Network/privateLinkServices", "pls"),
            "ipConfigurations": [{"subnet": {"id": subnet}}],
        }),
        closed,
        json!({
            "id": id("Microsoft.Network/dnsResolvers", "dns"),
            "virtualNetwork": {"id": vnet["id"]},
        }),
        json!({
            "id": id("Microsoft.ContainerService/managedClusters", "aks"),
            "agentPoolProfiles": [{"name": "pool", "podSubnetId": subnet}],
        }),
        balancer(&[backend(&nic)]),
        json!([one, balancer(&[backend(&nic)])]),
        json!([
            one,
            balancer(&[backend(&nic), backend(&nic.replace("client-1", "lost"))])
        ]),
    ]
}

/// VMs of other sizes, and with Azure Disk Encryption.
fn machines() -> Vec<Value> {
    let confidential = |accelerated: Value| {
        let size = json!({"vmSize": "Standard_DC4as_v5"});
        let nic = but(
            "client-1-nic",
            &[("enableAcceleratedNetworking", accelerated)],
        );
        json!([but("client-1", &[("hardwareProfile", size)]), nic])
    };
    let ade = json!([{"name": "AzureDiskEncryption", "settings": {"VolumeType": "All"}}]);
    let encrypted = |size: Value, os: &str| {
        let mut vm = but("client-1", &[("resources", ade.clone())]);
        vm["hardwareProfile"]["vmSize"] = size;
        vm["storageProfile"]["osDisk"]["osType"] = json!(os);
        vm
    };
    let blob =
        json!({"osDisk": {"name": "os", "vhd": {"uri": "https://a.blob.core.windows.net/v/os"}}});
    let unmanaged = but("client-1", &[("storageProfile", blob)]);
    let temporary = ["Standard_D4ds_v5", "Standard_D4s_v9"].map(|size| {
        let changes = [
            ("hardwareProfile", json!({"vmSize": size})),
            ("securityProfile", json!(null)),
        ];
        but("client-1", &changes)
    });
    let confidential = [json!(true), json!(false), json!(null)].map(confidential);
    let encrypted = [
        encrypted(json!("Standard_D4s_v6"), "Linux"),
        encrypted(json!("Standard_D4s_v5"), "Windows"),
        encrypted(json!(null), "Linux"),
    ];
    let all = confidential.into_iter().chain(encrypted);
    all.chain(temporary).chain([unmanaged]).collect()
}

/// Disks, their encryption sets and snapshots.
fn disks() -> Vec<Value> {
    let set_id = id("Microsoft.Compute/diskEncryptionSets", "des");
    let own = but(
        "client-1-os",
        &[(
            "encryption",
            json!({
                "type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": set_id,
            }),
        )],
    );
    let set = |rotation: bool| {
        json!([own.clone(), {
            "id": set_id, "encryptionType": "EncryptionAtRestWithCustomerKey",
            "activeKey": {"keyUrl": "https://hpc-keys.vault.azure.net/keys/disks/1"},
            "rotationToLatestKeyVersionEnabled": rotation,
        }])
    };
    let snapshot = |policy: Option<&str>| {
        json!({
            "id": id("Microsoft.Compute/snapshots", "snap"), "networkAccessPolicy": policy,
            "creationData": {"sourceResourceId": of_base("client-1-os")["id"]},
        })
    };
    let double = json!({"type": "EncryptionAtRestWithPlatformAndCustomerKeys"});
    let open = ["networkAccessPolicy", "publicNetworkAccess"];
    let open: Vec<_> = open
        .into_iter()
        .zip([json!("AllowAll"), json!("Enabled")])
        .collect();
    vec![
        own.clone(),
        set(true),
        set(false),
        snapshot(Some("DenyAll")),
        snapshot(Some("AllowAll")),
        snapshot(None),
        but("client-1-os", &[("encryption", double)]),
        but("client-1-os", &open),
    ]
}

/// The same with less: each without a resource, or with a member that is null or turned.
fn less(all: &[Value]) -> Vec<Vec<Value>> {
    let mut less = Vec::new();
    for at in 0..all.len() {
        let mut without = all.to_vec();
        without.remove(at);
        less.push(without);
        let is_group = all[at].get("securityRules").is_some();
        for pointer in pointers(&all[at], if is_group { 1 } else { DEPTH }) {
            let old = all[at].pointer(&pointer).unwrap();
            let turned = old.as_bool().map(|old| json!(!old));
            for new in [Some(Value::Null), turned].into_iter().flatten() {
                let mut changed = all.to_vec();
                *changed[at].pointer_mut(&pointer).unwrap() = new;
                less.push(changed);
            }
        }
    }
    less
}

fn pointers(value: &Value, depth: usize) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, it)| (key.clone(), it)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, it)| (at.to_string(), it))
            .collect(),
        _ => return Vec::new(),
    };
    let deeper = depth - 1;
    // An item of a list is never null.
    let own = |key: String| value.is_object().then_some(key);
    let below = |(key, it): (String, &Value)| {
        let key = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let inner = if deeper == 0 {
            Vec::new()
        } else {
            pointers(it, deeper)
        };
        let inner: Vec<String> = inner.iter().map(|it| format!("{key}{it}")).collect();
        own(key).into_iter().chain(inner)
    };
    members.into_iter().flat_map(below).collect()
}

/// Outcomes of all checks, in both shapes of JSON.
fn outcomes(resources: &[Value]) -> Vec<(CheckKind, Outcome)> {
    let in_arm: Vec<Value> = resources.iter().map(arm).collect();
    let [one, other] = [json!(resources), json!(in_arm)].map(of_document);
    assert_eq!(one, other);
    one
}

fn of_document(document: Value) -> Vec<(CheckKind, Outcome)> {
    let azure = Azure::new(Export::of("test", document), VmSizes::default());
    let wishes = Wishes {
        times: CheckTimes {
            since_days: None,
            now: Some("2026-11-27T00:00:00Z".parse().unwrap()),
        },
        ..Wishes::default()
    };
    let report = PostureReport::with(&azure, &Servers::default(), &wishes);
    let checks = report.all_checks();
    checks.map(|check| (check.check, check.outcome)).collect()
}

#[test]
fn every_control_has_fixtures_of_each_outcome() {
    let page = json!({"value": base(), "nextLink": "https://management.azure.com/next"});
    let all = configurations();
    let all = all.iter().flat_map(|resources| outcomes(resources));
    let mut found = BTreeMap::<CheckKind, BTreeSet<Outcome>>::new();
    for (kind, outcome) in all.chain(of_document(page)) {
        found.entry(kind).or_default().insert(outcome);
    }
    let mut wrong = Vec::new();
    for control in controls::all() {
        let never = NEVER.iter().find(|(kind, ..)| *kind == control.check);
        let never = never.map_or(&[][..], |(_, outcomes, _)| outcomes);
        let found = found.get(&control.check);
        for outcome in [Pass, Fail, Unknown] {
            let is_found = found.is_some_and(|found| found.contains(&outcome));
            if is_found == never.contains(&outcome) {
                wrong.push(format!("{}: {outcome:?}", control.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What an export says of a resource stands in a file, and what passes or fails rests on a field.
#[test]
fn checks_name_the_field_and_the_file_that_they_rest_on() {
    // Two VNets in one, and a way that nothing filters, rest on no single field.
    let without = [CheckKind::Peering, CheckKind::Hub];
    for resources in configurations() {
        let azure = Azure::new(Export::of("test", json!(resources)), VmSizes::default());
        let report = PostureReport::with(&azure, &Servers::default(), &Wishes::default());
        for check in report.all_checks() {
            let Some(field) = &check.field else {
                let is_told = matches!(check.outcome, Pass | Fail);
                assert!(!is_told || without.contains(&check.check), "{check:?}");
                continue;
            };
            if field.id.is_some() {
                assert_eq!(field.file.as_deref(), Some("test"), "{check:?}");
            }
        }
    }
}

/// The page of the documentation is what the catalogue prints.
#[test]
fn the_page_of_controls_is_made_from_the_catalogue() {
    let formats = plainsight::report::CATALOGUE_FORMATS.iter();
    let mut formats = formats.filter(|format| format.name == "markdown");
    let mut page = Vec::new();
    let style = plainsight::report::Style::default();
    let format = formats.next().unwrap();
    format.write(&controls::all(), &style, &mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert_eq!(page, include_str!("../../../docs/controls.md"));
    for control in controls::all() {
        for text in [&control.id, &control.test.command] {
            assert!(page.contains(text), "{text}");
        }
    }
}
