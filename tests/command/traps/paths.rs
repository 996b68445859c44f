//! Which packets are a path's, who is its server, and who speaks for it.

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, path, paths, pcap, pcapng, report,
    report_of, segment, to_lustre, tunnel, verdict,
};
use crate::support::packets::{Ip, Link, TCP, UDP, dtls, lustre, noise, tcp, udp};

const SLL2: u32 = 276;

/// A packet as an interface of a capture of all of them saw it.
fn seen_by(interface: u8, ip: &[u8]) -> Stored {
    let mut frame = Link::Sll2.frame(ip);
    frame[4..8].copy_from_slice(&[0, 0, 0, interface]);
    Stored::whole(frame)
}

fn datagram(sequence: u64) -> Vec<u8> {
    let record = dtls::protected(sequence, 200);
    Ip::v4(CLIENT, SERVER).packet(UDP, &udp(40_000, 11_443, &record))
}

fn clear(port: u16) -> Vec<u8> {
    Ip::v4(CLIENT, SERVER).packet(TCP, &tcp(port, 988, &lustre::keepalive()))
}

#[test]
fn plaintext_that_a_lesser_interface_alone_saw_makes_a_path_mixed() {
    let mut packets: Vec<Stored> = (0..50).map(|n| seen_by(2, &datagram(n))).collect();
    packets.push(seen_by(3, &clear(1018)));
    let report = report(&[pcap(SLL2, &packets)], &BLOCK);
    assert_eq!(verdict(&report), "mixed");
    assert_eq!(in_bucket(&report, "duplicates"), 0);
}

#[test]
fn plaintext_in_another_capture_makes_a_path_mixed() {
    let encrypted: Vec<Stored> = (0..50).map(|n| ethernet(&datagram(n))).collect();
    let plain = pcapng(2, &[(1, ethernet(&clear(1018)))]);
    let report = report(&[pcap(1, &encrypted), plain], &BLOCK);
    assert_eq!(verdict(&report), "mixed");
}

#[test]
fn a_flow_that_is_readable_on_a_lesser_interface_alone_makes_a_path_mixed() {
    let mut packets: Vec<Stored> = (0..50).map(|n| seen_by(2, &datagram(n))).collect();
    let clear = udp(40_000, 11_443, &dtls::clear_data(50, &noise(50, 90)));
    packets.push(seen_by(3, &Ip::v4(CLIENT, SERVER).packet(UDP, &clear)));
    let report = report(&[pcap(SLL2, &packets)], &BLOCK);
    assert_eq!(verdict(&report), "mixed");
    assert_eq!(in_bucket(&report, "duplicates"), 0);
}

#[test]
fn a_flow_on_two_interfaces_is_one_and_its_duplicates() {
    let packets: Vec<Stored> = (0..50)
        .flat_map(|n| [2, 3].map(|interface| seen_by(interface, &datagram(n))))
        .collect();
    let report = report(&[pcap(SLL2, &packets)], &BLOCK);
    assert_eq!(verdict(&report), "encrypted");
    assert_eq!(in_bucket(&report, "paths"), 50);
    assert_eq!(in_bucket(&report, "duplicates"), 50);
}

#[test]
fn nfs_with_an_address_that_only_may_be_a_server_is_other_traffic() {
    let packets = [
        segment((CLIENT, 1021), (SERVER, 2049), &noise(1, 100)),
        segment((SERVER, 2049), (CLIENT, 1021), &noise(2, 100)),
    ];
    let in_block = report_of(&packets, &BLOCK);
    assert_eq!(paths(&in_block).len(), 0);
    assert_eq!(in_bucket(&in_block, "other"), 2);
    let named = report_of(&packets, &["--servers", "10.20.2.5"]);
    assert_eq!(verdict(&named), "plaintext");
    assert_eq!(in_bucket(&named, "paths"), 2);
}

#[test]
fn a_server_that_calls_back_first_stays_a_server() {
    // Its addresses both ways around: the lower is not always the client's.
    for (client, server) in [(CLIENT, SERVER), (SERVER, CLIENT)] {
        let message = |from: [u8; 4], to: [u8; 4]| {
            lustre::put(from.into(), to.into(), 28, &lustre::request(400))
        };
        let mut packets = vec![segment((server, 1021), (client, 988), &noise(1, 40))];
        for port in 1015..1019 {
            let there = message(client, server);
            packets.push(segment((client, port), (server, 988), &there));
            let back = message(server, client);
            packets.push(segment((server, 988), (client, port), &back));
        }
        let cut: Vec<Stored> = packets.into_iter().map(|packet| packet.cut(128)).collect();
        let report = report_of(&cut, &[]);
        let server = std::net::Ipv4Addr::from(server).to_string();
        assert_eq!(path(&report)["server"], server);
        assert_eq!(verdict(&report), "plaintext");
    }
}

#[test]
fn a_client_among_possible_servers_has_no_path_to_a_third_host() {
    let (client, host) = ([10, 20, 2, 50], [192, 0, 2, 7]);
    let called = lustre::connection_request(SERVER.into());
    let request = lustre::put(client.into(), SERVER.into(), 28, &lustre::request(400));
    let mut packets = vec![
        segment((client, 1018), (SERVER, 988), &called),
        segment((client, 1018), (SERVER, 988), &request),
    ];
    packets.extend((0..9).map(|n| {
        let record = udp(40_000, 4433, &dtls::protected(n, 100));
        ethernet(&Ip::v4(client, host).packet(UDP, &record))
    }));
    let report = report_of(&packets, &BLOCK);
    assert_eq!(path(&report)["server"], "10.20.2.5");
    assert_eq!(in_bucket(&report, "dtls_elsewhere"), 9);
}

#[test]
fn a_packet_longer_than_its_frame_keeps_its_path() {
    let shortened = |packet: Stored| {
        let packet = packet.cut(200);
        Stored::whole(packet.data)
    };
    let encrypted = shortened(tunnel(&dtls::protected(1, 900)));
    let plain = shortened(to_lustre(&[lustre::keepalive(), noise(1, 900)].concat()));
    for packet in [encrypted, plain.clone()] {
        let report = report_of(&[packet], &BLOCK);
        assert_eq!(path(&report)["client"], "10.20.1.5");
        assert_eq!(path(&report)["server"], "10.20.2.5");
    }
    assert_eq!(verdict(&report_of(&[plain], &BLOCK)), "plaintext");
}

#[test]
fn sizes_of_long_packets_are_right() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut sizes: Vec<usize> = (0..300).map(|_| rng.usize(100..65_549)).collect();
    sizes.push(65_549);
    let packets: Vec<Stored> = sizes
        .iter()
        .map(|len| to_lustre(&vec![1; len - 66]).cut(100))
        .collect();
    let report = report_of(&packets, &BLOCK);
    sizes.sort_unstable();
    let told = &path(&report)["packet_sizes"];
    for (name, percent) in [("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)] {
        let size = sizes[(sizes.len() * percent).div_ceil(100) - 1] as u64;
        let told = told[name].as_u64().expect("a number");
        assert!(told.abs_diff(size) <= size / 1000, "{name}: {told}, {size}");
    }
}
