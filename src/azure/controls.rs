//! Controls: the catalogue of what is checked, as data in `controls.json`. Each kind of check
//! is one control, with a stable id.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::checks::CheckKind;

const CATALOGUE: &str = include_str!("controls.json");

static ALL: LazyLock<Vec<Control>> = LazyLock::new(|| {
    // A test holds that it can be read.
    serde_json::from_str(CATALOGUE).unwrap_or_default()
});

static BY_KIND: LazyLock<BTreeMap<CheckKind, &'static Control>> =
    LazyLock::new(|| ALL.iter().map(|control| (control.check, control)).collect());

/// A control: something that is checked, and all that an auditor asks of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its id, which never changes.
    pub id: String,
    /// The kind of its checks.
    pub check: CheckKind,
    /// Its title.
    pub title: String,
    /// 1 for what everybody needs, 2 for what some ask for.
    pub level: u8,
    /// Reason for it, in a sentence.
    pub rationale: String,
    /// Tests by hand.
    pub test: Test,
    /// Values that pass.
    pub expected: String,
    /// Measure where it fails.
    pub remedy: String,
    /// Way back from that measure.
    pub back_out: String,
    /// The same control in public benchmarks.
    pub references: Vec<Reference>,
}

/// Tests of a control by hand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Path in the portal.
    pub portal: String,
    /// Command.
    pub command: String,
}

/// A control of a public benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Name and version of the benchmark.
    pub benchmark: String,
    /// Id of the control there.
    pub id: String,
    /// Title of the control there.
    pub title: String,
    /// Public page that id and title were checked against.
    pub source: String,
}

/// All controls, those of paths first.
#[must_use]
pub fn all() -> &'static [Control] {
    &ALL
}

/// The control of a kind of check.
#[must_use]
pub fn of(kind: CheckKind) -> Option<&'static Control> {
    BY_KIND.get(&kind).copied()
}

/// The control with an id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Control> {
    let mut all = ALL.iter();
    all.find(|control| control.id.eq_ignore_ascii_case(id.trim()))
}

/// Id of the control of a kind of check.
#[must_use]
pub fn id(kind: CheckKind) -> &'static str {
    of(kind).map_or("", |control| &control.id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{CATALOGUE, Control, all};

    #[test]
    fn the_catalogue_is_whole() {
        let read: Vec<Control> = serde_json::from_str(CATALOGUE).expect("JSON");
        assert_eq!(read, all());
        let kinds: BTreeSet<_> = all().iter().map(|control| control.check).collect();
        let ids: BTreeSet<_> = all().iter().map(|control| &control.id).collect();
        assert_eq!((kinds.len(), ids.len()), (all().len(), all().len()));
        for control in all() {
            assert!((1..=2).contains(&control.level), "{}", control.id);
            let said = [
                &control.title,
                &control.rationale,
                &control.test.portal,
                &control.test.command,
                &control.expected,
                &control.remedy,
                &control.back_out,
            ];
            assert!(said.iter().all(|text| !text.is_empty()), "{}", control.id);
            let is_plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(control.id.chars().all(is_plain), "{}", control.id);
        }
    }
}
