//! The interface that carries the traffic with an address.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::route::{RouteAttribute, RouteMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::ifaddrs::getifaddrs;
use nix::libc::IPPROTO_TCP;
use nix::net::if_::if_indextoname;
use nix::sys::socket::SockaddrStorage;

use crate::decode::Address;
use crate::flow::LUSTRE_PORT;

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
///
/// # Errors
/// Those of `interface_to`, which gives the interface that leads to an address.
pub fn interfaces_for(
    servers: impl Iterator<Item = Address>,
    nids: impl Iterator<Item = Address>,
    interface_to: impl Fn(IpAddr) -> io::Result<Option<String>>,
    local: &[Local],
) -> io::Result<BTreeSet<String>> {
    let leading = servers.filter_map(|server| interface_to(server.into()).transpose());
    let leading: BTreeSet<_> = leading.collect::<Result<_, _>>()?;
    if !leading.is_empty() {
        return Ok(leading);
    }
    let holders = nids.filter_map(|nid| holder(local, nid.into()));
    Ok(holders.map(str::to_owned).collect())
}

/// The kernel's routing, by rules and all tables (rtnetlink(7), ip-rule(8)).
pub struct Routes(Socket);

impl Routes {
    /// Opens a socket to ask by.
    ///
    /// # Errors
    /// The kernel gives none.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self(socket))
    }

    /// The interface by which TCP to the Lustre port of an address leaves; `None` where no
    /// route leads there.
    ///
    /// # Errors
    /// The kernel gives no answer.
    pub fn interface_to(&self, address: IpAddr) -> io::Result<Option<String>> {
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::GetRoute(question(address)));
        message.header = NetlinkHeader::default();
        message.header.flags = NLM_F_REQUEST;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.0.send(&bytes, 0)?;
        let (answer, _) = self.0.recv_from_full()?;
        let answer = NetlinkMessage::deserialize(&answer).map_err(io::Error::other)?;
        // An error of the kernel's is that there is no route, or that one forbids.
        let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) = answer.payload
        else {
            return Ok(None);
        };
        let mut attributes = route.attributes.iter();
        let index = attributes.find_map(|attribute| match attribute {
            RouteAttribute::Oif(index) => Some(*index),
            _ => None,
        });
        let name = index.map(if_indextoname).transpose()?;
        Ok(name.map(|name| name.to_string_lossy().into_owned()))
    }
}

fn question(address: IpAddr) -> RouteMessage {
    let mut message = RouteMessage::default();
    let (family, len) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    };
    message.header.address_family = family;
    message.header.destination_prefix_length = len;
    let tcp = u8::try_from(IPPROTO_TCP).unwrap_or_default();
    message.attributes = vec![
        RouteAttribute::Destination(address.into()),
        RouteAttribute::IpProto(tcp),
        RouteAttribute::Dport(LUSTRE_PORT),
    ];
    message
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
