//! Writing the manifest of a run, as its last output.

use std::env;
use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::output::{OutputError, OutputFile, SHARED};
use crate::cli::Output;
use crate::input::custody::{Custody, FileRole};
use crate::input::name::FileName;
use crate::report::manifest::{
    self, ClockReport, FileEntry, MANIFEST_VERSION, Manifest, ProgramReport,
};

mod machine;

/// Clock sources of the kernel.
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// File that systemd-timesyncd touches when it has synchronized the clock
/// (`systemd-timesyncd.service(8)`).
const SYNCHRONIZED: &str = "/run/systemd/timesync/synchronized";

/// Manifest that is to be written, and what is known when the run begins.
#[derive(Debug)]
pub struct ManifestFile {
    file: OutputFile,
    manifest: Manifest,
}

impl ManifestFile {
    /// Opens the manifest's file, if there is to be one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open<R>(output: &Output<R>, started: Timestamp) -> Result<Option<Self>, OutputError> {
        Self::open_by(output, started, OutputFile::open)
    }

    /// The same, to be written when no file can be made any more.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open_in_place<R>(
        output: &Output<R>,
        started: Timestamp,
    ) -> Result<Option<Self>, OutputError> {
        Self::open_by(output, started, OutputFile::open_in_place)
    }

    fn open_by<R>(
        output: &Output<R>,
        started: Timestamp,
        open: fn(&Path, FileRole, u32) -> Result<OutputFile, OutputError>,
    ) -> Result<Option<Self>, OutputError> {
        let Some(path) = &output.manifest else {
            return Ok(None);
        };
        Ok(Some(Self {
            file: open(path, FileRole::Report, SHARED)?,
            manifest: begun(started),
        }))
    }

    /// Writes the manifest of all files in the record.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(self, custody: &Custody, exit_code: u8) -> Result<(), OutputError> {
        let (inputs, outputs) = custody.files();
        let manifest = Manifest {
            inputs: inputs.iter().map(FileEntry::of).collect(),
            outputs: outputs.iter().map(FileEntry::of).collect(),
            ended: Timestamp::now().to_string(),
            exit_code,
            ..self.manifest
        };
        // The manifest is in no record but its own.
        let nowhere = Custody::default();
        self.file
            .fill(&nowhere, |out| manifest::write(&manifest, out))
    }
}

/// Manifest of a run that has begun.
fn begun(started: Timestamp) -> Manifest {
    let directory = env::current_dir().unwrap_or_default();
    let word = |word: std::ffi::OsString| FileName(Path::new(&word)).to_string();
    Manifest {
        schema_version: MANIFEST_VERSION,
        program: program(),
        host: machine::host(),
        user: machine::user(),
        command: env::args_os().map(word).collect(),
        environment: env::vars_os()
            .map(|(name, value)| (word(name), word(value)))
            .filter(|(name, _)| name.starts_with("PLAINSIGHT_"))
            .collect(),
        directory: FileName(&directory).to_string(),
        started: started.to_string(),
        ended: started.to_string(),
        clock: clock(),
        exit_code: 0,
        inputs: Vec::new(),
        outputs: Vec::new(),
    }
}

/// The program, as the build script knows it.
fn program() -> ProgramReport {
    let known = |text: &'static str| (!text.is_empty()).then(|| text.to_owned());
    let commit = known(env!("PLAINSIGHT_COMMIT"));
    let modified = commit
        .as_ref()
        .map(|_| env!("PLAINSIGHT_MODIFIED") == "true");
    ProgramReport {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        modified,
        commit,
        target: env!("PLAINSIGHT_TARGET").to_owned(),
        compiler: env!("PLAINSIGHT_RUSTC").to_owned(),
        profile: env!("PLAINSIGHT_PROFILE").to_owned(),
    }
}

/// Knowledge of the clock. The kernel's own (`adjtimex(2)`) takes a call that has no safe form.
fn clock() -> ClockReport {
    let source = fs::read_to_string(CLOCK_SOURCE).ok();
    let is_synchronized = Path::new(SYNCHRONIZED).exists();
    ClockReport {
        source: source.map(|it| it.trim().to_owned()),
        synchronized: is_synchronized.then_some(true),
        told_by: is_synchronized.then(|| "systemd-timesyncd".to_owned()),
    }
}
