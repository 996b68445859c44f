//! Tells the program what it was built from. Outside of git, or without it, the commit is
//! unknown, and the build goes on.

use std::env;
use std::process::Command;

fn main() {
    for source in ["src", "Cargo.toml", "Cargo.lock", "build.rs"] {
        println!("cargo::rerun-if-changed={source}");
    }
    let profile = env::var("PROFILE").unwrap_or_default();
    // A commit moves one, a checkout the other. While one works, each commit would build all
    // again: then the commit is the one that was there when the sources last changed.
    for name in ["logs/HEAD", "HEAD"]
        .iter()
        .filter(|_| profile == "release")
    {
        if let Some(path) = git(&["rev-parse", "--git-path", name]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // A packaged crate may lie in a repository that is not its own.
    let is_ours = git(&["ls-files", "--error-unmatch", "Cargo.toml"]).is_some();
    let commit = git(&["rev-parse", "HEAD"]).filter(|_| is_ours);
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let modified = changed.is_none_or(|changed| !changed.is_empty());
    let rustc = env::var("RUSTC").unwrap_or_default();
    let rustc = said(Command::new(rustc).arg("--version"));
    let told = [
        ("COMMIT", commit.unwrap_or_default()),
        ("MODIFIED", modified.to_string()),
        ("TARGET", env::var("TARGET").unwrap_or_default()),
        ("PROFILE", profile),
        ("RUSTC", rustc.unwrap_or_default()),
    ];
    for (name, value) in told {
        println!("cargo::rustc-env=PLAINSIGHT_{name}={value}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    said(Command::new("git").args(arguments))
}

/// First line of a program's answer; `None` where it fails, or is not there.
fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|it| it.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next().unwrap_or_default().to_owned())
}
