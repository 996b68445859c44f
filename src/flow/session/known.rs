//! What is known of sessions that are complete.

use serde::{Deserialize, Serialize};

use super::Session;
use super::epoch::{Epoch, Protected};
use crate::evidence::ciphertext::{ByteSample, ByteTest};
use crate::flow::choices::{Choices, Cipher};
use crate::flow::sequence::Gaps;
use crate::flow::{Sighting, keep_first};

/// Facts of sessions that are complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Protected records, by what is known of them.
    pub protected: Vec<Protected>,
    /// Choices of hellos, each with the first that made it.
    pub choices: Choices,
    /// First hello of which too little was captured to read its choice.
    pub unread_hello: Option<Sighting>,
    /// First hello that chose to compress.
    pub compressed: Option<Sighting>,
    /// Bytes of those sessions and epochs that have too few for a test of their own.
    pub small: ByteSample,
    /// Sum over all sessions, epochs and directions.
    pub gaps: Gaps,
}

impl Sessions {
    pub(super) fn add(&mut self, session: &Session) {
        let worst = session.worst();
        if let Some((at, hello)) = &session.hello {
            match hello.choice() {
                Some(choice) => self.choices.add(choice, *at),
                None => keep_first(&mut self.unread_hello, Some(*at)),
            }
            if hello.compresses() {
                keep_first(&mut self.compressed, Some(*at));
            }
        }
        if let Some(tally) = &session.across {
            self.protect(session.across(worst, tally));
        }
        for (number, epoch) in &session.epochs {
            self.close(epoch, charge(*number, worst));
        }
        if let Some(beyond) = &session.beyond {
            self.gaps.at_least = true;
            self.close(beyond, Cipher::Renegotiated);
        }
    }

    fn close(&mut self, epoch: &Epoch, cipher: Cipher) {
        self.gaps = self.gaps.and(epoch.gaps());
        let protected = epoch.protected(cipher);
        if protected.bytes == ByteTest::TooFewBytes {
            self.small.merge(epoch.sample().clone());
        }
        self.protect(protected);
    }

    fn protect(&mut self, protected: Protected) {
        match self
            .protected
            .iter_mut()
            .find(|known| known.is_like(&protected))
        {
            Some(known) => known.join(&protected),
            None => self.protected.push(protected),
        }
    }

    /// Lets the worst cipher chosen be in charge of all.
    pub(super) fn blame(&mut self, worst: Cipher) {
        for protected in std::mem::take(&mut self.protected) {
            let cipher = match protected.cipher {
                Cipher::Unseen => worst,
                cipher => cipher.min(worst),
            };
            self.protect(Protected {
                cipher,
                ..protected
            });
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.gaps = self.gaps.and(other.gaps);
        self.choices.merge(&other.choices);
        keep_first(&mut self.unread_hello, other.unread_hello);
        keep_first(&mut self.compressed, other.compressed);
        self.small.merge(other.small);
        other
            .protected
            .into_iter()
            .for_each(|protected| self.protect(protected));
    }
}

/// Cipher in charge of an epoch: a hello chooses that of the first alone.
pub(super) fn charge(epoch: u16, worst: Cipher) -> Cipher {
    match epoch {
        1 => worst,
        _ => worst.min(Cipher::Renegotiated),
    }
}
