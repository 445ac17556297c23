//! Rules over several VRRP instances: what they must not share.
use crate::{
    base::{Family, Vrid},
    config::{
        diagnostic::Diagnostics,
        model::{VrrpConfig, VrrpInstance},
        rules::vrrp as rules,
    },
};
use std::{collections::BTreeMap, net::IpAddr};

/// Reports; changes nothing.
pub(in crate::config) fn vrrp(config: &VrrpConfig, out: &mut Diagnostics) {
    shared_vrids(&config.instances, out);
    shared_addresses(&config.instances, out);
}

/// One VRID per link, family and group: routers tell virtual routers apart by nothing else.
fn shared_vrids(instances: &[VrrpInstance], out: &mut Diagnostics) {
    let mut seen: BTreeMap<(&str, Family, Vrid, IpAddr), &VrrpInstance> = BTreeMap::new();
    for instance in instances.iter().filter(|instance| instance.unicast.is_none()) {
        let interface = instance.interface.value.as_str();
        let key = (interface, instance.family, instance.vrid.value, instance.multicast_group);
        match seen.get(&key) {
            Some(first) => {
                out.report(rules::VRID_TWICE, instance.vrid.span)
                    .with("vrid", instance.vrid.value)
                    .with("interface", interface)
                    .label(first.vrid.span, "first used here");
            }
            None => {
                seen.insert(key, instance);
            }
        }
    }
}

fn shared_addresses(instances: &[VrrpInstance], out: &mut Diagnostics) {
    let mut seen: BTreeMap<(IpAddr, &str), &VrrpInstance> = BTreeMap::new();
    for instance in instances {
        for address in instance.addresses.iter().chain(&instance.excluded) {
            match seen.get(&(address.address, address.dev.as_str())) {
                Some(other) if other.name != instance.name => {
                    out.report(rules::ADDRESS_ELSEWHERE, instance.name.span)
                        .with("address", address.address)
                        .with("other", &other.name.value)
                        .label(other.name.span, "the other instance");
                }
                Some(_) => {}
                None => {
                    seen.insert((address.address, &address.dev), instance);
                }
            }
        }
    }
}
