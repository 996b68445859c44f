//! Law 2: decoding is total, and what the capture cut off is never guessed.

use std::path::Path;

use plainsight::aggregate::fragments::FragmentEvent;
use plainsight::aggregate::worker::Worker;
use plainsight::capture::{Frame, Interfaces, LinkType};
use plainsight::decode::{self, Protocol};
use plainsight::evidence::Shown;
use plainsight::flow::datagrams::Others;
use plainsight::flow::{Endpoint, FlowKey};
use plainsight::input::{Input, InputPath};
use plainsight::verdict::{Class, Meaning};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::packets::{self, Link};
use crate::support::run::{self, Stored};
use crate::support::{expect, made};

/// What one frame alone is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Flow(FlowKey, Shown, Class),
    /// A fragment without a transport header, and its addresses if the protocol tells.
    LaterFragment(Option<FlowKey>),
    Other,
    Undecodable,
}

fn look(frame: &Frame<'_>) -> Seen {
    let options = decode::TunnelPorts::default();
    let mut worker = Worker::new(&options, 4);
    worker.packet(run::WHOLE, frame);
    let fragments = worker.take_fragments();
    if let Some((_, FragmentEvent::Later(later))) = fragments.first() {
        return Seen::LaterFragment(later.alone.map(|place| FlowKey::of(&place.five_tuple).0));
    }
    let mut snapshot = worker.into_snapshot();
    let Others { plain, tunnelled } = snapshot.datagrams.others();
    if snapshot.other.packets + plain.packets == 1 {
        return Seen::Other;
    }
    if !snapshot.undecodable.is_empty() || !tunnelled.is_empty() {
        return Seen::Undecodable;
    }
    let flows = snapshot.settled().table.contents().flows;
    let [(key, flow)] = &flows[..] else {
        panic!("one packet in {} flows", flows.len());
    };
    let (shown, _) = flow.tallies().next().expect("one packet");
    Seen::Flow(*key, shown, Meaning::of(flow, None).class(shown))
}

/// What is left of a flow's key where its ports are cut off.
fn addresses(key: &FlowKey) -> [decode::Address; 2] {
    let Endpoint { address: low, .. } = key.low;
    [low, key.high.address]
}

/// Whether what a cut packet is taken for can be said of the whole one: the same, or
/// that it cannot be told.
fn is_honest(whole: Seen, cut: Seen) -> bool {
    match (whole, cut) {
        _ if cut == whole || cut == Seen::Undecodable => true,
        (Seen::Flow(key, shown, _), Seen::Flow(cut_key, cut_shown, class)) => {
            is_honest_flow((key, shown), (cut_key, cut_shown), class)
        }
        (Seen::LaterFragment(key), Seen::Flow(cut_key, Shown::Portless, _)) => {
            key.is_none_or(|key| addresses(&key) == addresses(&cut_key))
        }
        (Seen::Other, Seen::Flow(_, shown, class)) => {
            class == Class::Undetermined || shown == Shown::Handshake
        }
        _ => false,
    }
}

fn is_honest_flow(whole: (FlowKey, Shown), cut: (FlowKey, Shown), class: Class) -> bool {
    let (key, shown) = whole;
    match cut.1 {
        Shown::Portless => addresses(&cut.0) == addresses(&key) && class == Class::Undetermined,
        _ if cut.0 != key => false,
        Shown::CutPayload | Shown::CutRecords | Shown::Unexplained => class == Class::Undetermined,
        // A TCP header on Lustre's port is readable, whatever is behind it.
        Shown::UnseenSegment => key.protocol == Protocol::Tcp,
        // Under an unknown suite, records are encrypted as far as the capture tells: what
        // can be read may be cut off.
        Shown::Ciphertext => matches!(shown, Shown::Ciphertext | Shown::Exposed),
        // A handshake record is one by type, version, epoch and length; the message
        // inside can only speak against it, where it was captured.
        Shown::Handshake => shown.is_datagram() || is_clear(shown),
        _ => false,
    }
}

fn is_clear(shown: Shown) -> bool {
    let clear = [Shown::Handshake, Shown::Unexplained, Shown::Exposed];
    clear.contains(&shown)
}

/// Of a tunnel whose own header was cut off, nothing may be said of what is inside.
fn is_silent(cut: Seen) -> bool {
    match cut {
        Seen::Flow(_, _, class) => class == Class::Undetermined,
        _ => true,
    }
}

fn depth(frame: &Frame<'_>) -> usize {
    let decoded = decode::decode(frame, &decode::TunnelPorts::default());
    decoded.encapsulation.names().count()
}

/// Where generated packets are cut: everywhere in the headers, and here and there behind.
fn is_sampled(cut: usize, len: usize) -> bool {
    cut < 130 || cut.is_multiple_of(97) || cut + 2 > len
}

fn check_prefixes(frame: &Frame<'_>, is_tried: impl Fn(usize, usize) -> bool) {
    let (whole, tunnels) = (look(frame), depth(frame));
    let len = frame.data.len();
    for cut in (0..len).filter(|&cut| is_tried(cut, len)) {
        let data = &frame.data[..cut];
        let cut_frame = Frame { data, ..*frame };
        let seen = look(&cut_frame);
        let outside = depth(&cut_frame) < tunnels;
        assert!(
            is_honest(whole, seen) || outside && is_silent(seen),
            "{} bytes of packet {}: {seen:?}, the whole: {whole:?}",
            cut,
            frame.number
        );
    }
}

#[test]
fn a_cut_packet_of_a_trace_is_never_guessed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let traces = expect::load(&folder).expect("traces");
    // A compressed copy holds nothing new.
    let traces = traces.iter().filter(|trace| !trace.file.contains(".pcap."));
    for trace in traces {
        let path = InputPath {
            path: folder.join(&trace.file),
            found_in: None,
        };
        let input = Input::open(&path).expect("a trace");
        let every = |frame: &Frame<'_>| check_prefixes(frame, |_, _| true);
        let walked = input.walk(&Interfaces::default(), every, |_| {});
        assert_eq!(walked.packets, trace.packets, "{}", trace.file);
    }
}

#[test]
fn a_false_record_stays_false_however_it_is_cut() {
    for which in 0..7 {
        let payload = packets::dtls::lookalike(which, 9);
        let ip = packets::Ip::v4([10, 20, 1, 4], [10, 20, 2, 5]);
        let packet = ip.packet(packets::UDP, &packets::udp(40_000, 988, &payload));
        let frame = Stored::whole(LinkType::ETHERNET, Link::Ethernet.frame(&packet));
        for cut in 0..=frame.data.len() {
            let seen = look(&frame.cut(cut).at(0));
            let class = match seen {
                Seen::Flow(_, _, class) => class,
                _ => Class::Undetermined,
            };
            assert_eq!(class, Class::Undetermined, "{which} at {cut}: {seen:?}");
        }
    }
}

/// Frames with bytes changed, cut off, or of another length on the wire.
pub fn mutated() -> impl Strategy<Value = Vec<Stored>> {
    let change = (any::<Index>(), any::<Index>(), 0..5_u8, any::<u8>());
    (made::capture(25), vec(change, 0..30)).prop_map(|(made, changes)| {
        let mut frames: Vec<Stored> = made.into_iter().map(|made| made.frame).collect();
        let count = frames.len().max(1);
        for (frame, at, how, value) in changes {
            if let Some(frame) = frames.get_mut(frame.index(count)) {
                change_frame(frame, at, how, value);
            }
        }
        frames
    })
}

fn change_frame(frame: &mut Stored, at: Index, how: u8, value: u8) {
    let at = at.index(frame.data.len().max(1));
    match how {
        0 => frame.data.truncate(at),
        1 => frame.link_type = LinkType(u16::from(value)),
        2 => frame.wire_len += u32::from(value) * 300,
        _ => {
            if let Some(byte) = frame.data.get_mut(at) {
                *byte ^= value;
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::support::config(256))]

    #[test]
    fn any_bytes_give_a_result(
        link_type in prop_oneof![0..300_u16, any::<u16>()],
        data in vec(any::<u8>(), 0..300),
        wire_len in prop_oneof![300..2000_u32, 300..=u32::MAX],
    ) {
        let frame = Stored { link_type: LinkType(link_type), interface: 0, data, wire_len };
        run::assert_sums(&run::reported(std::slice::from_ref(&frame), 10), &[frame]);
    }

    #[test]
    fn a_cut_packet_is_never_guessed(made in made::capture(4)) {
        for (place, made) in made.iter().enumerate() {
            check_prefixes(&made.frame.at(place), is_sampled);
        }
    }

    /// Law 3: whatever the bytes are, every packet is in one bucket.
    #[test]
    fn nothing_disappears(frames in mutated()) {
        run::assert_sums(&run::reported(&frames, 1000), &frames);
    }
}
