//! Traffic that is not Lustre, and traffic that only seems to be.

use std::net::{SocketAddrV4, UdpSocket};

use anyhow::Result;
use openssl::rand::rand_bytes;
use socket2::{Domain, Protocol, Socket, Type};

use crate::support::lab::dtls::TUNNEL_PORT;
use crate::support::lab::hosts::Host;
use crate::support::lab::lustre::{self, LUSTRE_PORT};

/// What any client says all day: DNS, HTTPS, pings, a port that is closed.
pub fn everyday(client: &Host, peer: &Host) -> Result<()> {
    dns(client, peer)?;
    https(client, peer)?;
    ping(client, peer)?;
    knock(client, peer, 33434)
}

/// What a client may say to a Lustre server besides Lustre.
pub fn beside_lustre(client: &Host, server: &Host) -> Result<()> {
    ping(client, server)?;
    knock(client, server, 514)?;
    let (near, far) = lustre::connect(client, 50022, server, 22)?;
    lustre::pass(&near, &far, b"SSH-2.0-lab\r\n")?;
    lustre::pass(&far, &near, b"SSH-2.0-lab\r\n")
}

/// NFS version 3 over TCP: a few NULL calls and their answers.
pub fn nfs(client: &Host, port: u16, server: &Host) -> Result<()> {
    let (near, far) = lustre::connect(client, port, server, 2049)?;
    for xid in 1..=4 {
        let call = words(&[0x8000_0028, xid, 0, 2, 100_003, 3, 0, 0, 0, 0, 0]);
        let answer = words(&[0x8000_0018, xid, 1, 0, 0, 0, 0]);
        lustre::pass(&near, &far, &call)?;
        lustre::pass(&far, &near, &answer)?;
    }
    Ok(())
}

/// Datagrams that begin with the three bytes of DTLS 1.2 application data,
/// to a tunnel's port and to Lustre's, and back.
pub fn lookalikes(client: &Host, server: &Host) -> Result<()> {
    for port in [TUNNEL_PORT + 1, LUSTRE_PORT] {
        let (near, far) = sockets(client, 40002, server, port)?;
        for datagram in false_records()? {
            near.send(&datagram)?;
            far.send(&datagram)?;
        }
    }
    Ok(())
}

/// Each breaks one rule of the record layer.
fn false_records() -> Result<Vec<Vec<u8>>> {
    let mut random = [0; 120];
    rand_bytes(&mut random)?;
    let longer = record(&random, 121);
    let shorter = record(&random, 117);
    let huge = record(&random, 0xffff);
    let mut strange_version = record(&random, 120);
    strange_version[2] = 0xf0;
    let mut strange_next = record(&random, 120);
    strange_next.extend_from_slice(&[99; 40]);
    let only_three_bytes = vec![0x17, 0xfe, 0xfd];
    let mut all_random = only_three_bytes.clone();
    all_random.extend_from_slice(&[0xee; 200]);
    Ok(vec![
        longer,
        shorter,
        huge,
        strange_version,
        strange_next,
        only_three_bytes,
        all_random,
    ])
}

fn record(fragment: &[u8], length: u16) -> Vec<u8> {
    let mut bytes = vec![0x17, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(fragment);
    bytes
}

fn dns(client: &Host, peer: &Host) -> Result<()> {
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x06lustre\x07example\0\0\x01\0\x01";
    let (near, far) = sockets(client, 40053, peer, 53)?;
    near.send(question)?;
    let mut answer = question.to_vec();
    answer[2] |= 0x80;
    far.send(&answer)?;
    Ok(())
}

fn https(client: &Host, peer: &Host) -> Result<()> {
    let mut random = [0; 400];
    rand_bytes(&mut random)?;
    let (near, far) = lustre::connect(client, 50443, peer, 443)?;
    for (from, to) in [(&near, &far), (&far, &near)] {
        let record = [&b"\x17\x03\x03\x01\x90"[..], &random].concat();
        lustre::pass(from, to, &record)?;
    }
    Ok(())
}

/// An echo request; the kernel over there answers it.
fn ping(client: &Host, peer: &Host) -> Result<()> {
    let icmp = || Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4));
    let socket = client.enter(icmp)??;
    // Type 8, a checksum over these very bytes, identifier 7, sequence 1.
    let request = [8, 0, 0xf7, 0xf7, 0, 7, 0, 1];
    socket.send_to(&request, &SocketAddrV4::new(peer.address(), 0).into())?;
    Ok(())
}

/// A datagram to a closed port: an ICMP error comes back and quotes it.
fn knock(client: &Host, peer: &Host, port: u16) -> Result<()> {
    let here = SocketAddrV4::new(client.address(), 40003);
    let socket = client.enter(|| UdpSocket::bind(here))??;
    socket.send_to(
        b"is anybody there?",
        SocketAddrV4::new(peer.address(), port),
    )?;
    Ok(())
}

/// A pair of UDP sockets that talk to each other only.
fn sockets(client: &Host, port: u16, server: &Host, to: u16) -> Result<(UdpSocket, UdpSocket)> {
    let here = SocketAddrV4::new(client.address(), port);
    let there = SocketAddrV4::new(server.address(), to);
    let near = client.enter(|| UdpSocket::bind(here))??;
    let far = server.enter(|| UdpSocket::bind(there))??;
    near.connect(there)?;
    far.connect(here)?;
    Ok((near, far))
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}
