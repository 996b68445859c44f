//! Which interface carries the traffic with an address.
//!
//! Routes are the main table's, from `/proc/net/route` (proc(5)) and
//! `/proc/net/ipv6_route` (Linux, `rt6_info_route` of `net/ipv6/route.c`); rules for
//! other tables (ip-rule(8)) are not followed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use crate::decode::Address;

/// What carries the traffic between two addresses of this machine.
pub const LOOPBACK: &str = "lo";

/// An address of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The interface that holds it.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
}

/// The addresses of this machine, by getifaddrs(3).
///
/// # Errors
/// The kernel does not tell.
pub fn local_addresses() -> io::Result<Vec<Local>> {
    let all = getifaddrs()?;
    Ok(all
        .filter_map(|held| {
            Some(Local {
                interface: held.interface_name,
                address: ip(&held.address?)?,
            })
        })
        .collect())
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| v4.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| v6.ip().into()))
}

/// The interface that holds an address, such as a NID's.
#[must_use]
pub fn holder(local: &[Local], address: IpAddr) -> Option<&str> {
    let holder = local.iter().find(|held| held.address == address);
    holder.map(|held| held.interface.as_str())
}

/// The interfaces to capture where none is named: those that lead to the servers, else
/// those that hold the VM's own Lustre addresses.
#[must_use]
pub fn interfaces_for(
    servers: impl Iterator<Item = Address>,
    nids: impl Iterator<Item = Address>,
    routes: &Routes,
    local: &[Local],
) -> BTreeSet<String> {
    let leading = servers.filter_map(|server| routes.interface_to(server.into(), local));
    let leading: BTreeSet<_> = leading.map(str::to_owned).collect();
    if !leading.is_empty() {
        return leading;
    }
    let holders = nids.filter_map(|nid| holder(local, nid.into()));
    holders.map(str::to_owned).collect()
}

/// The main routing tables of IPv4 and IPv6.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Route>);

#[derive(Clone, Debug)]
struct Route {
    to: IpNet,
    metric: u32,
    flags: u32,
    interface: String,
}

/// Flags of `linux/route.h` and `linux/ipv6_route.h`.
const RTF_UP: u32 = 0x0001;
const RTF_REJECT: u32 = 0x0200;
const RTF_LOCAL: u32 = 0x8000_0000;

impl Routes {
    /// Reads the tables below `root`, which is `/` but for tests. A line that is no route
    /// is passed over, and a table that cannot be read is empty.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let read = |path| fs::read(root.join(path)).unwrap_or_default();
        let v4 = String::from_utf8_lossy(&read("proc/net/route")).into_owned();
        let v6 = String::from_utf8_lossy(&read("proc/net/ipv6_route")).into_owned();
        let routes = v4.lines().filter_map(v4_route);
        let routes = routes.chain(v6.lines().filter_map(v6_route));
        Self(
            routes
                .filter(|route| route.flags & RTF_UP != 0 || route.is_reject())
                .collect(),
        )
    }

    /// The interface that packets to an address leave by: the route with the longest
    /// prefix, among those the lowest metric.
    #[must_use]
    pub fn interface_to(&self, address: IpAddr, local: &[Local]) -> Option<&str> {
        if address.is_loopback() || holder(local, address).is_some() {
            return Some(LOOPBACK);
        }
        let routes = self.0.iter().filter(|route| route.to.contains(&address));
        let best = routes.min_by_key(|route| (u8::MAX - route.to.prefix_len(), route.metric))?;
        best.interface()
    }
}

impl Route {
    fn is_reject(&self) -> bool {
        self.flags & RTF_REJECT != 0
    }

    fn interface(&self) -> Option<&str> {
        if self.is_reject() {
            None
        } else if self.flags & RTF_LOCAL != 0 {
            Some(LOOPBACK)
        } else {
            Some(&self.interface)
        }
    }
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask ...`, addresses in hexadecimal
/// as this machine reads the four bytes, the metric in decimal.
fn v4_route(line: &str) -> Option<Route> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let &[interface, to, _, flags, _, _, metric, mask, ..] = fields.as_slice() else {
        return None;
    };
    let address = |field| Some(Ipv4Addr::from(hex(field)?.to_ne_bytes()));
    Some(Route {
        to: Ipv4Net::with_netmask(address(to)?, address(mask)?)
            .ok()?
            .into(),
        metric: metric.parse().ok()?,
        flags: hex(flags)?,
        interface: interface.to_owned(),
    })
}

/// `destination length source length gateway metric references uses flags interface`, all
/// numbers in hexadecimal. Routes that also depend on the source are passed over.
fn v6_route(line: &str) -> Option<Route> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let &[to, len, _, "00", _, metric, _, _, flags, interface] = fields.as_slice() else {
        return None;
    };
    let to = Ipv6Addr::from(u128::from_str_radix(to, 16).ok()?);
    Some(Route {
        to: Ipv6Net::new(to, u8::from_str_radix(len, 16).ok()?)
            .ok()?
            .into(),
        metric: hex(metric)?,
        flags: hex(flags)?,
        interface: interface.to_owned(),
    })
}

fn hex(field: &str) -> Option<u32> {
    u32::from_str_radix(field, 16).ok()
}

/// The driver of the synthetic interface that Hyper-V gives a VM.
const SYNTHETIC: &str = "hv_netvsc";

/// The synthetic interface that a virtual function (VF) belongs to, if `interface` is one.
///
/// With accelerated networking the host hands the VM a VF of the same MAC address, and
/// `hv_netvsc` makes it its own lower device (`netvsc_vf_join` of
/// `drivers/net/hyperv/netvsc_drv.c`). What the host itself delivers, a server's SYN
/// among it, arrives on the synthetic interface alone, so that is the one to capture.
#[must_use]
pub fn synthetic_of(root: &Path, interface: &str) -> Option<String> {
    let net = root.join("sys/class/net");
    let of = |name: &str| net.join(name);
    if is_synthetic(&of(interface)) {
        return None;
    }
    let master = link_name(&of(interface).join("master"));
    let master = master.filter(|master| is_synthetic(&of(master)));
    master.or_else(|| synthetic_with_mac(&net, &mac(&of(interface))?))
}

/// A VF that is not joined yet has no master, but a device and its synthetic
/// interface's MAC address. So has no bridge, VLAN or veth.
fn synthetic_with_mac(net: &Path, wanted: &str) -> Option<String> {
    let names = fs::read_dir(net).ok()?.filter_map(Result::ok);
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| is_synthetic(&net.join(name)))
        .find(|name| mac(&net.join(name)).as_deref() == Some(wanted))
}

fn is_synthetic(interface: &Path) -> bool {
    driver(interface).as_deref() == Some(SYNTHETIC)
}

fn driver(interface: &Path) -> Option<String> {
    link_name(&interface.join("device/driver"))
}

/// The MAC address of an interface that has a device.
fn mac(interface: &Path) -> Option<String> {
    driver(interface)?;
    fs::read_to_string(interface.join("address")).ok()
}

fn link_name(link: &Path) -> Option<String> {
    let target = fs::read_link(link).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}
