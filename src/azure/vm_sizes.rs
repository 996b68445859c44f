//! Which VM sizes support VNet encryption: a table as data, `vm_sizes.txt`, from
//! Microsoft's overview of VNet encryption. The truth of one VM is at its NIC.

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("vm_sizes.txt");

/// Sizes that support VNet encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VmSizes {
    patterns: Vec<String>,
}

/// Why a table of sizes cannot be used.
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
        Self {
            patterns: lines(BUILT_IN)
                .map(|(_, line)| line.to_ascii_lowercase())
                .collect(),
        }
    }
}

impl VmSizes {
    /// Reads a table: a pattern a line, `*` for the number of vCPUs, `#` before comments.
    ///
    /// # Errors
    /// The first line that can be no size, or a table without any.
    pub fn parse(text: &str) -> Result<Self, VmSizesError> {
        let pattern = |(number, line): (usize, &str)| {
            if is_pattern(line) {
                Ok(line.to_ascii_lowercase())
            } else {
                Err(VmSizesError::Line(number, line.to_owned()))
            }
        };
        let patterns: Vec<String> = lines(text).map(pattern).collect::<Result<_, _>>()?;
        if patterns.is_empty() {
            return Err(VmSizesError::Empty);
        }
        Ok(Self { patterns })
    }

    /// Whether a size is in the table.
    #[must_use]
    pub fn support(&self, size: &str) -> bool {
        let size = size.to_ascii_lowercase();
        self.patterns.iter().any(|pattern| matches(pattern, &size))
    }
}

/// Lines that are neither empty nor comments, and their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
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

/// Whether a size is what a pattern stands for: `*` is one number, or two with `-`
/// between, of which the second is how many of the vCPUs are left.
fn matches(pattern: &str, size: &str) -> bool {
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
            "Standard_M32dms_v2",
            "Standard_M96s_2_v3",
            "Standard_L8s_v3",
            "Standard_F4als_v6",
            "Standard_F4ams_v6",
            "standard_f4AS_V6",
        ];
        let sizes = VmSizes::default();
        for size in listed {
            assert!(sizes.support(size), "{size}");
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
            "",
            "Standard_D4s_v5_Promo",
        ];
        let sizes = VmSizes::default();
        for size in others {
            assert!(!sizes.support(size), "{size}");
        }
    }

    #[test]
    fn a_table_of_ones_own_replaces_it() {
        let own = VmSizes::parse("# ours\nStandard_HB*rs_v3 # since May\n\n").unwrap();
        assert!(own.support("Standard_HB120rs_v3"));
        assert!(!own.support("Standard_D4s_v5"));
        let refused = |text: &str| VmSizes::parse(text).unwrap_err().to_string();
        assert!(refused("Standard_D2_v4\nno size").contains("line 2: `no size`"));
        assert!(refused("Standard_*_*").contains("line 1"));
        assert_eq!(refused("# nothing\n"), "it names no size");
    }

    #[test]
    fn the_table_that_comes_along_is_one() {
        assert_eq!(VmSizes::parse(BUILT_IN), Ok(VmSizes::default()));
    }
}
