//! The kernel's own links in a network namespace of the test's.
use super::*;
use crate::{
    base::{AddressFlags, Family, Prefix, RouteMode},
    net::NetEvent,
};
use nix::sched::{CloneFlags, unshare};
use std::{future::Future, process::Command, time::Duration};
use tokio::sync::mpsc;

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
    Route {
        family: Family::V4,
        kind: 1,
        destination: Prefix { address: to.parse().unwrap(), length },
        from: None,
        source: None,
        via: None,
        dev: Some("va".into()),
        table: 254,
        scope: None,
        metric: None,
        tos: 0,
        protocol: 18,
        onlink: false,
        metrics: BTreeMap::new(),
        mode: RouteMode::Prepend,
        nexthops: vec![],
        track: true,
    }
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
            network.remove_address(&plain).await.unwrap();
            network.remove_address(&fancy).await.unwrap();
        }
        let shown = ip("-o -4 address show dev va");
        assert!(!shown.contains(".80/32") && !shown.contains("198.51"), "{shown}");
        let absent = vip("192.0.2.81", "absent0");
        assert!(matches!(network.add_address(&absent).await, Err(NetError::NoInterface(_))));
        network.remove_address(&absent).await.unwrap();
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
            tokio::time::timeout(Duration::from_secs(10), found).await.expect(what);
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
