//! Saving what was counted of each capture.

use std::collections::BTreeMap;

use super::Context;
use super::case::Case;
use super::inputs::CopiedInput;
use crate::aggregate::InputCount;
use crate::capture::{InterfaceId, Timestamp};
use crate::input::Input;
use crate::input::capture::Identity;
use crate::input::custody::FileRecord;
use crate::report::{InputReport, Warning};
use crate::run::output::OutputPlace;
use crate::run::saved::{Index, InputSource, StateError, StateWriter, StoredInput, UnitIdentity};

/// The state that a run saves.
pub(super) struct CountSaver<'p> {
    writer: StateWriter<'p>,
    /// First times of the captures.
    firsts: Vec<Option<Timestamp>>,
    /// Files that hold what another capture does, by its name.
    copies: BTreeMap<String, Vec<InputSource>>,
    /// The first error: nothing is saved any more.
    error: Option<StateError>,
}

impl<'p> CountSaver<'p> {
    /// Begins to save the state of a run that has opened its captures.
    pub(super) fn create(
        place: &'p OutputPlace,
        context: &Context<'_>,
        case: &Case,
    ) -> Result<Self, StateError> {
        let skipped = case.skipped.iter().map(parts);
        let index = Index {
            skipped: skipped.collect(),
            unread: case.unread.clone(),
            ..Index::new(context.engine)
        };
        let mut copies = BTreeMap::<String, Vec<InputSource>>::new();
        for CopiedInput { copy, of } in &case.copies {
            copies.entry(of.clone()).or_default().push(source(copy));
        }
        Ok(Self {
            writer: StateWriter::create(place, index)?,
            firsts: case.captures.iter().map(|input| input.first).collect(),
            copies,
            error: None,
        })
    }

    /// Saves the counts of a capture.
    pub(super) fn save(
        &mut self,
        file: u32,
        counted: &InputCount,
        (report, identity): (&InputReport, Identity),
    ) {
        if self.error.is_some() {
            return;
        }
        let place = match self.writer.counts(file, counted) {
            Ok(place) => place,
            Err(error) => {
                self.error = Some(error);
                return;
            }
        };
        let first = self.firsts.get(file as usize).copied().flatten();
        let mut input = StoredInput::new(report, first, &identity);
        let copies = self.copies.remove(&report.name);
        input.sources.extend(copies.unwrap_or_default());
        let identity = identity.digest.map(UnitIdentity::Capture);
        self.writer.add(place, identity, vec![input]);
    }

    /// Ends the state.
    pub(super) fn finish(
        mut self,
        interfaces: BTreeMap<InterfaceId, String>,
    ) -> Result<FileRecord, StateError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.writer.index().interfaces = interfaces;
        self.writer.finish()
    }
}

/// File that holds what another does.
fn source(copy: &Input) -> InputSource {
    InputSource {
        name: copy.name.clone(),
        compression: copy.compression.map(str::to_owned),
        size: copy.size(),
    }
}

/// Subject of a warning, and what it says.
fn parts(warning: &Warning) -> (String, String) {
    let about = warning.about.as_ref().map_or("", |about| about.name());
    (about.to_owned(), warning.before.clone())
}
