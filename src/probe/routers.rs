//! Virtual routers on the wire: whether another has our VRID, and whether adverts get through.
use super::{
    Found,
    firewall::{Advert, Direction, Verdict},
};
use crate::{
    base::{Family, LinkIndex, OwnLinkKind},
    config::{
        Config,
        look::Topic,
        model::{Authentication, VrrpInstance},
        rules::probe as rules,
    },
    net::LinkView,
    vrrp::{AH_PROTOCOL, PROTOCOL, View},
};
use std::{collections::BTreeSet, net::IpAddr, time::Duration};

/// An advert as it came from the wire, before any filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    pub link: LinkIndex,
    /// 112, or 51 with an Authentication Header.
    pub protocol: u8,
    pub from: IpAddr,
    pub vrid: u8,
    pub priority: u8,
    pub addresses: Vec<IpAddr>,
}

impl Heard {
    #[must_use]
    pub fn new(link: LinkIndex, view: &View<'_>) -> Self {
        let View { from, vrid, priority, .. } = *view;
        let protocol = if view.ah.is_some() { AH_PROTOCOL } else { PROTOCOL };
        Self { link, protocol, from, vrid, priority, addresses: view.addresses().collect() }
    }

    fn shown(&self) -> String {
        join(&self.addresses)
    }
}

/// What listening came to.
#[derive(Clone, Debug, Default)]
pub struct Listened {
    /// The last of each sender and VRID on each link.
    pub wire: Vec<Heard>,
    /// Sender and VRID of what programs get: behind all filters.
    pub delivered: BTreeSet<(IpAddr, u8)>,
    pub time: Duration,
}

impl Listened {
    /// Keeps the last advert of each sender.
    pub fn hear(&mut self, heard: Heard) {
        let key = |heard: &Heard| (heard.link, heard.from, heard.vrid);
        let of_new = key(&heard);
        match self.wire.iter_mut().find(|known| key(known) == of_new) {
            Some(known) => *known = heard,
            None => self.wire.push(heard),
        }
    }
}

/// How long a router may be silent before others take over: a time in which a master is heard.
#[must_use]
pub fn patience(instance: &VrrpInstance) -> Duration {
    // Skew is less than an interval.
    instance.advert_interval * (u32::from(instance.down_timer_adverts) + 1)
}

/// What is to be said of all virtual routers. `filters` says what becomes of an advert; Err says why
/// that is not known.
#[must_use]
pub fn judge(
    config: &Config,
    links: &[LinkView],
    listened: &Result<Listened, String>,
    filters: impl Fn(&Advert<'_>) -> Result<Verdict, String>,
) -> Found {
    let mut found = Found::default();
    let own: BTreeSet<IpAddr> =
        links.iter().flat_map(|link| &link.addresses).map(|own| own.address).collect();
    let ours = config.vrrp.instances.iter().map(|instance| instance.vrid.value.0).collect();
    let mut filtered = Filtered { said: BTreeSet::new(), ours };
    for instance in &config.vrrp.instances {
        // That it is not there has been said.
        let Some(link) = link(instance, links) else { continue };
        let listened = listened.as_ref().map(|listened| {
            let foreign = |heard: &&Heard| {
                heard.link == link.index
                    && Family::of(&heard.from) == instance.family
                    && !own.contains(&heard.from)
            };
            (listened, listened.wire.iter().filter(foreign).collect::<Vec<_>>())
        });
        filtered.judge(&mut found, instance, link, listened.as_ref().ok(), &filters);
        let subject =
            format!("{} VRID {} on {}", instance.name.value, instance.vrid.value, link.name);
        match listened {
            Ok((listened, wire)) => {
                router(&mut found, config, instance, subject, &wire, listened.time);
            }
            Err(why) => found.unknown(Topic::Router, subject, why),
        }
    }
    found
}

/// The instance's interface, where it can be listened at.
#[must_use]
pub fn link<'l>(instance: &VrrpInstance, links: &'l [LinkView]) -> Option<&'l LinkView> {
    let link = links.iter().find(|link| link.name == instance.interface.value);
    link.filter(|link| link.is_usable())
}

/// Whether the instance's number is free on its link.
fn router(
    found: &mut Found,
    config: &Config,
    instance: &VrrpInstance,
    subject: String,
    wire: &[&Heard],
    listened: Duration,
) {
    let ours: BTreeSet<IpAddr> = instance.addresses.iter().map(|vip| vip.address).collect();
    let shared = |heard: &Heard| heard.addresses.iter().any(|address| ours.contains(address));
    let is_peer = |heard: &Heard| {
        let mut peers = instance.unicast.iter().flat_map(|unicast| &unicast.peers);
        peers.any(|peer| peer.address == heard.from)
    };
    let vrid = instance.vrid.value.0;
    let with_ours = || wire.iter().filter(|heard| heard.vrid == vrid);
    let same = |heard: &Heard| heard.addresses.iter().copied().collect::<BTreeSet<_>>() == ours;
    let other = with_ours().find(|heard| !same(heard));
    let elsewhere = wire.iter().find(|heard| heard.vrid != vrid && shared(heard));
    let Some((heard, rule)) = other
        .map(|heard| {
            let partner = shared(heard) || is_peer(heard);
            (heard, if partner { rules::OTHER_ADDRESSES } else { rules::VRID_TAKEN })
        })
        .or(elsewhere.map(|heard| (heard, rules::OTHER_VRID)))
    else {
        match with_ours().max_by_key(|heard| heard.priority) {
            Some(master) => {
                let seen = format!("{} is master, priority {}", master.from, master.priority);
                found.good(Topic::Router, subject, seen);
            }
            None if listened < patience(instance) => {
                found.unknown(Topic::Router, subject, "the time was too short to hear a master");
            }
            None => found.good(Topic::Router, subject, "no other router advertises it"),
        }
        return;
    };
    found.bad(
        Topic::Router,
        subject,
        format!("{} advertises {}, priority {}", heard.from, heard.shown(), heard.priority),
    );
    let used = |number: &u8| {
        wire.iter().any(|heard| heard.vrid == *number)
            || config.vrrp.instances.iter().any(|other| other.vrid.value.0 == *number)
    };
    let free = (vrid.saturating_add(1)..=255).chain(1..vrid).find(|number| !used(number));
    let ours: Vec<IpAddr> = instance.addresses.iter().map(|vip| vip.address).collect();
    found
        .report(rule, instance.vrid.span)
        .with("vrid", vrid)
        .with("name", &instance.interface.value)
        .with("from", heard.from)
        .with("theirs", heard.shown())
        .with("ours", join(&ours))
        .with("priority", heard.priority)
        .with("other", heard.vrid)
        .with("free", free.map_or_else(String::new, |free| free.to_string()));
}

/// What has been said of filters: they are the same for many instances.
#[derive(Debug)]
struct Filtered {
    said: BTreeSet<String>,
    /// VRIDs of the file: their adverts are for us.
    ours: BTreeSet<u8>,
}

impl Filtered {
    fn judge(
        &mut self,
        found: &mut Found,
        instance: &VrrpInstance,
        link: &LinkView,
        heard: Option<&(&Listened, Vec<&Heard>)>,
        filters: &impl Fn(&Advert<'_>) -> Result<Verdict, String>,
    ) {
        for direction in [Direction::In, Direction::Out] {
            let protocol = protocol(instance);
            let way = match direction {
                Direction::In => "in",
                Direction::Out => "out",
            };
            let family = match instance.family {
                Family::V4 => "",
                Family::V6 => " IPv6",
            };
            let subject = format!("protocol {protocol}{family} {way} on {}", link.name);
            let mut verdict = Ok(Verdict::Pass);
            for advert in adverts(instance, link, direction) {
                verdict = filters(&advert);
                if !matches!(verdict, Ok(Verdict::Pass)) {
                    break;
                }
            }
            let arrived = |heard: &&&Heard, listened: &Listened| {
                listened.delivered.contains(&(heard.from, heard.vrid))
            };
            let ours = |heard: &&&Heard| self.ours.contains(&heard.vrid);
            let so_carried = |heard: &&&Heard| heard.protocol == protocol;
            let (mut some_arrived, mut lost) = (false, None);
            if let (Direction::In, Some((listened, wire))) = (direction, heard) {
                let wire = || wire.iter().filter(so_carried);
                some_arrived = wire().any(|heard| arrived(&heard, listened));
                lost = wire().filter(ours).find(|heard| !arrived(heard, listened));
            }
            if !self.said.insert(subject.clone()) {
                continue;
            }
            match (verdict, lost) {
                // What arrives is not dropped, whatever the rules seem to say.
                (_, None) if some_arrived => found.good(Topic::Firewall, subject, "adverts arrive"),
                (Ok(Verdict::Drop { by, command }), _) => {
                    let rule = match direction {
                        Direction::In => rules::FILTERED_IN,
                        Direction::Out => rules::FILTERED_OUT,
                    };
                    found.bad(Topic::Firewall, subject, format!("dropped by `{by}`"));
                    found
                        .report(rule, instance.interface.span)
                        .with("name", &link.name)
                        .with("protocol", protocol)
                        .with("by", by)
                        .with("command", command);
                }
                (_, Some(lost)) => {
                    let seen =
                        format!("adverts of {} reach the interface and no program", lost.from);
                    found.bad(Topic::Firewall, subject, seen);
                    found
                        .report(rules::LOST, instance.interface.span)
                        .with("name", &link.name)
                        .with("protocol", protocol)
                        .with("from", lost.from);
                }
                (Ok(Verdict::Pass), None) => {
                    found.good(Topic::Firewall, subject, "no rule drops it");
                }
                (Ok(Verdict::Unsure), None) => {
                    found.unknown(Topic::Firewall, subject, "some rules are not understood");
                }
                (Err(why), None) => found.unknown(Topic::Firewall, subject, why),
            }
        }
    }
}

/// What the instance's adverts are carried by.
#[must_use]
pub const fn protocol(instance: &VrrpInstance) -> u8 {
    match instance.authentication {
        Authentication::Header(_) => AH_PROTOCOL,
        Authentication::None | Authentication::Password(_) => PROTOCOL,
    }
}

/// One for each way that the instance's adverts take.
fn adverts<'l>(
    instance: &VrrpInstance,
    link: &'l LinkView,
    direction: Direction,
) -> Vec<Advert<'l>> {
    let of_family = |own: &IpAddr| Family::of(own) == instance.family;
    let mut addresses = link.addresses.iter().map(|own| own.address).filter(of_family);
    let ipvlan = instance.own_links.iter().find_map(|own| match own.kind {
        OwnLinkKind::Ipvlan { address, .. } => address.map(|address| address.address),
        OwnLinkKind::Macvlan { .. } => None,
    });
    let own = instance.source.or(ipvlan).or_else(|| addresses.next());
    let advert = |from, to| Advert {
        family: instance.family,
        direction,
        interface: &link.name,
        protocol: protocol(instance),
        from,
        to,
    };
    match (&instance.unicast, direction) {
        (Some(unicast), Direction::In) => {
            let peers = unicast.peers.iter();
            peers.filter_map(|peer| Some(advert(Some(peer.address), own?))).collect()
        }
        (Some(unicast), Direction::Out) => {
            unicast.peers.iter().map(|peer| advert(own, peer.address)).collect()
        }
        (None, Direction::In) => vec![advert(None, instance.multicast_group)],
        (None, Direction::Out) => vec![advert(own, instance.multicast_group)],
    }
}

fn join(addresses: &[IpAddr]) -> String {
    let words: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::Prefix,
        config::{self, source::Sources},
    };

    const LINK: LinkIndex = LinkIndex(2);

    fn config(more: &str) -> Config {
        let text = format!(
            "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 51\n{more}\n\
             virtual_ipaddress {{\n192.0.2.80\n192.0.2.81\n}}\n}}\n"
        );
        let (config, found) = config::parse(&Sources::from_text("x.conf", text));
        assert!(!found.has_errors(), "{found:?}");
        config
    }

    fn links() -> Vec<LinkView> {
        let address = Prefix { address: "192.0.2.5".parse().unwrap(), length: 24 };
        vec![LinkView {
            index: LINK,
            name: "eth0".to_owned(),
            up: true,
            running: true,
            multicast: true,
            noarp: false,
            loopback: false,
            mtu: 1500,
            mac: None,
            addresses: vec![address],
        }]
    }

    fn heard(from: &str, vrid: u8, addresses: &[&str]) -> Heard {
        Heard {
            link: LINK,
            protocol: PROTOCOL,
            from: from.parse().unwrap(),
            vrid,
            priority: 150,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    /// Codes, and the state of each look: filters in and out, then the router.
    fn judged(
        config: &Config,
        listened: &Result<Listened, String>,
        verdict: &Verdict,
    ) -> (Vec<u16>, String) {
        let found = judge(config, &links(), listened, |_| Ok(verdict.clone()));
        let states: Vec<_> =
            found.looks.iter().map(|look| look.state.name(Default::default())).collect();
        (found.findings.iter().map(|found| found.rule.code).collect(), states.join(" "))
    }

    #[test]
    fn each_state_of_the_wire_has_its_finding() {
        const PARTNER: &str = "192.0.2.6";
        const OTHER: &str = "192.0.2.9";
        let ours = &["192.0.2.81", "192.0.2.80"][..];
        let dropped = Verdict::Drop { by: "rule".to_owned(), command: "command".to_owned() };
        let pass = Verdict::Pass;
        let unicast = "unicast_peer {\n192.0.2.9\n}";
        let long = Duration::from_secs(5);
        for (what, more, wire, delivered, time, verdict, codes, states) in [
            ("nobody", "", vec![], true, long, &pass, &[][..], "ok ok ok"),
            ("too short", "", vec![], true, Duration::from_secs(2), &pass, &[], "ok ok ?"),
            ("partner", "", vec![heard(PARTNER, 51, ours)], true, long, &pass, &[], "ok ok ok"),
            (
                "ourselves",
                "",
                vec![heard("192.0.2.5", 51, &["192.0.2.1"])],
                true,
                long,
                &pass,
                &[],
                "ok ok ok",
            ),
            (
                "other link",
                "",
                vec![Heard { link: LinkIndex(9), ..heard(OTHER, 51, &["192.0.2.1"]) }],
                true,
                long,
                &pass,
                &[],
                "ok ok ok",
            ),
            (
                "taken",
                "",
                vec![heard(PARTNER, 51, ours), heard(OTHER, 51, &["192.0.2.1"])],
                true,
                long,
                &pass,
                &[1030],
                "ok ok bad",
            ),
            (
                "less than ours",
                "",
                vec![heard(PARTNER, 51, &["192.0.2.80"])],
                true,
                long,
                &pass,
                &[1031],
                "ok ok bad",
            ),
            (
                "peer with others",
                unicast,
                vec![heard(OTHER, 51, &["192.0.2.1"])],
                true,
                long,
                &pass,
                &[1031],
                "ok ok bad",
            ),
            (
                "other number",
                "",
                vec![heard(PARTNER, 52, ours)],
                true,
                long,
                &pass,
                &[1032],
                "ok ok bad",
            ),
            (
                "neighbour",
                "",
                vec![heard(OTHER, 52, &["192.0.2.1"])],
                true,
                long,
                &pass,
                &[],
                "ok ok ok",
            ),
            ("lost", "", vec![heard(PARTNER, 51, ours)], false, long, &pass, &[1022], "bad ok ok"),
            (
                "lost, but of the other protocol",
                "",
                vec![Heard { protocol: AH_PROTOCOL, ..heard(PARTNER, 51, ours) }],
                false,
                long,
                &pass,
                &[],
                "ok ok ok",
            ),
            ("dropped", "", vec![], true, long, &dropped, &[1020, 1021], "bad bad ok"),
            (
                "dropped by a rule, but it arrives",
                "",
                vec![heard(PARTNER, 51, ours)],
                true,
                long,
                &dropped,
                &[1021],
                "ok bad ok",
            ),
            ("unsure", "", vec![], true, long, &Verdict::Unsure, &[], "? ? ok"),
            (
                "unsure, but it arrives",
                "",
                vec![heard(PARTNER, 51, ours)],
                true,
                long,
                &Verdict::Unsure,
                &[],
                "ok ? ok",
            ),
        ] {
            let mut listened = Listened { time, ..Listened::default() };
            for heard in wire {
                if delivered {
                    listened.delivered.insert((heard.from, heard.vrid));
                }
                listened.hear(heard);
            }
            let judged = judged(&config(more), &Ok(listened), verdict);
            assert_eq!(judged, (codes.to_vec(), states.to_owned()), "{what}");
        }
        let deaf = judged(&config(""), &Err("this takes root".to_owned()), &pass);
        assert_eq!(deaf, (vec![], "ok ok ?".to_owned()));
    }

    #[test]
    fn a_free_number_is_named() {
        let mut listened = Listened { time: Duration::from_secs(9), ..Listened::default() };
        for vrid in [51, 52, 53] {
            listened.hear(heard("192.0.2.9", vrid, &["192.0.2.1"]));
        }
        let found = judge(&config(""), &links(), &Ok(listened), |_| Ok(Verdict::Pass));
        let help: Vec<_> = found.findings.iter().filter_map(|found| found.help()).collect();
        assert!(
            help.iter().any(|help| help.starts_with("`virtual_router_id 54` is free")),
            "{help:?}"
        );
    }
}
