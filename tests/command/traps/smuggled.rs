//! Bytes that travel with a proof, where no header owns them.

use serde_json::Value;

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, packets, path, report_of, tunnel, verdict,
};
use crate::support::packets::{Ip, UDP, dtls, udp};

const TEXT: &[u8] = b"the quick brown fox signs the quarterly report, and nobody has asked it to. ";

/// An encrypted session between client and server, hello and data.
fn session() -> Vec<Stored> {
    let hello = dtls::server_hello(1, dtls::AZURE);
    let hello = Ip::v4(SERVER, CLIENT).packet(UDP, &udp(11_443, 40_000, &hello));
    let data = (2..30).map(|n| tunnel(&dtls::protected(n, 200)));
    [ethernet(&hello)].into_iter().chain(data).collect()
}

/// The report on the session and a packet more, first or last.
fn beside_session(packet: &Stored) -> [Value; 2] {
    let (mut first, mut last) = (vec![packet.clone()], session());
    first.extend(session());
    last.push(packet.clone());
    [first, last].map(|packets| report_of(&packets, &BLOCK))
}

fn exit_code(report: &Value) -> u64 {
    report["summary"]["exit_code"].as_u64().expect("a number")
}

fn outcome<'r>(proof: &'r Value, obligation: &str) -> &'r str {
    let mut findings = proof["proof"].as_array().expect("a list").iter();
    let finding = findings.find(|finding| finding["obligation"] == obligation);
    finding.expect("an obligation")["outcome"]
        .as_str()
        .expect("a word")
}

/// Holds that a packet that cannot be told leaves the path open.
fn assert_open(packet: &Stored) {
    for report in beside_session(packet) {
        assert_eq!(verdict(&report), "undetermined");
        assert_eq!(outcome(path(&report), "explained"), "open");
        assert_eq!(packets(&path(&report)["traffic"]["undetermined"]), 1);
    }
}

/// A UDP packet from client to server, with a length field of its own.
fn with_length(len: u16, payload: &[u8]) -> Stored {
    let mut datagram = udp(40_000, 11_443, payload);
    datagram[4..6].copy_from_slice(&len.to_be_bytes());
    ethernet(&Ip::v4(CLIENT, SERVER).packet(UDP, &datagram))
}

#[test]
fn the_session_by_itself_is_encrypted() {
    let report = report_of(&session(), &BLOCK);
    assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 0));
}

#[test]
fn a_datagram_longer_than_its_packet_is_not_decoded() {
    let record = dtls::protected(99, 200);
    let len = u16::try_from(8 + record.len()).expect("a short record");
    for stated in [len + 1, len + 500, 7] {
        assert_open(&with_length(stated, &record));
    }
}

#[test]
fn a_header_that_contradicts_its_packet_leaves_the_run_open() {
    let strangers = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let mut datagram = udp(5000, 5001, TEXT);
    datagram[4..6].copy_from_slice(&500_u16.to_be_bytes());
    let mut too_long = strangers.packet(UDP, &udp(5000, 5001, TEXT));
    too_long[0] = 0x4f;
    let mut version = strangers.packet(UDP, &udp(5000, 5001, TEXT));
    version[0] = 0x55;
    for ip in [strangers.packet(UDP, &datagram), too_long, version] {
        let mut all = session();
        all.push(ethernet(&ip));
        let report = report_of(&all, &BLOCK);
        assert_eq!(in_bucket(&report, "undecodable"), 1);
        assert_eq!(verdict(&report), "encrypted");
        assert_eq!(outcome(&report, "decoded"), "open");
        assert_eq!(exit_code(&report), 3);
    }
}
