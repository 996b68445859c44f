//! What goes on the paths of a scenario, whose truth is known from its making.

use std::net::IpAddr;

use fastrand::Rng;
use openssl::symm::{Cipher, encrypt_aead};

use crate::support::packets::{Ip, TCP, UDP, dtls, lustre, tcp, udp};

/// Suite that no registry lists.
const UNASSIGNED: u16 = 0x1234;
/// `TLS_SHA256_SHA256`, which protects integrity alone (RFC 9150).
const INTEGRITY: u16 = 0xc0b4;

/// Place of what tells a message from others, in a PUT of `LNet`.
const MATCH_BITS: std::ops::Range<usize> = 72..80;

/// Ports of all DTLS of a path, the server's first.
const PORTS: (u16, u16) = (11_443, 40_001);

fn random(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rng.fill(&mut bytes);
    bytes
}

/// True once in so many times.
fn once_in(times: u8, rng: &mut Rng) -> bool {
    rng.u8(..times) == 0
}

/// A client and a server.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    pub client: IpAddr,
    pub server: IpAddr,
}

impl Ends {
    /// Those of one path of two, of either IP version.
    fn any(path: u8, rng: &mut Rng) -> Self {
        if once_in(3, rng) {
            Self {
                client: [0xfd00, 1, 0, 0, 0, 0, 0, 4].into(),
                server: [0xfd00, 2, 0, 0, 0, 0, 0, 5 + u16::from(path)].into(),
            }
        } else {
            Self {
                client: [10, 20, 1, 4].into(),
                server: [10, 20, 2, 5 + path].into(),
            }
        }
    }

    fn up(self) -> Ip {
        Ip::between(self.client, self.server)
    }

    fn down(self) -> Ip {
        Ip::between(self.server, self.client)
    }

    /// A write to a target, with so many bytes of data.
    fn message(self, data: usize, rng: &mut Rng) -> Vec<u8> {
        let write = [lustre::request(4), random(rng, data)].concat();
        let mut message = lustre::put(self.client, self.server, 6, &write);
        rng.fill(&mut message[MATCH_BITS]);
        message
    }
}

/// What an IP packet carries between two ends.
#[derive(Clone, Debug)]
pub struct Sent {
    pub ip: Ip,
    pub protocol: u8,
    pub payload: Vec<u8>,
}

impl Sent {
    /// A segment, whose sequence number tells it from others with the same payload.
    fn tcp(ip: Ip, ports: (u16, u16), payload: &[u8], rng: &mut Rng) -> Self {
        let mut segment = tcp(ports.0, ports.1, payload);
        rng.fill(&mut segment[4..8]);
        Self {
            ip,
            protocol: TCP,
            payload: segment,
        }
    }

    /// A datagram, whose checksum tells it from others that begin with the same payload.
    fn udp(ip: Ip, ports: (u16, u16), payload: &[u8], rng: &mut Rng) -> Self {
        let mut datagram = udp(ports.0, ports.1, payload);
        rng.fill(&mut datagram[6..8]);
        Self {
            ip,
            protocol: UDP,
            payload: datagram,
        }
    }

    pub fn packet(&self) -> Vec<u8> {
        self.ip.packet(self.protocol, &self.payload)
    }
}

/// Content of a session's protected records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Ciphertext,
    Text,
    Script,
    Base64,
    Filled(u8),
    Repeated(usize),
    /// An IP packet behind a header of so many bytes.
    Packet(usize),
    /// A Lustre message behind a header of so many bytes.
    Lustre(usize),
}

impl Content {
    fn any(rng: &mut Rng) -> Self {
        match rng.u8(..10) {
            0 => Self::Text,
            1 => Self::Script,
            2 => Self::Base64,
            3 => Self::Filled(0),
            4 => Self::Filled(0xff),
            5 => Self::Repeated(rng.usize(2..17)),
            6 | 7 => Self::Packet(rng.usize(0..65)),
            _ => Self::Lustre(rng.usize(0..65)),
        }
    }

    fn plain(self, len: usize, ends: Ends, rng: &mut Rng) -> Vec<u8> {
        let cycle = |bytes: &[u8]| bytes.iter().copied().cycle().take(len).collect();
        match self {
            Self::Ciphertext => random(rng, len),
            Self::Text => cycle(b"the quick brown fox signs the quarterly report. "),
            Self::Script => cycle("отчёт за квартал подписан. ".as_bytes()),
            Self::Base64 => {
                const DIGITS: &[u8; 64] =
                    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                (0..len).map(|_| DIGITS[rng.usize(..64)]).collect()
            }
            Self::Filled(byte) => vec![byte; len],
            Self::Repeated(period) => cycle(&random(rng, period)),
            Self::Packet(behind) => {
                let segment = Sent::tcp(ends.up(), (1021, 988), &random(rng, len), rng);
                [random(rng, behind), segment.packet()].concat()
            }
            Self::Lustre(behind) => [random(rng, behind), ends.message(0, rng)].concat(),
        }
    }
}

/// A DTLS session on the path, from its hellos on.
#[derive(Clone, Debug)]
struct Session {
    /// Suite that the client's hello offers; `None` where that was not captured.
    offered: Option<u16>,
    /// Suite of the server's hello; `None` where it was not captured.
    suite: Option<u16>,
    /// Bytes of a hello in a record, at most.
    fragment_len: usize,
    records: u64,
    content: Content,
    /// One record in so many has that content; the others are ciphertext.
    one_in: u64,
    epoch: u16,
    /// Records of a datagram, at most.
    together: usize,
}

impl Session {
    fn any(rng: &mut Rng) -> Self {
        let suite = match rng.u8(..12) {
            0 => Some(dtls::NULL),
            1 => Some(UNASSIGNED),
            2 => Some(INTEGRITY),
            3 => None,
            _ => Some(dtls::AZURE),
        };
        let offered = match rng.u8(..16) {
            0 => Some(dtls::NULL),
            1..6 => Some(dtls::AZURE),
            _ => None,
        };
        let content = if once_in(4, rng) {
            Content::any(rng)
        } else {
            Content::Ciphertext
        };
        Self {
            offered,
            suite,
            fragment_len: if once_in(4, rng) {
                rng.usize(8..40)
            } else {
                1000
            },
            records: rng.u64(1..24),
            content,
            one_in: rng.u64(1..5),
            epoch: if once_in(6, rng) { 2 } else { 1 },
            together: if once_in(4, rng) { rng.usize(2..4) } else { 1 },
        }
    }

    /// Whether an attacker could read any of it.
    fn leaks(&self) -> bool {
        let reads = self.content != Content::Ciphertext;
        let suites = [self.offered, self.suite];
        let is_bare = |suite| matches!(suite, Some(dtls::NULL | UNASSIGNED | INTEGRITY));
        reads || suites.into_iter().any(is_bare)
    }

    fn packets(&self, ends: Ends, rng: &mut Rng) -> Vec<Sent> {
        let mut hello = |suite: Option<u16>, make: fn(u64, u16) -> Vec<u8>| {
            let whole = suite.map(|suite| make(rng.u64(..1 << 40), suite));
            whole.map_or(Vec::new(), |it| dtls::fragments(&it, self.fragment_len))
        };
        let offer = hello(self.offered, dtls::client_hello_of);
        let choice = hello(self.suite, dtls::server_hello);
        let data = self.datagrams(ends, rng).into_iter();
        let data: Vec<_> = data.map(|it| (once_in(3, rng), it)).collect();
        let hellos = [(true, offer), (false, choice)].into_iter();
        let hellos = hellos.flat_map(|(is_up, all)| all.into_iter().map(move |it| (is_up, it)));
        let all = hellos.chain(data);
        all.map(|(is_up, datagram)| {
            let (ip, ports) = if is_up {
                (ends.up(), (PORTS.1, PORTS.0))
            } else {
                (ends.down(), PORTS)
            };
            Sent::udp(ip, ports, &datagram, rng)
        })
        .collect()
    }

    /// Protected records, by datagram.
    fn datagrams(&self, ends: Ends, rng: &mut Rng) -> Vec<Vec<u8>> {
        let key: [u8; 32] = std::array::from_fn(|_| rng.u8(..));
        let mut protected = |epoch, sequence, content| {
            let record = Protected {
                epoch,
                sequence,
                content,
                len: rng.usize(200..900) / self.together,
            };
            record.made(&key, ends, rng)
        };
        // Epoch 1 comes before epoch 2, with records in datagrams of their own: what a capture
        // cuts off behind them, nobody tells.
        let before = (self.epoch > 1).then(|| protected(1, 1, Content::Ciphertext));
        let records = (0..self.records).map(|n| {
            let content = if n % self.one_in == 0 {
                self.content
            } else {
                Content::Ciphertext
            };
            protected(self.epoch, n + 1, content)
        });
        let records: Vec<_> = records.collect();
        let together = records.chunks(self.together).map(<[_]>::concat);
        before.into_iter().chain(together).collect()
    }
}

/// A record of application data: AES-256-GCM output, or what should have been.
struct Protected {
    epoch: u16,
    sequence: u64,
    content: Content,
    /// Bytes of content, where they are not those of a packet or message.
    len: usize,
}

impl Protected {
    fn made(&self, key: &[u8], ends: Ends, rng: &mut Rng) -> Vec<u8> {
        let plain = self.content.plain(self.len, ends, rng);
        let nonce = (u64::from(self.epoch) << 48 | self.sequence).to_be_bytes();
        let fragment = if self.content == Content::Ciphertext {
            let iv = [&[7; 4][..], &nonce].concat();
            let mut tag = [0; 16];
            let sealed = encrypt_aead(Cipher::aes_256_gcm(), key, Some(&iv), &[], &plain, &mut tag);
            [&nonce[..], &sealed.expect("a cipher"), &tag].concat()
        } else {
            plain
        };
        dtls::record(23, self.epoch, self.sequence, &fragment)
    }
}

/// Other traffic of the same two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// Datagrams that nobody can tell, between the ports of the DTLS.
    Strange,
    /// A Lustre message in a datagram between those ports.
    Message,
    /// Datagrams and segments on other ports, with nothing in them.
    Elsewhere,
    /// A Lustre message in a segment on other ports.
    Hidden,
    /// A packet with a Lustre message, in a datagram on other ports.
    Wrapped,
}

impl Beside {
    const ALL: [Self; 5] = [
        Self::Strange,
        Self::Message,
        Self::Elsewhere,
        Self::Hidden,
        Self::Wrapped,
    ];

    fn packets(self, ends: Ends, rng: &mut Rng) -> Vec<Sent> {
        let noise = random(rng, 300);
        let message = ends.message(100, rng);
        match self {
            Self::Strange => vec![Sent::udp(ends.down(), PORTS, &noise, rng)],
            Self::Message => vec![Sent::udp(ends.up(), (PORTS.1, PORTS.0), &message, rng)],
            Self::Elsewhere => vec![
                Sent::udp(ends.up(), (50_000, 53), &noise, rng),
                Sent::tcp(ends.up(), (50_000, 443), &noise, rng),
            ],
            Self::Hidden => vec![Sent::tcp(ends.up(), (50_000, 9988), &message, rng)],
            Self::Wrapped => {
                let segment = Sent::tcp(ends.up(), (1021, 988), &message, rng);
                let wrapped = [&[0, 7, 7, 0][..], &segment.packet()].concat();
                vec![Sent::udp(ends.up(), (50_000, 6000), &wrapped, rng)]
            }
        }
    }
}

/// All that goes on one path.
#[derive(Clone, Debug)]
pub struct Plan {
    pub ends: Ends,
    sessions: Vec<Session>,
    /// Number of packets of readable Lustre.
    readable: usize,
    beside: Vec<Beside>,
}

impl Plan {
    pub fn any(path: u8, rng: &mut Rng) -> Self {
        let sessions = rng.usize(0..4);
        let beside = if once_in(4, rng) { rng.usize(1..3) } else { 0 };
        Self {
            ends: Ends::any(path, rng),
            sessions: (0..sessions).map(|_| Session::any(rng)).collect(),
            readable: if once_in(4, rng) { rng.usize(1..5) } else { 0 },
            beside: (0..beside).map(|_| Beside::ALL[rng.usize(..5)]).collect(),
        }
    }

    /// Whether an attacker could read any of what goes on the path.
    pub fn leaks(&self) -> bool {
        let is_clear = self.readable > 0 || self.beside.contains(&Beside::Message);
        is_clear || self.sessions.iter().any(Session::leaks)
    }

    /// Whether an attacker could read any of what goes between the hosts.
    pub fn exposes(&self) -> bool {
        let is_hidden = |it: &Beside| matches!(it, Beside::Hidden | Beside::Wrapped);
        self.leaks() || self.beside.iter().any(is_hidden)
    }

    /// Whether something goes between the ports of its DTLS that nobody can tell.
    pub fn is_strange(&self) -> bool {
        !self.sessions.is_empty() && self.beside.contains(&Beside::Strange)
    }

    /// Whether all that a proof asks for was sent: then it is encrypted.
    pub fn is_proven(&self) -> bool {
        let azure = |session: &Session| session.suite == Some(dtls::AZURE) && session.epoch == 1;
        let is_whole = !self.sessions.is_empty() && self.sessions.iter().all(azure);
        is_whole && !self.leaks() && !self.is_strange()
    }

    /// Whether hellos are in fragments, which only their order puts together.
    pub fn has_fragments(&self) -> bool {
        self.sessions
            .iter()
            .any(|session| session.fragment_len < 1000)
    }

    /// Packets, in order.
    pub fn packets(&self, rng: &mut Rng) -> Vec<Sent> {
        let sessions = self.sessions.iter();
        let mut packets: Vec<_> = sessions.flat_map(|it| it.packets(self.ends, rng)).collect();
        let beside = self.beside.iter();
        let mut more: Vec<_> = beside.flat_map(|it| it.packets(self.ends, rng)).collect();
        for n in 0..self.readable {
            let payload = match n % 2 {
                0 => self.ends.message(8, rng),
                _ => random(rng, 300),
            };
            more.push(Sent::tcp(self.ends.up(), (1021, 988), &payload, rng));
        }
        for packet in more {
            packets.insert(rng.usize(..=packets.len()), packet);
        }
        packets
    }
}
