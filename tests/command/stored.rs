//! Laws 4 and 10, through the command: the same frames give the same report, however
//! they are stored and named, and whenever they are read.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::bytes::{self, Order};
use crate::support::made;
use crate::support::program::{self, analyze, text, trace};
use crate::support::run::{self, Stored};

const SECOND: u32 = 1_700_000_000;

/// A frame's time, from its place in the whole.
fn micros(place: usize) -> u32 {
    u32::try_from(place).expect("a short capture")
}

fn pcap(order: Order, magic: u32, frames: &[(usize, &Stored)]) -> Vec<u8> {
    let link_type = frames.first().map_or(1, |(_, frame)| frame.link_type.0);
    let scale = if magic == bytes::NANOS { 1000 } else { 1 };
    let records = frames.iter().map(|&(place, frame)| {
        let time = (SECOND, micros(place) * scale);
        bytes::pcap_record(order, time, &frame.data, frame.wire_len)
    });
    let header = bytes::pcap_header(order, magic, 0x4_0000, link_type.into());
    std::iter::once(header).chain(records).flatten().collect()
}

fn pcapng(order: Order, frames: &[(usize, &Stored)]) -> Vec<u8> {
    let link_type = frames.first().map_or(1, |(_, frame)| frame.link_type.0);
    let records = frames.iter().map(|&(place, frame)| {
        let ticks = u64::from(SECOND) * 1_000_000 + u64::from(micros(place));
        bytes::enhanced(order, 0, ticks, &frame.data, frame.wire_len)
    });
    let head = [
        bytes::section(order),
        bytes::interface(order, link_type, 0, &[]),
    ];
    head.into_iter().chain(records).flatten().collect()
}

fn whole_report(paths: &[PathBuf]) -> Value {
    let mut command = analyze();
    let output = command.args(["--format", "json", "--servers", run::SERVERS]);
    let output = program::run(output.args(paths));
    assert_eq!(text(&output.stderr), "");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The report but for what names the files and how they are stored.
fn report(paths: &[PathBuf]) -> Value {
    let mut report = whole_report(paths);
    report.as_object_mut().expect("an object").remove("inputs");
    report
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

/// Frames of one link type, so that one file can hold them.
fn frames() -> impl Strategy<Value = Vec<Stored>> {
    made::capture(40).prop_map(|made| {
        let frames: Vec<Stored> = made.into_iter().map(|made| made.frame).collect();
        let link_type = frames.first().map(|frame| frame.link_type);
        let fits = |frame: &Stored| Some(frame.link_type) == link_type;
        frames.into_iter().filter(fits).collect()
    })
}

fn placed(frames: &[Stored]) -> Vec<(usize, &Stored)> {
    frames.iter().enumerate().collect()
}

proptest! {
    #![proptest_config(crate::support::config(12))]

    #[test]
    fn formats_and_byte_orders_do_not_matter(frames in frames()) {
        let placed = placed(&frames);
        let mut reports = Vec::new();
        for order in Order::BOTH {
            let stored = [
                pcap(order, bytes::MICROS, &placed),
                pcap(order, bytes::NANOS, &placed),
                pcapng(order, &placed),
            ];
            for bytes in stored {
                let folder = tempfile::tempdir().expect("a folder");
                // Evidence names the file: by the same name each time.
                let path = write(&folder, "stored", &bytes);
                let report = report(std::slice::from_ref(&path)).to_string();
                reports.push(report.replace(&path.display().to_string(), "FILE"));
            }
        }
        for other in &reports[1..] {
            prop_assert_eq!(other, &reports[0]);
        }
        let report: Value = serde_json::from_str(&reports[0]).expect("JSON");
        run::assert_sums(&report, &frames);
    }

    #[test]
    fn the_order_of_files_does_not_matter(
        frames in frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        rotated in 0..4_usize,
    ) {
        let placed = placed(&frames);
        let mut bounds: Vec<usize> = cuts.iter().map(|cut| cut.index(frames.len() + 1)).collect();
        bounds.extend([0, frames.len()]);
        bounds.sort_unstable();
        let folder = tempfile::tempdir().expect("a folder");
        // Names that say nothing of the order.
        let mut paths: Vec<PathBuf> = (0..bounds.len() - 1)
            .map(|part| {
                let bytes = pcap(Order::Little, bytes::MICROS, &placed[bounds[part]..bounds[part + 1]]);
                write(&folder, &format!("{}.cap", (part * 7 + 3) % 5), &bytes)
            })
            .collect();
        let first = whole_report(&paths);
        let count = paths.len();
        paths.rotate_left(rotated % count);
        paths.reverse();
        prop_assert_eq!(&whole_report(&paths), &first);
        prop_assert_eq!(&whole_report(&[folder.path().to_owned()]), &first);
        run::assert_sums(&first, &frames);
        // As a ring of files it is the capture that it was cut from.
        let whole = write(&folder, "whole", &pcap(Order::Little, bytes::MICROS, &placed));
        let whole = whole_report(&[whole]);
        for part in ["summary", "accounting", "first", "last"] {
            prop_assert_eq!(&first[part], &whole[part]);
        }
        prop_assert_eq!(without_evidence(&first), without_evidence(&whole));
    }
}

/// The paths without their evidence and observers, which name files and numbers in them.
fn without_evidence(report: &Value) -> Vec<Value> {
    let paths = report["paths"].as_array().expect("paths").iter().cloned();
    paths
        .map(|mut path| {
            let fields = path.as_object_mut().expect("a path");
            for names in ["evidence", "seen_by"] {
                fields.remove(names);
            }
            let proof = path["proof"].as_array_mut().expect("a proof");
            for it in proof {
                it["evidence"] = Value::Null;
            }
            path
        })
        .collect()
}

/// Law 10: nothing but the input is in the report.
#[test]
fn the_same_input_gives_the_same_report() {
    for format in ["json", "table"] {
        let run = || {
            let mut command = analyze();
            command.args(["--verbose", "--servers", "10.20.2.0/24"]);
            program::run(command.args(["--format", format]).arg(trace(""))).stdout
        };
        let first = run();
        assert!(first.len() > 1000);
        assert_eq!(run(), first);
    }
}
