//! Law 1: a stage names itself and the stages above it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the first to the last.
const STAGES: [&str; 13] = [
    "capture",
    "decode",
    "evidence",
    "flow",
    "aggregate",
    "input",
    "flow_log",
    "azure",
    "verdict",
    "report",
    "engine",
    "cli",
    "run",
];
/// What may name every stage, and is named by none.
const AROUND: [&str; 2] = ["lib", "main"];

/// The parts of the crate that source text names, if its module is `depth` below the root.
fn named(source: &str, depth: usize) -> BTreeSet<String> {
    let code: Vec<&str> = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect();
    let code = code.join("\n");
    let up = "super::".repeat(depth);
    let mut named = names_behind(&code, "crate::");
    if depth > 0 {
        named.extend(names_behind(&code, &up));
    }
    named
}

/// The first segments behind a prefix, each of those in braces.
fn names_behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let starts = code.match_indices(prefix).filter(|&(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c))
    });
    starts
        .flat_map(|(at, _)| first_segments(&code[at + prefix.len()..]))
        .filter(|name| !name.is_empty() && name != "super")
        .collect()
}

fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![first_word(path)];
    };
    let mut depth = 0_i32;
    let top = group.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    let mut names: Vec<String> = Vec::new();
    for item in top {
        names.push(first_word(item.trim_start()));
        if item.matches('}').count() > item.matches('{').count() {
            break;
        }
    }
    names
}

fn first_word(path: &str) -> String {
    path.chars()
        .take_while(|&c| c.is_alphanumeric() || c == '_')
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("src/");
    entries
        .map(|entry| entry.expect("an entry").path())
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// Where a stage may not look, of what a file names.
fn forbidden(stage: &str, names: &BTreeSet<String>) -> Vec<String> {
    let place = |name: &str| STAGES.iter().position(|&stage| stage == name);
    let Some(own) = place(stage) else {
        return Vec::new();
    };
    let below = |name: &&String| match place(name) {
        Some(other) => other > own,
        None => AROUND.contains(&name.as_str()),
    };
    names.iter().filter(below).cloned().collect()
}

#[test]
fn stages_name_only_what_is_above_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in sources(&root) {
        let inside = file.strip_prefix(&root).expect("inside src/");
        let parts: Vec<_> = inside
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        let stage = parts[0].clone();
        assert!(
            STAGES.contains(&stage.as_str()) || AROUND.contains(&stage.as_str()),
            "{stage} has no place among the stages"
        );
        let source = fs::read_to_string(&file).expect("a source file");
        for name in forbidden(&stage, &named(&source, parts.len())) {
            wrong.push(format!("{} names {name}", inside.display()));
        }
        seen.insert(stage);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(STAGES.iter().all(|&stage| seen.contains(stage)), "{seen:?}");
}

#[test]
fn names_are_found_in_all_their_forms() {
    let source = "use crate::flow::{Count, report::X};\n\
        use crate::{verdict::{Class, policy}, decode};\n\
        // crate::run::files\n\
        fn f() -> super::super::cli::Cli { mycrate::main::f(super::other::x()) }";
    let names: Vec<String> = named(source, 2).into_iter().collect();
    assert_eq!(names, ["cli", "decode", "flow", "verdict"]);
    let found = forbidden("flow", &named(source, 2));
    assert_eq!(found, ["cli", "verdict"]);
}
