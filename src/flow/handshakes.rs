//! Order of protected records and hellos in a flow: a client that begins anew behind protected
//! records and gets no answer leaves it open which suite governs what follows.

use serde::{Deserialize, Serialize};

use crate::capture::Timestamp;

/// Event in the order of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum HandshakeEvent {
    /// A protected record.
    Record,
    /// A `ClientHello`, or a server's request to send it once more.
    Offer,
    /// A `ServerHello`.
    Answer,
}

/// Stage of a flow, by what came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum HandshakeStage {
    /// No protected record.
    Begun,
    /// Protected records, under what was answered.
    Governed,
    /// A client's hello behind those.
    Offered,
    /// Protected records behind that.
    Unanswered,
}

impl HandshakeStage {
    const ALL: [Self; 4] = [Self::Begun, Self::Governed, Self::Offered, Self::Unanswered];

    fn after(self, event: HandshakeEvent) -> Self {
        match (self, event) {
            (Self::Begun, HandshakeEvent::Record) => Self::Governed,
            (Self::Begun, _) => Self::Begun,
            (Self::Governed | Self::Offered, HandshakeEvent::Offer) => Self::Offered,
            (Self::Offered, HandshakeEvent::Record)
            | (Self::Unanswered, HandshakeEvent::Record | HandshakeEvent::Offer) => {
                Self::Unanswered
            }
            (_, HandshakeEvent::Record | HandshakeEvent::Answer) => Self::Governed,
        }
    }
}

/// Events of a part of a flow, as the stage that each stage before it leads to: parts join in
/// their order, in any grouping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HandshakeOrder {
    leads_to: [HandshakeStage; 4],
    last: Option<HandshakeEvent>,
    /// Times of the earliest and the latest event that was another than the one before it.
    span: Option<(Timestamp, Timestamp)>,
    /// True if files cover the same time, so that nothing tells the order.
    is_tangled: bool,
}

impl Default for HandshakeOrder {
    fn default() -> Self {
        Self {
            leads_to: HandshakeStage::ALL,
            last: None,
            span: None,
            is_tangled: false,
        }
    }
}

impl HandshakeOrder {
    /// Notes an event. The same again changes nothing.
    #[inline]
    pub(super) fn note(&mut self, event: HandshakeEvent, time: Option<Timestamp>) {
        if self.last != Some(event) {
            self.change(event, time);
        }
    }

    #[cold]
    fn change(&mut self, event: HandshakeEvent, time: Option<Timestamp>) {
        self.last = Some(event);
        self.leads_to = self.leads_to.map(|stage| stage.after(event));
        self.stretch(time.map(|time| (time, time)));
    }

    fn stretch(&mut self, more: Option<(Timestamp, Timestamp)>) {
        let both = self.span.into_iter().chain(more);
        self.span = both.reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)));
    }

    /// Adds a part that came later, or one of another file.
    pub(super) fn join(&mut self, later: &Self, is_of_another: bool) {
        let overlap = self.span.zip(later.span);
        let overlaps = overlap.is_some_and(|((_, last), (first, _))| last > first);
        self.is_tangled |= later.is_tangled || is_of_another && overlaps;
        self.leads_to = self.leads_to.map(|stage| later.leads_to[stage as usize]);
        self.last = later.last.or(self.last);
        self.stretch(later.span);
    }

    /// Tests that the flow ends behind a client's hello that followed protected records, had
    /// others behind it, and was not answered.
    pub(super) fn is_unanswered(&self) -> bool {
        let ends = self.leads_to[HandshakeStage::Begun as usize];
        ends == HandshakeStage::Unanswered && !self.is_tangled
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(events: &[HandshakeEvent]) -> HandshakeOrder {
        let mut order = HandshakeOrder::default();
        for &event in events {
            order.note(event, None);
        }
        order
    }

    proptest! {
        #[test]
        fn parts_in_order_are_the_whole(
            events in prop::collection::vec(prop::sample::select(vec![HandshakeEvent::Record, HandshakeEvent::Offer, HandshakeEvent::Answer]), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let (one, other) = events.split_at(cut.index(events.len() + 1));
            let mut joined = order(one);
            joined.join(&order(other), false);
            prop_assert_eq!(joined, order(&events));
        }
    }

    #[test]
    fn only_what_follows_an_offer_without_an_answer_is_open() {
        use HandshakeEvent::{Answer, Offer, Record};
        for (events, is_open) in [
            (&[Offer, Answer, Record][..], false),
            (&[Offer, Record], false),
            (&[Record, Offer, Answer, Record], false),
            (&[Record, Offer, Record, Answer, Record], false),
            (&[Record, Offer], false),
            (&[Record, Offer, Record], true),
            (&[Offer, Answer, Record, Offer, Offer, Record, Record], true),
        ] {
            assert_eq!(order(events).is_unanswered(), is_open, "{events:?}");
        }
    }
}
