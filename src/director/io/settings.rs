//! What `global_defs` says of the kernel's IPVS beside the table: `lvs_timeouts`, and a
//! `lvs_sync_daemon` that follows no instance (one that does is the VRRP process's).
use crate::{
    config::model::{self, GlobalDefs},
    ipvs::{
        DaemonRole, SyncDaemon, Timeouts,
        io::{IpvsError, IpvsKernel},
    },
};

const ROLES: [DaemonRole; 2] = [DaemonRole::Master, DaemonRole::Backup];

/// As far as they have been carried out.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// As they were before `lvs_timeouts`, and as we set them.
    timeouts: Option<(Timeouts, Timeouts)>,
    daemons: Option<model::SyncDaemon>,
}

/// What is wanted; nothing at the end.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    timeouts: Option<Timeouts>,
    daemons: Option<model::SyncDaemon>,
}

impl Wanted {
    pub(super) fn of(global: &GlobalDefs) -> Self {
        let timeouts = global.lvs_timeouts;
        Self {
            timeouts: timeouts.map(|(tcp, tcp_fin, udp)| Timeouts { tcp, tcp_fin, udp }),
            daemons: global.own_sync_daemon().cloned(),
        }
    }

    /// Whether it takes a kernel with IPVS even where there is no service.
    pub(super) const fn has_daemons(&self) -> bool {
        self.daemons.is_some()
    }
}

impl Settings {
    /// Whether the kernel has to be asked for anything.
    pub(super) fn differ(&self, wanted: &Wanted) -> bool {
        self.timeouts.map(|(_, set)| set) != wanted.timeouts || self.daemons != wanted.daemons
    }

    /// Whether daemons run that somebody else may have stopped.
    pub(super) const fn has_daemons(&self) -> bool {
        self.daemons.is_some()
    }

    /// True when daemons were started or stopped.
    pub(super) async fn apply<K: IpvsKernel>(
        &mut self,
        wanted: Wanted,
        kernel: &mut K,
    ) -> Result<bool, IpvsError> {
        self.set_timeouts(wanted.timeouts, kernel).await?;
        if self.daemons == wanted.daemons {
            return Ok(false);
        }
        if self.daemons.take().is_some() {
            for role in ROLES {
                kernel.stop_daemon(role).await?;
            }
        }
        if let Some(daemon) = wanted.daemons {
            for role in ROLES {
                kernel.start_daemon(named(&daemon, role)).await?;
            }
            self.daemons = Some(daemon);
        }
        Ok(true)
    }

    /// Starts what should run and does not.
    pub(super) async fn verify_daemons<K: IpvsKernel>(
        &self,
        kernel: &mut K,
    ) -> Result<(), IpvsError> {
        let Some(daemon) = &self.daemons else { return Ok(()) };
        for role in ROLES {
            kernel.keep_daemon(named(daemon, role)).await?;
        }
        Ok(())
    }

    /// Back to what was before where none are wanted any more.
    async fn set_timeouts<K: IpvsKernel>(
        &mut self,
        configured: Option<Timeouts>,
        kernel: &mut K,
    ) -> Result<(), IpvsError> {
        let wanted = match (&self.timeouts, configured) {
            (None, None) => return Ok(()),
            (Some((_, set)), Some(wanted)) if *set == wanted => return Ok(()),
            (Some((before, _)), None) => *before,
            (_, Some(wanted)) => wanted,
        };
        let before = match self.timeouts.take() {
            Some((before, _)) => before,
            None => kernel.timeouts().await?,
        };
        kernel.set_timeouts(wanted).await?;
        self.timeouts = configured.map(|set| (before, set));
        Ok(())
    }
}

fn named(daemon: &model::SyncDaemon, role: DaemonRole) -> SyncDaemon {
    SyncDaemon {
        role,
        interface: daemon.interface.clone(),
        id: daemon.id.unwrap_or(0),
        max_length: daemon.max_length,
        port: daemon.port,
        ttl: daemon.ttl,
        group: daemon.group,
    }
}
