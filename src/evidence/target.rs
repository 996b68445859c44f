//! Names of Lustre targets, as connect requests and a client's own files give them.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Length of the longest name: a file system's of 8 bytes (`LUSTRE_MAXFSNAME`) and `-OST0003`.
const MAX_LEN: usize = 16;
/// Name of the management server's only target.
const MGS: &str = "MGS";
/// Marks between a file system's name and the index of a target in it.
const MARKS: [&str; 2] = ["-OST", "-MDT"];

/// Name of a target: `lustrefs-OST0003` for objects, `lustrefs-MDT0000` for names, or `MGS`
/// (`lustre_disk.h`, `server_name2index` of Lustre's `obd_mount.c`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName {
    bytes: [u8; MAX_LEN],
    len: u8,
}

impl TargetName {
    /// Reads a name, alone or at the begin of an instance's (`lustrefs-OST0003-osc-ffff...`) or of
    /// a UUID (`lustrefs-OST0003_UUID`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = match text.strip_prefix(MGS) {
            Some(rest) => is_end(rest).then_some(MGS)?,
            None => indexed(text)?,
        };
        let mut bytes = [0; MAX_LEN];
        bytes
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        let len = u8::try_from(name.len()).ok()?;
        Some(Self { bytes, len })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.len)];
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// Name of the target's file system; `None` for the management server, which serves several.
    #[must_use]
    pub fn file_system(&self) -> Option<&str> {
        let name = self.as_str();
        let end = MARKS.iter().find_map(|mark| name.rfind(mark))?;
        Some(&name[..end])
    }
}

/// The name of a target with an index at the begin of a text.
fn indexed(text: &str) -> Option<&str> {
    let mark = MARKS.iter().filter_map(|mark| text.find(mark)).min()?;
    let digits = text.get(mark + 4..mark + 8)?;
    let is_index = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let (name, rest) = text.split_at(mark + 8);
    (mark > 0 && is_index && name.bytes().all(is_name) && is_end(rest)).then_some(name)
}

/// Tests that a name may end before this.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['-', '_'])
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Serialize for TargetName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TargetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let name = Self::parse(&text).filter(|name| name.as_str() == text);
        name.ok_or_else(|| D::Error::custom("a target's name that is none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_targets_are_read_and_others_are_not() {
        for (text, name, file_system) in [
            (
                "lustrefs-OST0003_UUID",
                "lustrefs-OST0003",
                Some("lustrefs"),
            ),
            (
                "lustrefs-MDT0000-mdc-ffff9c1d",
                "lustrefs-MDT0000",
                Some("lustrefs"),
            ),
            ("a-b-OSTffff", "a-b-OSTffff", Some("a-b")),
            ("MGS", "MGS", None),
            ("MGS_UUID", "MGS", None),
        ] {
            let read = TargetName::parse(text).expect(text);
            assert_eq!((read.as_str(), read.file_system()), (name, file_system));
        }
        let others = [
            "",
            "MGSX",
            "-OST0000",
            "fs-OST00",
            "fs-OSTxyz0",
            "fs-OST00001",
            "f\u{1b}-OST0000",
            "d1f2c3a4-1111-2222-3333-444455556666",
            "much-too-long-OST0000",
            "fs-OST000é",
        ];
        for text in others {
            assert_eq!(TargetName::parse(text), None, "{text}");
        }
    }
}
