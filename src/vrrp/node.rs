//! All instances as one machine: who is told what, and when the next timer expires.
use super::{
    event::{Action, Datagram, Event, Level, SocketKey, Tuning},
    facts::Readings,
    filter::Filters,
    instance::{Heard, Instance, Phase, Turn},
    links::Links,
    own_links::OwnLinks,
    packet::View,
    routing::Expected,
    statics,
    sync_group::Group,
    tell::Told,
};
use crate::{
    base::{Family, LinkIndex, Priority},
    config::model::{Authentication, GlobalDefs, VrrpConfig},
    machine::Machine,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// The VRRP child's machine.
#[derive(Debug)]
pub struct VrrpNode {
    pub(super) config: Arc<VrrpConfig>,
    pub(super) global: Arc<GlobalDefs>,
    pub(super) links: Links,
    pub(super) own_links: OwnLinks,
    pub(super) filters: Filters,
    /// Interfaces whose secondary addresses are promoted, as they were when that was ordered.
    promoting: BTreeMap<String, LinkIndex>,
    pub(super) instances: Vec<Instance>,
    pub(super) groups: Vec<Group>,
    pub(super) readings: Readings,
    /// Open ones, and the interface they were opened on.
    pub(super) sockets: BTreeMap<Arc<SocketKey>, Option<LinkIndex>>,
    /// Those that could not be opened, and when that is tried again.
    pub(super) retries: BTreeMap<Arc<SocketKey>, Instant>,
    /// Static routes and rules that a reload has taken out.
    pub(super) expected: Expected,
    /// When that was.
    pub(super) expected_since: Instant,
    /// Addresses of all instances.
    pub(super) vips: BTreeSet<IpAddr>,
    life: Life,
    /// How long the machine had been up when this was made.
    uptime: Duration,
    /// Time since 1970, and when that was.
    wall: (Duration, Instant),
    clock_is_watched: bool,
    /// VRIDs that no instance has and that have been complained of.
    unknown_vrids: BTreeSet<u8>,
}

/// Before sockets that could not be opened are tried again.
pub(super) const RETRY: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum Life {
    /// What is to be done before anything else, at once.
    New {
        since: Instant,
        first: Vec<Action>,
    },
    /// `vrrp_startup_delay`.
    Delayed {
        until: Instant,
    },
    Running,
    Stopped,
}

impl VrrpNode {
    /// The first step, whichever it is, releases what a crashed predecessor may have left, adds the
    /// static addresses and starts the scripts. Instances start with the first
    /// [`crate::net::NetEvent::Links`].
    #[must_use]
    pub fn new(config: Arc<VrrpConfig>, global: Arc<GlobalDefs>, now: Instant) -> Self {
        let mut node = Self {
            instances: config.instances.iter().map(|i| Instance::new(i.clone(), now)).collect(),
            groups: vec![],
            links: Links::default(),
            own_links: OwnLinks::default(),
            filters: Filters::default(),
            promoting: BTreeMap::new(),
            readings: Readings::new(),
            sockets: BTreeMap::new(),
            retries: BTreeMap::new(),
            expected: Expected::default(),
            expected_since: now,
            vips: BTreeSet::new(),
            life: Life::Running,
            uptime: Duration::MAX,
            wall: (Duration::ZERO, now),
            clock_is_watched: false,
            unknown_vrids: BTreeSet::new(),
            config,
            global,
        };
        let mut first = vec![];
        node.watch(&VrrpConfig::default(), true, &mut first);
        node.watch_clock(&mut first);
        node.settle_configuration();
        first.extend(node.release_leftovers());
        if node.global.disable_local_igmp {
            first.push(Action::Tune(Tuning::NoLocalIgmp));
        }
        first.extend(statics::start(&node.config));
        node.start_sync_daemon(&mut first);
        for instance in &node.instances {
            let config = &instance.config;
            let header = matches!(config.authentication, Authentication::Header(_));
            if header && config.wants_master && config.priority.value != Priority::OWNER {
                let text = "Initial state master is incompatible with AH authentication - clearing";
                first.push(Action::Log(Level::Info, format!("({}) {text}", instance.name)));
            }
        }
        node.life = Life::New { since: now, first };
        node
    }

    /// Signed adverts tell the time, which is that long after 1970.
    #[must_use]
    pub const fn at_time(mut self, wall: Duration, now: Instant) -> Self {
        self.wall = (wall, now);
        self
    }

    /// Only signatures need the time of day.
    pub(super) fn watch_clock(&mut self, out: &mut Vec<Action>) {
        let signed = self.instances.iter().any(|instance| instance.config.auth_hmac.is_some());
        if signed && !self.clock_is_watched {
            self.clock_is_watched = true;
            out.push(Action::WatchClock);
        }
    }

    /// The time since 1970, as far as we were told.
    pub(super) fn wall_at(&self, now: Instant) -> Duration {
        self.wall.0 + now.saturating_duration_since(self.wall.1)
    }

    /// The machine has been up for so long: `vrrp_delay_after_boot` counts from then.
    #[must_use]
    pub const fn booted(mut self, ago: Duration) -> Self {
        self.uptime = ago;
        self
    }

    /// What instances, groups and trackers derive from the configuration alone.
    pub(super) fn settle_configuration(&mut self) {
        self.groups = self.groups_of_configuration();
        let own = self.instances.iter().flat_map(|instance| &instance.config.own_links);
        // An interface of ours bounces as what is below it.
        let inherited = own.filter_map(|link| {
            Some((link.name.clone(), *self.global.link_delays.get(&link.parent)?))
        });
        let delays = self.global.link_delays.clone().into_iter().chain(inherited).collect();
        self.links.set_delays(delays);
        self.vips = self
            .instances
            .iter()
            .flat_map(Instance::all_addresses)
            .map(|address| address.address)
            .collect();
        for index in 0..self.instances.len() {
            let counts = self.group_of(index).is_none_or(|group| group.config.tracking_weight);
            if let Some(instance) = self.instances.get_mut(index) {
                instance.plan_trackers(counts, &self.readings);
            }
        }
        self.assign_sync_daemon();
    }

    fn groups_of_configuration(&self) -> Vec<Group> {
        let mut taken = BTreeSet::new();
        let mut groups = vec![];
        for config in &self.config.sync_groups {
            // An instance in two groups belongs to the first.
            let members = config
                .members
                .iter()
                .filter_map(|name| self.instances.iter().position(|i| *i.name == *name.value))
                .filter(|at| taken.insert(*at))
                .collect();
            let told = self
                .groups
                .iter()
                .find(|old| old.config.name == config.name)
                .and_then(|old| old.told);
            groups.push(Group { config: config.clone(), members, told });
        }
        groups
    }

    fn release_leftovers(&self) -> Vec<Action> {
        let mut out = vec![];
        for instance in &self.instances {
            if !instance.config.rules.is_empty() {
                out.push(Action::RemoveRules(instance.config.rules.clone()));
            }
            if !instance.config.routes.is_empty() {
                out.push(Action::RemoveRoutes(instance.config.routes.clone()));
            }
            let addresses: Vec<_> = instance.all_addresses().cloned().collect();
            if !addresses.is_empty() {
                out.push(Action::RemoveAddresses(addresses));
            }
        }
        out
    }

    /// One instance's turn, without consequences for its group.
    pub(super) fn with<R>(
        &mut self,
        index: usize,
        now: Instant,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Instance, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let wall = self.wall_at(now);
        let instance = self.instances.get_mut(index)?;
        let mut turn = Turn { now, wall, links: &mut self.links, global: &self.global, out };
        Some(act(instance, &mut turn))
    }

    /// One instance's turn; if it moved, its group follows.
    pub(super) fn lead<R>(
        &mut self,
        index: usize,
        now: Instant,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Instance, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let before = self.instances.get(index)?.phase();
        let result = self.with(index, now, out, act);
        self.follow(index, before, now, out);
        result
    }

    /// Looks at the host again and lets everybody draw the consequences.
    pub(super) fn settle(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.match_own_links(now, out);
        self.promote_secondaries(out);
        let vips = std::mem::take(&mut self.vips);
        for index in 0..self.instances.len() {
            self.with(index, now, out, |instance, turn| instance.observe(&vips, turn));
        }
        self.vips = vips;
        self.match_sockets(out);
        self.spread_faults(out);
        match self.life {
            Life::Running if self.links.are_known() => {}
            Life::New { .. } | Life::Delayed { .. } | Life::Running | Life::Stopped => return,
        }
        for index in 0..self.instances.len() {
            let company = self.company(index);
            self.lead(index, now, out, |instance, turn| instance.settle(company, turn));
        }
    }

    /// Opens what instances need and closes what none needs. A link that came back under its old
    /// name is another one: sockets bound to the old one hear nothing.
    fn match_sockets(&mut self, out: &mut Vec<Action>) {
        let mut wanted = BTreeMap::new();
        for key in self.instances.iter().filter_map(|instance| instance.socket.as_ref()) {
            let link = self.links.find(&key.interface).map(|link| link.index);
            if link.is_some() || key.interface.is_empty() {
                wanted.insert(Arc::clone(key), link);
            }
        }
        for (key, link) in &self.sockets {
            if wanted.get(key) != Some(link) {
                out.push(Action::Close(Arc::clone(key)));
            }
        }
        for (key, link) in &wanted {
            if self.sockets.get(key) != Some(link) {
                out.push(Action::Open(Arc::clone(key)));
            }
        }
        self.retries.retain(|key, _| wanted.contains_key(key));
        self.sockets = wanted;
    }

    /// `promote_secondaries`; an interface that came back anew has forgotten it.
    fn promote_secondaries(&mut self, out: &mut Vec<Action>) {
        for instance in self.instances.iter().filter(|i| i.config.promote_secondaries) {
            let name = &instance.config.interface.value;
            let Some(index) = self.links.find(name).map(|link| link.index) else { continue };
            if self.promoting.insert(name.clone(), index) != Some(index) {
                out.push(Action::Tune(Tuning::PromoteSecondaries(name.clone())));
            }
        }
    }

    fn retry_sockets(&mut self, now: Instant, out: &mut Vec<Action>) {
        for (key, at) in &mut self.retries {
            if *at <= now {
                *at = now + RETRY;
                out.push(Action::Open(Arc::clone(key)));
            }
        }
    }

    fn on_datagram(&mut self, datagram: &Datagram, now: Instant, out: &mut Vec<Action>) {
        let socket = &datagram.socket;
        let view = match (socket.family, datagram.from, datagram.to) {
            (Family::V6, IpAddr::V6(from), IpAddr::V6(to)) => {
                View::of_v6(from, to, datagram.hop_limit, &datagram.bytes)
            }
            (Family::V6 | Family::V4, _, _) => View::of_v4(&datagram.bytes),
        };
        let view = match view {
            Ok(view) => view,
            Err(short) => {
                let family = match short.family {
                    Family::V4 => "IPv4",
                    Family::V6 => "IPv6",
                };
                let text = format!("{family} VRRP packet too short - {} bytes", short.length);
                out.push(Action::Log(Level::Detail, text));
                return;
            }
        };
        // The protocol is left out on purpose: the instance says what it misses.
        let mut candidates = self.instances.iter().enumerate().filter(|(_, instance)| {
            instance.config.vrid.value.0 == view.vrid
                && instance.socket.as_ref().is_some_and(|own| {
                    own.interface == socket.interface
                        && own.family == socket.family
                        && own.endpoint == socket.endpoint
                })
        });
        // Unicast instances may share a VRID as long as they have different peers.
        let first = candidates.next();
        let better = first
            .filter(|(_, instance)| !instance.has_peer(view.from))
            .and_then(|_| candidates.find(|(_, instance)| instance.has_peer(view.from)));
        let Some((index, _)) = better.or(first) else {
            if self.global.log_unknown_vrids && self.unknown_vrids.insert(view.vrid) {
                let text = format!(
                    "Unknown VRID({}) received on interface({}). ignoring...",
                    view.vrid, socket.interface
                );
                out.push(Action::Log(Level::Info, text));
            }
            return;
        };
        let heard = self.lead(index, now, out, |instance, turn| instance.on_packet(&view, turn));
        if heard == Some(Heard::LowerMaster) {
            for other in self.companions(index) {
                self.with(other, now, out, Instance::announce_after_lower);
            }
        }
    }

    /// In keepalived's order: scripts, instances, statics, and only then what is told of it.
    fn stop(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.life = Life::Stopped;
        for script in &self.config.scripts {
            out.push(Action::UnwatchScript(script.name.value.clone()));
        }
        let mut told = vec![];
        for index in 0..self.instances.len() {
            self.with(index, now, out, |instance, turn| instance.stop(Told::Stop, turn));
        }
        out.extend(statics::stop(&self.config));
        out.retain(|action| {
            let later = matches!(action, Action::Notify(_));
            if later {
                told.push(action.clone());
            }
            !later
        });
        out.append(&mut told);
        for group in &mut self.groups {
            group.tell(Told::Stop, &self.global, out);
        }
        out.extend(std::mem::take(&mut self.sockets).into_keys().map(Action::Close));
        self.remove_filter(out);
        self.remove_own_links(out);
        out.push(Action::Untune);
        out.push(Action::Exit);
    }

    /// Starts, if nothing has been done yet.
    fn begin(&mut self, now: Instant) -> Vec<Action> {
        match &mut self.life {
            Life::New { first, .. } => {
                let mut first = std::mem::take(first);
                let after_boot = self.global.vrrp_delay_after_boot.saturating_sub(self.uptime);
                let delay = self.global.vrrp_startup_delay.max(after_boot);
                if !delay.is_zero() {
                    let text = format!("Delaying startup for {} seconds", delay.as_secs_f64());
                    first.push(Action::Log(Level::Info, text));
                }
                self.life = if delay.is_zero() {
                    Life::Running
                } else {
                    Life::Delayed { until: now + delay }
                };
                first
            }
            Life::Delayed { .. } | Life::Running | Life::Stopped => vec![],
        }
    }
}

impl Machine for VrrpNode {
    type Event = Event;
    type Action = Action;

    fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut out = self.begin(now);
        if let Life::Stopped = self.life {
            return out;
        }
        match event {
            Event::Datagram(datagram) => match self.life {
                Life::Running => self.on_datagram(&datagram, now, &mut out),
                Life::New { .. } | Life::Delayed { .. } | Life::Stopped => {}
            },
            Event::Net(event) => self.on_net(event, now, &mut out),
            Event::Tracker(news) => self.on_tracker(&news, now, &mut out),
            Event::SocketOpened(socket) => self.on_socket(&socket, None, now, &mut out),
            Event::SocketFailed { socket, reason } => {
                self.on_socket(&socket, Some(&reason), now, &mut out);
            }
            Event::SendFailed { socket, reason } => {
                self.on_send_failed(&socket, &reason, &mut out);
            }
            Event::WallClock(wall) => self.wall = (wall, now),
            Event::Reload(config, global) => self.reload(config, global, now, &mut out),
            Event::ReportStatus(request) => {
                out.push(Action::Report(request, self.status(now)));
            }
            Event::Stop => {
                self.stop(now, &mut out);
                return out;
            }
            Event::Leave => {
                self.stop(now, &mut out);
                out.retain(|action| !action.lets_go());
                return out;
            }
        }
        self.tell_groups(&mut out);
        self.place_filter(&mut out);
        out
    }

    fn handle_deadline(&mut self, now: Instant) -> Vec<Action> {
        let mut out = self.begin(now);
        match self.life {
            Life::Stopped | Life::New { .. } => return out,
            Life::Delayed { until } => {
                if until <= now {
                    self.life = Life::Running;
                    out.push(Action::Log(Level::Info, "Delayed start completed".to_owned()));
                    self.settle(now, &mut out);
                }
            }
            Life::Running => {}
        }
        self.retry_sockets(now, &mut out);
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.own_links.next()) || self.links.expire(now) {
            self.settle(now, &mut out);
        }
        for index in 0..self.instances.len() {
            let due = self.instances.get(index).and_then(Instance::next_deadline);
            if due.is_some_and(|at| at <= now) {
                let company = self.company(index);
                self.lead(index, now, &mut out, |instance, turn| {
                    instance.on_deadline(company, turn);
                });
            }
        }
        self.tell_groups(&mut out);
        self.place_filter(&mut out);
        out
    }

    fn next_deadline(&self) -> Option<Instant> {
        let own = match self.life {
            Life::New { since, .. } => Some(since),
            Life::Delayed { until } => Some(until),
            Life::Running => None,
            Life::Stopped => return None,
        };
        // One look at each of at most a few hundred: less than a heap would cost to keep.
        let timers = self.instances.iter().filter_map(Instance::next_deadline);
        let links = self.own_links.next().into_iter().chain(self.links.next_change());
        timers.chain(self.retries.values().copied()).chain(links).chain(own).min()
    }
}

impl VrrpNode {
    pub(super) fn masters(&self) -> Vec<usize> {
        let all = self.instances.iter().enumerate();
        all.filter(|(_, instance)| instance.phase() == Phase::Master).map(|(at, _)| at).collect()
    }
}
