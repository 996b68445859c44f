//! What is saved, read again.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::Scene;
use crate::frames::{self, Sender};
use crate::metrics::{Endpoint, sum};
use crate::program::{Ended, Live, PROGRAM, await_some, folder, number, warns};
use crate::stage::{SECOND, SERVER, Stage};
use crate::support::tshark;

pub const SCENES: &[Scene] = &[
    ("a saved run gives the same report", one_file),
    ("a saved ring gives the same report", large_ring),
    (
        "a ring keeps the last files, each whole, and states what it lacks",
        small_ring,
    ),
    ("plaintext that a ring overwrote is missed", overwritten),
    ("a run goes on behind what a crash left", restarted),
    ("a file that is removed is told, and missed", removed),
    ("counts are saved meanwhile, and outlive a crash", counted),
    (
        "evidence of a run is what its report names, and its manifest holds",
        handed_over,
    ),
];

/// A run with both kinds of traffic, in turns.
fn run(arguments: &str) -> Result<Ended> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!("--servers {SERVER},{SECOND} {arguments}"))?;
    for turn in 0..4 {
        stage.encrypt(40001 + turn, stage.server())?;
        stage.converse(1018 - 3 * turn, stage.second())?;
        live.report()?;
        stage.counters()?;
    }
    live.await_verdict(SECOND, "plaintext")?;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    Ok(ended)
}

fn one_file() -> Result<()> {
    let ended = run("-w trace.pcapng")?;
    let trace = ended.file("trace.pcapng");
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(
        packets(&trace)? == counted,
        "Wireshark counts another number"
    );
    same(&ended.report, &analyze(&[trace])?)
}

fn large_ring() -> Result<()> {
    let ended = run("-w trace.pcapng --rotate-size 8KiB --rotate-count 60")?;
    let files = ring(&ended, 60);
    let counts: Vec<u64> = files
        .iter()
        .map(|file| packets(file))
        .collect::<Result<_>>()?;
    let used = counts.iter().filter(|&&count| count > 0).count();
    ensure!((2..60).contains(&used), "{used} files were used");
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(
        counts.iter().sum::<u64>() == counted,
        "{counts:?} of {counted}"
    );
    same(&ended.report, &analyze(&files[..used])?)
}

fn small_ring() -> Result<()> {
    let ended = run("-w trace.pcapng --rotate-size 8KiB --rotate-count 2")?;
    let files = ring(&ended, 2);
    let kept: u64 = files.iter().map(|file| packets(file)).sum::<Result<_>>()?;
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(0 < kept && kept < counted, "{kept} of {counted} packets");
    let later = analyze(&files)?;
    let read = number(&later, "accounting.packets")?;
    ensure!(read == kept, "{read} of {kept} packets");
    let stated = number(&later, "losses.packets")?;
    ensure!(
        kept + stated == counted,
        "{kept} kept and {stated} stated as missing of {counted}"
    );
    Ok(())
}

fn handed_over() -> Result<()> {
    let ended =
        run("-w trace.pcapng --save s.state -o r.json --evidence e.pcapng --manifest m.json")?;
    let paths = ended.report["paths"].as_array().context("paths")?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let proofs = paths.iter().flat_map(|path| list(&path["proof"]));
    let proofs = proofs.flat_map(|proof| list(&proof["evidence"]));
    let named = paths
        .iter()
        .flat_map(|path| list(&path["evidence"]))
        .chain(proofs);
    let named: BTreeSet<String> = named.map(|it| format!("packet {}", it["packet"])).collect();
    let evidence = ended.file("e.pcapng");
    let comments = tshark::fields(&evidence, &[], &["frame.comment"]).concat();
    let told: BTreeSet<String> = comments
        .iter()
        .filter_map(|comment| Some(comment.rsplit_once(", ")?.1.to_owned()))
        .collect();
    ensure!(
        told == named && comments.len() == named.len(),
        "{told:?}, and {named:?}"
    );
    let data = tshark::fields(&evidence, &["-Y", "tcp.payload"], &["frame.number"]);
    ensure!(data.is_empty(), "payload of TCP is written");
    for name in ["e.pcapng", "trace.pcapng", "s.state"] {
        let mode = ended.file(name).metadata()?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "{name} has the mode {mode:o}");
    }
    let manifest: Value = serde_json::from_slice(&std::fs::read(ended.file("m.json"))?)?;
    let outputs = list(&manifest["outputs"]);
    let roles: BTreeSet<&str> = outputs
        .iter()
        .filter_map(|it| it["role"].as_str())
        .collect();
    ensure!(
        roles == BTreeSet::from(["evidence", "packets", "report", "state"]),
        "{roles:?}"
    );
    let verify = || {
        Command::new(PROGRAM)
            .arg("verify")
            .arg(ended.file("m.json"))
            .output()
    };
    let verified = verify()?;
    let told = String::from_utf8_lossy(&verified.stdout);
    ensure!(told == "All 4 files are as the manifest says.\n", "{told}");
    std::fs::write(ended.file("trace.pcapng"), "")?;
    ensure!(verify()?.status.code() == Some(1), "a change is not found");
    Ok(())
}

/// What is left of the run shows DTLS alone.
fn overwritten() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = stage.live(&format!(
        "--servers {SERVER} -w trace.pcapng --rotate-size 8KiB --rotate-count 2"
    ))?;
    stage.converse(1023, stage.server())?;
    live.await_verdict(SERVER, "plaintext")?;
    for port in 40001..40006 {
        stage.encrypt(port, stage.server())?;
        live.report()?;
        stage.counters()?;
    }
    live.await_verdict(SERVER, "mixed")?;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "mixed")], 1)?;
    let later = analyzed(&ring(&ended, 2), SERVER)?;
    let [path] = later["paths"].as_array().map_or(&[][..], Vec::as_slice) else {
        bail!("{}", later["paths"]);
    };
    let readable = number(path, "traffic.plaintext.packets")?;
    ensure!(readable == 0, "{readable} readable packets are left");
    ensure!(path["under_loss"] == true, "nothing is said of the loss");
    let code = &later["summary"]["exit_code"];
    ensure!(
        *code == 3,
        "exit code {code} although plaintext was overwritten"
    );
    ensure!(warns(&later, "or overwritten"), "{}", later["warnings"]);
    let kept = number(&later, "accounting.packets")?;
    let stated = number(&later, "losses.packets")?;
    let counted = number(&ended.report, "accounting.packets")?;
    ensure!(
        kept + stated == counted,
        "{kept} kept and {stated} stated as missing of {counted}"
    );
    Ok(())
}

/// The first run shows plaintext, and the second DTLS alone.
fn restarted() -> Result<()> {
    let stage = Stage::new()?;
    let arguments = format!(
        "-i eth0 --servers {SERVER} --events events -w trace.pcapng --rotate-size 1MiB \
         --rotate-count 3"
    );
    let namespace = stage.client().namespace();
    let mut live = Live::spawn(namespace, folder()?, &arguments, None)?;
    live.await_event("started", |_| true)?;
    stage.converse(1023, stage.server())?;
    live.await_verdict(SERVER, "plaintext")?;
    let trace = live.file("trace-001.pcapng");
    await_some("packets in the file", || {
        Ok((packets(&trace)? > 3).then_some(()))
    })?;
    let mut live = Live::spawn(namespace, live.killed()?, &arguments, None)?;
    live.await_event("started", |_| true)?;
    stage.encrypt(40001, stage.server())?;
    live.await_verdict(SERVER, "encrypted")?;
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted")], 0)?;
    ensure!(
        warns(
            &ended.report,
            "trace-001.pcapng holds packets of an earlier run"
        ),
        "{}",
        ended.report["warnings"]
    );
    let later = analyzed(&ring(&ended, 3), SERVER)?;
    let verdict = &later["paths"][0]["verdict"];
    ensure!(*verdict == "mixed", "{verdict}");
    let (kept, of_second) = (
        number(&later, "accounting.packets")?,
        number(&ended.report, "accounting.packets")?,
    );
    ensure!(
        kept > of_second,
        "{kept} in all, {of_second} of the second run"
    );
    ensure!(
        packets(&ended.file("trace-001.pcapng"))? == kept,
        "it began another file"
    );
    Ok(())
}

fn removed() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--servers {SERVER} --metrics 127.0.0.1:0 -w trace.pcapng");
    let mut live = frames::live(&namespace, &arguments)?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    let saving = || -> Result<[u64; 2]> {
        let samples = endpoint.metrics()?;
        let metrics = ["plainsight_unsaved_packets_total", "plainsight_saving_up"];
        let [unsaved, up] = metrics.map(|metric| sum(&samples, metric));
        Ok([unsaved?, up?])
    };
    let mut sender = Sender::on(&namespace)?;
    sender.send(0..5)?;
    let trace = live.file("trace.pcapng");
    await_some("the packets", || Ok((packets(&trace)? == 5).then_some(())))?;
    std::fs::rename(&trace, live.file("moved.pcapng"))?;
    live.await_event("saved_file_moved", |event| event["path"] == "trace.pcapng")?;
    std::fs::remove_file(live.file("moved.pcapng"))?;
    live.await_event("saved_file_removed", |event| event["packets"] == 5)?;
    await_some("a metric", || Ok((saving()? == [5, 1]).then_some(())))?;
    sender.send(5..6)?;
    live.await_event("saving_failed", |_| true)?;
    await_some("a metric", || Ok((saving()? == [6, 0]).then_some(())))?;
    let ended = live.end()?;
    for told in ["trace.pcapng was removed", "lacks 6 packets"] {
        ensure!(warns(&ended.report, told), "{}", ended.report["warnings"]);
    }
    Ok(())
}

/// States are saved after each second, and the last one before a crash is merged.
fn counted() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--servers {SERVER} --save it.state --save-interval 1s");
    let live = frames::live(&namespace, &arguments)?;
    Sender::on(&namespace)?.send(0..100)?;
    let merged = |state: &Path| -> Result<Value> {
        let output = Command::new(PROGRAM)
            .args(["merge", "--format", "json", "--servers", SERVER])
            .arg(state)
            .output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).with_context(|| complaint.into_owned())
    };
    let state = live.file("it.state");
    let counts = |state: &Path| merged(state).and_then(|it| number(&it, "accounting.packets"));
    await_some("a state of all packets", || {
        Ok((counts(&state)? == 100).then_some(()))
    })?;
    let before = state.metadata()?.modified()?;
    await_some("another state", || {
        Ok((state.metadata()?.modified()? > before).then_some(()))
    })?;
    let folder = live.killed()?;
    ensure!(
        counts(&folder.path().join("it.state"))? == 100,
        "it is gone"
    );
    let drafts = std::fs::read_dir(folder.path())?.filter_map(Result::ok);
    let drafts = drafts.filter(|it| it.file_name().to_string_lossy().ends_with(".new"));
    ensure!(drafts.count() <= 1, "drafts are left behind");
    Ok(())
}

fn ring(ended: &Ended, count: usize) -> Vec<PathBuf> {
    let name = |number| format!("trace-{number:03}.pcapng");
    (1..=count)
        .map(|number| ended.file(&name(number)))
        .collect()
}

/// How many packets Wireshark finds in a file that it finds whole.
fn packets(file: &Path) -> Result<u64> {
    let output = Command::new("capinfos")
        .args(["-c", "-M"])
        .arg(file)
        .output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && complaint.is_empty(),
        "{complaint}"
    );
    let text = String::from_utf8(output.stdout)?;
    let (_, count) = text.split_once("Number of packets:").context("no count")?;
    // A file of several sections tells of each behind it.
    let count = count.split_whitespace().next().context("no count")?;
    Ok(count.parse()?)
}

fn analyze(files: &[PathBuf]) -> Result<Value> {
    analyzed(files, &format!("{SERVER},{SECOND}"))
}

/// What `analyze` reports on files.
pub fn analyzed(files: &[PathBuf], servers: &str) -> Result<Value> {
    let output = Command::new(PROGRAM)
        .args(["analyze", "--format", "json", "--servers", servers])
        .args(files)
        .output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).with_context(|| complaint.into_owned())
}

/// Checks that two reports say the same of the same packets.
pub fn same(live: &Value, later: &Value) -> Result<()> {
    for part in ["summary", "accounting", "first", "last", "dtls_elsewhere"] {
        let (live, later) = (&live[part], &later[part]);
        ensure!(live == later, "{part}: {live} live, {later} later");
    }
    ensure!(paths(live) == paths(later), "the paths differ");
    Ok(())
}

/// What counts of each path.
fn paths(report: &Value) -> Vec<[&Value; 6]> {
    let paths = report["paths"].as_array().into_iter().flatten();
    let fields = ["client", "server", "verdict", "traffic", "first", "last"];
    paths.map(|path| fields.map(|field| &path[field])).collect()
}
