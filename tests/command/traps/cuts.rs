//! What captures cut off, and what comes in pieces.

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, path, paths, report_of, to_lustre, verdict,
};
use crate::support::packets::{Around, Ip, TCP, UDP, dtls, noise, tcp, udp};

/// Bytes before the payload of a segment: Ethernet, IPv4, TCP with timestamps.
const SEGMENT_START: usize = 66;

#[test]
fn a_vxlan_header_cut_off_is_never_other_traffic() {
    let inner = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &noise(1, 200)));
    let frame = ethernet(&Around::Vxlan.packet(&inner));
    for snap_len in 38..50 {
        let cut = [frame.clone().cut(snap_len)];
        let inside = report_of(&cut, &BLOCK);
        assert_eq!(in_bucket(&inside, "undecodable"), 1, "{snap_len}");
        let ends = report_of(&cut, &["--servers", "192.168.50.2"]);
        assert_eq!(in_bucket(&ends, "other"), 0, "{snap_len}");
        if in_bucket(&ends, "undecodable") == 0 {
            assert_eq!(verdict(&ends), "undetermined", "{snap_len}");
        }
    }
}

#[test]
fn a_cut_stream_of_records_is_not_taken_for_plaintext() {
    let stream: Vec<Stored> = (0..20)
        .map(|n| to_lustre(&dtls::protected(n, 300)))
        .collect();
    for snap_len in 60..=78 {
        let cut: Vec<Stored> = stream.iter().map(|it| it.clone().cut(snap_len)).collect();
        let report = report_of(&cut, &BLOCK);
        if snap_len > SEGMENT_START {
            assert_eq!(verdict(&report), "undetermined", "{snap_len}");
        } else {
            assert_ne!(verdict(&report), "encrypted", "{snap_len}");
        }
    }
}

#[test]
fn later_fragments_of_an_undecodable_first_are_undecodable() {
    let inner = Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(1018, 988, &noise(1, 400)));
    let ends = Ip::v4([192, 168, 50, 1], [192, 168, 50, 2]);
    let whole = Around::Vxlan.packet(&inner);
    let pieces = ends.fragments(UDP, 7, &whole[20..], 160);
    let pieces: Vec<Stored> = pieces.iter().map(|piece| ethernet(piece)).collect();
    // From before the ports to after the inner Ethernet header.
    for snap_len in 34..=80 {
        let mut cut = pieces.clone();
        cut[0] = cut[0].clone().cut(snap_len);
        for _ in 0..2 {
            let report = report_of(&cut, &BLOCK);
            let undecodable = in_bucket(&report, "undecodable");
            assert_eq!(undecodable, cut.len() as u64, "{snap_len}");
            cut.reverse();
        }
    }
}

#[test]
fn a_reused_identification_joins_nothing() {
    let ip = Ip::v4(CLIENT, SERVER);
    let pieces = ip.fragments(TCP, 7, &tcp(1018, 988, &noise(1, 400)), 160);
    for (second, joined) in [(29, true), (31, false)] {
        let packets = [ethernet(&pieces[0]), ethernet(&pieces[1]).at(second)];
        let report = report_of(&packets, &[]);
        let orphans = in_bucket(&report, "undecodable");
        assert_eq!(orphans, u64::from(!joined), "{second} s");
        let path = &path(&report)["traffic"]["plaintext"];
        assert_eq!(path["packets"], if joined { 2 } else { 1 });
    }
    // Nor a datagram's: what comes late may be of any flow between the two.
    let pieces = ip.fragments(UDP, 7, &udp(40_000, 11_443, &dtls::protected(1, 400)), 160);
    let packets = [ethernet(&pieces[0]), ethernet(&pieces[1]).at(31)];
    let report = report_of(&packets, &BLOCK);
    assert_eq!(paths(&report)[0]["traffic"]["encrypted"]["packets"], 1);
    assert_eq!(paths(&report)[0]["traffic"]["undetermined"]["packets"], 1);
}
