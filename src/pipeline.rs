//! Joins the stages: from files to a report. Threads and clocks are here alone.
//!
//! Workers walk parts of the input, each with its own counters: whole files, and pieces
//! of those that are long. The parts are added up in their order, and what depends on
//! order is decided there: whether a piece began where the one before it ended, and
//! which flow an IP fragment is of.

use std::thread;

use crossbeam_channel::bounded;

use crate::capture::Interfaces;
use crate::capture::file::OpenError;
use crate::cli::Analyze;
use crate::report::Report;
use crate::verdict::judge;

mod inputs;
mod jobs;
mod progress;
mod sum;
pub mod worker;

use inputs::Inputs;
use jobs::Job;
use progress::Progress;
use sum::Sum;

/// What all workers share.
struct Context<'c> {
    config: &'c Analyze,
    interfaces: Interfaces,
    progress: Progress,
}

/// Reads all captures, and reports what they show.
///
/// # Errors
/// What is named and cannot be read, or is no capture. What a capture holds is no
/// error, however damaged.
pub fn analyze(config: &Analyze) -> Result<Report, OpenError> {
    let Inputs { captures, skipped } = inputs::open(&config.paths)?;
    let context = Context {
        config,
        interfaces: Interfaces::default(),
        progress: Progress::new(inputs::size(&captures)),
    };
    let mut sum = Sum::new(&context, captures.iter().map(inputs::report).collect());
    // Enough for a worker to find another part when it is done with one.
    let ahead = config.threads + 1;
    thread::scope(|scope| {
        let (give, take) = bounded::<Job>(ahead);
        for _ in 0..config.threads {
            let (take, context) = (take.clone(), &context);
            scope.spawn(move || take.iter().for_each(|job| job.run(context)));
        }
        sum.add_all(jobs::of(captures, &context), &give, ahead);
    });
    let (snapshot, reports) = sum.finish();
    context.progress.finish();
    let judgement = judge(snapshot, &config.servers, config.policy);
    let names = context.interfaces.names();
    Ok(Report::new(
        &judgement,
        reports,
        &skipped,
        &names,
        config.policy,
    ))
}
