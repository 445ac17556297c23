//! One service: its quorum, and which servers the kernel is to have (spec: LVS and checkers §2).
//!
//! | | quorum up, or no sorry server | quorum down, sorry server in use |
//! |---|---|---|
//! | server alive | its weight | absent; with inhibit: weight 0 |
//! | server dead | absent; with inhibit: weight 0 | absent; with inhibit: weight 0 |
//! | sorry server | absent; with inhibit: weight 0 | weight 1 |
use super::real_server::ServerState;
use crate::{
    config::model::VirtualServer,
    ipvs::{Destination, DestinationKey},
};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct ServiceState {
    /// As many as the configuration has, in its order.
    pub(super) servers: Vec<ServerState>,
    pub(super) quorum_up: bool,
    pub(super) checking: Checking,
}

/// Whether the checkers of a service run (`ha_suspend`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checking {
    Always,
    /// They are due, but may find themselves suspended before their first second is over.
    Unknown,
    AddressHere,
    Suspended,
}

/// How the quorum moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quorum {
    Same,
    Gained,
    Lost,
}

impl ServiceState {
    /// Sum of the weights of living servers.
    pub(super) fn sum(&self, config: &VirtualServer) -> u64 {
        let alive = self.servers.iter().zip(&config.real_servers).filter(|(state, _)| state.alive);
        alive.map(|(state, server)| u64::from(state.weight(server))).sum()
    }

    /// The sum that keeps the quorum, and the sum that gains it.
    pub(super) fn thresholds(config: &VirtualServer) -> (u64, u64) {
        let (quorum, hysteresis) = (u64::from(config.quorum), u64::from(config.hysteresis));
        (quorum.saturating_sub(hysteresis).max(1), quorum + hysteresis)
    }

    /// Looks at the sum again.
    pub(super) fn judge(&mut self, config: &VirtualServer) -> Quorum {
        let sum = self.sum(config);
        let (keeps, gains) = Self::thresholds(config);
        match self.quorum_up {
            true if sum < keeps => {
                self.quorum_up = false;
                Quorum::Lost
            }
            false if sum >= gains => {
                self.quorum_up = true;
                Quorum::Gained
            }
            true | false => Quorum::Same,
        }
    }

    pub(super) fn sorry_in_use(&self, config: &VirtualServer) -> bool {
        !self.quorum_up && config.sorry.is_some()
    }

    /// The destinations of the service on one of its ports.
    pub(super) fn destinations(
        &self,
        config: &VirtualServer,
        place: impl Fn(&crate::base::Forward, u16) -> u16,
    ) -> BTreeMap<DestinationKey, Destination> {
        let sorry_in_use = self.sorry_in_use(config);
        let mut wanted = BTreeMap::new();
        for (state, server) in self.servers.iter().zip(&config.real_servers) {
            let weight = if state.alive && !sorry_in_use {
                state.weight(server)
            } else if server.inhibit_on_failure {
                0
            } else {
                continue;
            };
            let key = DestinationKey { ip: server.ip, port: place(&server.forward, server.port) };
            let destination = Destination {
                forward: server.forward,
                weight,
                upper: server.upper_threshold,
                lower: server.lower_threshold,
            };
            wanted.insert(key, destination);
        }
        if let Some(sorry) = &config.sorry {
            let key = DestinationKey { ip: sorry.ip, port: place(&sorry.forward, sorry.port) };
            let alone = |weight| Destination { forward: sorry.forward, weight, upper: 0, lower: 0 };
            if sorry_in_use {
                // A server that is the sorry server too has one entry, and serves.
                wanted.entry(key).and_modify(|d| d.weight = 1).or_insert_with(|| alone(1));
            } else if sorry.inhibit {
                wanted.entry(key).or_insert_with(|| alone(0));
            }
        }
        wanted
    }
}
