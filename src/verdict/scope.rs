//! Buckets of packets: those of paths, and the others.

use super::roles::Roles;
use crate::decode::{Cause, Layer, Protocol};
use crate::evidence::Shown;
use crate::flow::{Direction, Flow, GroupKey, Reason, Scope};

/// Bucket that a packet is accounted for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// In a path.
    Path,
    /// As DTLS that is no path's.
    Elsewhere,
    /// As traffic that is none of ours.
    Other,
    /// As a packet that nobody can place.
    Undecodable(Reason),
}

/// Kind of a flow by all that it shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FlowKind {
    /// True where it may be a tunnel's.
    is_tunnel: bool,
    /// True where it shows readable Lustre.
    is_lustre: bool,
}

impl FlowKind {
    pub(super) fn of(flow: &Flow) -> Self {
        Self {
            is_tunnel: flow.is_tunnel(),
            is_lustre: flow.lustre.as_ref().is_some_and(|it| it.proof.is_some()),
        }
    }
}

/// The bucket of a packet of a group that showed `shown`, in a flow of a kind.
pub(super) fn bucket(group: &GroupKey, (shown, kind): (Shown, FlowKind), roles: &Roles) -> Bucket {
    let server = roles.has_server(group);
    let is_tunnel = kind.is_tunnel && group.protocol == Protocol::Udp;
    match group.scope {
        Scope::Lustre { .. } => Bucket::Path,
        Scope::Reserved { .. } if kind.is_lustre && server => Bucket::Path,
        Scope::Reserved { by } if roles.is_named_end(group, by.back()) => Bucket::Path,
        Scope::Portless(_) if server => Bucket::Path,
        Scope::Portless(reason) => Bucket::Undecodable(reason),
        Scope::Reserved { .. } | Scope::Elsewhere if is_tunnel && server => Bucket::Path,
        Scope::Reserved { .. } | Scope::Elsewhere => tunnel(group.protocol, shown, server),
    }
}

/// On other ports only UDP can be a tunnel's, and of that only what is DTLS or, for all
/// that was captured of it, may be.
fn tunnel(protocol: Protocol, shown: Shown, server: bool) -> Bucket {
    let dtls = protocol == Protocol::Udp && shown.is_dtls();
    let perhaps = protocol == Protocol::Udp && shown == Shown::CutPayload;
    match (server, dtls, perhaps) {
        (true, true, _) | (true, _, true) => Bucket::Path,
        (true, ..) if shown == Shown::Unified => Bucket::Path,
        (false, true, _) => Bucket::Elsewhere,
        (false, _, true) => Bucket::Undecodable(Reason {
            layer: Layer::UdpPayload,
            cause: Cause::Capture,
        }),
        _ if matches!(shown, Shown::Wrapped | Shown::Tunnelled) => {
            Bucket::Undecodable(Reason::WRAPPED)
        }
        _ => Bucket::Other,
    }
}

/// Tests that a sum may hold a path's packets and others', because the addresses are lost that
/// would tell. On Lustre's ports, and where readable Lustre was seen, all count as a path's.
pub(super) fn is_vague(group: &GroupKey, flow: &Flow) -> bool {
    let is_lustre = FlowKind::of(flow).is_lustre;
    group.is_beyond() && !is_lustre && !matches!(group.scope, Scope::Lustre { .. })
}

/// Tests that any packet of the group can be a path's.
pub(super) fn may_be_path(group: &GroupKey, roles: &Roles) -> bool {
    matches!(group.scope, Scope::Lustre { .. }) || roles.has_server(group)
}

impl Roles {
    /// Tests that the end that sends packets this way is a server for sure: a CIDR block only
    /// says which addresses may be one.
    fn is_named_end(&self, group: &GroupKey, end: Direction) -> bool {
        let address = match end {
            Direction::Up => group.low,
            Direction::Down => group.high,
        };
        self.is_named(group, address)
    }

    fn has_server(&self, group: &GroupKey) -> bool {
        self.is_server(group, group.low) || self.is_server(group, group.high)
    }
}
