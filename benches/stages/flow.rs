//! The flow table, with flows that it knows and flows that are new.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use fastrand::Rng;
use plainsight::capture::{InterfaceId, Timestamp};
use plainsight::decode::{Address, Encapsulation, Protocol};
use plainsight::evidence::Shown;
use plainsight::flow::table::{DEFAULT_LIMIT, FlowTable};
use plainsight::flow::{Count, Direction, FiveTuple, Interface, Position, Sighting};

use crate::SEED;

/// Packets in one turn.
const PACKETS: usize = 10_000;
/// Times the limit: so many flows that most are summed.
const FLOOD: u32 = 8;

pub fn table(criterion: &mut Criterion) {
    let limit = u32::try_from(DEFAULT_LIMIT).expect("a limit that fits");
    let mut group = criterion.benchmark_group("flow table");
    group.throughput(Throughput::Elements(PACKETS as u64));
    for (name, flows) in [
        ("hit, one flow", 1),
        ("hit, 1 thousand flows", 1000),
        ("hit and sum, more flows than the limit", FLOOD * limit),
    ] {
        let mut table = FlowTable::new(DEFAULT_LIMIT);
        let five_tuples: Vec<_> = (0..flows).map(five_tuple).collect();
        count(&mut table, &five_tuples);
        let mut rng = Rng::with_seed(SEED);
        let packets: Vec<_> = (0..PACKETS)
            .map(|_| five_tuple(rng.u32(0..flows)))
            .collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| count(&mut table, black_box(&packets)));
        });
    }
    let packets: Vec<_> = (0..).take(PACKETS).map(five_tuple).collect();
    group.bench_function("miss, all flows new", |bencher| {
        let empty = || FlowTable::new(DEFAULT_LIMIT);
        // The table is given back, so that its end is not measured.
        let fill = |mut table| {
            count(&mut table, black_box(&packets));
            table
        };
        bencher.iter_batched(empty, fill, BatchSize::LargeInput);
    });
    group.finish();
}

/// Counts a packet of each of these flows.
pub fn count(table: &mut FlowTable, five_tuples: &[FiveTuple]) {
    for (number, five_tuple) in five_tuples.iter().enumerate() {
        let count = Count {
            packets: 1,
            wire_bytes: 1500,
            payload_bytes: 1448,
        };
        let mut entry = table.at(five_tuple, 0);
        entry.count(Shown::Segment, count, &sighting(number as u64));
        black_box(entry);
    }
}

/// The five-tuple of a packet of one of many flows, five from each client to one of four servers.
pub fn five_tuple(flow: u32) -> FiveTuple {
    let address = |bits: u32| Address::from(std::net::IpAddr::V4(bits.into()));
    let interface = Interface {
        id: InterfaceId::of(""),
        index: 0,
    };
    FiveTuple {
        source: address(0x0a40_0000 + flow / 5),
        destination: address(0x0a14_0204 + flow % 4),
        ports: (1023 - (flow % 5) as u16, 988),
        protocol: Protocol::Tcp,
        unread: None,
        interface,
        encapsulation: Encapsulation::default(),
    }
}

fn sighting(packet: u64) -> Sighting {
    Sighting {
        is_copy: false,
        position: Position {
            file: 0,
            piece: 0,
            packet,
        },
        time: Some(Timestamp(1_700_000_000_000_000_000)),
        direction: Direction::Up,
        payload_len: 1448,
    }
}
