//! The machine's state for `ldirector status`.
use super::{
    VrrpNode,
    instance::{Instance, Phase},
    receive::Reject,
    tell::Told,
};
use crate::status::{Held, InstanceStatus, PacketErrors, SyncGroupStatus, VrrpStatus};
use std::time::Instant;

impl VrrpNode {
    /// A snapshot of all instances and groups.
    #[must_use]
    pub fn status(&self, now: Instant) -> VrrpStatus {
        VrrpStatus {
            instances: self.instances.iter().map(|instance| instance.status(now)).collect(),
            sync_groups: self
                .groups
                .iter()
                .map(|group| SyncGroupStatus {
                    name: group.config.name.value.clone(),
                    state: group.told.map_or("INIT", Told::name).to_owned(),
                    members: group
                        .members
                        .iter()
                        .filter_map(|at| self.instances.get(*at))
                        .map(|member| member.name.as_ref().to_owned())
                        .collect(),
                })
                .collect(),
            held: self.held(),
        }
    }

    fn held(&self) -> Held {
        let mut held = Held {
            addresses: self.config.static_addresses.clone(),
            routes: self.config.static_routes.clone(),
            rules: self.config.static_rules.clone(),
            sync_daemon: self.instances.iter().any(|instance| instance.sync_daemon.is_some()),
        };
        let masters = self.instances.iter().filter(|instance| instance.phase() == Phase::Master);
        for master in masters {
            held.addresses.extend(master.all_addresses().cloned());
            held.routes.extend_from_slice(&master.config.routes);
            held.rules.extend_from_slice(&master.config.rules);
        }
        held
    }
}

impl Instance {
    fn status(&self, now: Instant) -> InstanceStatus {
        let state = match self.phase() {
            Phase::Initialize => "INIT",
            Phase::Fault => "FAULT",
            Phase::Backup => "BACKUP",
            Phase::Master => "MASTER",
        };
        InstanceStatus {
            name: self.name.as_ref().to_owned(),
            interface: self.config.interface.value.clone(),
            vrid: self.config.vrid.value.0,
            state: state.to_owned(),
            since: now.saturating_duration_since(self.since).as_secs(),
            priority: self.priority.0,
            base_priority: self.config.priority.value.0,
            master: self.master().map(|address| address.to_string()),
            addresses: self.all_addresses().map(|vip| vip.prefix().to_string()).collect(),
            faults: self.faults.iter().map(ToString::to_string).collect(),
            adverts_sent: self.counters.sent,
            adverts_received: self.counters.received,
            became_master: self.counters.became_master,
            rejected: self.counters.rejected,
            errors: self.counters.errors,
            released_master: self.counters.released_master,
            zero_received: self.counters.zero_received,
            zero_sent: self.counters.zero_sent,
        }
    }
}

/// Puts a refused packet into its drawer (keepalived's statistics).
pub(super) fn count(errors: &mut PacketErrors, reject: &Reject) {
    let short = |r: &Reject| matches!(r, Reject::TooShort { .. } | Reject::TooLong { .. });
    let drawer = if short(reject) || matches!(reject, Reject::TotalLength { .. }) {
        &mut errors.length
    } else if matches!(reject, Reject::HopLimit { .. } | Reject::PeerHopLimit { .. }) {
        &mut errors.ttl
    } else if matches!(reject, Reject::Kind { .. }) {
        &mut errors.kind
    } else if matches!(reject, Reject::Interval { .. }) {
        &mut errors.interval
    } else if matches!(reject, Reject::NotAPeer(_)) {
        &mut errors.addresses
    } else if matches!(reject, Reject::AuthTypeInvalid { .. }) {
        &mut errors.auth_invalid
    } else if matches!(
        reject,
        Reject::AuthTypeDiffers { .. } | Reject::UnexpectedHeader(_) | Reject::NoHeader(_)
    ) {
        &mut errors.auth_mismatch
    } else if matches!(
        reject,
        Reject::Password(_) | Reject::Digest | Reject::Spi(_) | Reject::Replayed { .. }
    ) {
        &mut errors.auth_failure
    } else {
        &mut errors.other
    };
    *drawer += 1;
}
