//! Folders, compression, and what is no capture.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use plainsight::capture::{Interfaces, Timestamp};
use plainsight::input::{Input, OpenError, discover};

use super::{read, walk, walk_input};
use crate::support::bytes::{MICROS, Order, pcap_header, pcap_record};

fn pcap(packets: u32) -> Vec<u8> {
    let order = Order::Little;
    let mut bytes = pcap_header(order, MICROS, 65_535, 1);
    for second in 1..=packets {
        let data: Vec<u8> = (0..100)
            .map(|at: u32| (at * second).to_le_bytes()[0])
            .collect();
        bytes.extend(pcap_record(order, (second, 0), &data, 100));
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

/// With a checksum, as its own tool writes.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
    encoder.include_checksum(true).expect("memory");
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    liblzma::encode_all(bytes, 6).expect("room")
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let info = lz4_flex::frame::FrameInfo::new()
        .block_size(lz4_flex::frame::BlockSize::Max64KB)
        .content_checksum(true);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}

type Compress = fn(&[u8]) -> Vec<u8>;
const COMPRESSIONS: [(&str, Compress); 5] = [
    ("gzip", gzip),
    ("zstd", zstd),
    ("xz", xz),
    ("bzip2", bzip2),
    ("lz4", lz4),
];

fn skippable() -> Vec<u8> {
    [&[0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"extra"].concat()
}

/// What a packet of [`pcap`] takes.
const RECORD_LEN: usize = 116;

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a place for a folder");
    folder
}

#[test]
fn compression_changes_nothing() {
    let bytes = pcap(20_000);
    let plain = read(&bytes);
    let (head, tail) = bytes.split_at(1_000_001);
    let all = COMPRESSIONS.map(|(name, compress)| (name, compress(&bytes)));
    let members = COMPRESSIONS.map(|(name, compress)| {
        let members = [compress(head), compress(b""), compress(tail)];
        (name, members.concat())
    });
    let padded = [
        ("gzip", [gzip(head), gzip(tail), vec![0; 512]].concat()),
        ("xz", [xz(head), vec![0; 8], xz(tail), vec![0; 4]].concat()),
        (
            "zstd",
            [skippable(), zstd(head), skippable(), zstd(tail)].concat(),
        ),
    ];
    for (compression, stored) in all.into_iter().chain(members).chain(padded) {
        let input = Input::from_stream("x", Box::new(io::Cursor::new(stored))).expect("a capture");
        assert_eq!(
            (input.compression, input.format),
            (Some(compression), "pcap")
        );
        assert_eq!(input.first, Some(Timestamp(1_000_000_000)));
        assert_eq!(walk_input(input), plain);
    }
}

/// A packet a member, so that something is whole before most cuts.
fn in_members(packets: u32, compress: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let bytes = pcap(packets);
    let (header, records) = bytes.split_at(24);
    let members = records.chunks(RECORD_LEN).map(compress);
    std::iter::once(compress(header))
        .chain(members)
        .flatten()
        .collect()
}

#[test]
fn compression_cut_at_every_byte_keeps_what_is_before() {
    let whole = read(&pcap(4)).packets;
    for (name, compress) in COMPRESSIONS {
        let stored = in_members(4, compress);
        let member = compress(&pcap(0)).len();
        let mut last = 0;
        for end in (member..stored.len())
            .step_by(step(name))
            .chain([stored.len()])
        {
            let cut = read(&stored[..end]);
            assert_eq!(cut.packets[..], whole[..cut.packets.len()]);
            assert!(cut.packets.len() >= last);
            last = cut.packets.len();
            if let Some((offset, what)) = cut.fault() {
                assert_eq!(offset, (24 + RECORD_LEN * last) as u64);
                assert!(what.starts_with("reading stopped here: "), "{what}");
            }
        }
        assert_eq!(last, 4);
    }
}

/// Steps between cuts: some decoders take their time to begin.
fn step(name: &str) -> usize {
    match name {
        "bzip2" | "xz" => 17,
        _ => 1,
    }
}

#[test]
fn compression_cut_in_a_member_is_a_fault() {
    for (name, compress) in COMPRESSIONS {
        let stored = compress(&pcap(40));
        for end in (10..stored.len()).step_by(3 * step(name)) {
            match walk(&stored[..end]) {
                Ok(outcome) => assert!(outcome.fault.is_some(), "{end}: {outcome:?}"),
                Err(OpenError::NotACapture { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// Noise compresses evenly, so the place of the damage is about known.
#[test]
fn what_is_before_damage_in_compression_counts() {
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] >> 4
    };
    let mut bytes = pcap(0);
    for second in 0..3_000 {
        let data: Vec<u8> = (0..100).map(|_| noise() & noise()).collect();
        bytes.extend(pcap_record(Order::Little, (second, 0), &data, 100));
    }
    let whole = read(&bytes).packets;
    for mut stored in [gzip(&bytes), zstd(&bytes)] {
        let middle = stored.len() / 2;
        stored[middle..middle + 64].fill(0xff);
        let outcome = read(&stored);
        assert!(outcome.fault.is_some());
        // What follows from the damage may look like packets for a while.
        let sound = 900;
        assert_eq!(outcome.packets[..sound], whole[..sound]);
    }
}

#[test]
fn a_gzip_checksum_is_checked() {
    let mut stored = gzip(&pcap(3));
    let at = stored.len() - 8;
    stored[at] ^= 1;
    let outcome = read(&stored);
    assert_eq!(outcome.packets.len(), 3);
    assert_eq!(
        outcome.fault.map(|fault| fault.offset),
        Some(24 + 3 * RECORD_LEN as u64)
    );
}

/// A stream without end, that tells when it is dropped.
struct Endless {
    bytes: io::Cursor<Vec<u8>>,
    _held: Arc<()>,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.bytes.read(into)? {
            0 => {
                self.bytes.set_position(0);
                self.bytes.read(into)
            }
            read => Ok(read),
        }
    }
}

#[test]
fn decompression_ends_when_its_reader_does() {
    let bytes = pcap(2_000);
    for stored in COMPRESSIONS.map(|(_, compress)| compress(&bytes)) {
        let held = Arc::new(());
        let (bytes, held_there) = (io::Cursor::new(stored), Arc::clone(&held));
        let stream = Endless {
            bytes,
            _held: held_there,
        };
        drop(Input::from_stream("endless", Box::new(stream)).expect("a capture"));
        let start = Instant::now();
        while Arc::strong_count(&held) > 1 {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "the thread goes on"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn trailing_garbage_is_a_fault() {
    let whole = read(&pcap(3));
    for (name, compress) in COMPRESSIONS {
        let outcome = read(&[compress(&pcap(3)), b"more than nothing".to_vec()].concat());
        assert_eq!(outcome.packets, whole.packets, "{name}");
        assert!(outcome.fault.is_some(), "{name}");
    }
}

/// Damage to one member loses that one alone.
#[test]
fn members_behind_a_damaged_one_are_read() {
    let mut state = 7_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let mut of = |seconds: std::ops::Range<u32>| {
        let mut bytes = pcap(0);
        for second in seconds {
            let data: Vec<u8> = (0..100).map(|_| noise()).collect();
            bytes.extend(pcap_record(
                Order::Little,
                (1_000_000 + second, 0),
                &data,
                100,
            ));
        }
        bytes
    };
    let (first, last) = (of(0..4_000), of(4_000..4_050));
    let sound = read(&last).packets;
    for (name, compress) in COMPRESSIONS {
        let mut stored = compress(&first);
        let place = stored.len() - 10_000;
        stored[place..place + 64].fill(0xff);
        stored.extend(compress(&last));
        let outcome = read(&stored);
        assert!(outcome.fault.is_some(), "{name}");
        let data = |packets: &[super::Packet]| -> Vec<Vec<u8>> {
            packets.iter().map(|packet| packet.data.clone()).collect()
        };
        assert!(data(&outcome.packets).ends_with(&data(&sound)), "{name}");
    }
}

#[test]
fn what_is_no_capture_is_told() {
    let erf = [&[0; 8][..], &[2, 4, 0, 16, 0, 0, 0, 60]].concat();
    for (bytes, looks, may_be) in [
        (vec![], "it is empty", false),
        (vec![0xd4, 0xc3], "it has only 2 bytes", true),
        (
            b"snoop\0\0\0\0\0\0\x02".to_vec(),
            "it looks like a snoop capture; convert it with editcap -F pcapng",
            true,
        ),
        (
            erf,
            "it looks like an ERF capture; convert it with editcap -F pcapng",
            true,
        ),
        (
            b"\xfd7zXZ\0\0".to_vec(),
            "inside its xz data, it cannot be decompressed: xz: the stream ends early",
            true,
        ),
        (
            b"PK\x03\x04\0\0\0\0".to_vec(),
            "it looks like a zip archive; unpack it with unzip",
            true,
        ),
        (
            b"{\"records\":[".to_vec(),
            "it looks like JSON; there are no packets to read in it",
            false,
        ),
        (
            b"hello, world".to_vec(),
            "it looks like text; there are no packets to read in it",
            false,
        ),
        (
            vec![0xff, 0xd8, 0xff, 0xe0, 0, 0],
            "it looks like a JPEG image; there are no packets to read in it",
            false,
        ),
        (
            vec![0xd4, 0xc3, 0xb2, 0xa2, 2, 0],
            "it begins with d4 c3 b2 a2, as neither pcap nor pcapng does",
            true,
        ),
        (gzip(b""), "inside its gzip data, it is empty", false),
        (
            gzip(b"a log"),
            "inside its gzip data, it looks like text; there are no packets to read in it",
            false,
        ),
        (
            gzip(&gzip(&pcap(1))),
            "inside its gzip data, it looks like gzip data; decompress it with gzip -d",
            true,
        ),
        (
            gzip(&pcap(1))[..12].to_vec(),
            "inside its gzip data, it cannot be decompressed: gzip: the stream ends early",
            true,
        ),
    ] {
        match walk(&bytes) {
            Err(OpenError::NotACapture { stranger, .. }) => {
                assert_eq!((&*stranger.looks, stranger.may_be_capture), (looks, may_be));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn folders_are_searched_and_files_read_once() {
    let folder = folder("searched");
    let deep = folder.join("y=2026/m=11/d=21");
    fs::create_dir_all(&deep).expect("folders");
    let (one, two) = (folder.join("one.cap"), deep.join("two.cap"));
    fs::write(&one, pcap(1)).expect("a file");
    fs::write(&two, pcap(2)).expect("a file");
    fs::write(folder.join("zero.txt"), "notes").expect("a file");
    symlink(&one, deep.join("one again")).expect("a link");
    symlink(&folder, deep.join("round")).expect("a link");
    symlink(folder.join("nowhere"), folder.join("dangling")).expect("a link");

    let dotted = folder.join(".").join("one.cap");
    let paths = [
        folder.clone(),
        "-".into(),
        dotted,
        "-".into(),
        folder.clone(),
    ];
    let inputs = discover(&paths).expect("files");
    let told: Vec<_> = inputs
        .iter()
        .map(|input| (input.to_string(), input.found_in.is_some()))
        .collect();
    let name = |path: &Path| path.display().to_string();
    let expected = [
        (name(&one), false),
        (name(&deep.join("two.cap")), true),
        (name(&folder.join("zero.txt")), true),
        ("standard input".to_owned(), false),
    ];
    assert_eq!(told, expected);

    let input = Input::open(&inputs[1]).expect("a capture");
    assert_eq!(input.size(), Some(pcap(2).len() as u64));
    assert_eq!(walk_input(input), read(&pcap(2)));
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = folder("empty");
    let told = |path: &Path| {
        discover(&[path.to_owned()])
            .expect_err("an error")
            .to_string()
    };
    assert!(told(&folder).starts_with("no packet capture in the folder "));
    assert!(told(&folder.join("nowhere")).contains("nowhere: No such file or directory"));

    let gone = folder.join("gone.cap");
    fs::write(&gone, pcap(1)).expect("a file");
    let inputs = discover(std::slice::from_ref(&gone)).expect("a file");
    let input = Input::open(&inputs[0]).expect("a capture");
    fs::remove_file(&gone).expect("a file");
    let outcome = walk_input_of_nothing(input);
    assert!(outcome.contains("changed"), "{outcome}");
    assert!(matches!(
        Input::open(&inputs[0]),
        Err(OpenError::Unreadable { .. })
    ));
}

fn walk_input_of_nothing(input: Input) -> String {
    let walked = input.walk(&Interfaces::default(), |_| (), |_| ());
    assert_eq!(walked.packets, 0);
    walked.fault.expect("a fault").what
}
