//! A new configuration over a running one: what is equal keeps its state, its connections and its
//! place in the table (spec: LVS and checkers §7).
use super::{
    CheckerId, Director, changed_weight,
    event::Action,
    fraction,
    real_server::{CheckerState, ServerState},
    tell::{self, Names},
    virtual_server::{Checking, Quorum, ServiceState},
    wanted,
};
use crate::{
    checkers::{Born, Schedule},
    config::model::{Checker, DirectorConfig, GlobalDefs, RealServer, SorryServer, VirtualServer},
};
use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    sync::Arc,
    time::Instant,
};

/// A service as it was: its settings and its state.
struct Old {
    config: usize,
    state: ServiceState,
}

impl Director {
    pub(super) fn reload(
        &mut self,
        config: &Arc<DirectorConfig>,
        global: Arc<GlobalDefs>,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        let old_config = std::mem::replace(&mut self.config, Arc::clone(config));
        out.push(Action::Settings(Arc::clone(&global)));
        self.global = global;
        let states = std::mem::take(&mut self.services);
        self.watch_addresses(out);
        let ran = running(&states);
        let mut old: HashMap<_, Old> = states
            .into_iter()
            .zip(&old_config.virtual_servers)
            .enumerate()
            .map(|(at, (state, config))| (config.identity(), Old { config: at, state }))
            .collect();
        let mut fresh = vec![];
        for (at, service) in config.virtual_servers.iter().enumerate() {
            let kept = old.remove(&service.identity()).and_then(|old| {
                let before = old_config.virtual_servers.get(old.config)?;
                Some((before, old.state))
            });
            let state = match kept {
                Some((before, state)) => self.keep(service, before, state, now, out),
                None => {
                    fresh.push(at);
                    let mut servers = Vec::with_capacity(service.real_servers.len());
                    for server in &service.real_servers {
                        servers.push(self.new_server(server, Born::AtStart, now));
                    }
                    let checking = self.checking(service);
                    if checking.is_on() {
                        tell::activating(out, service);
                    }
                    ServiceState { servers, quorum_up: false, checking }
                }
            };
            self.services.push(state);
        }
        for service in &mut self.services {
            if service.checking == Checking::Suspended {
                service.pause();
            }
        }
        // Whatever ran for a checker that is no more is of no interest.
        let stays = running(&self.services);
        out.extend(ran.difference(&stays).map(|id| Action::CancelProbe(*id)));
        let mut gone: Vec<Old> = old.into_values().collect();
        gone.sort_by_key(|old| old.config);
        for old in gone {
            let Some(before) = old_config.virtual_servers.get(old.config) else { continue };
            self.gone(before, &old.state, out);
        }
        self.index();
        self.rebuild(&fresh, out);
        if old_config.files != config.files {
            out.push(Action::WatchFiles(config.files.clone()));
        }
    }

    /// The table as it is now wanted, and the quorum of each service.
    fn rebuild(&mut self, fresh: &[usize], out: &mut Vec<Action>) {
        let before = std::mem::take(&mut self.wanted);
        for at in 0..self.services.len() {
            if fresh.contains(&at) {
                self.begin_service(at, out);
                continue;
            }
            let (Some(config), Some(service)) =
                (self.config.virtual_servers.get(at), self.services.get_mut(at))
            else {
                continue;
            };
            let moved = service.judge(config);
            if moved != Quorum::Same {
                tell::quorum(out, &self.global, config, service, false);
            }
            for (key, value) in wanted::entries(config, service) {
                // The very same value where nothing changed: comparing tables is then quick.
                let value = match before.0.get(&key) {
                    Some(known) if **known == *value => Arc::clone(known),
                    Some(_) | None => value,
                };
                self.wanted.0.insert(key, value);
            }
        }
        if self.wanted != before {
            self.want(out);
        }
    }

    /// A service that stays.
    fn keep(
        &mut self,
        config: &VirtualServer,
        before: &VirtualServer,
        state: ServiceState,
        now: Instant,
        out: &mut Vec<Action>,
    ) -> ServiceState {
        let sorry_in_use = state.sorry_in_use(before);
        let place = |sorry: &SorryServer| (sorry.ip, sorry.port);
        if !state.quorum_up && before.sorry.as_ref().map(place) != config.sorry.as_ref().map(place)
        {
            tell::sorry_changed(out, config, before.sorry.as_ref());
        }
        let checking = self.checking(config);
        checking.tell(state.checking, before, config, out);
        let servers = state.servers.into_iter().zip(&before.real_servers);
        let mut old: HashMap<(IpAddr, u16), (ServerState, &RealServer)> =
            servers.map(|(state, server)| ((server.ip, server.port), (state, server))).collect();
        let servers = config
            .real_servers
            .iter()
            .map(|server| match old.remove(&(server.ip, server.port)) {
                Some((state, before)) => {
                    let names = Names::of(config, server);
                    let (was_alive, weighed) = (state.alive, state.weight(before));
                    let mut state = self.keep_server(server, before, state, now);
                    let weighs = state.weight(server);
                    if weighed != weighs {
                        changed_weight(&names, weighed, weighs, was_alive, out);
                    }
                    if state.alive && !was_alive {
                        state.told = Some(true);
                        self.revived(&names, server, sorry_in_use, out);
                    }
                    state
                }
                None => self.added_server(config, server, checking, now, out),
            })
            .collect();
        let mut gone: Vec<_> = old.into_values().collect();
        gone.sort_by_key(|(_, server)| (server.ip, server.port));
        for (state, server) in gone {
            self.gone_server(before, server, &state, out);
        }
        ServiceState { servers, quorum_up: state.quorum_up, checking }
    }

    /// A server that is new in a service that stays.
    fn added_server(
        &mut self,
        config: &VirtualServer,
        server: &RealServer,
        checking: Checking,
        now: Instant,
        out: &mut Vec<Action>,
    ) -> ServerState {
        if checking.is_on() {
            tell::checkers(out, config, server, true);
        }
        let mut state = self.new_server(server, Born::AtReload, now);
        if state.alive {
            let names = Names::of(config, server);
            tell::pool(out, &names, false, true);
            if self.global.rs_init_notifies {
                state.told = Some(true);
                tell::server(out, &names, server, true);
            }
        }
        state
    }

    /// Equal checkers keep their standing; their clocks start anew. A changed one starts as new:
    /// down where its server is down, so that no reload revives a dead server.
    fn keep_server(
        &mut self,
        config: &RealServer,
        before: &RealServer,
        state: ServerState,
        now: Instant,
    ) -> ServerState {
        let ServerState { checkers, alive, told } = state;
        let mut old: Vec<(CheckerState, &Checker)> =
            checkers.into_iter().zip(&before.checkers).collect();
        let checkers: Vec<CheckerState> = config
            .checkers
            .iter()
            .map(|checker| {
                let jitter = fraction(&mut self.random);
                match old.iter().position(|(_, known)| *known == checker) {
                    Some(at) => {
                        let mut kept = old.swap_remove(at).0;
                        if !kept.running {
                            kept.schedule.restart_timer(now, jitter);
                        }
                        kept
                    }
                    None => {
                        self.next_id += 1;
                        let mut begins = checker.clone();
                        begins.timing.alpha |= !alive;
                        let schedule = Schedule::new(&begins, Born::AtStart, now, jitter);
                        let mut new = CheckerState::new(CheckerId(self.next_id), schedule);
                        new.learn(checker, &self.knowledge, now);
                        new
                    }
                }
            })
            .collect();
        // A checker more that has not run yet takes no living server down; one less may revive a
        // dead one.
        let alive = alive || checkers.iter().all(|checker| checker.schedule.is_up());
        ServerState { checkers, alive, told }
    }

    /// The checkers that kept it down are no more: told, as its fall was.
    fn revived(
        &self,
        names: &Names,
        server: &RealServer,
        sorry_in_use: bool,
        out: &mut Vec<Action>,
    ) {
        if !sorry_in_use {
            tell::pool(out, names, server.inhibit_on_failure, true);
        }
        tell::server(out, names, server, true);
        if server.smtp_alert {
            let body = "=> No checker fails any more <=".to_owned();
            tell::server_mail(out, &self.global, names, true, body);
        }
    }

    /// With its last server it loses a quorum that it had.
    fn gone(&self, config: &VirtualServer, state: &ServiceState, out: &mut Vec<Action>) {
        for (state, server) in state.servers.iter().zip(&config.real_servers) {
            self.gone_server(config, server, state, out);
        }
        tell::gone_service(out, &self.global, config, state.quorum_up.then_some(tell::REMOVING));
    }

    fn gone_server(
        &self,
        config: &VirtualServer,
        server: &RealServer,
        state: &ServerState,
        out: &mut Vec<Action>,
    ) {
        let names = Names::of(config, server);
        if state.alive || server.inhibit_on_failure {
            tell::pool(out, &names, false, false);
        }
        if !state.alive {
            return;
        }
        tell::server(out, &names, server, false);
        if server.smtp_alert {
            tell::server_mail(out, &self.global, &names, false, tell::REMOVING.to_owned());
        }
    }
}

/// The checkers that wait for a probe's outcome.
fn running(services: &[ServiceState]) -> BTreeSet<CheckerId> {
    services.iter().flat_map(ServiceState::running).collect()
}
