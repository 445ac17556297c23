//! Every event in every state: where it leads and what it orders, as one table.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
use lan::{Hosts, Settings, instance, plain, turned};
use ldirector::{
    base::{Family, LinkIndex, Prefix, Priority, Route, Rule, RuleAction, Vrid},
    config::model::{GlobalDefs, Version, VrrpConfig, VrrpInstance},
    machine::Machine,
    net::{LinkView, NetEvent},
    notify::Notification,
    vrrp::{Action, ChecksumForm, Datagram, Encoder, Endpoint, Event, Shape, SocketKey, VrrpNode},
};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Initialize,
    Fault,
    Backup,
    Master,
}
use State::{Backup, Fault, Initialize, Master};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Deadline,
    AdvertStop,
    AdvertLower,
    AdvertEqualLowerAddress,
    AdvertEqualSameAddress,
    AdvertEqualHigherAddress,
    AdvertHigher,
    AdvertRejected,
    LinkDown,
    LinkUp,
    ScriptFails,
    ScriptRecovers,
    AddressStolen,
    RouteNews,
    RuleNews,
    SocketFails,
    SocketWorks,
    SendFails,
    SameReload,
    Status,
    Stop,
}
use Input::*;

const ALL: [Input; 21] = [
    Deadline,
    AdvertStop,
    AdvertLower,
    AdvertEqualLowerAddress,
    AdvertEqualSameAddress,
    AdvertEqualHigherAddress,
    AdvertHigher,
    AdvertRejected,
    LinkDown,
    LinkUp,
    ScriptFails,
    ScriptRecovers,
    AddressStolen,
    RouteNews,
    RuleNews,
    SocketFails,
    SocketWorks,
    SendFails,
    SameReload,
    Status,
    Stop,
];

/// Where it leads. No wildcard: a new state or event must be decided here.
fn expected(state: State, input: Input) -> State {
    match (state, input) {
        (_, Stop) => Initialize,

        (Initialize, LinkDown) => Fault,
        (Initialize, SocketFails) => Fault,
        (Initialize, ScriptFails) => Fault,
        // The first verdict was all that was missing.
        (Initialize, ScriptRecovers) => Backup,
        (
            Initialize,
            Deadline
            | AdvertStop
            | AdvertLower
            | AdvertEqualLowerAddress
            | AdvertEqualSameAddress
            | AdvertEqualHigherAddress
            | AdvertHigher
            | AdvertRejected
            | LinkUp
            | AddressStolen
            | RouteNews
            | RuleNews
            | SocketWorks
            | SendFails
            | SameReload
            | Status,
        ) => Initialize,

        (Fault, LinkUp) => Backup,
        (
            Fault,
            Deadline
            | AdvertStop
            | AdvertLower
            | AdvertEqualLowerAddress
            | AdvertEqualSameAddress
            | AdvertEqualHigherAddress
            | AdvertHigher
            | AdvertRejected
            | LinkDown
            | ScriptFails
            | ScriptRecovers
            | AddressStolen
            | RouteNews
            | RuleNews
            | SocketFails
            | SocketWorks
            | SendFails
            | SameReload
            | Status,
        ) => Fault,

        (Backup, Deadline) => Master,
        (Backup, LinkDown | ScriptFails | SocketFails) => Fault,
        (
            Backup,
            AdvertStop
            | AdvertLower
            | AdvertEqualLowerAddress
            | AdvertEqualSameAddress
            | AdvertEqualHigherAddress
            | AdvertHigher
            | AdvertRejected
            | LinkUp
            | ScriptRecovers
            | AddressStolen
            | RouteNews
            | RuleNews
            | SocketWorks
            | SendFails
            | SameReload
            | Status,
        ) => Backup,

        (Master, LinkDown | ScriptFails | SocketFails) => Fault,
        (
            Master,
            AdvertEqualHigherAddress | AdvertHigher | AddressStolen | RouteNews | RuleNews,
        ) => Backup,
        (
            Master,
            Deadline
            | AdvertStop
            | AdvertLower
            | AdvertEqualLowerAddress
            | AdvertEqualSameAddress
            | AdvertRejected
            | LinkUp
            | ScriptRecovers
            | SocketWorks
            | SendFails
            | SameReload
            | Status,
        ) => Master,
    }
}

#[test]
fn the_table_of_all_states_and_events() {
    for state in [Initialize, Fault, Backup, Master] {
        for input in ALL {
            let mut rig = Rig::in_state(state);
            let actions = rig.apply(input);
            let after = rig.state();
            assert_eq!(after, expected(state, input), "{state:?} {input:?}\n{actions:#?}");
            rig.consistent(state, after, input, &actions);
        }
    }
}

#[test]
fn nothing_but_an_accepted_advert_moves_the_timer_of_a_backup() {
    for input in [AdvertRejected, AdvertLower, RouteNews, RuleNews, Status, SendFails] {
        let mut rig = Rig::in_state(Backup);
        let before = rig.node.next_deadline();
        rig.apply(input);
        assert_eq!(rig.node.next_deadline(), before, "{input:?}");
    }
    for (input, millis) in
        [(AdvertHigher, 3609), (AdvertEqualLowerAddress, 3609), (AdvertStop, 609)]
    {
        let mut rig = Rig::in_state(Backup);
        rig.apply(input);
        let left = rig.node.next_deadline().unwrap() - rig.now;
        assert_eq!(left.as_millis(), millis, "{input:?}");
    }
}

#[test]
fn a_rejected_packet_never_delays_the_adverts_of_a_master() {
    let mut rig = Rig::in_state(Master);
    let due = rig.node.next_deadline();
    for _ in 0..100 {
        assert!(sends(&rig.apply(AdvertRejected)).is_empty());
    }
    assert_eq!(rig.node.next_deadline(), due);
}

#[test]
fn entering_and_leaving_master_keep_keepalived_s_order() {
    let mut rig = Rig::in_state(Backup);
    let up = rig.apply(Deadline);
    assert_eq!(kinds(&up), ["send", "add", "add routes", "add rules", "announce", "notify MASTER"]);
    let down = rig.apply(LinkDown);
    assert_eq!(
        kinds(&down),
        ["send", "remove rules", "remove routes", "cancel", "remove", "notify FAULT"]
    );
    let mut rig = Rig::in_state(Master);
    let down = rig.apply(AdvertHigher);
    assert_eq!(
        kinds(&down),
        ["remove rules", "remove routes", "cancel", "remove", "notify BACKUP"]
    );
    let mut rig = Rig::in_state(Master);
    let down = rig.apply(Stop);
    assert_eq!(
        kinds(&down),
        [
            "unwatch",
            "send",
            "remove rules",
            "remove routes",
            "cancel",
            "remove",
            "notify STOP",
            "close",
            "untune",
            "exit"
        ]
    );
}

#[test]
fn without_preemption_a_lower_master_is_left_in_peace() {
    let mut rig = Rig::with(Backup, |config| config.preempt = false);
    rig.apply(AdvertLower);
    let left = rig.node.next_deadline().unwrap() - rig.now;
    assert_eq!(left.as_millis(), 3609);
}

#[test]
fn the_owner_starts_as_master_at_once() {
    let rig = Rig::with(Backup, |config| {
        config.priority = plain(Priority::OWNER);
        config.wants_master = true;
    });
    assert_eq!(rig.state(), Master);
}

#[test]
fn the_first_step_releases_leftovers_before_anything_is_added() {
    let mut rig = Rig::bare(|_| {});
    let first = rig.node.handle_deadline(rig.now);
    assert_eq!(kinds(&first), ["watch", "remove rules", "remove routes", "remove"]);
    assert!(rig.node.handle_deadline(rig.now).is_empty());
}

#[test]
fn a_complaint_is_made_once_until_the_state_changes() {
    let mut rig = Rig::in_state(Master);
    assert_eq!(logs(&rig.apply(AdvertRejected)).len(), 1);
    assert_eq!(logs(&rig.apply(AdvertRejected)).len(), 0);
    rig.apply(AdvertHigher);
    assert_eq!(logs(&rig.apply(AdvertRejected)).len(), 1);
}

struct Rig {
    node: VrrpNode,
    now: Instant,
    config: Arc<VrrpConfig>,
}

const OURS: [u8; 4] = [10, 0, 0, 5];
const VIP: [u8; 4] = [192, 0, 2, 10];

impl Rig {
    fn bare(change: impl FnOnce(&mut VrrpInstance)) -> Self {
        let mut network = lan::lan();
        let host = network.new_host("a");
        host.track("VI_1", "chk", 0);
        let config = host.instance("VI_1");
        config.routes.push(route());
        config.rules.push(rule());
        change(config);
        let config = Arc::new(host.config.clone());
        let now = Instant::now();
        let node = VrrpNode::new(Arc::clone(&config), Arc::new(GlobalDefs::default()), now);
        Self { node, now, config }
    }

    fn in_state(state: State) -> Self {
        Self::with(state, |_| {})
    }

    fn with(state: State, change: impl FnOnce(&mut VrrpInstance)) -> Self {
        let mut rig = Self::bare(change);
        rig.tell(Event::Net(NetEvent::Links(vec![link(true)])));
        match state {
            Initialize => {}
            Fault => {
                rig.apply(ScriptRecovers);
                rig.apply(LinkDown);
            }
            Backup => {
                rig.apply(ScriptRecovers);
            }
            Master => {
                rig.apply(ScriptRecovers);
                rig.apply(Deadline);
                // The kernel confirms what was ordered.
                let prefix = Prefix { address: VIP.into(), length: 32 };
                rig.tell(Event::Net(NetEvent::AddressAdded { index: LinkIndex(1), prefix }));
            }
        }
        rig
    }

    fn tell(&mut self, event: Event) -> Vec<Action> {
        self.node.handle(event, self.now)
    }

    fn state(&self) -> State {
        match self.node.status(self.now).instances[0].state.as_str() {
            "INIT" => Initialize,
            "FAULT" => Fault,
            "BACKUP" => Backup,
            _ => Master,
        }
    }

    fn apply(&mut self, input: Input) -> Vec<Action> {
        let event = match input {
            Deadline => {
                self.now = self.node.next_deadline().unwrap_or(self.now + Duration::from_secs(9));
                return self.node.handle_deadline(self.now);
            }
            AdvertStop => advert(0, [10, 0, 0, 9], 51),
            AdvertLower => advert(50, [10, 0, 0, 9], 51),
            AdvertEqualLowerAddress => advert(100, [10, 0, 0, 1], 51),
            AdvertEqualSameAddress => advert(100, OURS, 51),
            AdvertEqualHigherAddress => advert(100, [10, 0, 0, 9], 51),
            AdvertHigher => advert(200, [10, 0, 0, 9], 51),
            AdvertRejected => {
                let Event::Datagram(mut datagram) = advert(200, [10, 0, 0, 9], 51) else {
                    return vec![];
                };
                datagram.bytes[8] = 3;
                Event::Datagram(datagram)
            }
            LinkDown => Event::Net(NetEvent::Link(self.link(false))),
            LinkUp => Event::Net(NetEvent::Link(self.link(true))),
            ScriptFails => Event::Tracker(turned("chk", false)),
            ScriptRecovers => Event::Tracker(turned("chk", true)),
            AddressStolen => Event::Net(NetEvent::AddressRemoved {
                index: LinkIndex(1),
                prefix: Prefix { address: VIP.into(), length: 32 },
            }),
            RouteNews => Event::Net(NetEvent::RouteRemoved(route().identity())),
            RuleNews => Event::Net(NetEvent::RuleRemoved(Box::new(rule()))),
            SocketFails => Event::SocketFailed { socket: socket(), reason: "no room".to_owned() },
            SocketWorks => Event::SocketOpened(socket()),
            SendFails => Event::SendFailed { socket: socket(), reason: "no buffer".to_owned() },
            SameReload => Event::Reload(Arc::clone(&self.config), Arc::new(GlobalDefs::default())),
            Status => Event::ReportStatus(7),
            Stop => Event::Stop,
        };
        self.tell(event)
    }

    fn link(&self, up: bool) -> LinkView {
        let mut link = link(up);
        if self.state() == Master {
            link.addresses.push(Prefix { address: VIP.into(), length: 32 });
        }
        link
    }

    /// What must hold of any step.
    fn consistent(&self, before: State, after: State, input: Input, actions: &[Action]) {
        let what = kinds(actions);
        let said = |word: &str| what.iter().any(|kind| kind == word);
        let shown = format!("{before:?} {input:?} {what:?}");
        assert_eq!(said("add"), before != Master && after == Master, "{shown}");
        assert_eq!(said("remove"), before == Master && after != Master, "{shown}");
        if input == SocketFails {
            let left = self.node.next_deadline().map(|at| at - self.now);
            assert_eq!(left, Some(Duration::from_secs(5)), "{shown}");
        } else if after == Fault || after == Initialize {
            assert_eq!(self.node.next_deadline(), None, "{shown}");
        } else {
            assert!(self.node.next_deadline().unwrap() > self.now, "{shown}");
        }
        let told = what.iter().filter(|kind| kind.starts_with("notify")).count();
        let moved = before != after || input == Stop;
        let lower = before == Master && matches!(input, AdvertLower | AdvertEqualLowerAddress);
        assert_eq!(told == 1, moved, "{shown}");
        // Who is not master never advertises; a master answers only what it must.
        let sent = sends(actions);
        match before {
            Initialize | Fault => assert!(sent.is_empty(), "{shown}"),
            Backup => assert_eq!(sent.len(), usize::from(after == Master), "{shown}"),
            Master => {
                let own_decision = matches!(
                    input,
                    LinkDown
                        | ScriptFails
                        | SocketFails
                        | AddressStolen
                        | RouteNews
                        | RuleNews
                        | Stop
                );
                if own_decision {
                    assert_eq!(sent, [0], "{shown}");
                } else if input == SameReload {
                    assert_eq!(sent, [100, 100], "{shown}");
                } else {
                    let answers = lower || matches!(input, Deadline | AdvertStop);
                    assert_eq!(sent.len(), usize::from(answers), "{shown}");
                }
            }
        }
        assert_eq!(said("announce"), after == Master && (before != Master || lower), "{shown}");
        if input == Status {
            assert!(said("report"), "{shown}");
        }
    }
}

fn socket() -> Arc<SocketKey> {
    Arc::new(SocketKey {
        family: Family::V4,
        protocol: 112,
        interface: "eth0".to_owned(),
        endpoint: Endpoint::Multicast("224.0.0.18".parse().unwrap()),
    })
}

fn advert(priority: u8, from: [u8; 4], vrid: u8) -> Event {
    let base = instance("VI_1", vrid);
    let shape = Shape {
        version: Version::V2,
        vrid: Vrid(vrid),
        interval: Duration::from_secs(1),
        authentication: base.authentication,
        signature: None,
        addresses: vec![VIP.into()],
        source: from.into(),
        destination: base.multicast_group,
        ttl: 255,
        form: ChecksumForm::Pseudo,
    };
    let bytes = Encoder::new(shape).encode(Priority(priority), 1, 0);
    let (from, to) = (IpAddr::from(from), base.multicast_group);
    Event::Datagram(Datagram { socket: socket(), from, to, hop_limit: None, bytes: bytes.to_vec() })
}

fn link(up: bool) -> LinkView {
    LinkView {
        index: LinkIndex(1),
        name: "eth0".to_owned(),
        up: true,
        running: up,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: Some([2, 0, 0, 0, 0, 5]),
        addresses: vec![Prefix { address: OURS.into(), length: 24 }],
    }
}

fn route() -> Route {
    let destination = Prefix { address: [198, 51, 100, 0].into(), length: 24 };
    Route {
        via: Some([10, 0, 0, 254].into()),
        dev: Some("eth0".to_owned()),
        ..Route::to(destination)
    }
}

fn rule() -> Rule {
    Rule::new(Family::V4, 100, RuleAction::Table(7))
}

/// Actions by name, without log lines.
fn kinds(actions: &[Action]) -> Vec<String> {
    let name = |action: &Action| {
        Some(match action {
            Action::Log(..) => return None,
            Action::Open(_) => "open".to_owned(),
            Action::Close(_) => "close".to_owned(),
            Action::Send(_) => "send".to_owned(),
            Action::AddAddresses(_) => "add".to_owned(),
            Action::RemoveAddresses(_) => "remove".to_owned(),
            Action::AddRoutes(_) => "add routes".to_owned(),
            Action::RemoveRoutes(_) => "remove routes".to_owned(),
            Action::AddRules(_) => "add rules".to_owned(),
            Action::RemoveRules(_) => "remove rules".to_owned(),
            Action::Announce(_) => "announce".to_owned(),
            Action::CancelAnnouncements(_) => "cancel".to_owned(),
            Action::CreateLinks(_) => "create".to_owned(),
            Action::RemoveLinks(_) => "delete".to_owned(),
            Action::Filter(_) => "filter".to_owned(),
            Action::Tune(_) => "tune".to_owned(),
            Action::Untune => "untune".to_owned(),
            Action::SyncDaemon(_) => "sync".to_owned(),
            Action::Notify(Notification::Script { script, .. }) => {
                format!("notify {}", script.argv[script.argv.len() - 2])
            }
            Action::Notify(_) => "notify".to_owned(),
            Action::WatchScript(_) | Action::WatchFiles { .. } | Action::WatchProcesses(_) => {
                "watch".to_owned()
            }
            Action::UnwatchScript(_) => "unwatch".to_owned(),
            Action::Report(..) => "report".to_owned(),
            Action::WatchClock => "clock".to_owned(),
            Action::Exit => "exit".to_owned(),
        })
    };
    actions.iter().filter_map(name).collect()
}

/// The priorities of the adverts among them.
fn sends(actions: &[Action]) -> Vec<u8> {
    let priority = |action: &Action| match action {
        Action::Send(packet) => Some(packet.bytes[22]),
        _ => None,
    };
    actions.iter().filter_map(priority).collect()
}

fn logs(actions: &[Action]) -> Vec<&str> {
    let line = |action: &'_ Action| match action {
        Action::Log(_, line) => Some(line.as_str().to_owned()),
        _ => None,
    };
    actions.iter().filter_map(line).map(|line| &*line.leak()).collect()
}
