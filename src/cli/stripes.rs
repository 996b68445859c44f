//! Flags of `files`.

use std::path::PathBuf;

use clap::Args;

use super::{ColorChoice, Output, format_of, outputs, outputs_help, style, top};
use crate::input::custody::Custody;
use crate::report::{DocumentFormat, PathChoice, STRIPES_FORMATS as FORMATS, StripesReport, Style};

use super::CliError;

/// Examples that `files --help` shows.
pub(super) const EXAMPLES: &str = "\
plainsight files --report report.json /mnt/lustrefs/patients
  lfs getstripe -r /mnt/lustrefs/patients > layouts.txt
  plainsight files --report report.json --layout layouts.txt";

/// The flags of `files`, as typed.
#[derive(Debug, Args)]
pub struct StripesFlags {
    /// Files and folders of a mounted file system, whose layouts `lfs getstripe -r` tells
    #[arg(value_name = "PATH", required_unless_present = "layout")]
    pub paths: Vec<PathBuf>,

    /// Report in JSON that `analyze`, `live` or `merge` wrote
    #[arg(long, value_name = "FILE")]
    pub report: PathBuf,

    /// What `lfs getstripe` printed on a client: text, YAML or JSON; repeatable
    #[arg(long, value_name = "FILE")]
    pub layout: Vec<PathBuf>,

    /// Name of the file system that the files are of [default: the only one of the report]
    #[arg(long, value_name = "NAME")]
    pub file_system: Option<String>,

    /// Address of the client whose paths count [default: all of the report, the worst first]
    #[arg(long, value_name = "ADDRESS")]
    pub client: Option<std::net::IpAddr>,

    /// The format of the answer on standard output
    #[arg(long, value_parser = format_of(FORMATS), default_value = FORMATS[0].name)]
    pub format: &'static DocumentFormat<StripesReport>,

    /// Files that the answer is also written to.
    #[arg(short, long = "output", value_name = "FILE", help = outputs_help("answer", FORMATS))]
    pub outputs: Vec<PathBuf>,

    /// List so many files in the table, the worst first, or `all` [default: what fits]
    #[arg(long, value_name = "N", value_parser = top)]
    pub top: Option<usize>,

    /// Use of color
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorChoice,
}

/// Configuration of `files`, as meant.
#[derive(Debug)]
pub struct Stripes {
    /// Files and folders of a mounted file system.
    pub paths: Vec<PathBuf>,
    /// Report in JSON.
    pub report: PathBuf,
    /// Files of what `lfs getstripe` printed.
    pub layouts: Vec<PathBuf>,
    /// Choice among the paths of the report.
    pub choice: PathChoice,
    /// Destination of the answer.
    pub output: Output<StripesReport>,
}

impl TryFrom<StripesFlags> for Stripes {
    type Error = CliError;

    fn try_from(flags: StripesFlags) -> Result<Self, CliError> {
        Ok(Self {
            paths: flags.paths,
            report: flags.report,
            layouts: flags.layout,
            choice: PathChoice {
                file_system: flags.file_system,
                client: flags.client.map(|address| address.to_string()),
            },
            output: Output {
                format: flags.format,
                style: Style {
                    top: flags.top,
                    ..style(flags.color, false)
                },
                files: outputs(flags.outputs, FORMATS)?,
                manifest: None,
                custody: Custody::default(),
            },
        })
    }
}
