//! One worker: from the kernel's ring to counters, and these to the sum, without ever
//! waiting for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::save::Recorder;
use super::sum::now;
use crate::aggregate::Part;
use crate::aggregate::Snapshot;
use crate::capture::Timestamp;
use crate::capture::live::{BLOCK_TIMEOUT_MILLIS, Handle};
use crate::capture::losses::Drops;
use crate::engine::{Counter, Engine};

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
    budget: Option<Budget>,
}

/// Packets that may still be read, where that was limited.
#[derive(Debug)]
struct Budget {
    /// Those that no worker has asked for.
    left: AtomicU64,
    /// Those that were not read.
    unread: AtomicU64,
}

impl Orders {
    pub(super) fn new(packets: Option<u64>) -> Self {
        let budget = |packets| Budget {
            left: AtomicU64::new(packets),
            unread: AtomicU64::new(packets),
        };
        Self {
            stop: AtomicBool::new(false),
            budget: packets.map(budget),
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
        let budget = self.budget.as_ref();
        budget.is_some_and(|budget| budget.unread.load(Ordering::Acquire) == 0)
    }

    /// Has `read` take up to `many` packets, as far as the budget allows; it gives how many
    /// there were.
    fn spend(&self, many: usize, read: impl FnOnce(usize) -> usize) -> usize {
        let Some(Budget { left, unread }) = &self.budget else {
            return read(many);
        };
        let less = |left: u64| Some(left.saturating_sub(many as u64));
        let had = left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        let had = had.map_or(0, |had| usize::try_from(had).unwrap_or(many).min(many));
        let count = read(had);
        left.fetch_add((had - count) as u64, Ordering::AcqRel);
        unread.fetch_sub(count as u64, Ordering::AcqRel);
        count
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
    handle: Handle,
    /// The kernel gives all fragments of a packet to the same handle, for without ports
    /// its hash is that of the addresses.
    counter: Counter<'o>,
    part: Part,
    recorder: Option<Recorder>,
    tell: Sender<Delta>,
    told: Standing,
    /// Packets counted so far.
    packets: u64,
    /// When the run began, and when it ended: what was captured before or later is not
    /// of it.
    run: (Timestamp, Timestamp),
    /// Whether the interface was up when it was last looked at.
    is_up: bool,
    /// Whether this worker tells of the interface, which several may share.
    speaks: bool,
}

/// What a worker found in the ring.
struct Found {
    /// Packets of the run.
    counted: usize,
    /// Others.
    outside: usize,
}

impl<'o> Watch<'o> {
    /// A worker for the capture at a place of the report, which begins now. One that does
    /// not speak for the interface leaves it to another to tell what that missed.
    pub(super) fn new(
        place: u32,
        mut handle: Handle,
        speaks: bool,
        engine: &'o Engine,
        recorder: Option<Recorder>,
        tell: Sender<Delta>,
    ) -> Self {
        if !speaks {
            handle.leave_interface_drops();
        }
        handle.begin();
        Self {
            handle,
            counter: engine.counter(),
            part: Part {
                file: place,
                piece: 0,
            },
            recorder,
            tell,
            told: Standing::default(),
            packets: 0,
            run: (now(), Timestamp(i64::MAX)),
            is_up: true,
            speaks,
        }
    }

    /// Counts packets until the run is over.
    pub(super) fn run(mut self, orders: &Orders) {
        let mut due = Instant::now() + HANDOVER;
        while !orders.is_over() {
            self.handle.wait(PATIENCE);
            let found = orders.spend(BATCH, |limit| self.read(limit).counted);
            if found == 0 && (!self.is_up || orders.budget.is_some()) {
                // Poll would return at once: the interface is gone, or what is left of the
                // budget is another worker's.
                std::thread::sleep(PATIENCE / 4);
            }
            if Instant::now() >= due {
                self.hand_over();
                self.is_up = self.handle.follow();
                due = Instant::now() + HANDOVER;
            }
        }
        self.finish(orders);
    }

    /// Reads at most `limit` packets.
    fn read(&mut self, limit: usize) -> Found {
        let Self {
            handle,
            counter,
            part,
            recorder,
            run: (begin, end),
            ..
        } = self;
        let mut counted = 0;
        let read = handle.read(limit, |frame| {
            let time = frame.time.unwrap_or(*begin);
            if time < *begin || time > *end {
                return;
            }
            counted += 1;
            counter.packet(*part, frame);
            if let Some(recorder) = recorder {
                recorder.add(frame);
            }
        });
        self.packets += counted as u64;
        self.counter.join();
        // Of an interface that is gone `follow` tells more.
        self.is_up &= read.is_ok();
        let outside = read.unwrap_or(0).saturating_sub(counted);
        Found { counted, outside }
    }

    fn standing(&mut self) -> Standing {
        Standing {
            packets: self.packets,
            drops: self.handle.drops(),
            unread: 0,
            is_down: self.speaks && !self.is_up,
        }
    }

    /// Hands over what was counted, if there is room for it; else it is kept, and what
    /// comes next is counted into it.
    fn hand_over(&mut self) {
        self.counter.expire(now());
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
        let standing = self.standing();
        if standing == self.told {
            return;
        }
        let delta = self.delta(standing, Counter::take);
        match self.tell.try_send(delta) {
            Ok(()) => self.told = standing,
            Err(TrySendError::Full(delta) | TrySendError::Disconnected(delta)) => {
                self.counter.put_back(delta.snapshot);
            }
        }
    }

    fn delta(&mut self, standing: Standing, take: fn(&mut Counter<'o>) -> Snapshot) -> Delta {
        Delta {
            part: self.part,
            snapshot: take(&mut self.counter),
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
        let delta = self.delta(standing, Counter::finish);
        // The sum listens until all workers have ended.
        let _ = self.tell.send(delta);
    }

    /// Reads up to the first packet that was captured after this moment, or until the
    /// kernel gives out no more: the last block comes when its time has run out. Gives how
    /// many packets are left where that takes too long.
    fn drain(&mut self) -> u64 {
        self.run.1 = now();
        let deadline = Instant::now() + DRAIN;
        let block = Duration::from_millis(BLOCK_TIMEOUT_MILLIS.unsigned_abs().into());
        let mut silent = 0;
        while silent < 3 {
            let found = self.read(BATCH);
            if found.outside > 0 {
                return 0;
            }
            if Instant::now() > deadline {
                return self.handle.unread();
            }
            silent = if found.counted == 0 { silent + 1 } else { 0 };
            if found.counted == 0 {
                self.handle.wait(block);
                std::thread::sleep(block / 4);
            }
        }
        0
    }
}
