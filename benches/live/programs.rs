//! Programs that capture, side by side: how each is called, and what it reports.

use std::fs;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::tempfile;

/// Bytes kept of each packet.
const SNAP_LENGTH: &str = "256";
/// The kernel's buffer, in MiB.
const BUFFER_MIB: u32 = 64;
/// How long a program may take to begin, and then to be ready.
const PATIENCE: Duration = Duration::from_secs(10);
const BEGINNING: Duration = Duration::from_millis(300);
/// tcpdump lets the kernel keep a block for a second.
const LAST_BLOCK: Duration = Duration::from_millis(1300);

/// A program that captures on an interface.
pub struct Program {
    /// What it is called.
    pub name: &'static str,
    path: &'static str,
    arguments: Vec<String>,
    read: fn(&Output) -> Option<Seen>,
}

/// What a program counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Packets that it saw.
    pub packets: u64,
    /// Packets that it knows it did not see.
    pub dropped: u64,
}

/// What a program did, and what that cost.
pub struct Run {
    /// By its own account.
    pub seen: Seen,
    /// CPU time of the process from before the load to after its last packet.
    pub cpu: Duration,
    /// User and system time of all of its life: beside the above, to begin and to end.
    pub cpu_of_all: Duration,
    /// The largest resident set in bytes, the kernel's buffer included.
    pub peak: u64,
}

struct Output {
    stdout: String,
    stderr: String,
}

/// plainsight, and what it is held against.
pub fn all(interface: &str, filter: &str) -> [Program; 3] {
    let words = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let common = format!("-p -i {interface} -s {SNAP_LENGTH} -w /dev/null");
    let mut tcpdump = words(format!("-n {common} -B {}", BUFFER_MIB << 10));
    tcpdump.push(filter.to_owned());
    let mut dumpcap = words(format!("-q {common} -B {BUFFER_MIB} -f"));
    dumpcap.push(filter.to_owned());
    let plainsight = words(format!(
        "live -i {interface} --snap-length {SNAP_LENGTH} --buffer {BUFFER_MIB}MiB --format json"
    ));
    [
        Program {
            name: "plainsight",
            path: env!("CARGO_BIN_EXE_plainsight"),
            arguments: plainsight,
            read: read_plainsight,
        },
        Program {
            name: "tcpdump",
            path: "tcpdump",
            arguments: tcpdump,
            read: read_tcpdump,
        },
        Program {
            name: "dumpcap",
            path: "dumpcap",
            arguments: dumpcap,
            read: read_dumpcap,
        },
    ]
}

impl Program {
    /// Runs while `load` does, in this thread's network namespace.
    pub fn run<T>(&self, load: impl FnOnce() -> Result<T>) -> Result<(T, Run)> {
        let (mut stdout, mut stderr) = (tempfile()?, tempfile()?);
        let before = cpu_of(UsageWho::RUSAGE_CHILDREN)?;
        let mut child = Command::new(self.path)
            .args(&self.arguments)
            .stdout(stdout.try_clone()?)
            .stderr(stderr.try_clone()?)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}", self.name))?;
        let loaded = wait_for(|| Ok(stderr.metadata()?.len() > 0)).and_then(|()| {
            let before = on_cpu(&child)?;
            let done = load()?;
            thread::sleep(LAST_BLOCK);
            let cpu = on_cpu(&child)?.saturating_sub(before);
            Ok((done, cpu, peak(&child)?))
        });
        end(&mut child)?;
        let (done, cpu, peak) = loaded?;
        let cpu_of_all = cpu_of(UsageWho::RUSAGE_CHILDREN)?.saturating_sub(before);
        let output = Output {
            stdout: text(&mut stdout)?,
            stderr: text(&mut stderr)?,
        };
        let seen = (self.read)(&output)
            .with_context(|| format!("{} does not say: {}", self.name, output.stderr))?;
        let run = Run {
            seen,
            cpu,
            cpu_of_all,
            peak,
        };
        Ok((done, run))
    }
}

/// User and system time of this thread, or of all children that have ended.
pub fn cpu_of(who: UsageWho) -> Result<Duration> {
    let usage = getrusage(who)?;
    let times = [usage.user_time(), usage.system_time()];
    let micros = times.map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Ok(Duration::from_micros(
        micros.iter().sum::<i64>().unsigned_abs(),
    ))
}

/// CPU time of a process that goes on, all its threads together.
fn on_cpu(child: &Child) -> Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{}/task", child.id()))? {
        let times = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanos += number_after(&times, "").context("no schedstat")?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// Waits until a program has said something, and a little longer.
fn wait_for(is_there: impl Fn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_there()? {
        ensure!(begun.elapsed() < PATIENCE, "it does not begin");
        thread::sleep(Duration::from_millis(10));
    }
    thread::sleep(BEGINNING);
    Ok(())
}

fn end(child: &mut Child) -> Result<()> {
    kill(Pid::from_raw(child.id().try_into()?), Signal::SIGINT)?;
    child.wait()?;
    Ok(())
}

fn peak(child: &Child) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let kibibytes = number_after(&status, "VmHWM:").context("no VmHWM")?;
    Ok(kibibytes << 10)
}

/// What a program wrote to a file, of which it has a copy and moved the place.
fn text(file: &mut fs::File) -> Result<String> {
    file.rewind()?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

fn read_plainsight(output: &Output) -> Option<Seen> {
    let report: Value = serde_json::from_str(&output.stdout).ok()?;
    let input = &report["inputs"][0];
    let lost = |kind| input["losses"][kind].as_u64();
    Some(Seen {
        packets: input["packets"].as_u64()?,
        dropped: lost("kernel")? + lost("interface")? + lost("unread")?,
    })
}

fn read_tcpdump(output: &Output) -> Option<Seen> {
    Some(Seen {
        packets: number_before(&output.stderr, " packets captured")?,
        dropped: number_before(&output.stderr, " packets dropped by kernel")?,
    })
}

/// `Packets received/dropped on interface 'x': 12/3 (pcap:3/dumpcap:0/…`
fn read_dumpcap(output: &Output) -> Option<Seen> {
    let (_, counts) = output.stderr.split_once("received/dropped on interface")?;
    let (_, counts) = counts.split_once(": ")?;
    let (_, dropped) = counts.split_once('/')?;
    Some(Seen {
        packets: number_after(&output.stderr, "Packets captured:")?,
        dropped: dropped.split(' ').next()?.parse().ok()?,
    })
}

fn number_after(text: &str, label: &str) -> Option<u64> {
    let (_, rest) = text.split_once(label)?;
    rest.split_whitespace().next()?.parse().ok()
}

fn number_before(text: &str, label: &str) -> Option<u64> {
    let (before, _) = text.split_once(label)?;
    before.split_whitespace().next_back()?.parse().ok()
}
