//! Keys, read from the terminal by a thread that holds nobody up.

use std::io::Read;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use termina::event::{KeyCode, KeyEvent, KeyEventKind, Modifiers};
use termina::{Event, Parser};

use super::tty::{Tty, never_stop};

/// Longest wait before the reader sees that the terminal was given back.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longest time between two bytes of one key.
const WITHIN_KEY: Duration = Duration::from_millis(30);
/// Bytes without a pause after which one that began a key is forgotten.
const LONGEST: usize = 1024;

/// Cause for the screen to be drawn before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run::live) enum ScreenEvent {
    /// A key was pressed.
    Key(KeyCode),
    /// The terminal has another size.
    Resized,
    /// Others may have changed what is shown.
    Disturbed,
}

/// Hands over keys until the terminal is given back for good. Those that find no room are
/// forgotten, and so are those that come while others show something.
pub(super) fn read_keys(tty: &Tty, give: &Sender<ScreenEvent>) {
    never_stop();
    let mut reader = KeyReader::default();
    while !tty.is_closed() {
        let is_there = tty.is_shown() && tty.is_ours();
        let patience = if reader.open > 0 {
            WITHIN_KEY
        } else {
            PATIENCE
        };
        if !is_there {
            thread::sleep(PATIENCE);
        } else if !waits(tty, patience) {
            reader.end_key();
        } else if !reader.read(tty) {
            // The terminal is gone, or another's, and poll returns at once.
            thread::sleep(PATIENCE);
        }
        for key in reader.by_ref() {
            press(tty, key, give);
        }
    }
}

/// Tests that there is something to read, or is so within some time.
fn waits(tty: &Tty, patience: Duration) -> bool {
    let inputs = tty
        .input()
        .map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN));
    let mut inputs: Vec<_> = inputs.into_iter().collect();
    let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
    poll(&mut inputs, patience).is_ok_and(|ready| ready > 0)
}

fn press(tty: &Tty, key: KeyEvent, give: &Sender<ScreenEvent>) {
    let event = match (key.code, key.modifiers) {
        (KeyCode::Char('z'), Modifiers::CONTROL) => {
            tty.suspend();
            ScreenEvent::Disturbed
        }
        (KeyCode::Char('l'), Modifiers::CONTROL) => ScreenEvent::Disturbed,
        (code, Modifiers::NONE | Modifiers::SHIFT) => ScreenEvent::Key(code),
        _ => return,
    };
    let _ = give.try_send(event);
}

/// Bytes that become keys.
#[derive(Default)]
struct KeyReader {
    parser: Parser,
    /// Bytes since the last pause.
    open: usize,
    /// The last key, where it ended because nothing came any more.
    ended: Option<KeyEvent>,
}

impl KeyReader {
    /// Reads what is there; gives false where nothing can be read.
    fn read(&mut self, tty: &Tty) -> bool {
        let mut bytes = [0; 256];
        let read = tty.input().map(|mut it| it.read(&mut bytes));
        let Some(Ok(count @ 1..)) = read else {
            return false;
        };
        self.add(&bytes[..count]);
        true
    }

    fn add(&mut self, bytes: &[u8]) {
        if self.open > LONGEST {
            *self = Self::default();
        }
        self.open += bytes.len();
        self.parser.parse(bytes, true);
    }

    /// Takes what came so far for all of a key, which is Esc if that came alone.
    fn end_key(&mut self) {
        if self.open > 0 {
            self.parser.parse(&[], false);
            let key = self.next();
            *self = Self::default();
            self.ended = key;
        }
    }
}

impl Iterator for KeyReader {
    type Item = KeyEvent;

    fn next(&mut self) -> Option<KeyEvent> {
        if let Some(key) = self.ended.take() {
            return Some(key);
        }
        while let Some(event) = self.parser.pop() {
            match event {
                Event::Key(key) if key.kind != KeyEventKind::Release => return Some(key),
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of bytes that are read in parts, with a pause at the end of each.
    fn keys(parts: &[&[u8]]) -> Vec<KeyCode> {
        let mut reader = KeyReader::default();
        let mut keys = Vec::new();
        for part in parts {
            reader.add(part);
            keys.extend(reader.by_ref().map(|key| key.code));
            reader.end_key();
            keys.extend(reader.by_ref().map(|key| key.code));
        }
        keys
    }

    #[test]
    fn keys_are_told_apart() {
        let typed = keys(&[
            b"q",
            b"\x1b[A\x1b[B",
            b"k\x1b",
            b"\x1b[5~\r",
            "/ä\x7f".as_bytes(),
        ]);
        let expected = [
            KeyCode::Char('q'),
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Char('k'),
            KeyCode::Escape,
            KeyCode::PageUp,
            KeyCode::Enter,
            KeyCode::Char('/'),
            KeyCode::Char('ä'),
            KeyCode::Backspace,
        ];
        assert_eq!(typed, expected);
    }

    #[test]
    fn a_key_may_come_in_two_parts_without_a_pause() {
        let mut reader = KeyReader::default();
        reader.add(b"\x1b");
        assert_eq!(reader.next(), None);
        reader.add(b"[6~");
        assert_eq!(reader.next().map(|key| key.code), Some(KeyCode::PageDown));
    }

    #[test]
    fn what_is_no_key_swallows_none() {
        assert_eq!(keys(&[b"\x1b[", b"q"]), [KeyCode::Char('q')]);
        let mut reader = KeyReader::default();
        reader.add(b"\x1b]");
        (0..100).for_each(|_| reader.add(&[b'x'; 250]));
        assert!(reader.open < 2 * LONGEST, "{} bytes are kept", reader.open);
        reader.end_key();
        reader.add(b"q");
        assert_eq!(reader.last().map(|key| key.code), Some(KeyCode::Char('q')));
    }

    /// As where a file is sent to the terminal by mistake.
    #[test]
    fn no_bytes_end_the_reader() {
        let mut random = fastrand::Rng::with_seed(7);
        let weighty = b"\x1b[]OP?<>;M~u0123456789\xff";
        for _ in 0..20_000 {
            let length = random.usize(1..12);
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    let weighty = random.choice(weighty.iter().copied());
                    let any = random.u8(..);
                    weighty.filter(|_| random.bool()).unwrap_or(any)
                })
                .collect();
            keys(&[&bytes]);
        }
    }
}
