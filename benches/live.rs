//! `plainsight live` under load, in turns with other programs that capture:
//! `cargo bench --bench live -- [--seconds N] [--rates A,B,…] [--program NAME]`, as root.
//!
//! Ready-made frames go over a veth between two network namespaces. Sender and program
//! have a core each. What is sent is counted, and so is what of it passes the filter:
//! packets seen and dropped must add up to that, and `missing` says by how much they do
//! not.
//!
//! `ns/seen` is the program's CPU time under load for each packet that it saw, and
//! `beside ms` what it takes to begin and to end. `sender ns` is the sender's CPU time for
//! each packet sent: on a veth that is where the kernel receives it, runs the filter and
//! fills the buffer.

use std::fmt;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::{Pid, Uid};
use plainsight::capture::LinkType;
use plainsight::run::live::filter;

mod generator;
#[allow(dead_code, reason = "the lab uses all of it")]
#[path = "../tests/support/lab/hosts.rs"]
mod hosts;
#[path = "live/programs.rs"]
mod programs;
#[path = "live/sender.rs"]
mod sender;
#[path = "live/traffic.rs"]
mod traffic;

use generator::mixes::Mix;
use hosts::Namespace;
use programs::{Program, Run, Seen};
use sender::{Sender, Sent};
use traffic::Traffic;

const USAGE: &str = "\
usage, as root: cargo bench --bench live -- [--seconds N] [--rates A,B,...] [--program NAME]
  --seconds  how long each run sends (4)
  --rates    packets a second, or max (50000,100000,200000,400000,max)
  --program  only this one: plainsight, tcpdump or dumpcap";

const SENDING: &str = "load0";
const RECEIVING: &str = "load1";
/// Cores of the sender, and of the program.
const CORES: [usize; 2] = [0, 1];

fn main() -> Result<()> {
    let arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let plan = Plan::parse(arguments)?;
    if !Uid::effective().is_root() {
        println!("{USAGE}");
        return Ok(());
    }
    let lab = Lab::new()?;
    let filter = filter::of(None, LinkType::ETHERNET);
    let programs = programs::all(RECEIVING, &filter);
    for (name, mix) in [("small", Mix::Small), ("mixed", Mix::Mixed)] {
        let traffic = Traffic::new(mix, &filter)?;
        println!("\n{name}, {} s each\n{HEADER}", plan.time.as_secs());
        for &rate in &plan.rates {
            for program in programs.iter().filter(|it| plan.wants(it)) {
                println!("{}", lab.measure(program, &traffic, rate, plan.time)?);
            }
        }
    }
    Ok(())
}

/// What to measure.
struct Plan {
    time: Duration,
    /// Packets a second; none for as many as there can be.
    rates: Vec<Option<u32>>,
    /// The only one to run.
    program: Option<String>,
}

impl Plan {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut plan = Self {
            time: Duration::from_secs(4),
            rates: rates("50000,100000,200000,400000,max")?,
            program: None,
        };
        while let Some(flag) = arguments.next() {
            let value = arguments.next().context(USAGE)?;
            match flag.as_str() {
                "--seconds" => plan.time = Duration::from_secs(value.parse().context(USAGE)?),
                "--rates" => plan.rates = rates(&value)?,
                "--program" => plan.program = Some(value),
                _ => bail!(USAGE),
            }
        }
        Ok(plan)
    }

    fn wants(&self, program: &Program) -> bool {
        self.program
            .as_ref()
            .is_none_or(|name| name == program.name)
    }
}

fn rates(words: &str) -> Result<Vec<Option<u32>>> {
    let rate = |word: &str| match word {
        "max" => Ok(None),
        _ => word.parse().map(Some).context(USAGE),
    };
    words.split(',').map(rate).collect()
}

/// Two hosts that a veth joins.
struct Lab {
    sending: Namespace,
    receiving: Namespace,
    sender: Sender,
}

impl Lab {
    fn new() -> Result<Self> {
        let [sending, receiving] = [Namespace::new()?, Namespace::new()?];
        let there = &receiving.name;
        sending.ip(&format!(
            "link add {SENDING} type veth peer name {RECEIVING} netns {there}"
        ))?;
        sending.ip(&format!("link set {SENDING} up"))?;
        receiving.ip(&format!("link set {RECEIVING} up"))?;
        let sender = sending.enter(|| Sender::open(SENDING))??;
        Ok(Self {
            sending,
            receiving,
            sender,
        })
    }

    /// One run of a program.
    fn measure(
        &self,
        program: &Program,
        traffic: &Traffic,
        rate: Option<u32>,
        time: Duration,
    ) -> Result<Row> {
        let load = || {
            self.sending.enter(|| {
                stay_on(CORES[0])?;
                self.sender.send(traffic.clone(), rate, time)
            })?
        };
        let (arrived, (sent, run)) = self.receiving.enter(|| {
            stay_on(CORES[1])?;
            let before = arrived()?;
            let done = program.run(load)?;
            anyhow::Ok((arrived()? - before, done))
        })??;
        Ok(Row {
            name: program.name,
            rate,
            passing: traffic.passing(sent.packets),
            arrived,
            sent,
            run,
        })
    }
}

/// Keeps this thread on one core, and the processes that it starts.
fn stay_on(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}

/// Packets that the receiving interface counted, in this thread's network namespace.
fn arrived() -> Result<u64> {
    let devices = fs::read_to_string("/proc/thread-self/net/dev")?;
    let line = devices
        .lines()
        .find_map(|line| line.trim().strip_prefix(RECEIVING)?.strip_prefix(':'));
    let packets = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(packets.context("the interface is gone")?.parse()?)
}

/// One run, as a line of the table.
struct Row {
    name: &'static str,
    rate: Option<u32>,
    sent: Sent,
    /// Frames that the receiving interface counted.
    arrived: u64,
    /// Frames sent that the filter lets through.
    passing: u64,
    run: Run,
}

const HEADER: &str = "\
   asked    sent/s program         seen  dropped  drop % missing ns/seen beside ms peak MiB sender ns";

impl fmt::Display for Row {
    #[allow(clippy::cast_precision_loss, reason = "no exact numbers are asked for")]
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, run, .. } = self;
        let Seen { packets, dropped } = run.seen;
        let nanos = |cpu: Duration, packets: u64| cpu.as_secs_f64() * 1e9 / packets as f64;
        let asked = self.rate.map_or("max".to_owned(), |rate| rate.to_string());
        write!(
            to,
            "{asked:>8} {:>9.0} {:<10} {packets:>9} {dropped:>8} {:>7.3} {:>7} {:>7.1} {:>9.1} {:>8.1} {:>9.1}",
            sent.packets as f64 / sent.elapsed.as_secs_f64(),
            self.name,
            dropped as f64 * 100.0 / self.passing as f64,
            self.passing.cast_signed() - (packets + dropped).cast_signed(),
            nanos(run.cpu, packets),
            run.cpu_of_all.saturating_sub(run.cpu).as_secs_f64() * 1e3,
            run.peak as f64 / f64::from(1 << 20),
            nanos(sent.cpu, sent.packets),
        )?;
        match sent.packets - self.arrived {
            0 => Ok(()),
            lost => write!(to, "  {lost} never arrived"),
        }
    }
}
