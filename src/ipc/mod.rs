//! Messages between parent and children, and between `ldirector status` and the parent.
pub mod frame;
pub mod io;

use crate::{
    config::source::Sources,
    status::{BfdStatus, DirectorStatus, Snapshot, VrrpStatus},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which child; also what it is told on its command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Child {
    Vrrp,
    Checkers,
    Bfd,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToChild {
    /// First: start. Later: reload. The parent has parsed these very texts without an error.
    Configure(Arc<Sources>),
    Ping(u64),
    ReportStatus(u64),
    /// A BFD session came up or went down; after `Configure` those that are up.
    Bfd {
        name: String,
        up: bool,
    },
    /// Orderly: priority 0, addresses and services removed, then exit 0.
    Stop,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToParent {
    /// What [`ToChild::Configure`] wants has been done, the kernel included.
    Configured,
    Pong(u64),
    Vrrp(u64, VrrpStatus),
    Director(u64, DirectorStatus),
    Bfd(u64, BfdStatus),
    /// Of the BFD child: for the others.
    BfdChanged {
        name: String,
        up: bool,
    },
}

/// What a client of the control socket asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    Status,
    Reload,
    Stop,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Response {
    Status(Box<Snapshot>),
    Done,
    Failed(String),
}
