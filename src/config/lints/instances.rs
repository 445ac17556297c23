//! Advice about several instances at once.
use crate::{
    base::Forward,
    config::{
        Config,
        diagnostic::Diagnostics,
        model::{ServiceAddress, SyncGroup, VrrpInstance},
        rules::lints as rules,
    },
};
use std::{collections::BTreeSet, net::IpAddr};

pub(super) fn all(config: &Config, addresses: &BTreeSet<IpAddr>, out: &mut Diagnostics) {
    let instances = &config.vrrp.instances;
    for group in &config.vrrp.sync_groups {
        members(group, instances, out);
    }
    tracked_by_one(config, out);
    nat(config, out);
    unused(config, addresses, out);
}

fn members(group: &SyncGroup, instances: &[VrrpInstance], out: &mut Diagnostics) {
    let named = |name: &str| instances.iter().find(|instance| instance.name.value == name);
    let members: Vec<&VrrpInstance> =
        group.members.iter().filter_map(|member| named(&member.value)).collect();
    let mut differ = |what: &str, values: BTreeSet<String>| {
        if values.len() > 1 {
            let values: Vec<String> = values.into_iter().collect();
            out.report(rules::GROUP_DIFFERS, group.name.span)
                .with("group", &group.name.value)
                .with("what", what)
                .with("values", values.join(", "));
        }
    };
    differ("priority", members.iter().map(|i| i.priority.value.0.to_string()).collect());
    let states = members.iter().map(|i| if i.wants_master { "MASTER" } else { "BACKUP" });
    differ("state", states.map(str::to_owned).collect());
}

/// In a dual-master pair a dead program must move both addresses. Who is guarded by something else
/// stands for another program.
fn tracked_by_one(config: &Config, out: &mut Diagnostics) {
    let [first, second] = config.vrrp.instances.as_slice() else { return };
    for (one, other) in [(first, second), (second, first)] {
        if !other.track_scripts.is_empty()
            || !other.track_processes.is_empty()
            || !other.track_files.is_empty()
        {
            continue;
        }
        for tracked in &one.track_scripts {
            let grouped = config.vrrp.sync_groups.iter().any(|group| {
                let member = |name: &str| group.members.iter().any(|m| m.value == name);
                member(&one.name.value) && member(&other.name.value)
            });
            if !grouped {
                out.report(rules::TRACKED_BY_ONE, other.name.span)
                    .with("script", &tracked.name.value)
                    .with("name", &one.name.value)
                    .with("other", &other.name.value)
                    .label(tracked.name.span, "tracked here");
            }
        }
    }
}

/// With NAT the servers' gateway must be where the clients' packets arrive.
fn nat(config: &Config, out: &mut Diagnostics) {
    let nat =
        config.director.virtual_servers.iter().any(|service| {
            service.real_servers.iter().any(|server| server.forward == Forward::Nat)
        });
    let [first, second] = config.vrrp.instances.as_slice() else { return };
    if nat && first.interface != second.interface && config.vrrp.sync_groups.is_empty() {
        out.report(rules::NAT_APART, second.name.span)
            .with("name", &first.name.value)
            .with("other", &second.name.value)
            .label(first.name.span, "the other one");
    }
}

/// An instance none of whose addresses is balanced, in a file that balances others by DR or TUN
/// (with NAT it may be the servers' gateway).
fn unused(config: &Config, known: &BTreeSet<IpAddr>, out: &mut Diagnostics) {
    let services = &config.director.virtual_servers;
    let mut balanced = BTreeSet::new();
    for service in services {
        match &service.at {
            ServiceAddress::Address { ip, .. } => {
                balanced.insert(*ip);
            }
            // They may mean any address.
            ServiceAddress::Mark(_) | ServiceAddress::Group { .. } => return,
        }
        if service.real_servers.iter().any(|server| server.forward == Forward::Nat) {
            return;
        }
    }
    if balanced.is_disjoint(known) {
        return;
    }
    for instance in &config.vrrp.instances {
        let mut addresses = instance.addresses.iter().chain(&instance.excluded).peekable();
        if addresses.peek().is_some()
            && !addresses.any(|address| balanced.contains(&address.address))
        {
            out.report(rules::ADDRESS_UNUSED, instance.name.span)
                .with("name", &instance.name.value);
        }
    }
}
