//! Each known cause, from a fixture with nothing else wrong, in both shapes of JSON.

use plainsight::azure::checks::{Check, CheckKind, Outcome, SeenFacts};
use plainsight::flow_log::State;
use serde_json::{Value, json};

use crate::support::azure::{
    MGS, OSS, arm, azure, base, changed, fixture, id, of_base, path_seen, path_to, posture, said,
    with,
};

/// A fixture, the kind of check that tells, its outcome, and the field that decides it.
type Row = (
    &'static str,
    CheckKind,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const CAUSES: [Row; 20] = [
    (
        "client-vnet-off",
        CheckKind::ClientVnet,
        "fail",
        "client-vnet",
        "encryption.enabled",
        Some("false"),
    ),
    (
        "client-vnet-without-encryption",
        CheckKind::ClientVnet,
        "fail",
        "client-vnet",
        "encryption.enabled",
        None,
    ),
    (
        "server-vnet-off",
        CheckKind::ServerVnet,
        "fail",
        "server-vnet",
        "encryption.enabled",
        Some("false"),
    ),
    (
        "drop-unencrypted",
        CheckKind::Enforcement,
        "pass",
        "client-vnet",
        "encryption.enforcement",
        Some("DropUnencrypted"),
    ),
    (
        "peering-far-end",
        CheckKind::Peering,
        "fail",
        "to-server-vnet",
        "remoteVirtualNetworkEncryption.enabled",
        Some("false"),
    ),
    (
        "peering-disconnected",
        CheckKind::Peering,
        "fail",
        "to-server-vnet",
        "peeringState",
        Some("Disconnected"),
    ),
    (
        "vm-size",
        CheckKind::VmSize,
        "fail",
        "client-1",
        "hardwareProfile.vmSize",
        Some("Standard_HB120rs_v3"),
    ),
    (
        "accelerated-networking-off",
        CheckKind::AcceleratedNetworking,
        "fail",
        "client-1-nic",
        "enableAcceleratedNetworking",
        Some("false"),
    ),
    (
        "not-restarted",
        CheckKind::ClientNic,
        "fail",
        "client-1-nic",
        "vnetEncryptionSupported",
        Some("false"),
    ),
    (
        "not-restarted",
        CheckKind::Restart,
        "fail",
        "client-1-nic",
        "vnetEncryptionSupported",
        Some("false"),
    ),
    (
        "amlfs-not-maintained",
        CheckKind::ServerNic,
        "fail",
        "amlfs-4e5f6a7b-snic",
        "vnetEncryptionSupported",
        Some("false"),
    ),
    (
        "amlfs-not-maintained",
        CheckKind::Maintenance,
        "fail",
        "amlfs-4e5f6a7b-snic",
        "vnetEncryptionSupported",
        Some("false"),
    ),
    ("same-zone", CheckKind::SameHost, "note", "", "", None),
    (
        "dedicated-host",
        CheckKind::SameHost,
        "note",
        "client-1",
        "host.id",
        Some(
            "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/hpc/providers/Microsoft.Compute/hostGroups/g/hosts/h",
        ),
    ),
    (
        "microsoft-key",
        CheckKind::FileSystemKey,
        "pass",
        "fs1",
        "encryptionSettings.keyEncryptionKey.keyUrl",
        None,
    ),
    (
        "flow-log-off",
        CheckKind::FlowLog,
        "fail",
        "server-vnet-flow-log",
        "enabled",
        Some("false"),
    ),
    (
        "no-encryption-at-host",
        CheckKind::HostEncryption,
        "fail",
        "client-1",
        "securityProfile.encryptionAtHost",
        None,
    ),
    (
        "disk-customer-key",
        CheckKind::DiskEncryption,
        "pass",
        "client-1-os",
        "encryption.type",
        Some("EncryptionAtRestWithPlatformAndCustomerKeys"),
    ),
    (
        "nsg-blocks-clients",
        CheckKind::NsgToServers,
        "fail",
        "amlfs-nsg",
        "securityRules[deny-in]",
        Some("Deny, priority 120"),
    ),
    (
        "nsg-blocks-servers",
        CheckKind::NsgToClients,
        "fail",
        "amlfs-nsg",
        "securityRules[deny-out]",
        Some("Deny, priority 1010"),
    ),
];

#[test]
fn each_cause_is_told_by_its_field_in_both_shapes() {
    for (name, kind, outcome, resource, path, value) in CAUSES {
        let resources = with(&fixture(&format!("causes/{name}.json")));
        for shaped in [resources.clone(), resources.iter().map(arm).collect()] {
            let report = posture(&azure(shaped));
            let said = said(report.all_checks(), kind);
            assert!(
                said.contains(&(outcome, resource, path, value)),
                "{name}: {said:?}"
            );
        }
    }
}

/// A fixture changes what it is about, and nothing becomes a cause that it is not about.
#[test]
fn nothing_else_fails() {
    let follows = [
        // A NIC of a VM that cannot encrypt says so.
        ("vm-size", CheckKind::ClientNic),
        ("accelerated-networking-off", CheckKind::ClientNic),
    ];
    for (name, ..) in CAUSES {
        let report = posture(&azure(with(&fixture(&format!("causes/{name}.json")))));
        for check in report
            .all_checks()
            .filter(|check| check.outcome == Outcome::Fail)
        {
            let listed = CAUSES
                .iter()
                .any(|row| row.0 == name && row.1 == check.check);
            assert!(
                listed || follows.contains(&(name, check.check)),
                "{name}: {check:?}"
            );
        }
    }
}

#[test]
fn services_that_no_rule_lets_pass_are_named() {
    let failing = |name: &str, kind| {
        let report = posture(&azure(with(&fixture(&format!("causes/{name}.json")))));
        let mut found = report.all_checks().filter(|check| check.check == kind);
        let check = found.next().expect("a check").clone();
        assert_eq!(check.outcome, Outcome::Fail, "{name}");
        check
    };
    let services = failing("nsg-without-a-service", CheckKind::NsgServices);
    assert!(services.says.ends_with(": EventHub"), "{}", services.says);
    let within = failing("nsg-between-servers", CheckKind::NsgWithin);
    assert_eq!(within.field.unwrap().path, "securityRules[deny-out]");
}

#[test]
fn of_a_good_configuration_only_what_no_export_tells_is_open() {
    let report = posture(&azure(base()));
    let not_passing = report
        .all_checks()
        .filter(|check| check.outcome != Outcome::Pass);
    let kinds: Vec<_> = not_passing
        .map(|check| (check.outcome, check.check))
        .collect();
    let open = |kind| (Outcome::Note, kind);
    assert_eq!(
        kinds,
        [
            CheckKind::Enforcement,
            CheckKind::Enforcement,
            CheckKind::Maintenance,
            CheckKind::Fragments,
            CheckKind::DoubleEncryption
        ]
        .map(open)
    );
    assert_eq!(report.exit_code(), 0);
}

/// Nothing is taken for good that is not said.
#[test]
fn without_exports_all_is_unknown() {
    let checks = path_to(&azure(Vec::new()), MGS);
    assert!(
        checks
            .iter()
            .all(|check| [Outcome::Unknown, Outcome::Note].contains(&check.outcome)),
        "{checks:?}"
    );
    assert!(checks.len() >= 10);
}

#[test]
fn what_is_neither_true_nor_false_is_unknown() {
    for odd in [json!("perhaps"), json!(1), json!([true]), json!({})] {
        let vnet = changed(of_base("client-vnet"), "/encryption/enabled", odd.clone());
        let said = said(&path_to(&azure(with(&vnet)), MGS), CheckKind::ClientVnet).len();
        assert_eq!(said, 1);
        let checks = path_to(&azure(with(&vnet)), MGS);
        assert_eq!(checks[0].outcome, Outcome::Unknown, "{odd}");
    }
    let vnet = changed(of_base("client-vnet"), "/encryption/enabled", json!("True"));
    assert_eq!(path_to(&azure(with(&vnet)), MGS)[0].outcome, Outcome::Pass);
}

#[test]
fn the_vm_itself_is_told_apart_from_its_size() {
    let size = |size: &str, supported: Value| {
        let vm = changed(of_base("client-1"), "/hardwareProfile/vmSize", json!(size));
        let nic = changed(
            of_base("client-1-nic"),
            "/vnetEncryptionSupported",
            supported,
        );
        let checks = path_to(&azure(with(&json!([vm, nic]))), MGS);
        said(&checks, CheckKind::VmSize)[0].0.to_owned()
    };
    assert_eq!(size("Standard_HB120rs_v3", json!(true)), "pass");
    assert_eq!(size("Standard_HB120rs_v3", json!(null)), "fail");
    assert_eq!(size("standard_d4S_V5", json!(false)), "pass");
}

#[test]
fn one_vnet_needs_no_peering() {
    let mut nic = of_base("client-1-nic");
    let subnet = &of_base("server-vnet")["subnets"][0]["id"];
    nic["ipConfigurations"][0]["subnet"]["id"] = subnet.clone();
    let checks = path_to(&azure(with(&nic)), MGS);
    assert_eq!(said(&checks, CheckKind::Peering), [("pass", "", "", None)]);
    // The enforcement of one VNet is told once.
    assert_eq!(said(&checks, CheckKind::Enforcement).len(), 1);
}

#[test]
fn a_peering_that_no_export_has_is_unknown() {
    let mut vnets = ["client-vnet", "server-vnet"].map(of_base);
    vnets[0]["virtualNetworkPeerings"] = json!([]);
    let one_way: Vec<Value> = base()
        .into_iter()
        .filter(|it| it["name"] != "client-vnet")
        .chain([vnets[0].clone()])
        .collect();
    let checks = path_to(&azure(one_way), MGS);
    let outcomes: Vec<_> = said(&checks, CheckKind::Peering)
        .iter()
        .map(|row| row.0)
        .collect();
    assert_eq!(outcomes, ["pass", "unknown"]);
}

#[test]
fn zones_and_regions_keep_hosts_apart() {
    let outcome = |vm: Value, file_system: Value| {
        let checks = path_to(&azure(with(&json!([vm, file_system]))), MGS);
        said(&checks, CheckKind::SameHost)[0].0.to_owned()
    };
    let fs = |pointer, value| changed(of_base("fs1"), pointer, value);
    assert_eq!(outcome(of_base("client-1"), of_base("fs1")), "pass");
    assert_eq!(
        outcome(of_base("client-1"), fs("/zones", json!(["1"]))),
        "note"
    );
    assert_eq!(
        outcome(of_base("client-1"), fs("/zones", json!([]))),
        "note"
    );
    let far = changed(fs("/zones", json!(["1"])), "/location", json!("westus"));
    assert_eq!(outcome(of_base("client-1"), far), "pass");
    let same = changed(fs("/zones", json!(["1"])), "/location", json!("East US"));
    assert_eq!(outcome(of_base("client-1"), same), "note");
    // Another subscription numbers its zones in its own way.
    let text = of_base("client-1")
        .to_string()
        .replace("11111111", "99999999");
    let elsewhere: Value = serde_json::from_str(&text).unwrap();
    let mut nic = of_base("client-1-nic");
    nic["virtualMachine"]["id"] = elsewhere["id"].clone();
    let checks = path_to(&azure(with(&json!([elsewhere, nic]))), MGS);
    assert_eq!(said(&checks, CheckKind::SameHost)[0].0, "note");
}

#[test]
fn a_deallocated_vm_waits_for_its_next_start() {
    let vm = changed(of_base("client-1"), "/powerState", json!("VM deallocated"));
    let nic = changed(
        of_base("client-1-nic"),
        "/vnetEncryptionSupported",
        json!(false),
    );
    let checks = path_to(&azure(with(&json!([vm, nic]))), MGS);
    assert_eq!(said(&checks, CheckKind::Restart)[0].0, "unknown");
}

/// Of an address that no NIC has, the VNet is found by its addresses, and that is said.
#[test]
fn a_vnet_can_be_found_by_its_addresses() {
    let mut all = base();
    all.retain(|it| it["name"] != "client-1-nic");
    let checks = path_to(&azure(all), OSS);
    assert_eq!(said(&checks, CheckKind::ClientVnet)[0].1, "client-vnet");
    assert!(
        checks[0]
            .says
            .contains("no NIC in the exports is known to have 10.20.1.4"),
        "{}",
        checks[0].says
    );
}

/// Addresses may be in use in several VNets.
#[test]
fn an_address_of_two_vnets_is_that_of_the_one_in_reach() {
    let text = of_base("client-1-nic").to_string();
    let text = text
        .replace("client-1-nic", "other-nic")
        .replace("client-vnet", "other-vnet");
    let other: Value = serde_json::from_str(&text).unwrap();
    let checks = path_to(&azure(with(&other)), MGS);
    assert_eq!(said(&checks, CheckKind::ClientNic)[0].1, "client-1-nic");
    // In reach of none, neither is taken.
    let mut all = with(&other);
    let far = ["fs1", "server-vnet", "client-vnet"];
    all.retain(|it| !far.iter().any(|name| it["name"] == *name));
    all.retain(|it| !it["name"].as_str().unwrap_or_default().ends_with("-snic"));
    let checks = path_to(&azure(all), MGS);
    assert_eq!(
        said(&checks, CheckKind::ClientNic),
        [("unknown", "", "", None)]
    );
}

/// A command that mends something names it.
#[test]
fn remedies_name_what_they_change() {
    let remedy = |name: &str, kind| {
        let report = posture(&azure(with(&fixture(&format!("causes/{name}.json")))));
        let mut found = report.all_checks().filter(|check| check.check == kind);
        found.find_map(|check| check.remedy.clone()).expect(name)
    };
    assert_eq!(
        remedy("client-vnet-off", CheckKind::ClientVnet),
        "az network vnet update --subscription 11111111-2222-3333-4444-555555555555 \
         --resource-group hpc --name client-vnet --enable-encryption true --encryption-enforcement-policy AllowUnencrypted"
    );
    assert_eq!(
        remedy("not-restarted", CheckKind::Restart),
        "az vm deallocate --subscription 11111111-2222-3333-4444-555555555555 \
         --resource-group hpc --name client-1 && \
         az vm start --subscription 11111111-2222-3333-4444-555555555555 \
         --resource-group hpc --name client-1"
    );
    assert_eq!(
        remedy(
            "accelerated-networking-off",
            CheckKind::AcceleratedNetworking
        ),
        "az network nic update --subscription 11111111-2222-3333-4444-555555555555 \
         --resource-group hpc --name client-1-nic --accelerated-networking true"
    );
    let rule = remedy("nsg-blocks-clients", CheckKind::NsgToServers);
    for part in [
        "--nsg-name amlfs-nsg ",
        "--priority 119 ",
        "--direction Inbound ",
        "--source-address-prefixes 10.20.1.0/25 ",
        "--destination-address-prefixes 10.20.2.0/25",
        "--destination-port-ranges 988 1019-1023 ",
    ] {
        assert!(rule.contains(part), "{part}: {rule}");
    }
}

#[test]
fn a_flow_log_may_be_of_the_subnet() {
    let of = |target: Value| {
        let log = changed(of_base("server-vnet-flow-log"), "/targetResourceId", target);
        let report = posture(&azure(with(&log)));
        said(report.all_checks(), CheckKind::FlowLog)[0]
            .0
            .to_owned()
    };
    assert_eq!(
        of(of_base("server-vnet")["subnets"][0]["id"].clone()),
        "pass"
    );
    // The clients' end shows the same path.
    assert_eq!(of(of_base("client-vnet")["id"].clone()), "pass");
    assert_eq!(of(of_base("client-1-nic")["id"].clone()), "pass");
    assert_eq!(of(of_base("fs1")["id"].clone()), "unknown");
    // Those of NSGs have no encryption field.
    assert_eq!(of(of_base("amlfs-nsg")["id"].clone()), "unknown");
}

/// `VirtualNetwork` in the clients' default rules is the peered VNet only while the peering
/// lets traffic pass.
#[test]
fn a_peering_without_access_is_no_virtual_network() {
    let mut peering = of_base("client-vnet")["virtualNetworkPeerings"][0].clone();
    peering["allowVirtualNetworkAccess"] = json!(false);
    let report = posture(&azure(with(&peering)));
    assert_eq!(
        said(report.all_checks(), CheckKind::NsgToServers)[0].0,
        "unknown"
    );
}

#[test]
fn a_group_that_no_export_has_is_unknown() {
    let mut all = base();
    all.retain(|it| it["name"] != "amlfs-nsg");
    let report = posture(&azure(all));
    for kind in [
        CheckKind::NsgToServers,
        CheckKind::NsgToClients,
        CheckKind::NsgWithin,
        CheckKind::NsgServices,
    ] {
        assert_eq!(said(report.all_checks(), kind)[0].0, "unknown", "{kind:?}");
    }
    let named = report
        .all_checks()
        .any(|check| check.says.ends_with("NSG amlfs-nsg is in no export"));
    assert!(named);
}

#[test]
fn subnets_without_groups_are_reachable_and_not_locked_down() {
    let mut vnets = json!([of_base("client-vnet"), of_base("server-vnet")]);
    for vnet in vnets.as_array_mut().unwrap() {
        vnet["subnets"][0]
            .as_object_mut()
            .unwrap()
            .remove("networkSecurityGroup");
    }
    let report = posture(&azure(with(&vnets)));
    for (kind, subnet) in [
        (CheckKind::NsgToServers, "amlfs"),
        (CheckKind::NsgToClients, "clients"),
    ] {
        let field = ("unknown", subnet, "networkSecurityGroup.id", None);
        assert_eq!(said(report.all_checks(), kind), [field]);
    }
    for kind in [
        CheckKind::NsgWithin,
        CheckKind::NsgServices,
        CheckKind::NsgMonitor,
        CheckKind::NsgExposure,
    ] {
        assert_eq!(said(report.all_checks(), kind)[0].0, "unknown", "{kind:?}");
    }
}

/// The group of a NIC counts as well as that of its subnet.
#[test]
fn the_group_of_a_nic_counts() {
    let mut nsg = of_base("amlfs-nsg");
    let text = nsg.to_string().replace("amlfs-nsg", "nic-nsg");
    nsg = serde_json::from_str(&text).unwrap();
    nsg["securityRules"]
        .as_array_mut()
        .unwrap()
        .retain(|rule| rule["name"] == "deny-out");
    let mut nic = of_base("client-1-nic");
    nic["networkSecurityGroup"] = json!({"id": nsg["id"]});
    let report = posture(&azure(with(&json!([nsg, nic]))));
    let field = (
        "fail",
        "nic-nsg",
        "securityRules[deny-out]",
        Some("Deny, priority 1010"),
    );
    assert_eq!(said(report.all_checks(), CheckKind::NsgToServers), [field]);
    assert_eq!(
        said(report.all_checks(), CheckKind::NsgToClients)[0].0,
        "pass"
    );
}

/// Members of an application security group are asked for one by one.
#[test]
fn a_rule_for_a_group_of_clients_is_followed() {
    let group =
        crate::support::azure::id("Microsoft.Network/applicationSecurityGroups", "hpc-clients");
    let mut nsg = of_base("amlfs-nsg");
    for rule in nsg["securityRules"].as_array_mut().unwrap() {
        if rule["name"] == "clients-in" {
            rule["sourceAddressPrefix"] = json!("");
            rule["sourceApplicationSecurityGroups"] = json!([{"id": group}]);
        }
    }
    let mut nic = of_base("client-1-nic");
    let outcome = |nic: &Value| {
        let report = posture(&azure(with(&json!([nsg, nic]))));
        said(report.all_checks(), CheckKind::NsgToServers)[0]
            .0
            .to_owned()
    };
    assert_eq!(outcome(&nic), "fail");
    nic["ipConfigurations"][0]["applicationSecurityGroups"] = json!([{"id": group}]);
    assert_eq!(outcome(&nic), "pass");
}

/// Managed disks are encrypted whatever else is known of them; of others nothing is.
#[test]
fn disks_are_told_by_their_vm_where_no_export_has_them() {
    let mut vm = of_base("client-1");
    vm["storageProfile"]["dataDisks"] = json!([
        {"name": "data", "managedDisk": {"id": crate::support::azure::id("Microsoft.Compute/disks", "data")}},
        {"name": "old", "vhd": {"uri": "https://hpc.blob.core.windows.net/vhds/old.vhd"}},
    ]);
    let report = posture(&azure(with(&vm)));
    let disks = said(report.all_checks(), CheckKind::DiskEncryption);
    let told: Vec<_> = disks.iter().map(|row| (row.0, row.2)).collect();
    assert_eq!(
        told,
        [
            ("pass", "encryption.type"),
            ("pass", "storageProfile.dataDisks[0].managedDisk.id"),
            ("unknown", "storageProfile.dataDisks[1].vhd.uri"),
        ]
    );
}

/// Azure Disk Encryption covers caches and temporary disks where it is of all volumes: its
/// extension may be there for some alone.
#[test]
fn disk_encryption_of_the_system_counts_for_caches() {
    let ade = |volumes: &str| {
        let settings = json!({"VolumeType": volumes});
        json!([{"name": "AzureDiskEncryptionForLinux", "settings": settings}])
    };
    let outcome = |disks: &[(&str, Value)], resources: Value| {
        let mut vm = of_base("client-1");
        vm["securityProfile"] = json!(null);
        vm["resources"] = resources;
        let data = crate::support::azure::id("Microsoft.Compute/disks", "data");
        vm["storageProfile"]["dataDisks"] = json!([{"name": "data", "managedDisk": {"id": data}}]);
        let mut all = with(&vm);
        let os = of_base("client-1-os");
        all.retain(|it| it["id"] != os["id"]);
        all.extend(disks.iter().map(|(name, enabled)| {
            let mut disk = os.clone();
            disk["id"] = crate::support::azure::id("Microsoft.Compute/disks", name);
            disk["encryptionSettingsCollection"] = json!({"enabled": enabled});
            disk
        }));
        let report = posture(&azure(all));
        said(report.all_checks(), CheckKind::HostEncryption)[0]
            .0
            .to_owned()
    };
    let extension = json!([{"name": "AzureDiskEncryptionForLinux"}]);
    let (on, off) = (json!(true), json!(null));
    for (disks, resources, expected) in [
        (&[("client-1-os", on.clone())][..], json!(null), "unknown"),
        (&[("client-1-os", on.clone())], ade("All"), "pass"),
        (&[("client-1-os", off.clone())], ade("all"), "pass"),
        (&[("client-1-os", on.clone())], ade("OS"), "fail"),
        (&[("client-1-os", on.clone())], ade("Data"), "fail"),
        (&[("client-1-os", off.clone())], json!(null), "fail"),
        (
            &[("client-1-os", off.clone())],
            json!([{"name": "CustomScript"}]),
            "fail",
        ),
        (
            &[("client-1-os", off.clone()), ("data", on.clone())],
            json!(null),
            "fail",
        ),
        (&[("client-1-os", off)], extension.clone(), "unknown"),
        (&[("client-1-os", on.clone())], extension, "unknown"),
        (&[("data", on)], json!(null), "unknown"),
        (&[], json!(null), "unknown"),
    ] {
        assert_eq!(
            outcome(disks, resources.clone()),
            expected,
            "{disks:?} {resources}"
        );
    }
}

/// VMs of scale sets are stopped and started by the set; what its model says is not
/// changed at one of them.
#[test]
fn a_scale_set_has_commands_of_its_own() {
    const SET: &str = "Microsoft.Compute/virtualMachineScaleSets/aks-pool/virtualMachines/3";
    let all = json!([of_base("client-1-nic"), of_base("client-1")]).to_string();
    let all = all.replace("Microsoft.Compute/virtualMachines/client-1", SET);
    let nics = format!("{SET}/networkInterfaces/client-1-nic");
    let all = all.replace("Microsoft.Network/networkInterfaces/client-1-nic", &nics);
    let all: Value = serde_json::from_str(&all).unwrap();
    let mut resources = base();
    resources.retain(|it| it["name"] != "client-1-nic" && it["name"] != "client-1");
    let nic = changed(all[0].clone(), "/vnetEncryptionSupported", json!(false));
    let remedies = |nic: &Value| -> Vec<Option<String>> {
        let all = [&resources[..], &[nic.clone(), all[1].clone()]].concat();
        let checks = path_to(&azure(all), MGS).into_iter();
        let failing = checks.filter(|check| check.outcome == Outcome::Fail);
        failing.map(|check| check.remedy).collect()
    };
    let restart = "az vmss deallocate --subscription 11111111-2222-3333-4444-555555555555 \
                   --resource-group hpc --name aks-pool --instance-ids 3 && \
                   az vmss start --subscription 11111111-2222-3333-4444-555555555555 \
                   --resource-group hpc --name aks-pool --instance-ids 3";
    assert_eq!(remedies(&nic), [None, Some(restart.to_owned())]);
    let slow = changed(nic, "/enableAcceleratedNetworking", json!(false));
    assert_eq!(remedies(&slow), [None, None]);
}

/// What the platform did decides over what its configuration allows.
#[test]
fn states_of_flow_logs_fail_the_checks_that_they_contradict() {
    let outcomes = |resources: Value, states: &[State], kind| {
        let seen = SeenFacts {
            states: states.iter().copied().collect(),
            ..SeenFacts::default()
        };
        let checks = path_seen(&azure(with(&resources)), MGS, &seen);
        let rows = said(&checks, kind);
        let [(outcome, resource, path, value)] = rows[..] else {
            panic!("{rows:?}");
        };
        [outcome, resource, path, value.unwrap_or("")].map(str::to_owned)
    };
    let apart = changed(of_base("client-1"), "/location", json!("westus"));
    for (state, kind, otherwise) in [
        (State::NxLocalDst, CheckKind::SameHost, "pass"),
        (State::NxHwNotSupported, CheckKind::VmSize, "pass"),
    ] {
        let of = |states: &[State]| outcomes(apart.clone(), states, kind);
        let failed = ["fail", "flow log", "encryption", state.name()];
        assert_eq!(of(&[State::X, state]), failed);
        assert_eq!(of(&[State::X, State::Nx, State::NxFallback])[0], otherwise);
    }
    let seen = SeenFacts {
        states: [State::NxHwNotSupported].into(),
        ..SeenFacts::default()
    };
    let unknown = path_seen(&azure(Vec::new()), MGS, &seen);
    assert_eq!(said(&unknown, CheckKind::VmSize)[0].0, "fail");
}

fn nsg_checks(resources: Vec<Value>) -> Vec<Check> {
    let report = posture(&azure(resources));
    let of = report.file_systems.into_iter().flat_map(|it| it.checks);
    let kinds = [
        CheckKind::NsgToServers,
        CheckKind::NsgToClients,
        CheckKind::NsgWithin,
        CheckKind::NsgServices,
    ];
    of.filter(|check| kinds.contains(&check.check)).collect()
}

/// Groups of servers' NICs are unknown where the NICs are.
#[test]
fn without_nics_of_servers_the_answer_is_the_subnets() {
    let is_reserved = |check: &Check| check.says.contains("by the subnet's NSG alone");
    let known = nsg_checks(base());
    assert!(!known.is_empty() && !known.iter().any(is_reserved));
    let mut all = base();
    all.retain(|it| !it["name"].as_str().unwrap_or_default().ends_with("-snic"));
    assert!(all.len() < base().len());
    let alone = nsg_checks(all);
    let outcomes = |checks: &[Check]| -> Vec<_> { checks.iter().map(|it| it.outcome).collect() };
    assert_eq!(outcomes(&alone), outcomes(&known));
    let passing = |check: &Check| check.outcome == Outcome::Pass;
    assert!(alone.iter().filter(|it| passing(it)).count() > 2);
    assert!(alone.iter().all(|it| passing(it) == is_reserved(it)));
}

/// Who names no subnet shares none.
#[test]
fn a_file_system_without_a_subnet_has_no_nics() {
    let mut file_system = of_base("fs1");
    file_system["filesystemSubnet"] = json!(null);
    let mut nic = of_base("amlfs-0a1b2c3d-snic");
    nic["id"] = id("Microsoft.Network/networkInterfaces", "amlfs-other-snic");
    nic["ipConfigurations"][0]["subnet"] = json!(null);
    nic["networkSecurityGroup"] =
        json!({"id": id("Microsoft.Network/networkSecurityGroups", "foreign-nsg")});
    let all = with(&json!([file_system, nic]));
    let checks = nsg_checks(all.clone());
    assert!(
        !checks
            .iter()
            .any(|check| check.says.contains("foreign-nsg"))
    );
    let azure = azure(all);
    let file_system = azure.export.file_systems.values().next().unwrap();
    assert_eq!(azure.server_nics(file_system).count(), 0);
    assert_eq!(azure.ends_to(file_system).server_nics.len(), 0);
}

/// A rule without addresses is none: where no subnet tells them, those known are named.
#[test]
fn a_remedy_names_addresses_or_there_is_none() {
    let deny = json!({
        "name": "deny", "priority": 200, "direction": "Outbound", "access": "Deny",
        "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*"
    });
    let group = id("Microsoft.Network/networkSecurityGroups", "own-nsg");
    let mut nic = of_base("client-1-nic");
    nic["networkSecurityGroup"] = json!({"id": group});
    let nsg = json!({"id": group, "securityRules": [deny], "defaultSecurityRules": []});
    let to_servers = |mgs: Value| {
        let mut file_system = of_base("fs1");
        file_system["clientInfo"]["mgsAddress"] = mgs;
        let mut all = vec![file_system, nic.clone(), nsg.clone(), of_base("client-1")];
        // One VNet, which no export has, at both ends.
        all[0]["filesystemSubnet"] = nic["ipConfigurations"][0]["subnet"]["id"].clone();
        let checks = nsg_checks(all);
        checks
            .into_iter()
            .find(|check| check.check == CheckKind::NsgToServers)
            .unwrap()
    };
    let check = to_servers(json!(MGS));
    assert_eq!(check.outcome, Outcome::Fail);
    let remedy = check.remedy.unwrap();
    let addresses =
        "--source-address-prefixes 10.20.1.4/32 --destination-address-prefixes 10.20.2.5/32";
    assert!(remedy.ends_with(addresses), "{remedy}");
    assert_eq!(to_servers(json!(null)).remedy, None);
}
