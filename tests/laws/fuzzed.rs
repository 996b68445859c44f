//! The targets of `fuzz/`, over what fuzzing found and over what it starts from.

use std::fs;
use std::path::Path;

use crate::support::program::root;
use crate::support::run;

#[allow(dead_code, reason = "the fuzzer makes its seeds with it")]
#[path = "../../fuzz/src/saved.rs"]
mod saved;
#[path = "../../fuzz/src/targets.rs"]
mod targets;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 6] = [
    ("capture", targets::capture),
    ("frame", targets::frame),
    ("flow_log", targets::flow_log),
    ("export", targets::export),
    ("operator", targets::operator),
    ("saved", saved::saved),
];

/// Shows a target every file of a folder and its folders; gives how many there are.
fn replay(target: fn(&[u8]), folder: &Path) -> usize {
    let paths = fs::read_dir(folder).into_iter().flatten();
    let paths = paths.map(|entry| entry.expect("an entry").path());
    let replayed = paths.map(|path| {
        if path.is_dir() {
            return replay(target, &path);
        }
        println!("{}", path.display());
        target(&fs::read(path).expect("a file"));
        1
    });
    replayed.sum()
}

#[test]
fn what_fuzzing_found_breaks_no_law() {
    for (name, target) in TARGETS {
        replay(target, &root().join("fuzz/regressions").join(name));
    }
}

#[test]
fn what_fuzzing_starts_from_breaks_no_law() {
    for folder in ["captures", "tests/flow-logs", "tests/azure"] {
        let folder = root().join(folder);
        for (name, target) in TARGETS {
            assert!(replay(target, &folder) > 5, "{name}");
        }
    }
}
