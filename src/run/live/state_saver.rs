//! Saving what was counted, from time to time and at the end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::sum::WorkerSum;
use crate::cli::StateFile;
use crate::input::capture::Identity;
use crate::input::custody::{Digest, FileRecord};
use crate::run::output::OutputPlace;
use crate::run::saved::{self, Index, StateError, StateWriter, StoredInput, UnitIdentity};

/// Saves the state of a run.
pub(super) struct StateSaver {
    place: OutputPlace,
    run: Digest,
    host: String,
    interval: Option<Duration>,
    last: Instant,
    /// Why the last state could not be saved.
    failure: Option<StateError>,
}

impl StateSaver {
    /// Opens the folder that states go to, while that is allowed.
    pub(super) fn open(file: &StateFile) -> Result<Self, StateError> {
        let host = file.host.clone().unwrap_or_else(host_name);
        Ok(Self {
            place: saved::place(&file.path)?,
            run: run_digest(&host, &file.path),
            host,
            interval: file.interval,
            last: Instant::now(),
            failure: None,
        })
    }

    /// Saves the state if it is time to.
    pub(super) fn look(&mut self, sum: &WorkerSum<'_>) {
        if self.interval.is_some_and(|it| self.last.elapsed() >= it) {
            self.failure = self.save(sum).err();
            self.last = Instant::now();
        }
    }

    /// Saves the state.
    /// Gives the record of the file; `None` where there is nothing to save.
    pub(super) fn save(&self, sum: &WorkerSum<'_>) -> Result<Option<FileRecord>, StateError> {
        let Some((counted, reports)) = sum.stored() else {
            return Ok(None);
        };
        let index = Index {
            interfaces: sum.names().clone(),
            ..Index::new(sum.engine())
        };
        let first = counted.snapshot.times.span().map(|(first, _)| first);
        let inputs = reports.iter().map(|report| StoredInput {
            host: Some(self.host.clone()),
            ..StoredInput::new(report, first, &Identity::default())
        });
        let inputs = inputs.collect();
        let mut writer = StateWriter::create(&self.place, index)?;
        let place = writer.counts(0, &counted)?;
        writer.add(place, Some(UnitIdentity::Run(self.run)), inputs);
        writer.finish().map(Some)
    }

    /// Sentence on the state that could not be saved.
    pub(super) fn warning(&self) -> Option<String> {
        self.failure.as_ref().map(ToString::to_string)
    }
}

/// Host name of this machine (`proc_sys_kernel(5)`).
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Tells a run from all others: by machine, boot, process and time.
fn run_digest(host: &str, path: &Path) -> Digest {
    let boot = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut hasher = Sha256::new();
    for part in [host.as_bytes(), &boot, path.as_os_str().as_encoded_bytes()] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(std::process::id().to_le_bytes());
    hasher.update(now.map_or(0, |now| now.as_nanos()).to_le_bytes());
    hasher.finalize().into()
}
