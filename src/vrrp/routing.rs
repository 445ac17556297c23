//! Routes and rules of a master: put in, taken out, and what their loss means.
use super::{
    event::{Action, Level},
    instance::{Instance, Phase, Turn},
    links::Delta,
};
use crate::base::{Route, RouteIdentity, Rule};
use std::collections::BTreeMap;

/// Removals we have ordered and not yet heard of: news of them is no news.
#[derive(Clone, Debug, Default)]
pub(super) struct Expected {
    routes: BTreeMap<RouteIdentity, u32>,
    rules: Vec<Rule>,
}

impl Expected {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn order(&mut self, routes: &[Route], rules: &[Rule]) {
        for route in routes.iter().filter(|route| route.track) {
            *self.routes.entry(route.identity()).or_default() += 1;
        }
        self.rules.extend(rules.iter().filter(|rule| rule.track).cloned());
    }

    /// Whether this is news of a removal of ours.
    pub(super) fn settle(&mut self, delta: &Delta) -> bool {
        match delta {
            Delta::RouteRemoved(removed) => self.settle_route(removed),
            Delta::RuleRemoved(removed) => self.settle_rule(removed),
            Delta::Up(_) | Delta::Down(_) | Delta::AddressAdded(..) | Delta::AddressRemoved(..) => {
                false
            }
        }
    }

    /// Whether that removal was ours; it is not expected a second time.
    fn settle_route(&mut self, removed: &RouteIdentity) -> bool {
        let of_vrf = RouteIdentity { table: 0, ..*removed };
        for identity in [removed, &of_vrf] {
            if let Some(left) = self.routes.get_mut(identity) {
                *left -= 1;
                if *left == 0 {
                    self.routes.remove(identity);
                }
                return true;
            }
        }
        false
    }

    fn settle_rule(&mut self, removed: &Rule) -> bool {
        let found = self.rules.iter().position(|rule| rule.is(removed));
        found.map(|at| self.rules.swap_remove(at)).is_some()
    }
}

impl Instance {
    pub(super) fn add_routes(&self, list: Vec<Route>, turn: &mut Turn<'_>) {
        if !list.is_empty() {
            self.log(Level::Detail, "setting Virtual Routes", turn);
            turn.out.push(Action::AddRoutes(list));
        }
    }

    pub(super) fn add_rules(&self, list: Vec<Rule>, turn: &mut Turn<'_>) {
        if !list.is_empty() {
            self.log(Level::Detail, "setting Virtual Rules", turn);
            turn.out.push(Action::AddRules(list));
        }
    }

    pub(super) fn remove_routes(&mut self, list: Vec<Route>, turn: &mut Turn<'_>) {
        if !list.is_empty() {
            self.log(Level::Detail, "removing Virtual Routes", turn);
            self.expected.order(&list, &[]);
            turn.out.push(Action::RemoveRoutes(list));
        }
    }

    pub(super) fn remove_rules(&mut self, list: Vec<Rule>, turn: &mut Turn<'_>) {
        if !list.is_empty() {
            self.log(Level::Detail, "removing Virtual Rules", turn);
            self.expected.order(&[], &list);
            turn.out.push(Action::RemoveRules(list));
        }
    }

    /// Somebody deleted one of our routes, unless it was us.
    pub(super) fn on_route_removed(&mut self, removed: &RouteIdentity, turn: &mut Turn<'_>) {
        if self.expected.settle_route(removed) || self.phase() != Phase::Master {
            return;
        }
        if self.config.routes.iter().any(|route| route.track && route.is(removed)) {
            let text = format!("Netlink reflector reports route {} removed", removed.destination);
            self.log(Level::Info, &text, turn);
            self.give_up(turn);
        }
    }

    /// Somebody deleted one of our rules, unless it was us.
    pub(super) fn on_rule_removed(&mut self, removed: &Rule, turn: &mut Turn<'_>) {
        if self.expected.settle_rule(removed) || self.phase() != Phase::Master {
            return;
        }
        if self.config.rules.iter().any(|rule| rule.track && rule.is(removed)) {
            let text = format!("Netlink reflector reports rule {removed} removed");
            self.log(Level::Info, &text, turn);
            self.give_up(turn);
        }
    }

    /// An interface is back whose loss was no fault: the kernel has dropped what led through it.
    pub(super) fn on_interface_up(&mut self, name: &str, turn: &mut Turn<'_>) {
        if self.phase() != Phase::Master {
            return;
        }
        self.restore_addresses(name, turn);
        let through = |route: &&Route| route.interfaces().any(|dev| dev == name);
        let routes = self.config.routes.iter().filter(through).cloned().collect();
        self.add_routes(routes, turn);
    }
}
