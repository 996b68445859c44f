//! Output of measurements, for a person and for a program.

use std::io::{self, Write};

use comfy_table::Cell;

use super::{BenchOutcome, PeakMemory, Row, Spread};
use crate::cli::BenchFormat;
use crate::report::Style;
use crate::report::text::{bytes, number, packets, right, table};

const HEADER: [&str; 5] = ["", "Packets/s", "Bytes/s", "ns/packet", "Ratio"];

const LEGEND: [&str; 2] = [
    "Of three numbers, the first is the least, then the median, then the most.",
    "Ratio: the median time, divided by that of plainsight. Below 1 is faster.",
];

impl BenchOutcome {
    /// Writes it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, format: BenchFormat, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        match format {
            BenchFormat::Table => self.table(style, out),
            BenchFormat::Json => {
                serde_json::to_writer_pretty(&mut *out, self)?;
                writeln!(out)
            }
        }
    }

    fn table(&self, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}\n", self.headline())?;
        for line in table(&HEADER, self.rows.iter().map(cells).collect(), style) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
        self.notes()
            .iter()
            .try_for_each(|note| writeln!(out, "{note}"))
    }

    fn headline(&self) -> String {
        let count = |count: usize, of: &str| match count {
            1 => format!("1 {of}"),
            _ => format!("{} {of}s", number(count as u64)),
        };
        format!(
            "{}, {}, {}: {} after one to warm up, {}",
            count(self.files, "file"),
            bytes(self.bytes),
            packets(self.packets),
            count(self.runs, "run"),
            count(self.threads, "worker"),
        )
    }

    fn notes(&self) -> Vec<String> {
        let memory = self.rows.iter().filter_map(|row| row.peak_memory.as_ref());
        let does = self.rows.iter().skip(1);
        let absent = self.absent.iter();
        memory
            .map(memory_note)
            .chain(LEGEND.map(str::to_owned))
            .chain(does.map(|row| format!("{}: {}", row.name, row.does)))
            .chain(absent.map(|one| format!("{}: {}", one.name, one.why)))
            .collect()
    }
}

fn memory_note(peak: &PeakMemory) -> String {
    format!(
        "Peak memory of plainsight in bytes, of each {}: {}",
        peak.of,
        spread(peak.bytes),
    )
}

fn cells(row: &Row) -> Vec<Cell> {
    vec![
        Cell::new(row.name),
        right(spread(row.packets_per_second)),
        right(spread(row.bytes_per_second)),
        right(format!("{:.1}", row.nanoseconds_per_packet)),
        right(ratio(row.time_ratio)),
    ]
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.4}")
    } else {
        format!("{ratio:.2}")
    }
}

/// The three in the median's power of a thousand, as in `8.10 8.31 8.40 M`.
fn spread(spread: Spread) -> String {
    const UNITS: [(f64, &str); 4] = [(1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")];
    let fits = |&&(size, _): &&(f64, &str)| spread.median >= size;
    let (size, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
    let [min, median, max] = [spread.min, spread.median, spread.max].map(|value| value / size);
    format!("{min:.2} {median:.2} {max:.2}{unit}")
}

#[cfg(test)]
mod tests {
    use super::{Spread, spread};

    #[test]
    fn a_spread_shares_its_unit() {
        let shown = spread(Spread {
            min: 900_000.0,
            median: 1_250_000.0,
            max: 2_000_000.0,
        });
        assert_eq!(shown, "0.90 1.25 2.00 M");
    }
}
