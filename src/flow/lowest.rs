//! Bounded table: the entries whose keys have the lowest hashes, up to a limit.
//!
//! It keeps the same entries whatever their order and however the input was split, as one
//! that is among the lowest of all is among the lowest of every part. Captures and flow
//! logs share it.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::{FixedState, RandomState};
use hashbrown::{HashTable, hash_table::Entry};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Part of the limit that is let in beyond it before anything is folded: then folding
/// costs little a flow.
pub(crate) const SLACK: usize = 4;

/// Entries in the order of their keys.
pub(crate) fn sorted<K: Ord, V>(all: impl Iterator<Item = (K, V)>) -> Vec<(K, V)> {
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    all
}

/// Map that keeps the entries of the lowest rank.
#[derive(Clone, Debug)]
pub(crate) struct Lowest<K, V> {
    pub(crate) entries: Vec<(K, V)>,
    /// Places in `entries`, by a hash with a seed of its own: captures are hostile.
    places: HashTable<u32>,
    hasher: RandomState,
    pub(crate) limit: usize,
    /// No key of a higher rank is kept; of the same rank, none that is higher.
    ceiling: Option<(u64, K)>,
}

impl<K: Serialize, V: Serialize> Serialize for Lowest<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ceiling = self.ceiling.as_ref().map(|(_, key)| key);
        (self.limit, ceiling, &self.entries).serialize(serializer)
    }
}

impl<'de, K, V> Deserialize<'de> for Lowest<K, V>
where
    K: Deserialize<'de> + Hash + Ord + Copy,
    V: Deserialize<'de> + Default,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (limit, ceiling, entries): (_, Option<K>, Vec<(K, V)>) =
            Deserialize::deserialize(deserializer)?;
        let mut lowest = Self::new(limit);
        lowest.ceiling = ceiling.as_ref().map(Self::rank);
        for (place, (key, value)) in entries.into_iter().enumerate() {
            let found = lowest.place(&key).filter(|&found| found as usize == place);
            if found.is_none() {
                return Err(D::Error::custom("an entry that has no place"));
            }
            lowest.entries[place].1 = value;
        }
        Ok(lowest)
    }
}

impl<K: Hash + Ord + Copy, V: Default> Lowest<K, V> {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            entries: Vec::new(),
            places: HashTable::new(),
            hasher: RandomState::default(),
            limit: limit.max(1),
            ceiling: None,
        }
    }

    /// The seed is fixed: which entries stay must not change from run to run.
    fn rank(key: &K) -> (u64, K) {
        (FixedState::with_seed(0x988).hash_one(key), *key)
    }

    pub(crate) fn admits(&self, key: &K) -> bool {
        self.ceiling
            .as_ref()
            .is_none_or(|ceiling| Self::rank(key) <= *ceiling)
    }

    /// The place of a key's entry, new if need be; `None` if its rank is too high.
    pub(crate) fn place(&mut self, key: &K) -> Option<u32> {
        if !self.admits(key) {
            return None;
        }
        let Self {
            entries,
            places,
            hasher,
            ..
        } = self;
        let entry = places.entry(
            hasher.hash_one(key),
            |&place| entries[place as usize].0 == *key,
            |&place| hasher.hash_one(entries[place as usize].0),
        );
        match entry {
            Entry::Occupied(known) => Some(*known.get()),
            Entry::Vacant(free) => {
                let place = u32::try_from(entries.len()).ok()?;
                free.insert(place);
                entries.push((*key, V::default()));
                Some(place)
            }
        }
    }

    /// The place of a key's entry, if there is one.
    pub(crate) fn find(&self, key: &K) -> Option<u32> {
        let is_entry = |&place: &u32| self.entries[place as usize].0 == *key;
        self.places
            .find(self.hasher.hash_one(key), is_entry)
            .copied()
    }

    /// Keeps no higher ranks than another map of the same limit does.
    pub(crate) fn lower_ceiling(&mut self, other: &Self) -> Vec<(K, V)> {
        let Some(ceiling) = other.ceiling.filter(|(_, key)| self.admits(key)) else {
            return Vec::new();
        };
        self.ceiling = Some(ceiling);
        self.take(|key| Self::rank(key) > ceiling)
    }

    /// Tests that nothing had no room.
    pub(crate) fn is_whole(&self) -> bool {
        self.ceiling.is_none()
    }

    pub(crate) fn exceeds(&self, slack: usize) -> bool {
        self.entries.len() > self.limit.saturating_add(slack)
    }

    /// Takes out the entries of the highest ranks, if there are more than `slack` beyond
    /// the limit, and lowers the ceiling to what is left.
    pub(crate) fn shed(&mut self, slack: usize) -> Vec<(K, V)> {
        if !self.exceeds(slack) {
            return Vec::new();
        }
        let ranked = self.entries.iter().map(|(key, _)| Self::rank(key));
        let mut ranks: Vec<(u64, K)> = ranked.collect();
        let ceiling = *ranks.select_nth_unstable(self.limit - 1).1;
        self.ceiling = Some(ceiling);
        self.take(|key| Self::rank(key) > ceiling)
    }

    /// Takes out the entries of some keys.
    pub(crate) fn take(&mut self, is_taken: impl Fn(&K) -> bool) -> Vec<(K, V)> {
        let taken: Vec<_> = self
            .entries
            .extract_if(.., |(key, _)| is_taken(key))
            .collect();
        if taken.is_empty() {
            return taken;
        }
        self.places.clear();
        for (place, (key, _)) in (0..).zip(&self.entries) {
            let hasher = |&place: &u32| self.hasher.hash_one(self.entries[place as usize].0);
            let hash = self.hasher.hash_one(key);
            self.places.insert_unique(hash, place, hasher);
        }
        taken
    }
}
