//! Proof that a path is encrypted, and that a run is whole.
//!
//! `encrypted` is concluded only where every [obligation](PATH) of the path is met, and a run
//! exits with 0 only where that is so for every path and the [obligations of the run](RUN)
//! are met as well. A fact that speaks against secrecy breaks an obligation wherever it was
//! seen; what was not read, not decoded or not explained leaves one open.

use std::borrow::Cow;

mod path;
mod platform;
mod run;

pub use path::of_path;
pub use platform::hear;
pub use run::{RunFacts, of_run};

/// Obligation of a proof.
#[derive(Debug, PartialEq, Eq)]
pub struct Obligation {
    /// Name in reports.
    pub id: &'static str,
    /// Question that it answers.
    pub question: &'static str,
    /// Condition on which it is met.
    pub met: &'static str,
    /// Consequence where it is broken or open.
    pub otherwise: &'static str,
}

/// Obligations of a path, in the order of reports.
pub static PATH: [Obligation; 7] = [
    Obligation {
        id: "data",
        question: "Was protected data seen?",
        met: "a protected record of application data, or one with a connection ID, was seen",
        otherwise: "a handshake alone: `undetermined`",
    },
    Obligation {
        id: "nothing_readable",
        question: "Was nothing readable?",
        met: "no packet of it is plaintext, on any interface, in any file",
        otherwise: "`plaintext`, or `mixed`",
    },
    Obligation {
        id: "nothing_exposed",
        question: "Did no record show what a cipher would have hidden?",
        met: "no record in any of its packets can be read, whichever class the packet is of",
        otherwise: "`plaintext`, or `mixed`",
    },
    Obligation {
        id: "suite",
        question: "Did every ServerHello choose a suite that encrypts as the policy demands?",
        met: "every ServerHello seen did, with or without data behind it",
        otherwise: "a suite that does not encrypt, or is not assigned, or a ClientHello that \
                    offers no other: `plaintext`, or `mixed`; below the policy, or with \
                    compression: `weak`; read only in part, of DTLS 1.3, or with \
                    `--require-handshake` none seen: `undetermined`",
    },
    Obligation {
        id: "ciphertext",
        question: "Are the bytes of the records those that a cipher makes?",
        met: "they are; behind a good ServerHello, records that are whole may hold too few bytes \
              to tell",
        otherwise: "records cut to less than 136 bytes, or too few bytes without a ServerHello: \
                    `undetermined`; no cipher's: `plaintext`, or `mixed`",
    },
    Obligation {
        id: "explained",
        question: "Is every packet that cannot be told explained?",
        met: "each is a fragment or a cut record of flows that show encrypted data the same way",
        otherwise: "`undetermined`",
    },
    Obligation {
        id: "platform",
        question: "Do the flow logs agree?",
        met: "no flow log was given, or none says anything against it",
        otherwise: "`conflict`, `plaintext`, `mixed`, `unproven` or `undetermined`, as the table \
                    of flow logs says",
    },
];

/// Obligations of a run, in the order of reports.
pub static RUN: [Obligation; 3] = [
    Obligation {
        id: "whole_inputs",
        question: "Was every input read to its end?",
        met: "every file named, or found in a folder, that is or may be a capture or a flow log \
              was",
        otherwise: "exit code 3 at best; the report names each, and why not",
    },
    Obligation {
        id: "decoded",
        question: "Could every packet be decoded?",
        met: "none is undecodable: for want of a decoder (link type, nesting, encapsulation), \
              because the capture or an IP fragment left out its headers, or because a header is \
              malformed or longer than its packet",
        otherwise: "exit code 3 at best; the report names the reason and the count",
    },
    Obligation {
        id: "no_loss",
        question: "Did the captures lose nothing?",
        met: "they report no drops beyond `--max-loss`, and no interface was down",
        otherwise: "exit code 3 at best; the report says how many and where",
    },
];

/// Outcome of an obligation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProofOutcome {
    /// It holds.
    Met,
    /// Nothing tells.
    Open,
    /// It does not hold.
    Broken(Breach),
}

/// Consequence of an obligation that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// Data was sent encrypted, and less so than the policy demands.
    Weak,
    /// Data was sent that can be read.
    Readable,
}

impl ProofOutcome {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Open => "open",
            Self::Broken(_) => "broken",
        }
    }
}

/// Obligation with its outcome, and why.
///
/// `At` is a place in the input that shows it; of a run there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<At> {
    /// The obligation.
    pub obligation: &'static Obligation,
    /// Its outcome.
    pub outcome: ProofOutcome,
    /// Reason, as a clause.
    pub says: Cow<'static, str>,
    /// Packets that show it, the first ones.
    pub at: Vec<At>,
}

impl<At> Finding<At> {
    fn new(
        obligation: &'static Obligation,
        outcome: ProofOutcome,
        says: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            obligation,
            outcome,
            says: says.into(),
            at: Vec::new(),
        }
    }

    fn at(self, at: impl IntoIterator<Item = At>) -> Self {
        Self {
            at: at.into_iter().collect(),
            ..self
        }
    }
}

/// Number of packets with the words behind one, and those behind several.
fn some_packets(count: u64, [one, several]: [&str; 2]) -> String {
    let (packets, behind) = match count {
        1 => ("packet", one),
        _ => ("packets", several),
    };
    format!("{count} {packets}{behind}")
}

/// Worst outcome of a proof; `Met` where all obligations are.
#[must_use]
pub fn worst<At>(proof: &[Finding<At>]) -> ProofOutcome {
    let outcomes = proof.iter().map(|finding| finding.outcome);
    outcomes.max().unwrap_or(ProofOutcome::Open)
}

/// First obligation that is broken or, where none is, open.
#[must_use]
pub fn first_failed<At>(proof: &[Finding<At>]) -> Option<&Finding<At>> {
    let is_broken = |finding: &&Finding<At>| matches!(finding.outcome, ProofOutcome::Broken(_));
    let open = || {
        proof
            .iter()
            .find(|finding| finding.outcome == ProofOutcome::Open)
    };
    proof.iter().find(is_broken).or_else(open)
}
