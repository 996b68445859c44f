//! The report is that of one walk over the whole, however the input was split: any
//! length of pieces, any number of workers, any order of files, on damaged files and on
//! files made to fool the guess where a record begins.

use std::fs;
use std::path::{Path, PathBuf};

use plainsight::cli::{Analyze, Cli, Command};
use plainsight::run::files;

use clap::Parser;
use proptest::prelude::*;

use crate::support::bytes::{self, Order};

/// The report of a run over these files, as its JSON.
fn report(paths: &[PathBuf], threads: usize, piece_len: u64, max_flows: usize) -> String {
    let flags = ["plainsight", "analyze", "--servers", "10.20.2.0/24"];
    let args = flags.iter().map(Into::into).chain(paths.iter().cloned());
    let Command::Analyze(flags) = Cli::parse_from(args.map(PathBuf::into_os_string)).command else {
        unreachable!("analyze was asked for")
    };
    let mut config = Analyze::try_from(flags).expect("the flags are right");
    (config.threads, config.engine.max_flows) = (threads, max_flows);
    (config.pieces, config.min_piece_len) = (usize::MAX, piece_len);
    let report = files::analyze(&config).expect("all are captures");
    serde_json::to_string_pretty(&report).expect("a report is JSON")
}

fn traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let files = fs::read_dir(folder).expect("captures are there");
    let mut files: Vec<PathBuf> = files
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| {
            let ending = path.extension().unwrap_or_default();
            ending == "pcap" || ending == "pcapng"
        })
        .collect();
    files.sort();
    files
}

/// A pcap whose packets' payloads are themselves records of captures, of several lengths
/// and alignments, so that a run of them stands nearly everywhere.
fn captures_inside_captures(seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut file = words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 262_144, 1]);
    for second in 0..60 {
        let mut payload = vec![0; rng.usize(0..40)];
        for _ in 0..rng.usize(1..40) {
            let inner = vec![0x45; rng.usize(14..90)];
            payload.extend(record(second, &inner));
        }
        file.extend(record(second, &payload));
    }
    file
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().copied().flat_map(u32::to_le_bytes).collect()
}

fn record(second: u32, frame: &[u8]) -> Vec<u8> {
    let len = u32::try_from(frame.len()).expect("a frame is short");
    let mut record = words(&[1_700_000_000 + second, 7, len, len]);
    record.extend(frame);
    record
}

/// Says where two reports first differ, which is shorter than both.
fn compare(report: &str, whole: &str) -> Result<(), TestCaseError> {
    let differs = report.lines().zip(whole.lines()).find(|(a, b)| a != b);
    prop_assert_eq!(differs, None);
    prop_assert_eq!(report.len(), whole.len());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_split_gives_the_same_report(
        piece_len in 3_000_u64..60_000,
        threads in 1_usize..5,
        backwards in any::<bool>(),
        max_flows in prop_oneof![Just(2_usize), Just(16_384)],
    ) {
        let mut files = traces();
        let whole = report(&files, 1, u64::MAX, max_flows);
        if backwards {
            files.reverse();
        }
        compare(&report(&files, threads, piece_len, max_flows), &whole)?;
    }

    #[test]
    fn so_does_any_damage(
        place in any::<prop::sample::Index>(),
        damage in prop::collection::vec(any::<u8>(), 0..24),
        cut in any::<bool>(),
        piece_len in 1_000_u64..30_000,
        trace in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let traces = traces();
        let mut bytes = fs::read(trace.get(&traces)).expect("a trace can be read");
        // The magic stays, or it is no capture.
        let at = 4 + place.index(bytes.len() - 4);
        let end = bytes.len().min(at + damage.len());
        bytes[at..end].copy_from_slice(&damage[..end - at]);
        if cut {
            bytes.truncate(end);
        }
        let file = folder.path().join("damaged");
        fs::write(&file, bytes).expect("a file can be written");
        let files = [file];
        let whole = report(&files, 1, u64::MAX, 16_384);
        compare(&report(&files, 3, piece_len, 16_384), &whole)?;
    }

    #[test]
    fn captures_inside_captures_fool_nobody(seed in any::<u64>(), piece_len in 200_u64..4_000) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("nested");
        fs::write(&file, captures_inside_captures(seed)).expect("a file can be written");
        let files = [file];
        let whole = report(&files, 1, u64::MAX, 16_384);
        prop_assert!(whole.contains("\"packets\": 60,"));
        compare(&report(&files, 2, piece_len, 16_384), &whole)?;
    }
}

/// A capture as its file header and its records, each a length and the bytes.
fn records(file: &[u8]) -> Vec<(usize, usize)> {
    let word = |at: usize| {
        let bytes = file[at..at + 4].try_into().expect("a word");
        u32::from_le_bytes(bytes) as usize
    };
    let mut all = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let len = 16 + word(at + 8);
        all.push((at, len));
        at += len;
    }
    all
}

/// The members of a report that tell of the packets, and of what was not read.
fn told(report: &str) -> (serde_json::Value, serde_json::Value) {
    let report: serde_json::Value = serde_json::from_str(report).expect("JSON");
    (report["accounting"].clone(), report["summary"].clone())
}

/// Names of the two inputs, in the order of the report.
fn inputs(report: &str) -> [String; 2] {
    let report: serde_json::Value = serde_json::from_str(report).expect("JSON");
    [0, 1].map(|place| {
        let name = report["inputs"][place]["name"].as_str();
        name.expect("a name").to_owned()
    })
}

fn exit_code(report: &str) -> u64 {
    let (_, summary) = told(report);
    summary["exit_code"].as_u64().expect("an exit code")
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, bytes).expect("a file can be written");
    file
}

fn encrypted() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/all-encrypted.pcap");
    fs::read(path).expect("a trace can be read")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, max_global_rejects: 8000, ..ProptestConfig::default() })]

    #[test]
    fn damage_to_record_headers_is_never_whole(
        place in any::<prop::sample::Index>(),
        // Lengths, or all of the header; a wrong time damages no record.
        field in prop_oneof![Just(0..16_usize), Just(8..12), Just(12..16)],
        damage in prop::collection::vec(any::<u8>(), 16),
        piece_len in 1_000_u64..30_000,
    ) {
        let mut bytes = encrypted();
        let all = records(&bytes);
        let (at, len) = all[place.index(all.len())];
        let before = bytes[at + 8..at + 16].to_vec();
        let range = at + field.start..at + field.end;
        bytes[range.clone()].copy_from_slice(&damage[..range.len()]);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a word"));
        // A packet that claims to have been longer on the wire is as if it were cut.
        prop_assume!(bytes[at + 8..at + 12] != before[..4] || word(at + 12) as usize + 16 < len);
        let folder = tempfile::tempdir().expect("a folder");
        let files = [write(folder.path(), "damaged.pcap", &bytes)];
        let whole = report(&files, 1, u64::MAX, 16_384);
        prop_assert!(exit_code(&whole) != 0, "{}", whole);
        compare(&report(&files, 3, piece_len, 16_384), &whole)?;
    }

    #[test]
    fn damage_hides_nothing_behind_it(
        place in any::<prop::sample::Index>(),
        damage in prop::collection::vec(any::<u8>(), 1..200),
        remove in any::<bool>(),
    ) {
        let mut bytes = encrypted();
        let all = records(&bytes);
        let (at, _) = all[place.index(all.len() - 8)];
        if remove {
            bytes.drain(at + 3..at + 3 + damage.len().min(15));
        } else {
            bytes.splice(at + 3..at + 3, damage);
        }
        let plaintext = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/all-plaintext.pcap");
        bytes.extend(fs::read(plaintext).expect("a trace can be read"));
        let folder = tempfile::tempdir().expect("a folder");
        let files = [write(folder.path(), "damaged.pcap", &bytes)];
        let whole = report(&files, 1, u64::MAX, 16_384);
        prop_assert_eq!(exit_code(&whole), 1);
        prop_assert!(whole.contains("\"passed_over\""));
    }

    /// Joined files of any format, byte order and resolution equal the files.
    #[test]
    fn joined_files_are_what_they_were_apart(
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
        piece_len in 1_000_u64..30_000,
    ) {
        let traces: Vec<_> = traces()
            .into_iter()
            // Fragments of the same datagram in both would meet.
            .filter(|trace| !trace.ends_with("fragments.pcap"))
            .collect();
        let (first, second) = (first.get(&traces), second.get(&traces));
        prop_assume!(first != second);
        let apart = report(&[first.clone(), second.clone()], 1, u64::MAX, 16_384);
        // What governs what depends on the order, which is that of the report.
        let bytes = inputs(&apart).map(|file| fs::read(file).expect("a trace can be read"));
        let folder = tempfile::tempdir().expect("a folder");
        let joined = [write(folder.path(), "joined", &bytes.concat())];
        let whole = report(&joined, 1, u64::MAX, 16_384);
        prop_assert!(whole.contains("\"fault\": null"), "{}", whole);
        let (accounting, summary) = told(&whole);
        let (accounting_apart, summary_apart) = told(&apart);
        prop_assert_eq!(&accounting["packets"], &accounting_apart["packets"]);
        prop_assert_eq!(&accounting["undecodable"], &accounting_apart["undecodable"]);
        prop_assert_eq!(summary, summary_apart);
        compare(&report(&joined, 3, piece_len, 16_384), &whole)?;
    }
}

/// A pcapng with statistics before its first packet and behind some others, and packets
/// that count drops.
fn lossy() -> Vec<u8> {
    let order = Order::Little;
    let packet = |drops| bytes::enhanced_with_drops(order, 0, 1 << 50, &[0x55; 90], drops);
    let statistics = |drops| bytes::statistics(order, 0, [None, Some(drops)]);
    let section = || {
        let mut file = bytes::section(order);
        file.extend(bytes::interface(order, 1, 0, &[]));
        file.extend(statistics(2));
        for drops in 0..40 {
            file.extend(packet(drops % 3));
        }
        file.extend(statistics(30));
        file.extend((0..40).flat_map(|_| packet(0)));
        file
    };
    [section(), section()].concat()
}

#[test]
fn losses_are_those_of_one_walk() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [write(folder.path(), "lossy.pcapng", &lossy())];
    let whole = report(&files, 1, u64::MAX, 16_384);
    let json: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    // In each section 39 between packets, of which the statistics attribute 30.
    assert_eq!(json["inputs"][0]["losses"]["kernel"], 60);
    assert_eq!(json["inputs"][0]["losses"]["unattributed"], 18);
    for piece_len in (100..20_000).step_by(373) {
        let split = report(&files, 2, piece_len, 16_384);
        assert_eq!(split, whole, "pieces of {piece_len} bytes");
    }
}
