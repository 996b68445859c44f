//! The ways to go through capture files that are compared.

use std::env;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use super::{BenchError, Load};
use crate::capture::Interfaces;
use crate::input::name::FileName;
use crate::input::{Input, InputPath};
use crate::run::files;

/// As much as the analysis reads at once.
const BLOCK_LEN: usize = 256 << 10;

/// A way to go through capture files.
pub(super) enum Contender {
    /// The analysis, with all its workers.
    Plainsight,
    /// Every record's header by one thread, and nothing of the packets.
    Walk,
    /// Every byte by one thread, as `cat` does.
    Read,
    /// Another program.
    Peer(Peer),
}

/// Another program, and how it is called.
pub(super) struct Peer {
    program: PathBuf,
    name: &'static str,
    before: &'static [&'static str],
    after: &'static [&'static str],
}

/// A program that could not be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Absent {
    /// Name of the program.
    pub name: &'static str,
    /// Reason, as words behind the name.
    pub why: String,
}

/// Their names, and the arguments before and after the file.
const PEERS: [(&str, &[&str], &[&str]); 2] = [
    ("tcpdump", &["--count", "-r"], &["port 988"]),
    ("capinfos", &["-c"], &[]),
];

impl Contender {
    /// All there can be, plainsight first; those that are not installed as such.
    pub(super) fn all() -> impl Iterator<Item = Result<Self, Absent>> {
        let own = [Self::Plainsight, Self::Walk, Self::Read];
        let peers = PEERS.into_iter().map(|(name, before, after)| {
            let program = on_path(name).ok_or_else(|| Absent {
                name,
                why: "not installed".to_owned(),
            })?;
            Ok(Self::Peer(Peer {
                program,
                name,
                before,
                after,
            }))
        });
        own.into_iter().map(Ok).chain(peers)
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Plainsight => "plainsight",
            Self::Walk => "bare walk",
            Self::Read => "plain read",
            Self::Peer(peer) => peer.name,
        }
    }

    /// Command or work of the contender, for a person to repeat.
    pub(super) fn does(&self) -> String {
        match self {
            Self::Plainsight => "analyze".to_owned(),
            Self::Walk => "record headers only, 1 thread".to_owned(),
            Self::Read => "cat FILE >/dev/null".to_owned(),
            Self::Peer(peer) => peer.command(),
        }
    }

    /// Goes through all files once. Says what is wrong where another program failed.
    pub(super) fn run(&self, load: &Load<'_>) -> Result<Option<String>, BenchError> {
        match self {
            Self::Plainsight => {
                black_box(files::analyze(&load.config.analyze)?);
            }
            Self::Walk => walk(&load.files)?,
            Self::Read => read(&load.files).map_err(BenchError::Changed)?,
            Self::Peer(peer) => return Ok(peer.run(&load.files)),
        }
        Ok(None)
    }
}

fn walk(files: &[InputPath]) -> Result<(), BenchError> {
    let interfaces = Interfaces::default();
    for file in files {
        let input = Input::open(file)?;
        black_box(input.walk(&interfaces, |_| {}, |_| {}));
    }
    Ok(())
}

fn read(files: &[InputPath]) -> io::Result<()> {
    let mut block = vec![0; BLOCK_LEN];
    for file in files {
        let mut file = File::open(&file.path)?;
        while black_box(file.read(&mut block)?) > 0 {}
    }
    Ok(())
}

/// Path of a program that is installed. An empty entry of PATH would be the current folder.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

impl Peer {
    fn command(&self) -> String {
        let quoted = self.after.iter().map(|word| format!("'{word}'"));
        let words = [self.name].into_iter().chain(self.before.iter().copied());
        let words = words.map(str::to_owned).chain(["FILE".to_owned()]);
        words.chain(quoted).collect::<Vec<_>>().join(" ")
    }

    /// Counts one file after the other; says what is wrong with the first that failed.
    fn run(&self, files: &[InputPath]) -> Option<String> {
        files.iter().find_map(|file| self.count(&file.path))
    }

    fn count(&self, file: &Path) -> Option<String> {
        let status = Command::new(&self.program)
            .args(self.before)
            .arg(file)
            .args(self.after)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("{status} on {}", FileName(file))),
            Err(error) => Some(error.to_string()),
        }
    }
}
