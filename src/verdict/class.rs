//! The class of a packet: what it shows, in the light of its whole flow.

use crate::evidence::Shown;
use crate::flow::{DtlsFacts, Flow};

/// What a packet of a path is: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// DTLS records alone, all protected by a suite that keeps secrets, as far as the
    /// capture tells.
    Encrypted,
    /// DTLS records with one or more in epoch 0, none of them application data.
    Handshake,
    /// Readable: the network layer did not encrypt it.
    Plaintext,
    /// The bytes captured cannot tell.
    Undetermined,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [
        Self::Encrypted,
        Self::Handshake,
        Self::Plaintext,
        Self::Undetermined,
    ];

    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Handshake => "handshake",
            Self::Plaintext => "plaintext",
            Self::Undetermined => "undetermined",
        }
    }
}

/// Why protected records are what they are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The `ServerHello` chose suites that keep secrets.
    Suite,
    /// The handshake was not captured, and nothing in the bytes speaks against a cipher.
    Bytes,
    /// The `ServerHello` chose a suite without a cipher.
    NullSuite,
    /// A record shows what a cipher would have hidden.
    Exposed,
    /// The handshake was not captured, and no cipher makes such bytes.
    Distribution,
    /// Some `ServerHellos` chose a cipher and some did not, and it cannot be told which
    /// records are whose.
    Conflict,
    /// The flows are too many to keep apart.
    Sum,
}

/// What the packets of one flow mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What protected records are, and why.
    pub protected: (Class, Ground),
    /// What TCP segments without a payload are.
    bare: Class,
    /// What TCP segments whose payload was not captured are.
    unseen: Class,
}

impl Meaning {
    /// What the packets of a sum over flows mean. Which of its records were under which
    /// suite nobody can tell any more.
    #[must_use]
    pub fn of_sum(flow: &Flow) -> Self {
        Self {
            protected: (Class::Undetermined, Ground::Sum),
            ..Self::of(flow)
        }
    }

    /// What a flow's packets mean.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        let has = |shown| flow.tally(shown).is_some();
        let dtls = flow.tallies().any(|(shown, _)| shown.is_dtls());
        // A TCP stream of DTLS records: odd, but its bare segments show nothing. Where all
        // payloads were cut, it may be one or not.
        let dtls_stream = dtls && !has(Shown::Segment);
        let maybe_stream = has(Shown::CutPayload) && !has(Shown::Segment);
        Self {
            protected: protected(flow.dtls.as_deref()),
            bare: match (dtls_stream, maybe_stream) {
                (true, _) => Class::Handshake,
                (false, true) => Class::Undetermined,
                (false, false) => Class::Plaintext,
            },
            unseen: if dtls || maybe_stream {
                Class::Undetermined
            } else {
                Class::Plaintext
            },
        }
    }

    /// The class of a packet that showed `shown`.
    #[must_use]
    pub fn class(&self, shown: Shown) -> Class {
        match shown {
            Shown::Ciphertext => self.protected.0,
            Shown::Handshake => Class::Handshake,
            Shown::ClearData | Shown::Segment => Class::Plaintext,
            Shown::BareSegment => self.bare,
            Shown::UnseenSegment => self.unseen,
            Shown::CutRecords | Shown::CutPayload | Shown::Datagram | Shown::Portless => {
                Class::Undetermined
            }
        }
    }
}

fn protected(dtls: Option<&DtlsFacts>) -> (Class, Ground) {
    let Some(dtls) = dtls else {
        return (Class::Undetermined, Ground::Bytes);
    };
    let has = |secret| {
        dtls.suites
            .keys()
            .any(|(_, suite)| suite.is_secret() == Some(secret))
    };
    match (has(true), has(false)) {
        // Whatever was negotiated: the bytes themselves are stronger.
        _ if dtls.exposed.is_some() => (Class::Plaintext, Ground::Exposed),
        _ if dtls.looks_clear() => (Class::Plaintext, Ground::Distribution),
        (true, true) => (Class::Undetermined, Ground::Conflict),
        (false, true) => (Class::Plaintext, Ground::NullSuite),
        (true, false) => (Class::Encrypted, Ground::Suite),
        (false, false) => (Class::Encrypted, Ground::Bytes),
    }
}
