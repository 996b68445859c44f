//! Bytes that travel with a proof, where no header owns them.

use serde_json::Value;

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, packets, path, pcap, pcapng, report,
    report_of, segment, to_lustre, tunnel, tunnel_from, verdict,
};
use crate::support::bytes;
use crate::support::packets::{
    Around, Ip, Link, TCP, UDP, dtls, lustre, noise, port_unreachable, tcp, udp,
};
use crate::support::program::{analyze, run};

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

/// Holds that a packet that can be read leaves no path encrypted.
fn assert_mixed(packet: &Stored) {
    for report in beside_session(packet) {
        assert_eq!(verdict(&report), "mixed");
        assert_eq!(outcome(path(&report), "nothing_readable"), "broken");
        assert_eq!(packets(&path(&report)["traffic"]["plaintext"]), 1);
    }
}

fn lustre_message() -> Vec<u8> {
    lustre::put(CLIENT.into(), SERVER.into(), 28, &lustre::request(400))
}

fn ip_packet() -> Vec<u8> {
    Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &noise(1, 300)))
}

#[test]
fn datagrams_beside_a_session_that_can_be_read_are_plaintext() {
    let record = dtls::protected(99, 200);
    for clear in [TEXT.to_vec(), lustre_message(), ip_packet()] {
        assert_mixed(&tunnel(&clear));
        assert_mixed(&tunnel(&[&noise(5, 37)[..], &clear].concat()));
        // Behind a good record.
        let behind = [&record[..], &clear].concat();
        if clear != ip_packet() {
            assert_mixed(&tunnel(&behind));
        }
        // Behind the end that the header states, and with none stated.
        let len = u16::try_from(8 + record.len()).expect("a short record");
        if clear != ip_packet() {
            assert_mixed(&with_length(len, &behind));
        }
        assert_mixed(&with_length(0, &clear));
    }
}

#[test]
fn datagrams_beside_a_session_that_cannot_be_told_leave_the_path_open() {
    for which in 0..7 {
        assert_open(&tunnel(&dtls::lookalike(which, 77)));
    }
    let no_id = dtls::record(25, 1, 77, &noise(77, 60));
    assert_open(&tunnel(&no_id));
    let mut long_id = dtls::record(25, 1, 77, &[])[..11].to_vec();
    long_id.extend(noise(3, 24));
    long_id.extend([0, 60]);
    long_id.extend(noise(4, 60));
    assert_open(&tunnel(&long_id));
    assert_open(&tunnel(&noise(7, 100)));
    // Bytes that nothing owns behind a good record.
    let record = dtls::protected(99, 200);
    let len = u16::try_from(8 + record.len()).expect("a short record");
    let behind = [&record[..], &noise(8, 50)].concat();
    assert_open(&with_length(len, &behind));
    // The other way, too.
    let answer = Ip::v4(SERVER, CLIENT).packet(UDP, &udp(11_443, 40_000, &noise(7, 100)));
    assert_open(&ethernet(&answer));
}

#[test]
fn datagrams_elsewhere_are_other_traffic() {
    let mut all = session();
    let servers_dns = Ip::v4(CLIENT, SERVER).packet(UDP, &udp(40_001, 53, TEXT));
    let strangers = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    all.push(ethernet(&servers_dns));
    all.push(ethernet(&strangers.packet(UDP, &udp(5000, 5001, TEXT))));
    // Beside DTLS that is no path's.
    let record = dtls::protected(99, 200);
    for payload in [&record[..], TEXT] {
        all.push(ethernet(
            &strangers.packet(UDP, &udp(40_000, 11_443, payload)),
        ));
    }
    let report = report_of(&all, &BLOCK);
    assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 0));
    assert_eq!(in_bucket(&report, "other"), 3);
    assert_eq!(in_bucket(&report, "dtls_elsewhere"), 1);
}

#[test]
fn a_packet_wrapped_in_udp_leaves_the_run_open() {
    for wrapped in [lustre_message(), ip_packet()] {
        for ports in [(40_001, 53), (5000, 5001)] {
            let mut all = session();
            let inside = [&noise(5, 12)[..], &wrapped].concat();
            let ends = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
            all.push(ethernet(&ends.packet(UDP, &udp(ports.0, ports.1, &inside))));
            let report = report_of(&all, &BLOCK);
            assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 3));
            assert_eq!(in_bucket(&report, "undecodable"), 1);
        }
    }
}

#[test]
fn a_flood_of_other_datagrams_leaves_a_path_as_it_is() {
    let flood = |ends: Ip| {
        (0..40_u16).map(move |port| ethernet(&ends.packet(UDP, &udp(20_000 + port, 53, TEXT))))
    };
    let strangers = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let mut all = session();
    all.extend(flood(strangers));
    let few = [&BLOCK[..], &["--max-flows", "8"]].concat();
    let report = report_of(&all, &few);
    assert_eq!(
        (verdict(&report), in_bucket(&report, "other")),
        ("encrypted", 40)
    );
    // With the server itself, nobody knows any more what stood beside its DTLS.
    let mut all = session();
    all.extend(flood(Ip::v4(CLIENT, SERVER)));
    all.push(tunnel(TEXT));
    all.extend(flood(strangers));
    for _ in 0..2 {
        let report = report_of(&all, &few);
        assert!(["undetermined", "mixed"].contains(&verdict(&report)));
        all.reverse();
    }
}

/// A later fragment of a datagram whose first is not there.
fn orphan(content: &[u8]) -> Stored {
    let rest = [&[0; 80][..], content, &[0; 8]].concat();
    let mut later = Ip::v4(CLIENT, SERVER)
        .fragments(UDP, 7, &rest, 80)
        .swap_remove(1);
    later.truncate(20);
    later.extend(content);
    let total = u16::try_from(later.len()).expect("a short fragment");
    later[2..4].copy_from_slice(&total.to_be_bytes());
    ethernet(&later)
}

#[test]
fn a_later_fragment_that_can_be_read_is_plaintext() {
    for clear in [TEXT.to_vec(), lustre_message(), vec![0xff; 200]] {
        assert_mixed(&orphan(&clear));
        // Of a first one that was captured, and looks well.
        let record = dtls::protected(99, 60 + clear.len());
        let mut payload = record[..72].to_vec();
        payload.extend(&clear);
        payload.resize(record.len(), 7);
        let pieces = Ip::v4(CLIENT, SERVER).fragments(UDP, 9, &udp(40_000, 11_443, &payload), 80);
        let mut all = session();
        all.extend(pieces.iter().map(|piece| ethernet(piece)));
        assert_eq!(verdict(&report_of(&all, &BLOCK)), "mixed");
    }
    let report = report_of(&[session(), vec![orphan(&noise(3, 200))]].concat(), &BLOCK);
    assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 0));
}

#[test]
fn a_datagram_that_ends_before_its_fragments_do_cannot_be_told() {
    let record = dtls::protected(99, 35);
    let len = u16::try_from(8 + record.len()).expect("a short record");
    let mut datagram = udp(40_000, 11_443, &[&record[..], &noise(8, 80)].concat());
    datagram[4..6].copy_from_slice(&len.to_be_bytes());
    let pieces = Ip::v4(CLIENT, SERVER).fragments(UDP, 9, &datagram, 80);
    let mut all = session();
    all.extend(pieces.iter().map(|piece| ethernet(piece)));
    assert_eq!(verdict(&report_of(&all, &BLOCK)), "undetermined");
}

#[test]
fn text_that_a_second_interface_alone_shows_counts() {
    // The same first bytes, by which a duplicate is told.
    let record = dtls::protected(99, 600);
    let mut altered = record.clone();
    altered.truncate(300);
    altered.extend(TEXT.repeat(5));
    altered.resize(record.len() - 1, 7);
    altered.push(7);
    altered[11..13].copy_from_slice(&[0, 0]);
    let mut good = altered.clone();
    good[300..].copy_from_slice(&noise(9, altered.len() - 300));
    for shown in [&altered, &good] {
        let mut all: Vec<(u32, Stored)> = session().into_iter().map(|it| (0, it)).collect();
        all.push((0, tunnel(&good)));
        all.push((1, tunnel(shown)));
        let report = report(&[pcapng(2, &all)], &BLOCK);
        assert_eq!(in_bucket(&report, "duplicates"), 1);
        let expected = if shown == &good {
            "undetermined"
        } else {
            "mixed"
        };
        assert_eq!(verdict(&report), expected);
    }
}

#[test]
fn a_tunnel_that_is_not_opened_leaves_the_run_open() {
    let inner = [&noise(3, 14)[..], &noise(4, 100)].concat();
    let headed = |head: &[u8]| [head, &inner].concat();
    let datagrams = [
        // VXLAN without a network, Geneve of another version.
        (4789, headed(&[0, 0, 0, 0, 0, 0, 42, 0]), "VXLAN header"),
        (8472, headed(&[0, 0, 0, 0, 0, 0, 42, 0]), "VXLAN header"),
        (
            6081,
            headed(&[0x40, 0, 0x65, 0x58, 0, 0, 42, 0]),
            "Geneve header",
        ),
        (
            4790,
            headed(&[0x0c, 0, 0, 9, 0, 0, 42, 0]),
            "VXLAN-GPE protocol",
        ),
        (
            2152,
            headed(&[0x30, 255, 0, 100, 0, 0, 0, 1, 0x11]),
            "GTP payload",
        ),
        (1701, headed(&[0, 2, 0, 1, 0, 1]), "L2TP in UDP"),
        (5247, headed(&[0, 16, 2, 0, 0, 0, 0, 0]), "CAPWAP"),
        (37_008, headed(&[1, 0, 0, 1, 1]), "TZSP"),
    ];
    for (port, payload, name) in datagrams {
        let beside = |ends: Ip| {
            let datagram = ethernet(&ends.packet(UDP, &udp(50_000, port, &payload)));
            report_of(&[session(), vec![datagram]].concat(), &BLOCK)
        };
        let report = beside(Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]));
        assert_eq!(verdict(&report), "encrypted", "{name}");
        assert_eq!(exit_code(&report), 3, "{name}");
        let reasons = &report["accounting"]["undecodable"]["reasons"];
        assert_eq!(reasons[0]["reason"], format!("{name} not supported"));
        let report = beside(Ip::v4(CLIENT, SERVER));
        assert_eq!(exit_code(&report), 3, "{name}");
    }
}

#[test]
fn the_port_of_a_tunnel_may_be_that_of_a_session() {
    let ends = Ip::v4(CLIENT, SERVER);
    for port in [4789, 4790, 8472, 2152, 6081, 37_008, 1701] {
        let records = (1..30).map(|n| {
            let kind = if n % 2 == 0 { 25 } else { 23 };
            let record = dtls::record(kind, 1, n, &noise(n, 200));
            let record = if kind == 25 {
                [&record[..11], &[7, 8, 9], &record[11..]].concat()
            } else {
                record
            };
            ethernet(&ends.packet(UDP, &udp(40_000, port, &record)))
        });
        let report = report_of(&records.collect::<Vec<_>>(), &BLOCK);
        assert_eq!(
            (verdict(&report), exit_code(&report)),
            ("encrypted", 0),
            "{port}"
        );
        // An answer to such a port is no tunnel's.
        let answer = Ip::v4([192, 0, 2, 1], CLIENT).packet(UDP, &udp(53, 37_008, TEXT));
        let mut all = session();
        all.push(ethernet(&answer));
        assert_eq!(exit_code(&report_of(&all, &BLOCK)), 0);
    }
}

/// A record in epoch 0 with these bytes.
fn in_clear(kind: u8, fragment: &[u8]) -> Stored {
    tunnel(&dtls::record(kind, 0, 7, fragment))
}

/// A handshake message of a kind.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len())
        .expect("a short message")
        .to_be_bytes();
    let head = [kind, 0, len[0], len[1], 0, 5, 0, 0, 0, 0, len[0], len[1]];
    [&head[..], body].concat()
}

/// A part of a message that is longer.
fn part(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut part = message(kind, body);
    part[2] += 8;
    part
}

#[test]
fn bytes_in_epoch_0_that_can_be_read_are_plaintext() {
    let heartbeat = |payload: &[u8]| {
        let len = u16::try_from(payload.len())
            .expect("a short payload")
            .to_be_bytes();
        [&[1, len[0], len[1]][..], payload, &noise(4, 16)].concat()
    };
    let done = message(14, &[]);
    for clear in [TEXT.to_vec(), lustre_message()] {
        assert_mixed(&in_clear(24, &heartbeat(&clear)));
        assert_mixed(&in_clear(22, &[&done[..], &clear].concat()));
        // Hellos, a certificate, keys, a verification, a finished message.
        for kind in [0, 1, 3, 4, 11, 12, 13, 14, 15, 16, 20] {
            assert_mixed(&in_clear(22, &message(kind, &clear)));
        }
        // A ServerHello of text chooses a suite as well, which is none.
        for report in beside_session(&in_clear(22, &message(2, &clear))) {
            assert!(["plaintext", "mixed"].contains(&verdict(&report)));
        }
    }
    for clear in [TEXT.repeat(5), lustre_message()] {
        assert_mixed(&in_clear(22, &part(11, &clear)));
        assert_mixed(&in_clear(22, &part(1, &clear)));
    }
    assert_mixed(&in_clear(22, &part(1, TEXT)));
}

#[test]
fn bytes_in_epoch_0_that_no_structure_explains_leave_the_path_open() {
    let done = message(14, &[]);
    for unexplained in [
        in_clear(24, &noise(5, 60)),
        in_clear(24, &[&[1, 0, 60][..], &[0; 80]].concat()),
        in_clear(22, &message(12, &[0; 200])),
        in_clear(22, &[&done[..], &noise(6, 60)].concat()),
        in_clear(22, &[&done[..], &[1, 2, 3]].concat()),
        in_clear(22, &message(14, &noise(6, 60))),
        in_clear(22, &message(11, &noise(6, 60))),
        in_clear(22, &message(2, &noise(6, 60))),
        in_clear(21, &[7, 7]),
        in_clear(20, &[9]),
    ] {
        assert_open(&unexplained);
    }
}

#[test]
fn messages_of_a_handshake_are_no_alarm() {
    let der = [&[0x30, 0x82, 0, 200][..], &TEXT.repeat(3)[..200]].concat();
    let certificate = [&[0, 0, 207, 0, 0, 204][..], &der].concat();
    let keys = [
        &[3, 0, 23, 65][..],
        &noise(7, 65),
        &[4, 3, 0, 70],
        &noise(8, 70),
    ]
    .concat();
    let request = [&[1, 64, 0, 2, 4, 3, 0, 206, 0, 204][..], &der].concat();
    let hello = [
        &[0xfe, 0xfd][..],
        &noise(9, 32),
        &[0, 0, 0, 2, 0xc0, 0x2c, 1, 0],
    ]
    .concat();
    let name = [&[0, 80, 0, 0, 0, 76][..], TEXT].concat();
    let flight = [
        message(11, &certificate),
        message(12, &keys),
        message(13, &request),
    ]
    .concat();
    let messages = [
        message(1, &hello),
        message(1, &[&hello[..], &name].concat()),
        message(3, &[0xfe, 0xff, 4, 1, 2, 3, 4]),
        [flight, message(14, &[])].concat(),
        part(11, &[&noise(3, 40), &TEXT.repeat(3)[..]].concat()),
        message(16, &[&[65][..], &noise(7, 65)].concat()),
        message(4, &[&[0, 0, 1, 44, 0, 160][..], &noise(8, 160)].concat()),
    ];
    for fragment in messages {
        for report in beside_session(&in_clear(22, &fragment)) {
            assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 0));
        }
    }
}

#[test]
fn a_hello_of_dtls_1_3_beside_records_of_1_2_leaves_the_suite_open() {
    let mut hello = [&[0xfe, 0xfd][..], &noise(9, 32), &[0, 0x13, 0x02, 0]].concat();
    hello.extend([0, 6, 0, 43, 0, 2, 0xfe, 0xfc]);
    let said = Ip::v4(SERVER, CLIENT).packet(
        UDP,
        &udp(11_443, 40_001, &dtls::record(22, 0, 7, &message(2, &hello))),
    );
    let any = [&BLOCK[..], &["--policy", "any-dtls"]].concat();
    let report = report_of(&[session(), vec![ethernet(&said)]].concat(), &any);
    assert_eq!(outcome(path(&report), "suite"), "open");
    assert_eq!((verdict(&report), exit_code(&report)), ("undetermined", 3));
}

#[test]
fn what_a_tunnel_around_a_datagram_hides_counts() {
    let datagram =
        |payload: &[u8]| Ip::v4(CLIENT, SERVER).packet(UDP, &udp(40_000, 11_443, payload));
    for around in [
        Around::Vxlan,
        Around::Gre,
        Around::IpInIp,
        Around::Mpls,
        Around::Gtp,
    ] {
        assert_mixed(&ethernet(&around.packet(&datagram(TEXT))));
        assert_open(&ethernet(&around.packet(&datagram(&noise(7, 90)))));
    }
}

#[test]
fn lustre_behind_what_nothing_reads_leaves_the_run_open() {
    let segment = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &lustre_message()));
    let mut unknown = Link::Ethernet.frame(&segment);
    unknown[12..14].copy_from_slice(&[0xf1, 0xc1]);
    let other_port = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(40_000, 5988, &lustre_message()));
    let other_protocol = Ip::v4(CLIENT, SERVER).packet(98, &segment);
    let whole = |data: Vec<u8>| Stored {
        wire_len: data.len(),
        data,
        second: 3,
    };
    for packet in [
        whole(unknown),
        ethernet(&other_port),
        ethernet(&other_protocol),
    ] {
        for report in beside_session(&packet) {
            assert_eq!(verdict(&report), "encrypted");
            assert_eq!(outcome(&report, "decoded"), "open");
            assert_eq!(exit_code(&report), 3);
        }
    }
}

#[test]
fn a_frame_behind_labels_is_no_packet() {
    let segment = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &noise(1, 300)));
    for address in [[0x60, 0x45, 0xbd], [0x45, 0x00, 0x01]] {
        let mut frame = Link::Ethernet.frame(&segment);
        frame[..3].copy_from_slice(&address);
        // The place where IPv6 has its length, and IPv4 its own.
        frame[2..6].copy_from_slice(&[0xbd, 0x7c, 0x1e, 0x52]);
        let mut data = Link::Ethernet.frame(&segment)[..14].to_vec();
        data[12..14].copy_from_slice(&[0x88, 0x47]);
        data.extend([0, 1, 1, 64]);
        data.extend(frame);
        let packet = Stored {
            wire_len: data.len(),
            data,
            second: 3,
        };
        for report in beside_session(&packet) {
            assert_eq!(outcome(&report, "decoded"), "open", "{address:x?}");
        }
    }
}

#[test]
fn versions_that_do_not_exist_meet_no_policy() {
    let with = |version: [u8; 2], suite: u16| {
        let mut hello = dtls::server_hello(1, suite);
        hello[25..27].copy_from_slice(&version);
        let hello = Ip::v4(SERVER, CLIENT).packet(UDP, &udp(11_443, 40_000, &hello));
        let mut all = session();
        all[0] = ethernet(&hello);
        report_of(&all, &[&BLOCK[..], &["--policy", "any-dtls"]].concat())
    };
    assert_eq!(verdict(&with([0xfe, 0xfd], dtls::AZURE)), "encrypted");
    assert_eq!(verdict(&with([0x12, 0x34], dtls::AZURE)), "weak");
    assert_eq!(verdict(&with([0xfe, 0xfd], 0x1302)), "undetermined");
}

/// Offset of the type of the Ethernet frame in a VXLAN packet over IPv4.
const TYPE_IN_VXLAN: usize = 20 + 8 + 8 + 12;

/// Holds that a packet beside a session leaves the run open, and no more.
fn assert_run_open(packet: &Stored) {
    for report in beside_session(packet) {
        assert_eq!(verdict(&report), "encrypted");
        assert_eq!(outcome(&report, "decoded"), "open");
        assert_eq!(exit_code(&report), 3);
    }
}

/// Holds that a packet beside a session is nothing.
fn assert_nothing(packet: &Stored) {
    for report in beside_session(packet) {
        assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 0));
    }
}

#[test]
fn an_ip_packet_behind_what_nothing_reads_leaves_the_run_open() {
    let inner = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(40_000, 443, &noise(1, 300)));
    for header in [0, 4, 8, 20] {
        let behind = [&noise(2, header)[..], &inner].concat();
        let mut unknown = Link::Ethernet.frame(&behind);
        unknown[12..14].copy_from_slice(&[0xf1, 0xc1]);
        assert_run_open(&Stored::whole(unknown));
        let other_protocol = Ip::v4(CLIENT, SERVER).packet(99, &behind);
        assert_run_open(&ethernet(&other_protocol));
        for around in Around::ALL {
            assert_run_open(&ethernet(&around.packet(&other_protocol)));
        }
        let mut unknown = Around::Vxlan.packet(&behind);
        unknown[TYPE_IN_VXLAN..][..2].copy_from_slice(&[0xf1, 0xc1]);
        assert_run_open(&ethernet(&unknown));
    }
    let beside = Ip::v4(CLIENT, SERVER).packet(99, &noise(3, 300));
    for around in Around::ALL {
        assert_nothing(&ethernet(&around.packet(&beside)));
    }
    assert_nothing(&ethernet(
        &Ip::v4(CLIENT, SERVER).packet(99, &noise(3, 300)),
    ));
}

/// Routers and hosts quote what they could not hand on.
#[test]
fn an_error_that_quotes_lustre_leaves_the_run_open() {
    let ends = Ip::v4(SERVER, CLIENT);
    let quoted = |from: u16, to: u16, payload: &[u8]| {
        let segment = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(from, to, payload));
        ethernet(&port_unreachable(&ends, &segment))
    };
    assert_run_open(&quoted(1018, 988, &noise(1, 300)));
    assert_run_open(&quoted(988, 1018, &noise(1, 20)));
    assert_nothing(&quoted(1018, 988, &[]));
    assert_nothing(&quoted(40_000, 443, &noise(1, 300)));
    let datagram = Ip::v4(CLIENT, SERVER).packet(UDP, &udp(40_000, 53, &noise(1, 30)));
    assert_nothing(&ethernet(&port_unreachable(&ends, &datagram)));
}

#[test]
fn an_error_behind_options_quotes_as_well() {
    let [client, server] = ["fd00:1::4", "fd00:2::5"].map(|it| it.parse().expect("an address"));
    let (to_server, to_client) = (Ip::between(client, server), Ip::between(server, client));
    let quoted = |port: u16| {
        let segment = to_server.packet(TCP, &tcp(40_000, port, &noise(1, 300)));
        let error = &port_unreachable(&to_client, &segment)[40..];
        let options = [58, 0, 1, 4, 0, 0, 0, 0];
        to_client.packet(0, &[&options[..], error].concat())
    };
    let frame = |ip: &[u8]| Stored::whole(Link::Ethernet.frame(ip));
    assert_run_open(&frame(&quoted(988)));
    assert_nothing(&frame(&quoted(443)));
}

#[test]
fn bytes_behind_a_packet_leave_the_run_open() {
    let segment = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &[]));
    let stranger = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]).packet(UDP, &udp(5000, 5001, &[7; 40]));
    for packet in [segment, stranger] {
        for trailer in [lustre_message(), noise(4, 100), TEXT.to_vec()] {
            assert_run_open(&ethernet(&[&packet[..], &trailer].concat()));
        }
    }
    let stranger = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let datagram = stranger.packet(UDP, &udp(5000, 5001, &[7; 40]));
    for padding in [vec![0; 46], vec![0; 200], noise(5, 46)] {
        assert_nothing(&ethernet(&[&datagram[..], &padding].concat()));
    }
}

/// While a source route is not done, a packet's destination is another one's.
#[test]
fn a_packet_on_its_way_to_another_address_leaves_the_run_open() {
    let segment = tcp(1018, 988, &lustre_message());
    let elsewhere = [192, 0, 2, 9];
    let plain = Ip::v4(CLIENT, elsewhere).packet(TCP, &segment);
    for (kind, pointer, is_done) in [(131, 4, false), (137, 4, false), (131, 8, true)] {
        let options = [&[1, kind, 7, pointer][..], &SERVER].concat();
        let mut packet = [&plain[..20], &options, &plain[20..]].concat();
        packet[0] = 0x47;
        let len = u16::try_from(packet.len()).expect("a short packet");
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        let report = report_of(&[session(), vec![ethernet(&packet)]].concat(), &BLOCK);
        assert_eq!(in_bucket(&report, "undecodable"), u64::from(!is_done));
    }
    let [client, router] = ["fd00:1::4", "fd00:9::9"].map(|it| it.parse().expect("an address"));
    for left in [1, 0] {
        let routing = [&[TCP, 2, 4, left, 0, 0, 0, 0][..], &[7; 16]].concat();
        let packet = Ip::between(client, router).packet(43, &[&routing[..], &segment].concat());
        let report = report_of(&[session(), vec![ethernet_6(&packet)]].concat(), &BLOCK);
        assert_eq!(in_bucket(&report, "undecodable"), u64::from(left));
    }
}

fn ethernet_6(packet: &[u8]) -> Stored {
    let mut frame = ethernet(packet);
    frame.data[12..14].copy_from_slice(&[0x86, 0xdd]);
    frame
}

/// What anyone may fill can hold a packet as well.
#[test]
fn a_block_of_ones_own_that_holds_a_packet_leaves_the_run_open() {
    let order = bytes::Order::Little;
    let hidden = ethernet(&Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &lustre_message())));
    let numbered: Vec<_> = session().into_iter().map(|packet| (0, packet)).collect();
    let wire_len = u32::try_from(hidden.data.len()).expect("a short packet");
    let enhanced = bytes::enhanced(order, 0, 7, &hidden.data, 600);
    let simple = bytes::simple(order, &hidden.data, wire_len);
    let contents = [enhanced, simple].into_iter().flat_map(|block| {
        let body = block[8..block.len() - 4].to_vec();
        [block, body]
    });
    for content in contents {
        for kind in [0x0bad, 0x4000_0bad, 0x8000_1234] {
            let content = [&[0xd9, 0x7e, 0, 0][..], &content].concat();
            let mut file = pcapng(1, &numbered);
            file.extend(bytes::block(order, kind, &content));
            let report = report(&[file], &BLOCK);
            assert_eq!(exit_code(&report), 3);
        }
    }
    let mut file = pcapng(1, &numbered);
    file.extend(bytes::block(order, 0x0bad, b"\xd9\x7e\0\0somebody's own"));
    assert_eq!(exit_code(&report(&[file], &BLOCK)), 0);
}

/// A capture behind what makes it look like something else.
#[test]
fn a_capture_behind_junk_is_not_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.cap"), pcap(1, &session())).expect("a file");
    let clear = pcap(1, &[to_lustre(&lustre_message())]);
    let page = "<html>\n\r\r\n".repeat(20);
    let log = "a line of a log\n".repeat(10_000);
    for junk in [&page.as_bytes()[..6], b"{}\n", b"<", log.as_bytes()] {
        let file = [junk, &clear].concat();
        std::fs::write(folder.path().join("b"), file).expect("a file");
        assert_eq!(run_on(folder.path()), 3);
    }
    for text in [page, log] {
        std::fs::write(folder.path().join("b"), text).expect("a file");
        assert_eq!(run_on(folder.path()), 0);
    }
}

/// Captures that cannot be read may hold anything: traces of Windows, which have no magic, and
/// zstd whose window is larger than the limit.
#[test]
fn a_capture_that_cannot_be_read_leaves_the_run_open() {
    let clear = pcap(1, &[to_lustre(&lustre_message())]);
    let mut wide = zstd::Encoder::new(Vec::new(), 1).expect("zstd");
    wide.window_log(31).expect("a window");
    std::io::Write::write_all(&mut wide, &clear).expect("memory");
    let wide = wide.finish().expect("zstd");
    let etl = [&[0, 0, 1, 0, 0, 0, 0, 0][..], &noise(1, 600)].concat();
    for (name, content) in [("b.etl", etl), ("b.pcap.zst", wide)] {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.cap"), pcap(1, &session())).expect("a file");
        assert_eq!(run_on(folder.path()), 0);
        let file = folder.path().join(name);
        std::fs::write(&file, content).expect("a file");
        assert_eq!(run_on(folder.path()), 3, "{name}");
        assert_eq!(run_on(&file), 2, "{name}");
    }
}

/// With the flag every session needs a hello that was seen.
#[test]
fn a_session_without_its_hello_is_open_where_one_is_required() {
    let strict = [&BLOCK[..], &["--require-handshake"]].concat();
    let (whole, bare) = (session(), session()[1..].to_vec());
    // A second session, of other ports, whose hello was not captured.
    let more = (2..30).map(|n| tunnel_from(41_000, &dtls::protected(n, 200)));
    let mixed = [whole.clone(), more.collect()].concat();
    for (packets, strictly) in [(whole, 0), (bare, 3), (mixed, 3)] {
        assert_eq!(exit_code(&report_of(&packets, &BLOCK)), 0);
        let report = report_of(&packets, &strict);
        assert_eq!(exit_code(&report), strictly);
        let suite = if strictly == 0 { "met" } else { "open" };
        assert_eq!(outcome(path(&report), "suite"), suite);
    }
}

/// The exit code of a run on a folder or a file.
fn run_on(folder: &std::path::Path) -> i32 {
    let mut command = analyze();
    let output = run(command.args(BLOCK).arg(folder));
    output.status.code().expect("a code")
}

/// Data in epoch 0 that is no text, as a record.
fn clear_data() -> Vec<u8> {
    dtls::clear_data(90, &noise(9, 300))
}

#[test]
fn clear_data_beside_a_cut_header_is_not_explained() {
    /// Bytes before the payload of a datagram: Ethernet, IPv4, UDP.
    const START: usize = 42;
    const HEADER_LEN: usize = 13;
    let clear = clear_data();
    let before = [&clear[..], &dtls::protected(91, 200)].concat();
    for cut in 0..HEADER_LEN {
        assert_open(&tunnel(&before).cut(START + clear.len() + cut));
    }
    let protected = dtls::protected(91, 200);
    let behind = [&protected[..], &clear].concat();
    // Up to its epoch.
    for cut in 5..HEADER_LEN {
        assert_open(&tunnel(&behind).cut(START + protected.len() + cut));
    }
    // The header stands in two fragments.
    let datagram = udp(40_000, 11_443, &before);
    let pieces = Ip::v4(CLIENT, SERVER).fragments(UDP, 7, &datagram, 328);
    let pieces = pieces.iter().map(|piece| ethernet(piece));
    let all: Vec<_> = session().into_iter().chain(pieces).collect();
    assert_eq!(verdict(&report_of(&all, &BLOCK)), "undetermined");
}

#[test]
fn lustre_from_a_reserved_port_of_a_named_server_is_plaintext() {
    let there = ((CLIENT, 6988), (SERVER, 1021));
    let back = ((SERVER, 1021), (CLIENT, 6988));
    for servers in [BLOCK, ["--servers", "10.20.2.5"]] {
        for (source, destination) in [there, back] {
            let mut all = session();
            all.push(segment(source, destination, &lustre_message()));
            let report = report_of(&all, &servers);
            assert_eq!(exit_code(&report), 1, "{servers:?} {source:?}");
        }
    }
}

#[test]
fn lustre_in_a_later_fragment_of_other_tcp_leaves_the_run_open() {
    let stream = tcp(40_000, 6988, &[noise(3000, 580), lustre_message()].concat());
    for (server, open) in [(SERVER, 3), ([192, 0, 2, 7], 0)] {
        let pieces = Ip::v4(server, [192, 0, 2, 1]).fragments(TCP, 7, &stream, 560);
        let pieces = pieces.iter().map(|piece| ethernet(piece));
        let all: Vec<_> = session().into_iter().chain(pieces).collect();
        let report = report_of(&all, &BLOCK);
        assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", open));
        assert_eq!(in_bucket(&report, "undecodable"), u64::from(open == 3));
    }
}

/// A fragment of an IPv6 packet, whose header names the protocol that stands behind it.
fn fragment_v6(next: u8, at: u16, has_more: bool, part: &[u8]) -> Stored {
    const FRAGMENT: u8 = 44;
    let offset = (at | u16::from(has_more)).to_be_bytes();
    let header = [&[next, 0][..], &offset, &[0, 0, 0, 7], part].concat();
    let [client, server] = V6_ENDS.map(Into::into);
    ethernet(&Ip::between(client, server).packet(FRAGMENT, &header))
}

const V6_ENDS: [std::net::Ipv6Addr; 2] = [
    std::net::Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 4),
    std::net::Ipv6Addr::new(0xfd00, 2, 0, 0, 0, 0, 0, 5),
];

#[test]
fn text_in_a_later_fragment_behind_extensions_is_readable() {
    const OPTIONS: u8 = 60;
    let [client, server] = V6_ENDS.map(std::net::IpAddr::from);
    let ip = Ip::between(client, server);
    let data = |record: &[u8]| udp(40_000, 11_443, record);
    let hello = udp(11_443, 40_000, &dtls::server_hello(1, dtls::AZURE));
    let hello = Ip::between(server, client).packet(UDP, &hello);
    let session = (2..30).map(|n| ethernet(&ip.packet(UDP, &data(&dtls::protected(n, 200)))));
    let session: Vec<_> = [ethernet(&hello)].into_iter().chain(session).collect();
    let datagram = data(&dtls::record(
        23,
        1,
        40,
        &[noise(4000, 600), TEXT.to_vec()].concat(),
    ));
    let options = [&[UDP, 0, 1, 4, 0, 0, 0, 0][..], &datagram].concat();
    let servers = ["--servers", "fd00:2::/64"];
    assert_eq!(exit_code(&report_of(&session, &servers)), 0);
    for (next, whole) in [(UDP, datagram), (OPTIONS, options)] {
        let (first, later) = whole.split_at(560);
        let pieces = [
            fragment_v6(next, 0, true, first),
            fragment_v6(next, 560, false, later),
        ];
        let all = [session.clone(), pieces.to_vec()].concat();
        assert_eq!(verdict(&report_of(&all, &servers)), "mixed", "{next}");
    }
}

#[test]
fn any_ip_behind_an_unknown_header_leaves_the_run_open() {
    let [client, server] = V6_ENDS.map(std::net::IpAddr::from);
    let stream = tcp(1021, 988, &noise(1, 300));
    let mut labelled = Ip::between(client, server).packet(TCP, &stream);
    labelled[1..4].copy_from_slice(&[0x05, 0xab, 0xcd]);
    let mut with_options = Ip::v4(CLIENT, SERVER);
    with_options.more = true;
    let first = with_options.fragments(TCP, 7, &stream, 160).swap_remove(0);
    for ip in [labelled, Ip::v4(CLIENT, SERVER).packet(TCP, &stream), first] {
        let frame = [&[2; 12][..], &[0x92, 0x00, 0, 5, 0x08, 0x00], &ip].concat();
        let mut all = session();
        all.push(Stored::whole(frame));
        let report = report_of(&all, &BLOCK);
        assert_eq!((verdict(&report), exit_code(&report)), ("encrypted", 3));
        assert_eq!(in_bucket(&report, "undecodable"), 1);
    }
}
