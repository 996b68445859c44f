//! The book builds, has every page, and each of its links leads somewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{pages, read};
use crate::support::program::root;

/// Address under which files of the repository outside the book are shown.
const REPOSITORY: &str = "https://github.com/plainsight/plainsight/blob/main/";

fn events(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// Anchor of a heading, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    kept.collect()
}

/// Anchors of all headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in events(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|it| slug(&it))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    anchors
}

fn links(text: &str) -> Vec<String> {
    let targets = events(text).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    });
    targets.collect()
}

/// File of the repository that a link leads to; `None` for other sites.
fn target(page: &Path, link: &str) -> Option<PathBuf> {
    if let Some(file) = link.strip_prefix(REPOSITORY) {
        return Some(root().join(file));
    }
    match link {
        "" => Some(page.to_owned()),
        _ if link.contains("://") => None,
        _ => Some(page.parent().expect("a folder").join(link)),
    }
}

/// Why a link of a page leads nowhere.
fn fault(page: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let file = target(page, path)?;
    let told = || format!("{}: {link}", page.display());
    if !file.exists() {
        return Some(told());
    }
    let is_found = anchor.is_empty() || anchors(&read(&file)).contains(anchor);
    (!is_found).then(told)
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    let mut lost = Vec::new();
    for page in pages() {
        let links = links(&read(&page));
        seen += links.len();
        lost.extend(links.iter().filter_map(|link| fault(&page, link)));
    }
    assert!(seen > 100, "{seen} links");
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = root().join("docs/report.md");
    let lost = ["nothing.md", "#nothing", "azure.md#nothing"];
    let lost = lost.map(str::to_owned).into_iter();
    let repository = lost.chain([format!("{REPOSITORY}src/nothing.rs")]);
    for link in repository {
        assert!(fault(&page, &link).is_some(), "{link}");
    }
    assert_eq!(fault(&page, "azure.md#controls"), None);
}

#[test]
fn the_book_builds_and_has_every_page() {
    let built = tempfile::tempdir().expect("a folder");
    let docs = root().join("docs");
    let mut book = MDBook::load(&docs).expect("a book");
    book.config.build.build_dir = built.path().to_owned();
    book.build().expect("HTML");
    let chapters = book.iter().filter_map(|item| match item {
        BookItem::Chapter(chapter) => chapter.path.as_ref().map(|path| docs.join(path)),
        _ => None,
    });
    let mut chapters: BTreeSet<PathBuf> = chapters.collect();
    chapters.extend(["README.md", "docs/SUMMARY.md"].map(|name| root().join(name)));
    assert_eq!(chapters, pages());
    let report = read(&built.path().join("report.html"));
    assert!(report.contains("id=\"what-encrypted-means\""));
}
