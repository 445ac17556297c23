//! A director with a virtual clock, real servers that answer as told, and a transcript of all it did.
use ldirector::{
    base::{Family, Forward, LinkIndex, Prefix},
    checkers::{Outcome, misc},
    config::{
        self,
        io::{LoadOptions, load},
        model::{CheckerKind, Config},
        render::{Style, render},
        rules::text::Language,
    },
    director::{Action, CheckerId, Director, End, Event, Level, Options, Probe},
    ipvs::{Service, ServiceKey, Table},
    machine::Machine,
    net::{LinkView, NetEvent},
    notify::Notification,
    scripts::Exit,
    status::{Snapshot, text},
};
use std::{
    collections::BTreeMap,
    io::Write,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) struct Lab {
    pub(super) text: String,
    pub(super) options: Options,
    start: Instant,
    pub(super) clock: Duration,
    director: Option<Director>,
    table: Table,
    answers: Vec<(Target, Answer)>,
    /// Probes under way: when each ends, and how (None: never).
    pending: Vec<(Option<Duration>, CheckerId, Outcome, String)>,
    /// Probes started since the last look, by server.
    probes: BTreeMap<String, usize>,
    pub(super) kernel_hangs: bool,
    /// By the number of the link; told when the director asks for them.
    addresses: BTreeMap<u32, Vec<IpAddr>>,
    /// Of tracked files, before the start.
    numbers: Vec<(String, i64)>,
    exited: bool,
    pub(super) transcript: Vec<String>,
}

/// Which probes an answer is for: `10.0.0.11`, `10.0.0.11:80`, `10.0.0.11#2`, `10.0.0.11/path`, `all`.
#[derive(Debug)]
struct Target {
    server: String,
    /// From 1.
    checker: Option<usize>,
    path: Option<String>,
}

#[derive(Clone, Debug)]
struct Answer {
    what: What,
    takes: Duration,
}

#[derive(Clone, Debug)]
enum What {
    Is(Outcome),
    Exit(Exit),
    Never,
}

impl Lab {
    pub(super) fn new() -> Self {
        let pass = Answer { what: What::Is(Outcome::pass("answers")), takes: Duration::ZERO };
        Self {
            text: String::new(),
            options: Options::default(),
            start: Instant::now(),
            clock: Duration::ZERO,
            director: None,
            table: Table::default(),
            answers: vec![(Target::read("all"), pass)],
            pending: vec![],
            probes: BTreeMap::new(),
            kernel_hangs: false,
            addresses: BTreeMap::new(),
            exited: false,
            numbers: vec![],
            transcript: vec![],
        }
    }

    pub(super) fn start(&mut self) {
        let config = self.parse();
        let (services, global) = (config.director, config.global);
        let director = Director::new(services, global, self.options, self.now());
        self.director = Some(director.knowing(std::mem::take(&mut self.numbers)));
        self.run_until(self.clock);
    }

    pub(super) fn reload(&mut self) {
        let config = self.parse();
        self.tell(Event::Reload(config.director, config.global));
    }

    /// A tracked file holds a number: before the start, or from now on.
    pub(super) fn file(&mut self, name: &str, number: i64) {
        let name = name.to_owned();
        if self.director.is_some() {
            self.tell(Event::FileRead { name, number });
        } else {
            self.numbers.push((name, number));
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        let now = self.now();
        let actions = self.director.as_mut().expect("it was started").handle(event, now);
        self.carry_out(actions);
        self.run_until(self.clock);
    }

    /// Lets time pass: deadlines and the ends of probes, in order.
    pub(super) fn run_until(&mut self, end: Duration) {
        loop {
            let probe = self.pending.iter().filter_map(|(at, ..)| *at).min();
            let director = self.director.as_ref().filter(|_| !self.exited);
            let deadline = director.and_then(Director::next_deadline);
            let deadline = deadline.map(|at| at.saturating_duration_since(self.start));
            let Some(next) = probe.into_iter().chain(deadline).min() else { break };
            if next > end {
                break;
            }
            self.clock = self.clock.max(next);
            // The inbox before the clock.
            if probe == Some(next) {
                let at = self.pending.iter().position(|(at, ..)| *at == probe).unwrap();
                let (_, checker, outcome, _) = self.pending.remove(at);
                let now = self.now();
                let event = Event::ProbeFinished { checker, outcome };
                let actions = self.director.as_mut().unwrap().handle(event, now);
                self.carry_out(actions);
            } else {
                let now = self.now();
                let actions = self.director.as_mut().unwrap().handle_deadline(now);
                self.carry_out(actions);
            }
        }
        self.clock = self.clock.max(end);
    }

    /// Writes down how many probes were made since the last time.
    pub(super) fn count_probes(&mut self) {
        let probes = std::mem::take(&mut self.probes);
        if !probes.is_empty() {
            let each: Vec<_> = probes.iter().map(|(who, n)| format!("{who} {n}x")).collect();
            self.say("probes", &each.join(", "));
        }
    }

    /// `10.0.0.11 answers fail connection refused`: from now on.
    pub(super) fn answers(&mut self, who: &str, what: &str) {
        let (what, takes) = match what.split_once(" after ") {
            Some((what, seconds)) => (what, self::seconds(seconds)),
            None => (what, Duration::ZERO),
        };
        let (word, rest) = what.split_once(' ').unwrap_or((what, ""));
        let or = |default: &str| if rest.is_empty() { default.to_owned() } else { rest.to_owned() };
        let what = match word {
            "pass" => What::Is(Outcome::pass(or("answers"))),
            "fail" => What::Is(Outcome::fail(or("connection refused"))),
            "local" => What::Is(Outcome::local(or("cannot assign requested address"))),
            "exit" => What::Exit(Exit::Code(rest.parse().unwrap())),
            "timeout" => What::Exit(Exit::TimedOut),
            "never" => What::Never,
            _ => panic!("no such answer: {what}"),
        };
        self.answers.push((Target::read(who), Answer { what, takes }));
    }

    /// An address comes to a link of this machine, or goes from there.
    pub(super) fn address(&mut self, address: &str, link: u32, comes: bool) {
        let address: IpAddr = address.parse().unwrap();
        let known = self.addresses.entry(link).or_default();
        known.retain(|other| *other != address);
        let (index, prefix) = (LinkIndex(link), prefix(address));
        let news = if comes {
            known.push(address);
            NetEvent::AddressAdded { index, prefix }
        } else {
            NetEvent::AddressRemoved { index, prefix }
        };
        if self.director.is_some() {
            self.tell(Event::Net(news));
        }
    }

    fn now(&self) -> Instant {
        self.start + self.clock
    }

    /// As the daemon does it, from a file; what is wrong in the text stands in the transcript.
    fn parse(&mut self) -> Config {
        let mut file = tempfile::NamedTempFile::with_suffix(".conf").unwrap();
        file.write_all(self.text.as_bytes()).unwrap();
        let sources = load(
            file.path(),
            &LoadOptions { config_id: Some("here".into()), ..LoadOptions::default() },
        )
        .unwrap();
        let (mut config, found) = config::parse(&sources);
        let global = Arc::make_mut(&mut config.global);
        global.router_id.get_or_insert_with(|| "host".to_owned());
        let told = render(
            &sources,
            &found,
            Style { colour: false, width: 100, language: Language::English },
        );
        for line in told.lines().filter(|line| line.starts_with(['e', 'w'])) {
            self.say("config", line);
        }
        config
    }

    fn say(&mut self, kind: &str, text: &str) {
        say(&mut self.transcript, self.clock, kind, text);
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert!(!self.exited, "after the exit: {action:?}");
            match action {
                Action::StartProbe { checker, probe } => self.start_probe(checker, &probe),
                Action::CancelProbe(id) => {
                    let at = self.pending.iter().position(|(_, checker, ..)| *checker == id);
                    let (.., who) = self.pending.remove(at.expect("it runs"));
                    self.say("cancel", &format!("the probe of {who}"));
                }
                Action::Want(table) => {
                    for (key, service) in &table.0 {
                        if self.table.0.get(key) != Some(service) {
                            self.say("table", &line(key, service));
                        }
                    }
                    let old = std::mem::replace(&mut self.table, table);
                    for key in old.0.keys().filter(|key| !self.table.0.contains_key(*key)) {
                        let text = format!("{}  is gone", name(key));
                        say(&mut self.transcript, self.clock, "table", &text);
                    }
                }
                Action::Notify(Notification::Script { script, .. }) => {
                    self.say("script", &script.argv.join(" "));
                }
                Action::Notify(Notification::Fifo(line)) => {
                    self.say("fifo", line.strip_suffix('\n').expect("a whole line"));
                }
                Action::Notify(Notification::Mail { subject, body }) => {
                    self.say("mail", &format!("{subject}: {body}"));
                }
                Action::Log(level, text) => {
                    let kind = match level {
                        Level::Error => "error",
                        Level::Warning => "warning",
                        Level::Info => "log",
                    };
                    self.say(kind, &text);
                }
                Action::Report { status: director, .. } => {
                    let snapshot = Snapshot { director: Some(director), ..Snapshot::default() };
                    for line in text::render(&snapshot).lines() {
                        self.say("status", line);
                    }
                }
                Action::End(end) => {
                    let text = match end {
                        End::Remove => "our services are to go",
                        End::Flush => "everybody's services are to go",
                        End::Leave => "the table is to stay",
                    };
                    self.say("end", text);
                    if !self.kernel_hangs {
                        let now = self.now();
                        let actions = self.director.as_mut().unwrap().handle(Event::Ended, now);
                        self.carry_out(actions);
                    }
                }
                Action::Settings(_) => {}
                Action::WatchAddresses => {
                    let links = self.addresses.iter().map(|(link, all)| view(*link, all)).collect();
                    let now = self.now();
                    let event = Event::Net(NetEvent::Links(links));
                    let actions = self.director.as_mut().unwrap().handle(event, now);
                    self.carry_out(actions);
                }
                Action::WatchFiles(files) => {
                    let names: Vec<_> = files.iter().map(|file| file.name.value.as_str()).collect();
                    self.say("watch", &names.join(" "));
                }
                Action::Exit => {
                    self.say("exit", "");
                    self.exited = true;
                }
            }
        }
    }

    fn start_probe(&mut self, checker: CheckerId, probe: &Probe) {
        let (s, r, c) = probe.at;
        let kind = probe.kind().expect("the director knows what it asks for");
        let real = &probe.config.virtual_servers[s].real_servers[r];
        let server = format!("{}:{}", real.ip, real.port);
        let path = match kind {
            CheckerKind::Http(http) => Some(http.urls[probe.request.url].path.to_string()),
            _ => None,
        };
        let mut who = server.clone();
        if real.checkers.len() > 1 {
            who += &format!("#{}", c + 1);
        }
        if let Some(path) = path.as_ref().filter(|path| *path != "/") {
            who += path;
        }
        *self.probes.entry(who.clone()).or_default() += 1;
        let fits = |target: &Target| target.fits(real.ip, &server, c + 1, path.as_deref());
        let (_, answer) = self.answers.iter().rev().find(|(target, _)| fits(target)).unwrap();
        let outcome = match (&answer.what, kind) {
            (What::Is(outcome), _) => outcome.clone(),
            (What::Exit(exit), CheckerKind::Misc(check)) => misc::judge(check, exit),
            (What::Exit(_) | What::Never, _) => Outcome::fail(""),
        };
        let ends = match answer.what {
            What::Never => None,
            What::Is(_) | What::Exit(_) => Some(self.clock + answer.takes),
        };
        self.pending.push((ends, checker, outcome, who));
    }
}

impl Target {
    fn read(text: &str) -> Self {
        let (text, path) = match text.split_once('/') {
            Some((text, path)) => (text, Some(format!("/{path}"))),
            None => (text, None),
        };
        let (server, checker) = match text.split_once('#') {
            Some((server, number)) => (server, Some(number.parse().unwrap())),
            None => (text, None),
        };
        Self { server: server.to_owned(), checker, path }
    }

    fn fits(&self, ip: IpAddr, server: &str, checker: usize, path: Option<&str>) -> bool {
        (self.server == "all" || self.server == ip.to_string() || self.server == server)
            && self.checker.is_none_or(|number| number == checker)
            && self.path.as_deref().is_none_or(|wanted| path == Some(wanted))
    }
}

fn prefix(address: IpAddr) -> Prefix {
    Prefix { address, length: if address.is_ipv4() { 32 } else { 128 } }
}

fn view(link: u32, addresses: &[IpAddr]) -> LinkView {
    LinkView {
        index: LinkIndex(link),
        name: format!("eth{link}"),
        up: true,
        running: true,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: None,
        addresses: addresses.iter().copied().map(prefix).collect(),
    }
}

fn say(transcript: &mut Vec<String>, at: Duration, kind: &str, text: &str) {
    let at = format!("{}s", at.as_secs_f64());
    transcript.push(format!("{at:>7} {kind:<7} {text}").trim_end().to_owned());
}

/// `10.0.0.1:80/tcp rr  10.0.0.11:80=1 10.0.0.12:80=0`.
pub(super) fn line(key: &ServiceKey, service: &Service) -> String {
    let mut text = format!("{} {}", name(key), service.scheduler);
    if let Some(persistence) = &service.persistence {
        text += &format!(" persistent {}", persistence.timeout);
    }
    text += " ";
    if service.destinations.is_empty() {
        text += " nobody";
    }
    for (at, destination) in &service.destinations {
        let method = match destination.forward {
            Forward::Nat => "",
            Forward::DirectRoute => "/dr",
            Forward::Tunnel(_) => "/tun",
        };
        text += &format!(" {}:{}{method}={}", at.ip, at.port, destination.weight);
        if (destination.upper, destination.lower) != (0, 0) {
            text += &format!("({}..{})", destination.lower, destination.upper);
        }
    }
    text
}

fn name(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Address { protocol, ip, port } => format!("{ip}:{port}/{protocol}"),
        ServiceKey::Mark { family: Family::V4, mark } => format!("mark {mark}"),
        ServiceKey::Mark { family: Family::V6, mark } => format!("mark {mark}/v6"),
    }
}

pub(super) fn seconds(word: &str) -> Duration {
    Duration::from_secs_f64(word.trim_end_matches('s').parse().unwrap())
}
