//! Names of cipher suites, held to those that Wireshark took from IANA's registry.

use std::collections::BTreeMap;

use plainsight::evidence::dtls::Suite;

use crate::support::tshark::values;

/// Suites of the registry that Debian's Wireshark is too old to know.
const NEWER: [u16; 2] = [0x1306, 0x1307];

/// Tests for a name that Wireshark has and the registry has not: of drafts and of private use
/// (RFC 8446 11), of SSL before TLS, and values that no hello can choose.
fn is_unregistered(number: u16, name: &str) -> bool {
    let is_draft = matches!(number, 0x0080..=0x0083 | 0xc0ff | 0xcc13..=0xcc15 | 0xe000..);
    is_draft
        || name.starts_with("SSL_")
        || name.ends_with("_SCSV")
        || name.starts_with("Reserved (GREASE)")
}

#[test]
fn suites_are_those_of_the_registry() {
    let of_wireshark: BTreeMap<u16, String> = values("dtls.handshake.ciphersuite")
        .into_iter()
        .filter(|(number, name)| !is_unregistered(*number, name))
        .collect();
    assert!(of_wireshark.len() > 300, "{}", of_wireshark.len());
    let named = (0..=u16::MAX)
        .map(|number| (number, Suite(number).name().to_owned()))
        .filter(|(number, name)| name != "unassigned" && !NEWER.contains(number));
    assert_eq!(named.collect::<BTreeMap<_, _>>(), of_wireshark);
}
