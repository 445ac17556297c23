//! The table that a configuration would lead to: at a start, or at a reload of a director of which
//! only the status is known. The rules are those of the director itself; nothing is probed.
use super::{
    real_server::ServerState,
    virtual_server::{Checking, ServiceState},
    wanted,
};
use crate::{
    base::Family,
    config::model::{CheckerKind, DirectorConfig, RealServer, ServiceAddress, VirtualServer},
    ipvs::{DestinationKey, ServiceKey, Table},
    status::{DirectorStatus, RealServerStatus, VirtualServerStatus},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rehearsal {
    pub table: Table,
    /// Servers that checkers have standing otherwise than the file has them.
    pub standings: BTreeMap<(ServiceKey, DestinationKey), Standing>,
}

/// Why a server is not in the table as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This checker says so, for this reason (empty: it has not said why).
    Down { checker: String, reason: String },
    /// An alpha checker has to pass first.
    Waits,
    /// Checkers have changed its weight; this stands in the file.
    Weighs { configured: u32 },
    /// The quorum is lost: the sorry server serves.
    Sorry,
}

/// What becomes of the table. `known` is the running director's status; without it everything
/// starts anew.
#[must_use]
pub fn rehearse(config: &DirectorConfig, known: Option<&DirectorStatus>) -> Rehearsal {
    let mut rehearsal = Rehearsal::default();
    let services = known.map_or(&[][..], |known| &known.virtual_servers);
    let by_name: HashMap<(&str, Option<Family>), &VirtualServerStatus> =
        services.iter().map(|known| ((known.name.as_str(), known.family), known)).collect();
    for service in &config.virtual_servers {
        let before = match &service.at {
            ServiceAddress::Group { .. } => services.iter().find(|known| is_same(service, known)),
            ServiceAddress::Address { .. } | ServiceAddress::Mark(_) => {
                by_name.get(&(service.name().as_str(), Some(service.family))).copied()
            }
        };
        add(service, before, &mut rehearsal);
    }
    rehearsal
}

/// The entries of the kernel's table that belong to the services of a running director.
#[must_use]
pub fn entries_of(status: &DirectorStatus) -> BTreeSet<ServiceKey> {
    let services = status.virtual_servers.iter();
    let places = services.filter_map(|service| Some((service.at.as_ref()?, service.family?)));
    places.flat_map(|(at, family)| wanted::keys(at, family)).map(|(key, _)| key).collect()
}

fn add(config: &VirtualServer, before: Option<&VirtualServerStatus>, out: &mut Rehearsal) {
    let mut effective = config.clone();
    let mut servers = vec![];
    let mut standings = vec![];
    let servers_before = before.map_or(&[][..], |before| &before.real_servers);
    let by_name: HashMap<&str, &RealServerStatus> =
        servers_before.iter().map(|known| (known.name.as_str(), known)).collect();
    for server in &mut effective.real_servers {
        let name = config.server_name(server.ip, server.port);
        let known = by_name.get(name.as_str()).copied();
        let alive = known.map_or_else(|| starts_up(server), |known| is_alive(server, known));
        let configured = server.weight;
        server.weight = known.map_or(configured, |known| weight(server, known));
        standings.push(match known {
            Some(known) if !alive => Some(down(known)),
            None if !alive => Some(Standing::Waits),
            Some(_) if server.weight != configured => Some(Standing::Weighs { configured }),
            Some(_) | None => None,
        });
        // Without checkers a server weighs what its configuration says.
        servers.push(ServerState { checkers: vec![], alive, told: None });
    }
    let quorum_up = before.is_some_and(|before| before.quorum_up);
    let mut state = ServiceState { servers, quorum_up, checking: Checking::Always };
    state.judge(&effective);
    out.table.0.extend(wanted::entries(&effective, &state));
    let sorry = state.sorry_in_use(&effective).then_some(Standing::Sorry);
    for (server, standing) in effective.real_servers.iter().zip(standings) {
        if let Some(standing) = standing.or_else(|| sorry.clone()) {
            for place in wanted::places(&effective, server) {
                out.standings.insert(place, standing.clone());
            }
        }
    }
}

/// As a reload finds a group: by name and protocol, wherever it stands.
fn is_same(config: &VirtualServer, known: &VirtualServerStatus) -> bool {
    let protocol = |at: &ServiceAddress| match at {
        ServiceAddress::Group { name, protocol, .. } => Some((name.clone(), *protocol)),
        ServiceAddress::Address { .. } | ServiceAddress::Mark(_) => None,
    };
    known.family == Some(config.family)
        && known.at.as_ref().is_some_and(|at| protocol(at) == protocol(&config.at))
}

fn starts_up(server: &RealServer) -> bool {
    server.checkers.iter().all(|checker| !checker.timing.alpha)
}

/// A reload revives a dead server only where what kept it down is no more and nothing new is there
/// to ask first.
fn is_alive(server: &RealServer, known: &RealServerStatus) -> bool {
    let mut up: Vec<&str> =
        known.checkers.iter().filter(|checker| checker.up).map(|c| c.kind.as_str()).collect();
    known.alive
        || server.checkers.iter().all(|checker| {
            let at = up.iter().position(|kind| *kind == checker.kind.keyword());
            at.map(|at| up.swap_remove(at)).is_some()
        })
}

/// What checkers add stays; where a MISC_CHECK sets the weight, the weight does.
fn weight(server: &RealServer, known: &RealServerStatus) -> u32 {
    let Some(base) = known.base_weight else { return server.weight };
    let offset = known.weight - i64::from(base);
    let sets = server
        .checkers
        .iter()
        .any(|checker| matches!(&checker.kind, CheckerKind::Misc(misc) if misc.dynamic));
    let from = if sets && offset != 0 { base } else { server.weight };
    let largest = i64::from(i32::MAX);
    u32::try_from((i64::from(from) + offset).clamp(0, largest)).unwrap_or(0)
}

fn down(known: &RealServerStatus) -> Standing {
    let failed = known.checkers.iter().find(|checker| !checker.up);
    Standing::Down {
        checker: failed.map(|checker| checker.kind.clone()).unwrap_or_default(),
        reason: failed.map(|checker| checker.reason.clone()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checkers::Outcome,
        config::{self, model::GlobalDefs, source::Sources},
        director::{Action, Director, Event, Options},
        machine::Machine as _,
    };
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    const BEFORE: &str = "\
virtual_server 10.0.0.1 80 {
    lb_algo wrr
    protocol TCP
    quorum 2
    sorry_server 10.0.0.9 80
    real_server 10.0.0.11 80 {
        weight 2
        TCP_CHECK {
        }
    }
    real_server 10.0.0.12 80 {
        inhibit_on_failure
        TCP_CHECK {
        }
    }
    real_server 10.0.0.13 80 {
        alpha
        weight 3
        MISC_CHECK {
            misc_path /bin/true
            misc_dynamic
        }
    }
}
virtual_server_group g {
    10.0.0.20-22 80
}
virtual_server group g {
    lb_algo rr
    protocol TCP
    real_server 10.0.0.11 80 {
        PING_CHECK {
        }
    }
}
";

    fn parsed(text: &str) -> (Arc<DirectorConfig>, Arc<GlobalDefs>) {
        let (config, found) = config::parse(&Sources::from_text("test.conf", text));
        assert!(!found.has_errors(), "{:?}", found.iter().next());
        (config.director, config.global)
    }

    /// Only the table is of interest.
    fn done(_: Vec<Action>) {}

    /// A director that has started, and the outcomes of its first probes by the server's address.
    fn running(outcome: impl Fn(&str) -> Outcome) -> (Director, Instant) {
        let (config, global) = parsed(BEFORE);
        let mut now = Instant::now();
        let mut director = Director::new(config, global, Options::default(), now);
        for _ in 0..20 {
            for action in director.handle_deadline(now) {
                let Action::StartProbe { checker, probe } = action else { continue };
                let (service, server, _) = probe.at;
                let ip = probe.config.virtual_servers[service].real_servers[server].ip.to_string();
                let outcome = outcome(&ip);
                // Its report comes back at once.
                done(director.handle(Event::ProbeFinished { checker, outcome }, now));
            }
            now += Duration::from_secs(2);
        }
        (director, now)
    }

    #[test]
    fn a_start_leads_where_it_was_rehearsed() {
        let (config, global) = parsed(BEFORE);
        let now = Instant::now();
        let mut director = Director::new(Arc::clone(&config), global, Options::default(), now);
        done(director.handle_deadline(now));
        let rehearsal = rehearse(&config, None);
        assert_eq!(rehearsal.table, *director.wanted());
        let waits = rehearsal.standings.values().filter(|s| **s == Standing::Waits).count();
        assert_eq!(waits, 1, "{:?}", rehearsal.standings);
    }

    #[test]
    fn a_reload_leads_where_it_was_rehearsed() {
        let changes: [(&str, &str); 10] = [
            ("", ""),
            ("weight 2", "weight 7"),
            ("weight 3", "weight 9"),
            ("lb_algo wrr", "lb_algo sh"),
            ("quorum 2", "quorum 5"),
            ("    sorry_server 10.0.0.9 80\n", ""),
            ("10.0.0.20-22 80", "10.0.0.21-23 80"),
            ("        inhibit_on_failure\n        TCP_CHECK {\n        }\n", ""),
            ("        weight 2\n        TCP_CHECK {\n        }\n", "        weight 2\n"),
            (
                "    real_server 10.0.0.12 80 {",
                "    real_server 10.0.0.14 80 {\n        TCP_CHECK {\n        }\n    }\n    real_server 10.0.0.12 80 {",
            ),
        ];
        let worlds: [&dyn Fn(&str) -> Outcome; 4] = [
            &|_| Outcome::pass(""),
            &|ip| if ip == "10.0.0.11" { Outcome::fail("refused") } else { Outcome::pass("") },
            &|_| Outcome::fail("refused"),
            &|ip| match ip {
                "10.0.0.13" => Outcome::Pass { code: Some(12), reason: String::new() },
                _ => Outcome::fail("refused"),
            },
        ];
        let mut tables = vec![];
        for world in worlds {
            for (from, to) in changes {
                let (mut director, now) = running(world);
                let status = director.status(now);
                let ours: Vec<_> = director.wanted().0.keys().copied().collect();
                assert!(entries_of(&status).into_iter().eq(ours));
                let (config, global) = parsed(&BEFORE.replacen(from, to, 1));
                let rehearsal = rehearse(&config, Some(&status));
                done(director.handle(Event::Reload(config, global), now));
                assert_eq!(rehearsal.table, *director.wanted(), "{from:?} -> {to:?}");
                if !tables.contains(&rehearsal.table) {
                    tables.push(rehearsal.table);
                }
            }
        }
        assert!(tables.len() > 15, "{} tables: the changes change nothing", tables.len());
    }
}
