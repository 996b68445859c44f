//! The files that paths speak of, folders searched.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::kind::is_named_as_capture;
use super::name::FileName;

/// Something to read, before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPath {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// The folder named that it was found in, unless it was named itself.
    pub found_in: Option<PathBuf>,
}

impl InputPath {
    /// Tells whether this is standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// The path by which the system knows the file: standard input can be one that is named, too.
    #[must_use]
    pub fn canonical(&self) -> PathBuf {
        let place = if self.is_stdin() {
            Path::new("/dev/stdin")
        } else {
            &self.path
        };
        // A pipe has a path that leads nowhere.
        fs::canonicalize(place).unwrap_or_else(|_| self.path.clone())
    }
}

/// The path as given, or as found in a folder; `standard input`.
impl fmt::Display for InputPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_stdin() {
            f.write_str("standard input")
        } else {
            FileName(&self.path).fmt(f)
        }
    }
}

/// Reason why paths speak of no files.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// It cannot be found or listed.
    #[error("cannot read {}: {source}", FileName(path))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder without any file.
    #[error("no packet capture in the folder {}", FileName(path))]
    NoFiles {
        /// The folder, as named.
        path: PathBuf,
    },
}

fn unreadable(path: &Path, source: io::Error) -> DiscoveryError {
    let path = path.to_owned();
    DiscoveryError::Unreadable { path, source }
}

/// Files and folders inside a named folder that could not be looked into.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The files, each once, in the order of the paths and within a folder by name.
    pub files: Vec<InputPath>,
    /// Places in folders that may hold files and were not searched, by name.
    pub unsearched: Vec<DiscoveryError>,
    places: HashMap<PathBuf, usize>,
}

/// The files that `paths` speak of, each once, in the order of `paths` and within a
/// folder by name. Folders are searched all the way down, except through symbolic links
/// to folders.
///
/// # Errors
/// A path that is not there, a folder that cannot be searched wholly, a folder without
/// files.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<InputPath>, DiscoveryError> {
    let found = search(paths)?;
    match found.unsearched.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(found.files),
    }
}

/// As [`discover`], but what cannot be searched inside a folder is told, and no error.
///
/// # Errors
/// A path that is not there, or a folder without files.
pub fn search(paths: &[PathBuf]) -> Result<Discovery, DiscoveryError> {
    let mut found = Discovery::default();
    for path in paths {
        let named = InputPath {
            path: path.clone(),
            found_in: None,
        };
        let is_folder = |path: &Path| fs::metadata(path).map(|metadata| metadata.is_dir());
        if !named.is_stdin() && is_folder(path).map_err(|error| unreadable(path, error))? {
            found.add_folder(path)?;
        } else {
            found.add(named);
        }
    }
    found.unsearched.sort_by_key(ToString::to_string);
    Ok(found)
}

impl Discovery {
    /// Adds a file. One that is both named and found counts as named.
    pub fn add(&mut self, input: InputPath) {
        match self.places.entry(input.canonical()) {
            Entry::Vacant(place) => {
                place.insert(self.files.len());
                self.files.push(input);
            }
            Entry::Occupied(place) if input.found_in.is_none() => {
                self.files[*place.get()].found_in = None;
            }
            Entry::Occupied(_) => {}
        }
    }

    fn add_folder(&mut self, named: &Path) -> Result<(), DiscoveryError> {
        let mut files = Vec::new();
        let mut folders = vec![named.to_owned()];
        while let Some(folder) = folders.pop() {
            match entries(&folder) {
                Ok(entries) => entries
                    .into_iter()
                    .for_each(|path| self.sort_out(named, path, &mut files, &mut folders)),
                Err(error) if folder == named => return Err(unreadable(&folder, error)),
                Err(error) => self.unsearched.push(unreadable(&folder, error)),
            }
        }
        if files.is_empty() && self.unsearched.is_empty() {
            let path = named.to_owned();
            return Err(DiscoveryError::NoFiles { path });
        }
        files.sort();
        for path in files {
            let found_in = Some(named.to_owned());
            self.add(InputPath { path, found_in });
        }
        Ok(())
    }

    /// Tells files from folders. Pipes, sockets and devices in a folder are neither, and told
    /// where their names are those of captures.
    fn sort_out(
        &mut self,
        named: &Path,
        path: PathBuf,
        files: &mut Vec<PathBuf>,
        folders: &mut Vec<PathBuf>,
    ) {
        let is_link = path.is_symlink();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => files.push(path),
            Ok(metadata) if metadata.is_dir() && !is_link => folders.push(path),
            Ok(metadata) if metadata.is_dir() && !leads_inside(&path, named) => {
                let why = io::Error::other("links to folders are not followed");
                self.unsearched.push(unreadable(&path, why));
            }
            Ok(_) if is_named_as_capture(&path) => {
                let why = io::Error::other("pipes, sockets and devices in folders are not read");
                self.unsearched.push(unreadable(&path, why));
            }
            Ok(_) => {}
            // Some editors keep notes in links that lead nowhere.
            Err(_) if is_link && !may_lead_to_capture(&path) => {}
            Err(error) => self.unsearched.push(unreadable(&path, error)),
        }
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect()
}

/// Tests that a link, or what it should lead to, is named as a capture.
fn may_lead_to_capture(link: &Path) -> bool {
    is_named_as_capture(link) || fs::read_link(link).is_ok_and(|to| is_named_as_capture(&to))
}

/// Tells whether a link leads to what is searched anyway.
fn leads_inside(link: &Path, folder: &Path) -> bool {
    match (fs::canonicalize(link), fs::canonicalize(folder)) {
        (Ok(link), Ok(folder)) => link.starts_with(folder),
        _ => false,
    }
}
