//! A service's state as entries of the kernel's table: one for an address or a mark, one for each
//! address and mark of a group.
use super::virtual_server::ServiceState;
use crate::{
    base::{Family, Forward, Protocol},
    config::model::{GroupEntry, PersistenceMask, RealServer, ServiceAddress, VirtualServer},
    ipvs::{DestinationKey, Mask, Persistence, Service, ServiceKey},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// A configured range of a million addresses is a mistake that must not take the machine down.
const MOST_ADDRESSES: u128 = 65_536;

/// The entries of a service: keys, and for those of a group the port that stands in the key.
pub(super) fn keys(at: &ServiceAddress, family: Family) -> Vec<(ServiceKey, Option<u16>)> {
    match at {
        ServiceAddress::Address { ip, port, protocol } => {
            vec![(ServiceKey::Address { protocol: *protocol, ip: *ip, port: *port }, None)]
        }
        ServiceAddress::Mark(mark) => {
            vec![(ServiceKey::Mark { family, mark: *mark }, None)]
        }
        ServiceAddress::Group { protocol, entries, .. } => {
            let mut found = vec![];
            for entry in entries {
                match entry {
                    GroupEntry::Range { first, last, port } => {
                        let keys = addresses(*first, *last, *port, *protocol);
                        found.extend(keys.map(|key| (key, Some(*port))));
                    }
                    GroupEntry::Mark { mark, family } => {
                        found.push((ServiceKey::Mark { family: *family, mark: *mark }, Some(0)));
                    }
                }
            }
            found
        }
    }
}

/// The port under which a server stands in an entry: DR and TUN take the entry's own.
const fn port(forward: &Forward, port: u16, entry_port: Option<u16>) -> u16 {
    match (forward, entry_port) {
        (Forward::DirectRoute | Forward::Tunnel(_), Some(entry)) => entry,
        (Forward::Nat, Some(entry)) if port == 0 => entry,
        (Forward::Nat | Forward::DirectRoute | Forward::Tunnel(_), _) => port,
    }
}

/// Entries with the same family and port in their key have the same value.
type Kind = (Family, Option<u16>);

/// Keys and values for the table. Entries of a group mostly differ in nothing but their key, so
/// they share their value.
pub(super) fn entries(
    config: &VirtualServer,
    state: &ServiceState,
) -> Vec<(ServiceKey, Arc<Service>)> {
    let mut last: Option<(Kind, Arc<Service>)> = None;
    let keys = keys(&config.at, config.family).into_iter();
    keys.map(|(key, entry_port)| {
        let kind = (key.family(), entry_port);
        let known = last.take().filter(|(other, _)| *other == kind);
        let (_, service) = last
            .insert(known.unwrap_or_else(|| (kind, service(config, state, kind.0, entry_port))));
        (key, Arc::clone(service))
    })
    .collect()
}

/// Every place in the kernel's table where a server of the service may stand.
pub(super) fn places(
    config: &VirtualServer,
    server: &RealServer,
) -> impl Iterator<Item = (ServiceKey, DestinationKey)> {
    keys(&config.at, config.family).into_iter().map(|(key, entry_port)| {
        let port = port(&server.forward, server.port, entry_port);
        (key, DestinationKey { ip: server.ip, port })
    })
}

fn service(
    config: &VirtualServer,
    state: &ServiceState,
    family: Family,
    entry_port: Option<u16>,
) -> Arc<Service> {
    Arc::new(Service {
        scheduler: config.scheduler.name().to_owned(),
        flags: config.flags,
        persistence: config.persistence.as_ref().map(|p| Persistence {
            timeout: p.timeout,
            // A group of tunnels may have entries of the other family: each client counts by itself.
            mask: match (p.mask, family) {
                (PersistenceMask::V4(mask), Family::V4) => Mask::V4(mask),
                (PersistenceMask::V6(length), Family::V6) => Mask::V6(length),
                (PersistenceMask::V4(_) | PersistenceMask::V6(_), other) => Mask::host(other),
            },
            engine: p.engine.clone(),
        }),
        destinations: state
            .destinations(config, |forward, configured| port(forward, configured, entry_port)),
    })
}

fn addresses(
    first: IpAddr,
    last: IpAddr,
    port: u16,
    protocol: Protocol,
) -> impl Iterator<Item = ServiceKey> {
    let (start, end) = (number(first), number(last));
    let family = Family::of(&first);
    (0..=end.saturating_sub(start).min(MOST_ADDRESSES - 1)).map(move |n| {
        let ip = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::from(u32::try_from(start + n).unwrap_or(u32::MAX))),
            Family::V6 => IpAddr::V6(Ipv6Addr::from(start + n)),
        };
        ServiceKey::Address { protocol, ip, port }
    })
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}
