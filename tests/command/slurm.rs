//! The jobs of `contrib/slurm` under Slurm itself, on this machine alone.

use std::cell::RefCell;
use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{PROGRAM, analyze, root, text, trace};
use crate::support::skip::skipped_here;

/// The longest that a job may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(3);
const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];

/// A controller and a node, as long as this lives.
struct Cluster {
    folder: TempDir,
    daemons: Vec<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn lacks() -> Option<&'static str> {
    let has = |program: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<_> = std::env::split_paths(&paths).collect();
        folders.push("/usr/sbin".into());
        folders.iter().any(|folder| folder.join(program).exists())
    };
    let tools = ["munged", "slurmctld", "slurmd", "sbatch", "srun"];
    if !geteuid().is_root() {
        Some("only root starts Slurm")
    } else if !tools.into_iter().all(has) {
        Some("there is no Slurm")
    } else {
        None
    }
}

impl Cluster {
    /// Starts Slurm, with two processors; `None`, and told, where that cannot be.
    fn start() -> Option<Self> {
        if let Some(why) = lacks() {
            skipped_here(why);
            return None;
        }
        let folder = TempDir::new().expect("a folder");
        let mut cluster = Self {
            folder,
            daemons: Vec::new(),
        };
        cluster.configure();
        let file = |name: &str, value: &str| format!("--{name}={}", cluster.path(value).display());
        let munge = [
            file("key-file", "key"),
            file("socket", "munge.socket"),
            file("pid-file", "munged.pid"),
            file("log-file", "munged.log"),
            file("seed-file", "munged.seed"),
        ];
        cluster.daemon("munged", &["--force", "--foreground"], &munge);
        cluster.await_that("munge answers", || cluster.path("munge.socket").exists());
        cluster.daemon("slurmctld", &["-D", "-i"], &[]);
        cluster.daemon("slurmd", &["-D"], &[]);
        cluster.await_that("the node is idle", || {
            cluster.said("sinfo", &["--noheader", "--format=%T"]).trim() == "idle"
        });
        Some(cluster)
    }

    fn configure(&self) {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a host name");
        let host = host.trim().split('.').next().expect("a name").to_owned();
        let folder = self.folder.path().display();
        let [controller, node] = [free_port(), free_port()];
        let configuration = format!(
            "ClusterName=test
            SlurmctldHost={host}(127.0.0.1)
            SlurmctldPort={controller}
            SlurmdPort={node}
            AuthType=auth/munge
            AuthInfo=socket={folder}/munge.socket,cred_expire=10
            CredType=cred/munge
            SlurmUser=root
            ProctrackType=proctrack/linuxproc
            TaskPlugin=task/none
            SelectType=select/cons_tres
            SelectTypeParameters=CR_CPU
            MpiDefault=none
            ReturnToService=2
            StateSaveLocation={folder}/state
            SlurmdSpoolDir={folder}/spool
            SlurmctldPidFile={folder}/slurmctld.pid
            SlurmdPidFile={folder}/slurmd.pid
            NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
            PartitionName=all Nodes={host} Default=YES State=UP\n"
        );
        let lines = configuration
            .lines()
            .map(|line| format!("{}\n", line.trim()));
        fs::write(self.path("slurm.conf"), lines.collect::<String>()).expect("a file");
        for name in ["state", "spool"] {
            fs::create_dir(self.path(name)).expect("a folder");
        }
        let mut key = [0; 128];
        let mut random = fs::File::open("/dev/urandom").expect("random bytes");
        random.read_exact(&mut key).expect("random bytes");
        fs::write(self.path("key"), key).expect("a file");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(self.path("key"), private).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program in the environment of the cluster.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let paths = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .env("PATH", format!("{paths}:/usr/sbin"))
            .env("SLURM_CONF", self.path("slurm.conf"))
            .env("PLAINSIGHT", PROGRAM)
            .current_dir(self.folder.path());
        command
    }

    fn daemon(&mut self, program: &str, words: &[&str], files: &[String]) {
        let log = fs::File::create(self.path(&format!("{program}.out"))).expect("a file");
        let mut command = self.command(program);
        command.args(words).args(files).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a file")).stderr(log);
        self.daemons.push(command.spawn().expect("a daemon"));
    }

    /// Waits until something holds; tells what the daemons said where it does not.
    fn await_that(&self, what: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            if started.elapsed() > PATIENCE {
                let names = ["munged.out", "slurmctld.out", "slurmd.out"];
                let said =
                    names.map(|name| fs::read_to_string(self.path(name)).unwrap_or_default());
                panic!("not so: {what}\n{}", said.join("\n"));
            }
            sleep(Duration::from_millis(200));
        }
    }

    fn said(&self, program: &str, words: &[&str]) -> String {
        let output = self
            .command(program)
            .args(words)
            .output()
            .expect("a program");
        text(&output.stdout)
    }

    /// A field of a job.
    fn field(&self, job: &str, field: &str) -> String {
        let told = self.said("scontrol", &["--oneliner", "show", "job", job]);
        let mut words = told.split_whitespace();
        let word = words.find_map(|word| word.strip_prefix(&format!("{field}=")));
        word.unwrap_or_default().to_owned()
    }

    /// Waits for a job to end; gives its exit code.
    fn ended(&self, job: &str) -> String {
        self.await_that("the job has ended", || {
            ["COMPLETED", "FAILED", "CANCELLED"].contains(&&*self.field(job, "JobState"))
        });
        self.field(job, "ExitCode")
    }

    /// Submits a count of some captures in shares; gives the job of the merge.
    fn submit(&self, captures: &[PathBuf], shares: &str) -> String {
        let lines = captures.iter().map(|path| format!("{}\n", path.display()));
        fs::write(self.path("list"), lines.collect::<String>()).expect("a list");
        let mut submit = self.command(contrib("submit"));
        submit
            .args(["list", "out", shares, "--format", "json"])
            .args(SERVERS);
        let output = submit.output().expect("a submission");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    fn report(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("a report")
    }
}

fn contrib(name: &str) -> PathBuf {
    root().join("contrib/slurm").join(name)
}

/// The report of one run over captures.
fn whole(captures: &[PathBuf]) -> String {
    let mut command = analyze();
    command
        .args(["--format", "json"])
        .args(SERVERS)
        .args(captures);
    text(&command.output().expect("a run").stdout)
}

fn captures() -> Vec<PathBuf> {
    let names = [
        "all-plaintext.pcap",
        "all-encrypted.pcap",
        "two-interfaces.pcapng",
    ];
    let copies = [
        "one-path-each-way.pcap",
        "one-path-each-way.pcap.gz",
        "fragments.pcap",
    ];
    names.into_iter().chain(copies).map(trace).collect()
}

/// A capture that is never read to its end, and the folder of its name.
fn endless(cluster: &Cluster) -> PathBuf {
    let path = cluster.path("endless.pcap");
    mkfifo(&path, Mode::S_IRWXU).expect("a pipe");
    path
}

/// Waits until the second task of the array reads the pipe, which then stays open; before that
/// a signal would find nobody.
fn second_task(cluster: &Cluster, pipe: &Path) -> (String, fs::File) {
    let opened = RefCell::new(None);
    cluster.await_that("the pipe is read", || {
        let mut options = fs::File::options();
        options.write(true).custom_flags(libc::O_NONBLOCK);
        // Without a reader this fails.
        *opened.borrow_mut() = options.open(pipe).ok();
        opened.borrow().is_some()
    });
    let words = [
        "--noheader",
        "--array",
        "--format=%i",
        "--states=RUNNING",
        "--name=plainsight-count",
    ];
    let told = cluster.said("squeue", &words);
    let task = told.lines().map(str::trim).find(|it| it.ends_with("_1"));
    (
        task.expect("a task").to_owned(),
        opened.take().expect("a pipe"),
    )
}

#[test]
fn jobs_count_and_merge_as_one_run_does() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let all = captures();
    let merge = cluster.submit(&all, "4");
    assert_eq!(cluster.ended(&merge), "1:0");
    assert_eq!(cluster.report("out/report"), whole(&all));

    a_task_that_fails_is_told(&cluster);
    a_task_that_is_requeued_counts_once(&cluster);
    every_node_captures(&cluster);
}

fn a_task_that_fails_is_told(cluster: &Cluster) {
    let pipe = endless(cluster);
    let merge = cluster.submit(&[trace("all-encrypted.pcap"), pipe.clone()], "2");
    let (task, _open) = second_task(cluster, &pipe);
    cluster.said("scancel", &["--full", "--signal=KILL", &task]);
    assert_eq!(cluster.ended(&merge), "3:0");
    let report: Value = serde_json::from_str(&cluster.report("out/report")).expect("JSON");
    assert!(
        report["warnings"].to_string().contains("share-1.state"),
        "{report:#}"
    );
    let states = states(&cluster.path("out"));
    assert_eq!(states, ["share-0.state"]);
    fs::remove_file(pipe).expect("a pipe");
}

/// Names of the states of a folder, whole or not.
fn states(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let states = paths.filter(|path| path.extension().is_some_and(|it| it == "state"));
    let name = |path: PathBuf| text(path.file_name().expect("a name").as_encoded_bytes());
    let mut names: Vec<_> = states.map(name).collect();
    names.sort();
    names
}

fn a_task_that_is_requeued_counts_once(cluster: &Cluster) {
    let pipe = endless(cluster);
    let all = [trace("all-encrypted.pcap"), pipe.clone()];
    let merge = cluster.submit(&all, "2");
    let (task, _open) = second_task(cluster, &pipe);
    // The next attempt finds a capture of that name.
    let next = cluster.path("next.pcap");
    fs::copy(trace("all-plaintext.pcap"), &next).expect("a capture");
    fs::rename(next, &pipe).expect("a capture");
    cluster.said("scontrol", &["requeue", &task]);
    assert_eq!(cluster.ended(&merge), "1:0");
    assert_eq!(cluster.report("out/report"), whole(&all));
    fs::remove_file(pipe).expect("a capture");
}

fn every_node_captures(cluster: &Cluster) {
    fs::create_dir(cluster.path("live")).expect("a folder");
    let mut job = cluster.command("sbatch");
    job.args(["--parsable", "--nodes=1", "--output=live/job.log"])
        .env("MERGE", "--format json --servers 127.0.0.1 --vantage wire")
        .arg(contrib("live.sbatch"))
        .args([
            "live",
            "8s",
            "-i",
            "lo",
            "--user",
            "root",
            "--vantage",
            "wire",
        ])
        .args(["--servers", "127.0.0.1", "-w"])
        .arg(cluster.path("live/trace.pcapng"));
    let output = job.output().expect("a submission");
    let job = text(&output.stdout).trim().to_owned();
    // Lustre's port is enough for a path in plaintext.
    let server = TcpListener::bind(("127.0.0.1", 988)).expect("Lustre's port");
    let trace = cluster.path("live/trace.pcapng");
    cluster.await_that("the capture has begun", || trace.exists());
    let code = std::iter::from_fn(|| {
        let _ = TcpStream::connect(("127.0.0.1", 988)).map(|_| server.accept());
        sleep(Duration::from_millis(200));
        Some(cluster.field(&job, "JobState"))
    });
    let mut states =
        code.skip_while(|state| ["PENDING", "RUNNING", "COMPLETING"].contains(&&**state));
    states.next();
    cluster.ended(&job);
    let merged: Value = serde_json::from_str(&cluster.report("live/report")).expect("JSON");
    let mut command = analyze();
    command
        .args(["--format", "json", "--servers", "127.0.0.1"])
        .arg(&trace);
    let output = command.output().expect("a run");
    let recorded: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    // A file that is slow may lack packets that were counted.
    let [counted, kept] = [&merged, &recorded].map(|it| it["accounting"]["packets"].as_u64());
    assert!(counted >= kept && kept > Some(0), "{counted:?}, {kept:?}");
    let verdicts = |report: &Value| {
        let paths = report["paths"].as_array().expect("paths").clone();
        paths
            .into_iter()
            .map(|it| {
                (
                    it["client"].clone(),
                    it["server"].clone(),
                    it["verdict"].clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&merged), verdicts(&recorded));
    let name = merged["inputs"][0]["name"].as_str().expect("a name");
    assert!(name.ends_with(": lo"), "{name}");
}
