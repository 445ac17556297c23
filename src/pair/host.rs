//! One machine on a simulated network: its links and addresses, what it watches, what its node ordered.
use crate::{
    base::{InterfaceAddress, LinkIndex, OwnLink, OwnLinkKind},
    config::model::{GlobalDefs, VrrpConfig},
    net::{LinkView, NetEvent},
    status::InstanceStatus,
    trackers::{News, Reading, Subject},
    vrrp::{Action, Event, SocketKey, VrrpNode},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// One machine.
#[derive(Debug)]
pub struct Host {
    pub name: String,
    pub config: VrrpConfig,
    pub global: GlobalDefs,
    /// None: not started, killed or stopped.
    pub node: Option<VrrpNode>,
    pub links: Vec<LinkView>,
    /// Where the cable of an interface leads; by its name where nothing is said.
    pub segments: BTreeMap<String, String>,
    /// Its process gets no time: packets wait.
    pub frozen: bool,
    /// Whether its cables lead anywhere.
    pub plugged: bool,
    /// What its node ordered, and when.
    pub record: Vec<(Duration, Action)>,
    pub(super) sockets: BTreeSet<Arc<SocketKey>>,
    pub(super) inbox: VecDeque<Event>,
    /// What is said of what is tracked: scripts and processes are up, files hold 0 until told
    /// otherwise.
    readings: BTreeMap<Subject, Reading>,
    /// Scripts that run.
    scripts: BTreeSet<String>,
    /// Links of our own on top of others.
    own_links: BTreeMap<String, String>,
}

impl Host {
    pub(super) fn new(name: &str, links: Vec<LinkView>) -> Self {
        Self {
            name: name.to_owned(),
            config: VrrpConfig::default(),
            global: GlobalDefs::default(),
            node: None,
            links,
            segments: BTreeMap::new(),
            frozen: false,
            plugged: true,
            record: vec![],
            sockets: BTreeSet::new(),
            inbox: VecDeque::new(),
            readings: BTreeMap::new(),
            scripts: BTreeSet::new(),
            own_links: BTreeMap::new(),
        }
    }

    /// Whether one of its links has that address.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.links.iter().any(|link| link.has(address))
    }

    /// The same, on a link over which it can be reached.
    #[must_use]
    pub fn answers(&self, address: IpAddr) -> bool {
        self.links.iter().any(|link| link.has(address) && link.is_usable())
    }

    /// None while the process does not run.
    #[must_use]
    pub fn status(&self, instance: &str, now: Instant) -> Option<InstanceStatus> {
        let status = self.node.as_ref()?.status(now);
        status.instances.into_iter().find(|status| status.name == instance)
    }

    /// Whether packets go there; without a name, by any interface.
    #[must_use]
    pub fn is_up(&self, interface: &str) -> bool {
        let mut usable = self.links.iter().filter(|link| link.is_usable());
        usable.any(|link| interface.is_empty() || link.name == interface)
    }

    pub(super) fn segment<'h>(&'h self, interface: &'h str) -> &'h str {
        let below = self.own_links.get(interface).map_or(interface, String::as_str);
        self.segments.get(below).map_or(below, String::as_str)
    }

    pub(super) fn die(&mut self) {
        self.node = None;
        self.sockets.clear();
        self.scripts.clear();
    }

    pub(super) fn set_link(&mut self, interface: &str, running: bool) {
        for link in &mut self.links {
            let parent = self.own_links.get(&link.name).map(String::as_str);
            if link.name == interface || parent == Some(interface) {
                link.running = running;
                self.inbox.push_back(Event::Net(NetEvent::Link(link.clone())));
            }
        }
    }

    pub(super) fn set_tracked(&mut self, subject: Subject, reading: Reading) {
        let waits = matches!(&subject, Subject::Script(name) if !self.scripts.contains(name));
        if self.node.is_some() && !waits {
            self.inbox.push_back(Event::Tracker(News { subject: subject.clone(), reading }));
        }
        self.readings.insert(subject, reading);
    }

    pub(super) fn execute(&mut self, action: Action) {
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
                self.scripts.insert(script.name.value.clone());
                self.watch(Subject::Script(script.name.value), Reading::Up);
            }
            Action::UnwatchScript(name) => {
                self.scripts.remove(&name);
            }
            Action::WatchFiles { files, overwrite: _ } => {
                for file in files {
                    self.watch(Subject::File(file.name.value), Reading::Number(0));
                }
            }
            Action::WatchProcesses(processes) => {
                for process in processes {
                    self.watch(Subject::Process(process.name.value), Reading::Up);
                }
            }
            Action::CreateLinks(list) => list.iter().for_each(|own| self.create_link(own)),
            Action::RemoveLinks(list) => {
                for own in list {
                    self.own_links.remove(&own.name);
                    self.links.retain(|link| link.name != own.name);
                }
            }
            Action::Exit => self.die(),
            Action::Send(_)
            | Action::Filter(_)
            | Action::Tune(_)
            | Action::Untune
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

    fn watch(&mut self, subject: Subject, first: Reading) {
        let reading = *self.readings.entry(subject.clone()).or_insert(first);
        self.inbox.push_back(Event::Tracker(News { subject, reading }));
    }

    /// As up as what it is on top of.
    fn create_link(&mut self, own: &OwnLink) {
        let index = self.links.iter().map(|link| link.index.0).max().unwrap_or(0) + 1;
        let Some(below) = self.links.iter().find(|link| link.name == own.parent) else { return };
        let mac = match own.kind {
            OwnLinkKind::Macvlan { mac } => Some(mac),
            OwnLinkKind::Ipvlan { .. } => below.mac,
        };
        let made = LinkView {
            index: LinkIndex(index),
            name: own.name.clone(),
            mac,
            addresses: vec![],
            ..below.clone()
        };
        self.own_links.insert(own.name.clone(), own.parent.clone());
        self.links.push(made.clone());
        self.inbox.push_back(Event::Net(NetEvent::Link(made)));
    }

    pub(super) fn add_address(&mut self, vip: &InterfaceAddress) {
        let Some(link) = self.links.iter_mut().find(|link| link.name == vip.dev) else { return };
        if link.addresses.contains(&vip.prefix()) {
            return;
        }
        link.addresses.push(vip.prefix());
        let (index, prefix) = (link.index, vip.prefix());
        self.inbox.push_back(Event::Net(NetEvent::AddressAdded { index, prefix }));
    }

    pub(super) fn remove_address(&mut self, address: IpAddr) {
        for link in &mut self.links {
            if let Some(at) = link.addresses.iter().position(|prefix| prefix.address == address) {
                let prefix = link.addresses.remove(at);
                let index = link.index;
                self.inbox.push_back(Event::Net(NetEvent::AddressRemoved { index, prefix }));
            }
        }
    }
}
