//! The fixtures of `tests/flow-logs`, through the command.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::support::program::{self, analyze, root, run, said, text};

const CAPTURE: &str = "captures/one-path-each-way.pcap";
const SERVERS: [&str; 2] = ["--servers", "10.20.2.0/24"];
const GUEST: [&str; 2] = ["--vantage", "guest"];

fn fixture(name: &str) -> PathBuf {
    root().join("tests/flow-logs").join(name)
}

/// `plainsight analyze` with the server's subnet and a flow log.
fn with_log(log: &Path, more: &[&str]) -> Command {
    let mut command = analyze();
    command.arg("--flow-logs").arg(log).args(SERVERS).args(more);
    command
}

fn report_of(log: &Path, more: &[&str], exit_code: i32) -> Value {
    program::report(&mut with_log(log, more), exit_code)
}

fn report(log: &str, more: &[&str], exit_code: i32) -> Value {
    report_of(&fixture(log), more, exit_code)
}

fn table(log: &str, more: &[&str]) -> String {
    text(&run(&mut with_log(&fixture(log), more)).stdout)
}

fn complaint(log: &Path) -> String {
    program::complaint(&mut with_log(log, &[]))
}

fn path<'r>(report: &'r Value, server: &str) -> &'r Value {
    let mut paths = report["paths"].as_array().expect("paths").iter();
    paths.find(|path| path["server"] == server).expect("a path")
}

/// States, how each is carried, and the verdict on them alone with its exit code.
const STATES: [(&str, &str, &str, &str, i32); 8] = [
    ("x", "X", "ciphertext", "encrypted", 0),
    ("nx", "NX", "plaintext", "plaintext", 1),
    ("nx-fallback", "NX_FALLBACK", "plaintext", "plaintext", 1),
    ("nx-local-dst", "NX_LOCAL_DST", "plaintext", "plaintext", 1),
    (
        "nx-hw-not-supported",
        "NX_HW_NOT_SUPPORTED",
        "plaintext",
        "plaintext",
        1,
    ),
    (
        "nx-sw-not-ready",
        "NX_SW_NOT_READY",
        "dropped",
        "undetermined",
        3,
    ),
    (
        "nx-not-accepted",
        "NX_NOT_ACCEPTED",
        "dropped",
        "undetermined",
        3,
    ),
    (
        "nx-not-supported",
        "NX_NOT_SUPPORTED",
        "dropped",
        "undetermined",
        3,
    ),
];

#[test]
fn each_state_is_told_with_what_it_carried() {
    for (file, state, carried, verdict, exit_code) in STATES {
        let report = report(&format!("states/{file}.json"), &[], exit_code);
        for server in ["10.20.2.5", "10.20.2.6"] {
            let path = path(&report, server);
            assert_eq!(path["client"], "10.20.1.4");
            assert_eq!(path["verdict"], verdict, "{state}");
            assert_eq!(
                (&path["observed"], &path["basis"]),
                (&json!(null), &json!("flow_log"))
            );
            let told = &path["platform"]["states"];
            assert_eq!(told.as_array().expect("states").len(), 1);
            assert_eq!(
                (&told[0]["state"], &told[0]["carried"]),
                (&json!(state), &json!(carried))
            );
            // Three flows, each 44 packets of 9400 bytes one way and 41 of 20900 back.
            let (packets, bytes, last) = match carried {
                "dropped" => (0, 0, "2026-11-21T20:25:14Z"),
                _ => (3 * 85, 3 * 30_300, "2026-11-21T20:27:02Z"),
            };
            assert_eq!(told[0]["flows"], 3);
            assert_eq!(
                (&told[0]["packets"], &told[0]["bytes"]),
                (&json!(packets), &json!(bytes))
            );
            assert_eq!(told[0]["first"], "2026-11-21T20:25:14Z");
            assert_eq!(told[0]["last"], last);
        }
    }
}

/// The table says of each state what it means, and "blocked" where nothing was carried.
#[test]
fn the_table_tells_states_apart() {
    for (file, state, carried, ..) in STATES {
        let table = table(&format!("states/{file}.json"), &["--verbose"]);
        let flat = table.split_whitespace().collect::<Vec<_>>().join(" ");
        let row = table
            .lines()
            .find(|line| line.contains(state))
            .expect("a row");
        let shown = if carried == "dropped" {
            "blocked"
        } else {
            carried
        };
        assert!(row.contains(shown), "{row}");
        assert!(flat.contains(&format!("says {state}: ")), "{table}");
        assert!(flat.contains(", record 1, 2026-11-21T20:25:14Z"), "{table}");
        assert!(
            table.lines().all(|line| line.chars().count() <= 80),
            "{table}"
        );
        assert_eq!(carried == "dropped", table.contains("blocked"), "{table}");
    }
}

#[test]
fn below_a_guest_the_platform_decides() {
    let x = report("states/x.json", &[&GUEST[..], &[CAPTURE]].concat(), 0);
    let (tunnel, clear) = (path(&x, "10.20.2.5"), path(&x, "10.20.2.6"));
    assert_eq!(
        (&tunnel["verdict"], &tunnel["basis"]),
        (&json!("encrypted"), &json!("both"))
    );
    assert_eq!(
        (&clear["verdict"], &clear["basis"]),
        (&json!("encrypted"), &json!("flow_log"))
    );
    assert_eq!(
        (&tunnel["observed"], &clear["observed"]),
        (&json!("encrypted"), &json!("plaintext"))
    );
    assert_eq!(tunnel["platform"]["joined"], json!(["addresses"]));
    assert_eq!(clear["platform"]["joined"], json!(["ports"]));
    assert_eq!(x["vantage"]["value"], "guest");

    let nx = report("states/nx.json", &[&GUEST[..], &[CAPTURE]].concat(), 1);
    assert_eq!(path(&nx, "10.20.2.5")["verdict"], "conflict");
    assert_eq!(path(&nx, "10.20.2.6")["basis"], "flow_log");
}

#[test]
fn a_conflict_shows_both_sides() {
    let conflicts = [
        ("states/x.json", "10.20.2.6", "plaintext", "X"),
        ("states/nx.json", "10.20.2.5", "encrypted", "NX"),
    ];
    for (log, server, captured, state) in conflicts {
        let report = report(log, &[CAPTURE], 1);
        assert_eq!(report["summary"]["conflict"], 1);
        let path = path(&report, server);
        assert_eq!(path["verdict"], "conflict");
        let evidence = path["evidence"].as_array().expect("evidence");
        let of: Vec<_> = evidence.iter().filter_map(|it| it["of"].as_str()).collect();
        assert!(of.contains(&captured) && of.contains(&"platform"), "{of:?}");
        let table = table(log, &[CAPTURE]);
        let (_, shown) = table
            .split_once(&format!("to {server}: conflict"))
            .expect("evidence");
        assert!(
            shown.contains("packet ") && shown.contains(&format!("says {state}: ")),
            "{table}"
        );
        assert!(table.contains("in conflict"), "{table}");
    }
}

#[test]
fn without_a_log_a_guest_proves_nothing() {
    let arguments = ["captures/all-plaintext.pcap", "--vantage", "guest"];
    let table = said(analyze().args(arguments), 3);
    assert!(table.contains("unproven"), "{table}");
    assert!(table.contains("--flow-logs"), "{table}");
    assert!(
        !table.contains("in\nplaintext") && !table.contains("in plaintext"),
        "{table}"
    );
}

/// Only of one flow of three does the log tell: that one is no proof of the path.
#[test]
fn a_log_of_some_flows_is_no_proof_of_all() {
    let some = report(
        "other-connection.json",
        &[&GUEST[..], &[CAPTURE]].concat(),
        3,
    );
    let path = path(&some, "10.20.2.6");
    assert_eq!(
        (&path["verdict"], &path["platform"]["said"]),
        (&json!("unproven"), &json!("partly"))
    );
}

#[test]
fn a_log_of_another_time_says_nothing_of_the_capture() {
    let report = report("other-time.json", &[&GUEST[..], &[CAPTURE]].concat(), 3);
    let path = path(&report, "10.20.2.6");
    assert_eq!(path["verdict"], "unproven");
    let platform = &path["platform"];
    assert_eq!(
        (&platform["said"], &platform["states"]),
        (&json!("nothing"), &json!([]))
    );
    assert_eq!(platform["other_times"][0]["state"], "NX");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("at other times only"), "{warnings}");
}

/// The capture is of 20:25:14.8. A tuple tells of the time since the one before it, which
/// is five minutes at the most.
#[test]
fn a_tuple_tells_of_the_time_since_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    let text = fs::read_to_string(fixture("no-source-port.json")).expect("text");
    let [begun, logged] = ["1795292714000", "1795292762000"];
    assert!(text.contains(logged));
    let text = text.replace(",B,", ",C,");
    for (moments, exit_code) in [
        (["2026-11-21T20:25:14Z", "2026-11-21T20:30:14Z"], 0),
        (["2026-11-21T20:25:16Z", "2026-11-21T20:30:16Z"], 3),
        // A second before the capture is before it: what was logged then may be left out.
        (["2026-11-21T20:20:14Z", "2026-11-21T20:25:14Z"], 3),
        (["2026-11-21T20:20:16Z", "2026-11-21T20:25:16Z"], 0),
        (["2026-11-21T20:20:13Z", "2026-11-21T20:25:13Z"], 3),
        (["2026-11-21T20:24:00Z", "2026-11-21T20:29:01Z"], 3),
    ] {
        let time = |moment: &str| {
            let moment: jiff::Timestamp = moment.parse().expect("a time");
            moment.as_millisecond().to_string()
        };
        let text = text.replace(begun, &time(moments[0]));
        fs::write(&file, text.replace(logged, &time(moments[1]))).expect("a file");
        report_of(&file, &[&GUEST[..], &[CAPTURE]].concat(), exit_code);
    }
}

#[test]
fn without_ports_what_is_left_joins_and_is_told() {
    for (log, joined, told) in [
        (
            "no-source-port.json",
            "server_port",
            "addresses and one port",
        ),
        ("no-ports.json", "addresses", "addresses alone"),
    ] {
        let report = report(log, &[&GUEST[..], &[CAPTURE]].concat(), 0);
        let path = path(&report, "10.20.2.6");
        assert_eq!(path["platform"]["joined"], json!([joined]));
        assert!(report["warnings"].to_string().contains(told));
    }
}

/// A fixture with other tuples.
fn with_tuples(name: &str, change: impl FnOnce(&mut Vec<Value>)) -> Value {
    let text = fs::read_to_string(fixture(name)).expect("text");
    let mut log: Value = serde_json::from_str(&text).expect("JSON");
    let groups = &mut log["records"][0]["flowRecords"]["flows"][0]["flowGroups"];
    change(groups[0]["flowTuples"].as_array_mut().expect("tuples"));
    log
}

/// The report on a log that is made here.
fn made(log: &Value, more: &[&str], exit_code: i32) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    fs::write(&file, log.to_string()).expect("a file");
    report_of(&file, more, exit_code)
}

/// One logged flow without ports can be any of the three that were captured, and is no more
/// than one.
#[test]
fn without_ports_a_log_proves_no_more_flows_than_it_holds() {
    let guest = [&GUEST[..], &[CAPTURE]].concat();
    for name in ["no-source-port.json", "no-ports.json"] {
        for (flows, exit_code) in [(3, 0), (2, 3), (1, 3)] {
            let log = with_tuples(name, |tuples| {
                tuples.drain(flows..3);
                tuples.truncate(2 * flows);
            });
            made(&log, &guest, exit_code);
        }
        // Nor are three enough that were far smaller than what was captured.
        let small = with_tuples(name, |tuples| {
            for tuple in tuples.iter_mut().skip(3) {
                let text = tuple.as_str().expect("text");
                *tuple = json!(text.replace(",40,9000,38,20600", ",1,60,1,60"));
            }
        });
        made(&small, &guest, 3);
    }
}

/// Flows that only began have carried nothing that could have been encrypted.
#[test]
fn a_log_of_no_packets_alone_proves_nothing() {
    for (stage, exit_code) in [(",B,", 3), (",E,", 3), (",C,", 0)] {
        let log = with_tuples("states/x.json", |tuples| {
            tuples.retain(|tuple| tuple.as_str().expect("text").contains(stage));
            if stage == ",E," {
                for tuple in tuples.iter_mut() {
                    let text = tuple.as_str().expect("text");
                    *tuple = json!(text.replace(",4,400,3,300", ",0,0,0,0"));
                }
            }
        });
        made(&log, &[], exit_code);
    }
}

/// Tuples of another version may mean something else, whatever they look like.
#[test]
fn a_version_that_is_not_known_is_told() {
    let versions = [
        (json!(4), 0),
        (json!("4"), 0),
        (json!(null), 0),
        (json!(5), 3),
        (json!("4.1"), 3),
    ];
    for (version, exit_code) in versions {
        let mut log = with_tuples("states/x.json", |_| {});
        log["records"][0]["flowLogVersion"] = version;
        let report = made(&log, &[], exit_code);
        let is_told = report["warnings"].to_string().contains("of a version that");
        assert_eq!(is_told, exit_code == 3);
    }
}

/// What two copies of a damaged log hold counts once, and stays damaged.
#[test]
fn copies_of_a_damaged_log_count_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read_to_string(fixture("states/nx.json")).expect("text");
    let damaged = whole.replace(",E,NX,4,400", ",E,NX,4,4x0");
    let cut = &whole[..whole.trim_end().len() - 2];
    for text in [&damaged[..], cut] {
        let file = folder.path().join("a.json");
        fs::write(&file, text).expect("a file");
        let one = report_of(folder.path(), &[], 1);
        fs::write(folder.path().join("b.json"), text).expect("a file");
        let two = report_of(folder.path(), &[], 1);
        fs::remove_file(folder.path().join("b.json")).expect("a file");
        let platform = |report: &Value| report["paths"][0]["platform"].clone();
        assert_eq!(platform(&two), platform(&one));
        let warnings = two["warnings"].to_string();
        assert!(warnings.contains("holds what"), "{warnings}");
        assert!(warnings.contains("so none is encrypted"), "{warnings}");
    }
}

#[test]
fn two_nics_log_one_flow() {
    // The client's NIC counted the most: 78 packets of 29600 bytes.
    for (log, exit_code) in [("both-nics.json", 0), ("sorted-keys.json", 1)] {
        let report = report(log, &[], exit_code);
        let state = &path(&report, "10.20.2.6")["platform"]["states"][0];
        assert_eq!(
            (&state["flows"], &state["packets"]),
            (&json!(1), &json!(78))
        );
        assert_eq!(state["bytes"], 29_600);
    }
    let sorted = table("sorted-keys.json", &[]);
    assert!(sorted.contains("NIC 000D3AF87856"), "{sorted}");
}

#[test]
fn seconds_are_as_good_as_milliseconds() {
    let report = report("seconds.json", &[], 1);
    let state = &path(&report, "10.20.2.6")["platform"]["states"][0];
    assert_eq!(state["first"], "2026-11-21T20:25:14Z");
    assert_eq!(state["last"], "2026-11-21T20:26:02Z");
}

#[test]
fn what_is_not_known_is_counted_and_shown() {
    let unknown = report("unknown-state.json", &[], 3);
    assert_eq!(unknown["flow_logs"][0]["unknown_states"], 1);
    assert_eq!(
        path(&unknown, "10.20.2.6")["platform"]["states"][0]["state"],
        "unknown"
    );
    assert!(
        unknown["warnings"]
            .to_string()
            .contains("`NX_SOMETHING_NEW`")
    );

    let bad = report("bad-tuples.json", &[], 1);
    assert_eq!(bad["flow_logs"][0]["tuples"], 10);
    assert_eq!(bad["flow_logs"][0]["bad_tuples"], 9);
    assert!(bad["warnings"].to_string().contains("9 of 10 tuples"));
}

#[test]
fn denied_traffic_is_blocked_whatever_its_encryption() {
    let report = report("denied.json", &[], 3);
    let state = &path(&report, "10.20.2.6")["platform"]["states"][0];
    assert_eq!(
        (&state["state"], &state["carried"]),
        (&json!("denied"), &json!("dropped"))
    );
    assert!(table("denied.json", &[]).contains("the platform blocked it"));
}

#[test]
fn what_comes_before_the_end_of_a_log_counts() {
    let report = report("truncated.json", &[], 3);
    let log = &report["flow_logs"][0];
    assert_eq!((&log["records"], &log["tuples"]), (&json!(2), &json!(2)));
    // Its last key is whole, and the tuple behind it is not.
    let text = fs::read_to_string(fixture("truncated.json")).expect("text");
    let key = r#""flowTuples""#;
    let end = text.rfind(key).expect("a key") + key.len();
    assert_eq!(log["fault"]["offset"], end);
    assert!(
        log["fault"]["what"]
            .as_str()
            .expect("words")
            .contains("ends early")
    );
    assert!(
        report["warnings"]
            .to_string()
            .contains("counted before it: 2 tuples")
    );
}

#[test]
fn damage_is_found_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    let mut bytes = fs::read(fixture("states/nx.json")).expect("bytes");
    let text = String::from_utf8_lossy(&bytes);
    let tuples = text.rfind("flowTuples").expect("tuples");
    let before = tuples + text[tuples..].find("\",").expect("a first tuple") + 1;
    bytes[before] = b'?';
    fs::write(&file, &bytes).expect("a file");
    let report = report_of(&file, &[], 1);
    assert_eq!(report["flow_logs"][0]["fault"]["offset"], before);
}

#[test]
fn logs_of_another_kind_are_refused_by_name() {
    let message = complaint(&fixture("nsg.json"));
    assert!(message.contains("nsg.json is an NSG flow log"), "{message}");
    let message = complaint(&root().join(CAPTURE));
    assert!(
        message.contains("one-path-each-way.pcap is no virtual network flow log"),
        "{message}"
    );
    let message = complaint(&root().join("captures/expected.json"));
    assert!(message.contains("no virtual network flow log"), "{message}");
    let message = complaint(Path::new("/no/such/log"));
    assert!(message.contains("/no/such/log"), "{message}");
    assert_eq!(message.lines().count(), 1);
}

#[test]
fn a_folder_passes_over_what_is_no_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |name: &str, to: &str| {
        fs::copy(fixture(name), folder.path().join(to)).expect("a copy");
    };
    copy("nsg.json", "nsg.json");
    let alone = complaint(folder.path());
    assert!(
        alone.contains("in the folder") && alone.contains("is an NSG flow log"),
        "{alone}"
    );
    copy("README.md", "README.md");
    copy("states/nx.json", "PT1H.json");
    let report = report_of(folder.path(), &[], 1);
    assert_eq!(report["flow_logs"].as_array().expect("logs").len(), 1);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("nsg.json: passed over, as it is an NSG flow log"),
        "{warnings}"
    );
    assert!(
        warnings.contains("README.md: passed over, as it is no virtual network flow log"),
        "{warnings}"
    );
}

#[test]
fn gzip_is_read_through() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json.gz");
    let bytes = fs::read(fixture("states/nx.json")).expect("bytes");
    let mut gzip = GzEncoder::new(File::create(&file).expect("a file"), Compression::default());
    gzip.write_all(&bytes)
        .and_then(|()| gzip.finish().map(drop))
        .expect("gzip");
    let plain = report("states/nx.json", &[], 1);
    let zipped = report_of(&file, &[], 1);
    assert_eq!(
        zipped["paths"][0]["platform"],
        plain["paths"][0]["platform"]
    );
    // Cut off, it counts up to there.
    let whole = fs::read(&file).expect("bytes");
    fs::write(&file, &whole[..whole.len() - 20]).expect("a file");
    let cut = report_of(&file, &[], 1);
    assert!(
        cut["flow_logs"][0]["fault"]["what"]
            .as_str()
            .expect("words")
            .contains("gzip")
    );
}

#[test]
fn the_layout_of_a_container_is_searched_in_any_order() {
    let folder = fixture("layout");
    let whole = report_of(&folder, &[], 1);
    assert_eq!(whole["flow_logs"].as_array().expect("logs").len(), 3);
    let [five, six] = ["10.20.2.5", "10.20.2.6"].map(|server| path(&whole, server));
    // 90 and 80 packets and one each way; the server's NIC has as many, or fewer.
    assert_eq!(five["platform"]["states"][0]["packets"], 172);
    assert_eq!(six["platform"]["states"][0]["bytes"], 29_720);
    assert_eq!(
        (&five["verdict"], &six["verdict"]),
        (&json!("encrypted"), &json!("plaintext"))
    );

    // The same files by name, the last first, by one worker.
    let files = whole["flow_logs"].as_array().expect("logs").iter();
    let mut files: Vec<_> = files.filter_map(|log| log["name"].as_str()).collect();
    files.reverse();
    let first = Path::new(files[0]);
    let rest = files[1..].iter().flat_map(|file| ["--flow-logs", file]);
    let more: Vec<&str> = rest.chain(["--threads", "1"]).collect();
    assert_eq!(report_of(first, &more, 1), whole);
}

#[test]
fn sums_keep_every_byte() {
    let few = report("states/x.json", &["--max-flows", "1"], 3);
    let bytes = |report: &Value| -> u64 {
        let paths = report["paths"].as_array().expect("paths").iter();
        let states = paths.flat_map(|path| path["platform"]["states"].as_array().expect("states"));
        states.filter_map(|state| state["bytes"].as_u64()).sum()
    };
    assert_eq!(bytes(&few), 6 * 30_300);
    assert!(few["warnings"].to_string().contains("--max-flows"));
}

#[test]
fn a_silent_server_that_was_logged_is_not_silent() {
    let expected = [
        "--servers",
        "10.20.2.5,10.20.2.6,10.20.2.7",
        "captures/nfs.pcap",
    ];
    let report = report("states/x.json", &expected, 3);
    for server in ["10.20.2.5", "10.20.2.6"] {
        let path = path(&report, server);
        assert_eq!(
            (&path["observed"], &path["verdict"]),
            (&json!("silent"), &json!("encrypted"))
        );
    }
    assert_eq!(path(&report, "10.20.2.7")["verdict"], "silent");
}

#[test]
fn something_must_be_named() {
    let message = program::complaint(analyze().args(["--servers", "10.20.2.5"]));
    assert!(message.contains("PATH"), "{message}");
}

/// Tables tell it where there is a capture that it is of.
#[test]
fn the_vantage_is_always_told() {
    for (more, value, why) in [
        (&[][..], "wire", "recorded capture"),
        (&["--vantage", "auto"], "wire", "recorded capture"),
        (&["--vantage", "wire"], "wire", "--vantage wire was given"),
        (
            &["--vantage", "guest"],
            "guest",
            "--vantage guest was given",
        ),
    ] {
        let report = report("states/x.json", more, 0);
        assert_eq!(report["vantage"]["value"], value);
        let told = report["vantage"]["why"].as_str().expect("a reason");
        assert!(told.contains(why), "{told}");
        let alone = table("states/x.json", more);
        assert!(!alone.contains("Vantage"), "{alone}");
        let captured = table("states/x.json", &[more, &[CAPTURE]].concat());
        let line = format!("Vantage: {value}");
        assert!(captured.contains(&line), "{captured}");
    }
}
