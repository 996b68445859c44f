//! Inventory of exports: each file, the resources by kind and subscription, and what was
//! ignored.

use std::collections::BTreeMap;
use std::path::Path;

use crate::input::custody::{self, FileRecord, FileRole};

/// A file of exports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Its path as it was named or found; `-` for standard input.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal; `null` where it was not read to its end.
    pub sha256: Option<String>,
    /// Time of the export, in RFC 3339; `null` where nothing tells it.
    pub exported: Option<String>,
    /// Teller of that time; `null` for none.
    pub exported_by: Option<ExportTime>,
    /// Number of resources in it that were read.
    pub resources: u64,
    /// Number of JSON values in it that were ignored.
    pub ignored: u64,
    /// Set where it is one page of a list, and another is named.
    pub is_page: bool,
    /// Fault that kept it from being read; `null` for none.
    pub fault: Option<String>,
}

/// Teller of the time of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportTime {
    /// The export itself, by its `exportedAt`.
    Export,
    /// The file, by its last modification, which a copy may have changed.
    File,
}

impl FileReport {
    /// Record of the file for a manifest.
    #[must_use]
    pub fn record(&self) -> FileRecord {
        let path = Path::new(&self.name);
        let digest = self.sha256.as_deref().and_then(custody::digest_of);
        let fault = || self.fault.clone().unwrap_or_default();
        digest.map_or_else(
            || FileRecord::failed(FileRole::Export, path, fault()),
            |digest| FileRecord::hashed(FileRole::Export, path, self.size, digest),
        )
    }

    pub(super) fn set_exported(&mut self, time: jiff::Timestamp, by: ExportTime) {
        self.exported = Some(time.to_string());
        self.exported_by = Some(by);
    }

    pub(super) fn named(name: String) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }
}

/// Number of resources of a kind in a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindReport {
    /// The kind.
    pub kind: &'static str,
    /// The subscription, in lower case.
    pub subscription: String,
    /// Number of resources, each counted once.
    pub count: u64,
}

/// JSON that was ignored, of one file and for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredReport {
    /// Name of the file.
    pub file: String,
    /// The reason.
    pub why: String,
    /// Number of JSON values.
    pub count: u64,
}

/// Everything that exports held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Each file, in the order of reading.
    pub files: Vec<FileReport>,
    /// Resources by kind and subscription.
    pub resources: Vec<KindReport>,
    /// JSON that was ignored.
    pub ignored: Vec<IgnoredReport>,
}

impl Inventory {
    pub(super) fn new<'r>(
        files: Vec<FileReport>,
        resources: impl Iterator<Item = (&'static str, &'r str)>,
        ignored: BTreeMap<(String, String), u64>,
    ) -> Self {
        let mut counts = BTreeMap::<_, u64>::new();
        for found in resources {
            *counts.entry(found).or_default() += 1;
        }
        let counts = counts.into_iter();
        let ignored = ignored.into_iter();
        Self {
            files,
            resources: counts
                .map(|((kind, subscription), count)| KindReport {
                    kind,
                    subscription: subscription.to_owned(),
                    count,
                })
                .collect(),
            ignored: ignored
                .map(|((file, why), count)| IgnoredReport { file, why, count })
                .collect(),
        }
    }
}
