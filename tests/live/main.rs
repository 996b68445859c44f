//! The lab, live: `plainsight live` on a client's interface, while real hosts speak real
//! Lustre and real DTLS, or while ready-made frames pass.
//!
//! `cargo test --test live` plays all scenes; `cargo test --test live -- WORD` those whose
//! names hold a word.

mod clock;
mod frames;
mod interfaces;
mod losses;
mod memory;
mod metrics;
mod outputs;
mod paths;
mod program;
mod rights;
mod routes;
mod saved;
mod screen;
mod signals;
mod stage;
mod stalls;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod traces;
mod workers;

use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result};
use nix::unistd::geteuid;
use support::lab::{dtls, hosts, inner, lustre};
use support::packets;
use support::skip::skipped;

/// A name, and what must hold.
type Scene = (&'static str, fn() -> Result<()>);

/// Scenes mostly wait, so more are played at once than there are cores.
const AT_ONCE: usize = 4;
/// Has this program play the one scene that is named next.
const ALONE: &str = "--alone";

/// Every scene; the longest come first.
fn scenes() -> impl Iterator<Item = Scene> {
    let all = [
        memory::SCENES,
        metrics::SCENES,
        stalls::SCENES,
        traces::SCENES,
        outputs::SCENES,
        saved::SCENES,
        screen::SCENES,
        signals::SCENES,
        interfaces::SCENES,
        losses::SCENES,
        paths::SCENES,
        workers::SCENES,
        clock::SCENES,
        rights::SCENES,
        routes::SCENES,
    ];
    all.into_iter().flatten().copied()
}

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [ALONE, name] = [0, 1].map(|at| words.get(at).map_or("", String::as_str)) {
        let scene = scenes().find(|(known, _)| *known == name);
        let (_, play) = scene.context("no such scene")?;
        return play().map(|()| ExitCode::SUCCESS);
    }
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let wanted: Vec<_> = scenes()
        .map(|(name, _)| name)
        .filter(|name| is_wanted(name))
        .collect();
    let lacking = lacking();
    if !lacking.is_empty() {
        let why = format!("needs {}", lacking.join(", "));
        for name in &wanted {
            skipped(name, &why);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let count = wanted.len();
    let failed = play_all(wanted);
    println!("{} passed, {failed} failed", count - failed);
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// What this machine does not offer.
fn lacking() -> Vec<String> {
    if !geteuid().is_root() {
        return vec!["root".to_owned()];
    }
    let tools = [
        "ip",
        "tshark",
        "capinfos",
        "prometheus",
        "promtool",
        "setpriv",
        "faketime",
        "tmux",
    ];
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

/// Plays scenes, some at once; gives how many failed.
fn play_all(mut names: Vec<&'static str>) -> usize {
    names.reverse();
    let left = Mutex::new(names);
    let next = || left.lock().expect("nobody panics here").pop();
    thread::scope(|scope| {
        let players = [(); AT_ONCE]
            .map(|()| scope.spawn(|| std::iter::from_fn(next).filter(|name| !play(name)).count()));
        let failed = players.map(|player| player.join().expect("nobody panics here"));
        failed.iter().sum()
    })
}

/// Plays a scene in a process of its own, for a program that one scene starts holds the
/// sockets of all others until it is loaded. Tells how it went, and gives whether it held.
fn play(name: &str) -> bool {
    let played = std::env::current_exe()
        .and_then(|program| Command::new(program).args([ALONE, name]).output());
    let (held, said) = match played {
        Ok(output) => (output.status.success(), output.stderr),
        Err(error) => (false, error.to_string().into_bytes()),
    };
    let outcome = if held { "ok" } else { "FAILED" };
    println!("{name} ... {outcome}");
    if !held {
        println!("    {}", String::from_utf8_lossy(&said).trim_end());
    }
    held
}
