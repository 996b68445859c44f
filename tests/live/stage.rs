//! Where scenes are played: a client and its servers, and what the client's interface
//! counts.

use std::net::Ipv4Addr;
use std::ops::Sub;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::dtls::{Suite, Tunnel};
use crate::hosts::{Host, Lan, Link, Namespace};
use crate::inner::{self, Packet};
use crate::lustre;
use crate::program::{Live, number};

pub const CLIENT: &str = "10.20.1.4";
pub const SERVER: &str = "10.20.2.5";
pub const SECOND: &str = "10.20.2.6";
/// Expected, and never there.
pub const ABSENT: &str = "10.20.2.7";

/// A client, and up to two servers.
pub struct Stage {
    lan: Lan,
}

impl Stage {
    pub fn new() -> Result<Self> {
        let addresses: Vec<Ipv4Addr> = [CLIENT, SERVER, SECOND]
            .iter()
            .map(|address| address.parse())
            .collect::<Result<_, _>>()?;
        let lan = Lan::new(Link::ETHERNET, &addresses)?;
        Ok(Self { lan })
    }

    pub fn client(&self) -> &Host {
        &self.lan.hosts()[0]
    }

    pub fn server(&self) -> &Host {
        &self.lan.hosts()[1]
    }

    pub fn second(&self) -> &Host {
        &self.lan.hosts()[2]
    }

    /// Captures on the client's interface.
    pub fn live(&self, arguments: &str) -> Result<Live> {
        Live::start(self.client().namespace(), &format!("-i eth0 {arguments}"))
    }

    /// A whole DTLS tunnel from a port of the client.
    pub fn encrypt(&self, port: u16, server: &Host) -> Result<()> {
        let mut tunnel = Tunnel::open(self.client(), port, server, Suite::AZURE)?;
        tunnel.carry(carried()?)?;
        tunnel.close()
    }

    /// Lustre in the clear, from this port of the client and the two before it.
    pub fn converse(&self, port: u16, server: &Host) -> Result<()> {
        lustre::converse(self.client(), server, &[port, port - 1, port - 2], 8 << 10)
    }

    /// What the client's interface counted, once nothing comes any more.
    pub fn counters(&self) -> Result<Counters> {
        let read = || Counters::of(self.client().namespace(), "eth0");
        let mut last = read()?;
        loop {
            thread::sleep(Duration::from_millis(400));
            let now = read()?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
    }
}

/// What tunnels carry.
fn carried() -> Result<&'static [Packet]> {
    static CARRIED: OnceLock<Result<Vec<Packet>>> = OnceLock::new();
    let carried = CARRIED.get_or_init(|| inner::conversation(CLIENT.parse()?, SERVER.parse()?));
    carried
        .as_deref()
        .map_err(|error| anyhow::anyhow!("{error:#}"))
}

/// What an interface counted, both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    pub packets: u64,
    pub bytes: u64,
}

impl Counters {
    pub fn of(namespace: &Namespace, device: &str) -> Result<Self> {
        let output = Command::new("ip")
            .args(["-n", &namespace.name, "-s", "-j", "link", "show", device])
            .output()?;
        let links: Value = serde_json::from_slice(&output.stdout)?;
        let both = |what: &str| -> Result<u64> {
            let ways = ["rx", "tx"].map(|way| links[0]["stats64"][way][what].as_u64());
            let [Some(received), Some(sent)] = ways else {
                return None.with_context(|| format!("no {what} of {device}"));
            };
            Ok(received + sent)
        };
        Ok(Self {
            packets: both("packets")?,
            bytes: both("bytes")?,
        })
    }

    /// Checks that a report counts as many, byte by byte.
    pub fn hold(&self, report: &Value) -> Result<()> {
        let got = Self {
            packets: number(report, "accounting.packets")?,
            bytes: number(report, "accounting.wire_bytes")?,
        };
        ensure!(
            *self == got,
            "the interface counted {self:?}, the report {got:?}"
        );
        Ok(())
    }
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            packets: self.packets - before.packets,
            bytes: self.bytes - before.bytes,
        }
    }
}
