//! Times of packets, from the ticks of their interface.

use crate::capture::Timestamp;

/// Clock of an interface, as its options describe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    tick: Tick,
    offset_nanos: i128,
}

/// Length of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tick {
    /// In nanoseconds.
    Nanos(u64),
    /// As that part of a nanosecond.
    Part(u64),
    /// A second, halved that often.
    Halved(u32),
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Clock {
    /// A resolution is a negative power: of two if its high bit is set, else of ten.
    pub(super) fn new(resolution: u8, offset_seconds: i64) -> Self {
        let power = u32::from(resolution & 0x7f);
        let tick = match (resolution & 0x80 != 0, power.checked_sub(9)) {
            (true, _) => Tick::Halved(power),
            (false, None) => Tick::Nanos(10_u64.pow(9 - power)),
            // No 64 bits of such ticks make a nanosecond.
            (false, Some(20..)) => Tick::Nanos(0),
            (false, Some(finer)) => Tick::Part(10_u64.pow(finer)),
        };
        Self {
            tick,
            offset_nanos: i128::from(offset_seconds) * i128::from(NANOS_PER_SECOND),
        }
    }

    /// 64 bits of ticks and of offset, in nanoseconds, are far from filling 128.
    #[inline]
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        let nanos = match self.tick {
            Tick::Nanos(nanos) => i128::from(ticks) * i128::from(nanos),
            Tick::Part(parts) => i128::from(ticks / parts),
            Tick::Halved(times) => (i128::from(ticks) * i128::from(NANOS_PER_SECOND)) >> times,
        };
        let nanos = (nanos + self.offset_nanos).clamp(i64::MIN.into(), i64::MAX.into());
        Timestamp(i64::try_from(nanos).unwrap_or_default())
    }
}
