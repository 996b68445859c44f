//! One line of a flow log: thirteen fields between commas.

use std::fmt;
use std::net::IpAddr;

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::take_till,
    character::complete::{char, u8, u16, u64},
    combinator::{eof, map, map_opt, success, value},
    sequence::terminated,
};

use super::State;
use crate::capture::Timestamp;
use crate::flow::Endpoint;

/// From this number on, times are milliseconds; below, seconds.
const FIRST_MILLISECONDS: u64 = 1_000_000_000_000;

/// Which way a flow began, as the NIC that logged it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into the VM.
    Inbound,
    /// Out of the VM.
    Outbound,
}

/// What the tuple tells of the flow's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It began; there are no statistics yet.
    Begin,
    /// It goes on; statistics since the tuple before.
    Continue,
    /// It ended; statistics since the tuple before.
    End,
    /// It was denied.
    Deny,
}

/// Packets and their bytes, one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A tuple of a flow log of version 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple<'a> {
    /// When it was logged; in a file as seconds or milliseconds since 1970.
    pub time: Timestamp,
    /// Who began the flow; port 0 where the log leaves it out.
    pub source: Endpoint,
    /// Whom it called.
    pub destination: Endpoint,
    /// The IP protocol number.
    pub protocol: u8,
    /// Which way that was for the NIC.
    pub way: Way,
    /// What of the flow's life it tells.
    pub stage: Stage,
    /// The encryption field, as it stands there.
    pub encryption: &'a str,
    /// From source to destination; zeros where the log leaves it out.
    pub sent: Volume,
    /// From destination to source.
    pub received: Volume,
}

impl<'a> Tuple<'a> {
    /// Reads a tuple; `None` where it is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        tuple(text).ok().map(|(_, tuple)| tuple)
    }

    /// What became of the flow.
    #[must_use]
    pub fn state(&self) -> State {
        let state = State::of(self.encryption);
        let dropped = state.carried() == super::Carried::Dropped;
        if self.stage == Stage::Deny && !dropped {
            State::Denied
        } else {
            state
        }
    }
}

fn tuple(text: &str) -> IResult<&str, Tuple<'_>> {
    let (text, time) = field(time).parse(text)?;
    let (text, from) = address(text)?;
    let (text, to) = address(text)?;
    let (text, ports) = (field(or_zero(u16)), field(or_zero(u16))).parse(text)?;
    let (text, protocol) = field(u8).parse(text)?;
    let (text, way) = field(way).parse(text)?;
    let (text, stage) = field(stage).parse(text)?;
    let (text, encryption) = field(word).parse(text)?;
    let (text, sent) = field(volume).parse(text)?;
    let (text, received) = terminated(volume, eof).parse(text)?;
    let end = |address, port| Endpoint { address, port };
    let tuple = Tuple {
        time,
        source: end(from, ports.0),
        destination: end(to, ports.1),
        protocol,
        way,
        stage,
        encryption,
        sent,
        received,
    };
    Ok((text, tuple))
}

/// What `inner` reads, up to the comma.
fn field<'a, O>(
    inner: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
) -> impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>> {
    terminated(inner, char(','))
}

fn word(text: &str) -> IResult<&str, &str> {
    take_till(|c| c == ',').parse(text)
}

/// What `number` reads; 0 where there is nothing.
fn or_zero<'a, O: Default + Clone>(
    number: impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>>,
) -> impl Parser<&'a str, Output = O, Error = nom::error::Error<&'a str>> {
    alt((number, success(O::default())))
}

fn time(text: &str) -> IResult<&str, Timestamp> {
    map(u64, |time| {
        let nanoseconds: u64 = match time {
            FIRST_MILLISECONDS.. => 1_000_000,
            _ => 1_000_000_000,
        };
        let time = time.saturating_mul(nanoseconds);
        Timestamp(i64::try_from(time).unwrap_or(i64::MAX))
    })
    .parse(text)
}

fn address(text: &str) -> IResult<&str, crate::decode::Address> {
    let address = |word: &str| word.parse::<IpAddr>().ok().map(Into::into);
    field(map_opt(word, address)).parse(text)
}

fn way(text: &str) -> IResult<&str, Way> {
    alt((
        value(Way::Inbound, char('I')),
        value(Way::Outbound, char('O')),
    ))
    .parse(text)
}

fn stage(text: &str) -> IResult<&str, Stage> {
    alt((
        value(Stage::Begin, char('B')),
        value(Stage::Continue, char('C')),
        value(Stage::End, char('E')),
        value(Stage::Deny, char('D')),
    ))
    .parse(text)
}

fn volume(text: &str) -> IResult<&str, Volume> {
    let (text, packets) = field(or_zero(u64)).parse(text)?;
    map(or_zero(u64), move |bytes| Volume { packets, bytes }).parse(text)
}

/// As a log has it, with the time in milliseconds where these tell it.
impl fmt::Display for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.time.0.unsigned_abs() / 1_000_000;
        let time = match milliseconds {
            FIRST_MILLISECONDS.. => milliseconds,
            _ => milliseconds / 1000,
        };
        let way = match self.way {
            Way::Inbound => 'I',
            Way::Outbound => 'O',
        };
        let stage = match self.stage {
            Stage::Begin => 'B',
            Stage::Continue => 'C',
            Stage::End => 'E',
            Stage::Deny => 'D',
        };
        let (from, to) = (self.source, self.destination);
        write!(f, "{time},{},{},", from.address, to.address)?;
        write!(f, "{},{},{},", from.port, to.port, self.protocol)?;
        write!(f, "{way},{stage},{},", self.encryption)?;
        let (sent, received) = (self.sent, self.received);
        write!(f, "{},{},", sent.packets, sent.bytes)?;
        write!(f, "{},{}", received.packets, received.bytes)
    }
}
