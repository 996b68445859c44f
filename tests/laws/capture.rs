//! Captures in, frames and faults out: by hand-made bytes, by properties, against libpcap
//! and against what others' captures are known to hold.

mod corpus;
mod files;
mod formats;
mod libpcap;
mod properties;

use std::io::{self, Cursor, Read};

use plainsight::capture::losses::Missed;
use plainsight::capture::stream::{Bytes, Walked};
use plainsight::capture::{Fault, Frame, InterfaceId, Interfaces, LinkType, Timestamp};
use plainsight::input::{Input, OpenError};

/// Failures are told, not kept in files beside the tests.
fn config() -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}

/// A frame that outlives its capture.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Packet {
    number: u64,
    time: Option<Timestamp>,
    link_type: LinkType,
    interface: InterfaceId,
    data: Vec<u8>,
    wire_len: u32,
}

impl From<&Frame<'_>> for Packet {
    fn from(frame: &Frame<'_>) -> Self {
        Self {
            number: frame.number,
            time: frame.time,
            link_type: frame.link_type,
            interface: frame.interface,
            data: frame.data.to_vec(),
            wire_len: frame.wire_len,
        }
    }
}

/// All that a walk gave.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    packets: Vec<Packet>,
    interfaces: Vec<String>,
    fault: Option<Fault>,
    lost: Option<Missed>,
}

impl Outcome {
    fn fault(&self) -> Option<(u64, &str)> {
        let fault = self.fault.as_ref()?;
        Some((fault.offset, &fault.what))
    }
}

fn walk_stream(bytes: Bytes) -> Result<Outcome, OpenError> {
    let input = Input::from_stream("test", bytes)?;
    Ok(walk_input(input))
}

fn walk_input(input: Input) -> Outcome {
    let (interfaces, first) = (Interfaces::default(), input.first);
    let mut packets: Vec<Packet> = Vec::new();
    let (size, mut read) = (input.size(), 0);
    let on_frame = |frame: &Frame<'_>| packets.push(frame.into());
    let walked = input.walk(&interfaces, on_frame, |bytes| read += bytes);
    if walked.fault.is_none() {
        assert_eq!(read, size.unwrap_or(read));
    }
    check_sums(&walked, &packets);
    if first.is_some() {
        assert_eq!(first, packets.iter().find_map(|packet| packet.time));
    }
    Outcome {
        packets,
        interfaces: names(&interfaces),
        fault: walked.fault,
        lost: walked.stated.total(),
    }
}

/// The names in the order of the alphabet.
fn names(interfaces: &Interfaces) -> Vec<String> {
    let mut names: Vec<String> = interfaces.names().into_values().collect();
    names.sort();
    names
}

fn check_sums(walked: &Walked, packets: &[Packet]) {
    assert_eq!(walked.packets, packets.len() as u64);
    // Wireshark numbers some blocks that are no packets.
    let numbers: Vec<u64> = packets.iter().map(|packet| packet.number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(numbers.last().is_none_or(|&last| last <= walked.numbered));
    for packet in packets {
        assert!(packet.wire_len as usize >= packet.data.len());
    }
}

fn walk(bytes: &[u8]) -> Result<Outcome, OpenError> {
    walk_stream(Box::new(Cursor::new(bytes.to_vec())))
}

/// The walk of what is known to be a capture.
fn read(bytes: &[u8]) -> Outcome {
    walk(bytes).expect("a capture")
}

/// Gives its bytes in reads of these lengths, again and again, then perhaps an error.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    lengths: Vec<usize>,
    turn: usize,
    error: Option<io::ErrorKind>,
}

impl Pieces {
    fn new(bytes: &[u8], lengths: &[usize]) -> Self {
        Self {
            bytes: Cursor::new(bytes.to_vec()),
            lengths: lengths.to_vec(),
            turn: 0,
            error: None,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.turn % self.lengths.len()].clamp(1, into.len());
        self.turn += 1;
        match (self.bytes.read(&mut into[..length])?, self.error) {
            (0, Some(error)) => Err(error.into()),
            (read, _) => Ok(read),
        }
    }
}
