//! Reading flow logs, a file at a time by each worker.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::progress::Progress;
use crate::decode::Address;
use crate::engine::Engine;
use crate::flow::Times;
use crate::flow_log::{FlowLog, LogError, LogReport, Span, Table, read_file};
use crate::input::InputPath;
use crate::input::custody::Custody;
use crate::input::discovery::{DiscoveryError, search};
use crate::input::name::FileName;
use crate::report::{About, Warning};

/// Flow logs of a run.
pub(in crate::run) struct Logs {
    pub(in crate::run) log: FlowLog,
    pub(in crate::run) reports: Vec<LogReport>,
    /// Files that are no flow logs, and those that hold what another holds.
    pub(in crate::run) skipped: Vec<Warning>,
    /// Files that may be flow logs and were not read, in sentences.
    pub(in crate::run) unread: Vec<String>,
}

/// Terms on which flow logs are read.
#[derive(Clone, Copy)]
pub(in crate::run) struct LogReading<'r> {
    pub(in crate::run) engine: &'r Engine,
    pub(in crate::run) threads: usize,
    pub(in crate::run) custody: &'r Custody,
    pub(in crate::run) progress: &'r Progress,
}

/// Number of a file and what was found in it.
type LogOutcome = (u32, Result<LogReport, LogError>);

/// Flow logs to read, and places in folders that could not be searched for them.
pub(in crate::run) struct Found {
    files: Vec<InputPath>,
    unsearched: Vec<DiscoveryError>,
}

/// The files that are named, by name: what the report says must not depend on the order
/// in which they were. Of `others` it is known that they are flow logs.
pub(in crate::run) fn find(paths: &[PathBuf], others: Vec<InputPath>) -> Result<Found, LogError> {
    let mut found = search(paths).map_err(|error| match error {
        DiscoveryError::NoFiles { path } => LogError::NoLogs {
            folder: FileName(&path).to_string(),
            why: None,
        },
        error @ DiscoveryError::Unreadable { .. } => LogError::Open(error.into()),
    })?;
    for file in others {
        found.add(file);
    }
    let mut files = found.files;
    files.sort_by_key(ToString::to_string);
    let unsearched = found.unsearched;
    Ok(Found { files, unsearched })
}

/// Bytes of all files as stored.
pub(in crate::run) fn size(found: &Found) -> u64 {
    found.files.iter().map(file_size).sum()
}

fn file_size(file: &InputPath) -> u64 {
    file.path.metadata().map_or(0, |metadata| metadata.len())
}

/// Reads all files; `captured` are the times of the captures. Logs that hold what another
/// does are left out, and then the others are read again.
pub(in crate::run) fn read(
    found: &Found,
    captured: &Times,
    reading: LogReading<'_>,
) -> Result<Logs, LogError> {
    let files = &found.files;
    let mut captured = captured.spans();
    let period = reading.engine.period;
    if !period.is_always() {
        // What is not near it is none of it.
        captured.push(period.span());
    }
    let all: Vec<u32> = (0..).take(files.len()).collect();
    let (table, outcomes) = read_all(files, &all, &captured, reading);
    let copies = copies(&outcomes);
    let (table, outcomes) = if copies.is_empty() {
        (table, outcomes)
    } else {
        let is_copy = |file: &u32| copies.iter().any(|(copy, _)| copy == file);
        let single: Vec<u32> = all.into_iter().filter(|file| !is_copy(file)).collect();
        read_all(files, &single, &captured, reading)
    };
    let mut logs = sort_out(files, outcomes, table)?;
    let unsearched = found.unsearched.iter();
    logs.unread.extend(unsearched.map(ToString::to_string));
    logs.skipped.extend(copies.into_iter().map(|(copy, of)| {
        let [copy, of] = [copy, of].map(|file| &files[file as usize]);
        let says = format!("holds what {of} holds too, and is left out");
        Warning::of(About::File(copy.to_string()), says)
    }));
    Ok(logs)
}

/// Files whose log is the begin of another's, or the same as an earlier one, with that
/// other.
fn copies(outcomes: &[LogOutcome]) -> Vec<(u32, u32)> {
    let reports = || {
        outcomes
            .iter()
            .filter_map(|(file, read)| Some((*file, read.as_ref().ok()?)))
    };
    let mut firsts = HashMap::<u64, Vec<(u32, &LogReport)>>::new();
    for (file, report) in reports() {
        if let Some(&first) = report.digests.first() {
            firsts.entry(first).or_default().push((file, report));
        }
    }
    let whole = |&(file, report): &(u32, &LogReport)| {
        let like = report.digests.first().and_then(|first| firsts.get(first));
        let mut others = like
            .into_iter()
            .flatten()
            .filter(|(other, _)| *other != file);
        let holds = |(other, log): &&(u32, &LogReport)| {
            report.is_begin_of(log) && (!log.is_begin_of(report) || *other < file)
        };
        others.find(holds).map(|&(other, _)| (file, other))
    };
    reports().filter_map(|log| whole(&log)).collect()
}

fn read_all(
    files: &[InputPath],
    numbers: &[u32],
    captured: &[Span],
    reading: LogReading<'_>,
) -> (Table, Vec<LogOutcome>) {
    let next = AtomicUsize::new(0);
    let empty = || Table::beside(reading.engine.max_flows, captured);
    let take = || {
        let number = *numbers.get(next.fetch_add(1, Relaxed))?;
        Some((number, &files[number as usize]))
    };
    let work = || read_some(take, empty(), reading);
    let mut table = empty();
    let mut outcomes = Vec::new();
    thread::scope(|scope| {
        let threads = reading.threads.min(numbers.len());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (counted, read) = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            table.merge(counted);
            outcomes.extend(read);
        }
    });
    outcomes.sort_by_key(|&(file, _)| file);
    (table, outcomes)
}

/// Takes the next file again and again, as long as there is one. Without `--servers` any
/// address may be one.
fn read_some<'f>(
    take: impl Fn() -> Option<(u32, &'f InputPath)>,
    mut table: Table,
    reading: LogReading<'_>,
) -> (Table, Vec<LogOutcome>) {
    let mut outcomes = Vec::new();
    let servers = &reading.engine.servers;
    let is_server = |address: Address| servers.is_empty() || servers.rank(address) > 0;
    while let Some((number, file)) = take() {
        let outcome = read_file(file, number, &mut table, (&is_server, reading.custody));
        outcomes.push((number, outcome));
        reading.progress.add(file_size(file));
    }
    (table, outcomes)
}

/// Files that were read, and files of folders that are no flow logs or may be some.
fn sort_out(
    files: &[InputPath],
    outcomes: Vec<LogOutcome>,
    table: Table,
) -> Result<Logs, LogError> {
    let (mut reports, mut others) = (Vec::new(), Vec::new());
    for (number, outcome) in outcomes {
        match (outcome, &files[number as usize].found_in) {
            (Ok(report), _) => reports.push(report),
            (Err(error), Some(folder)) => others.push((folder, error)),
            (Err(error), None) => return Err(error),
        }
    }
    if let Some((folder, _)) = others.first().filter(|_| reports.is_empty()) {
        return Err(LogError::NoLogs {
            folder: FileName(folder).to_string(),
            why: others.into_iter().next().map(|(_, error)| Box::new(error)),
        });
    }
    let errors = others.into_iter().map(|(_, error)| error);
    let (unread, skipped): (Vec<_>, Vec<_>) = errors.partition(LogError::may_be_log);
    let unread = unread.iter().map(|error| format!("passed over: {error}"));
    Ok(Logs {
        log: FlowLog::new(table).read_as(&reports),
        unread: unread.collect(),
        skipped: skipped.into_iter().map(passed_over).collect(),
        reports,
    })
}

/// Warning of a file that is no flow log.
pub(super) fn passed_over(error: LogError) -> Warning {
    match error {
        LogError::NotALog { path, why } => {
            Warning::of(About::File(path), format!("passed over, as it {why}"))
        }
        error => Warning::from(format!("passed over: {error}")),
    }
}
