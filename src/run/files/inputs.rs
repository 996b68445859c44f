//! What is to be read, in an order of its own.

use std::path::PathBuf;

use crate::input::file::{Input, OpenError, discover};
use crate::report::InputReport;

/// What is to be read.
pub(super) struct Inputs {
    /// Captures, by their first packets and then by name, so that the order in which
    /// they were named changes nothing.
    pub(super) captures: Vec<Input>,
    /// Files of folders that are no captures, each told in a sentence.
    pub(super) skipped: Vec<String>,
}

/// Opens all that was named.
pub(super) fn open(paths: &[PathBuf]) -> Result<Inputs, OpenError> {
    let found = discover(paths)?;
    let mut inputs = Inputs {
        captures: Vec::new(),
        skipped: Vec::new(),
    };
    for path in &found {
        match Input::open(path) {
            Ok(input) => inputs.captures.push(input),
            Err(OpenError::NotACapture { path: name, .. }) if path.found_in.is_some() => {
                inputs
                    .skipped
                    .push(format!("{name}: not a capture, passed over"));
            }
            Err(error) => return Err(error),
        }
    }
    let folder = || found.iter().find_map(|path| path.found_in.clone());
    if inputs.captures.is_empty()
        && let Some(path) = folder()
    {
        return Err(OpenError::NoCaptures { path });
    }
    inputs
        .captures
        .sort_by(|a, b| (a.first, &a.name).cmp(&(b.first, &b.name)));
    inputs.skipped.sort();
    Ok(inputs)
}

/// Bytes of all captures as stored; `None` where one is a stream.
pub(super) fn size(captures: &[Input]) -> Option<u64> {
    captures.iter().map(Input::size).sum()
}

/// What the report says of a capture before it was read.
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
