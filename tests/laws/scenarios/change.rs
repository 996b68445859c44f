//! What a capture makes of the packets of a scenario, which adds nothing to what they prove.

use fastrand::Rng;

use super::traffic::Sent;
use crate::support::packets::{Around, Link};
use crate::support::run::Stored;

/// A frame of a file, and when it was captured, in microseconds.
#[derive(Clone)]
pub struct Shot {
    pub frame: Stored,
    pub micros: i64,
}

/// Share of the files of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// One behind the other.
    InTurn,
    /// Packet by packet.
    Mixed,
    /// Packet by packet, and some packets in two of them.
    Copied,
}

/// Interfaces that a packet is seen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    One,
    Either,
    Both,
}

/// Order of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Sent,
    /// The capture stores them so much later than others of a later time.
    Stored(usize),
    /// The network lets so many overtake.
    Network(usize),
}

/// Changes of a capture, several at once.
#[derive(Clone, Debug)]
pub struct Change {
    link: Link,
    /// Microseconds between packets.
    gap: i64,
    files: usize,
    share: Share,
    seen: Seen,
    /// From the inside out.
    around: Vec<Around>,
    order: Order,
    /// Bytes of an IP fragment.
    fragment_len: Option<usize>,
    snap_len: Option<usize>,
    /// Number of flows that are kept apart.
    pub max_flows: usize,
}

/// True once in so many times.
fn once_in(times: u8, rng: &mut Rng) -> bool {
    rng.u8(..times) == 0
}

impl Change {
    /// None, of a capture with such a pace.
    pub fn none(link: Link, gap: i64) -> Self {
        Self {
            link,
            gap,
            files: 1,
            share: Share::InTurn,
            seen: Seen::One,
            around: Vec::new(),
            order: Order::Sent,
            fragment_len: None,
            snap_len: None,
            max_flows: 1000,
        }
    }

    /// Up to four at once.
    pub fn any(unchanged: &Self, rng: &mut Rng) -> Self {
        let mut change = unchanged.clone();
        for _ in 0..rng.u8(1..5) {
            change.add(rng);
        }
        change
    }

    fn add(&mut self, rng: &mut Rng) {
        match rng.u8(..10) {
            0 | 1 => {
                self.files = rng.usize(2..5);
                self.share = [Share::InTurn, Share::Mixed, Share::Copied][rng.usize(..3)];
            }
            2 => self.seen = Seen::Either,
            3 => self.seen = Seen::Both,
            4 | 5 if self.around.len() < 2 => {
                self.around
                    .push(Around::ALL[rng.usize(..Around::ALL.len())]);
            }
            6 if once_in(2, rng) => self.order = Order::Network(rng.usize(1..4)),
            6 => self.order = Order::Stored(rng.usize(1..4)),
            7 => self.fragment_len = Some(8 * rng.usize(2..60)),
            8 if once_in(3, rng) => self.max_flows = rng.usize(1..8),
            8 => self.snap_len = Some(rng.usize(14..400)),
            _ => self.link = Link::ALL[rng.usize(..Link::ALL.len())],
        }
    }

    /// Tests that nothing of the packets is missing.
    pub fn is_whole(&self) -> bool {
        let is_kept = self.snap_len.is_none() && self.max_flows == 1000;
        is_kept && self.fragment_len.is_none()
    }

    /// Tests that each file has its packets in the order in which they were sent.
    pub fn keeps_order(&self) -> bool {
        self.order == Order::Sent
    }

    /// Tests that all packets are in that order.
    pub fn is_in_order(&self) -> bool {
        self.keeps_order() && self.share == Share::InTurn
    }

    /// Tests that addresses and ports of all packets are there.
    pub fn is_told(&self) -> bool {
        let heads = 60 + 70 * self.around.len();
        self.snap_len.is_none_or(|len| len >= heads) && self.max_flows == 1000
    }

    /// Tests that no verdict and no count may be another one.
    pub fn changes_nothing(&self) -> bool {
        self.is_whole() && self.is_in_order()
    }

    /// The files of a capture of the packets, in the order of the report.
    pub fn files(&self, packets: &[Sent], rng: &mut Rng) -> Vec<Vec<Shot>> {
        let mut sent: Vec<_> = packets.iter().collect();
        if let Order::Network(distance) = self.order {
            overtake(&mut sent, distance, rng);
        }
        let mut files = vec![Vec::new(); self.files];
        for (place, packet) in sent.iter().enumerate() {
            let micros = self.gap * i64::try_from(place).expect("a short capture");
            let shots: Vec<_> = self.shots(packet, micros, rng);
            let file = match self.share {
                Share::InTurn => place * self.files / sent.len(),
                Share::Mixed | Share::Copied => rng.usize(..self.files),
            };
            if self.share == Share::Copied && once_in(3, rng) {
                files[(file + 1) % self.files].extend(shots.clone());
            }
            files[file].extend(shots);
        }
        if let Order::Stored(distance) = self.order {
            for file in &mut files {
                overtake(file, distance, rng);
            }
        }
        files.sort_by_key(|file| file.first().map_or(i64::MAX, |shot| shot.micros));
        files
    }

    /// All that is captured of a packet.
    fn shots(&self, packet: &Sent, micros: i64, rng: &mut Rng) -> Vec<Shot> {
        let packets = match self.fragment_len {
            Some(len) => packet
                .ip
                .fragments(packet.protocol, rng.u16(..), &packet.payload, len),
            None => vec![packet.packet()],
        };
        let interfaces: &[u32] = match self.seen {
            Seen::One => &[0],
            Seen::Either => &[rng.u32(..2)],
            Seen::Both => &[0, 1],
        };
        let mut shots = Vec::new();
        for packet in packets {
            let frame = self.frame(&packet);
            shots.extend(interfaces.iter().map(|&interface| Shot {
                frame: Stored {
                    interface,
                    ..frame.clone()
                },
                micros,
            }));
        }
        shots
    }

    fn frame(&self, packet: &[u8]) -> Stored {
        let around = self.around.iter();
        let outer = around.fold(packet.to_vec(), |inner, around| around.packet(&inner));
        let number = self.link.number(outer[0] >> 4 == 6);
        let whole = Stored::whole(number, self.link.frame(&outer));
        self.snap_len.map_or(whole.clone(), |len| whole.cut(len))
    }
}

/// Lets things overtake others, by no more than some places.
fn overtake<T>(things: &mut [T], distance: usize, rng: &mut Rng) {
    for place in 0..things.len() {
        let with = (place + rng.usize(..=distance)).min(things.len() - 1);
        things.swap(place, with);
    }
}
