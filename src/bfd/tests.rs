//! Every state with every packet, and two neighbours on a wire under a virtual clock.
use super::{Action, Bfd, Control, Datagram, Diagnostic, Event, Level, State};
use crate::{
    config::{
        model::{BfdConfig, BfdInstance},
        source::Spanned,
    },
    machine::Machine,
};
use State::{AdminDown, Down, Init, Up};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn to(neighbour: IpAddr) -> BfdInstance {
    BfdInstance {
        name: Spanned { value: "b".to_owned(), ..Spanned::default() },
        neighbour,
        source: None,
        min_rx: millis(10),
        min_tx: millis(10),
        idle_tx: millis(1000),
        multiplier: 5,
        passive: false,
        ttl: 255,
        max_hops: Some(0),
        multihop: false,
        weight: 0,
        reverse: false,
        vrrp: true,
        checker: true,
    }
}

fn only(session: BfdInstance) -> BfdConfig {
    BfdConfig { sessions: vec![session] }
}

/// One machine, and a neighbour that the test plays.
struct Rig {
    bfd: Bfd,
    now: Instant,
    mine: u32,
    sent: Vec<Control>,
    told: Vec<bool>,
    logged: Vec<String>,
    closed: usize,
}

impl Rig {
    fn new(config: BfdInstance) -> Self {
        let now = Instant::now();
        let bfd = Bfd::new(only(config).into(), 7, now);
        let (sent, told, logged) = (vec![], vec![], vec![]);
        let mut rig = Self { bfd, now, mine: 0, sent, told, logged, closed: 0 };
        rig.pass(Duration::ZERO);
        assert_eq!(rig.told, [false], "it begins being down");
        rig.told.clear();
        rig
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Open(id, _) => self.mine = id.0,
                Action::Send(id, packet) => {
                    let packet = Control::decode(&packet).unwrap();
                    assert_eq!(packet.mine, id.0);
                    self.sent.push(packet);
                }
                Action::Tell { up, .. } => self.told.push(up),
                Action::Log(_, text) => self.logged.push(text),
                Action::Close(_) => self.closed += 1,
                Action::Report(..) | Action::Exit => {}
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.bfd.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let actions = self.bfd.handle_deadline(self.now);
            self.take(actions);
        }
        self.now = end;
    }

    fn tell(&mut self, event: Event) {
        let actions = self.bfd.handle(event, self.now);
        self.take(actions);
    }

    fn hear(&mut self, state: State, change: impl FnOnce(&mut Control)) {
        let mut packet = Control {
            diagnostic: Diagnostic::NONE,
            state,
            poll: false,
            last: false,
            demand: false,
            multiplier: 3,
            mine: 99,
            yours: self.mine,
            desired_min_tx: millis(20),
            required_min_rx: millis(20),
        };
        change(&mut packet);
        self.hear_bytes(packet.encode().to_vec(), 255);
    }

    fn hear_bytes(&mut self, bytes: Vec<u8>, ttl: u8) {
        let (from, to) = (THERE, HERE);
        self.tell(Event::Datagram(Datagram { from, to, ttl: Some(ttl), multihop: false, bytes }));
    }

    fn state(&mut self) -> (State, Diagnostic) {
        let session = &self.bfd.sessions[0];
        (session.state, session.diagnostic)
    }

    /// In a state, by the shortest way.
    fn in_state(state: State) -> Self {
        let mut rig = Self::new(to(THERE));
        match state {
            Down => {}
            Init => rig.hear(Down, |_| {}),
            Up => {
                rig.hear(Down, |_| {});
                rig.hear(Up, |_| {});
            }
            AdminDown => rig.tell(Event::Stop),
        }
        assert_eq!(rig.state().0, state);
        rig.sent.clear();
        rig.told.clear();
        rig
    }
}

#[test]
fn every_state_with_every_packet() {
    let none = Diagnostic::NONE;
    let signaled = Diagnostic::SIGNALED;
    // RFC 5880 §6.8.6; what the others are told.
    let rows = [
        (Down, AdminDown, Down, none, None),
        (Down, Down, Init, none, None),
        (Down, Init, Up, none, Some(true)),
        (Down, Up, Down, none, None),
        (Init, AdminDown, Down, signaled, None),
        (Init, Down, Init, none, None),
        (Init, Init, Up, none, Some(true)),
        (Init, Up, Up, none, Some(true)),
        (Up, AdminDown, Down, signaled, None),
        (Up, Down, Down, signaled, Some(false)),
        (Up, Init, Up, none, None),
        (Up, Up, Up, none, None),
        (AdminDown, AdminDown, AdminDown, Diagnostic::ADMIN, None),
        (AdminDown, Down, AdminDown, Diagnostic::ADMIN, None),
        (AdminDown, Init, AdminDown, Diagnostic::ADMIN, None),
        (AdminDown, Up, AdminDown, Diagnostic::ADMIN, None),
    ];
    for (before, heard, after, diagnostic, told) in rows {
        let mut rig = Rig::in_state(before);
        rig.hear(heard, |_| {});
        assert_eq!(rig.state(), (after, diagnostic), "{before} hears {heard}");
        assert_eq!(rig.told, Vec::from_iter(told), "{before} hears {heard}");
        let said = rig.sent.iter().map(|p| p.state).collect::<Vec<_>>();
        let expected = if before == after { vec![] } else { vec![after] };
        assert_eq!(said, expected, "a change is said at once: {before} hears {heard}");
    }
}

#[test]
fn silence_takes_a_session_down() {
    for (state, after, told) in [
        (Down, Down, &[][..]),
        (Init, Down, &[]),
        (Up, Down, &[false]),
        (AdminDown, AdminDown, &[]),
    ] {
        let mut rig = Rig::in_state(state);
        // The neighbour says 3 × 20 ms.
        rig.pass(millis(59));
        assert_eq!(rig.state().0, state);
        rig.pass(millis(1));
        assert_eq!(rig.state().0, after, "{state}");
        assert_eq!(rig.told, told, "{state}");
        if state == Up {
            assert_eq!(rig.state().1, Diagnostic::EXPIRED);
            let last = rig.sent.last().unwrap();
            assert_eq!((last.state, last.yours), (Down, 0), "it knows nobody any more");
            assert!(rig.logged.iter().any(|l| l == "(b) Expired after 60 ms"));
        }
    }
}

#[test]
fn who_was_frozen_reads_what_has_come_before_it_judges() {
    let frozen = || {
        let mut rig = Rig::in_state(Up);
        rig.now += millis(500);
        let actions = rig.bfd.handle_deadline(rig.now);
        rig.take(actions);
        assert!(rig.told.is_empty());
        rig
    };
    let mut rig = frozen();
    rig.hear(Up, |_| {});
    rig.pass(millis(59));
    assert!(rig.told.is_empty(), "packets were waiting");
    let mut rig = frozen();
    rig.pass(millis(5));
    assert_eq!(rig.told, [false], "none was");
}

#[test]
fn packets_leave_a_second_apart_until_it_is_up() {
    let mut rig = Rig::new(to(THERE));
    assert_eq!(rig.sent.len(), 1, "at once");
    assert_eq!((rig.sent[0].desired_min_tx, rig.sent[0].yours), (millis(1000), 0));
    rig.pass(millis(10_000));
    assert!((11..=15).contains(&rig.sent.len()), "{}", rig.sent.len());
    let mut rig = Rig::in_state(Up);
    for _ in 0..50 {
        rig.pass(millis(20));
        rig.hear(Up, |_| {});
    }
    // The neighbour takes one every 20 ms, less up to a quarter.
    assert!((50..=67).contains(&rig.sent.len()), "{}", rig.sent.len());
    rig.sent.clear();
    rig.hear(Up, |p| p.required_min_rx = Duration::ZERO);
    rig.pass(millis(50));
    assert_eq!(rig.sent, [], "it wants none");
}

#[test]
fn another_interval_is_asked_of_the_neighbour() {
    let mut rig = Rig::new(to(THERE));
    rig.hear(Down, |_| {});
    rig.sent.clear();
    rig.hear(Up, |_| {});
    assert!(rig.sent[0].poll && rig.sent[0].desired_min_tx == millis(10));
    rig.pass(millis(20));
    assert!(rig.sent.last().unwrap().poll, "until it is answered");
    rig.hear(Up, |p| p.last = true);
    rig.pass(millis(20));
    assert!(!rig.sent.last().unwrap().poll);
    // Slower: counts when it is confirmed, and our own demands are kept to until then.
    let mut slower = to(THERE);
    (slower.min_tx, slower.min_rx) = (millis(300), millis(300));
    rig.tell(Event::Reload(only(slower).into()));
    let session = &rig.bfd.sessions[0];
    assert_eq!(session.interval(), millis(20), "the neighbour counts on it");
    assert_eq!(session.detection_time(), millis(900));
    rig.hear(Up, |p| p.last = true);
    assert_eq!(rig.bfd.sessions[0].interval(), millis(300));
    rig.tell(Event::Reload(only(to(THERE)).into()));
    assert_eq!(rig.bfd.sessions[0].detection_time(), millis(900), "not sooner than it knows");
    rig.hear(Up, |p| p.last = true);
    assert_eq!(rig.bfd.sessions[0].detection_time(), millis(60));
    assert_eq!((rig.state().0, rig.told.len()), (Up, 1), "it stayed up all the time");
}

#[test]
fn a_poll_is_answered_at_once_and_alone() {
    let mut rig = Rig::in_state(Up);
    rig.hear(Up, |p| p.poll = true);
    assert_eq!(rig.sent.len(), 1);
    assert!(rig.sent[0].last && !rig.sent[0].poll, "though it asks itself");
}

#[test]
fn a_passive_end_waits_to_be_spoken_to() {
    let mut passive = to(THERE);
    passive.passive = true;
    let mut rig = Rig::new(passive);
    rig.pass(millis(5000));
    assert_eq!(rig.sent, []);
    rig.hear(Down, |p| p.yours = 0);
    assert_eq!(rig.sent.last().map(|p| p.state), Some(Init));
    rig.hear(Up, |_| {});
    rig.pass(millis(60));
    assert_eq!(rig.told, [true, false]);
    rig.sent.clear();
    rig.pass(millis(5000));
    assert_eq!(rig.sent, [], "silent again");
}

#[test]
fn on_demand_nothing_is_sent_unasked() {
    let mut rig = Rig::in_state(Up);
    rig.hear(Up, |p| (p.demand, p.last) = (true, true));
    rig.sent.clear();
    rig.pass(millis(50));
    assert_eq!(rig.sent, []);
    rig.hear(Up, |p| (p.demand, p.poll) = (true, true));
    assert!(rig.sent.len() == 1 && rig.sent[0].last);
}

#[test]
fn whose_packets_count() {
    let mut rig = Rig::new(to(THERE));
    let mine = rig.mine;
    rig.hear(Down, |p| p.yours = mine ^ 1);
    assert_eq!(rig.state().0, Down, "of another session");
    let mut packet = rig.sent[0];
    (packet.mine, packet.yours) = (99, 0);
    rig.hear_bytes(packet.encode().to_vec(), 254);
    assert_eq!(rig.state().0, Down, "from beyond a router");
    let from = |from: IpAddr, multihop| {
        let bytes = packet.encode().to_vec();
        Event::Datagram(Datagram { from, to: HERE, ttl: Some(255), multihop, bytes })
    };
    rig.tell(from(HERE, false));
    rig.tell(from(THERE, true));
    assert_eq!(rig.state().0, Down, "from a stranger, to another port");
    assert_eq!(rig.logged.len(), 4, "{:?}", rig.logged);
    rig.tell(from(THERE, false));
    assert_eq!(rig.state().0, Init);
    let mut far = to(THERE);
    far.max_hops = Some(3);
    let mut rig = Rig::new(far);
    rig.hear_bytes(packet.encode().to_vec(), 252);
    assert_eq!(rig.state().0, Init, "three hops are allowed");
}

#[test]
fn a_reload_ends_what_is_gone_and_a_stop_says_so() {
    let mut rig = Rig::in_state(Up);
    rig.tell(Event::Reload(BfdConfig::default().into()));
    assert_eq!((rig.told.as_slice(), rig.closed), (&[false][..], 1));
    let last = rig.sent.last().unwrap();
    assert_eq!((last.state, last.diagnostic), (AdminDown, Diagnostic::ADMIN));
    let mut rig = Rig::in_state(Up);
    let actions = rig.bfd.handle(Event::Stop, rig.now);
    assert!(matches!(actions.last(), Some(Action::Exit)));
    rig.take(actions);
    assert_eq!(rig.sent.last().unwrap().state, AdminDown);
    assert_eq!(rig.bfd.next_deadline(), None);
}

/// Two machines, 1 ms apart; the test may cut the wire.
struct Pair {
    ends: [Rig; 2],
    flying: Vec<(Instant, usize, Vec<u8>)>,
    cut: bool,
    loss: u32,
    random: u32,
}

impl Pair {
    fn new(a: BfdInstance, b: BfdInstance) -> Self {
        let now = Instant::now();
        let mut ends = [Rig::new(a), Rig::new(b)];
        ends.iter_mut().for_each(|end| end.now = now);
        Self { ends, flying: vec![], cut: false, loss: 0, random: 1 }
    }

    fn run(&mut self, time: Duration) {
        let end = self.ends[0].now + time;
        while self.ends[0].now < end {
            let now = self.ends[0].now + millis(1);
            for at in 0..2 {
                self.ends[at].pass(millis(1));
                for packet in std::mem::take(&mut self.ends[at].sent) {
                    self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let lost = self.cut || self.random >> 16 & 0xff < self.loss;
                    if !lost {
                        self.flying.push((now + millis(1), 1 - at, packet.encode().to_vec()));
                    }
                }
            }
            let (come, flying) =
                std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= now);
            self.flying = flying;
            let come: Vec<_> = come;
            for (_, at, bytes) in come {
                let (from, to) = if at == 0 { (THERE, HERE) } else { (HERE, THERE) };
                let ttl = Some(255);
                let event = Event::Datagram(Datagram { from, to, ttl, multihop: false, bytes });
                self.ends[at].tell(event);
            }
        }
    }

    fn told(&self) -> [&[bool]; 2] {
        [&self.ends[0].told, &self.ends[1].told]
    }
}

#[test]
fn two_neighbours_find_each_other_and_notice_a_cut() {
    let mut pair = Pair::new(to(THERE), to(HERE));
    pair.run(millis(1200));
    assert_eq!(pair.told(), [&[true][..], &[true]]);
    pair.run(millis(20_000));
    assert_eq!(pair.told(), [&[true][..], &[true]], "it lasts");
    pair.cut = true;
    pair.run(millis(55));
    assert_eq!(pair.told(), [&[true, false][..], &[true, false]], "5 × 10 ms");
    pair.run(millis(5000));
    pair.cut = false;
    pair.run(millis(1200));
    assert_eq!(pair.told(), [&[true, false, true][..], &[true, false, true]]);
}

#[test]
fn the_slower_side_sets_the_pace() {
    let mut slow = to(HERE);
    (slow.min_rx, slow.min_tx, slow.multiplier) = (millis(100), millis(200), 3);
    let mut pair = Pair::new(to(THERE), slow);
    pair.run(millis(4000));
    let [fast, slow] = &pair.ends;
    assert_eq!(fast.bfd.sessions[0].interval(), millis(100));
    assert_eq!(fast.bfd.sessions[0].detection_time(), millis(600));
    assert_eq!(slow.bfd.sessions[0].interval(), millis(200));
    assert_eq!(slow.bfd.sessions[0].detection_time(), millis(500));
}

#[test]
fn some_loss_is_no_failure() {
    let mut pair = Pair::new(to(THERE), to(HERE));
    // One packet in eight.
    pair.loss = 32;
    pair.run(millis(10_000));
    for told in pair.told() {
        assert_eq!(told.last(), Some(&true));
        assert!(told.len() < 6, "{told:?}");
    }
}

#[test]
fn who_stops_says_so_and_nothing_fails_over() {
    let mut pair = Pair::new(to(THERE), to(HERE));
    pair.run(millis(2000));
    pair.ends[0].tell(Event::Stop);
    pair.run(millis(5));
    assert_eq!(pair.ends[1].state(), (Down, Diagnostic::SIGNALED));
    assert_eq!(pair.told(), [&[true, false][..], &[true]]);
    let details = pair.ends[1].logged.iter().filter(|line| line.contains("Entering Down"));
    assert_eq!(details.count(), 1);
    assert!(Level::Warning < Level::Info);
}
