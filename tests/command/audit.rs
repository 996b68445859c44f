//! Posture as an auditor files it: controls, waivers and the inventory, in each format.

use std::fs;
use std::path::Path;

use plainsight::azure::controls;
use serde_json::{Value, json};

use crate::support::azure::{folder, of_base};
use crate::support::program::{plainsight, said};

/// Output of `posture` for exports, without regard to its exit code.
fn posture(exports: &[&Path], more: &[&str]) -> String {
    let mut command = plainsight(&["posture", "--as-of", "2026-11-27"]);
    for path in exports {
        command.arg("--azure").arg(path);
    }
    let output = command.args(more).output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// The same in words with one space between them.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn all_checks(report: &Value) -> Vec<&Value> {
    let lists = ["paths", "file_systems", "clients"];
    let of = |list: &&str| report[*list].as_array().unwrap().iter();
    let nested = lists.iter().flat_map(of);
    let nested = nested.flat_map(|it| [&it["causes"], &it["checks"]]);
    let all = nested.chain([&report["checks"]]);
    all.filter_map(Value::as_array).flatten().collect()
}

/// Text of a control stands once, and each check names its control.
#[test]
fn checks_carry_ids_and_controls_their_text_once() {
    let exports = ["causes/vm-size.json", "az"].map(folder);
    let text = posture(&[&exports[0], &exports[1]], &["--format", "json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    let told: Vec<&str> = report["controls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    for check in all_checks(&report) {
        let id = check["control"].as_str().unwrap();
        let control = controls::by_id(id).expect(id);
        assert_eq!(json!(control.check), check["check"]);
        assert!(told.contains(&id), "{id}");
    }
    for id in told {
        let control = controls::by_id(id).unwrap();
        assert_eq!(
            text.matches(&*json!(control.rationale).to_string()).count(),
            1
        );
    }
}

#[test]
fn the_catalogue_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../controls.schema.json")).unwrap();
    jsonschema::draft202012::meta::validate(&schema).expect("a schema of draft 2020-12");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let printed = said(
        &mut plainsight(&["posture", "--controls", "--format", "json"]),
        0,
    );
    let catalogue: Value = serde_json::from_str(&printed).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&catalogue)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    // It describes a control as a posture does.
    let posture: Value = serde_json::from_str(include_str!("../posture.schema.json")).unwrap();
    for name in ["control", "test", "reference"] {
        assert_eq!(posture["$defs"][name], schema["$defs"][name]);
    }
    for (place, value) in [
        ("/0/level", json!(3)),
        ("/0/id", json!("No Id")),
        ("/0/back_out", json!("")),
        ("/0/references/0", json!({})),
        ("/0/more", json!(1)),
    ] {
        let mut bad = catalogue.clone();
        match bad.pointer_mut(place) {
            Some(old) => *old = value,
            None => bad[0]["more"] = value,
        }
        assert!(!validator.is_valid(&bad), "{place}");
    }
}

#[test]
fn the_page_of_controls_is_what_is_printed() {
    let mut command = plainsight(&["posture", "--controls", "--format", "markdown"]);
    assert_eq!(
        said(&mut command, 0),
        include_str!("../../docs/controls.md")
    );
    let mut command = plainsight(&["posture", "--format", "markdown", "--azure"]);
    let output = command.arg(folder("az")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// Two VMs of one name, of which one alone lacks a size that can encrypt.
fn namesakes(dir: &Path) {
    let other = json!([of_base("client-1"), of_base("client-1-nic")]).to_string();
    let other = other
        .replace("11111111-", "99999999-")
        .replace("10.20.1.4", "10.20.1.9");
    let other: Value = serde_json::from_str(&other).unwrap();
    let mut other = other.as_array().unwrap().clone();
    other[0]["hardwareProfile"]["vmSize"] = json!("Standard_HB120rs_v3");
    other[1]["vnetEncryptionSupported"] = json!(null);
    let own = of_base("client-1-nic")["ipConfigurations"].clone();
    other[1]["ipConfigurations"][0]["subnet"] = own[0]["subnet"].clone();
    fs::write(dir.join("other.json"), json!(other).to_string()).unwrap();
}

/// A waiver that waives nothing is told in each format, and one that names several resources
/// waives none of them.
#[test]
fn idle_waivers_are_told_in_each_format() {
    let dir = tempfile::tempdir().unwrap();
    let exports = dir.path().join("exports");
    fs::create_dir(&exports).unwrap();
    namesakes(&exports);
    let own = of_base("client-1")["id"].as_str().unwrap().to_owned();
    let other = own.replace("11111111-", "99999999-");
    let label = "client-1 (hpc, 99999999-2222-3333-4444-555555555555)";
    let waiver = |control: &str, resource: &str, until: &str| {
        json!({"control": control, "resource": resource, "reason": "<in spring>", "by": "CISO",
               "until": until})
    };
    let future = "2027-03-31";
    let run = |waivers: Value, format: &str| {
        let file = dir.path().join("waivers.json");
        fs::write(&file, waivers.to_string()).unwrap();
        let more = ["--format", format, "--accept", file.to_str().unwrap()];
        posture(&[&exports, &folder("az")], &more)
    };
    let state = |waiver: Value| {
        let report: Value = serde_json::from_str(&run(json!([waiver]), "json")).unwrap();
        let count = report["waivers"][0]["waived"].as_u64().unwrap();
        (
            report["waivers"][0]["state"].as_str().unwrap().to_owned(),
            count,
        )
    };
    let used = ("used".to_owned(), 1);
    assert_eq!(
        state(waiver("vm-size", &other.to_uppercase(), future)),
        used
    );
    assert_eq!(state(waiver("vm-size", label, future)), used);
    assert_eq!(state(waiver("vm-size", "client-1", future)).0, "ambiguous");
    assert_eq!(state(waiver("vm-size", &own, future)).0, "unmatched");
    assert_eq!(state(waiver("vm-size", &other, "2026-11-26")).0, "expired");

    let idle = json!([
        waiver("vm-size", "client-1", future),
        waiver("key-validity", "nobody", future),
        waiver("vm-size", &other, "2026-11-26"),
    ]);
    let says = [
        "the waiver of vm-size of client-1 by CISO waives nothing: several resources have this name",
        "the waiver of key-validity of nobody by CISO matches nothing that fails or is open",
        "by CISO expired on 2026-11-26",
    ];
    for format in ["table", "json", "junit", "sarif"] {
        let text = words(&run(idle.clone(), format));
        for sentence in says {
            assert!(text.contains(sentence), "{format}: {sentence}\n{text}");
        }
    }
    let junit = run(idle.clone(), "junit");
    let suite =
        "<testsuite name=\"waivers\" tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"3\">";
    assert!(junit.contains(suite), "{junit}");
    let sarif: Value = serde_json::from_str(&run(idle, "sarif")).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    let told = invocation["toolExecutionNotifications"].as_array().unwrap();
    let of_waivers = told.iter().filter(|it| {
        let text = it["message"]["text"].as_str().unwrap();
        it["level"] == "warning" && text.starts_with("the waiver of")
    });
    assert_eq!(of_waivers.count(), 3);
}

/// The export says its time, or the file does; and the report says which.
#[test]
fn the_inventory_says_when_and_by_whom() {
    let dir = tempfile::tempdir().unwrap();
    let time = "2026-10-01T12:00:00Z";
    let file = dir.path().join("vms.json");
    let vms = fs::read_to_string(folder("az/vms.json")).unwrap();
    let read = |text: &str| {
        fs::write(&file, text).unwrap();
        let report: Value =
            serde_json::from_str(&posture(&[&file], &["--format", "json"])).unwrap();
        let file = &report["inventory"]["files"][0];
        assert_eq!(
            (&file["resources"], &file["ignored"]),
            (&json!(1), &json!(0)),
            "{file}"
        );
        (file["exported"].clone(), file["exported_by"].clone())
    };
    let by_export = (json!(time), json!("export"));
    let row = format!("{{\"exportedAt\": \"{time}\"}}\n{vms}");
    assert_eq!(read(&row), by_export);
    assert_eq!(
        read(&format!("{{\"value\": {vms}, \"ExportedAt\": \"{time}\"}}")),
        by_export
    );
    // Of documents in a row the oldest counts.
    let later = "{\"exportedAt\": \"2026-10-02T12:00:00+02:00\"}";
    assert_eq!(read(&format!("{later}{row}")), by_export);
    assert_eq!(read(&vms).1, json!("file"));

    fs::write(&file, &row).unwrap();
    let page = words(&posture(&[&file, &folder("az/nics.json")], &["--verbose"]));
    assert!(page.contains(&format!(
        "exported at {time} by its own word, 1 resource, 0 ignored"
    )));
    for word in [
        "last modified at 20",
        "SHA-256",
        "virtual machine 1111",
        "network interface",
    ] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let brief = words(&posture(&[&file], &[]));
    assert!(brief.contains("1 file read, with 1 resource; 0 ignored (--verbose lists them)."));

    let sarif = posture(&[&file], &["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let artifact = &sarif["runs"][0]["artifacts"][0];
    assert_eq!(artifact["lastModifiedTimeUtc"], time);
    assert_eq!(artifact["hashes"]["sha-256"].as_str().unwrap().len(), 64);
}

/// Encryption that is off is switched on with the enforcement that is set: what was to be
/// dropped is never let through.
#[test]
fn a_remedy_keeps_what_is_to_be_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let command = |enforcement: Value| {
        let mut vnet = of_base("client-vnet");
        vnet["encryption"] = json!({"enabled": false, "enforcement": enforcement});
        let file = dir.path().join("vnet.json");
        fs::write(&file, vnet.to_string()).unwrap();
        let text = posture(&[&file, &folder("az")], &["--format", "json"]);
        let report: Value = serde_json::from_str(&text).unwrap();
        let checks = all_checks(&report);
        let check = checks
            .iter()
            .find(|it| it["check"] == "client_vnet")
            .unwrap();
        assert_eq!(check["outcome"], "fail");
        format!(
            "{} {}",
            check["remedy"].as_str().unwrap(),
            check["says"].as_str().unwrap()
        )
    };
    let dropping = command(json!("DropUnencrypted"));
    assert!(!dropping.contains("AllowUnencrypted"), "{dropping}");
    assert!(
        dropping.contains("--encryption-enforcement-policy DropUnencrypted"),
        "{dropping}"
    );
    assert!(
        dropping.contains("DropUnencrypted drops what cannot be encrypted"),
        "{dropping}"
    );
    for other in [json!("AllowUnencrypted"), json!(null)] {
        let command = command(other);
        assert!(
            command.contains("--encryption-enforcement-policy AllowUnencrypted"),
            "{command}"
        );
    }
}
