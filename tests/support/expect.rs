//! What a trace must be reported as, and how a report differs from it.
//!
//! Knows nothing of how traces are recorded, so that any test may hold the
//! program to the traces that are kept.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file beside the traces that says what to expect of them.
pub const FILE: &str = "expected.json";

/// What the makers of the traces give as `--servers`.
pub const SERVERS: &str = "10.20.2.0/24";

/// One trace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Trace {
    /// Its file, beside this description.
    pub file: String,
    /// What it shows.
    pub shows: String,
    /// Arguments besides `--servers 10.20.2.0/24 --format json`.
    pub args: Vec<String>,
    /// How the command ends.
    pub exit_code: i32,
    /// Packets in the file.
    pub packets: u64,
    /// Bytes they had on the wire.
    pub wire_bytes: u64,
    /// Where the packets went.
    pub buckets: BTreeMap<String, u64>,
    /// The paths, each a pair of addresses.
    pub paths: Vec<PathTrace>,
}

/// One path of a trace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PathTrace {
    /// The client's address.
    pub client: String,
    /// The server's address.
    pub server: String,
    /// One word.
    pub verdict: String,
    /// By class; all four are there.
    pub traffic: BTreeMap<String, Count>,
}

/// What packets amount to.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How many.
    pub packets: u64,
    /// Their original frame lengths.
    pub wire_bytes: u64,
    /// Their original transport payload lengths.
    pub payload_bytes: u64,
}

/// Reads what is expected of the traces in a folder.
pub fn load(folder: &Path) -> Result<Vec<Trace>> {
    let file = folder.join(FILE);
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

/// Runs the program on a trace; gives a sentence for each difference.
pub fn check(program: &Path, folder: &Path, trace: &Trace) -> Result<Vec<String>> {
    let output = Command::new(program)
        .args(["analyze", "--servers", SERVERS, "--format", "json"])
        .args(&trace.args)
        .arg(folder.join(&trace.file))
        .output()
        .context("cannot run the program")?;
    let mut found = Differences::default();
    found.compare("exit status", &Some(trace.exit_code), &output.status.code());
    match serde_json::from_slice(&output.stdout) {
        Ok(report) => found.report(trace, &report),
        Err(error) => found.0.push(format!("the report is no JSON: {error}")),
    }
    Ok(found.0)
}

#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + Debug>(&mut self, what: &str, expected: &T, got: &T) {
        if expected != got {
            self.0
                .push(format!("{what}: expected {expected:?}, got {got:?}"));
        }
    }

    fn number(&mut self, report: &Value, at: &str, expected: u64) {
        self.compare(at, &Some(expected), &lookup(report, at).as_u64());
    }

    fn report(&mut self, trace: &Trace, report: &Value) {
        let exit_code = lookup(report, "summary.exit_code").as_i64();
        let expected = Some(trace.exit_code.into());
        self.compare("summary.exit_code", &expected, &exit_code);
        self.number(report, "accounting.packets", trace.packets);
        self.number(report, "accounting.wire_bytes", trace.wire_bytes);
        for (bucket, &packets) in &trace.buckets {
            self.number(report, &format!("accounting.{bucket}.packets"), packets);
        }
        self.paths(&trace.paths, lookup(report, "paths"));
    }

    fn paths(&mut self, expected: &[PathTrace], reported: &Value) {
        let mut left: Vec<_> = reported.as_array().into_iter().flatten().collect();
        for path in expected {
            let is_it = |got: &&Value| got["client"] == path.client && got["server"] == path.server;
            match left.iter().position(is_it) {
                Some(index) => self.path(path, left.remove(index)),
                None => self.0.push(format!("{}: missing", path.name())),
            }
        }
        for path in left {
            let (client, server) = (&path["client"], &path["server"]);
            self.0
                .push(format!("path {client} to {server}: not expected"));
        }
    }

    fn path(&mut self, expected: &PathTrace, got: &Value) {
        let name = expected.name();
        let verdict = got["verdict"].as_str().unwrap_or_default();
        self.compare(
            &format!("{name}: verdict"),
            &expected.verdict.as_str(),
            &verdict,
        );
        for (class, &count) in &expected.traffic {
            let got = serde_json::from_value(got["traffic"][class].clone()).ok();
            self.compare(&format!("{name}: {class}"), &Some(count), &got);
        }
    }
}

impl PathTrace {
    fn name(&self) -> String {
        format!("path {} to {}", self.client, self.server)
    }
}

fn lookup<'a>(report: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(report, |value, field| &value[field])
}
