//! Laws of flow logs: tuples round-trip, nothing panics, and neither order nor limit
//! loses anything.

use std::collections::BTreeMap;
use std::net::IpAddr;

use plainsight::capture::Timestamp;
use plainsight::flow::{Endpoint, FlowKey, GroupKey};
use plainsight::flow_log::tuple::{Stage, TupleVolume, Way};
use plainsight::flow_log::{
    FlowLog, LogReport, Mac, NotALog, Span, State, StateTally, Table, Told, Tuple, read,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(address, port)| Endpoint {
        address: address.into(),
        port,
    })
}

fn volume() -> impl Strategy<Value = TupleVolume> {
    (any::<u64>(), any::<u64>()).prop_map(|(packets, bytes)| TupleVolume { packets, bytes })
}

/// A number of a tuple's time field, in seconds or milliseconds, and the moment it tells.
fn time() -> impl Strategy<Value = (i64, Timestamp)> {
    let seconds =
        (1_420_070_400..4_133_980_800_i64).prop_map(|time| (time, Timestamp(time * 1_000_000_000)));
    let milliseconds = (1_420_070_400_000..4_133_980_800_000_i64)
        .prop_map(|time| (time, Timestamp(time * 1_000_000)));
    prop_oneof![seconds, milliseconds]
}

fn encryption() -> impl Strategy<Value = String> {
    let known: Vec<_> = State::all().map(|state| state.name().to_owned()).collect();
    prop_oneof![select(known), "[A-Z_]{0,20}"]
}

fn at(address: &str, port: u16) -> Endpoint {
    let address: IpAddr = address.parse().expect("an address");
    Endpoint {
        address: address.into(),
        port,
    }
}

/// Fields in the order of Microsoft's table, none equal to another.
#[test]
fn fields_stand_where_the_documentation_has_them() {
    let line = "1663146003599,10.0.0.6,52.239.184.180,23956,443,6,O,C,NX,767,767000,1580,1580000";
    let outbound = Tuple {
        time: Timestamp(1_663_146_003_599_000_000),
        is_coarse: false,
        source: at("10.0.0.6", 23_956),
        destination: at("52.239.184.180", 443),
        protocol: 6,
        way: Way::Outbound,
        stage: Stage::Continue,
        encryption: "NX",
        sent: TupleVolume {
            packets: 767,
            bytes: 767_000,
        },
        received: TupleVolume {
            packets: 1580,
            bytes: 1_580_000,
        },
    };
    assert_eq!(Tuple::parse(line.as_bytes()), Some(outbound));
    let line = "1542110377,2001:db8::4,2001:db8::5,1023,988,17,I,D,NX_NOT_ACCEPTED,,,,";
    let inbound = Tuple {
        time: Timestamp(1_542_110_377_000_000_000),
        is_coarse: true,
        source: at("2001:db8::4", 1023),
        destination: at("2001:db8::5", 988),
        protocol: 17,
        way: Way::Inbound,
        stage: Stage::Deny,
        encryption: "NX_NOT_ACCEPTED",
        sent: TupleVolume::default(),
        received: TupleVolume::default(),
    };
    assert_eq!(Tuple::parse(line.as_bytes()), Some(inbound));
}

proptest! {
    #[test]
    fn every_field_of_a_tuple_is_read(
        (written, time) in time(),
        (source, destination) in (endpoint(), endpoint()),
        protocol in any::<u8>(),
        (i_or_o, way) in select(vec![('I', Way::Inbound), ('O', Way::Outbound)]),
        (letter, stage) in select(vec![
            ('B', Stage::Begin),
            ('C', Stage::Continue),
            ('E', Stage::End),
            ('D', Stage::Deny),
        ]),
        encryption in encryption(),
        (sent, received) in (volume(), volume()),
    ) {
        let encryption = &*encryption;
        let addresses = format!("{},{}", source.address, destination.address);
        let ports = format!("{},{}", source.port, destination.port);
        let volumes = [sent.packets, sent.bytes, received.packets, received.bytes];
        let volumes = volumes.map(|number| number.to_string()).join(",");
        let line = format!(
            "{written},{addresses},{ports},{protocol},{i_or_o},{letter},{encryption},{volumes}"
        );
        let is_coarse = written < 10_000_000_000;
        let tuple = Tuple {
            time, is_coarse, source, destination, protocol, way, stage, encryption, sent, received,
        };
        prop_assert_eq!(Tuple::parse(line.as_bytes()), Some(tuple));
        // Neither more nor less than a tuple is one.
        let longer = format!("{line},0");
        prop_assert_eq!(Tuple::parse(longer.as_bytes()), None);
        prop_assert_eq!(Tuple::parse(line.rsplit_once(',').unwrap().0.as_bytes()), None);
    }

    #[test]
    fn no_text_is_too_odd_for_a_tuple(text in ".*", fields in vec("[0-9A-Za-z.:_ ]{0,24}", 0..16)) {
        for text in [text, fields.join(",")] {
            if let Some(tuple) = Tuple::parse(text.as_bytes()) {
                prop_assert!(text.contains(tuple.encryption));
            }
        }
    }
}

/// Reads a log, with 10.0.0.0/8 for servers.
fn walk(bytes: &[u8], table: &mut Table) -> Result<LogReport, NotALog> {
    let ten = |address| matches!(IpAddr::from(address), IpAddr::V4(ip) if ip.octets()[0] == 10);
    read(bytes, 0, table, &ten)
}

const KEYS: [&str; 8] = [
    "records",
    "flowRecords",
    "flows",
    "flowGroups",
    "flowTuples",
    "macAddress",
    "category",
    "",
];

/// JSON of any shape, with the keys of a log among others.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from(
            "1700000000,10.0.0.4,10.0.0.5,1023,988,6,O,C,NX,1,2,3,4"
        )),
        Just(Value::from("NetworkSecurityGroupFlowEvent")),
    ];
    leaf.prop_recursive(8, 64, 6, |inner| {
        let object = vec((select(&KEYS[..]), inner.clone()), 0..6);
        prop_oneof![
            vec(inner, 0..6).prop_map(Value::from),
            object.prop_map(|object| {
                let object = object
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(object.collect())
            }),
        ]
    })
}

/// A log that says of each pair of flow and NIC one thing.
#[derive(Clone, Debug)]
struct Line {
    mac: u64,
    client: u8,
    port: u16,
    word: &'static str,
    bytes: u32,
    second: u32,
}

fn line() -> impl Strategy<Value = Line> {
    let words = select(vec!["X", "NX", "NX_FALLBACK", "NX_SW_NOT_READY", "NEW"]);
    let numbers = (1..4_u64, 0..6_u8, 1019..=1023_u16);
    (numbers, words, 0..100_000_u32, 0..7200_u32).prop_map(
        |((mac, client, port), word, bytes, second)| Line {
            mac,
            client,
            port,
            word,
            bytes,
            second,
        },
    )
}

/// A record of one tuple; of any NIC, with its name before or after the tuple.
fn record(line: &Line) -> String {
    let Line {
        mac,
        client,
        port,
        word,
        bytes,
        second,
    } = line;
    let time = 1_700_000_000 + second;
    let tuple = format!("{time},10.0.1.{client},10.0.2.5,{port},988,6,O,C,{word},1,{bytes},0,0");
    let records = json!({"flows": [{"flowGroups": [{"flowTuples": [tuple]}]}]});
    if bytes % 2 == 0 {
        format!(r#"{{"macAddress":"{mac:012x}","flowRecords":{records}}}"#)
    } else {
        format!(r#"{{"flowRecords":{records},"macAddress":"{mac:012x}"}}"#)
    }
}

fn log(lines: &[Line]) -> Vec<u8> {
    let records: Vec<_> = lines.iter().map(record).collect();
    format!(r#"{{"records":[{}]}}"#, records.join(",")).into_bytes()
}

/// Half of the time that the lines are of.
const CAPTURED: Span = Span {
    first: Timestamp(1_700_001_800_000_000_000),
    last: Timestamp(1_700_005_400_000_000_000),
};

/// Flow as the report has it.
#[derive(Debug, PartialEq)]
struct Seen {
    group: GroupKey,
    key: Option<FlowKey>,
    told: Vec<Vec<Told>>,
    tallies: BTreeMap<State, StateTally>,
}

/// The flows of some logs, each read by a worker of its own.
fn flows<'l>(logs: impl Iterator<Item = &'l [Line]>, limit: usize) -> Vec<Seen> {
    let empty = || Table::beside(limit, &[CAPTURED]);
    let mut sum = empty();
    for lines in logs.filter(|lines| !lines.is_empty()) {
        let mut table = empty();
        walk(&log(lines), &mut table).expect("a log");
        sum.merge(table);
    }
    let flows = FlowLog::new(sum).into_flows().into_iter();
    let seen = flows.map(|logged| {
        let [mut tallies, _] = logged.tallies(&|_, _| true);
        for tally in tallies.values_mut() {
            // The place in the files is another by its making.
            (tally.first.record, tally.first.mac) = (0, Mac::NONE);
        }
        Seen {
            group: logged.group,
            key: logged.key,
            told: logged.told().into_iter().map(|(_, told)| told).collect(),
            tallies,
        }
    });
    seen.collect()
}

proptest! {
    #[test]
    fn no_json_is_too_odd_for_a_log(value in value()) {
        let mut table = Table::new(4);
        if let Ok(report) = walk(value.to_string().as_bytes(), &mut table) {
            prop_assert_eq!(report.fault, None);
            prop_assert!(report.bad_tuples <= report.tuples);
        }
    }

    /// What is no JSON is damage, and what is JSON is none.
    #[test]
    fn damage_is_what_another_reader_refuses(
        value in value(),
        places in vec((any::<Index>(), b' '..0x7f), 0..3),
    ) {
        let mut bytes = json!([value, "", 1.5e-9, true]).to_string().into_bytes();
        for (place, byte) in places {
            let place = 1 + place.index(bytes.len() - 1);
            bytes[place] = byte;
        }
        let texts = serde_json::Deserializer::from_slice(&bytes).into_iter::<IgnoredAny>();
        let is_json = texts.into_iter().all(|text| text.is_ok());
        match walk(&bytes, &mut Table::new(4)) {
            Ok(report) => prop_assert_eq!(report.fault.is_none(), is_json),
            Err(NotALog::Unread(why)) => prop_assert_eq!(!why.starts_with("at byte"), is_json),
            Err(NotALog::Other(_)) => prop_assert!(is_json),
            Err(NotALog::Nsg) => {}
        }
    }

    #[test]
    fn no_bytes_are_too_odd_for_a_log(bytes in vec(any::<u8>(), 0..200)) {
        let _ = walk(&bytes, &mut Table::new(4));
    }

    /// Cut and damaged logs count up to the damage.
    #[test]
    fn damage_costs_no_more_than_what_follows(
        lines in vec(line(), 1..12),
        cut in any::<Index>(),
        (place, byte) in (any::<Index>(), any::<u8>()),
    ) {
        let whole = log(&lines);
        let cut = cut.index(whole.len());
        if let Ok(report) = walk(&whole[..cut], &mut Table::new(64)) {
            let fault = report.fault.expect("a fault");
            prop_assert!(fault.offset <= cut as u64);
            let before = whole[..cut].windows(4).filter(|it| it == b"0,0\"").count();
            prop_assert_eq!(report.tuples, before as u64);
        }
        let mut damaged = whole;
        let place = place.index(damaged.len());
        damaged[place] = byte;
        if let Ok(LogReport { fault: Some(fault), .. }) = walk(&damaged, &mut Table::new(64)) {
            prop_assert!(fault.offset <= damaged.len() as u64);
        }
    }

    /// However the logs are split, and in whatever order, the flows are the same.
    #[test]
    fn neither_split_nor_order_changes_the_flows(
        lines in vec(line(), 1..40),
        size in 1..20_usize,
        limit in 1..20_usize,
    ) {
        let whole = flows([&lines[..]].into_iter(), limit);
        let mut turned = lines.clone();
        turned.reverse();
        prop_assert_eq!(&flows(turned.chunks(size), limit), &whole);
    }

    /// Beyond the limit flows are summed, and every byte of a NIC stays.
    #[test]
    fn no_limit_loses_a_byte(lines in vec(line(), 1..40), limit in 1..20_usize) {
        let one_nic: Vec<Line> = lines.into_iter().map(|line| Line { mac: 1, ..line }).collect();
        let flows = flows([&one_nic[..]].into_iter(), limit);
        prop_assert!(flows.iter().filter(|logged| logged.key.is_some()).count() <= limit);
        let tallies = flows.iter().flat_map(|logged| logged.tallies.values());
        let bytes: u64 = tallies.map(|tally| tally.bytes).sum();
        prop_assert_eq!(bytes, one_nic.iter().map(|line| u64::from(line.bytes)).sum::<u64>());
    }
}

proptest! {
    /// A time is covered so many times as each of its moments is in a span.
    #[test]
    fn covered_is_every_moment(
        spans in vec((0..30_i64, 0..8_i64), 0..8),
        (first, length) in (0..30_i64, 0..8_i64),
    ) {
        let span = |first, last| Span { first: Timestamp(first), last: Timestamp(last) };
        // Ends are moments of both: as even numbers, they leave room between.
        let spans: Vec<_> = spans
            .into_iter()
            .map(|(first, length)| span(2 * first, 2 * (first + length)))
            .collect();
        let holds = |moment| {
            let spans = spans.iter();
            spans.filter(|it| (it.first.0..=it.last.0).contains(&moment)).count()
        };
        let least = (2 * first..=2 * (first + length)).map(holds).min().expect("a moment");
        let asked = span(2 * first, 2 * (first + length));
        for times in 0..4 {
            prop_assert_eq!(asked.is_covered(&spans, times), least >= times);
        }
        let touches = spans.iter().any(|it| it.overlaps(asked));
        prop_assert_eq!(touches, (asked.first.0..=asked.last.0).any(|it| holds(it) > 0));
    }
}

/// No value is held that is larger than any in a log.
#[test]
fn a_value_without_end_is_a_fault() {
    let begin = br#"{"records":[{"flowRecords":{"flows":[{"flowGroups":[{"flowTuples":["#;
    for endless in [b'[', b'"', b'{', b'1', b' ', b'a'] {
        let more = vec![endless; 2 << 20];
        let bytes = [&begin[..], b"\"\",", &more].concat();
        let report = walk(&bytes, &mut Table::new(4)).expect("a log");
        assert!(report.fault.is_some(), "{}", char::from(endless));
    }
    // A string of quotes that end nothing.
    let string = br#"\""#.repeat(2 << 19);
    let bytes = [&begin[..], b"\"", &string].concat();
    let fault = walk(&bytes, &mut Table::new(4))
        .expect("a log")
        .fault
        .expect("a fault");
    assert_eq!(fault.what, "a value of more than 1 MiB");
}
