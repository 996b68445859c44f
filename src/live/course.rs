//! The course of a run: deltas in, states and events out, until it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select, tick};
use signal_hook::consts::SIGUSR1;

use super::events::{Event, Log, Watched};
use super::metrics::Textfile;
use super::save::SaveError;
use super::state::{History, Published, State};
use super::sum::Sum;
use super::survey::Survey;
use super::watch::{Delta, Orders};
use crate::cli::{Live, Until};
use crate::report::{Report, ServerReport};
use crate::verdict::Verdict;

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often a new state is published.
const PUBLISH: Duration = Duration::from_millis(500);
/// The least time between two states, in times of what one costs: so that many paths do
/// not make the run a burden.
const REST: u32 = 20;

/// A run that goes on.
pub(super) struct Course<'c> {
    config: &'c Live,
    sum: Sum<'c>,
    published: Published,
    log: Log,
    textfile: Option<Textfile>,
    watched: Watched,
    history: History,
    /// What went wrong with outputs meanwhile.
    notes: Vec<String>,
    /// The last report, until there is something new.
    last: Option<Arc<Report>>,
    started: Instant,
    due: Instant,
    written: Instant,
}

impl<'c> Course<'c> {
    pub(super) fn new(
        config: &'c Live,
        sum: Sum<'c>,
        published: Published,
        textfile: Option<Textfile>,
        log: Log,
    ) -> Self {
        let now = Instant::now();
        Self {
            config,
            sum,
            published,
            log,
            textfile,
            watched: Watched::default(),
            history: History::new(),
            notes: Vec::new(),
            last: None,
            started: now,
            due: now,
            written: now,
        }
    }

    /// Tells what the run goes by.
    pub(super) fn start(&mut self, survey: &Survey, metrics: Option<SocketAddr>) {
        self.notes.clone_from(&survey.notes);
        let interfaces = survey.interfaces.clone();
        let servers = ServerReport::all(&survey.engine.servers);
        self.tell(Event::Started {
            interfaces,
            servers,
            metrics,
        });
    }

    /// Adds up what the workers hand over until all of them have ended.
    pub(super) fn follow(
        &mut self,
        deltas: &Receiver<Delta>,
        signals: &Receiver<i32>,
        orders: &Orders,
    ) {
        let ticks = tick(TICK);
        loop {
            select! {
                recv(deltas) -> delta => match delta {
                    Ok(delta) => self.add(delta),
                    Err(_) => return,
                },
                recv(signals) -> signal => match signal {
                    Ok(SIGUSR1) => self.print(),
                    _ => orders.stop(),
                },
                recv(ticks) -> _ => self.tick(orders),
            }
        }
    }

    fn add(&mut self, delta: Delta) {
        self.sum.add(delta);
        self.last = None;
    }

    fn tick(&mut self, orders: &Orders) {
        let Until {
            duration, decided, ..
        } = self.config.until;
        if duration.is_some_and(|limit| self.started.elapsed() >= limit) {
            orders.stop();
        }
        if Instant::now() >= self.due {
            let report = self.publish();
            if decided && is_decided(&report) {
                orders.stop();
            }
        }
    }

    /// Publishes what is known now.
    fn publish(&mut self) -> Arc<Report> {
        let begun = Instant::now();
        let last = self.last.as_ref().map(Arc::clone);
        let report = last.unwrap_or_else(|| self.judge());
        self.published.store(Some(
            State {
                minutes: self.history.look(&report),
                report: Arc::clone(&report),
                elapsed: self.started.elapsed(),
            }
            .into(),
        ));
        if self.written.elapsed() >= Textfile::EVERY {
            self.write_textfile();
        }
        self.due = begun + PUBLISH.max(begun.elapsed() * REST);
        report
    }

    /// Makes a report of what is known now, and tells what is new in it.
    fn judge(&mut self) -> Arc<Report> {
        let mut report = self.sum.report();
        report.warnings.extend(self.notes.iter().cloned());
        let events = self.watched.look(&report);
        let report = Arc::new(report);
        self.last = Some(Arc::clone(&report));
        for event in events {
            self.tell(event);
        }
        report
    }

    fn write_textfile(&mut self) {
        self.written = Instant::now();
        if let Some(file) = &self.textfile
            && let Err(error) = file.write(&self.published)
        {
            self.note(format!("cannot write {}: {error}", file.path().display()));
        }
    }

    fn tell(&mut self, event: Event) {
        if let Err(error) = self.log.tell(event) {
            self.note(format!("cannot write events any more: {error}"));
        }
    }

    /// Keeps what went wrong for the report, once.
    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
            self.last = None;
        }
    }

    /// Prints a report, as SIGUSR1 asks for.
    fn print(&mut self) {
        let report = self.publish();
        let output = &self.config.output;
        let printed = output
            .format
            .write(&report, &output.style, &mut io::stdout().lock());
        if let Err(error) = printed {
            self.note(format!("cannot write a report: {error}"));
        }
    }

    /// Notes what became of saving, once there is nothing more to save.
    pub(super) fn note_saving(
        &mut self,
        saved: Option<ScopedJoinHandle<'_, Result<(), SaveError>>>,
    ) {
        if let Some(Ok(Err(error))) = saved.map(ScopedJoinHandle::join) {
            self.note(format!("{error}: what came after is not saved"));
        }
    }

    /// The last report.
    pub(super) fn end(mut self) -> Report {
        let report = self.publish();
        let exit_code = report.exit_code();
        self.tell(Event::Ended { exit_code });
        self.write_textfile();
        Arc::unwrap_or_clone(report)
    }
}

/// Whether no verdict can be lowered by more packets: all servers that are expected have a
/// path, there is one at least, and all are final.
fn is_decided(report: &Report) -> bool {
    let mut verdicts = report.paths.iter().map(|path| path.verdict);
    !report.paths.is_empty() && verdicts.all(Verdict::is_final)
}
