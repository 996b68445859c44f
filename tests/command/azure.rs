//! `posture`, and `analyze` with Azure's configuration, as a user runs them.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::azure::folder;
use crate::support::program::{self, PROGRAM, complaint, plainsight, text};

fn azure(command: &mut Command, names: &[&str]) -> Output {
    for name in names {
        command.arg("--azure").arg(folder(name));
    }
    command.output().expect("the command runs")
}

/// Standard output of a run that worked.
fn said(output: &Output, exit_code: i32) -> String {
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(exit_code));
    text(&output.stdout)
}

pub fn report(arguments: &[&str], names: &[&str], exit_code: i32) -> Value {
    let output = azure(plainsight(arguments).args(["--format", "json"]), names);
    serde_json::from_str(&said(&output, exit_code)).expect("JSON alone")
}

fn trace(name: &str) -> String {
    program::trace(name).display().to_string()
}

#[test]
fn posture_exits_as_its_checks_say() {
    let good = report(&["posture"], &["az"], 0);
    assert_eq!(good["summary"]["fail"], 0);
    let bad = report(&["posture"], &["causes/client-vnet-off.json", "arm"], 1);
    assert_eq!(bad["summary"]["fail"], 1);
    assert_eq!(bad["summary"]["exit_code"], 1);
    let nothing = report(&["posture"], &["az/vnets.json"], 3);
    assert_eq!(nothing["paths"], json!([]));
}

#[test]
fn posture_that_cannot_run_says_why() {
    let message = complaint(&mut plainsight(&["posture", "--azure", "/nowhere/at/all"]));
    assert!(
        message.starts_with("plainsight: --azure: cannot read /nowhere/at/all"),
        "{message}"
    );
    let cargo = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let message = complaint(&mut plainsight(&["posture", "--azure", cargo]));
    assert!(message.contains("holds no JSON"), "{message}");
    let base = folder("az").display().to_string();
    let message = complaint(&mut plainsight(&[
        "posture",
        "--azure",
        &base,
        "--vm-sizes",
        cargo,
    ]));
    assert!(
        message.contains("--vm-sizes") && message.contains("line 1"),
        "{message}"
    );
    let message = complaint(&mut plainsight(&["posture"]));
    assert!(message.contains("--azure"), "{message}");
}

#[test]
fn posture_help_prints_its_contract() {
    let help = said(&plainsight(&["posture", "--help"]).output().unwrap(), 0);
    let (_, contract) = help.split_once("Exit codes:\n").expect("a contract");
    let rows: Vec<&str> = contract.lines().map(str::trim).collect();
    assert_eq!(rows.len(), 4);
    assert!(
        rows[0].starts_with("0  every check passes, or is a note"),
        "{rows:?}"
    );
    assert!(rows[3].starts_with("3  no check fails"), "{rows:?}");
}

#[test]
fn the_table_answers_first_and_names_field_and_remedy() {
    let output = azure(
        &mut plainsight(&["posture"]),
        &["causes/client-vnet-off.json", "az"],
    );
    let table = said(&output, 1);
    assert!(
        table.starts_with(
            "The one path to AMLFS has a cause of plaintext: VNet client-vnet has encryption\noff.\n"
        ),
        "{table}"
    );
    for line in [
        "fail     client's VNet encrypted    client-vnet: encryption.enabled = false",
        "         client-vnet-encryption",
        "note     AMLFS maintained since     fs1: maintenanceWindow = Friday 22:00 UTC",
        "pass     VNet flow log              server-vnet-flow-log: enabled = true",
        "  client-vnet-encryption: VNet client-vnet has encryption off.",
        "  VNet server-vnet permits plaintext: what cannot be encrypted is sent all the",
        "    az network vnet update --subscription \\",
    ] {
        assert!(
            table.lines().any(|known| known == line),
            "{line} is not in:\n{table}"
        );
    }
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'));
}

#[test]
fn names_cannot_command_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let all = fs::read_to_string(folder("az/vnets.json")).unwrap();
    let all = all
        .replace("client-vnet", "client\\u001b[2Jvnet")
        .replace("\"enabled\": true", "\"enabled\": false");
    fs::write(dir.path().join("vnets.json"), all).unwrap();
    let mut command = plainsight(&["posture", "--azure"]);
    let output = azure(command.arg(dir.path()), &["az"]);
    assert!(!said(&output, 1).contains('\u{1b}'));
}

#[test]
fn output_files_have_the_format_of_their_ending() {
    let dir = tempfile::tempdir().unwrap();
    let (json, table) = (
        dir.path().join("posture.json"),
        dir.path().join("posture.txt"),
    );
    let mut command = plainsight(&["posture", "-o"]);
    let output = azure(command.arg(&json).arg("-o").arg(&table), &["az"]);
    assert_eq!(fs::read_to_string(table).unwrap(), said(&output, 0));
    let json: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(json, report(&["posture"], &["az"], 0));
}

#[test]
fn sizes_of_ones_own_replace_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = dir.path().join("sizes.txt");
    fs::write(&sizes, "Standard_HB*rs_v3\n").unwrap();
    let sizes = sizes.display().to_string();
    let own = ["posture", "--vm-sizes", &sizes];
    let size = |report: &Value| {
        let causes = report["paths"][0]["causes"].as_array().unwrap().clone();
        let mut found = causes
            .into_iter()
            .filter(|check| check["check"] == "vm_size");
        found.next().unwrap()["outcome"].clone()
    };
    assert_eq!(
        size(&report(&["posture"], &["causes/vm-size.json", "az"], 1)),
        "fail"
    );
    assert_eq!(
        size(&report(&own, &["causes/vm-size.json", "az"], 1)),
        "pass"
    );
}

/// Servers can be named where no export has the file system.
#[test]
fn posture_takes_servers_that_no_export_has() {
    let without = ["az/vnets.json", "az/nics.json", "az/vms.json"];
    let named = report(
        &["posture", "--servers", "10.20.2.77,10.20.1.0/24"],
        &without,
        3,
    );
    let paths = named["paths"].as_array().unwrap();
    let ends: Vec<_> = paths
        .iter()
        .map(|path| (&path["client"]["address"], &path["server"]["address"]))
        .collect();
    assert_eq!(
        ends,
        [
            (&json!("10.20.1.4"), &json!("10.20.2.77")),
            (&json!("10.20.1.4"), &Value::Null)
        ]
    );
    assert_eq!(paths[0]["server"]["found_by"], "prefix");
    // A file system's own server is that file system's.
    let both = report(&["posture", "--servers", "10.20.2.5"], &["az"], 0);
    assert_eq!(both["paths"].as_array().unwrap().len(), 1);
}

fn report_with(capture: &str, more: &[&str], names: &[&str], exit_code: i32) -> Value {
    let capture = trace(capture);
    let arguments = [&["analyze", &capture], more].concat();
    report(&arguments, names, exit_code)
}

/// The same report without what the configuration adds.
fn without_azure(mut report: Value) -> Value {
    let fields = report.as_object_mut().unwrap();
    for field in ["servers", "exports", "file_systems", "clients", "warnings"] {
        fields.remove(field);
    }
    for path in fields["paths"].as_array_mut().unwrap() {
        path["azure"].take();
        path["causes"].take();
    }
    report
}

/// Whatever the configuration says, verdicts and exit codes are those of the packets.
#[test]
fn configuration_makes_no_verdict() {
    let servers = ["--servers", "10.20.2.5,10.20.2.6,10.20.2.0/25"];
    for (capture, exit_code) in [
        ("all-encrypted.pcap", 3),
        ("all-plaintext.pcap", 1),
        ("one-path-each-way.pcap", 1),
        ("turns.pcapng", 1),
        ("nfs.pcap", 3),
    ] {
        let plain = without_azure(report_with(capture, &servers, &[], exit_code));
        for names in [
            &["az"][..],
            &["causes/client-vnet-off.json", "az"],
            &["causes/vm-size.json", "arm"],
        ] {
            let told = report_with(capture, &[], names, exit_code);
            assert_eq!(without_azure(told), plain, "{capture} {names:?}");
        }
    }
}

#[test]
fn what_is_encrypted_stays_so_under_a_bad_configuration() {
    let names = [
        "causes/client-vnet-off.json",
        "causes/vm-size.json",
        "az/amlfs.json",
    ];
    let report = report_with("all-encrypted.pcap", &[], &names, 0);
    assert_eq!(report["paths"][0]["verdict"], "encrypted");
    assert_eq!(report["paths"][0]["causes"][0]["outcome"], "fail");
}

#[test]
fn every_path_has_its_ends_and_causes() {
    let report = report_with(
        "one-path-each-way.pcap",
        &[],
        &["causes/server-vnet-off.json", "az"],
        1,
    );
    for path in report["paths"].as_array().unwrap() {
        let causes = path["causes"].as_array().unwrap();
        let failing: Vec<_> = causes
            .iter()
            .filter(|check| check["outcome"] == "fail")
            .collect();
        assert_eq!(failing.len(), 1, "{failing:?}");
        assert_eq!(failing[0]["check"], "server_vnet");
        assert_eq!(failing[0]["field"]["value"], "false");
        let name = |pointer: &str| {
            path.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(name("/azure/client/vm"), "client-1");
        assert_eq!(name("/azure/client/nic"), "client-1-nic");
        assert_eq!(name("/azure/client/virtual_network"), "client-vnet");
        assert_eq!(name("/azure/server/virtual_network"), "server-vnet");
        assert_eq!(name("/azure/file_system"), "fs1");
    }
    assert_eq!(report["file_systems"][0]["name"], "fs1");
    assert_eq!(report["clients"][0]["name"], "client-1");
    // Without exports there is none of it.
    let report = report_with("one-path-each-way.pcap", &[], &[], 1);
    assert_eq!(report["paths"][0]["causes"], json!([]));
    assert_eq!(report["paths"][0]["azure"], json!(null));
    assert_eq!(
        (&report["file_systems"], &report["clients"]),
        (&json!([]), &json!([]))
    );
}

/// The file system and its NICs name servers; the flag comes first.
#[test]
fn servers_come_from_exports_with_their_source() {
    let sources = |report: &Value| -> Vec<(String, bool, String)> {
        let servers = report["servers"].as_array().unwrap().iter();
        let word = |server: &Value, field: &str| server[field].as_str().unwrap().to_owned();
        servers
            .map(|it| {
                (
                    word(it, "address"),
                    it["expected"] == true,
                    word(it, "source"),
                )
            })
            .collect()
    };
    let row =
        |address: &str, expected, source: &str| (address.to_owned(), expected, source.to_owned());
    let report = report_with(
        "all-encrypted.pcap",
        &["--servers", "10.20.2.6"],
        &["az"],
        3,
    );
    assert_eq!(
        sources(&report),
        [
            row("10.20.2.5", true, "azure: file system fs1"),
            row("10.20.2.6", true, "--servers"),
            row("10.20.2.0/25", false, "azure: file system fs1"),
        ]
    );
    // One that is expected and not seen is silent, as if it had been named.
    let report = report_with("nfs.pcap", &[], &["az/amlfs.json"], 3);
    assert_eq!(report["paths"][0]["verdict"], "silent");
    assert_eq!(report["paths"][0]["server"], "10.20.2.5");
}

#[test]
fn the_table_says_why_and_what_mends_it() {
    let table = |names: &[&str], more: &[&str]| {
        let capture = trace("one-path-each-way.pcap");
        let output = azure(plainsight(&["analyze", &capture]).args(more), names);
        said(&output, 1)
    };
    let off = table(&["causes/client-vnet-off.json", "az"], &[]);
    let why = "  10.20.1.4 to 10.20.2.6: VNet client-vnet has encryption off (client-vnet:\n    encryption.enabled = false)\n    az network vnet update --subscription \\\n      11111111-2222-3333-4444-555555555555 --resource-group hpc --name \\\n      client-vnet --enable-encryption true";
    assert!(off.contains(why), "{off}");
    // An encrypted path needs no explanation.
    assert!(!off.contains("10.20.1.4 to 10.20.2.5: VNet"), "{off}");
    assert!(
        off.contains("  10.20.2.6, from azure: NIC amlfs-4e5f6a7b-snic\n"),
        "{off}"
    );
    let good = table(&["az"], &[]);
    assert!(
        good.contains("it is\n    plaintext all the same")
            || good.contains("it is plaintext all the same")
            || good.contains("and it\n    is plaintext all the same"),
        "{good}"
    );
    let verbose = table(&["az"], &["--verbose"]);
    assert!(
        verbose.contains("10.20.1.4 to 10.20.2.6: configuration\n"),
        "{verbose}"
    );
    assert!(verbose.contains("pass     VM size supported"), "{verbose}");
    assert!(
        verbose.contains("File system fs1: configuration\n"),
        "{verbose}"
    );
    assert!(
        verbose.contains("VM client-1: configuration\n"),
        "{verbose}"
    );
    let without = table(&[], &["--servers", "10.20.2.0/24"]);
    assert!(
        !without.contains("Why") && !without.contains("Servers\n"),
        "{without}"
    );
}

/// The packets of a capture in pcap, little-endian, of Ethernet, each with its record's
/// header.
fn records(pcap: &[u8]) -> Vec<&[u8]> {
    let mut rest = &pcap[24..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let captured = u32::from_le_bytes(rest[8..12].try_into().unwrap());
        let (record, after) = rest.split_at(16 + captured as usize);
        records.push(record);
        rest = after;
    }
    records
}

/// Fragments are seen as such where their first was not captured.
#[test]
fn fragments_in_the_capture_are_a_cause() {
    let whole = fs::read(trace("fragments.pcap")).unwrap();
    assert_eq!(whole[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    // Behind the headers of the record and of Ethernet: flags and offset of IPv4.
    let is_first = |record: &&[u8]| {
        let field = u16::from_be_bytes([record[16 + 14 + 6], record[16 + 14 + 7]]);
        field & 0x3fff == 0x2000
    };
    let all = records(&whole);
    assert!(all.iter().any(is_first));
    let later = all.into_iter().filter(|record| !is_first(record));
    let bytes: Vec<u8> = [&whole[..24]]
        .into_iter()
        .chain(later)
        .flatten()
        .copied()
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later.pcap");
    fs::write(&path, bytes).unwrap();
    let of = |path: &str, exit_code| {
        let report = report(&["analyze", path], &["az"], exit_code);
        let causes = report["paths"][0]["causes"].as_array().unwrap().clone();
        let mut found = causes
            .into_iter()
            .filter(|check| check["check"] == "fragments");
        found.next().unwrap()["outcome"].clone()
    };
    assert_eq!(of(path.to_str().unwrap(), 3), "fail");
    assert_eq!(of(&trace("fragments.pcap"), 3), "note");
}

fn logged(state: &str, more: &[&str]) -> Value {
    let log = folder(&format!("../flow-logs/states/{state}.json"));
    let log = log.display().to_string();
    let arguments = [&["analyze", "--flow-logs", &log], more].concat();
    report(&arguments, &["az"], 1)
}

fn cause(report: &Value, check: &str) -> Value {
    let causes = report["paths"][0]["causes"].as_array().unwrap();
    let found = causes.iter().find(|it| it["check"] == check);
    found.expect(check).clone()
}

/// A good configuration does not hide what the platform says of its hosts.
#[test]
fn what_the_flow_log_says_of_a_host_is_the_cause() {
    for (log, check, state) in [
        ("nx-local-dst", "same_host", "NX_LOCAL_DST"),
        ("nx-hw-not-supported", "vm_size", "NX_HW_NOT_SUPPORTED"),
    ] {
        let cause = cause(&logged(log, &[]), check);
        assert_eq!(cause["outcome"], "fail");
        let field = json!(
            {"resource": "flow log", "id": null, "path": "encryption", "value": state, "file": null}
        );
        assert_eq!(cause["field"], field);
        let log = folder(&format!("../flow-logs/states/{log}.json"));
        let mut command = plainsight(&["analyze", "--flow-logs"]);
        let table = said(&azure(command.arg(log), &["az"]), 1);
        assert!(table.contains(state), "{table}");
        assert!(!table.contains("no check fails"), "{table}");
    }
}

/// What was not captured shows neither fragments nor that there are none.
#[test]
fn without_a_capture_nothing_is_said_of_one() {
    let alone = logged("nx", &[]);
    let fragments = cause(&alone, "fragments");
    assert_eq!(fragments["outcome"], "note");
    let says = fragments["says"].as_str().unwrap();
    assert!(says.ends_with("and nothing was captured"), "{says}");
    let with_capture = report_with("all-plaintext.pcap", &[], &["az"], 1);
    let says = cause(&with_capture, "fragments")["says"].clone();
    assert!(
        says.as_str()
            .unwrap()
            .starts_with("The capture shows no IP fragment"),
        "{says}"
    );
}

/// Lists are read item by item: a limit of memory that holds the program and the file, and
/// not every object of it, is enough.
#[test]
fn what_is_no_resource_takes_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("objects.json");
    let objects = vec![r#"{"a":0}"#; 1_000_000].join(",");
    fs::write(&path, format!("[{objects}]")).unwrap();
    let mut command = Command::new("sh");
    let script = r#"ulimit -v 300000; exec "$0" posture --format json --azure "$1""#;
    let output = command
        .args(["-c", script, PROGRAM])
        .arg(&path)
        .output()
        .unwrap();
    let report: Value = serde_json::from_str(&said(&output, 3)).unwrap();
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(
        warning.ends_with("1000000 passed over: no resource: it has no id"),
        "{warning}"
    );
}

#[test]
fn the_headline_names_what_else_failed() {
    let output = azure(
        &mut plainsight(&["posture"]),
        &["causes/flow-log-off.json", "az"],
    );
    let table = said(&output, 1);
    let headline: String = table.split("\n\n").next().unwrap().replace('\n', " ");
    assert_eq!(
        headline,
        "No cause of plaintext was found on 1 path to AMLFS; another check failed (VNet flow log)."
    );
}

/// Only what a command mends is among the remedies.
#[test]
fn remedies_have_commands() {
    let output = azure(
        &mut plainsight(&["posture"]),
        &["causes/amlfs-not-maintained.json", "az"],
    );
    let table = said(&output, 1);
    let (before, after) = table
        .split_once("What fails, and no command mends\n")
        .expect(&table);
    assert!(
        after.contains("Servers encrypt only after the next maintenance"),
        "{table}"
    );
    assert!(!before.contains("Servers encrypt only after"), "{table}");
}

/// Two NICs of a VM may say different things of it.
#[test]
fn each_nic_speaks_for_itself() {
    let mut all = Vec::new();
    for kind in ["vnets", "vms", "nics", "amlfs", "nsgs", "disks"] {
        all.extend(crate::support::azure::list(
            &crate::support::azure::fixture(&format!("az/{kind}.json")),
        ));
    }
    let mut second = crate::support::azure::of_base("client-1-nic");
    second["id"] = crate::support::azure::id("Microsoft.Network/networkInterfaces", "second-nic");
    second["name"] = json!("second-nic");
    second["vnetEncryptionSupported"] = json!(false);
    second["ipConfigurations"][0]["privateIPAddress"] = json!("10.20.1.77");
    all.push(second);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("all.json"), json!(all).to_string()).unwrap();
    let dir = dir.path().display().to_string();
    let report = report(&["posture", "--azure", &dir], &[], 1);
    let mut said: Vec<_> = report["paths"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|path| {
            let causes = path["causes"].as_array().unwrap().iter();
            causes.filter(|it| it["check"] == "restart").map(|it| {
                (
                    it["outcome"].as_str().unwrap(),
                    it["says"].as_str().unwrap(),
                )
            })
        })
        .collect();
    said.sort_unstable();
    assert_eq!(said.len(), 2);
    assert!(said[0].0 == "fail" && said[0].1.contains("VM client-1 of NIC second-nic was not"));
    assert!(said[1].0 == "pass" && said[1].1.contains("VM client-1 of NIC client-1-nic was"));
}

/// Without a capture nothing was captured anywhere; and a flow that has just begun says so.
#[test]
fn a_flow_log_alone_has_no_vantage() {
    let states = folder("../flow-logs/states");
    let table = |text: &str, exit_code| {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("PT1H.json");
        fs::write(&log, text).unwrap();
        let mut command = plainsight(&["analyze", "--servers", "10.20.2.0/24", "--flow-logs"]);
        said(&command.arg(&log).output().unwrap(), exit_code)
    };
    let whole = fs::read_to_string(states.join("x.json")).unwrap();
    let counted = table(&whole, 0);
    assert!(!counted.contains("Vantage"), "{counted}");
    assert!(!counted.contains("begun, no statistics yet"), "{counted}");
    let mut log: Value = serde_json::from_str(&whole).unwrap();
    for tuple in tuples(&mut log) {
        let text = tuple.as_str().unwrap();
        let fields: Vec<&str> = text.split(',').take(9).collect();
        *tuple = json!(format!("{},,,,", fields.join(",")));
    }
    let begun = table(&log.to_string(), 3);
    assert!(begun.contains("begun, no statistics yet"), "{begun}");
    for tuple in tuples(&mut log) {
        *tuple = json!(tuple.as_str().unwrap().replace(",X,", ",,"));
    }
    let empty = table(&log.to_string(), 3).replace("\n    ", " ");
    assert!(empty.contains("tuples have no encryption state"), "{empty}");
}

/// All flow tuples of a log: the words with commas.
fn tuples(log: &mut Value) -> Vec<&mut Value> {
    match log {
        Value::String(text) if text.matches(',').count() == 12 => vec![log],
        Value::Object(members) => members.values_mut().flat_map(tuples).collect(),
        Value::Array(items) => items.iter_mut().flat_map(tuples).collect(),
        _ => Vec::new(),
    }
}

/// An accepted verdict stays what it is, and counts for no exit code until its day is over.
#[test]
fn an_accepted_path_counts_for_no_exit_code() {
    let capture = trace("all-plaintext.pcap");
    let plain = report(&["analyze", &capture], &[], 1);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("accepted.json");
    let accepted = |until: &str, exit_code| {
        let paths = plain["paths"].as_array().unwrap().iter();
        let waivers: Vec<Value> = paths
            .map(|path| {
                let word = |field: &str| path[field].as_str().unwrap().to_owned();
                json!({
                    "path": format!("{}>{}", word("client"), word("server")),
                    "reason": "scratch data", "by": "CISO", "until": until,
                })
            })
            .collect();
        fs::write(&file, json!(waivers).to_string()).unwrap();
        let file = file.display().to_string();
        report(&["analyze", &capture, "--accept", &file], &[], exit_code)
    };
    let waived = accepted("2999-12-31", 0);
    assert_eq!(waived["paths"][0]["verdict"], "plaintext");
    assert_eq!(waived["waivers"][0]["state"], "used");
    let expired = accepted("2020-12-31", 1);
    assert_eq!(expired["waivers"][0]["state"], "expired");
    let told = expired["warnings"].to_string();
    assert!(told.contains("expired on 2020-12-31"), "{told}");
}

/// A waiver accepts no more than its words say: what would not be heeded is refused.
#[test]
fn words_of_a_waiver_that_nothing_heeds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("accepted.json");
    let capture = trace("all-plaintext.pcap");
    let refused = |field: &str, value: &str| {
        let mut waiver = json!({
            "path": "10.20.1.4>10.20.2.6", "reason": "scratch", "by": "CISO",
            "until": "2999-12-31",
        });
        waiver[field] = value.into();
        fs::write(&file, json!([waiver]).to_string()).unwrap();
        complaint(plainsight(&["analyze", &capture, "--accept"]).arg(&file))
    };
    let message = refused("resource", "other");
    assert!(message.contains("`resource`"), "{message}");
    for until in [
        "2999-12-31T23:00:00",
        "2999-12-31T23:00:00+14:00",
        "2999-12-31T12:00[Pacific/Kiritimati]",
        "2999-12-31[Pacific/Kiritimati]",
    ] {
        let message = refused("until", until);
        assert!(message.contains("`until`"), "{message}");
    }
}

/// Gates in CI read `JUnit` and SARIF.
#[test]
fn formats_for_gates_are_well_formed() {
    let said_in = |format: &str, exit_code| {
        let mut command = plainsight(&["posture", "--format", format]);
        let names = ["causes/client-vnet-off.json", "az"];
        said(&azure(&mut command, &names), exit_code)
    };
    let sarif: Value = serde_json::from_str(&said_in("sarif", 1)).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let failing: Vec<&Value> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| result["kind"] == "fail")
        .collect();
    assert_eq!(failing.len(), 1);
    assert_eq!(failing[0]["ruleId"], "client-vnet-encryption");
    assert!(rules.iter().any(|rule| rule["id"] == failing[0]["ruleId"]));
    // By 3.27.10, only a failure has a level.
    for result in run["results"].as_array().unwrap() {
        assert_eq!(result["level"] == "none", result["kind"] != "fail");
    }
    let junit = said_in("junit", 1);
    assert!(junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "));
    assert_eq!(junit.matches("<failure ").count(), 1);
    for element in ["testsuites", "testsuite"] {
        let ends = junit.matches(&format!("</{element}>")).count();
        let starts = junit.matches(&format!("<{element} ")).count();
        assert_eq!(starts, ends, "{element}");
    }
}

/// The catalogue is printed in words and as JSON.
#[test]
fn controls_are_printed() {
    let printed = |arguments: &[&str]| said(&plainsight(arguments).output().unwrap(), 0);
    let text_ = printed(&["posture", "--controls"]);
    let json = printed(&["posture", "--controls", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let all = json.as_array().unwrap();
    assert!(all.len() > 30);
    for control in all {
        assert!(text_.contains(control["id"].as_str().unwrap()), "{control}");
    }
    for more in [
        ["--format", "junit"],
        ["--format", "sarif"],
        ["-o", "controls.json"],
    ] {
        let message = complaint(plainsight(&["posture", "--controls"]).args(more));
        assert!(message.contains("--controls"), "{message}");
    }
}
