//! Sessions: which hello is in charge of which records, and what each session shows.

use crate::support::packets::{self, Ip, Link, TCP, UDP, dtls, noise, tcp, udp};
use serde_json::Value;

use super::run::{
    BLOCK, CLIENT, SERVER, Stored, ethernet, in_bucket, packets as packets_in, path, pcap, report,
    report_of, tunnel, verdict, verdict_on,
};

const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
/// A number that IANA has given to no suite.
const UNASSIGNED: u16 = 0xfafa;
/// `TLS_SHA256_SHA256` (RFC 9150).
const INTEGRITY_ONLY: u16 = 0xc0b4;

/// What a server says, at a second.
fn said(second: u32, payload: &[u8]) -> Stored {
    let ip = Ip::v4(SERVER, CLIENT);
    ethernet(&ip.packet(UDP, &udp(11_443, 40_000, payload))).at(second)
}

fn hello(second: u32, suite: u16) -> Stored {
    said(second, &dtls::server_hello(second.into(), suite))
}

/// Records of an epoch, one a second.
fn data(seconds: std::ops::Range<u32>, epoch: u16) -> impl Iterator<Item = Stored> {
    seconds.map(move |second| {
        let fragment = noise(second.into(), 200);
        tunnel(&dtls::record(DATA, epoch, second.into(), &fragment)).at(second)
    })
}

fn class(report: &Value, class: &str) -> u64 {
    packets_in(&path(report)["traffic"][class])
}

#[test]
fn each_hello_is_in_charge_of_the_records_behind_it() {
    for (first, second) in [(dtls::AZURE, dtls::NULL), (dtls::NULL, dtls::AZURE)] {
        let mut all = vec![hello(1, first)];
        all.extend(data(10..30, 1));
        all.push(hello(40, second));
        all.extend(data(50..55, 1));
        let report = report_of(&all, &BLOCK);
        assert_eq!(verdict(&report), "mixed");
        let sizes = if first == dtls::AZURE {
            (20, 5)
        } else {
            (5, 20)
        };
        let told = (class(&report, "encrypted"), class(&report, "plaintext"));
        assert_eq!(told, sizes);
    }
}

#[test]
fn a_record_as_old_as_a_hello_is_as_bad_as_the_worse() {
    let mut all = vec![hello(1, dtls::NULL)];
    all.extend(data(10..30, 1));
    all.push(hello(40, dtls::AZURE));
    all.extend(data(40..41, 1));
    assert_eq!(verdict_on(&all), "plaintext");
}

#[test]
fn the_hello_sent_again_begins_no_session() {
    let mut all = vec![hello(1, dtls::AZURE), hello(1, dtls::AZURE).at(3)];
    all.extend(data(10..12, 1));
    all.push(hello(1, dtls::AZURE).at(20));
    all.extend(data(21..23, 1));
    let report = report_of(&all, &BLOCK);
    assert_eq!(class(&report, "encrypted"), 4);
    // From 12 to 20.
    assert_eq!(path(&report)["dtls"]["missing"], 9);
}

#[test]
fn records_that_no_cipher_protects_are_plaintext() {
    for suite in [dtls::NULL, INTEGRITY_ONLY, UNASSIGNED] {
        let mut all = vec![hello(1, suite)];
        all.extend(data(10..20, 1));
        let report = report_of(&all, &BLOCK);
        assert_eq!(verdict(&report), "plaintext", "{suite:#06x}");
        let text = path(&report)["evidence"].to_string();
        assert!(!text.contains("no ServerHello was captured"), "{text}");
    }
}

/// A `ServerHello`, as its fragments in two records.
fn fragmented(suite: u16) -> [Vec<u8>; 2] {
    let fragments = dtls::fragments(&dtls::server_hello(7, suite), 20);
    fragments.try_into().expect("two fragments")
}

#[test]
fn a_hello_in_fragments_is_put_together() {
    for suite in [dtls::AES_128, dtls::NULL] {
        let [first, second] = fragmented(suite);
        let whole = verdict_on(&[vec![hello(1, suite)], data(10..20, 1).collect()].concat());
        for (one, two) in [(&first, &second), (&second, &first)] {
            let mut apart = vec![said(1, one), said(2, two)];
            apart.extend(data(10..20, 1));
            assert_eq!(verdict_on(&apart), whole);
            let mut together = vec![said(1, &[&one[..], two].concat())];
            together.extend(data(10..20, 1));
            assert_eq!(verdict_on(&together), whole);
            // The second fragment in another file.
            let files = [&apart[..1], &apart[1..]].map(|part| pcap(1, part));
            assert_eq!(verdict(&report(&files, &BLOCK)), whole);
        }
    }
}

/// The rest of a hello that was lost is not made up from the next one.
#[test]
fn the_end_of_another_hello_is_none_of_a_session_with_records() {
    let [begun, _] = fragmented(dtls::NULL);
    let [_, ended] = fragmented(dtls::AZURE);
    let mut all = vec![said(1, &begun)];
    all.extend(data(10..20, 1));
    all.push(said(30, &ended));
    assert_eq!(verdict_on(&all), "undetermined");
}

/// Records before a hello that is in fragments are as bad as before one that is whole.
#[test]
fn a_hello_in_fragments_is_in_charge_of_what_overtook_it() {
    let [first, second] = fragmented(dtls::NULL);
    let after = || data(10..20, 1);
    let mut whole = vec![tunnel(&dtls::protected(99, 200)).at(1)];
    let mut apart = whole.clone();
    whole.push(hello(1, dtls::NULL));
    apart.extend([said(1, &first), said(1, &second)]);
    let [whole, apart] =
        [whole, apart].map(|all| verdict_on(&all.into_iter().chain(after()).collect::<Vec<_>>()));
    assert_eq!(whole, "plaintext");
    assert_eq!(apart, whole);
}

#[test]
fn a_connection_id_behind_a_hello_is_read() {
    let mut with_id = dtls::record(25, 1, 0, &noise(1, 48));
    with_id.splice(11..11, *b"\x07ourid\xc3\x10");
    let change = dtls::record(20, 0, 1, &[1]);
    let flight = [dtls::server_hello(0, dtls::AZURE), change, with_id].concat();
    let report = report_of(&[said(1, &flight)], &BLOCK);
    assert_eq!(in_bucket(&report, "other"), 0);
    assert_eq!(path(&report)["dtls"]["handshake_seen"], true);
    assert_eq!(path(&report)["dtls"]["records"], 3);
}

#[test]
fn a_readable_record_counts_in_whichever_packet_it_stands() {
    let inner =
        Ip::v4([172, 16, 0, 1], [172, 16, 0, 2]).packet(TCP, &tcp(40_000, 443, &noise(1, 90)));
    let coat = dtls::record(DATA, 1, 9, &[&inner[..], &noise(2, 20)].concat());
    let behind = dtls::record(DATA, 1, 10, &noise(3, 400));
    let cut = tunnel(&[&coat[..], &behind].concat());
    let cut = cut.clone().cut(42 + coat.len() + 5);
    let change = tunnel(&[dtls::record(20, 0, 1, &[1]), coat].concat());
    for packet in [cut, change] {
        let mut all: Vec<Stored> = data(10..30, 1).collect();
        all.insert(0, hello(1, dtls::AZURE));
        all.push(packet.at(40));
        assert!(["plaintext", "mixed"].contains(&verdict_on(&all).as_str()));
    }
}

/// Clear content of 1.5 kB, in one record or in small ones.
fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let repeat = |text: &[u8]| text.iter().copied().cycle().take(1500).collect::<Vec<u8>>();
    let utf16 = |text: &str| -> Vec<u8> {
        repeat(
            &text
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<u8>>(),
        )
    };
    let chinese =
        "床前明月光疑是地上霜举头望明月低头思故乡白日依山尽黄河入海流欲穷千里目更上一层楼";
    vec![
        (
            "German",
            repeat("Straße nach München – geheime Kundendaten: ".as_bytes()),
        ),
        (
            "Russian",
            repeat("Съешь же ещё этих мягких французских булок, да выпей чаю. ".as_bytes()),
        ),
        ("Chinese", repeat(chinese.as_bytes())),
        (
            "UTF-16",
            utf16("Съешь же ещё этих мягких французских булок"),
        ),
        ("UTF-16 in Chinese", utf16(chinese)),
        (
            "base64",
            repeat(b"TWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsuIFRoZSBxdWljayBicm93biBmb3g"),
        ),
        ("ff", vec![0xff; 1500]),
        ("zeros", vec![0; 1500]),
        ("a count", (0..=u8::MAX).cycle().take(1500).collect()),
        ("a random pattern", repeat(&noise(1, 300))),
    ]
}

#[test]
fn clear_content_is_found_behind_a_good_hello_and_without() {
    for (name, content) in contents() {
        for (len, hellos) in [(1500, 1), (1500, 0), (40, 1), (40, 0)] {
            let chunks = (10..).zip(content.chunks(len));
            let records = chunks.map(|(n, chunk)| {
                let fragment = [&noise(n, 8)[..], chunk].concat();
                tunnel(&dtls::record(DATA, 1, n, &fragment)).at(9)
            });
            let mut all = vec![hello(1, dtls::AZURE); hellos];
            all.extend(records);
            assert_eq!(verdict_on(&all), "plaintext", "{name} by {len}, {hellos}");
        }
    }
}

#[test]
fn ip_is_found_behind_any_header_of_up_to_64_bytes() {
    let inner =
        Ip::v4([172, 16, 0, 1], [172, 16, 0, 2]).packet(TCP, &tcp(40_000, 443, &noise(1, 90)));
    let vlan = Link::Ethernet.frame(&inner).len() - inner.len() + 4;
    for header in [0, 4, 8, vlan, 50, 57, 64] {
        // Behind what stands in a nonce's place, and without it.
        for nonce in [0, 8] {
            let fragment = [&noise(5, nonce + header)[..], &inner, &noise(2, 20)].concat();
            let coat = tunnel(&dtls::record(DATA, 1, 9, &fragment)).at(2);
            assert_eq!(
                verdict_on(&[hello(1, dtls::AZURE), coat]),
                "plaintext",
                "{nonce} and {header}"
            );
        }
    }
}

/// In a record that was cut, and where its sender left the checksum to hardware.
#[test]
fn ip_version_6_is_found_without_its_checksum() {
    let ends = ["fd00::4", "fd00::5"].map(|end| end.parse().unwrap());
    let content = noise(1, 500);
    let segments = [
        (UDP, udp(40_000, 443, &content)),
        (TCP, tcp(40_000, 443, &content)),
    ];
    for (protocol, segment) in segments {
        let inner = Ip::between(ends[0], ends[1]).packet(protocol, &segment);
        for header in [0, 8, 30, 72] {
            let fragment = [&noise(5, header)[..], &inner, &noise(2, 20)].concat();
            let coat = tunnel(&dtls::record(DATA, 1, 9, &fragment)).at(2);
            for coat in [coat.clone(), coat.cut(256)] {
                let verdict = verdict_on(&[hello(1, dtls::AZURE), coat]);
                assert_eq!(verdict, "plaintext", "{protocol} behind {header}");
            }
        }
    }
}

#[test]
fn records_cut_before_what_they_may_hold_are_undetermined() {
    for captured in [60, 72, 100, 135] {
        let mut all = vec![hello(1, dtls::AZURE)];
        all.extend(data(10..40, 1).map(|packet| packet.cut(42 + 13 + captured)));
        assert_eq!(verdict_on(&all), "undetermined", "{captured}");
    }
    let mut all = vec![hello(1, dtls::AZURE)];
    all.extend(data(10..40, 1).map(|packet| packet.cut(42 + 13 + 136)));
    assert_eq!(verdict_on(&all), "encrypted");
}

#[test]
fn one_record_in_twenty_that_repeats_is_found() {
    for period in [1, 3, 16, 64, 100, 104] {
        let mut all = vec![hello(1, dtls::AZURE)];
        all.extend((10..200).map(|n| {
            let content = if n % 20 == 0 {
                noise(n, period)
                    .repeat(100)
                    .split_off(100 * period - period - 92)
            } else {
                noise(n, period + 92)
            };
            let fragment = [&noise(n, 8)[..], &content].concat();
            tunnel(&dtls::record(DATA, 1, n, &fragment)).at(2)
        }));
        let verdict = verdict_on(&all);
        assert!(
            ["plaintext", "mixed"].contains(&verdict.as_str()),
            "{period}: {verdict}"
        );
    }
}

#[test]
fn one_readable_record_in_ten_of_a_later_epoch_is_found() {
    let mut all = vec![hello(1, dtls::AZURE)];
    all.extend(data(10..110, 1));
    all.extend((200..300).map(|n| {
        let text = b"the quick brown fox jumps over the lazy dog; ".repeat(4);
        let content = if n % 10 == 0 { text } else { noise(n, 180) };
        let fragment = [&noise(n, 8)[..], &content].concat();
        tunnel(&dtls::record(DATA, 2, n, &fragment)).at(200)
    }));
    assert_eq!(verdict_on(&all), "mixed");
}

#[test]
fn clear_data_before_a_cut_is_not_guessed() {
    let clear = dtls::clear_data(1, &noise(1, 90));
    let whole = tunnel(&[&clear[..], b"and no record at all"].concat());
    let report = report_of(&[whole.clone().cut(42 + clear.len())], &BLOCK);
    assert_eq!(class(&report, "plaintext"), 0);
}

#[test]
fn records_of_dtls_1_3_are_seen() {
    let record = |sequence: u16| {
        let mut record = vec![0x2e];
        record.extend(sequence.to_be_bytes());
        record.extend([0, 60]);
        record.extend(noise(sequence.into(), 60));
        record
    };
    let two = tunnel(&[record(1), record(2)].concat());
    assert_eq!(verdict_on(&[two]), "undetermined");
}

#[test]
fn the_pre_standard_version_is_named_and_is_no_better_than_weak() {
    let pre_standard = |packet: Stored| {
        let mut packet = packet;
        packet.data[43..45].copy_from_slice(&[1, 0]);
        packet
    };
    let all: Vec<Stored> = data(10..30, 1).map(pre_standard).collect();
    let report = report_of(&all, &BLOCK);
    assert_eq!(verdict(&report), "weak");
    assert_eq!(
        path(&report)["dtls"]["versions"][0],
        "pre-standard (0x0100)"
    );
}

#[test]
fn a_hello_cut_before_its_suite_leaves_a_path_open() {
    let mut packets = vec![tunnel(&dtls::server_hello(0, dtls::AZURE))];
    packets.extend((1..20).map(|n| tunnel(&dtls::protected(n, 300))));
    assert_eq!(verdict_on(&packets), "encrypted");
    packets.push(tunnel(&dtls::server_hello(50, dtls::NULL)).cut(100));
    assert_eq!(verdict_on(&packets), "undetermined");
}

/// A handshake message of the client or the server, in the clear.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    dtls::record(HANDSHAKE, 0, 1, &framed(kind, body))
}

/// The same without a record.
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind], &len[1..], &[0, 0, 0, 0, 0], &len[1..], body].concat()
}

/// A `ServerHello` of Azure's suite with a method of compression.
fn compressing(method: u8) -> Vec<u8> {
    let mut body = dtls::V1_2.to_be_bytes().to_vec();
    body.extend(noise(1, 32));
    body.push(0);
    body.extend(dtls::AZURE.to_be_bytes());
    body.push(method);
    message(2, &body)
}

#[test]
fn a_session_that_compresses_is_weak() {
    for (method, expected) in [(0, "encrypted"), (1, "weak"), (64, "weak"), (200, "weak")] {
        let mut all = vec![said(1, &compressing(method))];
        all.extend(data(10..30, 1));
        assert_eq!(verdict_on(&all), expected, "{method}");
    }
}

/// A `ClientHello` with these suites, its session id, and its extensions.
fn offer(suites: &[u16], id: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut body = dtls::V1_2.to_be_bytes().to_vec();
    body.extend(noise(1, 32));
    body.push(u8::try_from(id.len()).unwrap());
    body.extend(id);
    body.push(0);
    body.extend(u16::try_from(2 * suites.len()).unwrap().to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend(extensions);
    message(1, &body)
}

/// A client that can do no better than NULL gets nothing better.
#[test]
fn an_offer_of_null_suites_alone_is_no_secret() {
    const SIGNAL: u16 = 0x00ff;
    for (suites, expected) in [
        (&[dtls::NULL][..], "mixed"),
        (&[dtls::NULL, INTEGRITY_ONLY, SIGNAL], "mixed"),
        (&[dtls::NULL, dtls::AZURE], "encrypted"),
        (&[dtls::AZURE, SIGNAL], "encrypted"),
    ] {
        let offer = offer(suites, &[], &[]);
        let mut fragments = dtls::fragments(&offer, 30);
        let whole = vec![offer];
        let apart = fragments.clone();
        fragments.reverse();
        for offer in [whole, apart, fragments] {
            let mut all: Vec<_> = offer.iter().map(|it| tunnel(it).at(1)).collect();
            all.extend(data(10..30, 1));
            assert_eq!(verdict_on(&all), expected, "{suites:x?}");
        }
    }
}

#[test]
fn an_offer_that_cannot_be_read_leaves_a_path_open() {
    let offer = offer(&[dtls::AZURE], &[], &[]);
    let begun = tunnel(&dtls::fragments(&offer, 30)[0]).at(1);
    let cut = tunnel(&offer).at(1).cut(90);
    for offer in [begun, cut] {
        let mut all = vec![offer];
        all.extend(data(10..30, 1));
        all.insert(1, hello(2, dtls::AZURE));
        assert_eq!(verdict_on(&all), "undetermined");
    }
    // The suites that encrypt stand before the cut.
    let offer = tunnel(&self::offer(&[dtls::AZURE; 40], &[], &[])).at(1);
    let all: Vec<_> = [offer.cut(130)]
        .into_iter()
        .chain(data(10..30, 1))
        .collect();
    assert_eq!(verdict_on(&all), "encrypted");
}

/// A message that can be read in a protected record, alone or behind a change of cipher.
#[test]
fn a_handshake_that_can_be_read_under_protection_exposes_it() {
    let change = dtls::record(20, 0, 0, &[1]);
    for mac_len in [0, 16, 20, 32, 48] {
        for (kind, len) in [(20, 12), (1, 60), (2, 70), (0, 0)] {
            let readable = [framed(kind, &noise(9, len)), noise(8, mac_len)].concat();
            if readable.len() < 16 {
                continue;
            }
            let readable = dtls::record(HANDSHAKE, 1, 0, &readable);
            for before in [&[][..], &change] {
                let mut all = vec![tunnel(&[before, &readable].concat()).at(1)];
                all.extend(data(10..30, 1));
                let verdict = verdict_on(&all);
                assert!(
                    ["plaintext", "mixed"].contains(&&*verdict),
                    "{kind}: {verdict}"
                );
            }
        }
    }
    let mut hidden = vec![tunnel(&dtls::change_and_finished(1)).at(1)];
    hidden.extend(data(10..30, 1));
    assert_eq!(verdict_on(&hidden), "encrypted");
}

/// Sessions of a path of which none has bytes enough for a test.
#[test]
fn small_sessions_are_tested_together() {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let small = |is_base64: bool| -> Vec<Stored> {
        let session = |n: u32| {
            let random = noise((1000 + n).into(), 120);
            let content: Vec<u8> = if is_base64 {
                random
                    .iter()
                    .map(|byte| digits[usize::from(byte % 64)])
                    .collect()
            } else {
                random
            };
            // Pieces too short to be text by themselves.
            let piece = |piece: &[u8]| [piece, &[0x80 | piece[0]]].concat();
            let content = if is_base64 {
                content.chunks(50).flat_map(piece).collect()
            } else {
                content
            };
            let nonce = noise((2000 + n).into(), 8);
            let record = dtls::record(DATA, 1, 1, &[nonce, content].concat());
            [
                hello(100 * n + 1, dtls::AZURE),
                tunnel(&record).at(100 * n + 10),
            ]
        };
        (1..30).flat_map(session).collect()
    };
    assert_eq!(verdict_on(&small(false)), "encrypted");
    assert_eq!(verdict_on(&small(true)), "mixed");
}

#[test]
fn a_key_in_the_certificate_is_not_what_azure_promises() {
    /// `TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384`.
    const STATIC: u16 = 0xc02e;
    let mut all = vec![hello(1, STATIC)];
    all.extend(data(10..30, 1));
    assert_eq!(verdict_on(&all), "weak");
}

/// Text behind the first bytes of whole records, among bytes that a cipher makes.
#[test]
fn text_deep_in_records_is_found() {
    let text = "the quick brown fox signs the quarterly report. ".repeat(9);
    for before in [150, 400, 900] {
        let deep = (32..400_u32).map(|second| {
            let cipher = noise(second.into(), before);
            let fragment = [&cipher[..], &text.as_bytes()[..400], &noise(7, 90)].concat();
            tunnel(&dtls::record(DATA, 1, second.into(), &fragment)).at(second)
        });
        let all: Vec<Stored> = [hello(1, dtls::AZURE)].into_iter().chain(deep).collect();
        assert_ne!(verdict_on(&all), "encrypted", "{before}");
    }
}

/// What structure leaves to the sender can carry anything.
#[test]
fn hellos_and_certificates_carry_no_packets() {
    let lustre = packets::lustre::put(CLIENT.into(), SERVER.into(), 6, &[7; 64]);
    let text = "the quick brown fox signs the quarterly report. "
        .repeat(9)
        .into_bytes();
    let extension = |data: &[u8]| {
        let len = u16::try_from(data.len()).unwrap().to_be_bytes();
        let one = [&[0xfa, 0xfa], &len[..], data].concat();
        let len = u16::try_from(one.len()).unwrap().to_be_bytes();
        [&len[..], &one].concat()
    };
    let certificate = |inner: &[u8]| {
        let len = u16::try_from(inner.len()).unwrap().to_be_bytes();
        let der = [&[0x30, 0x82], &len[..], inner].concat();
        let entry = u32::try_from(der.len()).unwrap().to_be_bytes();
        let list = u32::try_from(der.len() + 3).unwrap().to_be_bytes();
        message(11, &[&list[1..], &entry[1..], &der].concat())
    };
    let is_fair = |payload: &[u8]| {
        let mut all = vec![hello(1, dtls::AZURE), tunnel(payload).at(2)];
        all.extend(data(10..30, 1));
        verdict_on(&all) == "encrypted"
    };
    for hidden in [&lustre[..], &text] {
        assert!(!is_fair(&offer(&[dtls::AZURE], &[], &extension(hidden))));
        assert!(!is_fair(&certificate(
            &[&noise(1, 300)[..], hidden, &noise(2, 300)].concat()
        )));
    }
    assert!(!is_fair(&offer(&[dtls::AZURE], &noise(3, 33), &[])));
    // Names are nobody's data: of a key, of a host, or the part of a certificate.
    for len in [64, 128] {
        let name = &text[..len];
        assert!(is_fair(&offer(
            &[dtls::AZURE],
            &noise(3, 32),
            &extension(name)
        )));
        let keys = [&u16::try_from(len).unwrap().to_be_bytes(), name].concat();
        assert!(is_fair(&message(16, &keys)));
        assert!(is_fair(&message(12, &keys)));
        let len = u32::try_from(len).unwrap().to_be_bytes();
        let part = [&[11, 0, 9, 0, 0, 0, 0, 1, 0], &len[1..], name].concat();
        assert!(is_fair(&dtls::record(HANDSHAKE, 0, 1, &part)));
        assert!(is_fair(&certificate(&[&noise(1, 300), name].concat())));
    }
    assert!(!is_fair(&message(16, &[&[1, 0], &text[..256]].concat())));
}

#[test]
fn a_handshake_that_begins_anew_and_gets_no_answer_leaves_the_suite_open() {
    let secret = b"user=root password=hunter2 export=/amlfs/home/alice";
    let behind = || tunnel(&dtls::record(DATA, 1, 900, secret)).at(60);
    let again = tunnel(&dtls::client_hello(100)).at(50);
    // The version and a cookie (RFC 6347 4.2.1).
    let cookie = [&[0xfe, 0xfd, 8][..], &noise(7, 8)].concat();
    let head = [3, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 11];
    let request = said(
        50,
        &dtls::record(HANDSHAKE, 0, 100, &[&head[..], &cookie].concat()),
    );
    for begun in [again, request] {
        let mut all = vec![hello(1, dtls::AZURE)];
        all.extend(data(10..40, 1));
        all.push(begun);
        assert_eq!(verdict_on(&all), "encrypted");
        all.push(behind());
        assert_eq!(verdict_on(&all), "undetermined");
        // The same in two captures.
        let halves = [&all[..20], &all[20..]].map(|half| pcap(1, half));
        assert_eq!(verdict(&report(&halves, &BLOCK)), "undetermined");
        all.insert(all.len() - 1, hello(55, dtls::AZURE));
        all.extend(data(61..80, 1));
        assert_eq!(verdict_on(&all), "encrypted");
    }
}

#[test]
fn records_before_the_only_hello_are_not_under_it_in_another_file() {
    let early = tunnel(&dtls::record(
        DATA,
        1,
        5,
        b"user=root password=hunter2 export=/amlfs/x",
    ))
    .at(1);
    let other = Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let mut late = vec![ethernet(&other.packet(UDP, &udp(123, 123, &noise(3, 48))))];
    late.push(hello(3600, dtls::AZURE));
    late.extend(data(3601..3640, 1));
    let report = report(&[pcap(1, &late), pcap(1, &[early])], &BLOCK);
    assert_eq!(verdict(&report), "undetermined");
}

#[test]
fn an_answer_parts_two_hellos_in_any_files() {
    let pieces = |seed| {
        let mut offer = dtls::client_hello_of(1, dtls::AES_128);
        // Another random: behind the record's header, the message's and the version.
        offer[27..59].copy_from_slice(&noise(seed, 32));
        dtls::fragments(&offer, 30)
    };
    let (one, two) = (pieces(41), pieces(42));
    let mut all = vec![tunnel(&one[0]), hello(1, dtls::AZURE)];
    all.extend(data(10..40, 1));
    all.extend(two[1..].iter().map(|piece| tunnel(piece).at(50)));
    let whole = report_of(&all, &BLOCK);
    assert_eq!(verdict(&whole), "undetermined");
    for cut in [1, 2, 20, all.len() - 1] {
        let (before, behind) = all.split_at(cut);
        let halves = report(&[pcap(1, before), pcap(1, behind)], &BLOCK);
        assert_eq!(verdict(&halves), "undetermined", "{cut}");
    }
}
