//! Each format, each variant of it, each fault.

use plainsight::capture::losses::{Drops, Missed};
use plainsight::capture::{Format, InterfaceId, LinkType, RECORD_LIMIT, Timestamp};

use super::{Outcome, read};
use crate::support::bytes::{
    MICROS, MODIFIED, NANOS, Order, block, enhanced, enhanced_with, enhanced_with_drops, interface,
    modified_record, obsolete, option, pcap_header, pcap_record, section, section_of_version,
    simple, statistics,
};

#[test]
fn formats_are_told_by_magic() {
    let name = |magic: [u8; 4]| Format::detect(&magic).map(|format| format.name());
    for order in Order::BOTH {
        for magic in [MICROS, NANOS, MODIFIED] {
            assert_eq!(name(order.u32(magic)), Some("pcap"));
        }
    }
    assert_eq!(name([0x0a, 0x0d, 0x0d, 0x0a]), Some("pcapng"));
    assert_eq!(name(*b"snoo"), None);
    assert_eq!(Format::detect(&[0xd4, 0xc3, 0xb2]), None);
}

#[test]
fn pcap_variants() {
    for order in Order::BOTH {
        for (magic, nanos_per_tick) in [(MICROS, 1_000), (NANOS, 1), (MODIFIED, 1_000)] {
            let record = match magic {
                MODIFIED => modified_record,
                _ => pcap_record,
            };
            let mut file = pcap_header(order, magic, 96, 1);
            file.extend(record(order, (7, 5), b"one", 60));
            file.extend(record(order, (u32::MAX, 999_999), b"three", 5));
            let outcome = read(&file);
            assert_eq!(outcome.fault, None);
            assert_eq!(outcome.interfaces, [""]);
            let [first, last] = &outcome.packets[..] else {
                panic!("two packets: {outcome:?}");
            };
            assert_eq!(
                first.time,
                Some(Timestamp(7_000_000_000 + 5 * nanos_per_tick))
            );
            assert_eq!((&first.data[..], first.wire_len), (&b"one"[..], 60));
            assert_eq!(first.link_type, LinkType::ETHERNET);
            let (seconds, fraction) = (i64::from(u32::MAX), 999_999);
            let time = Timestamp(seconds * 1_000_000_000 + fraction * nanos_per_tick);
            assert_eq!(last.time, Some(time));
            assert_eq!((&last.data[..], last.wire_len), (&b"three"[..], 5));
        }
    }
}

#[test]
fn pcap_link_type_is_16_bits() {
    let mut file = pcap_header(Order::Little, MICROS, 0, 0xf430_0114);
    file.extend(pcap_record(Order::Little, (0, 0), b"x", 1));
    assert_eq!(read(&file).packets[0].link_type, LinkType::LINUX_SLL2);
}

fn pcap_after_one(order: Order, snap_len: u32, bad: &[u8]) -> Outcome {
    let mut file = pcap_header(order, NANOS, snap_len, 1);
    file.extend(pcap_record(order, (1, 1), b"good", 4));
    file.extend(bad);
    let outcome = read(&file);
    assert_eq!(outcome.packets.len(), 1);
    outcome
}

#[test]
fn pcap_faults() {
    let at = 24 + 16 + 4;
    for order in Order::BOTH {
        let claim = |length: u32| order.words(&[0, 0, length, length]);
        for (snap_len, length, what) in [
            (
                96,
                262_144,
                "the file ends inside a packet record: 16 of 262160 bytes",
            ),
            (
                96,
                262_145,
                "a packet record claims 262145 bytes, more than the 262144 that one may have",
            ),
            (
                300_000,
                300_000,
                "the file ends inside a packet record: 16 of 300016 bytes",
            ),
            (
                300_000,
                300_001,
                "a packet record claims 300001 bytes, more than the 300000 that one may have",
            ),
            (
                u32::MAX,
                RECORD_LIMIT + 1,
                "a packet record claims 16777217 bytes, more than the 16777216 that one may have",
            ),
        ] {
            let outcome = pcap_after_one(order, snap_len, &claim(length));
            assert_eq!(outcome.fault(), Some((at, what)));
        }
        let outcome = pcap_after_one(order, 96, &claim(0)[..5]);
        let what = "the file ends inside a packet record header: 5 of 16 bytes";
        assert_eq!(outcome.fault(), Some((at, what)));
    }
}

#[test]
fn pcap_header_faults() {
    let header = pcap_header(Order::Big, NANOS, 96, 1);
    let outcome = read(&header[..23]);
    let what = "the file ends inside the file header: 23 of 24 bytes";
    assert_eq!(outcome.fault(), Some((0, what)));

    let mut other = header;
    other[5] = 3;
    let what = "pcap version 3.4 is not supported";
    assert_eq!(read(&other).fault(), Some((0, what)));
}

#[test]
fn pcapng_packet_blocks() {
    for order in Order::BOTH {
        let mut file = section(order);
        file.extend(interface(order, 1, 4, &[option(order, 2, b"eth0")]));
        file.extend(interface(order, 276, 0, &[option(order, 9, &[9])]));
        file.extend(enhanced(order, 0, 5, b"enhanced", 9));
        file.extend(obsolete(order, 1, 1 << 33, b"obsolete", 8));
        file.extend(block(order, 0x0bad, b"custom"));
        file.extend(simple(order, b"simple", 60));
        file.extend(simple(order, b"sim", 3));
        let outcome = read(&file);
        assert_eq!(outcome.fault, None);
        assert_eq!(outcome.interfaces, ["eth0", "interface 1"]);
        let told: Vec<_> = outcome
            .packets
            .iter()
            .map(|packet| {
                let data = str::from_utf8(&packet.data).expect("text");
                let time = packet.time.map(|time| time.0);
                (
                    packet.interface,
                    packet.link_type.0,
                    time,
                    data,
                    packet.wire_len,
                )
            })
            .collect();
        let (eth0, other) = (InterfaceId::of("eth0"), InterfaceId::of("interface 1"));
        let expected = [
            (eth0, 1, Some(5_000), "enhanced", 9),
            (other, 276, Some(1 << 33), "obsolete", 8),
            (eth0, 1, None, "simp", 60),
            (eth0, 1, None, "sim", 3),
        ];
        assert_eq!(told, expected);
    }
}

#[test]
fn pcapng_sections_stand_alone() {
    let (big, little) = (Order::Big, Order::Little);
    let mut file = section_of_version(big, 1, 2);
    file.extend(interface(
        big,
        1,
        0,
        &[option(big, 2, b"a\0"), option(big, 14, &big.i64(-2))],
    ));
    file.extend(enhanced(big, 0, 1, b"x", 1));
    file.extend(section(little));
    file.extend(interface(little, 101, 0, &[option(little, 2, b"b")]));
    file.extend(enhanced(little, 0, 1, b"y", 1));
    let second_end = file.len() as u64;
    file.extend(section(little));
    file.extend(enhanced(little, 0, 1, b"z", 1));
    let outcome = read(&file);
    assert_eq!(outcome.interfaces, ["a", "b"]);
    assert_eq!(
        outcome.packets[0].time,
        Some(Timestamp(1_000 - 2_000_000_000))
    );
    assert_eq!(outcome.packets[1].link_type, LinkType::RAW);
    let what = "a packet block names interface 0, and its section describes 0";
    assert_eq!(outcome.fault(), Some((second_end + 28, what)));
}

#[test]
fn pcapng_faults() {
    let order = Order::Little;
    let mut good = section(order);
    good.extend(interface(order, 1, 0, &[]));
    good.extend(enhanced(order, 0, 1, b"good", 4));
    let at = good.len() as u64;
    let after = |bad: &[u8]| read(&[&good, bad].concat());
    let changed = |mut block: Vec<u8>, at: usize, to: u32| {
        block[at..at + 4].copy_from_slice(&order.u32(to));
        block
    };
    let packet = || enhanced(order, 0, 1, b"bad!", 4);
    for (bad, what) in [
        (
            packet()[..11].to_vec(),
            "the file ends inside a block header: 11 of 12 bytes",
        ),
        (
            packet()[..35].to_vec(),
            "the file ends inside a packet block: 35 of 36 bytes",
        ),
        (
            changed(packet(), 4, 35),
            "a block claims 35 bytes, which no block can have",
        ),
        (
            changed(packet(), 4, 8),
            "a block claims 8 bytes, which no block can have",
        ),
        (
            changed(packet(), 4, RECORD_LIMIT + 4),
            "a packet block claims 16777220 bytes, more than the 16777216 that one may have",
        ),
        (
            changed(packet(), 32, 40),
            "a block claims 36 bytes at its start and 40 at its end",
        ),
        (
            changed(packet(), 8, 1),
            "a packet block names interface 1, and its section describes 1",
        ),
        (
            changed(packet(), 20, 5),
            "a packet block claims 5 captured bytes and has room for 4",
        ),
        (
            block(order, 6, &[0; 16]),
            "a packet block is too short for what it must hold",
        ),
        (
            block(order, 3, &[]),
            "a packet block is too short for what it must hold",
        ),
        (
            block(order, 1, &[0; 4]),
            "an interface description block is too short",
        ),
        (
            section_of_version(order, 2, 0),
            "pcapng version 2.0 is not supported",
        ),
        (
            changed(section(order), 8, 0),
            "a section header without a byte-order magic",
        ),
        (
            block(order, 0x0a0d_0d0a, &order.u32(0x1a2b_3c4d)),
            "a section header too short for its version",
        ),
        (
            changed(block(order, 5, b"statistics"), 20, 16),
            "a block claims 24 bytes at its start and 16 at its end",
        ),
        (
            order.words(&[0x0bad, 1 << 30, 0, 0]),
            "a block claims 1073741824 bytes, more than the 16777216 that one may have",
        ),
    ] {
        let outcome = after(&bad);
        assert_eq!(outcome.fault(), Some((at, what)));
        assert_eq!(outcome.packets.len(), 1);
    }
}

#[test]
fn pcapng_statistics_tell_what_was_missed() {
    for order in Order::BOTH {
        let begin = || {
            let mut file = section(order);
            file.extend(interface(order, 1, 0, &[]));
            file.extend(interface(order, 1, 0, &[]));
            file
        };
        let lost = |blocks: &[Vec<u8>]| read(&[begin(), blocks.concat()].concat()).lost;
        let block = |interface, dropped| statistics(order, interface, dropped);
        assert_eq!(lost(&[]), None);
        assert_eq!(lost(&[block(0, [None, None])]), None);
        assert_eq!(
            lost(&[block(2, [Some(1), None])]),
            None,
            "no such interface"
        );
        // They count from the start: the last of an interface holds.
        let blocks = [
            block(0, [Some(1), Some(2)]),
            block(1, [None, Some(5)]),
            block(0, [Some(4), Some(9)]),
        ];
        let missed = |kernel, interface, unattributed| {
            let drops = Drops { kernel, interface };
            Some(Missed {
                drops,
                unattributed,
            })
        };
        assert_eq!(lost(&blocks), missed(14, Some(4), 0));
        assert_eq!(lost(&blocks[1..2]), missed(5, None, 0));
        // Sections count apart, each from its own start.
        let sections = [blocks.concat(), begin(), block(0, [Some(2), Some(9)])];
        assert_eq!(lost(&sections), missed(23, Some(6), 0));
        // The counts of packets are the same losses again, and tell of more or of less.
        let packet = |drops| enhanced_with_drops(order, 1, 5, b"data", drops);
        assert_eq!(lost(&[packet(3), packet(4)]), missed(0, None, 7));
        let both = |drops| [packet(3), packet(4), block(1, [Some(1), Some(drops)])];
        assert_eq!(lost(&both(2)), missed(2, Some(1), 4));
        assert_eq!(lost(&both(20)), missed(20, Some(1), 0));
        // What overflows stays at the most there can be.
        let most = [packet(u64::MAX), packet(5)];
        assert_eq!(lost(&most), missed(0, None, u64::MAX));
        let most = [block(0, [Some(u64::MAX); 2]), block(1, [Some(u64::MAX); 2])];
        assert_eq!(lost(&most), missed(u64::MAX, Some(u64::MAX), 0));
    }
}

#[test]
fn pcapng_long_blocks_are_passed_over() {
    let order = Order::Big;
    for (length, faults) in [((16 << 20) - 12, 0), (16 << 20, 1)] {
        let mut file = section(order);
        file.extend(interface(order, 1, 0, &[]));
        let long = block(order, 0x0bad, &vec![7; length]);
        file.extend(&long);
        file.extend(enhanced(order, 0, 1, b"after", 5));
        let outcome = read(&file);
        assert_eq!(outcome.packets[0].data, b"after");
        let told = outcome.fault.map(|fault| (fault.count, fault.passed_over));
        assert_eq!(told, (faults > 0).then_some((1, long.len() as u64)));
    }
}

/// The writer of a capture tells nothing of packets in these, and Wireshark numbers some.
#[test]
fn pcapng_blocks_count_as_wireshark_counts_them() {
    let order = Order::Little;
    let journal = b"__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=x\n";
    let mut file = section(order);
    file.extend(interface(order, 1, 0, &[]));
    let mut next = 1;
    let mut expected = Vec::new();
    for (kind, body, numbered) in [
        (4, &[0; 4][..], false),
        (9, journal, true),
        (0xa, &[0; 8], false),
        (0x0bad, b"\xd9\x7e\0\0custom", true),
        (0x4000_0bad, b"\xd9\x7e\0\0custom", true),
        (0x201, &[0; 40], false),
        (0x204, &[0; 40], true),
        (0x208, &[0; 40], false),
        (0x216, &[0; 40], true),
        (0x217, &[0; 40], false),
        (0x221, &[0; 40], true),
        (0x222, &[0; 40], false),
        (0x8000_0bad, b"of nobody else", false),
    ] {
        file.extend(block(order, kind, body));
        file.extend(enhanced(order, 0, 1, &[0xff; 60], 60));
        next += u64::from(numbered);
        expected.push(next);
        next += 1;
    }
    let outcome = read(&file);
    assert_eq!(outcome.fault, None);
    let numbers: Vec<u64> = outcome.packets.iter().map(|packet| packet.number).collect();
    assert_eq!(numbers, expected);
    assert_eq!(numbers_of_tshark("numbered.pcapng", &file), numbers);
}

/// The numbers of the packets that are Ethernet frames.
fn numbers_of_tshark(name: &str, file: &[u8]) -> Vec<u64> {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, file).expect("a place for a file");
    let mut tshark = std::process::Command::new("tshark");
    let fields = ["-T", "fields", "-e", "frame.number", "-Y", "eth", "-r"];
    let output = tshark.args(fields).arg(&path).output();
    let output = output.expect("tshark, which .ci/setup installs");
    let told = String::from_utf8(output.stdout).expect("numbers");
    let number = |line: &str| line.parse().expect("a number");
    told.lines().map(number).collect()
}

/// Records that read and that no sound writer makes: read, and told.
#[test]
fn flawed_records_are_read_and_told() {
    for order in Order::BOTH {
        let good = || pcap_record(order, (1, 0), b"good", 4);
        for (flawed, what) in [
            (
                pcap_record(order, (1, 0), b"flawed", 2),
                "a packet record claims 6 captured bytes of a packet of 2",
            ),
            (
                pcap_record(order, (1, 1_000_000), b"flawed", 6),
                "a packet record claims a fraction of a second above one",
            ),
            (
                pcap_record(order, (1, 0), b"flawed", u32::MAX),
                "6 captured bytes of a packet of 4294967295, which none has",
            ),
        ] {
            let file = [pcap_header(order, MICROS, 96, 1), good(), flawed, good()].concat();
            let outcome = read(&file);
            assert_eq!(outcome.fault(), Some((44, what)));
            assert_eq!(outcome.packets[1].data, b"flawed");
            assert_eq!(outcome.packets[1].wire_len, 6);
            assert_eq!(outcome.packets.len(), 3);
        }
        let good = || enhanced(order, 0, 1, b"good", 4);
        let mut options = enhanced(order, 0, 1, b"flawed", 6);
        options = block(order, 6, &[&options[8..36], &[0xff; 8]].concat());
        for (flawed, what, packets) in [
            (
                enhanced(order, 0, 1, b"flawed", 5),
                "a packet block claims 6 captured bytes of a packet of 5",
                3,
            ),
            (
                enhanced(order, 0, 1, b"flawed", 0x8_0001),
                "6 captured bytes of a packet of 524289, which none has",
                3,
            ),
            (options, "a packet block whose options run out of it", 3),
            (
                enhanced_with(order, b"flawed", &option(order, 4, &[0; 6])),
                "a packet block whose drop count is no number",
                3,
            ),
            (
                interface(order, 1, 0, &[option(order, 9, &[0; 4])]),
                "an interface description block with an option of another length than it has",
                2,
            ),
            (
                block(order, 0x8000_0006, b"a packet once"),
                "a block of type 0x80000006, which is not known",
                2,
            ),
            (
                statistics(order, 1, [Some(1), None]),
                "interface statistics that cannot be read",
                2,
            ),
            (
                block(
                    order,
                    5,
                    &[&order.words(&[0; 3])[..], &option(order, 5, &[0; 2])].concat(),
                ),
                "interface statistics that cannot be read",
                2,
            ),
        ]
        .into_iter()
        .chain(retyped(order))
        {
            let head = [section(order), interface(order, 1, 0, &[])].concat();
            let at = (head.len() + good().len()) as u64;
            let outcome = read(&[head, good(), flawed, good()].concat());
            assert_eq!(outcome.fault(), Some((at, what)));
            assert_eq!(outcome.packets.len(), packets);
        }
    }
}

/// Blocks that are read, each under another type that one damaged byte makes of its own.
fn retyped(order: Order) -> impl Iterator<Item = (Vec<u8>, &'static str, usize)> {
    let retyped = move |read: Vec<u8>, kind: u32| {
        let body = &read[8..read.len() - 4];
        block(order, kind, body)
    };
    let packet = enhanced(order, 0, 1, b"flawed", 6);
    let before = obsolete(order, 0, 1, b"flawed", 6);
    let of = |kind| match kind {
        0x206 => "a block of type 0x206 does not hold what its type says",
        0x203 => "a block of type 0x203 does not hold what its type says",
        0x202 => "a block of type 0x202 does not hold what its type says",
        0x102 => "a block of type 0x102 does not hold what its type says",
        0x205 => "a block of type 0x205 does not hold what its type says",
        _ => "a block of type 0x201 does not hold what its type says",
    };
    let blocks = [
        (packet, 0x206),
        (simple(order, b"flawed", 6), 0x203),
        (before.clone(), 0x202),
        (before, 0x102),
        (statistics(order, 0, [Some(9), None]), 0x205),
        (interface(order, 1, 0, &[]), 0x201),
    ];
    blocks
        .into_iter()
        .map(move |(read, kind)| (retyped(read, kind), of(kind), 2))
}

/// Some writers give counts of packets in four bytes.
#[test]
fn pcapng_short_counts_are_read() {
    for order in Order::BOTH {
        let head = [section(order), interface(order, 1, 0, &[])].concat();
        let lost = |more: Vec<u8>| {
            let outcome = read(&[&head[..], &more].concat());
            assert_eq!(outcome.fault, None);
            let lost = outcome.lost.expect("losses");
            (lost.drops.interface, lost.drops.kernel, lost.unattributed)
        };
        let count = |code| option(order, code, &order.u32(9));
        assert_eq!(lost(enhanced_with(order, b"data", &count(4))), (None, 0, 9));
        let counts = [order.words(&[0; 3]), count(5), count(7)].concat();
        assert_eq!(lost(block(order, 5, &counts)), (Some(9), 9, 0));
    }
}

#[test]
fn pcapng_long_packets_are_read() {
    let order = Order::Little;
    let data = vec![9; (16 << 20) - 32];
    let mut file = section(order);
    file.extend(interface(order, 1, 0, &[]));
    file.extend(enhanced(order, 0, 1, &data, 16 << 20));
    let outcome = read(&file);
    assert_eq!(outcome.fault, None);
    assert_eq!(outcome.packets[0].data, data);
}

#[test]
fn pcapng_interfaces_are_bounded() {
    let order = Order::Little;
    let mut file = section(order);
    file.extend(interface(order, 1, 0, &[option(order, 2, b"x")]).repeat(1 << 16));
    let at = file.len() as u64;
    file.extend(interface(order, 1, 0, &[]));
    let what = "a section with too many interfaces";
    assert_eq!(read(&file).fault(), Some((at, what)));
}
