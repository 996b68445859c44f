//! A file, walked once more for the packets that a report names.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;

use super::cut::kept_len;
use super::named::{PacketNote, pair};
use super::{EvidencePacket, TaggedPacket};
use crate::capture::{Frame, Interfaces};
use crate::cli::EvidenceWish;
use crate::decode::{self, Address, TunnelPorts};
use crate::input::{Input, InputPath};
use crate::report::Moment;

/// A file to look into again.
pub(super) struct SecondLook<'l> {
    pub(super) path: &'l Path,
    pub(super) name: &'l str,
    pub(super) decode: &'l TunnelPorts,
    pub(super) wish: &'l EvidenceWish,
    /// Names of paths by their ends.
    pub(super) ends: &'l HashMap<(Address, Address), String>,
}

/// Result of a second look.
pub(super) struct Looked {
    pub(super) packets: Vec<FoundPacket>,
    /// Reasons why some are lacking.
    pub(super) lacks: Vec<String>,
}

/// Packet that was found again.
pub(super) struct FoundPacket {
    packet: EvidencePacket,
    number: u64,
    comment: String,
}

impl FoundPacket {
    pub(super) fn of(self, input: usize) -> TaggedPacket {
        TaggedPacket {
            packet: self.packet,
            input,
            number: self.number,
            comment: self.comment,
        }
    }
}

/// Packets of a path around one of the evidence.
#[derive(Default)]
struct PathContext {
    /// The last packets that were not taken.
    before: VecDeque<(u64, EvidencePacket)>,
    /// Number of packets that are still to be taken.
    after: usize,
}

/// Walk of a second look.
struct SecondWalk<'l> {
    look: &'l SecondLook<'l>,
    notes: BTreeMap<u64, PacketNote>,
    paths: HashMap<(Address, Address), PathContext>,
    packets: Vec<FoundPacket>,
    room: &'l mut usize,
    left_out: usize,
}

impl SecondLook<'_> {
    /// The packets that notes are on, as far as there is room for them.
    pub(super) fn packets(&self, notes: BTreeMap<u64, PacketNote>, room: &mut usize) -> Looked {
        let path = self.path.to_owned();
        let found_in = None;
        let input = match Input::open(&InputPath { path, found_in }) {
            Ok(input) => input,
            Err(error) => {
                return Looked {
                    packets: Vec::new(),
                    lacks: vec![format!("--evidence: {error}")],
                };
            }
        };
        let mut walk = SecondWalk {
            look: self,
            notes,
            paths: HashMap::new(),
            packets: Vec::new(),
            room,
            left_out: 0,
        };
        let interfaces = Interfaces::default();
        input.walk(&interfaces, |frame| walk.frame(frame), |_| ());
        let name = self.name;
        let changed = (!walk.notes.is_empty()).then(|| {
            let lacking = walk.notes.len();
            format!(
                "--evidence lacks packets of {name} ({lacking}): it has changed since it was read"
            )
        });
        let left_out = (walk.left_out > 0).then(|| {
            let lacking = walk.left_out;
            format!("--evidence lacks packets of {name} ({lacking}): they are too many to be held")
        });
        Looked {
            packets: walk.packets,
            lacks: changed.into_iter().chain(left_out).collect(),
        }
    }
}

impl SecondWalk<'_> {
    fn frame(&mut self, frame: &Frame<'_>) {
        let is_named = self.notes.get(&frame.number);
        // A file that was changed has another packet there.
        let is_named = is_named.is_some_and(|note| note.time == frame.time.map(Moment));
        if self.look.wish.context == 0 {
            if is_named {
                let packet = self.cut(frame);
                self.take_named(frame.number, packet);
            }
        } else {
            self.with_context(frame, is_named);
        }
    }

    /// Takes packets of the same path before and after those that are named.
    fn with_context(&mut self, frame: &Frame<'_>, is_named: bool) {
        let context = self.look.wish.context;
        let ends = decode::decode(frame, self.look.decode).ends;
        let ends = ends.map(|(source, destination)| pair(source, destination));
        let Some((ends, path)) = ends.and_then(|ends| self.look.ends.get_key_value(&ends)) else {
            if is_named {
                let packet = self.cut(frame);
                self.take_named(frame.number, packet);
            }
            return;
        };
        let packet = self.cut(frame);
        let state = self.paths.entry(*ends).or_default();
        let number = frame.number;
        if is_named {
            state.after = context;
            let before = std::mem::take(&mut state.before);
            for (number, packet) in before {
                self.take(number, packet, &PacketNote::beside(path));
            }
            self.take_named(number, packet);
        } else if state.after > 0 {
            state.after -= 1;
            self.take(number, packet, &PacketNote::beside(path));
        } else {
            state.before.push_back((number, packet));
            if state.before.len() > context {
                state.before.pop_front();
            }
        }
    }

    fn cut(&self, frame: &Frame<'_>) -> EvidencePacket {
        let kept = kept_len(frame, self.look.decode, self.look.wish.cut);
        EvidencePacket::of(frame, kept)
    }

    fn take_named(&mut self, number: u64, packet: EvidencePacket) {
        if let Some(note) = self.notes.remove(&number) {
            self.take(number, packet, &note);
        }
    }

    fn take(&mut self, number: u64, packet: EvidencePacket, note: &PacketNote) {
        let comment = note.comment(self.look.name, number);
        let len = packet.data.len() + comment.len();
        if len > *self.room {
            self.left_out += 1;
            return;
        }
        *self.room -= len;
        self.packets.push(FoundPacket {
            packet,
            number,
            comment,
        });
    }
}
