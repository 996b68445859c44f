//! Joins the stages: from files to a report. Threads and clocks are here alone.
//!
//! Workers walk parts of the input, each with its own counters: whole files, and pieces
//! of those that are long. The parts are added up in their order, and what depends on
//! order is decided there: whether a piece began where the one before it ended, and
//! which flow an IP fragment is of.

use std::panic::resume_unwind;
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use crate::aggregate::{InputPart, Worker};
use crate::capture::Interfaces;
use crate::cli::{Analyze, AzureError};
use crate::engine::{CountedState, Engine};
use crate::flow_log::LogError;
use crate::input::custody::Custody;
use crate::input::{Input, OpenError};
use crate::report::{InputReport, Report, Run, Warning};
use crate::run::evidence::PacketSources;
use crate::run::saved::{self, StateError};

mod case;
pub(super) mod flow_logs;
pub(super) mod inputs;
mod jobs;
mod packets;
pub(super) mod progress;
mod saver;
pub mod stats;
mod sum;

use case::Case;
use flow_logs::LogReading;
use inputs::{CopiedInput, copied};
use jobs::Job;
use packets::InputPackets;
use progress::Progress;
use saver::CountSaver;
use stats::{Laps, Stats, WorkTimes};
use sum::FileSum;

/// State that all workers share.
struct Context<'c> {
    config: &'c Analyze,
    engine: &'c Engine,
    interfaces: Interfaces,
    progress: Progress,
    /// True if there are several captures, which may show the same packets.
    is_many: bool,
    packets: InputPackets,
}

impl<'c> Context<'c> {
    fn new(config: &'c Analyze, engine: &'c Engine, captures: &[Input], size: Option<u64>) -> Self {
        Self {
            config,
            engine,
            interfaces: Interfaces::default(),
            progress: Progress::new(size),
            is_many: captures.len() > 1,
            packets: InputPackets::of(captures, config, engine),
        }
    }

    /// A worker for a part of a capture.
    fn worker(&self, part: InputPart) -> Worker<'_> {
        let worker = self.engine.worker();
        // Others may be merged with what is saved.
        if self.is_many || self.config.save.is_some() {
            worker.sampling(part.file)
        } else {
            worker
        }
    }

    /// Record of the files of the run.
    fn custody(&self) -> &Custody {
        &self.config.output.custody
    }

    /// Terms on which flow logs are read.
    fn reading(&self) -> LogReading<'_> {
        LogReading {
            custody: self.custody(),
            engine: self.engine,
            threads: self.config.threads,
            progress: &self.progress,
        }
    }
}

/// Error that ends a run before there is a report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A capture that cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A flow log that cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Exports that cannot be read.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// A state that cannot be saved.
    #[error(transparent)]
    Save(#[from] StateError),
}

/// Reads all captures and flow logs, and reports what they show.
///
/// # Errors
/// What is named and cannot be read, or is no capture or flow log. What one holds is no
/// error, however damaged.
pub fn analyze(config: &Analyze) -> Result<Report, RunError> {
    measure(config).map(|measured| measured.report)
}

/// Report of a run, and what else is known of it.
#[derive(Debug)]
pub struct Measured {
    /// The report.
    pub report: Report,
    /// Time spent on each part of the run.
    pub stats: Stats,
    /// Sources of the packets that the report names, where those are asked for.
    pub sources: PacketSources,
}

/// As [`analyze`], and tells where the time went, and where the packets are.
///
/// # Errors
/// As [`analyze`].
pub fn measure(config: &Analyze) -> Result<Measured, RunError> {
    let mut laps = Laps::start();
    let case = Case::open(config)?;
    let size = inputs::size(&case.captures).map(|size| size + flow_logs::size(&case.flow_logs));
    let context = Context::new(config, &case.engine, &case.captures, size);
    let is_captured = !case.captures.is_empty();
    let mut stats = Stats::new(config.threads, laps.lap());
    let place = config.save.as_deref().map(saved::place).transpose()?;
    let saver = place
        .as_ref()
        .map(|place| CountSaver::create(place, &context, &case));
    let saver = saver.transpose()?;
    let (counted, inputs) = walk(case.captures, saver, &context, &mut stats)?;
    stats.walking = laps.lap();
    // What a log says of the time that was captured is kept apart, so captures come first.
    let logs = flow_logs::read(&case.flow_logs, counted.times(), context.reading())?;
    context.progress.finish();
    stats.reading_logs = laps.lap();
    // What was walked twice was read once as far as anyone asked.
    stats.bytes = context.progress.position().min(size.unwrap_or(u64::MAX));
    let run = Run {
        inputs,
        flow_logs: logs.reports,
        skipped: [passed_over(case.skipped, &case.copies), logs.skipped].concat(),
        unread: [case.unread, logs.unread].concat(),
        interfaces: context.interfaces.names(),
        ..context.engine.run()
    };
    let captured = is_captured.then_some(counted);
    let logged = case.is_logged.then_some(logs.log);
    let report = behind_workers(|| context.engine.final_report(captured, logged, run));
    stats.judging = laps.lap();
    Ok(Measured {
        report,
        stats,
        sources: context.sources(),
    })
}

/// Does work in a thread of its own: to a new thread glibc gives the heap of one that has ended,
/// with all that the workers freed, and to the first thread it does not.
fn behind_workers<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Files that were passed over with nothing lost, copies of captures among them.
fn passed_over(mut others: Vec<Warning>, copies: &[CopiedInput]) -> Vec<Warning> {
    let copies = copies.iter();
    others.extend(copies.map(|CopiedInput { copy, of }| copied(&copy.name, of)));
    others.sort();
    others
}

/// Walks the captures and adds up what they hold.
fn walk(
    captures: Vec<Input>,
    saver: Option<CountSaver<'_>>,
    context: &Context<'_>,
    stats: &mut Stats,
) -> Result<(CountedState, Vec<InputReport>), StateError> {
    let reports = captures.iter().map(inputs::report).collect();
    let mut sum = FileSum::new(context, saver, reports);
    stats.parts = walk_parts(captures, context, &mut sum);
    let total = sum.finish()?;
    stats.parts.merge(&total.walked_again);
    stats.merging = total.merging;
    stats.packets = total.reports.iter().map(|report| report.packets).sum();
    Ok((total.counted, total.reports))
}

/// Has all workers walk the captures while their parts are added up; gives the time that
/// each part took.
fn walk_parts(captures: Vec<Input>, context: &Context<'_>, sum: &mut FileSum<'_>) -> WorkTimes {
    let threads = context.config.threads;
    // Enough for each worker to find another part when it is done with one.
    let ahead = threads + 1;
    thread::scope(|scope| {
        let (give, take) = bounded::<Job>(ahead);
        let work = |take: Receiver<Job>| {
            let mut parts = WorkTimes::default();
            for job in take {
                parts.of(|| job.run(context));
            }
            parts
        };
        let workers: Vec<_> = (0..threads)
            .map(|_| take.clone())
            .map(|take| scope.spawn(move || work(take)))
            .collect();
        sum.add_all(jobs::of(captures, context), &give, ahead);
        drop(give);
        let mut parts = WorkTimes::default();
        for worker in workers {
            match worker.join() {
                Ok(times) => parts.merge(&times),
                Err(panic) => resume_unwind(panic),
            }
        }
        parts
    })
}
