//! `vrrp_instance`: one virtual router.
mod hmac;
mod own_links;
mod settle;
mod table;
mod unicast;

pub(super) use hmac::AUTH_HMAC;
pub(super) use own_links::Names;
pub(super) use settle::Surroundings;
pub(super) use table::{AUTHENTICATION, KEYWORDS};

use super::{
    Drafts, addresses,
    global_defs::{Garp, SyncInterface},
    notify,
    routing::{self, RouteDraft, RuleDraft},
    trackers, words,
};
use crate::{
    base::Priority,
    config::{
        diagnostic::{Diagnostics, Said},
        keyword::apply,
        model::{UnicastPeer, Version},
        rules::vrrp as rules,
        source::{Span, Spanned},
        tree::Statement,
    },
};
use std::{net::IpAddr, time::Duration};

/// What a block says; unset stays None until everything else is known.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    pub(super) name: Spanned<String>,
    state: Option<Spanned<State>>,
    interface: Option<Spanned<String>>,
    vrid: Option<Spanned<u8>>,
    /// There was a virtual_router_id, if only a bad one: that has been said.
    vrid_given: bool,
    priority: Option<Spanned<Priority>>,
    version: Option<Version>,
    native_ipv6: bool,
    advert_interval: Option<Spanned<Duration>>,
    authentication: Option<AuthenticationDraft>,
    auth_hmac: Option<hmac::HmacDraft>,
    addresses: Vec<addresses::Draft>,
    /// There were lines with addresses, if only bad ones.
    addresses_given: bool,
    excluded: Vec<addresses::Draft>,
    no_addresses: bool,
    routes: Vec<RouteDraft>,
    rules: Vec<RuleDraft>,
    /// Borrowed from the file while the block is read.
    routing: routing::Shared,
    track_interfaces: Vec<trackers::Draft>,
    lines: trackers::Lines,
    ignore_primary: bool,
    notify: notify::Draft,
    /// Where `nopreempt` stands.
    nopreempt: Option<Span>,
    preempt_delay: Option<Spanned<Duration>>,
    source: Option<Spanned<IpAddr>>,
    track_source: bool,
    vrf: Option<Spanned<String>>,
    timer_expired_backup: Option<Spanned<Priority>>,
    multicast_group: Option<Spanned<IpAddr>>,
    unicast: UnicastDraft,
    garp: Garp,
    lower_prio_no_advert: Option<bool>,
    higher_prio_send_advert: Option<bool>,
    owner_ignore_adverts: Option<bool>,
    skip_check_adv_addr: Option<bool>,
    down_timer_adverts: Option<u8>,
    v3_checksum_as_v2: Option<bool>,
    promote_secondaries: bool,
    strict: Option<bool>,
    accept: Option<Spanned<bool>>,
    sync_interface: Option<Spanned<String>>,
    own_links: own_links::Draft,
    said: Said,
}

/// `state`: a wish for the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Master,
    Backup,
}

#[derive(Debug, Default)]
pub(super) struct AuthenticationDraft {
    span: Span,
    kind: Option<AuthenticationKind>,
    password: Option<Spanned<String>>,
    said: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AuthenticationKind {
    Password,
    Header,
}

#[derive(Debug, Default)]
struct UnicastDraft {
    peers: Vec<Spanned<UnicastPeer>>,
    /// A line of the list was no address, which has been said.
    peer_refused: bool,
    /// Where the first keyword of unicast stands.
    said: Option<Span>,
    ttl: Option<u8>,
    check_source: Option<bool>,
    fault_no_peer: bool,
    old_checksum: Option<bool>,
}

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(name) = words::name(statement) else { return };
    let routing = std::mem::take(&mut drafts.routing);
    let mut draft = Draft { name, routing, ..Draft::default() };
    let start = out.here();
    apply(KEYWORDS, "vrrp_instance", statement.body(), &mut draft, out);
    draft.said = out.since(start);
    drafts.routing = std::mem::take(&mut draft.routing);
    if drafts.admit("vrrp_instance", &draft.name, rules::INSTANCE_TWICE, out) {
        drafts.instances.push(draft);
    }
}

impl Draft {
    pub(super) fn named_scripts(&self) -> impl Iterator<Item = &String> {
        self.lines.named_scripts()
    }

    /// The old per-instance way to ask for the kernel's sync daemon.
    pub(super) fn take_sync_interface(&mut self) -> Option<SyncInterface> {
        let interface = self.sync_interface.take()?;
        Some(SyncInterface { interface, instance: self.name.value.clone() })
    }
}
