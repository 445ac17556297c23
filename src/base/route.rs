//! Routes as the kernel is told them (rtnetlink(7)), and as configuration gives them.
use super::{Family, Prefix};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

/// RT_TABLE_MAIN.
const MAIN: u32 = 254;
/// RTPROT_KEEPALIVED: what `ip route` and `ip rule` show of what is ours.
pub const KEEPALIVED: u8 = 18;

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    pub family: Family,
    /// RTN_*: unicast 1, local 2, broadcast 3, multicast 5, blackhole 6, unreachable 7,
    /// prohibit 8, throw 9.
    pub kind: u8,
    /// `default` is length 0. Host bits are cleared.
    pub destination: Prefix,
    /// Source-specific routing (`from`).
    pub from: Option<Prefix>,
    /// Preferred source (`src`).
    pub source: Option<IpAddr>,
    pub via: Option<IpAddr>,
    pub dev: Option<String>,
    /// RT_TABLE_*: main 254.
    pub table: u32,
    /// Name of the VRF device whose table is meant in the place of `table`.
    pub vrf: Option<String>,
    /// RT_SCOPE_*; None = what suits the type: host for local, link for broadcast, else global.
    pub scope: Option<u8>,
    pub metric: Option<u32>,
    pub tos: u8,
    /// RTPROT_*: keepalived 18.
    pub protocol: u8,
    pub onlink: bool,
    /// RTAX_* number → (value, locked).
    pub metrics: BTreeMap<u16, (u32, bool)>,
    /// RTAX_CC_ALGO: name of a congestion control algorithm, and whether it is locked.
    pub congestion: Option<(String, bool)>,
    /// ICMPV6_ROUTER_PREF_* (RFC 4191 §2.1): medium 0, high 1, low 3. IPv6 only.
    pub preference: Option<u8>,
    /// Seconds. IPv6 only.
    pub expires: Option<u32>,
    pub realms: Option<Realms>,
    pub encapsulation: Option<Encapsulation>,
    /// RTA_TTL_PROPAGATE.
    pub ttl_propagate: Option<bool>,
    pub mode: RouteMode,
    pub nexthops: Vec<NextHop>,
    /// Whether somebody's deleting it counts; it has an interface and the protocol 18 then.
    pub track: bool,
}

/// What tells a route from others in the news of its removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteIdentity {
    pub destination: Prefix,
    /// 0 where only the kernel knows it (`vrf`).
    pub table: u32,
    pub tos: u8,
    pub metric: u32,
}

impl Route {
    /// A plain unicast route in the main table.
    #[must_use]
    pub const fn to(destination: Prefix) -> Self {
        Self {
            family: destination.family(),
            kind: 1,
            destination,
            from: None,
            source: None,
            via: None,
            dev: None,
            table: MAIN,
            vrf: None,
            scope: None,
            metric: None,
            tos: 0,
            protocol: KEEPALIVED,
            onlink: false,
            metrics: BTreeMap::new(),
            congestion: None,
            preference: None,
            expires: None,
            realms: None,
            encapsulation: None,
            ttl_propagate: None,
            mode: RouteMode::Prepend,
            nexthops: vec![],
            track: true,
        }
    }

    #[must_use]
    pub fn identity(&self) -> RouteIdentity {
        // IP6_RT_PRIO_USER: what IPv6 takes for a route without a metric.
        let usual = match self.family {
            Family::V4 => 0,
            Family::V6 => 1024,
        };
        RouteIdentity {
            destination: self.destination,
            table: if self.vrf.is_some() { 0 } else { self.table },
            tos: self.tos,
            metric: self.metric.filter(|metric| *metric > 0).unwrap_or(usual),
        }
    }

    /// Whether this is what the kernel speaks of.
    #[must_use]
    pub fn is(&self, removed: &RouteIdentity) -> bool {
        let own = self.identity();
        own == RouteIdentity { table: if own.table == 0 { 0 } else { removed.table }, ..*removed }
    }

    /// Every interface it names, its next hops' included.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        let legs = self.nexthops.iter().filter_map(|leg| leg.dev.as_deref());
        self.dev.as_deref().into_iter().chain(legs)
    }
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum RouteMode {
    /// NLM_F_CREATE: keepalived's default.
    #[default]
    Prepend,
    /// NLM_F_CREATE | NLM_F_EXCL.
    Add,
    /// NLM_F_CREATE | NLM_F_APPEND.
    Append,
}

/// One leg of a multipath route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NextHop {
    pub via: Option<IpAddr>,
    pub dev: Option<String>,
    /// 1..=256.
    pub weight: u16,
    pub onlink: bool,
    pub realms: Option<Realms>,
    pub encapsulation: Option<Encapsulation>,
}

impl Default for NextHop {
    fn default() -> Self {
        Self { via: None, dev: None, weight: 1, onlink: false, realms: None, encapsulation: None }
    }
}

/// Source and destination realm (tc-route(8)); 0 = none.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Realms {
    pub from: u16,
    pub to: u16,
}

/// What packets are wrapped in (linux/lwtunnel.h).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Encapsulation {
    /// Labels outermost first, 20 bits each.
    Mpls {
        labels: Vec<u32>,
        ttl: Option<u8>,
    },
    Ip(TunnelHeader),
    Ip6(TunnelHeader),
    /// Identifier Locator Addressing: the locator, upper 64 bits of an address.
    Ila(u64),
    /// Segments in the order of travel (RFC 8754); `inline` inserts the header into the packet
    /// itself; the key id of an HMAC.
    Seg6 {
        inline: bool,
        segments: Vec<Ipv6Addr>,
        hmac: Option<u32>,
    },
}

/// The outer header of `encap ip` and `encap ip6`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TunnelHeader {
    pub id: Option<u64>,
    pub destination: Option<IpAddr>,
    pub source: Option<IpAddr>,
    /// Traffic class for IPv6.
    pub tos: Option<u8>,
    /// Hop limit for IPv6.
    pub ttl: Option<u8>,
    pub key: bool,
    pub checksum: bool,
    pub sequence: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_known_by_destination_table_tos_and_metric() {
        let to = Prefix { address: "192.0.2.0".parse().unwrap(), length: 24 };
        let mut route = Route::to(to);
        let news = route.identity();
        assert!(route.is(&news));
        assert!(!route.is(&RouteIdentity { metric: 7, ..news }));
        assert!(!route.is(&RouteIdentity { table: 7, ..news }));
        route.vrf = Some("red".into());
        assert!(route.is(&RouteIdentity { table: 7, ..news }), "only the kernel knows the table");
        let v6 = Route::to(Prefix { address: "2001:db8::".parse().unwrap(), length: 32 });
        assert_eq!(v6.identity().metric, 1024);
    }
}
