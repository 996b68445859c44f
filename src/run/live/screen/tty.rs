//! The terminal: taken over for a screen, and given back as it was.
//!
//! Signals stay the kernel's: Ctrl-C and Ctrl-\ send theirs whatever this process does. Only
//! Ctrl-Z is read as a key, so that the terminal can be given back before the run stops.
//!
//! A terminal takes nothing after Ctrl-S, or where the other end of its line hangs. Whoever
//! draws waits for that, and nobody else: what has to happen at once waits a moment, and goes
//! without the terminal's consent.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::termios::{
    InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::queue;
use ratatui::crossterm::style::ResetColor;
use ratatui::crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};

/// Longest wait for a terminal that takes nothing, where something has to happen at once.
const PATIENCE: Duration = Duration::from_millis(250);

/// A terminal, and what it was like before.
pub(in crate::run::live) struct Tty {
    output: File,
    /// Source of keys, where standard input is this terminal.
    input: Option<File>,
    /// Group of this process, by which the kernel tells who has the terminal; `None` where that
    /// is not asked.
    group: Option<Pid>,
    hold: Mutex<Hold>,
    /// Locked for as long as something is written.
    writing: Mutex<()>,
}

/// Hold on the terminal.
struct Hold {
    stage: TtyStage,
    /// Modes that were changed: those before, and those since.
    modes: Option<(Termios, Termios)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TtyStage {
    /// It is somebody else's, or shows what others write.
    Away,
    /// It shows the screen.
    Shown,
    /// It was given back, and is taken over no more until it is released.
    Held,
    /// It was given back for good.
    Closed,
}

impl Tty {
    /// The terminal of standard output, which is one.
    pub(in crate::run::live) fn open() -> io::Result<Self> {
        let copy = |it: &dyn AsFd| it.as_fd().try_clone_to_owned().map(File::from);
        let (stdin, output) = (io::stdin(), copy(&io::stdout())?);
        let group = getpgrp();
        // Without job control, somebody else may read there, too.
        let is_ours = stdin.is_terminal() && tcgetpgrp(&stdin).is_ok();
        let input = is_ours.then(|| copy(&stdin)).transpose()?;
        Ok(Self::over(output, input, Some(group)))
    }

    fn over(output: File, input: Option<File>, group: Option<Pid>) -> Self {
        Self {
            output,
            input,
            group,
            hold: Mutex::new(Hold {
                stage: TtyStage::Away,
                modes: None,
            }),
            writing: Mutex::new(()),
        }
    }

    /// Source of keys, where there is one.
    pub(in crate::run::live) fn input(&self) -> Option<&File> {
        self.input.as_ref()
    }

    /// True while this process is in the foreground. In the background it would write over
    /// what others show, and the kernel would stop it for reading.
    pub(in crate::run::live) fn is_ours(&self) -> bool {
        let Some(group) = self.group else {
            return true;
        };
        match tcgetpgrp(&self.output) {
            Ok(foreground) => foreground == group,
            // Nobody is asked there.
            Err(error) => error == Errno::ENOTTY,
        }
    }

    /// True while the screen is shown.
    pub(in crate::run::live) fn is_shown(&self) -> bool {
        self.hold().stage == TtyStage::Shown
    }

    /// True once it was given back for good.
    pub(in crate::run::live) fn is_closed(&self) -> bool {
        self.hold().stage == TtyStage::Closed
    }

    /// Takes the terminal over, if it can be; gives true where it was not before.
    pub(in crate::run::live) fn take(&self) -> bool {
        let mut hold = self.hold();
        if hold.stage != TtyStage::Away || !self.is_ours() {
            return false;
        }
        hold.stage = TtyStage::Shown;
        self.set_modes(&mut hold);
        drop(hold);
        let mut words = Vec::new();
        // Memory takes everything.
        let _ = queue!(words, EnterAlternateScreen, Hide, Clear(ClearType::All));
        self.show(&words);
        true
    }

    /// Writes what is to be seen, if it is still taken over. A terminal that is gone stops no
    /// run.
    pub(in crate::run::live) fn show(&self, words: &[u8]) {
        let _turn = lock(&self.writing);
        if self.hold().stage == TtyStage::Shown {
            let _ = (&self.output).write_all(words);
        }
    }

    /// Gives it back, as it was before. Waits for a terminal that takes nothing.
    pub(in crate::run::live) fn give_back(&self) {
        let turn = lock(&self.writing);
        if self.restore(TtyStage::Away) {
            let _ = (&self.output).write_all(&farewell());
        }
        drop(turn);
    }

    /// Gives it back for good. Waits for a terminal that takes nothing.
    pub(in crate::run::live) fn close(&self) {
        self.give_back();
        self.hold().stage = TtyStage::Closed;
    }

    /// Gives it back for good, at once.
    pub(in crate::run::live) fn close_at_once(&self) {
        self.leave_at_once(TtyStage::Closed);
    }

    /// Takes for granted that others changed it, as while the run was stopped.
    pub(in crate::run::live) fn forget(&self) {
        let mut hold = self.hold();
        if matches!(hold.stage, TtyStage::Shown | TtyStage::Held) {
            hold.stage = TtyStage::Away;
        }
    }

    /// Gives it back, and stops this process as Ctrl-Z does, until it is told to go on. Where
    /// nobody could tell it, the kernel does not stop it.
    pub(in crate::run::live) fn suspend(&self) {
        self.leave_at_once(TtyStage::Held);
        let _ = raise(Signal::SIGTSTP);
        self.forget();
    }

    /// Gives it back before the words of a panic, in whatever thread. It is taken over again if
    /// the run goes on.
    pub(in crate::run::live) fn give_back_on_panic(self: &Arc<Self>) {
        let (tty, previous) = (Arc::downgrade(self), panic::take_hook());
        panic::set_hook(Box::new(move |panic| {
            if let Some(tty) = tty.upgrade() {
                tty.leave_at_once(TtyStage::Away);
            }
            previous(panic);
        }));
    }

    fn leave_at_once(&self, next: TtyStage) {
        let was_shown = self.restore(next);
        if let Some(_turn) = self.turn_within(PATIENCE)
            && was_shown
            && self.takes_within(PATIENCE)
        {
            let _ = (&self.output).write_all(&farewell());
        }
    }

    /// Sets the modes from before; gives true if the screen was shown. One that was closed stays
    /// so.
    fn restore(&self, next: TtyStage) -> bool {
        let mut hold = self.hold();
        let stage = hold.stage;
        if stage != TtyStage::Closed {
            hold.stage = next;
        }
        let is_shown = stage == TtyStage::Shown;
        if is_shown && let (Some(input), Some((before, _))) = (&self.input, &hold.modes) {
            if next != TtyStage::Away {
                // Without Ctrl-S, the kernel goes on where it held.
                let mut going = before.clone();
                going.input_flags.remove(InputFlags::IXON);
                let _ = tcsetattr(input, SetArg::TCSANOW, &going);
            }
            let _ = tcsetattr(input, SetArg::TCSANOW, before);
        }
        is_shown
    }

    /// Has keys come one by one and unseen.
    fn set_modes(&self, hold: &mut Hold) {
        let Some(input) = &self.input else {
            return;
        };
        let Ok(now) = tcgetattr(input) else {
            return;
        };
        let before = match hold.modes.take() {
            // They are still this process's own.
            Some((before, since)) if same(&since, &now) => before,
            _ => now,
        };
        let since = unseen(&before);
        let _ = tcsetattr(input, SetArg::TCSANOW, &since);
        hold.modes = Some((before, since));
    }

    fn hold(&self) -> MutexGuard<'_, Hold> {
        lock(&self.hold)
    }

    /// Waits for who writes, at most for some time.
    fn turn_within(&self, patience: Duration) -> Option<MutexGuard<'_, ()>> {
        let deadline = Instant::now() + patience;
        loop {
            match self.writing.try_lock() {
                Ok(turn) => return Some(turn),
                Err(TryLockError::Poisoned(turn)) => return Some(turn.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => return None,
                Err(TryLockError::WouldBlock) => thread::sleep(PATIENCE / 50),
            }
        }
    }

    /// Tests that the terminal takes something, or does so within some time.
    fn takes_within(&self, patience: Duration) -> bool {
        let mut outputs = [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)];
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        poll(&mut outputs, patience).is_ok_and(|ready| ready > 0)
    }
}

/// Has this thread be told by an error that the terminal is another's, rather than have the
/// whole run stopped.
pub(in crate::run::live) fn never_stop() {
    let signals = SigSet::from_iter([Signal::SIGTTIN, Signal::SIGTTOU]);
    // Of known signals the kernel refuses none.
    let _ = signals.thread_block();
}

/// A lock whose holders leave nothing half done, even where they panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Words that end the screen, from within any others.
fn farewell() -> Vec<u8> {
    let mut words = Vec::new();
    // Memory takes everything.
    let _ = queue!(words, ResetColor, Show, LeaveAlternateScreen);
    words
}

/// The modes that have keys come one by one and unseen, Ctrl-Z among them.
fn unseen(before: &Termios) -> Termios {
    let mut modes = before.clone();
    let lines = InputFlags::ICRNL | InputFlags::INLCR | InputFlags::IGNCR;
    modes.input_flags.remove(lines);
    let edited = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::IEXTEN;
    modes.local_flags.remove(edited);
    modes.local_flags.insert(LocalFlags::ISIG);
    let mut set = |place: SpecialCharacterIndices, to| modes.control_chars[place as usize] = to;
    set(SpecialCharacterIndices::VMIN, 1);
    set(SpecialCharacterIndices::VTIME, 0);
    set(SpecialCharacterIndices::VSUSP, libc::_POSIX_VDISABLE);
    modes
}

/// Tests that no mode differs that is set here.
fn same(modes: &Termios, others: &Termios) -> bool {
    let set = |it: &Termios| (it.input_flags, it.local_flags, it.control_chars);
    set(modes) == set(others)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use nix::pty::{OpenptyResult, openpty};

    use super::*;

    /// A terminal of one's own, and the end that a person would have of it.
    fn terminal() -> (Arc<Tty>, File) {
        let OpenptyResult { master, slave } = openpty(None, None).expect("a terminal");
        let slave = File::from(slave);
        let input = slave.try_clone().expect("a file");
        (Arc::new(Tty::over(slave, Some(input), None)), master.into())
    }

    fn modes(tty: &Tty) -> Termios {
        tcgetattr(tty.input().expect("keys")).expect("modes")
    }

    /// What was written by now.
    fn written(mut end: &File) -> String {
        let mut bytes = [0; 4096];
        let count = end.read(&mut bytes).expect("something to read");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    const LEFT: &str = "\x1b[?1049l";

    #[test]
    fn keys_come_unseen_and_the_terminal_is_given_back_as_it_was() {
        let (tty, end) = terminal();
        let before = modes(&tty);
        assert!(tty.take() && !tty.take() && tty.is_shown());
        let taken = modes(&tty).local_flags;
        assert!(
            !taken.intersects(LocalFlags::ECHO | LocalFlags::ICANON),
            "{taken:?}"
        );
        assert!(taken.contains(LocalFlags::ISIG), "Ctrl-C is the kernel's");
        assert!(written(&end).starts_with("\x1b[?1049h"));
        tty.give_back();
        assert!(same(&modes(&tty), &before));
        assert!(written(&end).ends_with(LEFT));
        tty.show(b"late");
        // Others changed nothing: what was there first is what is given back.
        tty.take();
        tty.forget();
        tty.take();
        tty.close();
        assert!(same(&modes(&tty), &before));
        assert!(written(&end).ends_with(LEFT));
        assert!(!tty.take() && tty.is_closed());
    }

    #[test]
    fn a_panic_in_any_thread_gives_the_terminal_back_before_its_words() {
        let (tty, end) = terminal();
        let before = modes(&tty);
        tty.give_back_on_panic();
        tty.take();
        let panics = thread::spawn(|| panic!("as the test wants it"));
        assert!(panics.join().is_err());
        assert!(!tty.is_shown());
        assert!(same(&modes(&tty), &before));
        assert!(written(&end).ends_with(LEFT));
        assert!(tty.take(), "the run goes on");
    }

    /// Nobody reads the other end, as of a session whose line hangs.
    #[test]
    fn a_terminal_that_takes_nothing_holds_up_no_end() {
        let (tty, _end) = terminal();
        let before = modes(&tty);
        tty.take();
        let draws = Arc::clone(&tty);
        thread::spawn(move || {
            loop {
                draws.show(&[b'x'; 4096]);
            }
        });
        while tty.takes_within(PATIENCE) {}
        let start = Instant::now();
        tty.close_at_once();
        assert!(start.elapsed() < 4 * PATIENCE, "{:?}", start.elapsed());
        assert!(same(&modes(&tty), &before));
    }
}
