//! Names of files, packets and interfaces, which the account knows by number.

use std::collections::BTreeMap;

use super::InputReport;
use crate::capture::InterfaceId;
use crate::flow::{Interface, Position, SeenOn};
use crate::flow_log::{Entry, LogReport};
use crate::verdict::Part;

/// The names behind numbers.
pub(super) struct Names<'r> {
    pub inputs: &'r [InputReport],
    pub flow_logs: &'r [LogReport],
    pub interfaces: &'r BTreeMap<InterfaceId, String>,
}

impl Names<'_> {
    pub fn file(&self, position: Position) -> String {
        let input = self.inputs.get(position.file as usize);
        input.map_or_else(String::new, |input| input.name.clone())
    }

    /// A packet's number in its file, from 1.
    pub fn packet(&self, position: Position) -> u64 {
        let input = self.inputs.get(position.file as usize);
        let before = input.and_then(|input| input.before.get(position.piece as usize));
        before.copied().unwrap_or(0) + position.packet
    }

    pub fn flow_log(&self, entry: Entry) -> String {
        let log = self.flow_logs.iter().find(|log| log.file == entry.file);
        log.map_or_else(String::new, |log| log.name.clone())
    }

    /// Name of the interface that saw some flows; `None` where several did.
    pub fn only_interface<'p>(&self, parts: &'p [Part<'p>]) -> Option<String> {
        let mut seen_on = SeenOn::default();
        for part in parts {
            seen_on.merge(&part.flow.seen_on);
        }
        self.interface(seen_on.only()?)
    }

    /// An interface's name; `None` where the capture does not name it.
    pub fn interface(&self, interface: Interface) -> Option<String> {
        let name = self.interfaces.get(&interface.id);
        let name = name.filter(|name| !name.is_empty());
        match (name, interface.index) {
            (name, 0) => name.cloned(),
            (None, index) => Some(format!("if {index}")),
            (Some(name), index) => Some(format!("{name}, if {index}")),
        }
    }
}
