//! Traces played over a wire: of the same packets, a live run says what `analyze` says of
//! the trace, or less; and so does `analyze` of what the run saved.

use std::path::{Path, PathBuf};
use std::slice;

use anyhow::{Context, Result, bail, ensure};
use pcap::{Capture, Linktype};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tempfile::TempDir;

use crate::Scene;
use crate::frames::{send_all, wire};
use crate::program::{Live, folder, number};
use crate::saved::{analyzed, same};
use crate::support::made;
use crate::support::program::root;
use crate::support::{expect, run};

pub const SCENES: &[Scene] = &[
    ("live says no more of a trace than analyze", kept),
    (
        "live on any says no more of a trace than analyze",
        kept_on_any,
    ),
    ("live says no more of packets made than analyze", made_up),
    (
        "live on any says no more of packets made than analyze",
        made_up_on_any,
    ),
];

/// `LINKTYPE_ETHERNET`.
const ETHERNET: i32 = 1;
/// Captures of made packets.
const MADE: usize = 12;
/// Packets of each, some of them in fragments.
const TURNS: usize = 80;

fn kept() -> Result<()> {
    each_kept("eth0")
}

fn kept_on_any() -> Result<()> {
    each_kept("any")
}

fn each_kept(interface: &str) -> Result<()> {
    let captures = root().join("captures");
    let mut played = 0;
    for trace in expect::load(&captures)? {
        let path = captures.join(&trace.file);
        let Some(frames) = ethernet(&path) else {
            continue;
        };
        hold(interface, &path, &frames, expect::SERVERS).context(trace.file)?;
        played += 1;
    }
    ensure!(played >= 15, "only {played} traces were played");
    Ok(())
}

/// The frames of a trace that was recorded on Ethernet, each whole, as a wire has it, and
/// that is not compressed.
fn ethernet(path: &Path) -> Option<Vec<Vec<u8>>> {
    let mut capture = Capture::from_file(path).ok()?;
    if capture.get_datalink() != Linktype(ETHERNET) {
        return None;
    }
    let mut frames = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        if packet.header.caplen < packet.header.len {
            return None;
        }
        frames.push(packet.data.to_vec());
    }
    Some(frames)
}

fn made_up() -> Result<()> {
    each_made("eth0")
}

fn made_up_on_any() -> Result<()> {
    each_made("any")
}

fn each_made(interface: &str) -> Result<()> {
    let mut runner = TestRunner::deterministic();
    let mut played = 0;
    while played < MADE {
        let Ok(tree) = made::capture(TURNS).new_tree(&mut runner) else {
            bail!("nothing was made");
        };
        let made = tree.current();
        let frames = made.into_iter().map(|made| made.frame);
        let frames: Vec<_> = frames.filter(|it| it.link_type.0 == 1).collect();
        if frames.is_empty() {
            continue;
        }
        let frames: Vec<Vec<u8>> = frames.into_iter().map(|it| it.data).collect();
        let folder = folder()?;
        let trace = stored(&folder, &frames)?;
        hold(interface, &trace, &frames, run::SERVERS)
            .with_context(|| format!("capture {played}, kept in {}", kept_for_later(folder)))?;
        played += 1;
    }
    Ok(())
}

/// Where a trace is that does not hold; it is gone where all do.
fn kept_for_later(folder: TempDir) -> String {
    folder.keep().display().to_string()
}

fn stored(folder: &TempDir, frames: &[Vec<u8>]) -> Result<PathBuf> {
    let path = folder.path().join("made.pcap");
    let mut file = Capture::dead(Linktype(ETHERNET))?.savefile(&path)?;
    for (second, data) in (1..).zip(frames) {
        let len = data.len().try_into()?;
        let ts = nix::libc::timeval {
            tv_sec: second,
            tv_usec: 0,
        };
        let header = pcap::PacketHeader {
            ts,
            caplen: len,
            len,
        };
        file.write(&pcap::Packet::new(&header, data));
    }
    file.flush()?;
    Ok(path)
}

/// Plays a trace, and holds that live and what it saved say no more of it.
fn hold(interface: &str, trace: &Path, frames: &[Vec<u8>], servers: &str) -> Result<()> {
    let (near, far) = wire()?;
    let arguments = format!("-i {interface} --servers {servers} -w trace.pcapng");
    let live = Live::start(&near, &arguments)?;
    send_all(&far, "far0", frames)?;
    let ended = live.end()?;
    let lost = number(&ended.report, "losses.packets")?;
    ensure!(lost == 0, "{lost} packets were lost");
    let whole = analyzed(slice::from_ref(&trace.to_owned()), servers)?;
    says_no_more(&ended.report, &whole)?;
    let saved = analyzed(&[ended.file("trace.pcapng")], servers)?;
    same(&ended.report, &saved)
}

fn says_no_more(live: &Value, whole: &Value) -> Result<()> {
    let paths = |report: &Value| report["paths"].as_array().cloned().unwrap_or_default();
    let ends = |path: &Value| [path["client"].clone(), path["server"].clone()];
    for path in paths(live) {
        let of_whole = paths(whole).into_iter().find(|it| ends(it) == ends(&path));
        let whole = of_whole.map_or(Value::Null, |it| it["verdict"].clone());
        let live = &path["verdict"];
        let says_less = live == "undetermined" || live == "silent";
        ensure!(
            *live == whole || says_less,
            "{:?}: {live}, not {whole}",
            ends(&path)
        );
    }
    for path in paths(whole) {
        let is_there = paths(live).iter().any(|it| ends(it) == ends(&path));
        ensure!(is_there, "{:?} is missing", ends(&path));
    }
    let code = |report: &Value| report["summary"]["exit_code"].as_u64();
    let (live, whole) = (code(live), code(whole));
    let says_less = live == Some(3);
    ensure!(
        live == whole || says_less,
        "exit code {live:?}, not {whole:?}"
    );
    Ok(())
}
