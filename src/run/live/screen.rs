//! One screen on the terminal, refreshed in place: the paths, the worst first, as many as fit,
//! and what a key asks for.
//!
//! A thread draws, and another reads keys. The run waits for neither, and they wait for each
//! other only where nobody else has to.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use nix::sys::signal::{Signal, raise};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use termina::event::KeyCode;

use super::printer::Printer;
use super::state::Published;
use crate::report::Report;

mod columns;
mod keys;
mod page;
#[cfg(test)]
mod tests;
mod tty;
mod view;

use keys::{ScreenEvent, read_keys};
use page::{ScreenLook, draw};
pub(super) use tty::{Tty, never_stop};
use view::View;

/// Interval at which the screen is drawn.
const EVERY: Duration = Duration::from_millis(500);
/// Keys that may wait while the terminal takes nothing.
const KEYS_AHEAD: usize = 64;

/// A terminal that shows the paths, and what was there before once this is dropped.
pub(super) struct Screen {
    tty: Arc<Tty>,
    terminal: Option<Terminal<CrosstermBackend<Canvas>>>,
    look: ScreenLook,
    view: View,
    events: Receiver<ScreenEvent>,
    give: Sender<ScreenEvent>,
}

/// Control of a screen from other threads.
#[derive(Clone)]
pub(super) struct ScreenControl {
    tty: Arc<Tty>,
    give: Sender<ScreenEvent>,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn open(color: bool) -> io::Result<Self> {
        let tty = Arc::new(Tty::open()?);
        tty.give_back_on_panic();
        let (give, events) = bounded(KEYS_AHEAD);
        let keys = tty.input().is_some();
        Ok(Self {
            tty,
            terminal: None,
            look: ScreenLook { color, keys },
            view: View::default(),
            events,
            give,
        })
    }

    /// Control of this screen.
    pub(super) fn control(&self) -> ScreenControl {
        ScreenControl {
            tty: Arc::clone(&self.tty),
            give: self.give.clone(),
        }
    }

    /// Shows each state as long as reports may come. Those go where the final one will.
    pub(super) fn show(
        mut self,
        published: &Published,
        reports: &Receiver<Arc<Report>>,
        printer: &Printer,
        fail: &Sender<String>,
    ) {
        never_stop();
        if self.look.keys {
            let (tty, give) = (Arc::clone(&self.tty), self.give.clone());
            thread::spawn(move || read_keys(&tty, &give));
        }
        loop {
            self.draw(published);
            select! {
                recv(reports) -> report => match report {
                    Ok(report) => self.print(|| printer.print(&report), fail),
                    Err(_) => return,
                },
                recv(self.events) -> event => if let Ok(event) = event {
                    self.obey(event, published);
                },
                default(EVERY) => {}
            }
        }
    }

    fn draw(&mut self, published: &Published) {
        if self.tty.is_shown() && !self.tty.is_ours() {
            self.tty.forget();
        }
        if self.tty.take() || self.terminal.is_none() {
            let canvas = Canvas {
                tty: Arc::clone(&self.tty),
                frame: Vec::new(),
            };
            self.terminal = Terminal::new(CrosstermBackend::new(canvas)).ok();
        }
        if let (Some(state), Some(terminal)) = (published.load().as_deref(), &mut self.terminal) {
            // A terminal that is gone stops no run.
            let _ = terminal.draw(|frame| draw(frame, state, &mut self.view, self.look));
        }
    }

    /// Obeys all that was asked for by now.
    fn obey(&mut self, first: ScreenEvent, published: &Published) {
        let waiting: Vec<_> = self.events.try_iter().collect();
        for event in [first].into_iter().chain(waiting) {
            match event {
                ScreenEvent::Key(key) => self.press(key, published),
                ScreenEvent::Resized => {}
                ScreenEvent::Disturbed => self.tty.forget(),
            }
        }
    }

    /// Obeys a key. The one that ends the run does so as Ctrl-C does, and once: a second would
    /// end it without its report.
    fn press(&mut self, key: KeyCode, published: &Published) {
        if self.view.is_ending {
            return;
        }
        if let Some(state) = published.load().as_deref()
            && self.view.press(key, state)
        {
            let _ = raise(Signal::SIGINT);
        }
    }

    /// Gives the terminal back for a while.
    fn print(&mut self, print: impl FnOnce() -> io::Result<()>, fail: &Sender<String>) {
        self.tty.give_back();
        if let Err(error) = print() {
            let _ = fail.try_send(format!("cannot write to the terminal: {error}"));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tty.close();
    }
}

impl ScreenControl {
    /// Has the screen drawn anew, as others may have changed what is shown.
    pub(super) fn disturbed(&self) {
        // Where there is no room, it will be drawn anyway.
        let _ = self.give.try_send(ScreenEvent::Disturbed);
    }

    /// Has the screen drawn in another size.
    pub(super) fn resized(&self) {
        let _ = self.give.try_send(ScreenEvent::Resized);
    }

    /// Gives the terminal back for good, at once.
    pub(super) fn close_at_once(&self) {
        self.tty.close_at_once();
    }
}

/// Writer of frames, each of them at once.
struct Canvas {
    tty: Arc<Tty>,
    frame: Vec<u8>,
}

impl Write for Canvas {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tty.show(&self.frame);
        self.frame.clear();
        Ok(())
    }
}
