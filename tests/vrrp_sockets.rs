//! Two executors on real raw sockets, one at each end of a virtual cable, in a network namespace of
//! their own. Skipped with a message where that may not be made.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
use lan::{instance, vip};
use ldirector::{
    base::{Family, InterfaceAddress, LinkIndex, OwnLink, Prefix, Priority, Route, Rule},
    config::model::{
        Authentication, GlobalDefs, TrackFile, TrackProcess, TrackScript, Unicast, UnicastPeer,
        Version, VrrpConfig, VrrpInstance,
    },
    machine::io::Inbound,
    net::{LinkView, NetEvent, filter::Filter},
    notify::Notification,
    status::InstanceStatus,
    vrrp::{
        Announcement, Event, SyncOrder, Tuning,
        io::{Detail, Inbox, Upward, World, run},
    },
};
use nix::sched::{CloneFlags, unshare};
use std::{
    cell::RefCell, convert::Infallible, future::Future, net::IpAddr, process::Command, rc::Rc,
    sync::Arc, time::Duration,
};
use tokio::{sync::mpsc, time::sleep};

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Fake(Rc<RefCell<Vec<String>>>);

impl Fake {
    fn note(&self, what: String) -> Result<(), Infallible> {
        self.0.borrow_mut().push(what);
        Ok(())
    }
}

impl World for Fake {
    type Error = Infallible;
    async fn add_address(&mut self, address: &InterfaceAddress) -> Result<(), Infallible> {
        self.note(format!("add {}", address.address))
    }
    async fn remove_address(&mut self, address: &InterfaceAddress) -> Result<(), Infallible> {
        self.note(format!("remove {}", address.address))
    }
    async fn add_route(&mut self, _: &Route) -> Result<(), Infallible> {
        Ok(())
    }
    async fn remove_route(&mut self, _: &Route) -> Result<(), Infallible> {
        Ok(())
    }
    async fn add_rule(&mut self, _: &Rule) -> Result<(), Infallible> {
        Ok(())
    }
    async fn remove_rule(&mut self, _: &Rule) -> Result<(), Infallible> {
        Ok(())
    }
    async fn create_link(&mut self, _: &OwnLink) -> Result<(), Infallible> {
        Ok(())
    }
    async fn remove_link(&mut self, _: &OwnLink) -> Result<(), Infallible> {
        Ok(())
    }
    async fn filter(&mut self, _: &Filter) -> Result<(), Infallible> {
        Ok(())
    }
    fn tune(&mut self, _: &Tuning) {}
    fn untune(&mut self) {}
    async fn sync_daemon(&mut self, _: &SyncOrder) -> Result<(), Infallible> {
        Ok(())
    }
    fn announce(&mut self, what: Announcement) {
        self.0.borrow_mut().push(format!("announce {}", what.rounds));
    }
    fn cancel_announcements(&mut self, _: &str) {}
    fn notify(&mut self, _: Notification) {}
    fn watch_script(&mut self, _: TrackScript) {}
    fn watch_files(&mut self, _: Vec<TrackFile>, _: bool) {}
    fn watch_processes(&mut self, _: Vec<TrackProcess>) {}
    fn unwatch_script(&mut self, _: &str) {}
    async fn finish(&mut self) {
        self.0.borrow_mut().push("finish".to_owned());
    }
}

#[test]
fn version_2_plain() {
    election(|_, _| {});
}

#[test]
fn version_2_with_a_header() {
    election(|config, _| config.authentication = Authentication::Header(*b"secret\0\0"));
}

#[test]
fn version_3() {
    election(|config, _| {
        config.version = Version::V3;
        config.advert_interval = Duration::from_millis(100);
    });
}

#[test]
fn version_3_over_ipv6() {
    election(|config, _| {
        config.version = Version::V3;
        config.advert_interval = Duration::from_millis(100);
        config.family = Family::V6;
        config.multicast_group = "ff02::12".parse().unwrap();
        config.addresses = vec![vip("fe80::100".parse().unwrap(), &config.interface.value)];
    });
}

#[test]
fn version_3_unicast() {
    election(|config, peer| {
        config.version = Version::V3;
        config.advert_interval = Duration::from_millis(100);
        let peer = UnicastPeer { address: peer, min_ttl: None, max_ttl: None };
        config.unicast = Some(Unicast { peers: vec![peer], ..Unicast::default() });
    });
}

/// a (150) becomes master, b (100) does not; a stops, and b is master a skew later.
fn election(change: fn(&mut VrrpInstance, IpAddr)) {
    let thread = std::thread::spawn(move || {
        if unshare(CloneFlags::CLONE_NEWNET).is_err() || !lay_cable() {
            println!("skipped: needs root and the `ip` command");
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(change));
    });
    thread.join().unwrap();
}

async fn play(change: fn(&mut VrrpInstance, IpAddr)) {
    let ours = |number: u8| IpAddr::from([10, 9, number, 1]);
    let a = Node::new("cable0", 150, 2, ours(2), ours(3), change);
    let b = Node::new("cable1", 100, 3, ours(3), ours(2), change);
    let (seen_a, seen_b) = (Rc::clone(&a.world.0), Rc::clone(&b.world.0));
    let (events_a, events_b) = (a.events.clone(), b.events.clone());
    let (mut answers_a, mut answers_b) = (a.answers, b.answers);
    let script = async {
        wait_for(&events_a, &mut answers_a, "MASTER").await;
        let status = wait_for(&events_b, &mut answers_b, "BACKUP").await;
        assert!(status.adverts_received > 0, "{status:?}");
        assert_eq!((status.rejected, status.became_master), (0, 0), "{status:?}");
        events_a.send(Inbound::Event(Event::Stop)).await.unwrap();
        let status = wait_for(&events_b, &mut answers_b, "MASTER").await;
        assert_eq!(status.became_master, 1, "{status:?}");
        events_b.send(Inbound::Event(Event::Stop)).await.unwrap();
    };
    let all = async { tokio::join!(a.run, b.run, script) };
    let (code_a, code_b, ()) = tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!((code_a, code_b), (0, 0));
    for seen in [seen_a, seen_b] {
        let seen = seen.borrow();
        let kinds: Vec<&str> = seen.iter().map(|what| what.split(' ').next().unwrap()).collect();
        assert_eq!(kinds, ["remove", "add", "announce", "remove", "finish"]);
    }
}

struct Node<F> {
    run: F,
    world: Fake,
    events: Inbox,
    answers: mpsc::Receiver<Upward>,
}

impl Node<()> {
    fn new(
        cable: &str,
        priority: u8,
        index: u32,
        own: IpAddr,
        peer: IpAddr,
        change: fn(&mut VrrpInstance, IpAddr),
    ) -> Node<impl Future<Output = u8> + use<>> {
        let mut config = instance("VI_1", 51);
        config.interface.value = cable.to_owned();
        config.advert_interface = cable.to_owned();
        config.addresses = vec![vip("192.0.2.10".parse().unwrap(), cable)];
        config.priority.value = Priority(priority);
        change(&mut config, peer);
        let (events, inbox) = mpsc::channel(64);
        let (upward, answers) = mpsc::channel(64);
        let links = NetEvent::Links(vec![link(cable, index, own)]);
        events.try_send(Inbound::Event(Event::Net(links))).unwrap();
        let world = Fake::default();
        let config = VrrpConfig { instances: vec![config], ..VrrpConfig::default() };
        let run = run(
            Arc::new(config),
            Arc::new(GlobalDefs::default()),
            inbox,
            events.clone(),
            upward,
            world.clone(),
            Detail::All,
        );
        Node { run, world, events, answers }
    }
}

async fn wait_for(
    events: &Inbox,
    answers: &mut mpsc::Receiver<Upward>,
    state: &str,
) -> InstanceStatus {
    loop {
        events.send(Inbound::Event(Event::ReportStatus(1))).await.unwrap();
        if let Some(Upward::Status(1, mut status)) = answers.recv().await {
            let status = status.instances.remove(0);
            assert!(status.faults.is_empty(), "{status:?}");
            if status.state == state {
                return status;
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn link(name: &str, index: u32, own: IpAddr) -> LinkView {
    let last = u8::try_from(index).unwrap();
    LinkView {
        index: LinkIndex(index),
        name: name.to_owned(),
        up: true,
        running: true,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: None,
        addresses: vec![
            Prefix { address: own, length: 16 },
            Prefix { address: format!("fe80::{last}").parse().unwrap(), length: 64 },
        ],
    }
}

/// Both ends are in one namespace, so a packet's source is one of our own: that must be allowed.
fn lay_cable() -> bool {
    let commands = "set -e
        ip link add cable0 type veth peer name cable1
        sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.accept_local=1
        for end in cable0 cable1; do
            sysctl -qw net.ipv4.conf.$end.rp_filter=0 net.ipv4.conf.$end.accept_local=1
        done
        ip address add 10.9.2.1/32 peer 10.9.3.1 dev cable0
        ip address add 10.9.3.1/32 peer 10.9.2.1 dev cable1
        ip link set lo up
        ip link set cable0 addrgenmode none
        ip link set cable1 addrgenmode none
        ip link set cable0 up
        ip link set cable1 up
        ip address add fe80::2/64 dev cable0 nodad
        ip address add fe80::3/64 dev cable1 nodad";
    Command::new("sh").args(["-c", commands]).status().is_ok_and(|status| status.success())
}
