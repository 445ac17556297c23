//! The kernel's IPVS connection synchronisation follows an instance. (One that follows nobody is the
//! director's.)
use super::{
    VrrpNode,
    event::{Action, SyncOrder, SyncRole},
    instance::Phase,
    transitions::sync_stop,
};
use std::sync::Arc;

impl VrrpNode {
    pub(super) fn assign_sync_daemon(&mut self) {
        let daemon = self.global.sync_daemon.clone().map(Arc::new);
        let followed = daemon.as_ref().and_then(|daemon| daemon.instance.clone());
        for instance in &mut self.instances {
            let follows = followed.as_deref() == Some(&*instance.name);
            instance.sync_daemon = daemon.clone().filter(|_| follows);
        }
    }

    /// As the followed instance's state says. A daemon of the other kind may be left from before.
    pub(super) fn start_sync_daemon(&self, out: &mut Vec<Action>) {
        for instance in &self.instances {
            let Some(daemon) = &instance.sync_daemon else { continue };
            let (role, other) = match instance.phase() {
                Phase::Master => (SyncRole::Master, SyncRole::Backup),
                Phase::Initialize | Phase::Fault | Phase::Backup => {
                    (SyncRole::Backup, SyncRole::Master)
                }
            };
            let id = daemon.id.unwrap_or(instance.config.vrid.value.0);
            out.push(sync_stop(other, id));
            let daemon = Arc::clone(daemon);
            out.push(Action::SyncDaemon(SyncOrder::Start { role, daemon, id }));
        }
    }

    /// Whatever runs under the present configuration.
    pub(super) fn stop_sync_daemon(&self, out: &mut Vec<Action>) {
        for instance in &self.instances {
            if let Some(daemon) = &instance.sync_daemon {
                let role = match instance.phase() {
                    Phase::Master => SyncRole::Master,
                    Phase::Initialize | Phase::Fault | Phase::Backup => SyncRole::Backup,
                };
                out.push(sync_stop(role, daemon.id.unwrap_or(instance.config.vrid.value.0)));
            }
        }
    }
}
