//! The kernel's own links in a network namespace of the test's.
use super::*;
use crate::{
    base::{
        AddressFlags, Encapsulation, Family, NextHop, Prefix, Realms, RuleAction, TunnelHeader,
    },
    net::NetEvent,
};
use nix::sched::{CloneFlags, unshare};
use std::{future::Future, os::unix::ffi::OsStrExt, process::Command, time::Duration};
use tokio::sync::mpsc;

mod own_links;
mod wire;

/// Runs in a namespace with a veth pair va (up) and vb; skips where that is not allowed.
fn in_namespace<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let thread = std::thread::spawn(|| {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
            println!("skipped: no network namespace: {error}");
            return;
        }
        for line in [
            "link set lo up",
            "link add va type veth peer name vb",
            "link set va up",
            "link set vb up",
            "address add 192.0.2.1/24 dev va",
        ] {
            let status = Command::new("ip").args(line.split(' ')).status();
            if !status.is_ok_and(|status| status.success()) {
                println!("skipped: `ip {line}` does not work here");
                return;
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test().await });
    });
    thread.join().unwrap();
}

fn ip(line: &str) -> String {
    let output = Command::new("ip").args(line.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn vip(text: &str, dev: &str) -> InterfaceAddress {
    InterfaceAddress {
        address: text.parse().unwrap(),
        length: 32,
        dev: dev.to_owned(),
        broadcast: None,
        scope: 0,
        label: None,
        peer: None,
        flags: AddressFlags { nodad: true, ..AddressFlags::default() },
        preferred_lifetime: None,
        track: true,
    }
}

fn route(to: &str, length: u8) -> Route {
    let destination = Prefix { address: to.parse().unwrap(), length };
    Route { dev: Some("va".into()), ..Route::to(destination) }
}

#[test]
fn addresses_are_as_configured_and_twice_is_once() {
    in_namespace(|| async {
        let network = Network::connect().unwrap();
        let plain = vip("192.0.2.80", "va");
        let mut fancy = vip("198.51.100.9", "va");
        fancy.length = 24;
        fancy.label = Some("va:1".into());
        fancy.scope = 253;
        fancy.broadcast = Some("198.51.100.255".parse().unwrap());
        for _ in 0..2 {
            network.add_address(&plain).await.unwrap();
            network.add_address(&fancy).await.unwrap();
        }
        let shown = ip("-o -4 address show dev va");
        assert!(shown.contains("inet 192.0.2.80/32 scope global"), "{shown}");
        assert!(!shown.contains("192.0.2.80/32 brd"), "{shown}");
        assert!(shown.contains("198.51.100.9/24 brd 198.51.100.255 scope link"), "{shown}");
        assert!(shown.contains("va:1"), "{shown}");
        for _ in 0..2 {
            network.remove_address(&plain, None).await.unwrap();
            network.remove_address(&fancy, None).await.unwrap();
        }
        let shown = ip("-o -4 address show dev va");
        assert!(!shown.contains(".80/32") && !shown.contains("198.51"), "{shown}");
        let absent = vip("192.0.2.81", "absent0");
        assert!(matches!(network.add_address(&absent).await, Err(NetError::NoInterface(_))));
        network.remove_address(&absent, None).await.unwrap();

        // Renamed meanwhile.
        let mut labelled = vip("192.0.2.82", "va");
        labelled.label = Some("va:2".into());
        let put = network.add_address(&labelled).await.unwrap();
        ip("link set va down");
        ip("link set va name vx");
        assert!(ip("-o -4 address show dev vx").contains("192.0.2.82"));
        network.remove_address(&labelled, Some(put)).await.unwrap();
        assert!(!ip("-o -4 address show dev vx").contains("192.0.2.82"));
    });
}

#[test]
fn routes_are_as_configured_and_twice_is_once() {
    in_namespace(|| async {
        let network = Network::connect().unwrap();
        let mut via = route("203.0.113.0", 24);
        via.via = Some("192.0.2.254".parse().unwrap());
        via.metric = Some(7);
        via.metrics.insert(2, (1400, true));
        let link = route("198.51.100.0", 24);
        for _ in 0..2 {
            network.add_route(&via).await.unwrap();
            network.add_route(&link).await.unwrap();
        }
        let shown = ip("route show");
        assert!(shown.contains("203.0.113.0/24 via 192.0.2.254 dev va"), "{shown}");
        assert!(shown.contains("metric 7 mtu lock 1400"), "{shown}");
        assert!(shown.contains("198.51.100.0/24 dev va"), "{shown}");
        for _ in 0..2 {
            network.remove_route(&via).await.unwrap();
            network.remove_route(&link).await.unwrap();
        }
        let shown = ip("route show");
        assert!(!shown.contains("203.0.113") && !shown.contains("198.51.100"), "{shown}");
    });
}

/// An interface may be called anything in its alias: what is no UTF-8 is lost on the way here.
#[test]
fn addresses_need_no_answer_about_their_interface() {
    in_namespace(|| async {
        let alias = std::ffi::OsStr::from_bytes(b"\xff\xfe");
        let named = Command::new("ip").args(["link", "set", "va", "alias"]).arg(alias).status();
        assert!(named.unwrap().success());
        let network = Network::connect().unwrap();
        network.add_address(&vip("192.0.2.80", "va")).await.unwrap();
        assert!(ip("address show dev va").contains("192.0.2.80/32"));
        let gone = network.add_address(&vip("192.0.2.81", "vx")).await;
        assert!(matches!(gone, Err(NetError::NoInterface(name)) if name == "vx"));
        let silent = network.link("va").await;
        assert!(matches!(silent, Err(NetError::Silent { .. })), "{silent:?}");
    });
}

#[test]
fn a_broken_connection_is_opened_again() {
    in_namespace(|| async {
        let network = Network::connect().unwrap();
        let (connection, handle, _) = rtnetlink::new_connection().unwrap();
        drop(connection);
        network.line.lock().unwrap().handle = handle;
        assert!(matches!(network.links().await, Err(NetError::Netlink { .. })));
        network.line.lock().unwrap().broken.store(true, Ordering::Relaxed);
        assert_eq!(network.links().await.unwrap().len(), 3);
    });
}

#[test]
fn the_monitor_sees_links_and_addresses() {
    in_namespace(|| async {
        let (tell, mut news) = mpsc::channel(64);
        let _monitor = monitor::watch(tell);
        let Some(NetEvent::Links(links)) = news.recv().await else { panic!("no list first") };
        let va = links.iter().find(|link| link.name == "va").unwrap();
        assert!(va.is_usable() && va.mac.is_some() && va.multicast);
        assert!(va.has("192.0.2.1".parse().unwrap()));
        let index = va.index;
        let mut until = async |wanted: &dyn Fn(&NetEvent) -> bool, what: &str| {
            let found = async {
                while let Some(event) = news.recv().await {
                    if wanted(&event) {
                        return;
                    }
                }
            };
            timeout(Duration::from_secs(10), found).await.expect(what);
        };
        let address = |event: &NetEvent| match event {
            NetEvent::AddressAdded { index: at, prefix } => {
                *at == index && prefix.to_string() == "192.0.2.7/24"
            }
            _ => false,
        };
        ip("address add 192.0.2.7/24 dev va");
        until(&address, "address added").await;
        let gone = |event: &NetEvent| matches!(event, NetEvent::AddressRemoved { prefix, .. } if prefix.to_string() == "192.0.2.7/24");
        ip("address del 192.0.2.7/24 dev va");
        until(&gone, "address removed").await;
        let down = |event: &NetEvent| matches!(event, NetEvent::Link(link) if link.name == "va" && !link.is_usable() && link.has("192.0.2.1".parse().unwrap()));
        ip("link set vb down");
        until(&down, "carrier lost").await;
        let deleted =
            |event: &NetEvent| matches!(event, NetEvent::LinkGone { name, .. } if name == "va");
        ip("link del va");
        until(&deleted, "link gone").await;
    });
}

#[test]
fn the_kernel_shows_a_rule_as_it_was_told() {
    in_namespace(|| async {
        let network = Network::connect().unwrap();
        let (tell, mut news) = mpsc::channel(64);
        let _monitor = monitor::watch(tell);
        assert!(matches!(news.recv().await, Some(NetEvent::Links(_))));
        let prefix = |text: &str, length| Some(Prefix { address: text.parse().unwrap(), length });
        let plain = |family, preference| Rule::new(family, preference, RuleAction::Table(1000));
        let mut all = vec![plain(Family::V4, 5), plain(Family::V6, 6)];
        all.push(Rule {
            invert: true,
            from: prefix("192.0.2.0", 24),
            to: prefix("198.51.100.7", 32),
            iif: Some("va".into()),
            oif: Some("absent0".into()),
            mark: Some((16, 255)),
            tos: 16,
            ip_protocol: Some(17),
            source_ports: Some((5, 9)),
            destination_ports: Some((80, 80)),
            users: Some((1000, 2000)),
            realms: Some(Realms { from: 3, to: 4 }),
            suppress_prefix_length: Some(8),
            ..plain(Family::V4, 7)
        });
        all.push(Rule {
            from: prefix("2001:db8::", 32),
            mark: Some((9, u32::MAX)),
            tunnel: Some(77),
            suppress_group: Some(4),
            ..plain(Family::V6, 8)
        });
        for action in [
            RuleAction::Goto(5000),
            RuleAction::Nop,
            RuleAction::Blackhole,
            RuleAction::Unreachable,
            RuleAction::Prohibit,
        ] {
            let next = u32::try_from(all.len()).unwrap();
            all.push(Rule { action, protocol: 0, ..plain(Family::V4, 20 + next) });
        }
        for rule in &all {
            network.add_rule(rule).await.unwrap();
            network.add_rule(rule).await.unwrap();
        }
        let shown = ip("-d rule show");
        assert!(shown.contains("5:\tfrom all lookup 1000 proto keepalived"), "{shown}");
        for rule in &all {
            assert!(network.rules().await.unwrap().iter().any(|listed| listed.is(rule)));
            network.remove_rule(rule).await.unwrap();
            network.remove_rule(rule).await.unwrap();
            let told = async {
                loop {
                    if let Some(NetEvent::RuleRemoved(removed)) = news.recv().await {
                        return *removed;
                    }
                }
            };
            let told = timeout(Duration::from_secs(10), told).await.unwrap();
            assert_eq!(told, *rule);
        }
        let shown = ip("rule show");
        assert!(!shown.contains("lookup 1000"), "{shown}");
    });
}

#[test]
fn the_kernel_shows_a_route_as_it_was_told() {
    in_namespace(|| async {
        let network = Network::connect().unwrap();
        let (tell, mut news) = mpsc::channel(64);
        let _monitor = monitor::watch(tell);
        assert!(matches!(news.recv().await, Some(NetEvent::Links(_))));
        let header = TunnelHeader {
            id: Some(5),
            destination: Some("192.0.2.3".parse().unwrap()),
            ttl: Some(9),
            ..TunnelHeader::default()
        };
        let first = Route {
            tos: 8,
            metric: Some(12),
            table: 6909,
            scope: Some(253),
            realms: Some(Realms { from: 30, to: 20 }),
            congestion: Some(("reno".into(), true)),
            metrics: BTreeMap::from([(2, (1400, true)), (12, (1, false))]),
            ..route("203.0.113.0", 24)
        };
        let second =
            Route { encapsulation: Some(Encapsulation::Ip(header)), ..route("198.51.100.0", 24) };
        let leg = |last: u8, weight| NextHop {
            via: Some([192, 0, 2, last].into()),
            dev: Some("va".into()),
            weight,
            onlink: true,
            ..NextHop::default()
        };
        let third =
            Route { dev: None, nexthops: vec![leg(8, 1), leg(9, 3)], ..route("203.0.114.0", 24) };
        let fourth = Route { preference: Some(1), expires: Some(500), ..route("2001:db8::", 32) };
        let blackhole = Route { kind: 6, dev: None, ..route("203.0.115.0", 24) };
        let local = Route { kind: 2, table: 9, ..route("203.0.116.1", 32) };
        let all = [first, second, third, fourth, blackhole, local];
        for route in &all {
            network.add_route(route).await.unwrap();
            network.add_route(route).await.unwrap();
        }
        let listed = network.routes().await.unwrap();
        for route in &all {
            let found = listed.iter().find(|view| route.is(&view.identity));
            assert!(found.is_some_and(|view| view.leads_as(route, None)), "{route:?}: {listed:?}");
        }
        let shown = ip("-d route show table all") + &ip("-d -6 route show table all");
        for wanted in [
            "unicast 203.0.113.0/24 tos 0x08 dev va table 6909 proto keepalived scope link metric \
             12 realms 30/20 mtu lock 1400 features ecn congctl lock reno",
            "unicast 198.51.100.0/24  encap ip id 5 src 0.0.0.0 dst 192.0.2.3 ttl 9 tos 0 dev va",
            "nexthop via 192.0.2.8 dev va weight 1 onlink",
            "nexthop via 192.0.2.9 dev va weight 3 onlink",
            "unicast 2001:db8::/32 dev va table main proto keepalived scope global metric 1024 expires",
            "pref high",
            "blackhole 203.0.115.0/24 table main proto keepalived scope global",
            "local 203.0.116.1 dev va table 9 proto keepalived scope host",
        ] {
            assert!(shown.contains(wanted), "{wanted}\n{shown}");
        }
        for route in &all {
            network.remove_route(route).await.unwrap();
            let told = async {
                loop {
                    if let Some(NetEvent::RouteRemoved(removed)) = news.recv().await {
                        return removed;
                    }
                }
            };
            let told = timeout(Duration::from_secs(10), told).await.unwrap();
            assert_eq!(told, route.identity());
        }
    });
}
