//! Captures made by hand.

/// A byte order to write in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

impl Order {
    pub const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub fn i64(self, value: i64) -> [u8; 8] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|&word| self.u32(word)).collect()
    }
}

pub const MICROS: u32 = 0xa1b2_c3d4;
pub const NANOS: u32 = 0xa1b2_3c4d;
pub const MODIFIED: u32 = 0xa1b2_cd34;

pub fn pcap_header(order: Order, magic: u32, snap_len: u32, network: u32) -> Vec<u8> {
    let mut bytes = order.u32(magic).to_vec();
    bytes.extend(order.u16(2));
    bytes.extend(order.u16(4));
    bytes.extend(order.words(&[0, 0, snap_len, network]));
    bytes
}

pub fn pcap_record(order: Order, time: (u32, u32), data: &[u8], wire_len: u32) -> Vec<u8> {
    let captured = u32::try_from(data.len()).expect("a short packet");
    let mut bytes = order.words(&[time.0, time.1, captured, wire_len]);
    bytes.extend(data);
    bytes
}

/// The eight more bytes of a modified record header.
pub fn modified_record(order: Order, time: (u32, u32), data: &[u8], wire_len: u32) -> Vec<u8> {
    let mut bytes = pcap_record(order, time, data, wire_len);
    bytes.splice(16..16, [0xee; 8]);
    bytes
}

/// A block with its lengths and padding.
pub fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = u32::try_from(padded + 12).expect("a short block");
    let mut bytes = order.words(&[kind, length]);
    bytes.extend(body);
    bytes.resize(8 + padded, 0);
    bytes.extend(order.u32(length));
    bytes
}

pub fn section(order: Order) -> Vec<u8> {
    section_of_version(order, 1, 0)
}

pub fn section_of_version(order: Order, major: u16, minor: u16) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(major));
    body.extend(order.u16(minor));
    body.extend(order.i64(-1));
    block(order, 0x0a0d_0d0a, &body)
}

pub fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = order.u16(code).to_vec();
    bytes.extend(order.u16(u16::try_from(value.len()).expect("a short value")));
    bytes.extend(value);
    bytes.resize(4 + value.len().next_multiple_of(4), 0);
    bytes
}

pub fn interface(order: Order, link_type: u16, snap_len: u32, options: &[Vec<u8>]) -> Vec<u8> {
    let mut body = order.u16(link_type).to_vec();
    body.extend(order.u16(0));
    body.extend(order.u32(snap_len));
    body.extend(options.concat());
    block(order, 1, &body)
}

/// An interface statistics block: what the interface and what the system dropped, as far
/// as each is said.
pub fn statistics(order: Order, interface: u32, dropped: [Option<u64>; 2]) -> Vec<u8> {
    let mut body = order.words(&[interface, 0, 0]);
    for (code, count) in [5, 7].into_iter().zip(dropped) {
        if let Some(count) = count {
            body.extend(option(order, code, &order.i64(count.cast_signed())));
        }
    }
    block(order, 5, &body)
}

pub fn enhanced(order: Order, interface: u32, ticks: u64, data: &[u8], wire_len: u32) -> Vec<u8> {
    let captured = u32::try_from(data.len()).expect("a short packet");
    let (high, low) = halves(ticks);
    let mut body = order.words(&[interface, high, low, captured, wire_len]);
    body.extend(data);
    block(order, 6, &body)
}

pub fn enhanced_with_drops(
    order: Order,
    interface: u32,
    ticks: u64,
    data: &[u8],
    drops: u64,
) -> Vec<u8> {
    let drops = option(order, 4, &order.i64(drops.cast_signed()));
    let plain = enhanced(order, interface, ticks, data, wire_len_of(data));
    with_options(order, &plain, &drops)
}

/// A packet of the first interface with options.
pub fn enhanced_with(order: Order, data: &[u8], options: &[u8]) -> Vec<u8> {
    let plain = enhanced(order, 0, 1, data, wire_len_of(data));
    with_options(order, &plain, options)
}

fn wire_len_of(data: &[u8]) -> u32 {
    u32::try_from(data.len()).expect("a short packet")
}

fn with_options(order: Order, plain: &[u8], options: &[u8]) -> Vec<u8> {
    block(order, 6, &[&plain[8..plain.len() - 4], options].concat())
}

pub fn obsolete(order: Order, interface: u16, ticks: u64, data: &[u8], wire_len: u32) -> Vec<u8> {
    let captured = u32::try_from(data.len()).expect("a short packet");
    let (high, low) = halves(ticks);
    let mut body = order.u16(interface).to_vec();
    body.extend(order.u16(7));
    body.extend(order.words(&[high, low, captured, wire_len]));
    body.extend(data);
    block(order, 2, &body)
}

pub fn simple(order: Order, data: &[u8], wire_len: u32) -> Vec<u8> {
    let mut body = order.u32(wire_len).to_vec();
    body.extend(data);
    block(order, 3, &body)
}

fn halves(ticks: u64) -> (u32, u32) {
    let half = |bits: u64| u32::try_from(bits).expect("half of the bits");
    (half(ticks >> 32), half(ticks & 0xffff_ffff))
}
