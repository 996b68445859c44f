//! Unprotected records, held to the structure that they declare: bytes that it does not
//! explain can be anybody's data.
//!
//! What structure leaves to the sender (session ids, cookies and extensions of hellos, names in
//! certificates and of keys) is looked into for packets, `LNet` messages, and more text than
//! such names have.

use nom::{
    IResult, Parser,
    bytes::complete::take,
    combinator::{all_consuming, opt, verify},
    multi::{count, length_data, many0_count},
    number::complete::{be_u8, be_u16, be_u24},
};

use super::{ContentType, DtlsRecord, HANDSHAKE_HEADER_LEN, HANDSHAKE_TYPES, handshake};
use crate::evidence::readable;

/// Longest body of a message that holds keys or a signature: twice that of RSA with 8192 bits.
const MAX_KEYS_LEN: usize = 2048;

/// Longest session id (RFC 5246 7.4.1.2).
const MAX_SESSION_ID_LEN: u8 = 32;
/// Longest identity that a key shared beforehand is looked up by (RFC 4279 5.3).
const MAX_IDENTITY_LEN: u16 = 128;
/// Longest text in a row in a certificate or an extension: names of hosts have up to 253 bytes
/// (RFC 1035 2.3.4), those of X.509 64 (RFC 5280 A.1), addresses of lists and logs about 200.
const MAX_NAME_LEN: usize = 255;

/// Tests that the structure of an unprotected record other than data explains its bytes, as
/// far as they were captured.
#[must_use]
pub fn is_explained(record: &DtlsRecord<'_>) -> bool {
    match record.content_type {
        ContentType::CHANGE_CIPHER_SPEC => record.fragment.first().is_none_or(|&kind| kind == 1),
        ContentType::ALERT => matches!(record.fragment, [] | [1 | 2, ..]),
        ContentType::HANDSHAKE => are_messages(record.fragment, record.len.into()),
        // A heartbeat carries what its sender likes, and has no place before a handshake is
        // done (RFC 6520 3).
        _ => false,
    }
}

/// Tests that `len` bytes, of which these were captured, are handshake messages one behind the
/// other, or fragments of such.
fn are_messages(mut bytes: &[u8], mut len: usize) -> bool {
    while len > 0 {
        let Some(room) = len.checked_sub(HANDSHAKE_HEADER_LEN) else {
            return false;
        };
        let Ok((behind, message)) = handshake(bytes) else {
            return bytes.len() < len;
        };
        let body_len = message.fragment_len as usize;
        let is_message = HANDSHAKE_TYPES.contains(&message.kind)
            && body_len <= room
            && message.fragment_at + message.fragment_len <= message.len;
        let (body, rest) = behind.split_at(behind.len().min(body_len));
        let is_whole = message.fragment_len == message.len && body.len() == body_len;
        let holds = if is_whole {
            is_body(message.kind, body)
        } else {
            is_part(message.kind, body)
        };
        if !is_message || !holds {
            return false;
        }
        (bytes, len) = (rest, room - body_len);
    }
    true
}

/// Tests that bytes can be a part of a message: they hold no packet, and are not text alone.
/// A part of certificates can be that of a name.
fn is_part(kind: u8, body: &[u8]) -> bool {
    match kind {
        11 => is_free(body),
        _ => readable::in_structure(body).is_none(),
    }
}

/// Tests what structure leaves to the sender: it holds no packet, and no more text in a row
/// than a name has.
fn is_free(bytes: &[u8]) -> bool {
    !readable::holds_packet(bytes, bytes.len()) && !readable::holds_text_of(bytes, MAX_NAME_LEN + 1)
}

/// Tests the body of a whole message (RFC 5246 7.4, RFC 6347 4.2).
fn is_body(kind: u8, body: &[u8]) -> bool {
    match kind {
        // Hello request, end of early data, server hello done.
        0 | 5 | 14 => body.is_empty(),
        1 => is_free(body) && is(client_hello, body),
        2 => is_free(body) && is(server_hello, body),
        // Hello verify request: a version, and a cookie.
        3 => is_free(body) && is(|it| skip((be_u16, length_data(be_u8)), it), body),
        // A session ticket and how long it holds (RFC 5077 3.3).
        4 => is_free(body) && is(|it| skip((take(4_usize), length_data(be_u16)), it), body),
        // Encrypted extensions.
        8 => is_free(body) && is(extensions, body),
        11 => is_free(body) && is_certificates(body),
        13 => is_free(body) && is_certificate_request(body),
        // An OCSP response, or several (RFC 6066 8, RFC 6961 2.2).
        22 => is_free(body) && is(|it| skip((be_u8, length_data(be_u24)), it), body),
        // Keys, which the name of one shared beforehand can stand before (RFC 4279 2).
        12 | 16 => is_keys(body) || identity(body).is_ok_and(|(keys, _)| is_keys(keys)),
        // Signatures, a finished message.
        _ => is_keys(body),
    }
}

fn is_keys(body: &[u8]) -> bool {
    body.len() <= MAX_KEYS_LEN && readable::in_part(body, body.len()).is_none()
}

fn identity(body: &[u8]) -> IResult<&[u8], &[u8]> {
    let len = verify(be_u16, |&len| len <= MAX_IDENTITY_LEN);
    verify(length_data(len), is_free).parse(body)
}

/// Reads something that does not matter.
fn skip<'b, O, P>(mut parser: P, bytes: &'b [u8]) -> IResult<&'b [u8], ()>
where
    P: Parser<&'b [u8], Output = O, Error = nom::error::Error<&'b [u8]>>,
{
    let (rest, _) = parser.parse(bytes)?;
    Ok((rest, ()))
}

/// Tests that a parser takes all of the bytes.
fn is(parser: impl Fn(&[u8]) -> IResult<&[u8], ()>, bytes: &[u8]) -> bool {
    all_consuming(parser).parse(bytes).is_ok()
}

/// Version, random, session id, cookie, suites, compression methods, and extensions.
fn client_hello(body: &[u8]) -> IResult<&[u8], ()> {
    let head = (
        take(34_usize),
        session_id,
        length_data(be_u8),
        length_data(be_u16),
        length_data(be_u8),
    );
    skip((head, opt(extensions)), body)
}

/// Version, random, session id, suite, compression method, and extensions.
fn server_hello(body: &[u8]) -> IResult<&[u8], ()> {
    let head = (take(34_usize), session_id, be_u16, be_u8);
    skip((head, opt(extensions)), body)
}

fn session_id(bytes: &[u8]) -> IResult<&[u8], &[u8]> {
    length_data(verify(be_u8, |&len| len <= MAX_SESSION_ID_LEN)).parse(bytes)
}

/// Extensions, each with its type and length.
fn extensions(bytes: &[u8]) -> IResult<&[u8], ()> {
    let (rest, list) = length_data(be_u16).parse(bytes)?;
    let extension = |it| skip((be_u16, length_data(be_u16)), it);
    let (_, _) = all_consuming(many0_count(extension)).parse(list)?;
    Ok((rest, ()))
}

/// Tests for a list of certificates, or a raw public key (RFC 7250 3).
fn is_certificates(body: &[u8]) -> bool {
    match certificate_list(body) {
        Ok((&[], list)) => is_der(list) || is(entries, list),
        _ => false,
    }
}

fn certificate_list(body: &[u8]) -> IResult<&[u8], &[u8]> {
    length_data(be_u24).parse(body)
}

fn entries(list: &[u8]) -> IResult<&[u8], ()> {
    skip(many0_count(entry), list)
}

/// One certificate.
fn entry(bytes: &[u8]) -> IResult<&[u8], ()> {
    skip(verify(length_data(be_u24), is_der), bytes)
}

/// Tests for types of certificates, algorithms from DTLS 1.2 on, and names of authorities.
fn is_certificate_request(body: &[u8]) -> bool {
    is(|it| request(2, it), body) || is(|it| request(1, it), body)
}

/// Types of certificates, and so many lists behind them.
fn request(lists: usize, body: &[u8]) -> IResult<&[u8], ()> {
    let types = length_data(be_u8);
    skip((types, count(length_data(be_u16), lists)), body)
}

/// Tests for one sequence of DER (X.690 8.1) that fills these bytes.
fn is_der(bytes: &[u8]) -> bool {
    let (len, head) = match *bytes {
        [0x30, len @ ..=0x7f, ..] => (usize::from(len), 2),
        [0x30, 0x81, len, ..] => (usize::from(len), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
        _ => return false,
    };
    bytes.len() == head + len
}
