//! The class of a packet: what it shows, in the light of its whole flow.

use std::collections::BTreeMap;

use crate::decode::Protocol;
use crate::evidence::Shown;
use crate::evidence::ciphertext::ByteTest;
use crate::flow::choices::Cipher;
use crate::flow::session::Protected;
use crate::flow::{DtlsFacts, Endpoint, Flow, FlowKey, Tally};

/// Class of a packet of a path: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// The suite was negotiated under protection, and nothing in the bytes speaks against a
    /// cipher.
    Renegotiated,
    /// The `ServerHello` chose a suite without a cipher.
    NullSuite,
    /// The `ServerHello` chose a suite that IANA does not list.
    UnassignedSuite,
    /// A record shows what a cipher would have hidden.
    Exposed,
    /// No cipher makes such bytes.
    Distribution,
    /// The flows are too many to keep apart.
    Sum,
}

/// Ciphers that hellos chose, by five-tuple: where directions are captured on interfaces of
/// their own, the hello stands beside the records that it governs.
#[derive(Debug, Default)]
pub struct Hellos(BTreeMap<EndPair, Vec<(FlowKey, Cipher)>>);

type EndPair = (Endpoint, Endpoint, Protocol);

impl Hellos {
    /// Hellos of all flows.
    #[must_use]
    pub fn of(flows: &[(FlowKey, &Flow)]) -> Self {
        let mut hellos = Self::default();
        for (key, flow) in flows {
            let worst = flow.dtls.as_deref().and_then(|dtls| dtls.suites.worst());
            if let Some(worst) = worst {
                hellos
                    .0
                    .entry(Self::ends(key))
                    .or_default()
                    .push((*key, worst));
            }
        }
        hellos
    }

    fn ends(key: &FlowKey) -> EndPair {
        (key.low, key.high, key.protocol)
    }

    /// Worst cipher that was chosen for the same five-tuple elsewhere.
    #[must_use]
    pub fn beside(&self, key: &FlowKey) -> Option<Cipher> {
        let all = self.0.get(&Self::ends(key))?.iter();
        let others = all.filter(|(other, _)| other != key);
        others.map(|&(_, cipher)| cipher).min()
    }
}

/// Meaning of the packets of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning<'f> {
    /// Packets of protected records, by what is known of their sessions.
    protected: Vec<(Class, Ground, &'f Tally)>,
    /// Class of TCP segments without a payload.
    bare: Class,
    /// Class of TCP segments whose payload was not captured.
    unseen: Class,
}

impl<'f> Meaning<'f> {
    /// Meaning of the packets of a sum over flows. Nobody can tell any more under which suite
    /// each of its records was.
    #[must_use]
    pub fn of_sum(flow: &'f Flow) -> Self {
        let tally = flow.tally(Shown::Ciphertext);
        let sum = tally.map(|tally| (Class::Undetermined, Ground::Sum, tally));
        Self {
            protected: sum.into_iter().collect(),
            ..Self::of(flow, None)
        }
    }

    /// Meaning of a flow's packets, if hellos `beside` it chose no worse a cipher.
    #[must_use]
    pub fn of(flow: &'f Flow, beside: Option<Cipher>) -> Self {
        let has = |shown| flow.tally(shown).is_some();
        let dtls = flow.tallies().any(|(shown, _)| shown.is_dtls());
        // A TCP stream of DTLS records: odd, but its bare segments show nothing. Where all
        // payloads were cut, it may be one or not.
        let dtls_stream = dtls && !has(Shown::Segment);
        let maybe_stream = has(Shown::CutPayload) && !has(Shown::Segment);
        Self {
            protected: flow
                .dtls
                .as_deref()
                .map_or_else(Vec::new, |dtls| protected(dtls, beside)),
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

    /// The class of a packet that showed `shown`; where that depends on the session, of the
    /// worst of all.
    #[must_use]
    pub fn class(&self, shown: Shown) -> Class {
        match shown {
            Shown::Ciphertext => self.worst().0,
            Shown::Handshake => Class::Handshake,
            Shown::ClearData
            | Shown::Exposed
            | Shown::Segment
            | Shown::Readable
            | Shown::Wrapped => Class::Plaintext,
            Shown::BareSegment => self.bare,
            Shown::UnseenSegment => self.unseen,
            Shown::CutRecords
            | Shown::CutPayload
            | Shown::Unified
            | Shown::Unexplained
            | Shown::Datagram
            | Shown::Tunnelled
            | Shown::Portless => Class::Undetermined,
        }
    }

    fn worst(&self) -> (Class, Ground) {
        let all = self
            .protected
            .iter()
            .map(|&(class, ground, _)| (class, ground));
        all.max_by_key(|&(class, _)| severity(class))
            .unwrap_or((Class::Undetermined, Ground::Bytes))
    }

    /// Why protected records of a class are of it.
    #[must_use]
    pub fn ground(&self, class: Class) -> Option<Ground> {
        let mut all = self.protected.iter();
        all.find_map(|&(of, ground, _)| (of == class).then_some(ground))
    }

    /// The packets of `flow` that showed `shown`, by class.
    pub fn tallies(
        &self,
        flow: &'f Flow,
        shown: Shown,
    ) -> impl Iterator<Item = (Class, &'f Tally)> {
        let (sessions, others) = match shown {
            Shown::Ciphertext => (&self.protected[..], None),
            _ => (&[][..], flow.tally(shown)),
        };
        let sessions = sessions.iter().map(|&(class, _, tally)| (class, tally));
        sessions.chain(others.map(|tally| (self.class(shown), tally)))
    }
}

/// Order of the classes of protected records, the worst last.
fn severity(class: Class) -> u8 {
    match class {
        Class::Encrypted | Class::Handshake => 0,
        Class::Undetermined => 1,
        Class::Plaintext => 2,
    }
}

/// Packets of protected records, by session and epoch.
fn protected(dtls: &DtlsFacts, beside: Option<Cipher>) -> Vec<(Class, Ground, &Tally)> {
    let judged = dtls.protected().iter().map(|it| (judge(it, beside), it));
    let mut worst = (Class::Undetermined, Ground::Bytes);
    let mut sessions = Vec::new();
    for ((class, ground), it) in judged {
        if sessions.is_empty() || severity(class) > severity(worst.0) {
            worst = (class, ground);
        }
        sessions.extend(it.tally.as_ref().map(|tally| (class, ground, tally)));
    }
    let fragments = dtls.fragments();
    sessions.extend(fragments.map(|tally| (worst.0, worst.1, tally)));
    sessions
}

fn judge(it: &Protected, beside: Option<Cipher>) -> (Class, Ground) {
    let cipher = match it.cipher {
        Cipher::Unseen => beside.unwrap_or(Cipher::Unseen),
        seen => seen,
    };
    match cipher {
        // Whatever was negotiated: the bytes themselves are stronger.
        _ if it.exposed.is_some() => (Class::Plaintext, Ground::Exposed),
        _ if it.bytes == ByteTest::NoCipher => (Class::Plaintext, Ground::Distribution),
        Cipher::Null => (Class::Plaintext, Ground::NullSuite),
        Cipher::Unassigned => (Class::Plaintext, Ground::UnassignedSuite),
        Cipher::Renegotiated => (Class::Encrypted, Ground::Renegotiated),
        Cipher::Unread | Cipher::Unseen => (Class::Encrypted, Ground::Bytes),
        Cipher::Secret => (Class::Encrypted, Ground::Suite),
    }
}
