//! The table of many paths is for people: the worst first, as much as fits, and the rest
//! counted.

use std::collections::BTreeMap;

use plainsight::capture::LinkType;
use plainsight::engine::Engine;
use plainsight::report::{FORMATS, GroupBy, Report, Style};
use serde_json::Value;

use crate::generator::fleet::Shape;
use crate::generator::mixes::{Mix, Supply};
use crate::support::run::{self, Stored};

/// Rows that a window of 24 lines has room for.
const ROWS: usize = 12;

/// A report on two clients with all their servers.
fn report(is_wild: bool) -> Report {
    report_of(is_wild, &run::engine(1000))
}

fn report_of(is_wild: bool, engine: &Engine) -> Report {
    let mix = Mix::Fleet(Shape {
        clients: 2,
        is_small: false,
        is_wild,
    });
    let mut supply = Supply::new(mix, 988);
    let frames: Vec<_> = (0..4000)
        .map(|_| Stored::whole(LinkType::ETHERNET, supply.next().to_vec()))
        .collect();
    let mut counted = run::counted(&frames, engine);
    engine.report(Some(&mut counted), None, engine.run())
}

fn window() -> Style {
    Style {
        height: 24,
        ..Style::default()
    }
}

fn written(format: usize, report: &Report, style: &Style) -> String {
    let mut page = Vec::new();
    FORMATS[format]
        .write(report, style, &mut page)
        .expect("memory");
    String::from_utf8(page).expect("UTF-8")
}

fn table(report: &Report, style: &Style) -> String {
    written(0, report, style)
}

/// Words of each row of the first table.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let behind = table
        .lines()
        .skip_while(|line| !line.starts_with('─'))
        .skip(1);
    let rows = behind.take_while(|line| !line.is_empty() && !line.starts_with("and "));
    rows.map(|row| row.split_whitespace().collect()).collect()
}

/// Numbers of `and N more: N verdict, ...`, the sum first.
fn more(table: &str) -> (usize, BTreeMap<String, usize>) {
    let line = table
        .lines()
        .find(|line| line.starts_with("and "))
        .expect("more");
    let (sum, rest) = line.split_once(" more: ").expect("a sum");
    let rest = rest.split(" (").next().expect("counts");
    let counts = rest.split(", ").filter_map(|count| count.split_once(' '));
    let counts = counts.map(|(n, verdict)| (verdict.to_owned(), n.parse().expect("a number")));
    (
        sum["and ".len()..].parse().expect("a sum"),
        counts.collect(),
    )
}

#[test]
fn the_worst_come_first_and_what_does_not_fit_is_counted() {
    let report = report(false);
    let (plaintext, encrypted) = (report.summary.plaintext, report.summary.encrypted);
    assert!(plaintext > ROWS && encrypted > ROWS, "{:?}", report.summary);
    let table = table(&report, &window());
    let rows = rows(&table);
    assert_eq!(rows.len(), ROWS, "{table}");
    let worst = report
        .paths
        .iter()
        .max_by_key(|path| path.traffic.plaintext.wire_bytes);
    let worst = worst.expect("a path");
    assert_eq!(Some(rows[0][0]), worst.client.as_deref());
    assert_eq!(Some(rows[0][1]), worst.server.as_deref());
    assert!(rows.iter().all(|row| row[2] == "plaintext"), "{table}");
    let (sum, counts) = more(&table);
    assert_eq!(sum, report.paths.len() - ROWS);
    assert_eq!(counts["plaintext"], plaintext - ROWS);
    assert_eq!(counts["encrypted"], encrypted);
}

#[test]
fn so_many_are_listed_as_were_asked_for() {
    let report = report(false);
    let all = report.paths.len();
    for (top, listed) in [(0, 0), (1, 1), (40, 40), (usize::MAX, all)] {
        let style = Style {
            top: Some(top),
            ..window()
        };
        let table = table(&report, &style);
        assert_eq!(rows(&table).len(), listed, "{table}");
        assert_eq!(table.contains("--top all"), listed < all, "{table}");
    }
    let verbose = Style {
        verbose: true,
        ..window()
    };
    assert_eq!(rows(&table(&report, &verbose)).len(), all);
}

#[test]
fn evidence_is_of_what_is_not_encrypted() {
    let report = report(false);
    let encrypted = ": encrypted\n    UDP";
    let is_told = |style: &Style| table(&report, style).contains(encrypted);
    let style = Style {
        top: Some(usize::MAX),
        ..window()
    };
    assert!(!is_told(&style));
    assert!(is_told(&Style {
        verbose: true,
        ..style
    }));
}

/// Each group holds the paths of its end, and their packets.
#[test]
fn groups_add_up_to_the_paths() {
    let report = report(false);
    let json: Value = serde_json::from_str(&written(1, &report, &window())).expect("JSON");
    for (by, end) in [(GroupBy::Client, "client"), (GroupBy::Server, "server")] {
        let mut packets = BTreeMap::<String, u64>::new();
        for path in json["paths"].as_array().expect("paths") {
            let name = path[end].as_str().unwrap_or("–").to_owned();
            let classes = path["traffic"].as_object().expect("classes").values();
            let all: u64 = classes.filter_map(|class| class["packets"].as_u64()).sum();
            *packets.entry(name).or_default() += all;
        }
        let style = Style {
            group_by: Some(by),
            top: Some(usize::MAX),
            width: 200,
            ..window()
        };
        let table = table(&report, &style);
        let told: BTreeMap<String, u64> = rows(&table)
            .iter()
            .map(|row| {
                let last = row.last().expect("packets").replace(',', "");
                (row[0].to_owned(), last.parse().expect("a number"))
            })
            .collect();
        assert_eq!(told, packets, "{table}");
    }
}

#[test]
fn file_systems_that_nobody_names_are_told_to_be_unknown() {
    let style = Style {
        group_by: Some(GroupBy::FileSystem),
        ..window()
    };
    let report = report(false);
    let table = table(&report, &style);
    assert_eq!(rows(&table)[0][0], "unknown", "{table}");
    let told = format!(
        "The file system of {} paths is not known",
        report.paths.len()
    );
    assert!(table.contains(&told), "{table}");
}

/// As where `live` finds the servers on a client of two file systems.
#[test]
fn file_systems_that_clients_know_are_named() {
    let mut engine = run::engine(1000);
    for (last, name) in [(4_u8, "scratch"), (5, "scratch"), (6, "home")] {
        let server = std::net::IpAddr::from([10, 20, 2, last]);
        engine.servers.add_expected(server.into(), "/proc/mounts");
        engine.servers.add_file_system(server.into(), name);
    }
    let report = report_of(false, &engine);
    let style = Style {
        group_by: Some(GroupBy::FileSystem),
        width: 200,
        ..window()
    };
    let table = table(&report, &style);
    let rows = rows(&table);
    let row = |name: &str| {
        let row = rows.iter().find(|row| row[0] == name);
        row.unwrap_or_else(|| panic!("{name}: {table}"))
    };
    // Of each server one client has a tunnel, and the other readable connections.
    assert_eq!(row("scratch")[1..5], ["2", "plaintext,", "2", "encrypted"]);
    assert_eq!(row("home")[1..5], ["1", "plaintext,", "1", "encrypted"]);
    assert_eq!(row("unknown")[1..3], ["29", "plaintext,"]);
}

#[test]
fn equal_warnings_are_told_once() {
    let report = report(true);
    let told = |style: &Style| table(&report, style).matches("by their numbers").count();
    let warnings = report.warnings.iter().map(ToString::to_string);
    let all = warnings
        .filter(|it| it.contains("by their numbers"))
        .count();
    assert!(all > 10, "{:?}", report.warnings);
    assert_eq!(told(&window()), 1);
    assert_eq!(
        told(&Style {
            verbose: true,
            ..window()
        }),
        all
    );
    let missing: u64 = report
        .paths
        .iter()
        .filter_map(|path| path.dtls.as_ref())
        .map(|dtls| dtls.missing)
        .sum();
    let digits = table(&report, &window()).replace([',', '\n'], "");
    assert!(
        digits.contains(&format!("numbers {missing} DTLS")),
        "{digits}"
    );
}
