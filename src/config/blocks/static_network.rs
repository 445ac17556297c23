//! `static_ipaddress`, `static_routes`: there while the program runs, whoever is master.
use super::{Drafts, addresses, routes};
use crate::{
    base::{InterfaceAddress, Route},
    config::{diagnostic::Diagnostics, tree::Statement},
};

/// What the blocks say.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    addresses: Vec<addresses::Draft>,
    routes: Vec<Route>,
}

pub(super) fn static_ipaddress(d: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    addresses::lines(&mut d.fixed.addresses, statement, out);
}

pub(super) fn static_routes(d: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    routes::lines(&mut d.fixed.routes, statement, out);
}

impl Draft {
    /// Addresses without an interface go on `default_interface`.
    pub(super) fn settle(self, default_interface: &str) -> (Vec<InterfaceAddress>, Vec<Route>) {
        let addresses = self.addresses.into_iter().map(|line| line.settle(default_interface));
        (addresses.collect(), self.routes)
    }
}
