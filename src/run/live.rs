//! The same engine on a client's interfaces, for as long as the operator likes.
//!
//! ```text
//!  worker (a thread for each capture) ─ deltas ─┐                       ┌─ screen
//!  worker ────────────────────────────────────── sum ─ published state ─┼─ metrics
//!    └─ recorder ─ blocks ─ save                 │                      └─ textfile
//!  signals, clock ───────────────────────────────┴─ events, reports
//! ```
//!
//! Workers wait for nobody: what the sum has no room for stays with them and grows. Who
//! shows the state looks at what was published last. The sum waits for nobody either: the
//! threads that write events and reports have to keep up, and what they miss is counted.
//! What was dropped on the way, by the interface, the kernel or at the end of the run, is
//! part of what is summed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, Scope};

use arc_swap::ArcSwapOption;
use crossbeam_channel::{Receiver, bounded};

use crate::capture::Interfaces;
use crate::capture::live::{self, Handle, LiveError};
use crate::capture::pcapng::writer;
use crate::cli::Live;
use crate::engine::Engine;
use crate::run::output::folder;

mod clock;
pub mod confine;
mod discovery;
mod error;
pub mod events;
pub mod filter;
mod metrics;
mod outputs;
mod printer;
mod recorder;
pub mod route;
mod run_loop;
mod save;
mod saving;
mod screen;
pub mod servers;
mod signals;
mod state;
mod state_saver;
mod sum;
mod worker;

use confine::Confinement;
use discovery::LiveSetup;
pub use error::LiveRunError;
use error::system;
use events::Log;
use metrics::{MetricsEndpoint, MetricsSource, Textfile};
pub use outputs::Ended;
use outputs::Outputs;
use recorder::{Buffers, Recorder};
use run_loop::RunLoop;
pub use save::SaveError;
use save::{Ring, Saver};
use saving::Saving;
use signals::{Hangup, RunSignals};
use state::Published;
use state_saver::StateSaver;
use sum::WorkerSum;
use worker::{CaptureWorker, Delta, Keeper, SharedWindow, StopControl};

/// The systemd unit that runs `plainsight live` as a service (`systemd.service(5)`).
pub const UNIT: &str = include_str!("live/plainsight.service");

/// Captures, and gives a report when the run has ended.
///
/// # Errors
/// Those that keep it from beginning: no interface, no right to capture, an output that cannot
/// be written. Once it runs, nothing ends it but what it was told to wait for.
pub fn run(config: &Live) -> Result<Ended, LiveRunError> {
    let mut ready = Ready::open(config)?;
    ready.confine()?;
    ready.run()
}

/// All that needs rights, opened.
struct Ready<'c> {
    config: &'c Live,
    discovery: LiveSetup,
    interfaces: Interfaces,
    handles: Vec<Handle>,
    ring: Option<Ring>,
    endpoint: Option<MetricsEndpoint>,
    log: Option<Log>,
    textfile: Option<Textfile>,
    state: Option<StateSaver>,
    signals: RunSignals,
    hangup: Hangup,
}

impl<'c> Ready<'c> {
    fn open(config: &'c Live) -> Result<Self, LiveRunError> {
        let mut discovery = LiveSetup::of(config, Path::new("/"))?;
        let interfaces = Interfaces::default();
        let handles = open_all(config, &discovery, &interfaces)?;
        let ring = ring(config, &handles)?;
        discovery.notes.extend(ring.as_ref().and_then(Ring::note));
        discovery.notes.extend(hidden_drops(&handles));
        let metrics = MetricsSource::open(config.metrics_detail);
        let hangup = Hangup::of_this_process();
        Ok(Self {
            ring,
            endpoint: endpoint(config, &metrics)?,
            log: log(config, &hangup)?,
            textfile: textfile(config, &metrics)?,
            state: config.state.as_ref().map(StateSaver::open).transpose()?,
            signals: RunSignals::watch(&hangup).map_err(system("watch for signals"))?,
            hangup,
            config,
            discovery,
            interfaces,
            handles,
        })
    }

    /// Gives up what the run needs no more. From here on nothing can be opened.
    fn confine(&mut self) -> Result<(), LiveRunError> {
        let confinement = Confinement {
            user: self.config.user.clone(),
            writable: self
                .config
                .replaced()
                .map(folder)
                .map(Path::to_owned)
                .collect(),
            reopened: self.reopened().map(Path::to_owned).into_iter().collect(),
        };
        self.discovery.notes.extend(confinement.enter()?.lacks);
        Ok(())
    }

    /// Folder of the file of events, where that is opened again.
    fn reopened(&self) -> Option<&Path> {
        let path = self.config.events.as_deref()?;
        let reopens = matches!(self.hangup, Hangup::Reopens(_)) && path.is_file();
        reopens.then(|| folder(path))
    }

    /// Runs all threads, and the sum in this one.
    fn run(self) -> Result<Ended, LiveRunError> {
        let (config, engine) = (self.config, &self.discovery.engine);
        let published = Published::new(ArcSwapOption::empty());
        if let Some(file) = &self.textfile {
            // Rather now than minutes later.
            file.write(&published).map_err(unwritable(file.path()))?;
        }
        let outputs = Outputs::open(config, &published, self.textfile, self.log);
        let outputs = outputs.map_err(system("draw on the terminal"))?;
        let screen = outputs.screen();
        let sum = WorkerSum::new(engine, self.interfaces.names(), titles(&self.handles));
        let mut run_loop = RunLoop::new(config, sum, outputs, self.state)?;
        let served = self.endpoint.as_ref().and_then(MetricsEndpoint::address);
        run_loop.start(&self.discovery, served);
        if let Some(endpoint) = self.endpoint {
            thread::spawn(move || endpoint.serve(&published));
        }
        let control = Arc::new(StopControl::new(config.until.packets));
        let requests = self.signals.listen(Arc::clone(&control), screen);
        let keepers = keepers(config, engine, self.handles.len());
        thread::scope(|scope| {
            let _ending = Ending(&control);
            let start = WorkerStart {
                handles: self.handles,
                ring: self.ring,
                keepers: keepers.clone(),
                engine,
            };
            let (deltas, saver) = start.all(scope, &control);
            let saving = saver.zip(config.save.as_ref());
            let saving = saving.map(|(saver, save)| Saving::new(saver, save.path.clone()));
            run_loop.follow(&deltas, &requests, saving, &control);
        });
        Ok(run_loop.end(keepers))
    }
}

/// Ends all threads of a run, however this one leaves it.
struct Ending<'o>(&'o StopControl);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// All captures, each worker's of each interface.
fn open_all(
    config: &Live,
    discovery: &LiveSetup,
    interfaces: &Interfaces,
) -> Result<Vec<Handle>, LiveError> {
    let filter = |link_type| filter::of(config.filter.as_deref(), link_type);
    let options = live::CaptureOptions {
        snap_length: config.snap_length,
        buffer_bytes: config.buffer_bytes,
    };
    let mut handles = Vec::new();
    for name in &discovery.interfaces {
        let mut group = None;
        for _ in 0..config.threads {
            let mut handle = Handle::open(name, &options, filter, interfaces)?;
            if discovery.interfaces.len() > 1 {
                handle.expect_siblings();
            }
            if config.threads > 1 {
                group = Some(handle.share(group)?);
            }
            handles.push(handle);
        }
    }
    thread::sleep(live::SETTLE);
    handles.iter_mut().try_for_each(Handle::begin)?;
    Ok(handles)
}

/// Remarks on interfaces whose own drops are not known, as where `/sys` is not to be seen. Of
/// all interfaces together, another remark tells.
fn hidden_drops(handles: &[Handle]) -> BTreeSet<String> {
    let hidden = handles.iter().filter(|it| !it.tells_interface_drops());
    let hidden = hidden.map(Handle::name).filter(|name| *name != live::ANY);
    hidden
        .map(|name| {
            format!(
                "{name}: how many packets the interface itself drops is not known, as its counters \
                 in /sys/class/net/{name}/statistics cannot be read"
            )
        })
        .collect()
}

/// Name of each capture in the report.
fn titles(handles: &[Handle]) -> Vec<String> {
    let names: Vec<&str> = handles.iter().map(Handle::name).collect();
    let title = |(place, &name): (usize, &&str)| {
        let before = names[..place]
            .iter()
            .filter(|&&other| other == name)
            .count();
        let all = names.iter().filter(|&&other| other == name).count();
        match all {
            1 => name.to_owned(),
            _ => format!("{name}, worker {}", before + 1),
        }
    };
    names.iter().enumerate().map(title).collect()
}

fn ring(config: &Live, handles: &[Handle]) -> Result<Option<Ring>, SaveError> {
    let Some(options) = &config.save else {
        return Ok(None);
    };
    let interface = |handle: &Handle| writer::InterfaceBlock {
        name: handle.name().to_owned(),
        description: String::new(),
        link_type: handle.link_type(),
        snap_length: config.snap_length.into(),
    };
    let interfaces: Vec<_> = handles.iter().map(interface).collect();
    Ring::open(options, &interfaces, &config.output.custody).map(Some)
}

/// Opens the endpoint for metrics.
fn endpoint(
    config: &Live,
    metrics: &MetricsSource,
) -> Result<Option<MetricsEndpoint>, LiveRunError> {
    let open = |address| {
        let opened = MetricsEndpoint::open(address, metrics.clone());
        opened.map_err(|source| LiveRunError::Metrics { address, source })
    };
    config.metrics.map(open).transpose()
}

/// Opens the place of the file for metrics.
fn textfile(config: &Live, metrics: &MetricsSource) -> Result<Option<Textfile>, LiveRunError> {
    let path = config.textfile.as_ref();
    let open = |path: &PathBuf| Textfile::open(path, metrics.clone()).map_err(unwritable(path));
    path.map(open).transpose()
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> LiveRunError {
    let path = path.to_owned();
    move |source| LiveRunError::Write {
        path: path.clone(),
        source,
    }
}

fn log(config: &Live, hangup: &Hangup) -> Result<Option<Log>, LiveRunError> {
    let Some(path) = &config.events else {
        return Ok(None);
    };
    let reopen = match hangup {
        Hangup::Reopens(reopen) => Arc::clone(reopen),
        Hangup::Ends | Hangup::Nothing => Arc::default(),
    };
    Log::open(path, reopen).map(Some).map_err(unwritable(path))
}

/// Keepers of the packets of each worker, where some are to be written in the end.
fn keepers(config: &Live, engine: &Engine, workers: usize) -> Vec<Keeper> {
    let wish = config.evidence.iter();
    wish.flat_map(|wish| (0..workers).map(|_| Keeper::new(engine, wish.cut)))
        .collect()
}

/// All that the workers start with.
struct WorkerStart<'s> {
    handles: Vec<Handle>,
    ring: Option<Ring>,
    keepers: Vec<Keeper>,
    engine: &'s Engine,
}

impl<'s> WorkerStart<'s> {
    /// Sets a worker on each capture, and a thread on what they save.
    fn all(
        self,
        scope: &'s Scope<'s, '_>,
        control: &'s StopControl,
    ) -> (Receiver<Delta>, Option<Saver>) {
        let workers = self.handles.len();
        let (tell, deltas) = bounded(2 * workers);
        let buffers = self.ring.is_some().then(|| Buffers::new(workers));
        let mut names = self.handles.iter().map(Handle::name);
        let is_one = names.all(|name| name == self.handles[0].name());
        let window = (!is_one).then(SharedWindow::default);
        let mut last = String::new();
        for (place, handle) in (0..).zip(self.handles) {
            // Those of an interface follow each other, and the first reports on it.
            let reports_interface = last != handle.name();
            handle.name().clone_into(&mut last);
            let recorder = buffers.as_ref().map(|all| Recorder::new(place, all));
            let mut worker = CaptureWorker::new(
                place,
                handle,
                reports_interface,
                self.engine,
                recorder,
                tell.clone(),
            );
            worker.share(window.clone());
            worker.keep(self.keepers.get(place as usize).cloned());
            scope.spawn(|| worker.run(control));
        }
        let saver = self.ring.zip(buffers);
        let saver = saver.map(|(ring, all)| Saver::start(ring, all.take_full, all.give_empty));
        (deltas, saver)
    }
}
