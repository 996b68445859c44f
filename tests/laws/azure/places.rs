//! Places of addresses, ways between networks, and VMs on no path, over estates that are made
//! here: file systems `fs-N` in VNets, clients in others.

use plainsight::azure::checks::{Check, CheckKind, Outcome};
use plainsight::azure::topology::Azure;
use plainsight::report::Standing;
use plainsight::report::posture::PostureReport;
use serde_json::{Value, json};

use crate::support::azure::{arm, azure, posture};

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

/// Resources of one estate.
#[derive(Clone, Default)]
struct Estate(Vec<Value>);

fn id(kind: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/hpc/providers/{kind}/{name}")
}

fn vnet_id(name: &str) -> String {
    id("Microsoft.Network/virtualNetworks", name)
}

impl Estate {
    /// A VNet with the subnets `clients` and `amlfs`, and peerings to others.
    fn vnet(mut self, name: &str, net: &str, peers: &[&str]) -> Self {
        let subnet = |at: u8, subnet: &str| {
            json!({
                "id": format!("{}/subnets/{subnet}", vnet_id(name)),
                "addressPrefix": format!("{net}.{at}.0/24"),
            })
        };
        let peerings: Vec<Value> = peers.iter().map(|far| peering(name, far)).collect();
        self.0.push(json!({
            "id": vnet_id(name),
            "name": name,
            "type": "Microsoft.Network/virtualNetworks",
            "location": "eastus",
            "addressSpace": {"addressPrefixes": [format!("{net}.0.0/16")]},
            "subnets": [subnet(1, "clients"), subnet(2, "amlfs")],
            "virtualNetworkPeerings": peerings,
            "encryption": {"enabled": true, "enforcement": "AllowUnencrypted"},
        }));
        self
    }

    fn file_system(mut self, name: &str, vnet: &str, mgs: &str) -> Self {
        self.0.push(json!({
            "id": id("Microsoft.StorageCache/amlFilesystems", name),
            "location": "eastus",
            "filesystemSubnet": format!("{}/subnets/amlfs", vnet_id(vnet)),
            "clientInfo": {"mgsAddress": mgs},
        }));
        let server = format!("amlfs-{name}-snic");
        self.nic(&server, vnet, "amlfs", mgs, None, true)
    }

    fn vm(mut self, name: &str, size: &str) -> Self {
        let nic = format!("{name}-nic");
        self.0.push(json!({
            "id": id("Microsoft.Compute/virtualMachines", name),
            "location": "eastus",
            "hardwareProfile": {"vmSize": size},
            "networkProfile": {"networkInterfaces": [{"id": id("Microsoft.Network/networkInterfaces", &nic)}]},
            "storageProfile": {"osDisk": {"name": "os", "managedDisk": {"id": id("Microsoft.Compute/disks", name)}}},
            "securityProfile": {"encryptionAtHost": true},
        }));
        self
    }

    fn nic(
        mut self,
        name: &str,
        vnet: &str,
        subnet: &str,
        address: &str,
        vm: Option<&str>,
        supported: bool,
    ) -> Self {
        let vm = vm.map(|vm| json!({"id": id("Microsoft.Compute/virtualMachines", vm)}));
        self.0.push(json!({
            "id": id("Microsoft.Network/networkInterfaces", name),
            "enableAcceleratedNetworking": supported,
            "vnetEncryptionSupported": supported,
            "virtualMachine": vm,
            "ipConfigurations": [{
                "privateIPAddress": address,
                "subnet": {"id": format!("{}/subnets/{subnet}", vnet_id(vnet))},
            }],
        }));
        self
    }

    /// A VM with its NIC, named after it.
    fn client(self, name: &str, vnet: &str, address: &str, supported: bool) -> Self {
        let size = if supported {
            "Standard_D4s_v5"
        } else {
            "Standard_B2s"
        };
        let nic = format!("{name}-nic");
        self.vm(name, size)
            .nic(&nic, vnet, "clients", address, Some(name), supported)
    }

    /// Both shapes of JSON.
    fn shapes(&self) -> [Azure; 2] {
        [
            azure(self.0.clone()),
            azure(self.0.iter().map(arm).collect()),
        ]
    }

    fn postures(&self) -> [PostureReport; 2] {
        self.shapes().map(|azure| posture(&azure))
    }

    /// A resource by its name, to be changed.
    fn change(mut self, name: &str, change: impl Fn(&mut Value)) -> Self {
        let is_it = |it: &&mut Value| it["id"].as_str().unwrap().ends_with(&format!("/{name}"));
        change(self.0.iter_mut().find(is_it).expect(name));
        self
    }
}

fn peering(near: &str, far: &str) -> Value {
    json!({
        "id": format!("{}/virtualNetworkPeerings/{near}-to-{far}", vnet_id(near)),
        "peeringState": "Connected",
        "allowVirtualNetworkAccess": true,
        "remoteVirtualNetwork": {"id": vnet_id(far)},
        "remoteVirtualNetworkEncryption": {"enabled": true},
    })
}

fn checks(azure: &Azure, client: &str, server: &str) -> Vec<Check> {
    let ends = azure.ends(
        client.parse::<std::net::IpAddr>().unwrap(),
        server.parse().unwrap(),
    );
    plainsight::azure::checks::of_path(
        azure,
        &ends,
        &plainsight::azure::checks::SeenFacts::default(),
    )
}

fn vm_of(azure: &Azure, client: &str, server: &str) -> Option<String> {
    let ends = azure.ends(
        client.parse::<std::net::IpAddr>().unwrap(),
        server.parse().unwrap(),
    );
    ends.client.vm.map(|vm| vm.id.name().to_owned())
}

/// Two networks with the same addresses, of which one has the file system.
fn twins() -> Estate {
    Estate::default()
        .vnet("v", "10.20", &[])
        .vnet("dev", "10.20", &[])
        .file_system("fs", "v", "10.20.2.4")
        .client("dev1", "dev", "10.20.1.4", false)
}

#[test]
fn a_vm_of_a_network_out_of_reach_is_not_the_clients() {
    for azure in twins().shapes() {
        let ends = azure.ends(
            "10.20.1.4".parse::<std::net::IpAddr>().unwrap(),
            "10.20.2.4".parse().unwrap(),
        );
        assert_eq!(ends.client.vnet_id.unwrap().name(), "v");
        assert!(ends.client.nic.is_none());
        let checks = checks(&azure, "10.20.1.4", "10.20.2.4");
        assert!(
            checks.iter().all(|it| it.outcome != Outcome::Fail),
            "{checks:#?}"
        );
    }
    let both = twins().client("good", "v", "10.20.1.4", true);
    for azure in both.shapes() {
        assert_eq!(vm_of(&azure, "10.20.1.4", "10.20.2.4").unwrap(), "good");
    }
}

/// Without the network of the file system nothing tells who has the address.
#[test]
fn where_nothing_reaches_nothing_is_advised() {
    let mut estate = twins();
    estate
        .0
        .retain(|it| !it["id"].as_str().unwrap().ends_with("/v"));
    for azure in estate.shapes() {
        let checks = checks(&azure, "10.20.1.4", "10.20.2.4");
        assert!(checks.iter().all(|it| it.remedy.is_none()), "{checks:#?}");
        let size = checks
            .iter()
            .find(|it| it.check == CheckKind::VmSize)
            .unwrap();
        assert!(size.says.contains("NIC dev1-nic"), "{}", size.says);
    }
}

/// The address of a file system's MGS is that file system's, whoever else has it elsewhere.
#[test]
fn a_nic_elsewhere_is_not_the_mgs() {
    let estate = twins().client("other", "dev", "10.20.2.4", false);
    for azure in estate.shapes() {
        let ends = azure.ends(
            "10.20.1.9".parse::<std::net::IpAddr>().unwrap(),
            "10.20.2.4".parse().unwrap(),
        );
        assert_eq!(ends.file_system.unwrap().id.name(), "fs");
        assert_eq!(ends.server.vnet_id.unwrap().name(), "v");
    }
}

#[test]
fn an_address_of_two_nics_is_ambiguous_and_both_are_named() {
    let estate = Estate::default()
        .vnet("v", "10.20", &[])
        .file_system("fs", "v", "10.20.2.4")
        .client("one", "v", "10.20.1.4", false)
        .client("two", "v", "10.20.1.4", true);
    for azure in estate.shapes() {
        let checks = checks(&azure, "10.20.1.4", "10.20.2.4");
        let size = checks
            .iter()
            .find(|it| it.check == CheckKind::VmSize)
            .unwrap();
        assert_eq!(size.outcome, Outcome::Unknown);
        assert!(
            size.says.contains("NICs one-nic and two-nic"),
            "{}",
            size.says
        );
        assert!(checks.iter().all(|it| it.remedy.is_none()), "{checks:#?}");
    }
}

/// The block of a file system elsewhere has the addresses of this one's clients.
#[test]
fn a_foreign_block_does_not_make_clients_servers() {
    let estate = twins()
        .file_system("far", "dev", "10.20.2.9")
        .change("far", |it| {
            it["filesystemSubnet"] = json!(format!("{}/subnets/clients", vnet_id("dev")));
        })
        .change("dev", |vnet| {
            drop(vnet["subnets"].as_array_mut().unwrap().pop());
        });
    for azure in estate.shapes() {
        let (_, blocks) = azure.servers();
        let blocks: Vec<String> = blocks.iter().map(|(net, _)| net.to_string()).collect();
        assert_eq!(blocks, ["10.20.2.0/24"]);
        let told = azure
            .export
            .warnings
            .iter()
            .any(|it| it.starts_with("10.20.1.0/24"));
        assert!(told, "{:?}", azure.export.warnings);
    }
}

fn hub() -> Estate {
    Estate::default()
        .vnet("c", "10.30", &["h"])
        .vnet("h", "10.40", &["c", "v"])
        .vnet("v", "10.20", &["h"])
        .file_system("fs", "v", "10.20.2.4")
        .client("vm1", "c", "10.30.1.4", true)
}

/// Estates with a hub in between, whose appliance or VNet encrypts, does not, or does not say.
pub(super) fn hubs() -> Vec<Vec<Value>> {
    let nva = |supported: Value| {
        let nva = hub().client("nva", "h", "10.40.1.4", true);
        nva.change("nva-nic", |nic| {
            nic["enableIPForwarding"] = json!(true);
            nic["vnetEncryptionSupported"] = supported.clone();
        })
    };
    let all = [json!(true), json!(false), json!(null)].map(nva);
    all.into_iter().chain([hub()]).map(|it| it.0).collect()
}

fn of_kind(checks: &[Check], kind: CheckKind) -> Vec<&Check> {
    checks.iter().filter(|check| check.check == kind).collect()
}

#[test]
fn a_spoke_behind_a_hub_is_a_client_hop_by_hop() {
    for report in hub().postures() {
        assert_eq!(report.paths.len(), 1);
        let causes = &report.paths[0].causes;
        let peerings = of_kind(causes, CheckKind::Peering);
        assert_eq!(peerings.len(), 4, "{peerings:#?}");
        assert!(peerings.iter().all(|it| it.outcome == Outcome::Pass));
        let between = of_kind(causes, CheckKind::Hub);
        assert!(
            between.iter().any(|it| it.says.contains("covers each hop")),
            "{between:#?}"
        );
        assert_eq!(report.exit_code(), 3);
    }
    // An appliance is a VM, which encrypts or does not.
    let nva = hub()
        .client("nva", "h", "10.40.1.4", false)
        .change("nva-nic", |nic| {
            nic["enableIPForwarding"] = json!(true);
        });
    for report in nva.postures() {
        let path = report
            .paths
            .iter()
            .find(|it| it.ends.client.address.as_deref() == Some("10.30.1.4"));
        let failing = of_kind(&path.unwrap().causes, CheckKind::Hub);
        assert!(
            failing
                .iter()
                .any(|it| it.outcome == Outcome::Fail && it.says.contains("nva-nic"))
        );
    }
    let off = hub().change("h", |hub| hub["encryption"] = json!({"enabled": false}));
    for report in off.postures() {
        let failing = of_kind(&report.paths[0].causes, CheckKind::Hub);
        assert!(failing.iter().any(|it| it.outcome == Outcome::Fail));
    }
}

#[test]
fn every_vm_is_named() {
    let estate = hub()
        .vm("lost", "Standard_HB176rs_v4")
        .vnet("island", "10.99", &[])
        .client("apart", "island", "10.99.1.4", false)
        .client("beyond", "unexported", "10.98.1.4", true);
    for report in estate.postures() {
        let standing = |name: &str| {
            let it = report
                .clients
                .iter()
                .find(|it| it.name == name)
                .expect(name);
            (it.standing, it.checks[0].outcome)
        };
        assert_eq!(standing("vm1").0, Standing::OnPath);
        assert_eq!(standing("lost"), (Standing::Unknown, Outcome::Unknown));
        assert_eq!(standing("apart"), (Standing::NoPath, Outcome::Note));
        assert_eq!(standing("beyond"), (Standing::NoPath, Outcome::Note));
        assert_eq!(report.summary.fail, 0);
    }
    // Gateways at both ends may join what no peering does.
    let gateway = |vnet: &mut Value| {
        let id = format!("{}/subnets/GatewaySubnet", vnet["id"].as_str().unwrap());
        let subnets = vnet["subnets"].as_array_mut().unwrap();
        subnets.push(json!({"id": id, "addressPrefix": "10.7.0.0/24"}));
    };
    let estate = estate.change("island", gateway).change("v", gateway);
    for report in estate.postures() {
        let apart = report.clients.iter().find(|it| it.name == "apart").unwrap();
        assert_eq!(apart.standing, Standing::Unknown);
    }
}

fn peered() -> Estate {
    Estate::default()
        .vnet("c", "10.30", &["v"])
        .vnet("v", "10.20", &["c"])
        .file_system("fs", "v", "10.20.2.4")
        .client("vm1", "c", "10.30.1.4", true)
}

#[test]
fn a_peering_of_other_subnets_is_no_way() {
    let only = |name: &'static str| {
        peered().change("c", |vnet| {
            let peering = &mut vnet["virtualNetworkPeerings"][0];
            peering["peerCompleteVnets"] = json!(false);
            peering["localSubnetNames"] = json!([name]);
            peering["remoteSubnetNames"] = json!(["AMLFS"]);
        })
    };
    for report in only("clients").postures() {
        assert_eq!(report.clients[0].standing, Standing::OnPath);
    }
    for report in only("others").postures() {
        assert_eq!(report.clients[0].standing, Standing::NoPath);
        assert!(
            report.clients[0].checks[0]
                .says
                .contains("localSubnetNames")
        );
        assert_eq!(report.paths[0].ends.client.address, None);
    }
}

#[test]
fn what_carries_nothing_is_blocked_and_no_plaintext() {
    let apart = peered().change("c", |vnet| {
        vnet["virtualNetworkPeerings"][0]["peeringState"] = json!("Disconnected");
    });
    let shut = peered().change("v", |vnet| {
        vnet["virtualNetworkPeerings"][0]["allowVirtualNetworkAccess"] = json!(false);
    });
    let drop = |vnet: &mut Value| vnet["encryption"]["enforcement"] = json!("DropUnencrypted");
    let dropped = peered()
        .change("c", drop)
        .change("v", drop)
        .change("vm1", |vm| {
            vm["hardwareProfile"]["vmSize"] = json!("Standard_B2s");
        })
        .change("vm1-nic", |nic| {
            nic["vnetEncryptionSupported"] = json!(false);
        });
    for estate in [apart, shut, dropped.clone()] {
        for report in estate.postures() {
            assert!(report.paths[0].blocked.is_some(), "{:#?}", report.paths);
            assert_eq!(report.exit_code(), 1);
            let head = headline(&report);
            assert!(
                head.contains("blocked") && !head.contains("plaintext"),
                "{head}"
            );
        }
    }
    // One end alone drops nothing.
    let one = dropped.change("v", |vnet| {
        vnet["encryption"]["enforcement"] = json!("AllowUnencrypted");
    });
    for report in one.postures() {
        assert_eq!(report.paths[0].blocked, None);
        assert!(headline(&report).contains("a cause of plaintext"));
    }
}

fn headline(report: &PostureReport) -> String {
    let style = plainsight::report::Style {
        width: 200,
        verbose: false,
        ..plainsight::report::Style::default()
    };
    let mut page = Vec::new();
    plainsight::report::POSTURE_FORMATS[0]
        .write(report, &style, &mut page)
        .unwrap();
    let page = String::from_utf8(page).unwrap();
    page.split("\n\n").next().unwrap().replace('\n', " ")
}

/// Rules of NSGs block as well, and the headline says so.
#[test]
fn what_a_rule_denies_is_blocked() {
    let nsg = id("Microsoft.Network/networkSecurityGroups", "nsg");
    let deny = json!({
        "id": nsg,
        "securityRules": [{
            "name": "deny", "priority": 200, "direction": "Inbound", "access": "Deny",
            "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "*",
        }],
    });
    let mut estate = peered().change("v", |vnet| {
        vnet["subnets"][1]["networkSecurityGroup"] = json!({"id": nsg});
    });
    estate.0.push(deny);
    for report in estate.postures() {
        let head = headline(&report);
        assert!(
            head.contains("is blocked") && head.contains("An NSG blocks TCP 988"),
            "{head}"
        );
    }
}

/// Namesakes of two subscriptions are told apart, in commands too.
#[test]
fn namesakes_are_told_apart() {
    let far = |text: &str| text.replace(SUBSCRIPTION, "22222222-2222-2222-2222-222222222222");
    let mut estate = peered();
    let other: Value = serde_json::from_str(&far(&json!(estate.0).to_string())).unwrap();
    let off = json!({"enabled": false});
    estate = estate.change("c", |vnet| vnet["encryption"] = off.clone());
    estate.0.extend(other.as_array().unwrap().clone());
    for report in estate.postures() {
        let failing = report.all_checks().filter(|it| it.outcome == Outcome::Fail);
        let failing: Vec<&Check> = failing.collect();
        assert!(!failing.is_empty());
        for check in failing {
            assert!(
                check.says.contains(&format!("c (hpc, {SUBSCRIPTION})")),
                "{}",
                check.says
            );
            let remedy = check.remedy.as_deref().unwrap();
            assert!(
                remedy.contains(&format!("--subscription {SUBSCRIPTION} ")),
                "{remedy}"
            );
        }
    }
}

/// A scale set's model stands for its instances where they were not exported.
#[test]
fn a_model_of_a_scale_set_names_size_and_networking() {
    let set = id("Microsoft.Compute/virtualMachineScaleSets", "set");
    let model = json!({
        "id": set,
        "sku": {"name": "Standard_HB120rs_v3", "capacity": 4},
        "virtualMachineProfile": {
            "storageProfile": {"osDisk": {"managedDisk": {}}},
            "networkProfile": {"networkInterfaceConfigurations": [{
                "name": "nic",
                "enableAcceleratedNetworking": false,
                "ipConfigurations": [{"name": "ip", "subnet": {"id": format!("{}/subnets/clients", vnet_id("c"))}}],
            }]},
        },
    });
    let mut estate = peered();
    estate.0.push(model.clone());
    for report in estate.postures() {
        let path = report
            .paths
            .iter()
            .find(|it| it.ends.client.vm.as_deref() == Some(&set));
        let causes = report.causes(path.expect("a path"));
        for (kind, field) in [
            (CheckKind::VmSize, "sku.name"),
            (
                CheckKind::AcceleratedNetworking,
                "enableAcceleratedNetworking",
            ),
        ] {
            let check = causes.iter().find(|it| it.check == kind).unwrap();
            assert_eq!(check.outcome, Outcome::Fail);
            assert!(check.field.as_ref().unwrap().path.ends_with(field));
        }
    }
    // An instance speaks for itself.
    let instance = format!("{set}/virtualMachines/0");
    estate.0.push(json!({
        "id": format!("{instance}/networkInterfaces/nic"),
        "enableAcceleratedNetworking": true,
        "virtualMachine": {"id": instance},
        "ipConfigurations": [{"privateIPAddress": "10.30.1.77", "subnet": {"id": format!("{}/subnets/clients", vnet_id("c"))}}],
    }));
    for report in estate.postures() {
        assert_eq!(report.paths.len(), 2);
        let size = report
            .all_checks()
            .find(|it| it.check == CheckKind::VmSize && it.outcome == Outcome::Fail);
        assert!(size.unwrap().says.contains("HB120rs_v3"));
    }
}

#[test]
fn the_nic_of_a_deallocated_vm_is_unknown() {
    let estate = peered()
        .change("vm1", |vm| vm["powerState"] = json!("VM deallocated"))
        .change("vm1-nic", |nic| {
            nic["vnetEncryptionSupported"] = json!(false);
        });
    for report in estate.postures() {
        let nic = of_kind(&report.paths[0].causes, CheckKind::ClientNic);
        assert_eq!(nic[0].outcome, Outcome::Unknown);
        assert_eq!(report.summary.fail, 0);
    }
}
