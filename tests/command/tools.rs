//! What other programs read: formats, by `DuckDB`, held to the JSON; manifests of Kubernetes, by
//! kubernetes-validate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::program::{analyze, root, run, text, trace};
use crate::support::skip::skipped_here;

/// Counts of paths, packets and bytes by verdict, of both formats, as `DuckDB` adds them up.
const QUERIES: &str = r#"
import duckdb, json, sys
ndjson, csv = sys.argv[1:]
lines = duckdb.sql(f"""
    SELECT verdict, count(*), sum(traffic.encrypted.packets + traffic.handshake.packets
        + traffic.plaintext.packets + traffic.undetermined.packets),
        sum(traffic.plaintext.wire_bytes), sum(len(flows)), min("first")
    FROM read_json('{ndjson}', format = 'newline_delimited') WHERE kind = 'path'
    GROUP BY verdict""")
rows = duckdb.sql(f"""
    SELECT verdict, count(*), sum(encrypted_packets + handshake_packets + plaintext_packets
        + undetermined_packets), sum(plaintext_wire_bytes), sum(flows), min("first")
    FROM read_csv('{csv}', strict_mode = true, all_varchar = false) GROUP BY verdict""")
runs = duckdb.sql(f"""SELECT accounting.packets
    FROM read_json('{ndjson}', format = 'newline_delimited') WHERE kind = 'run'""")
files = duckdb.sql(f"SELECT DISTINCT evidence_file FROM read_csv('{csv}') ORDER BY ALL")
show = lambda rows: [[str(it) if it is not None else None for it in row] for row in rows]
print(json.dumps([show(it.fetchall()) for it in (lines, rows, runs, files)]))
"#;

/// A Python that has a package: the one that `.ci/setup test` makes, or the system's.
fn python(package: &str) -> Option<PathBuf> {
    let made = root().join("target/python/bin/python3");
    let import = format!("import {package}");
    let has = |python: &Path| {
        let imports = Command::new(python).args(["-c", &import]).output();
        imports.is_ok_and(|output| output.status.success())
    };
    [made, PathBuf::from("python3")]
        .into_iter()
        .find(|it| has(it))
}

/// Rows of a table, by verdict; times to the second, since each reader has its own form.
fn by_verdict(rows: &Value) -> BTreeMap<String, Vec<String>> {
    let cell = |cell: &Value| cell.as_str().unwrap_or_default().replace('T', " ");
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| {
        let mut cells: Vec<String> = row.as_array().expect("cells").iter().map(cell).collect();
        let time = cells.last_mut().expect("a time");
        time.truncate("2026-11-21 20:25:14".len());
        (cells.remove(0), cells)
    })
    .collect()
}

/// The same of the JSON.
fn expected(report: &Value) -> BTreeMap<String, Vec<String>> {
    let mut sums = BTreeMap::<String, ([u64; 4], String)>::new();
    for path in report["paths"].as_array().expect("paths") {
        let classes = path["traffic"].as_object().expect("classes").values();
        let packets = classes.filter_map(|class| class["packets"].as_u64()).sum();
        let plaintext = path["traffic"]["plaintext"]["wire_bytes"].as_u64();
        let flows = path["flows"].as_array().map_or(0, Vec::len) as u64;
        let first = path["first"].as_str().unwrap_or_default();
        let verdict = path["verdict"].as_str().expect("a verdict").to_owned();
        let (sum, time) = sums.entry(verdict).or_default();
        for (sum, more) in sum
            .iter_mut()
            .zip([1, packets, plaintext.unwrap_or(0), flows])
        {
            *sum += more;
        }
        if time.is_empty() || (!first.is_empty() && first < time.as_str()) {
            first.clone_into(time);
        }
    }
    let told = |(sum, time): ([u64; 4], String)| {
        let time = time.replace('T', " ").chars().take(19).collect();
        sum.iter().map(u64::to_string).chain([time]).collect()
    };
    sums.into_iter()
        .map(|(verdict, it)| (verdict, told(it)))
        .collect()
}

#[test]
fn duckdb_counts_what_the_json_says() {
    let Some(python) = python("duckdb") else {
        return skipped_here("no Python with DuckDB here, which .ci/setup test installs");
    };
    let dir = tempfile::tempdir().expect("a folder");
    let name = "=HYPERLINK(\"x\"), @1.pcapng";
    std::fs::copy(trace("turns.pcapng"), dir.path().join(name)).expect("a copy");
    for other in ["one-path-each-way.pcap", "null-cipher.pcap", "aes-128.pcap"] {
        std::fs::copy(trace(other), dir.path().join(other)).expect("a copy");
    }
    let mut command = analyze();
    command.current_dir(dir.path());
    command.args(["--servers", "10.20.2.5,10.20.2.6,10.20.2.99,10.20.2.0/24"]);
    command.args(["--format", "json", "-o", "r.ndjson", "-o", "r.csv"]);
    let output = run(command.args([
        name,
        "one-path-each-way.pcap",
        "null-cipher.pcap",
        "aes-128.pcap",
    ]));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut query = Command::new(python);
    query
        .current_dir(dir.path())
        .args(["-c", QUERIES, "r.ndjson", "r.csv"]);
    let read = run(&mut query);
    let read: Value = serde_json::from_slice(&read.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&read.stderr)));
    let expected = expected(&report);
    assert!(expected.len() > 2, "{expected:?}");
    assert_eq!(by_verdict(&read[0]), expected, "NDJSON");
    assert_eq!(by_verdict(&read[1]), expected, "CSV");
    assert_eq!(read[2][0][0], report["accounting"]["packets"].to_string());
    let files = read[3].to_string();
    assert!(files.contains("\"'=HYPERLINK"), "{files}");
}

/// Validates each document of a manifest against the schemas of Kubernetes, with no field that
/// these do not know, and prints its kind.
const VALIDATE: &str = r#"
import sys, yaml, kubernetes_validate
for path in sys.argv[1:]:
    for document in yaml.safe_load_all(open(path)):
        kubernetes_validate.validate(document, "1.32", strict=True)
        print(document["kind"])
"#;

#[test]
fn manifests_are_valid_to_kubernetes() {
    let Some(python) = python("kubernetes_validate") else {
        return skipped_here("no Python here has kubernetes_validate");
    };
    let manifests = ["live", "merge"].map(|name| root().join(format!("contrib/aks/{name}.yaml")));
    let kinds = run(Command::new(&python)
        .args(["-c", VALIDATE])
        .args(&manifests));
    assert_eq!(text(&kinds.stderr), "");
    let kinds = text(&kinds.stdout);
    let expected = ["Namespace", "PersistentVolumeClaim", "DaemonSet", "Job"];
    assert_eq!(kinds.lines().collect::<Vec<_>>(), expected);
    // A field that is wrong is found.
    let wrong = std::fs::read_to_string(&manifests[1]).expect("a manifest");
    let wrong = wrong.replace("backoffLimit: 2", "backoffLimits: 2");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.yaml");
    std::fs::write(&path, wrong).expect("a manifest");
    let output = run(Command::new(&python).args(["-c", VALIDATE]).arg(path));
    assert!(!output.status.success());
}

/// Manifests name the image that is built, of this version.
#[test]
fn manifests_run_the_image_that_is_built() {
    let dockerfile = include_str!("../../packaging/Dockerfile");
    let image = format!("registry.example/plainsight:{}", env!("CARGO_PKG_VERSION"));
    assert!(
        dockerfile.contains(&format!("--tag {image} ")),
        "{dockerfile}"
    );
    for manifest in [
        include_str!("../../contrib/aks/live.yaml"),
        include_str!("../../contrib/aks/merge.yaml"),
    ] {
        let lines = manifest.lines().map(str::trim);
        let images: Vec<&str> = lines.filter_map(|it| it.strip_prefix("image: ")).collect();
        assert_eq!(images, [image.as_str()]);
    }
}

/// The flags of manifests are the program's.
#[test]
fn the_arguments_of_manifests_are_known() {
    let manifest = include_str!("../../contrib/aks/live.yaml");
    let help = run(&mut crate::support::program::plainsight(&[
        "live", "--help",
    ]));
    let help = text(&help.stdout);
    let flags = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- --"));
    let flags: Vec<_> = flags
        .map(|flag| flag.split('=').next().expect("a name"))
        .collect();
    assert!(flags.len() > 5);
    for flag in flags {
        assert!(help.contains(&format!("--{flag} ")), "{flag}");
    }
}
