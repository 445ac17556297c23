//! What surrounds the instances: statics, the sync daemon, start delay, reload, sockets,
//! notifications.
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
use lan::{instance, plain, turned, vip};
use ldirector::{
    base::{LinkIndex, Prefix, Priority, Route, Script, Vrid},
    config::model::{Fifo, GlobalDefs, Mail, SyncDaemon, TrackScript, VrrpConfig},
    machine::Machine,
    net::NetEvent,
    notify::Notification,
    vrrp::{Action, Event, SyncOrder, SyncRole, VrrpNode},
};
use rig::{Rig, address, link, one, with};
use std::time::{Duration, Instant};

fn route(third: u8) -> Route {
    let destination = Prefix { address: [198, 51, third, 0].into(), length: 24 };
    Route { dev: Some("eth0".to_owned()), ..Route::to(destination) }
}

fn without_logs(actions: Vec<Action>) -> Vec<Action> {
    actions.into_iter().filter(|action| !matches!(action, Action::Log(..))).collect()
}

fn own_route_gone(third: u8) -> NetEvent {
    NetEvent::RouteRemoved(route(third).identity())
}

#[test]
fn statics_come_at_the_start_are_restored_and_go_at_the_end() {
    let static_address = vip(address(77), "eth0");
    let config = VrrpConfig {
        static_addresses: vec![static_address.clone()],
        static_routes: vec![route(1)],
        ..VrrpConfig::default()
    };
    let (mut rig, first) = Rig::new(&config, &GlobalDefs::default());
    let add =
        vec![Action::AddAddresses(vec![static_address.clone()]), Action::AddRoutes(vec![route(1)])];
    assert_eq!(first, add);
    let mut with_it = link(1);
    with_it.addresses.push(static_address.prefix());
    rig.net(NetEvent::Links(vec![with_it]));
    let prefix = static_address.prefix();
    let lost = rig.net(NetEvent::AddressRemoved { index: LinkIndex(1), prefix });
    assert_eq!(without_logs(lost), add[..1]);
    assert_eq!(without_logs(rig.net(own_route_gone(1))), add[1..]);
    assert_eq!(without_logs(rig.net(own_route_gone(2))), []);
    rig.net(NetEvent::LinkGone { index: LinkIndex(1), name: "eth0".to_owned() });
    assert_eq!(without_logs(rig.net(NetEvent::Link(link(2)))), add);
    let end = without_logs(rig.tell(Event::Stop));
    let remove =
        [Action::RemoveRoutes(vec![route(1)]), Action::RemoveAddresses(vec![static_address])];
    assert_eq!(end[..2], remove);
    assert_eq!(end[2..], [Action::Untune, Action::Exit]);
    assert_eq!(rig.node.next_deadline(), None);
}

#[test]
fn who_leaves_lets_go_of_nothing_and_says_nothing() {
    let mut rig = Rig::master(&one(), &GlobalDefs::default());
    let end = without_logs(rig.tell(Event::Leave));
    let lets_go = |action: &&Action| {
        matches!(action, Action::Send(_) | Action::RemoveAddresses(_) | Action::RemoveRoutes(_))
    };
    assert_eq!(end.iter().find(lets_go), None);
    assert_eq!(end.last(), Some(&Action::Exit));
}

#[test]
fn a_reload_moves_only_the_statics_that_differ() {
    let lists = |addresses: &[u8], routes: &[u8]| VrrpConfig {
        static_addresses: addresses.iter().map(|last| vip(address(*last), "eth0")).collect(),
        static_routes: routes.iter().map(|third| route(*third)).collect(),
        ..VrrpConfig::default()
    };
    let mut rig = Rig::started(&lists(&[1, 2], &[1]), &GlobalDefs::default());
    let out = without_logs(rig.reload(&lists(&[2, 3], &[2]), &GlobalDefs::default()));
    assert_eq!(
        out,
        [
            Action::RemoveRoutes(vec![route(1)]),
            Action::RemoveAddresses(vec![vip(address(1), "eth0")]),
            Action::AddAddresses(vec![vip(address(3), "eth0")]),
            Action::AddRoutes(vec![route(2)]),
        ]
    );
}

#[test]
fn nothing_starts_before_the_start_delay_is_over() {
    let global = GlobalDefs { vrrp_startup_delay: Duration::from_secs(7), ..GlobalDefs::default() };
    let mut rig = Rig::started(&one(), &global);
    assert_eq!(rig.state(), "INIT");
    let start = rig.now;
    rig.wait();
    assert_eq!((rig.now - start, rig.state().as_str()), (Duration::from_secs(7), "BACKUP"));
}

#[test]
fn after_boot_the_rest_of_the_delay_is_waited_for() {
    let delay = |startup, after_boot, uptime| {
        let global = GlobalDefs {
            vrrp_startup_delay: Duration::from_secs(startup),
            vrrp_delay_after_boot: Duration::from_secs(after_boot),
            ..GlobalDefs::default()
        };
        let now = Instant::now();
        let mut node =
            VrrpNode::new(one().into(), global.into(), now).booted(Duration::from_secs(uptime));
        drop(node.handle(Event::Net(NetEvent::Links(vec![link(1)])), now));
        let running = node.status(now).instances[0].state == "BACKUP";
        (running, node.next_deadline().unwrap().duration_since(now).as_secs())
    };
    assert_eq!(delay(0, 30, 10), (false, 20));
    assert_eq!(delay(25, 30, 10), (false, 25));
    assert_eq!(delay(0, 30, 31), (true, 3));
}

#[test]
fn after_a_reload_fifos_hear_of_all_states_if_asked_to() {
    let fifo = Fifo { path: "/run/f".into(), user: None, group: None, script: None };
    let lines = |asked| {
        let global = GlobalDefs {
            vrrp_fifo: Some(fifo.clone()),
            fifo_states_on_reload: asked,
            ..GlobalDefs::default()
        };
        let mut rig = Rig::master(&one(), &global);
        let out = rig.reload(&one(), &global);
        out.into_iter()
            .filter_map(|action| match action {
                Action::Notify(Notification::Fifo(line)) => Some(line),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(false), Vec::<String>::new());
    assert_eq!(lines(true), ["INSTANCE \"VI_1\" MASTER 100\n"]);
}

fn sync_global(instance: Option<&str>) -> GlobalDefs {
    let sync_daemon = SyncDaemon {
        interface: "eth0".to_owned(),
        instance: instance.map(ToOwned::to_owned),
        id: None,
        max_length: None,
        port: None,
        ttl: None,
        group: None,
    };
    GlobalDefs { sync_daemon: Some(sync_daemon), ..GlobalDefs::default() }
}

/// Started (+) and stopped (-) roles and the sync id.
fn sync_orders(actions: &[Action]) -> Vec<(char, SyncRole, u8)> {
    let order = |action: &Action| match action {
        Action::SyncDaemon(SyncOrder::Start { role, id, .. }) => Some(('+', *role, *id)),
        Action::SyncDaemon(SyncOrder::Stop { role, id }) => Some(('-', *role, *id)),
        _ => None,
    };
    actions.iter().filter_map(order).collect()
}

#[test]
fn the_sync_daemon_follows_its_instance() {
    use SyncRole::{Backup, Master};
    let (mut rig, first) = Rig::new(&one(), &sync_global(Some("VI_1")));
    // A crashed predecessor may have left the other one.
    assert_eq!(sync_orders(&first), [('-', Master, 51), ('+', Backup, 51)]);
    rig.net(NetEvent::Links(vec![link(1)]));
    let up = rig.wait();
    assert_eq!(sync_orders(&up), [('-', Backup, 51), ('+', Master, 51)]);
    let mut down = link(1);
    down.running = false;
    assert_eq!(sync_orders(&rig.net(NetEvent::Link(down))), [('-', Master, 51), ('+', Backup, 51)]);
    assert_eq!(sync_orders(&rig.reload(&one(), &sync_global(Some("VI_1")))), []);
    // One that follows nobody is the other process's.
    assert_eq!(sync_orders(&rig.reload(&one(), &sync_global(None))), [('-', Backup, 51)]);
    let follows = rig.reload(&one(), &sync_global(Some("VI_1")));
    assert_eq!(sync_orders(&follows), [('-', Master, 51), ('+', Backup, 51)]);
    let end = rig.tell(Event::Stop);
    assert_eq!(sync_orders(&end), [('-', Backup, 51)]);
}

#[test]
fn an_instance_that_vanishes_says_so_and_a_renamed_one_stays() {
    let mut rig = Rig::master(&one(), &GlobalDefs::default());
    let renamed = with(|config| config.name = plain("other".to_owned()));
    let out = without_logs(rig.reload(&renamed, &GlobalDefs::default()));
    assert!(out.iter().all(|action| matches!(action, Action::Send(_))), "{out:?}");
    assert_eq!(rig.state(), "MASTER");
    let moved = with(|config| config.vrid.value = Vrid(52));
    let out = without_logs(rig.reload(&moved, &GlobalDefs::default()));
    let last_advert = out.iter().filter_map(|action| match action {
        Action::Send(packet) => Some(packet.bytes[22]),
        _ => None,
    });
    assert_eq!(last_advert.collect::<Vec<_>>(), [100, 0]);
    assert!(out.contains(&Action::RemoveAddresses(vec![vip(address(10), "eth0")])));
    assert_eq!(rig.state(), "BACKUP");
}

#[test]
fn an_address_moves_between_masters_by_removal_first() {
    let mut config = one();
    let mut second = instance("VI_2", 52);
    second.addresses = vec![vip(address(20), "eth0")];
    config.instances.push(second);
    let mut rig = Rig::started(&config, &GlobalDefs::default());
    rig.wait();
    config.instances[0].addresses = vec![];
    config.instances[1].addresses.push(vip(address(10), "eth0"));
    let out = rig.reload(&config, &GlobalDefs::default());
    let moved = vec![vip(address(10), "eth0")];
    let removed = out.iter().position(|a| *a == Action::RemoveAddresses(moved.clone()));
    let added = out.iter().position(|a| *a == Action::AddAddresses(moved.clone()));
    assert!(removed.unwrap() < added.unwrap(), "{out:?}");
}

#[test]
fn sockets_follow_the_link() {
    let (mut rig, _) = Rig::new(&one(), &GlobalDefs::default());
    let opened = rig.net(NetEvent::Links(vec![link(1)]));
    let Some(Action::Open(key)) = without_logs(opened).into_iter().next() else { panic!() };
    let gone = rig.net(NetEvent::LinkGone { index: LinkIndex(1), name: "eth0".to_owned() });
    assert!(gone.contains(&Action::Close(key.clone())));
    assert_eq!(rig.state(), "FAULT");
    let back = rig.net(NetEvent::Link(link(2)));
    assert!(back.contains(&Action::Open(key.clone())));
    assert_eq!(rig.state(), "BACKUP");
    // The same name with another number: a link made anew between two pieces of news.
    let anew = rig.net(NetEvent::Links(vec![link(3)]));
    let sockets: Vec<_> = without_logs(anew);
    assert_eq!(sockets[..2], [Action::Close(key.clone()), Action::Open(key.clone())]);
}

#[test]
fn sockets_that_fail_are_tried_again() {
    let mut rig = Rig::started(&one(), &GlobalDefs::default());
    let Some(Action::Open(key)) = rig
        .reload(
            &with(|c| {
                c.interface = plain("eth1".to_owned());
                c.advert_interface = "eth1".to_owned();
            }),
            &GlobalDefs::default(),
        )
        .into_iter()
        .chain(rig.reload(&one(), &GlobalDefs::default()))
        .find(|action| matches!(action, Action::Open(_)))
    else {
        panic!("no socket")
    };
    let event = Event::SocketFailed { socket: key.clone(), reason: "EPERM".to_owned() };
    rig.tell(event);
    assert_eq!(rig.state(), "FAULT");
    let before = rig.now;
    assert_eq!(rig.wait(), [Action::Open(key.clone())]);
    assert_eq!(rig.now - before, Duration::from_secs(5));
    rig.tell(Event::SocketOpened(key));
    assert_eq!(rig.state(), "BACKUP");
}

#[test]
fn the_source_is_never_a_virtual_address_and_losing_it_is_a_fault() {
    let mut rig = Rig::master(&one(), &GlobalDefs::default());
    let own = Prefix { address: [10, 0, 0, 5].into(), length: 24 };
    let virtual_one = Prefix { address: address(10), length: 32 };
    rig.net(NetEvent::AddressAdded { index: LinkIndex(1), prefix: virtual_one });
    assert_eq!(rig.state(), "MASTER");
    let out = rig.net(NetEvent::AddressRemoved { index: LinkIndex(1), prefix: own });
    assert_eq!(rig.state(), "FAULT");
    assert!(out.iter().any(|a| matches!(a, Action::Send(p) if p.bytes[22] == 0)), "{out:?}");
    let other = Prefix { address: [10, 0, 0, 6].into(), length: 24 };
    rig.net(NetEvent::AddressAdded { index: LinkIndex(1), prefix: other });
    assert_eq!(rig.state(), "BACKUP");
    let up = rig.wait();
    assert!(up.iter().any(|a| matches!(a, Action::Send(p) if p.from == other.address)));
}

#[test]
fn leftovers_in_the_first_list_do_not_trouble_the_owner() {
    let owner = with(|config| {
        config.priority.value = Priority::OWNER;
        config.wants_master = true;
    });
    let (mut rig, _) = Rig::new(&owner, &GlobalDefs::default());
    let mut left = link(1);
    let prefix = Prefix { address: address(10), length: 32 };
    left.addresses.push(prefix);
    rig.net(NetEvent::Links(vec![left]));
    assert_eq!(rig.state(), "MASTER");
    rig.net(NetEvent::AddressRemoved { index: LinkIndex(1), prefix });
    rig.net(NetEvent::AddressAdded { index: LinkIndex(1), prefix });
    assert_eq!(rig.state(), "MASTER");
    rig.net(NetEvent::AddressRemoved { index: LinkIndex(1), prefix });
    assert_eq!(rig.state(), "BACKUP");
}

#[test]
fn an_untracked_address_may_be_taken() {
    let mut rig = Rig::master(&with(|c| c.addresses[0].track = false), &GlobalDefs::default());
    let prefix = Prefix { address: address(10), length: 32 };
    rig.net(NetEvent::AddressAdded { index: LinkIndex(1), prefix });
    rig.net(NetEvent::AddressRemoved { index: LinkIndex(1), prefix });
    assert_eq!(rig.state(), "MASTER");
}

#[test]
fn a_script_that_starts_as_failed_keeps_the_instance_in_fault() {
    let mut config = one();
    config.scripts.push(TrackScript {
        name: plain("chk".to_owned()),
        script: script("/bin/true"),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        weight: 0,
        reverse: false,
        rise: 1,
        fall: 1,
        init_fail: true,
    });
    config.instances[0].track_scripts.push(ldirector::config::model::TrackerUse {
        name: plain("chk".to_owned()),
        weight: 0,
        reverse: false,
    });
    let mut rig = Rig::started(&config, &GlobalDefs::default());
    assert_eq!(rig.state(), "FAULT");
    rig.tell(Event::Tracker(turned("chk", true)));
    assert_eq!(rig.state(), "BACKUP");
    // A reload keeps the verdict, and the script as it runs.
    let out = rig.reload(&config, &GlobalDefs::default());
    assert!(!out.iter().any(|a| matches!(a, Action::WatchScript(_) | Action::UnwatchScript(_))));
    assert_eq!(rig.state(), "BACKUP");
    config.scripts[0].interval = Duration::from_secs(9);
    let out = without_logs(rig.reload(&config, &GlobalDefs::default()));
    let unwatch = Action::UnwatchScript("chk".to_owned());
    assert_eq!(out, [unwatch, Action::WatchScript(config.scripts[0].clone())]);
    assert_eq!(rig.state(), "BACKUP");
}

fn script(path: &str) -> Script {
    Script { argv: vec![path.to_owned()], user: None, group: None }
}

#[test]
fn a_transition_is_told_in_keepalived_s_order_and_words() {
    let config = with(|config| {
        config.notify.master = Some(script("/m"));
        config.notify.any = Some(script("/any"));
        config.smtp_alert = true;
    });
    let global = GlobalDefs {
        router_id: Some("R".to_owned()),
        vrrp_fifo: Some(Fifo { path: "/run/f".into(), user: None, group: None, script: None }),
        mail: Mail {
            to: vec!["a@b".to_owned()],
            server: Some(("localhost".to_owned(), 25)),
            ..Mail::default()
        },
        ..GlobalDefs::default()
    };
    let mut rig = Rig::started(&config, &global);
    let told: Vec<_> = rig
        .wait()
        .into_iter()
        .filter_map(|action| match action {
            Action::Notify(notification) => Some(notification),
            _ => None,
        })
        .collect();
    let queue = || "VI_1".to_owned();
    assert_eq!(
        told,
        [
            Notification::Script { queue: queue(), script: script("/m") },
            Notification::Script {
                queue: queue(),
                script: script("/any").with_arguments(&["INSTANCE", "VI_1", "MASTER", "100"]),
            },
            Notification::Fifo("INSTANCE \"VI_1\" MASTER 100\n".to_owned()),
            Notification::Mail {
                subject: "[R] VRRP Instance VI_1 - Entering MASTER state".to_owned(),
                body: "=> VRRP Instance is now owning VRRP VIPs <=".to_owned(),
            },
        ]
    );
}

#[test]
fn neighbours_are_told_again_after_the_delay() {
    let config = with(|config| config.garp.refresh = Duration::from_secs(60));
    let mut rig = Rig::master(&config, &GlobalDefs::default());
    let start = rig.now;
    let mut told = vec![];
    while rig.now - start < Duration::from_secs(130) {
        for action in rig.wait() {
            if let Action::Announce(what) = action {
                told.push(((rig.now - start).as_secs(), what.rounds));
            }
        }
    }
    assert_eq!(told, [(5, 5), (65, 1), (125, 1)]);
}
