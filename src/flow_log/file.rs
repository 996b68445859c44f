//! Flow logs from files, compressed or not.

use std::fs::File;
use std::io::{self, Cursor, Read};

use super::{LogReport, NotALog, Table, read};
use crate::decode::Address;
use crate::input::compressed::Decompressed;
use crate::input::{InputPath, OpenError, kind};

/// As many bytes as tell a compression.
const MAGIC_LEN: u64 = 4;

/// Why there is no flow log to read from a path.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be found or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was read, and is no flow log. Of a file that was found in a folder, this is to be
    /// told, and no error.
    #[error("{path} {why}")]
    NotALog {
        /// What was read.
        path: String,
        /// What it is instead.
        why: NotALog,
    },
    /// A folder without any file, or without any flow log.
    #[error("no virtual network flow log in the folder {folder}{}", first(why.as_deref()))]
    NoLogs {
        /// The folder, as named.
        folder: String,
        /// What its first file is instead.
        why: Option<Box<LogError>>,
    },
}

fn first(why: Option<&LogError>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

/// Reads the log at a path, as [`read()`] does.
///
/// # Errors
/// It cannot be opened, or is no log.
pub fn read_file(
    path: &InputPath,
    file: u32,
    table: &mut Table,
    is_server: &dyn Fn(Address) -> bool,
) -> Result<LogReport, LogError> {
    let name = path.to_string();
    let unreadable = |source| OpenError::Unreadable {
        path: name.clone(),
        source,
    };
    let bytes = open(path).map_err(unreadable)?;
    match read(bytes, file, table, is_server) {
        Ok(report) => Ok(LogReport { name, ..report }),
        Err(why) => Err(LogError::NotALog { path: name, why }),
    }
}

fn open(path: &InputPath) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(&path.path)?;
    let mut magic = Vec::new();
    (&mut file).take(MAGIC_LEN).read_to_end(&mut magic)?;
    let compression = kind::compression(&magic);
    let bytes = Box::new(Cursor::new(magic).chain(file));
    Ok(match compression {
        Some(compression) => Box::new(Decompressed::new(compression, bytes)?),
        None => bytes,
    })
}
