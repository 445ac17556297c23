//! Into and out of each state: the only places that assign it, and the order of what follows.
use super::{
    announce::Schedule,
    event::{Action, Announcement, Level, SyncOrder, SyncRole, Target},
    instance::{Instance, Phase, State, Turn},
    tell::{self, Subject, Told},
};
use crate::base::{Family, InterfaceAddress, Priority};
use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

/// Whether the others are told that we stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Our own decision: they need not wait for the timeout.
    PriorityZero,
    /// A better master has spoken, or the group moves together.
    Silent,
}

impl Instance {
    /// RFC 9568 §6.4.2 (505): the advert first, so that the others fall silent, then the
    /// addresses, then the neighbours.
    pub(super) fn enter_master(&mut self, turn: &mut Turn<'_>) {
        // By now all news of what we removed before has come; what was not there made none.
        if turn.now.duration_since(self.since) >= Duration::from_secs(1) {
            self.expected.clear();
        }
        self.wants_master = true;
        // Nobody is heard any more, no rival either.
        if self.rival.take().is_some() {
            let priority = self.effective_priority();
            self.set_priority(priority, turn);
        }
        self.master_interval = self.config.advert_interval;
        self.enter(
            State::Master {
                next_advert: turn.now + self.config.advert_interval,
                last_advert: turn.now,
                announce: Schedule::new(&self.config.garp, turn.now),
            },
            turn,
        );
        self.counters.became_master += 1;
        self.send(self.priority, turn);
        self.log(Level::Info, "Entering MASTER STATE", turn);
        self.held = self
            .all_addresses()
            .filter(|vip| turn.links.has(&vip.dev, vip.address))
            .map(|vip| (vip.dev.clone(), vip.address))
            .collect();
        if !self.config.addresses.is_empty() {
            self.log(Level::Detail, "setting VIPs.", turn);
            turn.out.push(Action::AddAddresses(self.config.addresses.clone()));
        }
        if !self.config.excluded.is_empty() {
            self.log(Level::Detail, "setting E-VIPs.", turn);
            turn.out.push(Action::AddAddresses(self.config.excluded.clone()));
        }
        self.add_routes(self.config.routes.clone(), turn);
        self.add_rules(self.config.rules.clone(), turn);
        self.announce(self.config.garp.repeat, turn);
        self.tell(Told::Master, turn);
        self.switch_sync_daemon(SyncRole::Backup, SyncRole::Master, turn);
    }

    /// From any state but Backup; the timer runs from now.
    pub(super) fn enter_backup(&mut self, timer: Duration, turn: &mut Turn<'_>) {
        let first = self.state == State::Initialize;
        self.become_backup(timer, None, turn);
        let text = if first { "Entering BACKUP STATE (init)" } else { "Entering BACKUP STATE" };
        self.log(Level::Info, text, turn);
        self.tell(Told::Backup, turn);
    }

    /// A better master has spoken.
    pub(super) fn step_down(
        &mut self,
        timer: Duration,
        master: Option<IpAddr>,
        turn: &mut Turn<'_>,
    ) {
        self.leave_for_backup(timer, master, Farewell::Silent, turn);
    }

    /// Something of ours was taken: let go of everything, and come back after Skew_Time with
    /// everything restored unless somebody else is quicker.
    pub(super) fn give_up(&mut self, turn: &mut Turn<'_>) {
        self.leave_for_backup(self.skew(), None, Farewell::PriorityZero, turn);
    }

    fn leave_for_backup(
        &mut self,
        timer: Duration,
        master: Option<IpAddr>,
        farewell: Farewell,
        turn: &mut Turn<'_>,
    ) {
        self.switch_sync_daemon(SyncRole::Master, SyncRole::Backup, turn);
        self.log(Level::Info, "Entering BACKUP STATE", turn);
        self.release(farewell, turn);
        self.become_backup(timer, master, turn);
        self.tell(Told::Backup, turn);
    }

    fn become_backup(&mut self, timer: Duration, master: Option<IpAddr>, turn: &mut Turn<'_>) {
        let master_down = turn.now + timer;
        self.enter(State::Backup { master_down, master, preempt_at: None }, turn);
    }

    pub(super) fn enter_fault(&mut self, turn: &mut Turn<'_>) {
        let reasons: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        let text = format!("entering FAULT state ({})", reasons.join(", "));
        self.log(Level::Info, &text, turn);
        self.wants_master = false;
        match self.state {
            State::Master { .. } => {
                self.switch_sync_daemon(SyncRole::Master, SyncRole::Backup, turn);
                self.log(Level::Info, "Entering FAULT STATE", turn);
                self.release(Farewell::PriorityZero, turn);
            }
            State::Initialize | State::Backup { .. } | State::Fault => {
                self.log(Level::Info, "Entering FAULT STATE", turn);
            }
        }
        self.enter(State::Fault, turn);
        self.tell(Told::Fault, turn);
    }

    /// For good: the process stops, or the configuration has no such instance any more.
    pub(super) fn stop(&mut self, told: Told, turn: &mut Turn<'_>) {
        let is_master = self.phase() == Phase::Master;
        if let Some(daemon) = &self.sync_daemon {
            let role = if is_master { SyncRole::Master } else { SyncRole::Backup };
            turn.out.push(sync_stop(role, daemon.id.unwrap_or(self.config.vrid.value.0)));
        }
        if is_master {
            self.release(Farewell::PriorityZero, turn);
        }
        self.enter(State::Initialize, turn);
        self.tell(told, turn);
    }

    fn enter(&mut self, state: State, turn: &Turn<'_>) {
        self.state = state;
        self.since = turn.now;
        self.forget_complaints();
    }

    /// Out of Master: farewell, rules, routes, announcements, addresses, in the reverse order of
    /// entering.
    fn release(&mut self, farewell: Farewell, turn: &mut Turn<'_>) {
        self.counters.released_master += 1;
        if farewell == Farewell::PriorityZero {
            self.send(Priority::STOP, turn);
            self.log(Level::Detail, "sent 0 priority", turn);
        }
        self.wants_master = false;
        self.remove_rules(self.config.rules.clone(), turn);
        self.remove_routes(self.config.routes.clone(), turn);
        turn.out.push(Action::CancelAnnouncements(Arc::clone(&self.name)));
        if !self.config.addresses.is_empty() {
            self.log(Level::Detail, "removing VIPs.", turn);
            self.remove_addresses(self.config.addresses.clone(), turn);
        }
        if !self.config.excluded.is_empty() {
            self.log(Level::Detail, "removing E-VIPs.", turn);
            self.remove_addresses(self.config.excluded.clone(), turn);
        }
    }

    pub(super) fn remove_addresses(&mut self, list: Vec<InterfaceAddress>, turn: &mut Turn<'_>) {
        for vip in &list {
            self.held.remove(&(vip.dev.clone(), vip.address));
            turn.links.forget(&vip.dev, vip.address);
        }
        if !list.is_empty() {
            turn.out.push(Action::RemoveAddresses(list));
        }
    }

    /// Tells the neighbours of all addresses, `rounds` times.
    pub(super) fn announce(&self, rounds: u32, turn: &mut Turn<'_>) {
        let targets = self.all_addresses().map(|vip| self.target(&vip.dev, vip.address, turn));
        self.announce_these(targets.collect(), rounds, turn);
    }

    /// `garp_extra_if`: once on each interface where adverts do not keep switches informed.
    pub(super) fn announce_elsewhere(&self, turn: &mut Turn<'_>) {
        let Some(extra) = self.config.garp.extra else { return };
        let mut told = BTreeSet::from([self.config.advert_interface.as_str()]);
        let is_ours = |dev: &str| self.config.own_links.iter().any(|link| link.name == dev);
        let targets: Vec<_> = self
            .all_addresses()
            .filter(|vip| (extra.all || is_ours(&vip.dev)) && told.insert(&vip.dev))
            .map(|vip| self.target(&vip.dev, vip.address, turn))
            .collect();
        self.announce_these(targets, 1, turn);
    }

    /// An interface came back without these.
    pub(super) fn restore_addresses(&mut self, dev: &str, turn: &mut Turn<'_>) {
        let lost = |vip: &&InterfaceAddress| vip.dev == dev && !turn.links.has(dev, vip.address);
        let list: Vec<_> = self.all_addresses().filter(lost).cloned().collect();
        if list.is_empty() {
            return;
        }
        let targets = list.iter().map(|vip| self.target(dev, vip.address, turn)).collect();
        turn.out.push(Action::AddAddresses(list));
        self.announce_these(targets, self.config.garp.repeat, turn);
    }

    /// With the pace of its interface: an interface of ours has that of the one below it.
    pub(super) fn target(&self, interface: &str, address: IpAddr, turn: &Turn<'_>) -> Target {
        let own = self.config.own_links.iter().find(|link| link.name == interface);
        let base = own.map_or(interface, |link| &link.parent);
        let groups = turn.global.garp_groups.iter().enumerate();
        let group = groups.clone().find(|(_, group)| {
            group.interfaces.iter().any(|member| member == interface || member == base)
        });
        let (lane, arp, na) = match group {
            Some((number, group)) => {
                (format!("garp_group {number}"), group.interval, group.gna_interval)
            }
            None => {
                let garp = &self.config.garp;
                (base.to_owned(), garp.interval, garp.gna_interval)
            }
        };
        let gap = match Family::of(&address) {
            Family::V4 => arp,
            Family::V6 => na,
        };
        Target { interface: interface.to_owned(), address, gap, lane: lane.into() }
    }

    pub(super) fn announce_these(
        &self,
        mut targets: Vec<Target>,
        rounds: u32,
        turn: &mut Turn<'_>,
    ) {
        // IFF_NOARP speaks of both: such a link has no neighbours to ask.
        targets.retain(|target| !turn.links.find(&target.interface).is_some_and(|l| l.noarp));
        if rounds == 0 || targets.is_empty() {
            return;
        }
        for target in &targets {
            let what = match Family::of(&target.address) {
                Family::V4 => "gratuitous ARPs",
                Family::V6 => "Unsolicited Neighbour Adverts",
            };
            let text =
                format!("Sending/queueing {what} on {} for {}", target.interface, target.address);
            self.log(Level::Detail, &text, turn);
        }
        turn.out.push(Action::Announce(Announcement {
            owner: Arc::clone(&self.name),
            targets,
            rounds,
        }));
    }

    /// Another master, of lower priority, may have told the neighbours its own address.
    pub(super) fn announce_after_lower(&mut self, turn: &mut Turn<'_>) {
        let State::Master { announce, .. } = &mut self.state else { return };
        if self.config.strict {
            return;
        }
        announce.heard_lower(&self.config.garp, turn.now);
        self.announce(self.config.garp.lower_prio_repeat, turn);
    }

    /// After a fault unicast peers may have lost where we are.
    pub(super) fn announce_source(&self, turn: &mut Turn<'_>) {
        let source = self.source.filter(|_| !self.config.interface.value.is_empty());
        let targets = source.map(|source| self.target(&self.config.interface.value, source, turn));
        self.announce_these(targets.into_iter().collect(), 1, turn);
    }

    pub(super) fn tell(&mut self, told: Told, turn: &mut Turn<'_>) {
        if self.told == Some(told) {
            return;
        }
        self.told = Some(told);
        let subject = Subject::Instance(&self.config, self.priority);
        let all = tell::of_state(subject, told, turn.global);
        turn.out.extend(all.into_iter().map(Action::Notify));
    }

    fn switch_sync_daemon(&self, stop: SyncRole, start: SyncRole, turn: &mut Turn<'_>) {
        let Some(daemon) = &self.sync_daemon else { return };
        let id = daemon.id.unwrap_or(self.config.vrid.value.0);
        turn.out.push(sync_stop(stop, id));
        turn.out.push(Action::SyncDaemon(SyncOrder::Start {
            role: start,
            daemon: Arc::clone(daemon),
            id,
        }));
    }

    /// Advertised and excluded ones.
    pub(super) fn all_addresses(&self) -> impl Iterator<Item = &InterfaceAddress> {
        self.config.addresses.iter().chain(&self.config.excluded)
    }
}

pub(super) const fn sync_stop(role: SyncRole, id: u8) -> Action {
    Action::SyncDaemon(SyncOrder::Stop { role, id })
}
