//! Input made to cost much: the time stays in proportion to its length.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::run::{BLOCK, Stored, ethernet, packets, pcap, pcapng, report, to_lustre};
use crate::support::packets::{Ip, TCP, lustre, tcp};

/// A tenth of it is usual where nothing is optimised.
const LONG: Duration = Duration::from_secs(20);

/// The report, which accounts for every packet.
fn soon(capture: Vec<u8>, flags: &[&str], count: usize) -> Value {
    let start = Instant::now();
    let report = report(&[capture], flags);
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    assert_eq!(packets(&report["accounting"]), count as u64);
    report
}

#[test]
fn a_flood_of_interfaces_takes_no_long() {
    const INTERFACES: u16 = 20_000;
    let packet = to_lustre(&lustre::keepalive());
    let of_each: Vec<(u32, Stored)> = (0..INTERFACES)
        .map(|interface| (interface.into(), packet.clone()))
        .collect();
    let capture = pcapng(INTERFACES.into(), &of_each);
    soon(capture, &BLOCK, of_each.len());
    let capture = pcapng(INTERFACES.into(), &of_each[..1]);
    soon(capture, &BLOCK, 1);
}

#[test]
fn addresses_of_equal_rank_take_no_long() {
    const PREFIX: u128 = 0xc0ac_29b7_c97c_50dd << 64;
    let server: IpAddr = Ipv6Addr::from_bits(PREFIX).into();
    let flows: Vec<Stored> = (1..=12_000)
        .map(|host| {
            let client = Ipv6Addr::from_bits(PREFIX | host).into();
            let segment = tcp(1018, 988, &lustre::keepalive());
            ethernet(&Ip::between(client, server).packet(TCP, &segment))
        })
        .collect();
    soon(pcap(1, &flows), &["--max-flows", "1000"], flows.len());
}
