//! The crate's source, held to what keeps it readable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use syn::visit::{self, Visit};

use super::source::{Source, Sources};

/// Lines of a function, from `fn` to its last brace.
const FUNCTION_LIMIT: usize = 40;
/// Lines of a file.
const FILE_LIMIT: usize = 500;
/// Most documentation comments in a thousand that may begin with one of [`RIDDLES`].
const RIDDLE_LIMIT: usize = 50;

/// First words of comments that read as riddles; a noun or a verb says what a thing is.
const RIDDLES: [&str; 7] = ["What", "Whether", "Who", "How", "Where", "When", "Which"];

/// Names of functions with their lines.
#[derive(Default)]
struct Functions(Vec<(String, usize)>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = body.brace_token.span.close().end().line - first + 1;
        self.0.push((signature.ident.to_string(), lines));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

fn long_functions(source: &Source) -> Vec<String> {
    let mut functions = Functions::default();
    functions.visit_file(&source.syntax);
    let long = functions
        .0
        .into_iter()
        .filter(|(_, lines)| *lines > FUNCTION_LIMIT);
    let file = source.file.to_str().expect("UTF-8");
    long.map(|(name, lines)| format!("{file}: {name} has {lines} lines"))
        .collect()
}

/// First lines of a text's documentation comments.
fn comments(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().map(str::trim_start).filter_map(move |line| {
        let comment = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"));
        let begins = !inside;
        inside = comment.is_some();
        comment.filter(|_| begins).map(str::trim_start)
    })
}

fn is_riddle(comment: &str) -> bool {
    let word = comment.split(|c: char| !c.is_alphabetic()).next();
    RIDDLES.contains(&word.unwrap_or_default())
}

/// Name of a type that an item declares.
fn type_name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Names that stand for types in several files, with these files.
fn ambiguous(sources: &Sources) -> BTreeMap<String, BTreeSet<&PathBuf>> {
    let mut names = BTreeMap::<String, BTreeSet<&PathBuf>>::new();
    for source in sources.iter() {
        for name in source.syntax.items.iter().filter_map(type_name) {
            names.entry(name).or_default().insert(&source.file);
        }
    }
    names.retain(|_, files| files.len() > 1);
    names
}

#[test]
fn a_name_stands_for_one_type() {
    let sources = Sources::of_crate();
    assert_eq!(ambiguous(&sources), BTreeMap::new());
}

#[test]
fn a_name_of_two_types_is_found() {
    let texts = ["struct Seen; enum Kind {}", "type Seen = u8; struct Other;"];
    let files = ["flow.rs", "decode.rs"].map(PathBuf::from);
    let texts = texts.map(ToOwned::to_owned);
    let sources = Sources::new(files.into_iter().zip(texts));
    assert!(ambiguous(&sources).keys().eq(["Seen"]));
}

#[test]
fn functions_are_short() {
    let long: Vec<String> = Sources::of_crate()
        .iter()
        .flat_map(long_functions)
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn files_are_short() {
    let sources = Sources::of_crate();
    let lines = sources
        .iter()
        .map(|source| (&source.file, source.text.lines().count()));
    let long: Vec<_> = lines.filter(|(_, lines)| *lines > FILE_LIMIT).collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn comments_begin_with_what_a_thing_is() {
    let sources = Sources::of_crate();
    let all = sources.iter().flat_map(|source| comments(&source.text));
    let (riddles, plain): (Vec<&str>, Vec<&str>) = all.partition(|comment| is_riddle(comment));
    let all = riddles.len() + plain.len();
    assert!(
        riddles.len() * 1000 <= all * RIDDLE_LIMIT,
        "{} of {all} comments:\n{}",
        riddles.len(),
        riddles.join("\n")
    );
}

#[test]
fn what_is_too_long_or_a_riddle_is_found() {
    let body = "let x = 1;\n".repeat(FUNCTION_LIMIT - 1);
    for (lines, is_long) in [(&body[11..], false), (&body[..], true)] {
        let text = format!("impl X {{\n/// A comment.\n#[inline]\npub fn f() {{\n{lines}}}\n}}");
        let sources = Sources::new([("flow.rs".into(), text)]);
        let long = sources.iter().flat_map(long_functions).count();
        assert_eq!(long > 0, is_long);
    }
    let text = "//! Whether it is.\n//! What else.\n/// A thing.\nstruct X;\n    ///Where.\n\n/// Whatever.";
    let found: Vec<&str> = comments(text)
        .filter(|comment| is_riddle(comment))
        .collect();
    assert_eq!(found, ["Whether it is.", "Where."]);
}
