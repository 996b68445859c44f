//! A person's terminal: a shell with job control in a namespace, by tmux.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::hosts::Namespace;
use crate::program::{PROGRAM, await_some, folder};

/// A terminal, and what a shell runs in it. Both end when it is dropped.
pub struct Terminal {
    folder: TempDir,
    /// Modes before the program ran.
    modes: String,
}

impl Terminal {
    /// Opens one, with a shell in a namespace.
    pub fn open(namespace: &Namespace) -> Result<Self> {
        let mut terminal = Self {
            folder: folder()?,
            modes: String::new(),
        };
        let shell = format!("ip netns exec {} bash --norc --noprofile", namespace.name);
        terminal.tmux(
            &["new-session", "-d", "-x", "80", "-y", "24", "-c"],
            &[&terminal.folder.path().to_string_lossy(), &shell],
        )?;
        terminal.modes = terminal.modes()?;
        Ok(terminal)
    }

    fn tmux(&self, command: &[&str], more: &[&str]) -> Result<String> {
        let output = Command::new("tmux")
            .args(["-f", "/dev/null", "-S"])
            .arg(self.file("socket"))
            .args(command)
            .args(more)
            .env_remove("TMUX")
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tmux {command:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A file in the shell's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Presses keys, as tmux(1) names them.
    pub fn press(&self, keys: &[&str]) -> Result<()> {
        self.tmux(&["send-keys"], keys).map(drop)
    }

    /// Has the shell run a command.
    pub fn run(&self, command: &str) -> Result<()> {
        self.press(&[command, "Enter"])
    }

    /// Starts to capture, and returns once that has begun; what follows the arguments may send
    /// streams elsewhere.
    pub fn live(&self, arguments: &str) -> Result<()> {
        let options = "-i eth0 --servers 10.20.2.5 --events events -o report.json";
        self.run(&format!(
            "{PROGRAM} live {options} {arguments}; echo code $?"
        ))?;
        self.await_event("started").map(drop)
    }

    /// What is seen, a line each.
    pub fn lines(&self) -> Result<Vec<String>> {
        let seen = self.tmux(&["capture-pane", "-p"], &[])?;
        Ok(seen.lines().map(str::to_owned).collect())
    }

    /// Waits until something is seen to hold.
    pub fn await_lines(
        &self,
        what: &str,
        holds: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>> {
        let awaited = await_some(what, || Ok(Some(self.lines()?).filter(|it| holds(it))));
        awaited.with_context(|| format!("{:#?}", self.lines()))
    }

    /// Waits until a line holds some words.
    pub fn await_words(&self, words: &str) -> Result<Vec<String>> {
        self.await_lines(words, |lines| lines.iter().any(|line| line.contains(words)))
    }

    /// Changes its size.
    pub fn resize(&self, width: u16, height: u16) -> Result<()> {
        let [width, height] = [width, height].map(|count| count.to_string());
        self.tmux(&["resize-window", "-x", &width, "-y", &height], &[])
            .map(drop)
    }

    /// The modes that commands are run in, as the shell gives them to one.
    fn modes(&self) -> Result<String> {
        let file = self.file("modes");
        fs::write(&file, "")?;
        self.run("stty -g >modes")?;
        await_some("modes", || {
            let modes = fs::read_to_string(&file)?;
            Ok(modes.ends_with('\n').then_some(modes))
        })
    }

    /// Waits until it shows what it did before the program ran, and checks that its modes are
    /// those from before.
    pub fn await_as_before(&self) -> Result<()> {
        await_some("the terminal as before", || {
            Ok((!self.is_taken()?).then_some(()))
        })?;
        let modes = self.modes()?;
        ensure!(modes == self.modes, "{modes}, not {}", self.modes);
        Ok(())
    }

    /// Whether it shows a screen of its own, or no cursor.
    pub fn is_taken(&self) -> Result<bool> {
        let shown = self.tmux(
            &["display-message", "-p", "#{alternate_on}#{cursor_flag}"],
            &[],
        )?;
        Ok(shown.trim() != "01")
    }

    /// Process of the program.
    pub fn pid(&self) -> Result<Pid> {
        let shell = self.tmux(&["display-message", "-p", "#{pane_pid}"], &[])?;
        let shell = shell.trim();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        let child = children.split_whitespace().next();
        Ok(Pid::from_raw(child.context("it does not run")?.parse()?))
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(self.pid()?, signal)?)
    }

    /// Waits for an event of a name.
    pub fn await_event(&self, name: &str) -> Result<Value> {
        let awaited = await_some(name, || {
            Ok(self.events()?.into_iter().find(|it| it["event"] == name))
        });
        awaited.with_context(|| format!("{:#?}", self.lines()))
    }

    fn events(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(self.file("events")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let lines = whole.lines().map(serde_json::from_str);
        Ok(lines.collect::<Result<_, _>>()?)
    }

    /// Waits until the run has ended, with its report and a code.
    pub fn ended(&self, code: &str) -> Result<Value> {
        self.await_words(&format!("code {code}"))?;
        self.await_as_before()?;
        report(&self.file("report.json"))
    }

    /// Closes the terminal, as where a window is closed.
    pub fn close(&self) -> Result<()> {
        self.tmux(&["kill-server"], &[]).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may be closed.
        let _ = self.close();
    }
}

fn report(path: &Path) -> Result<Value> {
    let Ok(text) = fs::read(path) else {
        bail!("there is no report");
    };
    Ok(serde_json::from_slice(&text)?)
}
