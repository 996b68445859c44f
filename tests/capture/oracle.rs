//! The captures that others made, and what other tools say of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What an oracle's row says, by the name of its column.
pub type Row = BTreeMap<String, String>;

/// Where the number of packets rightly is another than capinfos gives, and why.
pub const DIFFERENT: [(&str, Option<usize>, &str); 7] = [
    (
        "formats/LibtraceTeam-libtrace__5_packets.erf.gz",
        None,
        "ERF is not read",
    ),
    (
        "formats/LibtraceTeam-libtrace__5_packets.erf.xz",
        None,
        "xz is not read",
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

/// The folder and the rows of its oracle; nothing where the corpus is not present.
pub fn corpus() -> Option<(PathBuf, Vec<Row>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let Ok(oracle) = fs::read_to_string(folder.join("ORACLE.tsv")) else {
        // Past the test harness, which keeps what a test prints to itself.
        let absent = format!("\nnothing was tested: no corpus in {}", folder.display());
        writeln!(std::io::stderr(), "{absent}").expect("standard error");
        return None;
    };
    let mut lines = oracle
        .lines()
        .map(|line| line.split('\t').map(str::to_owned));
    let names: Vec<_> = lines.next()?.collect();
    let rows: Vec<_> = lines
        .map(|line| names.iter().cloned().zip(line).collect())
        .collect();
    assert!(rows.len() > 300, "an oracle of {} rows", rows.len());
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
