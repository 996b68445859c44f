//! One line of a flow log: thirteen fields between commas.

use std::net::IpAddr;
use std::str::FromStr;

use super::State;
use crate::capture::Timestamp;
use crate::decode::Address;
use crate::flow::{Direction, Endpoint};

/// From this number on, times are milliseconds; below, seconds.
const FIRST_MILLISECONDS: u64 = 1_000_000_000_000;

/// Direction in which a flow began, as the NIC that logged it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Into the VM.
    Inbound,
    /// Out of the VM.
    Outbound,
}

/// Moment of the flow's life that a tuple tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TupleVolume {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl TupleVolume {
    pub(super) fn add(&mut self, more: Self) {
        self.packets = self.packets.saturating_add(more.packets);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// A tuple of a flow log of version 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple<'a> {
    /// Time at which it was logged; in a file as seconds or milliseconds since 1970.
    pub time: Timestamp,
    /// End that began the flow; port 0 where the log leaves it out.
    pub source: Endpoint,
    /// End that was called.
    pub destination: Endpoint,
    /// The IP protocol number.
    pub protocol: u8,
    /// Direction for the NIC.
    pub way: Way,
    /// Moment of the flow's life.
    pub stage: Stage,
    /// The encryption field, as it stands there.
    pub encryption: &'a str,
    /// From source to destination; zeros where the log leaves it out.
    pub sent: TupleVolume,
    /// From destination to source.
    pub received: TupleVolume,
}

impl<'a> Tuple<'a> {
    /// Reads a tuple; `None` where it is none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut fields = Fields(Some(text));
        let mut next = || fields.next();
        let time = time(next()?)?;
        let [source, destination] = [address(next()?)?, address(next()?)?];
        let [from, to] = [number_or_zero(next()?)?, number_or_zero(next()?)?];
        let tuple = Self {
            time,
            source: end(source, from),
            destination: end(destination, to),
            protocol: number(next()?)?,
            way: way(next()?)?,
            stage: stage(next()?)?,
            encryption: next()?,
            sent: volume(next()?, next()?)?,
            received: volume(next()?, next()?)?,
        };
        next().is_none().then_some(tuple)
    }

    /// End of the flow at which the NIC stands; `direction` is that from source to
    /// destination.
    pub(super) fn end(&self, direction: Direction) -> Direction {
        match self.way {
            Way::Outbound => direction,
            Way::Inbound => direction.back(),
        }
    }

    /// Volumes from the lower end and from the higher.
    pub(super) fn volumes(&self, direction: Direction) -> [TupleVolume; 2] {
        match direction {
            Direction::Up => [self.sent, self.received],
            Direction::Down => [self.received, self.sent],
        }
    }

    /// State of the flow.
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

/// Fields between commas. They are so short that searching each with vectors,
/// as `str::split` does, takes longer.
struct Fields<'a>(Option<&'a str>);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        let comma = text.bytes().position(|byte| byte == b',');
        self.0 = comma.map(|comma| &text[comma + 1..]);
        Some(&text[..comma.unwrap_or(text.len())])
    }
}

fn end(address: Address, port: u16) -> Endpoint {
    Endpoint { address, port }
}

/// A number of digits alone.
fn number<T: FromStr>(field: &str) -> Option<T> {
    let begins = field.as_bytes().first().is_some_and(u8::is_ascii_digit);
    field.parse().ok().filter(|_| begins)
}

/// The same; 0 where there is nothing.
fn number_or_zero<T: FromStr + Default>(field: &str) -> Option<T> {
    if field.is_empty() {
        Some(T::default())
    } else {
        number(field)
    }
}

fn time(field: &str) -> Option<Timestamp> {
    let time: u64 = number(field)?;
    let nanoseconds: u64 = match time {
        FIRST_MILLISECONDS.. => 1_000_000,
        _ => 1_000_000_000,
    };
    let time = time.saturating_mul(nanoseconds);
    Some(Timestamp(i64::try_from(time).unwrap_or(i64::MAX)))
}

fn address(field: &str) -> Option<Address> {
    field.parse::<IpAddr>().ok().map(Into::into)
}

fn way(field: &str) -> Option<Way> {
    match field {
        "I" => Some(Way::Inbound),
        "O" => Some(Way::Outbound),
        _ => None,
    }
}

fn stage(field: &str) -> Option<Stage> {
    match field {
        "B" => Some(Stage::Begin),
        "C" => Some(Stage::Continue),
        "E" => Some(Stage::End),
        "D" => Some(Stage::Deny),
        _ => None,
    }
}

fn volume(packets: &str, bytes: &str) -> Option<TupleVolume> {
    Some(TupleVolume {
        packets: number_or_zero(packets)?,
        bytes: number_or_zero(bytes)?,
    })
}
