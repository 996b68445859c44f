//! Verdicts as they come, and what they count.

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::Scene;
use crate::hosts::Host;
use crate::program::{Ended, Live, number, verdicts};
use crate::stage::{ABSENT, CLIENT, SECOND, SERVER, Stage};

pub const SCENES: &[Scene] = &[
    (
        "each path has its verdict within two seconds",
        verdict_in_time,
    ),
    (
        "all that the interface counted is in the report",
        exact_counts,
    ),
    ("a path that turns to DTLS is mixed", plaintext_then_dtls),
    (
        "a path that turns to plaintext is mixed",
        dtls_then_plaintext,
    ),
    ("-i any counts each packet once", any_interface),
    (
        "-i any counts once what passes two interfaces",
        any_of_two_interfaces,
    ),
    ("in a guest, what is readable is unproven", guest),
    (
        "an accepted path counts for no exit code until its day is over",
        accepted,
    ),
];

fn verdict_in_time() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER},{SECOND},{ABSENT}"))?;
    stage.encrypt(40001, stage.server())?;
    live.await_verdict(SERVER, "encrypted")?;
    stage.converse(1023, stage.second())?;
    live.await_verdict(SECOND, "plaintext")?;
    let ended = live.end()?;
    ended.hold(
        &[
            (SERVER, "encrypted"),
            (SECOND, "plaintext"),
            (ABSENT, "silent"),
        ],
        1,
    )?;
    for (server, verdict) in [(SERVER, "encrypted"), (SECOND, "plaintext")] {
        let took = time_to_verdict(&ended, server, verdict)?;
        let is_in_time = took <= SignedDuration::from_secs(2);
        ensure!(is_in_time, "{server} was {verdict} after {took:?}");
    }
    ensure!(ended.has("first_plaintext"), "no first plaintext");
    Ok(())
}

/// From a path's first packet to the event that tells its verdict.
fn time_to_verdict(ended: &Ended, server: &str, verdict: &str) -> Result<SignedDuration> {
    let mut told = verdicts(&ended.events, server).filter(|(it, _)| *it == verdict);
    let (_, event) = told.next().context("no event")?;
    let first = &ended.path(server)?["first"];
    Ok(time(&event["time"])?.duration_since(time(first)?))
}

fn time(value: &Value) -> Result<Timestamp> {
    let text = value
        .as_str()
        .with_context(|| format!("{value} is no time"))?;
    Ok(text.parse()?)
}

fn exact_counts() -> Result<()> {
    let stage = Stage::new()?;
    let live = stage.live(&format!("--servers {SERVER},{SECOND}"))?;
    let before = stage.counters()?;
    stage.encrypt(40001, stage.server())?;
    stage.converse(1023, stage.second())?;
    let passed = stage.counters()? - before;
    let ended = live.end()?;
    passed.hold(&ended.report)?;
    let on_paths = number(&ended.report, "accounting.paths.packets")?;
    ensure!(
        on_paths == passed.packets,
        "{on_paths} of {passed:?} are on paths"
    );
    lost_nothing(&ended)
}

fn lost_nothing(ended: &Ended) -> Result<()> {
    let losses = &ended.report["losses"];
    let lost = number(losses, "packets")? + number(losses, "gaps")?;
    ensure!(lost == 0, "{losses}");
    Ok(())
}

fn plaintext_then_dtls() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER}"))?;
    stage.converse(1023, stage.server())?;
    live.await_verdict(SERVER, "plaintext")?;
    stage.encrypt(40001, stage.server())?;
    turned_mixed(live, "plaintext")
}

fn dtls_then_plaintext() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER}"))?;
    stage.encrypt(40001, stage.server())?;
    live.await_verdict(SERVER, "encrypted")?;
    ensure!(
        live.events()?
            .iter()
            .all(|it| it["event"] != "first_plaintext")
    );
    stage.converse(1023, stage.server())?;
    live.await_event("first_plaintext", |it| it["server"] == SERVER)?;
    turned_mixed(live, "encrypted")
}

fn turned_mixed(mut live: Live, from: &str) -> Result<()> {
    let changed = live.await_verdict(SERVER, "mixed")?;
    ensure!(changed["event"] == "verdict_changed", "{changed}");
    ensure!(changed["from"] == from, "{changed}");
    live.end()?.hold(&[(SERVER, "mixed")], 1)
}

/// The host below may encrypt what its guest sends in the clear, and no log says whether.
fn guest() -> Result<()> {
    let stage = Stage::new()?;
    let live = stage.live(&format!("--vantage guest --servers {SERVER},{SECOND}"))?;
    stage.encrypt(40001, stage.server())?;
    stage.converse(1023, stage.second())?;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "unproven")], 3)?;
    let vantage = &ended.report["vantage"]["value"];
    ensure!(vantage == "guest", "{vantage}");
    Ok(())
}

fn accepted() -> Result<()> {
    for (until, exit_code) in [("2999-12-31", 0), ("2020-12-31", 1)] {
        let stage = Stage::new()?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("accepted.json");
        let waiver = serde_json::json!([{
            "path": format!("{CLIENT}>{SECOND}"), "reason": "old", "by": "CISO", "until": until,
        }]);
        std::fs::write(&file, waiver.to_string())?;
        let file = file.display();
        let live = stage.live(&format!("--servers {SERVER},{SECOND} --accept {file}"))?;
        stage.encrypt(40001, stage.server())?;
        stage.converse(1023, stage.second())?;
        let ended = live.end()?;
        ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], exit_code)?;
        let waivers = &ended.report["waivers"];
        ensure!(waivers[0]["waived"] == 1 - exit_code, "{waivers}");
    }
    Ok(())
}

fn any_interface() -> Result<()> {
    any_of(&Stage::new()?, 0)
}

/// `eth0` on top of another interface, as accelerated networking has it.
fn any_of_two_interfaces() -> Result<()> {
    let stage = Stage::new()?;
    let peers: Vec<Host> = vec![stage.server().clone(), stage.second().clone()];
    stage.client().accelerate("enP1s1", &peers)?;
    any_of(&stage, 1)
}

/// Holds that each packet counts once, and so often more as a duplicate.
fn any_of(stage: &Stage, again: u64) -> Result<()> {
    let arguments = format!("-i any --servers {SERVER},{SECOND}");
    let live = Live::start(stage.client().namespace(), &arguments)?;
    let before = stage.counters()?;
    stage.encrypt(40001, stage.server())?;
    stage.converse(1023, stage.second())?;
    let passed = stage.counters()? - before;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    counted_once(&ended, passed.packets, again * passed.packets)
}

fn counted_once(ended: &Ended, packets: u64, duplicates: u64) -> Result<()> {
    let accounting = &ended.report["accounting"];
    let got = (
        number(accounting, "paths.packets")?,
        number(accounting, "duplicates.packets")?,
    );
    ensure!(
        got == (packets, duplicates),
        "{packets} passed: {accounting}"
    );
    lost_nothing(ended)
}
