//! What the process exits with, stated once.

use super::Verdict;
use crate::azure::checks::Outcome;

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
        (
            Self::Encrypted,
            "every path is encrypted, and all that was handed in was read",
        ),
        (
            Self::Exposed,
            "some path is plaintext, mixed, weak or conflict",
        ),
        (Self::Failed, "the run failed"),
        (
            Self::Unknown,
            "none of these, but some path is unproven, undetermined or silent, there is no path, \
             or some input was not read, damaged, or incomplete",
        ),
    ];

    /// The same for checks of the configuration alone.
    pub const CHECKS: [(Self, &'static str); 4] = [
        (Self::Encrypted, "every check passes"),
        (Self::Exposed, "some check fails"),
        (Self::Failed, "the run failed"),
        (
            Self::Unknown,
            "no check fails, but some cannot be told, or there is nothing to check",
        ),
    ];

    /// What a set of checks exits with.
    #[must_use]
    pub fn of_checks(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        match outcomes.into_iter().min() {
            Some(Outcome::Pass) => Self::Encrypted,
            Some(Outcome::Fail) => Self::Exposed,
            Some(Outcome::Unknown) | None => Self::Unknown,
        }
    }

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

    /// The same, unless that is 0 and the run was not `whole`: then nobody knows.
    #[must_use]
    pub fn at_best(self, whole: bool) -> Self {
        match self {
            Self::Encrypted if !whole => Self::Unknown,
            exit => exit,
        }
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}
