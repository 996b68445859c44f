//! Causes of plaintext, as far as the configuration tells.

use super::path::title;
use crate::azure::checks::{Check, Outcome};
use crate::report::PathReport;
use crate::verdict::Verdict;

/// Sentence on paths in plaintext, the command that mends it, and the paths.
pub(in crate::report) type CauseGroup<'r> = (String, Option<&'r str>, Vec<&'r PathReport>);

/// Paths in plaintext whose causes are known, by what is said of them.
pub(in crate::report) fn grouped<'r>(paths: &[&'r PathReport]) -> Vec<CauseGroup<'r>> {
    let mut groups: Vec<CauseGroup<'_>> = Vec::new();
    let in_plaintext = |path: &&PathReport| {
        path.azure.is_some() && matches!(path.verdict, Verdict::Plaintext | Verdict::Mixed)
    };
    for path in paths.iter().copied().filter(in_plaintext) {
        let (says, remedy) = why(path);
        match groups.iter_mut().find(|(known, ..)| *known == says) {
            Some((.., paths)) => paths.push(path),
            None => groups.push((says, remedy, vec![path])),
        }
    }
    groups
}

/// The first cause, or that there is none.
fn why(path: &PathReport) -> (String, Option<&str>) {
    let Some(cause) = path
        .causes
        .iter()
        .find(|check| check.outcome == Outcome::Fail)
    else {
        return (no_cause(path, " (--verbose lists them)"), None);
    };
    let causes = path.causes.iter();
    let failing = causes
        .filter(|check| check.outcome == Outcome::Fail)
        .count();
    let more = match failing - 1 {
        0 => String::new(),
        1 => "; 1 more cause: --verbose lists it".to_owned(),
        more => format!("; {more} more causes: --verbose lists them"),
    };
    (format!("{}{more}", told(cause)), cause.remedy.as_deref())
}

/// Sentence on a check, with the field that decided it.
pub(in crate::report) fn told(cause: &Check) -> String {
    match &cause.field {
        Some(at) => {
            let field = field(&at.resource, &at.path, at.value.as_ref());
            format!("{} ({field})", cause.says)
        }
        None => cause.says.clone(),
    }
}

/// Configuration does not overrule what was seen.
///
/// `hint` says where those are listed that cannot be told.
pub(in crate::report) fn no_cause(path: &PathReport, hint: &str) -> String {
    let verdict = path.verdict.name();
    let unknown = path
        .causes
        .iter()
        .filter(|it| it.outcome == Outcome::Unknown);
    match unknown.count() {
        0 => format!("every check passes, and it is {verdict} all the same"),
        unknown => format!(
            "no check fails, {unknown} cannot be told{hint}, and it is {verdict} all the same"
        ),
    }
}

/// The first paths by name, the others counted.
pub(in crate::report) fn names(paths: &[&PathReport]) -> String {
    match paths {
        [only] => title(only),
        [first, rest @ ..] => format!("{} and {} more", title(first), rest.len()),
        [] => String::new(),
    }
}

/// A field and its value, as in `client-vnet: encryption.enabled = false`.
pub(in crate::report) fn field(resource: &str, path: &str, value: Option<&String>) -> String {
    match value {
        Some(value) => format!("{resource}: {path} = {value}"),
        None => format!("{resource}: {path} is absent"),
    }
}
