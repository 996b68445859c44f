//! Recording with libpcap, and what Wireshark's tools do to a file later.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use pcap::{Active, Capture, Error, Linktype, Precision};

use super::hosts::Host;

/// The kernel hands packets over after this long at most.
const PATIENCE: Duration = Duration::from_millis(20);

/// How to record.
#[derive(Clone, Copy)]
pub struct Recipe {
    device: &'static str,
    snap_length: i32,
    link_type: Option<Linktype>,
    precision: Precision,
    filter: &'static str,
}

impl Recipe {
    /// All of what passes a device, as tcpdump would.
    pub const fn of(device: &'static str) -> Self {
        Self {
            device,
            snap_length: 262_144,
            link_type: None,
            precision: Precision::Micro,
            filter: "",
        }
    }

    /// What passes any device, in Linux "cooked" form, version 2.
    pub const fn of_any() -> Self {
        Self {
            link_type: Some(Linktype(276)),
            ..Self::of("any")
        }
    }

    /// With time in nanoseconds.
    pub const fn in_nanoseconds(self) -> Self {
        Self {
            precision: Precision::Nano,
            ..self
        }
    }

    /// Only the start of each packet.
    pub const fn cut_to(self, snap_length: i32) -> Self {
        Self {
            snap_length,
            ..self
        }
    }

    /// Only packets that a filter lets through.
    pub const fn only(self, filter: &'static str) -> Self {
        Self { filter, ..self }
    }

    fn open(self) -> Result<Capture<Active>> {
        let timeout = PATIENCE.as_millis().try_into()?;
        let mut capture = Capture::from_device(self.device)?
            .snaplen(self.snap_length)
            .timeout(timeout)
            .buffer_size(16 << 20)
            .precision(self.precision)
            .open()?
            .setnonblock()?;
        if let Some(link_type) = self.link_type {
            capture.set_datalink(link_type)?;
        }
        capture.filter(self.filter, true)?;
        Ok(capture)
    }
}

/// A recording under way.
pub struct Recorder {
    stop: Arc<AtomicBool>,
    work: JoinHandle<Result<()>>,
}

impl Recorder {
    /// Records what a host sees; returns once it listens.
    pub fn start(host: &Host, recipe: Recipe, file: &Path) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, started) = mpsc::channel();
        let (flag, file) = (Arc::clone(&stop), file.to_owned());
        let namespace = Arc::clone(host.namespace());
        let work = thread::spawn(move || {
            namespace.join()?;
            record(recipe, &file, &flag, &ready)
        });
        if started.recv().is_ok() {
            return Ok(Self { stop, work });
        }
        finish(work)?;
        bail!("the recorder ended before it began")
    }

    /// Ends the recording once everything sent so far is in it.
    pub fn stop(self) -> Result<()> {
        thread::sleep(8 * PATIENCE);
        self.stop.store(true, Ordering::Relaxed);
        finish(self.work)
    }
}

fn finish(work: JoinHandle<Result<()>>) -> Result<()> {
    work.join().map_err(|_| anyhow!("the recorder died"))?
}

fn record(recipe: Recipe, file: &Path, stop: &AtomicBool, ready: &Sender<()>) -> Result<()> {
    let mut capture = recipe.open()?;
    let mut savefile = capture.savefile(file)?;
    ready.send(())?;
    loop {
        match capture.next_packet() {
            Ok(packet) => savefile.write(&packet),
            Err(Error::TimeoutExpired) if stop.load(Ordering::Relaxed) => break,
            // libpcap itself may wait for the next packet for ever.
            Err(Error::TimeoutExpired) => thread::sleep(PATIENCE / 4),
            Err(error) => return Err(error.into()),
        }
    }
    savefile.flush()?;
    let dropped = capture.stats()?.dropped;
    ensure!(dropped == 0, "{dropped} packets were lost");
    Ok(())
}

/// Records what a host sees while something happens.
pub fn while_doing<T>(
    host: &Host,
    recipe: Recipe,
    file: &Path,
    happening: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let recorder = Recorder::start(host, recipe, file)?;
    let outcome = happening();
    recorder.stop()?;
    outcome
}

/// Makes a pcapng with an interface for each of several recordings.
pub fn merge(recordings: &[PathBuf], file: &Path) -> Result<()> {
    let mut command = Command::new("mergecap");
    command.args(["-F", "pcapng", "-I", "none", "-w"]).arg(file);
    run(command.args(recordings))?;
    forget_maker(file)
}

/// Rewrites a recording as pcapng.
pub fn to_pcapng(recording: &Path, file: &Path) -> Result<()> {
    let mut command = Command::new("editcap");
    run(command.args(["-F", "pcapng"]).args([recording, file]))?;
    forget_maker(file)
}

/// Drops the section header's options: they name this machine's system.
fn forget_maker(pcapng: &Path) -> Result<()> {
    let bytes = fs::read(pcapng)?;
    let length = u32::from_le_bytes(bytes[4..8].try_into()?);
    let (header, blocks) = bytes.split_at(length.try_into()?);
    let short = 28_u32.to_le_bytes();
    let kept = [&header[..4], &short, &header[8..24], &short, blocks].concat();
    Ok(fs::write(pcapng, kept)?)
}

/// Compresses a recording with gzip.
pub fn gzip(recording: &Path, file: &Path) -> Result<()> {
    let mut encoder = GzEncoder::new(File::create(file)?, Compression::best());
    encoder.write_all(&fs::read(recording)?)?;
    encoder.finish()?;
    Ok(())
}

/// Compresses a recording with Zstandard.
pub fn zstd(recording: &Path, file: &Path) -> Result<()> {
    zstd::stream::copy_encode(File::open(recording)?, File::create(file)?, 19)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {complaint}");
    Ok(())
}
