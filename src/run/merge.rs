//! The report of what several runs counted and saved.
//!
//! The counts of each input stay apart in a state, so here they are put in the order that one
//! run over all of them would have walked them in, and added up as that would have done.

use std::collections::BTreeMap;

use crate::aggregate::InputCount;
use crate::capture::{InterfaceId, Interfaces};
use crate::cli::Merge;
use crate::engine::{CountedState, Engine};
use crate::flow::stored::Room;
use crate::flow_log::LogError;
use crate::input::custody::{FileRecord, FileRole};
use crate::report::{About, InputReport, Report, Run, Warning};

use super::files::flow_logs::{self, LogReading};
use super::files::inputs::copied;
use super::files::progress::Progress;
use super::saved::{self, Index, SavedState, StateError, StateWriter, StoredInput};

mod units;

use units::{Chosen, Units};

/// Error that ends a merge before there is a report.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A state that cannot be read, added up or saved.
    #[error(transparent)]
    State(#[from] StateError),
    /// A flow log that cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// States that were opened, and those that could not be.
struct Opened {
    states: Vec<SavedState>,
    /// States that are missing or damaged, each told in a sentence.
    missing: Vec<String>,
}

/// Adds up what states hold, and reports on it.
///
/// # Errors
/// What is named and cannot be read, or not be added up.
pub fn merge(config: &Merge) -> Result<Report, MergeError> {
    let Opened { states, missing } = open(config)?;
    let engine = engine(config, &states)?;
    let units = Units::of(&states);
    let (counted, inputs) = add_up(&states, &units.chosen, &engine)?;
    if let Some(path) = &config.save {
        let place = saved::place(path)?;
        let writer = StateWriter::create(&place, index(&states, &units, &missing, &engine))?;
        let saved = save(writer, &states, &units.chosen)?;
        config.output.custody.wrote(saved);
    }
    let progress = Progress::new(None);
    let reading = LogReading {
        engine: &engine,
        threads: config.threads,
        custody: &config.output.custody,
        progress: &progress,
    };
    let found = flow_logs::find(&config.flow_logs, Vec::new())?;
    let logs = flow_logs::read(&found, counted.times(), reading)?;
    progress.finish();
    let unread = [told(&states, |index| &index.unread), units.twice, missing];
    let run = Run {
        inputs,
        flow_logs: logs.reports,
        skipped: [skipped(&states, &units.chosen), logs.skipped].concat(),
        unread: [unread.concat(), logs.unread].concat(),
        interfaces: interfaces(&states),
        ..engine.run()
    };
    let logged = (!config.flow_logs.is_empty()).then_some(logs.log);
    Ok(engine.final_report(Some(counted), logged, run))
}

/// Opens all states. Where some may be missing, those that are not there or cannot be read are
/// told, as long as there is one.
fn open(config: &Merge) -> Result<Opened, StateError> {
    let (mut states, mut missing) = (Vec::new(), Vec::new());
    let mut first = None;
    for path in &config.files {
        match SavedState::open(path) {
            Ok(state) => {
                let (size, digest) = (state.size, state.digest);
                let read = FileRecord::hashed(FileRole::State, path, size, digest);
                config.output.custody.read(read);
                states.push(state);
            }
            Err(error) if config.partial => {
                missing.push(format!("{error}: what it counted is missing"));
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    match first {
        Some(error) if states.is_empty() => Err(error),
        _ => Ok(Opened { states, missing }),
    }
}

/// Engine that judges what all states counted, under the options that they counted under.
fn engine(config: &Merge, states: &[SavedState]) -> Result<Engine, StateError> {
    let mut engine = config.engine.clone();
    let Some((first, others)) = states.split_first() else {
        return Ok(engine);
    };
    let options = &first.index.options;
    for other in others {
        let what = options.differences(&other.index.options);
        if !what.is_empty() {
            return Err(StateError::Options {
                path: first.path.clone(),
                other: other.path.clone(),
                what,
            });
        }
    }
    engine.max_flows = options.max_flows as usize;
    engine.period = options.period;
    Ok(engine)
}

/// Adds up the counts of all inputs, in their order.
fn add_up(
    states: &[SavedState],
    chosen: &[Chosen],
    engine: &Engine,
) -> Result<(CountedState, Vec<InputReport>), StateError> {
    let mut counted = engine.counted();
    let mut inputs = Vec::new();
    let mut room = Room::default();
    let is_one = chosen.iter().map(|it| it.unit.inputs.len()).sum::<usize>() == 1;
    for Chosen { state, unit, .. } in chosen {
        let state = &states[*state];
        let first = u32::try_from(inputs.len()).unwrap_or(u32::MAX);
        let mut input = state.counts(unit, first, &mut room)?;
        if is_one {
            // One input shows no packets of another.
            input.snapshot.samples.clear();
        }
        let refused = || StateError::Servers {
            path: state.path.clone(),
        };
        if unit.is_run() && !sees(&input, engine) {
            return Err(refused());
        }
        counted.add_input(engine.with_servers(input).ok_or_else(refused)?);
        inputs.extend(unit.inputs.iter().map(StoredInput::report));
    }
    counted.finish();
    Ok((counted, inputs))
}

/// Tests that the kernel let all through in a live run that may be of a path of these servers:
/// where it knew some, it left out what others sent beside DTLS.
fn sees(input: &InputCount, engine: &Engine) -> bool {
    let known = input.snapshot.datagrams.servers();
    known.is_empty() || known.cover(&engine.servers.ranges())
}

/// What is told in all states, each once.
fn told<T: Clone + Ord>(states: &[SavedState], of: impl Fn(&Index) -> &[T]) -> Vec<T> {
    let mut all: Vec<_> = states
        .iter()
        .flat_map(|it| of(&it.index))
        .cloned()
        .collect();
    all.sort();
    all.dedup();
    all
}

fn interfaces(states: &[SavedState]) -> BTreeMap<InterfaceId, String> {
    let all = states.iter().map(|state| &state.index.interfaces);
    let mut names: BTreeMap<_, _> = all
        .flatten()
        .map(|(id, name)| (*id, name.clone()))
        .collect();
    while names.len() > Interfaces::LIMIT {
        names.pop_last();
    }
    names
}

/// Files that were passed over with nothing lost.
fn skipped(states: &[SavedState], chosen: &[Chosen]) -> Vec<Warning> {
    let others = told(states, |index| &index.skipped).into_iter();
    let others = others.map(|(name, says)| Warning::of(About::File(name), says));
    let copies = chosen.iter().flat_map(|chosen| &chosen.unit.inputs);
    let copies = copies.flat_map(|input| {
        let copies = input.sources.iter().skip(1);
        copies.map(|copy| copied(&copy.name, input.name()))
    });
    let mut all: Vec<_> = others.chain(copies).collect();
    all.sort();
    all
}

/// Index of the sum, without its inputs.
fn index(states: &[SavedState], units: &Units, missing: &[String], engine: &Engine) -> Index {
    let mut index = Index::new(engine);
    if let Some(first) = states.first() {
        index.options = first.index.options.clone();
    }
    index.interfaces = interfaces(states);
    index.skipped = told(states, |index| &index.skipped);
    let unread = told(states, |index| &index.unread);
    index.unread = [unread, units.twice.clone(), missing.to_vec()].concat();
    index
}

/// Saves all inputs that count.
fn save(
    mut writer: StateWriter<'_>,
    states: &[SavedState],
    chosen: &[Chosen],
) -> Result<FileRecord, StateError> {
    for Chosen { state, unit, .. } in chosen {
        writer.copy(unit, &states[*state].frame(unit)?)?;
    }
    writer.finish()
}
