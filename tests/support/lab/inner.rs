//! The packets that a tunnel carries: those of a Lustre conversation, held
//! by real hosts on a link of their own.

use std::net::Ipv4Addr;

use anyhow::Result;
use pcap::Capture;

use super::hosts::{Lan, Link};
use super::lustre;
use super::record::{self, Recipe};

const ETHERNET_HEADER: usize = 14;

/// An IP packet to be carried.
pub struct Packet {
    /// Which way it goes.
    pub from_client: bool,
    /// From the IP header on.
    pub bytes: Vec<u8>,
}

/// The packets of a conversation between two addresses, small enough for a
/// tunnel's records to fit an Ethernet.
pub fn conversation(client: Ipv4Addr, server: Ipv4Addr) -> Result<Vec<Packet>> {
    let link = Link {
        mtu: 1400,
        segmentation_offload: false,
    };
    let lan = Lan::new(link, &[client, server])?;
    let [near, far] = lan.hosts() else {
        unreachable!("a host for each address")
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("inner.pcap");
    record::while_doing(near, Recipe::of("eth0"), &file, || {
        lustre::converse(near, far, &[1023, 1022, 1021], 8 << 10)
    })?;
    let mut packets = Vec::new();
    let mut capture = Capture::from_file(file)?;
    while let Ok(frame) = capture.next_packet() {
        let bytes = frame.data[ETHERNET_HEADER..].to_vec();
        let from_client = bytes[12..16] == client.octets();
        packets.push(Packet { from_client, bytes });
    }
    Ok(packets)
}
