//! The packets that evidence and proof name, as a capture of their own.
//!
//! A file is walked once more, and gives those whose numbers a report names. What can be read
//! only once, as a live capture, has a [keeper] look at each packet as it comes, and
//! gives those of them that it kept. Both are cut before they are held.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::capture::pcapng::writer::{
    InterfaceBlock, enhanced_packet, interface_description, section_header,
};
use crate::capture::{Frame, InterfaceId, LinkType, Timestamp};
use crate::cli::EvidenceWish;
use crate::decode::TunnelPorts;
use crate::input::custody::{Custody, FileRole};
use crate::report::Report;
use crate::run::output::{OutputError, OutputFile, SECRET};

pub mod cut;
pub mod keeper;
mod named;
mod second_look;

use keeper::KeptPackets;
use named::{NamedPackets, PacketNote};
use second_look::SecondLook;

/// Bytes of packets that are held at most.
const MOST_BYTES: usize = 256 << 20;

/// Source that a report's packets can be had from.
#[derive(Debug)]
pub enum PacketSource {
    /// File that can be walked again.
    File(PathBuf),
    /// Packets that were kept of what can be read only once.
    Kept(KeptPackets),
}

/// Packet of the evidence, cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidencePacket {
    /// Time of its capture.
    pub time: Option<Timestamp>,
    /// Type of its first header.
    pub link_type: LinkType,
    /// Interface that captured it.
    pub interface: InterfaceId,
    /// Its length on the wire, in bytes.
    pub wire_len: u32,
    /// The bytes that are kept.
    pub data: Vec<u8>,
}

impl EvidencePacket {
    /// A frame of which so many bytes are kept.
    #[must_use]
    pub fn of(frame: &Frame<'_>, kept_len: usize) -> Self {
        Self {
            time: frame.time,
            link_type: frame.link_type,
            interface: frame.interface,
            wire_len: frame.wire_len,
            data: frame.data[..kept_len.min(frame.data.len())].to_vec(),
        }
    }
}

/// Packet with its place and its comment.
#[derive(Debug)]
struct TaggedPacket {
    packet: EvidencePacket,
    /// Place of its input in the report.
    input: usize,
    number: u64,
    comment: String,
}

/// File that the packets of the evidence are written to.
#[derive(Debug)]
pub struct EvidenceFile<'c> {
    wish: &'c EvidenceWish,
    file: OutputFile,
}

impl<'c> EvidenceFile<'c> {
    /// Opens the file, if there is to be one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(wish: Option<&'c EvidenceWish>) -> Result<Option<Self>, OutputError> {
        Self::open_by(wish, OutputFile::open)
    }

    /// The same, to be written when no file can be made any more.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open_in_place(wish: Option<&'c EvidenceWish>) -> Result<Option<Self>, OutputError> {
        Self::open_by(wish, OutputFile::open_in_place)
    }

    fn open_by(
        wish: Option<&'c EvidenceWish>,
        open: fn(&Path, FileRole, u32) -> Result<OutputFile, OutputError>,
    ) -> Result<Option<Self>, OutputError> {
        let Some(wish) = wish else {
            return Ok(None);
        };
        let file = open(&wish.path, FileRole::Evidence, SECRET)?;
        Ok(Some(Self { wish, file }))
    }

    /// Writes the packets that a report names. Gives a sentence for each reason why some of
    /// them are lacking.
    #[must_use]
    pub fn write(self, report: &Report, sources: &PacketSources, custody: &Custody) -> Vec<String> {
        let mut found = EvidenceGathering {
            wish: self.wish,
            sources,
            packets: Vec::new(),
            room: MOST_BYTES,
            lacks: Vec::new(),
        };
        found.gather(report, NamedPackets::of(report));
        let mut lacks = std::mem::take(&mut found.lacks);
        let written = self.file.fill(custody, |out| found.write(report, out));
        lacks.extend(written.err().map(|error| error.to_string()));
        lacks
    }
}

/// Sources of all inputs of a report, in its order, and what reading them takes.
#[derive(Debug)]
pub struct PacketSources {
    /// The sources.
    pub inputs: Vec<PacketSource>,
    /// UDP ports of tunnels.
    pub decode: TunnelPorts,
    /// Names of interfaces.
    pub names: BTreeMap<InterfaceId, String>,
}

/// Packets that were found.
struct EvidenceGathering<'e> {
    wish: &'e EvidenceWish,
    sources: &'e PacketSources,
    packets: Vec<TaggedPacket>,
    /// Bytes that may still be held.
    room: usize,
    lacks: Vec<String>,
}

impl EvidenceGathering<'_> {
    fn gather(&mut self, report: &Report, mut named: NamedPackets) {
        for (input, source) in self.sources.inputs.iter().enumerate() {
            let Some(notes) = named.inputs.remove(&input) else {
                continue;
            };
            let name = &report.inputs[input].name;
            match source {
                PacketSource::File(path) => {
                    let look = SecondLook {
                        path,
                        name,
                        decode: &self.sources.decode,
                        wish: self.wish,
                        ends: &named.ends,
                    };
                    let looked = look.packets(notes, &mut self.room);
                    self.packets
                        .extend(looked.packets.into_iter().map(|it| it.of(input)));
                    self.lacks.extend(looked.lacks);
                }
                PacketSource::Kept(kept) => self.kept(kept, notes, (input, name)),
            }
        }
        self.packets.sort_by(|a, b| {
            (a.packet.time, a.input, a.number).cmp(&(b.packet.time, b.input, b.number))
        });
    }

    /// Takes the packets of an input that were kept.
    fn kept(
        &mut self,
        kept: &KeptPackets,
        notes: BTreeMap<u64, PacketNote>,
        (input, name): (usize, &str),
    ) {
        let (all, before) = (notes.len(), self.packets.len());
        for (number, note) in notes {
            if let Some(packet) = kept.packet(number) {
                self.packets.push(TaggedPacket {
                    packet: packet.clone(),
                    input,
                    number,
                    comment: note.comment(name, number),
                });
            }
        }
        let lacking = all - (self.packets.len() - before);
        if lacking > 0 {
            self.lacks.push(lacks_kept(name, lacking));
        }
        if self.wish.context > 0 {
            self.lacks.push(format!(
                "--evidence lacks the context of {name}, which can be read only once"
            ));
        }
    }

    fn write(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut interfaces = BTreeMap::new();
        let mut header = Vec::new();
        section_header(&mut header);
        for tagged in &self.packets {
            let packet = &tagged.packet;
            let key = (tagged.input, packet.interface, packet.link_type);
            let next = u32::try_from(interfaces.len()).unwrap_or(u32::MAX);
            interfaces.entry(key).or_insert_with(|| {
                let name = self.sources.names.get(&packet.interface);
                let block = InterfaceBlock {
                    name: name.cloned().unwrap_or_default(),
                    description: report.inputs[tagged.input].name.clone(),
                    link_type: packet.link_type,
                    snap_length: 0,
                };
                interface_description(&mut header, &block);
                next
            });
        }
        out.write_all(&header)?;
        for tagged in &self.packets {
            let packet = &tagged.packet;
            let frame = Frame {
                number: tagged.number,
                time: packet.time,
                link_type: packet.link_type,
                interface: packet.interface,
                has_siblings: false,
                data: &packet.data,
                wire_len: packet.wire_len,
            };
            let key = (tagged.input, packet.interface, packet.link_type);
            let mut block = Vec::new();
            enhanced_packet(&mut block, interfaces[&key], &frame, &tagged.comment);
            out.write_all(&block)?;
        }
        Ok(())
    }
}

fn lacks_kept(name: &str, lacking: usize) -> String {
    let packets = match lacking {
        1 => "1 packet".to_owned(),
        many => format!("{many} packets"),
    };
    format!(
        "--evidence lacks {packets} of {name}, which can be read only once: too much passed to \
         keep them"
    )
}
