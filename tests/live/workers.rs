//! Several workers on one interface.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::slice;

use anyhow::{Context, Result, ensure};

use crate::Scene;
use crate::frames::{self, Sender};
use crate::program::number;
use crate::saved::{analyzed, same};
use crate::stage::{Counters, SECOND, SERVER, Stage};

pub const SCENES: &[Scene] = &[
    ("two workers count what one would", two_workers),
    ("two workers split no flow", no_flow_split),
];

fn two_workers() -> Result<()> {
    let stage = Stage::new()?;
    let live = stage.live(&format!("--threads 2 --servers {SERVER},{SECOND}"))?;
    let before = stage.counters()?;
    stage.encrypt(40001, stage.server())?;
    stage.converse(1023, stage.second())?;
    stage.converse(1020, stage.second())?;
    let passed = stage.counters()? - before;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    passed.hold(&ended.report)
}

fn no_flow_split() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--threads 2 --servers {SERVER} -w trace.pcapng");
    let live = frames::live(&namespace, &arguments)?;
    let before = Counters::of(&namespace, "eth0")?;
    let mut sender = Sender::on(&namespace)?;
    (0..20).try_for_each(|_| sender.send(0..200))?;
    let passed = Counters::of(&namespace, "eth0")? - before;
    let ended = live.end()?;
    passed.hold(&ended.report)?;
    let trace = ended.file("trace.pcapng");
    same(&ended.report, &analyzed(slice::from_ref(&trace), SERVER)?)?;
    let workers: Vec<u64> = (0..2)
        .map(|worker| number(&ended.report["inputs"][worker], "packets"))
        .collect::<Result<_>>()?;
    ensure!(workers.iter().all(|&packets| packets > 0), "{workers:?}");
    let seen_by = captures_of_flows(&trace)?;
    ensure!(seen_by.len() == 200, "{} flows", seen_by.len());
    let split = seen_by.values().filter(|by| by.len() > 1).count();
    ensure!(split == 0, "{split} flows were split");
    Ok(())
}

/// The captures, by number, that each client's packets are in.
fn captures_of_flows(trace: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let output = Command::new("tshark")
        .args([
            "-n",
            "-T",
            "fields",
            "-e",
            "ip.src",
            "-e",
            "frame.interface_id",
            "-r",
        ])
        .arg(trace)
        .output()?;
    let mut seen_by = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let (client, capture) = line.split_once('\t').context("two fields")?;
        seen_by
            .entry(client.to_owned())
            .or_default()
            .insert(capture.to_owned());
    }
    Ok(seen_by)
}
