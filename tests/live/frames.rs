//! Ready-made frames, sent to an interface whose host they are not for.

use std::ops::Range;

use anyhow::Result;
use pcap::{Active, Capture};

use crate::hosts::Namespace;
use crate::packets::{Ip, Link, UDP, dtls, udp};
use crate::program::Live;

/// A namespace with an interface that nobody speaks on.
pub fn quiet() -> Result<Namespace> {
    let namespace = Namespace::new()?;
    plug_in(&namespace)?;
    Ok(namespace)
}

/// Makes the interface, and the far end of its wire.
pub fn plug_in(namespace: &Namespace) -> Result<()> {
    namespace.ip("link add eth0 type veth peer name far0")?;
    namespace.ip("link set far0 up")?;
    namespace.ip("link set eth0 up")
}

/// Two namespaces and a wire between them, `eth0` in the first and `far0` in the second,
/// which carries the longest frames that a network card makes of several.
pub fn wire() -> Result<(Namespace, Namespace)> {
    let (near, far) = (Namespace::new()?, Namespace::new()?);
    lay(&near, &far)?;
    Ok((near, far))
}

/// Lays such a wire.
pub fn lay(near: &Namespace, far: &Namespace) -> Result<()> {
    let other = &far.name;
    near.ip(&format!(
        "link add eth0 type veth peer name far0 netns {other}"
    ))?;
    for (namespace, device) in [(far, "far0"), (near, "eth0")] {
        namespace.ip(&format!("link set {device} mtu 65535 up"))?;
    }
    Ok(())
}

/// Sends frames as they are.
pub fn send_all(namespace: &Namespace, device: &str, frames: &[Vec<u8>]) -> Result<()> {
    let open = || Capture::from_device(device)?.open();
    let mut socket = namespace.enter(open)??;
    for frame in frames {
        socket.sendpacket(&frame[..])?;
    }
    Ok(())
}

/// Captures there.
pub fn live(namespace: &Namespace, arguments: &str) -> Result<Live> {
    Live::start(namespace, &format!("-i eth0 {arguments}"))
}

/// Sends frames from the far end of the wire.
pub struct Sender {
    socket: Capture<Active>,
    frame: Vec<u8>,
}

impl Sender {
    pub fn on(namespace: &Namespace) -> Result<Self> {
        let open = || Capture::from_device("far0")?.open();
        let datagram = udp(40_000, 988, &dtls::protected(1, 40));
        let ip = Ip::v4([10, 20, 1, 4], [10, 20, 2, 5]).packet(UDP, &datagram);
        Ok(Self {
            socket: namespace.enter(open)??,
            frame: Link::Ethernet.frame(&ip),
        })
    }

    /// Sends DTLS records to 10.20.2.5, one of each path that is numbered by its client.
    pub fn send_paths(&mut self, paths: Range<u16>) -> Result<()> {
        for path in paths {
            let [above, below] = path.to_be_bytes();
            self.frame[26..30].copy_from_slice(&[10, 21, above, below]);
            self.socket.sendpacket(&self.frame[..])?;
        }
        Ok(())
    }

    /// Sends DTLS records to 10.20.2.5, one of each flow that is numbered: its lowest
    /// four bits are the client's address, those above its port.
    pub fn send(&mut self, flows: Range<u32>) -> Result<()> {
        for flow in flows {
            let [_, _, _, client] = (flow & 0xf).to_be_bytes();
            let [_, _, above, below] = (1024 + (flow >> 4)).to_be_bytes();
            self.frame[26..30].copy_from_slice(&[10, 20, 1, client]);
            self.frame[34..36].copy_from_slice(&[above, below]);
            self.socket.sendpacket(&self.frame[..])?;
        }
        Ok(())
    }
}
