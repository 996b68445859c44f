//! The captures to read, in an order of their own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::input::capture::Digest;
use crate::input::custody::Custody;
use crate::input::discovery::search;
use crate::input::{Input, InputPath, OpenError};
use crate::report::{About, InputReport, Warning};

/// The captures to read.
pub(super) struct Inputs {
    /// Captures, by their first packets and then by name, so that the order in which
    /// they were named changes nothing.
    pub(super) captures: Vec<Input>,
    /// Captures that hold the same bytes as one of these.
    pub(super) copies: Vec<CopiedInput>,
    /// Files of folders that are no captures.
    pub(super) others: Vec<InputPath>,
    /// Files of folders that are or may be captures and cannot be read.
    pub(super) unread: Vec<OpenError>,
}

/// Opens all that was named.
pub(super) fn open(paths: &[PathBuf], custody: &Custody) -> Result<Inputs, OpenError> {
    let found = search(paths)?;
    let (mut captures, mut others, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    unread.extend(found.unsearched.into_iter().map(OpenError::from));
    for path in found.files {
        match Input::open_recorded(&path, custody) {
            Ok(input) => captures.push(input),
            Err(error) if path.found_in.is_none() => return Err(error),
            Err(error) if error.is_no_capture() => others.push(path),
            Err(error) => unread.push(error),
        }
    }
    captures.sort_by(|a, b| (a.first, &a.name).cmp(&(b.first, &b.name)));
    let copies = drop_copies(&mut captures);
    unread.sort_by_key(ToString::to_string);
    Ok(Inputs {
        captures,
        copies,
        others,
        unread,
    })
}

/// Capture that holds the same bytes as another.
pub(super) struct CopiedInput {
    pub(super) copy: Input,
    /// Name of the other.
    pub(super) of: String,
}

/// Warning of a capture that holds the same bytes as another of this name.
pub(in crate::run) fn copied(name: &str, of: &str) -> Warning {
    let about = About::File(name.to_owned());
    Warning::of(about, format!("the same capture as {of}, read once"))
}

/// Takes out the captures that hold the same bytes as one before, compressed or not. Only those
/// that begin alike are read for it.
fn drop_copies(captures: &mut Vec<Input>) -> Vec<CopiedInput> {
    let mut alike: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (place, capture) in captures.iter().enumerate() {
        alike.entry(&capture.head).or_default().push(place);
    }
    let mut copies: BTreeMap<usize, String> = BTreeMap::new();
    for places in alike.values().filter(|places| places.len() > 1) {
        let mut originals: BTreeMap<Digest, usize> = BTreeMap::new();
        for &place in places {
            let Some(digest) = captures[place].digest() else {
                continue;
            };
            let original = *originals.entry(digest).or_insert(place);
            if original != place {
                copies.insert(place, captures[original].name.clone());
            }
        }
    }
    let all = std::mem::take(captures).into_iter().enumerate();
    let mut dropped = Vec::new();
    for (place, capture) in all {
        match copies.remove(&place) {
            Some(of) => dropped.push(CopiedInput { copy: capture, of }),
            None => captures.push(capture),
        }
    }
    dropped
}

/// Bytes of all captures as stored; `None` where one is a stream.
pub(super) fn size(captures: &[Input]) -> Option<u64> {
    captures.iter().map(Input::size).sum()
}

/// The report on a capture before it was read.
pub(super) fn report(capture: &Input) -> InputReport {
    InputReport {
        name: capture.name.clone(),
        format: capture.format,
        compression: capture.compression,
        packets: 0,
        fault: None,
        losses: None,
        before: Vec::new(),
    }
}
