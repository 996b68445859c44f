//! A progress bar on standard error, where that is a terminal and the work is long.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter work shows no bar.
const PATIENCE: Duration = Duration::from_millis(700);

/// Progress of the run, in bytes as stored.
pub(in crate::run) struct Progress {
    bar: ProgressBar,
    started: Instant,
    terminal: bool,
}

impl Progress {
    /// `total` is the sum of the inputs' sizes; `None` where one of them is a stream.
    pub(in crate::run) fn new(total: Option<u64>) -> Self {
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
            terminal: io::stderr().is_terminal(),
        }
    }

    /// So much more was read.
    pub(in crate::run) fn add(&self, read: u64) {
        self.bar.inc(read);
        if self.terminal && self.bar.is_hidden() && self.started.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Bytes read so far, as stored.
    pub(in crate::run) fn position(&self) -> u64 {
        self.bar.position()
    }

    pub(in crate::run) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
