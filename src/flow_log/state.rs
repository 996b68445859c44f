//! Fate of a flow by a tuple: the encryption field of a flow log.

/// Fate of a flow's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "ROWS tells what each means")]
pub enum State {
    X,
    Nx,
    NxFallback,
    NxLocalDst,
    NxHwNotSupported,
    NxSwNotReady,
    NxNotAccepted,
    NxNotSupported,
    /// Denied, whatever the encryption field says: the tuple's flow state is D.
    Denied,
    /// A word that is none of these.
    Unknown,
}

/// Way that traffic in a state travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Encrypted by the platform.
    Ciphertext,
    /// Not encrypted by the platform.
    Plaintext,
    /// Not at all: it was blocked.
    Dropped,
    /// Nobody can tell.
    Unknown,
}

/// A state, its word in the log, how its traffic travels, and what it means.
type StateRow = (State, &'static str, Carried, &'static str);

/// All states, as Microsoft's page on virtual network flow logs gives them, and two that
/// are this program's own.
#[rustfmt::skip]
const ROWS: [StateRow; 10] = [
    (State::X, "X", Carried::Ciphertext,
     "the platform encrypted it"),
    (State::Nx, "NX", Carried::Plaintext,
     "encryption is not configured, or the other end lacks it"),
    (State::NxFallback, "NX_FALLBACK", Carried::Plaintext,
     "encryption failed, and both ends allow unencrypted traffic"),
    (State::NxLocalDst, "NX_LOCAL_DST", Carried::Plaintext,
     "both ends are on one host, so it is not encrypted, by design, and does not leave the host"),
    (State::NxHwNotSupported, "NX_HW_NOT_SUPPORTED", Carried::Plaintext,
     "the host's hardware cannot encrypt"),
    (State::NxSwNotReady, "NX_SW_NOT_READY", Carried::Dropped,
     "the host's software was not ready to encrypt, so it was dropped"),
    (State::NxNotAccepted, "NX_NOT_ACCEPTED", Carried::Dropped,
     "encryption failed under a policy that drops unencrypted traffic, so it was dropped"),
    (State::NxNotSupported, "NX_NOT_SUPPORTED", Carried::Dropped,
     "no encrypted session could be negotiated, so it was dropped"),
    (State::Denied, "denied", Carried::Dropped,
     "a rule denied it"),
    (State::Unknown, "unknown", Carried::Unknown,
     "an encryption state that plainsight does not know"),
];

impl State {
    /// All states.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.0)
    }

    /// The state that a tuple's encryption field names.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let named = ROWS[..=Self::NxNotSupported as usize].iter();
        let mut named = named.filter(|row| row.1 == word);
        named.next().map_or(Self::Unknown, |row| row.0)
    }

    fn row(self) -> &'static StateRow {
        &ROWS[self as usize]
    }

    /// Its word in the log; `denied` and `unknown` where no such word says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Way that its traffic travels.
    #[must_use]
    pub fn carried(self) -> Carried {
        self.row().2
    }

    /// Tests that its traffic is known to have travelled.
    #[must_use]
    pub fn is_carried(self) -> bool {
        matches!(self.carried(), Carried::Ciphertext | Carried::Plaintext)
    }

    /// Meaning of the state, for a person.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_at_its_place() {
        assert!(State::all().all(|state| state.row().0 == state));
    }

    #[test]
    fn words_are_read_exactly() {
        let read = ["X", "NX_FALLBACK", "NX_NEW", "x", "", "denied", "unknown"].map(State::of);
        let unknown = State::Unknown;
        assert_eq!(read[..2], [State::X, State::NxFallback]);
        assert_eq!(read[2..], [unknown; 5]);
    }
}
