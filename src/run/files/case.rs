//! Files of a run by what they are, as their content tells: captures, flow logs, exports of
//! Azure's configuration, and none of these.

use super::RunError;
use super::flow_logs::{self, Found};
use super::inputs::{self, CopiedInput, Inputs};
use crate::cli::Analyze;
use crate::engine::Engine;
use crate::flow_log::is_log;
use crate::input::{Input, InputPath, OpenError};
use crate::report::{About, Warning};

/// Files of a run.
pub(super) struct Case {
    /// Captures, by their first packets and then by name.
    pub(super) captures: Vec<Input>,
    /// Captures that hold the same bytes as one of these.
    pub(super) copies: Vec<CopiedInput>,
    /// Flow logs.
    pub(super) flow_logs: Found,
    /// True if flow logs were named, or found in a folder.
    pub(super) is_logged: bool,
    /// The engine, with the exports.
    pub(super) engine: Engine,
    /// Files that were passed over with nothing lost.
    pub(super) skipped: Vec<Warning>,
    /// Files of folders that are or may be captures or flow logs and cannot be read, each told in
    /// a sentence.
    pub(super) unread: Vec<String>,
}

impl Case {
    /// Opens all that was named.
    pub(super) fn open(config: &Analyze) -> Result<Self, RunError> {
        let Inputs {
            captures,
            copies,
            others,
            mut unread,
        } = inputs::open(&config.paths, &config.output.custody)?;
        let folder = others.first().and_then(|file| file.found_in.clone());
        let mut others = FolderFiles::sort(others);
        if captures.is_empty() && others.flow_logs.is_empty() {
            let first = (!unread.is_empty()).then(|| unread.remove(0));
            let none = || folder.map(|path| OpenError::NoCaptures { path });
            if let Some(error) = first.or_else(none) {
                return Err(error.into());
            }
        }
        let unread = unread.iter().map(ToString::to_string);
        Ok(Self {
            is_logged: !(config.flow_logs.is_empty() && others.flow_logs.is_empty()),
            engine: others.take_exports(config)?,
            flow_logs: flow_logs::find(&config.flow_logs, others.flow_logs)?,
            unread: unread.chain(others.unread).collect(),
            skipped: skipped(others.rest, others.refused),
            captures,
            copies,
        })
    }
}

/// Files of folders that are no captures.
#[derive(Default)]
struct FolderFiles {
    flow_logs: Vec<InputPath>,
    /// Files of none of these kinds, once the exports are taken out of them.
    rest: Vec<InputPath>,
    /// Files that say something else of flows.
    refused: Vec<Warning>,
    /// Files that may be flow logs and cannot be read, each told in a sentence.
    unread: Vec<String>,
}

impl FolderFiles {
    /// Tells the flow logs from the rest.
    fn sort(files: Vec<InputPath>) -> Self {
        let mut others = Self::default();
        for file in files {
            match is_log(&file) {
                Ok(true) => others.flow_logs.push(file),
                Ok(false) => others.rest.push(file),
                Err(error) if error.may_be_log() => {
                    others.unread.push(format!("passed over: {error}"));
                }
                Err(error) => others.refused.push(flow_logs::passed_over(error)),
            }
        }
        others
    }

    /// Takes the exports out of the rest; gives the engine with them.
    fn take_exports(&mut self, config: &Analyze) -> Result<Engine, RunError> {
        let engine = config.engine.clone();
        let all = self.rest.len();
        if all == 0 {
            return Ok(engine);
        }
        let azure = config
            .exports
            .read_with(&mut self.rest, &config.output.custody)?;
        Ok(if self.rest.len() < all {
            engine.with_azure(azure)
        } else {
            engine
        })
    }
}

/// Warnings of files that were passed over with nothing lost.
fn skipped(rest: Vec<InputPath>, refused: Vec<Warning>) -> Vec<Warning> {
    let rest = rest.into_iter().map(|file| {
        let says = "neither a capture, nor a flow log, nor an export: passed over";
        Warning::of(About::File(file.to_string()), says)
    });
    let mut skipped: Vec<_> = rest.chain(refused).collect();
    skipped.sort();
    skipped
}
