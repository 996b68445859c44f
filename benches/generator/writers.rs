//! Capture files from a supply of frames.

use std::io::{self, Write};

use super::mixes::Supply;

/// Format of the file to write.
#[derive(Clone, Copy, Debug)]
pub enum Container {
    /// Classic pcap with microseconds.
    Pcap,
    /// pcapng with one interface.
    Pcapng,
}

/// Writes `packets` frames, one each ten microseconds.
pub fn write(
    supply: &mut Supply,
    container: Container,
    packets: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    out.write_all(&header(container))?;
    for number in 0..packets {
        let micros = 1_700_000_000_000_000 + number * 10;
        let frame = supply.next();
        match container {
            Container::Pcap => record(micros, frame, out)?,
            Container::Pcapng => block(micros, frame, out)?,
        }
    }
    out.flush()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().copied().flat_map(u32::to_le_bytes).collect()
}

/// Snap length of the files: longer than any frame.
const SNAP_LEN: u32 = 262_144;

fn header(container: Container) -> Vec<u8> {
    match container {
        Container::Pcap => words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, SNAP_LEN, 1]),
        Container::Pcapng => {
            let section = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];
            let interface = [1, 20, 1, SNAP_LEN, 20];
            words(&[&section[..], &interface].concat())
        }
    }
}

fn record(micros: u64, frame: &[u8], out: &mut impl Write) -> io::Result<()> {
    let len = u32::try_from(frame.len()).expect("a frame is short");
    let seconds = u32::try_from(micros / 1_000_000).expect("before 2106");
    let rest = u32::try_from(micros % 1_000_000).expect("less than a million");
    out.write_all(&words(&[seconds, rest, len, len]))?;
    out.write_all(frame)
}

fn block(micros: u64, frame: &[u8], out: &mut impl Write) -> io::Result<()> {
    let len = u32::try_from(frame.len()).expect("a frame is short");
    let padding = len.next_multiple_of(4) - len;
    let total = 32 + len + padding;
    let high = u32::try_from(micros >> 32).expect("the upper half");
    let low = u32::try_from(micros & u64::from(u32::MAX)).expect("the lower half");
    out.write_all(&words(&[6, total, 0, high, low, len, len]))?;
    out.write_all(frame)?;
    out.write_all(&[0; 3][..padding as usize])?;
    out.write_all(&total.to_le_bytes())
}
