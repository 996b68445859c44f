//! Services in the VNets of a path that VNet encryption does not go together with, and clouds
//! where it is a preview.

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::vm::Support;
use super::{Check, CheckKind, Field, Outcome};
use crate::azure::export::{LoadBalancer, Nic, Subnet, VirtualNetwork};
use crate::azure::topology::{Azure, RouteEnds};

pub(super) fn of(azure: &Azure, ends: &RouteEnds<'_>) -> Vec<Check> {
    let mut vnets: Vec<&VirtualNetwork> = Vec::new();
    for vnet in [ends.client.vnet, ends.server.vnet].into_iter().flatten() {
        if vnets.iter().all(|known| known.id != vnet.id) {
            vnets.push(vnet);
        }
    }
    let mut checks = Vec::new();
    for vnet in vnets {
        checks.push(private_link(azure, vnet));
        checks.push(resolver(azure, vnet));
        checks.extend(balancers(azure, vnet));
        checks.extend(registration(azure, vnet));
        checks.extend(cloud(azure, vnet));
        checks.extend(pods(azure, vnet));
    }
    checks
}

/// Outcome of a service that encryption must not be on beside.
fn beside(vnet: &VirtualNetwork) -> Outcome {
    if vnet.encryption.flag() == Some(true) {
        Fail
    } else {
        Note
    }
}

/// A subnet with a Private Link service has its policies for them off.
fn private_link(azure: &Azure, vnet: &VirtualNetwork) -> Check {
    let name = azure.label(&vnet.id);
    let check = |outcome, says| Check::new(CheckKind::PrivateLink, outcome, says);
    if let Some(service) = azure.private_links(vnet).next() {
        let says = format!(
            "VNet {name} has a Private Link service, {}, beside which its encryption must not be on",
            azure.label(service)
        );
        let value = Some(vnet.id.to_string());
        let field = Field::at(azure, service, "ipConfigurations.subnet.id", value);
        return check(beside(vnet), says).field(field);
    }
    by_policies(azure, vnet)
}

/// Policies of the subnets, which are off where a Private Link service can be.
fn by_policies(azure: &Azure, vnet: &VirtualNetwork) -> Check {
    let name = azure.label(&vnet.id);
    let check = |outcome, says| Check::new(CheckKind::PrivateLink, outcome, says);
    let field = |subnet: &Subnet| Field::of(azure, &subnet.id, &subnet.private_link_policies);
    let mut subnets = vnet.subnets.iter();
    if let Some(subnet) = subnets.find(|it| it.private_link_policies.is("Disabled")) {
        let says = format!(
            "VNet {name} may have a Private Link service: subnet {} is made ready for one",
            azure.label(&subnet.id)
        );
        return check(Unknown, says).field(field(subnet));
    }
    let mut subnets = vnet.subnets.iter();
    match vnet.subnets.first() {
        Some(first) if subnets.all(|it| it.private_link_policies.is("Enabled")) => {
            let says = format!("VNet {name} has no subnet that a Private Link service could be in");
            check(Pass, says).field(field(first))
        }
        _ => {
            let says = format!(
                "No export has a Private Link service in VNet {name}, beside which encryption \
                 must not be on: az network private-link-service list tells them"
            );
            check(Note, says)
        }
    }
}

/// A DNS Private Resolver has a subnet that is delegated to it.
fn resolver(azure: &Azure, vnet: &VirtualNetwork) -> Check {
    let name = azure.label(&vnet.id);
    let check = |outcome, says| Check::new(CheckKind::DnsResolver, outcome, says);
    let with =
        format!("VNet {name} has a DNS Private Resolver, which does not work with encryption");
    let mut resolvers = azure.export.dns_resolvers.values();
    if let Some(it) = resolvers.find(|it| it.vnet.as_ref() == Some(&vnet.id)) {
        let value = Some(vnet.id.to_string());
        let field = Field::at(azure, &it.id, "virtualNetwork.id", value);
        return check(beside(vnet), with).field(field);
    }
    let is_delegated = |name: &String| name.eq_ignore_ascii_case("Microsoft.Network/dnsResolvers");
    let mut subnets = vnet.subnets.iter();
    if let Some(subnet) = subnets.find(|it| it.delegations.iter().any(is_delegated)) {
        let value = Some("Microsoft.Network/dnsResolvers".to_owned());
        let field = Field::at(azure, &subnet.id, "delegations.serviceName", value);
        return check(beside(vnet), with).field(field);
    }
    if !vnet.is_whole {
        let says = format!("Whether VNet {name} has a DNS Private Resolver is not in the exports");
        return check(Unknown, says);
    }
    let says = format!("No subnet of VNet {name} is delegated to a DNS Private Resolver");
    check(Pass, says).field(Field::at(azure, &vnet.id, "subnets.delegations", None))
}

/// Internal load balancers of a VNet.
fn balancers(azure: &Azure, vnet: &VirtualNetwork) -> Vec<Check> {
    let all = azure.export.load_balancers.values();
    let internal = all.filter(|it| {
        let mut subnets = it.subnets.iter();
        subnets.any(|subnet| vnet.subnets.iter().any(|own| own.id == *subnet))
    });
    internal.map(|it| balancer(azure, it)).collect()
}

/// Backends of an internal load balancer need supported sizes, all of them, and no secondary
/// IP configurations.
fn balancer(azure: &Azure, it: &LoadBalancer) -> Check {
    let name = azure.label(&it.id);
    let check = |outcome, says: String| {
        let says = format!("Internal load balancer {name} {says}");
        Check::new(CheckKind::LoadBalancer, outcome, says)
    };
    let nics = it.backends.iter();
    let nics: Vec<Option<&Nic>> = nics
        .map(|backend| azure.export.nics.get(&backend.parent("ipconfigurations")?))
        .collect();
    let known = || nics.iter().copied().flatten();
    if let Some(nic) = known().find(|nic| nic.configurations.len() > 1) {
        let nic_name = azure.label(&nic.id);
        let says = format!("has a backend with secondary IP configurations, {nic_name}");
        let count = Some(nic.configurations.len().to_string());
        let field = Field::at(azure, &nic.id, "ipConfigurations", count);
        return check(Fail, says).field(field);
    }
    let (outcome, says) = by_sizes(azure, &nics);
    let field = Field::at(azure, &it.id, "backendAddressPools", None);
    check(outcome, says.to_owned()).field(field)
}

/// Sizes of backends: all listed, mixed, or unknown.
fn by_sizes(azure: &Azure, nics: &[Option<&Nic>]) -> (Outcome, &'static str) {
    let support = |nic: &Nic| super::vm::support(azure, azure.vm_of(nic));
    let sizes: Vec<_> = nics.iter().map(|nic| nic.and_then(support)).collect();
    let has = |support| sizes.contains(&Some(support));
    if has(Support::Listed) && has(Support::Unlisted) {
        let says = "has backends of sizes that support encryption and of others";
        (Fail, says)
    } else if sizes.iter().any(|size| *size != Some(Support::Listed)) {
        let says = "has backends of which the exports do not tell a supported size";
        (Unknown, says)
    } else {
        let says = "has backends of supported sizes, without secondary IP configurations";
        (Pass, says)
    }
}

/// `DropUnencrypted` takes a registered feature of the subscription.
fn registration(azure: &Azure, vnet: &VirtualNetwork) -> Option<Check> {
    if !vnet.enforcement.is("DropUnencrypted") {
        return None;
    }
    let name = azure.label(&vnet.id);
    let check = |outcome, says| Check::new(CheckKind::DropFeature, outcome, says);
    let mut features = azure.export.features.values();
    let own = features.find(|it| {
        let is_own = it.id.subscription() == vnet.id.subscription();
        is_own && it.id.name().to_ascii_lowercase().starts_with("allowdrop")
    });
    let Some(feature) = own else {
        let says = format!(
            "VNet {name} has DropUnencrypted, which takes the feature AllowDropUnecryptedVnet of \
             Microsoft.Network: az feature show tells if its subscription is registered"
        );
        let field = Field::of(azure, &vnet.id, &vnet.enforcement);
        return Some(check(Unknown, says).field(field));
    };
    let (outcome, is) = match feature.state.value.as_deref() {
        Some(_) if feature.state.is("Registered") => (Pass, "is registered"),
        Some(_) => (Fail, "is not registered"),
        None => (Unknown, "may be registered or not"),
    };
    let says = format!("The feature that DropUnencrypted of VNet {name} takes {is}");
    let field = Field::of(azure, &feature.id, &feature.state);
    Some(check(outcome, says).field(field))
}

/// In clouds of governments VNet encryption is a preview.
fn cloud(azure: &Azure, vnet: &VirtualNetwork) -> Option<Check> {
    let location = vnet.location.as_deref()?;
    let plain = location.replace(' ', "").to_ascii_lowercase();
    let clouds = [
        ("usgov", "US Government"),
        ("usdod", "US Government"),
        ("china", "21Vianet"),
    ];
    let (_, cloud) = clouds.iter().find(|(start, _)| plain.starts_with(start))?;
    let says = format!(
        "VNet {} is in the cloud of {cloud}, where VNet encryption is a preview",
        azure.label(&vnet.id)
    );
    let field = Field::at(azure, &vnet.id, "location", Some(location.to_owned()));
    Some(Check::new(CheckKind::Cloud, Note, says).field(field))
}

/// Pods with addresses of their own send past the encryption of their nodes.
fn pods(azure: &Azure, vnet: &VirtualNetwork) -> Vec<Check> {
    let clusters = azure.export.clusters.values();
    let here = clusters.filter_map(|cluster| {
        let mut subnets = cluster.pod_subnets.iter();
        let subnet = subnets.find(|subnet| vnet.subnets.iter().any(|own| own.id == **subnet))?;
        Some((cluster, subnet))
    });
    here.map(|(cluster, subnet)| {
        let says = format!(
            "Pods of AKS cluster {} have addresses of subnet {}: traffic of its nodes is \
             encrypted, that of its pods is not",
            azure.label(&cluster.id),
            azure.label(subnet)
        );
        let path = "agentPoolProfiles.podSubnetId";
        let field = Field::at(azure, &cluster.id, path, Some(subnet.to_string()));
        Check::new(CheckKind::PodAddress, Note, says).field(field)
    })
    .collect()
}

/// A client whose address is a pod's.
pub(super) fn pod(azure: &Azure, ends: &RouteEnds<'_>) -> Option<Check> {
    let subnet = ends.client.subnet_id?;
    let mut clusters = azure.export.clusters.values();
    let cluster = clusters.find(|cluster| cluster.pod_subnets.contains(subnet))?;
    let says = format!(
        "The client's address is of subnet {}, which has the pods of AKS cluster {}: VNet \
         encryption does not cover pods with addresses of their own",
        azure.label(subnet),
        azure.label(&cluster.id)
    );
    let path = "agentPoolProfiles.podSubnetId";
    let field = Field::at(azure, &cluster.id, path, Some(subnet.to_string()));
    Some(Check::new(CheckKind::PodAddress, Fail, says).field(field))
}
