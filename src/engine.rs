//! From frames to counted state, from that of several parts of the input to one, and from
//! that to a [`Report`].
//!
//! Every command goes through here: nothing else joins worker, fragments, snapshot,
//! judgement and report. The engine reads no clock and starts no thread.

use std::sync::Arc;

use crate::aggregate::duplicates::Window;
use crate::aggregate::fragments::{FragmentEvents, Fragments};
use crate::aggregate::{InputCount, InputPart, Snapshot, Worker};
use crate::azure::topology::Azure;
use crate::capture::{Frame, Timestamp};
use crate::decode;
use crate::flow::table::DEFAULT_LIMIT;
use crate::flow::{Period, Times};
use crate::flow_log::FlowLog;
use crate::report::{Report, Run};
use crate::verdict::{Policy, Servers, Sources, Terms, Viewpoint, judge};

/// Terms on which packets are counted and judged.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Point at which the captures were made.
    pub vantage: Viewpoint,
    /// Addresses that are servers.
    pub servers: Servers,
    /// Exports of Azure's configuration, if there are any.
    pub azure: Option<Arc<Azure>>,
    /// Requirements on encryption.
    pub policy: Policy,
    /// True if the `ServerHello` of every session must have been seen.
    pub require_handshake: bool,
    /// Share of packets that captures may have lost, from 0 to 1.
    pub max_loss: f64,
    /// UDP ports of tunnels.
    pub decode: decode::TunnelPorts,
    /// Number of flows that are kept apart.
    pub max_flows: usize,
    /// Period that packets and flow logs are judged of.
    pub period: Period,
    /// True if servers may be named when all is counted.
    pub servers_later: bool,
}

/// Terms for recorded captures of which nothing is known.
impl Default for Engine {
    fn default() -> Self {
        Self {
            vantage: Viewpoint::recorded(),
            servers: Servers::default(),
            azure: None,
            policy: Policy::default(),
            require_handshake: false,
            max_loss: 0.0,
            decode: decode::TunnelPorts::default(),
            max_flows: DEFAULT_LIMIT,
            period: Period::ALWAYS,
            servers_later: false,
        }
    }
}

impl Engine {
    /// The same, with Azure's configuration and the servers that it tells, after those that are
    /// named.
    #[must_use]
    pub fn with_azure(mut self, azure: Azure) -> Self {
        let (addresses, blocks) = azure.servers();
        for (address, source) in addresses {
            self.servers.add_expected(address.into(), &source);
        }
        for (block, source) in blocks {
            self.servers.add_block(block, &source);
        }
        self.azure = Some(Arc::new(azure));
        self
    }

    /// A worker for parts of the input. Its [fragments](Worker::take_fragments) are to be
    /// [played](CountedState::play) in the order of the input.
    #[must_use]
    pub fn worker(&self) -> Worker<'_> {
        let worker = Worker::new(&self.decode, self.max_flows)
            .within(self.period)
            .expecting(self.servers.expected())
            .near(self.servers.ranges());
        if self.servers_later {
            worker.by_address()
        } else {
            worker
        }
    }

    /// A counter for frames that come in the order of their capture.
    #[must_use]
    pub fn counter(&self) -> Counter<'_> {
        Counter {
            worker: self.worker(),
            fragments: Fragments::default(),
        }
    }

    /// The counted state of an input of no packets.
    #[must_use]
    pub fn input(&self) -> CountedState {
        let mut counted = self.counted();
        if self.servers_later {
            counted.snapshot = counted.snapshot.by_address();
        }
        counted
    }

    /// The counted state of no packets.
    #[must_use]
    pub fn counted(&self) -> CountedState {
        CountedState {
            snapshot: Snapshot::new(self.max_flows).near(self.servers.ranges()),
            fragments: Fragments::default(),
        }
    }

    /// Counts of an input with the servers that are named; `None` where the input was counted
    /// with others, and had more flows than could be kept for any.
    #[must_use]
    pub fn with_servers(&self, counted: InputCount) -> Option<InputCount> {
        let expected: Vec<_> = self.servers.expected().collect();
        counted.with_servers(&expected, self.servers.ranges())
    }

    /// A run of which no input was read yet.
    #[must_use]
    pub fn run(&self) -> Run {
        Run {
            period: self.period,
            ..Run::new(self.policy, self.vantage.clone(), self.max_loss)
        }
    }

    /// The report on what captures showed so far and flow logs say; `None` where none were read.
    #[must_use]
    pub fn report(
        &self,
        counted: Option<&mut CountedState>,
        logged: Option<FlowLog>,
        run: Run,
    ) -> Report {
        let captured = counted.map(|counted| counted.snapshot.settled());
        self.judged(captured, logged, run)
    }

    /// The same of captures that have ended, in less memory.
    #[must_use]
    pub fn final_report(
        &self,
        counted: Option<CountedState>,
        logged: Option<FlowLog>,
        run: Run,
    ) -> Report {
        let captured = counted.map(|counted| counted.snapshot.closed());
        self.judged(captured.as_ref(), logged, run)
    }

    fn judged(&self, captured: Option<&Snapshot>, logged: Option<FlowLog>, run: Run) -> Report {
        let sources = Sources { captured, logged };
        let terms = Terms {
            policy: self.policy,
            vantage: self.vantage.value,
            require_handshake: self.require_handshake,
            period: self.period,
        };
        let judgement = judge(sources, &self.servers, terms);
        Report::new(judgement, run, self.azure.as_deref())
    }
}

/// Counted state of parts of the input, added up in their order.
#[derive(Debug)]
pub struct CountedState {
    snapshot: Snapshot,
    fragments: Fragments,
}

impl CountedState {
    /// Adds the counts of a part.
    pub fn add(&mut self, snapshot: Snapshot) {
        self.snapshot.merge(snapshot);
    }

    /// The counts so far of an input that goes on, with fragments that are still open.
    #[must_use]
    pub fn so_far(&self, open: FragmentEvents) -> InputCount {
        InputCount {
            snapshot: self.snapshot.clone(),
            open,
        }
    }

    /// Counts later fragments with their first, in the order of the input.
    pub fn play(&mut self, events: FragmentEvents) {
        let (fragments, snapshot) = (&mut self.fragments, &mut self.snapshot);
        for (key, event) in events {
            fragments.play(key, event, |later, outcome| snapshot.settle(later, outcome));
        }
    }

    /// Adds the counts of an input whose servers are [named](Engine::with_servers).
    pub fn add_input(&mut self, input: InputCount) {
        self.add(input.snapshot);
        self.play(input.open);
    }

    /// The counts of an input, now that it has ended.
    #[must_use]
    pub fn into_input(self) -> InputCount {
        InputCount {
            snapshot: self.snapshot,
            open: self.fragments.events(),
        }
    }

    /// Counts the fragments whose first did not come before the input ended.
    pub fn finish(&mut self) {
        let (fragments, snapshot) = (&mut self.fragments, &mut self.snapshot);
        fragments.finish(|later, outcome| snapshot.settle(later, outcome));
    }

    /// Times of the packets.
    #[must_use]
    pub fn times(&self) -> &Times {
        &self.snapshot.times
    }
}

/// Counter of a source whose frames come in order, fragments included.
#[derive(Debug)]
pub struct Counter<'e> {
    worker: Worker<'e>,
    fragments: Fragments,
}

impl Counter<'_> {
    /// Counts a packet; later fragments wait for the next [`Counter::join`].
    pub fn packet(&mut self, part: InputPart, frame: &Frame<'_>) {
        self.worker.packet(part, frame);
    }

    /// The last packets, of which those to come may be duplicates.
    pub fn window(&mut self) -> &mut Window {
        self.worker.window()
    }

    /// Counts the fragments that came since the last call with their first.
    pub fn join(&mut self) {
        for (key, event) in self.worker.take_fragments() {
            let snapshot = self.worker.snapshot();
            self.fragments
                .play(key, event, |later, outcome| snapshot.settle(later, outcome));
        }
    }

    /// Fragments that wait, and those whose later ones may come.
    #[must_use]
    pub fn open(&self) -> FragmentEvents {
        self.fragments.events()
    }

    /// Counts the fragments that have waited too long for their first.
    pub fn expire(&mut self, now: Timestamp) {
        let snapshot = self.worker.snapshot();
        self.fragments
            .expire(now, |later, outcome| snapshot.settle(later, outcome));
    }

    /// The counts since the last call.
    pub fn take(&mut self) -> Snapshot {
        self.worker.take_snapshot()
    }

    /// Counts on from counts that were [taken](Self::take) just now.
    pub fn put_back(&mut self, snapshot: Snapshot) {
        *self.worker.snapshot() = snapshot;
    }

    /// The counts since the last [`Counter::take`], now that the source has ended.
    pub fn finish(&mut self) -> Snapshot {
        self.join();
        let snapshot = self.worker.snapshot();
        self.fragments
            .finish(|later, outcome| snapshot.settle(later, outcome));
        self.take()
    }
}
