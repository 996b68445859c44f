//! Law 6: encrypted is a proof. Whole scenarios, whose truth is known from their making, are
//! cut, split, spread, wrapped and copied; no path that leaks is ever called encrypted, and
//! none that does not is called anything worse than undetermined.

use std::collections::BTreeMap;

use fastrand::Rng;
use openssl::symm::{Cipher, encrypt_aead};
use plainsight::engine::Engine;
use plainsight::verdict::Servers;
use serde_json::Value;

use super::support::packets::{self, Around, Ip, Link, TCP, UDP, dtls, lustre, tcp, udp};
use super::support::run::{self, Stored};

/// Scenarios of a run; more by `PLAINSIGHT_SCENARIOS`.
const SCENARIOS: u64 = 10_000;

/// Suite that no registry lists.
const UNASSIGNED: u16 = 0x1234;
/// `TLS_SHA256_SHA256`, which protects integrity alone (RFC 9150).
const INTEGRITY: u16 = 0xc0b4;

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

    fn plain(self, len: usize, rng: &mut Rng) -> Vec<u8> {
        let cycle = |bytes: &[u8]| bytes.iter().copied().cycle().take(len).collect();
        let random = |rng: &mut Rng, len| -> Vec<u8> { (0..len).map(|_| rng.u8(..)).collect() };
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
                let segment = tcp(1021, 988, &random(rng, len));
                let ip = Ip::v4(CLIENT, SERVERS[0]).packet(TCP, &segment);
                [random(rng, behind), ip].concat()
            }
            Self::Lustre(behind) => {
                let put = lustre::put(CLIENT.into(), SERVERS[0].into(), 6, &lustre::request(4));
                [random(rng, behind), put].concat()
            }
        }
    }
}

const CLIENT: [u8; 4] = [10, 20, 1, 4];
const SERVERS: [[u8; 4]; 2] = [[10, 20, 2, 5], [10, 20, 2, 6]];

/// A DTLS session on the path, from its hello on.
#[derive(Clone, Debug)]
struct Session {
    /// Suite of the hello; `None` where it was not captured.
    suite: Option<u16>,
    records: u64,
    content: Content,
    /// One record in so many has that content; the others are ciphertext.
    one_in: u64,
    epoch: u16,
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
        let content = if rng.u8(..4) == 0 {
            Content::any(rng)
        } else {
            Content::Ciphertext
        };
        Self {
            suite,
            records: rng.u64(1..24),
            content,
            one_in: rng.u64(1..5),
            epoch: if rng.u8(..6) == 0 { 2 } else { 1 },
        }
    }

    /// Whether an attacker could read any of it.
    fn leaks(&self) -> bool {
        let reads = self.content != Content::Ciphertext;
        reads || matches!(self.suite, Some(dtls::NULL | UNASSIGNED | INTEGRITY))
    }

    fn datagrams(&self, rng: &mut Rng) -> Vec<Vec<u8>> {
        let key: [u8; 32] = std::array::from_fn(|_| rng.u8(..));
        let hello = self
            .suite
            .map(|suite| dtls::server_hello(rng.u64(..1 << 40), suite));
        let hello = hello.into_iter();
        // Epoch 1 comes before epoch 2, with records of its own.
        let before = (self.epoch > 1).then(|| protected(1, 1, &key, Content::Ciphertext, rng));
        let records = (0..self.records).map(|n| {
            let content = if n % self.one_in == 0 {
                self.content
            } else {
                Content::Ciphertext
            };
            protected(self.epoch, n + 1, &key, content, rng)
        });
        let records: Vec<_> = records.collect();
        hello.chain(before).chain(records).collect()
    }
}

/// A record of application data: AES-256-GCM output, or what should have been.
fn protected(epoch: u16, sequence: u64, key: &[u8], content: Content, rng: &mut Rng) -> Vec<u8> {
    let len = rng.usize(200..900);
    let plain = content.plain(len, rng);
    let nonce = (u64::from(epoch) << 48 | sequence).to_be_bytes();
    let fragment = if content == Content::Ciphertext {
        let iv = [&[7; 4][..], &nonce].concat();
        let mut tag = [0; 16];
        let sealed = encrypt_aead(Cipher::aes_256_gcm(), key, Some(&iv), &[], &plain, &mut tag);
        [&nonce[..], &sealed.expect("a cipher"), &tag].concat()
    } else {
        plain
    };
    dtls::record(23, epoch, sequence, &fragment)
}

/// All that goes on one path.
#[derive(Clone, Debug)]
struct Plan {
    server: [u8; 4],
    sessions: Vec<Session>,
    readable: u64,
}

impl Plan {
    fn any(server: [u8; 4], rng: &mut Rng) -> Self {
        let sessions = rng.usize(0..4);
        Self {
            server,
            sessions: (0..sessions).map(|_| Session::any(rng)).collect(),
            readable: if rng.u8(..4) == 0 { rng.u64(1..5) } else { 0 },
        }
    }

    fn leaks(&self) -> bool {
        self.readable > 0 || self.sessions.iter().any(Session::leaks)
    }

    /// Whether all that a proof asks for was sent: then it is encrypted.
    fn is_proven(&self) -> bool {
        let azure = |session: &Session| session.suite == Some(dtls::AZURE) && session.epoch == 1;
        !self.leaks() && !self.sessions.is_empty() && self.sessions.iter().all(azure)
    }

    /// IP packets, in order.
    fn packets(&self, rng: &mut Rng) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for session in &self.sessions {
            for datagram in session.datagrams(rng) {
                // The server's hello comes from the server, and with it all of one direction.
                let ip = Ip::v4(self.server, CLIENT);
                packets.push(ip.packet(UDP, &udp(11_443, 40_001, &datagram)));
            }
        }
        for n in 0..self.readable {
            let ip = Ip::v4(CLIENT, self.server);
            let payload = match n % 2 {
                0 => lustre::put(CLIENT.into(), self.server.into(), 6, &lustre::request(4)),
                _ => packets::noise(n, 300),
            };
            let at = rng.usize(..=packets.len());
            packets.insert(at, ip.packet(TCP, &tcp(1021, 988, &payload)));
        }
        packets
    }
}

/// Transformation of a capture that adds nothing to what it proves.
#[derive(Clone, Copy, Debug)]
enum Change {
    None,
    Cut(usize),
    /// Spread over two interfaces, packet by packet.
    Spread,
    /// Seen on both interfaces.
    Doubled,
    Wrapped(Around),
}

impl Change {
    fn any(rng: &mut Rng) -> Self {
        match rng.u8(..5) {
            0 => Self::Cut(rng.usize(14..400)),
            1 => Self::Spread,
            2 => Self::Doubled,
            3 => Self::Wrapped(Around::ALL[rng.usize(..Around::ALL.len())]),
            _ => Self::None,
        }
    }

    fn frames(self, packets: &[Vec<u8>], rng: &mut Rng) -> Vec<Stored> {
        packets
            .iter()
            .flat_map(|packet| self.frame(packet, rng))
            .collect()
    }

    fn frame(self, packet: &[u8], rng: &mut Rng) -> Vec<Stored> {
        let ethernet = |packet: &[u8]| {
            Stored::whole(Link::Ethernet.number(false), Link::Ethernet.frame(packet))
        };
        let frame = ethernet(packet);
        let on = |interface| Stored {
            interface,
            ..frame.clone()
        };
        match self {
            Self::None => vec![frame],
            Self::Cut(len) => vec![frame.cut(len)],
            Self::Spread => vec![on(rng.u32(..2))],
            Self::Doubled => vec![on(0), on(1)],
            Self::Wrapped(around) => vec![ethernet(&around.packet(packet))],
        }
    }
}

/// Verdicts of a report, by server.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let paths = report["paths"].as_array().expect("paths").iter();
    paths
        .map(|path| (text(&path["server"]), text(&path["verdict"])))
        .collect()
}

/// Terms on which every server may be seen or not.
fn engine() -> Engine {
    let mut servers = Servers::default();
    servers.add_list("10.20.2.0/24").expect("a block");
    Engine {
        servers,
        ..run::engine(1000)
    }
}

fn name(server: [u8; 4]) -> String {
    std::net::Ipv4Addr::from(server).to_string()
}

/// A scenario, and the frames of a capture of it.
fn scenario(seed: u64) -> ([Plan; 2], Change, Vec<Stored>) {
    let mut rng = Rng::with_seed(seed);
    let plans = SERVERS.map(|server| Plan::any(server, &mut rng));
    let change = Change::any(&mut rng);
    let packets: Vec<Vec<u8>> = plans
        .iter()
        .flat_map(|plan| plan.packets(&mut rng))
        .collect();
    let frames = change.frames(&packets, &mut rng);
    (plans, change, frames)
}

/// Frames of a capture of a scenario.
pub fn frames(seed: u64) -> Vec<Stored> {
    scenario(seed).2
}

fn check(seed: u64) {
    let (plans, change, frames) = scenario(seed);
    let engine = engine();
    let report = run::report(run::counted(&frames, &engine), &engine);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    run::assert_sums(&report, &frames);
    let (verdicts, exit) = (verdicts(&report), &report["summary"]["exit_code"]);
    let context = || format!("seed {seed}, {change:?}, {plans:#?}\n{verdicts:?}, exit {exit}");
    let leaks = plans.iter().any(Plan::leaks);
    assert!(!leaks || exit != 0, "{}", context());
    // Without addresses and ports a packet is of no path.
    let is_told = !matches!(change, Change::Cut(len) if len < 60);
    for plan in &plans {
        let verdict = verdicts.get(&name(plan.server)).map(String::as_str);
        if plan.leaks() && is_told {
            assert_ne!(verdict, Some("encrypted"), "{}", context());
        }
        if !plan.leaks() {
            let fair = [None, Some("encrypted"), Some("undetermined")];
            assert!(fair.contains(&verdict), "{}", context());
        }
        if plan.is_proven() && !matches!(change, Change::Cut(_)) {
            assert_eq!(verdict, Some("encrypted"), "{}", context());
        }
    }
}

#[test]
fn no_scenario_that_leaks_is_encrypted() {
    let wanted = std::env::var("PLAINSIGHT_SCENARIOS").ok();
    let count = wanted.map_or(SCENARIOS, |count| count.parse().expect("a number"));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in (0..).take(threads) {
            scope.spawn(move || (thread..count).step_by(threads).for_each(check));
        }
    });
}
