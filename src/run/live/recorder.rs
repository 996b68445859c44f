//! A worker's packets as blocks, for the thread that [saves](super::save) them.
//!
//! A recorder never waits: where the thread has fallen behind by all buffers there are, a
//! packet is left out of the file, and counted.

use std::time::Instant;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, TrySendError, bounded};

use super::save::Filled;
use crate::capture::Frame;
use crate::capture::losses::Drops;
use crate::capture::pcapng::writer::enhanced_packet;

/// Length at which a buffer is handed on, in bytes.
const BUFFER_LEN: usize = 256 << 10;
/// Number of full buffers that may wait to be written, for each worker: 8 MiB.
const BUFFERS_AHEAD: usize = 32;

/// The channels between recorders and the thread that writes.
pub(super) struct Buffers {
    pub(super) give_full: Sender<Filled>,
    pub(super) take_full: Receiver<Filled>,
    pub(super) give_empty: Sender<Vec<u8>>,
    pub(super) take_empty: Receiver<Vec<u8>>,
}

impl Buffers {
    pub(super) fn new(workers: usize) -> Self {
        let ahead = BUFFERS_AHEAD * workers;
        let (give_full, take_full) = bounded(ahead);
        let (give_empty, take_empty) = bounded(ahead);
        Self {
            give_full,
            take_full,
            give_empty,
            take_empty,
        }
    }
}

/// A worker's side.
pub(super) struct Recorder {
    /// The capture's place among the section's interfaces.
    interface: u32,
    blocks: Vec<u8>,
    /// Number of packets in the blocks.
    packets: u64,
    /// Number of packets that were left out so far.
    unsaved: u64,
    /// Packets that the capture itself missed so far.
    drops: Drops,
    /// Missed packets, as they were last handed on.
    told: Drops,
    full: Sender<Filled>,
    empty: Receiver<Vec<u8>>,
}

impl Recorder {
    pub(super) fn new(interface: u32, buffers: &Buffers) -> Self {
        Self {
            interface,
            blocks: Vec::new(),
            packets: 0,
            unsaved: 0,
            drops: Drops::default(),
            told: Drops::default(),
            full: buffers.give_full.clone(),
            empty: buffers.take_empty.clone(),
        }
    }

    /// Number of packets that were left out so far.
    pub(super) fn unsaved(&self) -> u64 {
        self.unsaved
    }

    pub(super) fn add(&mut self, frame: &Frame<'_>) {
        if self.blocks.len() >= BUFFER_LEN && !self.flush() {
            self.unsaved += 1;
            return;
        }
        enhanced_packet(&mut self.blocks, self.interface, frame, "");
        self.packets += 1;
    }

    /// Hands on what there is, and what the capture dropped so far.
    pub(super) fn hand_on(&mut self, drops: Drops) {
        self.drops = drops;
        if self.packets > 0 || self.missed() != self.told {
            self.flush();
        }
    }

    /// Hands on what there is, if there is room for it.
    fn flush(&mut self) -> bool {
        let filled = self.take();
        let missed = filled.missed;
        match self.full.try_send(filled) {
            Ok(()) => {
                self.told = missed;
                let fresh = self.empty.try_recv();
                self.blocks = fresh.unwrap_or_else(|_| Vec::with_capacity(BUFFER_LEN));
                true
            }
            Err(TrySendError::Full(filled) | TrySendError::Disconnected(filled)) => {
                self.blocks = filled.blocks;
                self.packets = filled.packets;
                false
            }
        }
    }

    /// Hands on the last, for which it waits until a deadline. Gives how many packets were
    /// left out in all.
    pub(super) fn finish(mut self, drops: Drops, deadline: Instant) -> u64 {
        self.drops = drops;
        let filled = self.take();
        match self.full.send_deadline(filled, deadline) {
            Ok(()) => self.unsaved,
            Err(SendTimeoutError::Timeout(filled) | SendTimeoutError::Disconnected(filled)) => {
                self.unsaved + filled.packets
            }
        }
    }

    fn take(&mut self) -> Filled {
        Filled {
            interface: self.interface as usize,
            packets: std::mem::take(&mut self.packets),
            blocks: std::mem::take(&mut self.blocks),
            missed: self.missed(),
        }
    }

    /// Packets that no file holds: those that the capture dropped, and those that were left
    /// out here.
    fn missed(&self) -> Drops {
        Drops {
            kernel: self.drops.kernel + self.unsaved,
            ..self.drops
        }
    }
}
