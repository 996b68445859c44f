#![doc = include_str!("../docs/architecture.md")]

pub mod aggregate;
pub mod azure;
pub mod capture;
pub mod cli;
pub mod decode;
pub mod engine;
pub mod evidence;
pub mod flow;
pub mod flow_log;
pub mod input;
pub mod layout;
pub mod report;
pub mod run;
pub mod verdict;
