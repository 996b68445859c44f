//! What stands inside DTLS records: ciphertext, or plain bytes in a coat.

use proptest::prelude::*;

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, paths, report_of, tunnel, tunnel_from,
    verdict, verdict_on,
};
use crate::support::packets::{Ip, Link, TCP, UDP, dtls, lustre, noise, tcp, udp};

const DATA: u8 = 23;
const CONNECTION_ID: u8 = 25;
/// Where a capture begins that missed the handshake.
const MIDSTREAM: u64 = 1025;
/// Suites that keep no list of IANA.
const UNREGISTERED: u16 = 0xfafa;

/// What a NULL suite leaves of a message: itself, and a MAC.
fn coat(sequence: u64, text: &[u8]) -> Stored {
    let fragment = [text, &noise(sequence, 20)].concat();
    tunnel(&dtls::record(DATA, 1, sequence, &fragment))
}

fn coats(count: u64, text: impl Fn(u64) -> Vec<u8>) -> Vec<Stored> {
    let sequences = MIDSTREAM..MIDSTREAM + count;
    sequences.map(|n| coat(n, &text(n))).collect()
}

/// A line of a log, `len` bytes of it.
fn text(sequence: u64, len: usize) -> Vec<u8> {
    let line = format!("{sequence}: the quick brown fox jumps over the lazy dog; ");
    line.bytes().cycle().take(len).collect()
}

/// Holds records to plaintext, also where some or all are seen again.
fn assert_plaintext(records: &[Stored]) {
    let again = |every: usize| {
        let repeated = records.iter().step_by(every);
        [records, &repeated.cloned().collect::<Vec<_>>()].concat()
    };
    assert_eq!(verdict_on(records), "plaintext");
    assert_eq!(verdict_on(&again(16)), "plaintext");
    assert_eq!(verdict_on(&again(1)), "plaintext");
}

#[test]
fn lustre_inside_a_coat_is_plaintext() {
    assert_plaintext(&coats(8, |n| {
        let message = lustre::put(CLIENT.into(), SERVER.into(), 28, &noise(n, 200));
        [noise(n, 8), message].concat()
    }));
}

#[test]
fn ethernet_and_ip_inside_a_coat_are_plaintext() {
    assert_plaintext(&coats(1, |n| {
        let ip = Ip::v4([172, 16, 0, 1], [172, 16, 0, 2]);
        Link::Ethernet.frame(&ip.packet(TCP, &tcp(40_000, 443, &noise(n, 300))))
    }));
}

#[test]
fn text_inside_a_coat_is_plaintext() {
    assert_plaintext(&coats(95, |n| text(n, 200)));
}

#[test]
fn short_text_inside_a_coat_is_plaintext() {
    assert_plaintext(&coats(600, |n| text(n, 20)));
}

#[test]
fn the_same_text_inside_all_coats_is_plaintext() {
    assert_plaintext(&coats(95, |_| text(0, 200)));
}

#[test]
fn a_suite_of_another_session_does_not_encrypt_text() {
    let mut packets = vec![tunnel(&dtls::server_hello(0, dtls::AZURE))];
    packets.extend((0..95).map(|n| tunnel(&dtls::protected(n, 300))));
    packets.extend(coats(95, |n| text(n, 200)));
    assert_ne!(verdict_on(&packets), "encrypted");
    packets.drain(1..96);
    assert_ne!(verdict_on(&packets), "encrypted");
}

#[test]
fn an_unregistered_suite_over_text_is_plaintext() {
    let mut packets = vec![tunnel(&dtls::server_hello(0, UNREGISTERED))];
    packets.extend(coats(95, |n| text(n, 200)));
    assert_eq!(verdict_on(&packets), "plaintext");
}

#[test]
fn a_ciphertext_seen_again_stays_encrypted() {
    for others in [0, 10, 200] {
        for times in [49, 1000] {
            let first = MIDSTREAM + 1..MIDSTREAM + 1 + others;
            let mut packets: Vec<Stored> =
                first.map(|n| tunnel(&dtls::protected(n, 300))).collect();
            let again = tunnel(&dtls::protected(MIDSTREAM, 300));
            packets.extend(vec![again; times]);
            assert_eq!(verdict_on(&packets), "encrypted", "{others}, {times}");
        }
    }
}

#[test]
fn two_records_with_connection_ids_are_encrypted() {
    let record = |sequence: u64, len: usize| {
        let mut bytes = dtls::record(CONNECTION_ID, 1, sequence, &noise(sequence, len));
        bytes.splice(11..11, *b"\x07ourid\xc3\x10");
        bytes
    };
    let datagram = |n: u64| tunnel(&[record(n, 240), record(n + 1, 90)].concat());
    let packets: Vec<Stored> = (0..40).step_by(2).map(datagram).collect();
    let report = report_of(&packets, &BLOCK);
    assert_eq!(verdict(&report), "encrypted");
    assert_eq!(paths(&report)[0]["dtls"]["records"], 40);
    assert_eq!(in_bucket(&report, "paths"), 20);
}

#[test]
fn flows_that_are_not_kept_apart_are_never_encrypted() {
    for port in 40_000..40_008 {
        let flow = |port: u16, suite: u16| {
            let hello = tunnel_from(port, &dtls::server_hello(0, suite));
            let data = (1..40).map(move |n| tunnel_from(port, &dtls::protected(n, 200)));
            std::iter::once(hello).chain(data)
        };
        let null = flow(port, dtls::NULL);
        let packets: Vec<Stored> = null.chain(flow(port + 100, dtls::AZURE)).collect();
        for flows in ["0", "1"] {
            let flags = [&BLOCK[..], &["--max-flows", flows]].concat();
            assert_ne!(verdict(&report_of(&packets, &flags)), "encrypted");
        }
    }
}

#[test]
fn a_path_of_flows_that_are_not_kept_apart_says_so() {
    let data = |server: u8, n: u64| {
        let ip = Ip::v4(CLIENT, [10, 20, 2, server]);
        ethernet(&ip.packet(UDP, &udp(40_000, 11_443, &dtls::protected(n, 200))))
    };
    let packets: Vec<Stored> = (5..8)
        .flat_map(|to| (0..20).map(move |n| data(to, n)))
        .collect();
    let report = report_of(&packets, &[&BLOCK[..], &["--max-flows", "1"]].concat());
    let summed = paths(&report)
        .iter()
        .filter(|path| path["verdict"] == "undetermined");
    let says: Vec<_> = summed.map(|path| &path["proof"][0]["says"]).collect();
    assert!(!says.is_empty());
    for said in says {
        assert!(
            said.as_str()
                .is_some_and(|said| said.contains("--max-flows")),
            "{said}"
        );
    }
}

/// Bytes of protected records that tell a cipher, nonces and tags included.
const ENOUGH_LEN: usize = 4096;

/// Fragments as ciphers make them.
#[derive(Clone, Copy, Debug)]
enum Cipher {
    /// A nonce that counts, ciphertext, and a tag.
    Gcm,
    /// A random vector, and whole blocks.
    Cbc,
    /// Ciphertext and a tag.
    ChaCha,
}

impl Cipher {
    fn fragment(self, sequence: u64, rng: &mut fastrand::Rng) -> Vec<u8> {
        let (nonce, len) = match self {
            Self::Gcm => (
                (1 << 48 | sequence).to_be_bytes().to_vec(),
                rng.usize(17..400),
            ),
            Self::Cbc => (Vec::new(), 16 * rng.usize(3..25)),
            Self::ChaCha => (Vec::new(), rng.usize(17..400)),
        };
        let random = std::iter::repeat_with(|| rng.u8(..)).take(len).collect();
        [nonce, random].concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn random_records_are_never_plaintext(
        seed in any::<u64>(),
        cipher in prop::sample::select(vec![Cipher::Gcm, Cipher::Cbc, Cipher::ChaCha]),
        clients in 1_u8..40,
        records in 1_u64..120,
    ) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut packets = Vec::new();
        let mut lens = vec![0; usize::from(clients)];
        for client in 1..=clients {
            let first = rng.u64(0..1 << 20);
            for sequence in first..first + records {
                let fragment = cipher.fragment(sequence, &mut rng);
                lens[usize::from(client) - 1] += fragment.len();
                let record = dtls::record(DATA, 1, sequence, &fragment);
                let ip = Ip::v4([10, 20, 1, client], SERVER);
                packets.push(ethernet(&ip.packet(UDP, &udp(40_000, 11_443, &record))));
            }
        }
        let report = report_of(&packets, &BLOCK);
        prop_assert_eq!(paths(&report).len(), usize::from(clients));
        for (path, len) in paths(&report).iter().zip(lens) {
            let enough = len >= ENOUGH_LEN;
            let allowed: &[&str] = if enough { &["encrypted"] } else { &["encrypted", "undetermined"] };
            let verdict = path["verdict"].as_str().expect("a word");
            prop_assert!(allowed.contains(&verdict), "{verdict} of {len} bytes");
        }
    }
}
