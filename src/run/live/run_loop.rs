//! Run loop: deltas in, states and events out, until the run ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, never, select, tick};

use super::clock::spent_by_thread;
use super::discovery::LiveSetup;
use super::events::{Event, LastSeen};
use super::outputs::{Ended, Outputs};
use super::printer::Printer;
use super::saving::Saving;
use super::state_saver::StateSaver;
use super::sum::WorkerSum;
use super::worker::{Delta, Keeper, StopControl};
use crate::cli::{Live, Until};
use crate::report::{Report, ServerReport, Warning};
use crate::run::evidence::PacketSources;
use crate::run::saved::StateError;
use crate::run::today;
use crate::verdict::{Exit, Verdict};

/// Interval at which the loop reads the clock.
const TICK: Duration = Duration::from_millis(100);
/// Time that the end of a run waits for packets to be saved.
const PATIENCE: Duration = Duration::from_secs(2);
/// Interval at which a new state is published.
const PUBLISH: Duration = Duration::from_millis(500);
/// The least time between two states, and between two sums, in times of the CPU time that the
/// one before cost: so that many paths do not make the run a burden.
const REST: u32 = 20;

/// State of the run loop.
pub(super) struct RunLoop<'c> {
    config: &'c Live,
    sum: WorkerSum<'c>,
    outputs: Outputs,
    saving: Option<Saving>,
    state: Option<StateSaver>,
    last_seen: LastSeen,
    /// The last report, until there is something new.
    last: Option<Arc<Report>>,
    started: Instant,
    due: Instant,
    /// Time from which on more is added to the sum.
    rested: Instant,
}

impl<'c> RunLoop<'c> {
    /// A run of nothing yet, whose state can be saved if it is to be.
    pub(super) fn new(
        config: &'c Live,
        sum: WorkerSum<'c>,
        outputs: Outputs,
        state: Option<StateSaver>,
    ) -> Result<Self, StateError> {
        let now = Instant::now();
        if let Some(state) = &state {
            state.save(&sum)?;
        }
        Ok(Self {
            config,
            sum,
            outputs,
            saving: None,
            state,
            last_seen: LastSeen::default(),
            last: None,
            started: now,
            due: now,
            rested: now,
        })
    }

    /// Tells what the run goes by.
    pub(super) fn start(&mut self, discovery: &LiveSetup, metrics: Option<SocketAddr>) {
        for note in &discovery.notes {
            self.outputs.note(note.clone());
        }
        let interfaces = discovery.interfaces.clone();
        let servers = ServerReport::all(&discovery.engine.servers);
        self.outputs.tell(Event::Started {
            interfaces,
            servers,
            metrics,
        });
    }

    /// Adds up what the workers hand over until all of them have ended, and all is saved or
    /// patience has.
    pub(super) fn follow(
        &mut self,
        deltas: &Receiver<Delta>,
        requests: &Receiver<()>,
        saving: Option<Saving>,
        control: &StopControl,
    ) {
        self.saving = saving;
        let (ticks, nothing) = (tick(TICK), never());
        loop {
            // Meanwhile they grow where they are.
            let rests = Instant::now() < self.rested && !control.is_over();
            select! {
                recv(if rests { &nothing } else { deltas }) -> delta => match delta {
                    Ok(delta) => self.add(delta),
                    Err(_) => break,
                },
                recv(requests) -> request => if request.is_ok() {
                    self.print();
                },
                recv(ticks) -> _ => self.tick(control),
            }
        }
        self.end_saving();
    }

    fn add(&mut self, delta: Delta) {
        let (begun, spent) = (Instant::now(), spent_by_thread());
        self.sum.add(delta);
        self.rested = begun + spent_by_thread().saturating_sub(spent) * REST;
        self.last = None;
    }

    fn tick(&mut self, control: &StopControl) {
        let Until {
            duration, decided, ..
        } = self.config.until;
        if duration.is_some_and(|limit| self.started.elapsed() >= limit) {
            control.stop();
        }
        self.look_after_saving();
        if let Some(state) = &mut self.state {
            state.look(&self.sum);
        }
        if Instant::now() >= self.due {
            let report = self.publish();
            if decided && is_decided(&report) {
                control.stop();
            }
        }
    }

    /// Tells at once what goes wrong with saving.
    fn look_after_saving(&mut self) {
        let left_out = self.sum.unsaved();
        let saving = self.saving.iter_mut();
        let events = saving.flat_map(|saving| saving.look(left_out));
        events.for_each(|event| self.outputs.tell(event));
    }

    /// Tells what became of saving, once all workers have ended.
    fn end_saving(&mut self) {
        let (packets, deadline) = (self.sum.packets(), Instant::now() + PATIENCE);
        let saving = self.saving.iter_mut();
        let events = saving.flat_map(|saving| saving.close(packets, deadline));
        events.for_each(|event| self.outputs.tell(event));
    }

    /// Publishes what is known now.
    fn publish(&mut self) -> Arc<Report> {
        let (begun, spent) = (Instant::now(), spent_by_thread());
        let report = self.current();
        let elapsed = self.started.elapsed();
        let saving = self.saving.as_ref().map(Saving::state);
        let state = (Arc::clone(&report), elapsed, saving);
        self.outputs.publish(state);
        self.due = begun + PUBLISH.max(spent_by_thread().saturating_sub(spent) * REST);
        report
    }

    /// The last report, if nothing is new; else a new one.
    fn current(&mut self) -> Arc<Report> {
        let warnings = self.warnings();
        match &self.last {
            Some(last) if last.warnings.ends_with(&warnings) => Arc::clone(last),
            _ => self.judge(warnings),
        }
    }

    fn warnings(&mut self) -> Vec<Warning> {
        let of_outputs = self.outputs.warnings();
        let of_saving = self.saving.iter().flat_map(Saving::warnings);
        let of_state = self.state.iter().filter_map(StateSaver::warning);
        let of_captures = self.sum.warnings();
        let of_files = of_saving.chain(of_state);
        let all = of_outputs.into_iter().chain(of_files).chain(of_captures);
        all.map(Warning::from).collect()
    }

    /// Makes a report of what is known now, and tells what is new in it.
    fn judge(&mut self, warnings: Vec<Warning>) -> Arc<Report> {
        let mut report = report(&mut self.sum, self.config);
        report.warnings.extend(warnings);
        for event in self.last_seen.changes(&report) {
            self.outputs.tell(event);
        }
        let report = Arc::new(report);
        self.last = Some(Arc::clone(&report));
        report
    }

    /// Prints a report, as SIGUSR1 asks for.
    fn print(&mut self) {
        let report = self.publish();
        self.outputs.print(report);
    }

    /// Ends with the last report, which also says what went wrong with the last outputs.
    ///
    /// All workers have ended, and their keepers give the packets that they kept.
    pub(super) fn end(mut self, keepers: Vec<Keeper>) -> Ended {
        let state = self.state.take();
        let saved = state.map_or(Ok(None), |state| state.save(&self.sum));
        let saved = saved.map(|saved| {
            let record = saved.into_iter();
            record.for_each(|it| self.config.output.custody.wrote(it));
        });
        let exit_code = match saved {
            Ok(()) => self.publish().exit_code(),
            Err(_) => Exit::Failed.code(),
        };
        self.outputs.tell(Event::Ended { exit_code });
        let (warnings, going) = self.outputs.end();
        let mut report = report(&mut self.sum, self.config);
        let of_saving = self.saving.iter().flat_map(Saving::warnings);
        let told = warnings
            .into_iter()
            .chain(of_saving)
            .chain(self.sum.warnings());
        report.warnings.extend(told.map(Warning::from));
        Ended {
            report,
            saved,
            packets: PacketSources {
                inputs: keepers.into_iter().map(Keeper::finish).collect(),
                decode: self.sum.engine().decode.clone(),
                names: self.sum.names().clone(),
            },
            printer: Printer::of(self.config),
            going,
        }
    }
}

/// Report on what is known now, with the verdicts that are accepted today.
fn report(sum: &mut WorkerSum, config: &Live) -> Report {
    let mut report = sum.report();
    report.accept(&config.exit_terms, Some(today()));
    report
}

/// True where more packets can lower no verdict: all expected servers have a path, there is
/// one at least, and all verdicts are final.
fn is_decided(report: &Report) -> bool {
    let mut verdicts = report.paths.iter().map(|path| path.verdict);
    !report.paths.is_empty() && verdicts.all(Verdict::is_final)
}
