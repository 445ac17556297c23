//! What both formats know: services, their servers, and how those are checked.
use super::Warning;
use crate::base::{Family, Protocol, Scheduler};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    /// What stands on top as a comment.
    pub(super) comments: Vec<String>,
    pub(super) mail_to: Vec<String>,
    pub(super) mail_from: Option<String>,
    pub(super) mail_server: Option<String>,
    /// Seconds: tcp, tcpfin, udp.
    pub(super) timeouts: Option<(u32, u32, u32)>,
    /// Arguments of `lvs_sync_daemon`.
    pub(super) sync_daemon: Option<String>,
    pub(super) services: Vec<Service>,
    pub(super) warnings: Vec<Warning>,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) line: usize,
    pub(super) at: At,
    pub(super) scheduler: String,
    /// Keywords without an argument: `ops`, `sh-port` ...
    pub(super) flags: Vec<String>,
    /// Seconds.
    pub(super) persistence: Option<u32>,
    /// An IPv4 mask or an IPv6 prefix length.
    pub(super) granularity: Option<String>,
    pub(super) engine: Option<String>,
    /// Seconds.
    pub(super) delay_loop: Option<u32>,
    pub(super) alert: bool,
    pub(super) sorry: Option<Sorry>,
    pub(super) quorum_up: Option<String>,
    pub(super) quorum_down: Option<String>,
    pub(super) comments: Vec<String>,
    pub(super) servers: Vec<Server>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Address { ip: IpAddr, port: u16, protocol: Protocol },
    Mark { mark: u32, family: Family },
}

#[derive(Clone, Debug)]
pub(super) struct Sorry {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    pub(super) method: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) line: usize,
    pub(super) ip: IpAddr,
    /// 0 = the connection's own.
    pub(super) port: u16,
    /// As `lvs_method` takes it.
    pub(super) method: String,
    pub(super) weight: u32,
    pub(super) inhibit: bool,
    pub(super) upper: u32,
    pub(super) lower: u32,
    pub(super) check: Option<Check>,
}

/// A checker's block.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) keyword: &'static str,
    /// Each with its own indentation within the block.
    pub(super) lines: Vec<String>,
}

impl File {
    pub(super) fn warn(&mut self, line: usize, message: impl Into<String>) {
        self.warnings.push(Warning { line, message: message.into() });
    }

    /// What a file may not say twice, and what says nothing.
    pub(super) fn settle(&mut self) {
        let mut warnings = vec![];
        let mut warn = |line, message: String| warnings.push(Warning { line, message });
        for service in &mut self.services {
            service.settle(&mut warn);
            let mut seen = BTreeSet::new();
            let at = service.at;
            service.servers.retain_mut(|server| {
                if let (At::Address { port, .. }, false) = (at, server.method == "NAT")
                    && server.port != port
                {
                    warn(
                        server.line,
                        format!(
                            "port {} of {} is not used: packets keep the service's port {port}",
                            server.port, server.ip
                        ),
                    );
                    server.check_at_its_port();
                    server.port = port;
                }
                if let (At::Mark { .. }, false) = (at, server.method == "NAT") {
                    server.check_at_its_port();
                    server.port = 0;
                }
                let first = seen.insert((server.ip, server.port));
                if !first {
                    warn(server.line, format!("{} stands twice; the first counts", server.ip));
                }
                first
            });
            if service.servers.is_empty() {
                warn(service.line, "this service has no server and is left out".to_owned());
            }
        }
        self.services.retain(|service| !service.servers.is_empty());
        self.warnings.append(&mut warnings);
    }
}

impl Service {
    /// Words that keepalived.conf does not know are left out.
    fn settle(&mut self, warn: &mut impl FnMut(usize, String)) {
        let line = self.line;
        if Scheduler::from_name(&self.scheduler).is_none() {
            warn(line, format!("`{}` is no scheduler: wlc was written", self.scheduler));
            self.scheduler = "wlc".to_owned();
        }
        let (scheduler, at) = (self.scheduler.clone(), self.at);
        self.flags.retain(|flag| {
            let fits = match flag.as_str() {
                "ops" => {
                    !matches!(at, At::Address { protocol: Protocol::Tcp | Protocol::Sctp, .. })
                }
                "flag-1" | "flag-2" | "flag-3" => true,
                "sh-port" | "sh-fallback" => scheduler == "sh",
                "mh-port" | "mh-fallback" => scheduler == "mh",
                _ => false,
            };
            if !fits {
                warn(line, format!("`{flag}` does not fit this service and was left out"));
            }
            fits
        });
        self.persistence = self.persistence.filter(|seconds| *seconds > 0);
        if let Some(text) = self.granularity.take() {
            self.granularity = granularity(&text, at);
            if self.granularity.is_none() {
                warn(line, format!("`{text}` is no netmask of this service and was left out"));
            }
        }
        if let Some(engine) = self.engine.take_if(|engine| engine != "sip") {
            warn(line, format!("`{engine}` is no persistence engine and was left out"));
        }
        if self.persistence.is_none() {
            self.engine = None;
            self.granularity = None;
        }
    }
}

/// A mask for IPv4, also where a prefix length is given; a prefix length for IPv6.
fn granularity(text: &str, at: At) -> Option<String> {
    let family = match at {
        At::Address { ip, .. } => Family::of(&ip),
        At::Mark { family, .. } => family,
    };
    let length = text.parse::<u32>().ok().filter(|length| (1..=128).contains(length));
    match (family, length) {
        (Family::V6, Some(length)) => Some(length.to_string()),
        (Family::V6, None) => None,
        (Family::V4, Some(length)) => {
            let host = 32u32.checked_sub(length)?;
            Some(Ipv4Addr::from(u32::MAX.checked_shl(host).unwrap_or(0)).to_string())
        }
        (Family::V4, None) => text.parse::<Ipv4Addr>().ok().map(|mask| mask.to_string()),
    }
}

impl Server {
    /// Whatever becomes of the port that packets go to.
    fn check_at_its_port(&mut self) {
        let check = self.check.as_mut().filter(|check| self.port != 0 && check.asks_a_port());
        if let Some(check) = check {
            check.lines.push(format!("connect_port {}", self.port));
        }
    }
}

impl Check {
    fn asks_a_port(&self) -> bool {
        let fixed = self.lines.iter().any(|line| line.starts_with("connect_port"));
        !fixed && !matches!(self.keyword, "PING_CHECK" | "MISC_CHECK")
    }
}

/// A port's number or its usual name (services(5)).
pub(super) fn port(text: &str) -> Option<u16> {
    let known = match text {
        "ftp" => 21,
        "ssh" => 22,
        "telnet" => 23,
        "smtp" => 25,
        "domain" | "dns" => 53,
        "http" | "www" => 80,
        "pop3" | "pop" => 110,
        "nntp" => 119,
        "ntp" => 123,
        "imap" | "imap2" => 143,
        "ldap" => 389,
        "https" => 443,
        "submission" => 587,
        "ldaps" => 636,
        "imaps" => 993,
        "pop3s" | "pops" => 995,
        "oracle" => 1521,
        "radius" => 1812,
        "http_proxy" | "squid" => 3128,
        "mysql" => 3306,
        "ms-wbt-server" => 3389,
        "sip" => 5060,
        "postgresql" | "pgsql" => 5432,
        "http-alt" | "webcache" => 8080,
        _ => return text.parse().ok(),
    };
    Some(known)
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:http`, `2001:db8::1`. Err: why not.
pub(super) fn place(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    if let Ok(ip) = text.parse() {
        return Ok((ip, None));
    }
    let (host, rest) = match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((host, rest)) => (host, Some(rest)),
            None => (text, None),
        },
    };
    let ip = host.parse().map_err(|_| {
        format!("`{host}` is no address: names are not resolved, write what it stands for")
    })?;
    match rest.map(|rest| port(rest).ok_or(rest)) {
        None => Ok((ip, None)),
        Some(Ok(port)) => Ok((ip, Some(port))),
        Some(Err(name)) => Err(format!("`{name}` is no port: write its number")),
    }
}

/// From one address to another, at most 256 of them.
pub(super) fn range(first: IpAddr, last: IpAddr) -> Option<Vec<IpAddr>> {
    const MOST: u128 = 256;
    let number = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    };
    let count = number(last).checked_sub(number(first)).filter(|count| *count < MOST)?;
    if first.is_ipv4() != last.is_ipv4() {
        return None;
    }
    let nth = |n| match first {
        IpAddr::V4(ip) => {
            Some(Ipv4Addr::from(u32::from(ip).checked_add(u32::try_from(n).ok()?)?).into())
        }
        IpAddr::V6(ip) => Some(Ipv6Addr::from(u128::from(ip).checked_add(n)?).into()),
    };
    (0..=count).map(nth).collect()
}
