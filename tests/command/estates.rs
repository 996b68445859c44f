//! Posture of a large estate: all of it is there, the worst first, and in bounds.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::estate;
use crate::support::program::{plainsight, said};

/// Length of the JSON in bytes, of which a control's text takes its share but once.
const MAX_JSON: usize = 20 << 20;

#[test]
fn a_large_estate_is_told_whole_and_worst_first() {
    let dir = tempfile::tempdir().unwrap();
    estate::write(dir.path()).unwrap();
    let run = |format: &str| {
        let mut command = plainsight(&["posture", "--format", format, "--azure"]);
        said(command.arg(dir.path()), 1)
    };
    let text = run("json");
    assert!(text.len() < MAX_JSON, "{}", text.len());
    let report: Value = serde_json::from_str(&text).unwrap();
    let count = |list: &str| report[list].as_array().unwrap().len();
    let counts = (count("paths"), count("clients"), count("file_systems"));
    assert_eq!(counts, (estate::PATHS, estate::VMS, estate::FILE_SYSTEMS));
    assert_eq!(
        (estate::PATHS, estate::VMS, estate::VNETS),
        (1800, 2000, 40)
    );
    let kinds = report["inventory"]["resources"].as_array().unwrap().iter();
    let vnets = kinds.filter(|it| it["kind"] == "virtual network");
    let vnets: u64 = vnets.map(|it| it["count"].as_u64().unwrap()).sum();
    assert_eq!(vnets, estate::VNETS as u64);
    for control in report["controls"].as_array().unwrap() {
        let rationale = control["rationale"].to_string();
        assert_eq!(text.matches(&*rationale).count(), 1, "{rationale}");
    }

    // One VM of ten in each VNet cannot encrypt: these are the first rows, and none else.
    let table = run("table");
    let rows = table.lines().filter(|line| line.starts_with("10."));
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 20);
    for row in rows {
        let number: usize = row[1].rsplit('-').next().unwrap().parse().unwrap();
        assert_eq!(number % 10, 0, "{row:?}");
        assert!(row[3].parse::<usize>().unwrap() > 0, "{row:?}");
    }
    assert!(
        table.starts_with("192 of 1,800 paths to AMLFS have a cause of plaintext"),
        "{table}"
    );
    assert!(table.lines().count() < 400, "{}", table.lines().count());
    let outcomes: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| ["fail", "unknown", "note", "pass"].contains(word))
        .collect();
    let told: BTreeSet<&str> = outcomes.iter().copied().collect();
    assert!(
        told.contains("fail") && outcomes.first() == Some(&"fail"),
        "{outcomes:?}"
    );
}
