//! Addresses, routes and rules: static ones, and those that belong to masters.
use super::{Act, Cost, Kernel, Mark, Plan, PlannedStep, Remark, Section, Title};
use crate::{
    base::{Family, InterfaceAddress, LinkIndex, Route, Rule},
    config::model::{VrrpConfig, VrrpInstance},
    net::RouteView,
    status::{Held, InstanceStatus, Snapshot, VrrpStatus},
};
use std::fmt;

pub(super) const MASTER: &str = "MASTER";

/// What the VRRP process puts into the kernel.
#[derive(Clone, Debug, PartialEq)]
pub enum Thing {
    Address(InterfaceAddress),
    Route(Box<Route>),
    Rule(Box<Rule>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Here,
    Absent,
    /// A route to the same destination that leads elsewhere.
    Otherwise,
}

pub(super) fn compare(
    config: &VrrpConfig,
    kernel: &Kernel,
    status: Option<&Snapshot>,
    plan: &mut Plan,
) {
    let statics =
        things(config.static_addresses.iter(), &config.static_routes, &config.static_rules);
    match status.and_then(|status| status.vrrp.as_ref()) {
        Some(status) => reload(config, statics, kernel, status, plan),
        None => start(config, statics, kernel, plan),
    }
}

/// As a start does it: what a predecessor left goes, static ones come, the election decides.
fn start(config: &VrrpConfig, statics: Vec<Thing>, kernel: &Kernel, plan: &mut Plan) {
    let mut instances = vec![];
    for instance in &config.instances {
        let mut section = titled(instance, None);
        let mut steps = vec![];
        for thing in of_instance(instance) {
            match thing.presence(kernel) {
                Presence::Here => {
                    section.line(Mark::Remove, thing.to_string(), Some(Remark::Leftover));
                    steps.push(remove(thing));
                }
                Presence::Absent | Presence::Otherwise => {
                    section.line(Mark::Same, thing.to_string(), Some(Remark::Election));
                }
            }
        }
        // Rules, routes, addresses.
        plan.steps.extend(steps.into_iter().rev());
        instances.push(section);
    }
    let mut section = Section::new(Title::Statics);
    for thing in statics {
        want(thing, kernel, None, &mut section, plan);
    }
    push(section, plan);
    instances.into_iter().for_each(|section| push(section, plan));
}

/// As a reload does it: what is held and no longer wanted goes, then what is new comes.
fn reload(
    config: &VrrpConfig,
    statics: Vec<Thing>,
    kernel: &Kernel,
    status: &VrrpStatus,
    plan: &mut Plan,
) {
    let held = of_held(&status.held);
    let mut wanted = vec![];
    let mut sections = vec![(Section::new(Title::Statics), statics, true)];
    for instance in &config.instances {
        let known = known(instance, status);
        let is_master = known.is_some_and(|known| known.state == MASTER);
        let section = titled(instance, known.map(|known| known.state.clone()));
        sections.push((section, of_instance(instance), is_master));
    }
    let masters = sections.iter().filter(|(_, _, is_wanted)| *is_wanted);
    wanted.extend(masters.flat_map(|(_, things, _)| things.iter().cloned()));
    let mut dropped = Section::new(Title::Dropped);
    for thing in held.iter().rev().filter(|thing| !wanted.contains(thing)) {
        if thing.presence(kernel) != Presence::Here {
            continue;
        }
        plan.steps.push(remove(thing.clone()));
        // Shown where its successor is, if it has one there.
        let successor = sections
            .iter_mut()
            .find(|(_, things, is_wanted)| *is_wanted && things.iter().any(|t| t.is(thing)));
        match successor {
            Some((section, _, _)) => section.line(Mark::Remove, thing.to_string(), None),
            None => dropped.line(Mark::Remove, thing.to_string(), None),
        }
    }
    for (mut section, things, is_wanted) in sections {
        for thing in things {
            if is_wanted {
                want(thing, kernel, Some(&held), &mut section, plan);
                continue;
            }
            let elsewhere = wanted.iter().any(|other| other.is(&thing));
            match thing.presence(kernel) {
                Presence::Here if !elsewhere && !held.contains(&thing) => {
                    section.line(Mark::Remove, thing.to_string(), Some(Remark::Stray));
                }
                Presence::Here | Presence::Absent | Presence::Otherwise => {
                    section.line(Mark::Same, thing.to_string(), Some(Remark::NotHeld));
                }
            }
        }
        push(section, plan);
    }
    push(dropped, plan);
}

/// Something that is to be there. `held`: what a running daemon has put in.
fn want(
    thing: Thing,
    kernel: &Kernel,
    held: Option<&[Thing]>,
    section: &mut Section,
    plan: &mut Plan,
) {
    let is_held = held.is_some_and(|held| held.contains(&thing));
    // An older form of it goes first.
    let replaces = held.is_some_and(|held| !is_held && held.iter().any(|old| old.is(&thing)));
    match thing.presence(kernel) {
        Presence::Here if !replaces => section.line(Mark::Same, thing.to_string(), None),
        Presence::Otherwise => {
            section.line(Mark::Add, thing.to_string(), Some(Remark::LeadsElsewhere));
        }
        Presence::Here | Presence::Absent if !is_held => {
            section.line(Mark::Add, thing.to_string(), None);
            plan.steps.push(PlannedStep { act: Act::Add(thing), cost: Cost::Nothing });
        }
        Presence::Here | Presence::Absent => {
            let remark = if thing.is_tracked() { Remark::Lost } else { Remark::LostUntracked };
            section.line(Mark::Add, thing.to_string(), Some(remark));
        }
    }
}

fn remove(thing: Thing) -> PlannedStep {
    let cost = match &thing {
        Thing::Address(_) => Cost::Address,
        Thing::Route(_) | Thing::Rule(_) => Cost::Path,
    };
    PlannedStep { act: Act::Remove(thing), cost }
}

fn push(section: Section, plan: &mut Plan) {
    if !section.lines.is_empty() {
        plan.sections.push(section);
    }
}

fn titled(instance: &VrrpInstance, state: Option<String>) -> Section {
    Section::new(Title::Instance { name: instance.name.value.clone(), state })
}

/// The running instance that a reload takes for this one: its name may change.
pub(super) fn known<'s>(
    instance: &VrrpInstance,
    status: &'s VrrpStatus,
) -> Option<&'s InstanceStatus> {
    let is_v4 = instance.family == Family::V4;
    status.instances.iter().find(|known| {
        known.vrid == instance.vrid.value.0
            && known.interface == instance.interface.value
            && known.addresses.first().is_none_or(|address| address.contains(':') != is_v4)
    })
}

fn of_instance(instance: &VrrpInstance) -> Vec<Thing> {
    let addresses = instance.addresses.iter().chain(&instance.excluded);
    things(addresses, &instance.routes, &instance.rules)
}

fn of_held(held: &Held) -> Vec<Thing> {
    things(held.addresses.iter(), &held.routes, &held.rules)
}

fn things<'a>(
    addresses: impl Iterator<Item = &'a InterfaceAddress>,
    routes: &[Route],
    rules: &[Rule],
) -> Vec<Thing> {
    let addresses = addresses.cloned().map(Thing::Address);
    let routes = routes.iter().cloned().map(Box::new).map(Thing::Route);
    let rules = rules.iter().cloned().map(Box::new).map(Thing::Rule);
    addresses.chain(routes).chain(rules).collect()
}

impl Thing {
    fn presence(&self, kernel: &Kernel) -> Presence {
        let when = |here| if here { Presence::Here } else { Presence::Absent };
        match self {
            Self::Address(address) => when(kernel.links.iter().any(|link| {
                link.name == address.dev
                    && link.addresses.iter().any(|is| {
                        is.address == address.address
                            && is.length == address.peer.map_or(address.length, |peer| peer.length)
                    })
            })),
            Self::Rule(rule) => when(kernel.rules.iter().any(|is| is.is(rule))),
            Self::Route(route) => {
                let dev = route.dev.as_deref().and_then(|name| index(name, kernel));
                let same = |is: &&RouteView| route.is(&is.identity);
                let mut found = kernel.routes.iter().filter(same).map(|is| is.leads_as(route, dev));
                match found.next() {
                    None => Presence::Absent,
                    Some(first) if first || found.any(|leads| leads) => Presence::Here,
                    Some(_) => Presence::Otherwise,
                }
            }
        }
    }

    /// Whether the two cannot both be in the kernel.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address(one), Self::Address(other)) => {
                (one.address, one.length, &one.dev) == (other.address, other.length, &other.dev)
            }
            (Self::Route(one), Self::Route(other)) => one.identity() == other.identity(),
            (Self::Rule(one), Self::Rule(other)) => one.is(other),
            (Self::Address(_) | Self::Route(_) | Self::Rule(_), _) => false,
        }
    }

    const fn is_tracked(&self) -> bool {
        match self {
            Self::Address(address) => address.track,
            Self::Route(route) => route.track,
            Self::Rule(rule) => rule.track,
        }
    }
}

fn index(name: &str, kernel: &Kernel) -> Option<LinkIndex> {
    kernel.links.iter().find(|link| link.name == name).map(|link| link.index)
}

/// As `ip` shows it.
impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => {
                write!(f, "{} dev {}", address.prefix(), address.dev)?;
                if let Some(label) = &address.label {
                    write!(f, " label {label}")?;
                }
                Ok(())
            }
            Self::Route(route) => show_route(route, f),
            Self::Rule(rule) => write!(f, "rule {rule}"),
        }
    }
}

fn show_route(route: &Route, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let identity = route.identity();
    write!(f, "route {}", route.destination)?;
    if let Some(via) = route.via {
        write!(f, " via {via}")?;
    }
    for leg in &route.nexthops {
        f.write_str(" nexthop")?;
        if let Some(via) = leg.via {
            write!(f, " via {via}")?;
        }
        if let Some(dev) = &leg.dev {
            write!(f, " dev {dev}")?;
        }
    }
    if let Some(dev) = &route.dev {
        write!(f, " dev {dev}")?;
    }
    if let Some(source) = route.source {
        write!(f, " src {source}")?;
    }
    match &route.vrf {
        Some(vrf) => write!(f, " vrf {vrf}")?,
        None if identity.table != 254 => write!(f, " table {}", identity.table)?,
        None => {}
    }
    match route.metric {
        Some(metric) => write!(f, " metric {metric}"),
        None => Ok(()),
    }
}
