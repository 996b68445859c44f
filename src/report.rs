//! Report of a run, and the formats it is written in. Its shape is declared in `model`.
//!
//! A format is one file: a function from a [`Report`] to bytes, and a row in
//! [`FORMATS`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use crate::azure::topology::Azure;
use crate::capture::{InterfaceId, Timestamp};
use crate::flow::{Count, Interface, Observer, Period, Position, SeenOn};
use crate::flow_log::{Entry, LogReport};
use crate::verdict::{
    Accounting, Exit, FailOn, Judgement, Part, Policy, Servers, Verdict, Viewpoint,
};

mod accept;
mod azure;
mod catalogue;
mod csv;
pub mod display_filter;
mod elsewhere;
mod evidence;
mod formats;
mod html;
mod json;
mod junit;
mod look;
mod losses;
pub mod manifest;
mod model;
mod path;
mod paths;
mod platform;
pub mod posture;
mod proof;
pub(crate) mod rank;
mod sarif;
pub(crate) mod sparkline;
mod stripes;
mod table;
pub(crate) mod text;
mod timeline;
mod warnings;
mod wording;

pub use accept::ExitTerms;
pub use catalogue::CATALOGUE_FORMATS;
pub use formats::POSTURE_FORMATS;
pub use look::{GroupBy, Style};
pub use model::{
    About, AccountingReport, ClientReport, Columns, ElsewhereReport, EndsReport, Evidence,
    FileSystemReport, Gap, InputReport, LossReport, Losses, Moment, ObserverReport, PacketReport,
    PathReport, PlaceReport, PlatformReport, ProofReport, ReasonReport, Report, ServerReport,
    ServesReport, Standing, StripesReport, Summary, TimelineReport, Traffic, Undecodable, Volume,
    Warning, WindowReport,
};
pub use stripes::{PathChoice, STRIPES_FORMATS, StripesError};

use paths::ToldPaths;

/// The answer of a report in a sentence.
#[must_use]
pub fn headline(report: &Report) -> String {
    wording::headline::of(report)
}

/// Number of paths that there is no room for, by verdict; `None` where there is for all.
#[must_use]
#[cfg(feature = "live")]
pub(crate) fn more_paths(more: &[&PathReport]) -> Option<String> {
    wording::path::more_paths(more)
}

/// Lines of a page on one path, in a width: its verdict, what that rests on, and its proof. Those
/// that begin without a space are headings.
#[must_use]
#[cfg(feature = "live")]
pub(crate) fn path_page(path: &PathReport, width: u16) -> Vec<String> {
    table::path_page::lines(path, width)
}

/// The version of the JSON's shape. Fields may be added within one.
pub const SCHEMA_VERSION: u32 = 1;

/// A way to write a report.
#[derive(Debug)]
pub struct DocumentFormat<R: 'static = Report> {
    /// Name of the format, for `--format`.
    pub name: &'static str,
    /// The ending of a file's name that asks for it.
    pub ending: &'static str,
    write: fn(&R, &Style, &mut dyn Write) -> io::Result<()>,
}

/// All formats; the first is the default.
pub const FORMATS: &[DocumentFormat] = &[
    DocumentFormat {
        name: "table",
        ending: "txt",
        write: table::write,
    },
    DocumentFormat {
        name: "json",
        ending: "json",
        write: json::write,
    },
    DocumentFormat {
        name: "ndjson",
        ending: "ndjson",
        write: json::write_lines,
    },
    DocumentFormat {
        name: "csv",
        ending: "csv",
        write: csv::write,
    },
    DocumentFormat {
        name: "html",
        ending: "html",
        write: html::write,
    },
];

impl<R> DocumentFormat<R> {
    /// No output at all.
    pub const NOTHING: &'static Self = &Self {
        name: "nothing",
        ending: "",
        write: |_, _, _| Ok(()),
    };

    /// Writes a report.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, report: &R, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        (self.write)(report, style, out)
    }
}

impl Summary {
    fn of(paths: &[PathReport], is_whole: bool) -> Self {
        let verdicts = || paths.iter().map(|path| path.verdict);
        let count = |wanted| verdicts().filter(|&verdict| verdict == wanted).count();
        Self {
            encrypted: count(Verdict::Encrypted),
            weak: count(Verdict::Weak),
            mixed: count(Verdict::Mixed),
            plaintext: count(Verdict::Plaintext),
            conflict: count(Verdict::Conflict),
            unproven: count(Verdict::Unproven),
            undetermined: count(Verdict::Undetermined),
            silent: count(Verdict::Silent),
            exit_code: Exit::of(verdicts(), is_whole, &FailOn::default()).code(),
        }
    }
}

impl From<Count> for Volume {
    fn from(count: Count) -> Self {
        Self {
            packets: count.packets,
            wire_bytes: count.wire_bytes,
        }
    }
}

impl AccountingReport {
    fn of(accounting: &Accounting) -> Self {
        let reasons: Vec<ReasonReport> = accounting
            .undecodable
            .iter()
            .map(|(reason, &count)| ReasonReport {
                reason: reason.to_string(),
                volume: count.into(),
            })
            .collect();
        let total: Count = accounting.undecodable.values().copied().sum();
        Self {
            read: accounting.read.into(),
            paths: accounting.paths.into(),
            dtls_elsewhere: accounting.elsewhere.into(),
            other: accounting.other.into(),
            duplicates: accounting.duplicates.into(),
            outside_window: accounting.outside.into(),
            undecodable: Undecodable {
                total: total.into(),
                reasons,
            },
        }
    }
}

/// Inputs of a run, and the settings that it was read with.
#[derive(Clone, Debug)]
pub struct Run {
    /// The captures, in the order of their first packets.
    pub inputs: Vec<InputReport>,
    /// The flow logs, by name.
    pub flow_logs: Vec<LogReport>,
    /// Files passed over in folders, and why.
    pub skipped: Vec<Warning>,
    /// Files that are or may be captures or flow logs and were not read to their end, each
    /// with the reason, in sentences.
    pub unread: Vec<String>,
    /// Period that is judged.
    pub period: Period,
    /// Share of packets that captures may have lost, from 0 to 1.
    pub max_loss: f64,
    /// The names of the interfaces.
    pub interfaces: BTreeMap<InterfaceId, String>,
    /// Policy that encryption is held to.
    pub policy: Policy,
    /// Point at which the captures were made.
    pub vantage: Viewpoint,
}

impl Run {
    /// A run over captures that is held to a policy, before anything was read.
    #[must_use]
    pub fn new(policy: Policy, vantage: Viewpoint, max_loss: f64) -> Self {
        Self {
            inputs: Vec::new(),
            flow_logs: Vec::new(),
            skipped: Vec::new(),
            unread: Vec::new(),
            period: Period::ALWAYS,
            max_loss,
            interfaces: BTreeMap::new(),
            policy,
            vantage,
        }
    }
}

impl Report {
    /// The report of a judgement on what a run read, with the checks of Azure's configuration.
    /// They explain verdicts, and change none.
    #[must_use]
    pub fn new(mut judgement: Judgement, run: Run, azure: Option<&Azure>) -> Self {
        let mut warnings = warnings::of_run(&judgement, &run);
        let paths = std::mem::take(&mut judgement.paths);
        let names = Names::of(&run, &judgement.servers);
        let losses = LossReport::of(&run.inputs);
        let mut paths = ToldPaths::of(paths, (&run, losses), &names, azure);
        warnings.extend(paths.take_warnings(&run));
        warnings.extend(warnings::folded(&judgement));
        let proof = ProofReport::of_run(&judgement, &run, losses);
        let is_whole = proof.iter().all(ProofReport::is_met);
        let elsewhere = judgement.elsewhere.iter().map(ElsewhereReport::of);
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            summary: Summary::of(&paths.reports, is_whole),
            proof,
            policy: run.policy.name(),
            window: WindowReport::of(run.period),
            first: judgement.span.map(|(first, _)| rfc3339(first)),
            last: judgement.span.map(|(_, last)| rfc3339(last)),
            timeline: paths.timeline(),
            losses,
            accounting: AccountingReport::of(&judgement.accounting),
            dtls_elsewhere: elsewhere.collect(),
            servers: ServerReport::all(&judgement.servers),
            file_systems: Vec::new(),
            clients: Vec::new(),
            waivers: Vec::new(),
            warnings,
            paths: paths.reports,
            vantage: run.vantage,
            inputs: run.inputs,
            flow_logs: run.flow_logs,
            exports: Vec::new(),
        };
        if let Some(explained) = paths.explained {
            explained.finish(&mut report);
        }
        report
    }

    /// Exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.summary.exit_code
    }
}

/// The names behind numbers.
struct Names<'r> {
    inputs: &'r [InputReport],
    /// Names of the inputs.
    files: Vec<Arc<str>>,
    flow_logs: &'r [LogReport],
    interfaces: &'r BTreeMap<InterfaceId, String>,
    servers: &'r Servers,
}

impl<'r> Names<'r> {
    fn of(run: &'r Run, servers: &'r Servers) -> Self {
        Self {
            inputs: &run.inputs,
            files: run.inputs.iter().map(|it| (&*it.name).into()).collect(),
            flow_logs: &run.flow_logs,
            interfaces: &run.interfaces,
            servers,
        }
    }
}

impl Names<'_> {
    fn file(&self, position: Position) -> Arc<str> {
        let file = self.files.get(position.file as usize);
        file.cloned().unwrap_or_default()
    }

    fn input(&self, file: u32) -> String {
        let input = self.inputs.get(file as usize);
        input.map_or_else(String::new, |input| input.name.clone())
    }

    /// A packet's number in its file, from 1.
    fn packet(&self, position: Position) -> u64 {
        let input = self.inputs.get(position.file as usize);
        let before = input.and_then(|input| input.before.get(position.piece as usize));
        before.copied().unwrap_or(0) + position.packet
    }

    fn flow_log(&self, entry: Entry) -> Arc<str> {
        let log = self.flow_logs.iter().find(|log| log.file == entry.file);
        log.map_or_else(Arc::default, |log| (&*log.name).into())
    }

    /// Name of the interface that saw some flows; `None` where several did.
    fn only_interface<'p>(&self, parts: &'p [Part<'p>]) -> Option<String> {
        let mut seen_on = SeenOn::default();
        for part in parts {
            seen_on.merge(&part.flow.seen_on);
        }
        self.interface(seen_on.only()?)
    }

    /// Observers of some flows, each once.
    fn observers<'p>(&self, parts: &'p [Part<'p>]) -> Vec<ObserverReport> {
        let mut all = BTreeSet::new();
        for part in parts {
            let is_mirrored = part.key.is_some_and(|key| !key.encapsulation.is_none());
            let seen = part.flow.seen_on.observers().iter();
            all.extend(seen.map(|&observer| (observer.file, observer, is_mirrored)));
        }
        let all = all.into_iter().take(SeenOn::LIMIT);
        all.map(
            |(file, Observer { interface, .. }, is_mirrored)| ObserverReport {
                input: self.input(file),
                interface: self.interface(interface),
                is_mirrored,
            },
        )
        .collect()
    }

    /// An interface's name; `None` where the capture does not name it.
    fn interface(&self, interface: Interface) -> Option<String> {
        let name = self.interfaces.get(&interface.id);
        let name = name.filter(|name| !name.is_empty());
        match (name, interface.index) {
            (name, 0) => name.cloned(),
            (None, index) => Some(format!("if {index}")),
            (Some(name), index) => Some(format!("{name}, if {index}")),
        }
    }
}

/// A moment in RFC 3339, in UTC.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(time.0.into())
        .map_or_else(|_| format!("{} ns", time.0), |time| time.to_string())
}
