//! What the virtual routers of directors must have in common.
use super::{Director, partner};
use crate::{
    base::Priority,
    config::{
        diagnostic::Diagnostics,
        model::{Version, VrrpInstance},
        rules::pair as rules,
    },
};
use std::net::IpAddr;

/// An instance and the director that has it.
type At<'d> = (&'d Director<'d>, &'d VrrpInstance);

pub(super) fn instances(directors: &[Director<'_>], found: &mut [Diagnostics]) {
    for (number, (here, out)) in directors.iter().zip(found).enumerate() {
        let others = || directors.iter().enumerate().filter(move |(other, _)| *other != number);
        for instance in &here.config.vrrp.instances {
            let partners: Vec<(usize, At<'_>)> = others()
                .filter_map(|(other, there)| Some((other, (there, partner(instance, there)?))))
                .collect();
            if let (true, Some((_, there))) = (partners.is_empty(), others().next()) {
                out.report(rules::ALONE, instance.name.span)
                    .with("name", &instance.name.value)
                    .with("file", there.name);
            }
            // What is said of two is said once, of the later one.
            let before: Vec<At<'_>> = partners
                .iter()
                .filter(|(other, _)| *other < number)
                .map(|(_, partner)| *partner)
                .collect();
            if let Some(first) = before.first() {
                let disagrees = of_two(instance, *first, out);
                if !disagrees {
                    priorities(instance, &before, out);
                }
            }
            let all: Vec<At<'_>> = partners.into_iter().map(|(_, partner)| partner).collect();
            peers(instance, &all, out);
            nopreempt(instance, &all, out);
        }
        if number > 0 {
            names(here, directors.get(..number).unwrap_or_default(), out);
        }
    }
}

/// Everything that adverts say; true if these are two virtual routers.
fn of_two(here: &VrrpInstance, (file, there): At<'_>, out: &mut Diagnostics) -> bool {
    let name = &here.name.value;
    let place = file.place(there.name.span);
    if here.vrid != there.vrid {
        let address = here.addresses.first().map(|vip| vip.address.to_string());
        out.report(rules::VRID, here.vrid.span)
            .with("name", name)
            .with("here", here.vrid.value)
            .with("there", there.vrid.value)
            .with("file", file.place(there.vrid.span))
            .with("address", address.unwrap_or_default());
        // Nothing else matters between them.
        return true;
    }
    let number = |version| match version {
        Version::V2 => 2,
        Version::V3 => 3,
    };
    if here.version != there.version {
        out.report(rules::VERSION, here.name.span)
            .with("name", name)
            .with("here", number(here.version))
            .with("there", number(there.version))
            .with("file", &place);
    } else if here.advert_interval != there.advert_interval {
        let rule = match here.version {
            Version::V2 => rules::INTERVAL,
            Version::V3 => rules::INTERVAL_LEARNED,
        };
        out.report(rule, here.name.span)
            .with("here", here.advert_interval.as_secs_f64())
            .with("there", there.advert_interval.as_secs_f64())
            .with("file", &place);
    }
    let signed = |instance: &VrrpInstance| {
        let hmac = instance.auth_hmac.as_ref();
        hmac.map(|hmac| (hmac.active_key, hmac.keys.get(&hmac.active_key).cloned()))
    };
    // What version 3 does not carry is not compared either.
    if here.version == there.version
        && (here.authentication != there.authentication || signed(here) != signed(there))
    {
        out.report(rules::AUTHENTICATION, here.name.span).with("name", name).with("file", &place);
    }
    addresses(here, there, &place, out);
    casts(here, there, &place, out);
    false
}

fn addresses(here: &VrrpInstance, there: &VrrpInstance, place: &str, out: &mut Diagnostics) {
    let list = |instance: &VrrpInstance| -> Vec<IpAddr> {
        instance.addresses.iter().map(|vip| vip.address).collect()
    };
    let all = |instance: &VrrpInstance| -> Vec<IpAddr> { super::all_addresses(instance).collect() };
    let only = |left: &[IpAddr], right: &[IpAddr]| -> Vec<String> {
        let alone = left.iter().filter(|address| !right.contains(address));
        alone.map(ToString::to_string).collect()
    };
    // An address that only one of the two advertises may be among the excluded ones of the other.
    let (ours, theirs) = (list(here), list(there));
    let advertised = (only(&ours, &theirs), only(&theirs, &ours));
    let either = (only(&all(here), &all(there)), only(&all(there), &all(here)));
    let nothing = |(here, there): &(Vec<String>, Vec<String>)| here.is_empty() && there.is_empty();
    let differing = [advertised, either].into_iter().find(|lists| !nothing(lists));
    if let Some((only_here, only_there)) = differing {
        let words = |list: Vec<String>| {
            if list.is_empty() { "-".to_owned() } else { list.join(", ") }
        };
        out.report(rules::ADDRESSES, here.name.span)
            .with("name", &here.name.value)
            .with("file", place)
            .with("here", words(only_here))
            .with("there", words(only_there));
    } else if ours != theirs {
        out.report(rules::ORDER, here.name.span).with("name", &here.name.value).with("file", place);
    }
}

fn casts(here: &VrrpInstance, there: &VrrpInstance, place: &str, out: &mut Diagnostics) {
    let word = |instance: &VrrpInstance| match &instance.unicast {
        Some(_) => "unicast".to_owned(),
        None => format!("multicast to {}", instance.multicast_group),
    };
    let (ours, theirs) = (word(here), word(there));
    if ours != theirs {
        out.report(rules::CASTS_DIFFER, here.name.span)
            .with("name", &here.name.value)
            .with("here", ours)
            .with("there", theirs)
            .with("file", place);
    }
}

/// Against every director before this one: each two may be the last ones alive.
fn priorities(here: &VrrpInstance, before: &[At<'_>], out: &mut Diagnostics) {
    let priority = here.priority.value;
    let same = |(_, there): &&At<'_>| there.priority == here.priority && there.vrid == here.vrid;
    if let Some((file, there)) = before.iter().find(same) {
        let owner = priority == Priority::OWNER;
        let rule = if owner { rules::TWO_OWNERS } else { rules::SAME_PRIORITY };
        out.report(rule, here.priority.span)
            .with("name", &here.name.value)
            .with("priority", priority.0)
            .with("file", file.place(there.priority.span));
        return;
    }
    let master = before.iter().find(|(_, there)| there.wants_master);
    if let (true, Some((file, there))) = (here.wants_master, master) {
        out.report(rules::BOTH_MASTER, here.name.span)
            .with("name", &here.name.value)
            .with("file", file.place(there.name.span));
    }
}

/// Everybody must be among the peers of everybody.
fn peers(here: &VrrpInstance, partners: &[At<'_>], out: &mut Diagnostics) {
    let Some(unicast) = &here.unicast else { return };
    for (file, there) in partners {
        let (Some(_), Some(source)) = (&there.unicast, there.source) else { continue };
        if there.vrid == here.vrid && !unicast.peers.iter().any(|peer| peer.address == source) {
            out.report(rules::PEER_MISSING, here.name.span)
                .with("address", source)
                .with("name", &here.name.value)
                .with("file", file.place(there.name.span));
        }
    }
}

fn nopreempt(here: &VrrpInstance, partners: &[At<'_>], out: &mut Diagnostics) {
    let higher = partners.iter().filter(|(_, there)| there.vrid == here.vrid);
    let higher = higher.max_by_key(|(_, there)| there.priority.value);
    let Some((file, there)) = higher else { return };
    // A weight may turn their order round.
    let tracks = |instance: &VrrpInstance| {
        let lists = [&instance.track_scripts, &instance.track_processes, &instance.track_files];
        lists.into_iter().chain([&instance.track_bfds]).flatten().any(|used| used.weight != 0)
            || instance.track_interfaces.iter().any(|used| used.weight != 0)
    };
    let one_sided = !here.preempt && there.preempt && here.priority.value < there.priority.value;
    if one_sided && !tracks(here) && !tracks(there) {
        out.report(rules::NOPREEMPT_LOWER, here.name.span)
            .with("name", &here.name.value)
            .with("there", there.priority.value.0)
            .with("file", file.place(there.priority.span));
    }
}

fn names(here: &Director<'_>, before: &[Director<'_>], out: &mut Diagnostics) {
    let Some(id) = &here.config.global.router_id else { return };
    let same = |there: &&Director<'_>| there.config.global.router_id.as_ref() == Some(id);
    if let Some(there) = before.iter().find(same) {
        let first = here.config.vrrp.instances.first();
        let span = first.map_or_else(Default::default, |instance| instance.name.span);
        out.report(rules::SAME_ROUTER_ID, span).with("id", id).with("file", there.name);
    }
}
