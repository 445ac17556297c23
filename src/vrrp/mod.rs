//! The virtual routers of this host: one machine for all instances (RFC 9568, RFC 3768).
//!
//! `node` takes events and finds the instance; `instance` is one virtual router's states, `hear` what
//! adverts do to it, `transitions` the order of everything that entering a state entails. `facts`
//! turns interfaces and scripts into source, faults and priority; `sync_group` makes others follow.
//! `receive` judges packets that `packet` cut up; `encode` writes them; `auth` and `trailer` are their
//! two kinds of signatures. `io` carries out.
mod announce;
mod auth;
mod checksum;
mod damping;
mod encode;
mod event;
mod facts;
mod fault;
mod filter;
mod hear;
mod instance;
pub mod io;
mod leftovers;
mod links;
mod news;
mod node;
mod own_links;
mod packet;
mod priority;
mod receive;
mod reload;
mod report;
mod routing;
mod statics;
mod sync_daemon;
mod sync_group;
mod tell;
mod timing;
mod trailer;
mod transitions;

pub use encode::{ChecksumForm, Encoder, Shape, most_addresses};
pub use event::{
    Action, Announcement, Datagram, Endpoint, Event, Level, Packet, SocketKey, SyncOrder, SyncRole,
    Target, Tuning,
};
pub use leftovers::Leftovers;
pub use node::VrrpNode;
pub use packet::{AH_PROTOCOL, AuthHeader, PROTOCOL, TooShort, View};
pub use trailer::Trailer;

use instance::Instance;
