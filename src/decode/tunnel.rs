//! The tunnels around a packet.

/// A kind of tunnel that can wrap a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tunnel {
    /// RFC 7348.
    Vxlan = 1,
    /// RFC 8926.
    Geneve,
    /// RFC 2784 and RFC 2890.
    Gre,
    /// RFC 7637: GRE with Ethernet inside and a virtual subnet in its key.
    Nvgre,
    /// RFC 2003, RFC 2473 and RFC 4213.
    IpInIp,
}

impl Tunnel {
    const ALL: [Self; 5] = [
        Self::Vxlan,
        Self::Geneve,
        Self::Gre,
        Self::Nvgre,
        Self::IpInIp,
    ];

    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Gre => "GRE",
            Self::Nvgre => "NVGRE",
            Self::IpInIp => "IP in IP",
        }
    }
}

/// The tunnels around a packet: up to eight kinds, and the innermost network id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encapsulation {
    /// Four bits a tunnel, the outermost in the highest that are used.
    kinds: u32,
    /// VNI, VSID or GRE key of the innermost tunnel; 0 without one.
    network: u32,
}

impl Encapsulation {
    /// Tunnels inside each other, at most.
    pub const MAX_DEPTH: usize = 8;

    pub(super) fn push(&mut self, tunnel: Tunnel, network: u32) -> bool {
        let fits = self.kinds >> (4 * (Self::MAX_DEPTH - 1)) == 0;
        if fits {
            self.kinds = self.kinds << 4 | tunnel as u32;
            self.network = network;
        }
        fits
    }

    /// The tunnels, outermost first.
    pub fn tunnels(self) -> impl Iterator<Item = Tunnel> {
        (0..Self::MAX_DEPTH).rev().filter_map(move |place| {
            let kind = self.kinds >> (4 * place) & 0xf;
            Tunnel::ALL
                .into_iter()
                .find(|&tunnel| tunnel as u32 == kind)
        })
    }

    /// VNI, VSID or GRE key of the innermost tunnel; 0 without one.
    #[must_use]
    pub fn network(self) -> u32 {
        self.network
    }
}
