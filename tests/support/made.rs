//! Conversations of known kinds: the packets, and what each is by its making.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::packets::{self, Around, Ip, Link, dtls, lustre};
use super::run::Stored;

/// What a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lustre from a reserved port of the client to 988.
    Lustre,
    /// A server that calls its client back.
    Callback,
    /// Lustre between two reserved ports.
    Reserved,
    /// DTLS with a server; the hello chooses the suite, and without one was not seen.
    Tunnel(Option<u16>),
    /// Application data in epoch 0.
    ClearData,
    /// DTLS records in a TCP stream on 988.
    OverTcp,
    /// UDP on 988 that is no DTLS.
    Lookalike,
    /// DTLS with a host that is no server.
    Elsewhere,
    /// NFS from a reserved port, with a host that is no server.
    Nfs,
    /// SSH with a server.
    Ssh,
}

impl Kind {
    const ALL: [Self; 13] = [
        Self::Lustre,
        Self::Callback,
        Self::Reserved,
        Self::Tunnel(Some(dtls::AZURE)),
        Self::Tunnel(Some(dtls::AES_128)),
        Self::Tunnel(Some(dtls::NULL)),
        Self::Tunnel(None),
        Self::ClearData,
        Self::OverTcp,
        Self::Lookalike,
        Self::Elsewhere,
        Self::Nfs,
        Self::Ssh,
    ];

    fn is_tcp(self) -> bool {
        use Kind::{Callback, Lustre, Nfs, OverTcp, Reserved, Ssh};
        matches!(self, Lustre | Callback | Reserved | OverTcp | Nfs | Ssh)
    }

    fn with_stranger(self) -> bool {
        matches!(self, Self::Elsewhere | Self::Nfs)
    }

    /// Ports of client and server of the conversation that stands at a place.
    fn ports(self, place: u16) -> (u16, u16) {
        match self {
            Self::Lustre | Self::OverTcp => (1018 - place, 988),
            Self::Callback => (988, 1018 - place),
            Self::Reserved => (1020, 1019 + place % 5),
            Self::Nfs => (1021, 2049),
            Self::Ssh => (50_000 + place, 22),
            Self::Lookalike => (40_000 + place, 988),
            _ => (40_000 + place, 11_443),
        }
    }
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    kind: Kind,
    v6: bool,
    more: bool,
    client: u8,
    server: u8,
    around: Vec<Around>,
}

/// One packet of a conversation.
#[derive(Clone, Debug)]
pub struct Turn {
    talk: Index,
    to_server: bool,
    what: usize,
    len: usize,
    no_length: bool,
    pieces: Option<Pieces>,
}

/// How a packet comes in fragments.
#[derive(Clone, Debug)]
struct Pieces {
    len: usize,
    first_lost: bool,
    /// How much later than the packet before each piece comes.
    late: Vec<usize>,
}

/// A flow as the report lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    pub client: IpAddr,
    pub server: IpAddr,
    pub protocol: &'static str,
    /// The client's and the server's, where they can be known.
    pub ports: Option<(u16, u16)>,
    pub encapsulation: Vec<&'static str>,
    pub network: Option<u32>,
}

/// A packet of a path, as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfPath {
    pub flow: Flow,
    pub to_server: bool,
    pub class: &'static str,
    pub payload_len: usize,
    /// A suite that is below the policy, and whose hello was seen.
    pub is_weak: bool,
    /// A suite without a cipher, and whose hello was seen.
    pub is_null: bool,
}

/// Where a packet must be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    Path(OfPath),
    Elsewhere,
    Other,
    Undecodable,
}

/// A frame, and the truth about it.
#[derive(Clone, Debug)]
pub struct Made {
    pub frame: Stored,
    pub truth: Truth,
    pub is_fragment: bool,
    /// Whether another interface showed the packet before.
    pub is_copy: bool,
}

/// A whole capture of talks.
pub fn capture(turns: usize) -> impl Strategy<Value = Vec<Made>> {
    let link = select(&Link::ALL[..]);
    (link, vec(talk(), 1..6), vec(turn(), 0..turns))
        .prop_map(|(link, talks, turns)| make(link, &talks, &turns))
}

fn talk() -> impl Strategy<Value = Talk> {
    let around = vec(select(&Around::ALL[..]), 0..3);
    let ends = (0..2_u8, 0..2_u8);
    let shape = (any::<bool>(), any::<bool>());
    (select(&Kind::ALL[..]), shape, ends, around).prop_map(
        |(kind, (v6, more), (client, server), around)| Talk {
            kind,
            v6,
            more,
            client,
            server,
            around,
        },
    )
}

fn turn() -> impl Strategy<Value = Turn> {
    let pieces = (
        select(&[160_usize, 320][..]),
        prop::bool::weighted(0.1),
        vec(0..9_usize, 8),
    );
    let pieces = pieces.prop_map(|(len, first_lost, late)| Pieces {
        len,
        first_lost,
        late,
    });
    let pieces = option::weighted(0.3, pieces);
    let size = (0..700_usize, prop::bool::weighted(0.1));
    (any::<Index>(), any::<bool>(), 0..10_usize, size, pieces).prop_map(
        |(talk, to_server, what, (len, no_length), pieces)| Turn {
            talk,
            to_server,
            what,
            len,
            no_length: no_length && pieces.is_none(),
            pieces,
        },
    )
}

/// The frames of all turns. The first of each talk is its first whatever comes, so that
/// hellos are seen where they should be.
fn make(link: Link, talks: &[Talk], turns: &[Turn]) -> Vec<Made> {
    let mut begun = BTreeSet::new();
    let mut frames: Vec<(usize, Made)> = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        let place = turn.talk.index(talks.len());
        let said = Said {
            talk: &talks[place],
            place: u16::try_from(place).expect("few talks"),
            number: u16::try_from(number).expect("few turns"),
            opens: begun.insert(place),
            turn,
        };
        let late = turn.pieces.iter().flat_map(|pieces| &pieces.late);
        let late = late.copied().chain(std::iter::repeat(0));
        let made = said.frames(link).into_iter().zip(late);
        frames.extend(made.map(|(made, late)| (number + late, made)));
    }
    frames.sort_by_key(|&(moment, _)| moment);
    let mut all: Vec<Made> = frames.into_iter().map(|(_, made)| made).collect();
    place_lookalikes(&mut all);
    all
}

/// A datagram that is no DTLS is a path's only where DTLS goes between the same ports.
fn place_lookalikes(all: &mut [Made]) {
    let of_path = all.iter().filter_map(|made| match &made.truth {
        Truth::Path(of) if of.class != "other" => Some(of.flow.clone()),
        _ => None,
    });
    let tunnels: BTreeSet<Flow> = of_path.collect();
    for made in all {
        match &mut made.truth {
            Truth::Path(of) if of.class != "other" => {}
            Truth::Path(of) if tunnels.contains(&of.flow) => of.class = "undetermined",
            Truth::Path(_) => made.truth = Truth::Other,
            _ => {}
        }
    }
}

/// A turn of a talk.
struct Said<'t> {
    talk: &'t Talk,
    place: u16,
    number: u16,
    opens: bool,
    turn: &'t Turn,
}

impl Said<'_> {
    fn addresses(&self) -> (IpAddr, IpAddr) {
        let net = if self.talk.kind.with_stranger() { 3 } else { 2 };
        let (client, server) = (self.talk.client + 4, self.talk.server + 5);
        if self.talk.v6 {
            let address = |net: u16, host: u8| {
                IpAddr::V6(Ipv6Addr::new(0xfd00, net, 0, 0, 0, 0, 0, host.into()))
            };
            (address(1, client), address(net.into(), server))
        } else {
            let address = |net, host| IpAddr::V4(Ipv4Addr::new(10, 20, net, host));
            (address(1, client), address(net, server))
        }
    }

    /// Source and destination, each with its port.
    fn ends(&self) -> ((IpAddr, u16), (IpAddr, u16)) {
        let (client, server) = self.addresses();
        let (client_port, server_port) = self.talk.kind.ports(self.place);
        let (client, server) = ((client, client_port), (server, server_port));
        if self.turn.to_server {
            (client, server)
        } else {
            (server, client)
        }
    }

    /// What the transport carries, and its class.
    fn payload(&self) -> (Vec<u8>, &'static str) {
        let (sequence, len) = (u64::from(self.number), self.turn.len);
        match self.talk.kind {
            Kind::Lustre | Kind::Callback | Kind::Reserved => (self.lustre(), "plaintext"),
            Kind::Tunnel(suite) => self.tunnel(suite),
            Kind::Elsewhere => self.tunnel(None),
            Kind::OverTcp if self.opens || self.turn.what > 3 => {
                (dtls::protected(sequence, len), "encrypted")
            }
            Kind::OverTcp => (Vec::new(), "handshake"),
            Kind::ClearData => {
                let text = packets::noise(sequence, len + 1);
                (dtls::clear_data(sequence, &text), "plaintext")
            }
            Kind::Lookalike => (dtls::lookalike(self.turn.what, sequence), "undetermined"),
            Kind::Nfs | Kind::Ssh => (packets::noise(sequence, len), "other"),
        }
    }

    fn lustre(&self) -> Vec<u8> {
        let ((source, _), (destination, _)) = self.ends();
        let sequence = u64::from(self.number);
        match self.turn.what {
            0 | 1 => Vec::new(),
            2 => lustre::connection_request(destination),
            3 => lustre::keepalive(),
            4 | 5 => {
                let portal = if self.turn.to_server { 6 } else { 4 };
                lustre::put(source, destination, portal, &lustre::request(4))
            }
            // Bulk that a client reads; what it writes, it sends as replies.
            6 if !self.turn.to_server => lustre::put(
                source,
                destination,
                8,
                &packets::noise(sequence, self.turn.len),
            ),
            _ => packets::noise(sequence, self.turn.len),
        }
    }

    fn tunnel(&self, suite: Option<u16>) -> (Vec<u8>, &'static str) {
        let sequence = u64::from(self.number);
        let protected = match suite {
            Some(dtls::NULL) => "plaintext",
            _ => "encrypted",
        };
        match (suite, self.turn.what) {
            (Some(suite), _) if self.opens => (dtls::server_hello(sequence, suite), "handshake"),
            (_, 0) => (dtls::client_hello(sequence), "handshake"),
            (_, 1) => (dtls::change_and_finished(sequence), "handshake"),
            (_, 2) => (dtls::lookalike(self.turn.len, sequence), "other"),
            (_, 3) => {
                let two = [1, 2].map(|n| dtls::protected(1000 * n + sequence, 30));
                (two.concat(), protected)
            }
            _ => (dtls::protected(sequence, self.turn.len), protected),
        }
    }

    fn flow(&self) -> Flow {
        let (client, server) = self.addresses();
        let around = &self.talk.around;
        Flow {
            client,
            server,
            protocol: if self.talk.kind.is_tcp() {
                "tcp"
            } else {
                "udp"
            },
            ports: Some(self.talk.kind.ports(self.place)),
            encapsulation: around
                .iter()
                .flat_map(|around| around.names())
                .copied()
                .collect(),
            network: around.last().map(|around| around.network()),
        }
    }

    fn truth(&self, class: &'static str, payload_len: usize) -> Truth {
        match (class, self.talk.kind) {
            ("other", Kind::Elsewhere | Kind::Nfs | Kind::Ssh) => Truth::Other,
            (_, Kind::Elsewhere) => Truth::Elsewhere,
            _ => Truth::Path(OfPath {
                flow: self.flow(),
                to_server: self.turn.to_server,
                class,
                payload_len,
                is_weak: self.talk.kind == Kind::Tunnel(Some(dtls::AES_128)),
                is_null: self.talk.kind == Kind::Tunnel(Some(dtls::NULL)),
            }),
        }
    }

    /// A later fragment whose first is lost: only the addresses and the protocol tell.
    fn orphan(&self, payload_len: usize) -> Truth {
        if self.talk.kind.with_stranger() {
            return Truth::Undecodable;
        }
        Truth::Path(OfPath {
            flow: Flow {
                ports: None,
                ..self.flow()
            },
            to_server: self.turn.to_server,
            class: "undetermined",
            payload_len,
            is_weak: false,
            is_null: false,
        })
    }

    fn frames(&self, link: Link) -> Vec<Made> {
        let ((source, source_port), (destination, destination_port)) = self.ends();
        let ip = Ip {
            more: self.talk.more,
            no_length: self.turn.no_length,
            ..Ip::between(source, destination)
        };
        let (payload, class) = self.payload();
        let (protocol, mut transport) = if self.talk.kind.is_tcp() {
            (
                packets::TCP,
                packets::tcp(source_port, destination_port, &payload),
            )
        } else {
            (
                packets::UDP,
                packets::udp(source_port, destination_port, &payload),
            )
        };
        if self.talk.kind.is_tcp() {
            // No two segments are the same.
            let sequence = u32::from(self.number) << 16;
            transport[4..8].copy_from_slice(&sequence.to_be_bytes());
        }
        if self.turn.what == 9 && self.talk.kind == Kind::Lustre {
            let error = packets::port_unreachable(&ip, &ip.packet(protocol, &transport));
            // What is quoted of Lustre crossed in plaintext. Nobody looks behind extensions.
            let truth = if payload.is_empty() || self.talk.more {
                Truth::Other
            } else {
                Truth::Undecodable
            };
            return vec![self.made(link, error, truth)];
        }
        match &self.turn.pieces {
            Some(pieces)
                if transport.len() > pieces.len && is_told_by_its_first_fragment(self, class) =>
            {
                self.pieces(link, &ip, (protocol, &transport), pieces, class)
            }
            _ => {
                let truth = self.truth(class, payload.len());
                vec![self.made(link, ip.packet(protocol, &transport), truth)]
            }
        }
    }

    fn pieces(
        &self,
        link: Link,
        ip: &Ip,
        (protocol, transport): (u8, &[u8]),
        pieces: &Pieces,
        class: &'static str,
    ) -> Vec<Made> {
        let header_len = if self.talk.kind.is_tcp() { 32 } else { 8 };
        let packets = ip.fragments(protocol, self.number, transport, pieces.len);
        let lens = transport.chunks(pieces.len).map(<[u8]>::len);
        let made = packets.into_iter().zip(lens).enumerate();
        made.skip(usize::from(pieces.first_lost))
            .map(|(place, (packet, len))| {
                let truth = match (place, pieces.first_lost) {
                    (0, _) => self.truth(class, len - header_len),
                    (_, true) => self.orphan(len),
                    (_, false) => self.truth(class, len),
                };
                Made {
                    is_fragment: true,
                    ..self.made(link, packet, truth)
                }
            })
            .collect()
    }

    fn made(&self, link: Link, packet: Vec<u8>, truth: Truth) -> Made {
        let around = self.talk.around.iter().rev();
        let packet = around.fold(packet, |packet, around| around.packet(&packet));
        let link_type = link.number(packet[0] >> 4 == 6);
        Made {
            frame: Stored::whole(link_type, link.frame(&packet)),
            truth,
            is_fragment: false,
            is_copy: false,
        }
    }
}

/// What the first fragment shows, all show: so the first must tell. It does not where a
/// datagram only looks like DTLS or holds several records, nor where records are in TCP,
/// which does not state its length.
fn is_told_by_its_first_fragment(said: &Said<'_>, class: &str) -> bool {
    match said.talk.kind {
        Kind::OverTcp => false,
        kind => kind.is_tcp() || (class == "encrypted" && said.turn.what != 3),
    }
}

/// A capture of which a second interface shows what it does not miss, behind the first.
pub fn seen_twice(made: Vec<Made>, missed: &[bool]) -> Vec<Made> {
    let mut missed = missed.iter().cycle();
    let twice = |made: Made| {
        let mut again = made.clone();
        (again.frame.interface, again.is_copy) = (1, true);
        let is_missed = *missed.next().expect("an endless list");
        [Some(made), (!is_missed).then_some(again)]
    };
    made.into_iter().flat_map(twice).flatten().collect()
}
