//! Formats for gates, held to the schemas of those who read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::azure::folder;
use crate::support::program::plainsight;

/// Name, attributes that it must have, those that it may have, and children.
type Element = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

/// Elements of Jenkins' `junit-10.xsd` that are written.
#[rustfmt::skip]
const ELEMENTS: [Element; 6] = [
    ("testsuites", &[], &["name", "time", "tests", "failures", "errors"], &["testsuite"]),
    ("testsuite", &["name", "tests", "failures", "errors"],
     &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
     &["testsuite", "testcase"]),
    ("testcase", &["name"], &["time", "classname", "group"], &["skipped", "error", "failure"]),
    ("skipped", &[], &["type", "message"], &[]),
    ("error", &[], &["type", "message"], &[]),
    ("failure", &[], &["type", "message"], &[]),
];

/// Exports that give checks of each outcome, with a waiver of some.
fn written(format: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let waivers = dir.path().join("waivers.json");
    let waiver = |control| {
        json!({"control": control, "reason": "<old> & \"new\"", "by": "CISO",
               "until": "2027-03-31"})
    };
    let waivers_given = json!([waiver("vm-size"), waiver("vnet-flow-log")]);
    fs::write(&waivers, waivers_given.to_string()).unwrap();
    let causes = fs::read_dir(folder("causes")).unwrap();
    let causes = causes.map(|entry| entry.unwrap().path());
    let exports = causes.chain([folder("arm"), folder("az"), folder("traps")]);
    let write = |exports: PathBuf| {
        let mut command = plainsight(&["posture", "--as-of", "2026-11-27", "--format", format]);
        command
            .arg("--azure")
            .arg(exports)
            .arg("--azure")
            .arg(folder("az"))
            .arg("--accept")
            .arg(&waivers);
        let output = command.output().expect("it runs");
        String::from_utf8(output.stdout).expect("text")
    };
    exports.map(write).collect()
}

#[test]
fn sarif_is_as_its_schema_says() {
    // A bracket that nothing opens is a character to JavaScript, and an error to others.
    let schema = include_str!("../schemas/sarif-2.1.0-rtm.5.json").replace("{2}]?$", "{2}\\\\]?$");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema");
    let mut kinds = BTreeMap::<String, usize>::new();
    let mut suppressed = 0;
    for text in written("sarif") {
        let log: Value = serde_json::from_str(&text).expect("JSON");
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let kind = result["kind"].as_str().unwrap().to_owned();
            *kinds.entry(kind).or_default() += 1;
            suppressed += usize::from(result["suppressions"].is_array());
        }
    }
    assert!(
        kinds.keys().eq(["fail", "informational", "open", "pass"]),
        "{kinds:?}"
    );
    assert!(suppressed > 0);
    let broken = json!({"version": "2.1.0", "runs": [{"results": []}]});
    assert!(!validator.is_valid(&broken));
}

#[test]
fn junit_is_as_its_schema_says() {
    let mut seen = BTreeMap::<String, usize>::new();
    for text in written("junit") {
        let body = text
            .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
            .expect("XML");
        let mut rest = body;
        element(&mut rest, "", &mut seen);
        assert_eq!(rest.trim(), "");
    }
    for (name, ..) in ELEMENTS {
        assert!(seen.contains_key(name), "{name}: {seen:?}");
    }
}

#[test]
fn what_a_schema_forbids_is_found() {
    for text in [
        "<testsuite name=\"a\" tests=\"1\" failures=\"0\"></testsuite>",
        "<testsuites skipped=\"1\"></testsuites>",
        "<testsuites><testcase name=\"a\"/></testsuites>",
        "<testsuites></testsuite>",
        "<testsuites name=\"a & b\"></testsuites>",
        "<other/>",
    ] {
        let read = || element(&mut &text[..], "", &mut BTreeMap::new());
        assert!(std::panic::catch_unwind(read).is_err(), "{text}");
    }
}

/// Reads an element below another, and holds it to its row.
fn element(rest: &mut &str, parent: &str, seen: &mut BTreeMap<String, usize>) {
    let (tag, behind) = rest.trim_start()[1..].split_once('>').expect("a tag");
    *rest = behind;
    let (tag, is_empty) = tag
        .strip_suffix('/')
        .map_or((tag, false), |tag| (tag, true));
    let (name, mut attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let row = ELEMENTS.iter().find(|row| row.0 == name);
    let &(_, required, allowed, _) = row.unwrap_or_else(|| panic!("<{name}>"));
    let outer = ELEMENTS.iter().find(|row| row.0 == parent);
    let fits = outer.map_or(parent.is_empty(), |row| row.3.contains(&name));
    assert!(fits, "<{name}> in <{parent}>");
    *seen.entry(name.to_owned()).or_default() += 1;
    let mut given = Vec::new();
    while !attributes.trim().is_empty() {
        let (key, behind) = attributes
            .trim_start()
            .split_once("=\"")
            .expect("an attribute");
        let (value, behind) = behind.split_once('"').expect("its end");
        assert_text(value);
        assert!(
            required.contains(&key) || allowed.contains(&key),
            "{key} of <{name}>"
        );
        given.push(key);
        attributes = behind;
    }
    assert!(
        required.iter().all(|key| given.contains(key)),
        "<{name}> has {given:?}"
    );
    if is_empty {
        return;
    }
    loop {
        let (text, _) = rest.split_once('<').expect("an end");
        assert_text(text);
        *rest = &rest[text.len()..];
        if let Some(end) = rest.strip_prefix("</") {
            let (end, behind) = end.split_once('>').expect("its end");
            assert_eq!(end, name);
            *rest = behind;
            return;
        }
        element(rest, name, seen);
    }
}

/// Holds that a text has no character that XML gives a meaning, but as an entity.
fn assert_text(text: &str) {
    assert!(!text.contains(['<', '\0']), "{text}");
    for entity in text.split('&').skip(1) {
        let known = ["amp;", "lt;", "gt;", "quot;", "apos;"];
        assert!(known.iter().any(|it| entity.starts_with(it)), "{text}");
    }
}
