//! `static_ipaddress`, `static_routes`, `static_rules`: there from start to stop, and put back when
//! they vanish. What is marked `no_track` is put in and taken out, and not looked after.
use super::{
    event::{Action, Level},
    links::{Delta, Links},
};
use crate::{
    base::{InterfaceAddress, Route, Rule},
    config::model::VrrpConfig,
};

/// Some of them, to be put in or taken out together.
#[derive(Debug, Default)]
struct Statics {
    addresses: Vec<InterfaceAddress>,
    routes: Vec<Route>,
    rules: Vec<Rule>,
}

pub(super) fn start(config: &VrrpConfig) -> Vec<Action> {
    Statics::of(config).add()
}

pub(super) fn stop(config: &VrrpConfig) -> Vec<Action> {
    Statics::of(config).remove()
}

/// What is no longer configured goes, what is new comes.
pub(super) fn reload(old: &VrrpConfig, new: &VrrpConfig) -> (Vec<Action>, Vec<Action>) {
    (Statics::surplus(old, new).remove(), Statics::surplus(new, old).add())
}

/// Puts back what this news says is lost.
pub(super) fn restore(config: &VrrpConfig, links: &Links, delta: &Delta) -> Vec<Action> {
    let (lost, why) = match delta {
        Delta::AddressRemoved(dev, address) if links.find(dev).is_some() => {
            let lost = |wanted: &&InterfaceAddress| {
                wanted.track && wanted.dev == *dev && wanted.address == *address
            };
            let lost = config.static_addresses.iter().filter(lost).cloned().collect();
            let why = format!("Restoring deleted static address {address} dev {dev}");
            (Statics { addresses: lost, ..Statics::default() }, Some(why))
        }
        Delta::RouteRemoved(removed) => {
            let lost = |route: &&Route| route.track && route.is(removed);
            let lost: Vec<Route> = config.static_routes.iter().filter(lost).cloned().collect();
            let why = format!("Restoring deleted static route {}", removed.destination);
            (Statics { routes: lost, ..Statics::default() }, Some(why))
        }
        Delta::RuleRemoved(removed) => {
            let lost = |rule: &&Rule| rule.track && rule.is(removed);
            let lost = config.static_rules.iter().filter(lost).cloned().collect();
            let why = format!("Restoring deleted static rule {removed}");
            (Statics { rules: lost, ..Statics::default() }, Some(why))
        }
        Delta::Up(name) => (of_interface(config, links, name), None),
        Delta::AddressRemoved(..) | Delta::Down(_) | Delta::AddressAdded(..) => return vec![],
    };
    let mut out = lost.add();
    if let (Some(why), false) = (why, out.is_empty()) {
        out.insert(0, Action::Log(Level::Info, why));
    }
    out
}

/// What the kernel may have dropped while the interface was down or gone. Rules outlast that.
fn of_interface(config: &VrrpConfig, links: &Links, name: &str) -> Statics {
    let addresses = &config.static_addresses;
    Statics {
        addresses: addresses.iter().filter(|it| it.track && it.dev == name).cloned().collect(),
        routes: config
            .static_routes
            .iter()
            .filter(|route| route.interfaces().any(|dev| dev == name) || leads(route, links, name))
            .cloned()
            .collect(),
        rules: vec![],
    }
}

/// Whether a route that names no interface has its gateway there.
fn leads(route: &Route, links: &Links, name: &str) -> bool {
    let legs = route.nexthops.iter().filter(|leg| leg.dev.is_none()).filter_map(|leg| leg.via);
    let mut gateways = route.via.filter(|_| route.dev.is_none()).into_iter().chain(legs);
    let Some(link) = links.find(name) else { return false };
    gateways.any(|gateway| link.addresses.iter().any(|prefix| prefix.contains(gateway)))
}

impl Statics {
    fn of(config: &VrrpConfig) -> Self {
        Self {
            addresses: config.static_addresses.clone(),
            routes: config.static_routes.clone(),
            rules: config.static_rules.clone(),
        }
    }

    /// What `config` has and `other` has not.
    fn surplus(config: &VrrpConfig, other: &VrrpConfig) -> Self {
        Self {
            addresses: surplus(&config.static_addresses, &other.static_addresses),
            routes: surplus(&config.static_routes, &other.static_routes),
            rules: surplus(&config.static_rules, &other.static_rules),
        }
    }

    fn add(self) -> Vec<Action> {
        let mut out = vec![];
        if !self.addresses.is_empty() {
            out.push(Action::AddAddresses(self.addresses));
        }
        if !self.routes.is_empty() {
            out.push(Action::AddRoutes(self.routes));
        }
        if !self.rules.is_empty() {
            out.push(Action::AddRules(self.rules));
        }
        out
    }

    fn remove(self) -> Vec<Action> {
        let mut out = vec![];
        if !self.rules.is_empty() {
            out.push(Action::RemoveRules(self.rules));
        }
        if !self.routes.is_empty() {
            out.push(Action::RemoveRoutes(self.routes));
        }
        if !self.addresses.is_empty() {
            out.push(Action::RemoveAddresses(self.addresses));
        }
        out
    }
}

/// What `list` has and `other` has not.
pub(super) fn surplus<T: PartialEq + Clone>(list: &[T], other: &[T]) -> Vec<T> {
    list.iter().filter(|item| !other.contains(item)).cloned().collect()
}
