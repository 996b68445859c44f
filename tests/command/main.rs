//! The program as a user runs it: its flags, reports, messages and exit codes.

mod analytics;
mod analyze;
mod azure;
mod bench;
mod captures;
mod corpus;
mod flow_logs;
mod formats;
mod gates;
mod joins;
mod log_folders;
mod merge;
mod obligations;
mod posture;
mod readme;
mod schema;
mod service;
mod slurm;
mod stored;
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod tools;
mod traps;
mod verdicts;
