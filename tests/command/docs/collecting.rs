//! The loop that collects exports, run as it stands there with a stand-in for az.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::azure::folder;
use crate::support::program::{plainsight, said};

/// Prints the fixture of what was asked for, and refuses anything else.
const AZ: &str = r#"#!/bin/sh
set -f
case "$*" in
  "keyvault list --query [].name -o tsv") echo hpc-keys; exit ;;
  "keyvault show --name hpc-keys -o json") exec cat "$FIXTURES/keyvaults.json" ;;
  "keyvault key list --vault-name hpc-keys -o json") exec cat "$FIXTURES/keys.json" ;;
  "keyvault key list --vault-name hpc-keys --query [].name -o tsv") echo lustre; exit ;;
  "keyvault key rotation-policy show --vault-name hpc-keys --name lustre -o json")
    exec cat "$FIXTURES/rotation-policy.json" ;;
  "role assignment list --all -o json") exec cat "$FIXTURES/roles.json" ;;
  "vmss list --query "*) printf 'hpc(east)\tnodes\n'; exit ;;
  "vmss nic list --resource-group hpc(east) --vmss-name nodes -o json" | \
  "vmss list-instances --resource-group hpc(east) --name nodes -o json") echo "[]"; exit ;;
  "feature show --namespace Microsoft.Network --name AllowDropUnecryptedVnet -o json")
    exec cat "$FEATURE" ;;
  "network lb list -o json" | "network private-link-service list -o json" | "vmss list -o json" | \
  "aks list -o json" | "snapshot list -o json" | "disk-encryption-set list -o json" | \
  "dns-resolver list -o json")
    echo "[]"; exit ;;
  "network vnet list -o json") exec cat "$FIXTURES/vnets.json" ;;
  "network nic list -o json") exec cat "$FIXTURES/nics.json" ;;
  "network nsg list -o json") exec cat "$FIXTURES/nsgs.json" ;;
  "vm list --show-details -o json") exec cat "$FIXTURES/vms.json" ;;
  "disk list -o json") exec cat "$FIXTURES/disks.json" ;;
  "amlfs list -o json") exec cat "$FIXTURES/amlfs.json" ;;
  "network watcher flow-log list --location eastus -o json") exec cat "$FIXTURES/flow-logs.json" ;;
esac
echo "az $*: no such command" >&2
exit 1
"#;
/// A feature as az prints it.
const FEATURE: &str = r#"{
  "id": "/subscriptions/11111111-2222-3333-4444-555555555555/providers/Microsoft.Features/providers/Microsoft.Network/features/AllowDropUnecryptedVnet",
  "name": "Microsoft.Network/AllowDropUnecryptedVnet",
  "properties": {"state": "Registered"},
  "type": "Microsoft.Features/providers/features"
}"#;

/// The block of commands that collects exports.
fn collecting() -> &'static str {
    let blocks = include_str!("../../../docs/azure.md")
        .split("```sh\n")
        .skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let mut loops = blocks.filter(|block| block.contains("az keyvault list"));
    loops.next().expect("the loop")
}

/// A posture in JSON without the files that it rests on, and its inventory.
fn posture(exports: &Path) -> (Value, Value) {
    let mut command = plainsight(&["posture", "--format", "json", "--azure"]);
    let text = said(command.arg(exports), 0);
    let mut report: Value = serde_json::from_str(&text).unwrap();
    let inventory = report["inventory"].take();
    let checks = ["paths", "file_systems", "clients"];
    let lists = checks
        .iter()
        .flat_map(|list| report[*list].as_array().unwrap());
    let lists = lists.flat_map(|it| [&it["causes"], &it["checks"]]);
    let all: Vec<&Value> = lists.filter_map(Value::as_array).flatten().collect();
    let told = |check: &&Value| {
        let field = &check["field"];
        json!([
            check["says"],
            check["outcome"],
            field["path"],
            field["value"]
        ])
    };
    (all.iter().map(told).collect(), inventory)
}

#[test]
fn the_loop_collects_all_that_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let [az, feature] = ["az", "feature.json"].map(|name| dir.path().join(name));
    fs::write(&az, AZ).unwrap();
    fs::write(&feature, FEATURE).unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-eu", "-c", collecting()])
        .env("PATH", format!("{}:{path}", dir.path().display()))
        .env("FIXTURES", folder("az"))
        .env("FEATURE", &feature)
        .current_dir(dir.path())
        .output()
        .expect("sh");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let exports = dir.path().join("exports");
    assert_eq!(fs::read_dir(&exports).unwrap().count(), 21);
    let (collected, inventory) = posture(&exports);
    let (given, _) = posture(&folder("az"));
    assert_eq!(collected, given);
    let files = inventory["files"].as_array().unwrap();
    assert!(
        files.iter().all(|file| file["exported_by"] == "export"),
        "{files:?}"
    );
    let kinds = inventory["resources"].as_array().unwrap().iter();
    let kinds: Vec<&str> = kinds.map(|it| it["kind"].as_str().unwrap()).collect();
    assert!(
        kinds.contains(&"feature") && kinds.contains(&"key"),
        "{kinds:?}"
    );
}
