//! The command over captures made here.

use std::fs;

use serde_json::Value;

use crate::support::bytes::{self, Order};
use crate::support::packets::{Ip, Link, TCP, UDP, tcp, udp};
use crate::support::program::{analyze, run};

pub const CLIENT: [u8; 4] = [10, 20, 1, 5];
pub const SERVER: [u8; 4] = [10, 20, 2, 5];
/// A block that has the server.
pub const BLOCK: [&str; 2] = ["--servers", "10.20.2.0/24"];

/// A packet as a capture stores it.
#[derive(Clone)]
pub struct Stored {
    pub data: Vec<u8>,
    pub wire_len: usize,
    pub second: u32,
}

impl Stored {
    pub fn whole(data: Vec<u8>) -> Self {
        Self {
            wire_len: data.len(),
            data,
            second: 0,
        }
    }

    pub fn cut(mut self, snap_len: usize) -> Self {
        self.data.truncate(snap_len);
        self
    }

    pub fn at(self, second: u32) -> Self {
        Self { second, ..self }
    }

    fn wire_len(&self) -> u32 {
        u32::try_from(self.wire_len).expect("a length of 32 bits")
    }
}

/// An Ethernet frame with an IP packet.
pub fn ethernet(ip: &[u8]) -> Stored {
    Stored::whole(Link::Ethernet.frame(ip))
}

/// A datagram of a tunnel from client to server.
pub fn tunnel(payload: &[u8]) -> Stored {
    tunnel_from(40_000, payload)
}

pub fn tunnel_from(port: u16, payload: &[u8]) -> Stored {
    let ip = Ip::v4(CLIENT, SERVER);
    ethernet(&ip.packet(UDP, &udp(port, 11_443, payload)))
}

/// A segment from one address and port to another.
pub fn segment(source: ([u8; 4], u16), destination: ([u8; 4], u16), payload: &[u8]) -> Stored {
    let ip = Ip::v4(source.0, destination.0);
    ethernet(&ip.packet(TCP, &tcp(source.1, destination.1, payload)))
}

/// A segment to Lustre's port of the server.
pub fn to_lustre(payload: &[u8]) -> Stored {
    segment((CLIENT, 1018), (SERVER, 988), payload)
}

/// A pcap of a link type.
pub fn pcap(network: u32, packets: &[Stored]) -> Vec<u8> {
    let order = Order::Little;
    let mut file = bytes::pcap_header(order, bytes::MICROS, 262_144, network);
    for packet in packets {
        let time = (1_700_000_000 + packet.second, 0);
        file.extend(bytes::pcap_record(
            order,
            time,
            &packet.data,
            packet.wire_len(),
        ));
    }
    file
}

/// A pcapng with so many Ethernet interfaces; each packet stands beside its own.
pub fn pcapng(interfaces: usize, packets: &[(u32, Stored)]) -> Vec<u8> {
    let order = Order::Little;
    let mut file = bytes::section(order);
    for number in 0..interfaces {
        let name = bytes::option(order, 2, format!("eth{number}").as_bytes());
        file.extend(bytes::interface(order, 1, 0, &[name]));
    }
    for (interface, packet) in packets {
        let ticks = u64::from(1_700_000_000 + packet.second) * 1_000_000;
        file.extend(bytes::enhanced(
            order,
            *interface,
            ticks,
            &packet.data,
            packet.wire_len(),
        ));
    }
    file
}

/// The report on these captures. Every packet is accounted for.
pub fn report(captures: &[Vec<u8>], flags: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    for (number, capture) in captures.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.cap")), capture).expect("a file");
    }
    let mut command = analyze();
    command.args(["--format", "json"]).args(flags);
    let output = run(command.arg(folder.path()));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let accounting = &report["accounting"];
    let buckets = [
        "paths",
        "dtls_elsewhere",
        "other",
        "duplicates",
        "undecodable",
    ];
    let counted: u64 = buckets
        .map(|bucket| packets(&accounting[bucket]))
        .iter()
        .sum();
    assert_eq!(counted, packets(accounting), "{accounting}");
    report
}

/// The report on a capture of Ethernet frames.
pub fn report_of(packets: &[Stored], flags: &[&str]) -> Value {
    report(&[pcap(1, packets)], flags)
}

pub fn packets(count: &Value) -> u64 {
    count["packets"].as_u64().expect("a number")
}

/// The packets in a bucket of the accounting.
pub fn in_bucket(report: &Value, bucket: &str) -> u64 {
    packets(&report["accounting"][bucket])
}

pub fn paths(report: &Value) -> &[Value] {
    report["paths"].as_array().expect("a list")
}

/// The path, where there is one.
pub fn path(report: &Value) -> &Value {
    let [path] = paths(report) else {
        panic!("one path: {report:#}")
    };
    path
}

/// Its verdict.
pub fn verdict(report: &Value) -> &str {
    path(report)["verdict"].as_str().expect("a word")
}

/// The verdict on Ethernet frames between the client and the server.
pub fn verdict_on(packets: &[Stored]) -> String {
    verdict(&report_of(packets, &BLOCK)).to_owned()
}
