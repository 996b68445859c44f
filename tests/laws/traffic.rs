//! Traffic of the benches is what it says it is: it shows what its making implies.

use std::collections::BTreeSet;

use plainsight::capture::LinkType;
use serde_json::Value;

use crate::generator::mixes::{Mix, Supply};
use crate::support::run::{self, Stored};

const PACKETS: usize = 20_000;

/// Paths of a mix, of which each has been seen.
fn paths(mix: &str) -> Vec<Value> {
    let mut supply = Supply::new(mix.parse().expect("a mix"), 988);
    let frames: Vec<_> = (0..PACKETS)
        .map(|_| Stored::whole(LinkType::ETHERNET, supply.next().to_vec()))
        .collect();
    let report = run::reported(&frames, 1 << 15);
    run::assert_sums(&report, &frames);
    let paths = report["paths"].as_array().expect("paths");
    let seen = paths.iter().filter(|path| !path["client"].is_null());
    seen.cloned().collect()
}

/// Whether a pair of addresses has a tunnel, by its numbers.
fn is_tunnel(path: &Value) -> bool {
    let last = |end: &str| {
        let address = path[end].as_str().expect("an address");
        let (_, last) = address.rsplit_once('.').expect("IPv4");
        last.parse::<u32>().expect("a number")
    };
    let (client, server) = (last("client") - 1, last("server") - 4);
    (client + server).is_multiple_of(2)
}

/// Holds every path to its making.
fn assert_made(mix: &str, has_headers: bool, jumps: bool) {
    let paths = paths(mix);
    for path in &paths {
        if is_tunnel(path) {
            assert_eq!(path["verdict"], "encrypted", "{mix}: {path}");
            assert_eq!(path["flows"].as_array().map(Vec::len), Some(1));
            let dtls = &path["dtls"];
            // Of one record each way no number is between others.
            if dtls["records"].as_u64() > Some(2) {
                assert_eq!(dtls["missing"] != 0, jumps, "{mix}: {dtls}");
            }
            assert_eq!(dtls["repeated"], 0);
        } else {
            assert_eq!(path["verdict"], "plaintext", "{mix}: {path}");
            let proof = path["lustre"]["proof"].as_str();
            assert_eq!(proof, has_headers.then_some("message"), "{mix}: {path}");
        }
    }
    let of: BTreeSet<bool> = paths.iter().map(is_tunnel).collect();
    assert_eq!(of.len(), 2, "{mix} has both");
}

#[test]
fn one_vm_has_a_tunnel_with_one_half_of_the_servers() {
    assert_made("vm", true, false);
    assert_eq!(paths("vm").len(), 32);
    let flows = |path: &Value| path["flows"].as_array().map_or(0, Vec::len);
    let flows: usize = paths("vm").iter().map(flows).sum();
    assert_eq!(flows, 16 + 5 * 16);
}

#[test]
fn a_fleet_is_many_of_them() {
    assert_made("fleet", true, false);
}

#[test]
fn a_wild_one_shows_no_headers_and_jumps() {
    assert_made("wild", false, true);
}

#[test]
fn small_frames_have_96_bytes() {
    assert_made("small-vm", false, false);
    for mix in ["small-vm", "small-fleet"] {
        let mut supply = Supply::new(mix.parse().expect("a mix"), 988);
        assert!((0..1000).all(|_| supply.next().len() == 96), "{mix}");
    }
}

/// Sizes are those of a network with segmentation offload.
#[test]
fn a_vm_has_1_4_kilobytes_a_packet_and_none_above_64() {
    let mix: Mix = "vm".parse().expect("a mix");
    let mut supply = Supply::new(mix, 988);
    let lens: Vec<usize> = (0..PACKETS).map(|_| supply.next().len()).collect();
    let mean = lens.iter().sum::<usize>() / PACKETS;
    assert!((1300..1500).contains(&mean), "{mean}");
    let longest = lens.iter().max();
    assert!(longest.is_some_and(|&len| (32 << 10..64 << 10).contains(&len)));
}
