//! One line of a flow log: thirteen fields between commas.

use std::net::{IpAddr, Ipv4Addr};

use super::{Span, State};
use crate::capture::Timestamp;
use crate::decode::Address;
use crate::flow::{Direction, Endpoint, LUSTRE_PORT};

/// From this number on, times are milliseconds; below, seconds.
const FIRST_MILLISECONDS: u64 = 1_000_000_000_000;
/// Seconds that a log can be of: the years from 2015 to 2100.
const POSSIBLE: std::ops::Range<u64> = 1_420_070_400..4_133_980_800;

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
    /// A sum over flows of some time, of which no moment is told.
    Sum(Span),
    /// The same of flows that were denied.
    DeniedSum(Span),
}

impl Stage {
    /// Tests that the flow was denied.
    pub(super) fn is_denied(self) -> bool {
        matches!(self, Self::Deny | Self::DeniedSum(_))
    }

    /// Time that is summed over, of a sum.
    pub(super) fn summed(self) -> Option<Span> {
        match self {
            Self::Sum(span) | Self::DeniedSum(span) => Some(span),
            Self::Begin | Self::Continue | Self::End | Self::Deny => None,
        }
    }
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
    /// True if that is in whole seconds, and so any moment of its second.
    pub is_coarse: bool,
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
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(text);
        let time = fields.number()?;
        let [source, destination] = [fields.address()?, fields.address()?];
        let [from, to] = [fields.port()?, fields.port()?];
        let tuple = Self {
            time: moment(time)?,
            is_coarse: time < FIRST_MILLISECONDS,
            source: end(source, from),
            destination: end(destination, to),
            protocol: u8::try_from(fields.number()?).ok()?,
            way: way(fields.next()?)?,
            stage: stage(fields.next()?)?,
            encryption: str::from_utf8(fields.next()?).ok()?,
            sent: fields.volume()?,
            received: TupleVolume {
                packets: fields.number_or_zero()?,
                bytes: fields.last()?,
            },
        };
        Some(tuple)
    }

    /// Tests that a port is missing, and the other is not the server's. Sums name one by
    /// design.
    pub(super) fn lacks_port(&self) -> bool {
        let ports = [self.source.port, self.destination.port];
        self.stage.summed().is_none() && ports.contains(&0) && !ports.contains(&LUSTRE_PORT)
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
        if self.stage.is_denied() && !dropped {
            State::Denied
        } else {
            state
        }
    }
}

/// Fields, each with a comma behind it but the last. They are so short that searching each
/// with vectors takes longer.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next field, which a comma ends.
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let len = self.0.iter().position(|&byte| byte == b',')?;
        let (field, rest) = self.0.split_at(len);
        self.0 = &rest[1..];
        Some(field)
    }

    /// A number of digits alone.
    #[inline]
    fn number(&mut self) -> Option<u64> {
        let (number, len) = digits(self.0)?;
        self.0 = self.0.get(len..)?.strip_prefix(b",")?;
        (len > 0).then_some(number)
    }

    /// The same; 0 where there is nothing.
    #[inline]
    fn number_or_zero(&mut self) -> Option<u64> {
        let (number, len) = digits(self.0)?;
        self.0 = self.0.get(len..)?.strip_prefix(b",")?;
        Some(number)
    }

    /// The same of the last field.
    #[inline]
    fn last(&mut self) -> Option<u64> {
        let (number, len) = digits(self.0)?;
        (len == self.0.len()).then_some(number)
    }

    #[inline]
    fn port(&mut self) -> Option<u16> {
        u16::try_from(self.number_or_zero()?).ok()
    }

    #[inline]
    fn volume(&mut self) -> Option<TupleVolume> {
        Some(TupleVolume {
            packets: self.number_or_zero()?,
            bytes: self.number_or_zero()?,
        })
    }

    #[inline]
    fn address(&mut self) -> Option<Address> {
        if let Some((address, len)) = ipv4(self.0) {
            self.0 = &self.0[len..];
            return Some(IpAddr::V4(address).into());
        }
        let field = str::from_utf8(self.next()?).ok()?;
        field.parse::<IpAddr>().ok().map(Into::into)
    }
}

/// The number that a text begins with, and how many digits it has; `None` where it is
/// too large.
#[inline]
fn digits(text: &[u8]) -> Option<(u64, usize)> {
    let (mut number, mut len) = (0_u64, 0);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        len += 1;
    }
    Some((number, len))
}

/// The address of version 4 that a text begins with, and its length with the comma behind
/// it.
#[inline]
fn ipv4(text: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0; 4];
    let mut at = 0;
    for (place, octet) in octets.iter_mut().enumerate() {
        let (number, len) = octet_of(text.get(at..)?)?;
        let end = if place == 3 { b',' } else { b'.' };
        *octet = number;
        at += len + 1;
        if text.get(at - 1) != Some(&end) {
            return None;
        }
    }
    Some((octets.into(), at))
}

/// A number below 256 without zeros before it, and how many digits it has.
#[inline]
fn octet_of(text: &[u8]) -> Option<(u8, usize)> {
    let (mut number, mut len) = (0_u16, 0);
    for byte in text.iter().take(4) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number * 10 + u16::from(digit);
        len += 1;
    }
    let is_plain = len == 1 || (len > 1 && text[0] != b'0');
    let number = u8::try_from(number).ok()?;
    is_plain.then_some((number, len))
}

fn end(address: Address, port: u16) -> Endpoint {
    Endpoint { address, port }
}

/// Time of a tuple; `None` where it is in another unit, or no time of a log.
fn moment(time: u64) -> Option<Timestamp> {
    let (seconds, nanoseconds) = match time {
        FIRST_MILLISECONDS.. => (time / 1000, 1_000_000),
        _ => (time, 1_000_000_000),
    };
    let time = POSSIBLE.contains(&seconds).then_some(time)?;
    let time = time.checked_mul(nanoseconds)?;
    i64::try_from(time).ok().map(Timestamp)
}

fn way(field: &[u8]) -> Option<Way> {
    match field {
        b"I" => Some(Way::Inbound),
        b"O" => Some(Way::Outbound),
        _ => None,
    }
}

fn stage(field: &[u8]) -> Option<Stage> {
    match field {
        b"B" => Some(Stage::Begin),
        b"C" => Some(Stage::Continue),
        b"E" => Some(Stage::End),
        b"D" => Some(Stage::Deny),
        _ => None,
    }
}
