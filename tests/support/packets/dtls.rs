//! DTLS records (RFC 6347).

use super::noise;

pub const V1_2: u16 = 0xfefd;
/// `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`.
pub const AZURE: u16 = 0xc02c;
/// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`.
pub const AES_128: u16 = 0xc02b;
/// `TLS_ECDHE_ECDSA_WITH_NULL_SHA`.
pub const NULL: u16 = 0xc006;

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

pub fn record(kind: u8, epoch: u16, sequence: u64, fragment: &[u8]) -> Vec<u8> {
    let len = u16::try_from(fragment.len()).expect("a short record");
    let mut bytes = vec![kind];
    bytes.extend(V1_2.to_be_bytes());
    bytes.extend(epoch.to_be_bytes());
    bytes.extend(&sequence.to_be_bytes()[2..]);
    bytes.extend(len.to_be_bytes());
    bytes.extend(fragment);
    bytes
}

/// Protected application data: a nonce that counts, then what a cipher made.
pub fn protected(sequence: u64, len: usize) -> Vec<u8> {
    let nonce = (1 << 48 | sequence).to_be_bytes();
    let fragment = [&nonce[..], &noise(sequence, len + 16)].concat();
    record(DATA, 1, sequence, &fragment)
}

/// Application data that nothing protects.
pub fn clear_data(sequence: u64, text: &[u8]) -> Vec<u8> {
    record(DATA, 0, sequence, text)
}

pub fn client_hello(sequence: u64) -> Vec<u8> {
    client_hello_of(sequence, AZURE)
}

/// A hello that offers one suite.
pub fn client_hello_of(sequence: u64, suite: u16) -> Vec<u8> {
    let mut body = V1_2.to_be_bytes().to_vec();
    body.extend(noise(sequence, 32));
    // No session, no cookie, one suite, no compression.
    body.extend([0, 0, 0, 2]);
    body.extend(suite.to_be_bytes());
    body.extend([1, 0]);
    handshake(1, sequence, &body)
}

pub fn server_hello(sequence: u64, suite: u16) -> Vec<u8> {
    let mut body = V1_2.to_be_bytes().to_vec();
    body.extend(noise(sequence, 32));
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    handshake(2, sequence, &body)
}

/// The last flight of a handshake: one record in the clear, one protected.
pub fn change_and_finished(sequence: u64) -> Vec<u8> {
    let change = record(CHANGE_CIPHER_SPEC, 0, sequence, &[1]);
    let finished = record(HANDSHAKE, 1, 0, &noise(sequence, 40));
    [change, finished].concat()
}

fn handshake(kind: u8, sequence: u64, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len()).expect("a short message");
    let mut message = vec![kind, 0, 0, len, 0, 0, 0, 0, 0, 0, 0, len];
    message.extend(body);
    record(HANDSHAKE, 0, sequence, &message)
}

/// A record of one handshake message, in fragments of up to `len` bytes in records of their own
/// (RFC 6347 4.2.3).
pub fn fragments(record: &[u8], len: usize) -> Vec<Vec<u8>> {
    const RECORD: usize = 13;
    const MESSAGE: usize = 12;
    let (head, body) = record[RECORD..].split_at(MESSAGE);
    let be = |number: usize| {
        u32::try_from(number)
            .expect("a short message")
            .to_be_bytes()
    };
    let fragments = body.chunks(len).enumerate().map(|(place, bytes)| {
        let [at, len] = [place * len, bytes.len()].map(be);
        let fragment = [&head[..6], &at[1..], &len[1..], bytes].concat();
        let record_len = be(fragment.len());
        [&record[..11], &record_len[2..], &fragment].concat()
    });
    fragments.collect()
}

/// Datagrams that begin as a record does, each with another rule broken.
pub fn lookalike(which: usize, sequence: u64) -> Vec<u8> {
    let mut bytes = protected(sequence, 60);
    match which % 7 {
        0 => bytes.push(0),
        1 => bytes.truncate(bytes.len() - 1),
        2 => bytes[1..3].copy_from_slice(&[3, 3]),
        3 => bytes.extend([99; 20]),
        4 => bytes[0] = 26,
        5 => bytes[3] = 0xff,
        _ => bytes = vec![0x17, 0xfe, 0xfd],
    }
    bytes
}
