//! A simulated network under a virtual clock: each of its hosts turns a real [`VrrpNode`]. It proves
//! elections, and the tests of VRRP play on it.
use super::host::Host;
use crate::{
    base::InterfaceAddress,
    machine::Machine,
    net::{LinkView, NetEvent},
    trackers::{Reading, Subject},
    vrrp::{Action, Datagram, Endpoint, Event, Packet, SocketKey, VrrpNode},
};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a packet flies.
pub const LATENCY: Duration = Duration::from_millis(1);

/// The network. Hosts are called by their names; what is told to one that is not there is lost.
#[derive(Debug)]
pub struct Lan {
    origin: Instant,
    /// Virtual time since the beginning.
    pub clock: Duration,
    pub hosts: Vec<Host>,
    /// When it arrives, at whom.
    flying: Vec<(Duration, usize, Datagram)>,
    /// Of every hundred packets these many are lost.
    pub loss: u32,
    seed: u64,
}

impl Lan {
    /// `origin` is any instant: all time is counted from it.
    #[must_use]
    pub const fn new(origin: Instant) -> Self {
        Self {
            origin,
            clock: Duration::ZERO,
            hosts: vec![],
            flying: vec![],
            loss: 0,
            seed: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Which packets are lost.
    pub const fn seed(&mut self, seed: u64) {
        self.seed = seed | 1;
    }

    #[must_use]
    pub fn now(&self) -> Instant {
        self.origin + self.clock
    }

    fn named(&mut self, name: &str) -> Option<&mut Host> {
        self.hosts.iter_mut().find(|host| host.name == name)
    }

    /// Starts the node of a host with what the host's links are now.
    pub fn start(&mut self, name: &str) {
        let now = self.now();
        if let Some(host) = self.named(name) {
            let (config, global) = (Arc::new(host.config.clone()), Arc::new(host.global.clone()));
            host.node = Some(VrrpNode::new(config, global, now));
            host.inbox.clear();
            host.inbox.push_back(Event::Net(NetEvent::Links(host.links.clone())));
        }
    }

    /// SIGKILL: nothing is said, nothing is released.
    pub fn kill(&mut self, name: &str) {
        if let Some(host) = self.named(name) {
            host.die();
        }
    }

    /// Gives a host's node an event, now.
    pub fn tell(&mut self, name: &str, event: Event) {
        if let Some(host) = self.named(name) {
            host.inbox.push_back(event);
        }
        self.drain();
    }

    /// Carrier comes or goes.
    pub fn set_link(&mut self, name: &str, interface: &str, running: bool) {
        if let Some(host) = self.named(name) {
            host.set_link(interface, running);
        }
        self.drain();
    }

    /// What a script, a file, a process or a BFD session says from now on; before it is watched, what
    /// it will say first.
    pub fn set_tracked(&mut self, name: &str, subject: Subject, reading: Reading) {
        if let Some(host) = self.named(name) {
            host.set_tracked(subject, reading);
        }
        self.drain();
    }

    /// Somebody gives a host an address.
    pub fn give(&mut self, name: &str, address: &InterfaceAddress) {
        if let Some(host) = self.named(name) {
            host.add_address(address);
        }
        self.drain();
    }

    /// Somebody takes an address from a host.
    pub fn steal(&mut self, name: &str, address: IpAddr) {
        if let Some(host) = self.named(name) {
            host.remove_address(address);
        }
        self.drain();
    }

    /// A host that does not run yet.
    pub fn add(&mut self, name: &str, links: Vec<LinkView>) -> &mut Host {
        let at = self.hosts.len();
        self.hosts.push(Host::new(name, links));
        &mut self.hosts[at]
    }

    /// Everything up to and at that time.
    pub fn run_until(&mut self, end: Duration) {
        self.drain();
        while self.step(end) {}
        self.clock = self.clock.max(end);
    }

    /// The next thing that happens; false if nothing does by `end`.
    pub fn step(&mut self, end: Duration) -> bool {
        self.drain();
        let timers = self
            .hosts
            .iter()
            .filter(|host| !host.frozen)
            .filter_map(|host| host.node.as_ref()?.next_deadline())
            .map(|at| at.saturating_duration_since(self.origin));
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
        let flying = std::mem::take(&mut self.flying);
        let (due, later): (Vec<_>, Vec<_>) =
            flying.into_iter().partition(|(at, ..)| *at <= self.clock);
        self.flying = later;
        for (_, to, datagram) in due {
            let Some(host) = self.hosts.get_mut(to) else { continue };
            if host.plugged && host.is_up(&datagram.socket.interface) {
                host.inbox.push_back(Event::Datagram(datagram));
            }
        }
    }

    fn expire(&mut self) {
        let now = self.now();
        for at in 0..self.hosts.len() {
            let Some(host) = self.hosts.get_mut(at).filter(|host| !host.frozen) else { continue };
            let Some(node) = &mut host.node else { continue };
            if node.next_deadline().is_some_and(|due| due <= now) {
                let actions = node.handle_deadline(now);
                self.execute(at, actions);
            }
        }
    }

    fn drain(&mut self) {
        let now = self.now();
        for at in 0..self.hosts.len() {
            while let Some(host) = self.hosts.get_mut(at).filter(|host| !host.frozen) {
                let Some(event) = host.inbox.pop_front() else { break };
                let Some(node) = &mut host.node else { continue };
                let actions = node.handle(event, now);
                self.execute(at, actions);
            }
        }
    }

    fn execute(&mut self, at: usize, actions: Vec<Action>) {
        for action in actions {
            let Some(host) = self.hosts.get_mut(at) else { return };
            host.record.push((self.clock, action.clone()));
            match action {
                Action::Send(packet) => self.send(at, &packet),
                other => host.execute(other),
            }
        }
    }

    fn send(&mut self, from: usize, packet: &Packet) {
        let Some(host) = self.hosts.get(from) else { return };
        let interface = &packet.socket.interface;
        if !host.plugged || !host.is_up(interface) || !host.sockets.contains(&packet.socket) {
            return;
        }
        let segment = host.segment(interface).to_owned();
        for to in 0..self.hosts.len() {
            if to == from || self.is_lost() {
                continue;
            }
            let Some(receiver) = self.hosts.get(to) else { continue };
            let hears = |socket: &&Arc<SocketKey>| {
                let meant = match socket.endpoint {
                    Endpoint::Multicast(group) => {
                        group == packet.to && receiver.segment(&socket.interface) == segment
                    }
                    // Routers may stand between.
                    Endpoint::Unicast(own) => own == packet.to,
                };
                meant && socket.protocol == packet.socket.protocol
            };
            if let Some(socket) = receiver.sockets.iter().find(hears) {
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
}
