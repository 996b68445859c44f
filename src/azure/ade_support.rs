//! Support matrix of Azure Disk Encryption (ADE): a table as data, `ade_support.txt`, with its
//! date and sources.

use std::cmp::Ordering;
use std::sync::LazyLock;

use super::vm_sizes::{lines, matches, version};

/// The table that comes with the program.
const BUILT_IN: &str = include_str!("ade_support.txt");

static MATRIX: LazyLock<SupportMatrix> = LazyLock::new(|| {
    // A test holds that it can be read.
    SupportMatrix::parse(BUILT_IN).unwrap_or_default()
});

/// Least memory for any volume, in GiB.
const LEAST_GIB: f64 = 2.0;

/// Answer of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdeSupport {
    /// It is supported.
    Supported,
    /// It is supported for data disks, and not for the system's.
    DataOnly,
    /// It is not supported.
    Unsupported,
    /// The matrix does not tell.
    Unknown,
}

/// Image that is supported.
#[derive(Debug)]
struct MatrixImage {
    /// Publisher, offer and SKU, as in `RedHat:RHEL:9_4`.
    name: String,
    support: AdeSupport,
    /// First version of it that is supported; `None` for all.
    from: Option<String>,
}

#[derive(Debug, Default)]
struct SupportMatrix {
    /// The last version of sizes that are supported.
    version: u32,
    /// Patterns of sizes that are not.
    sizes: Vec<String>,
    /// Memory in GiB of sizes that have little.
    memory: Vec<(f64, String)>,
    /// Publishers of whose images all supported ones are known.
    complete: Vec<String>,
    images: Vec<MatrixImage>,
}

impl SupportMatrix {
    /// Reads a table; `None` for text of another form.
    fn parse(text: &str) -> Option<Self> {
        let mut matrix = Self::default();
        for (_, line) in lines(text) {
            let line = line.to_ascii_lowercase();
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["version", number] => matrix.version = number.parse().ok()?,
                ["size", pattern] => matrix.sizes.push(pattern.to_owned()),
                ["memory", gib, pattern] => {
                    matrix.memory.push((gib.parse().ok()?, pattern.to_owned()));
                }
                ["complete", publisher] => matrix.complete.push(publisher.to_owned()),
                ["image", name, volumes] => matrix.images.push(image(name, volumes, None)?),
                ["image", name, volumes, from] => {
                    matrix.images.push(image(name, volumes, Some(from))?);
                }
                _ => return None,
            }
        }
        Some(matrix)
    }
}

fn image(name: &str, volumes: &str, from: Option<&str>) -> Option<MatrixImage> {
    let support = match volumes {
        "all" => AdeSupport::Supported,
        "data" => AdeSupport::DataOnly,
        _ => return None,
    };
    Some(MatrixImage {
        name: name.to_owned(),
        support,
        from: from.map(str::to_owned),
    })
}

/// Support by a VM size, on Linux or on Windows.
#[must_use]
pub fn of_size(size: &str, is_linux: bool) -> AdeSupport {
    let size = size.trim().to_ascii_lowercase();
    let mut sizes = MATRIX.sizes.iter();
    if sizes.any(|pattern| matches(pattern, &size)) || version(&size) > MATRIX.version {
        return AdeSupport::Unsupported;
    }
    let mut small = MATRIX.memory.iter();
    match small.find(|(_, pattern)| matches(pattern, &size)) {
        Some((gib, _)) if *gib < LEAST_GIB => AdeSupport::Unsupported,
        Some(_) if is_linux => AdeSupport::DataOnly,
        _ => AdeSupport::Supported,
    }
}

/// Support by an image of Linux, given as `PUBLISHER:OFFER:SKU:VERSION`. Images of customers
/// and of galleries have another form, and are unknown.
#[must_use]
pub fn of_image(urn: &str) -> AdeSupport {
    let urn = urn.trim().to_ascii_lowercase();
    let Some((name, version)) = urn.rsplit_once(':') else {
        return AdeSupport::Unknown;
    };
    let [publisher, _, _] = name.split(':').collect::<Vec<_>>()[..] else {
        return AdeSupport::Unknown;
    };
    if let Some(image) = MATRIX.images.iter().find(|image| image.name == name) {
        return match &image.from {
            Some(from) => since(version, from, image.support),
            None => image.support,
        };
    }
    let is_publishers = |image: &MatrixImage| image.name.split(':').next() == Some(publisher);
    let is_complete = MATRIX.complete.iter().any(|it| it == publisher);
    if MATRIX.images.iter().any(is_publishers) && !is_complete {
        AdeSupport::Unknown
    } else {
        AdeSupport::Unsupported
    }
}

/// Support by an image from a version on; one that is not pinned is unknown.
fn since(version: &str, from: &str, support: AdeSupport) -> AdeSupport {
    let parts =
        |text: &str| -> Option<Vec<u64>> { text.split('.').map(|it| it.parse().ok()).collect() };
    match parts(version).map(|version| version.cmp(&parts(from).unwrap_or_default())) {
        None => AdeSupport::Unknown,
        Some(Ordering::Less) => AdeSupport::Unsupported,
        Some(_) => support,
    }
}

#[cfg(test)]
mod tests {
    use super::AdeSupport::{DataOnly, Supported, Unknown, Unsupported};
    use super::{BUILT_IN, SupportMatrix, of_image, of_size};

    #[test]
    fn sizes_are_supported_as_the_page_says() {
        for (size, is_linux, support) in [
            ("Standard_D4s_v5", true, Supported),
            ("Standard_D4s_v6", true, Unsupported),
            ("Standard_D4s_v7", false, Unsupported),
            ("Basic_A2", true, Unsupported),
            ("Standard_A4m_v2", true, Unsupported),
            ("standard_a8", false, Unsupported),
            ("Standard_B1s", false, Unsupported),
            ("Standard_B2s", true, DataOnly),
            ("Standard_B2s", false, Supported),
            ("Standard_F2s_v2", true, DataOnly),
            ("Standard_NV6ads_A10_v5", true, Supported),
        ] {
            assert_eq!(of_size(size, is_linux), support, "{size}");
        }
    }

    #[test]
    fn images_are_supported_as_the_page_says() {
        for (urn, support) in [
            (
                "Canonical:ubuntu-24_04-lts:server:24.04.202601010",
                Supported,
            ),
            ("canonical:UBUNTU-24_04-lts:server:latest", Supported),
            ("RedHat:RHEL:94_gen2:latest", Supported),
            ("RedHat:RHEL:6.8:latest", DataOnly),
            ("RedHat:RHEL:10_0:latest", Unknown),
            ("SUSE:sles-15-sp5:gen2:latest", Unsupported),
            ("almalinux:almalinux-hpc:8_10-hpc-gen2:latest", Unsupported),
            ("OpenLogic:CentOS-LVM:7-LVM:7.9.2021020400", Supported),
            ("OpenLogic:CentOS-LVM:7-LVM:7.9.2020111300", Unsupported),
            ("OpenLogic:CentOS-LVM:7-LVM:latest", Unknown),
            (
                "MicrosoftCBLMariner:cbl-mariner:cbl-mariner-2:2.20230518.01",
                Supported,
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/own",
                Unknown,
            ),
            ("", Unknown),
        ] {
            assert_eq!(of_image(urn), support, "{urn}");
        }
    }

    #[test]
    fn the_table_that_comes_along_is_one() {
        let matrix = SupportMatrix::parse(BUILT_IN).expect("a matrix");
        assert!(matrix.version > 0 && !matrix.images.is_empty());
        let dated = BUILT_IN.lines().any(|line| line.starts_with("# Date: 20"));
        assert!(dated && BUILT_IN.contains("# Sources: "));
    }
}
