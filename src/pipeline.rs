//! Joins the stages: from files to a report. Threads and clocks are here alone.

use crate::capture::Interfaces;
use crate::capture::file::{Input, InputPath, OpenError, discover};
use crate::cli::Analyze;
use crate::flow::fragments::Fragments;
use crate::report::{InputReport, Report};
use crate::verdict::judge;

mod progress;
pub mod worker;

use progress::Progress;
use worker::Worker;

/// Fragments kept before they are played: few, and they are rare.
const FRAGMENTS_HELD: usize = 1024;

/// Reads all captures, and reports what they show.
///
/// # Errors
/// What is named and cannot be read, or is no capture. What a capture holds is no
/// error, however damaged.
pub fn analyze(config: &Analyze) -> Result<Report, OpenError> {
    let interfaces = Interfaces::default();
    let Opened { inputs, skipped } = open(&discover(&config.paths)?)?;
    let progress = Progress::new(inputs.iter().map(Input::size).sum());
    let mut run = Run {
        worker: Worker::new(&config.decode, config.max_flows),
        fragments: Fragments::default(),
        interfaces,
        progress,
    };
    let walked: Vec<InputReport> = (0..)
        .zip(inputs)
        .map(|(file, input)| run.walk(file, input))
        .collect();
    let Run {
        mut worker,
        mut fragments,
        interfaces,
        progress,
    } = run;
    let snapshot = worker.snapshot();
    fragments.finish(|later, outcome| snapshot.settle(later, outcome));
    progress.finish();
    let judgement = judge(worker.into_snapshot(), &config.servers, config.policy);
    Ok(Report::new(
        &judgement,
        walked,
        &skipped,
        &interfaces.names(),
        config.policy,
    ))
}

/// What is to be read, in the order of the report.
struct Opened {
    inputs: Vec<Input>,
    /// Files of folders that are no captures.
    skipped: Vec<String>,
}

/// Opens all, and puts them in an order that is their own: by their first packets, and
/// then by name.
fn open(paths: &[InputPath]) -> Result<Opened, OpenError> {
    let mut opened = Opened {
        inputs: Vec::new(),
        skipped: Vec::new(),
    };
    for path in paths {
        match Input::open(path) {
            Ok(input) => opened.inputs.push(input),
            Err(OpenError::NotACapture { path: name, .. }) if path.found_in.is_some() => {
                opened.skipped.push(name);
            }
            Err(error) => return Err(error),
        }
    }
    let folder = || paths.iter().find_map(|path| path.found_in.clone());
    if opened.inputs.is_empty()
        && let Some(path) = folder()
    {
        return Err(OpenError::NoCaptures { path });
    }
    opened
        .inputs
        .sort_by(|a, b| (a.first, &a.name).cmp(&(b.first, &b.name)));
    opened.skipped.sort();
    Ok(opened)
}

/// A run over files, one after the other.
struct Run<'c> {
    worker: Worker<'c>,
    fragments: Fragments,
    interfaces: Interfaces,
    progress: Progress,
}

impl Run<'_> {
    fn walk(&mut self, file: u32, input: Input) -> InputReport {
        let (name, format, compression) = (input.name.clone(), input.format, input.compression);
        let size = input.size();
        let Self {
            worker,
            fragments,
            interfaces,
            progress,
        } = self;
        let walked = input.walk(
            interfaces,
            |frame| {
                worker.packet(file, frame);
                if worker.fragments_held() >= FRAGMENTS_HELD {
                    play(worker, fragments);
                }
            },
            |read| progress.at(read),
        );
        play(worker, fragments);
        progress.end_file(size);
        InputReport {
            name,
            format,
            compression,
            packets: walked.packets,
            fault: walked.fault,
        }
    }
}

/// Counts the fragments that a worker saw, in order.
fn play(worker: &mut Worker<'_>, fragments: &mut Fragments) {
    for (key, event) in worker.take_fragments() {
        let snapshot = worker.snapshot();
        fragments.play(key, event, |later, outcome| snapshot.settle(later, outcome));
    }
}
