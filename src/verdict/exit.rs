//! What the process exits with, stated once.

use super::Verdict;

/// What the process exits with: the contract that `--help` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every path is encrypted.
    Encrypted = 0,
    /// Some path is plaintext, mixed or weak, or in conflict.
    Exposed = 1,
    /// The run failed: nothing is said about any path.
    Failed = 2,
    /// None of these, but some path is unproven, undetermined or silent, or there is none.
    Unknown = 3,
}

impl Exit {
    /// All of them, with what they mean.
    pub const CONTRACT: [(Self, &'static str); 4] = [
        (Self::Encrypted, "every path is encrypted"),
        (
            Self::Exposed,
            "some path is plaintext, mixed, weak or conflict",
        ),
        (Self::Failed, "the run failed"),
        (
            Self::Unknown,
            "none of these, but some path is unproven, undetermined or silent, or there is no path",
        ),
    ];

    /// What a set of verdicts exits with.
    #[must_use]
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let worst = verdicts.into_iter().map(|verdict| match verdict {
            Verdict::Encrypted => (1, Self::Encrypted),
            Verdict::Unproven | Verdict::Undetermined | Verdict::Silent => (2, Self::Unknown),
            Verdict::Weak | Verdict::Mixed | Verdict::Plaintext | Verdict::Conflict => {
                (3, Self::Exposed)
            }
        });
        worst
            .max_by_key(|&(rank, _)| rank)
            .map_or(Self::Unknown, |(_, exit)| exit)
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}
