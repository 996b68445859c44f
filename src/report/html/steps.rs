//! What would change the answer: next steps, and obligations that are open or broken.

use std::collections::HashMap;

use maud::{Markup, html};

use super::cells::table;
use super::mark;
use crate::report::text::counted;
use crate::report::wording::next::{run_step, steps};
use crate::report::wording::path::title;
use crate::report::wording::proof::answered;
use crate::report::{PathReport, ProofReport, Report};

/// Obligation that is not met, and the paths that it is of.
struct OpenObligation<'r> {
    proof: &'r ProofReport,
    first: &'r PathReport,
    paths: u64,
}

pub(super) fn section(report: &Report, paths: &[&PathReport]) -> Option<Markup> {
    let steps = steps(paths);
    let open = open(paths);
    let of_run = report.proof.iter().filter(|it| !it.is_met());
    let of_run: Vec<&ProofReport> = of_run.collect();
    if steps.is_empty() && open.is_empty() && of_run.is_empty() {
        return None;
    }
    Some(html! {
        ul.steps {
            @for (whom, step) in steps { li { strong { (whom) ": " } (step) } }
            @for it in &of_run { @if let Some(step) = run_step(it) {
                li { strong { "the run: " } (answered(it).1) " " (step) }
            } }
        }
        @if !open.is_empty() {
            h3 { "What keeps paths from being encrypted" }
            (table(&["Outcome", "Obligation", "Because", "Paths"], 4, &rows(&open)))
        }
    })
}

/// Obligations of paths that are open or broken, by what is said of them.
fn open<'r>(paths: &[&'r PathReport]) -> Vec<OpenObligation<'r>> {
    let mut places = HashMap::new();
    let mut all: Vec<OpenObligation<'_>> = Vec::new();
    for &path in paths {
        for proof in path.proof.iter().filter(|it| !it.is_met()) {
            let place = (proof.obligation, proof.outcome, &proof.says[..]);
            let place = *places.entry(place).or_insert(all.len());
            match all.get_mut(place) {
                Some(known) => known.paths += 1,
                None => all.push(OpenObligation {
                    proof,
                    first: path,
                    paths: 1,
                }),
            }
        }
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.paths));
    all
}

fn rows(open: &[OpenObligation<'_>]) -> Vec<Vec<Markup>> {
    let row = |it: &OpenObligation<'_>| {
        let proof = it.proof;
        let who = match it.paths {
            1 => title(it.first),
            count => counted(count, "path"),
        };
        let (question, answer) = answered(proof);
        vec![
            html! { (mark::obligation(proof.outcome)) " " (proof.outcome) },
            html! { (question) },
            html! { (answer) },
            html! { (who) },
        ]
    };
    open.iter().map(row).collect()
}
