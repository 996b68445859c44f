//! The report is that of one walk over the whole, however the input was split: any
//! length of pieces, any number of workers, any order of files, on damaged files and on
//! files made to fool the guess where a record begins.

use std::fs;
use std::path::{Path, PathBuf};

use plainsight::cli::{Analyze, Cli, Command};
use plainsight::run::files;

use clap::Parser;
use proptest::prelude::*;

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
