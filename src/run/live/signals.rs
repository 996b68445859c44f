//! Signals that end the run, that ask for a report, and that tell of the terminal.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use signal_hook::SigId;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGWINCH};
use signal_hook::flag::{register, register_conditional_shutdown};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, exit, unregister};

use super::screen::{ScreenControl, never_stop};
use super::worker::StopControl;

/// Effect of SIGHUP on a run.
pub(super) enum Hangup {
    /// The session that it was started in has ended, and so does the run.
    Ends,
    /// There is no session that could end: the file of events has been moved away, and is
    /// opened again, as services do.
    Reopens(Arc<AtomicBool>),
    /// None: `nohup` said so.
    Nothing,
}

impl Hangup {
    /// That of this process, by its terminal (`tty(4)`).
    pub(super) fn of_this_process() -> Self {
        if ignores(SIGHUP) {
            Self::Nothing
        } else if File::open("/dev/tty").is_ok() {
            Self::Ends
        } else {
            Self::Reopens(Arc::default())
        }
    }
}

/// Signals that are watched for. The second that would end the run does, at once.
pub(super) struct RunSignals {
    signals: Signals,
    /// Set by the first that would end the run, as long as nobody listens.
    ending: Arc<AtomicBool>,
    setters: Vec<SigId>,
}

impl RunSignals {
    /// Begins to watch.
    ///
    /// # Errors
    /// The kernel gives no pipe, or no way to be told.
    pub(super) fn watch(hangup: &Hangup) -> io::Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let mut setters = Vec::new();
        for signal in [SIGINT, SIGTERM] {
            register_conditional_shutdown(signal, status(signal), Arc::clone(&ending))?;
            setters.push(register(signal, Arc::clone(&ending))?);
        }
        let mut all = vec![SIGINT, SIGTERM, SIGUSR1, SIGQUIT, SIGCONT, SIGWINCH];
        match hangup {
            Hangup::Ends => all.push(SIGHUP),
            Hangup::Reopens(reopen) => {
                register(SIGHUP, Arc::clone(reopen))?;
            }
            Hangup::Nothing => {}
        }
        Ok(Self {
            signals: Signals::new(all)?,
            ending,
            setters,
        })
    }

    /// Obeys signals until the process ends, and hands on those that ask for a report. A
    /// terminal that was taken over is given back even where the run is ended at once.
    pub(super) fn listen(
        mut self,
        control: Arc<StopControl>,
        screen: Option<ScreenControl>,
    ) -> Receiver<()> {
        let (ask, requests) = bounded(1);
        self.setters.drain(..).for_each(|setter| {
            unregister(setter);
        });
        // The first may have come before: it is listened to now.
        self.ending.store(false, Ordering::SeqCst);
        thread::spawn(move || {
            never_stop();
            let mut listener = Listener {
                control,
                screen,
                ask,
                is_ending: false,
            };
            for signal in self.signals.forever() {
                listener.obey(signal);
            }
        });
        requests
    }
}

/// Listener to signals.
struct Listener {
    control: Arc<StopControl>,
    screen: Option<ScreenControl>,
    ask: Sender<()>,
    /// True once a signal would end the run.
    is_ending: bool,
}

impl Listener {
    fn obey(&mut self, signal: i32) {
        match signal {
            SIGUSR1 => {
                // One report answers all that ask before it.
                let _ = self.ask.try_send(());
            }
            SIGWINCH => self.tell(ScreenControl::resized),
            SIGCONT => self.tell(ScreenControl::disturbed),
            SIGQUIT => {
                self.tell(ScreenControl::close_at_once);
                let _ = emulate_default_handler(signal);
            }
            SIGINT | SIGTERM if self.is_ending => {
                self.tell(ScreenControl::close_at_once);
                exit(status(signal));
            }
            _ => {
                self.is_ending |= signal != SIGHUP;
                self.control.stop();
            }
        }
    }

    fn tell(&self, what: fn(&ScreenControl)) {
        self.screen.iter().for_each(what);
    }
}

/// Exit status of a process that a signal ends, as shells have it.
fn status(signal: i32) -> i32 {
    128 + signal
}

/// True where this process was started with a signal ignored, by `proc_pid_status(5)`.
fn ignores(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
