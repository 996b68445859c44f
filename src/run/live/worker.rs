//! One worker: from the kernel's ring to counters, and these to the sum, without ever
//! waiting for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::clock::now;
use super::recorder::Recorder;
use crate::aggregate::duplicates::Window;
use crate::aggregate::fragments::FragmentEvents;
use crate::aggregate::{InputPart, Snapshot};
use crate::capture::live::{BLOCK_TIMEOUT_MILLIS, Handle, LinkState, SETTLE};
use crate::capture::losses::Drops;
use crate::cli::PacketCut;
use crate::engine::{Counter, Engine};
use crate::run::evidence::PacketSource;
use crate::run::evidence::keeper::PacketKeeper;

/// Interval at which a worker hands over its counts.
pub(super) const HANDOVER: Duration = Duration::from_millis(500);
/// Longest wait for packets before a worker reads its clock again.
const PATIENCE: Duration = Duration::from_millis(100);
/// Longest time that a worker reads what is left in the ring when the run has ended.
const DRAIN: Duration = Duration::from_secs(2);
/// Packets read before a worker looks at its clock.
const BATCH: usize = 4096;

/// Stop flag and packet limit of all workers.
#[derive(Debug)]
pub(super) struct StopControl {
    stop: AtomicBool,
    budget: Option<Budget>,
}

/// Number of packets that may still be read, where that was limited: in the channel, or in
/// the hands of the one worker that reads now.
#[derive(Debug)]
struct Budget {
    give: Sender<u64>,
    take: Receiver<u64>,
}

impl Budget {
    fn of(packets: u64) -> Self {
        let (give, take) = bounded(1);
        let budget = Self { give, take };
        budget.put_back(packets);
        budget
    }

    fn put_back(&self, left: u64) {
        // There is room: it was taken before.
        let _ = self.give.try_send(left);
    }
}

impl StopControl {
    pub(super) fn new(packets: Option<u64>) -> Self {
        Self {
            stop: AtomicBool::new(packets == Some(0)),
            budget: packets.map(Budget::of),
        }
    }

    /// Has all workers end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// True once the run was told to end or has read its packets.
    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Has `read` take up to `many` packets, as far as the budget allows; it gives how many
    /// there were. The last that the budget allows ends the run.
    fn read_within_budget(&self, many: usize, read: impl FnOnce(usize) -> usize) -> usize {
        let Some(budget) = &self.budget else {
            return read(many);
        };
        let Ok(left) = budget.take.recv_timeout(PATIENCE) else {
            return 0;
        };
        let limit = usize::try_from(left).unwrap_or(many).min(many);
        // libpcap takes a limit of 0 for none.
        let count = if limit == 0 { 0 } else { read(limit) };
        let left = left.saturating_sub(count as u64);
        if left == 0 {
            self.stop();
        }
        budget.put_back(left);
        count
    }
}

/// Counters and condition of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CaptureStatus {
    /// Packets read so far.
    pub(super) packets: u64,
    /// Dropped so far.
    pub(super) drops: Drops,
    /// Left in the ring when the run ended.
    pub(super) unread: u64,
    /// Left out of the file that is saved, so far.
    pub(super) unsaved: u64,
    /// True while the interface is down, or gone.
    pub(super) is_down: bool,
    /// True while it is up and this capture cannot follow it.
    pub(super) is_lost: bool,
}

/// Counts of a worker since it last handed over.
pub(super) struct Delta {
    /// Place of the worker.
    pub(super) part: InputPart,
    pub(super) snapshot: Snapshot,
    /// Fragments that are open, where counts are saved.
    pub(super) open: FragmentEvents,
    pub(super) status: CaptureStatus,
}

/// The last packets of several interfaces, which may show the same. It is locked for a batch
/// of packets at a time, never for each.
pub(super) type SharedWindow = Arc<Mutex<Window>>;

/// Keeper of the packets of one worker, which is locked for a batch of them at a time.
#[derive(Clone)]
pub(super) struct Keeper(Arc<Mutex<PacketKeeper>>);

impl Keeper {
    pub(super) fn new(engine: &Engine, cut: PacketCut) -> Self {
        let keeper = PacketKeeper::new(engine.decode.clone(), cut);
        Self(Arc::new(Mutex::new(keeper)))
    }

    /// The packets that were kept.
    pub(super) fn finish(self) -> PacketSource {
        let keeper = &mut *self.0.lock().expect("no holder panics");
        PacketSource::Kept(keeper.take())
    }
}

/// A worker at its capture.
pub(super) struct CaptureWorker<'o> {
    handle: Handle,
    /// The kernel gives all fragments of a packet to the same handle, for without ports
    /// its hash is that of the addresses.
    counter: Counter<'o>,
    /// Packets shared between workers, if other interfaces are captured, too.
    window: Option<SharedWindow>,
    part: InputPart,
    recorder: Option<Recorder>,
    keeper: Option<Keeper>,
    tell: Sender<Delta>,
    told: CaptureStatus,
    /// Packets counted so far.
    packets: u64,
    /// State of the interface when it was last told.
    link: LinkState,
    /// True for the one worker of an interface that reports its condition and drops.
    reports_interface: bool,
}

impl<'o> CaptureWorker<'o> {
    /// A worker for the capture at a place of the report, which begins now. One that does
    /// not speak for the interface leaves it to another to tell what that missed.
    pub(super) fn new(
        place: u32,
        mut handle: Handle,
        reports_interface: bool,
        engine: &'o Engine,
        recorder: Option<Recorder>,
        tell: Sender<Delta>,
    ) -> Self {
        if !reports_interface {
            handle.leave_interface_drops();
        }
        Self {
            handle,
            counter: engine.counter(),
            window: None,
            keeper: None,
            part: InputPart {
                file: place,
                piece: 0,
            },
            recorder,
            tell,
            told: CaptureStatus::default(),
            packets: 0,
            link: LinkState::Up,
            reports_interface,
        }
    }

    /// Looks for duplicates among the packets of other workers, too.
    pub(super) fn share(&mut self, window: Option<SharedWindow>) {
        self.window = window;
    }

    /// Has a keeper look at each packet.
    pub(super) fn keep(&mut self, keeper: Option<Keeper>) {
        self.keeper = keeper;
    }

    /// Counts packets until the run is over.
    pub(super) fn run(mut self, control: &StopControl) {
        let mut due = Instant::now() + HANDOVER;
        while !control.is_over() {
            self.handle.wait(PATIENCE);
            let read = control.read_within_budget(BATCH, |limit| self.read(limit));
            if read == 0 && self.link != LinkState::Up {
                // Poll would return at once.
                std::thread::sleep(PATIENCE / 4);
            }
            if Instant::now() >= due {
                self.hand_over();
                self.link = self.handle.follow().unwrap_or(self.link);
                due = Instant::now() + HANDOVER;
            }
        }
        self.finish(control);
    }

    /// Reads at most `limit` packets; gives how many there were.
    fn read(&mut self, limit: usize) -> usize {
        let Self {
            handle,
            counter,
            window,
            part,
            recorder,
            keeper,
            ..
        } = self;
        let mut count = 0;
        let keeper = keeper.as_ref().map(|keeper| &keeper.0);
        let mut keeper = keeper.map(|it| it.lock().expect("no holder panics"));
        let window = window.as_ref();
        let mut shared = window.map(|it| it.lock().expect("no holder panics"));
        if let Some(shared) = &mut shared {
            std::mem::swap(&mut **shared, counter.window());
        }
        let read = handle.read(limit, |frame| {
            count += 1;
            counter.packet(*part, frame);
            if let Some(recorder) = recorder {
                recorder.add(frame);
            }
            if let Some(keeper) = &mut keeper {
                keeper.add(frame);
            }
        });
        if let Some(shared) = &mut shared {
            std::mem::swap(&mut **shared, counter.window());
        }
        drop((shared, keeper));
        self.packets += count as u64;
        self.counter.join();
        // Of an interface that is gone `follow` tells more.
        if read.is_err() && self.link == LinkState::Up {
            self.link = LinkState::Down;
        }
        count
    }

    fn status(&mut self) -> CaptureStatus {
        let unsaved = self.recorder.as_ref().map_or(0, Recorder::unsaved);
        CaptureStatus {
            packets: self.packets,
            drops: self.handle.drops(),
            unread: 0,
            unsaved,
            is_down: self.reports_interface && self.link != LinkState::Up,
            is_lost: self.reports_interface && self.link == LinkState::Lost,
        }
    }

    /// Hands over what was counted, if there is room for it; else it is kept, and what
    /// comes next is counted into it.
    fn hand_over(&mut self) {
        self.counter.expire(now());
        let status = self.status();
        if let Some(recorder) = &mut self.recorder {
            recorder.hand_on(status.drops);
        }
        if status == self.told {
            return;
        }
        let delta = self.delta(status, Counter::take);
        match self.tell.try_send(delta) {
            Ok(()) => self.told = status,
            Err(TrySendError::Full(delta) | TrySendError::Disconnected(delta)) => {
                self.counter.put_back(delta.snapshot);
            }
        }
    }

    fn delta(&mut self, status: CaptureStatus, take: fn(&mut Counter<'o>) -> Snapshot) -> Delta {
        let snapshot = take(&mut self.counter);
        Delta {
            part: self.part,
            open: self.counter.open(),
            snapshot,
            status,
        }
    }

    /// Reads what was captured up to now, and hands over for good.
    fn finish(mut self, control: &StopControl) {
        let unread = self.drain(control);
        let mut status = CaptureStatus {
            unread,
            ..self.status()
        };
        if let Some(recorder) = self.recorder.take() {
            let mut missed = status.drops;
            missed.kernel += unread;
            status.unsaved = recorder.finish(missed, Instant::now() + DRAIN);
        }
        let delta = self.delta(status, Counter::finish);
        // The sum listens until all workers have ended.
        let _ = self.tell.send(delta);
    }

    /// Has the kernel let nothing through any more, and reads what it gives out: the last
    /// block comes when its time has run out. Gives how many packets are left where that
    /// takes too long.
    fn drain(&mut self, control: &StopControl) -> u64 {
        // Where it refuses, packets go on coming until the deadline.
        let _ = self.handle.hold();
        let block = Duration::from_millis(BLOCK_TIMEOUT_MILLIS.unsigned_abs().into());
        let deadline = Instant::now() + DRAIN;
        let mut last_read = Instant::now();
        while last_read.elapsed() < SETTLE {
            if control.read_within_budget(BATCH, |limit| self.read(limit)) > 0 {
                last_read = Instant::now();
            } else {
                self.handle.wait(block);
                std::thread::sleep(block / 4);
            }
            if Instant::now() > deadline {
                return self.handle.unread();
            }
        }
        0
    }
}
