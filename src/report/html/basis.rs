//! What a run rests on: its vantage, its inputs, and whether they were whole.

use maud::{Markup, html};

use super::cells::{code, table};
use super::{mark, proof};
use crate::flow_log::{LogForm, LogReport};
use crate::report::text::number;
use crate::report::wording::account::{kinds, logged, vantage, window};
use crate::report::{InputReport, Losses, ProofReport, Report, ServerReport};

/// Time, policy and inputs, in a line each, below the answer.
pub(super) fn facts(report: &Report) -> Markup {
    let whole = report.proof.iter().all(ProofReport::is_met);
    let outcome = if whole { "met" } else { "open" };
    let says = match (whole, report.losses.any()) {
        (true, false) => {
            "The run is whole: all that was given was read and decoded, and nothing is known to \
             be lost."
        }
        (true, true) => {
            "The run is whole: all that was given was read and decoded, and no more was lost than \
             --max-loss accepts."
        }
        (false, _) => "The run is not whole: see what this rests on.",
    };
    html! {
        dl.facts {
            @if let (Some(first), Some(last)) = (&report.first, &report.last) {
                dt { "Captured" } dd { time { (first) } " to " time { (last) } }
            }
            dt { "Policy" } dd { (report.policy) }
            dt { "Inputs" } dd { (kinds(report).join(", ")) }
            dt { "Whole" } dd { (mark::obligation(outcome)) " " (says) }
            dt { "Exit code" } dd { (report.exit_code()) }
        }
    }
}

pub(super) fn section(report: &Report) -> Markup {
    let servers = &report.servers;
    html! {
        @if let Some(says) = vantage(report) { p { (says) } }
        @if let Some(says) = window(report) { p { (says) } }
        (proof::of_run(&report.proof))
        @if !report.inputs.is_empty() { h3 { "Captures" } (captures(&report.inputs)) }
        @if !report.flow_logs.is_empty() {
            h3 { "Flow logs" }
            (flow_logs(&report.flow_logs))
            p.note { (logged(&report.flow_logs)) "." }
        }
        @if !servers.is_empty() { h3 { "Servers" } (named(servers)) }
    }
}

fn captures(inputs: &[InputReport]) -> Markup {
    let header = ["File", "Format", "Whole", "Packets", "Lost", "Gaps"];
    let row = |it: &InputReport| {
        let format = match it.compression {
            Some(compression) => format!("{}, {compression}", it.format),
            None => it.format.to_owned(),
        };
        let losses = it.losses.as_ref();
        let told = |count: Option<u64>| count.map_or_else(|| "not stated".to_owned(), number);
        let gaps = losses.map(|it| it.gaps.len() as u64 + it.more_gaps);
        vec![
            code(&it.name),
            html! { (format) },
            wholeness(it.fault.as_ref().map(|it| it.offset)),
            html! { (number(it.packets)) },
            html! { (told(losses.map(Losses::packets))) },
            html! { (told(gaps)) },
        ]
    };
    let rows: Vec<_> = inputs.iter().map(row).collect();
    table(&header, 3, &rows)
}

/// Mark of an input that was read to its end, or the place of its damage.
fn wholeness(fault: Option<u64>) -> Markup {
    match fault {
        None => html! { (mark::obligation("met")) " to its end" },
        Some(byte) => html! { (mark::obligation("open")) " damaged at byte " (byte) },
    }
}

fn flow_logs(logs: &[LogReport]) -> Markup {
    let header = ["File", "Form", "Whole", "Tuples", "Bad", "Unknown states"];
    let row = |it: &LogReport| {
        let form = match it.form {
            LogForm::FlowLog => "flow log",
            LogForm::TrafficAnalytics => "Traffic Analytics",
        };
        let counts = [it.tuples, it.bad_tuples, it.unknown_states].map(number);
        let texts = [
            code(&it.name),
            html! { (form) },
            wholeness(it.fault.as_ref().map(|it| it.offset)),
        ];
        let counts = counts.map(|count| html! { (count) });
        texts.into_iter().chain(counts).collect()
    };
    let rows: Vec<_> = logs.iter().map(row).collect();
    table(&header, 3, &rows)
}

fn named(servers: &[ServerReport]) -> Markup {
    let row = |it: &ServerReport| {
        vec![
            code(&it.address),
            html! { (it.source) },
            html! { (it.serves.file_systems.join(", ")) },
        ]
    };
    let rows: Vec<_> = servers.iter().map(row).collect();
    table(&["Server", "Named by", "File systems"], 3, &rows)
}
