//! DTLS sessions of a flow: what stands between one `ServerHello` and the next, by epoch.
//!
//! A [`Segment`] is a part of the flow in the order of the capture, as one worker walked it.
//! It keeps apart what came before its first hello, its first session and its last one,
//! for what comes from the segments around it belongs to those, and the neighbours of both,
//! which a hello may govern that is not whole yet; the sessions between are complete, and only
//! what is known of them stays. So segments join in order, in any grouping,
//! to what one walk over all of them gives, in bounded memory.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::choices::Cipher;
use super::stored::{self, Sound};
use super::{Count, Position, Sighting, Tally, merge_boxed};
use crate::capture::Timestamp;
use crate::evidence::ciphertext::{ByteTest, Exposure};
use crate::evidence::dtls::DtlsRecord;
use crate::evidence::dtls::hello::Hello;

mod epoch;
mod known;

use epoch::Epoch;
pub use epoch::Protected;
pub use known::Sessions;
use known::charge;

/// Epochs of a session that are kept apart: the lowest.
const MAX_EPOCHS: usize = 4;

/// Sessions of a segment that are kept apart: what came before the first hello, the first two
/// that have one, and the last two.
const MAX_SESSIONS: usize = 5;

/// Time by which a datagram may overtake another.
const REORDERING_NANOS: i64 = 1_000_000_000;

/// Records that one hello governs; or, if none was seen, those before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Session {
    hello: Option<(Sighting, Hello)>,
    /// By number, in order; no more than [`MAX_EPOCHS`]. One is all that most sessions have.
    #[serde(deserialize_with = "stored::few")]
    epochs: SmallVec<[(u16, Epoch); 1]>,
    /// All epochs above those.
    beyond: Option<Box<Epoch>>,
    /// Packets with records of several epochs.
    across: Option<Box<Tally>>,
    /// Cipher of the session before, if that has protected records.
    before: Option<Cipher>,
    /// True if a record has the time of the hello, or an earlier one: it may be of the session
    /// before.
    is_early: bool,
    /// Cipher of the session behind, and when its hello was captured.
    behind: Option<(Cipher, Option<Timestamp>)>,
    /// Time of the earliest record.
    first: Option<Timestamp>,
    /// Time of the latest record.
    last: Option<Timestamp>,
}

impl Session {
    fn of(hello: Hello, at: &Sighting) -> Self {
        Self {
            hello: Some((*at, hello)),
            ..Self::default()
        }
    }

    fn epoch(&mut self, number: u16) -> &mut Epoch {
        match self.epochs.iter().position(|&(known, _)| known == number) {
            Some(place) => &mut self.epochs[place].1,
            None => self.new_epoch(number),
        }
    }

    #[cold]
    fn new_epoch(&mut self, number: u16) -> &mut Epoch {
        let place = self.epochs.partition_point(|&(known, _)| known < number);
        if place == MAX_EPOCHS {
            return self.beyond.get_or_insert_default();
        }
        self.epochs.insert(place, (number, Epoch::default()));
        if self.epochs.len() > MAX_EPOCHS
            && let Some((_, highest)) = self.epochs.pop()
        {
            self.beyond.get_or_insert_default().join(highest);
        }
        &mut self.epochs[place].1
    }

    #[inline]
    fn record(
        &mut self,
        record: &DtlsRecord<'_>,
        exposed: Option<Exposure>,
        at: &Sighting,
    ) -> &mut Epoch {
        if let Some((hello, _)) = &self.hello
            && at.time.is_some()
            && at.time <= hello.time
            && at.position != hello.position
        {
            self.is_early = true;
        }
        self.first = self.first.into_iter().chain(at.time).min();
        self.last = self.last.max(at.time);
        let epoch = self.epoch(record.epoch);
        epoch.record(record, exposed, at);
        epoch
    }

    fn count(&mut self, epoch: Option<u16>, count: Count, at: &Sighting) {
        match epoch {
            Some(number) => self.epoch(number).count(count, at),
            None => self
                .across
                .get_or_insert_with(|| Box::new(Tally::new(*at)))
                .add(count, at),
        }
    }

    /// Packets of protected records alone.
    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        let kept = self.epochs.iter().map(|(_, epoch)| epoch);
        let epochs = kept.chain(self.beyond.as_deref());
        epochs
            .filter_map(|epoch| epoch.tally.as_ref())
            .chain(self.across.as_deref())
    }

    /// Cipher that its hello put in charge; `None` where there is nothing to be in charge of.
    fn cipher(&self) -> Option<Cipher> {
        match &self.hello {
            Some((_, hello)) => Some(hello.choice().map_or(Cipher::Unread, Cipher::of)),
            None if self.epochs.is_empty() => None,
            None => Some(Cipher::Unseen),
        }
    }

    /// Worst cipher that can have been in charge of its records.
    fn worst(&self) -> Cipher {
        let before = self.before.filter(|_| self.is_early);
        let all = [self.cipher(), before, self.late()];
        all.into_iter().flatten().min().unwrap_or(Cipher::Unseen)
    }

    /// Cipher of packets with records of several epochs: they are as bad as the worst.
    fn across(&self, worst: Cipher, tally: &Tally) -> Protected {
        let epochs = self.epochs.iter();
        let all = epochs.map(|(number, epoch)| epoch.protected(charge(*number, worst)));
        let bad = all.min_by_key(|it| (it.exposed.is_none(), it.bytes, it.cipher));
        Protected {
            cipher: bad.as_ref().map_or(worst, |it| it.cipher),
            bytes: bad.as_ref().map_or(ByteTest::TooFewBytes, |it| it.bytes),
            exposed: bad.and_then(|it| it.exposed),
            data: None,
            tally: Some(tally.clone()),
        }
    }

    /// Cipher of the session behind, if a record may be of that: one no earlier than its
    /// hello, or where no other hello was seen, one so little earlier that it may only have
    /// overtaken the hello.
    fn late(&self) -> Option<Cipher> {
        let (cipher, begun) = self.behind?;
        let lead = match (begun, self.last) {
            (Some(begun), Some(last)) => begun.0.saturating_sub(last.0),
            _ => 0,
        };
        match self.hello {
            Some(_) => lead <= 0 && begun.is_some(),
            None => lead <= REORDERING_NANOS,
        }
        .then_some(cipher)
    }

    /// Tests for the session's own hello, or more of it. What shows more, and has little of the
    /// random that was seen, is of the next session once this one has records: those follow
    /// the whole hello.
    fn continues(&self, hello: &Hello) -> bool {
        self.hello.as_ref().is_some_and(|(_, own)| {
            let is_telling = own.shares_random(hello) || own.covers(hello);
            own.is_same(hello) && (is_telling || self.epochs.is_empty())
        })
    }

    /// Adds what came later in the same session.
    fn join(&mut self, later: Self) {
        match (&mut self.hello, later.hello) {
            (Some((_, hello)), Some((_, more))) => hello.join(&more),
            (hello @ None, more) => *hello = more,
            (Some(_), None) => {}
        }
        for (number, epoch) in later.epochs {
            self.epoch(number).join(epoch);
        }
        if let Some(beyond) = later.beyond {
            self.beyond.get_or_insert_default().join(*beyond);
        }
        merge_boxed(&mut self.across, later.across, |kept, more| {
            kept.merge(&more);
        });
        self.is_early |= later.is_early;
        self.behind = later.behind;
        self.first = self.first.into_iter().chain(later.first).min();
        self.last = self.last.max(later.last);
    }
}

/// Sessions of a part of a flow, in the order of the capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// First packet; segments are joined in this order.
    pub start: Position,
    /// The records before the first hello, the first session, and the last one.
    sessions: Vec<Session>,
    /// The sessions between.
    complete: Sessions,
    /// Times of the earliest and the latest record.
    span: Option<(Timestamp, Timestamp)>,
    /// File of the last packet.
    #[serde(with = "stored::file")]
    file: u32,
    /// True if parts from several files cover the same time, so that no order tells which hello
    /// is in charge.
    is_tangled: bool,
}

impl Sound for Session {
    fn is_sound(&self) -> bool {
        let is_ordered = |pair: &[(u16, Epoch)]| pair[0].0 < pair[1].0;
        self.epochs.len() <= MAX_EPOCHS && self.epochs.windows(2).all(is_ordered)
    }
}

impl Sound for Segment {
    fn is_sound(&self) -> bool {
        let begins = |session: &Session| session.hello.is_some();
        let is_kept = (1..=MAX_SESSIONS).contains(&self.sessions.len());
        is_kept && self.sessions.iter().skip(1).all(begins) && self.sessions.is_sound()
    }
}

impl Segment {
    /// Segment that begins with the packet `at`.
    #[must_use]
    pub fn new(at: &Sighting) -> Self {
        Self {
            start: at.position,
            sessions: vec![Session::default()],
            complete: Sessions::default(),
            span: None,
            file: at.position.file,
            is_tangled: false,
        }
    }

    fn last(&mut self) -> &mut Session {
        self.sessions.last_mut().expect("a segment has a session")
    }

    /// Takes in a protected record, and counts its packet if that holds no other.
    #[inline]
    pub fn record(
        &mut self,
        record: &DtlsRecord<'_>,
        exposed: Option<Exposure>,
        alone: Option<Count>,
        at: &Sighting,
    ) {
        self.stretch(at);
        let epoch = self.last().record(record, exposed, at);
        if let Some(count) = alone {
            epoch.count(count, at);
        }
    }

    #[inline]
    fn stretch(&mut self, at: &Sighting) {
        match (at.time, &mut self.span) {
            // Nearly always.
            (Some(time), Some((_, last))) if time >= *last => *last = time,
            (Some(time), Some((first, _))) => *first = time.min(*first),
            (Some(time), span @ None) => *span = Some((time, time)),
            (None, _) => {}
        }
    }

    /// Counts a packet of several protected records, all of one epoch if it is given.
    pub fn count(&mut self, epoch: Option<u16>, count: Count, at: &Sighting) {
        self.last().count(epoch, count, at);
    }

    /// Packets of protected records alone, over all sessions.
    pub fn tallies(&self) -> impl Iterator<Item = &Tally> {
        let complete = self.complete.protected.iter();
        let complete = complete.filter_map(|it| it.tally.as_ref());
        self.sessions
            .iter()
            .flat_map(Session::tallies)
            .chain(complete)
    }

    /// Takes in a hello, or a fragment of one.
    #[cold]
    pub fn hello(&mut self, hello: Hello, at: &Sighting) {
        self.stretch(at);
        self.begin(Session::of(hello, at));
    }

    /// Adds a session that begins with a hello, unless it is the last one's.
    fn begin(&mut self, mut session: Session) {
        let (at, hello) = session
            .hello
            .as_ref()
            .expect("a session begins with its hello");
        let last = self.last();
        if last.continues(hello) {
            last.join(session);
            return self.tell_before_last();
        }
        last.behind = session.cipher().map(|cipher| (cipher, at.time));
        session.before = last.cipher();
        self.push(session);
    }

    /// Lets the session before the last know what is known of the last one's hello by now.
    fn tell_before_last(&mut self) {
        if let [.., before, last] = &mut self.sessions[..]
            && let (Some((behind, _)), Some(cipher)) = (&mut before.behind, last.cipher())
        {
            *behind = cipher;
        }
    }

    /// Adds a session that follows the last, whose hello is whole, or never will be.
    fn push(&mut self, session: Session) {
        if self.sessions.len() == MAX_SESSIONS {
            let complete = self.sessions.remove(MAX_SESSIONS - 2);
            self.complete.add(&complete);
        }
        self.sessions.push(session);
    }

    /// Adds a segment that came later.
    pub fn join(&mut self, later: Self) {
        self.is_tangled |= later.is_tangled || self.is_beside(&later);
        let is_of_another = self.is_of_another(&later);
        self.file = later.file;
        self.span = match (self.span, later.span) {
            (Some(one), Some(two)) => Some((one.0.min(two.0), one.1.max(two.1))),
            (one, two) => one.or(two),
        };
        let mut sessions = later.sessions.into_iter();
        match sessions.next() {
            Some(head) if is_of_another && self.is_behind(&head) => self.complete.add(&Session {
                is_early: true,
                before: Some(Cipher::Unread),
                ..head
            }),
            Some(head) => self.last().join(head),
            None => {}
        }
        if let Some(first) = sessions.next() {
            self.begin(first);
        }
        self.complete.join(later.complete);
        if let Some(mut second) = sessions.next() {
            second.before = self.last().cipher();
            self.push(second);
        }
        sessions.for_each(|session| self.push(session));
    }

    /// Tests that records of another file came before the first hello, by more than datagrams
    /// overtake each other: they are of a session that it does not govern.
    fn is_behind(&self, head: &Session) -> bool {
        let mut hellos = self.sessions.iter().filter_map(|it| it.hello.as_ref());
        let begun = hellos.next().and_then(|(at, _)| at.time);
        let lead = begun.zip(head.first);
        lead.is_some_and(|(begun, first)| begun.0.saturating_sub(first.0) > REORDERING_NANOS)
    }

    /// Tests that both cover some of the same time, and are from several files.
    fn is_beside(&self, later: &Self) -> bool {
        let overlap = match (self.span, later.span) {
            (Some((_, last)), Some((first, _))) => last > first,
            _ => false,
        };
        overlap && self.is_of_another(later)
    }

    /// Tests that a segment that follows is from another file.
    #[must_use]
    pub fn is_of_another(&self, later: &Self) -> bool {
        self.file != later.start.file
    }

    /// Tests that no order tells which hello is in charge.
    #[must_use]
    pub fn is_tangled(&self) -> bool {
        self.is_tangled
    }

    /// All that is known of its sessions.
    #[must_use]
    pub fn finish(&self) -> Sessions {
        let mut all = self.complete.clone();
        self.sessions.iter().for_each(|session| all.add(session));
        if let (true, Some(worst)) = (self.is_tangled, all.choices.worst()) {
            all.blame(worst);
        }
        all
    }
}
