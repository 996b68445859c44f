//! A user who may not capture.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::Scene;
use crate::program::{PROGRAM, folder};

pub const SCENES: &[Scene] = &[(
    "without the right to capture, one line says which",
    no_right,
)];

fn no_right() -> Result<()> {
    // Where the program was built, others may not enter.
    let folder = folder()?;
    let program = folder.path().join("plainsight");
    fs::copy(PROGRAM, &program)?;
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(program)
        .args(["live", "-i", "lo"])
        .output()?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2), "{}: {said}", output.status);
    ensure!(said.lines().count() == 1, "more than a line: {said}");
    ensure!(
        said.contains("CAP_NET_RAW"),
        "no capability is named: {said}"
    );
    ensure!(output.stdout.is_empty(), "a report on nothing");
    Ok(())
}
