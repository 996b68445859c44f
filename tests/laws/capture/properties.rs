//! What holds of any capture, and of any bytes.

use plainsight::capture::{Format, Interfaces, NoFrame, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Pieces, read, walk, walk_stream};
use crate::support::bytes::{
    MICROS, MODIFIED, NANOS, Order, block, enhanced, interface, modified_record, obsolete, option,
    pcap_header, pcap_record, section, simple,
};

/// A capture as a list of its structures, and whether each is a packet.
pub type Structures = Vec<(Vec<u8>, bool)>;

pub fn concat(structures: &Structures) -> Vec<u8> {
    structures
        .iter()
        .flat_map(|(bytes, _)| bytes.clone())
        .collect()
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Little), Just(Order::Big)]
}

/// Seconds and their fraction, the bytes, and how many more were on the wire.
type Made = ((u32, u32), Vec<u8>, u32);

fn packet() -> impl Strategy<Value = Made> {
    let time = (any::<u32>(), 0..1_000_000_u32);
    (time, vec(any::<u8>(), 1..120), 0..300_u32)
}

pub fn pcap() -> impl Strategy<Value = Structures> {
    let magic = prop_oneof![Just(MICROS), Just(NANOS), Just(MODIFIED)];
    (order(), magic, vec(packet(), 0..6)).prop_map(|(order, magic, packets)| {
        let record = match magic {
            MODIFIED => modified_record,
            _ => pcap_record,
        };
        let header = (pcap_header(order, magic, 65_535, 1), false);
        let record = |(time, data, more): ((u32, u32), Vec<u8>, u32)| {
            let wire_len = u32::try_from(data.len()).expect("short") + more;
            (record(order, time, &data, wire_len), true)
        };
        std::iter::once(header)
            .chain(packets.into_iter().map(record))
            .collect()
    })
}

fn pcapng_section() -> impl Strategy<Value = Structures> {
    let described = (1..4_usize, any::<bool>());
    let blocks = vec((0..5_u8, packet()), 0..6);
    (order(), described, blocks).prop_map(|(order, (count, named), blocks)| {
        let options = [option(order, 2, b"eth0"), option(order, 9, &[9])];
        let options = if named { &options[..] } else { &[] };
        let head = (section(order), false);
        let described = (interface(order, 1, 65_535, options), false);
        let block = |(kind, ((high, low), data, more)): (u8, Made)| {
            let wire_len = u32::try_from(data.len()).expect("short") + more;
            let ticks = u64::from(high >> 12) << 32 | u64::from(low);
            let place = low % u32::try_from(count).expect("few");
            match kind {
                0 => (
                    simple(order, &data, u32::try_from(data.len()).expect("short")),
                    true,
                ),
                1 => (obsolete(order, 0, ticks, &data, wire_len), true),
                2 => (block(order, 0x0bad, &data), false),
                _ => (enhanced(order, place, ticks, &data, wire_len), true),
            }
        };
        let described = std::iter::repeat_n(described, count);
        std::iter::once(head)
            .chain(described)
            .chain(blocks.into_iter().map(block))
            .collect()
    })
}

pub fn pcapng() -> impl Strategy<Value = Structures> {
    vec(pcapng_section(), 1..4).prop_map(|sections| sections.concat())
}

pub fn capture() -> impl Strategy<Value = Structures> {
    prop_oneof![pcap(), pcapng()]
}

/// Noise that begins as a capture does.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just(Vec::new()),
        capture().prop_map(|structures| concat(&structures)),
    ];
    (start, vec(any::<u8>(), 0..200)).prop_map(|(start, noise)| [start, noise].concat())
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let flips = vec((any::<prop::sample::Index>(), any::<u8>()), 1..8);
    (capture(), flips).prop_map(|(structures, flips)| {
        let mut bytes = concat(&structures);
        for (at, value) in flips {
            let at = at.index(bytes.len() - 4) + 4;
            bytes[at] = value;
        }
        bytes
    })
}

/// As the draft says, in numbers that never overflow.
fn time_of(ticks: u64, resolution: u8, offset: i64) -> Timestamp {
    let power = u32::from(resolution & 0x7f);
    let nanos = u128::from(ticks) * 1_000_000_000;
    let nanos = match (resolution & 0x80 != 0, 10_u128.checked_pow(power)) {
        (true, _) => nanos >> power,
        (false, Some(per_second)) => nanos / per_second,
        (false, None) => 0,
    };
    let nanos = i128::try_from(nanos).expect("94 bits") + i128::from(offset) * 1_000_000_000;
    let nanos = nanos.clamp(i64::MIN.into(), i64::MAX.into());
    Timestamp(i64::try_from(nanos).expect("clamped"))
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn whole_captures_have_no_fault(structures in capture()) {
        let outcome = read(&concat(&structures));
        let packets = structures.iter().filter(|(_, packet)| *packet).count();
        prop_assert_eq!(outcome.fault, None);
        prop_assert_eq!(outcome.packets.len(), packets);
    }

    #[test]
    fn any_cut_keeps_what_is_whole_before_it(structures in capture()) {
        let bytes = concat(&structures);
        let whole = read(&bytes).packets;
        let (mut start, mut packets, mut next) = (0, 0, structures.iter());
        let mut structure = next.next();
        for end in 0..=bytes.len() {
            while let Some((bytes, packet)) = structure.filter(|(bytes, _)| start + bytes.len() <= end) {
                start += bytes.len();
                packets += usize::from(*packet);
                structure = next.next();
            }
            let outcome = walk(&bytes[..end]);
            if end < 4 {
                prop_assert!(outcome.is_err());
                continue;
            }
            let outcome = outcome.expect("a capture");
            prop_assert_eq!(&outcome.packets[..], &whole[..packets]);
            let offset = outcome.fault.map(|fault| fault.offset);
            prop_assert_eq!(offset, (start < end).then_some(start as u64));
        }
    }

    #[test]
    fn reads_of_any_size_give_the_same(
        bytes in prop_oneof![hostile(), damaged()],
        lengths in vec(1..80_usize, 1..8),
    ) {
        let pieces = Pieces::new(&bytes, &lengths);
        match (walk(&bytes), walk_stream(Box::new(pieces))) {
            (Ok(whole), Ok(pieces)) => prop_assert_eq!(whole, pieces),
            (whole, pieces) => prop_assert_eq!(whole.is_err(), pieces.is_err()),
        }
    }

    #[test]
    fn an_error_of_the_system_is_a_fault(structures in capture(), at in any::<prop::sample::Index>()) {
        let bytes = concat(&structures);
        let end = at.index(bytes.len() - 4) + 4;
        let mut stream = Pieces::new(&bytes[..end], &[50]);
        stream.error = Some(std::io::ErrorKind::ConnectionReset);
        let (cut, failed) = (read(&bytes[..end]), walk_stream(Box::new(stream)).expect("a capture"));
        prop_assert_eq!(&cut.packets, &failed.packets);
        let fault = failed.fault.expect("a fault");
        prop_assert_eq!(fault.what, "reading stopped here: connection reset");
        let end = end as u64;
        prop_assert_eq!(fault.offset, cut.fault.map_or(end, |fault| fault.offset));
    }

    #[test]
    fn steps_end_and_stay_in_bounds(bytes in prop_oneof![hostile(), damaged()]) {
        let Some(mut format) = Format::detect(&bytes) else { return Ok(()) };
        let (interfaces, mut at) = (Interfaces::default(), 0);
        for _ in 0..=bytes.len() {
            let rest = &bytes[at..];
            match format.step(rest, &interfaces) {
                Ok((frame, used)) => {
                    prop_assert!(used <= rest.len() && frame.data.len() < used);
                    at += used;
                }
                Err(NoFrame::Skip { used }) => {
                    prop_assert!(0 < used && used <= rest.len());
                    at += used;
                }
                Err(NoFrame::More { need, .. }) => {
                    prop_assert!(need > rest.len());
                    return Ok(());
                }
                Err(_) => return Ok(()),
            }
        }
        prop_assert!(false, "more steps than bytes");
    }

    #[test]
    fn any_clock_is_exact_or_saturates(
        order in order(),
        ticks in prop_oneof![any::<u64>(), Just(u64::MAX), 0..1_u64 << 51],
        resolution in any::<u8>(),
        offset in prop_oneof![any::<i64>(), -10..10_i64, Just(i64::MIN), Just(i64::MAX)],
    ) {
        let options = [option(order, 9, &[resolution]), option(order, 14, &order.i64(offset))];
        let mut file = section(order);
        file.extend(interface(order, 1, 0, &options));
        file.extend(enhanced(order, 0, ticks, b"x", 1));
        let time = read(&file).packets[0].time;
        prop_assert_eq!(time, Some(time_of(ticks, resolution, offset)));
    }

    #[test]
    fn any_options_are_survived(order in order(), options in vec(any::<u8>(), 0..60)) {
        let mut file = section(order);
        file.extend(interface(order, 1, 0, &[options]));
        file.extend(enhanced(order, 0, 1, b"kept", 4));
        prop_assert_eq!(read(&file).packets.len(), 1);
    }
}
