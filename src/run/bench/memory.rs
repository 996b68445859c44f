//! The most memory that this process had, as Linux tells it.

use std::fs;
use std::io;

/// Begins to measure the peak anew, from what is held now.
pub(super) fn reset_peak() -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open("/proc/self/clear_refs")
        .and_then(|mut file| io::Write::write_all(&mut file, b"5"))
}

/// The largest resident set since the last [`reset_peak`] that worked, in bytes; `None`
/// where the system does not tell.
pub(super) fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    peak_in(&status)
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::peak_in;

    #[test]
    fn the_peak_is_told_in_kibibytes() {
        let status = "VmSize:\t  20 kB\nVmHWM:\t    12 kB\nVmRSS:\t    10 kB\n";
        assert_eq!(peak_in(status), Some(12 << 10));
        assert_eq!(peak_in("VmSize:\t  20 kB\n"), None);
    }
}
