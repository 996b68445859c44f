//! The same frames as libpcap reads, wherever it reads.

use std::fs;
use std::path::Path;

use pcap::{Capture, Precision};
use plainsight::capture::Timestamp;
use proptest::prelude::*;

use super::{Packet, properties, read};

/// What libpcap says of a file: its packets, and whether it came to the end.
pub struct Theirs {
    pub packets: Vec<(Timestamp, Vec<u8>, u32)>,
    pub whole: bool,
}

/// Nothing where libpcap does not open the file.
pub fn read_with_libpcap(path: &Path) -> Option<Theirs> {
    let mut capture = Capture::from_file_with_precision(path, Precision::Nano).ok()?;
    let mut packets = Vec::new();
    loop {
        match capture.next_packet() {
            Ok(packet) => {
                let ts = packet.header.ts;
                let time = Timestamp(
                    ts.tv_sec
                        .saturating_mul(1_000_000_000)
                        .saturating_add(ts.tv_usec),
                );
                packets.push((time, packet.data.to_vec(), packet.header.len));
            }
            Err(pcap::Error::NoMorePackets) => {
                return Some(Theirs {
                    packets,
                    whole: true,
                });
            }
            Err(_) => {
                return Some(Theirs {
                    packets,
                    whole: false,
                });
            }
        }
    }
}

/// To libpcap the years from 2038 are those from 1902, and fractions of a second that are
/// above one wrap at 32 bits.
fn same_time(ours: Timestamp, theirs: Timestamp) -> bool {
    let (years, wraps) = (1_000_000_000 << 32, 1 << 32);
    let apart = ours.0.wrapping_sub(theirs.0).rem_euclid(years);
    apart % wraps == 0 && apart.min(years - apart) <= 1_000 * wraps
}

/// libpcap cuts what is longer than the snap length, and believes any original length;
/// we believe half a mebibyte.
pub fn assert_same(ours: &[Packet], theirs: &[(Timestamp, Vec<u8>, u32)], of: &str) {
    for (ours, (time, data, wire_len)) in ours.iter().zip(theirs) {
        assert!(
            ours.time.is_none_or(|ours| same_time(ours, *time)),
            "{of}: {ours:?}, {time:?}"
        );
        assert!(ours.data.starts_with(data), "{of}: packet {}", ours.number);
        let captured = u32::try_from(ours.data.len()).expect("a packet");
        let is_believed = *wire_len <= captured.max(512 << 10);
        let expected = captured.max(if is_believed { *wire_len } else { 0 });
        assert_eq!(ours.wire_len, expected, "{of}: packet {}", ours.number);
    }
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn generated_captures_read_alike(structures in properties::capture()) {
        let bytes = properties::concat(&structures);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alike");
        fs::write(&path, &bytes).expect("a place for a file");
        let ours = read(&bytes);
        if let Some(theirs) = read_with_libpcap(&path) {
            assert_same(&ours.packets, &theirs.packets, "generated");
            prop_assert!(ours.packets.len() >= theirs.packets.len());
            prop_assert!(!theirs.whole || ours.packets.len() == theirs.packets.len());
        }
    }
}
