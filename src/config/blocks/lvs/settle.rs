//! From drafts of services to services: what they inherit, what is adjusted, what is refused.
use super::{
    Drafts, Tracked,
    checkers::Surroundings,
    group::{self, Entry},
    real_server,
    virtual_server::{self, At, Draft},
};
use crate::{
    base::{Family, Forward, Protocol, Scheduler, lvs::service_flags},
    config::{
        blocks::global_defs,
        diagnostic::Diagnostics,
        keyword::TOP,
        model::{
            CheckerKind, DirectorConfig, GroupEntry, Persistence, PersistenceMask, RealServer,
            ServiceAddress, SorryServer, TrackFile, VirtualServer,
        },
        rules::lvs as rules,
        source::Span,
    },
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

/// keepalived's persistence where it is switched on without a time.
const PERSISTENCE: u32 = 360;

pub(in crate::config::blocks) fn settle(
    drafts: Drafts,
    global: &global_defs::Draft,
    tracked: &Tracked<'_>,
    out: &mut Diagnostics,
) -> DirectorConfig {
    let groups: HashMap<&str, &group::Draft> =
        drafts.groups.iter().map(|group| (group.name.value.as_str(), group)).collect();
    let mut services: Vec<VirtualServer> = Vec::with_capacity(drafts.services.len());
    let mut known: HashMap<(Family, Option<Protocol>, String), usize> = HashMap::new();
    let mut users: HashMap<String, usize> = HashMap::new();
    for draft in drafts.services {
        let Some(mut service) = service(draft, &groups, global, tracked, out) else { continue };
        let key = service.identity();
        match known.get(&key).and_then(|at| services.get_mut(*at)) {
            Some(first) => {
                out.report(rules::SAME_SERVICE, service.span).label(first.span, "the earlier one");
                merge(first, service, out);
            }
            None => {
                if let ServiceAddress::Group { name, number, .. } = &mut service.at {
                    let users = users.entry(name.clone()).or_default();
                    *number = *users;
                    *users += 1;
                }
                known.insert(key, services.len());
                services.push(service);
            }
        }
    }
    let files = tracked.files.iter().filter(|file| file.init.is_some() || reads(&services, file));
    DirectorConfig {
        files: files.cloned().collect(),
        virtual_servers: services,
        tls: drafts.tls.unwrap_or_default(),
    }
}

/// Whether some FILE_CHECK reads it.
fn reads(services: &[VirtualServer], file: &TrackFile) -> bool {
    let checkers = services.iter().flat_map(|s| &s.real_servers).flat_map(|s| &s.checkers);
    checkers.map(|checker| &checker.kind).any(|kind| match kind {
        CheckerKind::File(check) => check.name == file.name.value,
        CheckerKind::Tcp(_)
        | CheckerKind::Http(_)
        | CheckerKind::Smtp(_)
        | CheckerKind::Misc(_)
        | CheckerKind::Ping(_)
        | CheckerKind::Dns(_)
        | CheckerKind::Udp(_)
        | CheckerKind::Bfd(_) => false,
    })
}

/// Adds the servers of a second block for one service; what the first said of the service stays.
fn merge(first: &mut VirtualServer, second: VirtualServer, out: &mut Diagnostics) {
    for server in second.real_servers {
        if first.real_servers.iter().any(|s| (s.ip, s.port) == (server.ip, server.port)) {
            out.report(rules::DUPLICATE_MERGED, server.span).with("server", server.ip);
            continue;
        }
        first.real_servers.push(server);
    }
    first.sorry = first.sorry.take().or(second.sorry);
}

/// What a service is before its servers are looked at.
struct Place {
    at: ServiceAddress,
    family: Family,
    /// 0 = every port, or several.
    port: u16,
    protocol: Option<Protocol>,
}

fn service(
    draft: Draft,
    groups: &HashMap<&str, &group::Draft>,
    global: &global_defs::Draft,
    tracked: &Tracked<'_>,
    out: &mut Diagnostics,
) -> Option<VirtualServer> {
    if draft.servers.is_empty() {
        if !draft.servers_given && draft.misses("real_server", out) {
            out.report(rules::NO_SERVERS, draft.span);
        }
        return None;
    }
    let scheduler = draft.scheduler.unwrap_or_else(|| {
        if !draft.scheduler_refused && draft.misses("lb_algo", out) {
            out.report(rules::NO_SCHEDULER, draft.span);
        }
        Scheduler::WeightedLeastConnection
    });
    let method = draft.method.unwrap_or_else(|| {
        let each_has_one = draft.servers.iter().all(|server| server.method.is_some());
        if !draft.method_refused && !each_has_one && draft.misses("lb_kind", out) {
            out.report(rules::NO_METHOD, draft.span);
        }
        Forward::Nat
    });
    let place = place(&draft, groups, out)?;
    let persistence = persistence(&draft, &place, out);
    let flags = flags(&draft, scheduler, &place, out);
    let ha_suspend = ha_suspend(&draft, &place.at, out);
    let checker_alert = global.smtp_alert_checker.or(global.smtp_alert);
    let sorry = draft.sorry.map(|sorry| {
        let forward = draft.sorry_method.unwrap_or(method);
        let port = match (forward, sorry.port) {
            (Forward::Nat, port) => port.unwrap_or(0),
            (Forward::DirectRoute | Forward::Tunnel(_), Some(port))
                if place.port != 0 && port != place.port =>
            {
                report_port(sorry.ip, port, place.port, sorry.span, out);
                place.port
            }
            (Forward::DirectRoute | Forward::Tunnel(_), _) => place.port,
        };
        SorryServer { ip: sorry.ip, port, forward, inhibit: draft.sorry_inhibit }
    });
    let inherited = Inherited {
        draft: &draft,
        place: &place,
        method,
        alert: checker_alert.unwrap_or(true),
        log_all_failures: global.checker_log_all_failures.unwrap_or(false),
        sync_daemon: global.has_sync_daemon(),
        tracked,
    };
    let mut servers: Vec<RealServer> = Vec::with_capacity(draft.servers.len());
    let mut seen: HashMap<(IpAddr, u16), Span> = HashMap::with_capacity(draft.servers.len());
    for server in &draft.servers {
        let Some(server) = inherited.server(server, out) else { continue };
        if let Some(first) = seen.insert((server.ip, server.port), server.span) {
            out.report(rules::DUPLICATE, server.span)
                .with("server", server.ip)
                .label(first, "the first one");
            continue;
        }
        servers.push(server);
    }
    let (quorum, hysteresis) = quorum(&draft, &servers, out);
    Some(VirtualServer {
        span: draft.span,
        at: place.at,
        family: place.family,
        scheduler,
        flags,
        persistence,
        quorum,
        hysteresis,
        quorum_up: draft.quorum_up,
        quorum_down: draft.quorum_down,
        sorry,
        ha_suspend,
        omega: draft.omega,
        smtp_alert: draft.smtp_alert.or(checker_alert).unwrap_or(false),
        real_servers: servers,
    })
}

impl Draft {
    /// Whether a keyword is really not there, and not just misspelt.
    fn misses(&self, keyword: &str, out: &Diagnostics) -> bool {
        !out.explains(self.said, virtual_server::BLOCK, keyword)
    }

    /// A tunnel carries packets of either family, whatever the server's is.
    fn tunnels_only(&self) -> bool {
        let tunnel =
            |method: Option<Forward>| matches!(method.or(self.method), Some(Forward::Tunnel(_)));
        self.servers.iter().all(|server| tunnel(server.method))
            && (self.sorry.is_none() || tunnel(self.sorry_method))
    }

    fn no_protocol(&self, out: &mut Diagnostics) {
        if self.misses("protocol", out) {
            out.report(rules::NO_PROTOCOL, self.span);
        }
    }
}

fn place(
    draft: &Draft,
    groups: &HashMap<&str, &group::Draft>,
    out: &mut Diagnostics,
) -> Option<Place> {
    let of_servers = || draft.servers.first().map_or(Family::V4, |server| Family::of(&server.ip));
    match &draft.at {
        At::Address { ip, port } => {
            let Some(protocol) = draft.protocol else {
                draft.no_protocol(out);
                return None;
            };
            let at = ServiceAddress::Address { ip: *ip, port: *port, protocol };
            Some(Place { at, family: Family::of(ip), port: *port, protocol: Some(protocol) })
        }
        At::Mark(mark) => {
            if draft.protocol.is_some() {
                out.report(rules::FLAG_PROTOCOL, draft.span);
            }
            let family = draft.family.or(match draft.granularity {
                Some(PersistenceMask::V4(_)) => Some(Family::V4),
                Some(PersistenceMask::V6(_)) => Some(Family::V6),
                None => None,
            });
            let family = family.unwrap_or_else(of_servers);
            Some(Place { at: ServiceAddress::Mark(*mark), family, port: 0, protocol: None })
        }
        At::Group(name) => {
            let Some(group) = groups.get(name.value.as_str()) else {
                if !out.explains(out.all(), TOP, "virtual_server_group") {
                    out.report(rules::GROUP_UNKNOWN, name.span).with("name", &name.value);
                }
                return None;
            };
            // An empty group was reported where it is defined.
            let family = group.entries.iter().find_map(Entry::family).unwrap_or_else(of_servers);
            let marks_only = group.entries.iter().all(|e| matches!(e, Entry::Mark { .. }));
            let mixed = group.entries.iter().filter_map(Entry::family).any(|other| other != family);
            if mixed && !draft.tunnels_only() {
                out.report(rules::GROUP_FAMILIES, name.span).with("name", &name.value);
                return None;
            }
            let protocol = match draft.protocol {
                Some(_) if marks_only => {
                    out.report(rules::FLAG_PROTOCOL, draft.span);
                    None
                }
                None if marks_only => None,
                Some(protocol) => Some(protocol),
                None => {
                    draft.no_protocol(out);
                    return None;
                }
            };
            let entries: Vec<_> =
                group.entries.iter().cloned().map(|entry| entry.settle(family)).collect();
            let at = ServiceAddress::Group {
                name: name.value.clone(),
                number: 0,
                protocol: protocol.unwrap_or(Protocol::Tcp),
                entries,
            };
            Some(Place { at, family, port: 0, protocol })
        }
    }
}

fn persistence(draft: &Draft, place: &Place, out: &mut Diagnostics) -> Option<Persistence> {
    let every_port = matches!(place.at, ServiceAddress::Address { port: 0, .. });
    if draft.persistence.is_none() && every_port {
        out.report(rules::PERSISTENCE_FORCED, draft.span);
    }
    if draft.persistence.is_none() && !every_port {
        if draft.engine.is_some() {
            out.report(rules::ENGINE_WITHOUT, draft.span);
        }
        return None;
    }
    let mask = match (draft.granularity, place.family) {
        (None, Family::V4) => PersistenceMask::V4(Ipv4Addr::BROADCAST),
        (None, Family::V6) => PersistenceMask::V6(128),
        (Some(mask @ PersistenceMask::V4(_)), Family::V4)
        | (Some(mask @ PersistenceMask::V6(_)), Family::V6) => mask,
        (Some(PersistenceMask::V4(_)), Family::V6) | (Some(PersistenceMask::V6(_)), Family::V4) => {
            out.report(rules::GRANULARITY_FAMILY, draft.persistence.unwrap_or(draft.span));
            return None;
        }
    };
    let timeout = draft.persistence_timeout.unwrap_or(PERSISTENCE);
    Some(Persistence { timeout, mask, engine: draft.engine.clone() })
}

fn flags(draft: &Draft, scheduler: Scheduler, place: &Place, out: &mut Diagnostics) -> u32 {
    let mut flags = 0;
    for (span, of, flag) in &draft.flags {
        if !of.is_empty() && *of != scheduler.name() {
            out.report(rules::FLAG_SCHEDULER, *span)
                .with("scheduler", of)
                .with("used", scheduler.name());
            continue;
        }
        flags |= flag;
    }
    if let Some(span) = draft.ops {
        match place.protocol {
            Some(Protocol::Tcp | Protocol::Sctp) => {
                out.report(rules::OPS, span);
            }
            Some(Protocol::Udp) | None => flags |= service_flags::ONE_PACKET,
        }
    }
    flags
}

/// Marks are on no machine.
fn ha_suspend(draft: &Draft, at: &ServiceAddress, out: &mut Diagnostics) -> bool {
    let Some(span) = draft.ha_suspend else { return false };
    let addressed = match at {
        ServiceAddress::Address { .. } => true,
        ServiceAddress::Mark(_) => false,
        ServiceAddress::Group { entries, .. } => {
            entries.iter().any(|entry| matches!(entry, GroupEntry::Range { .. }))
        }
    };
    if !addressed {
        out.report(rules::HA_SUSPEND, span);
    }
    addressed
}

/// A quorum is at least 1, at most what the servers can reach; hysteresis is below it.
fn quorum(draft: &Draft, servers: &[RealServer], out: &mut Diagnostics) -> (u32, u32) {
    let sum: u64 = servers.iter().map(|server| u64::from(server.weight)).sum();
    let most = u32::try_from(sum).unwrap_or(u32::MAX).max(1);
    let mut quorum = draft.quorum.unwrap_or(1);
    if quorum > most {
        out.report(rules::QUORUM, draft.quorum_at).with("quorum", quorum).with("sum", most);
        quorum = most;
    }
    let mut hysteresis = draft.hysteresis.unwrap_or(0);
    if hysteresis >= quorum {
        out.report(rules::HYSTERESIS, draft.quorum_at)
            .with("hysteresis", hysteresis)
            .with("taken", quorum - 1);
        hysteresis = quorum - 1;
    }
    (quorum, hysteresis)
}

fn report_port(server: IpAddr, port: u16, service: u16, span: Span, out: &mut Diagnostics) {
    out.report(rules::PORT, span)
        .with("server", server)
        .with("port", port)
        .with("service", service);
}

/// What servers take from their service.
struct Inherited<'a> {
    draft: &'a Draft,
    place: &'a Place,
    method: Forward,
    alert: bool,
    log_all_failures: bool,
    sync_daemon: bool,
    tracked: &'a Tracked<'a>,
}

impl Inherited<'_> {
    fn server(&self, server: &real_server::Draft, out: &mut Diagnostics) -> Option<RealServer> {
        let forward = server.method.unwrap_or(self.method);
        let tunnelled = matches!(forward, Forward::Tunnel(_));
        if Family::of(&server.ip) != self.place.family && !tunnelled {
            out.report(rules::FAMILY, server.span).with("server", server.ip);
            return None;
        }
        if Family::of(&server.ip) != self.place.family && self.sync_daemon {
            out.report(rules::MIXED_SYNC, server.span).with("server", server.ip);
        }
        let marked = matches!(self.place.at, ServiceAddress::Mark(_));
        let port = match forward {
            Forward::Nat => server.port.unwrap_or(self.place.port),
            Forward::DirectRoute | Forward::Tunnel(_) if marked => 0,
            Forward::DirectRoute | Forward::Tunnel(_) => {
                if let Some(port) = server.port
                    && self.place.port != 0
                    && port != self.place.port
                {
                    report_port(server.ip, port, self.place.port, server.span, out);
                }
                if self.place.port == 0 { server.port.unwrap_or(0) } else { self.place.port }
            }
        };
        let around = Surroundings {
            server: &server.timing,
            service: &self.draft.timing,
            ip: server.ip,
            // A checker asks the port that was written, also where packets keep another.
            port: server.port.unwrap_or(port),
            server_virtualhost: server.virtualhost.as_deref(),
            service_virtualhost: self.draft.virtualhost.as_deref(),
            log_all_failures: self.log_all_failures,
            tracked: self.tracked,
        };
        if server.checkers.is_empty() && !out.has_errors_in(server.said) {
            out.report(rules::NO_CHECKER, server.span).with("server", server.ip);
        }
        if server.lower > server.upper {
            out.report(rules::THRESHOLDS, server.thresholds_at)
                .with("lower", server.lower)
                .with("upper", server.upper);
        }
        let checkers =
            server.checkers.iter().filter_map(|checker| checker.settle(around, out)).collect();
        Some(RealServer {
            span: server.span,
            ip: server.ip,
            port,
            forward,
            weight: server.weight.or(self.draft.weight).unwrap_or(1),
            inhibit_on_failure: server.inhibit.unwrap_or(self.draft.inhibit),
            upper_threshold: server.upper,
            lower_threshold: server.lower.min(server.upper),
            notify_up: server.notify_up.clone(),
            notify_down: server.notify_down.clone(),
            smtp_alert: server.smtp_alert.unwrap_or(self.alert),
            checkers,
        })
    }
}
