//! What `plainsight live` needs of the client VM that it runs on: who the servers are,
//! which interface leads to them, and how little of the machine the run can touch once
//! its captures are open.

pub mod confine;
pub mod route;
pub mod servers;

/// The systemd unit that runs `plainsight live` as a service (`systemd.service(5)`).
pub const UNIT: &str = include_str!("live/plainsight.service");
