//! Metrics as they are collected from a state.

use std::fmt;
use std::sync::Arc;

use jiff::SignedDuration;
use nix::sys::resource::{UsageWho, getrusage};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::{MetricsDetail, ProcessFiles, RunState};
use crate::flow::Count;
use crate::report::{InputReport, Moment, PathReport};
use crate::run::live::clock::spent;
use crate::run::live::saving::SavingState;
use crate::verdict::{Class, Verdict};

/// Metrics of a run.
#[derive(Debug)]
pub(super) struct RunMetrics {
    pub(super) state: Arc<RunState>,
    pub(super) detail: MetricsDetail,
}

impl Collector for RunMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self { state, detail } = self;
        let encoder = &mut encoder;
        build(encoder)?;
        paths_by_verdict(&state.report.paths, encoder)?;
        paths(&groups(&state.report.paths, *detail), encoder)?;
        if *detail == MetricsDetail::Paths {
            verdicts(&state.report.paths, encoder)?;
        }
        captures(state, encoder)
    }
}

/// Labels of a sample.
type Labels<'a> = Vec<(&'static str, &'a str)>;

/// Paths that share their samples.
struct MetricsGroup<'a> {
    ends: Labels<'a>,
    paths: &'a [PathReport],
}

/// Each path by itself, or all of them.
fn groups(paths: &[PathReport], detail: MetricsDetail) -> Vec<MetricsGroup<'_>> {
    let alone = |path| MetricsGroup {
        ends: ends(path),
        paths: std::slice::from_ref(path),
    };
    match detail {
        MetricsDetail::Paths => paths.iter().map(alone).collect(),
        MetricsDetail::Sums => vec![MetricsGroup {
            ends: Vec::new(),
            paths,
        }],
    }
}

fn ends(path: &PathReport) -> Labels<'_> {
    let name = |end| Option::as_deref(end).unwrap_or_default();
    vec![
        ("client", name(&path.client)),
        ("server", name(&path.server)),
    ]
}

impl<'a> MetricsGroup<'a> {
    fn labelled(&self, name: &'static str, value: &'a str) -> Labels<'a> {
        let mut labels = self.ends.clone();
        labels.push((name, value));
        labels
    }

    /// Packets of each class.
    fn by_class(&self) -> Vec<(Class, Count)> {
        let mut sums = Vec::<(Class, Count)>::new();
        for (class, count) in self.paths.iter().flat_map(|it| it.traffic.by_class()) {
            match sums.iter_mut().find(|(known, _)| *known == class) {
                Some((_, sum)) => *sum += count,
                None => sums.push((class, count)),
            }
        }
        sums
    }
}

/// The program as it was built.
fn build(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut build = gauge(encoder, "build_info", "The program, by its labels", None)?;
    let labels = vec![
        ("version", env!("CARGO_PKG_VERSION")),
        ("revision", env!("PLAINSIGHT_COMMIT")),
        ("target", env!("PLAINSIGHT_TARGET")),
    ];
    ConstGauge::new(1).encode(build.encode_family(&labels)?)
}

/// Number of paths by verdict.
fn paths_by_verdict(paths: &[PathReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = gauge(encoder, "paths", "Number of paths by verdict", None)?;
    for verdict in Verdict::ALL {
        let of_verdict = paths.iter().filter(|path| path.verdict == verdict);
        let count = i64::try_from(of_verdict.count()).unwrap_or(i64::MAX);
        let labels = vec![("verdict", verdict.name())];
        ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn paths(groups: &[MetricsGroup<'_>], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut packets = counter(encoder, "path_packets", "Packets by path and class", None)?;
    each_class(groups, |labels, count| {
        sample(&mut packets, labels, count.packets)
    })?;
    let (unit, help) = (Some(Unit::Bytes), "Original frame lengths");
    let mut bytes = counter(encoder, "path_wire", help, unit.as_ref())?;
    each_class(groups, |labels, count| {
        sample(&mut bytes, labels, count.wire_bytes)
    })?;
    last_plaintext(groups, encoder)?;
    losses(groups, encoder)
}

fn each_class(
    groups: &[MetricsGroup<'_>],
    mut show: impl FnMut(&Labels<'_>, Count) -> fmt::Result,
) -> fmt::Result {
    for group in groups {
        for (class, count) in group.by_class() {
            show(&group.labelled("class", class.name()), count)?;
        }
    }
    Ok(())
}

/// Time of the last packet in plaintext, where there was any: an alert clears once it is long
/// ago.
fn last_plaintext(groups: &[MetricsGroup<'_>], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let (unit, help) = (Some(Unit::Seconds), "Time of the last packet in plaintext");
    let mut last = gauge(encoder, "last_plaintext_timestamp", help, unit.as_ref())?;
    for group in groups {
        let times = group.paths.iter().filter_map(|path| path.plaintext_last);
        if let Some(Moment(time)) = times.max_by_key(|Moment(time)| *time) {
            let seconds = ConstGauge::new(SignedDuration::from_nanos(time.0).as_secs_f64());
            seconds.encode(last.encode_family(&group.ends)?)?;
        }
    }
    Ok(())
}

/// Each path's verdict as a set of states, one of which holds.
fn verdicts(paths: &[PathReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "1 for the verdict that holds";
    let mut verdicts = gauge(encoder, "path_verdict", help, None)?;
    for path in paths {
        for verdict in Verdict::ALL {
            let mut labels = ends(path);
            labels.push(("verdict", verdict.name()));
            let holds = i64::from(verdict == path.verdict);
            ConstGauge::new(holds).encode(verdicts.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Missing records. Records that come late lower their number again.
fn losses(groups: &[MetricsGroup<'_>], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Records that DTLS numbered and nobody saw";
    let mut missing = gauge(encoder, "path_dtls_missing_records", help, None)?;
    for group in groups {
        let of_paths = group.paths.iter().filter_map(|path| path.dtls.as_ref());
        if let Some(sum) = of_paths
            .map(|dtls| dtls.missing)
            .reduce(u64::saturating_add)
        {
            ConstGauge::new(sum).encode(missing.encode_family(&group.ends)?)?;
        }
    }
    let help = "Number of paths whose verdict had to do without some packets";
    let mut under_loss = gauge(encoder, "path_under_loss", help, None)?;
    for group in groups {
        let paths: i64 = group.paths.iter().map(|it| i64::from(it.under_loss)).sum();
        ConstGauge::new(paths).encode(under_loss.encode_family(&group.ends)?)?;
    }
    Ok(())
}

fn captures(state: &RunState, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let inputs = &state.report.inputs;
    let mut packets = counter(encoder, "capture_packets", "Packets read", None)?;
    for input in inputs {
        sample(&mut packets, &capture(input), input.packets)?;
    }
    let mut drops = counter(encoder, "capture_dropped_packets", "Packets not seen", None)?;
    for input in inputs {
        let losses = input.losses.as_ref();
        let by = losses.map(|it| [("kernel", Some(it.kernel)), ("interface", it.interface)]);
        let known = by.into_iter().flatten();
        for (by, dropped) in known.filter_map(|(by, dropped)| Some((by, dropped?))) {
            let mut labels = capture(input);
            labels.push(("by", by));
            sample(&mut drops, &labels, dropped)?;
        }
    }
    up(inputs, encoder)?;
    if let Some(state) = state.saving {
        saving(state, encoder)?;
    }
    let (unit, help) = (Some(Unit::Seconds), "How long the run has gone on");
    let run = gauge(encoder, "run", help, unit.as_ref())?;
    ConstGauge::new(state.elapsed.as_secs_f64()).encode(run)
}

fn capture(input: &InputReport) -> Labels<'_> {
    vec![("capture", &input.name)]
}

fn up(inputs: &[InputReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut up = gauge(encoder, "capture_up", "Whether the interface is up", None)?;
    for input in inputs {
        let is_down = input.losses.as_ref().is_some_and(|losses| losses.down);
        ConstGauge::new(i64::from(!is_down)).encode(up.encode_family(&capture(input))?)?;
    }
    Ok(())
}

fn saving(state: SavingState, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Packets read that are in no file of -w";
    let unsaved = counter(encoder, "unsaved_packets", help, None)?;
    ConstCounter::new(state.unsaved).encode(unsaved)?;
    let help = "Whether the file of -w can be written";
    let up = gauge(encoder, "saving_up", help, None)?;
    ConstGauge::new(i64::from(!state.has_failed)).encode(up)
}

/// Metrics of the process, by the names that all programs give them.
///
/// <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>
#[derive(Debug)]
pub(super) struct ProcessMetrics(pub(super) Arc<ProcessFiles>);

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (encoder, Self(files)) = (&mut encoder, self);
        let (seconds, bytes) = (Some(Unit::Seconds), Some(Unit::Bytes));
        let help = "Time at which the process started";
        let start = gauge(encoder, "process_start_time", help, seconds.as_ref())?;
        ConstGauge::new(files.started_seconds()).encode(start)?;
        if let Some([mapped, resident]) = files.memory() {
            for (name, help, value) in [
                ("process_virtual_memory", "Mapped memory", mapped),
                ("process_resident_memory", "Resident memory", resident),
            ] {
                let memory = gauge(encoder, name, help, bytes.as_ref())?;
                ConstGauge::new(value).encode(memory)?;
            }
        }
        let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
            return Ok(());
        };
        let help = "CPU time of the process";
        let cpu = counter(encoder, "process_cpu", help, seconds.as_ref())?;
        ConstCounter::new(spent(&usage).as_secs_f64()).encode(cpu)?;
        let help = "Largest resident memory";
        let peak = gauge(encoder, "plainsight_peak_memory", help, bytes.as_ref())?;
        ConstGauge::new(usage.max_rss() * 1024).encode(peak)
    }
}

fn counter<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
    unit: Option<&'e Unit>,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, unit, MetricType::Counter)
}

fn gauge<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
    unit: Option<&'e Unit>,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, unit, MetricType::Gauge)
}

fn sample(encoder: &mut MetricEncoder<'_>, labels: &Labels<'_>, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(encoder.encode_family(labels)?)
}
