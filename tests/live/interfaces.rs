//! Interfaces that go away and come back.

use std::process::Command;
use std::slice;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::Scene;
use crate::frames::{self, Sender};
use crate::hosts::Namespace;
use crate::program::{Ended, Live, Surroundings, await_some, folder, number, warns};
use crate::saved::analyzed;
use crate::stage::{SECOND, SERVER, Stage};

pub const SCENES: &[Scene] = &[
    ("an interface goes down and up", down_and_up),
    ("an interface is removed and made anew", removed),
    (
        "an interface without Ethernet is captured",
        without_ethernet,
    ),
    (
        "two workers tell that they cannot follow",
        removed_under_fanout,
    ),
    (
        "an interface that is renamed is not down, or told of",
        renamed,
    ),
    (
        "an interface made anew is followed among all of them",
        removed_among_all,
    ),
    (
        "an interface is not down where the kernel does not tell",
        untold,
    ),
    (
        "without /sys it is not known what an interface drops",
        without_sys,
    ),
];

/// Warning of an interface that is up, and of which nothing is seen.
const CANNOT_FOLLOW: &str = "the interface is up and cannot be followed";

fn down_and_up() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER},{SECOND}"))?;
    let before = stage.counters()?;
    stage.encrypt(40001, stage.server())?;
    stage.counters()?;
    stage.client().ip("link set eth0 down")?;
    live.await_event("interface_down", |it| it["interface"] == "eth0")?;
    stage.client().ip("link set eth0 up")?;
    live.await_event("interface_up", |it| it["interface"] == "eth0")?;
    let report = live.report()?;
    let until_then = number(&report, "accounting.packets")?;
    stage.converse(1023, stage.second())?;
    let passed = stage.counters()? - before;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(counted > until_then, "nothing came after the gap");
    // By then the two asked for each other's hardware address, which no verdict needs.
    ensure!(counted <= passed.packets, "{counted} of {passed:?}");
    one_gap(&ended, |gap| gap["from"].as_str() < gap["to"].as_str())
}

/// Holds that one capture tells of one gap, which several may share.
fn one_gap(ended: &Ended, holds: impl Fn(&Value) -> bool) -> Result<()> {
    let gaps = &ended.report["inputs"][0]["losses"]["gaps"];
    let one = gaps.as_array().is_some_and(|gaps| gaps.len() == 1);
    ensure!(one, "{gaps}");
    ensure!(gaps[0]["from"].is_string() && holds(&gaps[0]), "{gaps}");
    let stated = number(&ended.report, "losses.gaps")?;
    ensure!(stated == 1, "{stated} gaps");
    ensure!(warns_of_gap(ended), "{}", ended.report["warnings"]);
    Ok(())
}

fn warns_of_gap(ended: &Ended) -> bool {
    let mut warnings = ended.report["warnings"].as_array().into_iter().flatten();
    warnings.any(|it| it.as_str().is_some_and(|it| it.contains(": down from ")))
}

fn removed() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut live = frames::live(&namespace, "")?;
    Sender::on(&namespace)?.send(0..100)?;
    namespace.ip("link del eth0")?;
    live.await_event("interface_down", |_| true)?;
    frames::plug_in(&namespace)?;
    live.await_event("interface_up", |_| true)?;
    Sender::on(&namespace)?.send(0..100)?;
    let ended = live.end()?;
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(counted == 200, "{counted} of 200 packets");
    one_gap(&ended, |gap| gap["from"].as_str() < gap["to"].as_str())
}

/// No VLAN tag can be filtered there.
fn without_ethernet() -> Result<()> {
    let namespace = Namespace::new()?;
    namespace.ip("tuntap add tun0 mode tun")?;
    namespace.ip("link set tun0 up")?;
    let arguments = format!("-i tun0 --duration 1s --servers {SERVER}");
    let ended = Live::start(&namespace, &arguments)?.ended()?;
    ended.hold(&[(SERVER, "silent")], 3)
}

/// The kernel binds no socket of a group anew.
fn removed_under_fanout() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut live = frames::live(&namespace, "--threads 2")?;
    Sender::on(&namespace)?.send(0..100)?;
    namespace.ip("link del eth0")?;
    // One of them speaks for the interface.
    live.await_event("interface_down", |it| it["interface"] == "eth0, worker 1")?;
    frames::plug_in(&namespace)?;
    thread::sleep(Duration::from_secs(1));
    Sender::on(&namespace)?.send(0..100)?;
    let ended = live.end()?;
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(counted == 100, "{counted} packets");
    ensure!(!ended.has("interface_up"), "it came back");
    ensure!(
        warns(&ended.report, CANNOT_FOLLOW),
        "{}",
        ended.report["warnings"]
    );
    one_gap(&ended, |gap| gap["to"].is_null())
}

/// Kernels before 6.2 rename no interface that is up.
fn renamed() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut live = frames::live(&namespace, "")?;
    Sender::on(&namespace)?.send(0..100)?;
    let is_renamed = namespace.ip("link set eth0 name lan0").is_ok();
    if is_renamed {
        thread::sleep(Duration::from_secs(2));
        Sender::on(&namespace)?.send(0..100)?;
        ensure!(number(&live.report()?, "losses.gaps")? == 0, "it is down");
        namespace.ip("link set lan0 name eth0")?;
    }
    namespace.ip("link set eth0 down")?;
    live.await_event("interface_down", |_| true)?;
    namespace.ip("link set eth0 name lan1")?;
    namespace.ip("link set lan1 up")?;
    await_some("a warning", || {
        let is_told = warns(&live.report()?, CANNOT_FOLLOW);
        Ok(is_told.then_some(()))
    })?;
    let ended = live.end()?;
    let counted = number(&ended.report, "accounting.packets")?;
    let sent = if is_renamed { 200 } else { 100 };
    ensure!(counted == sent, "{counted} of {sent} packets");
    one_gap(&ended, |gap| gap["to"].is_null())
}

fn removed_among_all() -> Result<()> {
    for threads in [1, 2] {
        let (near, far) = frames::wire()?;
        let arguments = format!("-i any --servers {SERVER} --threads {threads}");
        let live = Live::start(&near, &arguments)?;
        Sender::on(&far)?.send(0..100)?;
        near.ip("link del eth0")?;
        frames::lay(&near, &far)?;
        Sender::on(&far)?.send(0..100)?;
        let ended = live.end()?;
        let counted = number(&ended.report, "accounting.packets")?;
        ensure!(counted == 200, "{counted} of 200 packets by {threads}");
        let drops = &ended.report["inputs"][0]["losses"]["interface"];
        ensure!(drops.is_null(), "{drops} dropped by all interfaces");
    }
    Ok(())
}

/// Without a file more, nobody can be asked.
fn untold() -> Result<()> {
    let namespace = frames::quiet()?;
    let live = frames::live(&namespace, "")?;
    // The user that the run became.
    let limited = Command::new("setpriv")
        .args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"])
        .args(["prlimit", "--nofile=3:3", "--pid", &live.pid().to_string()])
        .status()?;
    ensure!(limited.success(), "{limited}");
    thread::sleep(Duration::from_secs(2));
    Sender::on(&namespace)?.send(0..100)?;
    let ended = live.end()?;
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(counted == 100, "{counted} of 100 packets");
    ensure!(!ended.has("interface_down"), "{:?}", ended.events);
    let gaps = number(&ended.report, "losses.gaps")?;
    ensure!(gaps == 0, "{gaps} gaps");
    Ok(())
}

fn without_sys() -> Result<()> {
    let namespace = frames::quiet()?;
    let hide = r#"mount -t tmpfs none /sys && exec "$0" "$@""#;
    for starter in [&[][..], &["sh", "-c", hide]] {
        let surroundings = Surroundings {
            starter: starter.iter().map(|&word| word.to_owned()).collect(),
            ..Surroundings::default()
        };
        let arguments = format!("-i eth0 --servers {SERVER} --events events -w trace.pcapng");
        let mut live = Live::spawn_in(&namespace, folder()?, &arguments, surroundings)?;
        live.await_event("started", |_| true)?;
        let ended = live.end()?;
        let trace = ended.file("trace.pcapng");
        let later = analyzed(slice::from_ref(&trace), SERVER)?;
        let is_hidden = !starter.is_empty();
        for report in [&ended.report, &later] {
            let drops = &report["inputs"][0]["losses"]["interface"];
            ensure!(drops.is_null() == is_hidden, "{drops} with {starter:?}");
        }
        let says = "eth0: how many packets the interface itself drops is not known";
        ensure!(
            warns(&ended.report, says) == is_hidden,
            "{}",
            ended.report["warnings"]
        );
    }
    Ok(())
}
