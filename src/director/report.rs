//! The director's part of `ldirector status`; connections are the kernel's and are added after.
use super::{Director, keyword, virtual_server::Checking, wanted};
use crate::{
    config::model::DirectorConfig,
    ipvs::Counters,
    status::{CheckerStatus, DirectorStatus, RealServerStatus, VirtualServerStatus},
};
use std::time::Instant;

/// Why a checker with `ha_suspend` has nothing to say.
const SUSPENDED: &str = "suspended: the address is not on this machine";

impl Director {
    /// As things stand.
    #[must_use]
    pub fn status(&self, now: Instant) -> DirectorStatus {
        let services = self.services.iter().zip(&self.config.virtual_servers);
        let virtual_servers = services
            .map(|(service, config)| (service, config, service.checking == Checking::Suspended))
            .map(|(state, config, suspended)| VirtualServerStatus {
                name: config.name(),
                at: Some(config.at.clone()),
                family: Some(config.family),
                scheduler: config.scheduler.name().to_owned(),
                quorum_up: state.quorum_up,
                quorum: config.quorum,
                weight: state.sum(config),
                sorry_in_use: state.sorry_in_use(config),
                real_servers: state
                    .servers
                    .iter()
                    .zip(&config.real_servers)
                    .map(|(state, server)| RealServerStatus {
                        name: config.server_name(server.ip, server.port),
                        alive: state.alive,
                        weight: i64::from(state.weight(server)),
                        base_weight: Some(server.weight),
                        forward: server.forward.name().to_owned(),
                        checkers: state
                            .checkers
                            .iter()
                            .zip(&server.checkers)
                            .map(|(state, checker)| CheckerStatus {
                                kind: keyword(&checker.kind),
                                up: state.schedule.is_up(),
                                checked: state
                                    .checked
                                    .map(|at| now.saturating_duration_since(at).as_secs()),
                                reason: if suspended {
                                    SUSPENDED.to_owned()
                                } else {
                                    state.reason.clone()
                                },
                            })
                            .collect(),
                        active_connections: None,
                        inactive_connections: None,
                    })
                    .collect(),
            })
            .collect();
        DirectorStatus { virtual_servers, kernel_error: self.kernel_error.clone() }
    }
}

/// Fills in the connections of each server, over all entries of its service. `config` is the one
/// that `status` was made with.
pub(super) fn add_connections(
    status: &mut DirectorStatus,
    config: &DirectorConfig,
    counters: &Counters,
) {
    for (status, config) in status.virtual_servers.iter_mut().zip(&config.virtual_servers) {
        for (status, server) in status.real_servers.iter_mut().zip(&config.real_servers) {
            for (service, at) in wanted::places(config, server) {
                let found = counters.get(&service).and_then(|c| c.destinations.get(&at));
                if let Some(found) = found {
                    add(&mut status.active_connections, found.active);
                    add(&mut status.inactive_connections, found.inactive);
                }
            }
        }
    }
}

fn add(sum: &mut Option<u32>, more: u32) {
    *sum = Some(sum.unwrap_or(0).saturating_add(more));
}
