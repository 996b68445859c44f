//! Offers of those `ClientHello`s of a flow that no single record shows, in bounded memory.

use serde::{Deserialize, Serialize};

use super::{Sighting, keep_first};
use crate::evidence::dtls::hello::Hello;

/// `ClientHello`s that speak against a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// First that offered no suite that encrypts.
    pub no_cipher: Option<Sighting>,
    /// First of which too little was captured to read its suites.
    pub unread: Option<Sighting>,
    /// True if protected records followed one behind others, and no answer to it was captured.
    pub is_unanswered: bool,
}

impl Offered {
    fn add(&mut self, (at, hello): &(Sighting, Hello)) {
        match hello.offers_no_cipher() {
            Some(true) => keep_first(&mut self.no_cipher, Some(*at)),
            Some(false) => {}
            None => keep_first(&mut self.unread, Some(*at)),
        }
    }

    fn merge(&mut self, other: &Self) {
        keep_first(&mut self.no_cipher, other.no_cipher);
        keep_first(&mut self.unread, other.unread);
    }
}

/// `ClientHello`s of a part of a flow, in the order of the capture. The first and the last may
/// go on in the parts around it; those between are complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    first: Option<(Sighting, Hello)>,
    last: Option<(Sighting, Hello)>,
    complete: Offered,
    /// True if a server's hello came since the last, which is complete with it.
    is_answered: bool,
}

impl Offers {
    /// Takes in a hello, or a fragment of one.
    pub fn add(&mut self, hello: Hello, at: Sighting) {
        let is_open = !std::mem::take(&mut self.is_answered);
        match self.last.as_mut().or(self.first.as_mut()) {
            Some((_, known)) if is_one(known, &hello, is_open, at) => known.join(&hello),
            Some(_) => self.push((at, hello)),
            None => self.first = Some((at, hello)),
        }
    }

    /// Notes that a server's hello came.
    pub fn answer(&mut self) {
        self.is_answered = true;
    }

    fn push(&mut self, last: (Sighting, Hello)) {
        if let Some(complete) = self.last.replace(last) {
            self.complete.add(&complete);
        }
    }

    /// Adds a part that came later.
    pub fn join(&mut self, later: Self) {
        if let Some((at, hello)) = later.first {
            self.add(hello, at);
        }
        self.complete.merge(&later.complete);
        if let Some(last) = later.last {
            self.push(last);
        }
        self.is_answered = later.is_answered;
    }

    /// All that is known of them.
    #[must_use]
    pub fn finish(&self) -> Offered {
        let mut all = self.complete.clone();
        let open = self.first.iter().chain(&self.last);
        open.for_each(|hello| all.add(hello));
        all
    }
}

/// Tests for fragments of one hello, which may be `open`, or the same sent or captured again.
fn is_one(known: &Hello, hello: &Hello, is_open: bool, at: Sighting) -> bool {
    let is_next = is_open && known.is_apart_from(hello);
    let is_again = known.shares_random(hello) || known.covers(hello) || at.is_copy;
    known.is_same(hello) && (is_next || is_again)
}
