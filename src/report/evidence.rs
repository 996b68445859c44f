//! The packets that prove a verdict, each with one plain sentence.

use std::time::Duration;

use super::{Evidence, Moment, Names};
use crate::evidence::{Shown, ciphertext::Exposure, dtls::Version, lnet::Proof};
use crate::flow::times::Span;
use crate::flow::{Direction, DtlsFacts, FlowKey, Reason, Sighting, Tally};
use crate::flow_log::{Entry, Mac};
use crate::report::text::{counted, minutes, span};
use crate::verdict::class::Ground;
use crate::verdict::{Class, Part, Path, Policy, Verdict};

/// The name of a proof in the JSON.
pub(super) fn proof_name(proof: Proof) -> &'static str {
    match proof {
        Proof::ConnectionRequest => "connection_request",
        Proof::Hello => "hello",
        Proof::Message => "message",
        Proof::RoutedMessage => "routed_message",
        Proof::Keepalive => "keepalive",
    }
}

/// A path's evidence, the deciding packets first.
pub(super) fn of(path: &Path, policy: Policy, names: &Names<'_>) -> Vec<Evidence> {
    let mut found = EvidenceList {
        names,
        evidence: Vec::new(),
    };
    found.first(path, Class::Plaintext);
    found.last_plaintext(path);
    found.first(path, Class::Encrypted);
    found.exposed(path);
    found.suites(path, policy);
    found.lustre(path);
    found.first(path, Class::Undetermined);
    if path.observed == Some(Verdict::Undetermined) {
        found.first(path, Class::Handshake);
    }
    found.platform(path);
    // Of thousands of paths, each has room for one or two more than there are.
    found.evidence.shrink_to_fit();
    found.evidence
}

/// Least time without plaintext, at the end of a path, that is told.
const WORTH_TELLING: Duration = Duration::from_secs(1);

struct EvidenceList<'n> {
    names: &'n Names<'n>,
    evidence: Vec<Evidence>,
}

impl EvidenceList<'_> {
    fn add(&mut self, of: &'static str, at: Sighting, shows: String) {
        self.evidence.push(Evidence {
            of,
            file: self.names.file(at.position),
            packet: Some(self.names.packet(at.position)),
            record: None,
            time: at.time.map(Moment),
            shows,
            display_filter: self.names.display_filter(at.position),
        });
    }

    fn first(&mut self, path: &Path, class: Class) {
        let first = tallies(path, class).min_by_key(|(_, _, tally)| moment(&tally.first));
        if let Some((part, shown, tally)) = first {
            self.add(
                class.name(),
                tally.first,
                sentence(part, (class, shown), tally.first),
            );
        }
    }

    /// Tells when plaintext ended, where the path went on without it.
    fn last_plaintext(&mut self, path: &Path) {
        let all = path.parts.iter().flat_map(Part::tallies);
        let end = all
            .filter_map(|(_, _, tally)| tally.times.span())
            .map(|(_, last)| last)
            .max();
        let last = tallies(path, Class::Plaintext).max_by_key(|(_, _, tally)| moment(&tally.last));
        let Some((part, shown, tally)) = last else {
            return;
        };
        let went_on = end.zip(tally.last.time).map(|(end, last)| {
            Span {
                first: last,
                last: end,
            }
            .duration()
        });
        let went_on = went_on.filter(|&time| time >= WORTH_TELLING);
        if went_on.is_some() || path.observed == Some(Verdict::Mixed) {
            let what = sentence(part, (Class::Plaintext, shown), tally.last);
            let before =
                went_on.map(|time| format!(", {} before the last packet of all", span(time)));
            let before = before.unwrap_or_default();
            self.add(
                "plaintext_last",
                tally.last,
                format!("the last in plaintext{before}: {what}"),
            );
        }
    }

    fn exposed(&mut self, path: &Path) {
        let seen = dtls(path).filter_map(|(part, dtls)| Some((part, dtls.exposed?)));
        if let Some((part, (at, exposure))) = seen.min_by_key(|(_, exposed)| *exposed) {
            let what = match exposure {
                Exposure::IpHeader => "a readable IP header",
                Exposure::Lustre => "readable Lustre",
                Exposure::Handshake => "a readable handshake message",
                Exposure::Text => "text",
                Exposure::Repeats => "a pattern that repeats",
            };
            let shows = format!(
                "{}: {what} inside a DTLS record, so nothing encrypts it",
                way(part, at.direction)
            );
            self.add("exposed", at, shows);
        }
    }

    fn suites(&mut self, path: &Path, policy: Policy) {
        let mut seen: Vec<_> = dtls(path)
            .flat_map(|(_, dtls)| &dtls.suites)
            .map(|(&chosen, &at)| (chosen, at))
            .collect();
        seen.sort_by_key(|&(chosen, at)| (chosen, at));
        seen.dedup_by_key(|(chosen, _)| *chosen);
        // What speaks against the path comes first.
        seen.sort_by_key(|&((version, suite), _)| {
            let accepted = policy.accepts_suite(suite) && policy.accepts_version(version);
            (suite.is_secret(), accepted)
        });
        for ((version, suite), at) in seen {
            let accepted = policy.accepts_suite(suite) && policy.accepts_version(version);
            let judged = match (suite.is_secret(), accepted) {
                (Some(false), _) => ", which does not encrypt",
                (None, _) => ", which is not registered",
                (Some(true), false) => ", below the policy",
                (Some(true), true) => "",
            };
            let (version, name) = (version.name(), suite.name());
            self.add(
                "suite",
                at,
                format!("the ServerHello chose DTLS {version} with {name}{judged}"),
            );
        }
    }

    /// The first tuple of each state.
    fn platform(&mut self, path: &Path) {
        let states = path.platform.iter().flat_map(|platform| &platform.states);
        for (state, sum) in states {
            let Entry {
                time, record, mac, ..
            } = sum.tally.first;
            let nic = match mac {
                Mac::NONE => "a NIC without a MAC address".to_owned(),
                mac => format!("NIC {mac}"),
            };
            let (name, meaning) = (state.name(), state.meaning());
            let source = match sum.tally.grain {
                None => format!("the flow log of {nic}"),
                Some(grain) => format!(
                    "Traffic Analytics of {nic}, in sums over up to {},",
                    minutes(grain)
                ),
            };
            self.evidence.push(Evidence {
                of: "platform",
                file: self.names.flow_log(sum.tally.first),
                packet: None,
                record: Some(record),
                time: Some(Moment(time)),
                shows: format!("{source} says {name}: {meaning}"),
                display_filter: None,
            });
        }
    }

    fn lustre(&mut self, path: &Path) {
        let proofs = path.parts.iter().filter_map(|part| {
            let (at, proof, _) = part.flow.lustre.as_deref()?.proof?;
            Some((at, proof, part))
        });
        if let Some((at, proof, part)) = proofs.min_by_key(|&(at, ..)| at) {
            let what = match proof {
                Proof::ConnectionRequest => "a Lustre connection request",
                Proof::Hello => "a Lustre HELLO",
                Proof::Message => "an LNet message with the NIDs of both ends",
                Proof::RoutedMessage => "an LNet message with NIDs of other addresses",
                Proof::Keepalive => "a Lustre keepalive",
            };
            self.add(
                "lustre",
                at,
                format!("{}: {what} can be read", way(part, at.direction)),
            );
        }
    }
}

fn moment(at: &Sighting) -> (Option<crate::capture::Timestamp>, crate::flow::Position) {
    (at.time, at.position)
}

fn tallies<'p>(
    path: &'p Path,
    wanted: Class,
) -> impl Iterator<Item = (&'p Part<'p>, Shown, &'p Tally)> {
    path.parts.iter().flat_map(move |part| {
        let tallies = part.tallies().filter(move |&(class, ..)| class == wanted);
        tallies.map(move |(_, shown, tally)| (part, shown, tally))
    })
}

fn dtls<'p>(path: &'p Path) -> impl Iterator<Item = (&'p Part<'p>, &'p DtlsFacts)> {
    let parts = path.parts.iter();
    parts.filter_map(|part| Some((part, part.flow.dtls.as_deref()?)))
}

/// Protocol and ends of a packet, as in `TCP 10.0.0.9:1023 to 10.0.0.4:988`.
fn way(part: &Part, direction: Direction) -> String {
    let Some(key) = part.key else {
        return "one of many flows".to_owned();
    };
    let (from, to) = match direction {
        Direction::Up => (key.low, key.high),
        Direction::Down => (key.high, key.low),
    };
    let protocol = key.protocol.name().to_uppercase();
    if key.unread.is_some() {
        return format!("{protocol} {} to {}", from.address, to.address);
    }
    let end = |end: crate::flow::Endpoint| match end.address.to_string() {
        v6 if v6.contains(':') => format!("[{v6}]:{}", end.port),
        v4 => format!("{v4}:{}", end.port),
    };
    format!("{protocol} {} to {}", end(from), end(to))
}

/// Content of a packet, in a sentence.
fn sentence(part: &Part, (class, shown): (Class, Shown), at: Sighting) -> String {
    let way = way(part, at.direction);
    let payload = counted(at.payload_len.into(), "byte");
    let what = match shown {
        Shown::Ciphertext => protected(part, class),
        Shown::Handshake => "a DTLS handshake, not yet encrypted".to_owned(),
        Shown::Unexplained => {
            "a DTLS record in epoch 0 with bytes that are no handshake's".to_owned()
        }
        Shown::ClearData => "DTLS application data in epoch 0, which nothing protects".to_owned(),
        Shown::Unified => {
            "records as of DTLS 1.3, which do not tell whether they are encrypted".to_owned()
        }
        Shown::Exposed => "a DTLS record whose content can be read".to_owned(),
        Shown::CutRecords => {
            "DTLS records, of which the capture cut off a later one's header".to_owned()
        }
        Shown::CutPayload => "cut off too early to tell whether it is DTLS".to_owned(),
        Shown::Segment | Shown::Readable => {
            format!("readable, outside DTLS; {payload} of payload")
        }
        Shown::BareSegment if part.meaning.class(shown) == Class::Handshake => {
            "a segment without payload, in a stream of DTLS records".to_owned()
        }
        Shown::BareSegment => "readable, outside DTLS; no payload".to_owned(),
        Shown::UnseenSegment => "readable, outside DTLS; payload not captured".to_owned(),
        Shown::Datagram => format!("no DTLS; {payload} of payload"),
        Shown::Tunnelled => format!("a tunnel that is not opened; {payload} of payload"),
        Shown::Wrapped => "readable, outside DTLS: an IP packet or a Lustre message".to_owned(),
        Shown::Portless => unread(part.key),
    };
    format!("{way}: {what}")
}

fn unread(key: Option<FlowKey>) -> String {
    match key.and_then(|key| key.unread) {
        Some(Reason::ORPHAN) => "a later IP fragment, its first not captured".to_owned(),
        Some(reason) => format!("ports unknown, {reason}"),
        None => "ports unknown".to_owned(),
    }
}

fn protected(part: &Part, class: Class) -> String {
    let what = match part.meaning.ground(class).unwrap_or(Ground::Sum) {
        Ground::Suite => return format!("only encrypted {} records", dtls_versions(part)),
        Ground::Bytes => {
            return format!(
                "only encrypted {} records; no ServerHello was captured, so their cipher suite is unknown",
                dtls_versions(part)
            );
        }
        Ground::Renegotiated => {
            return format!(
                "only encrypted {} records, their cipher suite negotiated under encryption",
                dtls_versions(part)
            );
        }
        Ground::UnassignedSuite => "DTLS records under a suite that IANA does not list",
        Ground::NullSuite => "DTLS records under a suite that does not encrypt",
        Ground::Exposed => "DTLS records whose content can be read",
        Ground::Distribution => "DTLS records with bytes that no cipher would make",
        Ground::Sum => "DTLS records of flows too many to tell apart",
    };
    what.to_owned()
}

/// The versions of a flow's protected records, as in `DTLS 1.2`.
fn dtls_versions(part: &Part) -> String {
    let dtls = part.flow.dtls.as_deref();
    let versions = dtls.iter().flat_map(|dtls| dtls.versions());
    let names: Vec<_> = versions.map(Version::name).collect();
    format!("DTLS {}", names.join(" and "))
}
