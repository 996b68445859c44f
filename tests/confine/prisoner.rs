//! A process that is confined, and then tries what it may not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use anyhow::Result;
use memmap2::MmapMut;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::getppid;
use pcap::{Active, Capture};
use plainsight::run::live::confine::Confinement;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

/// How it is confined, and what it has open.
#[derive(Default, Deserialize, Serialize)]
pub struct Prison {
    pub user: Option<String>,
    pub writable: Vec<PathBuf>,
    pub capture: bool,
    /// System calls of features that its kernel is to lack.
    pub without: Vec<i64>,
}

/// What came of each attempt: `ok`, or the kernel's error.
#[derive(Deserialize, Serialize)]
pub struct Attempts {
    pub outcomes: BTreeMap<String, String>,
    pub done: Vec<String>,
    pub lacks: Vec<String>,
}

/// Says its port, what it tried, and waits for the end of its input. Where it cannot be
/// confined it says why.
pub fn main(prison: &Prison) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let output = tempfile::tempfile()?;
    let capture = prison.capture.then(open_capture).transpose()?;
    forget(&prison.without)?;
    let confinement = Confinement {
        user: prison.user.clone(),
        writable: prison.writable.clone(),
        ..Confinement::default()
    };
    let entered = match confinement.enter() {
        Ok(entered) => entered,
        Err(error) => {
            println!("{error}");
            return Ok(());
        }
    };
    println!("{}", listener.local_addr()?.port());
    let mut outcomes = BTreeMap::from(denied().map(named));
    outcomes.extend(still_possible(&listener, output).map(named));
    outcomes.extend(capture.map(captured).into_iter().flatten().map(named));
    if let Some(folder) = prison.writable.first() {
        outcomes.extend(made_in(folder).map(named));
    }
    let attempts = Attempts {
        outcomes,
        done: entered.done,
        lacks: entered.lacks,
    };
    println!("{}", serde_json::to_string(&attempts)?);
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// As a kernel answers that never had these calls.
fn forget(calls: &[i64]) -> Result<()> {
    if !calls.is_empty() {
        let calls = calls.iter().map(|&call| (call, Vec::new())).collect();
        let unknown = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
        let arch = std::env::consts::ARCH.try_into()?;
        let filter = SeccompFilter::new(calls, SeccompAction::Allow, unknown, arch)?;
        apply_filter(&BpfProgram::try_from(filter)?)?;
    }
    Ok(())
}

type Outcome = (&'static str, io::Result<()>);

fn named((what, outcome): Outcome) -> (String, String) {
    let outcome = match outcome {
        Ok(()) => "ok".to_owned(),
        Err(error) => match error.raw_os_error() {
            Some(code) => format!("{:?}", Errno::from_raw(code)),
            None => error.to_string(),
        },
    };
    (what.to_owned(), outcome)
}

fn denied() -> [Outcome; 12] {
    let socket = |domain, kind| Socket::new(domain, kind, None).map(drop);
    let code = MmapMut::map_anon(4096).and_then(MmapMut::make_exec);
    let limit = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    [
        ("read a file", File::open("/etc/passwd").map(drop)),
        ("make a file", File::create("/var/tmp/not-made").map(drop)),
        ("list a folder", fs::read_dir("/").map(drop)),
        ("make a folder", fs::create_dir("/var/tmp/not-made")),
        ("open a packet socket", socket(Domain::PACKET, Type::RAW)),
        ("open a TCP socket", socket(Domain::IPV4, Type::STREAM)),
        ("open a UNIX socket", socket(Domain::UNIX, Type::STREAM)),
        (
            "start a program",
            Command::new("/bin/true").status().map(drop),
        ),
        (
            "signal the parent",
            kill(getppid(), Signal::SIGCONT).map_err(Into::into),
        ),
        (
            "enter a user namespace",
            unshare(CloneFlags::CLONE_NEWUSER).map_err(Into::into),
        ),
        ("make memory executable", code.map(drop)),
        ("change a limit", limit.map_err(Into::into)),
    ]
}

fn still_possible(listener: &TcpListener, mut output: File) -> [Outcome; 6] {
    let written = output.write_all(b"after").and_then(|()| output.sync_all());
    [
        ("start a thread", in_a_thread()),
        ("use memory", in_memory()),
        ("accept a connection", listener.accept().map(drop)),
        ("write to an open file", written),
        (
            "look at a clock",
            SystemTime::now()
                .elapsed()
                .map(drop)
                .map_err(io::Error::other),
        ),
        // Continuing what runs does nothing, where it may be done.
        ("signal itself", raise(Signal::SIGCONT).map_err(Into::into)),
    ]
}

fn in_a_thread() -> io::Result<()> {
    let threads: Vec<_> = (0..4)
        .map(|n| {
            thread::Builder::new()
                .name(format!("worker {n}"))
                .spawn(move || n)
        })
        .collect::<Result<_, _>>()?;
    let sum: u32 = threads.into_iter().filter_map(|t| t.join().ok()).sum();
    (sum == 6)
        .then_some(())
        .ok_or_else(|| io::Error::other("a thread was lost"))
}

/// More than a heap has at hand, grown in place and given back.
fn in_memory() -> io::Result<()> {
    let mut bytes = vec![1_u8; 64 << 20];
    bytes.resize(128 << 20, 2);
    let sum: usize = bytes
        .iter()
        .step_by(4096)
        .map(|&byte| usize::from(byte))
        .sum();
    let pages = (64 << 20) / 4096;
    (sum == 3 * pages)
        .then_some(())
        .ok_or_else(|| io::Error::other("memory was lost"))
}

fn open_capture() -> Result<Capture<Active>> {
    let capture = Capture::from_device("lo")?.promisc(false).timeout(50);
    Ok(capture.open()?)
}

/// The parent sends to the loopback address.
fn captured(mut capture: Capture<Active>) -> [Outcome; 2] {
    let packet = loop {
        match capture.next_packet() {
            Err(pcap::Error::TimeoutExpired) => {}
            outcome => break outcome.map(drop),
        }
    };
    [
        ("see a packet", packet.map_err(io::Error::other)),
        (
            "count packets",
            capture.stats().map(drop).map_err(io::Error::other),
        ),
    ]
}

fn made_in(folder: &Path) -> [Outcome; 4] {
    let (made, replaced) = (folder.join("made"), folder.join("replaced"));
    let write = |path| fs::write(path, "made while confined");
    [
        ("make a file of its own", write(&made)),
        ("replace it", fs::rename(&made, &replaced)),
        (
            "remove a file",
            write(&made).and_then(|()| fs::remove_file(&made)),
        ),
        ("read it back", File::open(&replaced).map(drop)),
    ]
}
