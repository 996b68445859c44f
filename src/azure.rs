//! What Azure says of the wire below a capture.
//!
//! - [`flow_log`]: what the platform did with each flow.
//! - [`dmi`]: whether this machine is a virtual machine of Azure.

pub mod dmi;
pub mod flow_log;
