//! The table as a user asks for it: so many rows, by an end.

use crate::support::azure::folder;
use crate::support::program::{analyze, complaint, said, trace};

/// The table of a capture of one path each way.
fn table(more: &[&str]) -> String {
    let mut command = analyze();
    command.args(["--servers", "10.20.2.0/24"]).args(more);
    said(command.arg(trace("one-path-each-way.pcap")), 1)
}

#[test]
fn what_top_leaves_out_is_counted() {
    let all = table(&[]);
    let place = |server: &str| all.find(&format!("10.20.1.4  {server}")).expect("a row");
    assert!(
        place("10.20.2.6  plaintext") < place("10.20.2.5  encrypted"),
        "{all}"
    );
    assert_eq!(table(&["--top", "all"]), all);
    assert_eq!(table(&["--top", "2"]), all);
    let one = table(&["--top", "1"]);
    assert!(one.contains("10.20.2.6  plaintext"), "{one}");
    assert!(
        one.contains("\nand 1 more: 1 encrypted (--top all lists"),
        "{one}"
    );
    assert!(!one.contains("10.20.2.5"), "{one}");
    let none = table(&["--top", "0"]);
    assert!(
        none.contains("\nand 2 more: 1 plaintext, 1 encrypted ("),
        "{none}"
    );
}

#[test]
fn evidence_of_what_is_encrypted_is_for_who_asks() {
    let shows = |table: &str| table.contains("only encrypted DTLS 1.2 records");
    assert!(!shows(&table(&[])));
    assert!(shows(&table(&["--verbose"])));
}

#[test]
fn a_number_of_rows_that_is_none_is_refused() {
    let mut command = analyze();
    let complaint = complaint(command.args(["--top", "some"]).arg(trace("nfs.pcap")));
    assert!(
        complaint.contains("neither a number nor `all`"),
        "{complaint}"
    );
}

#[test]
fn paths_are_summed_by_client_and_by_server() {
    let clients = table(&["--group-by", "client"]);
    assert!(
        clients.contains("10.20.1.4  1 plaintext, 1 encrypted "),
        "{clients}"
    );
    let servers = table(&["--group-by", "server"]);
    let place = |row: &str| servers.find(row).expect("a row");
    assert!(
        place("10.20.2.6  1 plaintext") < place("10.20.2.5  1 encrypted"),
        "{servers}"
    );
}

#[test]
fn file_systems_are_those_that_exports_name() {
    let by = ["--group-by", "file-system"];
    let unknown = table(&by);
    assert!(
        unknown.contains("unknown      1 plaintext, 1 encrypted"),
        "{unknown}"
    );
    assert!(
        unknown.contains("The file system of 2 paths is not known:"),
        "{unknown}"
    );
    let exports = folder("az").display().to_string();
    let named = table(&[&by[..], &["--azure", &exports]].concat());
    assert!(!named.contains("is not known"), "{named}");
    assert!(
        named.contains("\nfs1          1 plaintext, 1 encrypted"),
        "{named}"
    );
}
