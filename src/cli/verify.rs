//! Flags of `verify`.

use std::path::PathBuf;

use clap::Args;

/// Examples that `verify --help` shows, and its exit codes.
pub(super) const HELP: &str = "\
Examples:
  plainsight verify manifest.json
  plainsight verify --root /evidence/case-7 manifest.json

Exit codes:
  0  every file is as the manifest says
  1  some file differs, is missing, or was not read or written to its end
  2  the manifest cannot be read";

/// The flags of `verify`, as typed.
#[derive(Debug, Args)]
pub struct VerifyFlags {
    /// Manifest that --manifest wrote
    #[arg(value_name = "MANIFEST")]
    pub manifest: PathBuf,

    /// Folder that all paths begin at, in place of the run's working directory
    #[arg(long, value_name = "FOLDER")]
    pub root: Option<PathBuf>,

    /// List files that are equal as well
    #[arg(short, long)]
    pub verbose: bool,
}

/// Configuration of `verify`, as meant.
pub type Verify = VerifyFlags;
