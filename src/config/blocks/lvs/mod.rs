//! `virtual_server` and all that stands in it: drafts, tables, and how they settle.
mod checkers;
mod group;
mod method;
mod real_server;
mod settle;
mod ssl;
#[cfg(test)]
mod tests;
mod virtual_server;

pub(super) use settle::settle;
pub(super) use {
    group::block as virtual_server_group, ssl::block as ssl,
    virtual_server::block as virtual_server,
};

use crate::config::{
    keyword::{BlockInfo, describe},
    model::{BfdInstance, TlsIdentity, TrackFile},
};

/// What the file says about services, before anything is filled in.
#[derive(Debug, Default)]
pub(in crate::config) struct Drafts {
    services: Vec<virtual_server::Draft>,
    groups: Vec<group::Draft>,
    tls: Option<TlsIdentity>,
}

/// What servers may refer to besides their own blocks.
#[derive(Debug)]
pub(super) struct Tracked<'a> {
    pub(super) files: Vec<TrackFile>,
    pub(super) bfds: &'a [BfdInstance],
}

/// Blocks and their keywords.
pub(super) fn blocks() -> Vec<BlockInfo> {
    let mut blocks = vec![
        BlockInfo { name: "virtual_server", keywords: || describe(virtual_server::KEYWORDS) },
        BlockInfo { name: "real_server", keywords: || describe(real_server::KEYWORDS) },
        BlockInfo { name: "SSL", keywords: || describe(ssl::KEYWORDS) },
    ];
    blocks.extend(checkers::blocks());
    blocks
}
