//! Facts of the DTLS records of a flow together.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::choices::Choices;
use super::handshakes::{HandshakeEvent, HandshakeOrder};
use super::offers::{Offered, Offers};
use super::sequence::{Gaps, SequenceSet};
use super::session::{Protected, Segment, Sessions};
use super::stored::{self, Sound, sound};
use super::tally::join_tallies;
use super::{Count, Sighting, Tally, keep_first, merge_boxed};
use crate::evidence::Shown;
use crate::evidence::ciphertext::{self, ByteSample, Exposure};
use crate::evidence::dtls::hello::{self, Hello};
use crate::evidence::dtls::{DtlsRecord, Version};

/// Parts of the input that are kept apart in case that another comes between.
const MAX_PARTS: usize = 16;

/// Facts of the DTLS records of a flow together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtlsFacts {
    /// Records seen.
    #[serde(deserialize_with = "stored::count")]
    pub records: u64,
    /// Those of [`Version::ALL`] that a protected record has.
    versions: [bool; Version::ALL.len()],
    /// Suites that `ServerHello`s chose, each with its version and the first that did.
    pub suites: Choices,
    /// First `ClientHello` that offered no suite that encrypts, and was whole in a record.
    offers_no_cipher: Option<Sighting>,
    /// The first record that shows what a cipher would have hidden.
    pub exposed: Option<(Sighting, Exposure)>,
    /// By part of the input, in its order.
    #[serde(deserialize_with = "sound")]
    segments: Vec<FlowPart>,
    /// Later fragments of packets of protected records.
    fragments: Option<Box<Tally>>,
    /// Sessions, once all parts are there.
    #[serde(skip)]
    sessions: Sessions,
    /// `ClientHello`s that speak against the flow, once all parts are there.
    #[serde(skip)]
    offered: Option<Box<Offered>>,
}

/// Facts of a flow from a part of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FlowPart {
    segment: Segment,
    /// Numbers of records in epoch 0, by direction.
    clear: [SequenceSet; 2],
    /// `ClientHello`s that are in fragments, or cut.
    offers: Option<Box<Offers>>,
    /// True if a server's hello came before the first of those.
    is_answered: bool,
    /// Order of protected records and hellos.
    order: HandshakeOrder,
}

impl Sound for FlowPart {
    fn is_sound(&self) -> bool {
        self.segment.is_sound() && self.clear.is_sound()
    }
}

impl FlowPart {
    fn new(at: &Sighting) -> Self {
        Self {
            segment: Segment::new(at),
            clear: Default::default(),
            offers: None,
            is_answered: false,
            order: HandshakeOrder::default(),
        }
    }

    fn hello(&mut self, hello: Hello, at: &Sighting) {
        self.segment.hello(hello, at);
        self.order.note(HandshakeEvent::Answer, at.time);
        self.answer();
    }

    fn answer(&mut self) {
        match &mut self.offers {
            Some(offers) => offers.answer(),
            None => self.is_answered = true,
        }
    }

    fn offer(&mut self, hello: Hello, at: &Sighting) {
        self.offers.get_or_insert_default().add(hello, *at);
    }

    fn join(&mut self, later: Self) {
        let is_of_another = self.segment.is_of_another(&later.segment);
        self.segment.join(later.segment);
        for (kept, more) in self.clear.iter_mut().zip(later.clear) {
            kept.append(more);
        }
        self.order.join(&later.order, is_of_another);
        if later.is_answered {
            self.answer();
        }
        match (&mut self.offers, later.offers) {
            (Some(offers), Some(later)) => offers.join(*later),
            (offers @ None, later) => *offers = later,
            (Some(_), None) => {}
        }
    }

    fn finish(&self) -> Sessions {
        let mut all = self.segment.finish();
        for clear in &self.clear {
            all.gaps = all.gaps.and(clear.gaps());
        }
        all
    }
}

impl DtlsFacts {
    /// Takes in a record of the packet `at`, which showed `shown`. Where it is all that the packet
    /// holds, and protected, the packet is counted with it.
    pub fn add(
        &mut self,
        record: &DtlsRecord<'_>,
        shown: Shown,
        alone: Option<Count>,
        at: &Sighting,
    ) {
        self.records += u64::from(!at.is_copy);
        let exposed = match shown {
            Shown::Exposed => ciphertext::exposure(record),
            _ if record.is_readable_handshake() => Some(Exposure::Handshake),
            _ => None,
        };
        if let Some(exposure) = exposed {
            keep_first(&mut self.exposed, Some((*at, exposure)));
        }
        if record.is_protected() {
            self.note_version(record.version);
            let part = self.run(at);
            part.order.note(HandshakeEvent::Record, at.time);
            part.segment.record(record, exposed, alone, at);
        } else {
            self.add_clear(record, at);
        }
    }

    #[cold]
    fn add_clear(&mut self, record: &DtlsRecord<'_>, at: &Sighting) {
        if !at.is_copy {
            self.run(at).clear[at.direction as usize].add(record.sequence);
        }
        if !at.is_copy && hello::begins(record) {
            self.run(at).order.note(HandshakeEvent::Offer, at.time);
        }
        for fragment in hello::offers(record) {
            let is_whole = fragment.at == 0;
            match hello::offers_no_cipher(fragment.bytes).filter(|_| is_whole) {
                Some(true) => keep_first(&mut self.offers_no_cipher, Some(*at)),
                Some(false) => {}
                None => self.run(at).offer(Hello::of(&fragment), at),
            }
        }
        for fragment in hello::choices(record) {
            let hello = Hello::of(&fragment);
            if let Some(choice) = hello.choice() {
                self.suites.add(choice, *at);
            }
            self.run(at).hello(hello, at);
        }
    }

    #[inline(always)]
    fn run(&mut self, at: &Sighting) -> &mut FlowPart {
        if self.segments.is_empty() {
            self.begin(at);
        }
        self.segments.last_mut().expect("one was pushed")
    }

    #[cold]
    fn begin(&mut self, at: &Sighting) {
        // One is all that most flows have.
        self.segments.reserve_exact(1);
        self.segments.push(FlowPart::new(at));
    }

    #[inline]
    fn note_version(&mut self, version: Version) {
        let place = Version::ALL.iter().position(|known| *known == version);
        if let Some(place) = place {
            self.versions[place] = true;
        }
    }

    /// Counts a packet of several records, all protected: all of `epoch`, or of several.
    pub fn count(&mut self, epoch: Option<u16>, count: Count, at: &Sighting) {
        self.run(at).segment.count(epoch, count, at);
    }

    /// Counts a later IP fragment of such a packet. Nothing tells of which session it is.
    pub fn count_fragment(&mut self, count: Count, at: &Sighting) {
        let tally = self
            .fragments
            .get_or_insert_with(|| Box::new(Tally::new(*at)));
        tally.add(count, at);
    }

    /// Versions of the protected records.
    pub fn versions(&self) -> impl Iterator<Item = Version> {
        let seen = Version::ALL.into_iter().zip(self.versions);
        seen.filter_map(|(version, is_seen)| is_seen.then_some(version))
    }

    /// Tests that any of the handshake was captured that tells what was negotiated.
    #[must_use]
    pub fn handshake_seen(&self) -> bool {
        !self.suites.is_empty()
    }

    /// Protected records by session and epoch, those together of which the same is known.
    /// There are none before all parts of the input were added and [settled](Self::settle).
    #[must_use]
    pub fn protected(&self) -> &[Protected] {
        &self.sessions.protected
    }

    /// Packets of protected records alone, over all sessions, and their later fragments.
    #[must_use]
    pub fn ciphertext(&self) -> Option<Tally> {
        let parts = self.segments.iter();
        let tallies = parts.flat_map(|part| part.segment.tallies());
        let all = tallies.chain(self.fragments.as_deref());
        all.fold(None, |mut sum, tally| {
            join_tallies(&mut sum, Some(tally));
            sum
        })
    }

    /// Packets of protected records alone.
    pub(super) fn placed(&self) -> Count {
        let parts = self.segments.iter();
        let tallies = parts.flat_map(|part| part.segment.tallies());
        tallies
            .chain(self.fragments.as_deref())
            .map(Tally::placed)
            .sum()
    }

    /// Later fragments of packets of protected records, whose session nothing tells.
    #[must_use]
    pub fn fragments(&self) -> Option<&Tally> {
        self.fragments.as_deref()
    }

    /// First hello of which too little was captured to read its choice.
    #[must_use]
    pub fn unread_hello(&self) -> Option<Sighting> {
        self.sessions.unread_hello
    }

    /// First hello that chose to compress.
    #[must_use]
    pub fn compressed(&self) -> Option<Sighting> {
        self.sessions.compressed
    }

    /// Bytes of the sessions and epochs that have too few for a test of their own.
    #[must_use]
    pub fn small(&self) -> &ByteSample {
        &self.sessions.small
    }

    /// Gaps and repeats in the sequence numbers, over all sessions, epochs and both directions.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        self.sessions.gaps
    }

    /// `ClientHello`s that speak against the flow.
    #[must_use]
    pub fn offered(&self) -> Option<&Offered> {
        self.offered.as_deref()
    }

    /// Concludes what is known of the sessions by now.
    pub fn settle(&mut self) {
        let all = match &self.segments[..] {
            [] => return self.settle_offers(None),
            [one] => Cow::Borrowed(one),
            [first, more @ ..] => {
                let mut all = first.clone();
                more.iter().cloned().for_each(|later| all.join(later));
                Cow::Owned(all)
            }
        };
        self.sessions = all.finish();
        self.suites.merge(&self.sessions.choices);
        let mut offers = all.offers.as_deref().map(Offers::finish);
        if all.order.is_unanswered() && !self.suites.is_empty() && !all.segment.is_tangled() {
            offers.get_or_insert_default().is_unanswered = true;
        }
        self.settle_offers(offers);
    }

    /// Joins what several records show of `ClientHello`s to what single ones do.
    fn settle_offers(&mut self, offers: Option<Offered>) {
        let mut offered = offers.unwrap_or_default();
        keep_first(&mut offered.no_cipher, self.offers_no_cipher);
        self.offered = (offered != Offered::default()).then(|| Box::new(offered));
    }

    /// Frees what only more packets would need, once it is [settled](Self::settle).
    pub(super) fn close(&mut self) {
        self.segments = Vec::new();
    }

    /// Adds what another part of the input says of the flow.
    pub fn merge(&mut self, other: Self) {
        self.records += other.records;
        keep_first(&mut self.exposed, other.exposed);
        keep_first(&mut self.offers_no_cipher, other.offers_no_cipher);
        for (kept, more) in self.versions.iter_mut().zip(other.versions) {
            *kept |= more;
        }
        self.suites.merge(&other.suites);
        merge_boxed(&mut self.fragments, other.fragments, |kept, more| {
            kept.merge(&more);
        });
        self.segments.extend(other.segments);
        self.segments.sort_by_key(|part| part.segment.start);
        // Parts come in the order of the input, so nothing will come between the first ones.
        while self.segments.len() > MAX_PARTS {
            let second = self.segments.remove(1);
            self.segments[0].join(second);
        }
    }
}
