//! Hosts on one simulated LAN under a virtual clock: each turns a real `VrrpNode`.
use ldirector::{
    base::{AddressFlags, Family, InterfaceAddress, LinkIndex, Prefix, Priority, Script, Vrid},
    config::{
        model::{
            Authentication, GarpSchedule, GlobalDefs, NotifyScripts, ProcessMatch, SyncGroup,
            TrackFile, TrackInterface, TrackProcess, TrackScript, TrackerUse, Version, VrrpConfig,
            VrrpInstance,
        },
        source::Spanned,
    },
    machine::Machine,
    net::{LinkView, NetEvent},
    notify::Notification,
    status::InstanceStatus,
    trackers::{News, Reading, Subject},
    vrrp::{Action, Datagram, Endpoint, Event, Packet, SocketKey, VrrpNode},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

pub(crate) const LATENCY: Duration = Duration::from_millis(1);

pub(crate) struct Lan {
    origin: Instant,
    pub(crate) clock: Duration,
    pub(crate) hosts: Vec<Host>,
    flying: Vec<(Duration, usize, Datagram)>,
    /// Of every hundred packets these many are lost.
    pub(crate) loss: u32,
    seed: u64,
}

pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) config: VrrpConfig,
    pub(crate) global: GlobalDefs,
    /// None: not started, killed or stopped.
    pub(crate) node: Option<VrrpNode>,
    pub(crate) links: Vec<LinkView>,
    /// Its process gets no time: packets wait.
    pub(crate) frozen: bool,
    /// Whether its cables lead anywhere.
    pub(crate) plugged: bool,
    sockets: BTreeSet<Arc<SocketKey>>,
    inbox: VecDeque<Event>,
    watched: BTreeSet<String>,
    pub(crate) scripts: BTreeMap<String, bool>,
    /// Files (0 at first) and processes (up at first).
    tracked: BTreeMap<Subject, Reading>,
    pub(crate) record: Vec<(Duration, Action)>,
}

impl Lan {
    pub(crate) fn new() -> Self {
        Self {
            origin: Instant::now(),
            clock: Duration::ZERO,
            hosts: vec![],
            flying: vec![],
            loss: 0,
            seed: 0x9e37_79b9_7f4a_7c15,
        }
    }

    pub(crate) fn add(&mut self, name: &str) -> &mut Host {
        let number = u8::try_from(self.hosts.len() + 1).unwrap();
        self.hosts.push(Host {
            name: name.to_owned(),
            config: VrrpConfig::default(),
            global: GlobalDefs::default(),
            node: None,
            links: vec![link(1, "eth0", [10, 0, 0, number]), link(2, "eth1", [10, 1, 0, number])],
            frozen: false,
            plugged: true,
            sockets: BTreeSet::new(),
            inbox: VecDeque::new(),
            watched: BTreeSet::new(),
            scripts: BTreeMap::new(),
            tracked: BTreeMap::new(),
            record: vec![],
        });
        self.hosts.last_mut().unwrap()
    }

    pub(crate) fn host(&mut self, name: &str) -> &mut Host {
        self.hosts
            .iter_mut()
            .find(|host| host.name == name)
            .unwrap_or_else(|| panic!("no node {name}"))
    }

    pub(crate) fn start(&mut self, name: &str) {
        let now = self.now();
        let host = self.host(name);
        host.node =
            Some(VrrpNode::new(host.config.clone().into(), host.global.clone().into(), now));
        host.inbox.clear();
        let links = host.links.clone();
        host.inbox.push_back(Event::Net(NetEvent::Links(links)));
    }

    /// SIGKILL: nothing is said, nothing is released.
    pub(crate) fn kill(&mut self, name: &str) {
        let host = self.host(name);
        host.node = None;
        host.sockets.clear();
        host.watched.clear();
    }

    pub(crate) fn tell(&mut self, name: &str, event: Event) {
        self.host(name).inbox.push_back(event);
        self.drain();
    }

    pub(crate) fn set_link(&mut self, name: &str, interface: &str, running: bool) {
        let host = self.host(name);
        let link = host.links.iter_mut().find(|link| link.name == interface).unwrap();
        link.running = running;
        let event = Event::Net(NetEvent::Link(link.clone()));
        self.tell(name, event);
    }

    pub(crate) fn set_script(&mut self, name: &str, script: &str, up: bool) {
        let host = self.host(name);
        host.scripts.insert(script.to_owned(), up);
        if host.watched.contains(script) {
            self.tell(name, Event::Tracker(turned(script, up)));
        }
    }

    /// A file, a process or a BFD session becomes other; what is watched later begins with that.
    pub(crate) fn set_tracked(&mut self, name: &str, subject: Subject, reading: Reading) {
        let host = self.host(name);
        host.tracked.insert(subject.clone(), reading);
        if host.node.is_some() {
            self.tell(name, Event::Tracker(News { subject, reading }));
        }
    }

    /// Somebody gives the host an address.
    pub(crate) fn give(&mut self, name: &str, address: IpAddr) {
        self.host(name).add_address(&vip(address, "eth0"));
        self.drain();
    }

    /// Somebody takes an address from the host.
    pub(crate) fn steal(&mut self, name: &str, address: IpAddr) {
        self.host(name).remove_address(address);
        self.drain();
    }

    pub(crate) fn now(&self) -> Instant {
        self.origin + self.clock
    }

    /// Everything up to and at that time.
    pub(crate) fn run_until(&mut self, end: Duration) {
        self.drain();
        while self.step(end) {}
        self.clock = self.clock.max(end);
    }

    /// The next thing that happens, if it happens by `end`.
    pub(crate) fn step(&mut self, end: Duration) -> bool {
        self.drain();
        let origin = self.origin;
        let timers = self
            .hosts
            .iter()
            .filter(|host| !host.frozen)
            .filter_map(|host| host.node.as_ref()?.next_deadline())
            .map(|at| at.saturating_duration_since(origin));
        let arrivals = self.flying.iter().map(|(at, ..)| *at);
        let Some(next) = timers.chain(arrivals).min().filter(|next| *next <= end) else {
            return false;
        };
        self.clock = self.clock.max(next);
        self.deliver();
        self.drain();
        self.expire();
        self.drain();
        true
    }

    fn deliver(&mut self) {
        let due: Vec<_> = {
            let (due, later) = std::mem::take(&mut self.flying)
                .into_iter()
                .partition(|(at, ..)| *at <= self.clock);
            self.flying = later;
            due
        };
        for (_, to, datagram) in due {
            let host = &mut self.hosts[to];
            if host.plugged && host.is_up(&datagram.socket.interface) {
                host.inbox.push_back(Event::Datagram(datagram));
            }
        }
    }

    fn expire(&mut self) {
        let now = self.now();
        for at in 0..self.hosts.len() {
            if self.hosts[at].frozen {
                continue;
            }
            let Some(node) = &mut self.hosts[at].node else { continue };
            if node.next_deadline().is_some_and(|due| due <= now) {
                let actions = node.handle_deadline(now);
                self.execute(at, actions);
            }
        }
    }

    fn drain(&mut self) {
        let now = self.now();
        for at in 0..self.hosts.len() {
            if self.hosts[at].frozen {
                continue;
            }
            while let Some(event) = self.hosts[at].inbox.pop_front() {
                let Some(node) = &mut self.hosts[at].node else { continue };
                let actions = node.handle(event, now);
                self.execute(at, actions);
            }
        }
    }

    fn execute(&mut self, at: usize, actions: Vec<Action>) {
        for action in actions {
            self.hosts[at].record.push((self.clock, action.clone()));
            match action {
                Action::Send(packet) => self.send(at, &packet),
                Action::Exit => {
                    let name = self.hosts[at].name.clone();
                    self.kill(&name);
                }
                other => self.hosts[at].execute(other),
            }
        }
    }

    fn send(&mut self, from: usize, packet: &Packet) {
        let host = &self.hosts[from];
        let interface = packet.socket.interface.clone();
        if !host.plugged || !host.is_up(&interface) || !host.sockets.contains(&packet.socket) {
            return;
        }
        for to in 0..self.hosts.len() {
            if to == from || self.is_lost() {
                continue;
            }
            let there = self.hosts[to].sockets.iter().find(|socket| {
                let hears = match socket.endpoint {
                    Endpoint::Multicast(group) => group == packet.to,
                    Endpoint::Unicast(own) => own == packet.to,
                };
                hears && socket.interface == interface && socket.protocol == packet.socket.protocol
            });
            if let Some(socket) = there {
                let datagram = Datagram {
                    socket: Arc::clone(socket),
                    from: packet.from,
                    to: packet.to,
                    hop_limit: Some(255),
                    bytes: packet.bytes.to_vec(),
                };
                self.flying.push((self.clock + LATENCY, to, datagram));
            }
        }
    }

    fn is_lost(&mut self) -> bool {
        // xorshift64: the same seed gives the same losses.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % 100 < u64::from(self.loss)
    }

    pub(crate) fn seed(&mut self, seed: u64) {
        self.seed = seed | 1;
    }
}

impl Host {
    fn execute(&mut self, action: Action) {
        match action {
            Action::Open(socket) => {
                self.sockets.insert(socket);
            }
            Action::Close(socket) => {
                self.sockets.remove(&socket);
            }
            Action::AddAddresses(list) => list.iter().for_each(|vip| self.add_address(vip)),
            Action::RemoveAddresses(list) => {
                list.iter().for_each(|vip| self.remove_address(vip.address));
            }
            Action::WatchScript(script) => {
                let name = script.name.value;
                let up = *self.scripts.entry(name.clone()).or_insert(true);
                self.watched.insert(name.clone());
                self.inbox.push_back(Event::Tracker(turned(&name, up)));
            }
            Action::WatchFiles { files, overwrite: _ } => {
                for file in files {
                    self.tell_tracked(Subject::File(file.name.value), Reading::Number(0));
                }
            }
            Action::WatchProcesses(processes) => {
                for process in processes {
                    self.tell_tracked(Subject::Process(process.name.value), Reading::Up);
                }
            }
            Action::UnwatchScript(name) => {
                self.watched.remove(&name);
            }
            Action::CreateLinks(list) => list.iter().for_each(|own| self.create_link(&own.name)),
            Action::RemoveLinks(list) => {
                list.iter().for_each(|own| self.links.retain(|link| link.name != own.name));
            }
            Action::Send(_)
            | Action::Filter(_)
            | Action::Tune(_)
            | Action::Untune
            | Action::Exit
            | Action::AddRoutes(_)
            | Action::RemoveRoutes(_)
            | Action::AddRules(_)
            | Action::RemoveRules(_)
            | Action::Announce(_)
            | Action::CancelAnnouncements(_)
            | Action::WatchClock
            | Action::SyncDaemon(_)
            | Action::Notify(_)
            | Action::Log(..)
            | Action::Report(..) => {}
        }
    }

    fn create_link(&mut self, name: &str) {
        let index = self.links.iter().map(|link| link.index.0).max().unwrap_or(0) + 1;
        let mut made = link(index, name, [0, 0, 0, 0]);
        made.addresses.clear();
        self.links.push(made.clone());
        self.inbox.push_back(Event::Net(NetEvent::Link(made)));
    }

    fn tell_tracked(&mut self, subject: Subject, first: Reading) {
        let reading = *self.tracked.entry(subject.clone()).or_insert(first);
        self.inbox.push_back(Event::Tracker(News { subject, reading }));
    }

    fn add_address(&mut self, vip: &InterfaceAddress) {
        let Some(link) = self.links.iter_mut().find(|link| link.name == vip.dev) else { return };
        if link.addresses.contains(&vip.prefix()) {
            return;
        }
        link.addresses.push(vip.prefix());
        let (index, prefix) = (link.index, vip.prefix());
        self.inbox.push_back(Event::Net(NetEvent::AddressAdded { index, prefix }));
    }

    fn remove_address(&mut self, address: IpAddr) {
        for link in &mut self.links {
            if let Some(at) = link.addresses.iter().position(|prefix| prefix.address == address) {
                let prefix = link.addresses.remove(at);
                let index = link.index;
                self.inbox.push_back(Event::Net(NetEvent::AddressRemoved { index, prefix }));
            }
        }
    }

    fn is_up(&self, interface: &str) -> bool {
        self.links.iter().any(|link| link.name == interface && link.is_usable())
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        self.links.iter().any(|link| link.has(address))
    }

    /// None while the process does not run.
    pub(crate) fn status(&self, instance: &str, now: Instant) -> Option<InstanceStatus> {
        let status = self.node.as_ref()?.status(now);
        status.instances.into_iter().find(|status| status.name == instance)
    }

    pub(crate) fn instance(&mut self, name: &str) -> &mut VrrpInstance {
        let found = self.config.instances.iter().position(|i| i.name.value == name);
        let at = found.unwrap_or_else(|| {
            let number = u8::try_from(self.config.instances.len()).unwrap();
            self.config.instances.push(instance(name, 51 + number));
            self.config.instances.len() - 1
        });
        &mut self.config.instances[at]
    }

    pub(crate) fn group(&mut self, name: &str, members: &[&str]) {
        self.config.sync_groups.push(SyncGroup {
            name: plain(name.to_owned()),
            members: members.iter().map(|member| plain((*member).to_owned())).collect(),
            notify: NotifyScripts { any: Some(script("group-notify")), ..NotifyScripts::default() },
            smtp_alert: false,
            tracking_weight: false,
        });
    }

    pub(crate) fn track(&mut self, instance: &str, script_name: &str, weight: i32) {
        if !self.config.scripts.iter().any(|s| s.name.value == script_name) {
            self.config.scripts.push(TrackScript {
                name: plain(script_name.to_owned()),
                script: script("/bin/true"),
                interval: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
                weight: 0,
                reverse: false,
                rise: 1,
                fall: 1,
                init_fail: false,
            });
        }
        self.instance(instance).track_scripts.push(TrackerUse {
            name: plain(script_name.to_owned()),
            weight,
            reverse: false,
        });
    }

    /// `kind`: file, process, bfd.
    pub(crate) fn track_other(&mut self, kind: &str, instance: &str, line: TrackerUse) {
        let (name, weight, reverse) = (line.name.clone(), line.weight, line.reverse);
        match kind {
            "file" => {
                let path = format!("/{}", name.value);
                self.config.files.push(TrackFile { name, path, weight, reverse, init: None });
                self.instance(instance).track_files.push(line);
            }
            "process" => {
                let which = ProcessMatch::Name(name.value.clone());
                let (quorum, quorum_max) = (1, None);
                let (fork_delay, terminate_delay) = (Duration::ZERO, Duration::ZERO);
                self.config.processes.push(TrackProcess {
                    name,
                    which,
                    weight,
                    reverse,
                    quorum,
                    quorum_max,
                    fork_delay,
                    terminate_delay,
                });
                self.instance(instance).track_processes.push(line);
            }
            _ => {
                self.config.bfds.push(name.value);
                self.instance(instance).track_bfds.push(line);
            }
        }
    }

    pub(crate) fn track_interface(&mut self, instance: &str, name: &str, weight: i32) {
        let line = TrackInterface { name: plain(name.to_owned()), weight, reverse: false };
        self.instance(instance).track_interfaces.push(line);
    }

    /// The last words given to the `notify` script of this instance or group.
    pub(crate) fn last_notify(&self, name: &str) -> Option<&str> {
        self.record.iter().rev().find_map(|(_, action)| match action {
            Action::Notify(Notification::Script { queue, script }) if queue == name => {
                Some(script.argv[script.argv.len() - 2].as_str())
            }
            _ => None,
        })
    }
}

pub(crate) fn plain<T>(value: T) -> Spanned<T> {
    Spanned { value, span: ldirector::config::source::Span::default() }
}

/// A script turned.
pub(crate) fn turned(name: &str, up: bool) -> News {
    News { subject: Subject::Script(name.to_owned()), reading: Reading::of(up) }
}

fn script(path: &str) -> Script {
    Script { argv: vec![path.to_owned()], user: None, group: None }
}

pub(crate) fn vip(address: IpAddr, dev: &str) -> InterfaceAddress {
    InterfaceAddress {
        address,
        length: Family::of(&address).bits(),
        dev: dev.to_owned(),
        broadcast: None,
        scope: 0,
        label: None,
        peer: None,
        flags: AddressFlags::default(),
        preferred_lifetime: None,
        track: true,
    }
}

/// Priority 100, one second, 192.0.2.10 on eth0.
pub(crate) fn instance(name: &str, vrid: u8) -> VrrpInstance {
    VrrpInstance {
        name: plain(name.to_owned()),
        wants_master: false,
        interface: plain("eth0".to_owned()),
        vrf: None,
        advert_interface: "eth0".to_owned(),
        own_links: vec![],
        vrid: plain(Vrid(vrid)),
        priority: plain(Priority(100)),
        version: Version::V2,
        family: Family::V4,
        advert_interval: Duration::from_secs(1),
        authentication: Authentication::None,
        auth_hmac: None,
        addresses: vec![vip("192.0.2.10".parse().unwrap(), "eth0")],
        excluded: vec![],
        routes: vec![],
        rules: vec![],
        static_interfaces: vec![],
        track_interfaces: vec![],
        track_scripts: vec![],
        track_processes: vec![],
        track_files: vec![],
        track_bfds: vec![],
        track_primary: true,
        notify: NotifyScripts { any: Some(script("notify")), ..NotifyScripts::default() },
        smtp_alert: false,
        preempt: true,
        preempt_delay: Duration::ZERO,
        source: None,
        track_source: false,
        multicast_group: "224.0.0.18".parse().unwrap(),
        unicast: None,
        garp: GarpSchedule {
            delay: Duration::from_secs(5),
            repeat: 5,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_delay: Duration::from_secs(5),
            lower_prio_repeat: 5,
            interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            extra: None,
        },
        lower_prio_no_advert: false,
        higher_prio_send_advert: false,
        owner_ignore_adverts: false,
        skip_check_adv_addr: false,
        down_timer_adverts: 3,
        timer_expired_backup: None,
        v3_checksum_as_v2: false,
        promote_secondaries: false,
        strict: false,
        accept: true,
    }
}

fn link(index: u32, name: &str, address: [u8; 4]) -> LinkView {
    let (index16, last) = (u16::try_from(index).unwrap(), u16::from(address[3]));
    LinkView {
        index: LinkIndex(index),
        name: name.to_owned(),
        up: true,
        running: true,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: Some([2, 0, 0, 0, 0, address[3]]),
        addresses: vec![
            Prefix { address: IpAddr::from(address), length: 24 },
            Prefix { address: [0xfe80, 0, 0, 0, 0, 0, index16, last].into(), length: 64 },
        ],
    }
}
