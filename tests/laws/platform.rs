//! Laws of the platform's word, over made-up flows whose truth is known: a client that
//! begins, ends and begins again, changes its encryption, is made anew under another
//! address, and is logged at both ends.

use std::collections::BTreeMap;
use std::env;
use std::thread;

use fastrand::Rng;
use plainsight::capture::{Frame, InterfaceId, LinkType, Timestamp};
use plainsight::engine::Engine;
use plainsight::flow_log::{FlowLog, Span, Table, read};
use plainsight::verdict::{Servers, Vantage, Viewpoint};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::packets::{Ip, Link, tcp};
use crate::support::run::WHOLE;

/// A whole hour, in milliseconds as all times here.
const START: i64 = 1_795_291_200_000;
const HOUR: i64 = 3_600_000;
/// Time between two tuples of a flow that goes on.
const STEP: i64 = 300_000;
const CLIENT: [u8; 4] = [10, 20, 1, 4];
const SERVER: [u8; 4] = [10, 20, 2, 5];

/// Runs of a law: as many as the variable says, or enough for a test.
fn runs() -> u32 {
    let told = env::var("PLAINSIGHT_RUNS").ok();
    told.and_then(|runs| runs.parse().ok()).unwrap_or(10_000)
}

/// Tuple as one NIC logs it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    time: i64,
    /// True if it is logged in whole seconds.
    is_coarse: bool,
    client: u8,
    port: u16,
    way: char,
    stage: char,
    state: &'static str,
    volume: [u64; 4],
    mac: u64,
}

impl Line {
    fn text(&self) -> String {
        let Self {
            time,
            client,
            port,
            way,
            stage,
            state,
            volume: [a, b, c, d],
            ..
        } = self;
        let time = if self.is_coarse { time / 1000 } else { *time };
        let port = if *port == 0 {
            String::new()
        } else {
            port.to_string()
        };
        format!(
            "{time},10.20.1.{client},10.20.2.5,{port},988,6,{way},{stage},{state},{a},{b},{c},{d}"
        )
    }

    fn record(&self, mac_first: bool) -> String {
        let flows = json!({"flows": [{"flowGroups": [{"flowTuples": [self.text()]}]}]});
        let mac = format!("{:012X}", self.mac);
        if mac_first {
            format!(r#"{{"macAddress":"{mac}","flowRecords":{flows}}}"#)
        } else {
            format!(r#"{{"flowRecords":{flows},"macAddress":"{mac}"}}"#)
        }
    }
}

/// Life of a connection: times of its tuples, and the state up to each.
#[derive(Clone, Debug)]
struct Life {
    times: Vec<i64>,
    states: Vec<&'static str>,
    mac: u64,
}

impl Life {
    /// The state at a time of its life.
    fn state(&self, time: i64) -> &'static str {
        let place = self.times.iter().position(|&told| time <= told);
        self.states[place.expect("a time of its life").max(1)]
    }
}

/// What happened, and what was captured of it.
#[derive(Clone, Debug)]
struct World {
    port: u16,
    lives: Vec<Life>,
    /// Times at which packets were captured.
    packets: Vec<i64>,
    /// True if it is logged in whole seconds.
    is_coarse: bool,
    log: Vec<Line>,
}

impl World {
    /// Ports and times of the packets.
    fn captured(&self) -> Vec<(u16, i64)> {
        let packets = self.packets.iter();
        packets.map(|&time| (self.port, time)).collect()
    }

    /// Tests that each connection begins more than a second after the last statistics of the
    /// one before it, but for those of its end.
    fn is_apart(&self) -> bool {
        self.lives.windows(2).all(|pair| {
            let [.., last, _] = pair[0].times[..] else {
                return false;
            };
            pair[1].times[0] - last > 1000
        })
    }

    /// Tests that all packets were encrypted.
    fn is_all_x(&self) -> bool {
        let life = |time| {
            self.lives
                .iter()
                .find(|life| life.times[0] <= time && time <= life.times[life.times.len() - 1])
        };
        let is_x = |&time: &i64| life(time).expect("alive").state(time) == "X";
        self.packets.iter().all(is_x)
    }
}

fn world(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let port = rng.u16(1019..=1023);
    let changes = rng.bool();
    let first = if rng.u8(0..4) == 0 { "NX" } else { "X" };
    let mut begin = START + rng.i64(0..2 * HOUR);
    let mut mac = 1;
    let is_coarse = rng.u8(0..4) == 0;
    let lives: Vec<Life> = (0..rng.usize(1..4))
        .map(|_| {
            let steps = rng.usize(0..6);
            let rest = if rng.u8(0..4) == 0 { 1000 } else { STEP };
            let end = begin + i64::try_from(steps).unwrap() * STEP + rng.i64(1..rest);
            let mut times: Vec<i64> = (begin..end).step_by(300_000).collect();
            times.push(end);
            let mut state = first;
            let states = times.iter().map(|_| {
                if changes && rng.u8(0..4) == 0 {
                    state = ["X", "NX", "NX_FALLBACK"][rng.usize(0..3)];
                }
                state
            });
            let mut states: Vec<_> = states.collect();
            states[0] = states[1];
            mac += u64::from(rng.bool());
            let pause = if rng.bool() { 1500 } else { 900_000 };
            begin = end + rng.i64(1..pause);
            Life { times, states, mac }
        })
        .collect();
    let packets = (0..rng.usize(1..6)).map(|_| {
        let life = &lives[rng.usize(0..lives.len())];
        let near = life.times[rng.usize(0..life.times.len())];
        let [first, last] = [life.times[0], life.times[life.times.len() - 1]];
        match rng.u8(0..3) {
            0 => rng.i64(near - 1200..=near + 1200).clamp(first, last),
            _ => rng.i64(first..=last),
        }
    });
    let packets = packets.collect();
    let log = lives
        .iter()
        .flat_map(|life| lines(&mut rng, (port, is_coarse), life))
        .collect();
    World {
        port,
        lives,
        packets,
        is_coarse,
        log,
    }
}

/// The tuples of a life from both its ends.
fn lines(rng: &mut Rng, (port, is_coarse): (u16, bool), life: &Life) -> Vec<Line> {
    let last = life.times.len() - 1;
    let both = |(place, (&time, &state)): (usize, (&i64, &&'static str))| {
        let stage = match place {
            0 => 'B',
            place if place == last => 'E',
            _ => 'C',
        };
        let volume = if place == 0 {
            [0; 4]
        } else {
            [(); 4].map(|()| rng.u64(0..1000))
        };
        let by = |mac, way| Line {
            time,
            is_coarse,
            client: CLIENT[3],
            port,
            way,
            stage,
            state,
            volume,
            mac,
        };
        [by(life.mac, 'O'), by(99, 'I')]
    };
    life.times
        .iter()
        .zip(&life.states)
        .enumerate()
        .flat_map(both)
        .collect()
}

fn engine() -> Engine {
    let mut servers = Servers::default();
    servers.add_list("10.20.2.0/24").expect("a list of servers");
    Engine {
        servers,
        vantage: Viewpoint {
            value: Vantage::Guest,
            why: "made so".to_owned(),
        },
        ..Engine::default()
    }
}

/// The report on the packets of some flows, by port and time, and some logs, as so many
/// threads read them.
fn report(packets: &[(u16, i64)], logs: &[Vec<u8>], is_captured: bool, threads: usize) -> Value {
    let engine = engine();
    let mut counted = engine.counted();
    let mut worker = engine.worker();
    for (number, &(port, time)) in (1..).zip(packets) {
        let segment = tcp(port, 988, &[0; 40]);
        let data = Link::Ethernet.frame(&Ip::v4(CLIENT, SERVER).packet(6, &segment));
        worker.packet(
            WHOLE,
            &Frame {
                number,
                time: Some(Timestamp(time * 1_000_000)),
                link_type: LinkType(1),
                interface: InterfaceId::of("eth0"),
                has_siblings: false,
                wire_len: u32::try_from(data.len()).expect("a short frame"),
                data: &data,
            },
        );
    }
    counted.add(worker.into_snapshot());
    counted.finish();
    let captured = if is_captured {
        counted.times().spans()
    } else {
        Vec::new()
    };
    let table = table(logs, &captured, threads);
    let counted = is_captured.then_some(&mut counted);
    let report = engine.report(counted, Some(FlowLog::new(table)), engine.run());
    serde_json::to_value(&report).expect("JSON")
}

/// The flows of some logs, each read by one of so many threads and merged.
fn table(logs: &[Vec<u8>], captured: &[Span], threads: usize) -> Table {
    let empty = || Table::beside(64, captured);
    let work = |thread| {
        let mut table = empty();
        for log in logs.iter().skip(thread).step_by(threads) {
            let report = read(&log[..], 0, &mut table, &|_| true).expect("a log");
            assert!(!report.is_damaged(), "{report:?}");
        }
        table
    };
    if threads == 1 {
        return work(0);
    }
    let mut sum = empty();
    thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..threads)
            .map(|it| scope.spawn(move || work(it)))
            .collect();
        for worker in workers {
            sum.merge(worker.join().expect("a table"));
        }
    });
    sum
}

fn records(lines: &[Line]) -> Vec<String> {
    let numbered = lines.iter().enumerate();
    numbered
        .map(|(number, line)| line.record(number % 3 > 0))
        .collect()
}

fn log(lines: &[Line]) -> Vec<u8> {
    format!(r#"{{"records":[{}]}}"#, records(lines).join(",")).into_bytes()
}

/// The path of the client, without the places of evidence in files.
fn path(mut report: Value) -> Value {
    let paths = report["paths"].as_array_mut().expect("paths");
    let ours = |path: &Value| path["client"] == "10.20.1.4";
    let mut path = paths.drain(..).find(ours).unwrap_or_default();
    if let Some(path) = path.as_object_mut() {
        path.remove("evidence");
    }
    path
}

/// The verdict on packets under a log; without any line there is none.
fn judged(packets: &[(u16, i64)], lines: &[Line]) -> String {
    if lines.is_empty() {
        return "unproven".to_owned();
    }
    let path = path(report(packets, &[log(lines)], true, 1));
    path["verdict"].as_str().expect("a verdict").to_owned()
}

fn verdict(world: &World, lines: &[Line]) -> String {
    judged(&world.captured(), lines)
}

/// How good a verdict is; plaintext below a guest is as bad as both.
fn rank(verdict: &str) -> u8 {
    match verdict {
        "encrypted" => 2,
        "unproven" => 1,
        "plaintext" | "mixed" => 0,
        other => panic!("{other}"),
    }
}

/// Some readings of the same lines: a file in some of the forms, and several files in any
/// order.
fn forms(rng: &mut Rng, lines: &[Line]) -> Vec<Vec<Vec<u8>>> {
    let mut shuffled = lines.to_vec();
    rng.shuffle(&mut shuffled);
    let all = records(&shuffled);
    let list = all.join(",");
    let whole = format!(r#"{{"records":[{list}]}}"#);
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &str| {
        let text = format!("{mark}{whole}");
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    let body = json!([{"body": whole, "offset": 7}]).to_string();
    let encoded = json!([{"body": openssl::base64::encode_block(body.as_bytes())}]).to_string();
    let cased = whole
        .replace("flowRecords", "FlowRecords")
        .replace("flowTuples", "FLOWTUPLES");
    let utf32 = whole.chars().flat_map(|it| u32::from(it).to_le_bytes());
    let one = [
        json!(body).to_string().into_bytes(),
        encoded.into_bytes(),
        cased.into_bytes(),
        utf32.collect(),
        whole
            .replace("\"flowRecords\"", "\"properties\"")
            .into_bytes(),
        whole.clone().into_bytes(),
        format!("\u{feff}{whole}").into_bytes(),
        utf16(u16::to_le_bytes, "\u{feff}"),
        utf16(u16::to_be_bytes, "\u{feff}"),
        utf16(u16::to_le_bytes, ""),
        all.join("\n").into_bytes(),
        all.concat().into_bytes(),
        format!("[{list}]").into_bytes(),
        format!(r#"[{{"EnqueuedTimeUtc":"x","Body":{whole}}}]"#).into_bytes(),
        body.into_bytes(),
    ];
    let mut readings: Vec<Vec<Vec<u8>>> = one.into_iter().map(|file| vec![file]).collect();
    rng.shuffle(&mut readings);
    readings.truncate(3);
    let size = rng.usize(1..=shuffled.len());
    readings.push(shuffled.chunks(size).map(log).collect());
    readings
}

/// Logs that say less: without some of the tuples in X, and filtered, with whether all that
/// speaks against encryption is still in it. Of connections that follow each other closely
/// no log has their C tuples alone: nothing in it would tell that there were two.
fn lesser(rng: &mut Rng, world: &World) -> Vec<(Vec<Line>, bool)> {
    let lines = &world.log;
    let kept = |keep: &dyn Fn(&Line) -> bool| -> Vec<Line> {
        lines.iter().filter(|line| keep(line)).cloned().collect()
    };
    let moment = lines[rng.usize(0..lines.len())].time;
    let one = lines[rng.usize(0..lines.len())].clone();
    let stages: &[char] = if world.is_apart() {
        &['B', 'C', 'E']
    } else {
        &['B', 'E']
    };
    let stage = stages[rng.usize(0..stages.len())];
    let is_x = |line: &Line| line.state == "X";
    let mut lesser = vec![
        (kept(&|line| !is_x(line)), true),
        (kept(&|line| !is_x(line) || line.time < moment), true),
        (kept(&|line| !is_x(line) || line.time > moment), true),
        (kept(&|line| !is_x(line) || *line != one), true),
        (kept(&|line| !is_x(line) || line.stage != stage), true),
        (kept(&|line| line.stage == stage), false),
        (kept(&|line| line.stage != stage), false),
    ];
    rng.shuffle(&mut lesser);
    lesser.truncate(2);
    lesser.push((kept(&is_x), false));
    lesser
}

fn shifted(lines: &[Line], by: i64) -> Vec<Line> {
    let later = |line: &Line| Line {
        time: line.time + by,
        ..line.clone()
    };
    lines.iter().map(later).collect()
}

/// The sums of the states of a path: flows, packets and bytes.
fn sums(path: &Value) -> BTreeMap<String, [u64; 3]> {
    let number = |value: &Value| value.as_u64().expect("a number");
    let states = path["platform"]["states"].as_array().expect("states");
    let row = |state: &Value| {
        let name = state["state"].as_str().expect("a name").to_owned();
        (
            name,
            ["flows", "packets", "bytes"].map(|key| number(&state[key])),
        )
    };
    states.iter().map(row).collect()
}

/// The same from what happened, as one end counts it.
fn truth(world: &World) -> BTreeMap<String, [u64; 3]> {
    let mut sums = BTreeMap::<String, [u64; 3]>::new();
    for line in world.log.iter().filter(|line| line.way == 'O') {
        let sum = sums.entry(line.state.to_owned()).or_default();
        let [sent, sent_bytes, received, received_bytes] = line.volume;
        *sum = [
            1,
            sum[1] + sent + received,
            sum[2] + sent_bytes + received_bytes,
        ];
    }
    sums
}

/// Hours in which one end alone logged.
fn one_ended(rng: &mut Rng, lines: &[Line]) -> Vec<Line> {
    let mut hours = BTreeMap::new();
    let mut hidden = |hour| {
        *hours
            .entry(hour)
            .or_insert_with(|| ['O', 'I', '-'][rng.usize(0..3)])
    };
    let kept = lines
        .iter()
        .filter(|line| hidden(line.time / HOUR) != line.way);
    kept.cloned().collect()
}

/// The same seen by an appliance between, which logs it in and out.
fn through_appliance(lines: &[Line]) -> Vec<Line> {
    let between = lines.iter().map(|line| Line {
        mac: 50,
        ..line.clone()
    });
    lines.iter().cloned().chain(between).collect()
}

proptest! {
    #![proptest_config(crate::support::config(runs()))]

    /// Whatever is missing from the log: it proves encryption only of packets that were
    /// encrypted, and what was in plaintext stays so.
    #[test]
    fn encrypted_is_what_was(seed in any::<u64>()) {
        let world = world(seed);
        let mut rng = Rng::with_seed(!seed);
        let all_x = world.is_all_x();
        let full = verdict(&world, &world.log);
        // Whole seconds may place a packet beside the tuples that tell of it.
        let is_least = if world.is_coarse { rank(&full) < 2 } else { rank(&full) == 0 };
        prop_assert!(all_x || is_least, "{full}: {world:?}");
        let is_exact = world.lives.len() == 1 && !world.is_coarse;
        if is_exact && world.log.iter().all(|line| line.state == "X") {
            prop_assert_eq!(&full, "encrypted", "{:?}", world);
        }
        for (lines, is_full) in lesser(&mut rng, &world) {
            let less = verdict(&world, &lines);
            prop_assert!(all_x || rank(&less) < 2, "{less}: {world:?} with {lines:?}");
            // Of two tuples in one second a log that holds one of them has no doubt.
            let is_doubt = all_x && world.is_coarse;
            let is_lower = rank(&less) <= rank(&full) || is_doubt;
            prop_assert!(is_lower || !is_full && rank(&less) < 2,
                "{less}, not {full}: {world:?} with {lines:?}");
        }
    }

    /// What is logged of other hours and of other paths changes no verdict; and the same
    /// log of other hours proves nothing.
    #[test]
    fn other_hours_and_paths_prove_nothing(seed in any::<u64>()) {
        let world = world(seed);
        let mut rng = Rng::with_seed(!seed);
        let full = verdict(&world, &world.log);
        let by = [-1, 1][rng.usize(0..2)] * rng.i64(8 * HOUR..100 * HOUR);
        let away = shifted(&world.log, by);
        prop_assert_eq!(verdict(&world, &away), "unproven");
        let mut more = world.log.clone();
        more.extend(away);
        let others = self::world(rng.u64(..)).log.into_iter();
        more.extend(others.map(|line| Line { client: 77, mac: 7, ..line }));
        rng.shuffle(&mut more);
        prop_assert_eq!(verdict(&world, &more), full, "{:?}", world);
    }

    /// Every reading of the same records gives the same.
    #[test]
    fn forms_and_order_change_nothing(seed in any::<u64>()) {
        let world = world(seed);
        let mut rng = Rng::with_seed(!seed);
        let is_captured = rng.bool();
        let packets = world.captured();
        let wanted = path(report(&packets, &[log(&world.log)], is_captured, 1));
        for logs in forms(&mut rng, &world.log) {
            let threads = rng.usize(1..=2);
            let path = path(report(&packets, &logs, is_captured, threads));
            prop_assert_eq!(&path, &wanted, "{:?}", String::from_utf8_lossy(&logs[0]));
        }
    }

    /// Flows, packets and bytes of each state are those that happened, whoever logged them.
    #[test]
    fn volumes_are_counted_once(seed in any::<u64>()) {
        let world = world(seed);
        let mut rng = Rng::with_seed(!seed);
        let wanted = truth(&world);
        let lines = match rng.u8(0..3) {
            0 => world.log.clone(),
            1 => one_ended(&mut rng, &world.log),
            _ => through_appliance(&world.log),
        };
        let path = path(report(&world.captured(), &[log(&lines)], false, 1));
        prop_assert_eq!(sums(&path), wanted, "{:?} as {:?}", &world, lines);
    }

    /// A log without ports proves no flows by what it holds of others.
    #[test]
    fn a_log_without_ports_speaks_for_what_it_holds(seed in any::<u64>()) {
        let mut rng = Rng::with_seed(seed);
        let worlds: Vec<World> = (0..rng.usize(1..4)).map(|_| world(rng.u64(..))).collect();
        let is_kept: Vec<bool> = worlds.iter().map(|_| rng.u8(0..3) > 0).collect();
        let packets = (0..).zip(&worlds).flat_map(|(port, world)| {
            world.packets.iter().map(move |&time| (1019 + port, time))
        });
        let packets: Vec<(u16, i64)> = packets.collect();
        let held = worlds.iter().zip(&is_kept).filter(|&(_, &is_kept)| is_kept);
        let lines = held.flat_map(|(world, _)| &world.log).map(|line| Line {
            port: 0,
            mac: if line.way == 'O' { 1 } else { 2 },
            ..line.clone()
        });
        let lines: Vec<Line> = lines.collect();
        let proves = worlds.iter().zip(is_kept).all(|(world, is_kept)| is_kept && world.is_all_x());
        let word = judged(&packets, &lines);
        prop_assert!(proves || rank(&word) < 2, "{word}: {worlds:?} with {lines:?}");
        let x: Vec<Line> = lines.into_iter().filter(|line| line.state == "X").collect();
        let filtered = judged(&packets, &x);
        prop_assert!(proves || rank(&filtered) < 2, "{filtered}: {worlds:?} with {x:?}");
    }
}
