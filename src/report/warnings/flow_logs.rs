//! Warnings about flow logs, and about paths that they leave open.

use crate::flow_log::{Carried, LogForm, LogReport};
use crate::report::text::{counted, minutes, number};
use crate::report::{About, Warning};
use crate::verdict::platform::Join;
use crate::verdict::{Judgement, Path, Platform, Said, Verdict};

/// Warnings of faults in a log.
pub(super) fn log(log: &LogReport) -> impl Iterator<Item = Warning> {
    let about = About::File(log.name.clone());
    let faults = faults(log).into_iter();
    faults.map(move |says| Warning::of(about.clone(), says))
}

fn faults(log: &LogReport) -> Vec<String> {
    let damage = log.fault.as_ref().map(|fault| {
        let (at, what) = (fault.offset, &fault.what);
        format!(
            "damaged at byte {at}: {what}; counted before it: {}",
            counted(log.tuples, "tuple")
        )
    });
    let dates = (log.ambiguous_dates > 0).then(|| {
        let rows = counted(log.ambiguous_dates, "row");
        format!(
            "dates that can be day first or month first were read month first, in {rows}; times \
             as in 2026-11-05T10:00:00Z are certain"
        )
    });
    let lost = "what was lost can be of any path, so none is encrypted on the platform's word";
    let lost = log.is_damaged().then(|| lost.to_owned());
    let all = [
        damage,
        bad(log),
        unread(log),
        unknown_version(log),
        dates,
        unknown_state(log),
        lost,
    ];
    all.into_iter().flatten().collect()
}

fn bad(log: &LogReport) -> Option<String> {
    let (what, verbs) = match log.form {
        LogForm::FlowLog => (
            "tuple",
            [
                "is not of version 4 and was",
                "are not of version 4 and were",
            ],
        ),
        LogForm::TrafficAnalytics => ("row", ["cannot be read and was", "cannot be read and were"]),
    };
    let bad = part(log.bad_tuples, (log.tuples, what), verbs);
    (log.bad_tuples > 0).then(|| format!("{bad} passed over"))
}

fn unknown_version(log: &LogReport) -> Option<String> {
    let version = log.unknown_version.as_ref()?;
    let are = part(log.unknown_versions, (log.records, "record"), ["is", "are"]);
    Some(format!(
        "{are} of a version that plainsight does not know, as `{version}`: read as version 4"
    ))
}

fn unknown_state(log: &LogReport) -> Option<String> {
    let word = log.unknown_state.as_ref()?;
    let state = match &word[..] {
        "" => "no encryption state".to_owned(),
        word => format!("an encryption state that plainsight does not know, as `{word}`"),
    };
    let has = part(log.unknown_states, (log.tuples, "tuple"), ["has", "have"]);
    Some(format!("{has} {state}"))
}

fn unread(log: &LogReport) -> Option<String> {
    (log.unread > 0).then(|| match log.form {
        LogForm::FlowLog => format!(
            "{} of {} not read: keys are missing, or what is due there is no list (PowerShell's \
             ConvertTo-Json writes text without -Depth)",
            counted(log.unread, "part"),
            counted(log.records, "record")
        ),
        LogForm::TrafficAnalytics => format!(
            "{} missing or cut, or said to lack flows of the interval",
            counted(log.unread, "row")
        ),
    })
}

/// Flows without ports that speak against a path nobody knows.
pub(super) fn unplaced(judgement: &Judgement) -> Option<String> {
    let flows = counted(judgement.unplaced as u64, "flow");
    (judgement.unplaced > 0).then(|| {
        format!(
            "{flows} without ports went in plaintext, as the flow logs say, and can be Lustre's: \
         name the servers (--servers) to tell"
        )
    })
}

/// Number of things among all, with the verb for one and for several.
fn part(count: u64, (all, thing): (u64, &str), [one, several]: [&str; 2]) -> String {
    let verb = if count == 1 { one } else { several };
    format!("{} of {} {verb}", number(count), counted(all, thing))
}

/// Advice on how to prove paths that are not proven.
pub(super) fn unproven(judgement: &Judgement) -> Option<String> {
    let paths = judgement.paths.iter();
    let unproven = paths.filter(|path| path.verdict == Verdict::Unproven);
    let paths = match unproven.count() {
        0 => return None,
        1 => "1 path is".to_owned(),
        count => format!("{} paths are", number(count as u64)),
    };
    Some(format!(
        "{paths} unproven: readable inside the VM, where it would be even if the host below \
         encrypts it. A VNet flow log of the time of the capture proves what the wire carried \
         (--flow-logs), and so does a capture made on the wire"
    ))
}

/// Warnings of periods and flows of a path that the logs leave open.
pub(super) fn path(about: &About, path: &Path) -> Vec<Warning> {
    let Some(platform) = &path.platform else {
        return Vec::new();
    };
    let notes = [
        joined(path, platform),
        open(path, platform),
        begun(path, platform),
        other_times(platform),
    ];
    let notes = notes.into_iter().flatten();
    notes.map(|note| Warning::of(about.clone(), note)).collect()
}

fn joined(path: &Path, platform: &Platform) -> Option<String> {
    let is_readable = !matches!(path.observed, Some(Verdict::Encrypted | Verdict::Weak));
    let by = match platform.joined.last()? {
        Join::Addresses if is_readable => "addresses alone",
        Join::ServerPort => "addresses and one port",
        _ => return None,
    };
    Some(format!(
        "ports are missing, so some of its flows were found in the flow logs by {by}"
    ))
}

fn open(path: &Path, platform: &Platform) -> Option<String> {
    let open = match (platform.said, path.verdict) {
        (Said::Blocked, _) => "the platform blocked what it logged, and carried none of it",
        (Said::Partly, Verdict::Unproven | Verdict::Undetermined) if platform.grain.is_some() => {
            return platform.grain.map(|grain| {
                format!(
                    "Traffic Analytics says Encrypted of sums over up to {}, which may hold flows \
                     that were not: the flow logs themselves can prove it",
                    minutes(grain)
                )
            });
        }
        (Said::Partly, Verdict::Unproven | Verdict::Undetermined) => {
            "the flow logs have X, but are no whole record of its flows for all their time"
        }
        (Said::Nothing, _) => "the flow logs have it at other times only, not when it was captured",
        _ => return None,
    };
    Some(open.to_owned())
}

/// Tuples of flows that begin have no statistics.
fn begun(path: &Path, platform: &Platform) -> Option<String> {
    let is_carried = |carried| matches!(carried, Carried::Ciphertext | Carried::Plaintext);
    let mut states = platform.states.iter();
    let is_begun = states.clone().any(|(state, _)| is_carried(state.carried()))
        && states.all(|(_, sum)| sum.tally.packets == 0);
    let says = "begun, no statistics yet: the flow logs do not count its packets";
    (is_begun && path.parts.is_empty()).then(|| says.to_owned())
}

fn other_times(platform: &Platform) -> Option<String> {
    let states: Vec<_> = platform
        .other_times
        .keys()
        .map(|state| state.name())
        .collect();
    (!states.is_empty() && platform.said != Said::Nothing).then(|| {
        let states = states.join(", ");
        format!("at other times than the capture's, the flow logs also have {states}")
    })
}
