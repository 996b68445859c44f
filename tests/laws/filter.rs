//! The kernel's filter leaves out nothing that the engine would count on a path, or as
//! DTLS elsewhere. libpcap runs the program here that the kernel runs on an interface.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::Path;

use pcap::{BpfProgram, Capture, Linktype};
use plainsight::capture::{InterfaceId, LinkType};
use plainsight::decode::{ENCAPSULATIONS, Sign, UNOPENED};
use plainsight::engine::Engine;
use plainsight::report::{PathReport, Report, Run};
use plainsight::run::live::filter;
use plainsight::verdict::{Servers, Verdict};
use proptest::prelude::*;
use proptest::test_runner::Config;

#[allow(dead_code, reason = "most packets are made elsewhere")]
use crate::support::made::{self, Made, Truth};
use crate::support::run::{SERVERS, Stored, WHOLE};
use crate::support::{expect, packets};

const LIMIT: usize = 1000;

/// What packets of an interface begin with under Linux. BSD's loopbacks number the
/// families of addresses in other ways, and libpcap knows those of its own system.
const LINK_TYPES: [u16; 6] = [1, 101, 113, 228, 229, 276];

/// Who may be known to be a server: nobody, blocks, single ones, and many.
fn lists() -> [String; 4] {
    let many: Vec<String> = (0..100).map(|host| format!("10.20.2.{host}")).collect();
    let singly = "10.20.2.5,10.20.2.6,fd00:2::5,fd00:2::6";
    [
        String::new(),
        SERVERS.to_owned(),
        singly.to_owned(),
        many.join(","),
    ]
}

/// The paths of which something was seen. A server of which only other traffic was captured
/// is not silent, and the filter leaves that traffic out.
fn seen(report: &Report) -> Vec<&PathReport> {
    let paths = report.paths.iter();
    paths.filter(|path| path.client.is_some()).collect()
}

/// A filter for each link type.
pub struct Filters {
    engine: Engine,
    programs: BTreeMap<u16, BpfProgram>,
}

impl Filters {
    pub fn new(list: &str) -> Self {
        let mut servers = Servers::default();
        servers.add_list(list).expect("a list of servers");
        let programs = LINK_TYPES.map(|link_type| (link_type, program(link_type)));
        let engine = Engine {
            servers,
            max_flows: LIMIT,
            ..Engine::default()
        };
        Self {
            engine,
            programs: programs.into(),
        }
    }

    fn all() -> [Self; 4] {
        lists().map(|list| Self::new(&list))
    }

    pub fn lets_through(&self, frame: &Stored) -> bool {
        self.programs[&frame.link_type.0].filter(&frame.data)
    }

    /// What is reported of frames, of all or of those that are let through.
    fn report(&self, frames: &[Stored], filtered: bool) -> Report {
        let mut counter = self.engine.counter();
        for (place, frame) in frames.iter().enumerate() {
            if !filtered || self.lets_through(frame) {
                counter.packet(WHOLE, &frame.at(place));
            }
        }
        let mut sum = self.engine.counted();
        sum.add(counter.finish());
        let run = Run {
            interfaces: [(InterfaceId::of("eth0"), "eth0".to_owned())].into(),
            ..self.engine.run()
        };
        self.engine.report(Some(&mut sum), None, run)
    }

    /// Holds that what is left out changes nothing that is said of a path.
    fn assert_sufficient(&self, frames: &[Stored]) {
        let (all, filtered) = (self.report(frames, false), self.report(frames, true));
        let [all_paths, filtered_paths] = [&all, &filtered].map(seen);
        assert_eq!(all_paths, filtered_paths);
        assert_eq!(all.dtls_elsewhere, filtered.dtls_elsewhere);
        assert_eq!(all.accounting.paths, filtered.accounting.paths);
        assert_eq!(undecoded(&all), undecoded(&filtered));
    }
}

/// Packets for which there is no decoder.
fn undecoded(report: &Report) -> u64 {
    let reasons = report.accounting.undecodable.reasons.iter();
    let of_decoder = reasons.filter(|row| row.reason.ends_with("not supported"));
    of_decoder.map(|row| row.volume.packets).sum()
}

fn program(link_type: u16) -> BpfProgram {
    // libpcap has another number for raw IP in memory than in files.
    let number = if link_type == 101 { 12 } else { link_type };
    let capture = Capture::dead(Linktype(number.into())).expect("a link type");
    let text = filter::of(None, LinkType(link_type));
    capture.compile(&text, true).expect("a filter")
}

/// The frames of a trace of which all was captured: the kernel filters whole packets.
fn whole_frames(trace: &Path) -> Vec<Stored> {
    let mut capture = Capture::from_file(trace).expect("a trace");
    let link_type = match capture.get_datalink().0 {
        12 => LinkType::RAW,
        number => LinkType(u16::try_from(number).expect("a link type")),
    };
    let mut frames = Vec::new();
    while let Ok(packet) = capture.next_packet() {
        if packet.header.caplen == packet.header.len {
            frames.push(Stored::whole(link_type, packet.data.to_vec()));
        }
    }
    frames
}

#[test]
fn what_is_left_out_changes_no_verdict_on_a_trace() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let filters = Filters::all();
    let mut count = 0;
    for trace in expect::load(&folder).expect("the list of traces") {
        // What is compressed is there as it was, too.
        if trace.file.ends_with("gz") || trace.file.ends_with("zst") {
            continue;
        }
        let frames = whole_frames(&folder.join(&trace.file));
        for filter in &filters {
            filter.assert_sufficient(&frames);
        }
        count += frames.len();
    }
    assert!(count > 1000, "{count} frames");
}

#[test]
fn what_is_left_out_changes_no_verdict_on_what_is_made() {
    let filters = Filters::all();
    proptest!(config(), |(made in made::capture(60))| {
        let frames: Vec<_> = on_interface(made).into_iter().map(|made| made.frame).collect();
        for filter in &filters {
            filter.assert_sufficient(&frames);
        }
    });
}

#[test]
fn all_that_is_made_for_a_path_is_let_through() {
    let filters = Filters::all();
    proptest!(config(), |(made in made::capture(60))| {
        for made in on_interface(made) {
            if matches!(made.truth, Truth::Path(_) | Truth::Elsewhere) {
                for filter in &filters {
                    prop_assert!(filter.lets_through(&made.frame), "{made:?}");
                }
            }
        }
    });
}

/// First bytes that datagrams to the port of a tunnel that is not opened have.
fn begun(port: u16) -> &'static [u8] {
    match port {
        1701 => &[0, 2],
        3544 | 5555 | 6080 | 8285 => &[0x45, 0],
        4341 => &[0x80, 0, 0, 1, 0, 0, 0, 1, 0x45],
        5247 => &[0, 16],
        37_008 => &[1, 0, 0, 1],
        _ => &[],
    }
}

/// Frames with an outer field that tells an encapsulation, behind so many VLAN tags.
fn told_by(sign: Sign, tags: usize) -> Vec<Vec<u8>> {
    let ends = packets::Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let ends_v6 =
        packets::Ip::between(Ipv6Addr::from_bits(1).into(), Ipv6Addr::from_bits(2).into());
    let noise = packets::noise(9, 60);
    let in_ip = |protocol, payload: &[u8]| {
        let (v4, v6) = (
            ends.packet(protocol, payload),
            ends_v6.packet(protocol, payload),
        );
        vec![
            packets::tagged(tags, 0x0800, &v4),
            packets::tagged(tags, 0x86dd, &v6),
        ]
    };
    match sign {
        Sign::EtherType(number) => vec![packets::tagged(tags, number, &noise)],
        Sign::Llc => {
            let snap = [&[0xaa, 0xaa, 3][..], &noise].concat();
            vec![packets::tagged(tags, 63, &snap)]
        }
        Sign::IpProtocol(number) => in_ip(number, &noise),
        Sign::UdpPort(port) => {
            let payload = [begun(port), &noise].concat();
            in_ip(packets::UDP, &packets::udp(50_000, port, &payload))
        }
    }
}

#[test]
fn whatever_tells_an_encapsulation_is_let_through() {
    let filters = Filters::all();
    let opened = ENCAPSULATIONS.iter().flat_map(|kind| kind.signs);
    let signs = opened.chain(UNOPENED.iter().map(|(sign, _)| sign));
    for &sign in signs {
        for frame in (0..6).flat_map(|tags| told_by(sign, tags)) {
            let frame = Stored::whole(LinkType::ETHERNET, frame);
            for filter in &filters {
                assert!(filter.lets_through(&frame), "{sign:?}: {frame:?}");
            }
        }
    }
}

/// Who is a server may be shown later, so records to anybody are let through.
#[test]
fn records_of_every_version_are_let_through_to_anybody() {
    let filters = Filters::all();
    let v4 = packets::Ip::v4([192, 0, 2, 1], [192, 0, 2, 2]);
    let v6 = packets::Ip::between(Ipv6Addr::from_bits(1).into(), Ipv6Addr::from_bits(2).into());
    let heads = [
        [23, 0xfe, 0xfd],
        [22, 0xfe, 0xff],
        [25, 0xfe, 0xfd],
        [23, 1, 0],
    ];
    let unified = (0x20..=0x3f).map(|first| [first, 7, 7]);
    for head in heads.into_iter().chain(unified) {
        let payload = [&head[..], &packets::noise(3, 60)].concat();
        for ip in [v4, v6] {
            let packet = ip.packet(packets::UDP, &packets::udp(40_000, 41_000, &payload));
            for link in packets::Link::ALL {
                let link_type = link.number(packet[0] >> 4 == 6);
                let frame = Stored::whole(link_type, link.frame(&packet));
                let known = LINK_TYPES.contains(&link_type.0);
                for filter in filters.iter().filter(|_| known) {
                    assert!(filter.lets_through(&frame), "{frame:?}");
                }
            }
        }
    }
}

#[test]
fn the_kernel_takes_the_filter() {
    // `BPF_MAXINSNS` of linux/bpf_common.h.
    const LIMIT: usize = 4096;
    for (link_type, program) in &Filters::new("").programs {
        let len = program.get_instructions().len();
        assert!(len <= LIMIT, "{len}, link type {link_type}");
    }
}

/// Readable Lustre of one client shows a server that no list names, and another client's DTLS
/// with it is a path.
#[test]
fn what_stands_beside_dtls_with_a_server_that_no_list_names_is_let_through() {
    use packets::{Ip, TCP, UDP, dtls, lustre, noise, tcp, udp};
    let server = [10, 20, 9, 9];
    let [reader, client] = [[10, 20, 1, 4], [10, 20, 1, 5]];
    let message = lustre::put(reader.into(), server.into(), 6, &lustre::request(4));
    let said = |payload: &[u8]| Ip::v4(server, client).packet(UDP, &udp(11_443, 40_001, payload));
    let mut sent = vec![
        Ip::v4(reader, server).packet(TCP, &tcp(1021, 988, &message)),
        said(&dtls::server_hello(0, dtls::AZURE)),
        said(&noise(1, 300)),
    ];
    sent.extend((1..20).map(|n| said(&dtls::protected(n, 300))));
    let frames = sent
        .iter()
        .map(|packet| packets::Link::Ethernet.frame(packet));
    let frames: Vec<_> = frames
        .map(|it| Stored::whole(LinkType::ETHERNET, it))
        .collect();
    for filter in Filters::all() {
        filter.assert_sufficient(&frames);
        let report = filter.report(&frames, true);
        let path = report
            .paths
            .iter()
            .find(|path| path.client.as_deref() == Some("10.20.1.5"));
        assert_eq!(path.expect("a path").verdict, Verdict::Undetermined);
    }
}

#[test]
fn what_is_not_opened_is_undecodable_and_named() {
    let filters = Filters::new("");
    for (sign, unopened) in &UNOPENED {
        for data in told_by(*sign, 1) {
            let mut data = data;
            if *sign == Sign::IpProtocol(47) {
                // Another version than 0.
                let at = data.len() - 60;
                data[at + 1] |= 1;
            }
            let frame = Stored::whole(LinkType::ETHERNET, data);
            let report = filters.report(&[frame], true);
            let reasons = &report.accounting.undecodable.reasons;
            assert_eq!(
                reasons[0].reason,
                format!("{} not supported", unopened.name())
            );
            assert!(
                report
                    .warnings
                    .iter()
                    .any(|warning| warning.to_string().contains(unopened.name()))
            );
        }
    }
}

#[test]
fn what_no_verdict_needs_is_left_out() {
    let ip = packets::Ip::v4([10, 20, 1, 4], [10, 20, 3, 9]);
    let web = ip.packet(packets::TCP, &packets::tcp(50_000, 443, b"GET /"));
    let frame = Stored::whole(LinkType::ETHERNET, packets::Link::Ethernet.frame(&web));
    for filter in Filters::all() {
        assert!(!filter.lets_through(&frame));
    }
}

/// What may be seen on an interface.
fn on_interface(mut made: Vec<Made>) -> Vec<Made> {
    made.retain(|made| LINK_TYPES.contains(&made.frame.link_type.0));
    made
}

/// Failures are told, not kept in files beside the tests.
fn config() -> Config {
    Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    }
}
