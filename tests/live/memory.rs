//! A long run whose flows come and go.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Scene;
use crate::frames::{self, Sender};
use crate::metrics::{Endpoint, sum};
use crate::program::{await_some, number};
use crate::stage::SERVER;

pub const SCENES: &[Scene] = &[
    ("a million flows, and memory stays flat", million_flows),
    (
        "eight thousand paths are summed and judged in a tenth of a core",
        many_paths,
    ),
];

const FLOWS: u32 = 1_000_000;
/// As many as the buffer holds even if nobody reads.
const AT_ONCE: u32 = 200_000;
/// Batches after which all that a run holds was once there: states are merged and judged while
/// others are counted, and the peak depends on where in a batch that falls.
const WARM_UP: usize = 2;
/// Growth after the warm-up that is no leak, as an allocator does not give all of it back. It is
/// 110 bytes for each flow that came later, where one that is kept has two thousand.
const MAY_GROW_KIB: u64 = 64 << 10;

fn million_flows() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--servers {SERVER} --max-flows 10000 --metrics 127.0.0.1:0");
    let mut live = frames::live(&namespace, &arguments)?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    let mut sender = Sender::on(&namespace)?;
    let mut peaks = Vec::new();
    for start in (0..FLOWS).step_by(AT_ONCE as usize) {
        sender.send(start..start + AT_ONCE)?;
        await_packets(&endpoint, start + AT_ONCE)?;
        peaks.push(peak_memory_kib(live.pid())?);
    }
    let ended = live.end()?;
    let accounting = &ended.report["accounting"];
    let on_paths = number(accounting, "paths.packets")?;
    ensure!(on_paths == u64::from(FLOWS), "{accounting} of {FLOWS}");
    let grown = peaks[peaks.len() - 1] - peaks[WARM_UP - 1];
    ensure!(grown <= MAY_GROW_KIB, "{peaks:?} KiB at most so far");
    Ok(())
}

/// Paths of the largest estate that a client sees.
const PATHS: u16 = 8000;
/// Most of a core that sums and verdicts may take, in percent: a twentieth each, and some more
/// for one of each that a measurement begins or ends within.
const MAY_TAKE: u64 = 15;

/// A packet of each path once a second, for a while.
fn many_paths() -> Result<()> {
    let namespace = frames::quiet()?;
    let arguments = format!("--servers {SERVER} --metrics 127.0.0.1:0");
    let mut live = frames::live(&namespace, &arguments)?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    let mut sender = Sender::on(&namespace)?;
    sender.send_paths(0..PATHS)?;
    await_packets(&endpoint, PATHS.into())?;
    let (begun, before) = (Instant::now(), main_thread_ticks(live.pid())?);
    let mut sent = u32::from(PATHS);
    while begun.elapsed() < Duration::from_secs(20) {
        sender.send_paths(0..PATHS)?;
        sent += u32::from(PATHS);
        thread::sleep(Duration::from_secs(1));
    }
    let ticks = main_thread_ticks(live.pid())? - before;
    // A tick is a hundredth of a second.
    let percent = u128::from(ticks) * 1000 / begun.elapsed().as_millis();
    ensure!(percent <= MAY_TAKE.into(), "{percent} % of a core");
    let ended = live.end()?;
    let (read, lost) = (
        number(&ended.report, "accounting.packets")?,
        number(&ended.report, "losses.packets")?,
    );
    ensure!(
        (read, lost) == (sent.into(), 0),
        "{read} read, {lost} lost of {sent}"
    );
    let paths = ended.report["paths"].as_array().map_or(0, Vec::len);
    ensure!(paths == usize::from(PATHS), "{paths} paths");
    Ok(())
}

/// CPU time of the thread that sums and judges, in ticks (`proc_pid_stat(5)`).
fn main_thread_ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("no name")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let [user, system] = [fields[11].parse::<u64>()?, fields[12].parse::<u64>()?];
    Ok(user + system)
}

/// Waits until so many were read.
fn await_packets(endpoint: &Endpoint<'_>, packets: u32) -> Result<()> {
    await_some("all packets", || {
        let read = sum(&endpoint.metrics()?, "plainsight_capture_packets_total")?;
        Ok((read >= u64::from(packets)).then_some(()))
    })
}

fn peak_memory_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.context("no VmHWM")?.trim_end_matches("kB").trim();
    Ok(kib.parse()?)
}
