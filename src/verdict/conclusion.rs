//! Conclusion from what a capture showed and what flow logs say, for one path.
//!
//! A capture shows its own point of the way. What is encrypted there is so on the wire;
//! what is readable there is so on the wire only if that is where it was captured. Below
//! a guest, the platform's word decides.

use super::{Vantage, Verdict};

/// Sources that a verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The capture.
    Capture,
    /// The platform's word in its flow logs.
    FlowLog,
    /// On both together.
    Both,
    /// Nothing was seen.
    None,
}

impl Basis {
    /// The word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::FlowLog => "flow_log",
            Self::Both => "both",
            Self::None => "none",
        }
    }
}

/// Word of flow logs on a path, for the time of its capture if there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// All of it was encrypted.
    Encrypted,
    /// Some of it was encrypted, and none carried in plaintext, but not all that was captured
    /// was logged, or the logs are damaged.
    Partly,
    /// Some of it was carried in plaintext, and none encrypted.
    Plaintext,
    /// Some of it was encrypted, and some carried in plaintext.
    Mixed,
    /// It was blocked, and none of it carried.
    Blocked,
    /// Only in states that are not known, or that leave some of it open.
    Unknown,
}

impl Said {
    /// All that flow logs can say.
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Encrypted,
        Self::Partly,
        Self::Plaintext,
        Self::Mixed,
        Self::Blocked,
        Self::Unknown,
    ];

    fn has_plaintext(self) -> bool {
        matches!(self, Self::Plaintext | Self::Mixed)
    }

    fn has_ciphertext(self) -> bool {
        matches!(self, Self::Encrypted | Self::Partly | Self::Mixed)
    }

    /// The verdict on the platform's word alone, if it gives one.
    fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Encrypted => Some(Verdict::Encrypted),
            Self::Plaintext => Some(Verdict::Plaintext),
            Self::Mixed => Some(Verdict::Mixed),
            Self::Nothing | Self::Partly | Self::Blocked | Self::Unknown => None,
        }
    }
}

/// The verdict on a path, and what it rests on.
///
/// `observed` is what the capture showed by itself; `None` where the path was not looked
/// for in one.
#[must_use]
pub fn conclude(observed: Option<Verdict>, said: Said, vantage: Vantage) -> (Verdict, Basis) {
    use Verdict::{Encrypted, Mixed, Plaintext, Silent, Undetermined};
    match observed {
        _ if is_conflict(observed, said, vantage) => (Verdict::Conflict, Basis::Both),
        None | Some(Silent) => unseen(said),
        Some(Undetermined) => open(said),
        Some(Encrypted) if said.has_ciphertext() => (Encrypted, Basis::Both),
        Some(Plaintext | Mixed) if vantage == Vantage::Guest => below(observed, said),
        Some(Plaintext) if said == Said::Plaintext => (Plaintext, Basis::Both),
        Some(Mixed) if said == Said::Mixed => (Mixed, Basis::Both),
        Some(seen) => (seen, Basis::Capture),
    }
}

/// Tests that the platform denies the capture: DTLS where it says plaintext, or readable Lustre
/// on the wire where it says that it encrypted. Where both have seen both, neither denies
/// anything.
fn is_conflict(observed: Option<Verdict>, said: Said, vantage: Vantage) -> bool {
    use Verdict::{Encrypted, Mixed, Plaintext, Weak};
    let dtls = matches!(observed, Some(Encrypted | Weak | Mixed));
    let readable = vantage == Vantage::Wire && matches!(observed, Some(Plaintext | Mixed));
    let agree = observed == Some(Mixed) && said == Said::Mixed;
    !agree && (dtls && said.has_plaintext() || readable && said.has_ciphertext())
}

/// A path that no capture showed.
fn unseen(said: Said) -> (Verdict, Basis) {
    match (said, said.verdict()) {
        (Said::Nothing, _) => (Verdict::Silent, Basis::None),
        (_, Some(verdict)) => (verdict, Basis::FlowLog),
        (_, None) => (Verdict::Undetermined, Basis::FlowLog),
    }
}

/// A path of which the bytes captured cannot tell.
fn open(said: Said) -> (Verdict, Basis) {
    match said.verdict() {
        Some(verdict) => (verdict, Basis::FlowLog),
        None => (Verdict::Undetermined, Basis::Capture),
    }
}

/// A path that was readable above the host's encryption.
fn below(observed: Option<Verdict>, said: Said) -> (Verdict, Basis) {
    // What was DTLS already in the guest rests on the capture.
    let basis = match observed {
        Some(Verdict::Mixed) => Basis::Both,
        _ => Basis::FlowLog,
    };
    match said.verdict() {
        Some(verdict) => (verdict, basis),
        None => (Verdict::Unproven, Basis::Capture),
    }
}
