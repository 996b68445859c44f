//! Lists of servers, as typed or in files.

use std::path::PathBuf;

use super::CliError;
use crate::input::custody::{Custody, FileRole};
use crate::input::name::FileName;
use crate::verdict::Servers;
use crate::verdict::servers;

/// Servers that lists name.
///
/// # Errors
/// A list that names none, and what cannot be read or names no server.
pub(super) fn named(lists: &[String], custody: &Custody) -> Result<Servers, CliError> {
    let mut servers = Servers::default();
    for list in lists {
        for word in words(list, "the list")? {
            match word.strip_prefix('@') {
                None => servers.add_list(word)?,
                Some(path) => servers.add_list(&read(path.into(), custody)?)?,
            }
        }
    }
    Ok(servers)
}

/// Words of a list, of which there must be one.
fn words<'l>(list: &'l str, whence: &str) -> Result<Vec<&'l str>, CliError> {
    let words = servers::words(list);
    if words.is_empty() {
        return Err(CliError::NoServers(whence.to_owned()));
    }
    Ok(words)
}

/// List in a file, without the byte order mark that some editors begin it with.
fn read(path: PathBuf, custody: &Custody) -> Result<String, CliError> {
    match custody.text(FileRole::ServerList, &path) {
        Ok(text) => {
            let list = text.strip_prefix('\u{feff}').unwrap_or(&text);
            words(list, &FileName(&path).to_string())?;
            Ok(list.to_owned())
        }
        Err(source) => Err(CliError::ServersFile { path, source }),
    }
}
