//! Flow logs from files, compressed or not.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::layers::unwrapped;
use super::read::{EMPTY, analytics};
use super::{LogReport, NotALog, Table, read};
use crate::capture::stream::Bytes;
use crate::decode::Address;
use crate::input::custody::{Custody, FileRole};
use crate::input::{InputPath, OpenError};

/// Reason why there is no flow log to read from a path.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// It cannot be found or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was read, and is no flow log. Of a file that was found in a folder, this is to be
    /// told, and no error.
    #[error("{path} {why}")]
    NotALog {
        /// Path of the file.
        path: String,
        /// Reason.
        why: NotALog,
    },
    /// A folder without any file, or without any flow log.
    #[error("no virtual network flow log in the folder {folder}{}", first(why.as_deref()))]
    NoLogs {
        /// The folder, as named.
        folder: String,
        /// Reason why its first file is none.
        why: Option<Box<LogError>>,
    },
}

impl LogError {
    /// Tests that the file may be a flow log all the same.
    #[must_use]
    pub fn may_be_log(&self) -> bool {
        let Self::NotALog { why, .. } = self else {
            return true;
        };
        matches!(why, NotALog::Unread(_))
    }
}

fn first(why: Option<&LogError>) -> String {
    why.map_or_else(String::new, |why| format!(": {why}"))
}

/// Reads the log at a path, as [`read()`] does, and enters it into a record.
///
/// # Errors
/// It cannot be opened, or is no log.
pub fn read_file(
    path: &InputPath,
    file: u32,
    table: &mut Table,
    (is_server, custody): (&dyn Fn(Address) -> bool, &Custody),
) -> Result<LogReport, LogError> {
    read_opened(path, || open(path, custody), (file, table, is_server))
}

/// Reads the log at a path that `open` opens, each time anew.
fn read_opened(
    path: &InputPath,
    open: impl Fn() -> io::Result<Bytes>,
    (file, table, is_server): (u32, &mut Table, &dyn Fn(Address) -> bool),
) -> Result<LogReport, LogError> {
    let name = path.to_string();
    let unreadable = |source| OpenError::Unreadable {
        path: name.clone(),
        source,
    };
    let bytes = open().map_err(unreadable)?;
    let read = read(bytes, file, table, is_server).or_else(|why| {
        // Rows of Traffic Analytics say the same in another form.
        let may_be_rows = why != NotALog::Nsg;
        let bytes = open().ok().filter(|_| may_be_rows);
        let rows = bytes.and_then(|bytes| analytics::read(bytes, file, table, is_server));
        rows.ok_or(why)
    });
    match read {
        Ok(report) => Ok(LogReport { name, ..report }),
        Err(why) => Err(LogError::NotALog {
            why: by_name(why, &name),
            path: name,
        }),
    }
}

/// Bytes of a file, without compression, that nearly always tell whether it is a log.
const BEGIN_LEN: u64 = 1 << 20;

/// Tests that a file is a flow log, by its begin as far as that tells.
///
/// # Errors
/// It cannot be opened, is an NSG flow log, or may be a log that cannot be read.
pub fn is_log(path: &InputPath) -> Result<bool, LogError> {
    let nowhere = &Custody::default();
    let begin = || open(path, nowhere).map(|bytes| Box::new(bytes.take(BEGIN_LEN)) as Bytes);
    let read = read_opened(path, begin, (0, &mut Table::new(0), &|_| false));
    let read = read.or_else(|error| {
        if error.may_be_log() {
            return read_file(path, 0, &mut Table::new(0), (&|_| false, nowhere));
        }
        Err(error)
    });
    match read {
        Ok(_) => Ok(true),
        Err(LogError::NotALog {
            why: NotALog::Other(_),
            ..
        }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// An empty file is a broken download of a log only if its name is that of JSON.
fn by_name(why: NotALog, name: &str) -> NotALog {
    match why {
        NotALog::Unread(what) if what == EMPTY && !name.contains(".json") => NotALog::Other(what),
        why => why,
    }
}

/// Bytes without compression; those stored are entered into a record.
fn open(path: &InputPath, custody: &Custody) -> io::Result<Bytes> {
    let file = Box::new(File::open(&path.path)?);
    let drains = Arc::new(AtomicBool::new(true));
    unwrapped(custody.tap(FileRole::FlowLog, &path.path, file, drains)?)
}
