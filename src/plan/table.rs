//! The IPVS table: services and servers as they are and as they are wanted.
use super::{Act, Cost, Kernel, Mark, Note, Plan, PlannedStep, Remark, Section, Title};
use crate::{
    base::{Family, Forward, TunnelChecksum, TunnelKind, lvs::service_flags},
    config::model::Config,
    director::{self, Standing},
    ipvs::{
        Destination, DestinationKey, Mask, Observed, Owned, Service, ServiceKey, Step, Timeouts,
        plan as steps,
    },
    status::Snapshot,
};
use std::collections::BTreeSet;

/// Keeps the kernel's value (`lvs_timeouts`).
const KEEP: u32 = 0;

pub(super) fn compare(
    config: &Config,
    kernel: &Kernel,
    status: Option<&Snapshot>,
    plan: &mut Plan,
) {
    let known = status.and_then(|status| status.director.as_ref());
    let rehearsal = director::rehearse(&config.director, known);
    let nothing = Observed::default();
    let observed = kernel.ipvs.as_ref().map_or(&nothing, |ipvs| &ipvs.observed);
    let mut owned = known.map(director::entries_of).unwrap_or_default();
    if known.is_none() && config.global.lvs_flush {
        owned.extend(observed.table.0.keys());
    }
    if kernel.ipvs.is_none()
        && (!rehearsal.table.0.is_empty() || config.global.sync_daemon.is_some())
    {
        plan.notes.push(Note::NotLoaded);
    }
    let ours: BTreeSet<ServiceKey> = rehearsal
        .table
        .0
        .keys()
        .chain(owned.iter().filter(|key| observed.table.0.contains_key(key)))
        .copied()
        .collect();
    plan.foreign = observed.table.0.keys().filter(|key| !ours.contains(key)).copied().collect();
    for key in ours {
        let is = observed.table.0.get(&key).map(AsRef::as_ref);
        let wanted = rehearsal.table.0.get(&key).map(AsRef::as_ref);
        let standing = |at: DestinationKey| rehearsal.standings.get(&(key, at));
        let named = rehearsal.standings.range((key, FIRST)..).take_while(|((k, _), _)| *k == key);
        let named: BTreeSet<DestinationKey> = named.map(|((_, at), _)| *at).collect();
        plan.sections.push(section(key, is, wanted, &named, standing));
    }
    for step in steps(&observed.table, &rehearsal.table, &Owned(owned)) {
        let cost = cost(&step, observed);
        plan.steps.push(PlannedStep { act: Act::Ipvs(step), cost });
    }
    timeouts(config, kernel, plan);
}

/// Before every destination.
const FIRST: DestinationKey =
    DestinationKey { ip: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), port: 0 };

fn section<'s>(
    key: ServiceKey,
    is: Option<&Service>,
    wanted: Option<&Service>,
    named: &BTreeSet<DestinationKey>,
    standing: impl Fn(DestinationKey) -> Option<&'s Standing>,
) -> Section {
    let mut section = Section::new(Title::Service(key));
    section.mark = match (is, wanted) {
        (None, Some(_)) => Mark::Add,
        (Some(_), None) => Mark::Remove,
        (Some(_), Some(_)) | (None, None) => Mark::Same,
    };
    match (is, wanted) {
        (Some(is), Some(wanted)) if is.same_settings(wanted) => {
            section.line(Mark::Same, settings(wanted, key.family()), None);
        }
        (is, wanted) => {
            let text = |service: &Service| settings(service, key.family());
            is.into_iter().for_each(|is| section.line(Mark::Remove, text(is), None));
            wanted.into_iter().for_each(|wanted| section.line(Mark::Add, text(wanted), None));
        }
    }
    let servers = |service: Option<&Service>| -> BTreeSet<DestinationKey> {
        service.map(|service| service.destinations.keys().copied().collect()).unwrap_or_default()
    };
    let mut all = servers(is);
    all.extend(servers(wanted));
    all.extend(named);
    for at in all {
        let remark = standing(at).map(remark);
        let find =
            |service: Option<&Service>| service.and_then(|s| s.destinations.get(&at).copied());
        match (find(is), find(wanted)) {
            (Some(is), Some(wanted)) if is == wanted => {
                section.line(Mark::Same, server(at, &wanted), remark);
            }
            (Some(is), Some(wanted)) => {
                section.line(Mark::Remove, server(at, &is), None);
                section.line(Mark::Add, server(at, &wanted), remark);
            }
            (Some(is), None) => section.line(Mark::Remove, server(at, &is), remark),
            (None, Some(wanted)) => section.line(Mark::Add, server(at, &wanted), remark),
            (None, None) => section.line(Mark::Same, at.to_string(), remark),
        }
    }
    section
}

fn remark(standing: &Standing) -> Remark {
    match standing {
        Standing::Down { checker, reason } => {
            Remark::Down { checker: checker.clone(), reason: reason.clone() }
        }
        Standing::Waits => Remark::Waits,
        Standing::Weighs { configured } => Remark::Weighs { configured: *configured },
        Standing::Sorry => Remark::Sorry,
    }
}

/// In the words of `virtual_server`.
fn settings(service: &Service, family: Family) -> String {
    let mut text = format!("lb_algo {}", service.scheduler);
    for (flag, word) in [
        (service_flags::ONE_PACKET, "ops"),
        (service_flags::SCHED1, "flag-1"),
        (service_flags::SCHED2, "flag-2"),
        (service_flags::SCHED3, "flag-3"),
    ] {
        if service.flags & flag != 0 {
            text.push_str(&format!("  {word}"));
        }
    }
    if let Some(persistence) = &service.persistence {
        text.push_str(&format!("  persistence_timeout {}", persistence.timeout));
        if persistence.mask != Mask::host(family) {
            let mask = match persistence.mask {
                Mask::V4(mask) => mask.to_string(),
                Mask::V6(length) => length.to_string(),
            };
            text.push_str(&format!("  persistence_granularity {mask}"));
        }
        if let Some(engine) = &persistence.engine {
            text.push_str(&format!("  persistence_engine {engine}"));
        }
    }
    text
}

fn server(at: DestinationKey, server: &Destination) -> String {
    let mut text = format!("{at}  {}  weight {}", method(&server.forward), server.weight);
    if server.upper > 0 {
        text.push_str(&format!("  uthreshold {}", server.upper));
    }
    if server.lower > 0 {
        text.push_str(&format!("  lthreshold {}", server.lower));
    }
    text
}

/// In the words of `lvs_method`.
fn method(forward: &Forward) -> String {
    let tunnel = match forward {
        Forward::Nat => return "NAT".to_owned(),
        Forward::DirectRoute => return "DR".to_owned(),
        Forward::Tunnel(tunnel) => tunnel,
    };
    let kind = match tunnel.kind {
        TunnelKind::Ipip => String::new(),
        TunnelKind::Gue { port } => format!(" type gue port {port}"),
        TunnelKind::Gre => " type gre".to_owned(),
    };
    let checksum = match tunnel.checksum {
        TunnelChecksum::None => "",
        TunnelChecksum::Checksum => " csum",
        TunnelChecksum::RemoteChecksum => " remcsum",
    };
    format!("TUN{kind}{checksum}")
}

/// Deleting drops what is connected (spec: IPVS netlink §8); every edit lets it go on.
fn cost(step: &Step, observed: &Observed) -> Cost {
    let counters = observed.counters.get(&step.key());
    match step {
        Step::DeleteService { .. } => {
            let all = counters.into_iter().flat_map(|counters| counters.destinations.values());
            Cost::Drops(all.map(|count| u64::from(count.active)).sum())
        }
        Step::DeleteDestination { at, .. } => {
            let count = counters.and_then(|counters| counters.destinations.get(at));
            Cost::Drops(count.map_or(0, |count| u64::from(count.active)))
        }
        Step::EditDestination { service, at, destination } if destination.weight == 0 => {
            let is = observed.table.0.get(service).and_then(|s| s.destinations.get(at));
            if is.is_some_and(|is| is.weight > 0) { Cost::Drains } else { Cost::Nothing }
        }
        Step::AddService { .. }
        | Step::EditService { .. }
        | Step::AddDestination { .. }
        | Step::EditDestination { .. } => Cost::Nothing,
    }
}

fn timeouts(config: &Config, kernel: &Kernel, plan: &mut Plan) {
    let Some((tcp, tcp_fin, udp)) = config.global.lvs_timeouts else { return };
    let text = |t: &Timeouts| format!("tcp {}  tcpfin {}  udp {}", t.tcp, t.tcp_fin, t.udp);
    let mut section = Section::new(Title::Timeouts);
    let is = kernel.ipvs.as_ref().and_then(|ipvs| ipvs.timeouts);
    let kept = |asked: u32, is: Option<u32>| if asked == KEEP { is.unwrap_or(KEEP) } else { asked };
    let wanted = Timeouts {
        tcp: kept(tcp, is.map(|is| is.tcp)),
        tcp_fin: kept(tcp_fin, is.map(|is| is.tcp_fin)),
        udp: kept(udp, is.map(|is| is.udp)),
    };
    if is == Some(wanted) {
        section.line(Mark::Same, text(&wanted), None);
    } else {
        is.iter().for_each(|is| section.line(Mark::Remove, text(is), None));
        section.line(Mark::Add, text(&wanted), None);
        plan.steps.push(PlannedStep { act: Act::Timeouts(wanted), cost: Cost::Nothing });
    }
    plan.sections.push(section);
}
