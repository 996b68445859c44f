//! The machine's clocks.

use std::time::{Duration, SystemTime};

use nix::sys::resource::{Usage, UsageWho, getrusage};

use crate::capture::Timestamp;

/// The present moment; 1970 where the clock is set before that.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.as_nanos());
    Timestamp(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// CPU time of the calling thread.
pub(super) fn spent_by_thread() -> Duration {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(Duration::ZERO, |usage| spent(&usage))
}

/// CPU time in user mode and in the kernel.
pub(super) fn spent(usage: &Usage) -> Duration {
    let times = [usage.user_time(), usage.system_time()];
    let times = times.map(|time| {
        let micros = u32::try_from(time.tv_usec()).unwrap_or(0);
        Duration::new(time.tv_sec().unsigned_abs(), 1000 * micros)
    });
    times.into_iter().sum()
}
