//! Ready-made frames, sent in circles with their DTLS records counting on.

use std::collections::HashMap;

use anyhow::Result;
use pcap::{Capture, Linktype};

use crate::generator::frames::{SEQUENCE_AT, VXLAN_AROUND};
use crate::generator::mixes::{Mix, Supply};

const SEED: u64 = 988;
/// Frames made once.
const FRAMES: usize = 8192;
/// Ethernet's header and the largest IP packet: what segmentation offload would hand over
/// is cut to it.
const LONGEST: usize = 14 + 1500;
/// The start of a record of application data under DTLS 1.2.
const RECORD: [u8; 3] = [23, 0xfe, 0xfd];

/// Frames, and which of them a filter lets through.
#[derive(Clone)]
pub struct Traffic {
    frames: Vec<Vec<u8>>,
    records: Vec<Record>,
    passes: Vec<bool>,
}

/// A DTLS record in a frame.
#[derive(Clone)]
struct Record {
    frame: usize,
    sequence_at: usize,
    /// Records of its flow in all frames.
    step: u64,
}

impl Traffic {
    /// Frames of a mix before a filter.
    pub fn new(mix: Mix, filter: &str) -> Result<Self> {
        let mut supply = Supply::new(mix, SEED);
        let mut frame = || {
            let frame = supply.next();
            frame[..frame.len().min(LONGEST)].to_vec()
        };
        let frames: Vec<_> = (0..FRAMES).map(|_| frame()).collect();
        let filter = Capture::dead(Linktype::ETHERNET)?.compile(filter, true)?;
        Ok(Self {
            records: records(&frames),
            passes: frames.iter().map(|frame| filter.filter(frame)).collect(),
            frames,
        })
    }

    /// All frames, in the order that they are sent in, again and again.
    pub fn frames(&self) -> &[Vec<u8>] {
        &self.frames
    }

    /// Gives the records the numbers of the next time round.
    pub fn count_on(&mut self) {
        for record in &self.records {
            let at = record.sequence_at;
            let number = &mut self.frames[record.frame][at..at + 8];
            let last = u64::from_be_bytes(number.try_into().expect("eight bytes"));
            number.copy_from_slice(&(last + record.step).to_be_bytes());
        }
    }

    /// How many of the first `sent` frames the filter lets through.
    pub fn passing(&self, sent: u64) -> u64 {
        let all = self.passes.len() as u64;
        let count = |passes: &[bool]| passes.iter().filter(|&&passes| passes).count() as u64;
        let rest = usize::try_from(sent % all).expect("fewer than there are");
        sent / all * count(&self.passes) + count(&self.passes[..rest])
    }
}

fn records(frames: &[Vec<u8>]) -> Vec<Record> {
    let places: Vec<_> = frames.iter().map(|frame| sequence_at(frame)).collect();
    let heads = || frames.iter().zip(&places);
    let mut steps: HashMap<&[u8], u64> = HashMap::new();
    for (frame, at) in heads().filter_map(|(frame, at)| Some((frame, (*at)?))) {
        *steps.entry(&frame[..at]).or_default() += 1;
    }
    let record = |(place, (frame, at)): (usize, (&Vec<u8>, &Option<usize>))| {
        let sequence_at = (*at)?;
        Some(Record {
            frame: place,
            sequence_at,
            step: steps[&frame[..sequence_at]],
        })
    };
    heads().enumerate().filter_map(record).collect()
}

/// Where the number of a frame's record stands, alone or inside VXLAN.
fn sequence_at(frame: &[u8]) -> Option<usize> {
    let mut places = [SEQUENCE_AT, VXLAN_AROUND + SEQUENCE_AT].into_iter();
    places.find(|&at| frame.get(at - RECORD.len()..at) == Some(&RECORD))
}
