//! Order of protected records and hellos in a flow: a client that begins anew behind protected
//! records and gets no answer leaves it open which suite governs what follows.

use serde::{Deserialize, Serialize};

/// Event in the order of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Turn {
    /// A protected record.
    Record,
    /// A `ClientHello`, or a server's request to send it once more.
    Offer,
    /// A `ServerHello`.
    Answer,
}

/// Stage of a flow, by what came last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// No protected record.
    Begun,
    /// Protected records, under what was answered.
    Governed,
    /// A client's hello behind those.
    Offered,
    /// Protected records behind that.
    Unanswered,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Begun, Self::Governed, Self::Offered, Self::Unanswered];

    fn after(self, turn: Turn) -> Self {
        match (self, turn) {
            (Self::Begun, Turn::Record) => Self::Governed,
            (Self::Begun, _) => Self::Begun,
            (Self::Governed | Self::Offered, Turn::Offer) => Self::Offered,
            (Self::Offered, Turn::Record) | (Self::Unanswered, Turn::Record | Turn::Offer) => {
                Self::Unanswered
            }
            (_, Turn::Record | Turn::Answer) => Self::Governed,
        }
    }
}

/// Events of a part of a flow, as the stage that each stage before it leads to: parts join in
/// their order, in any grouping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Turns {
    leads_to: [Stage; 4],
    last: Option<Turn>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            leads_to: Stage::ALL,
            last: None,
        }
    }
}

impl Turns {
    /// Notes an event. The same again changes nothing.
    #[inline]
    pub(super) fn note(&mut self, turn: Turn) {
        if self.last != Some(turn) {
            self.turn(turn);
        }
    }

    #[cold]
    fn turn(&mut self, turn: Turn) {
        self.last = Some(turn);
        self.leads_to = self.leads_to.map(|stage| stage.after(turn));
    }

    /// Adds a part that came later.
    pub(super) fn join(&mut self, later: &Self) {
        self.leads_to = self.leads_to.map(|stage| later.leads_to[stage as usize]);
        self.last = later.last.or(self.last);
    }

    /// Tests that the flow ends behind a client's hello that followed protected records, had
    /// others behind it, and was not answered.
    pub(super) fn are_unanswered(&self) -> bool {
        self.leads_to[Stage::Begun as usize] == Stage::Unanswered
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turns(events: &[Turn]) -> Turns {
        let mut turns = Turns::default();
        for &event in events {
            turns.note(event);
        }
        turns
    }

    proptest! {
        #[test]
        fn parts_in_order_are_the_whole(
            events in prop::collection::vec(prop::sample::select(vec![Turn::Record, Turn::Offer, Turn::Answer]), 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let (one, other) = events.split_at(cut.index(events.len() + 1));
            let mut joined = turns(one);
            joined.join(&turns(other));
            prop_assert_eq!(joined, turns(&events));
        }
    }

    #[test]
    fn only_what_follows_an_offer_without_an_answer_is_open() {
        use Turn::{Answer, Offer, Record};
        for (events, is_open) in [
            (&[Offer, Answer, Record][..], false),
            (&[Offer, Record], false),
            (&[Record, Offer, Answer, Record], false),
            (&[Record, Offer, Record, Answer, Record], false),
            (&[Record, Offer], false),
            (&[Record, Offer, Record], true),
            (&[Offer, Answer, Record, Offer, Offer, Record, Record], true),
        ] {
            assert_eq!(turns(events).are_unanswered(), is_open, "{events:?}");
        }
    }
}
