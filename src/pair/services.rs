//! Whether every director would serve the same.
use super::Director;
use crate::{
    base::{Family, Protocol},
    config::{
        diagnostic::Diagnostics,
        model::{RealServer, ServiceAddress, VirtualServer},
        rules::pair as rules,
    },
};
use std::{collections::BTreeMap, net::IpAddr};

type Identity = (Family, Option<Protocol>, String);

/// What a file serves, by what makes it the same service elsewhere.
type Services<'d> = BTreeMap<Identity, &'d VirtualServer>;

/// A file without services is another kind of machine and not compared.
pub(super) fn services(directors: &[Director<'_>], found: &mut [Diagnostics]) {
    let all: Vec<(&Director<'_>, Services<'_>)> = directors
        .iter()
        .map(|director| {
            let services = director.config.director.virtual_servers.iter();
            (director, services.map(|service| (service.identity(), service)).collect())
        })
        .collect();
    for (number, ((_, ours), out)) in all.iter().zip(found).enumerate() {
        for service in ours.values() {
            let identity = service.identity();
            let others = all
                .iter()
                .enumerate()
                .filter(|(other, (_, services))| *other != number && !services.is_empty());
            let mut compared = false;
            for (other, (there, theirs)) in others {
                let Some(same) = theirs.get(&identity) else {
                    out.report(rules::SERVICE_ALONE, service.span)
                        .with("service", service.name())
                        .with("file", there.name);
                    break;
                };
                // What is said of two is said once, of the later one.
                if other < number && !compared {
                    compared = true;
                    if let Some(what) = difference(service, same) {
                        out.report(rules::SERVICE_DIFFERS, service.span)
                            .with("service", service.name())
                            .with("file", there.place(same.span))
                            .with("what", what);
                    }
                }
            }
        }
    }
}

/// The first thing in which two services differ for a client.
fn difference(here: &VirtualServer, there: &VirtualServer) -> Option<String> {
    if let (ServiceAddress::Group { entries, .. }, ServiceAddress::Group { entries: others, .. }) =
        (&here.at, &there.at)
        && entries != others
    {
        return Some("other addresses in the group".to_owned());
    }
    if here.scheduler != there.scheduler {
        return Some(format!("{} here, {} there", here.scheduler, there.scheduler));
    }
    if here.persistence != there.persistence {
        return Some("another persistence".to_owned());
    }
    let sorry = |service: &VirtualServer| {
        service.sorry.as_ref().map(|sorry| (sorry.ip, sorry.port, sorry.forward))
    };
    if sorry(here) != sorry(there) {
        return Some("another sorry_server".to_owned());
    }
    let (ours, theirs) = (by_address(here), by_address(there));
    let only = |these: &Servers<'_>, those: &Servers<'_>| {
        let (ip, port) = *these.keys().find(|at| !those.contains_key(*at))?;
        Some(here.server_name(ip, port))
    };
    if let Some(server) = only(&ours, &theirs) {
        return Some(format!("{server} is only here"));
    }
    if let Some(server) = only(&theirs, &ours) {
        return Some(format!("{server} is only there"));
    }
    ours.iter().find_map(|((ip, port), server)| {
        let other = theirs.get(&(*ip, *port))?;
        let name = here.server_name(*ip, *port);
        if server.weight != other.weight {
            let (ours, theirs) = (server.weight, other.weight);
            Some(format!("weight {ours} here, weight {theirs} there for {name}"))
        } else if server.forward != other.forward {
            let (ours, theirs) = (server.forward.name(), other.forward.name());
            Some(format!("{ours} here, {theirs} there for {name}"))
        } else {
            None
        }
    })
}

type Servers<'s> = BTreeMap<(IpAddr, u16), &'s RealServer>;

fn by_address(service: &VirtualServer) -> Servers<'_> {
    service.real_servers.iter().map(|server| ((server.ip, server.port), server)).collect()
}
