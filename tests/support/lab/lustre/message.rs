//! The bytes of `LNet` over TCP (version 3 of its protocol) and of the RPCs
//! inside. Integers are little-endian.

use std::net::Ipv4Addr;

const LNET: u32 = 0xc1;
const NOOP: u32 = 0xc0;
const PID: u32 = 12345;
const LINE: &[u8] = b"These are the contents of a file, in plain sight. ";

/// Who sends a message to whom.
#[derive(Clone, Copy)]
pub struct Route {
    /// The sender.
    pub from: Ipv4Addr,
    /// The receiver.
    pub to: Ipv4Addr,
}

impl Route {
    /// The way back.
    pub fn reversed(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }
}

/// What a connection is for, as its caller sees it.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// Everything small.
    Control = 1,
    /// Data towards the caller.
    BulkIn = 2,
    /// Data from the caller.
    BulkOut = 3,
}

impl Purpose {
    /// As the callee sees it.
    pub fn reversed(self) -> Self {
        match self {
            Self::Control => Self::Control,
            Self::BulkIn => Self::BulkOut,
            Self::BulkOut => Self::BulkIn,
        }
    }
}

/// A portal that RPCs or bulk data are put to.
#[derive(Clone, Copy)]
pub enum Portal {
    OscReply = 4,
    OstIo = 6,
    OstBulk = 8,
    MdcReply = 10,
    MdsRequest = 12,
    LdlmCallback = 15,
    LdlmCallbackReply = 16,
    MgcReply = 25,
    MgsRequest = 26,
    OstRequest = 28,
}

/// What an RPC asks for.
#[derive(Clone, Copy)]
pub enum Operation {
    OstRead = 3,
    OstWrite = 4,
    OstConnect = 8,
    MdsConnect = 38,
    LdlmEnqueue = 101,
    LdlmBlockingCallback = 104,
    MgsConnect = 250,
    Ping = 400,
}

/// How an RPC is protected.
#[derive(Clone, Copy)]
pub enum Flavor {
    Null = 0,
    Krb5Privacy = 0x0003_0312,
}

/// Whether an RPC asks or answers.
#[derive(Clone, Copy)]
pub enum Kind {
    Request = 4711,
    Reply = 4713,
}

/// What a caller says first.
pub fn connection_request(route: Route) -> Vec<u8> {
    Bytes::default()
        .u32(0xacce_7100)
        .u32(1)
        .raw(&nid(route.to))
        .done()
}

/// What either end says before its first message.
pub fn hello(route: Route, purpose: Purpose) -> Vec<u8> {
    let incarnation = 1_760_000_000_000_000_000;
    Bytes::default()
        .u32(0x4572_6963)
        .u32(3)
        .raw(&nid(route.from))
        .raw(&nid(route.to))
        .u32(PID)
        .u32(0)
        .u64(incarnation)
        .u64(0)
        .u32(purpose as u32)
        .u32(0)
        .done()
}

/// What is said when there is nothing to say.
pub fn keepalive() -> Vec<u8> {
    Bytes::default().u32(NOOP).u32(0).u64(0).u64(1).done()
}

/// Puts `payload` to a portal; nobody acknowledges it.
pub fn put(route: Route, portal: Portal, match_bits: u64, payload: &[u8]) -> Vec<u8> {
    header(route, 1, payload.len())
        .raw(&[0xff; 16])
        .u64(match_bits)
        .u64(0)
        .u32(portal as u32)
        .u32(0)
        .raw(payload)
        .done()
}

/// Puts `payload` to a portal and asks for an [`ack`].
pub fn put_acked(route: Route, portal: Portal, match_bits: u64, payload: &[u8]) -> Vec<u8> {
    let mut message = put(route, portal, match_bits, payload);
    message[56..72].copy_from_slice(&handle(match_bits));
    message
}

/// Acknowledges a [`put_acked`].
pub fn ack(route: Route, match_bits: u64, length: u32) -> Vec<u8> {
    header(route, 0, 0)
        .raw(&handle(match_bits))
        .u64(match_bits)
        .u32(length)
        .padded_to(96)
        .done()
}

/// Asks for what is behind a portal.
pub fn get(route: Route, portal: Portal, match_bits: u64, length: u32) -> Vec<u8> {
    header(route, 2, 0)
        .raw(&handle(match_bits))
        .u64(match_bits)
        .u32(portal as u32)
        .u32(0)
        .u32(length)
        .padded_to(96)
        .done()
}

/// Answers a [`get`].
pub fn reply(route: Route, match_bits: u64, payload: &[u8]) -> Vec<u8> {
    header(route, 3, payload.len())
        .raw(&handle(match_bits))
        .padded_to(96)
        .raw(payload)
        .done()
}

/// An RPC whose every byte can be read.
pub fn rpc(kind: Kind, operation: Operation, xid: u64) -> Vec<u8> {
    let head = Bytes::default()
        .u64(0x5eed_0000_0000_0000 | xid)
        .u32(kind as u32)
        .u32(0x0004_0003)
        .u32(operation as u32)
        .u32(0)
        .u64(xid)
        .padded_to(184)
        .done();
    envelope(Flavor::Null, &[&head, &contents(104)])
}

/// An RPC whose body `sealed` is ciphertext, as Kerberos makes it.
pub fn private_rpc(sealed: &[u8]) -> Vec<u8> {
    let context = Bytes::default().u32(0x0100_0001).padded_to(40).done();
    envelope(Flavor::Krb5Privacy, &[&context, sealed])
}

/// The contents of a file.
pub fn contents(length: usize) -> Vec<u8> {
    LINE.iter().copied().cycle().take(length).collect()
}

fn envelope(flavor: Flavor, buffers: &[&[u8]]) -> Vec<u8> {
    let head = Bytes::default()
        .u32(length_of(buffers.len()))
        .u32(flavor as u32)
        .u32(0x0bd0_0bd3)
        .padded_to(32);
    let lengths = buffers
        .iter()
        .fold(head, |bytes, buffer| bytes.u32(length_of(buffer.len())))
        .aligned();
    buffers
        .iter()
        .fold(lengths, |bytes, buffer| bytes.raw(buffer).aligned())
        .done()
}

fn header(route: Route, kind: u32, payload: usize) -> Bytes {
    Bytes::default()
        .u32(LNET)
        .padded_to(24)
        .raw(&nid(route.to))
        .raw(&nid(route.from))
        .u32(PID)
        .u32(PID)
        .u32(kind)
        .u32(length_of(payload))
}

fn nid(address: Ipv4Addr) -> [u8; 8] {
    let [a, b, c, d] = address.octets();
    [d, c, b, a, 0, 0, 2, 0]
}

fn handle(match_bits: u64) -> [u8; 16] {
    let cookies = (1_u128 << 64) | u128::from(match_bits);
    cookies.to_le_bytes()
}

fn length_of(count: usize) -> u32 {
    count.try_into().expect("messages of the lab are short")
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn u32(self, value: u32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn padded_to(mut self, length: usize) -> Self {
        self.0.resize(length, 0);
        self
    }

    fn aligned(self) -> Self {
        let length = self.0.len().next_multiple_of(8);
        self.padded_to(length)
    }

    fn done(self) -> Vec<u8> {
        self.0
    }
}
