//! Layouts of Lustre's files, as `lfs getstripe` prints them: the targets that hold each file's
//! data (lfs-getstripe(1); `llapi_dump_layout` of Lustre's `liblustreapi.c`).
//!
//! Its text, its YAML (`--yaml`) and JSON with the same keys are read. A file's name stands on a
//! line of its own at the margin; below it, `l_ost_idx: 3` or a row of a table that begins with
//! `obdidx` names a target of objects, and a pattern with `mdt` says that data is where names are.

use std::collections::BTreeSet;

use serde_json::Value;

/// Keys that begin a line which is no file's name.
const KEYS: [&str; 10] = [
    "lmm_",
    "lcm_",
    "lcme_",
    "lmv_",
    "l_ost_idx",
    "l_fid",
    "stripe_",
    "component",
    "sub_layout",
    "obdidx",
];
/// Keys of the index of a target of objects.
const INDICES: [&str; 2] = ["l_ost_idx", "obdidx"];
/// Keys of a file's name in JSON.
const NAMES: [&str; 4] = ["path", "file", "file_name", "name"];

/// Targets that hold a file's data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileLayout {
    /// Name of the file; empty where it was not printed.
    pub name: String,
    /// Indices of targets of objects.
    pub objects: BTreeSet<u32>,
    /// True if data is on the target of names (Data on MDT).
    pub is_on_metadata: bool,
    /// Stripes that its lists of objects should have, by the counts before them.
    stripes: u64,
    /// Stripes that they have.
    listed: u64,
    /// Count of the next list.
    count: u64,
}

impl FileLayout {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Tests that it lacks stripes, which were cut off.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.listed < self.stripes
    }

    /// Begins a list, which has as many objects as the count before it says.
    fn begin_list(&mut self) {
        self.stripes += std::mem::take(&mut self.count);
    }

    fn add_object(&mut self, index: u32) {
        self.objects.insert(index);
        self.listed += 1;
    }

    fn is_begun(&self) -> bool {
        !self.name.is_empty() || !self.objects.is_empty() || self.is_on_metadata
    }

    /// Adds a line of the text that has a key.
    fn add_key(&mut self, words: &str) {
        if let Some(index) = index(words) {
            self.add_object(index);
        } else if words.starts_with("lmm_objects:") || words.starts_with(INDICES[1]) {
            self.begin_list();
        } else if let Some((_, count)) = words.split_once("lmm_stripe_count:") {
            self.count = count.trim().parse().unwrap_or(0);
        } else if let Some((_, pattern)) = words.split_once("lmm_pattern:") {
            self.add_pattern(pattern.trim());
        }
    }

    fn add_pattern(&mut self, pattern: &str) {
        self.is_on_metadata |= pattern.split([',', ' ']).any(|word| word == "mdt");
    }
}

/// Reads what was printed of some files.
///
/// # Errors
/// Nothing in it is a layout, in a sentence.
pub fn read(text: &str) -> Result<Vec<FileLayout>, String> {
    let files = if text.trim_start().starts_with(['{', '[']) {
        of_json(text).map_err(|error| format!("it is no JSON: {error}"))?
    } else {
        of_text(text)
    };
    let is_layout = |file: &FileLayout| !file.objects.is_empty() || file.is_on_metadata;
    if !files.iter().any(is_layout) && !text.contains("stripe") {
        return Err("there is no layout in it, as `lfs getstripe` prints".to_owned());
    }
    Ok(files)
}

fn of_text(text: &str) -> Vec<FileLayout> {
    let mut files = Vec::new();
    let mut file = FileLayout::default();
    let mut is_table = false;
    for line in text.lines() {
        let words = line.trim_start_matches([' ', '\t', '-']);
        is_table = is_table && !words.is_empty() || words.starts_with(INDICES[1]);
        match line_kind(line, words) {
            LineKind::Name(name) => {
                let before = std::mem::replace(&mut file, FileLayout::named(name));
                files.extend(before.is_begun().then_some(before));
            }
            LineKind::Key => file.add_key(words),
            LineKind::Row if is_table => {
                let first = words.split_whitespace().next();
                if let Some(index) = first.and_then(|it| it.parse().ok()) {
                    file.add_object(index);
                }
            }
            LineKind::Row => {}
        }
    }
    if !text.ends_with('\n') {
        // Its last line was cut, and so may be lines behind it.
        file.stripes += 1;
    }
    files.extend(file.is_begun().then_some(file));
    files
}

/// A line of the text.
enum LineKind<'l> {
    /// Name of a file.
    Name(&'l str),
    /// Key and value, or several.
    Key,
    /// Row of a table, or nothing.
    Row,
}

fn line_kind<'l>(line: &'l str, words: &str) -> LineKind<'l> {
    let is_key = |word: &str| KEYS.iter().any(|key| word.starts_with(key));
    // A list's item may have a number before its keys.
    if is_key(words) || words.contains("l_ost_idx:") {
        return LineKind::Key;
    }
    if words.is_empty() || line.starts_with([' ', '\t']) {
        return LineKind::Row;
    }
    LineKind::Name(line.strip_suffix(" has no stripe info").unwrap_or(line))
}

/// The index of a target in `0: { l_ost_idx: 3, l_fid: [...] }` or `l_ost_idx: 3`.
fn index(words: &str) -> Option<u32> {
    let (_, value) = words.split_once("l_ost_idx:")?;
    let digits = value.trim_start();
    let end = digits.find(|c: char| !c.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().ok()
}

fn of_json(text: &str) -> serde_json::Result<Vec<FileLayout>> {
    let mut files = Vec::new();
    let mut file = FileLayout::default();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        walk(&document?, &mut file, &mut files);
    }
    files.extend(file.is_begun().then_some(file));
    Ok(files)
}

/// Adds what a value says to the file that it is part of, or to one that it names.
fn walk(value: &Value, file: &mut FileLayout, files: &mut Vec<FileLayout>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, file, files)),
        Value::Object(members) => {
            let name = NAMES.iter().find_map(|key| members.get(*key)?.as_str());
            if let Some(name) = name {
                let before = std::mem::replace(file, FileLayout::named(name));
                files.extend(before.is_begun().then_some(before));
            }
            let index = INDICES.iter().find_map(|key| members.get(*key)?.as_u64());
            if let Some(index) = index.and_then(|index| u32::try_from(index).ok()) {
                file.add_object(index);
            }
            if members.contains_key("lmm_objects") {
                let count = members.get("lmm_stripe_count").and_then(Value::as_u64);
                file.count = count.unwrap_or(0);
                file.begin_list();
            }
            if let Some(pattern) = members.get("lmm_pattern").and_then(Value::as_str) {
                file.add_pattern(pattern);
            }
            members.values().for_each(|value| walk(value, file, files));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    /// Name, targets of objects, data on the target of names, and stripes cut off.
    type Told = (String, Vec<u32>, bool, bool);

    fn layout(name: &str, objects: &[u32], is_on_metadata: bool) -> Told {
        (name.to_owned(), objects.to_vec(), is_on_metadata, false)
    }

    fn read(text: &str) -> Result<Vec<Told>, String> {
        let files = super::read(text)?.into_iter();
        let told = files.map(|file| {
            let is_cut = file.is_cut();
            let objects = file.objects.into_iter().collect();
            (file.name, objects, file.is_on_metadata, is_cut)
        });
        Ok(told.collect())
    }

    #[test]
    fn a_list_that_was_cut_lacks_stripes() {
        let whole = "/mnt/f\nlmm_stripe_count:  2\nlmm_objects:\n\
            \x20     - l_ost_idx: 3\n      - l_ost_idx: 13\n";
        assert!(!read(whole).expect("a layout")[0].3);
        let list = whole.find("      -").expect("a list");
        for end in list..whole.len() {
            assert!(read(&whole[..end]).expect("a layout")[0].3, "{end}");
        }
        let json = r#"{"path": "f", "lmm_stripe_count": 2, "lmm_objects": [{"l_ost_idx": 3}]}"#;
        assert!(read(json).expect("a layout")[0].3);
    }

    #[test]
    fn a_plain_layout_is_a_table() {
        let text = "/mnt/a b\nlmm_stripe_count:  2\nlmm_pattern:       raid0\n\
            lmm_stripe_offset: 1\n\tobdidx\t\t objid\t\t objid\t\t group\n\
            \t     1\t             2\t          0x2\t             0\n\
            \t     0\t            17\t         0x11\t             0\n\n\
            /mnt/empty has no stripe info\n";
        let files = [
            layout("/mnt/a b", &[0, 1], false),
            layout("/mnt/empty", &[], false),
        ];
        assert_eq!(read(text), Ok(files.to_vec()));
    }

    #[test]
    fn a_composite_layout_has_lists_and_may_have_data_on_an_mdt() {
        let text = "/mnt/f\n  lcm_layout_gen:    5\n    lcme_id:             1\n\
            \x20     lmm_stripe_count:  0\n      lmm_pattern:       mdt\n\n\
            \x20   lcme_id:             2\n      lmm_pattern:       raid0\n      lmm_objects:\n\
            \x20     - 0: { l_ost_idx: 5, l_fid: [0x100050000:0x2:0x0] }\n\
            \x20     - 1: { l_ost_idx: 12, l_fid: [0x1000c0000:0x2:0x0] }\n";
        assert_eq!(read(text), Ok(vec![layout("/mnt/f", &[5, 12], true)]));
    }

    #[test]
    fn yaml_has_an_index_a_line() {
        let text = "lmm_stripe_count:  1\nlmm_pattern:       raid0\nlmm_objects:\n\
            \x20     - l_ost_idx: 3\n        l_fid:     0x100030000:0x2:0x0\n";
        assert_eq!(read(text), Ok(vec![layout("", &[3], false)]));
    }

    #[test]
    fn json_names_its_files() {
        let text = r#"[{"path": "/mnt/f", "components": [{"lmm_pattern": "mdt"},
            {"lmm_objects": [{"l_ost_idx": 2}, {"l_ost_idx": 4}]}]},
            {"path": "/mnt/g", "lmm_objects": [{"l_ost_idx": 7}]}]"#;
        let files = [
            layout("/mnt/f", &[2, 4], true),
            layout("/mnt/g", &[7], false),
        ];
        assert_eq!(read(text), Ok(files.to_vec()));
    }

    #[test]
    fn what_is_no_layout_is_told() {
        assert!(read("Hello\n").is_err());
        assert!(read("{\"a\": ").is_err());
    }
}
