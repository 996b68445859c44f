//! The command over captures that others made, where they are present.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Seek;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::oracle::{DIFFERENT, Row, captures, corpus, packets};
use crate::support::program::analyze;

/// No file of the corpus takes a second; a run that takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where datagrams of DTLS rightly are others than those that a chain of record headers
/// at their start makes, and why.
const OTHER_DATAGRAMS: [(&str, usize, &str); 2] = [
    ("dtls13/AdaCore-RecordFlux__dtls13-1.pcap", 3, PARTIAL),
    ("dtls12/ntop-nDPI__stun.pcap", 15, PARTIAL),
];
const PARTIAL: &str = "one chain does not fill its datagram";

/// What became of a run.
struct Ran {
    exit_code: Option<i32>,
    report: Option<Value>,
    errors: String,
}

fn run_to_its_end(path: &Path) -> Ran {
    let [mut out, mut errors] = [(); 2].map(|()| tempfile::tempfile().expect("a file"));
    let handle = |file: &File| Stdio::from(file.try_clone().expect("a handle"));
    let mut child = analyze()
        .args(["--format", "json"])
        .arg(path)
        .stdout(handle(&out))
        .stderr(handle(&errors))
        .spawn()
        .expect("the command runs");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().expect("a child");
            panic!("{} hangs", path.display());
        }
        thread::sleep(Duration::from_millis(1));
    };
    Ran {
        exit_code: status.code(),
        report: serde_json::from_str(&written(&mut out)).ok(),
        errors: written(&mut errors),
    }
}

fn written(file: &mut File) -> String {
    file.rewind().expect("a file");
    std::io::read_to_string(file).expect("UTF-8")
}

/// What is wrong with how a run ended: nothing, if it made a report or refused a file.
fn ending(ran: &Ran) -> Option<String> {
    let failed = |why: &str| Some(format!("{why}: exit {:?}, {}", ran.exit_code, ran.errors));
    match (&ran.report, ran.exit_code) {
        (Some(report), Some(code @ (0 | 1 | 3))) => {
            if report["summary"]["exit_code"] != code || !ran.errors.is_empty() {
                return failed("an odd end");
            }
            unbalanced(report)
        }
        (None, Some(2)) if ran.errors.starts_with("plainsight: ") => None,
        _ => failed("no proper end"),
    }
}

/// How the accounting fails to sum, if it does.
fn unbalanced(report: &Value) -> Option<String> {
    const BUCKETS: [&str; 5] = [
        "paths",
        "dtls_elsewhere",
        "other",
        "duplicates",
        "undecodable",
    ];
    let accounting = &report["accounting"];
    let sums = |unit: &str| {
        let buckets = BUCKETS
            .iter()
            .map(|bucket| number(&accounting[bucket][unit]));
        buckets.sum::<u64>() == number(&accounting[unit])
    };
    let inputs: u64 = list(&report["inputs"])
        .map(|input| number(&input["packets"]))
        .sum();
    let read = inputs == number(&accounting["packets"]);
    (!sums("packets") || !sums("wire_bytes") || !read).then(|| accounting.to_string())
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list").iter()
}

/// Datagrams that are DTLS, on paths and elsewhere.
fn dtls_datagrams(report: &Value) -> u64 {
    let flows = list(&report["paths"]).flat_map(|path| list(&path["flows"]));
    let datagrams = flows
        .filter(|flow| flow["protocol"] == "udp")
        .flat_map(|flow| {
            ["to_server", "to_client"].map(|way| {
                let classes = ["encrypted", "handshake", "plaintext"];
                let packets = classes.map(|class| number(&flow[way][class]["packets"]));
                packets.iter().sum::<u64>()
            })
        });
    datagrams.sum::<u64>() + number(&report["accounting"]["dtls_elsewhere"]["packets"])
}

fn suites(report: &Value) -> BTreeSet<String> {
    let paths = list(&report["paths"]).map(|path| &path["dtls"]);
    let paths = paths.filter(|dtls| !dtls.is_null());
    paths
        .chain(list(&report["dtls_elsewhere"]))
        .flat_map(|dtls| list(&dtls["suites"]))
        .map(|suite| suite["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Outcome of each capture, run once for all tests. `None`, and told, without a corpus.
fn ran() -> Option<&'static BTreeMap<String, Ran>> {
    static RAN: OnceLock<BTreeMap<String, Ran>> = OnceLock::new();
    let (folder, names) = captures()?;
    let run = |name: String| {
        let ran = run_to_its_end(&folder.join(&name));
        (name, ran)
    };
    Some(RAN.get_or_init(|| names.into_iter().map(run).collect()))
}

/// Holds each report to a row of the oracle; `differs` tells what is wrong.
fn hold(differs: impl Fn(&Row, &Ran) -> Option<String>) {
    let Some(ran) = ran() else { return };
    let Some((_, rows)) = corpus() else { return };
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let file = &row["file"];
            Some(format!("{file}: {}", differs(row, &ran[file])?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether it is one of those that are no capture of a known format.
fn is_refused(file: &str) -> bool {
    let known = DIFFERENT.iter().find(|(name, ..)| *name == file);
    known.is_some_and(|(_, packets, _)| packets.is_none())
}

#[test]
fn every_run_ends_well_and_sums() {
    let Some(ran) = ran() else {
        return;
    };
    let wrong: Vec<String> = ran
        .iter()
        .filter_map(|(file, ran)| {
            let refused = ran.report.is_none();
            let differs = || format!("refused is {refused}: {}", ran.errors);
            let wrong = ending(ran).or_else(|| (refused != is_refused(file)).then(differs));
            Some(format!("{file}: {}", wrong?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn packets_are_as_many_as_the_oracle_has() {
    hold(|row, ran| {
        let read = ran.report.as_ref();
        let read = read.map(|report| number(&report["accounting"]["packets"]));
        let expected = packets(row).map(|packets| packets as u64);
        (read != expected).then(|| format!("{read:?} packets, not {expected:?}"))
    });
}

#[test]
fn dtls_is_found_where_the_oracle_finds_it() {
    hold(|row, ran| {
        let report = ran.report.as_ref()?;
        let known = OTHER_DATAGRAMS
            .iter()
            .find(|(name, ..)| *name == row["file"]);
        let counted = || row["struct_dtls_frames"].parse().expect("a count");
        let expected: usize = known.map_or_else(counted, |known| known.1);
        let found = dtls_datagrams(report);
        (found != expected as u64).then(|| format!("{found} datagrams, not {expected}"))
    });
}

#[test]
fn suites_are_those_of_the_server_hellos() {
    hold(|row, ran| {
        let report = ran.report.as_ref()?;
        let chosen: Value = match row["serverhello_ciphers"].as_str() {
            "" => Value::default(),
            ciphers => serde_json::from_str(ciphers).expect("JSON"),
        };
        let chosen = chosen.as_object().into_iter().flatten();
        let expected: BTreeSet<String> = chosen.map(|(id, _)| id.clone()).collect();
        let found = suites(report);
        (found != expected).then(|| format!("{found:?}, not {expected:?}"))
    });
}

/// A sequence of numbers that is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        const A: u64 = 6_364_136_223_846_793_005;
        const C: u64 = 1_442_695_040_888_963_407;
        self.0 = self.0.wrapping_mul(A).wrapping_add(C);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }

    /// A file cut off, or with a few bits flipped.
    fn damage(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.below(3) == 0 {
            bytes.truncate(self.below(bytes.len()));
            return bytes;
        }
        for _ in 0..=self.below(12) {
            let at = self.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << self.below(8);
            }
        }
        bytes
    }
}

#[test]
fn damage_neither_panics_nor_hangs() {
    let Some((folder, names)) = captures() else {
        return;
    };
    let own = tempfile::tempdir().expect("a folder");
    let damaged = own.path().join("damaged");
    let mut dice = Dice(7);
    let mut wrong = Vec::new();
    for name in names {
        let bytes = fs::read(folder.join(&name)).expect("a file of the corpus");
        for _ in 0..4 {
            fs::write(&damaged, dice.damage(bytes.clone())).expect("a file");
            let ended = ending(&run_to_its_end(&damaged));
            wrong.extend(ended.map(|how| format!("{name}: {how}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
