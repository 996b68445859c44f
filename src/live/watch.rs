//! One worker: from the kernel's ring to counters, and these to the sum, without ever
//! waiting for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::save::Recorder;
use super::sum::now;
use crate::aggregate::Snapshot;
use crate::capture::Timestamp;
use crate::capture::live::{BLOCK_TIMEOUT_MILLIS, Handle};
use crate::capture::losses::Drops;
use crate::flow::fragments::Fragments;
use crate::pipeline::worker::{Part, Worker};

/// How often a worker hands over what it counted.
pub(super) const HANDOVER: Duration = Duration::from_millis(500);
/// How long a worker waits for packets before it looks at its clock again.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a worker reads what is left in the ring when the run has ended.
const DRAIN: Duration = Duration::from_secs(2);
/// Packets read before a worker looks at its clock.
const BATCH: usize = 4096;

/// What all workers obey.
#[derive(Debug)]
pub(super) struct Orders {
    stop: AtomicBool,
    /// Packets that may still be read, where that was limited.
    budget: Option<AtomicU64>,
}

impl Orders {
    pub(super) fn new(packets: Option<u64>) -> Self {
        Self {
            stop: AtomicBool::new(false),
            budget: packets.map(AtomicU64::new),
        }
    }

    /// Has all workers end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether the run ends, because it was told to or because it read its packets.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.is_spent()
    }

    fn is_spent(&self) -> bool {
        let left = self.budget.as_ref();
        left.is_some_and(|left| left.load(Ordering::Acquire) == 0)
    }

    /// Takes up to `many` packets from the budget, and gives how many there were.
    fn take(&self, many: usize) -> usize {
        let Some(budget) = &self.budget else {
            return many;
        };
        let less = |left: u64| Some(left.saturating_sub(many as u64));
        let left = budget.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        left.map_or(0, |left| usize::try_from(left).unwrap_or(many).min(many))
    }

    fn give_back(&self, many: usize) {
        if let Some(budget) = &self.budget {
            budget.fetch_add(many as u64, Ordering::AcqRel);
        }
    }
}

/// How a capture stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Packets read so far.
    pub(super) packets: u64,
    /// Dropped so far.
    pub(super) drops: Drops,
    /// Left in the ring when the run ended.
    pub(super) unread: u64,
    /// Whether the interface is down, or gone.
    pub(super) is_down: bool,
}

/// What a worker counted since it last handed over.
pub(super) struct Delta {
    /// Which worker.
    pub(super) part: Part,
    pub(super) snapshot: Snapshot,
    pub(super) standing: Standing,
}

/// A worker at its capture.
pub(super) struct Watch<'o> {
    pub(super) handle: Handle,
    pub(super) worker: Worker<'o>,
    /// The kernel gives all fragments of a packet to the same handle, for without ports
    /// its hash is that of the addresses.
    pub(super) fragments: Fragments,
    pub(super) part: Part,
    pub(super) recorder: Option<Recorder>,
    pub(super) tell: Sender<Delta>,
    pub(super) told: Standing,
    /// Packets counted so far.
    pub(super) packets: u64,
    /// When the run ended: what was captured later is not of it.
    pub(super) end: Timestamp,
    /// Whether the interface was up when it was last looked at.
    pub(super) is_up: bool,
}

impl Watch<'_> {
    /// Counts packets until the run is over.
    pub(super) fn run(mut self, orders: &Orders) {
        let mut due = Instant::now() + HANDOVER;
        while !orders.is_over() {
            self.handle.wait(PATIENCE);
            self.read(orders.take(BATCH), orders);
            if Instant::now() >= due {
                self.hand_over();
                self.is_up = self.handle.follow();
                due = Instant::now() + HANDOVER;
            }
        }
        self.finish(orders);
    }

    /// Reads at most `limit` packets, which were taken from the budget.
    fn read(&mut self, limit: usize, orders: &Orders) -> usize {
        let Self {
            handle,
            worker,
            part,
            recorder,
            packets,
            end,
            ..
        } = self;
        let read = handle.read(limit, |frame| {
            if frame.time.is_some_and(|time| time > *end) {
                return;
            }
            *packets += 1;
            worker.packet(*part, frame);
            if let Some(recorder) = recorder {
                recorder.add(frame);
            }
        });
        self.join_fragments();
        let count = read.as_ref().copied().unwrap_or(0);
        orders.give_back(limit - count);
        if read.is_err() {
            // The interface is gone, and asking again at once would not bring it back.
            self.is_up = false;
            std::thread::sleep(PATIENCE);
        }
        count
    }

    fn join_fragments(&mut self) {
        for (key, event) in self.worker.take_fragments() {
            let snapshot = self.worker.snapshot();
            self.fragments
                .play(key, event, |later, outcome| snapshot.settle(later, outcome));
        }
    }

    fn standing(&mut self) -> Standing {
        Standing {
            packets: self.packets,
            drops: self.handle.drops(),
            unread: 0,
            is_down: !self.is_up,
        }
    }

    /// Hands over what was counted, if there is room for it; else it is kept, and what
    /// comes next is counted into it.
    fn hand_over(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
        let standing = self.standing();
        if standing == self.told {
            return;
        }
        let delta = self.delta(standing);
        match self.tell.try_send(delta) {
            Ok(()) => self.told = standing,
            Err(TrySendError::Full(delta) | TrySendError::Disconnected(delta)) => {
                *self.worker.snapshot() = delta.snapshot;
            }
        }
    }

    fn delta(&mut self, standing: Standing) -> Delta {
        Delta {
            part: self.part,
            snapshot: self.worker.take_snapshot(),
            standing,
        }
    }

    /// Reads what was captured up to now, and hands over for good.
    fn finish(mut self, orders: &Orders) {
        let drops = self.handle.drops();
        let unread = if orders.is_spent() { 0 } else { self.drain() };
        let standing = Standing {
            drops,
            unread,
            ..self.standing()
        };
        if let Some(recorder) = self.recorder.take() {
            recorder.finish(self.packets, drops, unread);
        }
        let snapshot = self.worker.snapshot();
        self.fragments
            .finish(|later, outcome| snapshot.settle(later, outcome));
        let delta = self.delta(standing);
        // The sum listens until all workers have ended.
        let _ = self.tell.send(delta);
    }

    /// Reads up to the first packet that was captured after this moment, or until the
    /// kernel gives out no more: the last block comes when its time has run out. Gives how
    /// many packets are left where that takes too long.
    fn drain(&mut self) -> u64 {
        self.end = now();
        let unlimited = Orders::new(None);
        let deadline = Instant::now() + DRAIN;
        let block = Duration::from_millis(BLOCK_TIMEOUT_MILLIS.unsigned_abs().into());
        let mut silent = 0;
        while silent < 3 {
            let before = self.packets;
            let shown = self.read(BATCH, &unlimited);
            let counted = self.packets - before;
            if counted < shown as u64 {
                return 0;
            }
            if Instant::now() > deadline {
                return self.handle.unread();
            }
            silent = if shown == 0 { silent + 1 } else { 0 };
            if shown == 0 {
                self.handle.wait(block);
                std::thread::sleep(block / 4);
            }
        }
        0
    }
}
