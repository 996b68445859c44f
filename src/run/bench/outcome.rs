//! Measurements, as they are serialised.

use serde::Serialize;

use super::contender::{Absent, Contender};
use super::{Lane, Load, memory};
use crate::run::files::stats::Stats;

/// All that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BenchOutcome {
    /// Runs that were counted, of each row.
    pub runs: usize,
    /// Workers of the analysis.
    pub threads: usize,
    /// Files that each run went through.
    pub files: usize,
    /// Their bytes, as stored.
    pub bytes: u64,
    /// Their packets.
    pub packets: u64,
    /// Whoever went through them, plainsight first.
    pub rows: Vec<Row>,
    /// Contenders that are absent, and why.
    pub absent: Vec<Absent>,
}

/// One way to go through the files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Name of the contender.
    pub name: &'static str,
    /// Command that was run, or work that was done.
    pub does: String,
    /// Seconds a run.
    pub seconds: Spread,
    /// Packets a second.
    pub packets_per_second: Spread,
    /// Bytes a second, as stored.
    pub bytes_per_second: Spread,
    /// Nanoseconds a packet, in the median run.
    pub nanoseconds_per_packet: f64,
    /// Its median time, divided by plainsight's: below 1 it is faster.
    pub time_ratio: f64,
    /// Of plainsight alone, and where the system tells it.
    pub peak_memory: Option<PeakMemory>,
}

/// The largest resident set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeakMemory {
    /// `run`, or `process` where the system cannot measure it anew for each run: then it
    /// is the largest of all that this process did until then.
    pub of: &'static str,
    /// In bytes.
    pub bytes: Spread,
}

/// The least, the middle and the most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Spread {
    pub min: f64,
    pub median: f64,
    pub max: f64,
}

impl Spread {
    /// Of at least one value.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let (last, middle) = (values.len() - 1, values.len() / 2);
        Self {
            min: values[0],
            // Of an even number the mean of the two in the middle.
            median: f64::midpoint(values[last - middle], values[middle]),
            max: values[last],
        }
    }

    /// Rate for `count` per unit of this.
    fn rate(self, count: f64) -> Self {
        Self {
            min: count / self.max,
            median: count / self.median,
            max: count / self.min,
        }
    }
}

impl BenchOutcome {
    pub(super) fn new(load: &Load<'_>, stats: &Stats, lanes: &[Lane], absent: Vec<Absent>) -> Self {
        let sizes = load.files.iter().map(|file| file.path.metadata());
        let mut outcome = Self {
            runs: load.config.runs,
            threads: stats.threads,
            files: load.files.len(),
            bytes: sizes.flatten().map(|metadata| metadata.len()).sum(),
            packets: stats.packets,
            rows: Vec::new(),
            absent,
        };
        let unit = Spread::of(lanes[0].seconds.clone()).median;
        outcome.rows = lanes.iter().map(|lane| outcome.row(lane, unit)).collect();
        outcome
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    fn row(&self, lane: &Lane, plainsight: f64) -> Row {
        let seconds = Spread::of(lane.seconds.clone());
        Row {
            name: lane.contender.name(),
            does: lane.contender.does(),
            seconds,
            packets_per_second: seconds.rate(self.packets as f64),
            bytes_per_second: seconds.rate(self.bytes as f64),
            nanoseconds_per_packet: seconds.median * 1e9 / self.packets as f64,
            time_ratio: seconds.median / plainsight,
            peak_memory: peak_memory(lane),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn peak_memory(lane: &Lane) -> Option<PeakMemory> {
    let is_own = matches!(lane.contender, Contender::Plainsight);
    (is_own && !lane.peaks.is_empty()).then(|| PeakMemory {
        of: match memory::reset_peak() {
            Ok(()) => "run",
            Err(_) => "process",
        },
        bytes: Spread::of(lane.peaks.iter().map(|&peak| peak as f64).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_middle_of_an_even_number_is_between() {
        let spread = |values: &[f64]| Spread::of(values.to_vec());
        assert!((spread(&[3.0, 1.0, 2.0]).median - 2.0).abs() < f64::EPSILON);
        assert!((spread(&[4.0, 1.0, 2.0, 3.0]).median - 2.5).abs() < f64::EPSILON);
        assert!((spread(&[1.0]).median - 1.0).abs() < f64::EPSILON);
    }
}
