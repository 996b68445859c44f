//! DTLS by OpenSSL between two hosts, carrying the packets of others.

use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpStream, UdpSocket};
use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslStream, SslVersion,
};
use openssl::x509::{X509, X509NameBuilder};

use super::hosts::Host;
use super::inner::Packet;
use super::lustre::{self, LUSTRE_PORT};

/// A tunnel's port on the server: none of Lustre's.
pub const TUNNEL_PORT: u16 = 11443;

/// What a tunnel is made of.
#[derive(Clone, Copy)]
pub struct Suite {
    ciphers: &'static str,
    version: SslVersion,
    cookie: bool,
    mtu: u32,
}

impl Suite {
    /// What Azure promises.
    pub const AZURE: Self = Self {
        ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384",
        version: SslVersion::DTLS1_2,
        cookie: false,
        mtu: 1400,
    };
    /// The same, with a `HelloVerifyRequest` first.
    pub const AZURE_WITH_COOKIE: Self = Self {
        cookie: true,
        ..Self::AZURE
    };
    /// The same, with a handshake that fits small packets.
    pub const AZURE_IN_SMALL_PACKETS: Self = Self {
        mtu: 500,
        ..Self::AZURE
    };
    /// A key too short.
    pub const AES_128: Self = Self {
        ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256",
        ..Self::AZURE
    };
    /// A version too old. OpenSSL allows its SHA-1 at security level 0 only.
    pub const DTLS_1_0: Self = Self {
        ciphers: "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0",
        version: SslVersion::DTLS1,
        ..Self::AZURE
    };
    /// The form of encryption without the substance.
    pub const NULL: Self = Self {
        ciphers: "ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0",
        ..Self::AZURE
    };

    fn client(self) -> Result<Ssl> {
        self.session(self.context()?)
    }

    fn server(self) -> Result<Ssl> {
        let mut context = self.context()?;
        let (key, certificate) = identity()?;
        context.set_private_key(&key)?;
        context.set_certificate(&certificate)?;
        if self.cookie {
            demand_cookie(&mut context);
        }
        self.session(context)
    }

    fn context(self) -> Result<SslContextBuilder> {
        let mut context = SslContext::builder(SslMethod::dtls())?;
        context.set_cipher_list(self.ciphers)?;
        context.set_min_proto_version(Some(self.version))?;
        context.set_max_proto_version(Some(self.version))?;
        context.set_options(SslOptions::NO_QUERY_MTU);
        Ok(context)
    }

    fn session(self, context: SslContextBuilder) -> Result<Ssl> {
        let mut ssl = Ssl::new(&context.build())?;
        ssl.set_mtu(self.mtu)?;
        Ok(ssl)
    }
}

fn demand_cookie(context: &mut SslContextBuilder) {
    const COOKIE: &[u8] = b"proof of return";
    context.set_options(SslOptions::COOKIE_EXCHANGE);
    context.set_cookie_generate_cb(|_, cookie| {
        cookie[..COOKIE.len()].copy_from_slice(COOKIE);
        Ok(COOKIE.len())
    });
    context.set_cookie_verify_cb(|_, cookie| cookie == COOKIE);
}

/// A P-256 key and its certificate, made on the fly.
fn identity() -> Result<(PKey<Private>, X509)> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "plainsight lab")?;
    let name = name.build();
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    certificate.set_not_after(&*Asn1Time::days_from_now(365)?)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((key, certificate.build()))
}

/// A UDP socket as the stream that OpenSSL wants: a datagram a call.
#[derive(Debug)]
pub struct Datagrams(UdpSocket);

impl Read for Datagrams {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }
}

impl Write for Datagrams {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A DTLS association, both ends of it.
pub struct Tunnel<S> {
    client: SslStream<S>,
    server: SslStream<S>,
}

impl Tunnel<Datagrams> {
    /// Shakes hands over UDP, between `port` of the client and
    /// [`TUNNEL_PORT`] of the server.
    pub fn open(client: &Host, port: u16, server: &Host, suite: Suite) -> Result<Self> {
        let here = SocketAddrV4::new(client.address(), port);
        let there = SocketAddrV4::new(server.address(), TUNNEL_PORT);
        let near = client.enter(|| connected(here, there))??;
        let far = server.enter(|| connected(there, here))??;
        Self::between(Datagrams(near), Datagrams(far), suite)
    }
}

impl Tunnel<TcpStream> {
    /// Shakes hands over a TCP connection on Lustre's port, which no tunnel
    /// should do.
    pub fn open_over_tcp(client: &Host, port: u16, server: &Host, suite: Suite) -> Result<Self> {
        let (near, far) = lustre::connect(client, port, server, LUSTRE_PORT)?;
        Self::between(near, far, suite)
    }
}

impl<S: Read + Write + Send + Sync> Tunnel<S> {
    fn between(near: S, far: S, suite: Suite) -> Result<Self> {
        let mut client = SslStream::new(suite.client()?, near)?;
        let mut server = SslStream::new(suite.server()?, far)?;
        thread::scope(|scope| {
            let accepted = scope.spawn(|| server.accept());
            client.connect().context("DTLS client")?;
            let accepted = accepted.join().map_err(|_| anyhow!("DTLS server died"))?;
            accepted.context("DTLS server")
        })?;
        Ok(Self { client, server })
    }

    /// Carries packets, each the way it was going, a record each.
    pub fn carry(&mut self, packets: &[Packet]) -> Result<()> {
        for packet in packets {
            let (from, to) = if packet.from_client {
                (&mut self.client, &mut self.server)
            } else {
                (&mut self.server, &mut self.client)
            };
            from.write_all(&packet.bytes)?;
            let mut buffer = [0; 1 << 14];
            let length = to.read(&mut buffer)?;
            ensure!(buffer[..length] == packet.bytes, "a record came out wrong");
        }
        Ok(())
    }

    /// Says goodbye from both ends, then hears it on both.
    pub fn close(mut self) -> Result<()> {
        for _ in ["say", "hear"] {
            self.client.shutdown()?;
            self.server.shutdown()?;
        }
        Ok(())
    }
}

fn connected(here: SocketAddrV4, there: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(here)?;
    socket.connect(there)?;
    Ok(socket)
}
