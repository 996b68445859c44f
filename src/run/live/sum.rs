//! Sum of what all workers counted, and the report on it.

use std::collections::BTreeMap;

use super::clock::now;
use super::worker::{CaptureStatus, Delta};
use crate::aggregate::InputCount;
use crate::aggregate::fragments::FragmentEvents;
use crate::capture::InterfaceId;
use crate::engine::{CountedState, Engine};
use crate::report::{Gap, InputReport, Losses, Report, Run, rfc3339};

/// The sum over all workers.
pub(super) struct WorkerSum<'c> {
    engine: &'c Engine,
    names: BTreeMap<InterfaceId, String>,
    counted: CountedState,
    /// The same for servers that are named later, where that is saved.
    kept: Option<CountedState>,
    captures: Vec<Capture>,
}

/// One capture, and how it stands.
struct Capture {
    name: String,
    status: CaptureStatus,
    gaps: Vec<Gap>,
    more_gaps: u64,
    /// Fragments that are open, where counts are saved.
    open: FragmentEvents,
}

impl<'c> WorkerSum<'c> {
    /// Of captures of nothing yet, named as the report calls them.
    pub(super) fn new(
        engine: &'c Engine,
        names: BTreeMap<InterfaceId, String>,
        captures: Vec<String>,
    ) -> Self {
        let capture = |name| Capture {
            name,
            status: CaptureStatus::default(),
            gaps: Vec::new(),
            more_gaps: 0,
            open: Vec::new(),
        };
        Self {
            engine,
            names,
            counted: engine.counted(),
            kept: engine.servers_later.then(|| engine.input()),
            captures: captures.into_iter().map(capture).collect(),
        }
    }

    /// Adds what a worker handed over.
    pub(super) fn add(&mut self, delta: Delta) {
        if let Some(kept) = &mut self.kept {
            kept.add(delta.snapshot.clone());
        }
        let input = InputCount {
            snapshot: delta.snapshot,
            open: Vec::new(),
        };
        let input = self.engine.with_servers(input);
        let input = input.expect("the servers are those it was counted with");
        self.counted.add_input(input);
        if let Some(capture) = self.captures.get_mut(delta.part.file as usize) {
            capture.update(delta.status);
            capture.open = delta.open;
        }
    }

    /// Number of packets read by now.
    pub(super) fn packets(&self) -> u64 {
        let captures = self.captures.iter();
        captures.map(|capture| capture.status.packets).sum()
    }

    /// Number of packets that were left out of the file that is saved, by now.
    pub(super) fn unsaved(&self) -> u64 {
        let captures = self.captures.iter();
        captures.map(|capture| capture.status.unsaved).sum()
    }

    /// Sentences on captures that see nothing any more, although their interface is up.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let lost = self.captures.iter().filter(|it| it.status.is_lost);
        lost.map(|capture| {
            format!(
                "{}: the interface is up and cannot be followed, as it was made anew with several \
                 workers on it, or renamed while it was down: nothing is seen there any more; \
                 start the run again",
                capture.name
            )
        })
    }

    /// Counts by now, where they are saved, and the reports on the captures.
    pub(super) fn stored(&self) -> Option<(InputCount, Vec<InputReport>)> {
        let open = self.captures.iter().flat_map(|capture| &capture.open);
        let counted = self.kept.as_ref()?.so_far(open.copied().collect());
        Some((counted, self.captures.iter().map(Capture::report).collect()))
    }

    /// Names of the interfaces.
    pub(super) fn names(&self) -> &BTreeMap<InterfaceId, String> {
        &self.names
    }

    /// Engine of the run.
    pub(super) fn engine(&self) -> &Engine {
        self.engine
    }

    /// Report on all that was counted by now.
    pub(super) fn report(&mut self) -> Report {
        let run = Run {
            inputs: self.captures.iter().map(Capture::report).collect(),
            interfaces: self.names.clone(),
            ..self.engine.run()
        };
        self.engine.report(Some(&mut self.counted), None, run)
    }
}

impl Capture {
    fn update(&mut self, status: CaptureStatus) {
        match (self.status.is_down, status.is_down) {
            (false, true) => self.begin_gap(),
            (true, false) => self.end_gap(),
            _ => {}
        }
        self.status = status;
    }

    fn begin_gap(&mut self) {
        if self.gaps.len() < Losses::GAPS {
            let (from, to) = (rfc3339(now()), None);
            self.gaps.push(Gap { from, to });
        } else {
            self.more_gaps += 1;
        }
    }

    fn end_gap(&mut self) {
        if let Some(gap) = self.gaps.last_mut() {
            gap.to.get_or_insert_with(|| rfc3339(now()));
        }
    }

    fn report(&self) -> InputReport {
        let CaptureStatus {
            packets,
            drops,
            unread,
            is_down,
            ..
        } = self.status;
        let losses = Losses::from(drops);
        InputReport {
            name: self.name.clone(),
            format: "live",
            compression: None,
            packets,
            fault: None,
            losses: Some(Losses {
                unread,
                gaps: self.gaps.clone(),
                more_gaps: self.more_gaps,
                down: is_down,
                ..losses
            }),
            before: Vec::new(),
        }
    }
}
