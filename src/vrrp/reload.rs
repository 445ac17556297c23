//! A new configuration over running instances: who stays keeps its state, only differences move.
use super::{
    VrrpNode,
    event::{Action, Level},
    instance::{Instance, Phase, Turn},
    receive::configured_form,
    statics::{self, surplus},
    tell::{self, Subject, Told},
};
use crate::{
    base::{Family, InterfaceAddress, OwnLink, Vrid},
    config::model::{GlobalDefs, VrrpConfig, VrrpInstance},
    trackers::{Reading, Subject as Tracked},
};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// What makes an instance the same one before and after; its name does not.
#[derive(PartialEq, Eq)]
struct Identity<'a> {
    vrid: Vrid,
    family: Family,
    interface: &'a str,
    /// None = unicast.
    group: Option<IpAddr>,
    source: Option<IpAddr>,
    /// Its own interface: another one is another router.
    own: Option<&'a OwnLink>,
}

impl<'a> Identity<'a> {
    fn of(config: &'a VrrpInstance) -> Self {
        let unicast = config.unicast.is_some();
        Self {
            vrid: config.vrid.value,
            family: config.family,
            interface: &config.interface.value,
            group: (!unicast).then_some(config.multicast_group),
            source: config.source.filter(|_| unicast),
            own: config
                .own_links
                .iter()
                .find(|link| link.parent == config.interface.value && link.family == config.family),
        }
    }
}

impl VrrpNode {
    pub(super) fn reload(
        &mut self,
        config: Arc<VrrpConfig>,
        global: Arc<GlobalDefs>,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        out.push(Action::Log(Level::Info, "Reloading ...".to_owned()));
        self.advertise_all(now, out);
        let sync_before = self.sync_daemons();
        let mut sync_stops = vec![];
        self.stop_sync_daemon(&mut sync_stops);
        let old_config = std::mem::replace(&mut self.config, config);
        self.global = global;
        self.watch(&old_config, false, out);
        let (gone, come) = statics::reload(&old_config, &self.config);
        self.take_out(gone, now, out);
        self.exchange_instances(now, out);
        let told: Vec<Option<Told>> = self.instances.iter().map(|kept| kept.told).collect();
        out.extend(come);
        self.watch_clock(out);
        self.settle_configuration();
        if self.sync_daemons() != sync_before {
            out.extend(sync_stops);
            self.start_sync_daemon(out);
        }
        self.settle(now, out);
        if self.global.fifo_states_on_reload {
            self.write_states(&told, out);
        }
        for index in 0..self.instances.len() {
            self.with(index, now, out, |instance, turn| {
                let timer = instance.master_down();
                instance.rearm(turn.now + timer);
            });
        }
        self.advertise_all(now, out);
        out.push(Action::Log(Level::Info, "Reload complete".to_owned()));
    }

    /// To the FIFOs alone: the state of whoever has not just told a new one.
    fn write_states(&self, before: &[Option<Told>], out: &mut Vec<Action>) {
        let mut lines = vec![];
        for (instance, before) in self.instances.iter().zip(before) {
            if let Some(told) = instance.told.filter(|now| Some(*now) == *before) {
                let subject = Subject::Instance(&instance.config, instance.priority);
                lines.extend(tell::state_line(subject, told, &self.global));
            }
        }
        for group in &self.groups {
            if let Some(told) = group.told {
                lines.extend(tell::state_line(Subject::Group(&group.config), told, &self.global));
            }
        }
        out.extend(lines.into_iter().map(Action::Notify));
    }

    /// Static ones: the kernel's news of it will be no news.
    fn take_out(&mut self, removals: Vec<Action>, now: Instant, out: &mut Vec<Action>) {
        self.expected.clear();
        self.expected_since = now;
        for action in removals {
            if let Action::RemoveAddresses(list) = &action {
                list.iter().for_each(|it| self.links.forget(&it.dev, it.address));
            } else if let Action::RemoveRoutes(list) = &action {
                self.expected.order(list, &[]);
            } else if let Action::RemoveRules(list) = &action {
                self.expected.order(&[], list);
            }
            out.push(action);
        }
    }

    /// Removals of all instances come before additions of any: an address may move between them.
    fn exchange_instances(&mut self, now: Instant, out: &mut Vec<Action>) {
        let new = Arc::clone(&self.config);
        let mut old: Vec<Option<Instance>> =
            std::mem::take(&mut self.instances).into_iter().map(Some).collect();
        let mut instances = vec![];
        for config in &new.instances {
            let same = old.iter_mut().find(|slot| {
                slot.as_ref().is_some_and(|old| Identity::of(&old.config) == Identity::of(config))
            });
            let kept = same.and_then(Option::take);
            instances.push((kept, config));
        }
        let wall = self.wall_at(now);
        let mut turn = Turn { now, wall, links: &mut self.links, global: &self.global, out };
        for mut gone in old.into_iter().flatten() {
            gone.sync_daemon = None;
            let told =
                if gone.config.notify.deleted.is_some() { Told::Deleted } else { Told::Fault };
            gone.stop(told, &mut turn);
        }
        for (kept, config) in &mut instances {
            if let Some(kept) = kept {
                kept.drop_surplus(config, &mut turn);
            }
        }
        for (kept, config) in instances {
            self.instances.push(match kept {
                Some(mut kept) => {
                    kept.adopt(config.clone(), &mut turn);
                    kept
                }
                None => Instance::new(config.clone(), now),
            });
        }
    }

    /// Scripts that are new or have changed start anew; files and processes are looked at anew where
    /// anything of them changed. What was last said of them stands until then.
    /// `start`: not at a reload.
    pub(super) fn watch(&mut self, old: &VrrpConfig, start: bool, out: &mut Vec<Action>) {
        let new = Arc::clone(&self.config);
        for script in old.scripts.iter().filter(|script| !new.scripts.contains(script)) {
            out.push(Action::UnwatchScript(script.name.value.clone()));
        }
        for script in new.scripts.iter().filter(|script| !old.scripts.contains(script)) {
            out.push(Action::WatchScript(script.clone()));
        }
        if old.files != new.files {
            // What somebody has written since the start must stay.
            out.push(Action::WatchFiles { files: new.files.clone(), overwrite: start });
        }
        if old.processes != new.processes {
            out.push(Action::WatchProcesses(new.processes.clone()));
        }
        let mut known = std::mem::take(&mut self.readings);
        let mut add = |subject: Tracked, fresh: Option<Reading>| {
            let reading = known.remove(&subject).unwrap_or(fresh);
            self.readings.insert(subject, reading);
        };
        for script in &new.scripts {
            let fresh = script.init_fail.then_some(Reading::Down);
            add(Tracked::Script(script.name.value.clone()), fresh);
        }
        new.processes.iter().for_each(|p| add(Tracked::Process(p.name.value.clone()), None));
        new.files.iter().for_each(|f| add(Tracked::File(f.name.value.clone()), None));
        // A session is down until somebody says that it is up.
        new.bfds.iter().for_each(|name| add(Tracked::Bfd(name.clone()), Some(Reading::Down)));
        // Those of other children too: a later configuration may name them.
        known.retain(|subject, _| matches!(subject, Tracked::Bfd(_)));
        self.readings.append(&mut known);
    }

    fn advertise_all(&mut self, now: Instant, out: &mut Vec<Action>) {
        for index in self.masters() {
            self.with(index, now, out, Instance::advertise);
        }
    }

    /// What runs and with which id: a difference means stopping and starting.
    fn sync_daemons(&self) -> Option<(crate::config::model::SyncDaemon, Option<Vrid>)> {
        let daemon = self.global.sync_daemon.clone()?;
        let followed = self.instances.iter().find(|instance| instance.sync_daemon.is_some());
        Some((daemon, followed.map(|instance| instance.config.vrid.value)))
    }
}

impl Instance {
    /// Rules, routes and addresses that the new configuration has not.
    fn drop_surplus(&mut self, new: &VrrpInstance, turn: &mut Turn<'_>) {
        if self.phase() != Phase::Master {
            return;
        }
        self.remove_rules(surplus(&self.config.rules, &new.rules), turn);
        self.remove_routes(surplus(&self.config.routes, &new.routes), turn);
        self.remove_addresses(surplus(&all(&self.config), &all(new)), turn);
    }

    /// Takes the new configuration, adding what is new to what a master holds.
    fn adopt(&mut self, new: VrrpInstance, turn: &mut Turn<'_>) {
        let old = std::mem::replace(&mut self.config, new);
        if old.advert_interval != self.config.advert_interval || old.version != self.config.version
        {
            self.master_interval = self.config.advert_interval;
        }
        if configured_form(&old) != configured_form(&self.config) {
            self.form = configured_form(&self.config);
        }
        self.name = self.config.name.value.as_str().into();
        self.forget_complaints();
        if self.phase() != Phase::Master {
            return;
        }
        let added = surplus(&all(&self.config), &all(&old));
        let routes = surplus(&self.config.routes, &old.routes);
        let targets = added.iter().map(|vip| self.target(&vip.dev, vip.address, turn)).collect();
        if !added.is_empty() {
            turn.out.push(Action::AddAddresses(added));
        }
        self.add_routes(routes, turn);
        self.add_rules(surplus(&self.config.rules, &old.rules), turn);
        self.announce_these(targets, self.config.garp.repeat, turn);
        if self.config.garp.refresh > Duration::ZERO {
            self.announce(self.config.garp.refresh_repeat, turn);
        }
    }
}

fn all(config: &VrrpInstance) -> Vec<InterfaceAddress> {
    config.addresses.iter().chain(&config.excluded).cloned().collect()
}
