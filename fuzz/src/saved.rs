//! Saved states from anywhere.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use plainsight::cli::{Analyze, Cli, Command, Merge};
use plainsight::report::FORMATS;
use plainsight::run::files;
use plainsight::run::merge::merge;
use plainsight::run::saved::{Index, SavedState, StoredInput, StoredUnit, UnitIdentity};
use sha2::{Digest, Sha256};

use super::targets::write_all;

const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];

/// A file of this process.
fn file(name: &str) -> PathBuf {
    let folder = Path::new("/dev/shm");
    let folder = if folder.is_dir() {
        folder.to_owned()
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("plainsight-fuzz-{}-{name}", std::process::id()))
}

fn command(words: &[&str], path: &Path) -> Command {
    let words = ["plainsight"].iter().chain(words).map(OsString::from);
    Cli::parse_from(words.chain([path.as_os_str().to_owned()])).command
}

/// The report of a state, in all formats, where there is one.
fn report(state: &Path) {
    for servers in [&[][..], &SERVERS] {
        let Command::Merge(flags) = command(&[&["merge"], servers].concat(), state) else {
            unreachable!("merge was asked for")
        };
        let config = Merge::try_from(flags).expect("the flags are right");
        if let Ok(report) = merge(&config) {
            write_all(&report, FORMATS);
        }
    }
}

/// A saved state: its bytes, and then the same as the counts in one whose digests are right.
///
/// # Panics
/// Where a state is opened whose digest is not that of its bytes.
pub fn saved(data: &[u8]) {
    let path = file("state");
    let hashed = data.len().saturating_sub(32);
    fs::write(&path, data).expect("a file");
    let is_right = Sha256::digest(&data[..hashed])[..] == data[hashed..];
    assert!(is_right || SavedState::open(&path).is_err());
    report(&path);
    if let Some((&inputs, counts)) = data.split_first() {
        fs::write(&path, state(counts, usize::from(inputs % 3))).expect("a file");
        report(&path);
    }
}

/// A state whose digests are right, of counts of so many inputs.
fn state(counts: &[u8], inputs: usize) -> Vec<u8> {
    let mut state = b"\x89PLAINSIGHT\n\x04\0\0\0".to_vec();
    let frame = zstd::encode_all(counts, 1).expect("memory");
    let engine = plainsight::engine::Engine::default();
    let mut index = Index::new(&engine);
    let input = StoredInput {
        sources: vec![plainsight::run::saved::InputSource {
            name: "fuzzed".to_owned(),
            compression: None,
            size: None,
        }],
        host: None,
        format: "pcap".to_owned(),
        first: None,
        packets: 1,
        fault: None,
        losses: None,
        before: vec![0],
    };
    index.units.push(StoredUnit {
        identity: UnitIdentity::Run([0; 32]),
        inputs: vec![input; inputs],
        offset: state.len() as u64,
        len: frame.len() as u64,
        raw_len: counts.len() as u64,
        digest: Sha256::digest(&frame).into(),
    });
    state.extend(frame);
    let index = postcard::to_stdvec(&index).expect("an index");
    let index = zstd::encode_all(&index[..], 1).expect("memory");
    let len = (index.len() as u64).to_le_bytes();
    state.extend(index);
    state.extend(len);
    let digest = Sha256::digest(&state);
    state.extend(digest);
    state
}

/// States of captures, and the counts in them.
///
/// # Panics
/// Panics if a capture cannot be saved, or its path is no UTF-8.
#[must_use]
pub fn seeds(captures: &[PathBuf]) -> Vec<Vec<u8>> {
    let path = file("seed");
    let mut seeds = Vec::new();
    for capture in captures {
        let save = ["analyze", "--save", path.to_str().expect("UTF-8")];
        let Command::Analyze(flags) = command(&save, capture) else {
            unreachable!("analyze was asked for")
        };
        let config = Analyze::try_from(flags).expect("the flags are right");
        if files::analyze(&config).is_err() {
            continue;
        }
        let state = SavedState::open(&path).expect("a state");
        seeds.push(fs::read(&path).expect("a state"));
        for unit in &state.index.units {
            let frame = state.frame(unit).expect("a frame");
            let counts = zstd::decode_all(&frame[..]).expect("counts");
            seeds.push([vec![1], counts].concat());
        }
    }
    seeds
}
