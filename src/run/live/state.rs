//! The state that the run publishes, and how it came to it: readers look at the last one
//! and stop nobody.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::events::EventEnds;
use super::saving::SavingState;
use crate::report::{PathReport, Report};

/// Last state, which readers load without waiting.
pub(super) type Published = Arc<ArcSwapOption<RunState>>;

/// State of a run at a moment.
#[derive(Debug)]
pub(super) struct RunState {
    pub(super) report: Arc<Report>,
    /// Time since the run began.
    pub(super) elapsed: Duration,
    /// State of saving, where packets are saved.
    pub(super) saving: Option<SavingState>,
    /// The last minute of each path, where that is drawn.
    pub(super) minutes: Arc<Minutes>,
}

/// The last minute of each path.
pub(super) type Minutes = BTreeMap<EventEnds, Minute>;

/// Bytes that a path carried in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Second {
    pub(super) encrypted: u64,
    pub(super) plaintext: u64,
    pub(super) all: u64,
}

/// A path's last seconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Minute {
    total: Second,
    seconds: VecDeque<Second>,
}

impl Minute {
    /// Number of seconds that are kept.
    pub(super) const SECONDS: usize = 60;

    /// Takes in the totals after one more second.
    pub(super) fn tick(&mut self, total: Second) {
        let last = std::mem::replace(&mut self.total, total);
        if self.seconds.len() == Self::SECONDS {
            self.seconds.pop_front();
        }
        self.seconds.push_back(Second {
            encrypted: total.encrypted.saturating_sub(last.encrypted),
            plaintext: total.plaintext.saturating_sub(last.plaintext),
            all: total.all.saturating_sub(last.all),
        });
    }

    /// The last second.
    pub(super) fn rate(&self) -> Second {
        self.seconds.back().copied().unwrap_or_default()
    }

    /// All seconds, the oldest first.
    pub(super) fn seconds(&self) -> impl DoubleEndedIterator<Item = Second> {
        self.seconds.iter().copied()
    }
}

/// The last minute, second by second.
#[derive(Debug)]
pub(super) struct History {
    next: Instant,
    minutes: Arc<Minutes>,
}

impl History {
    pub(super) fn new() -> Self {
        Self {
            next: Instant::now(),
            minutes: Arc::default(),
        }
    }

    /// Takes in what a report says, once a second, and forgets the paths it does not name.
    pub(super) fn look(&mut self, report: &Report) -> Arc<Minutes> {
        if Instant::now() >= self.next {
            self.next = Instant::now() + Duration::from_secs(1);
            let minutes = report.paths.iter().map(|path| self.minute(path));
            self.minutes = Arc::new(minutes.collect());
        }
        Arc::clone(&self.minutes)
    }

    fn minute(&self, path: &PathReport) -> (EventEnds, Minute) {
        let ends = EventEnds::of(path);
        let mut minute = self.minutes.get(&ends).cloned().unwrap_or_default();
        let traffic = path.traffic;
        minute.tick(Second {
            encrypted: traffic.encrypted.wire_bytes,
            plaintext: traffic.plaintext.wire_bytes,
            all: traffic.total().wire_bytes,
        });
        (ends, minute)
    }
}
