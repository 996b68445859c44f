//! Counted state as it is stored, and read back from files that nobody vouches for.
//!
//! A file's number follows from where its state is read to: its place among those whose state
//! is stored together is what is stored. All counts that are read for one sum have to fit in
//! it, so that no sum of them overflows.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use smallvec::SmallVec;

/// Sum of all counts that are read for one sum, at most.
const MOST: u64 = 1 << 62;

thread_local! {
    static FILES: RefCell<Range<u32>> = const { RefCell::new(0..0) };
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// Room for the counts of one sum.
#[derive(Debug)]
pub struct Room(u64);

impl Default for Room {
    fn default() -> Self {
        Self(MOST)
    }
}

impl Room {
    /// Reads state that was stored of some files, which then have these numbers.
    pub fn read<T>(&mut self, files: Range<u32>, read: impl FnOnce() -> T) -> T {
        FILES.set(files);
        LEFT.set(self.0);
        let state = read();
        self.0 = LEFT.get();
        state
    }
}

/// Stores state of files from the one with this number on.
pub fn write<T>(first: u32, write: impl FnOnce() -> T) -> T {
    FILES.set(first..u32::MAX);
    write()
}

/// State whose parts must fit each other.
pub trait Sound {
    /// Tests that they do.
    fn is_sound(&self) -> bool;
}

impl<T: Sound> Sound for [T; 2] {
    fn is_sound(&self) -> bool {
        self.iter().all(T::is_sound)
    }
}

impl<T: Sound> Sound for Vec<T> {
    fn is_sound(&self) -> bool {
        self.iter().all(T::is_sound)
    }
}

/// Reads state whose parts fit each other.
///
/// # Errors
/// Those of the format, and where they do not.
pub fn sound<'de, D: Deserializer<'de>, T: Deserialize<'de> + Sound>(
    deserializer: D,
) -> Result<T, D::Error> {
    let state = T::deserialize(deserializer)?;
    if state.is_sound() {
        Ok(state)
    } else {
        Err(D::Error::custom("parts that do not fit"))
    }
}

/// Reads a count.
///
/// # Errors
/// Those of the format, and where it is too large to be one.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let count = u64::deserialize(deserializer)?;
    let left = LEFT.get().checked_sub(count);
    LEFT.set(left.ok_or_else(|| D::Error::custom("counts that are too large"))?);
    Ok(count)
}

/// Reads two counts.
///
/// # Errors
/// As [`count`].
pub fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u64; 2], D::Error> {
    let [Stored(one), Stored(two)] = Deserialize::deserialize(deserializer)?;
    Ok([one, two])
}

/// Reads counts by kind.
///
/// # Errors
/// As [`count`].
pub fn counts_by<'de, D: Deserializer<'de>, K: Deserialize<'de> + Ord>(
    deserializer: D,
) -> Result<BTreeMap<K, u64>, D::Error> {
    let counts = BTreeMap::<K, Stored>::deserialize(deserializer)?;
    let counts = counts.into_iter();
    Ok(counts.map(|(kind, Stored(count))| (kind, count)).collect())
}

/// Reads a few values. Room for no more is made than is read, whatever number is stored.
///
/// # Errors
/// Those of the format, and of the values.
pub fn few<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<SmallVec<[T; 1]>, D::Error> {
    let values = Vec::<T>::deserialize(deserializer)?;
    Ok(values.into_iter().collect())
}

/// Stores a map in the order of its keys, so that the same counts are the same bytes.
///
/// # Errors
/// Those of the format.
pub fn in_order<S: Serializer, K: Serialize + Ord, V: Serialize, H>(
    map: &HashMap<K, V, H>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut all: Vec<_> = map.iter().collect();
    all.sort_unstable_by_key(|&(key, _)| key);
    serializer.collect_map(all)
}

/// A count on its own.
#[derive(Deserialize)]
pub struct Stored(#[serde(deserialize_with = "count")] pub u64);

/// Numbers of files: stored as places among those whose state is stored together.
pub mod file {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::FILES;

    /// Stores the place of a file.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(file: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        let first = FILES.with_borrow(|files| files.start);
        serializer.serialize_u32(file.wrapping_sub(first))
    }

    /// Takes the number of the file at a place.
    ///
    /// # Errors
    /// Those of the format, and where there is no such place.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let place = u32::deserialize(deserializer)?;
        let file = FILES.with_borrow(|files| {
            files
                .start
                .checked_add(place)
                .filter(|it| files.contains(it))
        });
        file.ok_or_else(|| D::Error::custom("a file that is none"))
    }
}

/// The number of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileNumber(#[serde(with = "file")] pub u32);

/// Values by the number of a file.
pub mod by_file {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::FileNumber;

    /// Stores values by the places of their files.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer, T: Serialize>(
        all: &BTreeMap<u32, T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(all.iter().map(|(&file, value)| (FileNumber(file), value)))
    }

    /// Reads values by the numbers of their files.
    ///
    /// # Errors
    /// Those of the format, and where there is no such file.
    pub fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<u32, T>, D::Error> {
        let all = BTreeMap::<FileNumber, T>::deserialize(deserializer)?;
        let all = all.into_iter();
        Ok(all.map(|(FileNumber(file), value)| (file, value)).collect())
    }
}
