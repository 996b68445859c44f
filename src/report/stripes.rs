//! Files of Lustre with the verdicts of the paths to the targets that hold their data.

use std::collections::BTreeSet;
use std::io::{self, Write};

use comfy_table::Cell;

use super::model::{
    FileStripes, GivenPath, GivenReport, StripeReport, StripesReport, StripesSummary,
};
use super::rank::severity;
use super::text::{self, number};
use super::{DocumentFormat, SCHEMA_VERSION, Style, json};
use crate::evidence::target::TargetName;
use crate::layout::FileLayout;
use crate::verdict::{Exit, FailOn, Verdict};

/// Formats of files and their stripes; the first is the default.
pub const STRIPES_FORMATS: &[DocumentFormat<StripesReport>] = &[
    DocumentFormat {
        name: "table",
        ending: "txt",
        write: table,
    },
    DocumentFormat {
        name: "json",
        ending: "json",
        write: json::write,
    },
];

/// Reason why files cannot be told the verdicts of their stripes.
#[derive(Debug, thiserror::Error)]
pub enum StripesError {
    /// The report is of another version.
    #[error("the report has version {0} of its shape, and version {SCHEMA_VERSION} is read")]
    Version(u32),
    /// The report names no target, so that nothing is known of any file.
    #[error(
        "no path of the report names a target: make it with `live` on a client, or from captures \
         that hold connect requests whole (-s 512)"
    )]
    NoTargets,
    /// Several file systems, of which none was chosen.
    #[error("the report has paths to several file systems ({0}): choose with --file-system")]
    Several(String),
    /// A file system of which no path is.
    #[error("no path of the report leads to a target of the file system {0}")]
    NoFileSystem(String),
    /// A client that has no path.
    #[error("the report has no path of the client {0}")]
    NoClient(String),
}

/// Choice among the paths of a report.
#[derive(Clone, Debug, Default)]
pub struct PathChoice {
    /// Name of the file system; `None` for the only one.
    pub file_system: Option<String>,
    /// Address of the client; `None` for all.
    pub client: Option<String>,
}

impl StripesReport {
    /// Files with the verdicts of the paths to their stripes.
    ///
    /// # Errors
    /// The report cannot tell, or not without a choice.
    pub fn new(
        report: &GivenReport,
        choice: &PathChoice,
        files: &[FileLayout],
    ) -> Result<Self, StripesError> {
        if report.schema_version != SCHEMA_VERSION {
            return Err(StripesError::Version(report.schema_version));
        }
        let known = KnownTargets::of(report, choice)?;
        let files: Vec<FileStripes> = files.iter().map(|file| known.file(file)).collect();
        let is_whole = report.proof.iter().all(|it| it.outcome == "met");
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            summary: summary(&files, is_whole),
            is_whole,
            file_system: known.file_system,
            files,
        })
    }

    /// Exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.summary.exit_code
    }
}

fn summary(files: &[FileStripes], is_whole: bool) -> StripesSummary {
    let verdicts = || files.iter().filter_map(|file| file.verdict);
    let count = |exit| {
        verdicts()
            .filter(|&it| Exit::of([it], true, &FailOn::default()) == exit)
            .count()
    };
    StripesSummary {
        encrypted: count(Exit::Encrypted),
        exposed: count(Exit::Exposed),
        unknown: count(Exit::Unknown),
        empty: files.iter().filter(|file| file.verdict.is_none()).count(),
        exit_code: Exit::of(verdicts(), is_whole, &FailOn::default()).code(),
    }
}

/// Paths to the targets of a file system.
struct KnownTargets<'r> {
    file_system: String,
    paths: Vec<(&'r GivenPath, Vec<TargetName>)>,
}

impl<'r> KnownTargets<'r> {
    fn of(report: &'r GivenReport, choice: &PathChoice) -> Result<Self, StripesError> {
        let is_chosen = |path: &&GivenPath| match &choice.client {
            // A path that no client was seen on may be this one's.
            Some(client) => path.client.as_ref().is_none_or(|known| known == client),
            None => true,
        };
        if let Some(client) = &choice.client
            && report
                .paths
                .iter()
                .all(|path| path.client.as_ref() != Some(client))
        {
            return Err(StripesError::NoClient(client.clone()));
        }
        let paths = report.paths.iter().filter(is_chosen);
        let paths: Vec<_> = paths
            .map(|path| {
                let targets = path
                    .targets
                    .iter()
                    .filter_map(|name| TargetName::parse(name));
                (path, targets.collect::<Vec<_>>())
            })
            .collect();
        let targets = paths.iter().flat_map(|(_, targets)| targets);
        let names: BTreeSet<&str> = targets.filter_map(TargetName::file_system).collect();
        let file_system = chosen(&names, choice)?.to_owned();
        Ok(Self { file_system, paths })
    }

    /// A file with the paths to its stripes.
    fn file(&self, file: &FileLayout) -> FileStripes {
        let objects = file.objects.iter();
        let objects = objects.map(|index| format!("{}-OST{index:04x}", self.file_system));
        let mut stripes: Vec<_> = objects.flat_map(|target| self.stripes(target)).collect();
        if file.is_on_metadata {
            // Which of several, the layout does not say.
            let all = self.metadata_targets();
            stripes.extend(all.into_iter().flat_map(|target| self.stripes(target)));
        }
        if file.is_cut() {
            stripes.push(unknown("targets that the layout lacks".to_owned()));
        }
        let verdicts = stripes.iter().map(|stripe| stripe.verdict);
        FileStripes {
            file: file.name.clone(),
            verdict: verdicts.min_by_key(|&verdict| severity(verdict)),
            stripes,
        }
    }

    fn metadata_targets(&self) -> BTreeSet<String> {
        let prefix = format!("{}-MDT", self.file_system);
        let all = self.paths.iter().flat_map(|(_, targets)| targets);
        let all: BTreeSet<String> = all
            .map(ToString::to_string)
            .filter(|name| name.starts_with(&prefix))
            .collect();
        if all.is_empty() {
            return [format!("{prefix}0000")].into();
        }
        all
    }

    /// A stripe for each path to a target; one that is undetermined where there is none.
    fn stripes(&self, target: String) -> Vec<StripeReport> {
        let is_of = |targets: &[TargetName]| {
            let mut names = targets.iter().map(TargetName::as_str);
            names.any(|name| name.eq_ignore_ascii_case(&target))
        };
        let paths = self.paths.iter().filter(|(_, targets)| is_of(targets));
        let stripes: Vec<_> = paths
            .map(|(path, _)| StripeReport {
                target: target.clone(),
                client: path.client.clone(),
                server: path.server.clone(),
                verdict: verdict(&path.verdict),
            })
            .collect();
        if stripes.is_empty() {
            return vec![unknown(target)];
        }
        stripes
    }
}

/// A stripe of which no path is known.
fn unknown(target: String) -> StripeReport {
    StripeReport {
        target,
        client: None,
        server: None,
        verdict: Verdict::Undetermined,
    }
}

/// The file system that was chosen, or the only one.
fn chosen<'n>(names: &BTreeSet<&'n str>, choice: &PathChoice) -> Result<&'n str, StripesError> {
    let all: Vec<&str> = names.iter().copied().collect();
    match (&choice.file_system, &all[..]) {
        (_, []) => Err(StripesError::NoTargets),
        (Some(name), _) => match names.get(&name[..]) {
            Some(known) => Ok(known),
            None => Err(StripesError::NoFileSystem(name.clone())),
        },
        (None, [only]) => Ok(only),
        (None, several) => Err(StripesError::Several(several.join(", "))),
    }
}

/// A verdict by its word; one that is unknown tells nothing.
fn verdict(word: &str) -> Verdict {
    let known = Verdict::ALL.into_iter().find(|known| known.name() == word);
    known.unwrap_or(Verdict::Undetermined)
}

fn table(report: &StripesReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let options = textwrap::Options::new(usize::from(style.width).max(40));
    for line in textwrap::wrap(&headline(report), &options) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    let mut files: Vec<&FileStripes> = report.files.iter().collect();
    let rank = |file: &FileStripes| file.verdict.map_or(usize::MAX, severity);
    files.sort_by_key(|file| rank(file));
    let rows = style.rows().min(files.len());
    let shown = files[..rows].iter().flat_map(|file| cells(file)).collect();
    let header = ["File", "Target", "Client", "Server", "Verdict"];
    text::table(&header, shown, style).try_for_each(|line| writeln!(out, "{}", line.trim_end()))?;
    match files.len() - rows {
        0 => Ok(()),
        more => writeln!(
            out,
            "and {} more (--top all lists them)",
            number(more as u64)
        ),
    }
}

/// Answer in a sentence.
fn headline(report: &StripesReport) -> String {
    let StripesSummary {
        encrypted,
        exposed,
        unknown,
        ..
    } = report.summary;
    let all = files(encrypted + exposed + unknown);
    let system = &report.file_system;
    let has = |count| if count == 1 { "has" } else { "have" };
    if exposed > 0 {
        let exposed_ones = number(exposed as u64);
        return format!(
            "{exposed_ones} of {all} of {system} {} data on servers that are not reached through \
             encryption alone.",
            has(exposed)
        );
    }
    if unknown > 0 {
        let unknown_ones = number(unknown as u64);
        return format!(
            "{unknown_ones} of {all} of {system} {} data on servers of which it is not known \
             whether they are reached through encryption.",
            has(unknown)
        );
    }
    match (encrypted, report.is_whole) {
        (0, _) => format!("No file of {system} has data on a server."),
        (_, true) => {
            format!("{all} of {system}: all data is on servers reached through encryption.")
        }
        (_, false) => format!(
            "{all} of {system}: all data is on servers reached through encryption, as far as the \
             report tells, whose run was not whole."
        ),
    }
}

fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        _ => format!("{} files", number(count as u64)),
    }
}

/// Rows of a file: the first has its name.
fn cells(file: &FileStripes) -> Vec<Vec<Cell>> {
    let name = text::printable(&file.file);
    if file.stripes.is_empty() {
        let none = ["–", "–", "–", "no data"].map(Cell::new);
        return vec![[Cell::new(name)].into_iter().chain(none).collect()];
    }
    let rows = file.stripes.iter().enumerate().map(|(row, stripe)| {
        vec![
            Cell::new(if row == 0 { &name[..] } else { "" }),
            Cell::new(&stripe.target),
            Cell::new(stripe.client.as_deref().unwrap_or("–")),
            Cell::new(stripe.server.as_deref().unwrap_or("unknown")),
            Cell::new(stripe.verdict.name()),
        ]
    });
    rows.collect()
}
