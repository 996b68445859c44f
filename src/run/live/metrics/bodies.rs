//! Texts that are served, each made once and shared by all who read it.

use std::sync::{Arc, Weak};

use hyper::body::Bytes;

use super::exposition::TextFormat;
use super::{MetricsSource, Published};
use crate::run::live::state::RunState;

/// Maker of what is served, which holds no more than two texts of each format in memory:
/// while some clients still read one, and others another, a third client gets the newer of
/// them. All of them have the same few seconds to read.
pub(super) struct Bodies {
    source: MetricsSource,
    published: Published,
    formats: [Made; 2],
}

/// Texts of a format.
#[derive(Default)]
struct Made {
    latest: Option<Body>,
    /// The one before, for as long as somebody reads it.
    before: Weak<Vec<u8>>,
}

/// Text of a state.
struct Body {
    state: Option<Arc<RunState>>,
    text: Arc<Vec<u8>>,
}

impl Bodies {
    pub(super) fn new(source: MetricsSource, published: Published) -> Self {
        Self {
            source,
            published,
            formats: Default::default(),
        }
    }

    /// Text of the latest state, or of one that is a few seconds old.
    pub(super) fn latest(&mut self, format: TextFormat) -> Bytes {
        let state = self.published.load_full();
        let made = &mut self.formats[format as usize];
        if !made.serves(state.as_ref()) {
            let text = self.source.text(state.clone(), format);
            let text = Arc::new(text.into_bytes());
            let before = made.latest.replace(Body { state, text });
            made.before = before.map_or_else(Weak::new, |body| Arc::downgrade(&body.text));
        }
        let text = made.latest.as_ref().map(|body| Arc::clone(&body.text));
        text.map_or_else(Bytes::new, |text| Bytes::from_owner(Shared(text)))
    }
}

/// Text that is in memory as long as somebody reads it.
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Made {
    /// Tests that the latest text is of a state, or that there are two that others still read.
    fn serves(&self, state: Option<&Arc<RunState>>) -> bool {
        self.latest.as_ref().is_some_and(|latest| {
            let is_read = Arc::strong_count(&latest.text) > 1;
            let is_same = match (&latest.state, state) {
                (Some(of), Some(now)) => Arc::ptr_eq(of, now),
                _ => false,
            };
            is_same || is_read && self.before.strong_count() > 0
        })
    }
}

#[cfg(test)]
mod tests {
    use arc_swap::ArcSwapOption;

    use super::*;
    use crate::cli::MetricsDetail;

    #[test]
    fn two_texts_are_in_memory_and_no_third() {
        let published = Published::new(ArcSwapOption::empty());
        let source = MetricsSource::open(MetricsDetail::Paths);
        let mut bodies = Bodies::new(source, published);
        let mut latest = || bodies.latest(TextFormat::Prometheus);
        let (first, second) = (latest(), latest());
        assert_ne!(first.as_ptr(), second.as_ptr(), "nobody need wait for news");
        assert_eq!(latest().as_ptr(), second.as_ptr());
        drop(first);
        let third = latest();
        assert_ne!(third.as_ptr(), second.as_ptr());
        assert_eq!(latest().as_ptr(), third.as_ptr());
    }
}
