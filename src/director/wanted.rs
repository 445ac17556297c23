//! A service's state as entries of the kernel's table: one for an address or a mark, one for each
//! address and mark of a group.
use super::virtual_server::ServiceState;
use crate::{
    base::{Family, Forward, Protocol},
    config::model::{GroupEntry, PersistenceMask, ServiceAddress, VirtualServer},
    ipvs::{Mask, Persistence, Service, ServiceKey},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

/// A configured range of a million addresses is a mistake that must not take the machine down.
const MOST_ADDRESSES: u128 = 65_536;

/// Keys and values for the table.
pub(super) fn entries(
    config: &VirtualServer,
    state: &ServiceState,
) -> Vec<(ServiceKey, Arc<Service>)> {
    // Equal values are shared: entries of a group mostly differ in nothing but their key.
    let service = |entry_port: Option<u16>| {
        let place = |forward: &Forward, port: u16| match (forward, entry_port) {
            (Forward::DirectRoute | Forward::Tunnel(_), Some(entry)) => entry,
            (Forward::Nat, Some(entry)) if port == 0 => entry,
            (Forward::Nat | Forward::DirectRoute | Forward::Tunnel(_), _) => port,
        };
        Arc::new(Service {
            scheduler: config.scheduler.name().to_owned(),
            flags: config.flags,
            persistence: config.persistence.as_ref().map(|p| Persistence {
                timeout: p.timeout,
                mask: match p.mask {
                    PersistenceMask::V4(mask) => Mask::V4(mask),
                    PersistenceMask::V6(length) => Mask::V6(length),
                },
                engine: p.engine.clone(),
            }),
            destinations: state.destinations(config, place),
        })
    };
    match &config.at {
        ServiceAddress::Address { ip, port, protocol } => {
            let key = ServiceKey::Address { protocol: *protocol, ip: *ip, port: *port };
            vec![(key, service(None))]
        }
        ServiceAddress::Mark(mark) => {
            let key = ServiceKey::Mark { family: config.family, mark: *mark };
            vec![(key, service(None))]
        }
        ServiceAddress::Group { protocol, entries, .. } => {
            let mut found = vec![];
            for entry in entries {
                match entry {
                    GroupEntry::Range { first, last, port } => {
                        let service = service(Some(*port));
                        let keys = addresses(*first, *last, *port, *protocol);
                        found.extend(keys.map(|key| (key, Arc::clone(&service))));
                    }
                    GroupEntry::Mark { mark, family } => {
                        let key = ServiceKey::Mark { family: *family, mark: *mark };
                        found.push((key, service(Some(0))));
                    }
                }
            }
            found
        }
    }
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
