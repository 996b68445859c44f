//! Flow logs, as files and through the command.

#[path = "flow_logs/command.rs"]
mod command;
#[path = "flow_logs/joins.rs"]
mod joins;
#[path = "flow_logs/properties.rs"]
mod properties;
