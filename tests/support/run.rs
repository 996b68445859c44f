//! Frames in, a report out: the stages joined without files, in one place.

use std::fmt;

use plainsight::aggregate::duplicates::Window;
use plainsight::aggregate::{InputPart, Snapshot};
use plainsight::capture::{Frame, InterfaceId, LinkType, Timestamp};
use plainsight::engine::{CountedState, Engine};
use plainsight::report::{Report, Run};
use plainsight::verdict::Servers;
use serde_json::Value;

/// Who is a server wherever packets are made; the single address is never used.
pub const SERVERS: &str = "10.20.2.0/24,fd00:2::/64,10.20.2.99";
pub const SILENT: &str = "10.20.2.99";

/// The one part of an input that is not split.
pub const WHOLE: InputPart = InputPart { file: 0, piece: 0 };

fn interface_name(number: u32) -> &'static str {
    if number == 0 { "eth0" } else { "eth1" }
}

/// A frame that owns its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    pub link_type: LinkType,
    pub interface: u32,
    pub data: Vec<u8>,
    pub wire_len: u32,
}

/// In one line, so that a counterexample can be read.
impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (link_type, interface) = (self.link_type.0, self.interface);
        write!(f, "link {link_type} if {interface} of {}: ", self.wire_len)?;
        self.data
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Stored {
    /// A frame of which all was captured.
    pub fn whole(link_type: LinkType, data: Vec<u8>) -> Self {
        Self {
            link_type,
            interface: 0,
            wire_len: u32::try_from(data.len()).expect("a short frame"),
            data,
        }
    }

    /// The frame as a snap length leaves it.
    pub fn cut(&self, len: usize) -> Self {
        let mut cut = self.clone();
        cut.data.truncate(len);
        cut
    }

    /// The frame at a place in its capture, from 0.
    pub fn at(&self, place: usize) -> Frame<'_> {
        let micros = i64::try_from(place).expect("a short capture");
        self.at_time(place, micros)
    }

    /// The same, so many microseconds after a capture began.
    pub fn at_time(&self, place: usize, micros: i64) -> Frame<'_> {
        Frame {
            number: place as u64 + 1,
            time: Some(Timestamp(1_700_000_000_000_000_000 + micros * 1000)),
            link_type: self.link_type,
            interface: InterfaceId::of(interface_name(self.interface)),
            has_siblings: true,
            data: &self.data,
            wire_len: self.wire_len,
        }
    }
}

/// How frames are spread over workers: where they are cut, and which snapshot is merged
/// when.
#[derive(Clone, Debug, Default)]
pub struct Split {
    pub cuts: Vec<usize>,
    pub order: Vec<usize>,
}

/// Terms of the runs of these tests.
pub fn engine(max_flows: usize) -> Engine {
    let mut servers = Servers::default();
    servers.add_list(SERVERS).expect("a list of servers");
    Engine {
        servers,
        max_flows,
        ..Engine::default()
    }
}

/// Counted state of all frames, as one worker counts them.
pub fn counted(frames: &[Stored], engine: &Engine) -> CountedState {
    split_counted(frames, engine, &Split::default())
}

/// Counted state of all frames, as several workers count them.
pub fn split_counted(frames: &[Stored], engine: &Engine, split: &Split) -> CountedState {
    let mut bounds = vec![0, frames.len()];
    bounds.extend(split.cuts.iter().map(|cut| cut % (frames.len() + 1)));
    bounds.sort_unstable();
    let mut events = Vec::new();
    let mut window = Window::default();
    let mut parts: Vec<Snapshot> = Vec::new();
    for bound in bounds.windows(2) {
        let mut worker = engine.worker();
        *worker.window() = window;
        let numbered = frames.iter().enumerate();
        for (place, frame) in numbered.take(bound[1]).skip(bound[0]) {
            worker.packet(WHOLE, &frame.at(place));
        }
        events.extend(worker.take_fragments());
        window = std::mem::take(worker.window());
        parts.push(worker.into_snapshot());
    }
    let mut counted = engine.counted();
    if let Some(sum) = merge(parts, &split.order) {
        counted.add(sum);
    }
    counted.play(events);
    counted.finish();
    counted
}

/// Merges pairs as `order` says, so that associativity counts as well as order.
fn merge(mut parts: Vec<Snapshot>, order: &[usize]) -> Option<Snapshot> {
    let mut order = order.iter().copied().chain(std::iter::repeat(0));
    while parts.len() > 1 {
        let into = order.next().unwrap_or(0) % parts.len();
        let mut sum = parts.swap_remove(into);
        let with = order.next().unwrap_or(0) % parts.len();
        sum.merge(parts.swap_remove(with));
        parts.push(sum);
    }
    parts.pop()
}

/// The report of counted state that nothing is added to, as JSON.
pub fn report(counted: CountedState, engine: &Engine) -> String {
    json(&engine.final_report(Some(counted), None, run(engine)))
}

/// The same, to be looked into.
pub fn report_value(counted: CountedState, engine: &Engine) -> Value {
    let report = engine.final_report(Some(counted), None, run(engine));
    serde_json::to_value(&report).expect("a report")
}

/// The same of counted state that may grow.
pub fn report_so_far(counted: &mut CountedState, engine: &Engine) -> String {
    json(&engine.report(Some(counted), None, run(engine)))
}

fn json(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("a report")
}

/// A run over the interfaces of these captures.
fn run(engine: &Engine) -> Run {
    let names = [0, 1].map(interface_name);
    let names = names
        .map(|name| (InterfaceId::of(name), name.to_owned()))
        .into();
    Run {
        interfaces: names,
        ..engine.run()
    }
}

/// The report of frames, to be looked into.
pub fn reported(frames: &[Stored], limit: usize) -> Value {
    let engine = engine(limit);
    report_value(counted(frames, &engine), &engine)
}

/// Packets and bytes of a count in a report.
pub fn volume(count: &Value) -> (u64, u64) {
    let number = |field| count[field].as_u64().expect("a number");
    (number("packets"), number("wire_bytes"))
}

fn sum(volumes: impl IntoIterator<Item = (u64, u64)>) -> (u64, u64) {
    let add = |(packets, bytes), (more, longer)| (packets + more, bytes + longer);
    volumes.into_iter().fold((0, 0), add)
}

/// Holds a report to law 3: what was read is in exactly one bucket each.
pub fn assert_sums<'f>(report: &Value, frames: impl IntoIterator<Item = &'f Stored>) {
    let read = sum(frames.into_iter().map(|frame| {
        let wire_len = frame.wire_len.max(u32::try_from(frame.data.len()).unwrap());
        (1, u64::from(wire_len))
    }));
    let accounting = &report["accounting"];
    assert_eq!(volume(accounting), read);
    let buckets = [
        "paths",
        "dtls_elsewhere",
        "other",
        "duplicates",
        "outside_window",
        "undecodable",
    ];
    assert_eq!(sum(buckets.map(|bucket| volume(&accounting[bucket]))), read);
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let reasons = list(&accounting["undecodable"]["reasons"]);
    assert_eq!(
        sum(reasons.iter().map(volume)),
        volume(&accounting["undecodable"])
    );
    let elsewhere = list(&report["dtls_elsewhere"]);
    assert_eq!(
        sum(elsewhere.iter().map(volume)),
        volume(&accounting["dtls_elsewhere"])
    );
    let paths = list(&report["paths"]);
    let of_paths = sum(paths.iter().map(|path| traffic(&path["traffic"])));
    assert_eq!(of_paths, volume(&accounting["paths"]));
    assert_eq!(over_time(&report["timeline"]), of_paths);
    for path in paths {
        assert_eq!(over_time(&path["timeline"]), traffic(&path["traffic"]));
        for (class, count) in path["traffic"].as_object().expect("classes") {
            assert_eq!(
                columns(&path["timeline"][class]).1,
                volume(count),
                "{class}"
            );
        }
        let flows = list(&path["flows"]).into_iter();
        let flows =
            flows.map(|flow| sum([traffic(&flow["to_server"]), traffic(&flow["to_client"])]));
        assert_eq!(sum(flows), traffic(&path["traffic"]));
    }
}

fn traffic(classes: &Value) -> (u64, u64) {
    let classes = classes.as_object().expect("classes");
    sum(classes.values().map(volume))
}

/// Number of intervals of some columns, and the sums over them.
fn columns(columns: &Value) -> (usize, (u64, u64)) {
    let numbers = |column: &str| -> Vec<u64> {
        let column = columns[column].as_array().into_iter().flatten();
        column.map(|it| it.as_u64().expect("a number")).collect()
    };
    let (packets, wire_bytes) = (numbers("packets"), numbers("wire_bytes"));
    assert_eq!(packets.len(), wire_bytes.len());
    let sums = (packets.iter().sum(), wire_bytes.iter().sum());
    (packets.len(), sums)
}

/// Sum of a timeline, over all classes and intervals, of which there are as many as may be and
/// in each class the same.
pub fn over_time(timeline: &Value) -> (u64, u64) {
    let classes = ["encrypted", "handshake", "plaintext", "undetermined"];
    let all = classes.map(|class| columns(&timeline[class]));
    let longest = all.iter().map(|(len, _)| *len).max().unwrap_or(0);
    assert!(longest <= 128);
    assert!(all.iter().all(|&(len, _)| len == 0 || len == longest));
    sum(all.map(|(_, volume)| volume))
}
