//! What is published as JSON is declared in one place. Counted state is no document: it is saved
//! in a form of its own, which is read back, so its types are `Deserialize` as well.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::source::{Source, Sources};

/// Folder of the published documents: `report/model.rs` and what is below.
const MODEL: &str = "report/model";
/// Documents that are no report, each declared whole in the file that writes it: nothing else
/// prints an event, or a line of `bench`.
const OTHER_DOCUMENTS: [&str; 3] = [
    "run/live/events.rs",
    "run/bench/contender.rs",
    "run/bench/outcome.rs",
];

/// Types that a file derives or implements `Serialize` for and not `Deserialize`, and macros
/// that do.
#[derive(Default)]
struct Serialised {
    found: Vec<String>,
    /// Types that `Serialize` is implemented for, and those that `Deserialize` is.
    written: BTreeSet<String>,
    read: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Serialised {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.derived(&item.ident, &item.attrs);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.derived(&item.ident, &item.attrs);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = item
            .trait_
            .as_ref()
            .and_then(|(_, of, _)| of.segments.last());
        if let (Some(of), syn::Type::Path(of_type)) = (of, &*item.self_ty) {
            let name = of_type.path.segments.last();
            let name = name.map_or_else(String::new, |name| name.ident.to_string());
            if of.ident == "Serialize" {
                self.written.insert(name);
            } else if of.ident == "Deserialize" {
                self.read.insert(name);
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        if has(&invoked.tokens, "Serialize") {
            self.found.push("a macro with Serialize".to_owned());
        }
    }
}

impl Serialised {
    fn derived(&mut self, name: &syn::Ident, attributes: &[syn::Attribute]) {
        let lists = attributes
            .iter()
            .filter_map(|it| it.meta.require_list().ok());
        let tokens: TokenStream = lists.flat_map(|list| list.tokens.clone()).collect();
        if has(&tokens, "Serialize") && !has(&tokens, "Deserialize") {
            self.found.push(name.to_string());
        }
    }
}

fn has(tokens: &TokenStream, word: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => has(&group.stream(), word),
        _ => false,
    })
}

fn serialised(source: &Source) -> Vec<String> {
    let mut found = Serialised::default();
    found.visit_file(&source.syntax);
    let written = found.written.difference(&found.read).cloned();
    found.found.into_iter().chain(written).collect()
}

fn may_serialise(file: &Path) -> bool {
    let other = OTHER_DOCUMENTS.iter().any(|it| file == Path::new(it));
    other || file.with_extension("").starts_with(MODEL)
}

#[test]
fn published_json_is_declared_in_the_model_alone() {
    let sources = Sources::of_crate();
    let (model, others): (Vec<_>, Vec<_>) = sources
        .iter()
        .filter(|source| !serialised(source).is_empty())
        .partition(|source| may_serialise(&source.file));
    assert!(model.len() > 5);
    let others: Vec<_> = others
        .iter()
        .map(|source| format!("{}: {:?}", source.file.display(), serialised(source)))
        .collect();
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn each_way_to_serialise_is_found() {
    let forms = [
        ("#[derive(Debug, Serialize)] struct X;", true),
        ("#[derive(serde::Serialize)] enum X { A }", true),
        ("impl serde::Serialize for X {}", true),
        ("mod inner { impl Serialize for X {} }", true),
        (
            "macro_rules! m { ($t:ty) => { impl Serialize for $t {} } }",
            true,
        ),
        (
            "impl Serialize for X {} impl<'de> Deserialize<'de> for X {}",
            false,
        ),
        ("#[derive(Debug, Deserialize)] struct X;", false),
        ("#[derive(Debug, Serialize, Deserialize)] struct X;", false),
        ("fn write<R: Serialize>(report: &R) {}", false),
        ("/// Serialize\nstruct X;", false),
    ];
    for (text, is_found) in forms {
        let sources = Sources::new([("flow.rs".into(), text.to_owned())]);
        let found = sources.iter().any(|source| !serialised(source).is_empty());
        assert_eq!(found, is_found, "{text}");
    }
}
