//! Sockets made as a checker's block says: mark, interface, source; and whose fault an error is.
use crate::{checkers::Outcome, config::model::Connection};
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpSocket, TcpStream, UdpSocket},
    time::timeout,
};

/// Connects within the checker's timeout.
///
/// # Errors
/// The outcome to report: `Local` where our own side is to blame.
pub(super) async fn tcp(connection: &Connection) -> Result<TcpStream, Outcome> {
    let socket = socket(connection, Type::STREAM, Protocol::TCP)
        .map_err(|error| local(connection, "cannot prepare a socket", &error))?;
    if connection.from_port != 0 {
        // The next probe takes the same port: it must not wait for this connection's TIME_WAIT.
        let linger =
            socket.set_reuse_address(true).and_then(|()| socket.set_linger(Some(Duration::ZERO)));
        linger.map_err(|error| local(connection, "cannot prepare a socket", &error))?;
    }
    bind(connection, &socket)?;
    let socket = TcpSocket::from_std_stream(socket.into());
    match timeout(connection.timeout, socket.connect(connection.to)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(outcome(connection, "cannot connect", &error)),
        Err(_) => Err(Outcome::fail("connection timed out")),
    }
}

/// A UDP socket that speaks to the target only, so that it hears of ICMP errors.
///
/// # Errors
/// As [`tcp`].
pub(super) async fn udp(connection: &Connection) -> Result<UdpSocket, Outcome> {
    let socket = socket(connection, Type::DGRAM, Protocol::UDP)
        .map_err(|error| local(connection, "cannot prepare a socket", &error))?;
    bind(connection, &socket)?;
    let prepared = UdpSocket::from_std(socket.into());
    let socket = prepared.map_err(|error| local(connection, "cannot prepare a socket", &error))?;
    match socket.connect(connection.to).await {
        Ok(()) => Ok(socket),
        Err(error) => Err(outcome(connection, "cannot connect", &error)),
    }
}

fn socket(connection: &Connection, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(connection.to), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if connection.mark != 0 {
        socket.set_mark(connection.mark)?;
    }
    if let Some(interface) = &connection.interface {
        socket.bind_device(Some(interface.as_bytes()))?;
    }
    Ok(socket)
}

fn bind(connection: &Connection, socket: &Socket) -> Result<(), Outcome> {
    let Some(source) = source(connection) else { return Ok(()) };
    socket
        .bind(&SockAddr::from(source))
        .map_err(|error| local(connection, &format!("cannot bind to {source}"), &error))
}

/// None: the kernel chooses address and port.
pub(super) fn source(connection: &Connection) -> Option<SocketAddr> {
    if connection.from.is_none() && connection.from_port == 0 {
        return None;
    }
    let any = match connection.to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    Some(SocketAddr::new(connection.from.unwrap_or(any), connection.from_port))
}

/// Fail where the server or the way to it is to blame, Local where we are.
pub(super) fn outcome(connection: &Connection, doing: &str, error: &io::Error) -> Outcome {
    if is_local(error) {
        local(connection, doing, error)
    } else {
        Outcome::fail(format!("{doing}: {}", words(error)))
    }
}

fn local(connection: &Connection, doing: &str, error: &io::Error) -> Outcome {
    let device =
        connection.interface.as_ref().map(|name| format!(" on {name}")).unwrap_or_default();
    let source = source(connection).map(|source| format!(" from {source}")).unwrap_or_default();
    Outcome::local(format!("{doing} (to {}{source}{device}): {}", connection.to, words(error)))
}

/// The kernel's words without Rust's addition of the number.
pub(super) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

/// Errors that say nothing about the server: the source address or interface is not there, a local
/// rule or route forbids it, we are out of something (spec: LVS and checkers §4.1).
pub(super) fn is_local(error: &io::Error) -> bool {
    let Some(number) = error.raw_os_error() else { return false };
    matches!(
        Errno::from_raw(number),
        Errno::EADDRNOTAVAIL
            | Errno::EADDRINUSE
            | Errno::EAFNOSUPPORT
            | Errno::EACCES
            | Errno::EAGAIN
            | Errno::EINVAL
            | Errno::EMFILE
            | Errno::ENFILE
            | Errno::ENOBUFS
            | Errno::ENODEV
            | Errno::ENOMEM
            | Errno::ENOPROTOOPT
            | Errno::ENXIO
            | Errno::EPERM
    )
}
