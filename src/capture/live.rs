//! Packets as they pass an interface, by libpcap.
//!
//! A [`Handle`] is one `AF_PACKET` socket with a ring that the kernel fills
//! (`TPACKET_V3`, see packet(7)). It is read without blocking, and waited for with
//! poll(2): then an idle interface holds nobody up. libpcap's immediate mode is not used,
//! for with it libpcap falls back to `TPACKET_V2`, which costs ten times the CPU and
//! drops packets that the third version keeps.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{LinkAddr, bind, getsockopt, setsockopt};
use pcap::{Active, Capture, Linktype, Packet, Precision};
use socket2::{SockFilter, SockRef};

use super::losses::Drops;
use super::{Frame, InterfaceId, Interfaces, LinkType, Timestamp};

/// The pseudo-interface of all interfaces.
pub const ANY: &str = "any";

/// Time for which the kernel fills a block of the ring before it hands it over, in
/// milliseconds: short enough for a verdict within seconds, long enough that a busy
/// interface wakes a worker for hundreds of packets at once.
pub const BLOCK_TIMEOUT_MILLIS: i32 = 50;

/// Time after which the kernel has handed over each block that holds a packet: a block may
/// begin just after the timer looked, which takes it at the second look.
pub const SETTLE: Duration = Duration::from_millis(3 * BLOCK_TIMEOUT_MILLIS.unsigned_abs() as u64);

/// Options of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureOptions {
    /// Bytes kept of each packet.
    pub snap_length: u16,
    /// Bytes of the kernel's ring.
    pub buffer_bytes: u32,
}

/// Error that keeps an interface from being captured.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The interface, or the right to capture it, is lacking.
    #[error("cannot capture on {interface}: {source}")]
    Open {
        /// Its name.
        interface: String,
        /// Error of libpcap.
        source: pcap::Error,
    },
    /// The filter is none.
    #[error("cannot filter {interface} by `{filter}`: {source}")]
    Filter {
        /// Its name.
        interface: String,
        /// The filter.
        filter: String,
        /// Error of libpcap.
        source: pcap::Error,
    },
    /// The capture could not be held back until all are open.
    #[error("cannot filter {interface}: {source}")]
    Hold {
        /// Its name.
        interface: String,
        /// Error of the kernel.
        source: io::Error,
    },
    /// The handles could not be joined.
    #[error("cannot share {interface} between workers (PACKET_FANOUT): {source}")]
    Fanout {
        /// Its name.
        interface: String,
        /// Error of the kernel.
        source: nix::Error,
    },
}

/// Joins a group of sockets that share what an interface sees, flow by flow (packet(7)).
#[derive(Clone, Copy, Debug)]
struct Fanout;

nix::setsockopt_impl!(
    Fanout,
    libc::SOL_PACKET,
    libc::PACKET_FANOUT,
    usize,
    nix::sys::socket::sockopt::SetUsize
);
nix::getsockopt_impl!(
    Fanout,
    libc::SOL_PACKET,
    libc::PACKET_FANOUT,
    usize,
    nix::sys::socket::sockopt::GetUsize
);

/// `PACKET_FANOUT_FLAG_UNIQUEID` of `linux/if_packet.h`: a group that is not yet.
const UNIQUE_ID: usize = 0x2000;

/// A program of classic BPF that accepts no packet (`BPF_RET | BPF_K` of
/// `linux/bpf_common.h`, with 0 bytes to keep).
const ACCEPT_NOTHING: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// One capture of an interface.
pub struct Handle {
    capture: Capture<Active>,
    name: String,
    /// Expression in pcap-filter(7)'s language that the kernel filters by.
    filter: String,
    interface: InterfaceId,
    /// Its number, by which the socket is bound to it.
    index: usize,
    link_type: LinkType,
    /// True if other handles may show the same packets, or this one does: see
    /// [`Frame::has_siblings`].
    has_siblings: bool,
    /// Packets shown so far.
    packets: u64,
    counted: LibpcapCounters,
    /// Counters at the moment the run began.
    before: LibpcapCounters,
    /// True if the last read failed.
    fails: bool,
    /// What the interface itself drops, where that is known.
    missed: Option<InterfaceDrops>,
}

impl Handle {
    /// Opens `name`, which may be [`ANY`], and holds it back until it
    /// [begins](Self::begin). Needs the capability `CAP_NET_RAW`, and nothing else. Not
    /// promiscuous: a client's own packets are all that is asked for. `filter` gives what
    /// the kernel lets through, in pcap-filter(7)'s language, which depends on what packets
    /// begin with.
    ///
    /// # Errors
    /// No such interface, no right to capture it, or a filter that is none.
    pub fn open(
        name: &str,
        options: &CaptureOptions,
        filter: impl FnOnce(LinkType) -> String,
        interfaces: &Interfaces,
    ) -> Result<Self, LiveError> {
        let capture = activate(name, options).map_err(|source| LiveError::Open {
            interface: name.to_owned(),
            source,
        })?;
        let link_type = LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
        let mut handle = Self {
            has_siblings: link_type == LinkType::LINUX_SLL2,
            filter: filter(link_type),
            link_type,
            interface: interfaces.id(name),
            index: if_nametoindex(name).map_or(0, |index| index as usize),
            fails: false,
            missed: InterfaceDrops::of(name),
            name: name.to_owned(),
            capture,
            packets: 0,
            counted: LibpcapCounters::default(),
            before: LibpcapCounters::default(),
        };
        handle.let_through()?;
        handle.hold().map_err(|source| LiveError::Hold {
            interface: name.to_owned(),
            source,
        })?;
        Ok(handle)
    }

    /// Has the kernel let through what the filter says.
    fn let_through(&mut self) -> Result<(), LiveError> {
        self.capture
            .filter(&self.filter, true)
            .map_err(|source| LiveError::Filter {
                interface: self.name.clone(),
                filter: self.filter.clone(),
                source,
            })
    }

    /// Has the kernel let nothing through any more. What it did before can still be read.
    ///
    /// # Errors
    /// The kernel refuses, and goes on.
    pub fn hold(&self) -> io::Result<()> {
        // Not by libpcap, which would pass over what is in the ring.
        SockRef::from(&self.capture).attach_filter(&ACCEPT_NOTHING)
    }

    /// Shares the interface's flows with the other handles of a group, by a hash that is
    /// the same both ways, and gives the group. The first makes one that no other process
    /// has.
    ///
    /// # Errors
    /// The kernel has no fanout.
    pub fn share(&self, group: Option<u16>) -> Result<u16, LiveError> {
        // Mode 0 is the hash; the number of the group stands in the lower half.
        let wanted = group.map_or(UNIQUE_ID << 16, usize::from);
        let shared = setsockopt(&self.capture, Fanout, &wanted)
            .and_then(|()| getsockopt(&self.capture, Fanout))
            .map_err(|source| LiveError::Fanout {
                interface: self.name.clone(),
                source,
            })?;
        Ok(u16::try_from(shared & usize::from(u16::MAX)).unwrap_or_default())
    }

    /// Notes that other interfaces are captured, which may show the same packets.
    pub fn expect_siblings(&mut self) {
        self.has_siblings = true;
    }

    /// Leaves it to another handle to tell what the interface itself dropped.
    pub fn leave_interface_drops(&mut self) {
        self.missed = self.missed.take().map(|_| InterfaceDrops::default());
    }

    /// Begins to capture, once all handles are open, and those that share an interface
    /// joined: so each packet is seen once. Call it [`SETTLE`] after that, for what came
    /// before is in the ring by then, and is passed over.
    ///
    /// # Errors
    /// The filter can no longer be installed.
    pub fn begin(&mut self) -> Result<(), LiveError> {
        while self
            .capture
            .dispatch(None, |_| ())
            .is_ok_and(|read| read > 0)
        {}
        self.before = self.count();
        self.let_through()
    }

    /// The interface's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Link type of its packets.
    #[must_use]
    pub fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Waits until there are packets to read, at most for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let mut fds = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        // Nothing to do about a signal: whoever waits comes back here.
        let _ = poll(&mut fds, timeout);
    }

    /// Shows what is there to `on_frame`, at most `limit` packets, and gives how many.
    ///
    /// # Errors
    /// The interface is gone: see [`follow`](Self::follow).
    pub fn read(
        &mut self,
        limit: usize,
        mut on_frame: impl FnMut(&Frame<'_>),
    ) -> Result<usize, pcap::Error> {
        let Self {
            capture,
            interface,
            link_type,
            packets,
            has_siblings,
            fails,
            ..
        } = self;
        let read = capture.dispatch(Some(limit), |packet| {
            *packets += 1;
            on_frame(&Frame {
                has_siblings: *has_siblings,
                ..frame(&packet, *packets, *link_type, *interface)
            });
        });
        *fails = read.is_err();
        read
    }

    /// Packets dropped so far, as far as that is known. An interface counts `rx_missed_errors` and
    /// `rx_fifo_errors` (Documentation/networking/statistics.rst of the kernel).
    pub fn drops(&mut self) -> Drops {
        Drops {
            kernel: self.count().dropped - self.before.dropped,
            interface: self.missed.as_mut().map(InterfaceDrops::count),
        }
    }

    /// Packets that passed the filter and were neither shown nor dropped: still in the
    /// ring, or passed over by libpcap, which shows what loopback sends only once.
    pub fn unread(&mut self) -> u64 {
        let (now, before) = (self.count(), self.before);
        let received = now.received - before.received;
        received.saturating_sub(now.dropped - before.dropped + self.packets)
    }

    /// libpcap counts in 32 bits, which wrap.
    fn count(&mut self) -> LibpcapCounters {
        if let Ok(now) = self.capture.stats() {
            self.counted.advance(now.received, now.dropped);
        }
        self.counted
    }

    /// True where it is known how many packets the interface itself drops.
    #[must_use]
    pub fn tells_interface_drops(&self) -> bool {
        self.missed.is_some()
    }

    /// State of the interface; `None` where the kernel does not tell. One that is renamed while it
    /// is up stays the same. One that was removed and made anew is another to the kernel, and the capture is
    /// bound to it here, which no capability is needed for; but the kernel refuses that to those
    /// who share an interface by fanout.
    pub fn follow(&mut self) -> Option<LinkState> {
        if self.name == ANY {
            return Some(LinkState::Up);
        }
        let links = links()?;
        if let Some(own) = links.iter().find(|it| it.address.ifindex() == self.index) {
            let is_lost = own.name != self.name && self.fails;
            return Some(own.state(is_lost));
        }
        let Some(anew) = links.iter().find(|it| it.is_up && it.name == self.name) else {
            return Some(LinkState::Down);
        };
        if bind(self.capture.as_raw_fd(), &anew.address).is_err() {
            return Some(LinkState::Lost);
        }
        self.index = anew.address.ifindex();
        Some(LinkState::Up)
    }
}

/// State of an interface, as its capture sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It is up.
    Up,
    /// It is down, or gone.
    Down,
    /// It is up, and the capture is of one that is gone; or it was renamed while it was down,
    /// and libpcap looks for it by its first name.
    Lost,
}

/// An interface, by getifaddrs(3).
struct Link {
    name: String,
    /// Its link-layer address, which holds its number.
    address: LinkAddr,
    is_up: bool,
}

impl Link {
    fn state(&self, is_lost: bool) -> LinkState {
        match self.is_up {
            true if is_lost => LinkState::Lost,
            true => LinkState::Up,
            false => LinkState::Down,
        }
    }
}

/// All interfaces; `None` where the kernel does not tell, as where no file can be opened.
fn links() -> Option<Vec<Link>> {
    let all = getifaddrs().ok()?;
    let link = |found: InterfaceAddress| {
        Some(Link {
            address: *found.address?.as_link_addr()?,
            is_up: found.flags.contains(InterfaceFlags::IFF_UP),
            name: found.interface_name,
        })
    };
    Some(all.filter_map(link).collect())
}

fn activate(name: &str, options: &CaptureOptions) -> Result<Capture<Active>, pcap::Error> {
    let mut capture = Capture::from_device(name)?
        .snaplen(options.snap_length.into())
        .buffer_size(i32::try_from(options.buffer_bytes).unwrap_or(i32::MAX))
        .timeout(BLOCK_TIMEOUT_MILLIS)
        .precision(Precision::Nano)
        .open()?
        .setnonblock()?;
    if name == ANY {
        // Version 2 alone names the interface of each packet.
        capture.set_datalink(Linktype(LinkType::LINUX_SLL2.0.into()))?;
    }
    Ok(capture)
}

fn frame<'p>(
    packet: &Packet<'p>,
    number: u64,
    link_type: LinkType,
    interface: InterfaceId,
) -> Frame<'p> {
    let time = packet.header.ts;
    let nanos = time
        .tv_sec
        .saturating_mul(1_000_000_000)
        // In nanoseconds, as asked for when the capture was opened.
        .saturating_add(time.tv_usec);
    Frame {
        number,
        time: Some(Timestamp(nanos)),
        link_type,
        interface,
        has_siblings: false,
        data: packet.data,
        wire_len: packet.header.len,
    }
}

/// Counters of libpcap since the capture began.
#[derive(Clone, Copy, Debug, Default)]
struct LibpcapCounters {
    received: u64,
    dropped: u64,
    last: (u32, u32),
}

impl LibpcapCounters {
    fn advance(&mut self, received: u32, dropped: u32) {
        self.received += u64::from(received.wrapping_sub(self.last.0));
        self.dropped += u64::from(dropped.wrapping_sub(self.last.1));
        self.last = (received, dropped);
    }
}

/// An interface's own counters of what it dropped. The files are held open, for later
/// the process may open none.
#[derive(Default)]
struct InterfaceDrops {
    files: Vec<File>,
    before: u64,
    last: u64,
}

impl InterfaceDrops {
    /// Those of an interface; `None` where they cannot be read, as without `/sys`.
    fn of(interface: &str) -> Option<Self> {
        let folder = format!("/sys/class/net/{interface}/statistics");
        let open = |counter| File::open(format!("{folder}/{counter}"));
        let files = ["rx_missed_errors", "rx_fifo_errors"].map(open).into_iter();
        let files: Vec<File> = files.collect::<Result<_, _>>().ok()?;
        let before = files.iter().map(number).sum::<Option<_>>()?;
        Some(Self {
            files,
            before,
            last: before,
        })
    }

    /// Since the capture began. What an interface counted that is gone stays.
    fn count(&mut self) -> u64 {
        self.last = self.read().unwrap_or(self.last);
        self.last.saturating_sub(self.before)
    }

    fn read(&self) -> Option<u64> {
        self.files.iter().map(number).sum()
    }
}

/// The decimal number that a file holds.
fn number(file: &File) -> Option<u64> {
    let mut digits = [0; 24];
    let len = file.read_at(&mut digits, 0).ok()?;
    std::str::from_utf8(&digits[..len])
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::LibpcapCounters;

    #[test]
    fn counters_go_on_where_libpcap_wraps() {
        let mut counted = LibpcapCounters::default();
        counted.advance(u32::MAX - 1, 7);
        counted.advance(3, 8);
        assert_eq!(counted.received, u64::from(u32::MAX) + 4);
        assert_eq!(counted.dropped, 8);
    }
}
