//! What a process that was killed may have left in the kernel, to be removed in this order.
use crate::{
    base::{InterfaceAddress, OwnLink, Route, Rule},
    config::model::VrrpConfig,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leftovers {
    pub rules: Vec<Rule>,
    pub routes: Vec<Route>,
    pub addresses: Vec<InterfaceAddress>,
    pub links: Vec<OwnLink>,
}

impl Leftovers {
    /// Of the instances and of what the file places without them.
    #[must_use]
    pub fn of(config: &VrrpConfig) -> Self {
        let mut left = Self::default();
        for instance in &config.instances {
            left.rules.extend_from_slice(&instance.rules);
            left.routes.extend_from_slice(&instance.routes);
            left.addresses.extend(instance.addresses.iter().chain(&instance.excluded).cloned());
            left.links.extend_from_slice(&instance.own_links);
        }
        left.rules.extend_from_slice(&config.static_rules);
        left.routes.extend_from_slice(&config.static_routes);
        left.addresses.extend_from_slice(&config.static_addresses);
        left
    }
}
