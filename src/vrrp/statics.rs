//! `static_ipaddress` and `static_routes`: there from start to stop, and put back when they vanish.
use super::{
    event::{Action, Level},
    instance::route_key,
    links::Delta,
};
use crate::{
    base::{InterfaceAddress, Route},
    config::model::VrrpConfig,
};

pub(super) fn start(config: &VrrpConfig) -> Vec<Action> {
    add(config.static_addresses.clone(), config.static_routes.clone())
}

pub(super) fn stop(config: &VrrpConfig) -> Vec<Action> {
    remove(config.static_addresses.clone(), config.static_routes.clone())
}

/// What is no longer configured goes, what is new comes.
pub(super) fn reload(old: &VrrpConfig, new: &VrrpConfig) -> (Vec<Action>, Vec<Action>) {
    let gone = remove(
        surplus(&old.static_addresses, &new.static_addresses),
        surplus(&old.static_routes, &new.static_routes),
    );
    let come = add(
        surplus(&new.static_addresses, &old.static_addresses),
        surplus(&new.static_routes, &old.static_routes),
    );
    (gone, come)
}

/// Puts back what this news says is lost.
pub(super) fn restore(config: &VrrpConfig, delta: &Delta) -> Vec<Action> {
    match delta {
        Delta::AddressRemoved(dev, address) => {
            let lost: Vec<_> = config
                .static_addresses
                .iter()
                .filter(|wanted| wanted.dev == *dev && wanted.address == *address)
                .cloned()
                .collect();
            if lost.is_empty() {
                return vec![];
            }
            let text = format!("Restoring deleted static address {address} on {dev}");
            let mut out = vec![Action::Log(Level::Info, text)];
            out.extend(add(lost, vec![]));
            out
        }
        Delta::RouteRemoved(destination, table) => {
            let key = (*destination, *table);
            let lost: Vec<_> =
                config.static_routes.iter().filter(|r| route_key(r) == key).cloned().collect();
            if lost.is_empty() {
                return vec![];
            }
            let text = format!("Restoring deleted static route {destination}");
            let mut out = vec![Action::Log(Level::Info, text)];
            out.extend(add(vec![], lost));
            out
        }
        Delta::Up(name) => {
            let addresses = &config.static_addresses;
            add(
                addresses.iter().filter(|wanted| wanted.dev == *name).cloned().collect(),
                config
                    .static_routes
                    .iter()
                    .filter(|route| leaves_by(route, name))
                    .cloned()
                    .collect(),
            )
        }
        Delta::Down(_) | Delta::AddressAdded(..) => vec![],
    }
}

fn leaves_by(route: &Route, name: &str) -> bool {
    let legs = route.nexthops.iter().map(|leg| leg.dev.as_deref());
    legs.chain([route.dev.as_deref()]).any(|dev| dev == Some(name))
}

fn add(addresses: Vec<InterfaceAddress>, routes: Vec<Route>) -> Vec<Action> {
    let mut out = vec![];
    if !addresses.is_empty() {
        out.push(Action::AddAddresses(addresses));
    }
    if !routes.is_empty() {
        out.push(Action::AddRoutes(routes));
    }
    out
}

fn remove(addresses: Vec<InterfaceAddress>, routes: Vec<Route>) -> Vec<Action> {
    let mut out = vec![];
    if !routes.is_empty() {
        out.push(Action::RemoveRoutes(routes));
    }
    if !addresses.is_empty() {
        out.push(Action::RemoveAddresses(addresses));
    }
    out
}

/// What `list` has and `other` has not.
pub(super) fn surplus<T: PartialEq + Clone>(list: &[T], other: &[T]) -> Vec<T> {
    list.iter().filter(|item| !other.contains(item)).cloned().collect()
}
