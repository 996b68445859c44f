//! Answer of a posture, in a sentence.

use std::collections::BTreeSet;

use crate::azure::checks::{Check, Effect, Outcome};
use crate::report::Standing;
use crate::report::posture::{PosturePath, PostureReport};
use crate::report::text::number;

/// Sentence below each posture.
pub(in crate::report) const NO_PROOF: &str =
    "Configuration proves nothing sent: captures and flow logs do.";

/// Address and VM of a path's client, and its file system or server; a dash for what is not known.
pub(in crate::report) fn ends(path: &PosturePath) -> [String; 3] {
    let last = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
    let (client, server) = (&path.ends.client, &path.ends.server);
    let file_system = path.ends.file_system_label.clone();
    let network = || server.virtual_network.as_deref().map(last);
    let shown = file_system
        .or_else(|| server.address.clone())
        .or_else(network);
    [client.address.clone(), client.vm_label.clone(), shown]
        .map(|name| name.unwrap_or_else(|| "–".to_owned()))
}

/// The answer of a posture in a sentence.
pub(in crate::report) fn headline(report: &PostureReport) -> String {
    if report.paths.is_empty() {
        return "There is nothing to check: no export has an AMLFS file system, and --servers \
                names no server."
            .to_owned();
    }
    let blocked: Vec<&str> = report
        .paths
        .iter()
        .filter_map(|path| path.blocked.as_deref())
        .collect();
    let open = report.paths.iter().filter(|path| path.blocked.is_none());
    let causes = open.filter_map(|path| first_cause(&report.causes(path)));
    let causes: Vec<&Check> = causes.collect();
    let all = report.paths.len();
    let stopped = blocked.first().map(|says| {
        let who = some(blocked.len(), all, ["is", "are"]);
        format!("{who} blocked, so nothing passes: {says}.")
    });
    match (causes.first(), stopped) {
        (None, None) => format!("{}{}.", no_cause(all), others(report)),
        (None, Some(stopped)) => stopped,
        (Some(first), stopped) => {
            let who = some(causes.len(), all, ["has", "have"]);
            let says = format!("{who} a cause of plaintext: {}.", first.says);
            stopped.map_or(says.clone(), |stopped| format!("{says} {stopped}"))
        }
    }
}

/// Some of all paths, with the verb for one and for several.
fn some(count: usize, all: usize, [one, several]: [&str; 2]) -> String {
    let (some, all_) = (number(count as u64), number(all as u64));
    match (count, all) {
        (_, 1) => format!("The one path to AMLFS {one}"),
        (1, _) => format!("1 of {all_} paths to AMLFS {one}"),
        _ => format!("{some} of {all_} paths to AMLFS {several}"),
    }
}

/// The first cause of plaintext.
fn first_cause<'r>(causes: &[&'r Check]) -> Option<&'r Check> {
    let mut causes = causes.iter();
    let found = causes.find(|check| check.effect == Some(Effect::Plaintext));
    found.copied()
}

fn no_cause(all: usize) -> String {
    let paths = if all == 1 { "path" } else { "paths" };
    let all = number(all as u64);
    format!("No cause of plaintext was found on {all} {paths} to AMLFS")
}

/// Rest of an answer: failures of anything but paths, and what is open.
fn others(report: &PostureReport) -> String {
    let checks: BTreeSet<&Check> = report.all_checks().collect();
    let all = |wanted| checks.iter().filter(move |check| check.outcome == wanted);
    let titles: BTreeSet<_> = all(Outcome::Fail).map(|it| it.check.title()).collect();
    let titles: Vec<_> = titles.into_iter().collect();
    let is_open = |standing| standing == Standing::Unknown;
    let vms = report
        .clients
        .iter()
        .filter(|it| is_open(it.standing))
        .count();
    let vms = match vms {
        0 => String::new(),
        1 => "; 1 VM may be on a path that the exports do not show".to_owned(),
        vms => format!(
            "; {} VMs may be on paths that the exports do not show",
            number(vms as u64)
        ),
    };
    let rest = match (all(Outcome::Fail).count(), all(Outcome::Unknown).count()) {
        (0, 0) => String::new(),
        (0, 1) => "; 1 check cannot be told from the exports".to_owned(),
        (0, open) => format!(
            "; {} checks cannot be told from the exports",
            number(open as u64)
        ),
        (1, _) => format!("; another check failed ({})", titles.join(", ")),
        (wrong, _) => {
            format!(
                "; {} other checks failed ({})",
                number(wrong as u64),
                titles.join(", ")
            )
        }
    };
    vms + &rest
}
