//! Flows of a path.

use maud::{Markup, html};

use super::cells::table;
use crate::report::model::FlowReport;
use crate::report::text::{bytes, number};
use crate::report::wording::flows::{facts, name, tunnel};
use crate::report::{PathReport, Volume};

pub(super) fn section(path: &PathReport) -> Option<Markup> {
    if path.flows.is_empty() {
        return None;
    }
    let header = [
        "Flow",
        "Tunnel",
        "Class",
        "To server",
        "To client",
        "Packets",
    ];
    let rows: Vec<_> = path.flows.iter().flat_map(rows).collect();
    Some(html! {
        h4 { "Flows" }
        @for says in facts(path) { p { (says) } }
        (table(&header, 3, &rows))
    })
}

/// A row for each class that the flow has packets of.
fn rows(flow: &FlowReport) -> Vec<Vec<Markup>> {
    let classes = flow.classes().into_iter();
    let volume = |it: Volume| match it.packets {
        0 => "–".to_owned(),
        _ => bytes(it.wire_bytes),
    };
    classes
        .map(|(class, up, down)| {
            let packets = number(up.packets + down.packets);
            let texts = [
                html! { (name(flow)) },
                html! { (tunnel(flow)) },
                html! { (class.name()) },
            ];
            let volumes = [volume(up.into()), volume(down.into()), packets];
            texts
                .into_iter()
                .chain(volumes.map(|it| html! { (it) }))
                .collect()
        })
        .collect()
}
