//! The expected values of a trace: its classes from how it was made, its
//! numbers from tshark. The program under test has no part in it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::scenes::{Carrier, PathTruth, Scene};
use crate::support::expect::{Count, PathTrace, Trace};
use crate::support::lab::dtls::TUNNEL_PORT;
use crate::support::lab::lustre::LUSTRE_PORT;

const TCP: u8 = 6;
const UDP: u8 = 17;
const UDP_HEADER: u64 = 8;
const RECORD_HEADER: u64 = 13;
const APPLICATION_DATA: u8 = 23;

const FIELDS: [&str; 22] = [
    "frame.len",
    "frame.interface_id",
    "sll.ifindex",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ip.id",
    "ip.frag_offset",
    "ip.len",
    "ip.hdr_len",
    "tcp.port",
    "tcp.len",
    "tcp.payload",
    "udp.port",
    "udp.length",
    "dtls.record.content_type",
    "dtls.record.epoch",
    "dtls.record.length",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "udp.payload",
];
/// Those of which twins have the same values.
const IDENTITY: [&str; 10] = [
    "ip.src",
    "ip.dst",
    "ip.id",
    "ip.frag_offset",
    "ip.len",
    "tcp.seq_raw",
    "tcp.ack_raw",
    "tcp.flags",
    "tcp.payload",
    "udp.payload",
];

/// Tells what to expect of a scene's recording.
pub fn expect(scene: &Scene, folder: &Path) -> Result<Trace> {
    let packets = dissect(&folder.join(scene.file))?;
    let fates = fates(scene, &packets);
    let mut originals = Originals::default();
    let mut trace = blank(scene, &packets);
    for (packet, fate) in packets.iter().zip(fates) {
        let bucket = match fate {
            Fate::Path(..) if originals.have_twin(packet) => "duplicates",
            Fate::Path(index, class) => {
                packet.count_in(&mut trace.paths[index], class, &scene.paths[index]);
                "paths"
            }
            Fate::Elsewhere => "dtls_elsewhere",
            Fate::Other => "other",
        };
        *trace.buckets.entry(bucket.to_owned()).or_default() += 1;
    }
    trace.paths.iter().try_for_each(plausible)?;
    Ok(trace)
}

fn blank(scene: &Scene, packets: &[Packet]) -> Trace {
    let buckets = ["paths", "dtls_elsewhere", "other", "duplicates"];
    Trace {
        file: scene.file.to_owned(),
        shows: scene.shows.to_owned(),
        args: Vec::new(),
        exit_code: exit_code(scene.paths),
        packets: packets.len() as u64,
        wire_bytes: packets.iter().map(|packet| packet.wire_len).sum(),
        buckets: buckets.map(|name| (name.to_owned(), 0)).into(),
        paths: scene.paths.iter().map(blank_path).collect(),
    }
}

fn blank_path(truth: &PathTruth) -> PathTrace {
    let classes = ["encrypted", "handshake", "plaintext", "undetermined"];
    PathTrace {
        client: truth.client.to_string(),
        server: truth.server.to_string(),
        verdict: truth.verdict.to_owned(),
        traffic: classes
            .map(|name| (name.to_owned(), Count::default()))
            .into(),
    }
}

fn exit_code(paths: &[PathTruth]) -> i32 {
    let any = |words: &[&str]| paths.iter().any(|path| words.contains(&path.verdict));
    if any(&["plaintext", "mixed", "weak"]) {
        1
    } else if paths.is_empty() || any(&["undetermined", "silent"]) {
        3
    } else {
        0
    }
}

/// A recording that lacks what its scene is about is no trace of it.
fn plausible(path: &PathTrace) -> Result<()> {
    let has = |class: &str| path.traffic[class].packets > 0;
    let fits = match path.verdict.as_str() {
        "encrypted" | "weak" => has("encrypted") && !has("plaintext"),
        "plaintext" => has("plaintext") && !has("encrypted"),
        "mixed" => has("plaintext") && has("encrypted"),
        _ => has("undetermined"),
    };
    ensure!(fits, "the recording does not fit its scene: {path:?}");
    Ok(())
}

#[derive(Clone, Copy)]
enum Fate {
    Path(usize, &'static str),
    Elsewhere,
    Other,
}

/// What becomes of each packet. Later fragments share the first one's fate.
fn fates(scene: &Scene, packets: &[Packet]) -> Vec<Fate> {
    let mut fragmented = HashMap::new();
    let mut fate = |packet: &Packet| {
        if packet.fragment_offset > 0 {
            return fragmented[&packet.datagram()];
        }
        let fate = scene.fate(packet);
        fragmented.insert(packet.datagram(), fate);
        fate
    };
    packets.iter().map(&mut fate).collect()
}

/// Interfaces that have shown each packet, for each time that it was sent.
#[derive(Default)]
struct Originals<'p>(HashMap<&'p str, Vec<Vec<&'p str>>>);

impl<'p> Originals<'p> {
    /// True where another interface has shown the packet, and this one has not yet.
    fn have_twin(&mut self, packet: &'p Packet) -> bool {
        let interface = packet.interface.as_str();
        let sent = self.0.entry(&packet.identity).or_default();
        let twin = sent.iter_mut().find(|shown| !shown.contains(&interface));
        if let Some(shown) = twin {
            shown.push(interface);
            return true;
        }
        sent.push(vec![interface]);
        false
    }
}

impl Scene {
    fn fate(&self, packet: &Packet) -> Fate {
        for (index, truth) in self.paths.iter().enumerate() {
            let carrier = |carrier: &Carrier| carrier.class(packet);
            if !packet.is_between(truth.client, truth.server) {
                continue;
            }
            if let Some(class) = truth.carriers.iter().find_map(carrier) {
                return Fate::Path(index, class);
            }
        }
        if packet.protocol == Some(UDP) && packet.ports.contains(&TUNNEL_PORT) {
            return Fate::Elsewhere;
        }
        Fate::Other
    }
}

impl Carrier {
    /// The class of a packet of a path, if it is of this carrier.
    fn class(self, packet: &Packet) -> Option<&'static str> {
        let on = |protocol, port| packet.protocol == Some(protocol) && packet.ports.contains(&port);
        match self {
            Self::ReadableTcp => on(TCP, LUSTRE_PORT).then_some("plaintext"),
            Self::Tunnel => on(UDP, TUNNEL_PORT).then(|| packet.class_in("encrypted")),
            Self::NullTunnel => on(UDP, TUNNEL_PORT).then(|| packet.class_in("plaintext")),
            Self::TunnelOverTcp => on(TCP, LUSTRE_PORT).then(|| packet.class_in("encrypted")),
            Self::Riddles => on(UDP, LUSTRE_PORT).then_some("undetermined"),
            Self::PortsCutOff => packet.protocol.map(|_| "undetermined"),
        }
    }
}

/// What tshark says of a packet.
#[derive(Debug)]
struct Packet {
    wire_len: u64,
    interface: String,
    /// What tells it from all other packets.
    identity: String,
    source: Option<Ipv4Addr>,
    destination: Option<Ipv4Addr>,
    identification: String,
    fragment_offset: u64,
    /// TCP or UDP, unless an ICMP error quotes it.
    protocol: Option<u8>,
    ports: Vec<u16>,
    /// Bytes of transport payload that this packet carried.
    carried: u64,
    /// Bytes of transport payload in the whole datagram or segment.
    payload: u64,
    records: Vec<Record>,
}

#[derive(Debug)]
struct Record {
    content_type: u8,
    epoch: u16,
    length: u64,
}

impl Packet {
    fn is_between(&self, a: Ipv4Addr, b: Ipv4Addr) -> bool {
        let ends = (self.source, self.destination);
        ends == (Some(a), Some(b)) || ends == (Some(b), Some(a))
    }

    fn datagram(&self) -> (Option<Ipv4Addr>, Option<Ipv4Addr>, String) {
        (self.source, self.destination, self.identification.clone())
    }

    /// The class of a packet of a tunnel whose later epochs are `protected`.
    fn class_in(&self, protected: &'static str) -> &'static str {
        let length = |record: &Record| RECORD_HEADER + record.length;
        let seen: u64 = self.records.iter().map(length).sum();
        let mut in_the_clear = self.records.iter().filter(|record| record.epoch == 0);
        if seen != self.payload {
            "undetermined"
        } else if self.records.is_empty() {
            "handshake"
        } else if let Some(first) = in_the_clear.next() {
            let is_data = |record: &Record| record.content_type == APPLICATION_DATA;
            let data = is_data(first) || in_the_clear.any(is_data);
            if data { "plaintext" } else { "handshake" }
        } else {
            protected
        }
    }

    fn count_in(&self, path: &mut PathTrace, class: &str, truth: &PathTruth) {
        let count = path.traffic.get_mut(class).expect("there is every class");
        count.packets += 1;
        count.wire_bytes += self.wire_len;
        if !truth.carriers.contains(&Carrier::PortsCutOff) {
            count.payload_bytes += self.carried;
        }
    }
}

fn dissect(file: &Path) -> Result<Vec<Packet>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "ip.defragment:FALSE", "-T", "fields"]);
    command.args(["-E", "occurrence=a", "-E", "aggregator=,"]);
    command.args(["-d", &format!("udp.port=={TUNNEL_PORT},dtls")]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.arg("-r").arg(file).output().context("tshark")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tshark: {complaint}");
    String::from_utf8(output.stdout)?
        .lines()
        .map(parse)
        .collect()
}

fn parse(line: &str) -> Result<Packet> {
    let values: Vec<&str> = line.split('\t').collect();
    ensure!(values.len() == FIELDS.len(), "tshark said {line:?}");
    let named = FIELDS.into_iter().zip(values).collect();
    Row(named).packet().with_context(|| line.to_owned())
}

/// A packet's fields; where protocols nest, the values stand outermost first.
struct Row<'a>(HashMap<&'a str, &'a str>);

impl Row<'_> {
    fn all<T>(&self, field: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>> {
        let values = self.0[field].split(',').filter(|value| !value.is_empty());
        let read = |value| read(value).with_context(|| format!("{field} {value}"));
        values.map(read).collect()
    }

    fn innermost<T>(&self, field: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
        Ok(self.all(field, read)?.pop())
    }

    fn number(&self, field: &str) -> Result<u64> {
        Ok(self.innermost(field, integer)?.unwrap_or(0))
    }

    fn packet(&self) -> Result<Packet> {
        let protocol = self.protocol()?;
        let mut packet = Packet {
            wire_len: self.number("frame.len")?,
            interface: format!("{}{}", self.0["frame.interface_id"], self.0["sll.ifindex"]),
            identity: IDENTITY.map(|field| self.0[field]).join(" "),
            source: self.innermost("ip.src", |text| text.parse().ok())?,
            destination: self.innermost("ip.dst", |text| text.parse().ok())?,
            identification: self.0["ip.id"].to_owned(),
            fragment_offset: self.number("ip.frag_offset")?,
            protocol,
            ports: Vec::new(),
            carried: 0,
            payload: 0,
            records: self.records()?,
        };
        match protocol {
            Some(TCP) => self.tcp(&mut packet)?,
            Some(UDP) => self.udp(&mut packet)?,
            _ => {}
        }
        Ok(packet)
    }

    fn protocol(&self) -> Result<Option<u8>> {
        let nested = self.all("ip.proto", |text| text.parse().ok())?;
        let transport = |&protocol: &u8| matches!(protocol, TCP | UDP);
        let carried = nested.iter().all(transport);
        Ok(nested.last().copied().filter(|_| carried))
    }

    fn tcp(&self, packet: &mut Packet) -> Result<()> {
        packet.ports = self.ports("tcp.port")?;
        packet.payload = self.number("tcp.len")?;
        packet.carried = packet.payload;
        packet.records = walk(&bytes(self.0["tcp.payload"])?);
        Ok(())
    }

    fn udp(&self, packet: &mut Packet) -> Result<()> {
        packet.carried = self.number("ip.len")? - self.number("ip.hdr_len")?;
        if packet.fragment_offset == 0 {
            packet.ports = self.ports("udp.port")?;
            packet.payload = self.number("udp.length")?.saturating_sub(UDP_HEADER);
            packet.carried -= UDP_HEADER;
        }
        Ok(())
    }

    fn ports(&self, field: &str) -> Result<Vec<u16>> {
        let mut ports = self.all(field, |text| text.parse().ok())?;
        Ok(ports.split_off(ports.len().saturating_sub(2)))
    }

    fn records(&self) -> Result<Vec<Record>> {
        let types = self.all("dtls.record.content_type", |text| text.parse().ok())?;
        let epochs = self.all("dtls.record.epoch", |text| text.parse().ok())?;
        let lengths = self.all("dtls.record.length", integer)?;
        let rows = types.into_iter().zip(epochs).zip(lengths);
        let record = |((content_type, epoch), length)| Record {
            content_type,
            epoch,
            length,
        };
        Ok(rows.map(record).collect())
    }
}

/// The records of a TCP segment, where tshark looks for none.
fn walk(mut segment: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let [
        content_type,
        _,
        _,
        e1,
        e0,
        _,
        _,
        _,
        _,
        _,
        _,
        l1,
        l0,
        rest @ ..,
    ] = segment
    {
        let length = u16::from_be_bytes([*l1, *l0]);
        records.push(Record {
            content_type: *content_type,
            epoch: u16::from_be_bytes([*e1, *e0]),
            length: length.into(),
        });
        segment = rest.get(length.into()..).unwrap_or_default();
    }
    records
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>> {
    let pairs = (0..hexadecimal.len()).step_by(2);
    let byte = |at| u8::from_str_radix(&hexadecimal[at..at + 2], 16);
    Ok(pairs.map(byte).collect::<Result<_, _>>()?)
}

fn integer(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
