//! Reading flow logs, a file at a time by each worker.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use super::progress::Progress;
use crate::cli::Analyze;
use crate::decode::Address;
use crate::flow_log::{FlowLog, LogError, LogReport, Span, Table, read_file};
use crate::input::discovery::DiscoveryError;
use crate::input::{InputPath, discover};

/// What the flow logs of a run came to.
pub(super) struct Logs {
    pub(super) log: FlowLog,
    pub(super) reports: Vec<LogReport>,
    /// Files of folders that are no flow logs.
    pub(super) skipped: Vec<String>,
}

/// What was said of a file.
type Outcome = (u32, Result<LogReport, LogError>);

/// The files that are named, by name: what the report says must not depend on the order
/// in which they were.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<InputPath>, LogError> {
    let mut files = discover(paths).map_err(|error| match error {
        DiscoveryError::NoFiles { path } => LogError::NoLogs {
            folder: path.display().to_string(),
            why: None,
        },
        error @ DiscoveryError::Unreadable { .. } => LogError::Open(error.into()),
    })?;
    files.sort_by_key(ToString::to_string);
    Ok(files)
}

/// Bytes of all files as stored.
pub(super) fn size(files: &[InputPath]) -> u64 {
    files.iter().map(file_size).sum()
}

fn file_size(file: &InputPath) -> u64 {
    file.path.metadata().map_or(0, |metadata| metadata.len())
}

/// Reads all files; `captured` is the time of the captures.
pub(super) fn read(
    files: &[InputPath],
    captured: Option<Span>,
    config: &Analyze,
    progress: &Progress,
) -> Result<Logs, LogError> {
    let next = AtomicU32::new(0);
    let empty = || Table::beside(config.engine.max_flows, captured);
    let work = || read_some(files, &next, empty(), config, progress);
    let mut table = empty();
    let mut outcomes = Vec::new();
    thread::scope(|scope| {
        let threads = config.threads.min(files.len());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (counted, read) = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            table.merge(counted);
            outcomes.extend(read);
        }
    });
    outcomes.sort_by_key(|&(file, _)| file);
    let (reports, skipped) = sort_out(files, outcomes)?;
    Ok(Logs {
        log: FlowLog::new(table).read_as(&reports),
        reports,
        skipped,
    })
}

/// Takes the next file again and again, as long as there is one.
fn read_some(
    files: &[InputPath],
    next: &AtomicU32,
    mut table: Table,
    config: &Analyze,
    progress: &Progress,
) -> (Table, Vec<Outcome>) {
    let mut outcomes = Vec::new();
    let is_server = |address: Address| config.engine.servers.rank(address) > 0;
    loop {
        let number = next.fetch_add(1, Relaxed);
        let Some(file) = files.get(number as usize) else {
            return (table, outcomes);
        };
        let outcome = read_file(file, number, &mut table, &is_server);
        outcomes.push((number, outcome));
        progress.add(file_size(file));
    }
}

/// What was read, and what was passed over: files that are no flow logs, where only their
/// folder was named.
fn sort_out(
    files: &[InputPath],
    outcomes: Vec<Outcome>,
) -> Result<(Vec<LogReport>, Vec<String>), LogError> {
    let (mut reports, mut skipped) = (Vec::new(), Vec::new());
    for (number, outcome) in outcomes {
        match (outcome, &files[number as usize].found_in) {
            (Ok(report), _) => reports.push(report),
            (Err(error @ LogError::NotALog { .. }), Some(folder)) => skipped.push((folder, error)),
            (Err(error), _) => return Err(error),
        }
    }
    match skipped.first() {
        Some((folder, _)) if reports.is_empty() => Err(LogError::NoLogs {
            folder: folder.display().to_string(),
            why: skipped.into_iter().next().map(|(_, error)| Box::new(error)),
        }),
        _ => {
            let told = |(_, error): (_, LogError)| format!("passed over: {error}");
            Ok((reports, skipped.into_iter().map(told).collect()))
        }
    }
}
