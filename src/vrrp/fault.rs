//! Why a virtual router may not work.
use std::{fmt, net::IpAddr};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// Its own, a tracked one, or one that its addresses need, is down or absent.
    Interface(String),
    /// A tracked script without a weight fails.
    Script(String),
    /// Too few or too many processes run.
    Process(String),
    /// A tracked file's number says so.
    File(String),
    /// A tracked BFD session without a weight is not up.
    Bfd(String),
    /// No address to send from.
    NoSource,
    /// Multicast is asked for on an interface that has none.
    NoMulticast(String),
    /// The configured source is no address of this host: nobody's unicast would reach us. Multicast
    /// minds with `track_src_ip` only.
    SourceMissing(IpAddr),
    /// `unicast_fault_no_peer`.
    NoPeer,
    /// The raw sockets could not be opened.
    Socket(String),
    /// Another member of its sync group is in fault.
    Group,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "interface {name} down"),
            Self::Script(name) => write!(f, "script {name} fails"),
            Self::Process(name) => write!(f, "tracked process {name} quorum not achieved"),
            Self::File(name) => write!(f, "tracked file {name}"),
            Self::Bfd(name) => write!(f, "BFD session {name} down"),
            Self::NoSource => f.write_str("no source address"),
            Self::NoMulticast(name) => write!(f, "interface {name} does not support multicast"),
            Self::SourceMissing(address) => write!(f, "src address {address} not configured"),
            Self::NoPeer => f.write_str("no unicast peers"),
            Self::Socket(reason) => write!(f, "sockets: {reason}"),
            Self::Group => f.write_str("sync group"),
        }
    }
}
