//! Names of files and other text of strangers, as they are shown.

use std::fmt::{self, Write};
use std::path::Path;

/// Name of a file or folder, in UTF-8 and without what would command a terminal or turn a line
/// around: each byte that is neither stands as its number (`\x1b`), so that names that differ
/// stay apart.
#[derive(Clone, Copy, Debug)]
pub struct FileName<'p>(pub &'p Path);

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_os_str().as_encoded_bytes().utf8_chunks() {
            Visible(chunk.valid()).fmt(f)?;
            numbers(chunk.invalid(), f)?;
        }
        Ok(())
    }
}

/// Text of which each character that cannot be seen, and acts on what can, stands as the numbers
/// of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'t>(pub &'t str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.split_inclusive(is_command) {
            let text = piece.trim_end_matches(is_command);
            f.write_str(text)?;
            numbers(&piece.as_bytes()[text.len()..], f)?;
        }
        Ok(())
    }
}

/// Tests for control characters, line and paragraph separators, and what sets the direction
/// of text (the `Bidi_Control` of UAX #9).
fn is_command(c: char) -> bool {
    let is_direction = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || is_direction || matches!(c, '\u{2028}' | '\u{2029}')
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
        assert_eq!(
            named("a\u{202e}pacp.exe".as_bytes()),
            r"a\xe2\x80\xaepacp.exe"
        );
        assert_eq!(named(b""), "");
    }
}
