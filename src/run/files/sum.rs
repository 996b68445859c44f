//! Adding up what the workers say, in the order of the input.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Context;
use super::jobs::{Done, Job, News, PartSource, PartWalk};
use super::saver::CountSaver;
use super::stats::WorkTimes;
use crate::aggregate::InputPart;
use crate::aggregate::duplicates::Window;
use crate::aggregate::fragments::FragmentEvents;
use crate::capture::pieces::{Pieces, WalkPlace};
use crate::capture::stream::Walked;
use crate::engine::CountedState;
use crate::input::capture::Identity;
use crate::report::{InputReport, Losses};
use crate::run::saved::StateError;

/// Batches of fragments that wait for the parts before theirs.
const NEWS_AHEAD: usize = 16;

/// The sum over all parts so far.
pub(super) struct FileSum<'c> {
    context: &'c Context<'c>,
    /// Counts of all files before this one.
    counted: CountedState,
    /// The file that is added up, and its counts so far.
    current: (u32, CountedState),
    saver: Option<CountSaver<'c>>,
    reports: Vec<InputReport>,
    /// Identity of each file, where its state is saved.
    identities: Vec<Identity>,
    /// The walk of each file so far.
    walked: Vec<Walked>,
    /// Required begin of the next piece of the same file.
    end: Option<WalkPlace>,
    /// The last packets before it.
    window: Window,
    merging: WorkTimes,
    walked_again: WorkTimes,
}

/// Sum of all parts, and the time it took to add them up.
pub(super) struct Total {
    pub(super) counted: CountedState,
    pub(super) reports: Vec<InputReport>,
    pub(super) merging: WorkTimes,
    /// Pieces that did not begin where it was guessed.
    pub(super) walked_again: WorkTimes,
}

/// A part that a worker has.
struct Pending {
    part: InputPart,
    pieces: Option<Arc<Pieces>>,
    news: Receiver<News>,
}

impl<'c> FileSum<'c> {
    pub(super) fn new(
        context: &'c Context<'c>,
        saver: Option<CountSaver<'c>>,
        reports: Vec<InputReport>,
    ) -> Self {
        Self {
            context,
            counted: context.engine.counted(),
            current: (0, context.engine.input()),
            saver,
            identities: vec![Identity::default(); reports.len()],
            walked: vec![Walked::default(); reports.len()],
            reports,
            end: None,
            window: Window::default(),
            merging: WorkTimes::default(),
            walked_again: WorkTimes::default(),
        }
    }

    /// Gives out the parts, some `ahead` of the one that is waited for, and adds them up.
    pub(super) fn add_all(
        &mut self,
        parts: impl Iterator<Item = (InputPart, PartSource)>,
        give: &Sender<Job>,
        ahead: usize,
    ) {
        let mut parts = parts.fuse();
        let mut pending = VecDeque::new();
        loop {
            let room = ahead - pending.len();
            pending.extend(parts.by_ref().take(room).map(|part| hand_out(part, give)));
            match pending.pop_front() {
                Some(next) => self.add(next),
                None => return,
            }
        }
    }

    fn add(&mut self, pending: Pending) {
        let Pending { part, pieces, news } = pending;
        if part.file != self.current.0 {
            self.end_file();
            self.current.0 = part.file;
        }
        let before = self.walked[part.file as usize].numbered;
        self.reports[part.file as usize].before.push(before);
        let done = match pieces {
            None => self.hear(&news),
            Some(pieces) => self.add_piece(part, pieces, news),
        };
        if let Some(done) = done {
            self.settle(part, done);
        }
    }

    /// A piece counts if it began where the one before it ended, and knew the packets that
    /// its own may be duplicates of; else it is walked again from there. Where a file cannot
    /// be read on, there is nothing.
    fn add_piece(
        &mut self,
        part: InputPart,
        pieces: Arc<Pieces>,
        news: Receiver<News>,
    ) -> Option<Done> {
        let window = std::mem::take(&mut self.window);
        let (begin, window) = match part.piece {
            0 => (pieces.start().clone(), Window::default()),
            _ => (self.end.take()?, window),
        };
        match news.recv() {
            Ok(News::Began(place, digest)) if place == begin && digest == window.digest() => {
                self.hear(&news)
            }
            _ => {
                drop(news);
                let context = self.context;
                let walk = PartWalk::Piece(pieces, begin);
                let mut worker = context.worker(part);
                *worker.window() = window;
                let started = Instant::now();
                let done = walk.run(context, part, worker, |events| self.play(events));
                self.walked_again.add(started.elapsed());
                Some(done)
            }
        }
    }

    /// Follows a worker to the end of its part.
    fn hear(&mut self, news: &Receiver<News>) -> Option<Done> {
        for news in news {
            match news {
                News::Began(..) => {}
                News::Fragments(events) => self.play(events),
                News::Done(done) => return Some(*done),
            }
        }
        None
    }

    fn settle(&mut self, part: InputPart, done: Done) {
        self.merging.of(|| self.current.1.add(done.snapshot));
        self.identities[part.file as usize] = done.identity;
        (self.end, self.window) = (done.end, done.window);
        self.walked[part.file as usize].add(done.walked);
    }

    fn play(&mut self, events: FragmentEvents) {
        self.merging.of(|| self.current.1.play(events));
    }

    /// Adds a file to those before, once all its parts are added up.
    fn end_file(&mut self) {
        let engine = self.context.engine;
        let (file, counted) = &mut self.current;
        let place = *file as usize;
        let counted = std::mem::replace(counted, engine.input()).into_input();
        let (Some(report), Some(walked)) =
            (self.reports.get_mut(place), self.walked.get_mut(place))
        else {
            return;
        };
        let walked = std::mem::take(walked);
        report.packets = walked.packets;
        report.fault = walked.fault;
        report.losses = walked.stated.total().map(Losses::from);
        if let Some(saver) = &mut self.saver {
            let told = (&*report, self.identities[place]);
            saver.save(*file, &counted, told);
        }
        let counted = engine.with_servers(counted);
        let counted = counted.expect("the servers are those it was counted with");
        self.merging.of(|| self.counted.add_input(counted));
    }

    /// Everything, when the input has ended.
    pub(super) fn finish(mut self) -> Result<Total, StateError> {
        self.end_file();
        self.merging.of(|| self.counted.finish());
        if let Some(saver) = self.saver {
            let saved = saver.finish(self.context.interfaces.names())?;
            self.context.custody().wrote(saved);
        }
        Ok(Total {
            counted: self.counted,
            reports: self.reports,
            merging: self.merging,
            walked_again: self.walked_again,
        })
    }
}

fn hand_out((part, source): (InputPart, PartSource), give: &Sender<Job>) -> Pending {
    let (tell, news) = bounded(NEWS_AHEAD);
    let pieces = match &source {
        PartSource::Whole(_) => None,
        PartSource::Piece(pieces) => Some(Arc::clone(pieces)),
    };
    // Workers end only after this channel does.
    let _ = give.send(Job { part, source, tell });
    Pending { part, pieces, news }
}
