//! Whole files, from their paths to the report: `cargo bench --bench files`.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plainsight::cli::{Analyze, Exports, Output};
use plainsight::engine::Engine;
use plainsight::input::custody::Custody;
use plainsight::report::{ExitTerms, FORMATS, Style};
use plainsight::run::files::analyze;

mod generator;

use generator::mixes::{Mix, Supply};
use generator::writers::{Container, write};

const SEED: u64 = 988;
/// Servers of all mixes.
const SERVERS: &str = "10.20.2.0/24";
/// Pieces of each file: enough for two workers.
const PIECES: usize = 8;

fn files(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut group = criterion.benchmark_group("files");
    group.sample_size(10);
    for (name, mix, container, packets) in [
        ("small.pcap", "small", Container::Pcap, 200_000),
        ("small.pcapng", "small", Container::Pcapng, 200_000),
        ("mixed.pcap", "mixed", Container::Pcap, 20_000),
        ("flows.pcap", "flows=10000", Container::Pcap, 200_000),
        ("vm.pcap", "vm", Container::Pcap, 700_000),
        ("fleet.pcap", "fleet", Container::Pcap, 700_000),
        ("wild.pcap", "wild", Container::Pcap, 700_000),
        ("small-vm.pcap", "small-vm", Container::Pcap, 700_000),
        ("small-fleet.pcap", "small-fleet", Container::Pcap, 700_000),
    ] {
        let path = folder.path().join(name);
        make(&path, mix.parse().expect("a mix"), container, packets);
        group.throughput(Throughput::Elements(packets));
        for threads in [1, 2] {
            let config = config(path.clone(), threads);
            group.bench_function(format!("{name}, threads {threads}"), |bencher| {
                bencher.iter(|| analyze(&config).expect("a capture"));
            });
        }
        // Some have a gigabyte.
        std::fs::remove_file(path).expect("a file");
    }
    group.finish();
}

/// Writes a file.
fn make(path: &Path, mix: Mix, container: Container, packets: u64) {
    let mut out = BufWriter::new(File::create(path).expect("a file"));
    write(&mut Supply::new(mix, SEED), container, packets, &mut out).expect("a file");
}

fn config(path: PathBuf, threads: usize) -> Analyze {
    let mut engine = Engine::default();
    let servers = engine.servers.add_list(SERVERS);
    servers.expect("a list of servers");
    Analyze {
        paths: vec![path],
        flow_logs: Vec::new(),
        exports: Exports::default(),
        engine,
        threads,
        // As for the command: one worker walks a file in one piece.
        pieces: if threads > 1 { PIECES } else { 1 },
        min_piece_len: 1,
        output: Output {
            format: &FORMATS[0],
            style: Style::default(),
            files: Vec::new(),
            manifest: None,
            custody: Custody::default(),
        },
        evidence: None,
        exit_terms: ExitTerms::default(),
        save: None,
        stats: false,
    }
}

criterion_group!(benches, files);
criterion_main!(benches);
