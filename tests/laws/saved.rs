//! Merged states give the report of one run over all their inputs, byte for byte: however the
//! inputs were shared out, in any order, by way of any other merges.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use fastrand::Rng;
use plainsight::cli::{Analyze, Cli, Command, Merge};
use plainsight::report::{FORMATS, Report, Style};
use plainsight::run::files;
use plainsight::run::merge::{MergeError, merge};
use plainsight::run::saved::StateError;
use proptest::prelude::*;

use crate::scenarios;
use crate::support::bytes::{self, Order};
use crate::support::made;
use crate::support::run::Stored;

const SERVERS: &str = "10.20.2.0/24,10.20.2.99,10.20.1.9";

fn command(words: &[&str], paths: &[PathBuf]) -> Command {
    let words = ["plainsight"].iter().chain(words).map(OsString::from);
    let paths = paths.iter().map(|path| path.clone().into_os_string());
    Cli::parse_from(words.chain(paths)).command
}

pub fn analyze(words: &[&str], paths: &[PathBuf]) -> Report {
    let Command::Analyze(flags) = command(&[&["analyze"], words].concat(), paths) else {
        unreachable!("analyze was asked for")
    };
    let config = Analyze::try_from(flags).expect("the flags are right");
    files::analyze(&config).expect("all are captures")
}

fn merged(words: &[&str], states: &[PathBuf]) -> Result<Report, MergeError> {
    let Command::Merge(flags) = command(&[&["merge"], words].concat(), states) else {
        unreachable!("merge was asked for")
    };
    merge(&Merge::try_from(flags).expect("the flags are right"))
}

/// A report in all formats.
fn written(report: &Report) -> String {
    let style = Style {
        verbose: true,
        ..Style::default()
    };
    let mut all = Vec::new();
    for format in FORMATS {
        format.write(report, &style, &mut all).expect("memory");
    }
    String::from_utf8(all).expect("UTF-8")
}

/// Frames as a pcapng of two interfaces, with so many microseconds between them.
pub fn pcapng(frames: &[(usize, &Stored)], spread: u64) -> Vec<u8> {
    let order = Order::Little;
    let link_type = frames.first().map_or(1, |(_, frame)| frame.link_type.0);
    let names = ["eth0", "eth1"].map(|name| bytes::option(order, 2, name.as_bytes()));
    let interfaces = names.map(|name| bytes::interface(order, link_type, 0, &[name]));
    let mut file = bytes::section(order);
    file.extend(interfaces.concat());
    for &(place, frame) in frames {
        let ticks = 1_700_000_000_000_000 + spread * place as u64;
        let Stored {
            interface,
            data,
            wire_len,
            ..
        } = frame;
        file.extend(bytes::enhanced(order, *interface, ticks, data, *wire_len));
    }
    file
}

/// Writes frames to files: one behind the other, or by turns, so that files cover the same time.
fn write(frames: &[Stored], folder: &Path, rng: &mut Rng) -> Vec<PathBuf> {
    let count = rng.usize(1..7);
    let by_turns = rng.bool();
    let spread = [1000, 300_000, 60_000_000][rng.usize(..3)];
    let total = frames.len().max(1);
    let file_of = |place: usize| {
        if by_turns {
            place % count
        } else {
            place * count / total
        }
    };
    let write = |file: usize| {
        let path = folder.join(format!("{}.pcapng", 'f' as usize - file));
        let of_file = frames.iter().enumerate();
        let of_file: Vec<_> = of_file
            .filter(|&(place, _)| file_of(place) == file)
            .collect();
        fs::write(&path, pcapng(&of_file, spread)).expect("a file");
        path
    };
    (0..count).map(write).collect()
}

/// Puts things into some groups, of which none is empty.
fn shared<T>(mut things: Vec<T>, rng: &mut Rng) -> Vec<Vec<T>> {
    rng.shuffle(&mut things);
    let count = rng.usize(1..=things.len());
    let mut groups: Vec<Vec<T>> = (0..count).map(|_| Vec::new()).collect();
    for (place, thing) in things.into_iter().enumerate() {
        let group = if place < count {
            place
        } else {
            rng.usize(..count)
        };
        groups[group].push(thing);
    }
    groups
}

/// How states are made and merged.
struct Terms<'t> {
    max_flows: &'t str,
    /// True if servers are named when packets are counted, and not only later.
    named: bool,
}

/// Holds a random tree of merges over random shares of captures to one run over all.
fn check(paths: &[PathBuf], folder: &Path, terms: &Terms<'_>, rng: &mut Rng) {
    let threads = if rng.bool() { "1" } else { "2" };
    let servers = ["--servers", SERVERS];
    let limits = ["--max-flows", terms.max_flows, "--threads", threads];
    let whole = written(&analyze(
        &[servers, ["--max-flows", terms.max_flows]].concat(),
        paths,
    ));
    let mut states = Vec::new();
    for share in shared(paths.to_vec(), rng) {
        let state = folder.join(format!("{}.state", states.len()));
        let save = ["--save", state.to_str().expect("UTF-8")];
        let named: &[&str] = if terms.named { &servers } else { &[] };
        let saved = analyze(&[&save, &limits[..], named].concat(), &share);
        let plain = analyze(&[&limits[..], named].concat(), &share);
        assert_eq!(
            written(&saved),
            written(&plain),
            "saving changes the report"
        );
        states.push(state);
    }
    let mut round = 0;
    while states.len() > 1 && rng.bool() {
        round += 1;
        let groups = shared(states, rng);
        let join = |(place, group): (usize, Vec<PathBuf>)| {
            let state = folder.join(format!("{round}-{place}.state"));
            let save = ["--save", state.to_str().expect("UTF-8")];
            // Without servers any state has a report.
            merged(&save, &group).expect("states of one kind");
            state
        };
        states = groups.into_iter().enumerate().map(join).collect();
    }
    rng.shuffle(&mut states);
    match merged(&servers, &states) {
        Ok(report) => assert_eq!(written(&report), whole),
        // With few flows kept, nothing is known of servers that are named later.
        Err(MergeError::State(StateError::Servers { .. })) => {
            assert!(!terms.named && terms.max_flows != "8192");
        }
        Err(error) => panic!("{error}"),
    }
}

fn check_frames(frames: &[Stored], max_flows: &str, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let paths = write(frames, folder.path(), &mut rng);
    let named = rng.bool();
    check(&paths, folder.path(), &Terms { max_flows, named }, &mut rng);
}

proptest! {
    #![proptest_config(crate::support::config(64))]

    #[test]
    fn made_captures_merge_to_the_whole(
        made in made::capture(60),
        missed in prop::collection::vec(any::<bool>(), 1..40),
        seed in any::<u64>(),
        max_flows in prop::sample::select(&["8192", "8192", "4", "1"][..]),
    ) {
        let frames: Vec<_> = made::seen_twice(made, &missed).into_iter().map(|it| it.frame).collect();
        check_frames(&frames, max_flows, seed);
    }

    #[test]
    fn whole_scenarios_merge_to_the_whole(seed in any::<u64>()) {
        check_frames(&scenarios::frames(seed), "8192", seed);
    }
}

/// A state of a scenario, and a change of its bytes that damages it.
fn damaged(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    let place = rng.usize(..bytes.len());
    match rng.u8(..5) {
        0 => changed[place] ^= 1 << rng.u8(..8),
        1 => changed.truncate(place),
        2 => changed.insert(place, rng.u8(..)),
        3 => changed[place..].fill(0),
        _ => drop(changed.drain(place / 2..=place)),
    }
    changed
}

proptest! {
    #![proptest_config(crate::support::config(24))]

    /// A state that is not as it was written is never added up.
    #[test]
    fn a_damaged_state_is_refused(seed in any::<u64>()) {
        let mut rng = Rng::with_seed(seed);
        let folder = tempfile::tempdir().expect("a folder");
        let frames = scenarios::frames(seed);
        let frames: Vec<_> = frames.iter().enumerate().collect();
        let [capture, state] = ["one.pcapng", "one.state"].map(|name| folder.path().join(name));
        fs::write(&capture, pcapng(&frames, 1000)).expect("a file");
        analyze(&["--save", state.to_str().expect("UTF-8")], &[capture]);
        let whole = fs::read(&state).expect("a state");
        for _ in 0..40 {
            let bytes = damaged(&mut rng, &whole);
            fs::write(&state, &bytes).expect("a file");
            let refused = merged(&[], std::slice::from_ref(&state)).is_err();
            prop_assert!(refused || bytes == whole);
            let left_out = merged(&["--partial"], std::slice::from_ref(&state)).is_err();
            prop_assert!(left_out || bytes == whole);
        }
    }
}

/// The repository's captures, copies and damaged ones among them.
#[test]
fn kept_captures_merge_to_the_whole() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let files = fs::read_dir(captures).expect("captures are there");
    let files = files.map(|entry| entry.expect("the folder can be read").path());
    let is_capture = |path: &PathBuf| {
        path.extension()
            .is_some_and(|it| it != "md" && it != "json")
    };
    let mut paths: Vec<_> = files.filter(is_capture).collect();
    paths.sort();
    for seed in 0..4 {
        let mut rng = Rng::with_seed(seed);
        let folder = tempfile::tempdir().expect("a folder");
        let terms = Terms {
            max_flows: "8192",
            named: seed % 2 == 0,
        };
        check(&paths, folder.path(), &terms, &mut rng);
    }
}
