//! DTLS that is no path's.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Volume, path::SuiteReport};
use crate::evidence::dtls::Version;
use crate::flow::DtlsFacts;
use crate::verdict::Elsewhere;

/// DTLS between two addresses of which none is a known server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ElsewhereReport {
    /// The two addresses; empty for the sum of those too many to list.
    pub addresses: Vec<String>,
    /// Packets and bytes of it.
    #[serde(flatten)]
    pub volume: Volume,
    /// Versions of its protected records.
    pub versions: Vec<&'static str>,
    /// Suites that a `ServerHello` chose.
    pub suites: Vec<SuiteReport>,
}

impl ElsewhereReport {
    pub(super) fn of(elsewhere: &Elsewhere) -> Self {
        let dtls = || {
            elsewhere
                .flows
                .iter()
                .filter_map(|flow| flow.dtls.as_deref())
        };
        let versions: BTreeSet<_> = dtls().flat_map(DtlsFacts::versions).collect();
        let suites: BTreeSet<_> = dtls().flat_map(|dtls| dtls.suites.keys()).collect();
        let addresses = elsewhere.ends.map(|(low, high)| [low, high]);
        Self {
            addresses: addresses
                .iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
            volume: elsewhere.count.into(),
            versions: versions.into_iter().map(Version::name).collect(),
            suites: suites.into_iter().map(|&(_, suite)| suite.into()).collect(),
        }
    }
}
