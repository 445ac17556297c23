//! Advice about one `virtual_server`, and about groups.
use super::{Seen, WrittenService, child, place};
use crate::{
    base::{Family, Forward, Prefix, Scheduler},
    config::{
        Config,
        diagnostic::Diagnostics,
        model::{Persistence, RealServer, ServiceAddress, VirtualServer},
        rules::lints as rules,
        source::Span,
        tree::Statement,
    },
};
use std::{
    collections::{BTreeSet, HashSet},
    net::{IpAddr, Ipv4Addr},
};

const HOUR: u32 = 3600;
/// keepalived names this as the largest weight, and takes larger ones.
const LARGE: u32 = 65535;

/// The services of the packaged sample.
const SAMPLES: &[(IpAddr, u16)] = &[
    (IpAddr::V4(Ipv4Addr::new(192, 168, 200, 100)), 443),
    (IpAddr::V4(Ipv4Addr::new(10, 10, 10, 2)), 1358),
    (IpAddr::V4(Ipv4Addr::new(10, 10, 10, 3)), 1358),
];

pub(super) fn block(
    written: &WrittenService<'_>,
    service: &VirtualServer,
    config: &Config,
    places: &Places,
    out: &mut Diagnostics,
) {
    let block = &written.block;
    address(service, config, &places.addresses, out);
    if let Some(persistence) = &service.persistence {
        let alone = child(block, &["persistence_granularity"])
            .filter(|_| child(block, &["persistence_timeout"]).is_none());
        match alone {
            Some(line) => {
                out.report(rules::GRANULARITY_ALONE, line.span);
            }
            None => persistent(block, service, persistence, out),
        }
    }
    weights(block, service, out);
    // Without lb_kind nobody asked for NAT: that is what there is to be said.
    let nat_is_meant = child(block, &["lb_kind", "lvs_method"]).is_some();
    for server in &service.real_servers {
        self::server(service, server, nat_is_meant, out);
    }
    if let Some(far) = service.real_servers.iter().find(|server| places.is_far(server)) {
        out.report(rules::SERVER_FAR, far.span).with("server", far.ip);
    }
    sorry(block, service, out);
    let checked = service.real_servers.iter().any(|server| !server.checkers.is_empty());
    let looped = written.a_server_has_a_loop || child(block, &["delay_loop"]).is_some();
    if checked && !looped {
        out.report(rules::DELAY_LOOP_DEFAULT, service.span);
    }
}

fn address(
    service: &VirtualServer,
    config: &Config,
    addresses: &BTreeSet<IpAddr>,
    out: &mut Diagnostics,
) {
    match &service.at {
        ServiceAddress::Address { ip, port, .. } => {
            if SAMPLES.contains(&(*ip, *port)) {
                out.report(rules::SERVICE_SAMPLE, service.span);
            } else if !config.vrrp.instances.is_empty() && !addresses.contains(ip) {
                out.report(rules::SERVICE_ELSEWHERE, service.span).with("address", ip);
            }
        }
        ServiceAddress::Mark(mark) => {
            out.report(rules::MARK_NEEDS_RULE, service.span).with("mark", mark);
        }
        ServiceAddress::Group { .. } => {}
    }
}

fn persistent(
    block: &Statement<'_>,
    service: &VirtualServer,
    persistence: &Persistence,
    out: &mut Diagnostics,
) {
    let span = place(block, &["persistence_timeout"]);
    let timeout = persistence.timeout;
    match service.scheduler {
        Scheduler::RoundRobin | Scheduler::WeightedRoundRobin => {
            out.report(rules::PERSISTENCE_STICKS, span)
                .with("timeout", timeout)
                .with("scheduler", service.scheduler);
        }
        Scheduler::SourceHash | Scheduler::MaglevHash => {
            out.report(rules::HASH_PERSISTENT, span).with("scheduler", service.scheduler);
        }
        Scheduler::LeastConnection
        | Scheduler::WeightedLeastConnection
        | Scheduler::LocalityLeastConnection
        | Scheduler::LocalityLeastConnectionReplicated
        | Scheduler::DestinationHash
        | Scheduler::ShortestExpectedDelay
        | Scheduler::NeverQueue
        | Scheduler::Failover
        | Scheduler::Overflow
        | Scheduler::TwoRandomChoices => {}
    }
    if timeout > 24 * HOUR {
        out.report(rules::PERSISTENCE_LONG, span).with("hours", timeout / HOUR);
    }
    if let Some(server) = service.real_servers.iter().find(|server| server.inhibit_on_failure) {
        out.report(rules::PERSISTENCE_QUIESCENT, span)
            .label(server.span, "it stays, with weight 0");
    }
}

fn weights(block: &Statement<'_>, service: &VirtualServer, out: &mut Diagnostics) {
    let servers = &service.real_servers;
    let Some(first) = servers.first() else { return };
    if servers.iter().all(|server| server.weight == 0) {
        out.report(rules::ALL_ZERO, service.span);
        return;
    }
    for server in servers.iter().filter(|server| server.weight == 0) {
        out.report(rules::WEIGHT_ZERO, server.span).with("server", server.ip);
    }
    let sum: u64 = servers.iter().map(|server| u64::from(server.weight)).sum();
    if let Some(line) = child(block, &["quorum"]).filter(|_| servers.len() > 1)
        && u64::from(service.quorum) == sum
    {
        out.report(rules::QUORUM_ALL, line.span).with("quorum", service.quorum);
    }
    let better = match service.scheduler {
        Scheduler::RoundRobin => "wrr",
        Scheduler::LeastConnection => "wlc",
        Scheduler::WeightedRoundRobin
        | Scheduler::WeightedLeastConnection
        | Scheduler::LocalityLeastConnection
        | Scheduler::LocalityLeastConnectionReplicated
        | Scheduler::DestinationHash
        | Scheduler::SourceHash
        | Scheduler::MaglevHash
        | Scheduler::ShortestExpectedDelay
        | Scheduler::NeverQueue
        | Scheduler::Failover
        | Scheduler::Overflow
        | Scheduler::TwoRandomChoices => return,
    };
    let differs = |server: &&RealServer| server.weight != 0 && server.weight != first.weight;
    if first.weight != 0 && servers.iter().any(|server| differs(&server)) {
        out.report(rules::WEIGHTS_IGNORED, place(block, &["lb_algo", "lvs_sched"]))
            .with("scheduler", service.scheduler)
            .with("better", better);
    }
}

fn server(service: &VirtualServer, server: &RealServer, nat_is_meant: bool, out: &mut Diagnostics) {
    if server.weight > LARGE {
        out.report(rules::WEIGHT_LARGE, server.span)
            .with("server", server.ip)
            .with("weight", server.weight);
    }
    if server.lower_threshold != 0
        && server.upper_threshold != 0
        && server.lower_threshold >= server.upper_threshold
    {
        out.report(rules::THRESHOLDS, server.span)
            .with("lower", server.lower_threshold)
            .with("upper", server.upper_threshold);
    }
    if server.forward == Forward::Nat && server.ip.is_loopback() {
        out.report(rules::NAT_LOOPBACK, server.span).with("server", server.ip);
    }
    let ServiceAddress::Address { ip, port, .. } = &service.at else { return };
    if server.ip == *ip && (server.port == *port || server.forward != Forward::Nat) {
        out.report(rules::REAL_IS_VIRTUAL, server.span).with("server", server.ip);
    } else if nat_is_meant && server.forward == Forward::Nat && same_network(*ip, server.ip) {
        out.report(rules::NAT_SAME_NETWORK, server.span).with("server", server.ip);
    }
}

/// Where the addresses of a file are.
#[derive(Debug)]
pub(super) struct Places {
    /// Every address a client may be sent to.
    pub(super) addresses: BTreeSet<IpAddr>,
    /// The networks of those that were written with one.
    networks: BTreeSet<Prefix>,
}

impl Places {
    pub(super) fn of(config: &Config) -> Self {
        let vrrp = &config.vrrp;
        let moved = vrrp.instances.iter().flat_map(|i| i.addresses.iter().chain(&i.excluded));
        let all = || moved.clone().chain(&vrrp.static_addresses);
        let networks = all().map(|at| Prefix { address: at.address, length: at.length });
        Self {
            addresses: all().map(|address| address.address).collect(),
            networks: networks
                .filter(|n| n.length < n.family().bits())
                .map(|n| n.network())
                .collect(),
        }
    }

    /// Whether a server of DR is in no network in which the file has an address of its family.
    fn is_far(&self, server: &RealServer) -> bool {
        if server.forward != Forward::DirectRoute || server.ip.is_loopback() {
            return false;
        }
        let family = Family::of(&server.ip);
        let mut networks =
            self.networks.iter().filter(|network| network.family() == family).peekable();
        networks.peek().is_some()
            && !networks.any(|network| {
                *network == Prefix { address: server.ip, length: network.length }.network()
            })
    }
}

/// Whether two private addresses look like neighbours: the same 24 bits.
fn same_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..3] == other.octets()[..3],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.segments()[..4] == other.segments()[..4],
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

fn sorry(block: &Statement<'_>, service: &VirtualServer, out: &mut Diagnostics) {
    let Some(sorry) = &service.sorry else { return };
    let span = place(block, &["sorry_server"]);
    if service.real_servers.iter().any(|s| (s.ip, s.port) == (sorry.ip, sorry.port)) {
        out.report(rules::SORRY_IS_REAL, span);
    }
    if sorry.forward == Forward::Nat && sorry.port == 0 {
        out.report(rules::SORRY_PORT, span).with("server", sorry.ip);
    }
}

/// The group that a `virtual_server group NAME` serves.
pub(super) fn group_name(statement: &Statement<'_>) -> Option<String> {
    let kind = statement.word(1)?.as_str();
    (kind == "group").then(|| statement.word(2).map(|word| word.as_str().to_owned()))?
}

/// A `virtual_server_group`: its name and place.
pub(super) fn group(statement: &Statement<'_>, out: &mut Diagnostics) -> (String, Span) {
    let mut lines = HashSet::new();
    for line in statement.body() {
        let words: Vec<&str> = line.words.iter().map(|word| word.as_str()).collect();
        let text = words.join(" ");
        if !lines.insert(text.clone()) {
            out.report(rules::GROUP_LINE_TWICE, line.span).with("line", text);
        }
    }
    let name = statement.word(1).map_or("", |word| word.as_str());
    (name.to_owned(), statement.span)
}

pub(super) fn unused_groups(seen: &Seen, out: &mut Diagnostics) {
    for (name, span) in &seen.groups {
        if !seen.group_uses.contains(name) {
            out.report(rules::GROUP_UNUSED, *span).with("name", name);
        }
    }
}
