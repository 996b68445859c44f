//! Bytes over time, in tables and in JSON.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{self, analyze, run, text, trace};

const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];
/// Type of a block with a packet and its time.
const ENHANCED_PACKET: u32 = 6;

/// A capture in which a path turns from plaintext to DTLS, so many times as long.
fn stretched(times: u64) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut capture = fs::read(trace("turns.pcapng")).expect("a capture");
    let mut rest = &mut capture[..];
    let mut first = None;
    while rest.len() >= 12 {
        let word = |bytes: &[u8], at: usize| {
            u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
        };
        let (kind, len) = (word(rest, 0), word(rest, 4));
        if kind == ENHANCED_PACKET {
            let time = u64::from(word(rest, 12)) << 32 | u64::from(word(rest, 16));
            let first = *first.get_or_insert(time);
            let later = first + (time - first) * times;
            let [high, low] = [later >> 32, later & 0xffff_ffff]
                .map(|half| u32::try_from(half).expect("half of the bits"));
            rest[12..16].copy_from_slice(&high.to_le_bytes());
            rest[16..20].copy_from_slice(&low.to_le_bytes());
        }
        rest = &mut rest[len as usize..];
    }
    let path = folder.path().join("stretched.pcapng");
    fs::write(&path, capture).expect("a file");
    (folder, path)
}

fn sum(column: &Value) -> u64 {
    let column = column.as_array().expect("a column").iter();
    column.map(|it| it.as_u64().expect("a number")).sum()
}

/// The path that turns.
fn path(report: &Value) -> &Value {
    let mut paths = report["paths"].as_array().expect("paths").iter();
    paths
        .find(|path| path["verdict"] == "mixed")
        .expect("a path")
}

#[test]
fn intervals_add_up_to_the_traffic_and_widen_with_it() {
    for (times, seconds) in [(1, 0.134_217_728), (1000, 2.147_483_648)] {
        let (_folder, capture) = stretched(times);
        let mut command = analyze();
        let report = program::report(command.args(SERVERS).arg(capture), 1);
        let path = path(&report);
        let timeline = &path["timeline"];
        assert_eq!(report["timeline"]["interval_seconds"], seconds);
        for class in ["encrypted", "handshake", "plaintext"] {
            for field in ["packets", "wire_bytes"] {
                let counted = path["traffic"][class][field].as_u64();
                assert_eq!(Some(sum(&timeline[class][field])), counted, "{class}");
            }
        }
    }
}

#[test]
fn a_path_that_stopped_sending_plaintext_says_since_when() {
    let (_folder, capture) = stretched(100);
    let mut command = analyze();
    let report = program::report(command.args(SERVERS).arg(&capture), 1);
    let path = path(&report);
    let evidence = path["evidence"].as_array().expect("evidence").iter();
    let mut last = evidence.filter(|it| it["of"] == "plaintext_last");
    let last = last.next().expect("the last in plaintext");
    assert_eq!(last["time"], path["plaintext_last"]);
    let shows = last["shows"].as_str().expect("a sentence");
    let says = "the last in plaintext, 26s before the last packet of all: TCP ";
    assert!(shows.starts_with(says), "{shows}");
    let short = program::report(analyze().args(SERVERS).arg(trace("turns.pcapng")), 1);
    assert!(!short.to_string().contains("before the last packet of all"));
}

#[test]
fn tables_draw_each_class_to_one_scale() {
    let (_folder, capture) = stretched(100);
    let mut command = analyze();
    command.args(SERVERS).arg("--verbose").arg(capture);
    let table = text(&run(&mut command).stdout);
    let (_, drawn) = table.split_once("Bytes over time, from ").expect("a title");
    let is_bar = |c: char| ('▁'..='█').contains(&c);
    let rows = drawn.lines().filter(|line| line.contains(is_bar));
    let rows: Vec<&str> = rows.take(3).collect();
    let names = rows.iter().filter_map(|row| row.split_whitespace().next());
    let names: Vec<&str> = names.collect();
    assert_eq!(names, ["encrypted", "handshake", "plaintext"], "{table}");
    let full = rows.iter().filter(|row| row.contains('█')).count();
    assert_eq!(full, 1, "{table}");
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{table}");
}
