//! The table the director wants, over random services, probe results and reloads, against a naive
//! model written from the tables of the specification (LVS and checkers §2, §2.1, §3, §4).
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
use ldirector::{
    checkers::Outcome,
    config::{
        self,
        model::{CheckerKind, Config, DirectorConfig, ServiceAddress, VirtualServer},
        source::Sources,
    },
    director::{Action, CheckerId, Director, Event, Options},
    ipvs::Table,
    machine::Machine,
    notify::Notification,
    status::DirectorStatus,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// `10.0.0.1` → `10.0.0.11` → weight.
type Weights = BTreeMap<IpAddr, BTreeMap<IpAddr, u32>>;

#[derive(Clone, Debug)]
struct ServicePlan {
    quorum: u32,
    hysteresis: u32,
    /// Server number: 0..4 is a real server's.
    sorry: Option<(u8, bool)>,
    alpha: bool,
    servers: BTreeMap<u8, ServerPlan>,
}

#[derive(Clone, Debug)]
struct ServerPlan {
    weight: u32,
    inhibit: bool,
    checkers: Vec<CheckerPlan>,
}

#[derive(Clone, Debug)]
struct CheckerPlan {
    dynamic: bool,
    retry: u32,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Pass,
    Fail,
    Local,
    /// Of a dynamic script; others pass.
    Code(u8),
}

fn any_service() -> impl Strategy<Value = ServicePlan> {
    let checker =
        (any::<bool>(), 0..3_u32).prop_map(|(dynamic, retry)| CheckerPlan { dynamic, retry });
    let server = (0..4_u32, any::<bool>(), proptest::collection::vec(checker, 0..3))
        .prop_map(|(weight, inhibit, checkers)| ServerPlan { weight, inhibit, checkers });
    let servers = proptest::collection::btree_map(0..4_u8, server, 1..5);
    let sorry = proptest::option::of((0..6_u8, any::<bool>()));
    (1..6_u32, 0..3_u32, sorry, any::<bool>(), servers).prop_map(
        |(quorum, hysteresis, sorry, alpha, servers)| ServicePlan {
            quorum,
            hysteresis,
            sorry,
            alpha,
            servers,
        },
    )
}

fn any_services() -> impl Strategy<Value = BTreeMap<u8, ServicePlan>> {
    proptest::collection::btree_map(1..4_u8, any_service(), 1..4)
}

fn any_answers() -> impl Strategy<Value = Vec<Answer>> {
    let answer = prop_oneof![
        4 => Just(Answer::Pass),
        4 => Just(Answer::Fail),
        1 => Just(Answer::Local),
        3 => (2..8_u8).prop_map(Answer::Code),
    ];
    proptest::collection::vec(answer, 1..60)
}

fn parse(services: &BTreeMap<u8, ServicePlan>) -> Config {
    let mut text = String::new();
    for (number, service) in services {
        let vs = format!("10.0.0.{number}");
        writeln!(text, "virtual_server {vs} 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP").unwrap();
        writeln!(text, "quorum {}\nhysteresis {}", service.quorum, service.hysteresis).unwrap();
        writeln!(text, "quorum_up \"/up {vs}\"\nquorum_down \"/down {vs}\"").unwrap();
        if let Some((server, inhibit)) = service.sorry {
            writeln!(text, "sorry_server 10.0.1.{server} 80").unwrap();
            text += if inhibit { "sorry_server_inhibit\n" } else { "" };
        }
        text += if service.alpha { "alpha\n" } else { "" };
        for (number, server) in &service.servers {
            let rs = format!("10.0.1.{number}");
            writeln!(text, "real_server {rs} 80 {{\nweight {}", server.weight).unwrap();
            writeln!(text, "notify_up \"/up {vs} {rs}\"\nnotify_down \"/down {vs} {rs}\"").unwrap();
            text += if server.inhibit { "inhibit_on_failure\n" } else { "" };
            for CheckerPlan { dynamic, retry } in &server.checkers {
                if *dynamic {
                    text += "MISC_CHECK {\nmisc_path \"/bin/true\"\nmisc_dynamic\n";
                } else {
                    text += "TCP_CHECK {\n";
                }
                writeln!(text, "retry {retry}\n}}").unwrap();
            }
            text += "}\n";
        }
        text += "}\n";
    }
    config::parse(&Sources::from_text("keepalived.conf", text)).0
}

fn ip(service: &VirtualServer) -> IpAddr {
    match &service.at {
        ServiceAddress::Address { ip, .. } => *ip,
        ServiceAddress::Mark(_) | ServiceAddress::Group { .. } => panic!("only addresses here"),
    }
}

/// What a checker stands at, after §3 and §4.
#[derive(Clone, Debug)]
struct Checker {
    up: bool,
    seen: bool,
    failures: u32,
    code: Option<u8>,
}

/// The director as it would be written on a blackboard: no clocks, no names, no messages.
#[derive(Debug)]
struct Blackboard {
    config: Arc<DirectorConfig>,
    checkers: BTreeMap<(usize, usize, usize), Checker>,
    quorum_up: Vec<bool>,
}

impl Blackboard {
    fn new(config: &Config) -> Self {
        let config = Arc::clone(&config.director);
        let mut checkers = BTreeMap::new();
        for (s, service) in config.virtual_servers.iter().enumerate() {
            for (r, server) in service.real_servers.iter().enumerate() {
                for (c, checker) in server.checkers.iter().enumerate() {
                    let up = !checker.timing.alpha;
                    let new = Checker { up, seen: false, failures: 0, code: None };
                    checkers.insert((s, r, c), new);
                }
            }
        }
        let quorum_up = vec![false; config.virtual_servers.len()];
        let mut board = Self { config, checkers, quorum_up };
        board.judge();
        board
    }

    fn probe(&mut self, at: (usize, usize, usize), answer: Answer) {
        let settings = &self.config.virtual_servers[at.0].real_servers[at.1].checkers[at.2];
        let dynamic = matches!(settings.kind, CheckerKind::Misc(_));
        let checker = self.checkers.get_mut(&at).unwrap();
        match answer {
            Answer::Local => return,
            Answer::Pass | Answer::Code(_) => {
                let code = match answer {
                    Answer::Code(code) if dynamic => Some(code),
                    Answer::Code(_) | Answer::Pass | Answer::Fail | Answer::Local => None,
                };
                *checker = Checker { up: true, seen: true, failures: 0, code };
            }
            Answer::Fail => {
                if checker.up && checker.seen && checker.failures < settings.timing.retry {
                    checker.failures += 1;
                } else {
                    *checker = Checker { up: false, seen: true, failures: 0, code: None };
                }
            }
        }
        self.judge();
    }

    fn alive(&self, s: usize, r: usize) -> bool {
        self.checkers.iter().filter(|(at, _)| (at.0, at.1) == (s, r)).all(|(_, c)| c.up)
    }

    fn weight(&self, s: usize, r: usize) -> u32 {
        let weight = i64::from(self.config.virtual_servers[s].real_servers[r].weight);
        let codes = self.checkers.iter().filter(|(at, _)| (at.0, at.1) == (s, r));
        let offset = |code: u8| i64::from(code) - 2 - weight;
        let offsets: i64 = codes.filter_map(|(_, c)| c.code.map(offset)).sum();
        u32::try_from((weight + offsets).max(0)).unwrap()
    }

    /// §2.1.
    fn judge(&mut self) {
        for (s, service) in self.config.virtual_servers.iter().enumerate() {
            let alive = (0..service.real_servers.len()).filter(|r| self.alive(s, *r));
            let sum: u32 = alive.map(|r| self.weight(s, r)).sum();
            self.quorum_up[s] = if self.quorum_up[s] {
                !(sum == 0 || sum < service.quorum - service.hysteresis)
            } else {
                sum >= service.quorum + service.hysteresis
            };
        }
    }

    fn table(&self) -> Weights {
        let services = self.config.virtual_servers.iter().enumerate();
        let of = |(s, service): (usize, &VirtualServer)| {
            let of_server = |r| (self.alive(s, r), self.weight(s, r));
            (ip(service), weights(service, self.quorum_up[s], of_server))
        };
        services.map(of).collect()
    }
}

/// §2: the table of the desired table, row by row.
fn weights(
    service: &VirtualServer,
    quorum_up: bool,
    server: impl Fn(usize) -> (bool, u32),
) -> BTreeMap<IpAddr, u32> {
    let left_column = quorum_up || service.sorry.is_none();
    let mut weights = BTreeMap::new();
    for (r, real) in service.real_servers.iter().enumerate() {
        let (alive, weight) = server(r);
        let entry = match (alive, left_column) {
            (true, true) => Some(weight),
            (true, false) | (false, _) => real.inhibit_on_failure.then_some(0),
        };
        weights.extend(entry.map(|weight| (real.ip, weight)));
    }
    if let Some(sorry) = &service.sorry {
        if !left_column {
            weights.insert(sorry.ip, 1);
        } else if sorry.inhibit {
            weights.entry(sorry.ip).or_insert(0);
        }
    }
    weights
}

/// A probe that waits for its answer.
#[derive(Clone, Copy, Debug)]
struct Running {
    checker: CheckerId,
    at: (usize, usize, usize),
    dynamic: bool,
}

/// A director, what it wants, and what it has told.
struct Play {
    director: Director,
    now: Instant,
    wanted: Weights,
    /// Last state told, by script: `10.0.0.1` or `10.0.0.1 10.0.1.2`.
    told: BTreeMap<String, bool>,
    scripts: usize,
    wishes: usize,
    /// Under way, in the order of their starts.
    probes: Vec<Running>,
}

impl Play {
    fn new(config: &Config) -> Self {
        let (now, services) = (Instant::now(), config.director.clone());
        let director = Director::new(services, config.global.clone(), Options::default(), now);
        let mut play = Self {
            director,
            now,
            wanted: Weights::new(),
            told: BTreeMap::new(),
            scripts: 0,
            wishes: 0,
            probes: vec![],
        };
        let actions = play.director.handle_deadline(now);
        play.take(actions).unwrap();
        play
    }

    fn take(&mut self, actions: Vec<Action>) -> Result<(), TestCaseError> {
        for action in actions {
            match action {
                Action::StartProbe { checker, probe } => {
                    let dynamic = matches!(probe.kind(), Some(CheckerKind::Misc(_)));
                    self.probes.push(Running { checker, at: probe.at, dynamic });
                }
                Action::CancelProbe(id) => {
                    let before = self.probes.len();
                    self.probes.retain(|probe| probe.checker != id);
                    prop_assert_eq!(self.probes.len() + 1, before, "cancelled, though idle");
                }
                Action::Want(table) => {
                    let new = simple(&table);
                    prop_assert_ne!(&new, &self.wanted, "a wish that changes nothing");
                    self.wanted = new;
                    self.wishes += 1;
                }
                Action::Notify(Notification::Script { script, .. }) => {
                    let (word, who) = script.argv.split_first().unwrap();
                    let (who, up) = (who.join(" "), word == "/up");
                    let before = self.told.insert(who.clone(), up);
                    prop_assert_ne!(before, Some(up), "{} twice for {}", word, who);
                    self.scripts += 1;
                }
                Action::Notify(Notification::Fifo(_) | Notification::Mail { .. })
                | Action::Log(..) => {}
                Action::Settings(_) | Action::WatchAddresses | Action::WatchFiles(_) => {}
                Action::Report { .. } | Action::End(_) | Action::Exit => panic!("{action:?}"),
            }
        }
        prop_assert_eq!(&self.wanted, &simple(self.director.wanted()));
        Ok(())
    }

    /// The next probe that is due; None: no checkers.
    fn next_probe(&mut self) -> Option<Running> {
        while self.probes.is_empty() {
            self.now = self.director.next_deadline()?;
            let actions = self.director.handle_deadline(self.now);
            self.take(actions).unwrap();
        }
        Some(self.probes.remove(0))
    }

    fn answer(&mut self, probe: Running, answer: Answer) -> Checked {
        let outcome = match answer {
            Answer::Pass => Outcome::pass("answers"),
            Answer::Fail => Outcome::fail("refused"),
            Answer::Local => Outcome::local("no such device"),
            Answer::Code(code) => {
                Outcome::Pass { code: probe.dynamic.then_some(code), reason: String::new() }
            }
        };
        let event = Event::ProbeFinished { checker: probe.checker, outcome };
        let actions = self.director.handle(event, self.now);
        self.take(actions)
    }

    fn reload(&mut self, config: &Config) -> Checked {
        let event = Event::Reload(config.director.clone(), config.global.clone());
        let actions = self.director.handle(event, self.now);
        self.take(actions)
    }

    fn status(&self) -> DirectorStatus {
        self.director.status(self.now)
    }
}

type Checked = Result<(), TestCaseError>;

fn simple(table: &Table) -> Weights {
    let services = table.0.iter().map(|(key, service)| {
        let ldirector::ipvs::ServiceKey::Address { ip, .. } = key else { panic!("{key}") };
        let destinations = service.destinations.iter();
        (*ip, destinations.map(|(at, destination)| (at.ip, destination.weight)).collect())
    });
    services.collect()
}

/// What must hold whatever came before: §2 and §2.1 from the reported states.
fn invariants(config: &Config, play: &Play) -> Checked {
    let status = play.status();
    prop_assert_eq!(status.virtual_servers.len(), config.director.virtual_servers.len());
    let mut expected = Weights::new();
    for (service, status) in config.director.virtual_servers.iter().zip(&status.virtual_servers) {
        let real = &status.real_servers;
        let weight = |r: usize| u32::try_from(real[r].weight).unwrap();
        let of_server = |r: usize| (real[r].alive, weight(r));
        let entries = weights(service, status.quorum_up, of_server);
        let living: BTreeSet<usize> = (0..real.len()).filter(|r| real[*r].alive).collect();
        prop_assert!(living.is_empty() || !entries.is_empty(), "empty, though some live");
        let sum: u64 = living.iter().map(|r| u64::from(weight(*r))).sum();
        let (quorum, hysteresis) = (u64::from(service.quorum), u64::from(service.hysteresis));
        if status.quorum_up {
            prop_assert!(sum > 0 && sum >= quorum - hysteresis);
        } else {
            prop_assert!(sum < quorum + hysteresis);
        }
        expected.insert(ip(service), entries);
    }
    prop_assert_eq!(&play.wanted, &expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_is_the_blackboards(services in any_services(), answers in any_answers()) {
        let config = parse(&services);
        prop_assert_eq!(config.director.virtual_servers.len(), services.len());
        let mut play = Play::new(&config);
        let mut board = Blackboard::new(&config);
        prop_assert_eq!(&play.wanted, &board.table());
        for answer in answers {
            let Some(probe) = play.next_probe() else { break };
            play.answer(probe, answer)?;
            board.probe(probe.at, answer);
            prop_assert_eq!(&play.wanted, &board.table(), "after {:?} of {:?}", answer, probe);
            invariants(&config, &play)?;
        }
    }

    #[test]
    fn the_same_text_again_is_no_change(
        services in any_services(),
        answers in any_answers(),
        every in 1..6_usize,
    ) {
        let config = parse(&services);
        let mut play = Play::new(&config);
        let mut board = Blackboard::new(&config);
        for (number, answer) in answers.into_iter().enumerate() {
            if number % every == 0 {
                let (wishes, scripts) = (play.wishes, play.scripts);
                play.reload(&parse(&services))?;
                prop_assert_eq!((wishes, scripts), (play.wishes, play.scripts));
            }
            let Some(probe) = play.next_probe() else { break };
            play.answer(probe, answer)?;
            board.probe(probe.at, answer);
            prop_assert_eq!(&play.wanted, &board.table(), "after {:?} of {:?}", answer, probe);
        }
    }

    #[test]
    fn whatever_is_reloaded_the_rules_hold(
        texts in proptest::collection::vec((any_services(), any_answers()), 2..5),
    ) {
        let mut configs = texts.into_iter().map(|(services, answers)| (parse(&services), answers));
        let (mut config, mut answers) = configs.next().unwrap();
        let mut play = Play::new(&config);
        loop {
            invariants(&config, &play)?;
            for answer in answers {
                let Some(probe) = play.next_probe() else { break };
                play.answer(probe, answer)?;
                invariants(&config, &play)?;
            }
            let Some(next) = configs.next() else { break };
            (config, answers) = next;
            play.reload(&config)?;
            forget_the_gone(&config, &mut play.told);
        }
        // In the end everybody answers: everybody serves.
        let until = play.now + Duration::from_secs(600);
        while play.now < until {
            let Some(probe) = play.next_probe() else { break };
            play.answer(probe, Answer::Pass)?;
        }
        invariants(&config, &play)?;
        for server in play.status().virtual_servers.iter().flat_map(|s| &s.real_servers) {
            prop_assert!(server.alive, "{} has not recovered", server.name);
        }
    }
}

/// Servers and services that are no more: when they come back they begin anew.
fn forget_the_gone(config: &Config, told: &mut BTreeMap<String, bool>) {
    let mut known = BTreeSet::new();
    for service in &config.director.virtual_servers {
        known.insert(ip(service).to_string());
        for server in &service.real_servers {
            known.insert(format!("{} {}", ip(service), server.ip));
        }
    }
    told.retain(|who, _| known.contains(who));
}
