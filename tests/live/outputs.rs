//! Outputs that nobody reads, or that have no room.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;
use serde_json::{Deserializer, Value};

use crate::Scene;
use crate::frames::{self, Sender};
use crate::program::{Live, Surroundings, await_some, folder, number, warns};
use crate::stage::SERVER;

pub const SCENES: &[Scene] = &[
    ("nobody reads the events, and the run ends", unread_events),
    (
        "nobody reads the reports, and SIGTERM ends the run",
        unread_reports,
    ),
    (
        "nobody reads standard error, and the events are written",
        unread_errors,
    ),
    ("a full disk is told at once", full_disk),
    (
        "a full disk leaves the report that was there, and the exit code",
        full_report,
    ),
    ("events have standard output to themselves", events_alone),
];

/// What a pipe holds.
static PIPE: [u8; 64 << 10] = [b' '; 64 << 10];

fn unread_events() -> Result<()> {
    let namespace = frames::quiet()?;
    let folder = folder()?;
    let path = folder.path().join("pipe");
    run(Command::new("mkfifo").arg(&path))?;
    let mut pipe = File::options().read(true).write(true).open(&path)?;
    pipe.write_all(&PIPE)?;
    let arguments = format!("-i eth0 --servers {SERVER} --events pipe");
    let live = Live::spawn(&namespace, folder, &arguments, None)?;
    await_some("the first line", || {
        Ok(live.errors()?.contains("capturing on").then_some(()))
    })?;
    Sender::on(&namespace)?.send(0..1)?;
    await_some("the packet", || {
        let seen = number(&live.report()?, "accounting.packets")?;
        Ok((seen == 1).then_some(()))
    })?;
    let ended = live.end()?;
    // It started, a path appeared, it ended.
    ensure!(
        warns(&ended.report, "events not written, as nobody read them: 3"),
        "{}",
        ended.report["warnings"]
    );
    Ok(())
}

fn unread_errors() -> Result<()> {
    let namespace = frames::quiet()?;
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(&PIPE)?;
    let surroundings = Surroundings {
        errors: Some(writer.into()),
        ..Surroundings::default()
    };
    let arguments = format!("-i eth0 --servers {SERVER} --events events");
    let mut live = Live::spawn_in(&namespace, folder()?, &arguments, surroundings)?;
    live.await_event("started", |_| true)?;
    Sender::on(&namespace)?.send(0..1)?;
    live.await_event("path_appeared", |_| true)?;
    let ended = live.end()?;
    let unread = "events not written to standard error, as nobody read them: 3";
    ensure!(warns(&ended.report, unread), "{}", ended.report["warnings"]);
    drop(reader);
    Ok(())
}

/// SIGTERM comes after more requests than can be answered.
fn unread_reports() -> Result<()> {
    let namespace = frames::quiet()?;
    let (mut reader, mut writer) = io::pipe()?;
    writer.write_all(&PIPE)?;
    let arguments = format!("-i eth0 --servers {SERVER} --events events -o report.json");
    let mut live = Live::spawn(&namespace, folder()?, &arguments, Some(writer.into()))?;
    live.await_event("started", |_| true)?;
    for _ in 0..20 {
        live.signal(Signal::SIGUSR1)?;
        thread::sleep(Duration::from_millis(20));
    }
    live.signal(Signal::SIGTERM)?;
    let file = live.file("report.json");
    let saved: Value = await_some("the file", || {
        Ok(serde_json::from_slice(&fs::read(&file)?).ok())
    })?;
    let mut printed = String::new();
    reader.read_to_string(&mut printed)?;
    let printed = Deserializer::from_str(&printed).into_iter::<Value>();
    let printed: Vec<Value> = printed.collect::<Result<_, _>>()?;
    ensure!(printed.len() > 1, "no report was printed meanwhile");
    ensure!(printed.last() == Some(&saved), "another report was printed");
    Ok(())
}

/// A file system of 300 KiB. It is gone when dropped.
struct Small(PathBuf);

impl Small {
    fn mount(path: &Path) -> Result<Self> {
        fs::create_dir(path)?;
        let options = "size=300k,mode=777";
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(path))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = run(Command::new("umount").arg(&self.0));
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

fn full_disk() -> Result<()> {
    let namespace = frames::quiet()?;
    let folder = folder()?;
    let small = Small::mount(&folder.path().join("small"))?;
    let arguments = "-i eth0 --events events -w small/trace.pcapng";
    let mut live = Live::spawn(&namespace, folder, arguments, None)?;
    live.await_event("started", |_| true)?;
    // Each takes more than 100 bytes.
    Sender::on(&namespace)?.send(0..10_000)?;
    let told = live.await_event("saving_failed", |_| true)?;
    ensure!(told["path"] == "small/trace.pcapng", "{told}");
    let reason = told["reason"].as_str().context("no reason")?;
    let no_space = io::Error::from_raw_os_error(nix::libc::ENOSPC).to_string();
    ensure!(reason == no_space, "{reason}");
    ensure!(live.errors()?.contains(reason), "{}", live.errors()?);
    Sender::on(&namespace)?.send(0..100)?;
    await_some("all packets", || {
        let seen = number(&live.report()?, "accounting.packets")?;
        Ok((seen == 10_100).then_some(()))
    })?;
    let ended = live.end()?;
    ensure!(warns(&ended.report, reason), "{}", ended.report["warnings"]);
    drop(small);
    Ok(())
}

fn full_report() -> Result<()> {
    let namespace = frames::quiet()?;
    let folder = folder()?;
    let small = Small::mount(&folder.path().join("small"))?;
    let report = small.0.join("report.json");
    fs::write(&report, "what was here")?;
    let arguments = format!("-i eth0 --servers {SERVER} --events events -o small/report.json");
    let mut live = Live::spawn(&namespace, folder, &arguments, None)?;
    live.await_event("started", |_| true)?;
    let filled = fs::write(small.0.join("filler"), vec![0; 1 << 20]);
    ensure!(filled.is_err(), "there is room for more");
    Sender::on(&namespace)?.send(0..1)?;
    live.await_event("path_appeared", |_| true)?;
    let ended = live.end()?;
    let errors = fs::read_to_string(ended.file("errors"))?;
    ensure!(
        errors.contains("cannot write small/report.json: No space left"),
        "{errors}"
    );
    let told = ended.report["summary"]["exit_code"]
        .as_i64()
        .context("a code")?;
    let expected = if told == 0 { 3 } else { told };
    ensure!(
        ended.code.map(i64::from) == Some(expected),
        "{:?}, not {told}",
        ended.code
    );
    let left = fs::read_to_string(&report)?;
    ensure!(left == "what was here", "{left}");
    drop(small);
    Ok(())
}

fn events_alone() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("-i eth0 --servers {SERVER} --events - -o report.json");
    let live = Live::spawn(&namespace, folder()?, &arguments, None)?;
    let last = |live: &Live| live.reports().map(|lines| lines.last().cloned());
    await_some("the first event", || last(&live))?;
    let said = |live: &Live| anyhow::Ok(live.errors()?.matches("\"schema_version\"").count());
    live.signal(Signal::SIGUSR1)?;
    await_some("a report", || Ok((said(&live)? == 1).then_some(())))?;
    let ended = live.end()?;
    let lines = fs::read_to_string(ended.file("reports"))?;
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).context("not a line of JSON")?;
        ensure!(event["event"].is_string(), "{event}");
    }
    ensure!(ended.report["event"] == "ended", "{}", ended.report);
    let errors = fs::read_to_string(ended.file("errors"))?;
    let last = errors.rfind("\n{").context("no report at the end")?;
    let printed: Value = serde_json::from_str(&errors[last..])?;
    let saved: Value = serde_json::from_slice(&fs::read(ended.file("report.json"))?)?;
    ensure!(printed == saved, "{printed} is printed, {saved} is saved");
    Ok(())
}
