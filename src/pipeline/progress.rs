//! A progress bar on standard error, where that is a terminal and the work is long.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work shows no bar.
const PATIENCE: Duration = Duration::from_millis(700);

/// How far the run has come, in bytes as stored.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    /// Bytes of the files before the one being read.
    before: u64,
}

impl Progress {
    /// `total` is the sum of the inputs' sizes; `None` where one of them is a stream.
    pub(super) fn new(total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => {
                "{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}"
            }
            None => "{spinner} {decimal_bytes} {decimal_bytes_per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            started: Instant::now(),
            before: 0,
        }
    }

    /// So much of the present file was read.
    pub(super) fn at(&mut self, read: u64) {
        self.bar.set_position(self.before + read);
        if self.bar.is_hidden() && io::stderr().is_terminal() && self.started.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// The present file is done; `size` is its own, if it has one.
    pub(super) fn end_file(&mut self, size: Option<u64>) {
        self.before += size.unwrap_or(0);
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
