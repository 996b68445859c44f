//! Flags of `bench`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    AcceptFlags, Analyze, AnalyzeFlags, CliError, ColorChoice, CountFlags, EngineFlags,
    EvidenceFlags, FORMATS, JudgeFlags, OutputFlags, WindowFlags,
};

/// Examples that `bench --help` shows, and its exit codes.
pub(super) const HELP: &str = "\
Examples:
  plainsight bench captures/
  plainsight bench --format json capture.pcap

Exit codes:
  0  it was measured, whatever the captures show
  2  the run failed";

/// The flags of `bench`, as typed.
#[derive(Debug, Args)]
pub struct BenchFlags {
    /// Capture files, or folders of them
    #[arg(value_name = "FILE", required = true)]
    pub paths: Vec<PathBuf>,

    /// Number of runs to count, after one to warm up
    #[arg(long, value_name = "N", default_value = "5")]
    pub runs: NonZeroUsize,

    /// Number of workers that read at once [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// The format of the measurements
    #[arg(long, value_enum, default_value_t)]
    pub format: BenchFormat,
}

/// Format of the measurements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum BenchFormat {
    /// For a person
    #[default]
    Table,
    /// For a program
    Json,
}

/// Configuration of `bench`, as meant.
#[derive(Debug)]
pub struct Bench {
    /// Analysis to measure.
    pub analyze: Analyze,
    /// Number of runs, at least one.
    pub runs: usize,
    /// Format of the measurements.
    pub format: BenchFormat,
}

impl TryFrom<BenchFlags> for Bench {
    type Error = CliError;

    fn try_from(flags: BenchFlags) -> Result<Self, CliError> {
        let analyze = AnalyzeFlags {
            paths: flags.paths,
            flow_logs: Vec::new(),
            window: WindowFlags::default(),
            engine: EngineFlags {
                judge: JudgeFlags::default(),
                count: CountFlags::default(),
            },
            output: OutputFlags {
                format: &FORMATS[0],
                outputs: Vec::new(),
                manifest: None,
                verbose: false,
                quiet: false,
                top: None,
                display_filter: false,
                group_by: None,
                color: ColorChoice::default(),
            },
            evidence: EvidenceFlags::default(),
            threads: flags.threads,
            accept: AcceptFlags::default(),
            save: None,
            stats: false,
        };
        Ok(Self {
            analyze: analyze.try_into()?,
            runs: flags.runs.get(),
            format: flags.format,
        })
    }
}
