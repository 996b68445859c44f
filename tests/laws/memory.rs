//! Law 8: at the table's limit flows are summed, no packet is lost, and the report tells.

use plainsight::capture::LinkType;

use crate::support::packets::{self, Ip, Link, dtls};
use crate::support::run::{self, Stored};

const LIMIT: usize = 8;

/// A packet of each of many flows: readable Lustre, tunnels, and DTLS with strangers.
fn flood(flows: u16) -> Vec<Stored> {
    (0..flows)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            let client = [10, 30, high, low];
            let packet = match n % 3 {
                0 => {
                    let ip = Ip::v4(client, [10, 20, 2, 5]);
                    ip.packet(packets::TCP, &packets::tcp(1000, 988, b"readable"))
                }
                1 => {
                    let ip = Ip::v4(client, [10, 20, 2, 6]);
                    let record = dtls::protected(n.into(), 50);
                    ip.packet(packets::UDP, &packets::udp(2000 + n, 11_443, &record))
                }
                _ => {
                    let ip = Ip::v4(client, [10, 20, 3, 7]);
                    let record = dtls::protected(n.into(), 50);
                    ip.packet(packets::UDP, &packets::udp(2000 + n, 11_443, &record))
                }
            };
            Stored::whole(LinkType::ETHERNET, Link::Ethernet.frame(&packet))
        })
        .collect()
}

#[test]
fn beyond_the_limit_every_packet_counts_still() {
    let frames = flood(900);
    let report = run::reported(&frames, LIMIT);
    run::assert_sums(&report, &frames);
    let paths = report["paths"].as_array().unwrap();
    let flows: usize = paths
        .iter()
        .filter_map(|path| path["flows"].as_array())
        .map(Vec::len)
        .sum();
    // Flows, sums of groups, and the rest by protocol and scope.
    assert!(flows <= 3 * LIMIT, "{flows} flows");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("counted in sums"), "{warnings}");
}

#[test]
fn below_the_limit_nothing_is_summed() {
    let frames = flood(900);
    let report = run::reported(&frames, 900);
    run::assert_sums(&report, &frames);
    let paths = report["paths"].as_array().unwrap();
    // 300 of each kind, those of strangers on no path; and the silent server.
    assert_eq!(paths.len(), 601);
    let warnings = report["warnings"].to_string();
    assert!(!warnings.contains("counted in sums"), "{warnings}");
}

/// What is plaintext or unknown must not become encrypted by being summed.
#[test]
fn sums_are_no_better_than_their_parts() {
    let frames = flood(900);
    for limit in [1, 2, 50, 300] {
        let report = run::reported(&frames, limit);
        let plaintext: u64 = report["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(|path| run::volume(&path["traffic"]["plaintext"]).0)
            .sum();
        assert_eq!(plaintext, 300, "limit {limit}");
        assert_eq!(report["summary"]["exit_code"], 1);
    }
}
