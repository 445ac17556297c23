//! The checkers of a real server: their tables, and what they take from server and service.
pub(super) mod bfd;
pub(super) mod dns;
pub(super) mod file;
pub(super) mod http;
pub(super) mod misc;
pub(super) mod simple;
pub(super) mod smtp;
pub(super) mod udp;

use super::{Tracked, virtual_server::LONGEST};
use crate::config::{
    blocks::words,
    diagnostic::Diagnostics,
    keyword::{
        BlockInfo, Keyword,
        Takes::{One, OptionalBool},
        describe, kw,
    },
    model::{Checker, CheckerKind, Connection, Timing},
    rules::checkers as rules,
    source::{Span, Spanned},
    tree::Statement,
    value,
};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// A checker as written.
#[derive(Clone, Debug)]
pub(in crate::config) struct Draft {
    pub(super) span: Span,
    timing: TimingDraft,
    /// None where the block says nothing of it, as most do.
    link: Option<Box<ConnectionDraft>>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Tcp,
    Ping,
    Http(Box<http::Draft>),
    Smtp(Box<smtp::Draft>),
    Misc(Box<misc::Draft>),
    Dns(Box<dns::Draft>),
    Udp(Box<udp::Draft>),
    File(Box<file::Draft>),
    Bfd(Box<bfd::Draft>),
}

/// Blocks and their keywords.
pub(super) fn blocks() -> Vec<BlockInfo> {
    vec![
        BlockInfo { name: "HTTP_GET", keywords: || describe(&http::KEYWORDS) },
        BlockInfo { name: "url", keywords: || describe(http::URL) },
        BlockInfo { name: "TCP_CHECK", keywords: || describe(&simple::KEYWORDS) },
        BlockInfo { name: "SMTP_CHECK", keywords: || describe(&smtp::KEYWORDS) },
        BlockInfo { name: "MISC_CHECK", keywords: || describe(&misc::KEYWORDS) },
        BlockInfo { name: "DNS_CHECK", keywords: || describe(&dns::KEYWORDS) },
        BlockInfo { name: "UDP_CHECK", keywords: || describe(&udp::KEYWORDS) },
        BlockInfo { name: "FILE_CHECK", keywords: || describe(file::KEYWORDS) },
        BlockInfo { name: "BFD_CHECK", keywords: || describe(bfd::KEYWORDS) },
    ]
}

/// Times as far as somebody gave them.
#[derive(Clone, Debug, Default)]
pub(super) struct TimingDraft {
    delay_loop: Option<Duration>,
    retry: Option<u32>,
    delay_before_retry: Option<Duration>,
    connect_timeout: Option<Duration>,
    warmup: Option<Duration>,
    pub(super) alpha: Option<bool>,
    log_all_failures: Option<bool>,
}

impl TimingDraft {
    const SHORTEST: Duration = Duration::from_micros(1);

    pub(super) fn delay_loop(&mut self, s: &Statement<'_>, out: &mut Diagnostics) {
        words::set(&mut self.delay_loop, words::seconds(s, Self::SHORTEST..=LONGEST, out));
    }
    /// `least` is 1 for services and servers, 0 for checkers.
    pub(super) fn retry(&mut self, s: &Statement<'_>, least: u64, out: &mut Diagnostics) {
        words::set(&mut self.retry, words::number(s, 1, least..=u64::from(u32::MAX), out));
    }
    pub(super) fn delay_before_retry(&mut self, s: &Statement<'_>, out: &mut Diagnostics) {
        words::set(&mut self.delay_before_retry, words::seconds(s, Duration::ZERO..=LONGEST, out));
    }
    pub(super) fn connect_timeout(&mut self, s: &Statement<'_>, out: &mut Diagnostics) {
        let most = Duration::from_micros(u64::from(u32::MAX));
        words::set(&mut self.connect_timeout, words::seconds(s, Self::SHORTEST..=most, out));
    }
    pub(super) fn warmup(&mut self, s: &Statement<'_>, out: &mut Diagnostics) {
        words::set(&mut self.warmup, words::seconds(s, Duration::ZERO..=LONGEST, out));
    }

    /// What is given here, and where nothing is, what is given there.
    fn over(self, outer: &Self) -> Self {
        Self {
            delay_loop: self.delay_loop.or(outer.delay_loop),
            retry: self.retry.or(outer.retry),
            delay_before_retry: self.delay_before_retry.or(outer.delay_before_retry),
            connect_timeout: self.connect_timeout.or(outer.connect_timeout),
            warmup: self.warmup.or(outer.warmup),
            alpha: self.alpha.or(outer.alpha),
            log_all_failures: self.log_all_failures.or(outer.log_all_failures),
        }
    }
}

/// Whereto and whence, as far as somebody said so.
#[derive(Clone, Debug, Default)]
struct ConnectionDraft {
    ip: Option<IpAddr>,
    port: Option<u16>,
    from: Option<Spanned<IpAddr>>,
    from_port: Option<u16>,
    interface: Option<String>,
    mark: Option<u32>,
}

impl ConnectionDraft {
    fn is_given(&self) -> bool {
        self.ip.is_some()
            || self.port.is_some()
            || self.from.is_some()
            || self.from_port.is_some()
            || self.interface.is_some()
            || self.mark.is_some()
    }

    fn given(self) -> Option<Box<Self>> {
        self.is_given().then(|| Box::new(self))
    }
}

/// What a checker inherits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) server: &'a TimingDraft,
    pub(super) service: &'a TimingDraft,
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    pub(super) server_virtualhost: Option<&'a str>,
    pub(super) service_virtualhost: Option<&'a str>,
    pub(super) log_all_failures: bool,
    pub(super) tracked: &'a Tracked<'a>,
}

/// A block of a checker while it is read.
#[derive(Debug, Default)]
pub(super) struct Reading<T> {
    timing: TimingDraft,
    link: ConnectionDraft,
    own: T,
}

fn with_timing<T: 'static>() -> Vec<Keyword<Reading<T>>> {
    vec![
        kw(&["retry"], One("COUNT"), |d: &mut Reading<T>, s, out| d.timing.retry(s, 0, out))
            .range("0..")
            .doc("further attempts after a failure"),
        kw(&["delay_before_retry"], One("SECONDS"), |d: &mut Reading<T>, s, out| {
            d.timing.delay_before_retry(s, out)
        })
        .doc("time between attempts"),
        kw(&["warmup"], One("SECONDS"), |d: &mut Reading<T>, s, out| d.timing.warmup(s, out))
            .doc("longest random delay of the first check"),
        kw(&["delay_loop"], One("SECONDS"), |d: &mut Reading<T>, s, out| {
            d.timing.delay_loop(s, out)
        })
        .doc("time between checks"),
        kw(&["alpha"], OptionalBool, |d: &mut Reading<T>, s, out| {
            words::set(&mut d.timing.alpha, value::boolean(s, out))
        })
        .default("off")
        .doc("starts down"),
        kw(&["log_all_failures"], OptionalBool, |d: &mut Reading<T>, s, out| {
            words::set(&mut d.timing.log_all_failures, value::boolean(s, out))
        })
        .default("checker_log_all_failures")
        .doc("log failures that are still retried"),
    ]
}

fn with_connection<T: 'static>() -> Vec<Keyword<Reading<T>>> {
    let mut table = with_timing();
    table.extend([
        kw(&["connect_ip"], One("ADDRESS"), |d: &mut Reading<T>, s, out| {
            words::set(&mut d.link.ip, value::ip(s, 1, out))
        })
        .default("the server's")
        .doc("address to connect to"),
        kw(&["connect_port"], One("PORT"), |d: &mut Reading<T>, s, out| {
            words::set(&mut d.link.port, value::port(s, 1, out))
        })
        .default("the server's")
        .doc("port to connect to"),
        kw(&["bindto"], One("ADDRESS"), |d: &mut Reading<T>, s, out| {
            let from =
                value::ip(s, 1, out).map(|value| Spanned { value, span: value::span_of(s, 1) });
            words::set(&mut d.link.from, from);
        })
        .doc("own address to connect from"),
        kw(&["bind_port"], One("PORT"), |d: &mut Reading<T>, s, out| {
            words::set(&mut d.link.from_port, value::port(s, 1, out))
        })
        .doc("own port to connect from"),
        kw(&["bind_if"], One("INTERFACE"), |d: &mut Reading<T>, s, _| {
            d.link.interface = words::text(s)
        })
        .doc("interface to connect through"),
        kw(&["connect_timeout"], One("SECONDS"), |d: &mut Reading<T>, s, out| {
            d.timing.connect_timeout(s, out)
        })
        .default("5")
        .doc("time to connect, and for each answer"),
        kw(&["fwmark"], One("MARK"), |d: &mut Reading<T>, s, out| {
            words::set(&mut d.link.mark, words::number(s, 1, 0..=u64::from(u32::MAX), out))
        })
        .default("0")
        .doc("firewall mark of our packets"),
    ]);
    table
}

/// Turns a read block into a draft of the server.
fn finish<T>(reading: Reading<T>, span: Span, kind: impl FnOnce(T) -> Kind) -> Draft {
    Draft { span, timing: reading.timing, link: reading.link.given(), kind: kind(reading.own) }
}

impl Draft {
    /// None where the checker cannot work; the reason is reported.
    pub(super) fn settle(
        &self,
        around: Surroundings<'_>,
        out: &mut Diagnostics,
    ) -> Option<Checker> {
        let Self { span, timing, link, kind } = self.clone();
        let link = link.map(|link| *link).unwrap_or_default();
        let timing = timing.over(around.server).over(around.service);
        let seconds = Duration::from_secs;
        let delay_loop = timing.delay_loop.unwrap_or(seconds(60));
        let (retry, delay_before_retry) = match kind {
            Kind::Tcp | Kind::Ping | Kind::Smtp(_) | Kind::Udp(_) => (1, seconds(1)),
            // They are told of changes: nothing is tried again.
            Kind::File(_) | Kind::Bfd(_) => (0, Duration::ZERO),
            Kind::Http(_) => (1, seconds(3)),
            Kind::Misc(_) => (0, seconds(1)),
            Kind::Dns(_) => (3, delay_loop),
        };
        let settled = Timing {
            delay_loop,
            retry: timing.retry.unwrap_or(retry),
            delay_before_retry: timing.delay_before_retry.unwrap_or(delay_before_retry),
            warmup: timing.warmup.unwrap_or(delay_loop),
            alpha: timing.alpha.unwrap_or(false) && !matches!(kind, Kind::File(_)),
            log_all_failures: timing.log_all_failures.unwrap_or(around.log_all_failures),
        };
        let timeout = timing.connect_timeout.unwrap_or(seconds(5));
        let kind = match kind {
            Kind::Misc(own) => {
                let default = around.service.delay_loop.unwrap_or(seconds(60));
                CheckerKind::Misc(Box::new(own.settle(span, default, out)?))
            }
            Kind::Tcp => CheckerKind::Tcp(Box::new(link.settle(span, around, timeout, out)?)),
            Kind::Ping => CheckerKind::Ping(Box::new(link.settle(span, around, timeout, out)?)),
            Kind::Http(own) => {
                let connection = link.settle(span, around, timeout, out)?;
                CheckerKind::Http(Box::new(own.settle(span, connection, around, out)?))
            }
            Kind::Smtp(own) => {
                let connection = link.settle(span, around, timeout, out)?;
                CheckerKind::Smtp(Box::new(own.settle(connection)))
            }
            Kind::Dns(own) => {
                let connection = link.settle(span, around, timeout, out)?;
                CheckerKind::Dns(Box::new(own.settle(connection)))
            }
            Kind::Udp(own) => {
                let connection = link.settle(span, around, timeout, out)?;
                CheckerKind::Udp(Box::new(own.settle(connection)))
            }
            Kind::File(own) => {
                CheckerKind::File(Box::new(own.settle(span, around.tracked, out)?))
            }
            Kind::Bfd(own) => CheckerKind::Bfd(Box::new(own.settle(span, around.tracked, out)?)),
        };
        Some(Checker { timing: settled, kind })
    }
}

impl ConnectionDraft {
    fn settle(
        self,
        span: Span,
        around: Surroundings<'_>,
        timeout: Duration,
        out: &mut Diagnostics,
    ) -> Option<Connection> {
        let to = SocketAddr::new(self.ip.unwrap_or(around.ip), self.port.unwrap_or(around.port));
        if let IpAddr::V6(address) = to.ip()
            && address.is_unicast_link_local()
            && self.interface.is_none()
        {
            out.report(rules::LINK_LOCAL, span).with("address", address);
            return None;
        }
        if let Some(from) = &self.from
            && from.value.is_ipv4() != to.is_ipv4()
        {
            out.report(rules::BINDTO_FAMILY, from.span)
                .with("from", from.value)
                .with("to", to.ip());
            return None;
        }
        Some(Connection {
            to,
            from: self.from.map(|from| from.value),
            from_port: self.from_port.unwrap_or(0),
            interface: self.interface,
            mark: self.mark.unwrap_or(0),
            timeout,
        })
    }
}
