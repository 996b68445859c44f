//! A window of time: its report is that of a capture of its packets alone.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use crate::saved::{analyze, pcapng};
use crate::support::made;
use crate::support::run::{self, Stored};

const SERVERS: &str = "10.20.2.0/24,10.20.2.99";

/// Time of the frame at a place, as a flag has it.
fn moment(place: usize, spread: u64) -> String {
    let micros = 1_700_000_000_000_000 + spread * place as u64;
    let micros = i64::try_from(micros).expect("a time");
    jiff::Timestamp::from_microsecond(micros)
        .expect("a time")
        .to_string()
}

/// The report on a file, in JSON, without the names and numbers that a shorter one has not.
fn report(words: &[&str], file: &Path) -> Value {
    let words = [&["--servers", SERVERS], words].concat();
    let report = analyze(&words, &[file.to_owned()]);
    let mut report = serde_json::to_value(&report).expect("a report");
    without_places(&mut report);
    report
}

fn without_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let has = |name| fields.contains_key(name);
            if has("shows") || has("time") || has("is_mirrored") {
                let places = ["packet", "file", "input", "display_filter"];
                fields.retain(|name, _| !places.contains(&name.as_str()));
            }
            fields.values_mut().for_each(without_places);
        }
        Value::Array(values) => values.iter_mut().for_each(without_places),
        _ => {}
    }
}

fn check(frames: &[Stored], (from, to): (usize, usize), spread: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let all: Vec<_> = frames.iter().enumerate().collect();
    let [whole, part] = ["whole", "part"].map(|name| folder.path().join(name));
    fs::write(&whole, pcapng(&all, spread)).expect("a file");
    fs::write(&part, pcapng(&all[from..to], spread)).expect("a file");
    let [since, until] = [from, to].map(|place| moment(place, spread));
    let of_window = report(&["--since", &since, "--until", &until], &whole);
    let of_part = report(&[], &part);
    for field in [
        "paths",
        "dtls_elsewhere",
        "timeline",
        "first",
        "last",
        "proof",
        "summary",
    ] {
        assert_eq!(of_window[field], of_part[field], "{field}");
    }
    for bucket in [
        "paths",
        "dtls_elsewhere",
        "other",
        "duplicates",
        "undecodable",
    ] {
        let [one, other] = [&of_window, &of_part].map(|it| &it["accounting"][bucket]);
        assert_eq!(one, other, "{bucket}");
    }
    run::assert_sums(&of_window, frames);
    let outside = run::volume(&of_window["accounting"]["outside_window"]);
    assert_eq!(outside.0, (frames.len() - (to - from)) as u64);
}

proptest! {
    #![proptest_config(crate::support::config(96))]

    #[test]
    fn a_window_gives_the_report_of_its_packets_alone(
        made in made::capture(40),
        missed in prop::collection::vec(any::<bool>(), 1..40),
        ends in any::<[prop::sample::Index; 2]>(),
        spread in prop_oneof![Just(1), Just(300_000), Just(60_000_000)],
    ) {
        let link_type = made.first().map(|made| made.frame.link_type);
        let all = made::seen_twice(made, &missed).into_iter().map(|made| made.frame);
        let frames: Vec<_> = all.filter(|frame| Some(frame.link_type) == link_type).collect();
        prop_assume!(!frames.is_empty());
        let [one, other] = ends.map(|end| end.index(frames.len()));
        let (from, to) = (one.min(other), one.max(other) + 1);
        check(&frames, (from, to), spread);
    }
}
