//! Speed at which this machine analyzes recorded traces, and how near that is to its limits.
//!
//! Beside the analysis, the same files are walked without looking at a packet, read
//! without looking at a byte, and counted by `tcpdump` and `capinfos` where these are
//! installed. All take turns, so that what else the machine does falls on each alike. A
//! first round warms the page cache and is not counted.
//!
//! Like [`cli`](crate::cli), this is no stage: it sees all of them through
//! [`files`], whose clock it uses.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::Bench;
use crate::input::{Input, InputPath, OpenError, discover};
use crate::run::files::stats::Laps;
use crate::run::files::{self, Measured, RunError};

mod contender;
mod memory;
mod outcome;
mod show;

pub use contender::Absent;
use contender::Contender;
pub use outcome::{BenchOutcome, PeakMemory, Row, Spread};

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// An input that the analysis cannot open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An input that the analysis cannot read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Standard input, or a pipe.
    #[error("{0} can be read only once; bench needs files")]
    ReadOnce(InputPath),
    /// Nothing to divide by.
    #[error("there is no packet in what was named, so there is no time per packet")]
    NoPackets,
    /// A file that was there in the first round.
    #[error("cannot read the files again: {0}")]
    Changed(io::Error),
}

/// Files that are measured: the same for all.
struct Load<'b> {
    config: &'b Bench,
    files: Vec<InputPath>,
}

/// One way to go through the files, and what its counted runs took.
struct Lane {
    contender: Contender,
    seconds: Vec<f64>,
    peaks: Vec<u64>,
}

/// Measures all there is to compare.
///
/// # Errors
/// What cannot be read, or only once; files without a packet.
pub fn run(config: &Bench) -> Result<BenchOutcome, BenchError> {
    let load = Load {
        files: files(&config.analyze.paths)?,
        config,
    };
    let Measured { stats, .. } = files::measure(&config.analyze)?;
    if stats.packets == 0 {
        return Err(BenchError::NoPackets);
    }
    let (mut lanes, mut absent) = lanes();
    for round in 0..=config.runs {
        // What another program says of a file is no reason to stop.
        lanes = turn(lanes, &load, round > 0, &mut absent)?;
    }
    Ok(BenchOutcome::new(&load, &stats, &lanes, absent))
}

fn files(paths: &[PathBuf]) -> Result<Vec<InputPath>, BenchError> {
    let mut files = discover(paths).map_err(OpenError::from)?;
    for file in &files {
        if file.path == Path::new("-") || !file.path.is_file() {
            return Err(BenchError::ReadOnce(file.clone()));
        }
    }
    // As the analysis does, pass over what is no capture where only a folder was named.
    files.retain(|file| file.found_in.is_none() || Input::open(file).is_ok());
    Ok(files)
}

fn lanes() -> (Vec<Lane>, Vec<Absent>) {
    let (mut lanes, mut absent) = (Vec::new(), Vec::new());
    for found in Contender::all() {
        match found {
            Ok(contender) => lanes.push(Lane {
                contender,
                seconds: Vec::new(),
                peaks: Vec::new(),
            }),
            Err(missing) => absent.push(missing),
        }
    }
    (lanes, absent)
}

/// Lets each go through the files once; who cannot leaves.
fn turn(
    lanes: Vec<Lane>,
    load: &Load<'_>,
    counts: bool,
    absent: &mut Vec<Absent>,
) -> Result<Vec<Lane>, BenchError> {
    let mut left = Vec::with_capacity(lanes.len());
    for mut lane in lanes {
        match lane.run(load, counts)? {
            None => left.push(lane),
            Some(why) => absent.push(Absent {
                name: lane.contender.name(),
                why,
            }),
        }
    }
    Ok(left)
}

impl Lane {
    /// Goes through the files once; says why where another program could not.
    fn run(&mut self, load: &Load<'_>, counts: bool) -> Result<Option<String>, BenchError> {
        let _ = memory::reset_peak();
        let mut laps = Laps::start();
        let complaint = self.contender.run(load)?;
        let time = laps.lap();
        if counts {
            self.seconds.push(time.as_secs_f64());
            self.peaks.extend(memory::peak());
        }
        Ok(complaint)
    }
}
