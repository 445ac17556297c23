//! The kernel's IPVS connection synchronisation follows an instance, or runs both ways without one.
use super::{
    VrrpNode,
    event::{Action, Level, SyncOrder, SyncRole},
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

    /// Both ways, or as the followed instance's state says.
    pub(super) fn start_sync_daemon(&self, out: &mut Vec<Action>) {
        let Some(daemon) = self.global.sync_daemon.clone().map(Arc::new) else { return };
        let followed = self.instances.iter().find(|instance| instance.sync_daemon.is_some());
        let (roles, id): (&[SyncRole], u8) = match followed {
            None => {
                if let Some(name) = &daemon.instance {
                    let text = format!("lvs_sync_daemon: no instance {name}, running both daemons");
                    out.push(Action::Log(Level::Warning, text));
                }
                (&[SyncRole::Master, SyncRole::Backup], 0)
            }
            Some(instance) => {
                let role = match instance.phase() {
                    Phase::Master => &[SyncRole::Master],
                    Phase::Initialize | Phase::Fault | Phase::Backup => &[SyncRole::Backup],
                };
                (role, instance.config.vrid.value.0)
            }
        };
        let id = daemon.id.unwrap_or(id);
        out.extend(roles.iter().map(|role| {
            Action::SyncDaemon(SyncOrder::Start { role: *role, daemon: Arc::clone(&daemon), id })
        }));
    }

    /// The pair that follows nobody; a followed instance stops its own.
    pub(super) fn stop_shared_sync_daemon(&self, out: &mut Vec<Action>) {
        let Some(daemon) = &self.global.sync_daemon else { return };
        if self.instances.iter().all(|instance| instance.sync_daemon.is_none()) {
            let id = daemon.id.unwrap_or(0);
            out.extend([SyncRole::Master, SyncRole::Backup].map(|role| sync_stop(role, id)));
        }
    }

    /// Whatever runs under the present configuration.
    pub(super) fn stop_sync_daemon(&self, out: &mut Vec<Action>) {
        self.stop_shared_sync_daemon(out);
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
