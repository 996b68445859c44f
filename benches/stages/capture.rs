//! The walk from record to record, without any work on their packets.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use plainsight::capture::{Format, Interfaces};

use crate::SEED;
use crate::generator::mixes::{Mix, Supply};
use crate::generator::writers::{Container, write};

/// So few that they stay in the processor's cache, or nearly.
const PACKETS: u64 = 2000;

pub fn walk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record walk");
    group.throughput(Throughput::Elements(PACKETS));
    for (mix_name, mix) in [("small", Mix::Small), ("mixed", Mix::Mixed)] {
        for (name, container) in [("pcap", Container::Pcap), ("pcapng", Container::Pcapng)] {
            let mut file = Vec::new();
            write(&mut Supply::new(mix, SEED), container, PACKETS, &mut file)
                .expect("memory takes all");
            assert_eq!(packets(&file), PACKETS);
            group.bench_function(format!("{name}/{mix_name}"), |bencher| {
                bencher.iter(|| packets(&file));
            });
        }
    }
    group.finish();
}

fn packets(file: &[u8]) -> u64 {
    let interfaces = Interfaces::default();
    let mut format = Format::detect(file).expect("a capture");
    let mut packets = 0;
    format.steps(file, file.len(), &interfaces, |frame| {
        black_box(frame);
        packets += 1;
    });
    packets
}
