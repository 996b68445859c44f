//! Services in a VNet that bear on its encryption: Private Link services, DNS Private
//! Resolvers, load balancers, AKS clusters, and registered features.

use super::node::JsonNode;
use super::{ResourceId, Setting};

/// A Private Link service (`az network private-link-service list`).
#[derive(Clone, Debug)]
pub struct PrivateLinkService {
    /// Its id.
    pub id: ResourceId,
    /// VNets that its addresses are in.
    pub vnets: Vec<ResourceId>,
}

impl PrivateLinkService {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let subnets = node.list("ipConfigurations");
        let subnets = subnets.filter_map(|it| it.id("subnet.id"));
        Self {
            id,
            vnets: subnets
                .filter_map(|subnet| subnet.parent("subnets"))
                .collect(),
        }
    }
}

/// A DNS Private Resolver (`az dns-resolver list`).
#[derive(Clone, Debug)]
pub struct DnsResolver {
    /// Its id.
    pub id: ResourceId,
    /// Its VNet.
    pub vnet: Option<ResourceId>,
}

impl DnsResolver {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        Self {
            id,
            vnet: node.id("virtualNetwork.id"),
        }
    }
}

/// A load balancer (`az network lb list`).
#[derive(Clone, Debug)]
pub struct LoadBalancer {
    /// Its id.
    pub id: ResourceId,
    /// Subnets of its private frontends; none for a public one.
    pub subnets: Vec<ResourceId>,
    /// IP configurations of NICs behind it.
    pub backends: Vec<ResourceId>,
}

impl LoadBalancer {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let subnets = node.list("frontendIPConfigurations");
        let pools: Vec<_> = node.list("backendAddressPools").collect();
        let listed = pools.iter().flat_map(|pool| {
            let by_nic = pool.ids("backendIPConfigurations");
            let by_address = pool.list("loadBalancerBackendAddresses");
            let by_address =
                by_address.filter_map(|it| it.id("networkInterfaceIPConfiguration.id"));
            by_nic.into_iter().chain(by_address)
        });
        let mut backends: Vec<ResourceId> = listed.collect();
        backends.sort();
        backends.dedup();
        Self {
            id,
            subnets: subnets.filter_map(|it| it.id("subnet.id")).collect(),
            backends,
        }
    }
}

/// An AKS cluster (`az aks list`).
#[derive(Clone, Debug)]
pub struct ManagedCluster {
    /// Its id.
    pub id: ResourceId,
    /// Subnets that its pods have addresses of, apart from those of the nodes.
    pub pod_subnets: Vec<ResourceId>,
}

impl ManagedCluster {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let pools = node.list("agentPoolProfiles");
        Self {
            id,
            pod_subnets: pools.filter_map(|pool| pool.id("podSubnetID")).collect(),
        }
    }
}

/// A preview feature of a subscription (`az feature show`).
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its id.
    pub id: ResourceId,
    /// `Registered`, or a state before.
    pub state: Setting,
}

impl Feature {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        Self {
            id,
            state: node.setting("state"),
        }
    }
}
