//! `real_server`: one server of a service, and how it is checked.
use super::{
    checkers::{self, TimingDraft},
    method,
    virtual_server::{self, first_script},
};
use crate::{
    base::{Forward, Script},
    config::{
        blocks::words,
        diagnostic::{Diagnostics, Said},
        keyword::{
            Keyword, Support,
            Takes::{Block, One, OptionalBool, Script as Command, Words},
            apply, kw,
        },
        source::Span,
        tree::Statement,
        value,
    },
};
use std::net::IpAddr;

#[derive(Debug)]
pub(in crate::config) struct Draft {
    pub(super) span: Span,
    pub(super) ip: IpAddr,
    pub(super) port: Option<u16>,
    pub(super) weight: Option<u32>,
    pub(super) inhibit: Option<bool>,
    pub(super) method: Option<Forward>,
    pub(super) upper: u32,
    pub(super) lower: u32,
    pub(super) thresholds_at: Span,
    pub(super) notify_up: Option<Box<Script>>,
    pub(super) notify_down: Option<Box<Script>>,
    pub(super) smtp_alert: Option<bool>,
    pub(super) virtualhost: Option<String>,
    pub(super) timing: TimingDraft,
    pub(super) checkers: Vec<checkers::Draft>,
    pub(super) said: Said,
}

impl Draft {
    /// Most servers have one checker: room for more would be most of what a big file takes.
    pub(super) fn add_checker(&mut self, checker: checkers::Draft) {
        self.checkers.reserve_exact(1);
        self.checkers.push(checker);
    }
}

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["weight"], One("WEIGHT"), |d: &mut Draft, s, out| {
        words::set(&mut d.weight, words::number(s, 1, 0..=0x7fff_ffff, out))
    })
    .default("1")
    .range("0..2147483647")
    .doc("share of the connections; 0: no new ones"),
    kw(&["inhibit_on_failure"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.inhibit, value::boolean(s, out))
    })
    .default("off")
    .doc("weight 0 instead of removal"),
    kw(&["lvs_method"], Words(1, 6, method::TAKES), |d: &mut Draft, s, out| {
        words::set(&mut d.method, method::read(s, out))
    })
    .default("lb_kind")
    .doc("how packets reach this server"),
    kw(&["uthreshold"], One("CONNECTIONS"), |d: &mut Draft, s, out| {
        d.upper = words::number(s, 1, 0..=u64::from(u32::MAX), out).unwrap_or(0);
        d.thresholds_at = s.span;
    })
    .default("0")
    .doc("no more connections than this"),
    kw(&["lthreshold"], One("CONNECTIONS"), |d: &mut Draft, s, out| {
        d.lower = words::number(s, 1, 0..=u64::from(u32::MAX), out).unwrap_or(0);
        d.thresholds_at = s.span;
    })
    .default("0")
    .doc("new ones again below this"),
    kw(&["notify_up"], Command, |d: &mut Draft, s, out| first_script(&mut d.notify_up, s, out))
        .doc("run when the server comes up"),
    kw(&["notify_down"], Command, |d: &mut Draft, s, out| first_script(&mut d.notify_down, s, out))
        .doc("run when the server goes down"),
    kw(&["smtp_alert"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.smtp_alert, value::boolean(s, out))
    })
    .default("smtp_alert_checker, else on")
    .doc("mail changes"),
    kw(&["virtualhost"], One("NAME"), |d: &mut Draft, s, _| d.virtualhost = words::text(s))
        .doc("Host header of HTTP checks"),
    kw(&["alpha"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.timing.alpha, value::boolean(s, out))
    })
    .default("off")
    .doc("starts down"),
    kw(&["retry"], One("COUNT"), |d: &mut Draft, s, out| d.timing.retry(s, 1, out))
        .doc("further attempts after a failure"),
    kw(&["delay_before_retry"], One("SECONDS"), |d: &mut Draft, s, out| {
        d.timing.delay_before_retry(s, out)
    })
    .doc("time between attempts"),
    kw(&["delay_loop"], One("SECONDS"), |d: &mut Draft, s, out| d.timing.delay_loop(s, out))
        .doc("time between checks"),
    kw(&["connect_timeout"], One("SECONDS"), |d: &mut Draft, s, out| {
        d.timing.connect_timeout(s, out)
    })
    .doc("time to connect, and for each answer"),
    kw(&["warmup"], One("SECONDS"), |d: &mut Draft, s, out| d.timing.warmup(s, out))
        .doc("longest random delay of the first check"),
    kw(&["snmp_name"], One("NAME"), |_, _, _| {})
        .support(Support::NoEffect("there is no SNMP agent in ldirector"))
        .doc("name for SNMP"),
    kw(&["HTTP_GET"], Block, |d: &mut Draft, s, out| checkers::http::block(d, s, out))
        .doc("a page is fetched"),
    kw(&["SSL_GET"], Block, |d: &mut Draft, s, out| checkers::http::block(d, s, out))
        .doc("a page is fetched over TLS"),
    kw(&["TCP_CHECK"], Block, |d: &mut Draft, s, out| checkers::simple::tcp(d, s, out))
        .doc("a connection is made"),
    kw(&["SMTP_CHECK"], Block, |d: &mut Draft, s, out| checkers::smtp::block(d, s, out))
        .doc("a mail server is greeted"),
    kw(&["MISC_CHECK"], Block, |d: &mut Draft, s, out| checkers::misc::block(d, s, out))
        .doc("a script is run"),
    kw(&["PING_CHECK"], Block, |d: &mut Draft, s, out| checkers::simple::ping(d, s, out))
        .doc("an echo is asked for"),
    kw(&["DNS_CHECK"], Block, |d: &mut Draft, s, out| checkers::dns::block(d, s, out))
        .doc("a name is looked up"),
    kw(&["UDP_CHECK"], Block, |d: &mut Draft, s, out| checkers::udp::block(d, s, out))
        .doc("a datagram is sent"),
    kw(&["FILE_CHECK"], Block, |d: &mut Draft, s, out| checkers::file::block(d, s, out))
        .doc("a tracked file says the weight"),
    kw(&["BFD_CHECK"], Block, |d: &mut Draft, s, out| checkers::bfd::block(d, s, out))
        .doc("a BFD session says whether it lives"),
];

pub(super) fn block(
    service: &mut virtual_server::Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    service.servers_given = true;
    let Some(ip) = value::ip(statement, 1, out) else { return };
    let port = match statement.word(2) {
        Some(_) => match value::port(statement, 2, out) {
            Some(port) => Some(port).filter(|port| *port > 0),
            None => return,
        },
        None => None,
    };
    let mut draft = Draft {
        span: statement.span,
        ip,
        port,
        weight: None,
        inhibit: None,
        method: None,
        upper: 0,
        lower: 0,
        thresholds_at: statement.span,
        notify_up: None,
        notify_down: None,
        smtp_alert: None,
        virtualhost: None,
        timing: TimingDraft::default(),
        checkers: vec![],
        said: Said::default(),
    };
    let start = out.here();
    apply(KEYWORDS, "real_server", statement.body(), &mut draft, out);
    draft.said = out.since(start);
    draft.checkers.shrink_to_fit();
    service.servers.push(draft);
}
