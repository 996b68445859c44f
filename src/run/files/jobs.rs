//! The parts of the input, and how a worker walks one.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::Context;
use crate::aggregate::duplicates::Window;
use crate::aggregate::fragments::FragmentEvents;
use crate::aggregate::{InputPart, Snapshot, Worker};
use crate::capture::Frame;
use crate::capture::pieces::{Pieces, WalkPlace};
use crate::capture::stream::Walked;
use crate::input::Input;
use crate::input::capture::Identity;

/// Fragments held before they are handed on: few, for they are rare.
const FRAGMENTS_HELD: usize = 1024;

/// Source of a part of the input.
pub(super) enum PartSource {
    /// A whole capture.
    Whole(Input),
    /// A piece of one, of which nobody knows yet where it begins.
    Piece(Arc<Pieces>),
}

/// Messages of a worker on its part, in this order.
pub(super) enum News {
    /// Position that it takes for the first record of its piece, and the digest of the packets
    /// it takes to be before.
    Began(WalkPlace, u64),
    /// Fragments that it saw.
    Fragments(FragmentEvents),
    /// All the rest.
    Done(Box<Done>),
}

/// Result of the walk of a part.
pub(super) struct Done {
    pub(super) snapshot: Snapshot,
    pub(super) walked: Walked,
    /// Required begin of the next piece, if this was one and it had no fault.
    pub(super) end: Option<WalkPlace>,
    /// The last packets of the part.
    pub(super) window: Window,
    /// Identity of the capture, where the part is all of it and its state is saved.
    pub(super) identity: Identity,
}

/// A part for a worker to walk.
pub(super) struct Job {
    pub(super) part: InputPart,
    pub(super) source: PartSource,
    pub(super) tell: Sender<News>,
}

/// All parts of the captures, in order.
pub(super) fn of<'c>(
    captures: Vec<Input>,
    context: &'c Context<'c>,
) -> impl Iterator<Item = (InputPart, PartSource)> + 'c {
    (0..).zip(captures).flat_map(move |(file, input)| {
        // What is hashed is read in order.
        let is_split = context.config.save.is_none();
        let pieces = is_split.then(|| input.pieces(piece_len(&input, context)));
        let (whole, pieces) = match pieces.flatten() {
            None => (Some(input), None),
            Some(pieces) => (None, Some(Arc::new(pieces))),
        };
        let whole = whole.map(|input| (InputPart { file, piece: 0 }, PartSource::Whole(input)));
        let pieces = pieces.into_iter().flat_map(move |pieces| {
            (0..pieces.count()).map(move |piece| {
                (
                    InputPart { file, piece },
                    PartSource::Piece(Arc::clone(&pieces)),
                )
            })
        });
        whole.into_iter().chain(pieces)
    })
}

/// All pieces of a file alike, so that the workers end at about the same time.
fn piece_len(input: &Input, context: &Context<'_>) -> u64 {
    let size = input.size().unwrap_or(0);
    let even = size.div_ceil(context.config.pieces as u64);
    even.max(context.config.min_piece_len).max(1)
}

impl Job {
    /// Walks the part, and tells. When nobody listens any more, the guess was wrong, and
    /// what it led to is dropped.
    pub(super) fn run(self, context: &Context<'_>) {
        let Self { part, source, tell } = self;
        let mut worker = context.worker(part);
        let walk = match source {
            PartSource::Whole(input) => PartWalk::Whole(input),
            PartSource::Piece(pieces) => {
                let Some(from) = begin(&pieces, part, &mut worker) else {
                    return;
                };
                let digest = worker.window().digest();
                if tell.send(News::Began(from.clone(), digest)).is_err() {
                    return;
                }
                PartWalk::Piece(pieces, from)
            }
        };
        let done = walk.run(context, part, worker, |events| {
            let _ = tell.send(News::Fragments(events));
        });
        let _ = tell.send(News::Done(Box::new(done)));
    }
}

/// Finds the begin of a piece. If packets may have duplicates on other interfaces, the worker
/// looks at those before it.
fn begin(pieces: &Pieces, part: InputPart, worker: &mut Worker<'_>) -> Option<WalkPlace> {
    /// More than what records have around their packets.
    const SPARE: u64 = 2 << 20;
    if part.piece == 0 || !pieces.has_siblings() {
        return pieces.guess(part.piece);
    }
    pieces.approach(part.piece, Window::BYTES + SPARE, |frame| {
        worker.look_ahead(part, frame);
    })
}

/// Result of showing all frames of a part.
struct ShownPart {
    walked: Walked,
    end: Option<WalkPlace>,
    identity: Identity,
}

/// A part whose beginning is settled.
pub(super) enum PartWalk {
    /// A whole capture.
    Whole(Input),
    /// A piece of one, from a place on.
    Piece(Arc<Pieces>, WalkPlace),
}

impl PartWalk {
    /// Counts the packets of the part.
    pub(super) fn run(
        self,
        context: &Context<'_>,
        part: InputPart,
        mut worker: Worker<'_>,
        mut on_fragments: impl FnMut(FragmentEvents),
    ) -> Done {
        let mut keeper = context.packets.keeper(part.file);
        let ShownPart {
            walked,
            end,
            identity,
        } = self.frames(
            part,
            context,
            |frame| {
                worker.packet(part, frame);
                if let Some(keeper) = &mut keeper {
                    keeper.add(frame);
                }
                if worker.fragments_held() >= FRAGMENTS_HELD {
                    on_fragments(worker.take_fragments());
                }
            },
            |read| context.progress.add(read),
        );
        if worker.fragments_held() > 0 {
            on_fragments(worker.take_fragments());
        }
        Done {
            window: std::mem::take(worker.window()),
            snapshot: worker.into_snapshot(),
            walked,
            end,
            identity,
        }
    }

    fn frames(
        self,
        part: InputPart,
        context: &Context<'_>,
        on_frame: impl FnMut(&Frame<'_>),
        on_progress: impl FnMut(u64),
    ) -> ShownPart {
        let interfaces = &context.interfaces;
        match self {
            Self::Whole(input) if context.config.save.is_some() => {
                let (walked, identity) = input.walk_hashed(interfaces, on_frame, on_progress);
                ShownPart {
                    walked,
                    end: None,
                    identity,
                }
            }
            Self::Whole(input) => ShownPart {
                walked: input.walk(interfaces, on_frame, on_progress),
                end: None,
                identity: Identity::default(),
            },
            Self::Piece(pieces, from) => {
                let walk = pieces.walk(part.piece, &from, interfaces, on_frame, on_progress);
                ShownPart {
                    walked: walk.walked,
                    end: walk.end,
                    identity: Identity::default(),
                }
            }
        }
    }
}
