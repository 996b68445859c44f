//! Discovery of the servers and of the interfaces that lead to them, before the run.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::{LiveRunError, system};
use super::route::{self, Routes, synthetic_of};
use super::servers::discover;
use crate::capture::live::ANY;
use crate::cli::Live;
use crate::decode::Address;
use crate::engine::Engine;
use crate::verdict::Servers;

/// Configuration of a run, completed by what was found on this machine.
pub(super) struct LiveSetup {
    /// The configuration, with the servers that were found.
    pub(super) engine: Engine,
    /// Names of the interfaces to capture.
    pub(super) interfaces: Vec<String>,
    /// Remarks for a reader of the report, a sentence each.
    pub(super) notes: Vec<String>,
}

impl LiveSetup {
    /// Reads what the machine tells below `root`, which is `/`. What the user named is taken as it is.
    pub(super) fn of(config: &Live, root: &Path) -> Result<Self, LiveRunError> {
        let found = discover(root);
        let mut engine = config.engine.clone();
        let mut notes = Vec::new();
        if engine.servers.is_empty() {
            found.add_to(&mut engine.servers);
            notes.extend(found.notes);
        }
        let interfaces = if config.interfaces.is_empty() {
            let local = route::local_addresses().map_err(system("list addresses"))?;
            let servers = engine.servers.expected().chain(within(&engine.servers));
            let nids = found.local.into_iter();
            let routes = Routes::open().map_err(system("ask for routes"))?;
            let interface_to = |address| routes.interface_to(address);
            let leading = route::interfaces_for(servers, nids, interface_to, &local);
            leading.map_err(system("ask for a route"))?
        } else {
            config.interfaces.iter().cloned().collect::<BTreeSet<_>>()
        };
        if interfaces.is_empty() {
            return Err(LiveRunError::NoInterface);
        }
        notes.extend(interfaces.iter().filter_map(|name| partial(root, name)));
        Ok(Self {
            engine,
            interfaces: interfaces.into_iter().collect(),
            notes,
        })
    }
}

/// An address of each block in which servers may be, to ask for a route to it.
fn within(servers: &Servers) -> impl Iterator<Item = Address> {
    let hosts = servers
        .blocks()
        .filter_map(|(block, _)| block.hosts().next());
    hosts.map(Address::from)
}

/// Remark that an interface sees a part of the traffic only.
fn partial(root: &Path, interface: &str) -> Option<String> {
    if interface == ANY {
        return Some(
            "any: what interfaces drop, and when one is down, is not told there; name the \
             interfaces with -i to have it told"
                .to_owned(),
        );
    }
    let whole = synthetic_of(root, interface)?;
    Some(format!(
        "{interface} is the virtual function of {whole}, and misses what the host itself \
         delivers, SYNs of servers among it: capture {whole}"
    ))
}
