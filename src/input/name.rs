//! Names of files, as they are shown.

use std::fmt::{self, Write};
use std::path::Path;

/// Name of a file or folder, in UTF-8 and without what would command a terminal: each byte that
/// is neither stands as its number (`\x1b`), so that names that differ stay apart.
#[derive(Clone, Copy, Debug)]
pub struct FileName<'p>(pub &'p Path);

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_os_str().as_encoded_bytes().utf8_chunks() {
            for piece in chunk.valid().split_inclusive(char::is_control) {
                let text = piece.trim_end_matches(char::is_control);
                f.write_str(text)?;
                numbers(&piece.as_bytes()[text.len()..], f)?;
            }
            numbers(chunk.invalid(), f)?;
        }
        Ok(())
    }
}

fn numbers(bytes: &[u8], out: &mut impl Write) -> fmt::Result {
    bytes
        .iter()
        .try_for_each(|byte| write!(out, "\\x{byte:02x}"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn what_is_no_text_stands_as_numbers() {
        let named = |bytes| FileName(Path::new(OsStr::from_bytes(bytes))).to_string();
        assert_eq!(named("dürre.pcap".as_bytes()), "dürre.pcap");
        assert_eq!(named(b"d\xfcrre.pcap"), r"d\xfcrre.pcap");
        assert_eq!(named(b"\x1b[31m\n\nred"), r"\x1b[31m\x0a\x0ared");
        assert_eq!(named("\u{9b}31m".as_bytes()), r"\xc2\x9b31m");
        assert_eq!(named(b""), "");
    }
}
