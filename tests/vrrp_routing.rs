//! Routes and rules of instances and of the file: who puts them back, who gives up, who waits for
//! an interface.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
use lan::{instance, vip};
use ldirector::{
    base::{Family, InterfaceAddress, LinkIndex, Prefix, Route, Rule, RuleAction},
    config::model::{GlobalDefs, VrrpConfig, VrrpInstance},
    machine::Machine,
    net::{LinkView, NetEvent},
    vrrp::{Action, Event, Level, VrrpNode},
};
use std::time::Instant;

struct Rig {
    node: VrrpNode,
    now: Instant,
}

impl Rig {
    /// With eth0 (10.0.0.5/24) and eth1 (10.0.1.5/24) up.
    fn started(config: VrrpConfig) -> Self {
        let now = Instant::now();
        let node = VrrpNode::new(config.into(), GlobalDefs::default().into(), now);
        let mut rig = Self { node, now };
        rig.net(NetEvent::Links(vec![link(0, true), link(1, true)]));
        rig
    }

    fn master(config: VrrpConfig) -> Self {
        let mut rig = Self::started(config);
        rig.now = rig.node.next_deadline().unwrap();
        drop(rig.node.handle_deadline(rig.now));
        assert_eq!(rig.state(), "MASTER");
        rig
    }

    fn net(&mut self, event: NetEvent) -> Vec<Action> {
        self.node.handle(Event::Net(event), self.now)
    }

    fn lost_rule(&mut self, rule: &Rule) -> Vec<Action> {
        // The kernel tells nothing of who looks after it.
        let rule = Rule { track: true, ..rule.clone() };
        self.net(NetEvent::RuleRemoved(Box::new(rule)))
    }

    fn lost_route(&mut self, route: &Route) -> Vec<Action> {
        self.net(NetEvent::RouteRemoved(route.identity()))
    }

    fn reload(&mut self, config: VrrpConfig) -> Vec<Action> {
        let reload = Event::Reload(config.into(), GlobalDefs::default().into());
        self.node.handle(reload, self.now)
    }

    fn state(&self) -> String {
        self.node.status(self.now).instances[0].state.clone()
    }

    fn faults(&self) -> Vec<String> {
        self.node.status(self.now).instances[0].faults.clone()
    }
}

fn link(number: u8, up: bool) -> LinkView {
    LinkView {
        index: LinkIndex(u32::from(number) + 1),
        name: format!("eth{number}"),
        up: true,
        running: up,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: None,
        addresses: vec![Prefix { address: [10, 0, number, 5].into(), length: 24 }],
    }
}

fn with(change: impl FnOnce(&mut VrrpInstance)) -> VrrpConfig {
    let mut one = instance("VI_1", 51);
    change(&mut one);
    VrrpConfig { instances: vec![one], ..VrrpConfig::default() }
}

fn route(third: u8, dev: Option<&str>) -> Route {
    let destination = Prefix { address: [198, 51, third, 0].into(), length: 24 };
    Route { dev: dev.map(str::to_owned), track: dev.is_some(), ..Route::to(destination) }
}

fn rule(preference: u32, iif: Option<&str>) -> Rule {
    let mut rule = Rule::new(Family::V4, preference, RuleAction::Table(7));
    rule.iif = iif.map(str::to_owned);
    rule
}

fn untracked<T: Clone>(value: &T, untrack: impl FnOnce(&mut T)) -> T {
    let mut value = value.clone();
    untrack(&mut value);
    value
}

/// Additions and removals.
fn changes(actions: Vec<Action>) -> Vec<Action> {
    let changes = |action: &Action| {
        matches!(
            action,
            Action::AddAddresses(_)
                | Action::RemoveAddresses(_)
                | Action::AddRoutes(_)
                | Action::RemoveRoutes(_)
                | Action::AddRules(_)
                | Action::RemoveRules(_)
        )
    };
    actions.into_iter().filter(changes).collect()
}

fn says(actions: &[Action], wanted: &str) -> bool {
    actions.iter().any(|action| match action {
        Action::Log(Level::Info, text) => text.contains(wanted),
        _ => false,
    })
}

fn only_eth1(address: &mut InterfaceAddress) {
    address.track = false;
}

#[test]
fn a_deleted_rule_makes_the_master_give_up_unless_it_is_not_tracked() {
    let (tracked, other) = (rule(5, None), untracked(&rule(6, None), |r| r.track = false));
    let rules = vec![tracked.clone(), other.clone()];
    let mut rig = Rig::master(with(|vi| vi.rules = rules));
    assert!(rig.lost_rule(&other).is_empty());
    assert!(rig.lost_rule(&rule(7, None)).is_empty(), "somebody else's");
    assert_eq!(rig.state(), "MASTER");
    let out = rig.lost_rule(&tracked);
    assert!(says(&out, "Netlink reflector reports rule from all priority 5 lookup 7 removed"));
    assert_eq!(rig.state(), "BACKUP");
    // News of our own removal is no news, the next master's is.
    assert!(rig.lost_rule(&tracked).is_empty());
}

#[test]
fn routes_of_one_destination_are_told_apart_by_their_metric() {
    let near = untracked(&route(1, Some("eth0")), |route| route.metric = Some(5));
    let far = untracked(&near, |route| {
        route.metric = Some(9);
        route.track = false;
    });
    let mut rig = Rig::master(with(|vi| vi.routes = vec![near.clone(), far.clone()]));
    assert!(rig.lost_route(&far).is_empty());
    assert_eq!(rig.state(), "MASTER");
    rig.lost_route(&near);
    assert_eq!(rig.state(), "BACKUP");
}

#[test]
fn a_route_without_an_interface_is_nobodys_loss() {
    let via = untracked(&route(1, None), |route| route.via = Some([10, 0, 0, 9].into()));
    let mut rig = Rig::master(with(|vi| vi.routes = vec![via.clone()]));
    assert!(rig.lost_route(&via).is_empty());
    assert_eq!(rig.state(), "MASTER");
}

#[test]
fn the_interfaces_of_rules_and_of_a_track_groups_lines_are_needed() {
    for change in [
        (|vi: &mut VrrpInstance| vi.rules = vec![rule(5, Some("eth1"))]) as fn(&mut VrrpInstance),
        |vi| vi.static_interfaces = vec!["eth1".to_owned()],
        |vi| vi.routes = vec![route(1, Some("eth1"))],
    ] {
        let mut rig = Rig::master(with(change));
        rig.net(NetEvent::Link(link(1, false)));
        assert_eq!(
            (rig.state().as_str(), rig.faults()),
            ("FAULT", vec!["interface eth1 down".to_owned()])
        );
        rig.net(NetEvent::Link(link(1, true)));
        assert_eq!(rig.state(), "BACKUP");
    }
    let mut rig = Rig::master(with(|vi| {
        vi.rules = vec![untracked(&rule(5, Some("eth1")), |rule| rule.track = false)];
    }));
    rig.net(NetEvent::Link(link(1, false)));
    assert_eq!(rig.state(), "MASTER");
}

#[test]
fn what_led_through_an_interface_that_returns_is_put_back() {
    let through = untracked(&route(1, Some("eth1")), |route| route.track = false);
    let address = untracked(&vip([192, 0, 2, 77].into(), "eth1"), only_eth1);
    let mut rig = Rig::master(with(|vi| {
        vi.excluded = vec![address.clone()];
        vi.routes = vec![through.clone(), route(2, Some("eth0"))];
    }));
    assert_eq!(changes(rig.net(NetEvent::Link(link(1, false)))), []);
    assert_eq!(
        changes(rig.net(NetEvent::Link(link(1, true)))),
        [Action::AddAddresses(vec![address]), Action::AddRoutes(vec![through])]
    );
    assert_eq!(rig.state(), "MASTER");
}

#[test]
fn static_rules_come_last_go_first_and_are_restored() {
    let address = vip([192, 0, 2, 77].into(), "eth1");
    let config = VrrpConfig {
        static_addresses: vec![address.clone()],
        static_routes: vec![route(1, Some("eth1"))],
        static_rules: vec![rule(5, None)],
        ..VrrpConfig::default()
    };
    let now = Instant::now();
    let mut node = VrrpNode::new(config.into(), GlobalDefs::default().into(), now);
    assert_eq!(
        changes(node.handle_deadline(now)),
        [
            Action::AddAddresses(vec![address.clone()]),
            Action::AddRoutes(vec![route(1, Some("eth1"))]),
            Action::AddRules(vec![rule(5, None)]),
        ]
    );
    let mut rig = Rig { node, now };
    rig.net(NetEvent::Links(vec![link(0, true), link(1, true)]));
    let out = rig.lost_rule(&rule(5, None));
    assert!(says(&out, "Restoring deleted static rule from all priority 5 lookup 7"));
    assert_eq!(changes(out), [Action::AddRules(vec![rule(5, None)])]);
    assert!(rig.lost_rule(&rule(6, None)).is_empty());
    let end = changes(rig.node.handle(Event::Stop, rig.now));
    assert_eq!(
        end,
        [
            Action::RemoveRules(vec![rule(5, None)]),
            Action::RemoveRoutes(vec![route(1, Some("eth1"))]),
            Action::RemoveAddresses(vec![address]),
        ]
    );
}

#[test]
fn statics_that_nobody_looks_after_stay_lost() {
    let config = VrrpConfig {
        static_addresses: vec![untracked(&vip([10, 0, 1, 77].into(), "eth1"), only_eth1)],
        static_routes: vec![untracked(&route(1, Some("eth0")), |route| route.track = false)],
        static_rules: vec![untracked(&rule(5, None), |rule| rule.track = false)],
        ..VrrpConfig::default()
    };
    let mut rig = Rig::started(config.clone());
    assert!(rig.lost_rule(&config.static_rules[0]).is_empty());
    assert!(rig.lost_route(&config.static_routes[0]).is_empty());
    rig.net(NetEvent::Link(link(1, false)));
    assert_eq!(changes(rig.net(NetEvent::Link(link(1, true)))), []);
}

#[test]
fn a_static_route_returns_with_the_interface_of_its_gateway() {
    let via = untracked(&route(1, None), |route| route.via = Some([10, 0, 1, 9].into()));
    let config =
        VrrpConfig { static_routes: vec![via.clone(), route(2, None)], ..VrrpConfig::default() };
    let mut rig = Rig::started(config);
    rig.net(NetEvent::Link(link(1, false)));
    rig.net(NetEvent::Link(link(0, false)));
    assert_eq!(changes(rig.net(NetEvent::Link(link(1, true)))), [Action::AddRoutes(vec![via])]);
    assert_eq!(changes(rig.net(NetEvent::Link(link(0, true)))), []);
}

#[test]
fn a_reload_moves_only_the_rules_and_routes_that_differ() {
    let config = |routes: &[u8], rules: &[u32]| {
        let mut config = with(|vi| {
            vi.routes = routes.iter().map(|third| route(*third, Some("eth0"))).collect();
            vi.rules = rules.iter().map(|preference| rule(*preference, None)).collect();
        });
        config.static_rules = rules.iter().map(|preference| rule(100 + preference, None)).collect();
        config
    };
    let mut rig = Rig::master(config(&[1, 2], &[1, 2]));
    let out = changes(rig.reload(config(&[2, 3], &[2, 3])));
    assert_eq!(
        out,
        [
            Action::RemoveRules(vec![rule(101, None)]),
            Action::RemoveRules(vec![rule(1, None)]),
            Action::RemoveRoutes(vec![route(1, Some("eth0"))]),
            Action::AddRoutes(vec![route(3, Some("eth0"))]),
            Action::AddRules(vec![rule(3, None)]),
            Action::AddRules(vec![rule(103, None)]),
        ]
    );
    assert_eq!(rig.state(), "MASTER");
    // The kernel's news of what the reload removed.
    assert!(rig.lost_rule(&rule(1, None)).is_empty());
    assert_eq!(rig.state(), "MASTER");
}

#[test]
fn a_reload_that_changes_a_static_does_not_restore_it() {
    let config = |mtu: u32, label: &str| {
        let mut changed = route(1, Some("eth1"));
        changed.metrics.insert(2, (mtu, false));
        let mut address = vip([10, 0, 1, 77].into(), "eth1");
        address.label = Some(label.to_owned());
        VrrpConfig {
            static_addresses: vec![address],
            static_routes: vec![changed],
            ..VrrpConfig::default()
        }
    };
    let first = config(1400, "eth1:a");
    let mut rig = Rig::started(first.clone());
    let prefix = first.static_addresses[0].prefix();
    rig.net(NetEvent::AddressAdded { index: LinkIndex(2), prefix });
    rig.reload(config(1300, "eth1:b"));
    assert!(rig.net(NetEvent::AddressRemoved { index: LinkIndex(2), prefix }).is_empty());
    rig.net(NetEvent::AddressAdded { index: LinkIndex(2), prefix });
    assert!(rig.lost_route(&first.static_routes[0]).is_empty());
    // A second time it is somebody else.
    assert!(!rig.lost_route(&first.static_routes[0]).is_empty());
    assert!(!rig.net(NetEvent::AddressRemoved { index: LinkIndex(2), prefix }).is_empty());
}
