//! The documentation: a book whose links lead somewhere and whose commands run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::program::root;

mod book;
mod collecting;
mod commands;

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The README and all pages.
fn pages() -> BTreeSet<PathBuf> {
    let listed = fs::read_dir(root().join("docs")).expect("a folder");
    let files = listed.map(|entry| entry.expect("an entry").path());
    let pages = files.filter(|file| file.extension().is_some_and(|it| it == "md"));
    pages.chain([root().join("README.md")]).collect()
}
