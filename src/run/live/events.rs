//! Changes from one report to the next: a line of JSON for log shippers, a sentence
//! for a person.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::clock::now;
use crate::input::name::FileName;
use crate::report::{Evidence, InputReport, PathReport, Report, ServerReport, rfc3339};
use crate::verdict::Verdict;

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The captures are open, and counting begins.
    Started {
        /// The interfaces that are captured.
        interfaces: Vec<String>,
        /// Servers, each with its source.
        servers: Vec<ServerReport>,
        /// Address at which metrics are served.
        metrics: Option<SocketAddr>,
    },
    /// A path was seen for the first time.
    PathAppeared {
        /// Client and server.
        #[serde(flatten)]
        path: EventEnds,
        /// Its verdict so far.
        verdict: Verdict,
    },
    /// A path's verdict is another one.
    VerdictChanged {
        /// Client and server.
        #[serde(flatten)]
        path: EventEnds,
        /// Verdict before.
        from: Verdict,
        /// Verdict now.
        to: Verdict,
    },
    /// A path's first packet in plaintext.
    FirstPlaintext {
        /// Client and server.
        #[serde(flatten)]
        path: EventEnds,
        /// The packet.
        evidence: Option<Evidence>,
    },
    /// The first packets were lost.
    DropsBegan {
        /// The capture that lost them.
        interface: String,
        /// Dropped by the kernel so far.
        kernel: u64,
        /// Dropped by the interface so far; `null` where that is not known.
        dropped_by_interface: Option<u64>,
    },
    /// An interface went down, or away.
    InterfaceDown {
        /// Its name.
        interface: String,
    },
    /// An interface is up again.
    InterfaceUp {
        /// Its name.
        interface: String,
    },
    /// A file failed, and no packet is saved any more.
    SavingFailed {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        reason: String,
    },
    /// The first packets were left out of the file that is saved, as it takes them too
    /// slowly, or not at all.
    SavingFellBehind {
        /// The file, as it was named.
        path: PathBuf,
        /// Number of packets left out so far.
        packets: u64,
    },
    /// A file of packets was removed while the run held it, and what was in it is gone.
    SavedFileRemoved {
        /// The file.
        path: PathBuf,
        /// Number of packets of this run that are gone with it.
        packets: u64,
    },
    /// A file of packets has another name now, under which the run goes on to write to it.
    SavedFileMoved {
        /// Its name before.
        path: PathBuf,
    },
    /// The run has ended.
    Ended {
        /// Exit code of the process.
        exit_code: u8,
    },
}

/// The two ends of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct EventEnds {
    /// The client; `null` in the sum of paths that were too many to keep apart.
    pub client: Option<String>,
    /// The server; `null` there too.
    pub server: Option<String>,
}

impl EventEnds {
    /// Those of a path as it is reported.
    #[must_use]
    pub fn of(path: &PathReport) -> Self {
        Self {
            client: path.client.clone(),
            server: path.server.clone(),
        }
    }
}

impl fmt::Display for EventEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.client, &self.server) {
            (Some(client), Some(server)) => write!(f, "{client} to {server}"),
            _ => write!(f, "paths beyond the limit"),
        }
    }
}

/// An event, and when it was noticed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// In RFC 3339.
    pub time: String,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl From<Event> for Line {
    fn from(event: Event) -> Self {
        let time = rfc3339(now());
        Self { time, event }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.time, self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started {
                interfaces,
                servers,
                metrics,
            } => started(f, interfaces, servers, metrics.as_ref()),
            Self::PathAppeared { path, verdict } => write!(f, "{path}: {}", verdict.name()),
            Self::VerdictChanged { path, from, to } => {
                write!(f, "{path}: {}, was {}", to.name(), from.name())
            }
            Self::FirstPlaintext { path, evidence } => {
                let shows = evidence.as_ref().map_or("", |evidence| &evidence.shows);
                write!(f, "{path}: first plaintext: {shows}")
            }
            Self::DropsBegan { interface, .. } => write!(f, "{interface}: packets are being lost"),
            Self::InterfaceDown { interface: it } => {
                write!(f, "{it} is down: nothing is seen there")
            }
            Self::InterfaceUp { interface } => write!(f, "{interface} is up again"),
            Self::SavingFailed { path, reason } => {
                write!(f, "cannot save to {} any more: {reason}", FileName(path))
            }
            Self::SavingFellBehind { path, .. } => {
                let path = FileName(path);
                write!(f, "{path} takes packets too slowly: some are not saved")
            }
            Self::SavedFileRemoved { path, packets } => {
                let path = FileName(path);
                write!(f, "{path} was removed, and {packets} saved packets with it")
            }
            Self::SavedFileMoved { path } => moved(f, path),
            Self::Ended { exit_code } => write!(f, "ended, exit code {exit_code}"),
        }
    }
}

fn moved(f: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    let path = FileName(path);
    write!(
        f,
        "{path} is not at its name any more, and is written to where it is"
    )
}

fn started(
    f: &mut fmt::Formatter<'_>,
    interfaces: &[String],
    servers: &[ServerReport],
    metrics: Option<&SocketAddr>,
) -> fmt::Result {
    write!(f, "capturing on {}", interfaces.join(", "))?;
    let named = |it: &ServerReport| format!("{} ({})", it.address, it.source);
    let servers: Vec<String> = servers.iter().map(named).collect();
    match &servers[..] {
        [] => write!(f, "; no server is known yet")?,
        known => write!(f, "; servers: {}", known.join(", "))?,
    }
    match metrics {
        Some(address) => write!(f, "; metrics on http://{address}/metrics"),
        None => Ok(()),
    }
}

/// A file for events, or standard output: an object in JSON on each line.
pub(super) struct Log {
    out: Box<dyn Write + Send>,
    path: PathBuf,
    /// Set from outside when the file was moved away, and another is to be begun.
    reopen: Arc<AtomicBool>,
}

impl Log {
    /// Opens a file; `-` is standard output.
    pub(super) fn open(path: &Path, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = if is_stdout(path) {
            Box::new(io::stdout())
        } else {
            Box::new(open(path)?)
        };
        let path = path.to_owned();
        Ok(Self { out, path, reopen })
    }

    /// Opens the file again where that was asked for.
    ///
    /// # Errors
    /// It cannot be opened; then the one that was open stays.
    pub(super) fn look(&mut self) -> io::Result<()> {
        if self.reopen.swap(false, Ordering::Relaxed) && !is_stdout(&self.path) {
            self.out = Box::new(open(&self.path)?);
        }
        Ok(())
    }

    /// Path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an event.
    pub(super) fn tell(&mut self, line: &Line) -> io::Result<()> {
        let json = serde_json::to_string(line)?;
        writeln!(self.out, "{json}")?;
        self.out.flush()
    }
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// A pipe with a name is also opened to be read, for without a reader the kernel would keep
/// the run from beginning.
fn open(path: &Path) -> io::Result<File> {
    let is_pipe = path
        .metadata()
        .is_ok_and(|metadata| metadata.file_type().is_fifo());
    let mut options = File::options();
    options.create(true).append(true).read(is_pipe).open(path)
}

/// Paths and captures as the last report showed them.
#[derive(Debug, Default)]
pub struct LastSeen {
    paths: BTreeMap<EventEnds, KnownPath>,
    captures: BTreeMap<String, Condition>,
}

#[derive(Clone, Copy, Debug)]
struct KnownPath {
    verdict: Verdict,
    plaintext: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Condition {
    drops: bool,
    down: bool,
}

impl LastSeen {
    /// Events for all that is new in a report.
    pub fn changes(&mut self, report: &Report) -> Vec<Event> {
        let mut events = Vec::new();
        // A server that was expected and is silent has not appeared.
        let seen = |path: &&PathReport| path.verdict != Verdict::Silent;
        let paths = report.paths.iter().filter(seen);
        // Paths that are no longer in the report are forgotten.
        self.paths = paths.map(|path| self.path(path, &mut events)).collect();
        for input in &report.inputs {
            self.capture(input, &mut events);
        }
        events
    }

    fn path(&self, path: &PathReport, events: &mut Vec<Event>) -> (EventEnds, KnownPath) {
        let ends = EventEnds::of(path);
        let now = KnownPath {
            verdict: path.verdict,
            plaintext: path.traffic.plaintext.packets > 0,
        };
        let known = self.paths.get(&ends);
        match known {
            None => events.push(Event::PathAppeared {
                path: ends.clone(),
                verdict: now.verdict,
            }),
            Some(known) if known.verdict != now.verdict => events.push(Event::VerdictChanged {
                path: ends.clone(),
                from: known.verdict,
                to: now.verdict,
            }),
            Some(_) => {}
        }
        if now.plaintext && !known.is_some_and(|known| known.plaintext) {
            events.push(first_plaintext(path));
        }
        (ends, now)
    }

    fn capture(&mut self, input: &InputReport, events: &mut Vec<Event>) {
        let Some(losses) = &input.losses else {
            return;
        };
        let interface = || input.name.clone();
        let now = Condition {
            drops: losses.kernel + losses.interface.unwrap_or(0) > 0,
            down: losses.down,
        };
        let known = self.captures.insert(interface(), now).unwrap_or_default();
        if now.drops && !known.drops {
            events.push(Event::DropsBegan {
                interface: interface(),
                kernel: losses.kernel,
                dropped_by_interface: losses.interface,
            });
        }
        let interface = interface();
        match (known.down, now.down) {
            (false, true) => events.push(Event::InterfaceDown { interface }),
            (true, false) => events.push(Event::InterfaceUp { interface }),
            _ => {}
        }
    }
}

fn first_plaintext(path: &PathReport) -> Event {
    let mut evidence = path.evidence.iter();
    Event::FirstPlaintext {
        path: EventEnds::of(path),
        evidence: evidence.find(|it| it.of == "plaintext").cloned(),
    }
}
