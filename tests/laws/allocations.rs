//! No allocation for a packet, once its flow, its size and its epoch were seen, and none
//! for a tuple of a flow log, once its flow was.
//!
//! Counted by an allocator that stands in for the system's, in this test alone.

use allocation_counter::{AllocationInfo, measure};
use fastrand::Rng;
use plainsight::aggregate::worker::{InputPart, Worker};
use plainsight::capture::{Frame, InterfaceId, LinkType, Timestamp};
use plainsight::decode::TunnelPorts;
use plainsight::flow::table::DEFAULT_LIMIT;
use plainsight::flow_log::{Table, read};

use crate::generator::frames::{self, Ends};
use crate::generator::mixes::{Mix, Supply};

const PART: InputPart = InputPart { file: 0, piece: 0 };
/// Packets that are shown to a warm worker.
const PACKETS: u64 = 10_000;
/// Flows that take turns.
const FLOWS: u8 = 16;

fn frame(number: u64, data: &[u8]) -> Frame<'_> {
    let micros = i64::try_from(number).expect("a short capture");
    Frame {
        number,
        time: Some(Timestamp(1_700_000_000_000_000_000 + micros * 1000)),
        link_type: LinkType::ETHERNET,
        interface: InterfaceId::of("eth0"),
        has_siblings: false,
        data,
        wire_len: u32::try_from(data.len()).expect("a short frame"),
    }
}

/// What a worker is to be like, and what for.
struct Trial {
    what: &'static str,
    /// Flows kept apart.
    limit: usize,
    /// Packets until all flows, sizes, epochs and as many gaps as are kept were seen.
    warm_after: u64,
}

impl Trial {
    fn of(what: &'static str) -> Self {
        Self {
            what,
            limit: DEFAULT_LIMIT,
            warm_after: PACKETS,
        }
    }

    /// Shows a worker many packets until it is warm, and then more, for which it must not
    /// allocate. `next` shows the bytes of the packet of a number, and may not either.
    fn run(&self, mut next: impl FnMut(u64, &mut dyn FnMut(&[u8]))) {
        let options = TunnelPorts::default();
        let mut worker = Worker::new(&options, self.limit);
        let mut show = |number| {
            next(number, &mut |data| {
                worker.packet(PART, &frame(number, data));
            });
        };
        let (warm, all) = (self.warm_after, self.warm_after + PACKETS);
        (1..=warm).for_each(&mut show);
        let counted = measure(|| (warm + 1..=all).for_each(&mut show));
        assert_eq!(counted.count_total, 0, "{}: {counted:?}", self.what);
        let read = worker.into_snapshot().read.packets;
        assert_eq!(read, all, "{}", self.what);
    }
}

/// The same over frames that come again and again.
fn assert_none_for(what: &'static str, frames: &[Vec<u8>]) {
    Trial::of(what).run(|number, show| {
        let place = usize::try_from(number).expect("a short capture") % frames.len();
        show(&frames[place]);
    });
}

/// A frame of each flow.
fn of_each(make: impl FnMut(u8) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..FLOWS).map(make).collect()
}

/// DTLS datagrams of each flow, no two of which are the same, with sequence numbers as `sequence` gives them for the
/// turns of a flow.
fn assert_none_for_dtls(what: &'static str, vni: Option<u32>, sequence: impl Fn(u64) -> u64) {
    let mut rng = Rng::with_seed(988);
    let mut frames = of_each(|n| {
        let fragment = frames::random(&mut rng, 300 + usize::from(n % 3) * 500);
        let frame = frames::udp(Ends::tunnel(n), &frames::dtls_record(0, &fragment));
        vni.map_or(frame.clone(), |vni| frames::vxlan(vni, &frame))
    });
    let at = frames::SEQUENCE_AT + vni.map_or(0, |_| frames::VXLAN_AROUND);
    Trial::of(what).run(|number, show| {
        let (turn, flow) = (number / u64::from(FLOWS), number % u64::from(FLOWS));
        let frame = &mut frames[usize::try_from(flow).expect("few")];
        let bytes = (1 << 48 | sequence(turn)).to_be_bytes();
        frame[at..at + 8].copy_from_slice(&bytes);
        // Behind the record's length.
        rng.fill(&mut frame[at + 10..]);
        show(frame);
    });
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(std::hint::black_box(vec![0_u8; 7])));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn readable_lustre_bulk() {
    let mut rng = Rng::with_seed(988);
    let mut frames = of_each(|n| {
        let put = frames::lnet_put(Ends::lustre(n), 8, 1 << 20, 1352);
        frames::tcp(Ends::lustre(n), &put)
    });
    frames.extend(of_each(|n| {
        let bulk = frames::random(&mut rng, 1448);
        frames::tcp(Ends::lustre(n), &bulk)
    }));
    frames.extend(of_each(|n| frames::tcp(Ends::lustre(n).back(), &[])));
    frames.push(frames::tcp(
        Ends::lustre(0),
        &frames::random(&mut rng, 64 << 10),
    ));
    assert_none_for("bulk", &frames);
}

/// Nothing of it is ever proved, so each segment is searched.
#[test]
fn bulk_that_proves_nothing() {
    let mut rng = Rng::with_seed(988);
    let frames = of_each(|n| frames::tcp(Ends::lustre(n), &frames::random(&mut rng, 1448)));
    assert_none_for("bulk without a proof", &frames);
    let teasing = of_each(|n| frames::tcp(Ends::lustre(n), &[0xc1; 1448]));
    assert_none_for("bulk of first bytes", &teasing);
}

#[test]
fn readable_lustre_control() {
    const OPERATIONS: [u32; 4] = [3, 4, 101, 400];
    let mut frames = of_each(|n| frames::tcp(Ends::lustre(n), &frames::lnet_noop()));
    for operation in OPERATIONS {
        frames.extend(of_each(|n| {
            frames::tcp(
                Ends::lustre(n),
                &frames::rpc_request(Ends::lustre(n), operation),
            )
        }));
    }
    assert_none_for("control messages", &frames);
}

#[test]
fn dtls_in_order() {
    assert_none_for_dtls("DTLS", None, |turn| turn);
}

#[test]
fn dtls_out_of_order() {
    assert_none_for_dtls("swapped DTLS", None, |turn| turn ^ 1);
}

#[test]
fn dtls_seen_twice() {
    assert_none_for_dtls("repeated DTLS", None, |turn| turn / 2);
}

/// So many gaps that the set becomes coarse while it is warmed up.
#[test]
fn dtls_with_gaps() {
    assert_none_for_dtls("DTLS with gaps", None, |turn| turn * 3);
}

#[test]
fn dtls_inside_vxlan() {
    assert_none_for_dtls("DTLS in VXLAN", Some(42), |turn| turn);
}

#[test]
fn lustre_inside_vxlan() {
    let frames = of_each(|n| {
        let put = frames::lnet_put(Ends::lustre(n), 6, 200, 200);
        frames::vxlan(42, &frames::tcp(Ends::lustre(n), &put))
    });
    assert_none_for("Lustre in VXLAN", &frames);
}

#[test]
fn noise() {
    let mut rng = Rng::with_seed(988);
    let mut frames = of_each(|n| frames::tcp(Ends::noise(n, 443), &frames::random(&mut rng, 600)));
    let mut rng = Rng::with_seed(989);
    frames.extend(of_each(|n| {
        frames::udp(Ends::noise(n, 53), &frames::random(&mut rng, 80))
    }));
    // Neither IP nor whole.
    let mut arp = frames[0].clone();
    arp[12..14].copy_from_slice(&[8, 6]);
    frames.extend([arp, frames[0][..20].to_vec(), Vec::new()]);
    assert_none_for("noise", &frames);
}

#[test]
fn the_mixes_of_the_benches() {
    for (what, mix) in [("small", Mix::Small), ("mixed", Mix::Mixed)] {
        let mut supply = Supply::new(mix, 988);
        Trial::of(what).run(|_, show| show(supply.next()));
    }
}

/// They share sequence numbers, so that each has gaps; and there are more of them than
/// are kept apart.
#[test]
fn many_flows() {
    for limit in [DEFAULT_LIMIT, 20] {
        let mut supply = Supply::new(Mix::Flows(4), 988);
        let trial = Trial {
            what: "many flows",
            limit,
            warm_after: 6 * PACKETS,
        };
        trial.run(|_, show| show(supply.next()));
    }
}

/// What it takes to read a flow log of one record whose tuples are of `flows` flows in turn,
/// of which `limit` are kept apart.
fn reading_a_log(tuples: u32, flows: u32, limit: usize) -> AllocationInfo {
    let tuple = |n: u32| {
        let [_, _, high, low] = (n % flows).to_be_bytes();
        format!("\"1795292700000,10.{high}.{low}.9,10.20.2.5,1023,988,6,O,C,X,1,99,1,99\"")
    };
    let tuples: Vec<_> = (0..tuples).map(tuple).collect();
    let log = format!(
        r#"{{"records":[{{"macAddress":"000D3AF87856","flowRecords":{{"flows":[{{"flowGroups":[{{"flowTuples":[{}]}}]}}]}}}}]}}"#,
        tuples.join(",")
    );
    measure(|| {
        let mut table = Table::new(limit);
        let report = read(log.as_bytes(), 0, &mut table, &|_| false).expect("a log");
        assert_eq!((report.fault, report.bad_tuples), (None, 0));
        assert_eq!(report.tuples, tuples.len() as u64);
    })
}

#[test]
fn tuples_of_known_flows() {
    // The first log of a process brings its seeds.
    reading_a_log(1, 1, DEFAULT_LIMIT);
    let once = reading_a_log(1000, 1000, DEFAULT_LIMIT);
    let often = reading_a_log(50_000, 1000, DEFAULT_LIMIT);
    assert_eq!(often.count_total, once.count_total);
}

/// However many flows a log tells of, no more is held than the limit allows.
#[test]
fn flows_beyond_the_limit_take_no_memory() {
    let few = reading_a_log(2000, 2000, 64);
    let many = reading_a_log(60_000, 60_000, 64);
    let slack = few.bytes_max / 4;
    assert!(many.bytes_max <= few.bytes_max + slack, "{few:?}, {many:?}");
}
