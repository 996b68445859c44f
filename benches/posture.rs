//! Posture of a large estate, from its exports to the report: `cargo bench --bench posture`.
//! `cargo bench --bench generate -- estate 0 FOLDER` writes the exports of the same estate.

use std::fs;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use plainsight::azure::export::Export;
use plainsight::azure::topology::Azure;
use plainsight::azure::vm_sizes::VmSizes;
use plainsight::report::posture::PostureReport;
use plainsight::report::{POSTURE_FORMATS, Style};
use plainsight::verdict::Servers;

mod generator;

use generator::estate;

/// Reads exports, checks them, and writes the report in a format. Gives its length.
fn posture(exports: &[PathBuf], format: usize) -> usize {
    let export = Export::read(exports).expect("exports");
    let azure = Azure::new(export, VmSizes::default());
    let report = PostureReport::new(&azure, &Servers::default());
    assert_eq!(report.paths.len(), estate::PATHS);
    let mut out = Vec::new();
    let format = &POSTURE_FORMATS[format];
    let written = format.write(&report, &Style::default(), &mut out);
    written.expect("room");
    out.len()
}

/// The largest resident memory of this process, as the kernel writes it.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.unwrap_or("VmHWM: unknown").to_owned()
}

fn estates(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    estate::write(folder.path()).expect("exports");
    let exports = [folder.path().to_owned()];
    let mut group = criterion.benchmark_group("posture");
    group.sample_size(10);
    for (place, format) in POSTURE_FORMATS.iter().enumerate() {
        let length = posture(&exports, place);
        println!("{}: {length} bytes, {}", format.name, peak());
        group.bench_function(format.name, |bencher| {
            bencher.iter(|| posture(&exports, place));
        });
    }
    group.finish();
}

criterion_group!(benches, estates);
criterion_main!(benches);
