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
    rows(tshark.args(more).arg("-r").arg(file))
}

/// Names of the values of a field, as tshark prints them beside the numbers.
#[track_caller]
pub fn values(field: &str) -> Vec<(u16, String)> {
    let value = |cells: Vec<String>| match &cells[..] {
        [kind, of, number, name] if kind == "V" && of == field => {
            Some((number.parse().ok()?, name.clone()))
        }
        _ => None,
    };
    let all = rows(Command::new("tshark").args(["-G", "values"]));
    all.into_iter().filter_map(value).collect()
}

/// Lines that tshark prints, as cells.
#[track_caller]
fn rows(tshark: &mut Command) -> Vec<Vec<String>> {
    let output = tshark.output();
    let output = output.expect("tshark, which .ci/setup installs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tshark:?}: {complaint}");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
    told.lines().map(cells).collect()
}
