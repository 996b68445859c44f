//! Bytes of a file of exports, as text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::{ExportTime, FileReport};
use crate::input::custody::hexadecimal;

/// Length of the largest file that is read, in bytes. An export of a thousand VMs has a few
/// MiB.
pub const MAX_LEN: u64 = 64 << 20;

/// Text of a file.
pub(super) struct FileText(pub(super) String);

/// Reads the text of a file, and completes its report. Fails with a sentence.
pub(super) fn read(path: &Path, report: &mut FileReport) -> Result<FileText, String> {
    let bytes = bytes(path, report).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(format!("larger than {} MiB", MAX_LEN >> 20));
    }
    report.size = bytes.len() as u64;
    report.sha256 = Some(hexadecimal(Sha256::digest(&bytes).into()));
    let text = text(bytes).ok_or_else(|| "not JSON: neither UTF-8 nor UTF-16".to_owned())?;
    Ok(FileText(text))
}

/// Bytes of a file; one more than the limit where there are more.
fn bytes(path: &Path, report: &mut FileReport) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    } else {
        let file = File::open(path)?;
        let changed = file.metadata().and_then(|known| known.modified()).ok();
        let changed = changed.and_then(|time| jiff::Timestamp::try_from(time).ok());
        if let Some(time) = changed {
            report.set_exported(time, ExportTime::File);
        }
        file.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Text in UTF-8, with or without a byte order mark, or in UTF-16 with one, as
/// `PowerShell` redirects it.
fn text(mut bytes: Vec<u8>) -> Option<String> {
    let utf16 = |bytes: &[u8], number: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks();
        let units = pairs.iter().map(|&pair| number(pair));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        rest.is_empty().then(|| text.ok())?
    };
    match &bytes[..] {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, ..] => String::from_utf8(bytes.split_off(3)).ok(),
        _ => String::from_utf8(bytes).ok(),
    }
}
