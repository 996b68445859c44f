//! Several workers on one interface.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::slice;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::Scene;
use crate::frames::{self, Sender};
use crate::program::number;
use crate::saved::{analyzed, same};
use crate::stage::{Counters, SECOND, SERVER, Stage};

pub const SCENES: &[Scene] = &[
    ("two workers count what one would", two_workers),
    ("two workers split no flow", no_flow_split),
    (
        "two workers count once what passes as they start",
        start_under_load,
    ),
];

fn two_workers() -> Result<()> {
    let stage = Stage::new()?;
    let arguments = format!("--threads 2 --servers {SERVER},{SECOND} -w trace.pcapng");
    let live = stage.live(&arguments)?;
    let before = stage.counters()?;
    stage.encrypt(40001, stage.server())?;
    stage.converse(1023, stage.second())?;
    stage.converse(1020, stage.second())?;
    let passed = stage.counters()? - before;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    passed.hold(&ended.report)?;
    // One tunnel, and three connections of each conversation.
    let flows = unsplit_flows(&ended.file("trace.pcapng"))?;
    ensure!(flows == 7, "{flows} flows");
    Ok(())
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
    let flows = unsplit_flows(&trace)?;
    ensure!(flows == 200, "{flows} flows");
    Ok(())
}

/// Until all handles share the interface, each of them sees all of it.
fn start_under_load() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut sender = Sender::on(&namespace)?;
    let ended = thread::scope(|scope| {
        let (tell, started) = mpsc::channel();
        let sending = scope.spawn(move || {
            for flow in 0..6000 {
                sender.send(flow..flow + 1)?;
                thread::sleep(Duration::from_micros(200));
                if flow == 500 {
                    tell.send(())?;
                }
            }
            anyhow::Ok(())
        });
        started.recv()?;
        let live = frames::live(&namespace, &format!("--threads 2 --servers {SERVER}"))?;
        sending.join().expect("the sender does not panic")?;
        live.end()
    })?;
    let paths = ended.report["paths"].as_array().into_iter().flatten();
    let flows = paths.flat_map(|path| path["flows"].as_array().into_iter().flatten());
    let counts: Vec<u64> = flows
        .map(|flow| number(flow, "to_server.encrypted.packets"))
        .collect::<Result<_>>()?;
    ensure!(counts.len() > 100, "{} flows", counts.len());
    let twice = counts.iter().filter(|&&count| count != 1).count();
    ensure!(twice == 0, "{twice} of {} flows", counts.len());
    Ok(())
}

/// Checks that all packets of a flow, both ways, are in one capture; gives how many flows
/// there are.
fn unsplit_flows(trace: &Path) -> Result<usize> {
    let near = "-e ip.src -e udp.srcport -e tcp.srcport";
    let far = "-e ip.dst -e udp.dstport -e tcp.dstport";
    let fields = format!("-n -T fields {near} {far} -e frame.interface_id -r");
    let output = Command::new("tshark")
        .args(fields.split(' '))
        .arg(trace)
        .output()?;
    let mut seen_by = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
        ensure!(fields.len() == 7, "{line}");
        let mut ends = [fields[..3].to_vec(), fields[3..6].to_vec()];
        ends.sort();
        seen_by.entry(ends).or_default().insert(fields[6].clone());
    }
    let split = seen_by.values().filter(|by| by.len() > 1).count();
    ensure!(split == 0, "{split} flows were split");
    Ok(seen_by.len())
}
