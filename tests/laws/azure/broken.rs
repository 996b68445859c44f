//! No JSON, however broken, does more harm than a warning.

use plainsight::azure::export::Export;
use plainsight::azure::topology::Azure;
use plainsight::azure::vm_sizes::VmSizes;
use plainsight::report::POSTURE_FORMATS;
use plainsight::report::Style;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::azure::{MGS, OSS, arm, base, path_to, posture};

/// Does all that can be done with exports.
fn use_all(json: Value) {
    let azure = Azure::new(Export::of("broken", json), VmSizes::default());
    let report = posture(&azure);
    let style = Style {
        width: 80,
        verbose: true,
        ..Style::default()
    };
    for format in POSTURE_FORMATS {
        format
            .write(&report, &style, &mut Vec::new())
            .expect("a report");
    }
    for server in [MGS, OSS] {
        assert!(!path_to(&azure, server).is_empty());
    }
    let _ = azure.servers();
}

/// How many places there are in JSON.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(members) => members.values().map(places).sum(),
        _ => 0,
    }
}

/// Does something to the value at a place, counted from the first. Gives what is left of
/// the count.
fn at_place(value: &mut Value, mut count: usize, harm: &Harm) -> Option<usize> {
    if count == 0 {
        harm.do_to(value);
        return None;
    }
    count -= 1;
    let inside: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => return Some(count),
    };
    inside
        .into_iter()
        .try_fold(count, |count, value| at_place(value, count, harm))
}

#[derive(Clone, Debug)]
enum Harm {
    Replace(Value),
    DropFirst,
    DropAll,
    Wrap,
    Letters,
    Cut(usize),
}

impl Harm {
    fn do_to(&self, value: &mut Value) {
        match (self, &mut *value) {
            (Self::Replace(other), _) => *value = other.clone(),
            (Self::DropFirst, Value::Object(members)) => {
                let first = members.keys().next().cloned();
                first.and_then(|key| members.remove(&key));
            }
            (Self::DropFirst, Value::Array(items)) => drop(items.pop()),
            (Self::DropAll, Value::Object(members)) => members.clear(),
            (Self::DropAll, Value::Array(items)) => items.clear(),
            (Self::Wrap, _) => *value = json!({"properties": [value.take()]}),
            (Self::Letters, Value::Object(members)) => {
                let all = std::mem::take(members).into_iter();
                members.extend(all.map(|(key, member)| (key.to_uppercase(), member)));
            }
            (Self::Cut(len), Value::String(text)) => *text = text.chars().take(*len).collect(),
            _ => *value = Value::Null,
        }
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    let odd = prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("/"),
        json!("10.0.0.0/99"),
        json!("\u{1b}[2J\n\u{0}"),
        json!("ÄÖ/subscriptions/ß"),
        json!("/subscriptions/x/providers/"),
        json!([[]]),
        json!({"id": {"id": "id"}}),
        json!("4294967296-0"),
    ]);
    prop_oneof![
        odd.prop_map(Harm::Replace),
        Just(Harm::DropFirst),
        Just(Harm::DropAll),
        Just(Harm::Wrap),
        Just(Harm::Letters),
        (0..120_usize).prop_map(Harm::Cut),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let key = prop::sample::select(vec![
            "id",
            "ID",
            "properties",
            "value",
            "type",
            "subnets",
            "x",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exports_may_be_harmed(
        harms in prop::collection::vec((any::<prop::sample::Index>(), harm()), 1..24),
        as_arm: bool,
    ) {
        let shaped = |it: &Value| if as_arm { arm(it) } else { it.clone() };
        let mut json: Value = base().iter().map(shaped).collect();
        for (index, harm) in harms {
            let place = index.index(places(&json));
            at_place(&mut json, place, &harm);
        }
        use_all(json);
    }

    #[test]
    fn any_json_may_be_an_export(json in any_json()) {
        use_all(json);
    }

    #[test]
    fn files_may_be_cut_and_flipped(
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut bytes = Value::from(base()).to_string().into_bytes();
        for (index, byte) in flips {
            let len = bytes.len();
            bytes[index.index(len)] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("export.json");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(export) = Export::read(&[path]) {
            let azure = Azure::new(export, VmSizes::default());
            posture(&azure);
        }
    }
}
