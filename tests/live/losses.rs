//! A load that overruns a small buffer.

use std::fs;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::Scene;
use crate::frames::{self, Sender};
use crate::program::{Ended, number};
use crate::stage::{Counters, SERVER};

pub const SCENES: &[Scene] = &[("a buffer overruns, and the report tells", overrun)];

const SENT: u32 = 30_000;

fn overrun() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--servers {SERVER} --buffer 1MiB -o report.txt");
    let mut live = frames::live(&namespace, &arguments)?;
    let before = Counters::of(&namespace, "eth0")?;
    let mut sender = Sender::on(&namespace)?;
    sender.send(0..1)?;
    live.await_event("path_appeared", |_| true)?;
    // A process that is not scheduled reads nothing.
    live.signal(Signal::SIGSTOP)?;
    (1..SENT).try_for_each(|_| sender.send(0..1))?;
    live.signal(Signal::SIGCONT)?;
    live.await_event("drops_began", |it| it["kernel"].as_u64() > Some(0))?;
    let passed = Counters::of(&namespace, "eth0")? - before;
    ensure!(
        passed.packets == u64::from(SENT),
        "{passed:?} of {SENT} sent"
    );
    all_accounted_for(&live.end()?)
}

fn all_accounted_for(ended: &Ended) -> Result<()> {
    let report = &ended.report;
    let (seen, lost) = (
        number(report, "accounting.packets")?,
        number(report, "losses.packets")?,
    );
    ensure!(
        seen + lost == u64::from(SENT),
        "{seen} seen and {lost} lost of {SENT}"
    );
    let losses = &report["inputs"][0]["losses"];
    let (kernel, unread) = (number(losses, "kernel")?, number(losses, "unread")?);
    ensure!(kernel > 0 && kernel + unread == lost, "{losses}");
    let share = report["losses"]["share"].as_f64().unwrap_or_default();
    #[allow(clippy::cast_precision_loss, reason = "few packets")]
    let expected = lost as f64 / f64::from(SENT);
    ensure!((share - expected).abs() < 1e-9, "{share}, not {expected}");
    let path = ended.path(SERVER)?;
    ensure!(path["under_loss"] == true, "the verdict does not tell");
    let text = fs::read_to_string(ended.file("report.txt"))?;
    ensure!(text.contains("Not all was seen"), "{text}");
    Ok(())
}
