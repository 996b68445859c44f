//! The program as it runs in a host's namespace.

use std::fs::{self, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Deserializer, Value};
use tempfile::TempDir;

use crate::hosts::Namespace;

/// The program under test.
pub use crate::support::program::PROGRAM;

/// Nothing takes so long but what never comes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder that any user may write to.
pub fn folder() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777))?;
    Ok(folder)
}

/// Waits until something is there.
pub fn await_some<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(found) = look()? {
            return Ok(found);
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("waited in vain for {what}")
}

/// A run of `plainsight live`. It ends when dropped.
pub struct Live {
    child: Child,
    folder: TempDir,
}

/// Streams and variables of a run, where they are not files and inherited.
#[derive(Default)]
pub struct Surroundings {
    /// Standard output.
    pub reports: Option<Stdio>,
    /// Standard error.
    pub errors: Option<Stdio>,
    /// Variables, as `NAME=VALUE`.
    pub environment: Vec<String>,
    /// Terminal of its session, where it has one.
    pub terminal: Option<OwnedFd>,
    /// Command that starts it, if it does not start by itself.
    pub starter: Vec<String>,
}

/// What a run left behind.
pub struct Ended {
    /// What it exited with.
    pub code: Option<i32>,
    /// The report that it ended with.
    pub report: Value,
    /// All events, in order.
    pub events: Vec<Value>,
    /// Where its files are.
    pub folder: TempDir,
}

impl Live {
    /// Starts to capture in a namespace, with arguments parted by spaces; returns once it
    /// captures. Files are named within the folder of the run.
    pub fn start(namespace: &Namespace, arguments: &str) -> Result<Self> {
        let arguments = format!("--events events {arguments}");
        let mut live = Self::spawn(namespace, folder()?, &arguments, None)?;
        live.await_event("started", |_| true)?;
        Ok(live)
    }

    /// Starts it in a folder, with its reports elsewhere if that is wanted.
    pub fn spawn(
        namespace: &Namespace,
        folder: TempDir,
        arguments: &str,
        reports: Option<Stdio>,
    ) -> Result<Self> {
        let surroundings = Surroundings {
            reports,
            ..Surroundings::default()
        };
        Self::spawn_in(namespace, folder, arguments, surroundings)
    }

    /// Starts it in a folder, in other surroundings than usual.
    pub fn spawn_in(
        namespace: &Namespace,
        folder: TempDir,
        arguments: &str,
        surroundings: Surroundings,
    ) -> Result<Self> {
        let create = |name: &str| File::create(folder.path().join(name)).map(Stdio::from);
        let Surroundings {
            reports,
            errors,
            environment,
            terminal,
            starter,
        } = surroundings;
        // Whoever plays the scenes may have a terminal, and may ignore the signal.
        let child = Command::new("setsid")
            .args(terminal.is_some().then_some("--ctty"))
            .args(["env", "--default-signal=HUP"])
            .args(environment)
            .args(["ip", "netns", "exec"])
            .arg(&namespace.name)
            .args(starter)
            .args([PROGRAM, "live", "--format", "json"])
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .stdin(terminal.map_or_else(Stdio::null, Stdio::from))
            .stdout(reports.map_or_else(|| create("reports"), Ok)?)
            .stderr(errors.map_or_else(|| create("errors"), Ok)?)
            .spawn()?;
        Ok(Self { child, folder })
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All events so far.
    pub fn events(&self) -> Result<Vec<Value>> {
        events(self.folder.path())
    }

    /// Waits for the first event of a name of which something holds.
    pub fn await_event(&mut self, name: &str, holds: impl Fn(&Value) -> bool) -> Result<Value> {
        await_some(&format!("the event {name}"), || {
            let is_it = |event: &Value| event["event"] == name && holds(event);
            let found = self.events()?.into_iter().find(is_it);
            if found.is_none()
                && let Some(status) = self.child.try_wait()?
            {
                bail!("it ended, {status}: {}", self.errors()?);
            }
            Ok(found)
        })
    }

    /// Waits until the path to a server has a verdict.
    pub fn await_verdict(&mut self, server: &str, verdict: &str) -> Result<Value> {
        let what = format!("{server} to be {verdict}");
        await_some(&what, || {
            let events = self.events()?;
            Ok(verdicts(&events, server)
                .find(|(it, _)| *it == verdict)
                .map(|(_, at)| at.clone()))
        })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(self.pid().try_into()?);
        Ok(kill(pid, signal)?)
    }

    /// The reports so far.
    pub fn reports(&self) -> Result<Vec<Value>> {
        reports(self.folder.path())
    }

    /// Asks for a report and waits for it.
    pub fn report(&self) -> Result<Value> {
        let before = self.reports()?.len();
        self.signal(Signal::SIGUSR1)?;
        await_some("a report", || Ok(self.reports()?.get(before).cloned()))
    }

    /// Whether it goes on.
    pub fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Ends it as a service manager would.
    pub fn end(self) -> Result<Ended> {
        self.end_by(Signal::SIGTERM)
    }

    /// Ends it by a signal.
    pub fn end_by(self, signal: Signal) -> Result<Ended> {
        self.signal(signal)?;
        self.ended()
    }

    /// Kills it, as the kernel does where memory is lacking; gives its folder, for another run
    /// to tell its own events there.
    pub fn killed(mut self) -> Result<TempDir> {
        self.child.kill()?;
        self.child.wait()?;
        let folder = std::mem::replace(&mut self.folder, TempDir::new()?);
        fs::rename(folder.path().join("events"), folder.path().join("before"))?;
        Ok(folder)
    }

    /// Waits until it has ended.
    pub fn ended(mut self) -> Result<Ended> {
        let status: ExitStatus = await_some("its end", || Ok(self.child.try_wait()?))?;
        let reports = self.reports()?;
        let report = reports.into_iter().next_back();
        let report = report.with_context(|| self.errors().unwrap_or_default())?;
        let events = self.events()?;
        // The folder goes on living where the run does not.
        let folder = std::mem::replace(&mut self.folder, TempDir::new()?);
        Ok(Ended {
            code: status.code(),
            report,
            events,
            folder,
        })
    }

    /// What it wrote to standard error so far.
    pub fn errors(&self) -> Result<String> {
        Ok(fs::read_to_string(self.file("errors"))?)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path to a server.
    pub fn path(&self, server: &str) -> Result<&Value> {
        let mut paths = self.report["paths"].as_array().into_iter().flatten();
        let found = paths.find(|path| path["server"] == *server);
        found.with_context(|| format!("no path to {server}"))
    }

    /// Whether there was an event of a name.
    pub fn has(&self, event: &str) -> bool {
        self.events.iter().any(|it| it["event"] == event)
    }

    /// Checks the verdict on each server, and what it exited with.
    pub fn hold(&self, verdicts: &[(&str, &str)], code: i32) -> Result<()> {
        for (server, verdict) in verdicts {
            let got = &self.path(server)?["verdict"];
            ensure!(got == verdict, "{server} is {got}, not {verdict}");
        }
        ensure!(
            self.code == Some(code),
            "exit code {:?}, not {code}",
            self.code
        );
        let stated = &self.report["summary"]["exit_code"];
        ensure!(*stated == code, "the report states exit code {stated}");
        Ok(())
    }
}

/// Whether a report has a warning that holds some words.
pub fn warns(report: &Value, of: &str) -> bool {
    let mut warnings = report["warnings"].as_array().into_iter().flatten();
    warnings.any(|it| it.as_str().is_some_and(|it| it.contains(of)))
}

/// The number at a place of a report, such as `accounting.paths.packets`.
pub fn number(report: &Value, at: &str) -> Result<u64> {
    let found = at.split('.').fold(report, |value, field| &value[field]);
    found.as_u64().with_context(|| format!("{at} is {found}"))
}

/// A server's verdicts one after the other, each with its event.
pub fn verdicts<'e>(
    events: &'e [Value],
    server: &str,
) -> impl Iterator<Item = (&'e str, &'e Value)> {
    let of_server = move |event: &&Value| event["server"] == *server;
    events.iter().filter(of_server).filter_map(|event| {
        let verdict = match event["event"].as_str()? {
            "path_appeared" => &event["verdict"],
            "verdict_changed" => &event["to"],
            _ => return None,
        };
        Some((verdict.as_str()?, event))
    })
}

fn events(folder: &Path) -> Result<Vec<Value>> {
    let Ok(text) = fs::read_to_string(folder.join("events")) else {
        return Ok(Vec::new());
    };
    // What is being written ends without a line feed.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().context("events")
}

fn reports(folder: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(folder.join("reports"))?;
    let values = Deserializer::from_str(&text).into_iter();
    // One that is being written comes later.
    Ok(values.map_while(Result::ok).collect())
}
