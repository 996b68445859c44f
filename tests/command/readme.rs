//! The README's loop, run as it stands there with a stand-in for az.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::azure::folder;
use crate::support::program::plainsight;

/// Prints the fixture of what was asked for, and refuses anything else.
const AZ: &str = r#"#!/bin/sh
case "$*" in
  "keyvault list --query [].name -o tsv") echo hpc-keys; exit ;;
  "keyvault show --name hpc-keys -o json") exec cat "$FIXTURES/keyvaults.json" ;;
  "keyvault key list --vault-name hpc-keys -o json") exec cat "$FIXTURES/keys.json" ;;
  "keyvault key list --vault-name hpc-keys --query [].name -o tsv") echo lustre; exit ;;
  "keyvault key rotation-policy show --vault-name hpc-keys --name lustre -o json")
    exec cat "$FIXTURES/rotation-policy.json" ;;
  "role assignment list --all -o json") exec cat "$FIXTURES/roles.json" ;;
  "network lb list -o json" | "network private-link-service list -o json" | "vmss list -o json" | \
  "aks list -o json" | "snapshot list -o json" | "disk-encryption-set list -o json")
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

/// The block of commands that collects exports.
fn collecting() -> &'static str {
    let blocks = include_str!("../../README.md").split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let mut loops = blocks.filter(|block| block.contains("az $what"));
    loops.next().expect("the loop")
}

#[test]
fn the_loop_collects_all_that_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let az = dir.path().join("az");
    fs::write(&az, AZ).unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-eu", "-c", collecting()])
        .env("PATH", format!("{}:{path}", dir.path().display()))
        .env("FIXTURES", folder("az"))
        .current_dir(dir.path())
        .output()
        .expect("sh");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(
        fs::read_dir(dir.path().join("exports")).unwrap().count(),
        17
    );
    let collected = plainsight(&["posture", "--azure", "exports"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let mut command = plainsight(&["posture", "--azure"]);
    let given = command.arg(folder("az")).output().unwrap();
    let of = |output: &std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(of(&collected), of(&given));
    assert_eq!(collected.status.code(), Some(0));
}
