//! `static_ipaddress`, `static_routes`, `static_rules`: there while the program runs, whoever is
//! master.
use super::{
    Drafts, addresses,
    routing::{self, Followers, Place, RouteDraft, RuleDraft},
};
use crate::{
    base::{InterfaceAddress, Route, Rule},
    config::{diagnostic::Diagnostics, tree::Statement},
};

/// What the blocks say.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    addresses: Vec<addresses::Draft>,
    routes: Vec<RouteDraft>,
    rules: Vec<RuleDraft>,
}

/// What there is while the program runs.
#[derive(Debug)]
pub(super) struct Statics {
    pub(super) addresses: Vec<InterfaceAddress>,
    pub(super) routes: Vec<Route>,
    pub(super) rules: Vec<Rule>,
}

pub(super) fn static_ipaddress(d: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    addresses::lines(&mut d.fixed.addresses, Place::Static, &d.routing, statement, out);
}

pub(super) fn static_routes(d: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    routing::routes(&mut d.fixed.routes, Place::Static, &d.routing, statement, out);
}

pub(super) fn static_rules(d: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    routing::rules(&mut d.fixed.rules, Place::Static, &mut d.routing, statement, out);
}

impl Draft {
    /// Addresses without an interface go on `default_interface`.
    pub(super) fn settle(
        self,
        default_interface: &str,
        followers: &mut Followers,
        out: &mut Diagnostics,
    ) -> Statics {
        let names = |all: &mut dyn Iterator<Item = &str>| all.map(str::to_owned).collect();
        let addresses = self.addresses.into_iter().map(|line| {
            let line = line.grouped(default_interface);
            followers.take(line, |address| vec![address.dev.clone()], out)
        });
        let addresses = addresses.collect();
        let routes = self
            .routes
            .into_iter()
            .map(|line| followers.take(line, |route: &Route| names(&mut route.interfaces()), out));
        let routes = routes.collect();
        let rules = self
            .rules
            .into_iter()
            .map(|line| followers.take(line, |rule: &Rule| names(&mut rule.interfaces()), out));
        Statics { addresses, routes, rules: rules.collect() }
    }
}
