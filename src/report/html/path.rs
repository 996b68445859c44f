//! A path unfolded: its proof, its evidence, its flows, the platform's word, and its causes.

use maud::{Markup, html};

use super::cells::{code, more, table};
use super::{checks, flows, proof, timeline};
use crate::report::model::StateReport;
use crate::report::text::{bytes, number};
use crate::report::wording::flows::dtls;
use crate::report::wording::next::step;
use crate::report::wording::path::{carried, deciding, place};
use crate::report::wording::proof::capitalized;
use crate::report::{EndsReport, Evidence, Gap, PathReport, ProofReport, ServesReport};
use crate::verdict::Verdict;

/// Most targets of a server.
const TARGETS: usize = 50;

/// Terms on which paths are told.
pub(super) struct PathTerms<'t> {
    /// Set to tell all of each path.
    pub(super) is_verbose: bool,
    /// Times at which nothing could be seen.
    pub(super) gaps: &'t [&'t Gap],
}

/// All of a path.
pub(super) fn in_full(path: &PathReport, terms: &PathTerms<'_>) -> Markup {
    html! {
        (next(path))
        @if let Some(ends) = &path.azure { (resources(ends)) }
        (served(&path.serves))
        @if let Some(says) = seen(path) { p { (says) } }
        @for part in parts(path, terms).into_iter().flatten() { (part) }
    }
}

/// What decides a path, in a paragraph: more of thousands would take a browser long.
pub(super) fn in_short(path: &PathReport) -> Markup {
    let is_told = |it: &&ProofReport| path.verdict == Verdict::Encrypted || !it.is_met();
    let proof: Vec<&str> = path
        .proof
        .iter()
        .filter(is_told)
        .map(|it| &it.says[..])
        .collect();
    let proof = (!proof.is_empty()).then(|| format!("{}.", capitalized(&proof.join("; "))));
    let facts = path.dtls.as_ref().map(|facts| format!("{}.", dtls(facts)));
    let told: Vec<String> = [seen(path), proof, facts].into_iter().flatten().collect();
    let shown = deciding(path)
        .into_iter()
        .filter(|_| path.verdict != Verdict::Encrypted);
    html! {
        (next(path))
        (told.join(" "))
        @for it in shown.take(1) { br; (it.shows) ": " (place(it)) }
        @if let Some(ends) = &path.azure { (resources(ends)) }
    }
}

fn next(path: &PathReport) -> Markup {
    html! { @if let Some(step) = step(path) { p.step { strong { "Next: " } (step) } } }
}

/// Time and interface that a path was seen at.
fn seen(path: &PathReport) -> Option<String> {
    let (first, last) = (path.first.as_ref()?, path.last.as_ref()?);
    let interface = path.interface.as_ref();
    let on = interface.map_or_else(String::new, |name| format!(" on {name}"));
    Some(format!("Seen from {first} to {last}{on}."))
}

/// All that shows and explains the verdict.
fn parts(path: &PathReport, terms: &PathTerms<'_>) -> [Option<Markup>; 7] {
    [
        proof::of_path(path),
        timeline::of_path(path, terms.gaps),
        evidence(path, terms),
        filters(path),
        flows::section(path),
        platform(path),
        checks::of_path(path),
    ]
}

/// Resources at both ends.
fn resources(ends: &EndsReport) -> Markup {
    let name = |id: &str| id.rsplit('/').next().unwrap_or(id).to_owned();
    let place = |label: Option<&String>, id: Option<&String>| {
        label.cloned().or_else(|| id.map(|id| name(id)))
    };
    let client = &ends.client;
    let vm = place(client.vm_label.as_ref(), client.vm.as_ref());
    let networks = [&ends.client, &ends.server].map(|it| it.virtual_network.as_deref().map(name));
    let file_system = place(ends.file_system_label.as_ref(), ends.file_system.as_ref());
    html! { dl.facts {
        @if let Some(vm) = vm { dt { "VM" } dd { (vm) } }
        @if let Some(nic) = client.nic.as_deref().map(name) { dt { "NIC" } dd { (nic) } }
        @if let [Some(client), Some(server)] = &networks {
            dt { "VNets" } dd { (client) " to " (server) }
        }
        @if let Some(name) = file_system { dt { "File system" } dd { (name) } }
    } }
}

/// File systems and targets of the server.
fn served(serves: &ServesReport) -> Markup {
    let targets = serves.targets.iter().take(TARGETS);
    let targets: Vec<&str> = targets.map(String::as_str).collect();
    html! { dl.facts {
        @if !serves.file_systems.is_empty() {
            dt { "Known as" } dd { (serves.file_systems.join(", ")) }
        }
        @if !targets.is_empty() {
            dt { "Targets" } dd { (targets.join(", ")) (more(serves.targets.len(), TARGETS)) }
        }
    } }
}

/// Packets and records that show the verdict.
fn evidence(path: &PathReport, terms: &PathTerms<'_>) -> Option<Markup> {
    let shown: Vec<&Evidence> = if terms.is_verbose {
        path.evidence.iter().collect()
    } else {
        deciding(path)
    };
    (!shown.is_empty()).then(|| {
        html! {
            h4 { "Evidence" }
            ul.evidence { @for it in shown { li { (it.shows) small { (place(it)) } } } }
        }
    })
}

/// Filters of Wireshark for the packets of the evidence, and for all of the path.
fn filters(path: &PathReport) -> Option<Markup> {
    let files = path.evidence_filters();
    let all = path.display_filter.as_ref();
    (!files.is_empty() || all.is_some()).then(|| {
        html! {
            h4 { "In Wireshark" }
            dl.filters {
                @for (file, filter) in &files {
                    dt { "Packets that prove it, in " (file) } dd { (code(filter)) }
                }
                @if let Some(filter) = all { dt { "All packets of it" } dd { (code(filter)) } }
            }
        }
    })
}

/// States that flow logs have of the path.
fn platform(path: &PathReport) -> Option<Markup> {
    let platform = path.platform.as_ref()?;
    let header = [
        "State",
        "Carried as",
        "When",
        "First",
        "Last",
        "Flows",
        "Packets",
        "Bytes",
    ];
    let row = |when: &'static str| {
        move |it: &StateReport| {
            let texts = [
                it.state.name(),
                carried(it.carried),
                when,
                &it.first,
                &it.last,
            ];
            let numbers = [number(it.flows), number(it.packets), bytes(it.bytes)];
            let texts = texts.into_iter().map(|text| html! { (text) });
            texts
                .chain(numbers.into_iter().map(|it| html! { (it) }))
                .collect()
        }
    };
    let when = if path.observed.is_some() {
        "when captured"
    } else {
        "all the time"
    };
    let rows = platform.states.iter().map(row(when));
    let rows = rows.chain(platform.other_times.iter().map(row("at other times")));
    let rows: Vec<Vec<Markup>> = rows.collect();
    Some(html! { h4 { "Flow logs" } (table(&header, 5, &rows)) })
}
