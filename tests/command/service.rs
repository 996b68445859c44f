//! The systemd unit, as systemd judges it.

use std::fs;
use std::io::ErrorKind;
use std::process::{Command, Output};

use plainsight::run::live::UNIT;
use tempfile::TempDir;

use crate::support::program::PROGRAM;
use crate::support::skip::skipped_here;

/// Where the unit expects the program.
const INSTALLED: &str = "/usr/local/bin/plainsight";

/// Runs `systemd-analyze` on the unit, with the program that was just built in the place
/// of an installed one. `None`, and told, where this machine has no systemd.
fn systemd_analyze(arguments: &[&str]) -> Option<Output> {
    let folder = TempDir::new().expect("a folder");
    let unit = folder.path().join("plainsight.service");
    let built = UNIT.replace(INSTALLED, PROGRAM);
    assert_ne!(built, UNIT, "the unit starts another program");
    fs::write(&unit, built).expect("a unit");
    let mut command = Command::new("systemd-analyze");
    match command.args(arguments).arg(&unit).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skipped_here("there is no systemd-analyze");
            None
        }
        output => Some(output.expect("systemd-analyze runs")),
    }
}

fn is_clean(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "");
}

#[test]
fn systemd_finds_no_fault_in_the_unit() {
    if let Some(output) = systemd_analyze(&["verify"]) {
        is_clean(&output);
    }
}

/// From 0.0 (nothing exposed) to 10.0, given in tenths. A unit without hardening has 9.6.
#[test]
fn systemd_finds_little_exposed() {
    if let Some(output) = systemd_analyze(&["security", "--offline=true", "--threshold=20"]) {
        is_clean(&output);
    }
}

#[test]
fn the_unit_grants_the_right_to_capture_alone() {
    let granted: Vec<_> = UNIT.lines().filter(|line| line.contains("CAP_")).collect();
    assert_eq!(
        granted,
        [
            "AmbientCapabilities=CAP_NET_RAW",
            "CapabilityBoundingSet=CAP_NET_RAW"
        ]
    );
}
