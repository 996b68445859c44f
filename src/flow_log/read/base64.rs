//! Base64 (RFC 4648), in both alphabets, as bodies of events have it.

/// Fewest characters that are taken for base64.
const SHORTEST: usize = 24;

/// The bytes that a text stands for; `None` where it is no base64.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.trim_ascii_end();
    let padding = end.iter().rev().take_while(|&&byte| byte == b'=').count();
    let digits = &end[..end.len() - padding];
    if digits.len() < SHORTEST || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut len) = (0_u32, 0);
    for &digit in digits.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        bits = bits << 6 | u32::from(value(digit)?);
        len += 6;
        if len >= 8 {
            len -= 8;
            bytes.push((bits >> len & 0xff) as u8);
        }
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
