//! Exit codes of the process, stated once.

use super::Verdict;
use crate::azure::checks::Outcome;

/// Exit code of the process: the contract that `--help` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every path is encrypted.
    Encrypted = 0,
    /// Some path is plaintext, mixed or weak, or in conflict; or what else was [named](FailOn).
    Exposed = 1,
    /// The run failed: nothing is said about any path.
    Failed = 2,
    /// None of these, but something is open: a path, the run, or there is no path.
    Unknown = 3,
}

/// Verdicts that give [`Exit::Exposed`]. Of all others [`Verdict::Encrypted`] alone gives
/// [`Exit::Encrypted`], so that no choice of them makes a path pass that is not encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailOn(Vec<Verdict>);

impl Default for FailOn {
    fn default() -> Self {
        Self(vec![
            Verdict::Weak,
            Verdict::Mixed,
            Verdict::Plaintext,
            Verdict::Conflict,
        ])
    }
}

impl FailOn {
    /// Those that are named; the default where none is.
    #[must_use]
    pub fn named(mut verdicts: Vec<Verdict>) -> Self {
        if verdicts.is_empty() {
            return Self::default();
        }
        verdicts.sort_unstable();
        verdicts.dedup();
        Self(verdicts)
    }

    /// Sentence for a reader of the report, where it is not the default.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let Self(verdicts) = self;
        let names: Vec<_> = verdicts.iter().map(|verdict| verdict.name()).collect();
        (*self != Self::default()).then(|| {
            format!(
                "--fail-on: exit code 1 is for {} here; any other path that is not encrypted gives 3",
                names.join(", ")
            )
        })
    }
}

impl Exit {
    /// All of them, with what they mean.
    pub const CONTRACT: [(Self, &'static str); 4] = [
        (
            Self::Encrypted,
            "every path is encrypted, and the run is whole",
        ),
        (
            Self::Exposed,
            "some path is plaintext, mixed, weak or conflict, or has a verdict of --fail-on",
        ),
        (Self::Failed, "the run failed"),
        (
            Self::Unknown,
            "none of these, but some path is unproven, undetermined or silent, there is no path, \
             or the run is not whole: something was not read, not decoded or lost",
        ),
    ];

    /// The same for checks of the configuration alone.
    pub const CHECKS: [(Self, &'static str); 4] = [
        (Self::Encrypted, "every check passes, or is a note"),
        (Self::Exposed, "some check fails"),
        (Self::Failed, "the run failed"),
        (
            Self::Unknown,
            "no check fails, but some cannot be told, or there is nothing to check",
        ),
    ];

    /// Exit of a set of checks.
    #[must_use]
    pub fn of_checks(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        match outcomes.into_iter().min() {
            Some(Outcome::Pass | Outcome::Note) => Self::Encrypted,
            Some(Outcome::Fail) => Self::Exposed,
            Some(Outcome::Unknown) | None => Self::Unknown,
        }
    }

    /// Exit of a run over paths with these verdicts, which is whole or not.
    #[must_use]
    pub fn of(
        verdicts: impl IntoIterator<Item = Verdict>,
        is_whole: bool,
        FailOn(fail_on): &FailOn,
    ) -> Self {
        let worst = verdicts.into_iter().map(|verdict| match verdict {
            Verdict::Encrypted => (1, Self::Encrypted),
            _ if fail_on.contains(&verdict) => (3, Self::Exposed),
            _ => (2, Self::Unknown),
        });
        match worst.max_by_key(|&(rank, _)| rank) {
            Some((_, Self::Encrypted)) if !is_whole => Self::Unknown,
            Some((_, exit)) => exit,
            None => Self::Unknown,
        }
    }

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every list of verdicts but the empty one, which stands for the default.
    fn lists() -> impl Iterator<Item = Vec<Verdict>> {
        let open = Verdict::ALL.into_iter().skip(1).collect::<Vec<_>>();
        (1_u32..1 << open.len()).map(move |chosen| {
            let of_list = |(place, _): &(usize, &Verdict)| chosen >> place & 1 == 1;
            let list = open.iter().enumerate().filter(of_list);
            list.map(|(_, verdict)| *verdict).collect()
        })
    }

    #[test]
    fn no_list_makes_a_path_pass_that_is_not_encrypted() {
        for list in lists() {
            let fail_on = FailOn::named(list.clone());
            for one in Verdict::ALL {
                for other in Verdict::ALL {
                    let both = [one, other];
                    let exit = Exit::of(both, true, &fail_on);
                    let expected = if both.iter().any(|verdict| list.contains(verdict)) {
                        Exit::Exposed
                    } else if both == [Verdict::Encrypted; 2] {
                        Exit::Encrypted
                    } else {
                        Exit::Unknown
                    };
                    assert_eq!(exit, expected, "{both:?} with {list:?}");
                    assert_ne!(Exit::of(both, false, &fail_on), Exit::Encrypted);
                }
            }
            assert_eq!(Exit::of([], true, &fail_on), Exit::Unknown);
        }
    }

    #[test]
    fn the_default_says_nothing_of_itself() {
        assert_eq!(FailOn::named(Vec::new()), FailOn::default());
        let same = [
            Verdict::Conflict,
            Verdict::Plaintext,
            Verdict::Mixed,
            Verdict::Weak,
            Verdict::Weak,
        ];
        assert_eq!(FailOn::named(same.into()).note(), None);
        assert!(FailOn::named(vec![Verdict::Silent]).note().is_some());
    }
}
