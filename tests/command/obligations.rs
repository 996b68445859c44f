//! The documentation's tables of obligations are those of the code.

use plainsight::verdict::proof::{self, Obligation};

/// Rows of a table of docs/report.md, by the first words of its header.
fn rows(header: &str) -> Vec<&'static str> {
    let lines = include_str!("../../docs/report.md").lines();
    let table = lines.skip_while(|line| !line.starts_with(header));
    table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect()
}

fn row(obligation: &Obligation) -> String {
    let Obligation {
        id,
        question,
        met,
        otherwise,
    } = obligation;
    format!("| `{id}` | {question} | {met} | {otherwise} |")
}

#[test]
fn the_page_lists_the_obligations_of_a_path() {
    let expected: Vec<String> = proof::PATH.iter().map(row).collect();
    assert_eq!(rows("| obligation of a path |"), expected);
}

#[test]
fn the_page_lists_the_obligations_of_a_run() {
    let expected: Vec<String> = proof::RUN.iter().map(row).collect();
    assert_eq!(rows("| obligation of the run |"), expected);
}
