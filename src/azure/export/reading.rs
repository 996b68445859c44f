//! Exports while they are read: each resource once, and where it stood.

use std::path::Path;

use super::bytes::{self, FileText};
use super::items::{self, Item};
use super::node::merge;
use super::{
    BTreeMap, BTreeSet, Export, ExportError, ExportTime, FileReport, HashMap, InputPath, Inventory,
    JsonNode, PathBuf, ResourceId, ResourceKind, Value, VaultKey, VaultKeys,
};
use crate::input::name::FileName;

/// Most differences between exports that are told one by one.
const DIFFERENCES: usize = 5;
/// Most reasons to pass over JSON that are told apart in a file.
const REASONS: usize = 20;

/// Files that resources stood in, by their places in the inventory.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    first: HashMap<ResourceId, u32>,
    /// Members that a later file added, by their keys in lower case.
    added: HashMap<(ResourceId, String), u32>,
}

impl Origins {
    /// Place of the file that a field of a resource stood in. What is part of another resource,
    /// as subnets are, stood where that had it.
    pub(super) fn file_of(&self, id: &ResourceId, path: &str) -> Option<u32> {
        let Some(&first) = self.first.get(id) else {
            let (whole, part) = id.enclosing()?;
            return self.file_of(&whole, part);
        };
        if self.added.is_empty() {
            return Some(first);
        }
        let member = path.split(['.', '[']).next().unwrap_or_default();
        let added = self.added.get(&(id.clone(), member.to_ascii_lowercase()));
        Some(added.copied().unwrap_or(first))
    }
}

/// Exports while they are read.
#[derive(Default)]
pub(super) struct ExportReading {
    resources: BTreeMap<(ResourceKind, ResourceId), Value>,
    keys: VaultKeys,
    origins: Origins,
    files: Vec<FileReport>,
    /// Files that are not JSON, and why.
    broken: BTreeMap<PathBuf, String>,
    /// Reasons for JSON that is not read, by file, and how much of it.
    passed: BTreeMap<(String, String), u64>,
    differing: BTreeSet<String>,
    more_differing: u64,
}

/// Content of a file, until it is read to its end.
#[derive(Default)]
struct FileContent {
    resources: Vec<(ResourceKind, ResourceId, Value)>,
    keys: Vec<VaultKey>,
    passed: BTreeMap<String, u64>,
    is_page: bool,
    exported: Option<jiff::Timestamp>,
}

impl FileContent {
    /// Reads a file, and completes its report. Fails with a sentence.
    fn read(path: &Path, report: &mut FileReport) -> Result<Self, String> {
        let FileText(text) = bytes::read(path, report)?;
        Self::of_text(&text).map_err(|error| format!("not JSON: {error}"))
    }

    fn holds_resources(&self) -> bool {
        !(self.resources.is_empty() && self.keys.is_empty())
    }

    /// Reads documents in a row.
    fn of_text(text: &str) -> serde_json::Result<Self> {
        let mut content = Self::default();
        let mut json = serde_json::Deserializer::from_str(text);
        loop {
            items::each(&mut json, &mut |item| content.take(item))?;
            if json.end().is_ok() {
                return Ok(content);
            }
        }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::One(value) => self.add(value),
            Item::NextPage => self.is_page = true,
            // Of several, the oldest part counts.
            Item::ExportedAt(time) => {
                let known = self.exported.unwrap_or(time);
                self.exported = Some(known.min(time));
            }
        }
    }

    /// Adds a resource, and the peerings that a VNet lists, which move out of it.
    fn add(&mut self, resource: Value) {
        let mut waiting = vec![resource];
        while let Some(mut resource) = waiting.pop() {
            if let Some(key) = VaultKey::of(JsonNode(&resource)) {
                self.keys.push(key);
                continue;
            }
            match ResourceKind::of(JsonNode(&resource)) {
                Ok((kind, id)) => {
                    if kind == ResourceKind::VirtualNetwork {
                        waiting.extend(take_list(&mut resource, "virtualnetworkpeerings"));
                    }
                    self.resources.push((kind, id, resource));
                }
                Err(why) => self.pass(why),
            }
        }
    }

    fn pass(&mut self, why: String) {
        let is_told = self.passed.len() < REASONS || self.passed.contains_key(&why);
        let why = if is_told {
            why
        } else {
            "other JSON".to_owned()
        };
        *self.passed.entry(why).or_default() += 1;
    }
}

/// Takes the items of a list and leaves it empty.
fn take_list(resource: &mut Value, key: &str) -> Vec<Value> {
    let list = resource.get_mut(key).and_then(Value::as_array_mut);
    list.map(std::mem::take).unwrap_or_default()
}

impl ExportReading {
    pub(super) fn add_file(&mut self, file: &InputPath) {
        let mut report = FileReport::named(file.to_string());
        match FileContent::read(&file.path, &mut report) {
            Ok(content) => self.add(report, content),
            Err(why) => {
                report.fault = Some(why.clone());
                self.files.push(report);
                self.broken.insert(file.path.clone(), why);
            }
        }
    }

    /// Adds a file if it holds resources, and tells if it does.
    pub(super) fn takes_file(&mut self, file: &InputPath) -> bool {
        let mut report = FileReport::named(file.to_string());
        match FileContent::read(&file.path, &mut report) {
            Ok(content) if content.holds_resources() => {
                self.add(report, content);
                true
            }
            _ => false,
        }
    }

    /// Adds a document that is JSON already.
    pub(super) fn add_value(&mut self, name: &str, json: Value) {
        let mut content = FileContent::default();
        // A value has no errors.
        let _ = items::each(json, &mut |item| content.take(item));
        self.add(FileReport::named(name.to_owned()), content);
    }

    fn add(&mut self, mut report: FileReport, content: FileContent) {
        report.resources = (content.resources.len() + content.keys.len()) as u64;
        report.ignored = content.passed.values().sum();
        report.is_page = content.is_page;
        if let Some(time) = content.exported {
            report.set_exported(time, ExportTime::Export);
        }
        let place = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let name = report.name.clone();
        self.files.push(report);
        for (kind, id, resource) in content.resources {
            self.add_resource(place, kind, &id, resource);
        }
        for mut key in content.keys {
            key.stand_in(place);
            self.keys.add(key);
        }
        for (why, count) in content.passed {
            *self.passed.entry((name.clone(), why)).or_default() += count;
        }
    }

    fn add_resource(&mut self, place: u32, kind: ResourceKind, id: &ResourceId, resource: Value) {
        let first = *self.origins.first.entry(id.clone()).or_insert(place);
        let known = self.resources.entry((kind, id.clone())).or_default();
        if first != place
            && let (Value::Object(known), Value::Object(other)) = (&*known, &resource)
        {
            let new = other.keys().filter(|key| !known.contains_key(*key));
            let new = new.map(|key| ((id.clone(), key.clone()), place));
            self.origins.added.extend(new);
        }
        if let Some(path) = merge(known, resource) {
            let name = |place: u32| &self.files[place as usize].name;
            let shown = format!("{} in resource group {}", id.name(), id.resource_group());
            let says = format!(
                "{}: {shown} differs in {path} from what {} says, which is used here",
                name(place),
                name(first)
            );
            self.differ(says);
        }
    }

    fn differ(&mut self, says: String) {
        if self.differing.len() < DIFFERENCES {
            self.differing.insert(says);
        } else if !self.differing.contains(&says) {
            self.more_differing += 1;
        }
    }

    /// Fails where a path that was named holds no JSON.
    pub(super) fn check(&self, files: &[InputPath]) -> Result<(), ExportError> {
        let named = |file: &InputPath| file.found_in.clone().unwrap_or_else(|| file.path.clone());
        let read: BTreeSet<PathBuf> = files
            .iter()
            .filter(|file| !self.broken.contains_key(&file.path))
            .map(named)
            .collect();
        let empty = files.iter().find(|file| !read.contains(&named(file)));
        empty.map_or(Ok(()), |file| {
            let why = self.broken.get(&file.path).cloned().unwrap_or_default();
            Err(ExportError::NoJson {
                path: named(file),
                why,
            })
        })
    }

    pub(super) fn finish(self) -> Export {
        let mut export = Export {
            warnings: self.warnings(),
            ..Export::default()
        };
        for ((kind, id), value) in &self.resources {
            export.add(*kind, id.clone(), JsonNode(value));
        }
        let counted = self.resources.keys();
        let counted = counted.map(|(kind, id)| (kind.name(), id.subscription()));
        // A key's URL names no subscription.
        let keys = self.keys.names().into_iter().map(|_| ("key", ""));
        export.inventory = Inventory::new(self.files, counted.chain(keys), self.passed);
        export.keys = self.keys;
        export.origins = self.origins;
        export.add_models();
        export
    }

    fn warnings(&self) -> Vec<String> {
        let broken = self.broken.iter();
        let broken = broken.map(|(path, why)| format!("{}: passed over: {why}", FileName(path)));
        let passed = self.passed.iter().map(|((name, why), count)| match count {
            1 => format!("{name}: passed over: {why}"),
            _ => format!("{name}: {count} passed over: {why}"),
        });
        let pages = self.files.iter().filter(|file| file.is_page);
        let pages = pages.map(|file| {
            let name = &file.name;
            format!("{name}: one page of a list, whose next page is named and not here")
        });
        let differing = self.differing.iter().cloned();
        let more = (self.more_differing > 0).then(|| {
            let more = self.more_differing;
            format!("and {more} more resources or files that differ: are the exports of one time?")
        });
        let all = broken.chain(passed).chain(pages).chain(differing);
        all.chain(more).collect()
    }
}
