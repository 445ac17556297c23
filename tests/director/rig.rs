//! A director with servers that answer as told, on a virtual clock.
use ldirector::{
    checkers::Outcome,
    config::{self, Config, source::Sources},
    director::{Action, CheckerId, Director, End, Event, Options},
    ipvs::{ServiceKey, Table},
    machine::Machine,
    notify::Notification,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

/// How long a probe takes.
const PROBE: Duration = Duration::from_millis(10);

/// What a server's probes find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Pass,
    Fail,
    Local,
    Code(u8),
    Offset(i64),
}

pub(crate) struct Rig {
    pub(crate) director: Director,
    pub(crate) now: Instant,
    /// By `IP:PORT`, `IP:PORT KIND` or `IP:PORT url N`; the longer one counts.
    pub(crate) answers: HashMap<String, Answer>,
    pub(crate) scripts: Vec<String>,
    pub(crate) fifo: Vec<String>,
    pub(crate) mails: Vec<String>,
    pub(crate) log: Vec<String>,
    pub(crate) probes: HashMap<String, usize>,
    /// How the kernel is to be left, and whether the process has ended.
    pub(crate) ended: (Option<End>, bool),
    pub(crate) tables_wanted: usize,
    /// Under way: when they end, in order of their start.
    running: Vec<(Instant, CheckerId, Outcome)>,
    started: Instant,
}

impl Rig {
    pub(crate) fn start(text: &str, options: Options) -> Result<Self, String> {
        let config = parse(text)?;
        let now = Instant::now();
        let mut rig = Self {
            director: Director::new(config.director, config.global, options, now),
            now,
            answers: HashMap::new(),
            scripts: vec![],
            fifo: vec![],
            mails: vec![],
            log: vec![],
            probes: HashMap::new(),
            ended: (None, false),
            tables_wanted: 0,
            running: vec![],
            started: now,
        };
        let actions = rig.director.handle_deadline(now);
        rig.carry_out(actions);
        Ok(rig)
    }

    pub(crate) fn run(&mut self, time: Duration) {
        self.log.clear();
        self.tables_wanted = 0;
        let until = self.now + time;
        loop {
            let probe = self.running.iter().map(|(at, ..)| *at).min();
            let next = [probe, self.director.next_deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            let actions = match self.running.iter().position(|(at, ..)| *at <= self.now) {
                Some(at) => {
                    let (_, checker, outcome) = self.running.remove(at);
                    self.director.handle(Event::ProbeFinished { checker, outcome }, self.now)
                }
                None => self.director.handle_deadline(self.now),
            };
            self.carry_out(actions);
        }
        self.now = until;
    }

    pub(crate) fn reload(&mut self, text: &str) -> Result<(), String> {
        self.log.clear();
        self.tables_wanted = 0;
        let config = parse(text)?;
        let event = Event::Reload(config.director, config.global);
        let actions = self.director.handle(event, self.now);
        self.carry_out(actions);
        Ok(())
    }

    pub(crate) fn stop(&mut self) {
        self.log.clear();
        let actions = self.director.handle(Event::Stop, self.now);
        self.carry_out(actions);
        if self.ended.0.is_some() {
            let actions = self.director.handle(Event::Ended, self.now);
            self.carry_out(actions);
        }
    }

    /// `(192.0.2.1:80/tcp, "rr 192.0.2.2:80=1")` each.
    pub(crate) fn table(&self) -> Vec<(String, String)> {
        readable(self.director.wanted())
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::StartProbe { checker, probe } => {
                    let (service, server, at) = probe.at;
                    let server = &probe.config.virtual_servers[service].real_servers[server];
                    let name = format!("{}:{}", server.ip, server.port);
                    let kind = server.checkers[at].kind.keyword();
                    *self.probes.entry(name.clone()).or_default() += 1;
                    let places = [
                        format!("{name} url {}", probe.request.url),
                        format!("{name} {kind}"),
                        name,
                    ];
                    let answer = places.iter().find_map(|place| self.answers.get(place));
                    let outcome = outcome(answer.copied().unwrap_or(Answer::Pass));
                    self.running.push((self.now + PROBE, checker, outcome));
                }
                Action::CancelProbe(checker) => self.running.retain(|(_, id, _)| *id != checker),
                Action::Want(table) => {
                    assert_eq!(&table, self.director.wanted());
                    self.tables_wanted += 1;
                }
                Action::Notify(Notification::Script { script, .. }) => {
                    self.scripts.push(script.argv.join(" "));
                }
                Action::Notify(Notification::Fifo(line)) => {
                    self.fifo.push(line.trim_end_matches('\n').to_owned());
                }
                Action::Notify(Notification::Mail { subject, .. }) => {
                    let plain = subject.split_once("] ").unwrap().1;
                    self.mails.push(plain.to_owned());
                }
                Action::Log(_, text) => {
                    let time = self.now - self.started;
                    self.log.push(format!("{:6.2} {text}", time.as_secs_f64()));
                }
                Action::End(end) => self.ended.0 = Some(end),
                Action::Exit => self.ended.1 = true,
                Action::Settings(_) | Action::Report { .. } => {}
            }
        }
    }
}

fn outcome(answer: Answer) -> Outcome {
    let reason = "as told".to_owned();
    match answer {
        Answer::Pass => Outcome::Pass { code: None, reason },
        Answer::Fail => Outcome::Fail { reason },
        Answer::Local => Outcome::Local { reason },
        Answer::Code(code) => Outcome::Pass { code: Some(code), reason },
        Answer::Offset(offset) => Outcome::Weigh { offset, reason },
    }
}

/// As the daemon reads it.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    let sources = Sources::from_text("test.conf", text);
    let (config, found) = config::parse(&sources);
    match config::render::first_error(&sources, &found) {
        Some(error) => Err(error),
        None => Ok(config),
    }
}

pub(crate) fn readable(table: &Table) -> Vec<(String, String)> {
    let mut lines = BTreeMap::new();
    for (key, service) in &table.0 {
        let name = match key {
            ServiceKey::Address { protocol, ip, port } => format!("{ip}:{port}/{protocol}"),
            ServiceKey::Mark { mark, .. } => format!("FWM:{mark}"),
        };
        let mut text = service.scheduler.clone();
        for (at, server) in &service.destinations {
            text += &format!(" {}:{}={}", at.ip, at.port, server.weight);
        }
        lines.insert(name, text);
    }
    lines.into_iter().collect()
}
