//! Volumes over time as a row of bars.

/// The block elements of Unicode that fill a line from below, by eighths.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Volumes of a class, or of all, in some columns.
#[derive(Clone, Debug)]
pub(crate) struct Sparkline(Vec<u64>);

impl Sparkline {
    /// Sums of so many volumes each, the last of which end with the last volume.
    pub(crate) fn new(volumes: &[u64], in_column: usize) -> Self {
        let columns = volumes.rchunks(in_column.max(1)).rev();
        Self(columns.map(|column| column.iter().sum()).collect())
    }

    /// Volume of the busiest column.
    pub(crate) fn highest(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Bars, as high as their share of the `highest`; every volume but none has one.
    pub(crate) fn bars(&self, highest: u64) -> String {
        self.0.iter().map(|&volume| bar(volume, highest)).collect()
    }
}

fn bar(volume: u64, highest: u64) -> &'static str {
    let eighths = u128::from(volume) * 8 / u128::from(highest.max(1));
    let least = u128::from(volume != 0);
    usize::try_from(eighths.max(least)).map_or(BARS[8], |bar| BARS[bar.min(8)])
}

#[cfg(test)]
mod tests {
    use super::Sparkline;

    fn drawn(volumes: &[u64], in_column: usize) -> String {
        let line = Sparkline::new(volumes, in_column);
        line.bars(line.highest())
    }

    #[test]
    fn the_busiest_is_full_and_the_least_is_seen() {
        assert_eq!(drawn(&[0, 1, 400, 800], 1), " ▁▄█");
        assert_eq!(drawn(&[u64::MAX, 1], 1), "█▁");
        assert_eq!(drawn(&[0, 0], 1), "  ");
        assert_eq!(drawn(&[], 1), "");
    }

    #[test]
    fn columns_are_summed_from_the_end() {
        assert_eq!(drawn(&[4, 2, 2, 3, 5], 2), "▄▄█");
        assert_eq!(drawn(&[1, 2, 3], 0), "▂▅█");
    }
}
