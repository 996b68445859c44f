//! What ends a run, and what asks for a report.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use nix::pty::openpty;
use nix::sys::signal::Signal;

use crate::Scene;
use crate::frames::{self, Sender};
use crate::program::{Live, Surroundings, await_some, folder, number, warns};
use crate::stage::{SECOND, SERVER, Stage};

pub const SCENES: &[Scene] = &[
    (
        "SIGUSR1 prints a report, and the run goes on",
        report_meanwhile,
    ),
    ("SIGINT ends with the report of the verdicts", interrupted),
    ("SIGHUP ends with the report where a session ends", hung_up),
    (
        "SIGHUP opens the events again where there is no session",
        rotated,
    ),
    (
        "events go on in the file that is open where no other can be made",
        not_rotated,
    ),
    ("--duration ends a run", after_a_time),
    ("--packets ends a run after so many", after_some_packets),
    ("--until-decided waits for every path", until_decided),
    (
        "--until-decided waits a time for what is encrypted",
        until_a_time,
    ),
];

fn report_meanwhile() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER},{SECOND}"))?;
    stage.encrypt(40001, stage.server())?;
    live.await_verdict(SERVER, "encrypted")?;
    let first = live.report()?;
    ensure!(first["summary"]["silent"] == 1, "{}", first["summary"]);
    stage.converse(1023, stage.second())?;
    live.await_verdict(SECOND, "plaintext")?;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    let at = "accounting.packets";
    ensure!(
        number(&first, at)? < number(&ended.report, at)?,
        "it did not go on"
    );
    let last = ended.events.last();
    let is_told = last.is_some_and(|it| it["event"] == "ended" && it["exit_code"] == 1);
    ensure!(is_told, "{last:?}");
    Ok(())
}

fn interrupted() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER}"))?;
    stage.encrypt(40001, stage.server())?;
    live.await_verdict(SERVER, "encrypted")?;
    live.end_by(Signal::SIGINT)?
        .hold(&[(SERVER, "encrypted")], 0)
}

/// As when the terminal of a session is lost.
fn hung_up() -> Result<()> {
    let namespace = frames::quiet()?;
    let terminal = openpty(None, None)?;
    let surroundings = Surroundings {
        terminal: Some(terminal.slave),
        ..Surroundings::default()
    };
    let arguments = format!("-i eth0 --servers {SERVER} --events events");
    let mut live = Live::spawn_in(&namespace, folder()?, &arguments, surroundings)?;
    live.await_event("started", |_| true)?;
    live.end_by(Signal::SIGHUP)?.hold(&[(SERVER, "silent")], 3)
}

/// As logrotate does.
fn rotated() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut live = frames::live(&namespace, &format!("--servers {SERVER}"))?;
    let (events, old) = (live.file("events"), live.file("events.1"));
    fs::rename(&events, &old)?;
    live.signal(Signal::SIGHUP)?;
    await_some("the new file", || Ok(events.exists().then_some(())))?;
    Sender::on(&namespace)?.send(0..1)?;
    live.await_event("path_appeared", |_| true)?;
    let before = fs::read_to_string(&old)?;
    ensure!(before.lines().count() == 1, "{before}");
    let ended = live.end()?;
    ensure!(
        !warns(&ended.report, "again"),
        "{}",
        ended.report["warnings"]
    );
    Ok(())
}

fn not_rotated() -> Result<()> {
    let namespace = frames::quiet()?;
    let live = frames::live(&namespace, &format!("--servers {SERVER}"))?;
    let (events, old) = (live.file("events"), live.file("events.1"));
    fs::rename(&events, &old)?;
    let folder = events.parent().context("a folder")?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    live.signal(Signal::SIGHUP)?;
    await_some("a warning", || {
        Ok(warns(&live.report()?, "cannot open events again").then_some(()))
    })?;
    Sender::on(&namespace)?.send(0..1)?;
    await_some("the event", || {
        let told = fs::read_to_string(&old)?;
        Ok(told.contains("path_appeared").then_some(()))
    })?;
    live.end()?;
    Ok(())
}

fn after_a_time() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--duration 2s --servers {SERVER}");
    let ended = frames::live(&namespace, &arguments)?.ended()?;
    ended.hold(&[(SERVER, "silent")], 3)
}

fn after_some_packets() -> Result<()> {
    for threads in [1, 2] {
        let namespace = frames::quiet()?;
        let arguments = format!("--packets 300 --servers {SERVER} --threads {threads}");
        let live = frames::live(&namespace, &arguments)?;
        Sender::on(&namespace)?.send(0..500)?;
        let ended = live.ended()?;
        let read = number(&ended.report, "accounting.packets")?;
        ensure!(read == 300, "{read} packets by {threads} workers");
        // Each flow has too few bytes to tell a cipher by.
        ended.hold(&[(SERVER, "undetermined")], 3)?;
    }
    Ok(())
}

fn until_decided() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--until-decided --servers {SERVER},{SECOND}"))?;
    stage.converse(1023, stage.server())?;
    live.await_verdict(SERVER, "plaintext")?;
    ensure!(live.runs()?, "it ended while a server was silent");
    stage.encrypt(40001, stage.second())?;
    live.await_verdict(SECOND, "encrypted")?;
    live.report()?;
    ensure!(live.runs()?, "it ended while a path was encrypted");
    stage.converse(1019, stage.second())?;
    live.ended()?
        .hold(&[(SERVER, "plaintext"), (SECOND, "mixed")], 1)
}

fn until_a_time() -> Result<()> {
    let stage = Stage::new()?;
    let live = stage.live(&format!("--until-decided 3s --servers {SERVER}"))?;
    stage.encrypt(40001, stage.server())?;
    live.ended()?.hold(&[(SERVER, "encrypted")], 0)
}
