//! The program as a user runs it: its flags, reports, messages and exit codes.

mod analytics;
mod analyze;
mod audit;
mod azure;
mod bench;
mod captures;
mod case;
mod corpus;
mod custody;
mod docs;
#[path = "../../benches/generator/estate.rs"]
mod estate;
mod estates;
mod evidence;
mod filters;
mod flow_logs;
mod formats;
mod gates;
mod joins;
mod log_folders;
mod merge;
mod obligations;
mod page;
mod posture;
mod schema;
mod service;
mod shell;
mod slips;
mod slurm;
mod stored;
mod stripes;
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod timeline;
mod tools;
mod traps;
mod verdicts;
mod window;
