//! Names, verdicts and volumes of paths, and the places of their evidence.

use crate::flow::Count;
use crate::flow_log::Carried;
use crate::report::rank::counts;
use crate::report::text::{bytes, number};
use crate::report::{Evidence, PathReport};
use crate::verdict::{Class, Verdict};

/// Ends of a path.
pub(in crate::report) fn title(path: &PathReport) -> String {
    match (&path.client, &path.server) {
        (Some(client), Some(server)) => format!("{client} to {server}"),
        (None, Some(server)) => format!("any client to {server}"),
        _ => "Paths beyond the limit".to_owned(),
    }
}

/// Client of a path in a column.
pub(in crate::report) fn client(path: &PathReport) -> &str {
    path.client.as_deref().unwrap_or("–")
}

/// Server of a path in a column.
pub(in crate::report) fn server(path: &PathReport) -> &str {
    path.server.as_deref().unwrap_or("others")
}

/// The verdict, and whether it speaks of less than all that passed.
pub(in crate::report) fn verdict(path: &PathReport) -> String {
    let loss = if path.under_loss { ", under loss" } else { "" };
    format!("{}{loss}", path.verdict.name())
}

/// Paths that there is no room for, by verdict.
pub(in crate::report) fn more_paths(more: &[&PathReport]) -> Option<String> {
    let verdicts = counts(more.iter().map(|path| path.verdict));
    let count = number(more.len() as u64);
    (!more.is_empty()).then(|| format!("and {count} more: {verdicts}"))
}

/// Encrypted and plaintext bytes, `None` without packets, and all packets.
pub(in crate::report) struct PathVolumes {
    pub(in crate::report) encrypted: Option<u64>,
    pub(in crate::report) plaintext: Option<u64>,
    pub(in crate::report) packets: u64,
}

/// Volumes of a path: those captured, or of one that no capture shows, those logged.
pub(in crate::report) fn volumes(path: &PathReport) -> PathVolumes {
    let some = |(bytes, packets): (u64, u64)| (packets > 0).then_some(bytes);
    match &path.platform {
        Some(platform) if path.traffic.total().packets == 0 => {
            let [encrypted, plaintext] =
                [Carried::Ciphertext, Carried::Plaintext].map(|carried| platform.volume(carried));
            PathVolumes {
                encrypted: some(encrypted),
                plaintext: some(plaintext),
                packets: encrypted.1.saturating_add(plaintext.1),
            }
        }
        _ => {
            let of = |count: Count| some((count.wire_bytes, count.packets));
            PathVolumes {
                encrypted: of(path.traffic.encrypted),
                plaintext: of(path.traffic.plaintext),
                packets: path.traffic.total().packets,
            }
        }
    }
}

/// Bytes in a column; a dash for none.
pub(in crate::report) fn volume(volume: Option<u64>) -> String {
    volume.map_or_else(|| "–".to_owned(), bytes)
}

/// Way that traffic of a flow log travelled, in a word.
pub(in crate::report) fn carried(carried: Carried) -> &'static str {
    match carried {
        Carried::Ciphertext => "ciphertext",
        Carried::Plaintext => "plaintext",
        Carried::Dropped => "blocked",
        Carried::Unknown => "unknown",
    }
}

/// Evidence shown to who asks for no more: the packet that decides, and what makes it sure;
/// where a path is mixed, its first and last in plaintext, and the first encrypted. A
/// packet's class goes without saying where the same packet proves more. And whatever the
/// platform says.
pub(in crate::report) fn deciding(path: &PathReport) -> Vec<&Evidence> {
    let count = match path.observed {
        Some(Verdict::Mixed) => 3,
        _ => 2,
    };
    let all = &path.evidence;
    let is_same = |a: &Evidence, b: &Evidence| (&a.file, a.packet) == (&b.file, b.packet);
    let is_platform = |it: &&Evidence| it.of == "platform";
    let is_class = |it: &Evidence| Class::ALL.iter().any(|class| class.name() == it.of);
    let proves_more = |it: &Evidence| all.iter().any(|more| is_same(it, more) && !is_class(more));
    let captured = all.iter().filter(|it| !is_platform(it));
    let telling = captured.filter(|it| !is_class(it) || !proves_more(it));
    let logged = all.iter().filter(is_platform);
    telling.take(count).chain(logged).collect()
}

/// Location of evidence: file, number of the packet or record, and time.
pub(in crate::report) fn place(evidence: &Evidence) -> String {
    let packet = evidence.packet.map(|packet| format!("packet {packet}"));
    let record = evidence.record.map(|record| format!("record {record}"));
    let time = evidence.time.map(|time| time.to_string());
    let parts = [Some(evidence.file.to_string()), packet, record, time];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}
