//! Words every other module speaks: addresses, units, ids, what the kernel is told.
pub mod backoff;
pub mod ip;
pub mod lvs;
pub mod network;
pub mod script;
pub mod units;

pub use backoff::Backoff;
pub use ip::{Family, Prefix};
pub use lvs::{Forward, Protocol, Scheduler, Tunnel, TunnelChecksum, TunnelKind};
pub use network::{AddressFlags, InterfaceAddress, NextHop, Route, RouteMode};
pub use script::Script;
pub use units::{LinkIndex, Priority, Vrid};
