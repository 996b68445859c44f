//! What the DTLS records of a flow say together.

use std::collections::BTreeMap;

use super::{Direction, Sighting, keep_first, sequence::SequenceSet};
use crate::evidence::ciphertext::{self, ByteSample, Exposure};
use crate::evidence::dtls::{Hello, Record, Suite, Version, hellos};

/// Choices of suites, and epochs, that are kept apart in one flow: the lowest.
const MAX_KEPT: usize = 16;

/// What the DTLS records of a flow say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DtlsFacts {
    /// Records seen.
    pub records: u64,
    /// Versions of the protected records, each with the first packet that has it.
    pub versions: BTreeMap<Version, Sighting>,
    /// Suites that a `ServerHello` chose, with its version and the first that did.
    pub suites: BTreeMap<(Version, Suite), Sighting>,
    /// The first `ClientHello`.
    pub client_hello: Option<Sighting>,
    /// The first protected record that is no cipher's output.
    pub exposed: Option<(Sighting, Exposure)>,
    sample: Option<Box<ByteSample>>,
    sequences: BTreeMap<(u16, Direction), SequenceSet>,
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

impl DtlsFacts {
    /// Takes in a record of the packet `at`.
    pub fn add(&mut self, record: &Record<'_>, at: Sighting) {
        self.records += 1;
        self.count_sequence(record, at.direction);
        if record.is_protected() {
            self.add_protected(record, at);
        } else {
            hellos(record).for_each(|hello| self.add_hello(hello, at));
        }
    }

    fn count_sequence(&mut self, record: &Record<'_>, direction: Direction) {
        let number = record.sequence;
        self.sequences
            .entry((record.epoch, direction))
            .and_modify(|set| set.add(number))
            .or_insert_with(|| SequenceSet::of(number));
        truncate(&mut self.sequences, 2 * MAX_KEPT);
    }

    fn add_protected(&mut self, record: &Record<'_>, at: Sighting) {
        see(&mut self.versions, record.version, at);
        if ciphertext::is_sampled(record) {
            self.sample.get_or_insert_default().add(record.fragment);
        }
        if self.exposed.is_none() {
            self.exposed = ciphertext::exposure(record).map(|exposure| (at, exposure));
        }
    }

    fn add_hello(&mut self, hello: Hello, at: Sighting) {
        match hello {
            Hello::Client => keep_first(&mut self.client_hello, Some(at)),
            Hello::Server { version, suite } => {
                see(&mut self.suites, (version, suite), at);
                truncate(&mut self.suites, MAX_KEPT);
            }
        }
    }

    /// Whether any of the handshake was captured that tells what was negotiated.
    #[must_use]
    pub fn handshake_seen(&self) -> bool {
        !self.suites.is_empty()
    }

    /// Whether the bytes of the protected records are none that a cipher makes. Replays
    /// would count the same bytes twice, so many of them leave that open.
    #[must_use]
    pub fn looks_clear(&self) -> bool {
        let replayed = self.gaps().repeated * 20 > self.records;
        !replayed
            && self
                .sample
                .as_ref()
                .is_some_and(|sample| sample.is_no_cipher())
    }

    /// What the sequence numbers say, over all epochs and both directions.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        let sum = |gaps: Gaps, set: &SequenceSet| Gaps {
            missing: gaps.missing + set.missing(),
            repeated: gaps.repeated + set.repeated(),
            at_least: gaps.at_least || set.is_coarse(),
        };
        self.sequences.values().fold(Gaps::default(), sum)
    }

    /// Adds what another part of the input says of the flow.
    pub fn merge(&mut self, other: Self) {
        self.records += other.records;
        keep_first(&mut self.client_hello, other.client_hello);
        keep_first(&mut self.exposed, other.exposed);
        for (version, at) in other.versions {
            see(&mut self.versions, version, at);
        }
        for (suite, at) in other.suites {
            see(&mut self.suites, suite, at);
        }
        truncate(&mut self.suites, MAX_KEPT);
        super::merge_boxed(&mut self.sample, other.sample, |kept, more| {
            kept.merge(&more);
        });
        for (place, set) in other.sequences {
            self.sequences
                .entry(place)
                .and_modify(|kept| kept.merge(&set))
                .or_insert(set);
        }
        truncate(&mut self.sequences, 2 * MAX_KEPT);
    }
}

/// Keeps the first packet that showed `what`.
fn see<K: Ord>(seen: &mut BTreeMap<K, Sighting>, what: K, at: Sighting) {
    seen.entry(what)
        .and_modify(|first| *first = at.min(*first))
        .or_insert(at);
}

/// Bounds what hostile input could fill; the lowest stay, whatever the order.
fn truncate<K: Ord, V>(map: &mut BTreeMap<K, V>, limit: usize) {
    while map.len() > limit {
        map.pop_last();
    }
}
