//! Entries of a manifest, from the record of a run's files, and back.

#[cfg(unix)]
use std::ffi::OsString;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

pub use super::model::{ClockReport, FileEntry, HostReport, Manifest, ProgramReport, UserReport};
use crate::input::custody::{FileRecord, FileRole, hexadecimal};
use crate::input::name::FileName;

/// Version of the manifest's shape.
pub const MANIFEST_VERSION: u32 = 1;

impl FileEntry {
    /// Entry of a file.
    #[must_use]
    pub fn of(record: &FileRecord) -> Self {
        let path = record.path.as_os_str();
        let text = path.to_str();
        let bytes = path
            .as_encoded_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"));
        Self {
            role: role_name(record.role).to_owned(),
            path: text.map_or_else(|| FileName(&record.path).to_string(), str::to_owned),
            path_bytes: text.is_none().then(|| bytes.collect()),
            size: record.size,
            modified: record.modified.map(|time| time.to_string()),
            sha256: record.digest.map(hexadecimal),
            fault: record.fault.clone(),
        }
    }

    /// Path of the file; `None` where its bytes are none.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        let Some(hexadecimal) = &self.path_bytes else {
            return Some(PathBuf::from(&self.path));
        };
        let (pairs, []) = hexadecimal.as_bytes().as_chunks::<2>() else {
            return None;
        };
        let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        let bytes = bytes?;
        #[cfg(unix)]
        let path = Some(OsString::from_vec(bytes).into());
        // Elsewhere no file has such a name.
        #[cfg(not(unix))]
        let path = String::from_utf8(bytes).ok().map(PathBuf::from);
        path
    }
}

/// Word for a role.
fn role_name(role: FileRole) -> &'static str {
    match role {
        FileRole::Capture => "capture",
        FileRole::FlowLog => "flow_log",
        FileRole::State => "state",
        FileRole::Export => "export",
        FileRole::ServerList => "server_list",
        FileRole::Waivers => "waivers",
        FileRole::VmSizes => "vm_sizes",
        FileRole::Report => "report",
        FileRole::Packets => "packets",
        FileRole::Evidence => "evidence",
    }
}

/// Writes a manifest.
///
/// # Errors
/// Those of the writer.
pub fn write(manifest: &Manifest, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, manifest)?;
    writeln!(out)
}

/// Reads a manifest.
///
/// # Errors
/// It is none, or of another version.
pub fn read(bytes: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match manifest.schema_version {
        MANIFEST_VERSION => Ok(manifest),
        other => Err(format!(
            "its schema_version is {other}, and this program reads {MANIFEST_VERSION}"
        )),
    }
}
