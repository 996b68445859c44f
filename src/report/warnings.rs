//! Sentences that the reader should know besides the verdicts.

use std::net::IpAddr;

use ipnet::IpNet;

use super::text::{counted, packets};
use super::{About, InputReport, Run, Warning};
use crate::aggregate::expected::{Met, PortKind};
use crate::aggregate::sample::Overlap;
use crate::capture::Fault;
use crate::decode::Protocol;
use crate::evidence::dtls::Version;
use crate::verdict::{Class, Ends, Judgement, Part, Path, Servers, Verdict};

mod flow_logs;

/// Warnings of a run, those about the input first. Those of its [paths](of_path) follow them, and
/// then what is [folded].
pub(super) fn of_run(judgement: &Judgement, run: &Run) -> Vec<Warning> {
    let mut all: Vec<Warning> = run.inputs.iter().filter_map(fault).collect();
    all.extend(run.inputs.iter().flat_map(losses));
    all.extend(run.flow_logs.iter().flat_map(flow_logs::log));
    all.extend(run.unread.iter().cloned().map(Warning::from));
    all.extend(run.skipped.iter().cloned());
    let of_the_run = overlaps(judgement, run)
        .chain(undecoded(judgement))
        .chain(unnamed_servers(judgement))
        .chain(unmatched_blocks(judgement))
        .chain(flow_logs::unproven(judgement))
        .chain(flow_logs::unplaced(judgement));
    all.extend(of_the_run.map(Warning::from));
    all
}

/// Warning of flows that are counted in sums.
pub(super) fn folded(judgement: &Judgement) -> Option<Warning> {
    let folded = "more flows than --max-flows keeps apart: those beyond are counted in sums, \
                  which are never called encrypted; a higher --max-flows lists them";
    judgement.folded.then(|| Warning::from(folded.to_owned()))
}

/// Warnings of a path.
pub(super) fn of_path(path: &Path) -> Vec<Warning> {
    let about = About::Path(title(path));
    let mut all = path_warnings(&about, path);
    all.extend(flow_logs::path(&about, path));
    all
}

/// Number of packets with the verb for one and for several.
fn some_packets(count: u64, [one, several]: [&str; 2]) -> String {
    let verb = if count == 1 { one } else { several };
    format!("{} {verb}", packets(count))
}

fn fault(input: &InputReport) -> Option<Warning> {
    let fault = input.fault.as_ref()?;
    let Fault { offset, what, .. } = fault;
    let more = match fault.count {
        1 => String::new(),
        count => format!(", the first of {count} faults"),
    };
    let says = format!(
        "damaged at byte {offset}: {what}{more}; passed over: {}; read around it, and counted: {}",
        counted(fault.passed_over, "byte"),
        packets(input.packets)
    );
    Some(Warning::of(About::File(input.name.clone()), says))
}

/// Warnings of packets that a capture says it missed.
fn losses(input: &InputReport) -> Vec<Warning> {
    let Some(losses) = &input.losses else {
        return Vec::new();
    };
    let about = || About::File(input.name.clone());
    let kernel = match input.format {
        "live" => "dropped by the kernel: enlarge --buffer, or use more --threads",
        _ => "missing by its own statistics: dropped, not saved in time or overwritten",
    };
    let counted = [
        (losses.kernel, kernel),
        (
            losses.interface.unwrap_or(0),
            "dropped by the interface, before any filter",
        ),
        (
            losses.unattributed,
            "dropped by the kernel or the interface that captured it",
        ),
        (losses.unread, "still unread when the run ended"),
    ];
    let counted = counted.iter().filter(|(packets, _)| *packets > 0);
    let counted = counted.map(|(packets, what)| {
        let after = [" packet ", " packets "].map(|it| format!("{it}{what}"));
        let [one, several] = &after;
        Warning::counted(about(), ("", *packets, [one, several]))
    });
    let gaps = losses.gaps.iter().map(|gap| match &gap.to {
        Some(to) => Warning::of(about(), format!("down from {} to {to}", gap.from)),
        None => Warning::of(about(), format!("down from {} on", gap.from)),
    });
    let more = (losses.more_gaps > 0).then(|| {
        Warning::counted(
            about(),
            ("down ", losses.more_gaps, [" time more", " times more"]),
        )
    });
    counted.chain(gaps).chain(more).collect()
}

/// Captures that show the same packets, as far as they are worth a word.
fn overlaps(judgement: &Judgement, run: &Run) -> impl Iterator<Item = String> {
    /// A smaller share does not show in what counts.
    const LEAST: f64 = 0.01;
    const LISTED: usize = 20;
    let name = |file: u32| {
        run.inputs
            .get(file as usize)
            .map_or("", |input| &input.name)
    };
    let worth = |overlap: &&Overlap| overlap.shares.0.max(overlap.shares.1) >= LEAST;
    judgement.overlaps.iter().filter(worth).take(LISTED).map(move |overlap| {
        let (earlier, later) = (name(overlap.files.0), name(overlap.files.1));
        format!(
            "{later} shows packets that {earlier} shows too: about {:.0} % of its own and {:.0} % \
             of the other's; each counts twice, so volumes are too large and verdicts are not \
             concerned",
            overlap.shares.1 * 100.0,
            overlap.shares.0 * 100.0,
        )
    })
}

/// Packets that were captured, and that no decoder here reads.
fn undecoded(judgement: &Judgement) -> impl Iterator<Item = String> {
    let reasons = judgement.accounting.undecodable.iter();
    reasons
        .filter(|(reason, _)| reason.cause.is_want_of_decoder())
        .map(|(reason, count)| {
            let packets = some_packets(count.packets, ["is", "are"]);
            format!("{packets} not decoded, and may hold anything: {reason}")
        })
}

fn unnamed_servers(judgement: &Judgement) -> Option<String> {
    let elsewhere = judgement.accounting.elsewhere.packets;
    let why = if judgement.server_known {
        "neither of their ends is a server that is known: if one is, name it with --servers"
    } else {
        "nothing here says who the AMLFS servers are: name them with --servers \
         10.0.0.4,10.0.0.5 or --servers 10.0.0.0/24"
    };
    let packets = some_packets(elsewhere, ["of DTLS is", "of DTLS are"]);
    (elsewhere > 0).then(|| format!("{packets} on no path, because {why}"))
}

/// Blocks that the user named and that no path leads to.
fn unmatched_blocks(judgement: &Judgement) -> impl Iterator<Item = String> {
    let is_matched = |block: &IpNet| {
        let is_in = |server| block.contains(&IpAddr::from(server));
        let mut ends = judgement.paths.iter().map(|path| path.ends);
        ends.any(|ends| match ends {
            Ends::Seen { server, .. } | Ends::Expected { server } => is_in(server),
            Ends::Rest => true,
        })
    };
    let blocks = judgement.servers.blocks();
    let own = blocks.filter(|(_, source)| *source == Servers::FLAG);
    let unmatched = own.filter(move |(block, _)| !is_matched(block));
    unmatched.map(|(block, source)| {
        format!("no path leads to a server in {block}, which {source} names")
    })
}

fn path_warnings(about: &About, path: &Path) -> Vec<Warning> {
    let says = |says: &str| Warning::of(about.clone(), says);
    let counted = |parts| Warning::counted(about.clone(), parts);
    let mut all = Vec::new();
    if path.parts.iter().any(is_dtls_stream) {
        all.push(says(
            "DTLS records over TCP, which is odd: DTLS belongs in UDP",
        ));
    }
    if chooses(path, Version::V1_3) {
        all.push(says(
            "DTLS 1.3 was negotiated; nothing in its protected records proves that they are encrypted",
        ));
    }
    let unclear = path.traffic.get(&Class::Undetermined);
    if let (Some(count), Some(Verdict::Encrypted | Verdict::Weak)) = (unclear, path.observed) {
        let after = [
            " packet is undetermined; what was captured of it cannot tell",
            " packets are undetermined; what was captured of them cannot tell",
        ];
        all.push(counted(("", count.packets, after)));
    }
    all.extend(path.met.as_ref().map(|met| says(&seen_of(met))));
    if path.parts.is_empty() && path.met.is_none() && path.observed == Some(Verdict::Undetermined) {
        let told = "packets with that server were captured, and none is known to be this path's";
        all.push(says(told));
    }
    all.extend(missing_records(about, path));
    all
}

/// Records that were sent and not seen, by their numbers.
fn missing_records(about: &About, path: &Path) -> Option<Warning> {
    let missing = super::path::missing_records(&path.parts);
    let before = if missing.at_least {
        "by their numbers, at least "
    } else {
        "by their numbers, "
    };
    let after = [
        " DTLS record was sent and not seen",
        " DTLS records were sent and not seen",
    ];
    let told = || Warning::counted(about.clone(), (before, missing.missing, after));
    (missing.missing > 0).then(told)
}

/// Traffic seen of a server that is on no path, in a clause.
fn seen_of(met: &Met) -> String {
    let most = match met.most() {
        Some((PortKind::Port(Protocol::Udp, port), packets)) => {
            format!(
                "{} on its port {port} that {} no DTLS known here",
                counted(packets, "UDP datagram"),
                if packets == 1 { "is" } else { "are" }
            )
        }
        Some((PortKind::Port(Protocol::Tcp, port), packets)) => {
            format!(
                "{} on its port {port}, which is none of Lustre's",
                counted(packets, "TCP segment")
            )
        }
        _ => "packets that are neither TCP nor UDP".to_owned(),
    };
    match met.packets {
        1 => format!("its one packet cannot be told for a path's: {most}"),
        packets => {
            format!("none of its {packets} packets can be told for a path's; most are {most}")
        }
    }
}

fn is_dtls_stream(part: &Part) -> bool {
    part.key.is_some_and(|key| key.protocol == Protocol::Tcp) && part.flow.dtls.is_some()
}

fn chooses(path: &Path, version: Version) -> bool {
    path.parts
        .iter()
        .filter_map(|part| part.flow.dtls.as_deref())
        .any(|dtls| dtls.suites.keys().any(|&(chosen, _)| chosen == version))
}

fn title(path: &Path) -> String {
    match path.ends {
        Ends::Seen { client, server } => format!("{client} to {server}"),
        Ends::Expected { server } => server.to_string(),
        Ends::Rest => "paths beyond the limit".to_owned(),
    }
}
