//! The lab: real hosts, real Lustre bytes, real DTLS, recorded by libpcap.
//!
//! `cargo test --test lab` records every scene afresh and holds the program
//! to it. `cargo test --test lab -- record DIR [SCENE...]` makes the traces
//! that are kept in `captures/`, and the description of what to expect.

mod noise;
mod oracle;
mod scenes;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail, ensure};
use nix::unistd::geteuid;

use scenes::{SCENES, Scene};
use support::expect::{self, Trace};
use support::lab::hosts;
use support::program::PROGRAM;
use support::skip::skipped;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let lacking = lacking();
    if let [verb, rest @ ..] = &arguments[..]
        && verb == "record"
    {
        ensure!(lacking.is_empty(), "the lab needs {}", lacking.join(", "));
        return keep(rest);
    }
    if !lacking.is_empty() {
        let why = format!("needs {}", lacking.join(", "));
        for scene in SCENES {
            skipped(scene.file, &why);
        }
        return Ok(ExitCode::SUCCESS);
    }
    hold_program_to_scenes()
}

/// What this machine does not offer.
fn lacking() -> Vec<String> {
    if !geteuid().is_root() {
        return vec!["root".to_owned()];
    }
    let tools = ["ip", "tshark", "editcap", "mergecap"];
    let mut lacking: Vec<_> = tools
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .map(str::to_owned)
        .collect();
    if let Err(error) = hosts::Namespace::new() {
        lacking.push(format!("network namespaces ({error:#})"));
    }
    lacking
}

/// Records scenes into a folder and writes down what to expect of them.
fn keep(arguments: &[String]) -> Result<ExitCode> {
    let [folder, names @ ..] = arguments else {
        bail!("usage: cargo test --test lab -- record DIR [SCENE...]");
    };
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    let wanted = wanted(names)?;
    let mut traces = expect::load(folder).unwrap_or_default();
    for scene in wanted {
        let trace = stage(scene, folder)?;
        println!("{}: {} packets", trace.file, trace.packets);
        traces.retain(|known| known.file != trace.file);
        traces.push(trace);
    }
    traces.sort_by_key(|trace| SCENES.iter().position(|scene| scene.file == trace.file));
    let text = serde_json::to_string_pretty(&traces)?;
    fs::write(folder.join(expect::FILE), text + "\n")?;
    Ok(ExitCode::SUCCESS)
}

fn wanted(names: &[String]) -> Result<Vec<&'static Scene>> {
    if names.is_empty() {
        return Ok(SCENES.iter().collect());
    }
    let mut wanted = Vec::new();
    for name in names {
        match SCENES.iter().find(|scene| scene.file == name) {
            Some(scene) => wanted.push(scene),
            None => bail!("there is no scene {name}"),
        }
    }
    Ok(wanted)
}

fn stage(scene: &Scene, folder: &Path) -> Result<Trace> {
    (scene.record)(&folder.join(scene.file))?;
    oracle::expect(scene, folder)
}

fn hold_program_to_scenes() -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let mut failed = 0;
    for scene in SCENES {
        let trace = stage(scene, folder.path())?;
        let differences = expect::check(Path::new(PROGRAM), folder.path(), &trace)?;
        let outcome = if differences.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        println!("{} ... {outcome}", scene.file);
        for difference in &differences {
            println!("    {difference}");
        }
        failed += usize::from(!differences.is_empty());
    }
    println!("{} passed, {failed} failed", SCENES.len() - failed);
    Ok(ExitCode::from(u8::from(failed > 0)))
}
