//! Whatever happens to the LAN: once it is calm there is exactly one master, and with preemption it
//! is the one of highest priority.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
use lan::{Hosts, Lan, Settings};
use ldirector::{
    base::Priority,
    config::model::{Authentication, Version},
    vrrp::Event,
};
use proptest::prelude::*;
use std::{net::IpAddr, time::Duration};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Clone, Debug)]
enum Trouble {
    Unplug(usize),
    Plug(usize),
    Kill(usize),
    Start(usize),
    Link(usize, bool),
    Script(usize, bool),
    Loss(u32),
    Steal(usize),
    Reload(usize),
}

#[derive(Clone, Debug)]
struct World {
    priorities: Vec<u8>,
    preempt: bool,
    version: Version,
    authentication: Authentication,
    weight: i32,
    troubles: Vec<(u64, Trouble)>,
    seed: u64,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let node = 0..NAMES.len();
    prop_oneof![
        node.clone().prop_map(Trouble::Unplug),
        node.clone().prop_map(Trouble::Plug),
        node.clone().prop_map(Trouble::Kill),
        node.clone().prop_map(Trouble::Start),
        (node.clone(), any::<bool>()).prop_map(|(at, up)| Trouble::Link(at, up)),
        (node.clone(), any::<bool>()).prop_map(|(at, up)| Trouble::Script(at, up)),
        (0..=100_u32).prop_map(Trouble::Loss),
        node.clone().prop_map(Trouble::Steal),
        node.prop_map(Trouble::Reload),
    ]
}

fn world() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(1..=254_u8, 2..=NAMES.len()),
        any::<bool>(),
        prop_oneof![Just(Version::V2), Just(Version::V3)],
        prop_oneof![
            Just(Authentication::None),
            Just(Authentication::Password(*b"12345678")),
            Just(Authentication::Header(*b"12345678")),
        ],
        prop_oneof![Just(0), Just(-40), Just(40)],
        prop::collection::vec((0..8000_u64, trouble()), 0..25),
        any::<u64>(),
    )
        .prop_map(|(priorities, preempt, version, authentication, weight, troubles, seed)| {
            World {
                priorities,
                preempt,
                version,
                authentication: if version == Version::V3 {
                    Authentication::None
                } else {
                    authentication
                },
                weight,
                troubles,
                seed,
            }
        })
}

fn build(world: &World) -> Lan {
    let mut lan = lan::lan();
    lan.seed(world.seed);
    for (name, priority) in NAMES.iter().zip(&world.priorities) {
        let host = lan.new_host(name);
        host.track("VI_1", "chk", world.weight);
        let instance = host.instance("VI_1");
        instance.priority.value = Priority(*priority);
        instance.preempt = world.preempt;
        instance.version = world.version;
        instance.authentication = world.authentication;
        lan.start(name);
    }
    lan
}

fn inflict(lan: &mut Lan, trouble: &Trouble) {
    let name = |at: usize| NAMES[at % lan.hosts.len()];
    match *trouble {
        Trouble::Unplug(at) => {
            let name = name(at);
            lan.host(name).plugged = false;
        }
        Trouble::Plug(at) => {
            let name = name(at);
            lan.host(name).plugged = true;
        }
        Trouble::Kill(at) => {
            let name = name(at);
            lan.kill(name);
        }
        Trouble::Start(at) => {
            let name = name(at);
            if lan.host(name).node.is_none() {
                lan.start(name);
            }
        }
        Trouble::Link(at, up) => {
            let name = name(at);
            lan.set_link(name, "eth0", up);
        }
        Trouble::Script(at, up) => {
            let name = name(at);
            lan.set_script(name, "chk", up);
        }
        Trouble::Loss(percent) => lan.loss = percent,
        Trouble::Steal(at) => {
            let name = name(at);
            lan.steal(name, address());
        }
        Trouble::Reload(at) => {
            let name = name(at);
            let host = lan.host(name);
            let event = Event::Reload(host.config.clone().into(), host.global.clone().into());
            lan.tell(name, event);
        }
    }
}

fn calm(lan: &mut Lan) {
    lan.loss = 0;
    for at in 0..lan.hosts.len() {
        inflict(lan, &Trouble::Plug(at));
        inflict(lan, &Trouble::Start(at));
        inflict(lan, &Trouble::Link(at, true));
        inflict(lan, &Trouble::Script(at, true));
    }
}

fn address() -> IpAddr {
    "192.0.2.10".parse().unwrap()
}

#[test]
fn two_hundred_and_fifty_five_instances_fail_over_together() {
    let mut lan = lan::lan();
    for (name, priority) in [("a", 150), ("b", 100)] {
        let host = lan.new_host(name);
        for vrid in 1..=255_u8 {
            let mut instance = lan::instance(&format!("VI_{vrid}"), vrid);
            instance.priority.value = Priority(priority);
            instance.addresses[0].address = [192, 0, 2, vrid].into();
            host.config.instances.push(instance);
        }
        lan.start(name);
    }
    lan.run_until(Duration::from_secs(5));
    lan.kill("a");
    lan.run_until(Duration::from_millis(8700));
    let now = lan.now();
    let status = lan.host("b").node.as_ref().unwrap().status(now);
    assert_eq!(status.instances.iter().filter(|one| one.state == "MASTER").count(), 255);
    assert!((1..=255_u8).all(|last| lan.host("b").holds([192, 0, 2, last].into())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_trouble_there_is_one_master(world in world()) {
        let mut lan = build(&world);
        for (pause, trouble) in &world.troubles {
            let until = lan.clock + Duration::from_millis(*pause);
            lan.run_until(until);
            inflict(&mut lan, trouble);
        }
        calm(&mut lan);
        let until = lan.clock + Duration::from_secs(20);
        lan.run_until(until);
        let now = lan.now();
        let states: Vec<_> =
            lan.hosts.iter().map(|host| host.status("VI_1", now).unwrap()).collect();
        let masters: Vec<_> =
            states.iter().enumerate().filter(|(_, s)| s.state == "MASTER").collect();
        prop_assert_eq!(masters.len(), 1, "{:?}", states);
        let (at, master) = masters[0];
        if world.preempt {
            let best = states.iter().map(|status| status.priority).max().unwrap();
            prop_assert_eq!(master.priority, best, "{:?}", states);
        }
        // The address is where the master is, and nowhere else.
        for (index, host) in lan.hosts.iter().enumerate() {
            prop_assert_eq!(host.holds(address()), index == at, "{}", host.name);
        }
        // And it stays so.
        let before = states.iter().map(|status| status.state.clone()).collect::<Vec<_>>();
        let until = lan.clock + Duration::from_secs(30);
        lan.run_until(until);
        let now = lan.now();
        let after: Vec<_> =
            lan.hosts.iter().map(|host| host.status("VI_1", now).unwrap().state).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_sync_group_settles_on_one_host(world in world()) {
        let mut lan = build(&World { preempt: true, ..world.clone() });
        for name in &NAMES[..lan.hosts.len()] {
            lan.kill(name);
            let host = lan.host(name);
            let mut second = host.instance("VI_1").clone();
            second.name.value = "VI_2".to_owned();
            second.vrid.value.0 = 52;
            second.addresses[0].address = [192, 0, 2, 20].into();
            second.track_scripts.clear();
            host.config.instances.push(second);
            host.group("G", &["VI_1", "VI_2"]);
            lan.start(name);
        }
        for (pause, trouble) in &world.troubles {
            let until = lan.clock + Duration::from_millis(*pause);
            lan.run_until(until);
            inflict(&mut lan, trouble);
        }
        calm(&mut lan);
        let until = lan.clock + Duration::from_secs(40);
        lan.run_until(until);
        let now = lan.now();
        let mut states = vec![];
        for host in &lan.hosts {
            let of = |name| host.status(name, now).unwrap();
            let (first, second) = (of("VI_1"), of("VI_2"));
            prop_assert_eq!(&first.state, &second.state, "{}", host.name);
            states.push(first);
        }
        let masters = states.iter().filter(|status| status.state == "MASTER").count();
        prop_assert_eq!(masters, 1, "{:?}", states);
    }
}
