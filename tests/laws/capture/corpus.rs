//! Captures that others made, where they are present.

use std::fs;
use std::path::Path;

use plainsight::input::{Input, InputPath, OpenError};

use super::libpcap::{assert_same, read_with_libpcap};
use super::{Outcome, walk, walk_input};
use crate::support::oracle::{DIFFERENT, captures, corpus, packets};

fn open(path: &Path) -> Result<Input, OpenError> {
    let (path, found_in) = (path.to_owned(), None);
    Input::open(&InputPath { path, found_in })
}

#[test]
fn packets_are_as_many_as_capinfos_counts() {
    let Some((folder, rows)) = corpus() else {
        return;
    };
    let mut wrong = Vec::new();
    for row in rows {
        let file = &row["file"];
        let outcome = open(&folder.join(file)).map(walk_input);
        let known = DIFFERENT.iter().find(|(name, ..)| name == file);
        let expected = packets(&row);
        let ours = outcome.as_ref().ok().map(|outcome| outcome.packets.len());
        if ours != expected {
            wrong.push(format!(
                "{file}: {ours:?} packets, not {expected:?}: {:?}",
                outcome.map(|o| o.fault)
            ));
            continue;
        }
        let Ok(outcome) = outcome else { continue };
        let theirs = match known {
            Some((.., reason)) => FAULTY.iter().any(|faulty| reason.starts_with(faulty)),
            None => !row["capinfos_err"].is_empty(),
        };
        if outcome.fault.is_some() != (theirs || is_flawed(&outcome)) {
            wrong.push(format!(
                "{file}: {:?}, capinfos: {}",
                outcome.fault, row["capinfos_err"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Reasons for which there is a fault where the number of packets is not capinfos's.
const FAULTY: [&str; 4] = [
    "its packet block",
    "capinfos stops",
    "zeros are",
    "a flawed record",
];

/// What capinfos says nothing of.
fn is_flawed(outcome: &Outcome) -> bool {
    let told = [
        "fraction of a second above one",
        "captured bytes of a packet of",
    ];
    let fault = outcome.fault.as_ref();
    fault.is_some_and(|fault| told.iter().any(|told| fault.what.contains(told)))
}

#[test]
fn frames_are_those_of_libpcap() {
    let Some((folder, names)) = captures() else {
        return;
    };
    let mut compared = 0;
    for name in names {
        let path = folder.join(&name);
        let Some(theirs) = read_with_libpcap(&path) else {
            continue;
        };
        let ours = open(&path).map(walk_input).expect("a capture");
        if !DIFFERENT.iter().any(|(different, ..)| *different == name) {
            assert!(ours.packets.len() >= theirs.packets.len(), "{name}");
            assert!(
                !theirs.whole || ours.packets.len() == theirs.packets.len(),
                "{name}"
            );
        }
        assert_same(&ours.packets, &theirs.packets, &name);
        compared += 1;
    }
    assert!(compared > 250, "only {compared} files compared");
}

#[test]
fn no_damage_is_too_much() {
    let Some((folder, names)) = captures() else {
        return;
    };
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    };
    for name in names {
        let bytes = fs::read(folder.join(&name)).expect("a file of the corpus");
        let whole = walk(&bytes).ok().filter(|outcome| outcome.fault.is_none());
        let whole = whole.map_or(usize::MAX, |outcome| outcome.packets.len());
        for _ in 0..12 {
            let cut = walk(&bytes[..random(bytes.len())]);
            let packets = cut.map_or(0, |outcome| outcome.packets.len());
            assert!(packets <= whole, "{name}");
            let mut damaged = bytes.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                damaged[at] ^= 1 << random(8);
            }
            let _ = walk(&damaged);
        }
    }
}
