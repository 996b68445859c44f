//! Traces played over a wire: of the same packets, a live run says what `analyze` says of
//! the trace, or less; and so does `analyze` of what the run saved.

use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use anyhow::{Context, Result, bail, ensure};
use pcap::{Capture, Linktype};
use plainsight::capture::{Frame, Interfaces, LinkType};
use plainsight::input::{Input, InputPath};
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
    (
        "live says no more of cut and foreign traces than analyze",
        reframed,
    ),
    (
        "live on any says no more of cut and foreign traces than analyze",
        reframed_on_any,
    ),
    ("live says no more of packets made than analyze", made_up),
    (
        "live on any says no more of packets made than analyze",
        made_up_on_any,
    ),
];

/// `LINKTYPE_ETHERNET`.
const ETHERNET: i32 = 1;
/// Bytes of a frame that hold its headers.
const HEADERS_LEN: usize = 80;
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

fn reframed() -> Result<()> {
    each_reframed("eth0")
}

fn reframed_on_any() -> Result<()> {
    each_reframed("any")
}

/// Plays what is cut, compressed, of other link types or of several interfaces, and the
/// cases of others, as a wire shows it.
fn each_reframed(interface: &str) -> Result<()> {
    let captures = root().join("captures");
    let kept = expect::load(&captures)?;
    let kept = kept.iter().map(|trace| captures.join(&trace.file));
    let kept = kept.map(|path| (path, expect::SERVERS.to_owned()));
    let others = kept
        .chain(cases()?)
        .filter(|(path, _)| ethernet(path).is_none());
    let mut played = 0;
    for (path, servers) in others {
        let frames = on_a_wire(&path);
        if frames.is_empty() {
            continue;
        }
        let folder = folder()?;
        let trace = stored(&folder, &frames)?;
        hold(interface, &trace, &frames, &servers).with_context(|| path.display().to_string())?;
        played += 1;
    }
    ensure!(played >= 5, "only {played} traces were played");
    Ok(())
}

/// Captures of the cases that others made, where they are present, and who serves there.
fn cases() -> Result<Vec<(PathBuf, String)>> {
    let folder = root().join("../shared/cases");
    let Ok(text) = fs::read_to_string(folder.join("cases.json")) else {
        return Ok(Vec::new());
    };
    let cases: Vec<Value> = serde_json::from_str(&text)?;
    // What was behind the cuts decides in these: nothing can stand for it.
    let cut = ["exposed-cut-datagram"];
    let whole = cases
        .iter()
        .filter(|case| !cut.iter().any(|name| case["name"] == *name));
    let captures = whole.filter_map(|case| {
        let words = case["args"].as_array()?.iter().filter_map(Value::as_str);
        let words: Vec<&str> = words.collect();
        let servers = words.iter().position(|&word| word == "--servers")?;
        let capture = words.last().filter(|word| word.contains(".pcap"))?;
        let folder = folder.join(case["name"].as_str()?);
        Some((folder.join(capture), words.get(servers + 1)?.to_string()))
    });
    Ok(captures.collect())
}

/// The packets of a trace, each in an Ethernet frame. Zeros stand for what was cut off, as
/// no wire shows half a frame; of those without their headers nobody knows what it was.
fn on_a_wire(path: &Path) -> Vec<Vec<u8>> {
    let (path, found_in) = (path.to_owned(), None);
    let Ok(input) = Input::open(&InputPath { path, found_in }) else {
        return Vec::new();
    };
    let mut frames = Vec::new();
    let on_frame = |frame: &Frame<'_>| {
        let lacks = frame.wire_len as usize - frame.data.len();
        let is_known = |it: &Vec<u8>| lacks == 0 || it.len() >= HEADERS_LEN;
        let whole = |it: Vec<u8>| [it, vec![0; lacks]].concat();
        frames.extend(in_ethernet(frame).filter(is_known).map(whole));
    };
    input.walk(&Interfaces::default(), on_frame, |_| {});
    frames.retain(|frame| (14..65_535).contains(&frame.len()));
    frames
}

fn in_ethernet(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let head = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let framed = |kind: &[u8], data: &[u8]| [&head[..], kind, data].concat();
    let data = frame.data;
    let ip = |data: &[u8]| match data.first()? >> 4 {
        4 => Some(framed(&[8, 0], data)),
        6 => Some(framed(&[0x86, 0xdd], data)),
        _ => None,
    };
    match frame.link_type {
        LinkType::ETHERNET => Some(data.to_vec()),
        LinkType::LINUX_SLL => Some(framed(data.get(14..16)?, &data[16..])),
        LinkType::LINUX_SLL2 => Some(framed(data.get(..2)?, data.get(20..)?)),
        LinkType::NULL | LinkType::LOOP => ip(data.get(4..)?),
        LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => ip(data),
        _ => None,
    }
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
