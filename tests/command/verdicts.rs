//! From vantage, observation and flow log to verdict, basis and exit code: every
//! combination has a row.

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::PathBuf;
use std::sync::LazyLock;

use plainsight::verdict::{Basis, Exit, Said, Vantage, Verdict, conclude};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{analyze, run, trace};

/// A verdict, what it rests on, and what the process exits with.
type Outcome = (Verdict, Basis, u8);

/// What was observed, what flow logs said, and what follows at the wire and in a guest.
type Row = (Option<Verdict>, Said, Outcome, Outcome);

const SILENT: Outcome = (Verdict::Silent, Basis::None, 3);
const CONFLICT: Outcome = (Verdict::Conflict, Basis::Both, 1);
const UNPROVEN: Outcome = (Verdict::Unproven, Basis::Capture, 3);

/// What follows from the flow log alone.
const LOGGED_X: Outcome = (Verdict::Encrypted, Basis::FlowLog, 0);
const LOGGED_NX: Outcome = (Verdict::Plaintext, Basis::FlowLog, 1);
const LOGGED_BOTH: Outcome = (Verdict::Mixed, Basis::FlowLog, 1);
const LOGGED_OPEN: Outcome = (Verdict::Undetermined, Basis::FlowLog, 3);

/// What follows from the capture alone.
const SEEN_DTLS: Outcome = (Verdict::Encrypted, Basis::Capture, 0);
const SEEN_WEAK: Outcome = (Verdict::Weak, Basis::Capture, 1);
const SEEN_BOTH: Outcome = (Verdict::Mixed, Basis::Capture, 1);
const SEEN_CLEAR: Outcome = (Verdict::Plaintext, Basis::Capture, 1);
const SEEN_OPEN: Outcome = (Verdict::Undetermined, Basis::Capture, 3);

/// What both say.
const AGREED_X: Outcome = (Verdict::Encrypted, Basis::Both, 0);
const AGREED_NX: Outcome = (Verdict::Plaintext, Basis::Both, 1);
const AGREED_BOTH: Outcome = (Verdict::Mixed, Basis::Both, 1);

const NOT_CAPTURED: Option<Verdict> = None;
const ENCRYPTED: Option<Verdict> = Some(Verdict::Encrypted);
const WEAK: Option<Verdict> = Some(Verdict::Weak);
const MIXED: Option<Verdict> = Some(Verdict::Mixed);
const PLAINTEXT: Option<Verdict> = Some(Verdict::Plaintext);
const UNDETERMINED: Option<Verdict> = Some(Verdict::Undetermined);
const NOT_SEEN: Option<Verdict> = Some(Verdict::Silent);

#[rustfmt::skip]
const ROWS: [Row; 49] = [
    // observed      flow log          wire           guest
    (NOT_CAPTURED, Said::Nothing,   SILENT,        SILENT),
    (NOT_CAPTURED, Said::Encrypted, LOGGED_X,      LOGGED_X),
    (NOT_CAPTURED, Said::Partly,    LOGGED_OPEN,   LOGGED_OPEN),
    (NOT_CAPTURED, Said::Plaintext, LOGGED_NX,     LOGGED_NX),
    (NOT_CAPTURED, Said::Mixed,     LOGGED_BOTH,   LOGGED_BOTH),
    (NOT_CAPTURED, Said::Blocked,   LOGGED_OPEN,   LOGGED_OPEN),
    (NOT_CAPTURED, Said::Unknown,   LOGGED_OPEN,   LOGGED_OPEN),

    (NOT_SEEN,     Said::Nothing,   SILENT,        SILENT),
    (NOT_SEEN,     Said::Encrypted, LOGGED_X,      LOGGED_X),
    (NOT_SEEN,     Said::Partly,    LOGGED_OPEN,   LOGGED_OPEN),
    (NOT_SEEN,     Said::Plaintext, LOGGED_NX,     LOGGED_NX),
    (NOT_SEEN,     Said::Mixed,     LOGGED_BOTH,   LOGGED_BOTH),
    (NOT_SEEN,     Said::Blocked,   LOGGED_OPEN,   LOGGED_OPEN),
    (NOT_SEEN,     Said::Unknown,   LOGGED_OPEN,   LOGGED_OPEN),

    (ENCRYPTED,    Said::Nothing,   SEEN_DTLS,     SEEN_DTLS),
    (ENCRYPTED,    Said::Encrypted, AGREED_X,      AGREED_X),
    (ENCRYPTED,    Said::Partly,    AGREED_X,      AGREED_X),
    (ENCRYPTED,    Said::Plaintext, CONFLICT,      CONFLICT),
    (ENCRYPTED,    Said::Mixed,     CONFLICT,      CONFLICT),
    (ENCRYPTED,    Said::Blocked,   SEEN_DTLS,     SEEN_DTLS),
    (ENCRYPTED,    Said::Unknown,   SEEN_DTLS,     SEEN_DTLS),

    (WEAK,         Said::Nothing,   SEEN_WEAK,     SEEN_WEAK),
    (WEAK,         Said::Encrypted, SEEN_WEAK,     SEEN_WEAK),
    (WEAK,         Said::Partly,    SEEN_WEAK,     SEEN_WEAK),
    (WEAK,         Said::Plaintext, CONFLICT,      CONFLICT),
    (WEAK,         Said::Mixed,     CONFLICT,      CONFLICT),
    (WEAK,         Said::Blocked,   SEEN_WEAK,     SEEN_WEAK),
    (WEAK,         Said::Unknown,   SEEN_WEAK,     SEEN_WEAK),

    (MIXED,        Said::Nothing,   SEEN_BOTH,     UNPROVEN),
    (MIXED,        Said::Encrypted, CONFLICT,      AGREED_X),
    (MIXED,        Said::Partly,    CONFLICT,      UNPROVEN),
    (MIXED,        Said::Plaintext, CONFLICT,      CONFLICT),
    (MIXED,        Said::Mixed,     AGREED_BOTH,   AGREED_BOTH),
    (MIXED,        Said::Blocked,   SEEN_BOTH,     UNPROVEN),
    (MIXED,        Said::Unknown,   SEEN_BOTH,     UNPROVEN),

    (PLAINTEXT,    Said::Nothing,   SEEN_CLEAR,    UNPROVEN),
    (PLAINTEXT,    Said::Encrypted, CONFLICT,      LOGGED_X),
    (PLAINTEXT,    Said::Partly,    CONFLICT,      UNPROVEN),
    (PLAINTEXT,    Said::Plaintext, AGREED_NX,     LOGGED_NX),
    (PLAINTEXT,    Said::Mixed,     CONFLICT,      LOGGED_BOTH),
    (PLAINTEXT,    Said::Blocked,   SEEN_CLEAR,    UNPROVEN),
    (PLAINTEXT,    Said::Unknown,   SEEN_CLEAR,    UNPROVEN),

    (UNDETERMINED, Said::Nothing,   SEEN_OPEN,     SEEN_OPEN),
    (UNDETERMINED, Said::Encrypted, LOGGED_X,      LOGGED_X),
    (UNDETERMINED, Said::Partly,    SEEN_OPEN,     SEEN_OPEN),
    (UNDETERMINED, Said::Plaintext, LOGGED_NX,     LOGGED_NX),
    (UNDETERMINED, Said::Mixed,     LOGGED_BOTH,   LOGGED_BOTH),
    (UNDETERMINED, Said::Blocked,   SEEN_OPEN,     SEEN_OPEN),
    (UNDETERMINED, Said::Unknown,   SEEN_OPEN,     SEEN_OPEN),
];

/// What follows, by the table of docs/flow-logs.md; what it rests on, by the rows.
fn expected(observed: Option<Verdict>, said: Said, vantage: Vantage) -> Outcome {
    let row = ROWS.iter().find(|row| (row.0, row.1) == (observed, said));
    let (_, _, wire, guest) = row.expect("a row");
    let (verdict, basis, code) = match vantage {
        Vantage::Wire => *wire,
        Vantage::Guest => *guest,
    };
    let told = told(observed, said, vantage);
    assert_eq!(told, verdict.name(), "{observed:?}, {said:?}, {vantage:?}");
    (verdict, basis, code)
}

/// The documentation's word on what follows.
fn told(observed: Option<Verdict>, said: Said, vantage: Vantage) -> &'static str {
    let captured = match observed {
        NOT_CAPTURED | NOT_SEEN => "not at all",
        Some(verdict) => verdict.name(),
    };
    let column = match said {
        Said::Nothing => 2,
        Said::Blocked | Said::Unknown => 3,
        Said::Encrypted => 4,
        Said::Partly => 5,
        Said::Plaintext => 6,
        Said::Mixed => 7,
    };
    let (_, vantage) = VANTAGES
        .iter()
        .find(|(known, _)| *known == vantage)
        .expect("one");
    let (_, table) = FLOW_LOGS
        .split_once("\n| captured | vantage |")
        .expect("a table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(word).collect());
    let mut rows =
        cells.filter(|row: &Vec<_>| row[0] == captured && [*vantage, "any"].contains(&row[1]));
    let row = rows.next().expect("a row");
    assert_eq!((rows.next(), row.len()), (None, 8), "{captured}, {vantage}");
    row[column]
}

fn word(cell: &str) -> &str {
    cell.trim().trim_matches('`')
}

const FLOW_LOGS: &str = include_str!("../../docs/flow-logs.md");

const VANTAGES: [(Vantage, &str); 2] = [(Vantage::Wire, "wire"), (Vantage::Guest, "guest")];

/// Verdicts that a capture alone can show.
const OBSERVED: [Option<Verdict>; 7] = [
    NOT_CAPTURED,
    ENCRYPTED,
    WEAK,
    MIXED,
    PLAINTEXT,
    UNDETERMINED,
    NOT_SEEN,
];

#[test]
fn every_combination_has_a_row() {
    let rows = ROWS.iter().map(|row| format!("{:?} {:?}", row.0, row.1));
    let rows: BTreeSet<_> = rows.collect();
    let all = OBSERVED.map(|observed| Said::ALL.map(|said| format!("{observed:?} {said:?}")));
    assert_eq!(rows, all.concat().into_iter().collect());
    assert_eq!(rows.len(), ROWS.len());
    // What is not observed by itself follows only from both.
    let both = [Verdict::Conflict, Verdict::Unproven];
    let observed = OBSERVED.into_iter().flatten().chain(both);
    assert_eq!(observed.count(), Verdict::ALL.len());
}

#[test]
fn every_row_holds() {
    for (observed, said, ..) in ROWS {
        for (vantage, _) in VANTAGES {
            let (verdict, basis) = conclude(observed, said, vantage);
            let outcome = (verdict, basis, Exit::of([verdict], true).code());
            let wanted = expected(observed, said, vantage);
            assert_eq!(outcome, wanted, "{observed:?}, {said:?}, {vantage:?}");
        }
    }
}

/// A trace of one path, what it shows, and the servers to name.
const TRACES: [(&str, Option<Verdict>, &str); 7] = [
    ("", NOT_CAPTURED, "10.20.2.5"),
    ("all-encrypted.pcap", ENCRYPTED, "10.20.2.0/24"),
    ("aes-128.pcap", WEAK, "10.20.2.0/24"),
    ("turns.pcapng", MIXED, "10.20.2.0/24"),
    ("all-plaintext.pcap", PLAINTEXT, "10.20.2.0/24"),
    (CUT, UNDETERMINED, "10.20.2.0/24"),
    ("nfs.pcap", NOT_SEEN, "10.20.2.77"),
];

/// Words of a flow log's encryption field, with the flow's state, and what they say
/// together. The last says nothing at all.
const LOGS: [(&[(&str, &str)], Said); 14] = [
    (&[("C", "X")], Said::Encrypted),
    (&[("C", "NX")], Said::Plaintext),
    (&[("C", "NX_FALLBACK")], Said::Plaintext),
    (&[("C", "NX_LOCAL_DST")], Said::Plaintext),
    (&[("C", "NX_HW_NOT_SUPPORTED")], Said::Plaintext),
    (&[("D", "NX_SW_NOT_READY")], Said::Blocked),
    (&[("D", "NX_NOT_ACCEPTED")], Said::Blocked),
    (&[("D", "NX_NOT_SUPPORTED")], Said::Blocked),
    (&[("D", "NX")], Said::Blocked),
    (&[("C", "NX_IN_2030")], Said::Unknown),
    (&[("C", "X"), ("C", "NX_FALLBACK")], Said::Mixed),
    (&[("C", "X"), ("D", "NX_SW_NOT_READY")], Said::Encrypted),
    (&[("C", "X"), ("C", "NX_IN_2030")], Said::Unknown),
    (&[], Said::Nothing),
];

/// Name of a trace that is made: readable TCP of which no port was captured.
const CUT: &str = "cut.pcap";

/// `all-plaintext.pcap` with 34 bytes of each packet.
fn cut() -> Vec<u8> {
    let bytes = fs::read(trace("all-plaintext.pcap")).expect("bytes");
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four"));
    assert!([0xa1b2_c3d4, 0xa1b2_3c4d].contains(&number(0)));
    let mut cut = bytes[..24].to_vec();
    let mut at = 24;
    while at < bytes.len() {
        let len = number(at + 8).min(34);
        cut.extend(&bytes[at..at + 8]);
        cut.extend(len.to_le_bytes());
        cut.extend(&bytes[at + 12..at + 16 + len as usize]);
        at += 16 + number(at + 8) as usize;
    }
    cut
}

/// Path of a trace that is kept, or made.
fn kept_or_made(name: &str) -> PathBuf {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
        let folder = TempDir::new().expect("a folder");
        fs::write(folder.path().join(CUT), cut()).expect("a file");
        folder
    });
    match name {
        CUT => FOLDER.path().join(CUT),
        name => trace(name),
    }
}

fn report(arguments: &[&str], capture: &str) -> (Value, i32) {
    let mut command = analyze();
    command.args(["--format", "json"]).args(arguments);
    if !capture.is_empty() {
        command.arg(kept_or_made(capture));
    }
    let output = run(&mut command);
    let report = serde_json::from_slice(&output.stdout).expect("JSON");
    (report, output.status.code().expect("a code"))
}

/// Flows of each path that a log has: no fewer than were captured.
const FLOWS: usize = 16;

/// A log of each of the paths in each word, calls back as well, without the source port:
/// tuples of flows that go on a minute before a time in milliseconds and three after it,
/// and denials at it.
fn log(paths: &[(String, String)], words: &[(&str, &str)], time: i64) -> Value {
    let tuples: Vec<_> = paths
        .iter()
        .flat_map(|(client, server)| {
            let calls = [(client, server), (server, client)];
            let told = words.iter().flat_map(move |&(state, word)| {
                let times = match state {
                    "D" => vec![time],
                    _ => vec![time - 60_000, time + 180_000],
                };
                times.into_iter().map(move |time| (time, state, word))
            });
            told.flat_map(move |(time, state, word)| {
                calls.into_iter().flat_map(move |(from, to)| {
                    let tuple = format!("{time},{from},{to},,988,6,O,{state},{word},999,9999,1,99");
                    iter::repeat_n(tuple, FLOWS)
                })
            })
        })
        .collect();
    let group = json!({"rule": "AllowVnet", "flowTuples": tuples});
    let flows = json!({"flows": [{"aclID": "", "flowGroups": [group]}]});
    json!({"records": [{"macAddress": "000D3AF87856", "flowRecords": flows}]})
}

/// The paths that a capture shows; one from nowhere to its server, if it shows none.
fn paths(report: &Value, server: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let paths = report["paths"].as_array().expect("paths").iter();
    let seen: Vec<_> = paths
        .filter_map(|path| Some((text(&path["client"])?, text(&path["server"])?)))
        .collect();
    match seen[..] {
        [] => vec![("10.20.1.4".to_owned(), server.to_owned())],
        _ => seen,
    }
}

/// Every trace, vantage and log through the command.
#[test]
fn the_command_keeps_to_the_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    let file = file.to_str().expect("UTF-8");
    for (capture, observed, servers) in TRACES {
        let server = ["--servers", servers];
        let seen = match capture {
            "" => json!({"paths": []}),
            _ => report(&server, capture).0,
        };
        let moment = seen["first"].as_str().unwrap_or("2026-11-21T20:25:14Z");
        let moment: jiff::Timestamp = moment.parse().expect("a time");
        for (words, said) in LOGS {
            let log = log(&paths(&seen, servers), words, moment.as_millisecond());
            fs::write(file, log.to_string()).expect("a file");
            for (vantage, name) in VANTAGES {
                let more = ["--flow-logs", file, "--vantage", name];
                let (report, exit) = report(&[&server[..], &more].concat(), capture);
                let (verdict, basis, code) = expected(observed, said, vantage);
                let what = format!("{capture}, {words:?}, {name}: {report:#}");
                assert_eq!(exit, i32::from(code), "{what}");
                for path in report["paths"].as_array().expect("paths") {
                    assert_eq!(path["observed"], json!(observed), "{what}");
                    assert_eq!(path["verdict"], verdict.name(), "{what}");
                    assert_eq!(path["basis"], basis.name(), "{what}");
                }
            }
        }
    }
}
