//! Flags that say which verdicts fail a run.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::CliError;
use crate::input::custody::Custody;
use crate::report::ExitTerms;
use crate::verdict::{FailOn, Verdict};

/// The flags for verdicts that are accepted, and those that fail a run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Exit code")]
pub struct AcceptFlags {
    /// Verdicts that are accepted: a list in JSON
    ///
    /// Each has `path` (CLIENT>SERVER), `reason`, `by` (who accepts it) and `until` (the last
    /// day, as 2027-01-31). A verdict stays what it is, and counts for no exit code. One that
    /// has expired, or matches nothing, is told. `posture` takes the same file.
    #[arg(long, env = "PLAINSIGHT_ACCEPT", value_name = "FILE")]
    pub accept: Vec<PathBuf>,

    /// Verdicts that give exit code 1 [default: plaintext,mixed,weak,conflict]
    ///
    /// Any other that is not encrypted gives 3; exit code 0 is for encrypted paths alone.
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = failing())]
    pub fail_on: Vec<Verdict>,
}

impl AcceptFlags {
    pub(super) fn read(self, custody: &Custody) -> Result<ExitTerms, CliError> {
        Ok(ExitTerms {
            waivers: super::azure::waivers(&self.accept, custody)?,
            fail_on: FailOn::named(self.fail_on),
        })
    }
}

/// Parser of the name of a verdict, which is any but `encrypted`.
fn failing() -> impl TypedValueParser<Value = Verdict> {
    let failing = || {
        let all = Verdict::ALL.into_iter();
        all.filter(|verdict| *verdict != Verdict::Encrypted)
    };
    PossibleValuesParser::new(failing().map(Verdict::name)).map(move |word| {
        let verdict = failing().find(|verdict| verdict.name() == word);
        verdict.expect("the parser admits names of verdicts alone")
    })
}
