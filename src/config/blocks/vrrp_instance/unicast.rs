//! Unicast: `unicast_peer` and what goes with it; an instance that has no interface.
use super::Draft;
use crate::{
    base::Family,
    config::{
        blocks::{global_defs::VrrpDefaults, line},
        diagnostic::Diagnostics,
        model::{Unicast, UnicastPeer},
        rules::{global as global_rules, values as value_rules, vrrp as rules},
        source::Spanned,
        tree::Statement,
    },
};
use std::net::IpAddr;

/// The lines of `unicast_peer`.
pub(super) fn peers(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    for entry in statement.body() {
        let mut words = line::Line::new(
            entry,
            global_rules::ADDRESS_NEEDS_VALUE,
            global_rules::ADDRESS_BAD_VALUE,
        );
        let Some(first) = words.next() else { continue };
        let name = value_rules::HOST_NAME;
        let Some((address, _)) = line::leading(statement.first(), first, name, out) else {
            draft.unicast.peer_refused = true;
            continue;
        };
        let mut peer = UnicastPeer { address, min_ttl: None, max_ttl: None };
        while let Some(option) = words.next() {
            match option.as_str() {
                "min_ttl" => peer.min_ttl = words.read(option, "0..255", out, line::number),
                "max_ttl" => peer.max_ttl = words.read(option, "0..255", out, line::number),
                _ if words.is_address(out) => break,
                unknown => {
                    out.report(global_rules::ADDRESS_UNKNOWN_WORD, option.span)
                        .with("word", unknown)
                        .with("options", "min_ttl, max_ttl");
                    break;
                }
            }
        }
        draft.unicast.peers.push(Spanned { value: peer, span: first.span });
    }
}

impl Draft {
    /// A keyword that means something for unicast only.
    pub(super) fn says_unicast(&mut self, statement: &Statement<'_>) {
        self.unicast.said.get_or_insert(statement.span);
    }

    /// None = multicast.
    pub(super) fn settled_unicast(
        &mut self,
        family: Family,
        strict: bool,
        defaults: &VrrpDefaults,
        out: &mut Diagnostics,
    ) -> Option<Unicast> {
        let draft = std::mem::take(&mut self.unicast);
        let lonely = draft.peers.is_empty()
            && !draft.peer_refused
            && !out.explains(self.said, "vrrp_instance", "unicast_peer");
        let mut peers = vec![];
        for Spanned { value: peer, span } in draft.peers {
            if Family::of(&peer.address) == family {
                peers.push(peer);
            } else {
                out.report(rules::UNICAST_FAMILY, span).with("address", peer.address);
            }
        }
        if peers.is_empty() && !draft.fault_no_peer {
            // A peer that could not be read has been reported.
            let explained = out.explains(self.said, "vrrp_instance", "unicast_peer");
            if let (true, false, Some(span)) = (lonely, explained, draft.said) {
                out.report(rules::UNICAST_NO_PEER, span);
            }
            return None;
        }
        if self.source.is_none() && !peers.is_empty() {
            out.report(rules::UNICAST_NO_SOURCE, self.name.span);
        }
        if strict {
            out.report(rules::STRICT_UNICAST, self.name.span).with("name", &self.name.value);
        }
        let limited = peers.iter().any(|peer| peer.min_ttl.is_some() || peer.max_ttl.is_some());
        let check_source = draft.check_source.or(defaults.check_unicast_src).unwrap_or(false);
        Some(Unicast {
            peers,
            ttl: draft.ttl,
            check_source: check_source || limited,
            old_checksum: draft.old_checksum,
        })
    }

    /// The interface; an empty name where unicast needs none.
    pub(super) fn settled_interface(&self, out: &mut Diagnostics) -> Option<Spanned<String>> {
        if let Some(interface) = &self.interface {
            if let Some(vrf) = &self.vrf {
                out.report(rules::VRF_WITH_INTERFACE, vrf.span);
            }
            return Some(interface.clone());
        }
        let peers = self.unicast.peers.iter().map(|peer| peer.value.address);
        let mut ends = peers.chain(self.source.as_ref().map(|source| source.value));
        let routed = !ends.any(is_link_local);
        if routed && self.source.is_some() && !self.unicast.peers.is_empty() {
            return Some(Spanned { value: String::new(), span: self.name.span });
        }
        if !out.explains(self.said, "vrrp_instance", "interface") {
            let rule = if self.unicast.peers.is_empty() {
                rules::NO_INTERFACE
            } else {
                rules::UNICAST_NO_INTERFACE
            };
            out.report(rule, self.name.span).with("name", &self.name.value);
        }
        None
    }
}

/// Such an address means nothing without an interface.
const fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
