//! The virtual routers of this host.
mod auth;
mod checksum;
mod encode;
mod packet;

pub use encode::{ChecksumForm, Encoder, Shape, most_addresses};
pub use packet::{AH_PROTOCOL, AuthHeader, PROTOCOL, TooShort, View};
