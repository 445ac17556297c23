//! `virtual_server`: a service, its scheduler, and its servers.
use super::{checkers::TimingDraft, method, real_server};
use crate::{
    base::{Family, Forward, Protocol, Scheduler, Script, lvs::service_flags},
    config::{
        blocks::{Drafts, notify, words},
        diagnostic::{Diagnostics, Said},
        keyword::{
            Keyword, Support,
            Takes::{Nothing, One, OptionalBool, Script as Command, UpTo1, Words, WordsBlock},
            apply, kw,
        },
        model::PersistenceMask,
        rules::{language, lvs as rules},
        source::{Span, Spanned},
        tree::Statement,
        value,
    },
};
use std::{net::IpAddr, time::Duration};

pub(super) const BLOCK: &str = "virtual_server";
/// keepalived's limit of its microsecond timers.
pub(super) const LONGEST: Duration = Duration::from_micros(u32::MAX as u64 * 1_000_000);

/// What a client's packet is matched by, as written.
#[derive(Clone, Debug)]
pub(super) enum At {
    Address { ip: IpAddr, port: u16 },
    Mark(u32),
    Group(Spanned<String>),
}

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) span: Span,
    pub(super) at: At,
    pub(super) protocol: Option<Protocol>,
    pub(super) family: Option<Family>,
    pub(super) scheduler: Option<Scheduler>,
    /// The scheduler's name was wrong, and that was said.
    pub(super) scheduler_refused: bool,
    pub(super) method: Option<Forward>,
    pub(super) method_refused: bool,
    /// With the word that set them: `sh-port` makes sense with `sh` only.
    pub(super) flags: Vec<(Span, &'static str, u32)>,
    pub(super) ops: Option<Span>,
    pub(super) persistence: Option<Span>,
    pub(super) persistence_timeout: Option<u32>,
    pub(super) granularity: Option<PersistenceMask>,
    pub(super) engine: Option<String>,
    pub(super) quorum: Option<u32>,
    pub(super) quorum_at: Span,
    pub(super) hysteresis: Option<u32>,
    pub(super) quorum_up: Option<Script>,
    pub(super) quorum_down: Option<Script>,
    pub(super) sorry: Option<Sorry>,
    pub(super) sorry_inhibit: bool,
    pub(super) sorry_method: Option<Forward>,
    pub(super) ha_suspend: Option<Span>,
    pub(super) omega: bool,
    pub(super) smtp_alert: Option<bool>,
    pub(super) virtualhost: Option<String>,
    pub(super) weight: Option<u32>,
    pub(super) inhibit: bool,
    pub(super) timing: TimingDraft,
    pub(super) servers: Vec<real_server::Draft>,
    /// There was a real_server, if only a bad one.
    pub(super) servers_given: bool,
    pub(super) said: Said,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sorry {
    pub(super) span: Span,
    pub(super) ip: IpAddr,
    pub(super) port: Option<u16>,
}

const METHOD: Keyword<Draft> =
    kw(&["lb_kind", "lvs_method"], Words(1, 6, method::TAKES), |d: &mut Draft, s, out| {
        let read = method::read(s, out);
        d.method_refused = read.is_none();
        words::set(&mut d.method, read);
    });

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["delay_loop"], One("SECONDS"), |d: &mut Draft, s, out| d.timing.delay_loop(s, out))
        .default("60")
        .range("0.000001..")
        .doc("time between checks"),
    kw(&["lb_algo", "lvs_sched"], One("SCHEDULER"), scheduler)
        .range("rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf twos")
        .doc("scheduler"),
    METHOD.doc("how packets reach the servers"),
    kw(&["protocol"], One("TCP|UDP|SCTP"), protocol).doc("transport protocol"),
    kw(&["persistence_timeout"], UpTo1("SECONDS"), persistence_timeout)
        .default("off; 360 without argument")
        .range("0..2678400")
        .doc("a client stays with its server for so long"),
    kw(&["persistence_granularity"], One("MASK"), granularity)
        .default("255.255.255.255, 128")
        .doc("clients of one network count as one"),
    kw(&["persistence_engine"], One("NAME"), |d: &mut Draft, s, out| {
        d.engine = value::one_of(s, 1, &["sip"], out).map(str::to_owned)
    })
    .doc("what makes two packets belong together"),
    kw(&["ops"], Nothing, |d: &mut Draft, s, _| d.ops = Some(s.span))
        .doc("schedule every UDP packet by itself"),
    kw(&["flag-1"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "", service_flags::SCHED1))
    })
    .doc("first flag of the scheduler"),
    kw(&["flag-2"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "", service_flags::SCHED2))
    })
    .doc("second flag of the scheduler"),
    kw(&["flag-3"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "", service_flags::SCHED3))
    })
    .doc("third flag of the scheduler"),
    kw(&["sh-fallback"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "sh", service_flags::SCHED1))
    })
    .doc("sh: another server when the chosen one is out"),
    kw(&["sh-port"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "sh", service_flags::SCHED2))
    })
    .doc("sh: the source port counts too"),
    kw(&["mh-fallback"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "mh", service_flags::SCHED1))
    })
    .doc("mh: another server when the chosen one is out"),
    kw(&["mh-port"], Nothing, |d: &mut Draft, s, _| {
        d.flags.push((s.span, "mh", service_flags::SCHED2))
    })
    .doc("mh: the source port counts too"),
    kw(&["hashed"], Nothing, |_, _, _| {})
        .support(Support::NoEffect("the kernel decides this itself"))
        .doc("nothing"),
    kw(&["ip_family"], One("inet|inet6"), family)
        .default("that of the servers")
        .doc("address family of a firewall mark"),
    kw(&["quorum"], One("WEIGHT"), |d: &mut Draft, s, out| {
        words::set(&mut d.quorum, words::number(s, 1, 1..=0x7fff_ffff, out));
        d.quorum_at = s.span;
    })
    .default("1")
    .range("1..")
    .doc("least sum of weights of living servers"),
    kw(&["hysteresis"], One("WEIGHT"), |d: &mut Draft, s, out| {
        words::set(&mut d.hysteresis, words::number(s, 1, 0..=0x7fff_ffff, out))
    })
    .default("0")
    .range("0..")
    .doc("how far beyond the quorum it takes to change"),
    kw(&["quorum_up"], Command, |d: &mut Draft, s, out| first_script(&mut d.quorum_up, s, out))
        .doc("run when the quorum is gained"),
    kw(&["quorum_down"], Command, |d: &mut Draft, s, out| first_script(&mut d.quorum_down, s, out))
        .doc("run when the quorum is lost"),
    kw(&["sorry_server"], Words(1, 2, "ADDRESS [PORT]"), sorry)
        .doc("serves while the quorum is lost"),
    kw(&["sorry_server_inhibit"], Nothing, |d: &mut Draft, _, _| d.sorry_inhibit = true)
        .default("off")
        .doc("keep it in the table with weight 0"),
    kw(&["sorry_server_lvs_method"], Words(1, 6, method::TAKES), |d: &mut Draft, s, out| {
        words::set(&mut d.sorry_method, method::read(s, out))
    })
    .default("lb_kind")
    .doc("how packets reach the sorry server"),
    kw(&["ha_suspend"], Nothing, |d: &mut Draft, s, _| d.ha_suspend = Some(s.span))
        .default("off")
        .doc("check only while the address is on this machine"),
    kw(&["alpha"], UpTo1("on|off"), alpha).default("off").doc("servers start down"),
    kw(&["omega"], UpTo1("on|off"), |d: &mut Draft, s, out| d.omega = switch(s, out))
        .default("off")
        .doc("run the down scripts at shutdown"),
    kw(&["smtp_alert"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.smtp_alert, value::boolean(s, out))
    })
    .default("smtp_alert_checker, else off")
    .doc("mail changes of the quorum"),
    kw(&["virtualhost"], One("NAME"), |d: &mut Draft, s, _| d.virtualhost = words::text(s))
        .doc("Host header of HTTP checks"),
    kw(&["weight"], One("WEIGHT"), |d: &mut Draft, s, out| {
        words::set(&mut d.weight, words::number(s, 1, 1..=0x7fff_ffff, out))
    })
    .default("1")
    .range("1..2147483647")
    .doc("weight of servers that give none"),
    kw(&["inhibit_on_failure"], UpTo1("on|off"), |d: &mut Draft, s, out| {
        d.inhibit = switch(s, out)
    })
    .default("off")
    .doc("weight 0 instead of removal"),
    kw(&["retry"], One("COUNT"), |d: &mut Draft, s, out| d.timing.retry(s, 1, out))
        .default("1; DNS_CHECK 3; MISC_CHECK 0")
        .doc("further attempts after a failure"),
    kw(&["delay_before_retry"], One("SECONDS"), |d: &mut Draft, s, out| {
        d.timing.delay_before_retry(s, out)
    })
    .default("1; HTTP_GET 3")
    .doc("time between attempts"),
    kw(&["connect_timeout"], One("SECONDS"), |d: &mut Draft, s, out| {
        d.timing.connect_timeout(s, out)
    })
    .default("5")
    .doc("time to connect, and for each answer"),
    kw(&["warmup"], One("SECONDS"), |d: &mut Draft, s, out| d.timing.warmup(s, out))
        .default("delay_loop")
        .doc("longest random delay of the first check"),
    kw(&["snmp_name"], One("NAME"), |_, _, _| {})
        .support(Support::NoEffect("there is no SNMP agent in ldirector"))
        .doc("name for SNMP"),
    kw(&["nat_mask"], UpTo1("MASK"), |_, _, _| {})
        .support(Support::Obsolete("keepalived before 1.2.20 took it; remove it"))
        .doc("nothing"),
    kw(&["real_server"], WordsBlock(1, 2, "ADDRESS [PORT]"), real_server::block).doc("a server"),
];

/// The root table's line.
pub(in crate::config::blocks) fn block(
    drafts: &mut Drafts,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let Some(at) = address(statement, out) else { return };
    let mut draft = Draft {
        span: statement.span,
        at,
        protocol: None,
        family: None,
        scheduler: None,
        scheduler_refused: false,
        method: None,
        method_refused: false,
        flags: vec![],
        ops: None,
        persistence: None,
        persistence_timeout: None,
        granularity: None,
        engine: None,
        quorum: None,
        quorum_at: statement.span,
        hysteresis: None,
        quorum_up: None,
        quorum_down: None,
        sorry: None,
        sorry_inhibit: false,
        sorry_method: None,
        ha_suspend: None,
        omega: false,
        smtp_alert: None,
        virtualhost: None,
        weight: None,
        inhibit: false,
        timing: TimingDraft::default(),
        servers: vec![],
        servers_given: false,
        said: Said::default(),
    };
    let start = out.here();
    apply(KEYWORDS, BLOCK, statement.body(), &mut draft, out);
    draft.said = out.since(start);
    draft.servers.shrink_to_fit();
    drafts.lvs.services.push(draft);
}

fn address(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<At> {
    match statement.word(1)?.as_str() {
        "fwmark" if statement.words.len() == 3 => {
            words::number(statement, 2, 0..=u64::from(u32::MAX), out).map(At::Mark)
        }
        "group" if statement.words.len() == 3 => words::word(statement, 2).map(At::Group),
        kind @ ("fwmark" | "group") => {
            out.report(rules::HEADER_INCOMPLETE, statement.span).with("kind", kind);
            None
        }
        _ => {
            let ip = value::ip(statement, 1, out)?;
            let port = match statement.word(2) {
                Some(_) => value::port(statement, 2, out)?,
                None => 0,
            };
            Some(At::Address { ip, port })
        }
    }
}

fn scheduler(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let names: Vec<&str> = Scheduler::ALL.iter().map(|scheduler| scheduler.name()).collect();
    let name = value::one_of(statement, 1, &names, out);
    draft.scheduler_refused = name.is_none();
    words::set(&mut draft.scheduler, name.and_then(Scheduler::from_name));
}

fn protocol(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(word) = statement.word(1) else { return };
    let known = match word.as_str().to_ascii_uppercase().as_str() {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        "SCTP" => Some(Protocol::Sctp),
        _ => {
            value::one_of(statement, 1, &["TCP", "UDP", "SCTP"], out);
            // Not to be said twice: `protocol` is there.
            Some(Protocol::Tcp)
        }
    };
    words::set(&mut draft.protocol, known);
}

fn persistence_timeout(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let timeout = match statement.word(1) {
        None => Some(360),
        Some(_) => words::number(statement, 1, 0..=2_678_400, out),
    };
    // 0 is what packaged samples say for "off".
    match timeout {
        Some(0) => draft.persistence = None,
        Some(timeout) => {
            draft.persistence = Some(statement.span);
            draft.persistence_timeout = Some(timeout);
        }
        None => {}
    }
}

fn granularity(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(word) = statement.word(1) else { return };
    draft.granularity = if let Ok(mask) = word.as_str().parse() {
        Some(PersistenceMask::V4(mask))
    } else {
        words::number(statement, 1, 1..=128, out).map(PersistenceMask::V6)
    };
    if draft.granularity.is_some() && draft.persistence.is_none() {
        draft.persistence = Some(statement.span);
    }
}

fn family(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    draft.family = match value::one_of(statement, 1, &["inet", "inet6"], out) {
        Some("inet") => Some(Family::V4),
        Some(_) => Some(Family::V6),
        None => return,
    };
}

fn sorry(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(ip) = value::ip(statement, 1, out) else { return };
    let port = match statement.word(2) {
        Some(_) => value::port(statement, 2, out),
        None => None,
    };
    let sorry = Sorry { span: statement.span, ip, port: port.filter(|port| *port > 0) };
    if let Some(first) = draft.sorry.replace(sorry) {
        out.report(rules::SORRY_TWICE, statement.span).label(first.span, "this one is not used");
    }
}

fn alpha(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    draft.timing.alpha = Some(switch(statement, out));
}

/// A flag whose argument keepalived ignores here, even `off`: ours means what it says.
fn switch(statement: &Statement<'_>, out: &mut Diagnostics) -> bool {
    match statement.word(1).map(|word| (word.as_str(), word.span)) {
        None | Some(("on" | "true" | "yes", _)) => true,
        Some(("off" | "false" | "no", _)) => {
            out.report(rules::OFF_IS_ON, statement.span).with("word", statement.first());
            false
        }
        Some((other, span)) => {
            out.report(language::SURPLUS_IGNORED, span)
                .with("word", statement.first())
                .with("takes", "no argument")
                .with("surplus", other);
            true
        }
    }
}

/// Keeps the first script of a kind, as keepalived does.
pub(super) fn first_script(
    slot: &mut Option<impl From<Script>>,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    if slot.is_some() {
        out.report(rules::SCRIPT_TWICE, statement.span).with("word", statement.first());
        return;
    }
    *slot = notify::command(statement, out).map(Into::into);
}
