//! Lustre over TCP (socklnd's protocol 3, and `LNet`), little-endian.

use std::net::IpAddr;

/// `10.0.0.4@tcp`; of an IPv6 address, which has no NID of 8 bytes, zeros.
fn nid(address: IpAddr) -> [u8; 8] {
    let [a, b, c, d] = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    [d, c, b, a, 0, 0, 2, 0]
}

pub fn connection_request(callee: IpAddr) -> Vec<u8> {
    [&[0, 0x71, 0xce, 0xac, 1, 0, 0, 0][..], &nid(callee)].concat()
}

pub fn keepalive() -> Vec<u8> {
    [&[0xc0, 0, 0, 0][..], &[0; 12], &1_u64.to_le_bytes()].concat()
}

/// A PUT to a portal, with `payload`.
pub fn put(source: IpAddr, destination: IpAddr, portal: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("a short message");
    let mut bytes = [&[0xc1, 0, 0, 0][..], &[0; 20]].concat();
    bytes.extend(nid(destination));
    bytes.extend(nid(source));
    for word in [12345, 12345, 1, len] {
        bytes.extend(u32::to_le_bytes(word));
    }
    bytes.extend([0xff; 16]);
    bytes.extend([0; 16]);
    bytes.extend(portal.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// A request to be connected to a target, by its UUID.
pub fn connect(operation: u32, uuid: &str) -> Vec<u8> {
    const BODY_LEN: u32 = 184;
    const UUID_LEN: u32 = 40;
    let mut bytes = Vec::new();
    for word in [
        3,
        0,
        0x0bd0_0bd3,
        0,
        0,
        0,
        0,
        0,
        BODY_LEN,
        UUID_LEN,
        UUID_LEN,
        0,
    ] {
        bytes.extend(u32::to_le_bytes(word));
    }
    bytes.extend([0; 8]);
    for word in [0x1267, 0, operation] {
        bytes.extend(u32::to_le_bytes(word));
    }
    bytes.resize(48 + BODY_LEN as usize, 0);
    for uuid in [uuid, "d1f2c3a4-1111-2222-3333-444455556666"] {
        let end = bytes.len() + UUID_LEN as usize;
        bytes.extend(uuid.bytes());
        bytes.resize(end, 0);
    }
    bytes
}

/// The start of an RPC with the null flavor, and its operation.
pub fn request(operation: u32) -> Vec<u8> {
    const BODY_LEN: u32 = 184;
    let mut bytes = Vec::new();
    for word in [1, 0, 0x0bd0_0bd3, 0, 0, 0, 0, 0, BODY_LEN, 0] {
        bytes.extend(u32::to_le_bytes(word));
    }
    bytes.extend([0; 8]);
    for word in [0x1267, 0, operation] {
        bytes.extend(u32::to_le_bytes(word));
    }
    bytes.resize(40 + BODY_LEN as usize, 0);
    bytes
}
