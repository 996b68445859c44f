//! Mixes of traffic: an endless supply of frames, from a seed.

use std::str::FromStr;

use fastrand::Rng;

use super::fleet::{Fleet, Shape};
use super::frames::{self, Ends};

/// Payload of a full segment on a 1500-byte network.
const MSS: usize = 1448;
/// What segmentation offload hands over at most.
const SUPER: usize = 64 << 10;

/// What to make frames of.
#[derive(Clone, Copy, Debug)]
pub enum Mix {
    /// Frames of 96 bytes: control messages, small DTLS records, noise.
    Small,
    /// Bulk data at full segments, one in a hundred of 64 KiB, with all the rest.
    Mixed,
    /// As `Small`, in so many flows.
    Flows(u32),
    /// Clients with all servers, as on a network.
    Fleet(Shape),
}

/// Clients of a fleet.
const CLIENTS: u16 = 250;

impl Mix {
    /// Names of mixes.
    pub const NAMES: &str = "small|mixed|flows=N|vm|fleet|wild|small-vm|small-fleet";
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let fleet = |clients, is_small, is_wild| {
            Self::Fleet(Shape {
                clients,
                is_small,
                is_wild,
            })
        };
        Ok(match name {
            "small" => Self::Small,
            "mixed" => Self::Mixed,
            "vm" => fleet(1, false, false),
            "fleet" => fleet(CLIENTS, false, false),
            "wild" => fleet(CLIENTS, false, true),
            "small-vm" => fleet(1, true, false),
            "small-fleet" => fleet(CLIENTS, true, false),
            _ => {
                let flows = name.strip_prefix("flows=");
                let flows = flows.and_then(|flows| flows.parse().ok());
                Self::Flows(flows.ok_or_else(|| format!("{name} is none of {}", Self::NAMES))?)
            }
        })
    }
}

/// Frames of a mix, without end.
pub enum Supply {
    /// Of a few kinds.
    Circle(Circle),
    /// Of many flows with a state each.
    Fleet(Box<Fleet>),
}

impl Supply {
    /// Frames of a mix, the same for the same seed.
    pub fn new(mix: Mix, seed: u64) -> Self {
        let rng = Rng::with_seed(seed);
        match mix {
            Mix::Fleet(shape) => Self::Fleet(Box::new(Fleet::new(shape, rng))),
            Mix::Flows(flows) => Self::Circle(Circle::new(rng, small, flows)),
            Mix::Small => Self::Circle(Circle::new(rng, small, 0)),
            Mix::Mixed => Self::Circle(Circle::new(rng, mixed, 0)),
        }
    }

    /// The next frame.
    pub fn next(&mut self) -> &[u8] {
        match self {
            Self::Circle(circle) => circle.next(),
            Self::Fleet(fleet) => fleet.next(),
        }
    }
}

/// Frames made once and handed out again with other numbers in them.
pub struct Circle {
    rng: Rng,
    templates: Vec<Template>,
    /// Records so far in each of many flows; none where each template is one.
    records: Vec<u64>,
}

/// A frame, and where in it a number counts up.
struct Template {
    frame: Vec<u8>,
    weight: u32,
    /// Where a DTLS record's epoch and sequence number stand.
    sequence_at: Option<usize>,
    sequence: u64,
}

impl Circle {
    fn new(mut rng: Rng, templates: fn(&mut Rng) -> Vec<Template>, flows: u32) -> Self {
        Self {
            templates: templates(&mut rng),
            rng,
            records: vec![0; flows as usize],
        }
    }

    fn next(&mut self) -> &[u8] {
        if !self.records.is_empty() {
            let flow = self.rng.usize(0..self.records.len());
            return self.of_flow(flow);
        }
        let total: u32 = self.templates.iter().map(|template| template.weight).sum();
        let mut pick = self.rng.u32(0..total);
        let place = self.templates.iter().position(|template| {
            let found = pick < template.weight;
            pick = pick.saturating_sub(template.weight);
            found
        });
        let template = &mut self.templates[place.unwrap_or(0)];
        template.sequence += 1;
        template.number(template.sequence);
        &template.frame
    }

    /// The next frame of one of many flows, each of one kind.
    fn of_flow(&mut self, flow: usize) -> &[u8] {
        let place = flow % self.templates.len();
        let template = &mut self.templates[place];
        let records = &mut self.records[flow];
        *records += 1;
        template.number(*records);
        spread(&mut template.frame, flow);
        &template.frame
    }
}

impl Template {
    /// Gives the frame's DTLS record a sequence number, if it has one.
    fn number(&mut self, sequence: u64) {
        if let Some(at) = self.sequence_at {
            let epoch = 1 << 48;
            let bytes = (epoch | sequence).to_be_bytes();
            self.frame[at..at + 8].copy_from_slice(&bytes);
        }
    }
}

/// Gives a frame the client address and port of one of many flows.
fn spread(frame: &mut [u8], flow: usize) {
    const SOURCE_AT: usize = 26;
    const PORT_AT: usize = 34;
    const PORTS: [u16; 5] = [1023, 1022, 1021, 1020, 1019];
    let [.., b, c, d] = flow.to_be_bytes();
    frame[SOURCE_AT..SOURCE_AT + 4].copy_from_slice(&[10, 64 | b, c, d]);
    let port = PORTS[flow % PORTS.len()];
    frame[PORT_AT..PORT_AT + 2].copy_from_slice(&port.to_be_bytes());
}

fn plain(weight: u32, frame: Vec<u8>) -> Template {
    Template {
        frame,
        weight,
        sequence_at: None,
        sequence: 0,
    }
}

/// A DTLS datagram, and inside VXLAN if `vni` says so.
fn dtls(weight: u32, n: u8, fragment: &[u8], vni: Option<u32>) -> Template {
    let frame = frames::udp(Ends::tunnel(n), &frames::dtls_record(0, fragment));
    let (frame, sequence_at) = match vni {
        None => (frame, frames::SEQUENCE_AT),
        Some(vni) => (
            frames::vxlan(vni, &frame),
            frames::VXLAN_AROUND + frames::SEQUENCE_AT,
        ),
    };
    Template {
        frame,
        weight,
        sequence_at: Some(sequence_at),
        sequence: 0,
    }
}

/// Frames of 96 bytes.
fn small(rng: &mut Rng) -> Vec<Template> {
    const TCP_ROOM: usize = 96 - 14 - 20 - 32;
    const UDP_ROOM: usize = 96 - 14 - 20 - 8;
    let mut templates = Vec::new();
    for n in 0..16 {
        let mut noop = frames::lnet_noop();
        noop.resize(TCP_ROOM, 0);
        templates.push(plain(2, frames::tcp(Ends::lustre(n), &noop)));
        let bytes = frames::random(rng, TCP_ROOM);
        templates.push(plain(4, frames::tcp(Ends::lustre(n).back(), &bytes)));
        let fragment = frames::random(rng, UDP_ROOM - 13);
        templates.push(dtls(6, n, &fragment, None));
        let bytes = frames::random(rng, TCP_ROOM);
        templates.push(plain(2, frames::tcp(Ends::noise(n, 443), &bytes)));
        let bytes = frames::random(rng, UDP_ROOM);
        templates.push(plain(2, frames::udp(Ends::noise(n, 53), &bytes)));
    }
    templates
}

/// Bulk data with all that goes beside it.
fn mixed(rng: &mut Rng) -> Vec<Template> {
    let mut templates = Vec::new();
    for n in 0..8 {
        let put = frames::lnet_put(Ends::lustre(n), 8, 1 << 20, MSS - 96);
        templates.push(plain(1, frames::tcp(Ends::lustre(n), &put)));
        let bulk = frames::random(rng, MSS);
        templates.push(plain(16, frames::tcp(Ends::lustre(n), &bulk)));
        templates.push(plain(38, frames::tcp(Ends::lustre(n).back(), &[])));
        let bulk = frames::random(rng, SUPER);
        templates.push(plain(1, frames::tcp(Ends::lustre(n), &bulk)));
        let request = frames::lnet_put(Ends::lustre(n), 6, 200, 200);
        templates.push(plain(4, frames::tcp(Ends::lustre(n), &request)));
        let fragment = frames::random(rng, 1400);
        templates.push(dtls(20, n, &fragment, None));
        templates.push(dtls(8, n, &fragment, Some(42)));
        let bytes = frames::random(rng, 600);
        templates.push(plain(12, frames::tcp(Ends::noise(n, 443), &bytes)));
    }
    templates
}
