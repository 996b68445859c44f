//! The program as a process, and what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program that is tested.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_plainsight");

/// The folder of the repository, in which the tests are run.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A trace of `captures/`; the folder itself, if the name is empty.
pub fn trace(name: &str) -> PathBuf {
    root().join("captures").join(name)
}

/// The program with arguments, away from the caller's environment.
pub fn plainsight(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    // A machine of continuous integration counts as a terminal with colors.
    for variable in ["CI", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    let flags = std::env::vars_os().map(|(name, _)| name);
    for flag in flags.filter(|name| name.as_encoded_bytes().starts_with(b"PLAINSIGHT_")) {
        command.env_remove(flag);
    }
    command
}

/// `plainsight analyze`, to which arguments can be added.
pub fn analyze() -> Command {
    plainsight(&["analyze"])
}

pub fn run(command: &mut Command) -> Output {
    command.output().expect("the command runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Standard output of a run that ends with an exit code and says nothing else.
#[track_caller]
pub fn said(command: &mut Command, exit_code: i32) -> String {
    let output = run(command);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(exit_code));
    text(&output.stdout)
}

/// The same as JSON.
#[track_caller]
pub fn report(command: &mut Command, exit_code: i32) -> Value {
    let said = said(command.args(["--format", "json"]), exit_code);
    serde_json::from_str(&said).expect("JSON alone")
}

/// The JSON report of a run, however it ended.
#[track_caller]
pub fn any_report(command: &mut Command) -> Value {
    let output = run(command.args(["--format", "json"]));
    serde_json::from_slice(&output.stdout).expect("JSON alone")
}

/// Standard error of a run that failed and says nothing else.
#[track_caller]
pub fn complaint(command: &mut Command) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr)
}
