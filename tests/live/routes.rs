//! The interface that is captured where none is named.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::Scene;
use crate::hosts::Namespace;
use crate::program::Live;

pub const SCENES: &[Scene] = &[
    ("rules for routes say where to capture", by_rule),
    (
        "the longest prefix, then the lowest metric, says where to capture",
        by_table,
    ),
];

const TABLES: [&str; 11] = [
    "link add eth0 type veth peer name far0",
    "link add eth1 type veth peer name far1",
    "link set far0 up",
    "link set far1 up",
    "addr add 10.0.1.10/24 dev eth0",
    "addr add 10.0.2.10/24 dev eth1",
    "link set eth0 up",
    "link set eth1 up",
    "route add default via 10.0.1.1 dev eth0 metric 100",
    "route add default via 10.0.2.1 dev eth1 metric 200",
    "route add unreachable 10.9.0.0/16",
];

/// The interfaces that a run captures to see these servers.
fn captured(namespace: &Namespace, servers: &str) -> Result<Vec<Value>> {
    let mut live = Live::start(namespace, &format!("--servers {servers}"))?;
    let started = live.await_event("started", |_| true)?;
    live.end()?;
    Ok(started["interfaces"]
        .as_array()
        .cloned()
        .unwrap_or_default())
}

fn holds(namespace: &Namespace, expected: &[(&str, &[&str])]) -> Result<()> {
    for (servers, interfaces) in expected {
        let got = captured(namespace, servers)?;
        ensure!(got == *interfaces, "{servers}: {got:?}, not {interfaces:?}");
    }
    Ok(())
}

fn with(more: &[&str]) -> Result<Namespace> {
    let namespace = Namespace::new()?;
    let mut commands = TABLES.iter().chain(more);
    commands.try_for_each(|command| namespace.ip(command))?;
    Ok(namespace)
}

fn by_rule() -> Result<()> {
    let namespace = with(&[
        "route add default via 10.0.2.1 dev eth1 table 100",
        "rule add to 10.20.2.0/24 lookup 100",
        "rule add ipproto tcp dport 988 to 10.30.0.0/16 lookup 100",
    ])?;
    holds(
        &namespace,
        &[
            ("10.20.2.5", &["eth1"]),
            ("10.30.2.5", &["eth1"]),
            ("10.20.3.5", &["eth0"]),
            ("10.20.2.0/24,10.20.3.5", &["eth0", "eth1"]),
        ],
    )
}

fn by_table() -> Result<()> {
    let namespace = with(&["route add 10.20.2.0/24 via 10.0.2.1 dev eth1"])?;
    holds(
        &namespace,
        &[
            ("10.20.2.5", &["eth1"]),
            ("192.0.2.1", &["eth0"]),
            ("10.9.1.1,10.0.2.77", &["eth1"]),
            ("10.0.2.10", &["lo"]),
        ],
    )
}
