//! VM sizes that support VNet encryption: a table as data, `vm_sizes.txt`, with its date and
//! sources. The NIC of a VM tells more of that VM.

use std::collections::BTreeMap;

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("vm_sizes.txt");

/// Word of a line that says up to which version a family is complete.
const COMPLETE: &str = "complete ";

/// Sizes that support VNet encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmSizes {
    patterns: Vec<String>,
    /// Highest version of which all sizes are known, by family in lower case; empty for a
    /// table that is complete as it is.
    complete: BTreeMap<String, u32>,
}

/// Support of a size for VNet encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The table lists it.
    Listed,
    /// The table knows its family and version, and does not list it.
    Unlisted,
    /// It is newer than the table.
    Unknown,
}

/// Fault of a table of sizes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VmSizesError {
    /// A line that can be no pattern.
    #[error("line {0}: `{1}` is no size: give one a line, as in Standard_D*s_v5")]
    Line(usize, String),
    /// No line with a pattern.
    #[error("it names no size")]
    Empty,
}

impl Default for VmSizes {
    fn default() -> Self {
        // A test holds that it can be read.
        Self::parse(BUILT_IN).unwrap_or(Self {
            patterns: Vec::new(),
            complete: BTreeMap::new(),
        })
    }
}

impl VmSizes {
    /// Reads a table: a pattern a line, `*` for the number of vCPUs, `#` before comments, and
    /// lines such as `complete D 5`.
    ///
    /// # Errors
    /// The first line that can be no size, or a table without any.
    pub fn parse(text: &str) -> Result<Self, VmSizesError> {
        let mut sizes = Self {
            patterns: Vec::new(),
            complete: BTreeMap::new(),
        };
        for (number, line) in lines(text) {
            if let Some((family, version)) = complete(line) {
                sizes.complete.insert(family, version);
            } else if is_pattern(line) {
                sizes.patterns.push(line.to_ascii_lowercase());
            } else {
                return Err(VmSizesError::Line(number, line.to_owned()));
            }
        }
        if sizes.patterns.is_empty() {
            return Err(VmSizesError::Empty);
        }
        Ok(sizes)
    }

    /// Support of a size.
    #[must_use]
    pub fn support(&self, size: &str) -> Support {
        let size = size.trim().to_ascii_lowercase();
        if self.patterns.iter().any(|pattern| matches(pattern, &size)) {
            Support::Listed
        } else if self.complete.is_empty() || self.knows(&size) {
            Support::Unlisted
        } else {
            Support::Unknown
        }
    }

    /// Tells if all sizes of the family and version of a size are known.
    fn knows(&self, size: &str) -> bool {
        let (family, version) = family(size);
        self.complete
            .get(family)
            .is_some_and(|&known| version <= known)
    }
}

/// Family and version of a line such as `complete D 5`.
fn complete(line: &str) -> Option<(String, u32)> {
    let (family, version) = line.strip_prefix(COMPLETE)?.trim().split_once(' ')?;
    let is_family = family.chars().all(|c| c.is_ascii_alphabetic());
    let version = version.trim().parse().ok()?;
    is_family.then(|| (family.to_ascii_lowercase(), version))
}

/// Family and version of a size in lower case: `d` and 5 of `standard_d4s_v5`.
fn family(size: &str) -> (&str, u32) {
    let (_, name) = size.split_once('_').unwrap_or(("", size));
    let end = name.find(|c: char| !c.is_ascii_alphabetic());
    (&name[..end.unwrap_or(name.len())], version(size))
}

/// Version of a size in lower case, 1 where it names none.
pub(super) fn version(size: &str) -> u32 {
    let size = size.strip_suffix("_promo").unwrap_or(size);
    let version = size.rsplit_once("_v").and_then(|(_, it)| it.parse().ok());
    version.unwrap_or(1)
}

/// Lines that are neither empty nor comments, and their numbers from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let without_comments = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    (1..)
        .zip(without_comments.map(str::trim))
        .filter(|(_, line)| !line.is_empty())
}

fn is_pattern(line: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-*".contains(c);
    line.chars().all(is_part) && line.matches('*').count() <= 1
}

/// Matches a size with a pattern: `*` is one number, or two with `-` between, of which the
/// second is the number of vCPUs left.
pub(super) fn matches(pattern: &str, size: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == size;
    };
    let rest = size.strip_prefix(before);
    rest.and_then(|rest| rest.strip_suffix(after))
        .is_some_and(is_vcpus)
}

fn is_vcpus(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((all, left)) => is_number(all) && is_number(left),
        None => is_number(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Series that Microsoft's overview lists, each by one of its sizes.
    #[test]
    fn listed_series_are_in_the_table() {
        let listed = [
            "Standard_D2_v4",
            "Standard_D16s_v4",
            "Standard_D4d_v4",
            "Standard_D4ds_v4",
            "Standard_D8a_v4",
            "Standard_D8as_v4",
            "Standard_D96s_v5",
            "Standard_D2ls_v5",
            "Standard_D2lds_v5",
            "Standard_D4ads_v5",
            "Standard_D4alds_v6",
            "Standard_D4s_v6",
            "Standard_D4plds_v6",
            "Standard_E16-4s_v5",
            "Standard_E104ids_v5",
            "Standard_E8as_v6",
            "Standard_E4ps_v6",
            "Standard_M416-208s_v2",
            "Standard_M416s_8_v2",
            "Standard_M416s_9_v2",
            "Standard_M416s_10_v2",
            "Standard_M416-208s_8_v2",
            "Standard_D4ps_v6",
            "Standard_D4pds_v6",
            "Standard_E4pds_v6",
            "Standard_E96-24ads_v5",
            "Standard_M32dms_v2",
            "Standard_M96s_2_v3",
            "Standard_L8s_v3",
            "Standard_F4als_v6",
            "Standard_F4ams_v6",
            "standard_f4AS_V6",
        ];
        let sizes = VmSizes::default();
        for size in listed {
            assert_eq!(sizes.support(size), Support::Listed, "{size}");
        }
    }

    #[test]
    fn others_are_not() {
        let others = [
            "Standard_HB120rs_v3",
            "Standard_HC44rs",
            "Standard_HX176rs",
            "Standard_NC24ads_A100_v4",
            "Standard_ND96isr_H100_v5",
            "Standard_D4s_v3",
            "Standard_DS2_v2",
            "Standard_B2s",
            "Standard_F8s_v2",
            "Standard_L8as_v3",
            "Standard_M832is_16_v3",
            "Standard_DC4as_v5",
            "Standard_E4bs_v5",
            "Standard_D_v4",
            "Standard_D-4_v4",
            "Standard_D4s_v5_Promo",
        ];
        let sizes = VmSizes::default();
        for size in others {
            assert_eq!(sizes.support(size), Support::Unlisted, "{size}");
        }
    }

    #[test]
    fn sizes_newer_than_the_table_are_unknown() {
        let newer = [
            "Standard_D4s_v7",
            "Standard_E8ads_v7",
            "Standard_D4ds_v6",
            "Standard_L8s_v4",
            "Standard_M48s_1_v4",
            "Standard_HB999rs_v9",
            "Standard_Q4s_v1",
            "",
        ];
        let sizes = VmSizes::default();
        for size in newer {
            assert_eq!(sizes.support(size), Support::Unknown, "{size}");
        }
    }

    #[test]
    fn a_table_of_ones_own_replaces_it() {
        let own = VmSizes::parse("# ours\nStandard_HB*rs_v3 # since May\n\n").unwrap();
        assert_eq!(own.support("Standard_HB120rs_v3"), Support::Listed);
        assert_eq!(own.support("Standard_D4s_v5"), Support::Unlisted);
        assert_eq!(own.support("Standard_D4s_v9"), Support::Unlisted);
        let refused = |text: &str| VmSizes::parse(text).unwrap_err().to_string();
        assert!(refused("Standard_D2_v4\nno size").contains("line 2: `no size`"));
        assert!(refused("Standard_*_*").contains("line 1"));
        assert_eq!(refused("# nothing\n"), "it names no size");
    }

    #[test]
    fn the_table_that_comes_along_is_one() {
        assert_eq!(VmSizes::parse(BUILT_IN), Ok(VmSizes::default()));
        let dated = BUILT_IN.lines().any(|line| line.starts_with("# Date: 20"));
        assert!(dated && BUILT_IN.contains("# Sources: "));
    }
}
