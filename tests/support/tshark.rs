//! Packets as tshark reads them, which `.ci/setup test` installs.

use std::path::Path;
use std::process::Command;

/// Fields of each packet of a file, as rows of cells; further arguments select packets.
#[track_caller]
pub fn fields(file: &Path, more: &[&str], fields: &[&str]) -> Vec<Vec<String>> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-T", "fields", "-E", "separator=/t"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    let output = tshark.args(more).arg("-r").arg(file).output();
    let output = output.expect("tshark, which .ci/setup installs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{more:?}: {complaint}");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    told.lines().map(cells).collect()
}
