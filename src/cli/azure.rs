//! Flags about Azure's configuration, of `analyze` and of `posture`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args};

use super::{CliError, ColorChoice, Output, custody, outputs, outputs_help, server_list, style};
use crate::azure::checks::{CheckKind, CheckTimes};
use crate::azure::controls::{self, Control};
use crate::azure::export::{Export, ExportError};
use crate::azure::topology::Azure;
use crate::azure::vm_sizes::{VmSizes, VmSizesError};
use crate::azure::waivers::{self, Waiver, WaiverError};
use crate::input::InputPath;
use crate::input::custody::{Custody, FileRole};
use crate::input::name::FileName;
use crate::report::posture::{PostureReport, Wishes};
use crate::report::{CATALOGUE_FORMATS, DocumentFormat, POSTURE_FORMATS as FORMATS};
use crate::verdict::{Exit, Servers};

/// Files of Azure's configuration, as typed.
#[derive(Clone, Debug, Default, Args)]
pub struct AzureFlags {
    /// Files or folders of JSON as `az ... -o json` prints it: the configuration
    ///
    /// VNets, NICs, VMs, NSGs, disks, AMLFS file systems and flow log resources; told by
    /// their content. Repeatable. It says which servers there are, and why a path may be
    /// in plaintext; it makes no verdict. docs/azure.md has the commands that collect it.
    #[arg(long, value_name = "PATH")]
    pub azure: Vec<PathBuf>,

    /// A list of VM sizes that support VNet encryption, in place of the one built in
    ///
    /// One pattern a line, as in `Standard_D*s_v5`, where * is the number of vCPUs.
    #[arg(long, value_name = "FILE", requires = "azure")]
    pub vm_sizes: Option<PathBuf>,
}

/// Files of Azure's configuration, as meant.
#[derive(Clone, Debug, Default)]
pub struct Exports {
    /// Files and folders of exports.
    pub paths: Vec<PathBuf>,
    /// VM sizes that support VNet encryption.
    pub sizes: VmSizes,
}

impl Exports {
    /// Reads the configuration from its files, and from those of some other files that hold
    /// resources, which it takes out of these.
    ///
    /// # Errors
    /// A path that cannot be read, or that holds nothing readable as JSON.
    pub fn read_with(
        &self,
        others: &mut Vec<InputPath>,
        custody: &Custody,
    ) -> Result<Azure, AzureError> {
        let export = Export::read_with(&self.paths, others)?;
        let files = export.inventory.files.iter();
        files.for_each(|file| custody.read(file.record()));
        Ok(Azure::new(export, self.sizes.clone()))
    }
}

/// Error in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum AzureError {
    /// Exports that cannot be read.
    #[error("--azure: {0}")]
    Export(#[from] ExportError),
    /// A table of sizes that cannot be read.
    #[error("--vm-sizes: cannot read {}: {source}", FileName(path))]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of waivers that cannot be read.
    #[error("--accept: cannot read {}: {source}", FileName(path))]
    NoWaivers {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of waivers that is none.
    #[error("--accept: {}: {source}", FileName(path))]
    Waivers {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: WaiverError,
    },
    /// A table of sizes that is none.
    #[error("--vm-sizes: {}: {source}", FileName(path))]
    Sizes {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: VmSizesError,
    },
}

impl AzureFlags {
    /// Reads the configuration, if there is one.
    pub(super) fn read(self, custody: &Custody) -> Result<Option<Azure>, AzureError> {
        if self.azure.is_empty() {
            return Ok(None);
        }
        let exports = self.meant(custody)?;
        exports.read_with(&mut Vec::new(), custody).map(Some)
    }

    pub(super) fn meant(self, custody: &Custody) -> Result<Exports, AzureError> {
        let sizes = self.sizes(custody)?;
        Ok(Exports {
            paths: self.azure,
            sizes,
        })
    }

    fn sizes(&self, custody: &Custody) -> Result<VmSizes, AzureError> {
        let Some(path) = &self.vm_sizes else {
            return Ok(VmSizes::default());
        };
        let text = custody.text(FileRole::VmSizes, path);
        let text = text.map_err(|source| AzureError::Unreadable {
            path: path.clone(),
            source,
        })?;
        VmSizes::parse(&text).map_err(|source| AzureError::Sizes {
            path: path.clone(),
            source,
        })
    }
}

/// The flags of `posture`, as typed.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("configuration").args(["azure", "controls"]).required(true)))]
pub struct PostureFlags {
    /// Files of the configuration.
    #[command(flatten)]
    pub azure: AzureFlags,

    /// Servers that no export has: addresses, NIDs, CIDR blocks and @FILE
    #[arg(long, value_name = "LIST")]
    pub servers: Vec<String>,

    /// Print the catalogue of controls in place of any check: --format table, json or markdown
    #[arg(long, conflicts_with = "outputs")]
    pub controls: bool,

    /// Controls that have to pass: a note fails, and so does a key that Microsoft manages
    ///
    /// Comma-separated and repeatable; posture --controls describes them. What the exports
    /// cannot tell stays open (exit code 3).
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = control_ids(), ignore_case = true)]
    pub require: Vec<CheckKind>,

    /// Failures that are accepted: a list in JSON
    ///
    /// Each has `control` (an id), `resource` (a name or an id) or `path` (CLIENT>SERVER)
    /// where it is for one alone, `reason`, `by` (who accepts it) and `until` (the last day,
    /// as 2027-01-31). One that has expired, matches nothing, or gives a name that several
    /// resources have, is told.
    #[arg(long, value_name = "FILE")]
    pub accept: Vec<PathBuf>,

    /// The day that waivers and keys expire by, as 2027-01-31 [default: today]
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<jiff::civil::Date>,

    /// Days that flow logs have to reach back, as in 90 or 90d
    ///
    /// A flow log that deletes its files sooner fails.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub since: Option<u64>,

    /// The format of the checks on standard output; markdown is for --controls
    #[arg(long, value_parser = PossibleValuesParser::new(format_names()), default_value = FORMATS[0].name)]
    pub format: String,

    /// Files that the checks are also written to.
    #[arg(short, long = "output", value_name = "FILE", help = outputs_help("checks", FORMATS))]
    pub outputs: Vec<PathBuf>,

    /// Also write a manifest: what ran where, and the SHA-256 of each file read and written
    ///
    /// In JSON, as the last output; `plainsight verify` checks files against it.
    #[arg(long, value_name = "FILE", conflicts_with = "controls")]
    pub manifest: Option<PathBuf>,

    /// List in the table each file that was read, with its SHA-256 and time, and what was ignored
    #[arg(short, long)]
    pub verbose: bool,

    /// Use of color
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,
}

/// Names of the formats of checks and of the catalogue, each once.
fn format_names() -> Vec<&'static str> {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let catalogue = CATALOGUE_FORMATS.iter().map(|format| format.name);
    names.extend(catalogue.filter(|name| FORMATS.iter().all(|format| format.name != *name)));
    names
}

/// Ids of all controls, and the kinds of their checks.
fn control_ids() -> impl TypedValueParser<Value = CheckKind> {
    let ids = controls::all().iter().map(|control| &control.id[..]);
    PossibleValuesParser::new(ids).map(|id| {
        let control = controls::by_id(&id);
        control.expect("the parser admits ids alone").check
    })
}

/// The format of a name, for a document of which not all formats have one.
fn by_name<R>(
    name: &str,
    document: &'static str,
    formats: &'static [DocumentFormat<R>],
) -> Result<&'static DocumentFormat<R>, CliError> {
    let mut all = formats.iter();
    all.find(|format| format.name == name).ok_or_else(|| {
        let names: Vec<&str> = formats.iter().map(|format| format.name).collect();
        CliError::Format {
            name: name.to_owned(),
            document,
            names: names.join(", "),
        }
    })
}

/// Waivers of files.
pub(super) fn waivers(paths: &[PathBuf], custody: &Custody) -> Result<Vec<Waiver>, AzureError> {
    let mut all = Vec::new();
    for path in paths {
        let text = custody.text(FileRole::Waivers, path);
        let text = text.map_err(|source| AzureError::NoWaivers {
            path: path.clone(),
            source,
        })?;
        let waivers = waivers::parse(&text).map_err(|source| AzureError::Waivers {
            path: path.clone(),
            source,
        })?;
        all.extend(waivers);
    }
    Ok(all)
}

/// Days, or with `w` weeks.
fn days(text: &str) -> Result<u64, String> {
    let (number, each) = match text.trim().strip_suffix(['w', 'W']) {
        Some(weeks) => (weeks, 7),
        None => (text.trim().trim_end_matches(['d', 'D']), 1),
    };
    let number: Option<u64> = number.parse().ok().filter(|&number| number > 0);
    let days = number.and_then(|number: u64| number.checked_mul(each));
    days.ok_or_else(|| "give days, as in 90 or 90d, or weeks, as in 12w".to_owned())
}

/// Begin of a day.
fn midnight(day: jiff::civil::Date) -> Option<jiff::Timestamp> {
    let zoned = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

/// End of `posture --help`.
pub(super) fn posture_help() -> String {
    super::help(
        "plainsight posture --azure exports/\n  \
         plainsight posture --azure exports/ --format json -o posture.txt\n  \
         plainsight posture --azure exports/ --require customer-managed-key --accept waivers.json -o posture.sarif\n  \
         plainsight posture --controls",
        &Exit::CHECKS,
    )
}

/// Configuration of `posture`, as meant.
#[derive(Debug)]
pub struct Posture {
    /// The configuration.
    pub azure: Azure,
    /// Servers that no export has.
    pub servers: Servers,
    /// Format of the catalogue of controls, where that alone is printed.
    pub controls: Option<&'static DocumentFormat<&'static [Control]>>,
    /// Wishes for the checks.
    pub wishes: Wishes,
    /// Destination of the checks.
    pub output: Output<PostureReport>,
}

impl TryFrom<PostureFlags> for Posture {
    type Error = CliError;

    fn try_from(flags: PostureFlags) -> Result<Self, CliError> {
        let name = &flags.format;
        let controls = if flags.controls {
            Some(by_name(name, "--controls is", CATALOGUE_FORMATS)?)
        } else {
            None
        };
        let format = match controls {
            Some(_) => &FORMATS[0],
            None => by_name(name, "checks are", FORMATS)?,
        };
        let custody = custody(flags.manifest.as_ref());
        let azure = flags.azure.read(&custody)?;
        Ok(Self {
            azure: azure.unwrap_or_else(|| Azure::new(Export::default(), VmSizes::default())),
            servers: server_list::named(&flags.servers, &custody)?,
            controls,
            wishes: Wishes {
                times: CheckTimes {
                    since_days: flags.since,
                    now: flags.as_of.and_then(midnight),
                },
                required: flags.require.into_iter().collect(),
                waivers: waivers(&flags.accept, &custody)?,
            },
            output: Output {
                format,
                style: style(flags.color, flags.verbose),
                files: outputs(flags.outputs, FORMATS)?,
                manifest: flags.manifest,
                custody,
            },
        })
    }
}
