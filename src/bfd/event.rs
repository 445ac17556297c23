//! What the BFD machine is told, and what it orders.
use super::packet::LENGTH;
use crate::{
    config::model::{BfdConfig, BfdInstance},
    status::BfdStatus,
};
use std::{net::IpAddr, sync::Arc};

/// Our discriminator: never 0, never used again within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u32);

/// A datagram on one of the ports of BFD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    pub from: IpAddr,
    pub to: IpAddr,
    /// TTL or hop limit; None where the kernel did not say.
    pub ttl: Option<u8>,
    /// It came to the port of RFC 5883.
    pub multihop: bool,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Datagram(Datagram),
    Reload(Arc<BfdConfig>),
    ReportStatus(u64),
    /// Orderly: neighbours are told, [`Action::Exit`] last.
    Stop,
}

/// To be carried out in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The sockets of a session; sending waits for nothing.
    Open(SessionId, BfdInstance),
    Close(SessionId),
    Send(SessionId, [u8; LENGTH]),
    /// A session came up or went down, or begins being down: the parent passes it on.
    Tell {
        name: String,
        up: bool,
    },
    Log(Level, String),
    Report(u64, BfdStatus),
    Exit,
}

/// How loud a line is. `Detail` is what keepalived says only with `-D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Warning,
    Info,
    Detail,
}
