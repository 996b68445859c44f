//! Sentences of reports for people. Each is made here once, whichever formats show it.

pub(super) mod account;
pub(super) mod causes;
pub(super) mod flows;
pub(super) mod headline;
pub(super) mod inventory;
pub(super) mod next;
pub(super) mod path;
pub(super) mod posture;
pub(super) mod proof;
pub(super) mod warnings;
