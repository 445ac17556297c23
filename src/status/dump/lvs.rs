//! Virtual servers, real servers and their checkers.
use super::{Facts, Page, command, micros};
use crate::{
    config::model::{Checker, RealServer, ServiceAddress, VirtualServer},
    status::{CheckerStatus, DirectorStatus, RealServerStatus, VirtualServerStatus},
};

pub(super) fn add(page: &mut Page, facts: &Facts<'_>) {
    let empty = DirectorStatus::default();
    let status = facts.snapshot.director.as_ref().unwrap_or(&empty);
    page.heading(0, "LVS Topology");
    page.optional(1, "Refused by the kernel", status.kernel_error.as_ref());
    // Both lists have one order: the file's.
    let mut known = status.virtual_servers.iter();
    let services = &facts.config.director.virtual_servers;
    let pairs: Vec<_> = services.iter().map(|service| (service, known.next())).collect();
    for (service, known) in &pairs {
        add_service(page, service, *known);
    }
    page.heading(0, "Health checkers");
    for (service, known) in &pairs {
        for (at, server) in service.real_servers.iter().enumerate() {
            let known = known.and_then(|known| known.real_servers.get(at));
            for (at, checker) in server.checkers.iter().enumerate() {
                let known = known.and_then(|known| known.checkers.get(at));
                let name = service.server_name(server.ip, server.port);
                page.line(1, format_args!("{} -> {name}", service.name()));
                add_checker(page, checker, known);
            }
        }
    }
}

fn add_service(page: &mut Page, service: &VirtualServer, known: Option<&VirtualServerStatus>) {
    page.heading(1, "Virtual server");
    match &service.at {
        ServiceAddress::Address { ip, port, .. } => {
            page.line(1, format_args!("VS VIP = {ip}, VPORT = {port}"));
        }
        ServiceAddress::Mark(mark) => page.line(1, format_args!("VS FWMARK = {mark}")),
        ServiceAddress::Group { name, entries, .. } => {
            page.line(1, format_args!("VS GROUP = {name}, {} entries", entries.len()));
        }
    }
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    page.line(3, format_args!("lvs_sched = {}", service.scheduler.name()));
    if let Some(persistence) = &service.persistence {
        page.line(3, format_args!("persistence timeout = {}", persistence.timeout));
        page.optional(3, "persistence engine", persistence.engine.as_ref());
    }
    page.optional(3, "protocol", service.protocol().map(|p| p.name().to_uppercase()));
    page.line(3, format_args!("omega is {}", on(service.omega)));
    let (quorum, hysteresis) = (service.quorum, service.hysteresis);
    page.line(3, format_args!("quorum = {quorum}, hysteresis = {hysteresis}"));
    page.optional(3, "notify script UP", service.quorum_up.as_ref().map(command));
    page.optional(3, "notify script DOWN", service.quorum_down.as_ref().map(command));
    page.line(3, format_args!("Using smtp notification = {}", yes(service.smtp_alert)));
    if let Some(sorry) = &service.sorry {
        let name = service.server_name(sorry.ip, sorry.port);
        page.line(3, format_args!("sorry server = {name}"));
        page.line(5, format_args!("forwarding method = {}", sorry.forward.name()));
        page.line(5, format_args!("Inhibit on failure is {}", on(sorry.inhibit)));
    }
    if let Some(known) = known {
        let alive = known.real_servers.iter().filter(|server| server.alive).count();
        page.line(3, format_args!("alive = {}", u8::from(alive > 0 || known.sorry_in_use)));
        page.line(3, format_args!("quorum_state_up = {}", u8::from(known.quorum_up)));
        page.line(3, format_args!("alive weight = {}", known.weight));
        page.line(3, format_args!("sorry server in use = {}", yes(known.sorry_in_use)));
    }
    for (at, server) in service.real_servers.iter().enumerate() {
        add_server(page, server, known.and_then(|known| known.real_servers.get(at)));
    }
}

fn add_server(page: &mut Page, server: &RealServer, known: Option<&RealServerStatus>) {
    page.heading(3, "Real server");
    let (ip, port, weight) = (server.ip, server.port, server.weight);
    let effective = known.map_or(i64::from(weight), |known| known.weight);
    page.line(
        3,
        format_args!("RIP = {ip}, RPORT = {port}, WEIGHT = {weight} EFF WEIGHT = {effective}"),
    );
    page.line(3, format_args!("forwarding method = {}", server.forward.name()));
    let (low, high) = (server.lower_threshold, server.upper_threshold);
    page.line(3, format_args!("connection limit range = {low} -> {high}"));
    page.line(3, format_args!("Inhibit on failure is {}", on(server.inhibit_on_failure)));
    page.optional(3, "notify script UP", server.notify_up.as_deref().map(command));
    page.optional(3, "notify script DOWN", server.notify_down.as_deref().map(command));
    let mail = if server.smtp_alert { "yes" } else { "no" };
    page.line(3, format_args!("Using smtp notification = {mail}"));
    page.line(3, format_args!("initial weight = {weight}"));
    page.line(3, format_args!("effective weight = {effective}"));
    if let Some(known) = known {
        let failed = known.checkers.iter().filter(|checker| !checker.up).count();
        page.line(3, format_args!("alive = {}", u8::from(known.alive)));
        page.line(3, format_args!("num failed checkers = {failed}"));
        let set = known.active_connections.is_some();
        page.line(3, format_args!("RS set = {}", u8::from(set)));
        page.optional(3, "active connections", known.active_connections);
        page.optional(3, "inactive connections", known.inactive_connections);
    }
}

fn add_checker(page: &mut Page, checker: &Checker, known: Option<&CheckerStatus>) {
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    page.line(3, format_args!("Keepalive method = {}", checker.kind.keyword()));
    if let Some(known) = known {
        page.line(3, format_args!("Up = {}", yes(known.up)));
        page.line(3, format_args!("Has run = {}", yes(known.checked.is_some())));
        page.optional(3, "Seconds since last run", known.checked);
        if !known.reason.is_empty() {
            page.line(3, format_args!("Last result = {}", known.reason));
        }
    }
    let timing = &checker.timing;
    page.line(3, format_args!("Alpha = {}", yes(timing.alpha)));
    page.line(3, format_args!("Delay loop = {} us", timing.delay_loop.as_micros()));
    page.line(3, format_args!("Warmup = {} us", timing.warmup.as_micros()));
    page.line(3, format_args!("Retries = {}", timing.retry));
    let delay = micros(timing.delay_before_retry);
    page.line(3, format_args!("Delay before retry = {delay} s"));
    page.line(3, format_args!("Log all failures = {}", yes(timing.log_all_failures)));
}

const fn on(flag: bool) -> &'static str {
    if flag { "ON" } else { "OFF" }
}
