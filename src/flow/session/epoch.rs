//! Protected records of one epoch.

use serde::{Deserialize, Serialize};

use crate::evidence::ciphertext::{ByteSample, ByteTest, Exposure};
use crate::evidence::dtls::DtlsRecord;
use crate::flow::choices::Cipher;
use crate::flow::sequence::{Gaps, SequenceSet};
use crate::flow::stored::sound;
use crate::flow::tally::join_tallies;
use crate::flow::{Count, Direction, Sighting, Tally, keep_first};

/// Protected records of those sessions and epochs of a flow of which the same is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protected {
    /// Worst cipher that can have been in charge of them.
    pub cipher: Cipher,
    /// Outcome of the byte test of each of these sessions and epochs.
    pub bytes: ByteTest,
    /// First record that shows what a cipher would have hidden.
    pub exposed: Option<(Sighting, Exposure)>,
    /// First record of application data, or with a connection ID.
    pub data: Option<Sighting>,
    /// Packets that hold such records alone; `None` where all stand beside others.
    pub tally: Option<Tally>,
}

impl Protected {
    /// Tests that the hello that governs these records was seen.
    #[must_use]
    pub fn is_suite_seen(&self) -> bool {
        !matches!(
            self.cipher,
            Cipher::Unread | Cipher::Unseen | Cipher::Renegotiated
        )
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        let key = |it: &Self| (it.cipher, it.bytes, it.exposed.is_some(), it.data.is_some());
        key(self) == key(other)
    }

    pub(super) fn join(&mut self, other: &Self) {
        keep_first(&mut self.exposed, other.exposed);
        keep_first(&mut self.data, other.data);
        join_tallies(&mut self.tally, other.tally.as_ref());
    }
}

/// Protected records of one epoch of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Epoch {
    pub(super) tally: Option<Tally>,
    data: Option<Sighting>,
    exposed: Option<(Sighting, Exposure)>,
    sample: ByteSample,
    /// By direction.
    #[serde(deserialize_with = "sound")]
    sequences: [SequenceSet; 2],
}

impl Epoch {
    #[inline]
    pub(super) fn record(
        &mut self,
        record: &DtlsRecord<'_>,
        exposed: Option<Exposure>,
        at: &Sighting,
    ) {
        if !at.is_copy {
            self.sequences[at.direction as usize].add(record.sequence);
        }
        self.sample.add(record);
        if self.data.is_none() && record.is_data() {
            self.data = Some(*at);
        }
        if let Some(exposure) = exposed {
            keep_first(&mut self.exposed, Some((*at, exposure)));
        }
    }

    #[inline]
    pub(super) fn count(&mut self, count: Count, at: &Sighting) {
        let tally = self.tally.get_or_insert_with(|| Tally::new(*at));
        tally.add(count, at);
    }

    /// Adds what came later in the same epoch.
    pub(super) fn join(&mut self, later: Self) {
        join_tallies(&mut self.tally, later.tally.as_ref());
        keep_first(&mut self.data, later.data);
        keep_first(&mut self.exposed, later.exposed);
        self.sample.merge(later.sample);
        for (kept, more) in self.sequences.iter_mut().zip(later.sequences) {
            kept.append(more);
        }
    }

    pub(super) fn sample(&self) -> &ByteSample {
        &self.sample
    }

    pub(super) fn gaps(&self) -> Gaps {
        let of = |direction| self.sequences[direction as usize].gaps();
        of(Direction::Up).and(of(Direction::Down))
    }

    pub(super) fn protected(&self, cipher: Cipher) -> Protected {
        Protected {
            cipher,
            bytes: self.sample.test(),
            exposed: self.exposed,
            data: self.data,
            tally: self.tally.clone(),
        }
    }
}
