//! Packets that a report names, with all that it says of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::decode::Address;
use crate::report::{Moment, PathReport, Report};

/// Packets by their inputs and numbers, and the ends of their paths.
pub(super) struct NamedPackets {
    pub(super) inputs: BTreeMap<usize, BTreeMap<u64, PacketNote>>,
    /// Ends of each path, the smaller address first, with its name.
    pub(super) ends: HashMap<(Address, Address), String>,
}

/// Sayings of a report on one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PacketNote {
    /// Time that the report tells.
    pub(super) time: Option<Moment>,
    lines: BTreeSet<String>,
}

impl PacketNote {
    /// Note of a packet that stands beside those of the evidence.
    pub(super) fn beside(path: &str) -> Self {
        Self {
            time: None,
            lines: BTreeSet::from([format!("{path}: context, named by no evidence")]),
        }
    }

    /// Comment on the packet, which is this one of a file.
    pub(super) fn comment(&self, file: &str, number: u64) -> String {
        let lines = self.lines.iter().map(String::as_str);
        let place = format!("{file}, packet {number}");
        let lines: Vec<&str> = lines.chain([&place[..]]).collect();
        lines.join("\n")
    }
}

impl NamedPackets {
    pub(super) fn of(report: &Report) -> Self {
        let inputs = report.inputs.iter().enumerate();
        let places: HashMap<&str, usize> =
            inputs.map(|(place, input)| (&*input.name, place)).collect();
        let mut named = Self {
            inputs: BTreeMap::new(),
            ends: HashMap::new(),
        };
        for path in &report.paths {
            named.add(path, &places);
        }
        named
    }

    fn add(&mut self, path: &PathReport, places: &HashMap<&str, usize>) {
        let title = title(path);
        let end = |end: &Option<String>| end.as_ref()?.parse::<IpAddr>().ok();
        if let Some((client, server)) = end(&path.client).zip(end(&path.server)) {
            let ends = pair(client.into(), server.into());
            self.ends.insert(ends, title.clone());
        }
        for evidence in &path.evidence {
            let line = format!("{title}: {}: {}", evidence.of, evidence.shows);
            let place = evidence.packet.zip(places.get(&*evidence.file));
            self.note(place, evidence.time, line);
        }
        for proof in &path.proof {
            let (obligation, outcome) = (proof.obligation, proof.outcome);
            let line = format!("{title}: {obligation} is {outcome}: {}", proof.says);
            for packet in &proof.evidence {
                let place = places.get(&*packet.file).map(|file| (packet.packet, file));
                self.note(place, packet.time, line.clone());
            }
        }
    }

    fn note(&mut self, place: Option<(u64, &usize)>, time: Option<Moment>, line: String) {
        let Some((number, &input)) = place else {
            return;
        };
        let notes = self.inputs.entry(input).or_default();
        let note = notes.entry(number).or_default();
        note.time = time;
        note.lines.insert(line);
    }
}

/// Two ends of a path, whichever way.
pub(super) fn pair(one: Address, other: Address) -> (Address, Address) {
    (one.min(other), one.max(other))
}

fn title(path: &PathReport) -> String {
    let verdict = path.verdict.name();
    match (&path.client, &path.server) {
        (Some(client), Some(server)) => format!("{client} to {server}, {verdict}"),
        _ => format!("paths beyond the limit, {verdict}"),
    }
}
