//! Findings of reading a log.

use crate::capture::Fault;

/// The most of an unknown state's word that is told.
const WORD_LIMIT: usize = 32;
/// Records of which a digest is kept: an hour of one NIC has 60.
const MOST_DIGESTS: usize = 4096;

/// Form in which the platform's word was handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogForm {
    /// Tuples of a virtual network flow log.
    #[default]
    FlowLog,
    /// Rows of Traffic Analytics, which are sums.
    TrafficAnalytics,
}

/// Contents of a log, as counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogReport {
    /// Path, as it was named or found.
    pub name: String,
    /// Form.
    pub form: LogForm,
    /// Records that were begun.
    pub records: u64,
    /// Tuples in them.
    pub tuples: u64,
    /// Tuples that are none of version 4.
    pub bad_tuples: u64,
    /// Parts that lack tuples or are no lists of them: a conversion turned them into text,
    /// or left out a key.
    pub unread: u64,
    /// Tuples with an encryption state that is not known.
    pub unknown_states: u64,
    /// Damage of the file; everything before it was read.
    pub fault: Option<Fault>,
    /// Place among the files, by which [`Entry`](super::Entry) speaks of it.
    pub file: u32,
    /// The first in the alphabet of the unknown states.
    pub unknown_state: Option<String>,
    /// Records of a version that is not known.
    pub unknown_versions: u64,
    /// The first in the alphabet of these versions.
    pub unknown_version: Option<String>,
    /// Rows with a date that can be read day first as well as month first, where no other
    /// date of the file tells which it is.
    pub ambiguous_dates: u64,
    /// Digests of its tuples up to the end of each record.
    pub digests: Vec<u64>,
}

impl LogReport {
    /// Adds the digest of all that was read up to the end of a record.
    pub(super) fn add_digest(&mut self, digest: u64) {
        if self.digests.len() < MOST_DIGESTS {
            self.digests.push(digest);
        } else if let Some(last) = self.digests.last_mut() {
            *last = digest;
        }
    }

    /// Counts a state that is not known, by its word.
    pub(super) fn add_unknown_state(&mut self, word: &str) {
        self.unknown_states += 1;
        keep_first(&mut self.unknown_state, word);
    }

    /// Counts a record of a version that is not known.
    pub(super) fn add_unknown_version(&mut self, version: &str) {
        self.unknown_versions += 1;
        keep_first(&mut self.unknown_version, version);
    }

    /// Tests that tuples were lost, which can be of any path and time. Azure writes the closing
    /// brackets with every block, so a log that ends early is damaged, not young.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        let lost = self.bad_tuples + self.unread + self.unknown_versions + self.ambiguous_dates;
        lost > 0 || self.fault.is_some()
    }

    /// Tests that another log begins with all that this one holds: it is the same, or the same
    /// fetched later. What was not read of a log can differ from all that is in the other,
    /// unless that is damaged alike: then nothing that counts is lost with this one.
    #[must_use]
    pub fn is_begin_of(&self, other: &Self) -> bool {
        let last = self.digests.len().checked_sub(1);
        let is_sound = !self.is_damaged() || self.is_damaged_as(other);
        let is_whole = is_sound && self.tuples > 0;
        is_whole && last.is_some_and(|last| other.digests.get(last) == self.digests.last())
    }

    fn is_damaged_as(&self, other: &Self) -> bool {
        let damage = |log: &Self| (log.bad_tuples, log.unread, log.unknown_versions);
        let is_as_long = self.tuples == other.tuples && self.records == other.records;
        is_as_long && damage(self) == damage(other) && self.fault == other.fault
    }
}

/// Keeps the first word in the alphabet.
fn keep_first(known: &mut Option<String>, word: &str) {
    if known.as_deref().is_none_or(|known| word < known) {
        *known = Some(word.chars().take(WORD_LIMIT).collect());
    }
}

/// Reason why a file is no log that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALog {
    /// A flow log of a network security group.
    #[error(
        "is an NSG flow log, which does not say what was encrypted; give a virtual network flow log, version 4"
    )]
    Nsg,
    /// Something that may be a flow log, in a form or state that is not read.
    #[error("may be a flow log, and cannot be read as one: {0}")]
    Unread(String),
    /// Something else.
    #[error("is no virtual network flow log: {0}")]
    Other(String),
}
