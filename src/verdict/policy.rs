//! What encryption must be to count as promised.

use super::{Class, Part};
use crate::evidence::Shown;
use crate::evidence::dtls::{Suite, Version};

/// What encryption must be to count as promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Policy {
    /// DTLS 1.2 with AES-256-GCM and ECDSA certificates, which is what Azure's
    /// encryption of virtual networks promises
    #[default]
    Azure,
    /// Any DTLS that keeps secrets
    AnyDtls,
}

impl Policy {
    /// The name as typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::AnyDtls => "any-dtls",
        }
    }

    /// Whether a version is as good as promised.
    #[must_use]
    pub fn accepts_version(self, version: Version) -> bool {
        self == Self::AnyDtls || version.is_current()
    }

    /// Whether a suite is as good as promised.
    #[must_use]
    pub fn accepts_suite(self, suite: Suite) -> bool {
        self == Self::AnyDtls || suite.is_azure()
    }

    /// Whether all that is encrypted in these flows is so as promised, as far as
    /// versions and suites were seen.
    #[must_use]
    pub fn is_met(self, parts: &[Part]) -> bool {
        let encrypted = |part: &&Part| part.meaning.ground(Class::Encrypted).is_some();
        parts
            .iter()
            .filter(|part| part.counted.contains(&Shown::Ciphertext))
            .filter(encrypted)
            .filter_map(|part| part.flow.dtls.as_deref())
            .all(|dtls| {
                let chosen = dtls.suites.keys().map(|&(version, _)| version);
                let mut versions = dtls.versions().chain(chosen);
                let mut suites = dtls.suites.keys().map(|&(_, suite)| suite);
                versions.all(|version| self.accepts_version(version))
                    && suites.all(|suite| self.accepts_suite(suite))
            })
    }
}
