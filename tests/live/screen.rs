//! The screen in a terminal, as a person uses it.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Scene;
use crate::frames::{self, Sender};
use crate::hosts::Namespace;
use crate::program::{await_some, number};
use crate::terminal::Terminal;

pub const SCENES: &[Scene] = &[
    ("keys move, filter, sort and open on the screen", keys),
    (
        "Ctrl-Z gives the terminal back, and fg takes it again",
        suspended,
    ),
    ("in the background the screen stays away", background),
    ("a terminal after Ctrl-S holds up no run", stopped),
    ("a second SIGTERM gives the terminal back", at_once),
    ("the screen does without keys", without_keys),
    ("a terminal that is gone costs nothing", gone),
];

/// A namespace with an interface, and a terminal with a shell in it.
fn stage() -> Result<(Namespace, Terminal)> {
    let namespace = frames::quiet()?;
    let terminal = Terminal::open(&namespace)?;
    Ok((namespace, terminal))
}

/// Last line of the screen, which tells of the run.
fn footer(lines: &[String]) -> &str {
    lines.last().map_or("", String::as_str)
}

fn keys() -> Result<()> {
    let (namespace, terminal) = stage()?;
    terminal.live("")?;
    Sender::on(&namespace)?.send(0..16)?;
    let seen = terminal.await_words("16 packets read")?;
    ensure!(
        seen.iter()
            .filter(|line| line.contains(" 10.20.2.5 "))
            .count()
            == 16,
        "{seen:#?}"
    );
    terminal.resize(50, 12)?;
    let seen = terminal.await_words("and 11 more: 11 undetermined")?;
    ensure!(footer(&seen).ends_with("? keys  q ends"), "{seen:#?}");

    terminal.press(&["End"])?;
    let seen = terminal.await_words("11 of them above")?;
    ensure!(
        seen.iter().any(|line| line.starts_with("10.20.1.15 ")),
        "{seen:#?}"
    );
    terminal.press(&["/1.1"])?;
    terminal.await_words("/1.1_  7 of 16 paths")?;
    terminal.press(&["Enter", "s", "s"])?;
    terminal.await_words("by client")?;
    terminal.press(&["Home", "Down", "Enter"])?;
    terminal.await_words("10.20.1.10 to 10.20.2.5: undetermined")?;
    terminal.press(&["End"])?;
    terminal.await_words("Do the flow logs agree?")?;
    terminal.press(&["Escape"])?;
    terminal.await_words("/1.1  7 of 16 paths")?;
    terminal.press(&["?"])?;
    terminal.await_words("PgUp, PgDn")?;
    terminal.press(&["q", "Escape"])?;
    terminal.await_lines("all paths", |lines| {
        footer(lines).ends_with("q ends") && !lines.iter().any(|line| line.contains("/1.1"))
    })?;

    terminal.resize(200, 50)?;
    let seen = terminal.await_lines("a wide screen", |lines| footer(lines).len() > 190)?;
    ensure!(seen.len() == 50, "{seen:#?}");
    terminal.press(&["q"])?;
    let report = terminal.ended("3")?;
    ensure!(number(&report, "accounting.packets")? == 16, "{report}");
    Ok(())
}

fn suspended() -> Result<()> {
    let (namespace, terminal) = stage()?;
    let mut sender = Sender::on(&namespace)?;
    terminal.live("")?;
    terminal.await_words("? keys  q ends")?;
    ensure!(terminal.is_taken()?, "no screen");
    sender.send(0..3)?;
    terminal.await_words("3 packets read")?;
    terminal.press(&["C-z"])?;
    terminal.await_words("Stopped")?;
    terminal.await_as_before()?;
    // What the kernel keeps meanwhile is read later.
    sender.send(3..5)?;
    terminal.run("fg")?;
    terminal.await_words("5 packets read")?;
    ensure!(terminal.is_taken()?, "no screen");
    // As debuggers and others do it, without a word.
    terminal.signal(Signal::SIGSTOP)?;
    terminal.await_words("Stopped")?;
    terminal.run("fg")?;
    terminal.await_lines("the screen", |lines| {
        footer(lines).ends_with("? keys  q ends")
    })?;
    terminal.press(&["s"])?;
    terminal.await_words("most traffic first")?;
    terminal.press(&["C-c"])?;
    // The shell has forgotten what follows a command that was stopped.
    terminal.await_as_before()?;
    terminal.await_words("5 packets read: 5 on paths").map(drop)
}

fn background() -> Result<()> {
    let (namespace, terminal) = stage()?;
    terminal.live("& true")?;
    Sender::on(&namespace)?.send(0..2)?;
    terminal.await_event("path_appeared")?;
    // The shell has its terminal and all that is typed there.
    thread::sleep(Duration::from_secs(2));
    terminal.run("echo typed | tr a-z A-Z")?;
    let seen = terminal.await_words("TYPED")?;
    ensure!(
        !seen.iter().any(|line| line.contains("Verdict")),
        "{seen:#?}"
    );
    ensure!(!terminal.is_taken()?, "it has the terminal");
    terminal.run("jobs")?;
    terminal.await_words("Running")?;
    terminal.run("fg; echo code $?")?;
    terminal.await_words("2 packets read")?;
    terminal.press(&["q"])?;
    terminal.ended("3").map(drop)
}

fn stopped() -> Result<()> {
    let (namespace, terminal) = stage()?;
    terminal.live("")?;
    terminal.await_words("? keys  q ends")?;
    terminal.press(&["C-s"])?;
    // Something is drawn by then, and waits.
    thread::sleep(Duration::from_secs(1));
    let seen = terminal.lines()?;
    Sender::on(&namespace)?.send(0..1)?;
    terminal.await_event("path_appeared")?;
    thread::sleep(Duration::from_secs(1));
    ensure!(terminal.lines()? == seen, "it is not stopped");
    terminal.signal(Signal::SIGTERM)?;
    terminal.await_event("ended")?;
    await_some("the report", || {
        Ok(fs::read(terminal.file("report.json")).ok())
    })?;
    ensure!(terminal.is_taken()?, "it is not stopped");
    terminal.press(&["C-q"])?;
    terminal.ended("3").map(drop)
}

fn at_once() -> Result<()> {
    for is_stopped in [false, true] {
        let (_namespace, terminal) = stage()?;
        terminal.live("")?;
        terminal.await_words("? keys  q ends")?;
        if is_stopped {
            terminal.press(&["C-s"])?;
            thread::sleep(Duration::from_secs(1));
        }
        let pid = terminal.pid()?;
        kill(pid, Signal::SIGTERM)?;
        thread::sleep(Duration::from_millis(10));
        kill(pid, Signal::SIGTERM)?;
        terminal.await_words("code 143")?;
        terminal.await_as_before()?;
    }
    let (_namespace, terminal) = stage()?;
    terminal.live("")?;
    terminal.await_words("? keys  q ends")?;
    terminal.press(&["C-\\"])?;
    terminal.await_words("code 131")?;
    terminal.await_as_before()
}

fn without_keys() -> Result<()> {
    for input in ["</dev/null", "<&-", "<> /dev/zero"] {
        let (_namespace, terminal) = stage()?;
        terminal.live(input)?;
        terminal.await_words("Ctrl-C ends")?;
        terminal.press(&["C-c"])?;
        terminal.ended("3").with_context(|| input)?;
    }
    Ok(())
}

/// As of a session that was lost, where `nohup` or the like keeps the run.
fn gone() -> Result<()> {
    let (namespace, terminal) = stage()?;
    terminal.run("trap '' HUP")?;
    terminal.live("")?;
    terminal.await_words("? keys  q ends")?;
    let pid = terminal.pid()?;
    terminal.close()?;
    thread::sleep(Duration::from_secs(1));
    let before = spent(pid)?;
    thread::sleep(Duration::from_secs(3));
    let spent = spent(pid)? - before;
    ensure!(spent < 60, "it took {spent} of 300 ticks");
    Sender::on(&namespace)?.send(0..1)?;
    terminal.await_event("path_appeared")?;
    kill(pid, Signal::SIGTERM)?;
    await_some("the report", || {
        Ok(fs::read(terminal.file("report.json")).ok())
    })
    .map(drop)
}

/// Clock ticks of the CPU that a process took, by `proc_pid_stat(5)`.
fn spent(pid: Pid) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a name")?;
    let fields = fields.split_whitespace().skip(11).take(2);
    fields.map(|field| Ok(field.parse::<u64>()?)).sum()
}
