//! Law 2 at the decoder: a cut frame decodes to the same, or to what says that it was cut;
//! and the fast path agrees with the full walk.

use std::net::Ipv6Addr;
use std::path::Path;

use plainsight::capture::{Frame, Interfaces, LinkType};
use plainsight::decode::{
    Cause, Content, DecodeStop, Decoded, ENCAPSULATIONS, Packet, Transport, TunnelPorts, decode,
    fast_path, full_walk,
};
use plainsight::input::{Input, InputPath};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::decoding::mutated;
use crate::filter::Filters;
use crate::support::packets::{Around, Ip, TCP, UDP, session, snap, tagged, tcp, udp};
use crate::support::run::{Stored, reported};
use crate::support::{config, expect, made};

/// The stop of a frame whose transport header was not reached.
fn stop(decoded: &Decoded<'_>) -> Option<DecodeStop> {
    match decoded.content {
        Content::Undecodable(stop) => Some(stop),
        Content::Packet(packet) => match packet.transport {
            Transport::Unread(stop) => Some(stop),
            Transport::Ports { .. } => None,
        },
        Content::Other => None,
    }
}

fn packet<'a>(decoded: &Decoded<'a>) -> Option<Packet<'a>> {
    match decoded.content {
        Content::Packet(packet) => Some(packet),
        _ => None,
    }
}

/// What is decoded, with as much of its payload as is left before `end`.
fn shortened<'a>(mut decoded: Decoded<'a>, frame: &[u8], end: usize) -> Decoded<'a> {
    if let Content::Packet(packet) = &mut decoded.content
        && let Transport::Ports { payload, .. } = &mut packet.transport
    {
        // What is empty may stand anywhere.
        let start = payload
            .bytes
            .as_ptr()
            .addr()
            .wrapping_sub(frame.as_ptr().addr());
        let left = payload.bytes.len().min(end.saturating_sub(start));
        payload.bytes = &payload.bytes[..left];
    }
    decoded
}

/// Holds what a cut frame decodes to against the whole one.
fn assert_honest(frame: &Frame<'_>, len: usize) {
    let options = TunnelPorts::default();
    let cut_frame = Frame {
        data: &frame.data[..len],
        ..*frame
    };
    let (whole, cut) = (decode(frame, &options), decode(&cut_frame, &options));
    match stop(&cut) {
        Some(stop) if stop.cause == Cause::Capture => {
            let depth = |decoded: &Decoded<'_>| decoded.encapsulation.names().count();
            assert!(stop.offset <= len && stop.missing > 0, "{stop:?} at {len}");
            if let (Some(whole), Some(part)) = (packet(&whole), packet(&cut))
                && depth(&decode(frame, &options)) == depth(&cut)
            {
                let ends = |packet: &Packet<'_>| (packet.source, packet.destination);
                assert_eq!(ends(&whole), ends(&part), "{len} of {frame:?}");
                assert_eq!(whole.protocol, part.protocol, "{len} of {frame:?}");
            }
        }
        _ => {
            let same = shortened(whole, frame.data, len);
            assert_eq!(same, cut, "{len} of {frame:?}");
        }
    }
}

/// Holds the fast path to the full walk; true where it was taken.
fn agrees(frame: &Frame<'_>) -> bool {
    let options = TunnelPorts::default();
    assert_eq!(
        decode(frame, &options),
        full_walk(frame, &options),
        "{frame:?}"
    );
    fast_path(frame, &options).is_some()
}

fn walk_traces(mut on_frame: impl FnMut(&Frame<'_>)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let traces = expect::load(&folder).expect("traces");
    for trace in traces.iter().filter(|trace| !trace.file.contains(".pcap.")) {
        let path = InputPath {
            path: folder.join(&trace.file),
            found_in: None,
        };
        let input = Input::open(&path).expect("a trace");
        input.walk(&Interfaces::default(), &mut on_frame, |_| {});
    }
}

#[test]
fn the_fast_path_agrees_with_the_full_walk_on_traces_and_each_of_their_bits() {
    let (mut frames, mut taken) = (0, 0);
    walk_traces(|frame| {
        frames += 1;
        taken += usize::from(agrees(frame));
        let bits = frame.data.len().min(64) * 8;
        for bit in (0..bits).filter(|_| frame.number % 8 == 1) {
            let mut data = frame.data.to_vec();
            data[bit / 8] ^= 1 << (bit % 8);
            agrees(&Frame {
                data: &data,
                ..*frame
            });
        }
    });
    assert!(frames > 1000 && taken > frames / 2, "{taken} of {frames}");
}

/// Bytes of any kind behind the fields that the fast path looks for.
fn nearly_ordinary() -> impl Strategy<Value = Stored> {
    let head = (
        select(&[0x45_u8, 0x46, 0x4f, 0x44][..]),
        select(&[6_u8, 17, 47][..]),
    );
    let lengths = (
        0..120_u16,
        select(&[0_u8, 0x50, 0x60, 0xf0, 0x40][..]),
        0..90_u16,
    );
    let bytes = vec(any::<u8>(), 0..140);
    (head, lengths, bytes, 0..200_u32, any::<bool>()).prop_map(
        |((version, protocol), (total, offset, stated), mut bytes, more, whole)| {
            let fields: [(usize, u8); 10] = [
                (12, 8),
                (13, 0),
                (14, version),
                (16, 0),
                (17, total.to_be_bytes()[1]),
                (20, 0x40),
                (21, 0),
                (23, protocol),
                (38, 0),
                (39, stated.to_be_bytes()[1]),
            ];
            for (at, value) in fields.into_iter().chain([(46, offset)]) {
                // Of UDP and TCP, each has a length in another place.
                let is_other = (at == 46 && protocol == 17) || (at == 39 && protocol == 6);
                if let Some(byte) = bytes.get_mut(at).filter(|_| !is_other) {
                    *byte = value;
                }
            }
            let mut frame = Stored::whole(LinkType::ETHERNET, bytes);
            frame.wire_len += if whole { 0 } else { more };
            frame
        },
    )
}

#[test]
fn packets_of_every_encapsulation_are_made_and_documented() {
    let limits = include_str!("../../docs/limits.md");
    for kind in &ENCAPSULATIONS {
        let made = Around::ALL
            .iter()
            .any(|around| around.names().contains(&kind.name));
        assert!(made, "no packets in {}", kind.name);
        assert!(
            limits.contains(kind.name),
            "no {} in docs/limits.md",
            kind.name
        );
    }
}

#[test]
fn a_link_type_without_a_decoder_is_named() {
    for (number, name) in [(239, "NFLOG (239)"), (127, "(127)"), (65_000, "65000")] {
        let frame = Stored::whole(LinkType(number), vec![0; 60]);
        let report = reported(&[frame], 10);
        let reason = &report["accounting"]["undecodable"]["reasons"][0]["reason"];
        let reason = reason.as_str().expect("a reason");
        assert!(reason.contains(name), "{reason}");
        let warnings = report["warnings"].as_array().expect("warnings");
        let is_told = |warning: &Value| warning.as_str().is_some_and(|it| it.contains(reason));
        assert!(warnings.iter().any(is_told), "{warnings:?}");
    }
}

/// Frames in which something tells what stands around an IP packet.
fn around(ip: &[u8]) -> Vec<(Vec<u8>, &'static [&'static str])> {
    let label = |label: u8, bottom: u8| [0, label, bottom, 64];
    let ends = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let one = [&label(9, 1)[..], ip].concat();
    let three = [&label(9, 0)[..], &label(8, 0), &label(7, 1), ip].concat();
    let kind = if ip[0] >> 4 == 6 {
        [0x86, 0xdd]
    } else {
        [8, 0]
    };
    let frame = tagged(0, u16::from_be_bytes(kind), ip);
    // All that is reserved is set (RFC 7348 5, RFC 8926 3.4).
    let vxlan = [&[0xff, 0xff, 0xff, 0xff, 0, 0, 42, 0xff][..], &frame].concat();
    let geneve = [&[0, 0x3f][..], &kind, &[0, 0, 43, 0xff], ip].concat();
    let vxlan_gpe = [&[0x0f, 0xff, 0xff, 3, 0, 0, 42, 0xff][..], &frame].concat();
    let gtp = [&[0x30, 255, 0, 0, 0, 0, 0, 48][..], ip].concat();
    let in_udp_to = |port, payload: &[u8]| {
        let datagram = udp(51_000, port, payload);
        tagged(0, 0x0800, &ends.packet(UDP, &datagram))
    };
    let snap = snap(ip);
    let len = u16::try_from(snap.len()).expect("a short frame");
    let padded = [&snap[..], &[0; 20]].concat();
    let bridge_tunnel = [&snap[..5], &[0xf8], &snap[6..]].concat();
    vec![
        (in_udp_to(4789, &vxlan), &["VXLAN"]),
        (in_udp_to(8472, &vxlan), &["VXLAN"]),
        (in_udp_to(4790, &vxlan_gpe), &["VXLAN-GPE"]),
        (
            in_udp_to(4790, &[&[8, 0, 0, 0, 0, 0, 42, 0][..], &frame].concat()),
            &["VXLAN-GPE"],
        ),
        (in_udp_to(2152, &gtp), &["GTP-U"]),
        (
            in_udp_to(4754, &[&[0, 0][..], &kind, ip].concat()),
            &["GRE"],
        ),
        (in_udp_to(6081, &geneve), &["Geneve"]),
        (in_udp_to(6635, &one), &["MPLS"]),
        (tagged(0, len, &padded), &["LLC/SNAP"]),
        (tagged(2, len, &snap), &["LLC/SNAP"]),
        (tagged(0, len, &bridge_tunnel), &["LLC/SNAP"]),
        (tagged(0, 0x8847, &one), &["MPLS"]),
        (tagged(2, 0x8848, &three), &["MPLS"]),
        (tagged(0, 0x0800, &ends.packet(137, &three)), &["MPLS"]),
        (tagged(0, 0x8864, &session(ip)), &["PPPoE"]),
        (tagged(1, 0x8864, &session(ip)), &["PPPoE"]),
    ]
}

#[test]
fn whatever_tells_what_stands_around_a_packet_leads_to_it() {
    let v4 = Ip::v4([10, 20, 1, 4], [10, 20, 2, 5]);
    let v6 = Ip::between(Ipv6Addr::from_bits(1).into(), Ipv6Addr::from_bits(2).into());
    let filters = Filters::new("");
    for ip in [v4, v6] {
        let packet = ip.packet(TCP, &tcp(1018, 988, b"readable"));
        for (data, names) in around(&packet) {
            let frame = Stored::whole(LinkType::ETHERNET, data);
            let decoded = decode(&frame.at(0), &TunnelPorts::default());
            let found: Vec<_> = decoded.encapsulation.names().collect();
            assert_eq!(found, names, "{frame:?}");
            let Content::Packet(packet) = decoded.content else {
                panic!("{decoded:?} of {frame:?}");
            };
            let ends = [packet.source, packet.destination];
            assert_eq!(ends, [ip.source.into(), ip.destination.into()]);
            let Transport::Ports { payload, .. } = packet.transport else {
                panic!("{decoded:?} of {frame:?}");
            };
            assert_eq!(payload.bytes, b"readable");
            assert!(filters.lets_through(&frame), "{frame:?}");
        }
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn the_fast_path_agrees_with_the_full_walk_on_any_bytes(
        link_type in prop_oneof![Just(1_u16), 0..300_u16],
        data in vec(any::<u8>(), 0..200),
        near in nearly_ordinary(),
        frames in mutated(),
    ) {
        let any = Stored::whole(LinkType(link_type), data);
        for frame in frames.iter().chain([&any, &near]) {
            agrees(&frame.at(0));
        }
    }

    #[test]
    fn a_cut_frame_decodes_to_the_same_or_to_cut(
        made in made::capture(4),
        frames in mutated(),
        near in nearly_ordinary(),
        cuts in vec(any::<Index>(), 8),
    ) {
        let made = made.into_iter().map(|made| made.frame);
        for frame in made.chain(frames).chain([near]) {
            let headers = 0..frame.data.len().min(150);
            let cuts = cuts.iter().map(|cut| cut.index(frame.data.len() + 1));
            for len in headers.chain(cuts) {
                assert_honest(&frame.at(0), len);
            }
        }
    }
}
