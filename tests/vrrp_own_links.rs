//! Interfaces of an instance's own, and how changes of interfaces count.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
#[path = "vrrp/rig.rs"]
#[allow(dead_code, reason = "others use the rest of it")]
mod rig;
use lan::vip;
use ldirector::{
    base::{Family, LinkIndex, OwnLink, OwnLinkKind, Vrid, virtual_router_mac},
    config::model::{ExtraGarp, GlobalDefs, LinkDelays, VrrpConfig},
    net::{LinkView, NetEvent},
    vrrp::{Action, Event},
};
use rig::{Rig, address, link, one, with};
use std::time::Duration;

/// With a VMAC, accepting nothing, and a further announcement every two minutes.
fn with_vmac() -> VrrpConfig {
    let own = OwnLink {
        name: "vrrp.51".to_owned(),
        parent: "eth0".to_owned(),
        kind: OwnLinkKind::Macvlan { mac: virtual_router_mac(Family::V4, Vrid(51)) },
        family: Family::V4,
        group: None,
        retell_parent: false,
    };
    with(|c| {
        c.advert_interface.clone_from(&own.name);
        c.addresses = vec![vip(address(80), &own.name), vip(address(81), "eth0")];
        c.own_links = vec![own];
        c.accept = false;
        c.garp.extra = Some(ExtraGarp { every: Duration::from_secs(120), all: true });
    })
}

fn vmac(index: u32, up: bool) -> LinkView {
    LinkView { name: "vrrp.51".to_owned(), up, running: up, addresses: vec![], ..link(index) }
}

/// Those of them that are about interfaces, sockets, filters and addresses.
fn kinds(actions: &[Action]) -> Vec<&'static str> {
    let name = |action: &Action| match action {
        Action::CreateLinks(_) => Some("create"),
        Action::RemoveLinks(_) => Some("remove link"),
        Action::Filter(filter) if filter.addresses.is_empty() => Some("filter"),
        Action::Filter(_) => Some("filter addresses"),
        Action::Open(_) => Some("open"),
        Action::Close(_) => Some("close"),
        Action::AddAddresses(_) => Some("add"),
        Action::RemoveAddresses(_) => Some("remove"),
        Action::Exit => Some("exit"),
        _ => None,
    };
    actions.iter().filter_map(name).collect()
}

#[test]
fn an_interface_of_its_own_is_made_awaited_and_made_again() {
    let (mut rig, _) = Rig::new(&with_vmac(), &GlobalDefs::default());
    assert_eq!(kinds(&rig.net(NetEvent::Links(vec![link(1)]))), ["create"]);
    assert_eq!(rig.state(), "INIT");
    // It is there, then it is up: filtered before anything is said through it.
    assert_eq!(kinds(&rig.net(NetEvent::Link(vmac(2, false)))), ["filter", "open"]);
    assert_eq!(rig.state(), "INIT");
    rig.net(NetEvent::Link(vmac(2, true)));
    assert_eq!(rig.state(), "BACKUP");
    assert_eq!(kinds(&rig.wait()), ["filter addresses", "add"]);
    assert_eq!(rig.state(), "MASTER");

    // Somebody takes it away.
    let gone = NetEvent::LinkGone { index: LinkIndex(2), name: "vrrp.51".to_owned() };
    let actions = rig.net(gone);
    assert_eq!(kinds(&actions), ["create", "close", "remove"]);
    assert_eq!(rig.state(), "FAULT");
    assert_eq!(kinds(&rig.net(NetEvent::Link(vmac(3, true)))), ["filter", "open"]);
    assert_eq!(rig.state(), "BACKUP");

    // With what is below it, it goes and comes by itself.
    rig.net(NetEvent::LinkGone { index: LinkIndex(1), name: "eth0".to_owned() });
    let gone = NetEvent::LinkGone { index: LinkIndex(3), name: "vrrp.51".to_owned() };
    assert_eq!(kinds(&rig.net(gone)), ["close"]);
    assert_eq!(kinds(&rig.net(NetEvent::Link(link(4)))), ["create"]);
    assert_eq!(rig.state(), "FAULT");
    let ended = kinds(&rig.tell(Event::Stop)).join(", ");
    assert!(ended.ends_with("filter, remove link, exit"), "{ended}");
}

#[test]
fn further_interfaces_are_announced_again_and_again() {
    let mut rig = Rig::started(&with_vmac(), &GlobalDefs::default());
    rig.net(NetEvent::Link(vmac(2, true)));
    let mut told = vec![];
    while told.len() < 2 {
        for action in rig.wait() {
            if let Action::Announce(announcement) = action
                && announcement.targets.len() == 1
            {
                let target = &announcement.targets[0];
                told.push((target.interface.clone(), &*target.lane == "eth0", rig.now));
            }
        }
    }
    assert_eq!((&*told[0].0, told[0].1), ("eth0", true));
    assert_eq!(told[1].2 - told[0].2, Duration::from_secs(120));
}

#[test]
fn a_short_outage_does_not_count() {
    let delays = LinkDelays { down: Duration::from_secs(2), up: Duration::ZERO };
    let global =
        GlobalDefs { link_delays: [("eth0".to_owned(), delays)].into(), ..GlobalDefs::default() };
    let mut rig = Rig::master(&one(), &global);
    let down = || NetEvent::Link(LinkView { running: false, ..link(1) });
    rig.net(down());
    rig.now += Duration::from_secs(1);
    rig.net(NetEvent::Link(link(1)));
    assert_eq!(rig.state(), "MASTER");
    rig.net(down());
    for _ in 0..3 {
        rig.wait();
    }
    assert_eq!(rig.state(), "FAULT");
}
