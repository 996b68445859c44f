//! What a payload shows.

use std::hint::black_box;
use std::net::IpAddr;

use criterion::{Criterion, Throughput};
use fastrand::Rng;
use plainsight::decode::{Payload, Protocol};
use plainsight::evidence::{self, Shown, lnet};

use crate::SEED;
use crate::generator::frames::{self, Ends};

/// Payload of a full segment on a 1500-byte network.
const MSS: usize = 1448;

pub fn dtls(criterion: &mut Criterion) {
    let mut rng = Rng::with_seed(SEED);
    let record = frames::dtls_record(1, &frames::random(&mut rng, 1400));
    let short = frames::dtls_record(1, &frames::random(&mut rng, 40));
    let noise = frames::random(&mut rng, 1400);
    let cases = [
        ("one record", record, Shown::Ciphertext),
        ("ten records", short.repeat(10), Shown::Ciphertext),
        ("noise", noise, Shown::Datagram),
    ];
    let mut group = criterion.benchmark_group("DTLS evidence");
    for (name, bytes, expected) in &cases {
        assert_eq!(shown(bytes), *expected, "{name}");
        group.throughput(Throughput::Elements(1));
        group.bench_function(*name, |bencher| bencher.iter(|| shown(black_box(bytes))));
    }
    group.finish();
}

fn shown(bytes: &[u8]) -> Shown {
    let payload = Payload {
        bytes,
        wire_len: bytes.len(),
        datagram_len: bytes.len(),
    };
    black_box(evidence::read(Protocol::Udp, &payload)).0
}

pub fn lnet(criterion: &mut Criterion) {
    let ends = Ends::lustre(0);
    let between = lnet::NidEnds {
        source: IpAddr::V4(ends.source.0).into(),
        destination: IpAddr::V4(ends.destination.0).into(),
    };
    let mut group = criterion.benchmark_group("LNet evidence");
    group.throughput(Throughput::Elements(1));
    for (name, unit) in [
        ("message at the start", frames::rpc_request(ends, 4)),
        ("keepalive at the start", frames::lnet_noop()),
    ] {
        let units = |bytes| lnet::units(bytes, between).count();
        assert_eq!(units(&unit), 1, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| units(black_box(&unit))));
    }
    let mut rng = Rng::with_seed(SEED);
    let bulk = frames::random(&mut rng, MSS);
    let mut ending = bulk.clone();
    ending.extend(frames::rpc_request(ends, 4));
    let teasing = [0xc1; MSS];
    group.throughput(Throughput::Bytes(MSS as u64));
    for (name, bytes, is_found) in [
        ("search through bulk", &bulk[..], false),
        ("search up to a message", &ending, true),
        ("search through first bytes alone", &teasing, false),
    ] {
        let find = |bytes| lnet::find(bytes, between);
        assert_eq!(find(bytes).is_some(), is_found, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| find(black_box(bytes))));
    }
    group.finish();
}
