//! Policies: the encryption that counts as promised.

use crate::evidence::dtls::{Choice, Suite, Version};

/// Encryption that counts as promised.
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

    /// Tests that a version is as good as promised.
    #[must_use]
    pub fn accepts_version(self, version: Version) -> bool {
        match self {
            Self::Azure => version.is_current(),
            Self::AnyDtls => version.is_known(),
        }
    }

    /// Tests that a suite is as good as promised.
    #[must_use]
    pub fn accepts_suite(self, suite: Suite) -> bool {
        self == Self::AnyDtls || suite.is_azure()
    }

    /// Tests that version and suite of a `ServerHello` are as good as promised.
    #[must_use]
    pub fn accepts(self, (version, suite): Choice) -> bool {
        self.accepts_version(version) && self.accepts_suite(suite)
    }
}
