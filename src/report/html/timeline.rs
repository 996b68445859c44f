//! Timelines: of the run as a chart, and of a path as lanes. Below both stand the times at which
//! nothing could be seen, and what flow logs say of the same time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, PreEscaped, html};

use crate::flow_log::Carried;
use crate::report::model::{Columns, StateReport, TimelineReport};
use crate::report::text::{bytes, number, packets};
use crate::report::wording::path::carried;
use crate::report::{Gap, PathReport, Report};
use crate::verdict::Class;

mod axis;
mod chart;

use axis::Axis;

/// Height of a lane, in units of its drawing.
const HEIGHT: u64 = 20;
/// Least height of what is there at all.
const LEAST: u64 = 3;

/// Classes of a timeline, those that speak against a path first, each with the letter of its
/// color.
fn classes(timeline: &TimelineReport) -> impl Iterator<Item = (Class, &'static str, &Columns)> {
    let order = [
        (Class::Plaintext, "P"),
        (Class::Undetermined, "N"),
        (Class::Handshake, "U"),
        (Class::Encrypted, "E"),
    ];
    let columns = |class| timeline.by_class().find(|(known, _)| *known == class);
    let all = order.into_iter();
    all.filter_map(move |(class, letter)| Some((class, letter, columns(class)?.1)))
}

/// Times at which an interface of any input was down.
pub(super) fn gaps(report: &Report) -> Vec<&Gap> {
    let losses = report.inputs.iter().filter_map(|it| it.losses.as_ref());
    losses.flat_map(|it| &it.gaps).collect()
}

/// Timeline of the run.
pub(super) fn section(report: &Report) -> Option<Markup> {
    let timeline = report.timeline.as_ref()?;
    let axis = Axis::of(timeline)?;
    let chart = chart::draw(&axis, timeline)?;
    let gaps = gaps(report);
    let dropped = report.losses.packets;
    let states = report.paths.iter().filter_map(|it| it.platform.as_ref());
    let states: Vec<&StateReport> = states.flat_map(|it| &it.states).collect();
    Some(html! {
        p.legend { "Bytes of all paths over time, by class. "
            @for (class, letter, _) in classes(timeline) {
                span { b.mark.bar.(letter) {} " " (class.name()) } " "
            } }
        div.wide { figure.chart role="img" aria-label="Bytes over time, by class" {
            (PreEscaped(chart))
        } }
        div.lanes {
            @for (class, letter, columns) in classes(timeline) { (lane(class, letter, columns)) }
            (blind(&axis, &gaps))
            (logged(&axis, &states))
        }
        (axis.ends())
        @if dropped > 0 {
            p.note { (packets(dropped)) " passed unseen besides, at times that no capture states." }
        }
    })
}

/// Timeline of a path, and when it was in plaintext.
pub(super) fn of_path(path: &PathReport, gaps: &[&Gap]) -> Option<Markup> {
    let timeline = path.timeline.as_ref()?;
    let axis = Axis::of(timeline)?;
    let platform = path.platform.as_ref();
    let states: Vec<&StateReport> = platform.iter().flat_map(|it| &it.states).collect();
    Some(html! {
        h4 { "Over time" }
        @if let (Some(first), Some(last)) = (&path.plaintext_first, &path.plaintext_last) {
            p { "In plaintext from " time { (first) } " to " time { (last) } "." }
        }
        div.lanes {
            @for (class, letter, columns) in classes(timeline) { (lane(class, letter, columns)) }
            (blind(&axis, gaps))
            (logged(&axis, &states))
        }
        (axis.ends())
    })
}

/// Lane of a class: a bar for each interval, as high as its bytes are beside the most.
fn lane(class: Class, letter: &str, columns: &Columns) -> Markup {
    let most = columns.wire_bytes.iter().max().copied().unwrap_or(0).max(1);
    let bars = columns.wire_bytes.iter().enumerate();
    let bars = bars.filter(|(_, bytes)| **bytes > 0);
    let bars = bars.map(|(at, &bytes)| {
        let height = (u128::from(bytes) * u128::from(HEIGHT)).div_ceil(u128::from(most));
        let height = height.max(u128::from(LEAST));
        format!("M{at} {HEIGHT}v-{height}h1v{height}z")
    });
    let total: u64 = columns.wire_bytes.iter().sum();
    let counted: u64 = columns.packets.iter().sum();
    let says = format!("{}, {}", bytes(total), packets(counted));
    drawn(
        class.name(),
        letter,
        columns.wire_bytes.len(),
        &bars.collect::<Vec<_>>().concat(),
        &says,
    )
}

/// A lane: its name, its drawing, and what it says in words.
fn drawn(name: &str, letter: &str, width: usize, path: &str, says: &str) -> Markup {
    html! { div.lane {
        span { (name) }
        svg.(letter) viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="img"
            aria-label={ (name) ": " (says) } { path d=(path) {} }
        span { (says) }
    } }
}

/// Lane of the times at which nothing could be seen.
fn blind(axis: &Axis, gaps: &[&Gap]) -> Markup {
    let spans = gaps
        .iter()
        .filter_map(|gap| axis.span(&gap.from, gap.to.as_deref()));
    let spans: Vec<(u64, u64)> = spans.collect();
    html! { @if !spans.is_empty() {
        (drawn("blind", "S", Axis::UNITS, &boxes(&spans), &format!("interface down, {}", times(spans.len()))))
    } }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{} times", number(count as u64)),
    }
}

fn boxes(spans: &[(u64, u64)]) -> String {
    let each = spans.iter();
    let each = each.map(|(from, to)| format!("M{from} 0H{to}V{HEIGHT}H{from}z"));
    each.collect::<Vec<_>>().concat()
}

/// A lane for each state that flow logs have of this time.
fn logged(axis: &Axis, states: &[&StateReport]) -> Markup {
    let mut lanes = BTreeMap::<_, Vec<(u64, u64)>>::new();
    for it in states {
        if let Some(span) = axis.span(&it.first, Some(&it.last)) {
            lanes.entry(it.state).or_default().push(span);
        }
    }
    html! { @for (state, spans) in &lanes {
        @let name = format!("flow log {}", state.name());
        @let way = state.carried();
        (drawn(&name, color(way), Axis::UNITS, &boxes(spans), carried(way)))
    } }
}

fn color(carried: Carried) -> &'static str {
    match carried {
        Carried::Ciphertext => "E",
        Carried::Plaintext => "P",
        Carried::Dropped => "S",
        Carried::Unknown => "N",
    }
}

/// A moment to the millisecond.
fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A moment some nanoseconds later.
fn later(time: Timestamp, nanoseconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_nanos(nanoseconds))
        .unwrap_or(time)
}
