//! The machine's state for `ldirector status`.
use super::{
    VrrpNode,
    instance::{Instance, Phase},
    tell::Told,
};
use crate::status::{InstanceStatus, SyncGroupStatus, VrrpStatus};
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
        }
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
        }
    }
}
