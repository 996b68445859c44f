//! Law 1: a stage names itself and the stages above it; and no file names another that
//! names it, directly or by way of others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::source::Sources;

/// From the first to the last.
const STAGES: [&str; 14] = [
    "capture",
    "decode",
    "evidence",
    "flow",
    "aggregate",
    "input",
    "flow_log",
    "layout",
    "azure",
    "verdict",
    "report",
    "engine",
    "cli",
    "run",
];
/// Files that may name every stage and that none names.
const AROUND: [&str; 2] = ["lib", "main"];

/// Each file with the files that its code names.
type Arrows<'s> = BTreeMap<&'s Path, BTreeSet<&'s Path>>;

fn arrows(sources: &Sources) -> Arrows<'_> {
    let named = |source| sources.named_by(source);
    sources
        .iter()
        .map(|source| (source.file.as_path(), named(source)))
        .collect()
}

/// First part of a file's path: its stage, where that is known.
fn stage(file: &Path) -> String {
    let file = file.with_extension("");
    let first = file.iter().next().expect("a name");
    first.to_string_lossy().into_owned()
}

/// Position of a file among the stages; the files around them stand below all.
fn position(file: &Path) -> usize {
    let stage = stage(file);
    let position = STAGES.iter().position(|&known| known == stage);
    position.unwrap_or(STAGES.len())
}

/// Arrows from a stage to one below it.
fn upward(arrows: &Arrows<'_>) -> Vec<String> {
    let all = arrows
        .iter()
        .flat_map(|(from, named)| named.iter().map(move |to| (from, to)));
    all.filter(|(from, to)| position(from) < position(to))
        .map(|(from, to)| format!("{} names {}", from.display(), to.display()))
        .collect()
}

/// An arrow from the head of a folder to a file in it: what is inside is its own, and may
/// use what the head declares for all of them.
fn is_own(head: &Path, file: &Path) -> bool {
    file.starts_with(head.with_extension(""))
}

/// The arrows that must not lead in a circle.
fn imports<'s>(arrows: &Arrows<'s>) -> Arrows<'s> {
    let mut imports = arrows.clone();
    for (&from, named) in &mut imports {
        named.retain(|to| !is_own(from, to));
    }
    imports
}

/// Files in a circle or above one: what is left when those that name nothing left are
/// taken away, again and again.
fn left_in_circles<'s>(arrows: &Arrows<'s>) -> Arrows<'s> {
    let mut left = arrows.clone();
    loop {
        let files: BTreeSet<&Path> = left.keys().copied().collect();
        let before = left.len();
        for named in left.values_mut() {
            named.retain(|file| files.contains(file));
        }
        left.retain(|_, named| !named.is_empty());
        if left.len() == before {
            return left;
        }
    }
}

/// One circle, from a file back to itself.
fn circle(arrows: &Arrows<'_>) -> Option<Vec<PathBuf>> {
    let left = left_in_circles(arrows);
    let mut walked = vec![*left.keys().next()?];
    loop {
        let next = *left[walked.last()?].iter().next()?;
        let known = walked.iter().position(|&file| file == next);
        walked.push(next);
        if let Some(known) = known {
            let circle = walked[known..].iter();
            return Some(circle.map(|file| file.to_path_buf()).collect());
        }
    }
}

fn sources(files: &[(&str, &str)]) -> Sources {
    let owned = files
        .iter()
        .map(|(file, text)| (file.into(), (*text).into()));
    Sources::new(owned)
}

#[test]
fn stages_name_only_what_is_above_them() {
    let sources = Sources::of_crate();
    let stages: BTreeSet<String> = sources.iter().map(|source| stage(&source.file)).collect();
    let known = STAGES
        .iter()
        .chain(&AROUND)
        .map(ToString::to_string)
        .collect();
    assert_eq!(stages, known);
    let wrong = upward(&arrows(&sources));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_in_a_circle() {
    let sources = Sources::of_crate();
    let arrows = arrows(&sources);
    let imports = imports(&arrows);
    assert!(imports.values().map(BTreeSet::len).sum::<usize>() > 300);
    assert_eq!(circle(&imports), None);
}

#[test]
fn paths_are_found_in_all_their_forms() {
    let forms = [
        "use crate::flow::X;",
        "use crate::{flow::{self, X}, decode};",
        "fn f(x: crate::flow::X) {}",
        "use crate::flow; fn f(x: flow::X) {}",
        "use crate::flow as f; fn f(x: f::X) {}",
        "use super::super::flow::X;",
        "mod inner { use super::super::super::flow::X; }",
        "fn f() { println!(\"{}\", 1 + crate::flow::X); }",
        "fn f() { use crate::reexported::X; }",
        "use crate::reexported as r; fn f(x: Option<r::Y>) {}",
        "impl crate::flow::X { }",
        "macro_rules! m { () => { $crate::flow::X } }",
    ];
    for form in forms {
        let sources = sources(&[
            ("flow.rs", "pub struct X;"),
            ("reexported.rs", "pub use crate::flow::{X, X as Y};"),
            ("decode.rs", ""),
            ("evidence/dtls.rs", form),
        ]);
        let named = &arrows(&sources)[Path::new("evidence/dtls.rs")];
        assert!(named.contains(Path::new("flow.rs")), "{form}: {named:?}");
        assert!(
            !named.contains(Path::new("reexported.rs")),
            "{form}: {named:?}"
        );
    }
}

#[test]
fn names_that_need_nothing_are_no_arrows() {
    let forms = [
        "pub use crate::flow::X;",
        "// crate::flow::X\nfn f() { g(\"crate::flow::X\") }",
        "#[cfg(test)] mod tests { use crate::flow::X; }",
        "use std::flow::X; fn f(x: other::flow::X) {}",
        "pub(super) fn f() {}",
    ];
    for form in forms {
        let sources = sources(&[("flow.rs", "pub struct X;"), ("decode.rs", form)]);
        assert!(
            arrows(&sources)[Path::new("decode.rs")].is_empty(),
            "{form}"
        );
    }
}

#[test]
fn an_arrow_upward_and_a_circle_are_found() {
    let sources = sources(&[
        (
            "flow.rs",
            "mod key; mod table; pub use table::Table; fn f(key: key::Key) {}",
        ),
        (
            "flow/key.rs",
            "pub fn g(table: super::Table) { super::f() }",
        ),
        ("flow/table.rs", "use super::key::Key; pub struct Table;"),
        ("run.rs", "use crate::flow::Key;"),
        ("decode.rs", "use crate::run::files;"),
    ]);
    let arrows = arrows(&sources);
    assert_eq!(upward(&arrows), ["decode.rs names run.rs"]);
    let files = circle(&imports(&arrows)).expect("a circle");
    let expected = ["flow/key.rs", "flow/table.rs", "flow/key.rs"];
    assert_eq!(files, expected.map(PathBuf::from));
}
