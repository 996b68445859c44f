//! The crate's own source files, and which of them each names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// Segments of a path, from the root of the crate where it is absolute.
pub type Names = Vec<String>;

/// A source file of the crate, without its unit tests.
pub struct Source {
    /// Path below `src/`.
    pub file: PathBuf,
    /// The module that it holds; empty for the root.
    pub module: Names,
    pub text: String,
    pub syntax: syn::File,
    /// Names that `use` and `mod` bring into scope, with the absolute path of each.
    imports: BTreeMap<String, Names>,
    /// Absolute paths that the code names. A re-export does not: it is part of a list of
    /// contents, and the code beside it needs nothing of it.
    named: BTreeSet<Names>,
}

/// All source files of the crate, by the module that each holds.
pub struct Sources(BTreeMap<Names, Source>);

impl Sources {
    /// Reads the crate's `src/`.
    pub fn of_crate() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = files(&root).into_iter().map(|path| {
            let inside = path.strip_prefix(&root).expect("a file of src/").to_owned();
            (inside, fs::read_to_string(path).expect("a source file"))
        });
        Self::new(files)
    }

    /// Files, each with its text.
    pub fn new(files: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let sources = files.into_iter().map(|(file, text)| {
            let source = Source::new(file, text);
            (source.module.clone(), source)
        });
        Self(sources.collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    /// The files that a file's code names, itself excepted. A module that is brought into
    /// scope is not named by that, but by what is used of it.
    pub fn named_by(&self, source: &Source) -> BTreeSet<&Path> {
        let items = source
            .named
            .iter()
            .filter(|names| !self.0.contains_key(*names));
        let targets = items.filter_map(|names| self.holder(names));
        let others = targets.filter(|target| target.file != source.file);
        others.map(|target| target.file.as_path()).collect()
    }

    /// The file that declares what an absolute path names, behind all re-exports.
    fn holder(&self, names: &[String]) -> Option<&Source> {
        let (module, item) = (0..=names.len()).rev().find_map(|len| {
            let module = self.0.get(&names[..len])?;
            Some((module, &names[len..]))
        })?;
        let Some((name, rest)) = item.split_first() else {
            return Some(module);
        };
        let imported = |import: &Names| [&import[..], rest].concat();
        // A module that is written within its file leads to itself.
        match module.imports.get(name).map(imported) {
            Some(imported) if imported != names => self.holder(&imported),
            _ => Some(module),
        }
    }
}

impl Source {
    fn new(file: PathBuf, text: String) -> Self {
        let syntax =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let module = file.with_extension("");
        let module = module
            .iter()
            .map(|part| part.to_string_lossy().into_owned());
        let module: Names = module.filter(|name| name != "lib").collect();
        let mut scope = Scope::new(module.clone());
        scope.visit_file(&syntax);
        let mut reader = Reader {
            scope: &scope,
            module: module.clone(),
            named: scope.used.clone(),
        };
        reader.visit_file(&syntax);
        let named = reader.named;
        Self {
            file,
            module,
            text,
            syntax,
            imports: scope.imports,
            named,
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("src/");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let sources = paths.flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    sources
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// A path below `crate`, `self` or `super`, as an absolute one.
fn absolute(module: &[String], names: &[String]) -> Option<Names> {
    let ups = names.iter().take_while(|name| *name == "super").count();
    let (base, rest) = match names.first()?.as_str() {
        "crate" => (&[][..], &names[1..]),
        "self" => {
            return absolute(module, &names[1..]).or_else(|| Some([module, &names[1..]].concat()));
        }
        "super" => (&module[..module.len().checked_sub(ups)?], &names[ups..]),
        _ => return None,
    };
    Some([base, rest].concat())
}

/// First pass over a file: what is in scope, and what `use` alone names.
struct Scope {
    module: Names,
    imports: BTreeMap<String, Names>,
    used: BTreeSet<Names>,
}

impl Scope {
    fn new(module: Names) -> Self {
        Self {
            module,
            imports: BTreeMap::new(),
            used: BTreeSet::new(),
        }
    }

    /// Takes in a tree of `use`, below the names before it.
    fn tree(&mut self, before: &[String], tree: &syn::UseTree, exported: bool) {
        let below = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&below(&path.ident), &path.tree, exported),
            syn::UseTree::Group(group) => {
                let items = group.items.iter();
                items.for_each(|item| self.tree(before, item, exported));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                self.import(name, before, exported);
            }
            syn::UseTree::Name(name) => {
                self.import(name.ident.to_string(), &below(&name.ident), exported);
            }
            syn::UseTree::Rename(name) => {
                self.import(name.rename.to_string(), &below(&name.ident), exported);
            }
            syn::UseTree::Glob(_) => self.import("*".to_owned(), before, false),
        }
    }

    fn import(&mut self, name: String, names: &[String], exported: bool) {
        let child = |first: &String| self.imports.get(first).cloned();
        let child = names.first().and_then(child);
        let path = absolute(&self.module, names)
            .or_else(|| child.map(|child| [&child, &names[1..]].concat()));
        if let Some(path) = path {
            if !exported {
                self.used.insert(path.clone());
            }
            self.imports.insert(name, path);
        }
    }
}

impl<'ast> Visit<'ast> for Scope {
    /// Modules come before what is used of them, in whichever order they are written.
    fn visit_file(&mut self, file: &'ast syn::File) {
        for item in &file.items {
            if let syn::Item::Mod(item) = item {
                let name = item.ident.to_string();
                let path = [&self.module[..], std::slice::from_ref(&name)].concat();
                self.imports.insert(name, path);
            }
        }
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let exported = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&[], &item.tree, exported);
    }
}

/// Second pass: every path that the code names.
struct Reader<'s> {
    scope: &'s Scope,
    module: Names,
    named: BTreeSet<Names>,
}

impl Reader<'_> {
    fn name(&mut self, names: &[String]) {
        let imported = |first: &String| {
            let import = self.scope.imports.get(first)?;
            Some([import, &names[1..]].concat())
        };
        let path = absolute(&self.module, names).or_else(|| imported(names.first()?));
        self.named.extend(path);
    }

    /// Paths of two names or more among the tokens of a macro.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Names::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) if colons == 2 && !path.is_empty() => {
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.end(&mut path);
                    colons = 0;
                    match other {
                        TokenTree::Ident(ident) => path.push(ident.to_string()),
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Names) {
        if path.len() > 1 {
            self.name(path);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(item) {
            self.module.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.module.pop();
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter();
        let names: Names = names.map(|segment| segment.ident.to_string()).collect();
        self.name(&names);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        self.visit_path(&invoked.path);
        self.tokens(invoked.tokens.clone());
    }

    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

fn is_test(item: &syn::ItemMod) -> bool {
    item.attrs.iter().any(|attribute| {
        let of_cfg = attribute.path().is_ident("cfg");
        of_cfg
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|word| word == "test")
    })
}
