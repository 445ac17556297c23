//! What a node does with news: of links, of what is tracked, of its sockets.
use super::{
    event::{Action, Level, SocketKey},
    fault::Fault,
    instance::Instance,
    links::Delta,
    node::{RETRY, VrrpNode},
    statics,
};
use crate::{
    net::NetEvent,
    trackers::{News, Reading, Subject},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// More than the kernel's news of a change take to reach us on a busy machine.
const NEWS_TAKE: Duration = Duration::from_secs(5);

impl VrrpNode {
    pub(super) fn on_net(&mut self, event: NetEvent, now: Instant, out: &mut Vec<Action>) {
        let first = !self.links.are_known();
        let matters = self.matters(&event);
        let deltas = self.links.apply(event);
        self.links.expire(now);
        // By now all news of that has come; what was not there made none.
        if now.duration_since(self.expected_since) > NEWS_TAKE {
            self.expected.clear();
        }
        if first {
            // Leftovers: their removal has been ordered.
            for vip in self.instances.iter().flat_map(Instance::all_addresses) {
                self.links.forget(&vip.dev, vip.address);
            }
        }
        for delta in deltas {
            // What the first list shows was there when everything was put in.
            if !first && !self.expected.settle(&delta) {
                out.extend(statics::restore(&self.config, &self.links, &delta));
            }
            match &delta {
                Delta::Up(name) | Delta::Down(name) => {
                    if self.instances.iter().any(|instance| instance.uses_interface(name)) {
                        let word = if matches!(delta, Delta::Up(_)) { "up" } else { "down" };
                        let text = format!("Netlink reports {name} {word}");
                        out.push(Action::Log(Level::Info, text));
                    }
                    if matches!(delta, Delta::Up(_)) && !first {
                        for index in 0..self.instances.len() {
                            self.with(index, now, out, |instance, turn| {
                                instance.on_interface_up(name, turn);
                            });
                        }
                    }
                }
                Delta::AddressAdded(dev, address) => {
                    for instance in &mut self.instances {
                        instance.on_address_added(dev, *address);
                    }
                }
                Delta::AddressRemoved(dev, address) => {
                    for index in 0..self.instances.len() {
                        self.lead(index, now, out, |instance, turn| {
                            instance.on_address_removed(dev, *address, turn);
                        });
                    }
                }
                Delta::RouteRemoved(route) => {
                    for index in 0..self.instances.len() {
                        self.lead(index, now, out, |instance, turn| {
                            instance.on_route_removed(route, turn);
                        });
                    }
                }
                Delta::RuleRemoved(rule) => {
                    for index in 0..self.instances.len() {
                        self.lead(index, now, out, |instance, turn| {
                            instance.on_rule_removed(rule, turn);
                        });
                    }
                }
            }
        }
        if matters {
            self.settle(now, out);
        }
    }

    /// Whether sources, faults or sockets may be other after it: our own addresses coming and
    /// going, hundreds at a time, change nothing of that.
    fn matters(&self, event: &NetEvent) -> bool {
        match event {
            NetEvent::Links(_) | NetEvent::Link(_) | NetEvent::LinkGone { .. } => true,
            NetEvent::AddressAdded { prefix, .. } | NetEvent::AddressRemoved { prefix, .. } => {
                !self.vips.contains(&prefix.address)
            }
            NetEvent::RouteRemoved(_) | NetEvent::RuleRemoved(_) => false,
        }
    }

    pub(super) fn on_tracker(&mut self, news: &News, now: Instant, out: &mut Vec<Action>) {
        let News { subject, reading } = news;
        // A session may be named by the next configuration.
        let concerns = self.readings.contains_key(subject) || matches!(subject, Subject::Bfd(_));
        if !concerns || self.readings.get(subject) == Some(&Some(*reading)) {
            return;
        }
        self.readings.insert(subject.clone(), Some(*reading));
        for instance in &mut self.instances {
            instance.heard_of(subject, *reading);
            if let Subject::Bfd(name) = subject
                && instance.config.track_bfds.iter().any(|line| line.name.value == *name)
            {
                let word = if *reading == Reading::Up { "UP" } else { "DOWN" };
                let text = format!(
                    "VRRP_Instance({}) Tracked BFD instance {name} is {word}",
                    instance.name
                );
                out.push(Action::Log(Level::Info, text));
            }
        }
        self.settle(now, out);
    }

    pub(super) fn on_socket(
        &mut self,
        socket: &Arc<SocketKey>,
        failure: Option<&str>,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        if failure.is_some() && self.sockets.contains_key(socket) {
            self.retries.insert(Arc::clone(socket), now + RETRY);
        } else {
            self.retries.remove(socket);
        }
        for instance in &mut self.instances {
            if instance.socket.as_ref() == Some(socket) {
                instance.faults.retain(|fault| !matches!(fault, Fault::Socket(_)));
                instance.faults.extend(failure.map(|reason| Fault::Socket(reason.to_owned())));
            }
        }
        self.settle(now, out);
    }

    /// Said once a state: a link that is gone refuses each advert.
    pub(super) fn on_send_failed(
        &mut self,
        socket: &SocketKey,
        reason: &str,
        out: &mut Vec<Action>,
    ) {
        for instance in &mut self.instances {
            if instance.socket.as_deref() == Some(socket) && !instance.send_failure_logged {
                instance.send_failure_logged = true;
                let text = format!("({}) send advert failed: {reason}", instance.name);
                out.push(Action::Log(Level::Info, text));
            }
        }
    }
}
