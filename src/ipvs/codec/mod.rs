//! Steps to netlink messages, dumps to tables (spec: IPVS netlink §1, §2). No sockets. What comes
//! from the kernel is read attribute by attribute; nothing in it can make this panic.
#![deny(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "decodes bytes from outside"
)]
mod decode;
mod encode;
#[cfg(test)]
mod tests;
mod wire;

pub use decode::{
    Decoded, Message, daemon, destination, error_code, family_id, messages, service, timeouts,
};
pub use encode::{
    Header, daemons_dump, destinations_dump, family_request, flush, only_refusal, services_dump,
    set_timeouts, start_daemon, step, stop_daemon, timeouts_request,
};
