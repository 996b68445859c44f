//! Lustre peers: real TCP connections that say what a client and its servers
//! say to each other.
//!
//! Both ends of a connection are held by one thread, so a conversation is
//! written down in the order in which it happens.

pub mod message;

use std::io::{Read, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpListener, TcpStream};

use anyhow::{Context, Result};
use openssl::rand::rand_bytes;
use socket2::{Domain, Protocol, Socket, Type};

use super::hosts::Host;
use message::{Kind, Operation, Portal, Purpose, Route};

/// Where every Lustre node listens.
pub const LUSTRE_PORT: u16 = 988;

/// Opens a TCP connection from `port` of one host to another; gives the
/// caller's end and the target's.
pub fn connect(caller: &Host, port: u16, target: &Host, to: u16) -> Result<(TcpStream, TcpStream)> {
    let there = SocketAddrV4::new(target.address(), to);
    let here = SocketAddr::from((caller.address(), port));
    let listener = target.enter(|| TcpListener::bind(there))??;
    let near = caller.enter(|| call(here, there.into()))??;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

fn call(here: SocketAddr, there: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&here.into()).context("reserved port")?;
    socket.connect(&there.into())?;
    Ok(socket.into())
}

/// Writes on one end and reads the same amount on the other.
pub fn pass(mut from: &TcpStream, mut to: &TcpStream, bytes: &[u8]) -> Result<()> {
    from.write_all(bytes)?;
    to.read_exact(&mut vec![0; bytes.len()])?;
    Ok(())
}

/// One `LNet` connection, both ends of it.
struct Connection {
    caller: TcpStream,
    callee: TcpStream,
}

impl Connection {
    fn open(caller: &Host, port: u16, target: &Host, purpose: Purpose) -> Result<Self> {
        let (near, far) = connect(caller, port, target, LUSTRE_PORT)?;
        let connection = Self {
            caller: near,
            callee: far,
        };
        let route = Route {
            from: caller.address(),
            to: target.address(),
        };
        connection.greet(route, purpose)?;
        Ok(connection)
    }

    fn greet(&self, route: Route, purpose: Purpose) -> Result<()> {
        self.say(&message::connection_request(route))?;
        self.say(&message::hello(route, purpose))?;
        self.answer(&message::hello(route.reversed(), purpose.reversed()))
    }

    fn say(&self, bytes: &[u8]) -> Result<()> {
        pass(&self.caller, &self.callee, bytes)
    }

    fn answer(&self, bytes: &[u8]) -> Result<()> {
        pass(&self.callee, &self.caller, bytes)
    }
}

/// A client's mount: its connections to one server.
pub struct Mount {
    up: Route,
    control: Connection,
    bulk_in: Connection,
    bulk_out: Connection,
    spare: Vec<Connection>,
    next_xid: u64,
}

impl Mount {
    /// Connects from `ports`: the control connection, bulk in, bulk out, and
    /// further pairs of those for fast links.
    pub fn open(client: &Host, server: &Host, ports: &[u16]) -> Result<Self> {
        let open = |(index, &port)| {
            let purpose = match index {
                0 => Purpose::Control,
                odd if odd % 2 == 1 => Purpose::BulkIn,
                _ => Purpose::BulkOut,
            };
            Connection::open(client, port, server, purpose)
        };
        let mut connections = ports.iter().enumerate().map(open);
        let mut next = || connections.next().context("a mount needs three ports")?;
        Ok(Self {
            up: Route {
                from: client.address(),
                to: server.address(),
            },
            control: next()?,
            bulk_in: next()?,
            bulk_out: next()?,
            spare: connections.collect::<Result<_>>()?,
            next_xid: 1,
        })
    }

    /// Connects to the management, metadata and object storage targets.
    pub fn connect_targets(&mut self) -> Result<()> {
        self.call(Operation::MgsConnect, Portal::MgsRequest, Portal::MgcReply)?;
        self.call(Operation::MdsConnect, Portal::MdsRequest, Portal::MdcReply)?;
        self.call(Operation::LdlmEnqueue, Portal::MdsRequest, Portal::MdcReply)?;
        self.call(Operation::OstConnect, Portal::OstRequest, Portal::OscReply)
    }

    /// Shows that the client is alive.
    pub fn ping(&mut self) -> Result<()> {
        self.call(Operation::Ping, Portal::OstRequest, Portal::OscReply)
    }

    /// Says nothing on every connection, both ways.
    pub fn keep_alive(&self) -> Result<()> {
        let fixed = [&self.control, &self.bulk_in, &self.bulk_out];
        for connection in fixed.into_iter().chain(&self.spare) {
            connection.say(&message::keepalive())?;
            connection.answer(&message::keepalive())?;
        }
        Ok(())
    }

    /// Writes to a file: the server fetches the data from the client.
    pub fn write(&mut self, length: usize) -> Result<()> {
        let xid = self.xid();
        self.request(Operation::OstWrite, Portal::OstIo, xid)?;
        let size = u32::try_from(length)?;
        let get = message::get(self.up.reversed(), Portal::OstBulk, xid, size);
        self.control.answer(&get)?;
        let data = message::reply(self.up, xid, &message::contents(length));
        self.bulk_out.say(&data)?;
        self.reply(Operation::OstWrite, Portal::OscReply, xid)
    }

    /// Reads from a file: the server puts the data to the client.
    pub fn read(&mut self, length: usize) -> Result<()> {
        let xid = self.xid();
        self.request(Operation::OstRead, Portal::OstIo, xid)?;
        let data = message::contents(length);
        let put = message::put_acked(self.up.reversed(), Portal::OstBulk, xid, &data);
        self.bulk_in.answer(&put)?;
        let ack = message::ack(self.up, xid, u32::try_from(length)?);
        self.control.say(&ack)?;
        self.reply(Operation::OstRead, Portal::OscReply, xid)
    }

    /// Sends RPCs whose bodies Kerberos hides.
    pub fn confide(&mut self) -> Result<()> {
        let (xid, mut sealed) = (self.xid(), [0; 256]);
        rand_bytes(&mut sealed)?;
        let rpc = message::private_rpc(&sealed);
        let request = message::put(self.up, Portal::MdsRequest, xid, &rpc);
        self.control.say(&request)?;
        let reply = message::put(self.up.reversed(), Portal::MdcReply, xid, &rpc);
        self.control.answer(&reply)
    }

    fn call(&mut self, operation: Operation, to: Portal, back: Portal) -> Result<()> {
        let xid = self.xid();
        self.request(operation, to, xid)?;
        self.reply(operation, back, xid)
    }

    fn request(&self, operation: Operation, portal: Portal, xid: u64) -> Result<()> {
        let rpc = message::rpc(Kind::Request, operation, xid);
        self.control.say(&message::put(self.up, portal, xid, &rpc))
    }

    fn reply(&self, operation: Operation, portal: Portal, xid: u64) -> Result<()> {
        let rpc = message::rpc(Kind::Reply, operation, xid);
        let put = message::put(self.up.reversed(), portal, xid, &rpc);
        self.control.answer(&put)
    }

    fn xid(&mut self) -> u64 {
        self.next_xid += 1;
        self.next_xid
    }
}

/// A server calls its client on 988 and asks it to give a lock back.
pub fn call_back(server: &Host, port: u16, client: &Host) -> Result<()> {
    let connection = Connection::open(server, port, client, Purpose::Control)?;
    let down = Route {
        from: server.address(),
        to: client.address(),
    };
    let operation = Operation::LdlmBlockingCallback;
    let request = message::rpc(Kind::Request, operation, 1);
    connection.say(&message::put(down, Portal::LdlmCallback, 1, &request))?;
    let reply = message::rpc(Kind::Reply, operation, 1);
    let put = message::put(down.reversed(), Portal::LdlmCallbackReply, 1, &reply);
    connection.answer(&put)
}

/// What a client does with a mount, in brief.
pub fn converse(client: &Host, server: &Host, ports: &[u16], bulk: usize) -> Result<()> {
    let mut mount = Mount::open(client, server, ports)?;
    mount.connect_targets()?;
    mount.write(bulk)?;
    mount.read(bulk)?;
    mount.ping()?;
    mount.keep_alive()
}
