//! Local temporary disks of VM sizes: a table as data, `temporary_disks.txt`, with its date and
//! sources.

use std::sync::LazyLock;

use super::vm_sizes::{lines, matches};

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("temporary_disks.txt");

/// True for sizes with a disk, and their pattern in lower case.
static ROWS: LazyLock<Vec<(bool, String)>> = LazyLock::new(|| {
    let rows = lines(BUILT_IN).filter_map(|(_, line)| line.split_once(' '));
    rows.map(|(word, pattern)| (word == "with", pattern.trim().to_ascii_lowercase()))
        .collect()
});

/// Tells if a VM size has a local temporary disk; `None` for a size that the table lacks.
#[must_use]
pub fn has_temporary_disk(size: &str) -> Option<bool> {
    let size = size.trim().to_ascii_lowercase();
    let mut rows = ROWS.iter();
    let row = rows.find(|(_, pattern)| matches(pattern, &size))?;
    Some(row.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{BUILT_IN, has_temporary_disk, lines};

    #[test]
    fn sizes_say_by_their_names_if_they_have_a_disk() {
        for size in ["Standard_D4ds_v5", "Standard_HB120-64rs_v3", "Basic_A1"] {
            assert_eq!(has_temporary_disk(size), Some(true), "{size}");
        }
        for size in ["Standard_D8s_v5", "standard_e16-4AS_v5", "Standard_B2ts_v2"] {
            assert_eq!(has_temporary_disk(size), Some(false), "{size}");
        }
        for size in ["Standard_M416s_9_v2", "Standard_D4s_v9", ""] {
            assert_eq!(has_temporary_disk(size), None, "{size}");
        }
    }

    #[test]
    fn the_table_has_each_pattern_once() {
        let mut patterns = BTreeSet::new();
        for (_, line) in lines(BUILT_IN) {
            let (word, pattern) = line.split_once(' ').expect(line);
            assert!(["with", "without"].contains(&word), "{line}");
            assert!(patterns.insert(pattern), "{line}");
        }
        let dated = BUILT_IN.lines().any(|line| line.starts_with("# Date: 20"));
        assert!(dated && BUILT_IN.contains("# Sources: "));
    }
}
