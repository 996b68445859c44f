//! The captures that others made, and what other tools say of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::skip::skipped_here;

/// What an oracle's row says, by the name of its column.
pub type Row = BTreeMap<String, String>;

/// Where the number of packets rightly is another than capinfos gives, and why.
pub const DIFFERENT: [(&str, Option<usize>, &str); 14] = [
    (
        "formats/google-gopacket__be_test901.pcapng",
        Some(2),
        "capinfos stops at a section of another version; one behind it is read",
    ),
    (
        "formats/google-gopacket__le_test901.pcapng",
        Some(2),
        "capinfos stops at a section of another version; one behind it is read",
    ),
    (
        "malformed/debian-wireshark_4.4.18__trunc.pcap",
        Some(1),
        "zeros are no packets",
    ),
    (
        "malformed/seladb-PcapPlusPlus__clusterfuzz-testcase-minimized-FuzzTarget-5717750942269440",
        Some(0),
        "zeros are no packets",
    ),
    (
        "malformed/seladb-PcapPlusPlus__crash-eec28dafde1f1ac2299674a75a914ae16d4046fa",
        Some(0),
        "a flawed record without another behind it is no packet",
    ),
    (
        "malformed/ntop-nDPI__fuzz-2021-10-13.pcap",
        Some(0),
        "a flawed record without another behind it is no packet",
    ),
    (
        "malformed/seladb-PcapPlusPlus__clusterfuzz-testcase-FuzzTarget-6207688043397120",
        Some(0),
        "a flawed record without another behind it is no packet",
    ),
    (
        "formats/LibtraceTeam-libtrace__5_packets.erf.gz",
        None,
        "ERF is not read",
    ),
    (
        "formats/LibtraceTeam-libtrace__5_packets.erf.xz",
        None,
        "ERF is not read, within xz either",
    ),
    (
        "formats/seladb-PcapPlusPlus__solaris.snoop",
        None,
        "snoop is not read",
    ),
    (
        "formats/the-tcpdump-group-libpcap__brcm-tag-stp.pcap",
        Some(4),
        "capinfos does not know its link type; tcpdump reads 4",
    ),
    (
        "formats/rshk-python-pcapng__test006.ntar",
        Some(0),
        "its packet block has a length that is no multiple of four",
    ),
    (
        "malformed/seladb-PcapPlusPlus__clusterfuzz-testcase-minimized-FuzzTarget-5766899836387328",
        Some(1),
        "capinfos guesses a variant of longer record headers; libpcap reads a packet",
    ),
    (
        "malformed/the-tcpdump-group-libpcap__linktype-reserved-field-not-zero.pcap",
        Some(0),
        "capinfos refuses reserved bits that say nothing of the records",
    ),
];

/// Folder of the corpus and the names of its captures. `None`, and told, where there is none.
pub fn captures() -> Option<(PathBuf, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !folder.is_dir() {
        skipped_here(&format!("there is no folder {}", folder.display()));
        return None;
    }
    let mut names = Vec::new();
    for kind in fs::read_dir(&folder).expect("a folder") {
        let kind = kind.expect("an entry").path();
        // What lies beside the folders tells of the captures, and is none.
        if !kind.is_dir() {
            continue;
        }
        let files = fs::read_dir(&kind).expect("a folder");
        let paths = files.map(|file| file.expect("an entry").path());
        names.extend(paths.map(|path| name(&folder, &path)));
    }
    names.sort();
    assert!(names.len() > 300, "a corpus of {} captures", names.len());
    Some((folder, names))
}

fn name(folder: &Path, path: &Path) -> String {
    let name = path.strip_prefix(folder).expect("a path in the folder");
    name.to_str().expect("a name in ASCII").to_owned()
}

/// Folder of the corpus and the rows of its oracle. `None`, and told, where either is missing.
pub fn corpus() -> Option<(PathBuf, Vec<Row>)> {
    let (folder, names) = captures()?;
    let oracle = fs::read_to_string(folder.join("ORACLE.tsv")).unwrap_or_default();
    if oracle.trim().is_empty() {
        skipped_here("ORACLE.tsv is missing or empty");
        return None;
    }
    let mut lines = oracle
        .lines()
        .map(|line| line.split('\t').map(str::to_owned));
    let columns: Vec<_> = lines.next()?.collect();
    let rows: Vec<Row> = lines
        .map(|line| columns.iter().cloned().zip(line).collect())
        .collect();
    assert!(rows.len() > 300, "an oracle of {} rows", rows.len());
    let known = |row: &Row| names.binary_search(&row["file"]).is_ok();
    assert!(
        rows.iter().all(known),
        "rows of captures that are not there"
    );
    Some((folder, rows))
}

/// How many packets a file has: as many as capinfos counts, where that is right.
pub fn packets(row: &Row) -> Option<usize> {
    let known = DIFFERENT.iter().find(|(name, ..)| *name == row["file"]);
    known.map_or_else(|| Some(counted(row)), |known| known.1)
}

/// Where capinfos stopped early, its message says after how many packets.
fn counted(row: &Row) -> usize {
    let in_words = || {
        row["capinfos_err"]
            .split_once("after reading ")?
            .1
            .split_once(' ')
    };
    let count = row["capinfos_pkts"].parse().ok();
    let count = count.or_else(|| in_words()?.0.parse().ok());
    count.expect("a count in the oracle")
}
