//! What `plainsight live` needs of the client VM that it runs on: who the servers are,
//! which interface leads to them, and how little of the machine the run can touch once
//! its captures are open.

pub mod confine;
pub mod route;
pub mod servers;
