//! DTLS that is no path's.

use std::collections::BTreeSet;

use super::ElsewhereReport;
use crate::evidence::dtls::Version;
use crate::flow::DtlsFacts;
use crate::verdict::Elsewhere;

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
