//! What a confined process can still do, and what not.
//!
//! Confinement cannot be undone, so each test starts this program again as a
//! [`prisoner`], looks at it through `/proc`, and reads what it tried.

mod prisoner;
#[path = "../support/skip.rs"]
#[allow(dead_code, reason = "tests are named here, not found by their thread")]
mod skip;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use nix::unistd::{User, geteuid};
use tempfile::TempDir;

use prisoner::{Attempts, Prison};
use skip::skipped;

type Test = (&'static str, fn(&Cell) -> Result<()>);

/// These start as root.
const AS_ROOT: &[Test] = &[
    ("root_becomes_nobody_and_holds_nothing", root_becomes_nobody),
    (
        "an_open_capture_still_captures",
        an_open_capture_still_captures,
    ),
    (
        "an_ambient_capability_is_dropped",
        an_ambient_capability_is_dropped,
    ),
    (
        "files_are_made_in_a_named_folder_alone",
        files_are_made_in_a_named_folder_alone,
    ),
    ("landlock_holds_root_itself", landlock_holds_root_itself),
    ("only_root_may_choose_a_user", only_root_may_choose_a_user),
    (
        "a_folder_of_another_user_is_refused",
        a_folder_of_another_user_is_refused,
    ),
];

/// These start as anyone.
const AS_ANYONE: &[Test] = &[
    (
        "a_kernel_without_landlock_is_told",
        a_kernel_without_landlock_is_told,
    ),
    (
        "a_kernel_without_seccomp_is_told",
        a_kernel_without_seccomp_is_told,
    ),
    (
        "an_ordinary_user_is_confined_too",
        an_ordinary_user_is_confined_too,
    ),
    (
        "a_user_that_is_not_there_is_refused",
        a_user_that_is_not_there_is_refused,
    ),
];

fn main() -> Result<ExitCode> {
    if let Some(prison) = std::env::args().nth(1).filter(|word| word.starts_with('{')) {
        prisoner::main(&serde_json::from_str(&prison)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cell = Cell::new()?;
    if !geteuid().is_root() {
        for (name, _) in AS_ROOT {
            skipped(name, "needs root");
        }
        return Ok(run(&cell, AS_ANYONE.iter()));
    }
    Ok(run(&cell, AS_ANYONE.iter().chain(AS_ROOT)))
}

fn run<'a>(cell: &Cell, tests: impl Iterator<Item = &'a Test>) -> ExitCode {
    let mut failed = 0;
    let mut passed = 0;
    for (name, test) in tests {
        match test(cell) {
            Ok(()) => passed += 1,
            Err(error) => {
                failed += 1;
                println!("test {name} ... FAILED: {error:#}");
            }
        }
    }
    println!("confinement: {passed} passed, {failed} failed");
    ExitCode::from(u8::from(failed > 0))
}

/// A folder that every user can enter, with a copy of this program.
struct Cell {
    folder: TempDir,
}

impl Cell {
    fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
        fs::copy(std::env::current_exe()?, folder.path().join("prisoner"))?;
        Ok(Self { folder })
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("prisoner")
    }

    /// A new folder of a user's own.
    fn folder(&self, name: &str, owner: Option<u32>) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder)?;
        chown(&folder, owner, owner)?;
        Ok(folder)
    }

    /// Starts a prisoner below `wrapper`, which may change who it is.
    fn start(&self, wrapper: &[&str], prison: &Prison) -> Result<Prisoner> {
        let program = self.program();
        let mut words: Vec<&Path> = wrapper.iter().map(Path::new).collect();
        words.push(&program);
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .arg(serde_json::to_string(prison)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {words:?}"))?;
        let lines = BufReader::new(child.stdout.take().context("a pipe")?);
        Ok(Prisoner { child, lines })
    }
}

struct Prisoner {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Prisoner {
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// What the kernel says of it, now that it has told what it tried.
    fn serve(mut self) -> Result<(Attempts, BTreeMap<String, String>)> {
        let port: u16 = self.line()?.parse().context("the port it listens at")?;
        TcpStream::connect(("127.0.0.1", port))?;
        let traffic = UdpSocket::bind("127.0.0.1:0")?;
        traffic.send_to(b"seen", ("127.0.0.1", port))?;
        let attempts = serde_json::from_str(&self.line()?).context("what it tried")?;
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        drop(self.child.stdin.take());
        ensure!(
            self.child.wait()?.success(),
            "the prisoner did not end well"
        );
        let lines = status.lines().filter_map(|line| line.split_once(":\t"));
        let owned = lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned()));
        Ok((attempts, owned.collect()))
    }

    /// What it said instead of being confined.
    fn refusal(mut self) -> Result<String> {
        let mut said = String::new();
        self.lines.read_to_string(&mut said)?;
        self.child.wait()?;
        Ok(said)
    }
}

const NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=nobody",
    "--clear-groups",
    "--regid=nogroup",
];
const NONE: &str = "0000000000000000";

fn holds(status: &BTreeMap<String, String>, wanted: &[(&str, &str)]) -> Result<()> {
    for &(key, value) in wanted {
        let held = status.get(key).map(String::as_str);
        ensure!(held == Some(value), "{key} is {held:?} and not {value:?}");
    }
    Ok(())
}

fn check(attempts: &Attempts, wanted: &[(&str, &str)]) -> Result<()> {
    for &(what, outcome) in wanted {
        let had = attempts.outcomes.get(what).map(String::as_str);
        ensure!(had == Some(outcome), "{what}: {had:?} and not {outcome:?}");
    }
    Ok(())
}

/// What no prisoner can do, and what all can.
const CONFINED: &[(&str, &str)] = &[
    ("read a file", "EPERM"),
    ("make a file", "EPERM"),
    ("list a folder", "EPERM"),
    ("make a folder", "EPERM"),
    ("open a packet socket", "EPERM"),
    ("open a TCP socket", "EPERM"),
    ("open a UNIX socket", "EPERM"),
    ("start a program", "EPERM"),
    ("signal the parent", "EPERM"),
    ("enter a user namespace", "EPERM"),
    ("make memory executable", "EPERM"),
    ("change a limit", "EPERM"),
    ("start a thread", "ok"),
    ("use memory", "ok"),
    ("accept a connection", "ok"),
    ("write to an open file", "ok"),
    ("look at a clock", "ok"),
    ("signal itself", "ok"),
];

const PRIVILEGES: &[(&str, &str)] = &[
    ("CapInh", NONE),
    ("CapPrm", NONE),
    ("CapEff", NONE),
    ("CapAmb", NONE),
    ("NoNewPrivs", "1"),
    ("Seccomp", "2"),
];

fn root_becomes_nobody(cell: &Cell) -> Result<()> {
    let (attempts, status) = cell.start(&[], &Prison::default())?.serve()?;
    check(&attempts, CONFINED)?;
    holds(&status, PRIVILEGES)?;
    let nobody = User::from_name("nobody")?.context("nobody")?;
    let four = |id: u32| [id; 4].map(|id| id.to_string()).join("\t");
    holds(
        &status,
        &[
            ("CapBnd", NONE),
            ("Uid", &four(nobody.uid.as_raw())),
            ("Gid", &four(nobody.gid.as_raw())),
            ("Groups", ""),
        ],
    )
}

fn an_open_capture_still_captures(cell: &Cell) -> Result<()> {
    let prison = Prison {
        capture: true,
        ..Prison::default()
    };
    let (attempts, _) = cell.start(&[], &prison)?.serve()?;
    check(
        &attempts,
        &[("see a packet", "ok"), ("count packets", "ok")],
    )
}

/// As systemd's `AmbientCapabilities=` and a file's capability leave it.
fn an_ambient_capability_is_dropped(cell: &Cell) -> Result<()> {
    let wrapper = [
        &NOBODY[..],
        &["--inh-caps=+net_raw", "--ambient-caps=+net_raw"],
    ]
    .concat();
    let prison = Prison {
        capture: true,
        ..Prison::default()
    };
    let (attempts, status) = cell.start(&wrapper, &prison)?.serve()?;
    check(&attempts, CONFINED)?;
    check(&attempts, &[("see a packet", "ok")])?;
    holds(&status, PRIVILEGES)
}

fn files_are_made_in_a_named_folder_alone(cell: &Cell) -> Result<()> {
    let nobody = User::from_name("nobody")?.context("nobody")?;
    let folder = cell.folder("metrics", Some(nobody.uid.as_raw()))?;
    let prison = Prison {
        writable: vec![folder.clone()],
        ..Prison::default()
    };
    let (attempts, _) = cell.start(&[], &prison)?.serve()?;
    let own = [
        ("make a file of its own", "ok"),
        ("replace it", "ok"),
        ("remove a file", "ok"),
    ];
    check(&attempts, &own)?;
    check(
        &attempts,
        &[("read a file", "EACCES"), ("start a program", "EPERM")],
    )?;
    let made = fs::read_to_string(folder.join("replaced"))?;
    ensure!(made == "made while confined", "the file holds {made:?}");
    Ok(())
}

/// Whom file permissions do not stop.
fn landlock_holds_root_itself(cell: &Cell) -> Result<()> {
    let prison = Prison {
        user: Some("root".to_owned()),
        writable: vec![cell.folder("root's", None)?],
        ..Prison::default()
    };
    let (attempts, status) = cell.start(&[], &prison)?.serve()?;
    holds(&status, PRIVILEGES)?;
    if attempts
        .lacks
        .iter()
        .any(|lack| lack.contains("no Landlock"))
    {
        skipped("landlock_holds_root_itself", "this kernel has no Landlock");
        return Ok(());
    }
    check(
        &attempts,
        &[
            ("read a file", "EACCES"),
            ("make a file", "EACCES"),
            ("list a folder", "EACCES"),
            ("make a file of its own", "ok"),
            ("read it back", "EACCES"),
            ("signal the parent", "EPERM"),
        ],
    )
}

fn only_root_may_choose_a_user(cell: &Cell) -> Result<()> {
    let prison = Prison {
        user: Some("root".to_owned()),
        ..Prison::default()
    };
    let said = cell.start(&NOBODY, &prison)?.refusal()?;
    ensure!(
        said.ends_with("cannot run as `root`: only root may choose a user\n"),
        "{said}"
    );
    Ok(())
}

fn a_folder_of_another_user_is_refused(cell: &Cell) -> Result<()> {
    let prison = Prison {
        writable: vec![cell.folder("not nobody's", None)?],
        ..Prison::default()
    };
    let said = cell.start(&[], &prison)?.refusal()?;
    ensure!(said.contains("nobody cannot make files in "), "{said}");
    ensure!(said.contains("not nobody's: EACCES"), "{said}");
    Ok(())
}

fn an_ordinary_user_is_confined_too(cell: &Cell) -> Result<()> {
    let wrapper: &[&str] = if geteuid().is_root() { &NOBODY } else { &[] };
    let (attempts, status) = cell.start(wrapper, &Prison::default())?.serve()?;
    check(&attempts, CONFINED)?;
    holds(&status, PRIVILEGES)?;
    let uid = status["Uid"].split('\t').next().context("a user")?;
    let told = format!("The process runs as user {uid}, who started it.");
    ensure!(attempts.done.contains(&told), "{:?}", attempts.done);
    Ok(())
}

fn a_user_that_is_not_there_is_refused(cell: &Cell) -> Result<()> {
    let prison = Prison {
        user: Some("no-such-user".to_owned()),
        ..Prison::default()
    };
    let said = cell.start(&[], &prison)?.refusal()?;
    ensure!(said.contains("there is no user `no-such-user`"), "{said}");
    Ok(())
}

fn a_kernel_without_landlock_is_told(cell: &Cell) -> Result<()> {
    let prison = Prison {
        without: vec![libc::SYS_landlock_create_ruleset],
        ..Prison::default()
    };
    let (attempts, status) = cell.start(&[], &prison)?.serve()?;
    check(&attempts, CONFINED)?;
    holds(&status, PRIVILEGES)?;
    lacks(&attempts, "This kernel has no Landlock, or does not use it")
}

fn a_kernel_without_seccomp_is_told(cell: &Cell) -> Result<()> {
    let prison = Prison {
        without: vec![libc::SYS_seccomp],
        ..Prison::default()
    };
    let (attempts, status) = cell.start(&[], &prison)?.serve()?;
    holds(&status, &[("CapAmb", NONE), ("NoNewPrivs", "1")])?;
    check(&attempts, &[("use memory", "ok"), ("start a thread", "ok")])?;
    lacks(&attempts, "This kernel has no seccomp")
}

fn lacks(attempts: &Attempts, what: &str) -> Result<()> {
    let told = attempts.lacks.iter().any(|lack| lack.starts_with(what));
    ensure!(told, "`{what}` is not told: {:?}", attempts.lacks);
    Ok(())
}
