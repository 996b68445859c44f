//! What the DTLS records of a flow say together.

use std::collections::BTreeMap;

use super::{Direction, Sighting, keep_first, sequence::SequenceSet};
use crate::evidence::ciphertext::{self, ByteSample, Exposure};
use crate::evidence::dtls::{Choice, Record, Version, choices};

/// Choices of suites that are kept apart in one flow: the lowest.
const MAX_SUITES: usize = 16;
/// Epochs that are, both ways counted.
const MAX_EPOCHS: usize = 8;

/// What the DTLS records of a flow say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DtlsFacts {
    /// Records seen.
    pub records: u64,
    /// Versions of the protected records, each with the first packet that has it.
    versions: [Option<Sighting>; Self::VERSIONS.len()],
    /// Suites that a `ServerHello` chose, with its version and the first that did.
    pub suites: BTreeMap<Choice, Sighting>,
    /// The first protected record that is no cipher's output.
    pub exposed: Option<(Sighting, Exposure)>,
    sample: ByteSample,
    /// By epoch and direction, sorted; a search of few is faster in a row than in a tree.
    sequences: Vec<((u16, Direction), SequenceSet)>,
    /// Whether there were more epochs than are kept.
    more_epochs: bool,
}

/// What sequence numbers say of records that were not seen, or seen again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Records that were sent between others and not seen.
    pub missing: u64,
    /// Records that were seen again.
    pub repeated: u64,
    /// Whether there were too many gaps to keep, so that both are lower bounds.
    pub at_least: bool,
}

impl Gaps {
    /// Both together.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            missing: self.missing.saturating_add(more.missing),
            repeated: self.repeated.saturating_add(more.repeated),
            at_least: self.at_least || more.at_least,
        }
    }
}

impl DtlsFacts {
    /// The versions that a record can have.
    const VERSIONS: [Version; 2] = [Version::V1_2, Version::V1_0];

    /// Takes in a record of the packet `at`.
    pub fn add(&mut self, record: &Record<'_>, at: &Sighting) {
        if !at.is_copy {
            self.records += 1;
            self.count_sequence(record, at.direction);
        }
        if record.is_protected() {
            self.add_protected(record, at);
        } else {
            self.add_clear(record, at);
        }
    }

    #[cold]
    fn add_clear(&mut self, record: &Record<'_>, at: &Sighting) {
        choices(record).for_each(|choice| self.add_suite(choice, *at));
    }

    fn count_sequence(&mut self, record: &Record<'_>, direction: Direction) {
        let place = (record.epoch, direction);
        match self.sequences.iter_mut().find(|(known, _)| *known == place) {
            Some((_, set)) => set.add(record.sequence),
            None => self.insert_sequence(place, SequenceSet::of(record.sequence)),
        }
    }

    /// Bounds what hostile input could fill: the lowest epochs stay, whatever the order.
    fn insert_sequence(&mut self, place: (u16, Direction), set: SequenceSet) {
        let at = self.sequences.partition_point(|(known, _)| *known < place);
        self.sequences.insert(at, (place, set));
        self.more_epochs |= self.sequences.len() > MAX_EPOCHS;
        self.sequences.truncate(MAX_EPOCHS);
    }

    fn add_protected(&mut self, record: &Record<'_>, at: &Sighting) {
        if let Some(place) = Self::VERSIONS
            .iter()
            .position(|&version| version == record.version)
        {
            let first = self.versions[place].get_or_insert(*at);
            if at.position < first.position {
                *first = *at;
            }
        }
        self.sample.add(record);
        if self.exposed.is_none()
            && let Some(exposure) = ciphertext::exposure(record)
        {
            self.exposed = Some((*at, exposure));
        }
    }

    fn add_suite(&mut self, suite: Choice, at: Sighting) {
        let first = self.suites.entry(suite).or_insert(at);
        *first = at.min(*first);
        while self.suites.len() > MAX_SUITES {
            self.suites.pop_last();
        }
    }

    /// Versions of the protected records.
    pub fn versions(&self) -> impl Iterator<Item = Version> {
        let seen = Self::VERSIONS.into_iter().zip(self.versions);
        seen.filter_map(|(version, first)| first.map(|_| version))
    }

    /// Whether any of the handshake was captured that tells what was negotiated.
    #[must_use]
    pub fn handshake_seen(&self) -> bool {
        !self.suites.is_empty()
    }

    /// Whether the bytes of the protected records are none that a cipher makes.
    #[must_use]
    pub fn looks_clear(&self) -> bool {
        self.sample.is_no_cipher()
    }

    /// Whether there were enough bytes of protected records to tell.
    #[must_use]
    pub fn is_tested(&self) -> bool {
        self.sample.is_large()
    }

    /// What the sequence numbers say, over all epochs and both directions.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        let none = Gaps {
            at_least: self.more_epochs,
            ..Gaps::default()
        };
        self.sequences.iter().fold(none, |gaps, (_, set)| {
            gaps.and(Gaps {
                missing: set.missing(),
                repeated: set.repeated(),
                at_least: set.is_coarse(),
            })
        })
    }

    /// Adds what another part of the input says of the flow.
    pub fn merge(&mut self, other: Self) {
        self.records += other.records;
        self.more_epochs |= other.more_epochs;
        keep_first(&mut self.exposed, other.exposed);
        for (kept, more) in self.versions.iter_mut().zip(other.versions) {
            keep_first(kept, more);
        }
        self.sample.merge(other.sample);
        for (suite, at) in other.suites {
            self.add_suite(suite, at);
        }
        for (place, set) in other.sequences {
            match self.sequences.iter_mut().find(|(known, _)| *known == place) {
                Some((_, kept)) => kept.merge(&set),
                None => self.insert_sequence(place, set),
            }
        }
    }
}
