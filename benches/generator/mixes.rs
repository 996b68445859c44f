//! Mixes of traffic: an endless supply of frames, from a seed.

use fastrand::Rng;

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
}

/// Frames of a mix, made once and handed out again with other numbers in them.
pub struct Supply {
    rng: Rng,
    mix: Mix,
    templates: Vec<Template>,
    /// Records so far in each of many flows.
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

impl Supply {
    /// Frames of a mix, the same for the same seed.
    pub fn new(mix: Mix, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let templates = match mix {
            Mix::Small | Mix::Flows(_) => small(&mut rng),
            Mix::Mixed => mixed(&mut rng),
        };
        Self {
            rng,
            mix,
            templates,
            records: match mix {
                Mix::Flows(flows) => vec![0; flows as usize],
                _ => Vec::new(),
            },
        }
    }

    /// The next frame.
    pub fn next(&mut self) -> &[u8] {
        if let Mix::Flows(flows) = self.mix {
            let flow = self.rng.u32(0..flows);
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
    fn of_flow(&mut self, flow: u32) -> &[u8] {
        let place = flow as usize % self.templates.len();
        let template = &mut self.templates[place];
        let records = &mut self.records[flow as usize];
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
fn spread(frame: &mut [u8], flow: u32) {
    const SOURCE_AT: usize = 26;
    const PORT_AT: usize = 34;
    let [_, b, c, d] = flow.to_be_bytes();
    frame[SOURCE_AT..SOURCE_AT + 4].copy_from_slice(&[10, 64 | b, c, d]);
    let port = 1023 - (flow % 5) as u16;
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
