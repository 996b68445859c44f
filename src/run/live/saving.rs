//! Events, warnings and state of saving.

use std::path::PathBuf;
use std::time::Instant;

use super::events::Event;
use super::save::{LostPlace, SaveError, Saver};
use crate::input::name::FileName;

/// State of saving at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SavingState {
    /// Number of packets that were read and are in no file.
    pub(super) unsaved: u64,
    /// True once a file has failed and nothing is written any more.
    pub(super) has_failed: bool,
}

/// A run's side of saving.
pub(super) struct Saving {
    saver: Saver,
    path: PathBuf,
    unsaved: u64,
    failure: Option<SaveError>,
    /// Sentences on files that are not at their name any more.
    lost_places: Vec<String>,
}

impl Saving {
    /// Files that are gone of which the report tells.
    const LOST_PLACES_TOLD: usize = 16;

    pub(super) fn new(saver: Saver, path: PathBuf) -> Self {
        Self {
            saver,
            path,
            unsaved: 0,
            failure: None,
            lost_places: Vec::new(),
        }
    }

    /// Looks after the thread that writes, where recorders left out so many packets. Gives
    /// what is new.
    pub(super) fn look(&mut self, left_out: u64) -> Vec<Event> {
        let unsaved = left_out + self.saver.given_up();
        self.update(unsaved)
    }

    /// Waits until all is written, at most until a deadline, where so many packets were
    /// read. Gives what is new.
    pub(super) fn close(&mut self, packets: u64, deadline: Instant) -> Vec<Event> {
        self.saver.close(deadline);
        let unsaved = packets.saturating_sub(self.saver.written());
        self.update(unsaved)
    }

    fn update(&mut self, unsaved: u64) -> Vec<Event> {
        let lost = self.saver.lost_places().map(Event::from);
        let mut events: Vec<_> = lost.collect();
        let room = Self::LOST_PLACES_TOLD - self.lost_places.len();
        let told = events.iter().take(room).map(ToString::to_string);
        self.lost_places.extend(told);
        if let Some(failure) = self.saver.failure() {
            let (path, reason) = (failure.path.clone(), failure.source.to_string());
            events.push(Event::SavingFailed { path, reason });
            self.failure = Some(failure);
        }
        if unsaved > 0 && self.unsaved == 0 {
            let path = self.path.clone();
            let packets = unsaved;
            events.push(Event::SavingFellBehind { path, packets });
        }
        self.unsaved = unsaved;
        events
    }

    pub(super) fn state(&self) -> SavingState {
        SavingState {
            unsaved: self.unsaved,
            has_failed: self.failure.is_some(),
        }
    }

    /// Sentences for the report.
    pub(super) fn warnings(&self) -> Vec<String> {
        let failure = self.failure.iter();
        let failure = failure.map(|error| format!("{error}: what came after is not saved"));
        let (unsaved, path) = (self.unsaved, FileName(&self.path));
        let unsaved =
            (unsaved > 0).then(|| format!("{path} lacks {unsaved} packets that were read"));
        let lost = self.lost_places.iter().cloned();
        lost.chain(failure).chain(unsaved).collect()
    }
}

impl From<LostPlace> for Event {
    fn from(lost: LostPlace) -> Self {
        let LostPlace { path, packets } = lost;
        match packets {
            Some(packets) => Self::SavedFileRemoved { path, packets },
            None => Self::SavedFileMoved { path },
        }
    }
}
