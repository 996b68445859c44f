//! Errors that keep a live run from beginning.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::confine::{ConfineError, missing_capture_right};
use super::save::SaveError;
use crate::capture::live::LiveError;
use crate::run::saved::StateError;

/// Error that keeps a live run from beginning.
#[derive(Debug, thiserror::Error)]
pub enum LiveRunError {
    /// No interface was named or found.
    #[error(
        "no interface to capture: no Lustre is mounted here and no server is named; name an \
         interface with -i, or servers with --servers"
    )]
    NoInterface,
    /// The right to capture.
    #[error("cannot capture on {interface}: {what}")]
    Right {
        /// The interface.
        interface: String,
        /// Missing right, and advice on it.
        what: String,
    },
    /// An interface.
    #[error(transparent)]
    Capture(LiveError),
    /// The process keeps more rights than it was promised to.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// A file for `-w`.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// A file for `--save`.
    #[error(transparent)]
    State(#[from] StateError),
    /// The endpoint for metrics.
    #[error("--metrics: cannot listen on {address}: {source}")]
    Metrics {
        /// Address.
        address: SocketAddr,
        /// Error of the system.
        source: io::Error,
    },
    /// A file for events or metrics.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Signals, or the terminal.
    #[error("cannot {what}: {source}")]
    System {
        /// Request to the system.
        what: &'static str,
        /// Error of the system.
        source: io::Error,
    },
}

impl From<LiveError> for LiveRunError {
    fn from(error: LiveError) -> Self {
        let LiveError::Open { interface, source } = &error else {
            return Self::Capture(error);
        };
        match missing_capture_right(&source.to_string()) {
            Some(what) => Self::Right {
                interface: interface.clone(),
                what,
            },
            None => Self::Capture(error),
        }
    }
}

/// Adds to an error of the system the request that it refused.
pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> LiveRunError {
    move |source| LiveRunError::System { what, source }
}
