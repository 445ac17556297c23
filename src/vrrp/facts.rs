//! What the host's interfaces and everything tracked mean for an instance: where it sends from,
//! what stands against it, its priority.
use super::{
    encode::{Encoder, Shape, most_addresses},
    event::{Endpoint, SocketKey},
    fault::Fault,
    instance::{Instance, Turn},
    links::Links,
    priority::Trackers,
    receive::protocol,
    trailer::TRAILER,
};
use crate::{
    base::{Family, OwnLinkKind, Priority},
    config::model::{AuthHmac, HmacMode, TrackerUse, VrrpInstance},
    net::LinkView,
    trackers::{Reading, Subject},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

/// What is known of everything watched; None before the first news.
pub(super) type Readings = BTreeMap<Subject, Option<Reading>>;

impl Instance {
    /// Reads from the configuration what to track. `weights_count` is false for members of sync
    /// groups without `sync_group_tracking_weight`.
    pub(super) fn plan_trackers(&mut self, weights_count: bool, readings: &Readings) {
        let config = &self.config;
        let own = config.interface.value.as_str();
        let counts = weights_count && config.priority.value != Priority::OWNER;
        let mut trackers = Trackers::default();
        for line in config.track_interfaces.iter().filter(|line| line.name.value != own) {
            trackers.track_interface(line, counts);
        }
        let mut add = |kind: fn(String) -> Subject, lines: &[TrackerUse]| {
            lines.iter().for_each(|line| trackers.track(kind, line, counts));
        };
        add(Subject::Script, &config.track_scripts);
        add(Subject::Process, &config.track_processes);
        add(Subject::File, &config.track_files);
        add(Subject::Bfd, &config.track_bfds);
        let vips = config.addresses.iter().chain(&config.excluded);
        let of_addresses = vips.filter(|vip| vip.track).map(|vip| vip.dev.as_str());
        let of_routes = config
            .routes
            .iter()
            .filter(|route| route.track)
            .filter_map(|route| route.dev.as_deref());
        let of_rules =
            config.rules.iter().filter(|rule| rule.track).flat_map(|rule| rule.interfaces());
        let of_statics = config.static_interfaces.iter().map(String::as_str);
        let needed = of_addresses.chain(of_routes).chain(of_rules).chain(of_statics);
        // Those on its own interface stand and fall with that.
        let on_own = |dev: &str| config.own_links.iter().any(|l| l.name == dev && l.parent == own);
        for dev in needed.collect::<BTreeSet<_>>() {
            if dev != own && !dev.is_empty() && !on_own(dev) {
                trackers.need_interface(dev);
            }
        }
        for (subject, reading) in readings {
            trackers.set(subject, *reading);
        }
        self.trackers = trackers;
    }

    pub(super) fn heard_of(&mut self, subject: &Subject, reading: Reading) {
        self.trackers.set(subject, Some(reading));
    }

    /// Brings everything that depends on the host up to date; moves nothing.
    /// `vips` are the addresses of all instances here: none of them is a source.
    pub(super) fn observe(&mut self, vips: &BTreeSet<IpAddr>, turn: &mut Turn<'_>) {
        if !turn.links.are_known() {
            return;
        }
        self.observe_tracked(turn.links);
        self.source = source(&self.config, turn.links, vips);
        if let Some(source) = self.source {
            self.prepare(source, turn.links);
        }
        self.observe_faults(turn.links);
        let priority = self.effective_priority();
        self.set_priority(priority, turn);
    }

    fn observe_tracked(&mut self, links: &Links) {
        let interfaces: Vec<Subject> = self
            .trackers
            .subjects()
            .filter(|subject| matches!(subject, Subject::Interface(_)))
            .cloned()
            .collect();
        for subject in interfaces {
            if let Subject::Interface(name) = &subject {
                self.trackers.set(&subject, Some(Reading::of(links.is_usable(name))));
            }
        }
    }

    /// Sockets and adverts for this source. Without a source the last ones stay: the farewell
    /// needs them.
    fn prepare(&mut self, source: IpAddr, links: &Links) {
        // Without an interface the sockets are bound to the VRF, if there is one.
        let interface = match (&self.config.advert_interface, &self.config.vrf) {
            (name, Some(vrf)) if name.is_empty() => vrf,
            (name, _) => name,
        };
        let endpoint = if self.is_unicast() {
            Endpoint::Unicast(source)
        } else {
            Endpoint::Multicast(self.config.multicast_group)
        };
        let family = Family::of(&source);
        let key = SocketKey {
            family,
            protocol: protocol(self.config.authentication, family),
            interface: interface.clone(),
            endpoint,
        };
        if self.socket.as_deref() != Some(&key) {
            self.socket = Some(Arc::new(key));
        }
        let mtu = links.find(interface).map_or(1500, |link| link.mtu);
        let signature = self.signature();
        let trailer = if signature.is_some() { TRAILER } else { 0 };
        let room = mtu.saturating_sub(u32::try_from(trailer).unwrap_or(0));
        let most = most_addresses(room, family, self.config.version);
        self.advertised = self
            .config
            .addresses
            .iter()
            .map(|vip| vip.address)
            .filter(|address| Family::of(address) == family)
            .take(most)
            .collect();
        let shapes = self.shapes(source, signature.as_ref());
        if !self.encoders.iter().map(Encoder::shape).eq(&shapes) {
            self.encoders = shapes.into_iter().map(Encoder::new).collect();
        }
    }

    /// With what adverts are signed, unless this router only verifies those of others.
    fn signature(&self) -> Option<Arc<AuthHmac>> {
        self.config.auth_hmac.clone().filter(|hmac| match hmac.mode {
            HmacMode::Enforce | HmacMode::Permissive => true,
            HmacMode::ReceiveOnly => false,
        })
    }

    fn shapes(&self, source: IpAddr, signature: Option<&Arc<AuthHmac>>) -> Vec<Shape> {
        let config = &self.config;
        let unicast = config.unicast.as_ref().filter(|_| self.is_unicast());
        let (destinations, ttl) = match unicast {
            Some(unicast) => (
                unicast.peers.iter().map(|peer| peer.address).collect(),
                unicast.ttl.unwrap_or(255),
            ),
            None => (vec![config.multicast_group], 255),
        };
        destinations
            .into_iter()
            .filter(|destination| Family::of(destination) == Family::of(&source))
            .map(|destination| Shape {
                version: config.version,
                vrid: config.vrid.value,
                interval: config.advert_interval,
                authentication: config.authentication,
                signature: signature.cloned(),
                addresses: self.advertised.clone(),
                source,
                destination,
                ttl,
                form: self.form,
            })
            .collect()
    }

    fn observe_faults(&mut self, links: &Links) {
        let mut faults: BTreeSet<Fault> = self.trackers.faults().collect();
        let own = &self.config.interface.value;
        let link = links.find(own);
        if !own.is_empty() {
            if self.config.track_primary {
                let on_it = self.config.own_links.iter().filter(|link| link.parent == *own);
                let names = std::iter::once(own).chain(on_it.map(|link| &link.name));
                let down = names.filter(|name| !links.is_usable(name));
                faults.extend(down.cloned().map(Fault::Interface));
            }
            let multicast = link.is_none_or(|link| link.multicast);
            if !multicast && !self.is_unicast() {
                faults.insert(Fault::NoMulticast(own.clone()));
            }
        }
        match self.source {
            None => {
                faults.insert(Fault::NoSource);
            }
            Some(source) => {
                let needed = self.is_unicast() || self.config.track_source;
                if needed && !links.have(source) {
                    faults.insert(Fault::SourceMissing(source));
                }
            }
        }
        if self.config.unicast.as_ref().is_some_and(|unicast| unicast.peers.is_empty()) {
            faults.insert(Fault::NoPeer);
        }
        let kept = std::mem::take(&mut self.faults);
        faults.extend(kept.into_iter().filter(|fault| match fault {
            Fault::Socket(_) | Fault::Group => true,
            Fault::Interface(_)
            | Fault::Script(_)
            | Fault::Process(_)
            | Fault::File(_)
            | Fault::Bfd(_)
            | Fault::NoSource
            | Fault::SourceMissing(_)
            | Fault::NoMulticast(_)
            | Fault::NoPeer => false,
        }));
        self.faults = faults;
    }

    /// Faults of its own, not what its group imposes.
    pub(super) fn has_own_fault(&self) -> bool {
        self.faults.iter().any(|fault| *fault != Fault::Group)
    }

    /// Whether this interface matters to the instance.
    pub(super) fn uses_interface(&self, name: &str) -> bool {
        self.config.interface.value == name
            || self.config.own_links.iter().any(|link| link.name == name)
            || self.trackers.subjects().any(|s| *s == Subject::Interface(name.to_owned()))
    }
}

/// What is configured, else the interface's first IPv4 address (IPv6: link-local address) that is
/// nobody's virtual address: those may still be there from a crash.
fn source(config: &VrrpInstance, links: &Links, vips: &BTreeSet<IpAddr>) -> Option<IpAddr> {
    // A VMAC sends as the interface below it; an ipvlan has addresses of its own.
    let ipvlan = config.own_links.iter().find(|link| {
        link.name == config.advert_interface && matches!(link.kind, OwnLinkKind::Ipvlan { .. })
    });
    let from = ipvlan.map_or(&config.interface.value, |link| &link.name);
    config.source.or_else(|| first_address(links.find(from)?, config, vips))
}

fn first_address(
    link: &LinkView,
    config: &VrrpInstance,
    vips: &BTreeSet<IpAddr>,
) -> Option<IpAddr> {
    let addresses = link.addresses.iter().map(|prefix| prefix.address);
    addresses.filter(|address| !vips.contains(address)).find(|address| match address {
        IpAddr::V4(_) => config.family == Family::V4,
        IpAddr::V6(address) => config.family == Family::V6 && address.is_unicast_link_local(),
    })
}
