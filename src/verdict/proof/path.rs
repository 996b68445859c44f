//! Proof that a path is encrypted.

use std::borrow::Cow;

use super::{Breach, Finding, PATH, ProofOutcome, some_packets};
use crate::decode::Protocol;
use crate::evidence::Shown;
use crate::evidence::ciphertext::{ByteSample, ByteTest};
use crate::evidence::dtls::{Choice, Version};
use crate::flow::choices::Cipher;
use crate::flow::session::Protected;
use crate::flow::{Direction, DtlsFacts, Reason, Sighting, Tally};
use crate::verdict::{Class, Part, Terms, both_ways};

/// Packets listed for an obligation, at most.
const PLACES: usize = 3;

const READABLE: ProofOutcome = ProofOutcome::Broken(Breach::Readable);
const WEAK: ProofOutcome = ProofOutcome::Broken(Breach::Weak);

/// Outcomes of all [obligations of a path](PATH) but the last, which flow logs decide, as
/// its captured parts show them.
#[must_use]
pub fn of_path(parts: &[Part<'_>], terms: Terms) -> Vec<Finding<Sighting>> {
    let seen = SeenParts { parts, terms };
    let answers = [
        seen.data(),
        seen.nothing_readable(),
        seen.nothing_exposed(),
        seen.suite(),
        seen.ciphertext(),
        seen.explained(),
    ];
    let findings = PATH.iter().zip(answers);
    findings
        .map(|(obligation, answer)| {
            Finding::new(obligation, answer.outcome, answer.says).at(answer.at)
        })
        .collect()
}

/// Answer to the question of an obligation.
struct Answer {
    outcome: ProofOutcome,
    says: Cow<'static, str>,
    at: Vec<Sighting>,
}

impl Answer {
    fn new(
        outcome: ProofOutcome,
        says: impl Into<Cow<'static, str>>,
        at: impl IntoIterator<Item = Sighting>,
    ) -> Self {
        let mut at: Vec<Sighting> = at.into_iter().collect();
        at.sort_unstable();
        at.dedup_by_key(|at| at.position);
        at.truncate(PLACES);
        Self {
            outcome,
            says: says.into(),
            at,
        }
    }
}

/// Captured parts of a path.
struct SeenParts<'p, 's> {
    parts: &'p [Part<'s>],
    terms: Terms,
}

impl<'p, 's> SeenParts<'p, 's> {
    fn dtls(&self) -> impl Iterator<Item = &'s DtlsFacts> + use<'p, 's> {
        let parts = self.parts.iter();
        parts.filter_map(|part| part.flow.dtls.as_deref())
    }

    fn protected(&self) -> impl Iterator<Item = &'s Protected> + use<'p, 's> {
        self.dtls().flat_map(DtlsFacts::protected)
    }

    fn tallies(&self, wanted: Class) -> impl Iterator<Item = (&'p Part<'s>, Shown, &'p Tally)> {
        let parts = self.parts.iter();
        parts.flat_map(move |part| {
            let tallies = part.tallies().filter(move |&(class, ..)| class == wanted);
            tallies.map(move |(_, shown, tally)| (part, shown, tally))
        })
    }

    fn data(&self) -> Answer {
        let first = self.protected().filter_map(|it| it.data).min();
        match first {
            Some(at) => Answer::new(
                ProofOutcome::Met,
                "protected application data was seen",
                [at],
            ),
            None if self.is_summed() => {
                let says = "protected records were seen only in flows that were not kept apart; a \
                            higher --max-flows keeps them";
                Answer::new(ProofOutcome::Open, says, [])
            }
            None if self.dtls().next().is_some() => {
                let says = "no protected application data was seen, only a handshake";
                Answer::new(ProofOutcome::Open, says, [])
            }
            None => Answer::new(ProofOutcome::Open, "no DTLS was seen", []),
        }
    }

    /// Tests for protected records in a sum over flows, of which no session is known.
    fn is_summed(&self) -> bool {
        let mut sums = self.parts.iter().filter(|part| part.key.is_none());
        sums.any(|part| part.flow.tally(Shown::Ciphertext).is_some())
    }

    fn nothing_readable(&self) -> Answer {
        let plaintext = || self.tallies(Class::Plaintext);
        let packets: u64 = plaintext().map(|(_, _, tally)| packets(tally)).sum();
        match packets {
            0 => Answer::new(ProofOutcome::Met, "no packet is plaintext", []),
            _ => Answer::new(
                READABLE,
                some_packets(packets, [" is plaintext", " are plaintext"]),
                plaintext().map(|(_, _, tally)| tally.first),
            ),
        }
    }

    fn nothing_exposed(&self) -> Answer {
        let exposed: Vec<_> = self
            .dtls()
            .filter_map(|dtls| dtls.exposed)
            .map(|(at, _)| at)
            .collect();
        if exposed.is_empty() {
            return Answer::new(ProofOutcome::Met, "no record can be read", []);
        }
        let says = "a DTLS record shows what a cipher would have hidden";
        Answer::new(READABLE, says, exposed)
    }

    fn choices(&self) -> impl Iterator<Item = (Choice, Sighting)> + use<'p, 's> {
        let choices = self.dtls().flat_map(|dtls| dtls.suites.iter());
        choices.map(|(&choice, &at)| (choice, at))
    }

    fn suite(&self) -> Answer {
        let readable = self
            .choices()
            .filter(|&(choice, _)| Cipher::of(choice) != Cipher::Secret);
        let readable: Vec<_> = readable.map(|(_, at)| at).collect();
        if !readable.is_empty() {
            let says = "a ServerHello chose a suite that does not encrypt, or is not assigned";
            return Answer::new(READABLE, says, readable);
        }
        let offered: Vec<_> = self
            .dtls()
            .filter_map(|it| it.offered()?.no_cipher)
            .collect();
        if !offered.is_empty() {
            let says = "a ClientHello offered no suite that encrypts";
            return Answer::new(READABLE, says, offered);
        }
        self.promised()
    }

    /// Answer where every hello is of suites that encrypt.
    fn promised(&self) -> Answer {
        let policy = self.terms.policy;
        let weak = self
            .choices()
            .filter(|&(choice, _)| !policy.accepts(choice));
        let weak: Vec<_> = weak.map(|(_, at)| at).collect();
        if !weak.is_empty() {
            return Answer::new(
                WEAK,
                "a ServerHello chose less than the policy demands",
                weak,
            );
        }
        let compressed: Vec<_> = self.dtls().filter_map(DtlsFacts::compressed).collect();
        if !compressed.is_empty() {
            let says = "a ServerHello chose to compress, and then lengths tell what is encrypted";
            return Answer::new(WEAK, says, compressed);
        }
        let mut versions = self.dtls().flat_map(DtlsFacts::versions);
        if versions.any(|version| !policy.accepts_version(version)) {
            let says = "protected records are of a version below the policy";
            return Answer::new(WEAK, says, []);
        }
        self.hello()
    }

    /// Answer where no suite that was seen speaks against the path.
    fn hello(&self) -> Answer {
        self.unread().unwrap_or_else(|| self.chosen())
    }

    /// Answer where a hello does not tell all that it says of suites.
    fn unread(&self) -> Option<Answer> {
        let unread: Vec<_> = self.dtls().filter_map(DtlsFacts::unread_hello).collect();
        if !unread.is_empty() {
            let says = "a ServerHello was captured, and too little of it to read its suite";
            return Some(Answer::new(ProofOutcome::Open, says, unread));
        }
        let unread: Vec<_> = self.dtls().filter_map(|it| it.offered()?.unread).collect();
        if !unread.is_empty() {
            let says = "a ClientHello was captured, and too little of it to read its suites";
            return Some(Answer::new(ProofOutcome::Open, says, unread));
        }
        if self
            .dtls()
            .filter_map(DtlsFacts::offered)
            .any(|it| it.is_unanswered)
        {
            let says = "a ClientHello followed encrypted data, and no answer to it was captured, so \
                        that nothing tells which suite governs the records behind it";
            return Some(Answer::new(ProofOutcome::Open, says, []));
        }
        let of_1_3 = self
            .choices()
            .filter(|((version, _), _)| *version == Version::V1_3);
        let of_1_3: Vec<_> = of_1_3.map(|(_, at)| at).collect();
        if !of_1_3.is_empty() {
            let says = "a ServerHello chose DTLS 1.3, of whose records nothing tells whether they \
                        are encrypted";
            return Some(Answer::new(ProofOutcome::Open, says, of_1_3));
        }
        None
    }

    /// Answer where every hello that was seen tells its suite.
    fn chosen(&self) -> Answer {
        let chosen = self.choices().map(|(_, at)| at);
        let unseen = self.protected().any(|it| it.cipher != Cipher::Secret);
        match (
            unseen || self.choices().next().is_none(),
            self.terms.require_handshake,
        ) {
            (false, _) => {
                let says = "every ServerHello chose a suite that meets the policy";
                Answer::new(ProofOutcome::Met, says, chosen)
            }
            (true, true) => {
                let says = "the suite of some records was not seen, and --require-handshake asks \
                            for it";
                Answer::new(ProofOutcome::Open, says, [])
            }
            (true, false) if self.choices().next().is_none() => {
                Answer::new(ProofOutcome::Met, "no ServerHello was seen", [])
            }
            (true, false) => {
                let says = "the suite of some records was not seen; what was seen meets the policy";
                Answer::new(ProofOutcome::Met, says, chosen)
            }
        }
    }

    fn ciphertext(&self) -> Answer {
        if self.protected().any(|it| it.bytes == ByteTest::NoCipher) {
            let says = "records hold bytes that no cipher makes";
            return Answer::new(READABLE, says, []);
        }
        if self.small().test() == ByteTest::NoCipher {
            let says = "the records of small sessions together hold bytes that no cipher makes";
            return Answer::new(READABLE, says, []);
        }
        let of = |wanted| move |it: &&Protected| it.data.is_some() && it.bytes == wanted;
        let cut: Vec<_> = self
            .protected()
            .filter(of(ByteTest::CutShort))
            .filter_map(|it| it.data)
            .collect();
        if !cut.is_empty() {
            let says = "the capture cut records too short to tell what they hold";
            return Answer::new(ProofOutcome::Open, says, cut);
        }
        let few = of(ByteTest::TooFewBytes);
        let is_open = |it: &&Protected| it.cipher != Cipher::Secret && few(it);
        let open: Vec<_> = self
            .protected()
            .filter(is_open)
            .filter_map(|it| it.data)
            .collect();
        if open.is_empty() {
            let says = match self.protected().next() {
                Some(_) => "the bytes of its records are a cipher's",
                None => "no protected record was seen that says otherwise",
            };
            return Answer::new(ProofOutcome::Met, says, []);
        }
        let says = "no ServerHello was captured, and too few bytes to tell a cipher from none";
        Answer::new(ProofOutcome::Open, says, open)
    }

    /// Bytes of all sessions that are too small for a test of their own.
    fn small(&self) -> ByteSample {
        let mut all = ByteSample::default();
        self.dtls().for_each(|dtls| all.merge(dtls.small().clone()));
        all
    }

    fn explained(&self) -> Answer {
        let unclear = self.tallies(Class::Undetermined);
        let unclear: Vec<_> = unclear
            .filter(|&(part, shown, tally)| {
                let is_copied = both_ways(tally).packets == 0;
                let goes = |way| is_copied || tally.count(way).packets > 0;
                let mut ways = Direction::BOTH.into_iter().filter(|&way| goes(way));
                ways.any(|way| !self.explains(part, shown, way))
            })
            .collect();
        let packets: u64 = unclear.iter().map(|(_, _, tally)| packets(tally)).sum();
        match packets {
            0 if self.parts.iter().any(|part| part.has_unknown) => Answer::new(
                ProofOutcome::Open,
                "flows of UDP were too many to tell which datagrams stood beside its DTLS",
                [],
            ),
            0 => Answer::new(
                ProofOutcome::Met,
                "every packet can be told, or is a fragment or a cut \
                                            record of encrypted flows",
                [],
            ),
            _ => Answer::new(
                ProofOutcome::Open,
                some_packets(packets, [" cannot be told"; 2]),
                unclear.iter().map(|(_, _, tally)| tally.first),
            ),
        }
    }

    /// Tests that packets that go one way are fragments or cut records of a flow that shows
    /// encrypted data the same way.
    fn explains(&self, part: &Part<'_>, shown: Shown, way: Direction) -> bool {
        match (shown, part.key) {
            (Shown::CutRecords, Some(_)) => is_encrypted(part, way == part.client),
            (Shown::Portless, Some(key)) if key.unread == Some(Reason::ORPHAN) => {
                key.protocol == Protocol::Udp
                    && self
                        .parts
                        .iter()
                        .any(|other| is_encrypted(other, way == part.client))
            }
            _ => false,
        }
    }
}

/// Packets of a tally. What duplicates alone show, because they differ behind the bytes that
/// tell them, counts as well.
fn packets(tally: &Tally) -> u64 {
    match both_ways(tally).packets {
        0 => tally.copies.packets,
        packets => packets,
    }
}

/// Tests that a flow shows encrypted data on the way to the server, or from it.
fn is_encrypted(part: &Part<'_>, to_server: bool) -> bool {
    let way = if to_server {
        part.client
    } else {
        part.client.back()
    };
    let mut tallies = part.tallies();
    tallies.any(|(class, _, tally)| class == Class::Encrypted && tally.count(way).packets > 0)
}
