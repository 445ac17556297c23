//! The checkers of a real server, settled: when, whence, whereto, and what counts as an answer.
use super::RegexOptions;
use crate::base::Script;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Checker {
    pub timing: Timing,
    pub kind: CheckerKind,
}

/// Times of one checker after checker ← real_server ← virtual_server ← default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub delay_loop: Duration,
    /// Further attempts after a first failure.
    pub retry: u32,
    pub delay_before_retry: Duration,
    /// Upper bound of the random delay before the first check.
    pub warmup: Duration,
    /// Starts down.
    pub alpha: bool,
    pub log_all_failures: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CheckerKind {
    Tcp(Box<Connection>),
    Http(Box<HttpCheck>),
    Smtp(Box<SmtpCheck>),
    Misc(Box<MiscCheck>),
    Ping(Box<Connection>),
    Dns(Box<DnsCheck>),
    Udp(Box<UdpCheck>),
    File(Box<FileCheck>),
    Bfd(Box<BfdCheck>),
}

impl CheckerKind {
    /// The keyword that opens its block.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "TCP_CHECK",
            Self::Http(http) if http.tls => "SSL_GET",
            Self::Http(_) => "HTTP_GET",
            Self::Smtp(_) => "SMTP_CHECK",
            Self::Misc(_) => "MISC_CHECK",
            Self::Ping(_) => "PING_CHECK",
            Self::Dns(_) => "DNS_CHECK",
            Self::Udp(_) => "UDP_CHECK",
            Self::File(_) => "FILE_CHECK",
            Self::Bfd(_) => "BFD_CHECK",
        }
    }
}

/// Whereto and whence a checker connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Real server, or connect_ip and connect_port.
    pub to: SocketAddr,
    /// `bindto`, and `bind_port` (0 = any). None = the kernel chooses both.
    pub from: Option<IpAddr>,
    pub from_port: u16,
    /// `bind_if`.
    pub interface: Option<String>,
    /// SO_MARK; 0 = none.
    pub mark: u32,
    /// For the connection, and again for each read.
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct HttpCheck {
    pub connection: Connection,
    /// SSL_GET.
    pub tls: bool,
    pub protocol: HttpProtocol,
    pub fast_recovery: bool,
    pub enable_sni: bool,
    /// close_notify at the end (`tls_compliant`).
    pub tls_compliant: bool,
    /// At least one, checked in order.
    pub urls: Box<[HttpUrl]>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpProtocol {
    #[default]
    V1_0,
    /// 1.0 with `Connection: close`.
    V1_0Close,
    /// 1.1 with `Connection: close`.
    V1_1,
}

/// One `url { }`. Shared text is behind `Arc`: a thousand servers have the same path.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpUrl {
    pub path: Arc<str>,
    /// Host header: url, checker, real_server, virtual_server. None = connect address with port.
    pub virtualhost: Option<Arc<str>>,
    /// Server name for TLS, where SNI is on.
    pub sni: Option<Arc<str>>,
    /// MD5 of the body.
    pub digest: Option<[u8; 16]>,
    /// Inclusive ranges within 100..=599; never empty (200..=299 by default).
    pub status_codes: Arc<[(u16, u16)]>,
    pub regex: Option<Arc<RegexOptions>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpCheck {
    pub connection: Connection,
    pub helo: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiscCheck {
    pub script: Script,
    pub timeout: Duration,
    /// `misc_dynamic`: the exit code sets the weight.
    pub dynamic: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsCheck {
    pub connection: Connection,
    /// Query type number: SOA 6, A 1, …
    pub record: u16,
    /// Without trailing dot; empty = root.
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpCheck {
    pub connection: Connection,
    pub payload: Arc<[u8]>,
    pub require_reply: bool,
    /// Bytes and masks the reply must show (mask 0 in a nibble = any).
    pub reply: Option<Arc<[(u8, u8)]>>,
    pub min_reply_length: u16,
    pub max_reply_length: u16,
}

/// A `track_file` and what its number means for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCheck {
    /// Of the `track_file`.
    pub name: String,
    /// Factor of the number; 0: any number but 0 is a failure.
    pub weight: i32,
    pub reverse: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdCheck {
    /// Of the `bfd_instance`.
    pub name: String,
}
