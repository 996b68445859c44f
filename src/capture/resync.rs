//! The search for the next record behind damage, and for the first of a piece of a file.
//!
//! A record has no marker. It is told by what follows: several records in a row, each with
//! lengths that can be and a time near that of the file's first packet. The judgement on a
//! place depends on the [`WINDOW`] of bytes from there alone, so that it is the same
//! however the file is read.

use std::ops::Range;

use super::{Format, Frame, Interfaces, NoFrame, Timestamp, file_begins};

/// Bytes of the longest packet that a guess relies on; libpcap's `MAXIMUM_SNAPLEN`.
const PACKET_LIMIT: usize = 262_144;
/// Records that must follow each other where one is guessed to begin.
const RUN: usize = 8;
/// As many do where the capture ends inside the record behind them.
const RUN_BEFORE_CUT: usize = 3;
/// Bytes that the judgement on a place may depend on: enough for a run of the longest
/// plausible packets.
pub(super) const WINDOW: usize = RUN * (PACKET_LIMIT + 256);
/// Packets of a file lie within a year of its first, in nanoseconds.
const NEAR_NANOS: u64 = 366 * 86_400 * 1_000_000_000;

/// Records that a run may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Records without a flaw.
    Flawless,
    /// Also records that are read in spite of a flaw.
    Readable,
}

impl Format {
    /// The first of `starts` at which a record of this format may begin, or another file.
    /// `ended` tells that the capture ends with `bytes`.
    pub(super) fn find(&self, bytes: &[u8], starts: Range<usize>, ended: bool) -> Option<usize> {
        let interfaces = Interfaces::default();
        starts.into_iter().find(|&at| {
            let (window, ended) = window(&bytes[at..], ended);
            file_begins(window).is_some()
                || (self.may_step(window)
                    && self.is_run(window, ended, Rule::Flawless, &interfaces))
        })
    }

    /// Tests that records follow a flawed one that is taken as it stands.
    pub(super) fn is_followed(&self, bytes: &[u8], ended: bool) -> bool {
        let (window, ended) = window(bytes, ended);
        self.is_run(window, ended, Rule::Readable, &Interfaces::default())
    }

    fn is_run(&self, bytes: &[u8], ended: bool, rule: Rule, interfaces: &Interfaces) -> bool {
        let mut format = self.clone();
        let (mut at, mut records) = (0, 0);
        while records < RUN {
            match format.step(&bytes[at..], interfaces) {
                Ok((frame, used)) if format.is_plausible(&frame) => at += used,
                Err(NoFrame::Skip { used }) => at += used,
                Err(NoFrame::Flaw { .. }) if rule == Rule::Readable => {
                    format.accept();
                    continue;
                }
                Err(NoFrame::NewFile) => return records > 0,
                Err(NoFrame::More { .. }) => {
                    let cut = ended && at < bytes.len();
                    return records >= if cut { RUN_BEFORE_CUT } else { 1 };
                }
                _ => return false,
            }
            records += 1;
        }
        true
    }

    fn is_plausible(&self, frame: &Frame<'_>) -> bool {
        let near = match (self.first(), frame.time) {
            (Some(Timestamp(first)), Some(time)) => first.abs_diff(time.0) < NEAR_NANOS,
            _ => true,
        };
        near && (1..=PACKET_LIMIT).contains(&frame.data.len())
    }
}

fn window(bytes: &[u8], ended: bool) -> (&[u8], bool) {
    match bytes.get(..WINDOW) {
        Some(window) => (window, ended && window.len() == bytes.len()),
        None => (bytes, ended),
    }
}
