//! The JSON report, held to its description in `report.schema.json`.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::expect;
use crate::support::program::{analyze, any_report, trace};

/// Flow logs of all kinds: all states, damage, and files that are none.
const LOGS: &str = "tests/flow-logs";

fn schema() -> Value {
    serde_json::from_str(include_str!("../report.schema.json")).expect("JSON")
}

fn validator() -> Validator {
    let schema = schema();
    jsonschema::draft202012::meta::validate(&schema).expect("a schema of draft 2020-12");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema")
}

fn report(name: &str, more: &[&str]) -> Value {
    any_report(analyze().args(more).arg(trace(name)))
}

/// Every trace with servers named, with none, with one that is silent, and with sums.
fn reports() -> Vec<Value> {
    let ways: [&[&str]; 6] = [
        &["--servers", expect::SERVERS],
        &[],
        &["--servers", "10.20.2.5,10.20.2.99", "--policy", "any-dtls"],
        &["--servers", expect::SERVERS, "--max-flows", "1"],
        &["--servers", expect::SERVERS, "--flow-logs", LOGS],
        &[
            "--vantage",
            "guest",
            "--flow-logs",
            LOGS,
            "--max-flows",
            "2",
        ],
    ];
    let traces = expect::load(&trace("")).expect("traces");
    traces
        .iter()
        .flat_map(|trace| ways.map(|way| report(&trace.file, way)))
        .collect()
}

#[test]
fn every_report_is_as_described() {
    let validator = validator();
    for report in reports() {
        let wrong: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{}\n{report:#}", wrong.join("\n"));
    }
}

/// A schema that lets anything pass would hold nothing.
#[test]
fn what_is_not_described_is_refused() {
    let validator = validator();
    let good = report("turns.pcapng", &["--servers", expect::SERVERS]);
    assert!(validator.is_valid(&good));
    let changes: [(&str, Value); 10] = [
        ("/schema_version", json!(2)),
        ("/summary/exit_code", json!(2)),
        ("/accounting/other/packets", json!(-1)),
        ("/paths/0/verdict", json!("safe")),
        ("/paths/0/client", json!("a client")),
        ("/paths/0/basis", json!("hearsay")),
        ("/vantage/value", json!("moon")),
        ("/paths/0/evidence/0/time", json!("yesterday")),
        (
            "/paths/0/flows/0/to_server/plaintext",
            json!({"packets": 1}),
        ),
        (
            "/paths/0/dtls/suites/0",
            json!({"id": "0xc02c", "name": "", "more": 1}),
        ),
    ];
    for (place, value) in changes {
        let mut bad = good.clone();
        *bad.pointer_mut(place).expect(place) = value;
        assert!(!validator.is_valid(&bad), "{place}");
    }
}

/// Every object says which fields it has, and what each of them means.
#[test]
fn every_field_is_described() {
    fn check(at: &str, schema: &Value) {
        let Some(object) = schema.as_object() else {
            return;
        };
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            assert_eq!(object["additionalProperties"], false, "{at}");
            let required: BTreeSet<_> = object["required"]
                .as_array()
                .expect(at)
                .iter()
                .filter_map(Value::as_str)
                .collect();
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{at}/{name}");
                assert!(required.contains(name.as_str()), "{at}/{name}");
                check(&format!("{at}/{name}"), property);
            }
        }
        check(
            &format!("{at}[]"),
            &object.get("items").cloned().unwrap_or_default(),
        );
    }
    let schema = schema();
    check("", &schema);
    for (name, definition) in schema["$defs"].as_object().expect("definitions") {
        check(name, definition);
    }
}
