//! The course of a run: deltas in, states and events out, until it ends.

use std::io;
use std::net::SocketAddr;
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select, tick};
use signal_hook::consts::SIGUSR1;

use super::events::{Event, Log, NamedServer, Watched};
use super::metrics::Textfile;
use super::save::SaveError;
use super::state::{History, Published, State};
use super::sum::Sum;
use super::survey::Survey;
use super::watch::{Delta, Orders};
use crate::cli::{Live, Until};
use crate::report::Report;
use crate::verdict::Verdict;

/// How often a new state is published.
const PUBLISH: Duration = Duration::from_millis(250);
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
            started: now,
            due: now,
            written: now,
        }
    }

    /// Tells what the run goes by.
    pub(super) fn start(&mut self, survey: &Survey, metrics: Option<SocketAddr>) {
        self.notes.clone_from(&survey.notes);
        let interfaces = survey.interfaces.clone();
        let servers = survey.engine.servers.named();
        let servers = servers.map(|(server, source)| NamedServer {
            server,
            source: source.to_owned(),
        });
        let servers = servers.collect();
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
        let ticks = tick(PUBLISH);
        loop {
            select! {
                recv(deltas) -> delta => match delta {
                    Ok(delta) => self.sum.add(delta),
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

    fn tick(&mut self, orders: &Orders) {
        if Instant::now() >= self.due {
            let report = self.publish();
            let Until {
                duration, decided, ..
            } = self.config.until;
            if duration.is_some_and(|limit| self.started.elapsed() >= limit)
                || (decided && is_decided(&report))
            {
                orders.stop();
            }
        }
    }

    /// Publishes what is known now, and tells what is new in it.
    fn publish(&mut self) -> Report {
        let begun = Instant::now();
        let mut report = self.sum.report();
        report.warnings.extend(self.notes.iter().cloned());
        for event in self.watched.look(&report) {
            self.tell(event);
        }
        self.published.store(Some(
            State {
                minutes: self.history.look(&report),
                report: report.clone(),
                elapsed: self.started.elapsed(),
            }
            .into(),
        ));
        if self.written.elapsed() >= Textfile::EVERY {
            self.write_textfile();
        }
        self.due = Instant::now() + begun.elapsed() * REST;
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
        report
    }
}

/// Whether no verdict can be lowered by more packets: all servers that are expected have a
/// path, there is one at least, and all are final.
fn is_decided(report: &Report) -> bool {
    let mut verdicts = report.paths.iter().map(|path| path.verdict);
    !report.paths.is_empty() && verdicts.all(Verdict::is_final)
}
