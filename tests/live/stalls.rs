//! A file for packets that takes them too slowly, or never.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::slice;
use std::thread;

use anyhow::{Context, Result, ensure};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;
use tempfile::TempDir;

use crate::Scene;
use crate::frames::{self, Sender};
use crate::hosts::Namespace;
use crate::metrics::{Endpoint, sum};
use crate::program::{Live, PROGRAM, await_some, folder, number, warns};
use crate::saved::analyzed;
use crate::stage::SERVER;

pub const SCENES: &[Scene] = &[
    ("a file that takes nothing holds up no run", never),
    (
        "--duration ends a run whose file takes nothing",
        never_within_a_time,
    ),
    (
        "a file that stalls lacks packets, and states how many",
        for_a_while,
    ),
    ("a file that holds something is never written over", kept),
];

/// More than there are buffers for.
const SENT: u32 = 150_000;
/// As many as the kernel's ring holds even if nobody reads.
const AT_ONCE: u32 = 50_000;

/// A folder with a pipe in it, which any user may write to.
fn with_pipe() -> Result<TempDir> {
    let folder = folder()?;
    let pipe = folder.path().join("trace.pcapng");
    mkfifo(&pipe, Mode::from_bits_truncate(0o666))?;
    Ok(folder)
}

/// A run that saves to a pipe, and the end that is read from.
fn saving(namespace: &Namespace, more: &str) -> Result<(Live, File)> {
    let folder = with_pipe()?;
    // Without waiting for somebody who writes.
    let mut reading = File::options();
    reading.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
    let pipe = reading.open(folder.path().join("trace.pcapng"))?;
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::empty()))?;
    let arguments = format!(
        "-i eth0 --servers {SERVER} --events events --metrics 127.0.0.1:0 -w trace.pcapng {more}"
    );
    let mut live = Live::spawn(namespace, folder, &arguments, None)?;
    live.await_event("started", |_| true)?;
    Ok((live, pipe))
}

/// Sends all, each part once the last was read.
fn send(namespace: &Namespace, endpoint: &Endpoint<'_>) -> Result<()> {
    let mut sender = Sender::on(namespace)?;
    for start in (0..SENT).step_by(AT_ONCE as usize) {
        sender.send(start..start + AT_ONCE)?;
        await_some("all packets", || {
            let read = sum(&endpoint.metrics()?, "plainsight_capture_packets_total")?;
            Ok((read >= u64::from(start + AT_ONCE)).then_some(()))
        })?;
    }
    Ok(())
}

/// Nobody reads the pipe.
fn never() -> Result<()> {
    let namespace = frames::quiet()?;
    let (mut live, _pipe) = saving(&namespace, "")?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    send(&namespace, &endpoint)?;
    let told = live.await_event("saving_fell_behind", |_| true)?;
    ensure!(told["path"] == "trace.pcapng", "{told}");
    ensure!(told["packets"].as_u64() > Some(0), "{told}");
    let unsaved = await_some("a metric", || {
        let unsaved = sum(&endpoint.metrics()?, "plainsight_unsaved_packets_total")?;
        Ok((unsaved > 0).then_some(unsaved))
    })?;
    ensure!(
        unsaved < u64::from(SENT),
        "{unsaved} although there are buffers"
    );
    let ended = live.end()?;
    // What the pipe holds is no whole buffer.
    nothing_saved(&ended.report, SENT)
}

fn never_within_a_time() -> Result<()> {
    let namespace = frames::quiet()?;
    let sent = 5000;
    let (live, _pipe) = saving(&namespace, "--duration 4s")?;
    Sender::on(&namespace)?.send(0..sent)?;
    let ended = live.ended()?;
    ensure!(ended.has("saving_fell_behind"), "it did not tell");
    nothing_saved(&ended.report, sent)
}

fn nothing_saved(report: &Value, sent: u32) -> Result<()> {
    seen(report, sent)?;
    let lacks = format!("trace.pcapng lacks {sent} packets");
    ensure!(warns(report, &lacks), "{}", report["warnings"]);
    Ok(())
}

/// Holds that the run itself saw every packet.
fn seen(report: &Value, sent: u32) -> Result<()> {
    let counted = number(report, "accounting.packets")?;
    let lost = number(report, "losses.packets")?;
    ensure!(
        (counted, lost) == (u64::from(sent), 0),
        "{counted} counted, {lost} lost"
    );
    Ok(())
}

/// Somebody reads it once it is full.
fn for_a_while() -> Result<()> {
    let namespace = frames::quiet()?;
    let (mut live, mut pipe) = saving(&namespace, "")?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    send(&namespace, &endpoint)?;
    live.await_event("saving_fell_behind", |_| true)?;
    let copy = live.file("copy.pcapng");
    let ended = thread::scope(|scope| {
        let reader = scope.spawn(|| io::copy(&mut pipe, &mut File::create(&copy)?));
        let ended = live.end();
        reader.join().expect("the reader does not panic")?;
        ended
    })?;
    seen(&ended.report, SENT)?;
    let later = analyzed(slice::from_ref(&ended.file("copy.pcapng")), SERVER)?;
    let (kept, stated) = (
        number(&later, "accounting.packets")?,
        number(&later, "losses.packets")?,
    );
    ensure!(
        kept > 0 && stated > 0,
        "{kept} kept, {stated} stated as missing"
    );
    ensure!(
        kept + stated == u64::from(SENT),
        "{kept} kept, {stated} stated as missing"
    );
    let lacks = format!("trace.pcapng lacks {stated} packets");
    ensure!(warns(&ended.report, &lacks), "{}", ended.report["warnings"]);
    ensure!(later["inputs"][0]["fault"].is_null(), "{}", later["inputs"]);
    Ok(())
}

/// As after a run that crashed and is started again.
fn kept() -> Result<()> {
    for (arguments, name) in [
        ("", "trace.pcapng"),
        ("--rotate-size 1MB --rotate-count 3", "trace-002.pcapng"),
    ] {
        let namespace = frames::quiet()?;
        let folder = folder()?;
        let file = folder.path().join(name);
        fs::write(&file, "evidence")?;
        let said = refused(&namespace, folder.path(), arguments)?;
        ensure!(said.contains(name) && said.contains("not empty"), "{said}");
        ensure!(fs::read(&file)? == b"evidence", "it is gone");
    }
    Ok(())
}

fn refused(namespace: &Namespace, folder: &Path, arguments: &str) -> Result<String> {
    let output = Command::new("ip")
        .args(["netns", "exec", &namespace.name, PROGRAM, "live"])
        .args(["-i", "eth0", "--duration", "1s", "-w", "trace.pcapng"])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .context("cannot run the program")?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(2), "{}: {said}", output.status);
    Ok(said)
}
