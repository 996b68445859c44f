//! Flags of `merge`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{AcceptFlags, CliError, JudgeFlags, Output, OutputFlags, cores};
use crate::engine::Engine;
use crate::report::ExitTerms;
use crate::verdict::Viewpoint;

/// Examples that `merge --help` shows.
pub(super) const EXAMPLES: &str = "\
plainsight merge --servers 10.0.0.0/24 shares/*.state
  plainsight merge --partial --flow-logs logs/ -o report.json node-1.state node-2.state
  plainsight merge --save rack-1.state rack-1/*.state";

/// The flags of `merge`, as typed.
#[derive(Debug, Args)]
pub struct MergeFlags {
    /// States that `analyze`, `live` or `merge` saved
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Report on what there is, where states are missing or damaged
    ///
    /// Each is told, and the run is not whole: it exits with 3 at best.
    #[arg(long)]
    pub partial: bool,

    /// Virtual network flow logs: what the platform did with each flow
    ///
    /// As of `analyze`.
    #[arg(long, value_name = "PATH")]
    pub flow_logs: Vec<PathBuf>,

    /// Save all that the states hold to one file, which can be merged again
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// Refused: saved states hold no packets.
    #[arg(long, value_name = "FILE", hide = true)]
    pub evidence: Option<PathBuf>,

    /// Number of workers that read flow logs at once [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// Settings of verdicts.
    #[command(flatten)]
    pub judge: JudgeFlags,

    /// Destination and look of the report.
    #[command(flatten)]
    pub output: OutputFlags,

    /// Verdicts that count for no exit code.
    #[command(flatten)]
    pub accept: AcceptFlags,
}

/// Configuration of `merge`, as meant.
#[derive(Debug)]
pub struct Merge {
    /// States.
    pub files: Vec<PathBuf>,
    /// True if states may be missing or damaged.
    pub partial: bool,
    /// Flow logs, or folders of them.
    pub flow_logs: Vec<PathBuf>,
    /// Settings of the engine; those of counting are the states'.
    pub engine: Engine,
    /// Destination of the report.
    pub output: Output,
    /// Terms on which verdicts become an exit code.
    pub exit_terms: ExitTerms,
    /// File to save the sum to.
    pub save: Option<PathBuf>,
    /// Number of workers that read flow logs at once.
    pub threads: usize,
}

impl TryFrom<MergeFlags> for Merge {
    type Error = CliError;

    fn try_from(flags: MergeFlags) -> Result<Self, CliError> {
        if flags.evidence.is_some() {
            return Err(CliError::StateEvidence);
        }
        let output = Output::try_from(flags.output)?;
        Ok(Self {
            files: flags.files,
            partial: flags.partial,
            flow_logs: flags.flow_logs,
            engine: flags.judge.meant(&output.custody, Viewpoint::recorded)?,
            exit_terms: flags.accept.read(&output.custody)?,
            output,
            save: flags.save,
            threads: flags.threads.map_or_else(cores, NonZeroUsize::get),
        })
    }
}
