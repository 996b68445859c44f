//! Flags of `live`.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use pcap::{Capture, Linktype};

use super::{
    AcceptFlags, CliError, Engine, EngineFlags, EvidenceFlags, EvidenceWish, Output, OutputFlags,
};
use crate::azure::dmi::on_azure_vm;
use crate::report::ExitTerms;
use crate::verdict::Viewpoint;

/// Examples that `live --help` shows.
pub(super) const EXAMPLES: &str = "\
plainsight live
  plainsight live -i eth0 --servers 10.0.0.[4-9]@tcp --duration 10m -o report.json
  plainsight live --until-decided 60s --events - | logger
  plainsight live --metrics 9988 -w trace.pcapng --rotate-size 1GB";

/// Headings of the groups of flags.
const CAPTURE: &str = "Capture";
const END: &str = "End of the run";
const SAVED: &str = "Saved packets and counts";
const TOLD: &str = "Events and metrics";

/// The flags of `live`, as typed.
#[derive(Debug, Args)]
pub struct LiveFlags {
    /// Capture on this interface, or on `any`
    ///
    /// Repeatable. Where none is named, it is the one that leads to the servers, else the
    /// one that holds this machine's own Lustre address. On Azure name the synthetic
    /// interface (eth0), not its virtual function.
    #[arg(short, long = "interface", env = "PLAINSIGHT_INTERFACE", value_name = "IFACE", help_heading = CAPTURE)]
    pub interfaces: Vec<String>,

    /// Flags that all engines share.
    #[command(flatten)]
    pub engine: EngineFlags,

    /// Format and files of the report.
    #[command(flatten)]
    pub output: OutputFlags,

    /// Verdicts that count for no exit code.
    #[command(flatten)]
    pub accept: AcceptFlags,

    /// Packets of the evidence.
    #[command(flatten)]
    pub evidence: EvidenceFlags,

    /// Further packets to let through, as an expression of pcap-filter(7)
    #[arg(long, value_name = "EXPRESSION", value_parser = filter, help_heading = CAPTURE)]
    pub filter: Option<String>,

    /// Bytes to keep of each packet: 256 hold headers, handshakes and the start of records
    #[arg(long, env = "PLAINSIGHT_SNAP_LENGTH", value_name = "BYTES", default_value_t = 256, value_parser = clap::value_parser!(u16).range(64..), help_heading = CAPTURE)]
    pub snap_length: u16,

    /// The kernel's buffer for each worker: more rides out longer bursts
    #[arg(long, env = "PLAINSIGHT_BUFFER", value_name = "SIZE", default_value = "64MiB", value_parser = size, help_heading = CAPTURE)]
    pub buffer: ByteSize,

    /// Workers for each interface, which share its flows (`PACKET_FANOUT`)
    #[arg(long, env = "PLAINSIGHT_THREADS", value_name = "N", default_value = "1", help_heading = CAPTURE)]
    pub threads: NonZeroUsize,

    /// End after a time, as in 90s, 15m or 1h30m
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = END)]
    pub duration: Option<Duration>,

    /// End after so many packets
    #[arg(long, value_name = "N", help_heading = END)]
    pub packets: Option<u64>,

    /// End when more packets cannot lower any verdict, or after a time
    ///
    /// That is so when each server that was named or found has a path, and all paths are
    /// plaintext or mixed. What is encrypted now could still be plaintext later, so name a
    /// time to wait for that.
    #[arg(long, value_name = "TIME", num_args = 0..=1, value_parser = duration, help_heading = END)]
    pub until_decided: Option<Option<Duration>>,

    /// File to save the captured packets to, as pcapng
    ///
    /// What an earlier run of this program saved there stays, and this run goes on behind it;
    /// any other file that is not empty is refused.
    #[arg(short, long = "write", env = "PLAINSIGHT_WRITE", value_name = "FILE", value_parser = file_to_write, help_heading = SAVED)]
    pub write: Option<PathBuf>,

    /// Begin another file when one has this size; numbers come before the ending
    #[arg(long, env = "PLAINSIGHT_ROTATE_SIZE", value_name = "SIZE", requires = "write", value_parser = size, help_heading = SAVED)]
    pub rotate_size: Option<ByteSize>,

    /// Keep so many files, and then begin with the first again
    #[arg(long, env = "PLAINSIGHT_ROTATE_COUNT", value_name = "N", default_value = "10", value_parser = clap::value_parser!(u16).range(1..=999), requires = "rotate_size", help_heading = SAVED)]
    pub rotate_count: u16,

    /// Write an object in JSON for each change, one a line; - for standard output
    ///
    /// With - nothing else is written there: reports go to standard error.
    #[arg(long, env = "PLAINSIGHT_EVENTS", value_name = "FILE", help_heading = TOLD)]
    pub events: Option<PathBuf>,

    /// Serve metrics for Prometheus, as in 127.0.0.1:9988 or 9988
    #[arg(long, env = "PLAINSIGHT_METRICS", value_name = "ADDRESS", value_parser = address, help_heading = TOLD)]
    pub metrics: Option<SocketAddr>,

    /// Metrics of each path, or their sums over all paths, which are few whatever the number
    #[arg(long, env = "PLAINSIGHT_METRICS_DETAIL", value_enum, value_name = "DETAIL", default_value_t, help_heading = TOLD)]
    pub metrics_detail: MetricsDetail,

    /// Write metrics to a file for the node exporter, always whole
    #[arg(long, env = "PLAINSIGHT_TEXTFILE", value_name = "FILE", help_heading = TOLD)]
    pub textfile: Option<PathBuf>,

    /// Save what was counted to a file when the run ends, for `merge`
    ///
    /// As of `analyze`. The folder must be writable for --user.
    #[arg(long = "save", value_name = "FILE", help_heading = SAVED)]
    pub state: Option<PathBuf>,

    /// Save it also after each such time, as in 60s or 5m
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "state", help_heading = SAVED)]
    pub save_interval: Option<Duration>,

    /// Name of this machine in what is saved [default: its host name]
    #[arg(long, value_name = "NAME", requires = "state", help_heading = SAVED)]
    pub host: Option<String>,

    /// User to run as after the capture is opened, where root opened it [default: nobody]
    #[arg(long, env = "PLAINSIGHT_USER", value_name = "NAME", help_heading = CAPTURE)]
    pub user: Option<String>,
}

/// Configuration of `live`, as meant.
#[derive(Debug)]
pub struct Live {
    /// Interfaces to capture; empty where they are to be discovered.
    pub interfaces: Vec<String>,
    /// Configuration of the engine.
    pub engine: Engine,
    /// Format and files of the report.
    pub output: Output,
    /// Terms on which verdicts become an exit code.
    pub exit_terms: ExitTerms,
    /// Packets of the evidence that are to be written.
    pub evidence: Option<EvidenceWish>,
    /// Expression for packets to let through besides.
    pub filter: Option<String>,
    /// Bytes to keep of each packet.
    pub snap_length: u16,
    /// Bytes of the kernel's buffer for each worker.
    pub buffer_bytes: u32,
    /// Workers for each interface.
    pub threads: usize,
    /// Limits that end the run.
    pub until: Until,
    /// Files to save packets to.
    pub save: Option<Save>,
    /// File to save what was counted to.
    pub state: Option<StateFile>,
    /// File to write events to: `-` is standard output.
    pub events: Option<PathBuf>,
    /// Address to serve metrics at.
    pub metrics: Option<SocketAddr>,
    /// Detail of metrics.
    pub metrics_detail: MetricsDetail,
    /// File to write metrics to.
    pub textfile: Option<PathBuf>,
    /// User to run as after the capture is opened.
    pub user: Option<String>,
}

/// File to save packets to, or ring of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The file; the files of a ring have a number before its ending.
    pub path: PathBuf,
    /// The length at which the next file of the ring begins, in bytes.
    pub rotate_size: Option<u64>,
    /// Number of files of a ring.
    pub rotate_count: usize,
}

/// File to save what was counted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFile {
    /// Its path.
    pub path: PathBuf,
    /// Time between two states; `None` where the end alone is saved.
    pub interval: Option<Duration>,
    /// Name of this machine; `None` where it is its host name.
    pub host: Option<String>,
}

impl Live {
    /// Files that are replaced while the run goes on.
    pub fn replaced(&self) -> impl Iterator<Item = &Path> {
        let state = self.state.iter().map(|state| &*state.path);
        self.textfile.iter().map(|file| &**file).chain(state)
    }
}

/// `--metrics-detail`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MetricsDetail {
    /// Of each path, by client and server
    #[default]
    Paths,
    /// Sums over all paths
    Sums,
}

/// Limits of a live run, which a signal can end earlier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Until {
    /// After this time.
    pub duration: Option<Duration>,
    /// After so many packets.
    pub packets: Option<u64>,
    /// Once no verdict can be lowered any more.
    pub decided: bool,
}

impl TryFrom<LiveFlags> for Live {
    type Error = CliError;

    fn try_from(flags: LiveFlags) -> Result<Self, CliError> {
        let save = flags.save();
        let output = Output::try_from(flags.output)?;
        let state = flags.state.map(|path| StateFile {
            path,
            interval: flags.save_interval,
            host: flags.host,
        });
        let patience = flags.until_decided.flatten();
        Ok(Self {
            interfaces: flags.interfaces,
            engine: Engine {
                servers_later: state.is_some(),
                ..flags.engine.meant(&output.custody, || {
                    Viewpoint::live(on_azure_vm(Path::new("/")))
                })?
            },
            exit_terms: flags.accept.read(&output.custody)?,
            output,
            evidence: kept(flags.evidence)?,
            filter: flags.filter,
            snap_length: flags.snap_length,
            buffer_bytes: u32::try_from(flags.buffer.as_u64()).unwrap_or(u32::MAX),
            threads: flags.threads.get(),
            until: Until {
                duration: flags.duration.into_iter().chain(patience).min(),
                packets: flags.packets,
                decided: flags.until_decided.is_some(),
            },
            save,
            state,
            events: flags.events,
            metrics: flags.metrics,
            metrics_detail: flags.metrics_detail,
            textfile: flags.textfile,
            user: flags.user,
        })
    }
}

impl LiveFlags {
    /// Files to save packets to.
    fn save(&self) -> Option<Save> {
        Some(Save {
            path: self.write.clone()?,
            rotate_size: self.rotate_size.map(|size| size.as_u64()),
            rotate_count: self.rotate_count.into(),
        })
    }
}

/// Packets that are kept as they come, of which there is no second look at those before.
fn kept(flags: EvidenceFlags) -> Result<Option<EvidenceWish>, CliError> {
    match flags.evidence_context {
        0 => Ok(flags.into()),
        _ => Err(CliError::LiveContext),
    }
}

/// A time as jiff reads it, and not a negative one.
fn duration(text: &str) -> Result<Duration, String> {
    if is_number(text) {
        return Err(format!(
            "{text} of what? Give it a unit, as in {text}s or {text}m"
        ));
    }
    let duration: jiff::SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
    Duration::try_from(duration).map_err(|error| format!("{error}"))
}

/// A number of bytes with a unit: one without is a slip more often than meant.
fn size(text: &str) -> Result<ByteSize, String> {
    if is_number(text) {
        return Err(format!(
            "{text} of what? Give it a unit, as in {text}MiB or {text}B"
        ));
    }
    text.parse()
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

/// A file that packets can be saved to; its other readers know `-` as standard output.
fn file_to_write(text: &str) -> Result<PathBuf, String> {
    match text {
        "-" => Err(
            "packets are saved to a file, not to standard output; ./- is a file of that name"
                .to_owned(),
        ),
        path => Ok(path.into()),
    }
}

/// An expression that can stand beside others.
fn filter(text: &str) -> Result<String, String> {
    let shifts = ["vlan", "mpls", "pppoes", "geneve"];
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    if let Some(word) = words.find(|word| shifts.contains(word)) {
        return Err(format!(
            "`{word}` moves where all that follows is looked for; what is in VLANs and tunnels \
             is let through already"
        ));
    }
    // By itself, so that what is wrong is told of what the user wrote.
    let ethernet = Capture::dead(Linktype::ETHERNET).map_err(|error| error.to_string())?;
    let compiled = ethernet.compile(text, true);
    compiled.map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

/// An address to listen on; a port alone is one of loopback.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text
        .parse()
        .map(|port: u16| (Ipv4Addr::LOCALHOST, port).into());
    port.or_else(|_| text.parse())
        .map_err(|_| "neither a port nor an address with a port".to_owned())
}
