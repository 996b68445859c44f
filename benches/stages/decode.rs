//! From a frame to its transport payload, by what is around it.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use plainsight::capture::{Frame, InterfaceId, LinkType};
use plainsight::decode::{Content, Transport, TunnelPorts, decode};

use crate::generator::frames::{self, Ends};

const PAYLOAD_LEN: usize = 200;

pub fn encapsulations(criterion: &mut Criterion) {
    let options = TunnelPorts::default();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    for (name, data) in all() {
        let frame = Frame {
            number: 1,
            time: None,
            link_type: LinkType::ETHERNET,
            interface: InterfaceId::of(""),
            has_siblings: false,
            data: &data,
            wire_len: u32::try_from(data.len()).expect("a short frame"),
        };
        assert_eq!(payload_len(&frame, &options), Some(PAYLOAD_LEN), "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| payload_len(black_box(&frame), &options));
        });
    }
    group.finish();
}

/// One frame of each kind, with the same payload.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let ends = Ends::lustre(0);
    let payload = [7; PAYLOAD_LEN];
    let tcp = frames::tcp(ends, &payload);
    let udp = frames::udp(Ends::tunnel(0), &payload);
    vec![
        ("IPv4 TCP", tcp.clone()),
        ("IPv4 UDP", udp),
        ("IPv4 TCP with IP options", frames::with_ip_options(&tcp)),
        ("VLAN", frames::vlan(9, &tcp)),
        ("VXLAN", frames::vxlan(42, &tcp)),
        ("Geneve", frames::geneve(43, &tcp)),
        ("GRE", frames::gre(&tcp)),
        (
            "IPv6 with an extension header",
            frames::tcp_v6(ends, &payload),
        ),
    ]
}

fn payload_len(frame: &Frame<'_>, options: &TunnelPorts) -> Option<usize> {
    match decode(frame, options).content {
        Content::Packet(packet) => match packet.transport {
            Transport::Ports { payload, .. } => Some(payload.wire_len),
            Transport::Unread(_) => None,
        },
        _ => None,
    }
}
