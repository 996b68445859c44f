//! A path and its verdict: what captures showed of it, then what the platform says.

use std::collections::BTreeMap;

use super::platform::Scales;
use super::proof::{self, Breach, Finding, ProofOutcome};
use super::{Basis, Class, Ends, Part, Platform, Terms, Vantage, Verdict, conclude};
use crate::aggregate::expected::Met;
use crate::flow::{Count, Sighting, Sizes, Timeline};
use crate::flow_log::Logged;

/// Word for what captures show of a server on none of their paths, and its other traffic.
pub(super) type Observed = (Verdict, Option<Met>);

/// A path and its verdict.
#[derive(Debug)]
pub struct Path<'s> {
    /// Client and server.
    pub ends: Ends,
    /// The verdict.
    pub verdict: Verdict,
    /// Basis of the verdict.
    pub basis: Basis,
    /// Verdict of the capture by itself; `None` if there was none, or the path was not to be
    /// expected in it.
    pub observed: Option<Verdict>,
    /// Word of flow logs on the path, if they have one.
    pub platform: Option<Platform>,
    /// Outcome of each [obligation](super::proof::PATH).
    pub proof: Vec<Finding<Sighting>>,
    /// Its flows, as all interfaces show them.
    pub parts: Vec<Part<'s>>,
    /// Packets seen of it, by class; duplicates counted once.
    pub traffic: BTreeMap<Class, Count>,
    /// Original frame lengths.
    pub packet_sizes: Sizes,
    /// Lengths of DTLS records.
    pub record_sizes: Sizes,
    /// Packets with an expected server that is on no path.
    pub met: Option<Met>,
}

impl Path<'_> {
    /// A path of which no packet was captured; `observed` is what the captures show of its
    /// server, where they should have shown it.
    pub(super) fn unseen(ends: Ends, terms: Terms, observed: Option<Observed>) -> Self {
        let (observed, met) = observed.unzip();
        Self {
            ends,
            verdict: observed.unwrap_or(Verdict::Silent),
            basis: match observed {
                Some(Verdict::Undetermined) => Basis::Capture,
                _ => Basis::None,
            },
            observed,
            platform: None,
            proof: proof::of_path(&[], terms),
            parts: Vec::new(),
            traffic: BTreeMap::new(),
            packet_sizes: Sizes::default(),
            record_sizes: Sizes::default(),
            met: met.flatten(),
        }
    }

    /// Concludes from what was observed and what the platform has logged.
    pub(super) fn hear(&mut self, logged: &[Logged], scales: &Scales<'_>, vantage: Vantage) {
        let platform = scales.weigh(self.ends, logged, &self.parts, self.observed);
        let concluded = conclude(self.observed, platform.said, vantage);
        self.platform = (!logged.is_empty()).then_some(platform);
        proof::hear(&mut self.proof, concluded, self.platform.as_ref(), vantage);
        (self.verdict, self.basis) = concluded;
        if self.verdict == Verdict::Encrypted {
            self.verdict = self.proven();
        }
    }

    /// Packets seen of it over time, by class, but for those without one.
    #[must_use]
    pub fn timelines(&self) -> BTreeMap<Class, Timeline> {
        let mut timelines = BTreeMap::<Class, Timeline>::new();
        for (class, _, tally) in self.parts.iter().flat_map(Part::tallies) {
            let more = tally.timeline();
            if !more.is_empty() {
                let known = timelines.entry(class).and_modify(|sum| sum.merge(more));
                known.or_insert_with(|| more.clone());
            }
        }
        timelines
    }

    /// Verdict that the proof allows at best.
    pub(super) fn proven(&self) -> Verdict {
        match proof::worst(&self.proof) {
            ProofOutcome::Met => Verdict::Encrypted,
            ProofOutcome::Open => Verdict::Undetermined,
            ProofOutcome::Broken(Breach::Weak) => Verdict::Weak,
            ProofOutcome::Broken(Breach::Readable)
                if self.traffic.contains_key(&Class::Encrypted) =>
            {
                Verdict::Mixed
            }
            ProofOutcome::Broken(Breach::Readable) => Verdict::Plaintext,
        }
    }
}
