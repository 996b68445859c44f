//! Frames onto an interface, without the network stack between (packet(7)).

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::resource::UsageWho;
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, MultiHeaders, SockFlag, SockType, bind, sendmmsg,
    setsockopt, socket,
};

use super::programs::cpu_of;
use super::traffic::Traffic;

/// Frames handed to the kernel at once.
const BATCH: usize = 64;

/// Straight to the driver, without a queue.
#[derive(Clone, Copy)]
struct QdiscBypass;

nix::setsockopt_impl!(
    QdiscBypass,
    libc::SOL_PACKET,
    libc::PACKET_QDISC_BYPASS,
    usize,
    nix::sys::socket::sockopt::SetUsize
);

/// What was sent.
pub struct Sent {
    /// Frames.
    pub packets: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// CPU time of this thread: with a veth, that of the kernel's reception is in it.
    pub cpu: Duration,
}

/// A socket that sends from an interface, and receives nothing.
pub struct Sender {
    socket: OwnedFd,
}

impl Sender {
    /// On an interface of this thread's network namespace.
    pub fn open(interface: &str) -> Result<Self> {
        let raw = SockType::Raw;
        let socket = socket(AddressFamily::Packet, raw, SockFlag::SOCK_CLOEXEC, None)?;
        setsockopt(&socket, QdiscBypass, &1)?;
        bind(socket.as_raw_fd(), &link(interface)?)?;
        Ok(Self { socket })
    }

    /// Sends frames for a time, at most so many a second.
    pub fn send(&self, mut traffic: Traffic, rate: Option<u32>, time: Duration) -> Result<Sent> {
        let begun = Instant::now();
        let before = cpu_of(UsageWho::RUSAGE_THREAD)?;
        let mut packets = 0;
        let mut at = 0;
        while begun.elapsed() < time {
            wait(begun, packets, rate);
            let end = traffic.frames().len().min(at + BATCH);
            let sent = self.send_batch(&traffic.frames()[at..end])?;
            packets += sent as u64;
            at += sent;
            if at == traffic.frames().len() {
                traffic.count_on();
                at = 0;
            }
        }
        Ok(Sent {
            packets,
            elapsed: begun.elapsed(),
            cpu: cpu_of(UsageWho::RUSAGE_THREAD)?.saturating_sub(before),
        })
    }

    fn send_batch(&self, frames: &[Vec<u8>]) -> Result<usize> {
        let mut headers = MultiHeaders::<LinkAddr>::preallocate(frames.len(), None);
        let slices: Vec<_> = frames.iter().map(|frame| [IoSlice::new(frame)]).collect();
        let bound = vec![None; frames.len()];
        let flags = MsgFlags::empty();
        let socket = self.socket.as_raw_fd();
        match sendmmsg(socket, &mut headers, &slices, bound, [], flags) {
            Ok(sent) => Ok(sent.count()),
            // The other end had no room for the first of them.
            Err(Errno::ENOBUFS) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sleeps until one more batch is not too many.
fn wait(begun: Instant, sent: u64, rate: Option<u32>) {
    let Some(rate) = rate else { return };
    let due = Duration::from_nanos(sent * 1_000_000_000 / u64::from(rate));
    if let Some(rest) = due.checked_sub(begun.elapsed()) {
        thread::sleep(rest);
    }
}

fn link(interface: &str) -> Result<LinkAddr> {
    let found = getifaddrs()?.find_map(|found| {
        let link = *found.address?.as_link_addr()?;
        (found.interface_name == interface).then_some(link)
    });
    found.context("no such interface")
}
