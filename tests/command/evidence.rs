//! Packets of the evidence, held to the report that names them, as tshark reads both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::bytes::{
    MICROS, Order, enhanced, interface, option, pcap_header, pcap_record, section,
};
use crate::support::expect::{self, SERVERS};
use crate::support::packets::{Ip, Link, TCP, UDP, tcp, udp};
use crate::support::program::{analyze, any_report, complaint, plainsight, run, text, trace};
use crate::support::tshark;

/// Fields that a packet keeps.
const KEPT: [&str; 2] = ["frame.time_epoch", "frame.len"];

/// Runs `analyze` on a trace and writes its evidence; gives the report.
fn evidence(file: &Path, to: &Path, more: &[&str]) -> Value {
    let mut command = analyze();
    command.args(["--servers", SERVERS, "--evidence"]).arg(to);
    any_report(command.args(more).arg(file))
}

/// Numbers of the packets that a report names.
fn named(report: &Value) -> BTreeSet<u64> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let paths = list(&report["paths"]);
    let proofs = paths.iter().flat_map(|path| list(&path["proof"]));
    let proofs = proofs.flat_map(|proof| list(&proof["evidence"]));
    let evidence = paths.iter().flat_map(|path| list(&path["evidence"]));
    let all = evidence.chain(proofs);
    all.filter_map(|it| it["packet"].as_u64()).collect()
}

/// Number that the last line of a comment tells.
fn number(comment: &str) -> u64 {
    let (_, number) = comment.rsplit_once(", packet ").expect("a number");
    number.parse().expect("a number")
}

/// Packets of a file of evidence: by number, the fields that are kept, and their comments.
fn written(file: &Path) -> BTreeMap<u64, (Vec<String>, String)> {
    let fields = [&KEPT[..], &["frame.comment"]].concat();
    let rows = tshark::fields(file, &[], &fields);
    let packets = rows.into_iter().map(|mut row| {
        let comment = row.pop().expect("a comment");
        (number(&comment), (row, comment))
    });
    packets.collect()
}

/// The same fields of a capture, by number.
fn original(file: &Path) -> BTreeMap<u64, Vec<String>> {
    let rows = tshark::fields(file, &[], &KEPT);
    (1..).zip(rows).collect()
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[test]
fn the_packets_that_a_report_names_are_written_with_time_and_length() {
    let place = Place::new();
    let to = place.file("e.pcapng");
    for known in expect::load(&trace("")).expect("traces") {
        let file = trace(&known.file);
        let report = evidence(&file, &to, &[]);
        let (written, original) = (written(&to), original(&file));
        assert_eq!(
            written.keys().copied().collect::<BTreeSet<_>>(),
            named(&report),
            "{}",
            known.file
        );
        for (number, (kept, comment)) in &written {
            assert_eq!(*kept, original[number], "{}, packet {number}", known.file);
            assert!(comment.contains(&known.file), "{comment}");
        }
        let times: Vec<String> = tshark::fields(&to, &[], &["frame.time_epoch"]).concat();
        assert!(times.is_sorted(), "{times:?}");
    }
}

#[test]
fn comments_name_path_obligation_and_what_is_shown() {
    let place = Place::new();
    let to = place.file("e.pcapng");
    let file = trace("one-path-each-way.pcap");
    let report = evidence(&file, &to, &[]);
    let written = written(&to);
    for path in report["paths"].as_array().expect("paths") {
        let title = format!(
            "{} to {}, {}",
            path["client"].as_str().unwrap(),
            path["server"].as_str().unwrap(),
            path["verdict"].as_str().unwrap()
        );
        for evidence in path["evidence"].as_array().expect("evidence") {
            let comment = &written[&evidence["packet"].as_u64().unwrap()].1;
            let line = format!(
                "{title}: {}: {}",
                evidence["of"].as_str().unwrap(),
                evidence["shows"].as_str().unwrap()
            );
            assert!(comment.contains(&line), "{comment}\n{line}");
        }
    }
    let all: String = written.values().map(|(_, comment)| &comment[..]).collect();
    assert!(
        all.contains("10.20.1.4 to 10.20.2.5, encrypted: data is met: protected"),
        "{all}"
    );
    assert_eq!(
        fs::metadata(&to).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn interfaces_and_link_types_are_kept() {
    let place = Place::new();
    let (file, to) = (place.file("x.pcapng"), place.file("e.pcapng"));
    let order = Order::Little;
    let [one, other] = [("eth0", 1), ("tun7", 101)].map(|(name, link_type)| {
        interface(order, link_type, 0, &[option(order, 2, name.as_bytes())])
    });
    let up = Ip::v4([10, 20, 1, 4], [10, 20, 2, 5]);
    let [first, last] = [1021, 1022].map(|port| up.packet(TCP, &tcp(port, 988, &[])));
    let first = enhanced(order, 0, 7, &Link::Ethernet.frame(&first), 100);
    let last = enhanced(order, 1, 9, &last, 200);
    fs::write(&file, [section(order), one, other, first, last].concat()).expect("a capture");
    evidence(&file, &to, &["--evidence-context", "1"]);
    let fields = [
        "frame.interface_name",
        "frame.encap_type",
        "frame.len",
        "frame.time_epoch",
    ];
    let rows = tshark::fields(&to, &[], &fields);
    assert_eq!(rows, tshark::fields(&file, &[], &fields));
    assert_eq!((rows.len(), &rows[1][0][..]), (2, "tun7"));
}

/// Bytes of users, which no cut may let through.
const SECRET: &[u8] = b"Name: Jane Doe, diagnosis: none of your business. ";

/// A `ServerHello` with this body.
fn hello(body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len())
        .expect("a short one")
        .to_be_bytes();
    let message = [&[2][..], &len[1..], &[0; 5], &len[1..], body].concat();
    let len = u16::try_from(message.len())
        .expect("a short one")
        .to_be_bytes();
    [
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0],
        &len[..],
        &message,
    ]
    .concat()
}

/// A capture in which a client writes readable data over TCP, and readable text over UDP.
fn regulated() -> Vec<u8> {
    let up = Ip::v4([10, 20, 1, 4], [10, 20, 2, 5]);
    let bulk = SECRET.repeat(20);
    // A DTLS record in the clear, with data.
    let clear = [&[23, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 3, 232][..], &bulk].concat();
    // A message of LNet, behind whose headers data follows.
    let message = [&0xabcd_0001_u32.to_le_bytes()[..], &[0; 92], &bulk].concat();
    let payloads = [
        up.packet(TCP, &tcp(1021, 988, &bulk)),
        up.packet(TCP, &tcp(1022, 988, &message)),
        up.packet(UDP, &udp(40_001, 11_443, &clear)),
        up.packet(UDP, &udp(988, 988, &bulk)),
        // A hello behind data in the same datagram, and one of more than it may hold.
        up.packet(
            UDP,
            &udp(40_002, 11_443, &[&clear[..], &hello(&[0; 70])].concat()),
        ),
        up.packet(
            UDP,
            &udp(40_003, 11_443, &hello(&[&[0; 70][..], &bulk].concat())),
        ),
    ];
    let fragments = up.fragments(UDP, 9, &udp(988, 988, &bulk), 400);
    let packets = payloads.into_iter().chain(fragments);
    let frames = packets.map(|packet| {
        // Behind the packet, as short frames are padded.
        [&Link::Ethernet.frame(&packet)[..], SECRET].concat()
    });
    let header = pcap_header(Order::Little, MICROS, 65_535, 1);
    let records = frames.map(|frame| {
        let len = u32::try_from(frame.len()).expect("a short frame");
        pcap_record(Order::Little, (1_700_000_000, 0), &frame, len)
    });
    [header].into_iter().chain(records).flatten().collect()
}

#[test]
fn users_data_stays_home_unless_it_is_asked_for() {
    let place = Place::new();
    let (file, to) = (place.file("x.pcap"), place.file("e.pcapng"));
    fs::write(&file, regulated()).expect("a capture");
    let holds = || {
        let bytes = fs::read(&to).expect("evidence");
        bytes
            .windows(8)
            .any(|it| SECRET.windows(8).any(|secret| it == secret))
    };
    for (cut, is_there) in [("headers", false), ("records", false), ("all", true)] {
        let more = ["--evidence-context", "9", "--evidence-payload", cut];
        evidence(&file, &to, &more);
        assert_eq!(written(&to).len(), 9);
        assert_eq!(holds(), is_there, "{cut}");
    }
}

/// Whatever is in the traces: by default tshark finds no payload of TCP, and of UDP handshakes
/// in the clear alone.
#[test]
fn headers_alone_are_kept_by_default_and_a_server_hello() {
    let place = Place::new();
    let to = place.file("e.pcapng");
    let mut hellos = 0;
    for name in [
        "turns.pcapng",
        "dtls-over-tcp.pcap",
        "vxlan.pcap",
        "null-cipher.pcap",
    ] {
        let report = evidence(&trace(name), &to, &[]);
        let payload = "tcp.payload or data.data or dtls.record.content_type in {21, 23}";
        let clear = "not frame.comment contains \"ServerHello chose\"";
        let filter = format!("({payload}) and {clear}");
        assert_eq!(
            tshark::fields(&to, &["-Y", &filter], &["frame.number"]).len(),
            0,
            "{name}"
        );
        let suites = ["-Y", "dtls.handshake.type == 2"];
        let suites = tshark::fields(&to, &suites, &["dtls.handshake.ciphersuite"]);
        hellos += suites.len();
        let paths = report["paths"].as_array().expect("paths");
        let seen = paths
            .iter()
            .flat_map(|path| path["evidence"].as_array().unwrap());
        let seen = seen.filter(|it| it["of"] == "suite").count();
        assert!(
            suites.len() >= seen || name.contains("tcp"),
            "{name}: {suites:?}"
        );
    }
    assert!(hellos >= 3);
}

#[test]
fn context_is_of_the_same_path() {
    let place = Place::new();
    let to = place.file("e.pcapng");
    let file = trace("one-path-each-way.pcap");
    let report = evidence(&file, &to, &["--evidence-context", "2"]);
    let written = written(&to);
    let paths: Vec<BTreeSet<u64>> = report["paths"]
        .as_array()
        .expect("paths")
        .iter()
        .map(|path| {
            let filter = path["display_filter"].as_str().expect("a filter");
            let rows = tshark::fields(&file, &["-Y", filter], &["frame.number"]);
            let numbers = rows.concat().into_iter();
            numbers.map(|it| it.parse().expect("a number")).collect()
        })
        .collect();
    let path = |number: &u64| paths.iter().position(|path| path.contains(number));
    let named = named(&report);
    let (named, beside): (Vec<_>, Vec<_>) = written.iter().partition(|(it, _)| named.contains(it));
    assert!(!beside.is_empty() && beside.len() <= 4 * named.len());
    for (number, (_, comment)) in &beside {
        assert!(comment.contains("context"), "{comment}");
        let near = named.iter().any(|(it, _)| path(it) == path(number));
        assert!(near, "{number}");
    }
    // Packet 113 is the first of its path.
    let numbers: Vec<u64> = written
        .keys()
        .copied()
        .filter(|it| (113..=118).contains(it))
        .collect();
    assert_eq!(numbers, [113, 114, 115, 116, 117, 118]);
}

#[test]
fn standard_input_gives_the_same_packets() {
    let place = Place::new();
    let (to, piped) = (place.file("e.pcapng"), place.file("p.pcapng"));
    for name in [
        "turns.pcapng",
        "one-path-each-way.pcap.gz",
        "fragments.pcap",
        "snap-34.cap",
    ] {
        let file = trace(name);
        evidence(&file, &to, &[]);
        let cat = Command::new("cat")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn();
        let mut command = analyze();
        command
            .args(["--servers", SERVERS, "-q", "--evidence"])
            .arg(&piped)
            .arg("-");
        command.stdin(cat.expect("cat").stdout.expect("a pipe"));
        let output = run(&mut command);
        assert_eq!(text(&output.stderr), "", "{name}");
        let hex = ["frame.time_epoch", "frame.len", "frame.cap_len"];
        let rows = [&to, &piped].map(|file| tshark::fields(file, &[], &hex));
        assert_eq!(rows[0], rows[1], "{name}");
    }
}

#[test]
fn what_cannot_be_had_is_told() {
    let place = Place::new();
    let to = place.file("e.pcapng");
    let told = complaint(plainsight(&["merge", "x.state", "--evidence"]).arg(&to));
    assert!(told.contains("hold counts and no packets"), "{told}");
    let cat = Command::new("cat")
        .arg(trace("all-encrypted.pcap"))
        .stdout(Stdio::piped())
        .spawn();
    let mut command = analyze();
    command.args([
        "--servers",
        SERVERS,
        "-q",
        "--evidence-context",
        "1",
        "--evidence",
    ]);
    command
        .arg(&to)
        .arg("-")
        .stdin(cat.expect("cat").stdout.expect("a pipe"));
    let output = run(&mut command);
    let told = text(&output.stderr);
    assert!(
        told.contains("standard input") && told.contains("context"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(3), "an output lacks something");
}
