//! Words every other module speaks: addresses, units, ids, what the kernel is told.
pub mod backoff;
pub mod ip;
pub mod lvs;
pub mod network;
pub mod own_link;
pub mod route;
pub mod rule;
pub mod script;
pub mod units;

pub use backoff::Backoff;
pub use ip::{Family, Prefix};
pub use lvs::{Forward, Protocol, Scheduler, Tunnel, TunnelChecksum, TunnelKind};
pub use network::{AddressFlags, InterfaceAddress};
pub use own_link::{IpvlanMode, OwnLink, OwnLinkKind, virtual_router_mac};
pub use route::{Encapsulation, NextHop, Realms, Route, RouteIdentity, RouteMode, TunnelHeader};
pub use rule::{Rule, RuleAction};
pub use script::Script;
pub use units::{LinkIndex, Priority, Vrid};
