//! Flags as typed, then the configuration as meant.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::engine::Engine;
use crate::input::custody::Custody;
use crate::input::name::FileName;
use crate::report::{DocumentFormat, ExitTerms, FORMATS, GroupBy, Report, Style};
use crate::verdict::servers::ServersError;
use crate::verdict::{Exit, Viewpoint};

mod accept;
mod azure;
mod bench;
mod color;
mod engine;
mod evidence;
#[cfg(feature = "live")]
mod live;
mod merge;
mod server_list;
mod shell;
mod stripes;
mod verify;
mod window;

pub use accept::AcceptFlags;
pub use azure::{AzureError, AzureFlags, Exports, Posture, PostureFlags};
pub use bench::{Bench, BenchFlags, BenchFormat};
pub use color::ColorChoice;
pub use engine::{CountFlags, EngineFlags, JudgeFlags};
pub use evidence::{EvidenceFlags, EvidenceWish, PacketCut};
#[cfg(feature = "live")]
pub use live::{Live, LiveFlags, MetricsDetail, Save, StateFile, Until};
pub use merge::{Merge, MergeFlags};
pub use shell::{CompletionsFlags, ManFlags};
pub use stripes::{Stripes, StripesFlags};
pub use verify::{Verify, VerifyFlags};
pub use window::WindowFlags;

/// Tells from packet captures and flow logs which paths to Azure Managed Lustre (AMLFS) carried
/// encrypted traffic, and which sent their data in plain sight
#[derive(Debug, Parser)]
#[command(version, after_help = after_help(EXAMPLES))]
pub struct Cli {
    /// Command to run.
    #[command(subcommand)]
    pub command: Command,
}

/// Command with its flags.
#[derive(Debug, Subcommand)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, and it is taken apart at once"
)]
pub enum Command {
    /// Give a verdict for each path in packet captures and flow logs
    ///
    /// A path is a client and an AMLFS server. Its verdict is one word: encrypted, weak
    /// (encrypted below the policy), mixed (both encrypted and plaintext), plaintext,
    /// conflict (capture and flow logs contradict each other), unproven (readable inside the
    /// VM, the wire below unknown), undetermined (what was seen cannot tell), or silent
    /// (expected, and not seen). It holds for the vantage, and for what was captured.
    #[command(after_help = after_help(EXAMPLES))]
    Analyze(AnalyzeFlags),

    #[cfg(feature = "live")]
    /// Give a verdict for each path as its packets pass this machine
    ///
    /// Captures on a client until it is told to end, with --duration or --packets, with
    /// Ctrl-C, by SIGTERM or SIGHUP, and then reports as `analyze` does. SIGUSR1 prints a
    /// report and goes on. On a terminal it shows a table meanwhile; else, a line for each change
    /// of a verdict on standard error. What was dropped stands in the report.
    #[command(after_help = after_help(live::EXAMPLES))]
    Live(LiveFlags),

    /// Give the report of what several runs counted and saved
    ///
    /// It is the report that one `analyze` of all their inputs would have given: in any order,
    /// and by way of other merges. Servers, policy, vantage, flow logs and Azure's configuration
    /// are given here. An input that two states hold counts once, and is told.
    #[command(after_help = after_help(merge::EXAMPLES))]
    Merge(MergeFlags),

    /// Tell which files of Lustre have data on servers whose paths are not encrypted
    ///
    /// Joins the layouts of files, as `lfs getstripe` tells them, with the paths of a report. A
    /// file's verdict is the worst of the paths to its targets; data on a target that no path of
    /// the report leads to is undetermined.
    #[command(after_help = after_help(stripes::EXAMPLES))]
    Files(StripesFlags),

    /// Check Azure's configuration for known causes of plaintext, without a capture
    ///
    /// For each client that can reach a file system, and for each file system: what may
    /// keep their traffic from being encrypted, the field that says so, and the az command
    /// that mends it. It explains verdicts and makes none: that all is as it should be
    /// proves nothing sent.
    #[command(after_help = azure::posture_help())]
    Posture(PostureFlags),

    /// Measure how fast this machine analyzes recorded captures
    ///
    /// Beside the analysis, the same files are walked and read without looking at a
    /// packet, which is the limit here, and counted by tcpdump and capinfos where these
    /// are installed.
    #[command(after_help = bench::HELP)]
    Bench(BenchFlags),

    /// Check files against the manifest of the run that read or wrote them
    #[command(after_help = verify::HELP)]
    Verify(VerifyFlags),

    /// Print completions for a shell
    Completions(CompletionsFlags),

    /// Print a manual page, for man(1)
    Man(ManFlags),
}

/// The flags of `analyze`, as typed.
#[derive(Debug, Args)]
pub struct AnalyzeFlags {
    /// Capture files, folders of them, or - for standard input
    ///
    /// pcap and pcapng, also within gzip, zstd, xz, bzip2 or lz4; told by their content, whatever the
    /// name. A folder is searched with all its folders, in any order.
    #[arg(value_name = "PATH", required_unless_present = "flow_logs")]
    pub paths: Vec<PathBuf>,

    /// Virtual network flow logs: what the platform did with each flow
    ///
    /// PT1H.json files of version 4, also within gzip, or folders of them in any layout.
    /// Repeatable. With captures, they say what the wire below the capture carried; without
    /// any, the platform's word is all there is.
    #[arg(long, value_name = "PATH")]
    pub flow_logs: Vec<PathBuf>,

    /// Number of workers that read at once [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,

    /// Save what was counted to a file, from which `merge` makes the report of many
    ///
    /// It holds counts and no conclusions, so that servers, policy, flow logs and Azure's
    /// configuration can be given when states are merged. It appears when it is whole.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,

    /// Print the time spent on each part of the run on standard error
    #[arg(long)]
    pub stats: bool,

    /// Period that is judged.
    #[command(flatten)]
    pub window: WindowFlags,

    /// Settings of the engine.
    #[command(flatten)]
    pub engine: EngineFlags,

    /// Destination and look of the report.
    #[command(flatten)]
    pub output: OutputFlags,

    /// Packets of the evidence.
    #[command(flatten)]
    pub evidence: EvidenceFlags,

    /// Verdicts that count for no exit code.
    #[command(flatten)]
    pub accept: AcceptFlags,
}

/// The flags that say where the report goes, and how it looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct OutputFlags {
    /// The format of the report on standard output
    #[arg(long, value_parser = format_of(FORMATS), default_value = FORMATS[0].name)]
    pub format: &'static DocumentFormat,

    /// Files that the report is also written to.
    #[arg(short, long = "output", value_name = "FILE", help = outputs_help("report", FORMATS))]
    pub outputs: Vec<PathBuf>,

    /// Also write a manifest: what ran where, and the SHA-256 of each file read and written
    ///
    /// In JSON, as the last output; `plainsight verify` checks files against it.
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,

    /// List all paths with their flows and all evidence in the table
    #[arg(short, long)]
    pub verbose: bool,

    /// Print Wireshark's display filters for each path in the table, and for its evidence
    #[arg(long)]
    pub display_filter: bool,

    /// Print no report: the exit code and the files of -o remain
    #[arg(short, long, conflicts_with_all = ["format", "verbose"])]
    pub quiet: bool,

    /// List so many paths in the table, the worst first, or `all` [default: what fits]
    ///
    /// Those beyond are counted by verdict. Other formats hold all paths.
    #[arg(long, value_name = "N", value_parser = top)]
    pub top: Option<usize>,

    /// Sum the paths of the table by one of their ends
    #[arg(long, value_enum, value_name = "END")]
    pub group_by: Option<GroupBy>,

    /// Use of color
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,
}

const EXAMPLES: &str = "\
plainsight analyze --servers 10.0.0.0/24 capture.pcap
  plainsight analyze --servers 10.0.0.[4-9]@tcp -o report.json captures/
  timeout 60 tcpdump -i eth0 -s 256 -w - | plainsight analyze --servers @servers.txt -
  plainsight analyze --vantage guest --flow-logs logs/ --servers 10.0.0.4 capture.pcap
  plainsight analyze --flow-logs logs/ --servers 10.0.0.0/24";

fn after_help(examples: &str) -> String {
    help(examples, &Exit::CONTRACT)
}

fn help(examples: &str, contract: &[(Exit, &str)]) -> String {
    let rows = contract
        .iter()
        .map(|(exit, meaning)| format!("  {}  {meaning}", exit.code()));
    let codes = rows.collect::<Vec<_>>().join("\n");
    format!("Examples:\n  {examples}\n\nExit codes:\n{codes}")
}

/// Parser of the name of a format, one of those that a document is written in.
fn format_of<R: 'static>(
    formats: &'static [DocumentFormat<R>],
) -> impl TypedValueParser<Value = &'static DocumentFormat<R>> {
    let names = formats.iter().map(|format| format.name);
    PossibleValuesParser::new(names).map(|word| {
        let format = formats.iter().find(|format| format.name == word);
        format.expect("the parser admits names of formats alone")
    })
}

/// Help on the files that a document is written to.
fn outputs_help<R>(document: &str, formats: &[DocumentFormat<R>]) -> String {
    let endings = endings(formats);
    format!(
        "Also write the {document} to a file, in the format of its ending: {endings}; repeatable"
    )
}

/// Error in the flags.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A word in a list of servers.
    #[error("--servers: {0}")]
    Servers(#[from] ServersError),
    /// A list of servers that cannot be read.
    #[error("--servers: cannot read {}: {source}", FileName(path))]
    ServersFile {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A list of servers, by its place, that names none.
    #[error("--servers: {0} names no server; leave the flag out where none is known")]
    NoServers(String),
    /// The configuration of Azure.
    #[error(transparent)]
    Azure(#[from] AzureError),
    /// An output file whose ending names no format.
    #[error("-o {}: the ending names no format; use {endings}", FileName(path))]
    Ending {
        /// The file.
        path: PathBuf,
        /// Endings that name a format of the document.
        endings: String,
    },
    /// A window without any time in it.
    #[error("--until: the window ends before it begins with --since")]
    EmptyWindow,
    /// Context of evidence that nobody can look at again.
    #[error(
        "--evidence-context takes packets that can be read again: use -w, and analyze the file \
         with it"
    )]
    LiveContext,
    /// Evidence of states, which hold no packets.
    #[error(
        "--evidence: saved states hold counts and no packets; run analyze --evidence on the \
         captures themselves"
    )]
    StateEvidence,
    /// A format that the document is not printed in.
    #[error("--format {name}: {document} printed as {names}")]
    Format {
        /// Name of the format.
        name: String,
        /// The document, and its verb.
        document: &'static str,
        /// Names of its formats.
        names: String,
    },
}

fn endings<R>(formats: &[DocumentFormat<R>]) -> String {
    let endings = formats.iter().map(|format| format!(".{}", format.ending));
    endings.collect::<Vec<_>>().join(" or ")
}

/// Configuration of `analyze`, as meant.
#[derive(Debug)]
pub struct Analyze {
    /// Captures: files, folders, or `-`.
    pub paths: Vec<PathBuf>,
    /// Flow logs, or folders of them.
    pub flow_logs: Vec<PathBuf>,
    /// Settings of the engine.
    pub engine: Engine,
    /// Exports that explain verdicts, which those of folders join.
    pub exports: Exports,
    /// Number of workers that read at once.
    pub threads: usize,
    /// In how many pieces a long file is walked.
    pub pieces: usize,
    /// Minimum length of a piece, in bytes.
    pub min_piece_len: u64,
    /// Destination of the report.
    pub output: Output,
    /// Terms on which verdicts become an exit code.
    pub exit_terms: ExitTerms,
    /// Packets of the evidence that are to be written.
    pub evidence: Option<EvidenceWish>,
    /// File to save what was counted to.
    pub save: Option<PathBuf>,
    /// Set to tell the time spent on each part of the run.
    pub stats: bool,
}

impl TryFrom<AnalyzeFlags> for Analyze {
    type Error = CliError;

    fn try_from(flags: AnalyzeFlags) -> Result<Self, CliError> {
        let threads = flags.threads.map_or_else(cores, NonZeroUsize::get);
        let output = Output::try_from(flags.output)?;
        Ok(Self {
            paths: flags.paths,
            flow_logs: flags.flow_logs,
            exports: flags.engine.judge.azure.clone().meant(&output.custody)?,
            engine: Engine {
                period: flags.window.meant()?,
                servers_later: flags.save.is_some(),
                ..flags.engine.meant(&output.custody, Viewpoint::recorded)?
            },
            threads,
            // Each is counted apart, and adding up thousands of flows costs more than waiting.
            pieces: threads,
            min_piece_len: MIN_PIECE_LEN,
            exit_terms: flags.accept.read(&output.custody)?,
            output,
            evidence: flags.evidence.into(),
            save: flags.save,
            stats: flags.stats,
        })
    }
}

/// Destination and look of a report.
#[derive(Debug)]
pub struct Output<R: 'static = Report> {
    /// The format of standard output.
    pub format: &'static DocumentFormat<R>,
    /// Look on standard output.
    pub style: Style,
    /// Files to write the report to.
    pub files: Vec<(PathBuf, &'static DocumentFormat<R>)>,
    /// File to write the manifest to.
    pub manifest: Option<PathBuf>,
    /// Record of the files of the run, which is kept for the manifest.
    pub custody: Custody,
}

impl TryFrom<OutputFlags> for Output {
    type Error = CliError;

    fn try_from(flags: OutputFlags) -> Result<Self, CliError> {
        Ok(Self {
            format: if flags.quiet {
                DocumentFormat::NOTHING
            } else {
                flags.format
            },
            style: Style {
                display_filters: flags.display_filter,
                top: flags.top,
                group_by: flags.group_by,
                ..style(flags.color, flags.verbose)
            },
            files: outputs(flags.outputs, FORMATS)?,
            custody: custody(flags.manifest.as_ref()),
            manifest: flags.manifest,
        })
    }
}

/// Record of files that a manifest takes.
fn custody(manifest: Option<&PathBuf>) -> Custody {
    manifest.map_or_else(Custody::default, |_| Custody::kept())
}

/// Long enough that a piece costs far more to walk than to merge.
const MIN_PIECE_LEN: u64 = 32 << 20;

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// A number of rows; all of them are more than any list has.
fn top(text: &str) -> Result<usize, String> {
    match text {
        "all" => Ok(usize::MAX),
        number => number
            .parse()
            .map_err(|_| "neither a number nor `all`".to_owned()),
    }
}

/// The look that fits the terminal, or a page where there is none.
fn style(color: ColorChoice, verbose: bool) -> Style {
    let page = Style::default();
    let size = terminal_size::terminal_size_of(io::stdout());
    let (width, height) = size.map_or((page.width, page.height), |(width, height)| {
        (width.0, height.0)
    });
    Style {
        color: color.on_stdout(),
        width,
        height,
        verbose,
        ..page
    }
}

/// Files to write to, each with the format that its ending asks for.
fn outputs<R>(
    paths: Vec<PathBuf>,
    formats: &'static [DocumentFormat<R>],
) -> Result<Vec<(PathBuf, &'static DocumentFormat<R>)>, CliError> {
    let format = |path: PathBuf| by_ending(&path, formats).map(|format| (path, format));
    paths.into_iter().map(format).collect()
}

fn by_ending<R>(
    path: &Path,
    formats: &'static [DocumentFormat<R>],
) -> Result<&'static DocumentFormat<R>, CliError> {
    let ending = path.extension().unwrap_or_default();
    formats
        .iter()
        .find(|format| ending.eq_ignore_ascii_case(format.ending))
        .ok_or_else(|| CliError::Ending {
            path: path.to_owned(),
            endings: endings(formats),
        })
}
