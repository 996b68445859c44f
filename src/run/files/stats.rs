//! Time spent on each part of a run.
//!
//! Clocks are read for each part of the input and each stage, never for a packet.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use comfy_table::Cell;
use hdrhistogram::Histogram;

use crate::report::Style;
use crate::report::text::{bytes, number, packets, right, table};

/// Times beyond this count as it.
const LONGEST: Duration = Duration::from_hours(24);
const SIGNIFICANT_DIGITS: u8 = 2;

/// The times that pieces of work of one kind took.
#[derive(Clone, Debug)]
pub struct WorkTimes {
    total: Duration,
    /// In nanoseconds.
    each: Histogram<u64>,
}

impl Default for WorkTimes {
    fn default() -> Self {
        let longest = nanos(LONGEST);
        Self {
            total: Duration::ZERO,
            each: Histogram::new_with_max(longest, SIGNIFICANT_DIGITS)
                .expect("the bounds are right"),
        }
    }
}

impl WorkTimes {
    /// Does some work, and adds the time it took.
    pub(super) fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let done = work();
        self.add(started.elapsed());
        done
    }

    pub(super) fn add(&mut self, time: Duration) {
        self.total += time;
        self.each.saturating_record(nanos(time));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.each += &other.each;
    }

    /// Number of times taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.each.len()
    }

    /// Their sum.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }

    /// The time that this share of them did not exceed, to two digits.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.each.value_at_quantile(share))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Time since the last lap.
pub(crate) struct Laps(Instant);

impl Laps {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn lap(&mut self) -> Duration {
        let last = std::mem::replace(&mut self.0, Instant::now());
        self.0 - last
    }
}

/// Time spent on each part of a run.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Bytes read, as stored.
    pub bytes: u64,
    /// Packets read.
    pub packets: u64,
    /// Number of workers.
    pub threads: usize,
    /// Finding the files, opening each, and reading as far as its first packet.
    pub opening: Duration,
    /// Reading the flow logs.
    pub reading_logs: Duration,
    /// From when the first worker begins until all is added up.
    pub walking: Duration,
    /// Time that each part of the input took its worker: a whole file, or a piece of one.
    /// Pieces that had to be walked again count again.
    pub parts: WorkTimes,
    /// Adding up the parts, most of it while others are walked.
    pub merging: WorkTimes,
    /// From counters to a report.
    pub judging: Duration,
    /// From a report to bytes.
    pub writing: Duration,
}

impl Stats {
    /// Stats of a run that has opened its files and read nothing yet.
    pub(super) fn new(threads: usize, opening: Duration) -> Self {
        Self {
            bytes: 0,
            packets: 0,
            threads,
            opening,
            reading_logs: Duration::ZERO,
            walking: Duration::ZERO,
            parts: WorkTimes::default(),
            merging: WorkTimes::default(),
            judging: Duration::ZERO,
            writing: Duration::ZERO,
        }
    }

    /// Writes a report, and takes the time for that of [`writing`](Self::writing).
    pub fn time_writing<T>(&mut self, write: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let written = write();
        self.writing = started.elapsed();
        written
    }

    /// The whole run.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.opening + self.reading_logs + self.walking + self.judging + self.writing
    }

    /// Says it to a person.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let plain = Style {
            color: false,
            ..style.clone()
        };
        writeln!(out, "{}", self.headline())?;
        for line in table(&["Stage", "Wall", "Workers, summed"], self.rows(), &plain) {
            writeln!(out, "{line}")?;
        }
        writeln!(out, "{}", self.percentiles())
    }

    fn headline(&self) -> String {
        let total = self.total();
        format!(
            "{}, {} in {total:.1?}: {}/s, {} packets/s, {} at work",
            bytes(self.bytes),
            packets(self.packets),
            bytes(per_second(self.bytes, total)),
            number(per_second(self.packets, total)),
            self.threads,
        )
    }

    fn rows(&self) -> Vec<Vec<Cell>> {
        let row = |stage: &str, wall: Duration, summed: Option<Duration>| {
            let summed = summed.map_or_else(|| "–".to_owned(), |time| format!("{time:.1?}"));
            vec![
                Cell::new(stage),
                right(format!("{wall:.1?}")),
                right(summed),
            ]
        };
        vec![
            row("opening", self.opening, None),
            row("flow logs", self.reading_logs, None),
            row("walking", self.walking, Some(self.parts.total())),
            row("merging, within walking", self.merging.total(), None),
            row("judging", self.judging, None),
            row("writing", self.writing, None),
        ]
    }

    fn percentiles(&self) -> String {
        let [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1.0].map(|share| self.parts.quantile(share));
        let parts = match self.parts.count() {
            1 => "1 part".to_owned(),
            count => format!("{} parts", number(count)),
        };
        format!("{parts}, time of each: p50 {p50:.1?}, p90 {p90:.1?}, p99 {p99:.1?}, max {max:.1?}")
    }
}

/// Count per second, for a `count` that took `time`.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate is no exact number, and none is negative"
)]
pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    (count as f64 / time.as_secs_f64().max(1e-9)) as u64
}
