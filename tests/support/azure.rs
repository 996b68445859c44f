//! Exports written from the documented shapes: one client, one file system with two
//! servers, two peered VNets, all as it should be; and for each cause what differs.

use std::fs;
use std::path::{Path, PathBuf};

use plainsight::azure::checks::{self, Check, CheckKind, SeenFacts};
use plainsight::azure::export::Export;
use plainsight::azure::topology::Azure;
use plainsight::azure::vm_sizes::VmSizes;
use plainsight::report::posture::PostureReport;
use plainsight::verdict::Servers;
use serde_json::{Map, Value, json};

pub const CLIENT: &str = "10.20.1.4";
pub const MGS: &str = "10.20.2.5";
pub const OSS: &str = "10.20.2.6";

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/azure")
        .join(name)
}

/// The JSON of a fixture.
pub fn fixture(name: &str) -> Value {
    let path = folder(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).expect(name)
}

/// All of the base as az prints it.
pub fn base() -> Vec<Value> {
    let kinds = [
        "amlfs",
        "disks",
        "flow-logs",
        "keys",
        "keyvaults",
        "nics",
        "nsgs",
        "roles",
        "rotation-policy",
        "vms",
        "vnets",
    ];
    let lists = kinds.map(|kind| fixture(&format!("az/{kind}.json")));
    lists.iter().flat_map(list).collect()
}

/// The resources of a list, or the only one.
pub fn list(value: &Value) -> Vec<Value> {
    value
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value.clone()])
}

/// The base with other resources in the place of those of the same id, or added.
pub fn with(others: &Value) -> Vec<Value> {
    let others = list(others);
    let is_replaced = |known: &Value| others.iter().any(|other| other["id"] == known["id"]);
    let mut all = base();
    for vnet in &mut all {
        let peerings = vnet
            .get_mut("virtualNetworkPeerings")
            .and_then(Value::as_array_mut);
        if let Some(peerings) = peerings {
            peerings.retain(|peering| !is_replaced(peering));
        }
    }
    all.retain(|known| !is_replaced(known));
    all.extend(others);
    all
}

pub fn azure(resources: Vec<Value>) -> Azure {
    Azure::new(
        Export::of("test", Value::Array(resources)),
        VmSizes::default(),
    )
}

/// The same resource as ARM has it: all but a few fields in `properties`, also of what is
/// within it.
pub fn arm(resource: &Value) -> Value {
    const OWN: [&str; 9] = [
        "id", "name", "type", "location", "tags", "zones", "sku", "identity", "etag",
    ];
    const WITHIN: [&str; 5] = [
        "subnets",
        "virtualNetworkPeerings",
        "ipConfigurations",
        "securityRules",
        "defaultSecurityRules",
    ];
    let mut own = Map::new();
    let mut properties = Map::new();
    for (key, value) in resource.as_object().expect("an object") {
        let value = match value {
            Value::Array(items) if WITHIN.contains(&key.as_str()) => {
                items.iter().map(arm).collect()
            }
            value => value.clone(),
        };
        let place = if OWN.contains(&key.as_str()) {
            &mut own
        } else {
            &mut properties
        };
        place.insert(key.clone(), value);
    }
    properties.remove("resourceGroup");
    own.insert("properties".to_owned(), properties.into());
    own.into()
}

/// The checks of the path from the client to a server.
pub fn path_to(azure: &Azure, server: &str) -> Vec<Check> {
    path_seen(azure, server, &SeenFacts::default())
}

/// The same, with what captures and flow logs show of it.
pub fn path_seen(azure: &Azure, server: &str, seen: &SeenFacts) -> Vec<Check> {
    let address = |text: &str| text.parse::<std::net::IpAddr>().expect("an address");
    let ends = azure.ends(address(CLIENT), address(server));
    checks::of_path(azure, &ends, seen)
}

pub fn posture(azure: &Azure) -> PostureReport {
    PostureReport::new(azure, &Servers::default())
}

/// What the checks of a kind say: outcome, resource, field and value.
pub fn said<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    kind: CheckKind,
) -> Vec<(&'c str, &'c str, &'c str, Option<&'c str>)> {
    let of_kind = checks.into_iter().filter(|check| check.check == kind);
    of_kind
        .map(|check| {
            let field = check.field.as_ref();
            (
                check.outcome.name(),
                field.map_or("", |field| &field.resource),
                field.map_or("", |field| &field.path),
                field.and_then(|field| field.value.as_deref()),
            )
        })
        .collect()
}

/// A resource with a field changed.
pub fn changed(mut resource: Value, pointer: &str, value: Value) -> Value {
    *resource.pointer_mut(pointer).expect(pointer) = value;
    resource
}

/// A resource of the base.
pub fn of_base(name: &str) -> Value {
    let found = base().into_iter().find(|resource| resource["name"] == name);
    found.expect(name)
}

/// An id in the base's resource group.
pub fn id(kind: &str, name: &str) -> Value {
    json!(format!(
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/hpc/providers/{kind}/{name}"
    ))
}
