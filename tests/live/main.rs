//! The lab, live: `plainsight live` on a client's interface, while real hosts speak real
//! Lustre and real DTLS, or while ready-made frames pass.
//!
//! `cargo test --test live` plays all scenes; `cargo test --test live -- WORD` those whose
//! names hold a word.

mod frames;
mod interfaces;
#[path = "../lab"]
#[allow(dead_code, reason = "the lab plays more than this")]
mod lab {
    pub mod dtls;
    pub mod hosts;
    pub mod inner;
    pub mod lustre;
    pub mod record;
}
mod losses;
mod memory;
mod metrics;
#[path = "../packets/mod.rs"]
#[allow(dead_code, reason = "most frames are made elsewhere")]
mod packets;
mod paths;
mod program;
mod rights;
mod saved;
mod signals;
mod stage;
mod workers;

use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::thread;

use anyhow::Result;
use lab::{dtls, hosts, inner, lustre, record};
use nix::unistd::geteuid;

/// A name, and what must hold.
type Scene = (&'static str, fn() -> Result<()>);

/// Scenes mostly wait, so more are played at once than there are cores.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let scenes = wanted();
    let lacking = lacking();
    if !lacking.is_empty() {
        println!("the live lab needs {}", lacking.join(", "));
        println!("{} scenes were not played", scenes.len());
        return ExitCode::SUCCESS;
    }
    let count = scenes.len();
    let failed = play_all(scenes);
    println!("{} passed, {failed} failed", count - failed);
    ExitCode::from(u8::from(failed > 0))
}

/// The scenes that were asked for; the longest come first.
fn wanted() -> Vec<Scene> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let all = [
        memory::SCENES,
        metrics::SCENES,
        saved::SCENES,
        signals::SCENES,
        interfaces::SCENES,
        losses::SCENES,
        paths::SCENES,
        workers::SCENES,
        rights::SCENES,
    ];
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let scenes = all.into_iter().flatten().copied();
    scenes.filter(|(name, _)| is_wanted(name)).collect()
}

/// What this machine does not offer.
fn lacking() -> Vec<String> {
    if !geteuid().is_root() {
        return vec!["root".to_owned()];
    }
    let tools = ["ip", "tshark", "capinfos", "prometheus", "setpriv"];
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
fn play_all(mut scenes: Vec<Scene>) -> usize {
    scenes.reverse();
    let left = Mutex::new(scenes);
    let next = || left.lock().expect("nobody panics here").pop();
    thread::scope(|scope| {
        let players = [(); AT_ONCE].map(|()| {
            scope.spawn(|| {
                std::iter::from_fn(next)
                    .filter(|&scene| !play(scene))
                    .count()
            })
        });
        let failed = players.map(|player| player.join().expect("scenes are caught"));
        failed.iter().sum()
    })
}

/// Plays a scene; tells how it went, and gives whether it held.
fn play((name, scene): Scene) -> bool {
    match thread::spawn(scene).join() {
        Ok(Ok(())) => println!("{name} ... ok"),
        Ok(Err(error)) => {
            println!("{name} ... FAILED\n    {error:#}");
            return false;
        }
        Err(_) => {
            println!("{name} ... FAILED\n    it panicked");
            return false;
        }
    }
    true
}
