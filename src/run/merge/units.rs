//! The inputs that count, each once, in the order in which one run would walk them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::input::name::FileName;
use crate::run::saved::{SavedState, StoredUnit, UnitIdentity};

/// Inputs of some states.
pub(super) struct Units {
    /// Those that count, by their first packets and then by name.
    pub(super) chosen: Vec<Chosen>,
    /// Inputs that two states hold, each told in a sentence.
    pub(super) twice: Vec<String>,
}

/// Inputs that are stored together, and the place of the state that they are taken from.
pub(super) struct Chosen {
    pub(super) state: usize,
    pub(super) unit: StoredUnit,
}

impl Units {
    /// The inputs of these states.
    pub(super) fn of(states: &[SavedState]) -> Self {
        let mut all = BTreeMap::<UnitIdentity, Chosen>::new();
        let mut twice = Vec::new();
        for (state, saved) in states.iter().enumerate() {
            for unit in &saved.index.units {
                let unit = unit.clone();
                match all.entry(unit.identity) {
                    Entry::Vacant(free) => {
                        free.insert(Chosen { state, unit });
                    }
                    Entry::Occupied(mut known) => {
                        let paths = [known.get().state, state].map(|it| FileName(&states[it].path));
                        let [one, other] = paths;
                        let names = known.get_mut().take_in(Chosen { state, unit });
                        twice.extend(names.into_iter().map(|name| {
                            format!("{name} was counted in {one} and in {other}, and counts once")
                        }));
                    }
                }
            }
        }
        let mut chosen: Vec<_> = all.into_values().collect();
        chosen.iter_mut().for_each(Chosen::sort);
        chosen.sort_by(|a, b| a.order().cmp(&b.order()));
        twice.sort();
        Self { chosen, twice }
    }
}

impl Chosen {
    /// Takes in the same inputs as another state holds them; gives the names of those that
    /// are no copies under other names.
    fn take_in(&mut self, other: Self) -> Vec<String> {
        let is_run = self.unit.is_run();
        let mut twice = Vec::new();
        for (known, input) in self.unit.inputs.iter_mut().zip(&other.unit.inputs) {
            for source in &input.sources {
                if is_run || known.sources.contains(source) {
                    twice.push(source.name.clone());
                } else {
                    known.sources.push(source.clone());
                }
            }
        }
        // Of a run that was saved twice, the later holds all that the earlier does.
        if is_run && other.packets() > self.packets() {
            *self = other;
        }
        twice
    }

    fn packets(&self) -> u64 {
        let inputs = self.unit.inputs.iter();
        inputs
            .map(|input| input.packets)
            .fold(0, u64::saturating_add)
    }

    /// Puts the files that hold the same in the order of their names.
    fn sort(&mut self) {
        for input in &mut self.unit.inputs {
            input.sources.sort();
        }
    }

    fn order(&self) -> impl Ord + '_ {
        let first = self.unit.inputs.first();
        let sources = first.map_or(&[][..], |input| &input.sources);
        let names = sources.iter().map(|source| &source.name);
        (
            first.and_then(|it| it.first),
            names.collect::<Vec<_>>(),
            self.unit.identity,
        )
    }
}
