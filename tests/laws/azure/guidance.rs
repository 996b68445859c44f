//! Checks of what the guidance on VNet encryption, keys and disks lists: each passes, fails and
//! is unknown, in both shapes of JSON.

use std::collections::BTreeSet;
use std::slice;

use plainsight::azure::checks::{CheckKind, CheckTimes, Outcome};
use plainsight::azure::controls;
use plainsight::azure::waivers::{self, WaiverState};
use plainsight::report::posture::{PostureReport, Wishes};
use plainsight::verdict::Servers;
use serde_json::{Value, json};

use crate::support::azure::{arm, azure, base, id, of_base};

/// The base with a resource changed, and others added.
fn made(name: &str, changes: &[(&str, Value)], others: &[Value]) -> Vec<Value> {
    let mut all = base();
    for it in all
        .iter_mut()
        .filter(|it| it["name"] == name || it["kid"] == name)
    {
        for (pointer, value) in changes {
            set(it, pointer, value.clone());
        }
    }
    all.extend(others.iter().cloned());
    all
}

/// Sets a field, where it is absent too; `null` takes it away.
fn set(it: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = if parent.is_empty() {
        it
    } else {
        it.pointer_mut(parent).expect(pointer)
    };
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => other[key] = value,
    }
}

fn wishes() -> Wishes {
    Wishes {
        times: CheckTimes {
            since_days: None,
            now: Some("2026-11-27T00:00:00Z".parse().unwrap()),
        },
        ..Wishes::default()
    }
}

/// Outcomes of the checks of a kind, in both shapes.
fn outcomes(resources: Vec<Value>, kind: CheckKind) -> Vec<Outcome> {
    let in_arm = resources.iter().map(arm).collect();
    let [one, other] = [resources, in_arm].map(|shape| {
        let report = PostureReport::with(&azure(shape), &Servers::default(), &wishes());
        let of_kind = report.all_checks().filter(|check| check.check == kind);
        of_kind.map(|check| check.outcome).collect::<Vec<_>>()
    });
    assert_eq!(one, other, "{kind:?}");
    one
}

fn worst(resources: Vec<Value>, kind: CheckKind) -> Option<Outcome> {
    outcomes(resources, kind).into_iter().min()
}

const SUBNET: &str = "/subnets/0/privateLinkServiceNetworkPolicies";

fn subnet(vnet: &str) -> Value {
    of_base(vnet)["subnets"][0]["id"].clone()
}

#[test]
fn services_that_encryption_does_not_go_with_are_told() {
    use Outcome::{Fail, Note, Pass, Unknown};
    let service = json!({
        "id": id("Microsoft.Network/privateLinkServices", "pls"),
        "ipConfigurations": [{"subnet": {"id": subnet("server-vnet")}}],
    });
    let of = |changes: &[(&str, Value)], others: &[Value]| {
        worst(made("server-vnet", changes, others), CheckKind::PrivateLink).unwrap()
    };
    assert_eq!(of(&[], &[]), Pass);
    assert_eq!(of(&[(SUBNET, json!("Disabled"))], &[]), Unknown);
    assert_eq!(of(&[(SUBNET, json!(null))], &[]), Note);
    assert_eq!(of(&[], slice::from_ref(&service)), Fail);
    let off = ("/encryption/enabled", json!(false));
    let resources = made("server-vnet", &[off], &[service]);
    assert_eq!(worst(resources.clone(), CheckKind::PrivateLink), Some(Note));
    // Nor is encryption advised where it must not be on.
    let report = PostureReport::new(&azure(resources), &Servers::default());
    let vnet = report
        .all_checks()
        .find(|it| it.check == CheckKind::ServerVnet)
        .unwrap();
    assert_eq!((vnet.outcome, &vnet.remedy), (Fail, &None));

    let delegated = json!([{"name": "d", "serviceName": "Microsoft.Network/dnsResolvers"}]);
    let of = |changes: &[(&str, Value)], others: &[Value]| {
        worst(made("server-vnet", changes, others), CheckKind::DnsResolver).unwrap()
    };
    let resolver = json!({
        "id": id("Microsoft.Network/dnsResolvers", "dns"),
        "virtualNetwork": {"id": of_base("server-vnet")["id"]},
    });
    assert_eq!(of(&[], &[]), Pass);
    assert_eq!(of(&[("/subnets/0/delegations", delegated)], &[]), Fail);
    assert_eq!(of(&[], &[resolver]), Fail);
    assert_eq!(of(&[("/addressSpace", json!(null))], &[]), Unknown);
}

#[test]
fn backends_of_internal_load_balancers_are_told() {
    use Outcome::{Fail, Pass, Unknown};
    let nic = of_base("client-1-nic");
    let backend = |nic: &str| json!({"id": format!("{nic}/ipConfigurations/ipconfig1")});
    let balancer = |backends: &[Value]| {
        json!({
            "id": id("Microsoft.Network/loadBalancers", "lb"),
            "frontendIPConfigurations": [{"subnet": {"id": subnet("client-vnet")}}],
            "backendAddressPools": [{"backendIPConfigurations": backends}],
        })
    };
    let own = backend(nic["id"].as_str().unwrap());
    let lost = backend(
        id("Microsoft.Network/networkInterfaces", "lost")
            .as_str()
            .unwrap(),
    );
    let of = |configurations: Value, backends: &[Value]| {
        let changes = [("/ipConfigurations", configurations)];
        let resources = made("client-1-nic", &changes, &[balancer(backends)]);
        worst(resources, CheckKind::LoadBalancer).unwrap()
    };
    let one = json!([nic["ipConfigurations"][0]]);
    assert_eq!(of(one.clone(), slice::from_ref(&own)), Pass);
    assert_eq!(
        of(nic["ipConfigurations"].clone(), slice::from_ref(&own)),
        Fail
    );
    assert_eq!(of(one.clone(), &[own.clone(), lost]), Unknown);
    assert_eq!(worst(base(), CheckKind::LoadBalancer), None);
    // Backends of mixed sizes, and a second VM with a NIC of its own.
    let mixed = |size: &str| {
        let second = json!([of_base("client-1"), of_base("client-1-nic")]).to_string();
        let second = second
            .replace("client-1", "client-2")
            .replace("10.20.1.4", "10.20.1.9");
        let mut second: Vec<Value> = serde_json::from_str(&second).unwrap();
        second[0]["hardwareProfile"]["vmSize"] = json!(size);
        second[1]["ipConfigurations"] = json!([second[1]["ipConfigurations"][0]]);
        let other = backend(second[1]["id"].as_str().unwrap());
        second.push(balancer(&[own.clone(), other]));
        let changes = [("/ipConfigurations", one.clone())];
        worst(
            made("client-1-nic", &changes, &second),
            CheckKind::LoadBalancer,
        )
    };
    assert_eq!(mixed("Standard_HB120rs_v3"), Some(Fail));
    assert_eq!(mixed("Standard_E8s_v5"), Some(Pass));
    assert_eq!(mixed("Standard_D4s_v9"), Some(Unknown));
}

#[test]
fn pods_with_addresses_of_their_own_are_told() {
    let cluster = json!({
        "id": id("Microsoft.ContainerService/managedClusters", "aks"),
        "agentPoolProfiles": [{"name": "pool", "podSubnetId": subnet("client-vnet")}],
    });
    let all = made("", &[], &[cluster]);
    assert_eq!(worst(all, CheckKind::PodAddress), Some(Outcome::Fail));
    let elsewhere = json!({
        "id": id("Microsoft.ContainerService/managedClusters", "aks"),
        "agentPoolProfiles": [{"name": "pool", "vnetSubnetId": subnet("client-vnet")}],
    });
    assert_eq!(
        worst(made("", &[], &[elsewhere]), CheckKind::PodAddress),
        None
    );
}

#[test]
fn confidential_vms_need_accelerated_networking() {
    let size = ("/hardwareProfile/vmSize", json!("Standard_DC4as_v5"));
    let of = |accelerated: Value| {
        let mut all = made("client-1", std::slice::from_ref(&size), &[]);
        let nic = all
            .iter_mut()
            .find(|it| it["name"] == "client-1-nic")
            .unwrap();
        nic["enableAcceleratedNetworking"] = accelerated;
        worst(all, CheckKind::ConfidentialVm).unwrap()
    };
    assert_eq!(of(json!(true)), Outcome::Pass);
    assert_eq!(of(json!(false)), Outcome::Fail);
    assert_eq!(of(json!(null)), Outcome::Unknown);
    assert_eq!(worst(base(), CheckKind::ConfidentialVm), None);
}

#[test]
fn dropping_takes_a_registered_feature() {
    let drop = ("/encryption/enforcement", json!("DropUnencrypted"));
    let of = |state: Option<Value>| {
        let id = "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Features/providers/Microsoft.Network/features/AllowDropUnecryptedVnet";
        let feature = state.map(|state| json!({"id": id, "properties": {"state": state}}));
        let all = made(
            "client-vnet",
            std::slice::from_ref(&drop),
            feature.as_slice(),
        );
        worst(all, CheckKind::DropFeature).unwrap()
    };
    assert_eq!(of(Some(json!("Registered"))), Outcome::Pass);
    assert_eq!(of(Some(json!("NotRegistered"))), Outcome::Fail);
    assert_eq!(of(Some(json!(null))), Outcome::Unknown);
    assert_eq!(of(None), Outcome::Unknown);
    assert_eq!(worst(base(), CheckKind::DropFeature), None);
}

/// VNet encryption is a preview in the clouds of US Government and of 21Vianet.
#[test]
fn clouds_of_previews_are_told() {
    for (region, cloud) in [
        ("usgovvirginia", "US Government"),
        ("USDoD Central", "US Government"),
        ("chinaeast2", "21Vianet"),
        ("China North 3", "21Vianet"),
    ] {
        let all = made("client-vnet", &[("/location", json!(region))], &[]);
        assert_eq!(worst(all.clone(), CheckKind::Cloud), Some(Outcome::Note));
        let report = PostureReport::new(&azure(all), &Servers::default());
        let check = report.all_checks().find(|it| it.check == CheckKind::Cloud);
        assert!(check.unwrap().says.contains(cloud), "{region}");
    }
    assert_eq!(worst(base(), CheckKind::Cloud), None);
}

/// Checks of a kind, a resource, what changes in it, and the worst outcome then.
type Row<'a> = (CheckKind, &'a str, &'a [(&'a str, Value)], Outcome);

#[test]
fn keys_of_customers_are_told() {
    use CheckKind::{KeyAccess, KeyRotation, KeyValidity, KeyVaultProtection, KeyVaultRegion};
    use Outcome::{Fail, Pass, Unknown};
    let key = "https://hpc-keys.vault.azure.net/keys/lustre";
    let own = "0c0c0c0c-0000-4000-8000-000000000002";
    let policy = |rights: &[&str]| json!([{"objectId": own, "permissions": {"keys": rights}}]);
    let rbac = "/properties/enableRbacAuthorization";
    let policies = "/properties/accessPolicies";
    let rows: [Row<'_>; 17] = [
        (KeyVaultRegion, "", &[], Pass),
        (
            KeyVaultRegion,
            "hpc-keys",
            &[("/location", json!("westus"))],
            Fail,
        ),
        (
            KeyVaultRegion,
            "hpc-keys",
            &[("/location", json!(null))],
            Unknown,
        ),
        (KeyVaultProtection, "", &[], Pass),
        (
            KeyVaultProtection,
            "hpc-keys",
            &[("/properties/enablePurgeProtection", json!(null))],
            Fail,
        ),
        (
            KeyVaultProtection,
            "hpc-keys",
            &[("/properties/enableSoftDelete", json!(false))],
            Fail,
        ),
        (
            KeyVaultProtection,
            "hpc-keys",
            &[("/properties", json!(null))],
            Unknown,
        ),
        (KeyAccess, "", &[], Pass),
        (KeyAccess, "hpc-keys", &[(rbac, json!(false))], Fail),
        (
            KeyAccess,
            "hpc-keys",
            &[
                (rbac, json!(false)),
                (policies, policy(&["Get", "wrapKey", "UnwrapKey"])),
            ],
            Pass,
        ),
        (
            KeyAccess,
            "hpc-keys",
            &[(rbac, json!(false)), (policies, policy(&["get", "list"]))],
            Fail,
        ),
        (KeyAccess, "fs1", &[("/identity", json!(null))], Unknown),
        (KeyValidity, "", &[], Pass),
        (
            KeyValidity,
            key,
            &[("/attributes/enabled", json!(false))],
            Fail,
        ),
        (
            KeyValidity,
            key,
            &[("/attributes/expires", json!("2026-12-05T00:00:00+00:00"))],
            Fail,
        ),
        (
            KeyValidity,
            key,
            &[("/attributes/expires", json!("2028-12-05T00:00:00+00:00"))],
            Pass,
        ),
        (KeyRotation, "", &[], Pass),
    ];
    for (kind, name, changes, outcome) in rows {
        let all = made(name, changes, &[]);
        assert_eq!(worst(all, kind), Some(outcome), "{kind:?} {changes:?}");
    }
    let without = |what: &dyn Fn(&Value) -> bool| {
        let mut all = base();
        all.retain(|it| !what(it));
        all
    };
    let is_role = |it: &Value| it["principalId"].is_string();
    assert_eq!(worst(without(&is_role), KeyAccess), Some(Unknown));
    let is_policy = |it: &Value| it["lifetimeActions"].is_array();
    assert_eq!(worst(without(&is_policy), KeyRotation), Some(Unknown));
    let is_key = |it: &Value| it["kid"].is_string();
    assert_eq!(worst(without(&is_key), KeyValidity), Some(Unknown));
    let microsofts = made("fs1", &[("/encryptionSettings", json!(null))], &[]);
    assert_eq!(worst(microsofts, KeyAccess), None);
}

#[test]
fn disks_are_told_beyond_their_encryption() {
    use Outcome::{Fail, Note, Pass, Unknown};
    let set_id = id("Microsoft.Compute/diskEncryptionSets", "des");
    let set = |rotation: Value| {
        json!({
            "id": set_id, "encryptionType": "EncryptionAtRestWithCustomerKey",
            "activeKey": {"keyUrl": "https://hpc-keys.vault.azure.net/keys/disks/1"},
            "rotationToLatestKeyVersionEnabled": rotation,
        })
    };
    let with_set = ("/encryption/diskEncryptionSetId", json!(set_id));
    let of = |kind, changes: &[(&str, Value)], others: &[Value]| {
        worst(made("client-1-os", changes, others), kind)
    };
    let rotation = |set: &[Value]| of(CheckKind::DiskKeyRotation, slice::from_ref(&with_set), set);
    assert_eq!(rotation(&[set(json!(true))]), Some(Pass));
    assert_eq!(rotation(&[set(json!(false))]), Some(Fail));
    assert_eq!(rotation(&[]), Some(Unknown));
    let double = json!("EncryptionAtRestWithPlatformAndCustomerKeys");
    assert_eq!(
        of(
            CheckKind::DoubleEncryption,
            &[("/encryption/type", double)],
            &[]
        ),
        Some(Pass)
    );
    assert_eq!(of(CheckKind::DoubleEncryption, &[], &[]), Some(Note));
    assert_eq!(
        of(
            CheckKind::DoubleEncryption,
            &[("/encryption/type", json!(null))],
            &[]
        ),
        Some(Unknown)
    );
    let (policy, public) = ("/networkAccessPolicy", "/publicNetworkAccess");
    assert_eq!(of(CheckKind::DiskExport, &[], &[]), Some(Pass));
    let open = [(policy, json!("AllowAll")), (public, json!("Enabled"))];
    assert_eq!(of(CheckKind::DiskExport, &open, &[]), Some(Fail));
    let silent = [(policy, json!(null)), (public, json!(null))];
    assert_eq!(of(CheckKind::DiskExport, &silent, &[]), Some(Unknown));
    let snapshot = json!({
        "id": id("Microsoft.Compute/snapshots", "snap"), "networkAccessPolicy": "AllowAll",
        "creationData": {"sourceResourceId": of_base("client-1-os")["id"]},
    });
    assert_eq!(of(CheckKind::Snapshot, &[], &[snapshot]), Some(Fail));
    let ade = json!([{"name": "AzureDiskEncryptionForLinux", "settings": {"VolumeType": "All"}}]);
    let sized = |size: &str| {
        let changes = [
            ("/resources", ade.clone()),
            ("/hardwareProfile/vmSize", json!(size)),
        ];
        worst(made("client-1", &changes, &[]), CheckKind::AdeSupport)
    };
    assert_eq!(sized("Standard_D4s_v6"), Some(Fail));
    assert_eq!(sized("Standard_D4s_v5"), Some(Unknown));
    assert_eq!(worst(base(), CheckKind::AdeSupport), None);
}

#[test]
fn rules_that_open_servers_to_others_fail() {
    let nsg = of_base("amlfs-nsg");
    let with = |source: &str, priority: u64| {
        let mut nsg = nsg.clone();
        nsg["securityRules"].as_array_mut().unwrap().push(json!({
            "name": "odd", "priority": priority, "direction": "Inbound", "access": "Allow",
            "protocol": "Tcp", "sourceAddressPrefix": source, "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "980-1020",
        }));
        let mut all = base();
        all.retain(|it| it["name"] != "amlfs-nsg");
        all.push(nsg);
        worst(all, CheckKind::NsgExposure).unwrap()
    };
    for source in [
        "*",
        "Internet",
        "0.0.0.0/0",
        "10.20.0.0/16",
        "VirtualNetwork",
    ] {
        assert_eq!(with(source, 115), Outcome::Fail, "{source}");
        // Behind a rule that denies all it opens nothing.
        assert_eq!(with(source, 130), Outcome::Pass, "{source}");
    }
    assert_eq!(with("10.20.1.0/26", 115), Outcome::Pass);
}

/// A rule that denies a few in front of one that lets many in closes nothing for the rest.
#[test]
fn a_rule_that_denies_a_part_is_no_lock() {
    let mut nsg = of_base("amlfs-nsg");
    let rule = |(name, priority, access, source): (&str, u64, &str, &str)| {
        json!({
            "name": name, "priority": priority, "direction": "Inbound", "access": access,
            "protocol": "Tcp", "sourceAddressPrefix": source, "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "988",
        })
    };
    let part = rule(("part", 113, "Deny", "10.20.5.0/24"));
    let wide = rule(("wide", 115, "Allow", "10.20.0.0/16"));
    let rules = nsg["securityRules"].as_array_mut().unwrap();
    rules.extend([part, wide]);
    let mut all = base();
    all.retain(|it| it["name"] != "amlfs-nsg");
    all.push(nsg);
    let outcome = worst(all, CheckKind::NsgExposure).unwrap();
    assert_eq!(outcome, Outcome::Unknown);
}

#[test]
fn flow_logs_that_cannot_show_a_path_do_not_pass() {
    use Outcome::{Fail, Pass, Unknown};
    let rows: [(&str, Value, Outcome); 9] = [
        ("/recordTypes", json!("B,C,E,D"), Pass),
        ("/recordTypes", json!("C,E,B"), Pass),
        ("/recordTypes", json!(""), Pass),
        ("/recordTypes", json!("D"), Fail),
        ("/recordTypes", json!("B,D"), Unknown),
        ("/enabledFilteringCriteria", json!("dstPort=443"), Unknown),
        ("/provisioningState", json!("Failed"), Fail),
        ("/provisioningState", json!("Updating"), Unknown),
        ("/enabled", json!(null), Unknown),
    ];
    for (pointer, value, outcome) in rows {
        let all = made("server-vnet-flow-log", &[(pointer, value.clone())], &[]);
        assert_eq!(
            worst(all, CheckKind::FlowLog),
            Some(outcome),
            "{pointer} {value}"
        );
    }
    let kept = json!({"days": 30, "enabled": true});
    let all = made("server-vnet-flow-log", &[("/retentionPolicy", kept)], &[]);
    for (since, outcome) in [(None, Pass), (Some(30), Pass), (Some(31), Fail)] {
        let mut wishes = wishes();
        wishes.times.since_days = since;
        let report = PostureReport::with(&azure(all.clone()), &Servers::default(), &wishes);
        let check = report
            .all_checks()
            .find(|it| it.check == CheckKind::FlowLog)
            .unwrap();
        assert_eq!(check.outcome, outcome, "{since:?}");
    }
}

#[test]
fn what_is_required_has_to_pass() {
    let held = |resources: Vec<Value>, kind: CheckKind| {
        let wishes = Wishes {
            required: BTreeSet::from([kind]),
            ..wishes()
        };
        PostureReport::with(&azure(resources), &Servers::default(), &wishes).exit_code()
    };
    assert_eq!(held(base(), CheckKind::FileSystemKey), 0);
    let microsofts = made("fs1", &[("/encryptionSettings", json!(null))], &[]);
    assert_eq!(held(microsofts.clone(), CheckKind::VmSize), 0);
    assert_eq!(held(microsofts, CheckKind::FileSystemKey), 1);
    assert_eq!(held(base(), CheckKind::Enforcement), 1);
}

#[test]
fn waivers_accept_until_their_day() {
    let off = made("client-vnet", &[("/encryption/enabled", json!(false))], &[]);
    let posture = |waiver: Value| {
        let waivers = waivers::parse(&json!([waiver]).to_string()).expect("waivers");
        let wishes = Wishes {
            waivers,
            ..wishes()
        };
        PostureReport::with(&azure(off.clone()), &Servers::default(), &wishes)
    };
    let waiver = |control: &str, resource: Value, until: &str| {
        json!({
            "control": control, "resource": resource, "reason": "moved in spring",
            "by": "CISO", "until": until,
        })
    };
    let rows = [
        (
            waiver("client-vnet-encryption", json!(null), "2026-11-27"),
            WaiverState::Used,
            0,
        ),
        (
            waiver("client-vnet-encryption", json!("Client-VNet"), "2027-01-31"),
            WaiverState::Used,
            0,
        ),
        (
            waiver("client-vnet-encryption", json!("other"), "2027-01-31"),
            WaiverState::Unmatched,
            1,
        ),
        (
            waiver("vm-size", json!(null), "2027-01-31"),
            WaiverState::Unmatched,
            1,
        ),
        (
            waiver("client-vnet-encryption", json!(null), "2026-11-26"),
            WaiverState::Expired,
            1,
        ),
    ];
    for (row, state, exit_code) in rows {
        let report = posture(row.clone());
        assert_eq!(report.waivers[0].state, state, "{row}");
        assert_eq!(report.exit_code(), exit_code, "{row}");
        let told = report
            .warnings
            .iter()
            .any(|it| it.contains("the waiver of"));
        assert_eq!(told, state != WaiverState::Used, "{:?}", report.warnings);
    }
    for bad in [
        json!([{"reason": "x", "by": "y", "until": "2027-01-31"}]),
        json!([waiver("moon", json!(null), "2027-01-31")]),
        json!([waiver("vm-size", json!(null), "soon")]),
        json!({"control": "vm-size"}),
    ] {
        assert!(waivers::parse(&bad.to_string()).is_err(), "{bad}");
    }
}

/// The schemas name the kinds of the catalogue, and the page on Azure its controls.
#[test]
fn the_catalogue_is_what_is_documented() {
    let kinds: Vec<Value> = controls::all().iter().map(|it| json!(it.check)).collect();
    for schema in [
        include_str!("../../posture.schema.json"),
        include_str!("../../report.schema.json"),
    ] {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let listed = &schema["$defs"]["check"]["properties"]["check"]["enum"];
        assert_eq!(*listed, json!(kinds));
    }
    let page = include_str!("../../../docs/azure.md");
    for control in controls::all() {
        let mut seen = BTreeSet::new();
        let benchmarks = control.references.iter().filter_map(|it| {
            let short = it.benchmark.split(' ').next().unwrap_or_default();
            let said = format!("{short} {}", it.id);
            seen.insert(said.clone()).then_some(said)
        });
        let benchmarks = benchmarks.collect::<Vec<_>>().join(", ");
        let row = format!(
            "| `{}` | {} | {} | {benchmarks} |",
            control.id, control.title, control.level
        );
        assert!(page.contains(&row), "{row}");
    }
}

/// Sizes without a letter for it, of the basic tier and of the A series cannot encrypt; an
/// instance of a uniform scale set says its size in `sku.name`.
#[test]
fn sizes_are_told_wherever_they_stand() {
    let sized = |size: &str| {
        let changes = [("/hardwareProfile/vmSize", json!(size))];
        let mut all = made("client-1", &changes, &[]);
        let nic = all
            .iter_mut()
            .find(|it| it["name"] == "client-1-nic")
            .unwrap();
        nic["vnetEncryptionSupported"] = json!(null);
        worst(all, CheckKind::VmSize).unwrap()
    };
    for size in [
        "Basic_A0",
        "Basic_A4",
        "Standard_A2",
        "Standard_A8m_v2",
        "Standard_DS2_v2",
    ] {
        assert_eq!(sized(size), Outcome::Fail, "{size}");
    }
    assert_eq!(sized("Standard_D4as_v5"), Outcome::Pass);
    assert_eq!(sized("Standard_D4as_v9"), Outcome::Unknown);

    let instance = |size: Value, model: Value| {
        let set = id("Microsoft.Compute/virtualMachineScaleSets", "nodes");
        let set = set.as_str().unwrap();
        let vm_id = format!("{set}/virtualMachines/0");
        let nic_id = format!("{vm_id}/networkInterfaces/nodes-nic");
        let mut all = base();
        let vm = all.iter_mut().find(|it| it["name"] == "client-1").unwrap();
        vm["id"] = json!(vm_id);
        vm["hardwareProfile"] = json!({});
        vm["sku"] = size;
        vm["networkProfile"]["networkInterfaces"][0]["id"] = json!(nic_id);
        let nic = all
            .iter_mut()
            .find(|it| it["name"] == "client-1-nic")
            .unwrap();
        nic["id"] = json!(nic_id);
        nic["virtualMachine"]["id"] = json!(vm_id);
        nic["vnetEncryptionSupported"] = json!(null);
        all.push(json!({"id": set, "sku": model, "virtualMachineProfile": {}}));
        worst(all, CheckKind::VmSize).unwrap()
    };
    let sku = |size: &str| json!({"name": size, "tier": "Standard"});
    let listed = sku("Standard_D8s_v5");
    assert_eq!(instance(listed.clone(), listed.clone()), Outcome::Pass);
    // What the instance says counts, and not the model that it may not have been updated to.
    let other = sku("Standard_HB120rs_v3");
    assert_eq!(instance(other.clone(), listed), Outcome::Fail);
    assert_eq!(instance(json!(null), other), Outcome::Unknown);
}

/// The model of a scale set stands for a VM and its NIC, which are no namesakes.
#[test]
fn the_model_of_a_scale_set_has_its_plain_name() {
    let vnet = of_base("client-vnet");
    let model = json!({
        "id": id("Microsoft.Compute/virtualMachineScaleSets", "nodes"),
        "sku": {"name": "Standard_HB120rs_v3"},
        "virtualMachineProfile": {
            "storageProfile": {"osDisk": {"managedDisk": {"storageAccountType": "Premium_LRS"}}},
            "networkProfile": {"networkInterfaceConfigurations": [{
                "enableAcceleratedNetworking": true,
                "ipConfigurations": [{"subnet": {"id": vnet["subnets"][0]["id"]}}],
            }]},
        },
    });
    let all = made("", &[], &[model]);
    let waiver = json!([{"control": "vm-size", "resource": "nodes", "reason": "x", "by": "y",
                         "until": "2027-01-31"}]);
    let wishes = Wishes {
        waivers: waivers::parse(&waiver.to_string()).unwrap(),
        ..wishes()
    };
    let report = PostureReport::with(&azure(all), &Servers::default(), &wishes);
    assert_eq!(report.waivers[0].state, WaiverState::Used);
    let says: Vec<&str> = report.all_checks().map(|check| &check.says[..]).collect();
    for start in [
        "Scale set nodes has size Standard_HB120rs_v3",
        "Scale set nodes has managed disks alone",
        "Disk storageProfile.osDisk of Scale set nodes is managed",
        "Scale set nodes, temporary disk:",
    ] {
        assert!(
            says.iter().any(|says| says.starts_with(start)),
            "{start}: {says:?}"
        );
    }
}
