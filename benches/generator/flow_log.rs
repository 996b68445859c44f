//! A flow log of any size, from a seed: a busy virtual network of which one flow in ten
//! is Lustre's.

use std::io::{self, Write};

use fastrand::Rng;
use plainsight::flow::LUSTRE_PORT;

/// Tuples in a record: what a NIC logs in a minute.
const TUPLES: usize = 2000;
/// Tuples under one rule.
const GROUP: usize = 500;
/// 2026-11-21T20:00:00Z, in milliseconds.
const START: i64 = 1_795_291_200_000;
const MINUTE: i64 = 60_000;
/// Clients and servers of the file system.
const CLIENTS: u8 = 64;
const SERVERS: u8 = 16;
/// Encryption states, and how often they come in a thousand.
const STATES: [(&str, u32); 4] = [
    ("X", 900),
    ("NX", 80),
    ("NX_FALLBACK", 19),
    ("NX_SW_NOT_READY", 1),
];

/// Writes records to `out` until they are `bytes` or more.
pub fn write(seed: u64, bytes: u64, out: &mut impl Write) -> io::Result<()> {
    let mut rng = Rng::with_seed(seed);
    let mut written = 0;
    out.write_all(b"{\"records\":[")?;
    for minute in 0.. {
        let record = record(&mut rng, START + minute * MINUTE);
        let comma = if minute == 0 { "" } else { "," };
        write!(out, "{comma}{record}")?;
        written += record.len() as u64;
        if written >= bytes {
            break;
        }
    }
    out.write_all(b"]}\n")
}

fn record(rng: &mut Rng, time: i64) -> String {
    let groups: Vec<_> = (0..TUPLES / GROUP).map(|_| group(rng, time)).collect();
    format!(
        concat!(
            r#"{{"time":"2026-11-21T20:00:00.0000000Z","flowLogVersion":4,"#,
            r#""flowLogGUID":"66aa66aa-bb77-cc88-dd99-00ee00ee00ee","#,
            r#""macAddress":"000D3AF87856","category":"FlowLogFlowEvent","#,
            r#""operationName":"FlowLogFlowEvent","flowRecords":{{"flows":["#,
            r#"{{"aclID":"3c1b6f0e-0b1f-4c7d-9d43-0d2b8f6f1a11","flowGroups":[{}]}}]}}}}"#,
        ),
        groups.join(",")
    )
}

fn group(rng: &mut Rng, time: i64) -> String {
    let tuples: Vec<_> = (0..GROUP)
        .map(|_| format!("\"{}\"", tuple(rng, time)))
        .collect();
    let tuples = tuples.join(",");
    format!(r#"{{"rule":"DefaultRule_AllowVnetOutBound","flowTuples":[{tuples}]}}"#)
}

/// A flow's statistics, as Azure writes them.
fn tuple(rng: &mut Rng, time: i64) -> String {
    let is_lustre = rng.u8(0..10) == 0;
    let time = time + rng.i64(0..MINUTE);
    let (client, server) = (rng.u8(4..4 + CLIENTS), rng.u8(4..4 + SERVERS));
    let (from, to) = if is_lustre {
        (rng.u16(1019..=1023), LUSTRE_PORT)
    } else {
        (rng.u16(32_768..60_999), 443)
    };
    let state = state(rng);
    let (sent, received) = (volume(rng), volume(rng));
    format!("{time},10.20.1.{client},10.20.2.{server},{from},{to},6,O,C,{state},{sent},{received}")
}

fn state(rng: &mut Rng) -> &'static str {
    let mut at = rng.u32(0..1000);
    for (word, weight) in STATES {
        match at.checked_sub(weight) {
            None => return word,
            Some(rest) => at = rest,
        }
    }
    STATES[0].0
}

/// Packets and bytes.
fn volume(rng: &mut Rng) -> String {
    let packets = rng.u64(1..20_000);
    let bytes = packets * rng.u64(60..1500);
    format!("{packets},{bytes}")
}
