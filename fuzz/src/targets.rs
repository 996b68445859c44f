//! A function for each target: it panics where an input breaks a law.

use std::collections::BTreeSet;
use std::io::Cursor;

use plainsight::azure::export::Export;
use plainsight::azure::topology::Azure;
use plainsight::azure::vm_sizes::VmSizes;
use plainsight::capture::{Frame, Interfaces, LinkType};
use plainsight::flow_log::{FlowLog, LogReport, Table};
use plainsight::input::Input;
use plainsight::report::posture::PostureReport;
use plainsight::report::{DocumentFormat, FORMATS, GroupBy, POSTURE_FORMATS, Style};
use plainsight::verdict::{Servers, servers};
use serde_json::Value;

use super::run::{self, Split, Stored};

/// Number of packets of a capture that are looked at, so that one execution stays short.
const MAX_PACKETS: usize = 2000;
/// Numbers of flows kept apart: more than most inputs have, and so few that all fold.
const LIMITS: [usize; 2] = [64, 1];

/// A whole capture to its report: every packet is in one bucket, `encrypted` stands beside
/// nothing that speaks against it, and parts of the capture add up to the whole.
///
/// # Panics
/// Where that does not hold.
pub fn capture(data: &[u8]) {
    let bytes = Box::new(Cursor::new(data.to_vec()));
    let Ok(input) = Input::from_stream("fuzzed", bytes) else {
        return;
    };
    let mut frames = Vec::new();
    let interfaces = Interfaces::default();
    let walked = input.walk(
        &interfaces,
        |frame| frames.extend((frames.len() < MAX_PACKETS).then(|| stored(frame))),
        |_| {},
    );
    assert!(walked.packets >= frames.len() as u64);
    for limit in LIMITS {
        hold(&frames, limit, data.len());
    }
}

/// A frame with its interface told apart from one other.
fn stored(frame: &Frame<'_>) -> Stored {
    Stored {
        link_type: frame.link_type,
        interface: u32::from(frame.interface.0 % 2 == 1),
        data: frame.data.to_vec(),
        wire_len: frame.wire_len,
    }
}

/// Holds frames, of which `limit` flows are kept apart, to the laws of a report; `seed`
/// chooses where they are cut in parts.
fn hold(frames: &[Stored], limit: usize, seed: usize) {
    let engine = run::engine(limit);
    let whole = run::report(run::counted(frames, &engine), &engine);
    let split = Split {
        cuts: vec![seed, seed / 2],
        order: vec![seed, seed / 3],
    };
    let parts = run::report(run::split_counted(frames, &engine, &split), &engine);
    assert_eq!(whole, parts, "parts of the input do not add up");
    let report = serde_json::from_str(&whole).expect("JSON");
    run::assert_sums(&report, frames);
    assert_proven(&report);
}

/// Holds each path that is `encrypted` to the rest of what the report says of it.
fn assert_proven(report: &Value) {
    let paths = report["paths"].as_array().expect("paths");
    for path in paths.iter().filter(|path| path["verdict"] == "encrypted") {
        let traffic = &path["traffic"];
        assert_eq!(run::volume(&traffic["plaintext"]).0, 0, "{path:#}");
        assert!(run::volume(&traffic["encrypted"]).0 > 0, "{path:#}");
        let suites = path["dtls"]["suites"].as_array().expect("suites");
        let names = suites.iter().filter_map(|suite| suite["name"].as_str());
        for name in names {
            assert!(!name.contains("_NULL_"), "{path:#}");
        }
    }
    let words = paths.iter().map(|path| path["verdict"].as_str());
    let words: BTreeSet<_> = words.collect();
    let proven = words.len() == 1 && words.contains(&Some("encrypted"));
    assert!(report["summary"]["exit_code"] != 0 || proven, "{report:#}");
}

/// One frame: two bytes of link type, two of bytes that were not captured, and the frame.
///
/// # Panics
/// Where the report on it, or on it cut short, breaks a law.
pub fn frame(data: &[u8]) {
    let Some((&[a, b, c, d], data)) = data.split_first_chunk() else {
        return;
    };
    let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let frame = Stored {
        wire_len: captured.saturating_add(u16::from_be_bytes([c, d]).into()),
        ..Stored::whole(LinkType(u16::from_be_bytes([a, b])), data.to_vec())
    };
    let half = frame.cut(data.len() / 2);
    hold(&[half, frame], LIMITS[0], data.len());
}

/// A flow log: whatever number of flows is kept apart, no tuple is lost and the report can
/// be written.
///
/// # Panics
/// Where that does not hold.
pub fn flow_log(data: &[u8]) {
    let engine = run::engine(LIMITS[0]);
    let is_server = |address| engine.servers.rank(address) > 0;
    let read = |limit| -> Option<(Table, LogReport)> {
        let mut table = Table::new(limit);
        let report = plainsight::flow_log::read(data, 0, &mut table, &is_server).ok()?;
        Some((table, report))
    };
    let reports = LIMITS.map(|limit| {
        let (table, log) = read(limit)?;
        let report = engine.report(None, Some(FlowLog::new(table)), engine.run());
        write_all(&report, FORMATS);
        let report = serde_json::to_value(&report).expect("JSON");
        assert_proven_by_log(&report);
        Some(log)
    });
    let [apart, folded] = reports;
    assert_eq!(apart.map(|log| log.tuples), folded.map(|log| log.tuples));
}

/// Holds exit code 0 to nothing but `encrypted`.
fn assert_proven_by_log(report: &Value) {
    let mut paths = report["paths"].as_array().expect("paths").iter();
    let proven = paths.len() > 0 && paths.all(|path| path["verdict"] == "encrypted");
    assert!(report["summary"]["exit_code"] != 0 || proven, "{report:#}");
}

/// An export of Azure's configuration: its posture can be told in every format, with
/// nothing in it that a terminal would obey.
///
/// # Panics
/// Where that does not hold.
pub fn export(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let azure = Azure::new(Export::of("fuzzed", json), VmSizes::default());
    let report = PostureReport::new(&azure, &Servers::default());
    write_all(&report, POSTURE_FORMATS);
}

/// Writes a report in each format with and without color, on a narrow page and a wide one,
/// and holds a table without color to text alone.
pub(super) fn write_all<R>(report: &R, formats: &[DocumentFormat<R>]) {
    let by = [None, Some(GroupBy::Client), Some(GroupBy::FileSystem)];
    for ((color, width), group_by) in [(false, 80), (false, 1), (true, 200)].into_iter().zip(by) {
        let style = Style {
            color,
            width,
            verbose: group_by.is_none(),
            group_by,
            ..Style::default()
        };
        for format in formats {
            let mut written = Vec::new();
            format.write(report, &style, &mut written).expect("memory");
            let text = String::from_utf8(written).expect("UTF-8");
            let is_told = |c: char| !c.is_control() || c == '\n';
            let obeyed = format.ending == "txt" && !color && !text.chars().all(is_told);
            assert!(!obeyed, "{text:?}");
        }
    }
}

/// Words that an operator types, or that `/proc` shows: lists of servers and NIDs.
///
/// # Panics
/// Where a list names more addresses than its words may.
pub fn operator(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let words = servers::words(text);
    for word in &words {
        if let Ok(addresses) = servers::addresses(word) {
            assert!((1..=4096).contains(&addresses.len()), "{word}");
        }
    }
    let mut servers = Servers::default();
    if servers.add_list(text).is_ok() {
        assert!(words.is_empty() || !servers.is_empty(), "{text}");
        assert!(servers.expected().all(|address| servers.rank(address) == 2));
        assert!(servers.expected().count() <= words.len() * 4096);
    }
}
