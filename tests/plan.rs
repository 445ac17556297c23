//! What `ldirector plan` shows: tests/plan/*.plan, each with what it prints.
//!
//! A `.plan` begins with the file; behind `--- daemon` stands what the daemon runs with and, as
//! comments, how it is: `# master VI_1`, `# down 10.0.0.12`. Behind `--- kernel` stands what the
//! kernel holds, as a file that would lead there; without it the kernel holds what the daemon says.
//! `# connections 3` is for every server.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::{
    base::LinkIndex,
    checkers::Outcome,
    config::{self, Config, rules::text::Language, source::Sources},
    director::{Action, Director, Event, Options, rehearse},
    ipvs::{DestinationCounters, Observed, Table},
    machine::Machine as _,
    net::{LinkView, RouteView},
    plan::{self, IpvsView, Kernel, Shown},
    status::{Held, InstanceStatus, Snapshot, VrrpStatus},
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

struct Part<'t> {
    config: Config,
    text: &'t str,
}

impl<'t> Part<'t> {
    fn new(text: &'t str) -> Self {
        let (config, found) = config::parse(&Sources::from_text("keepalived.conf", text));
        assert!(!found.has_errors(), "{:?}\n{text}", found.iter().next());
        Self { config, text }
    }

    /// What comments of this form name.
    fn says(&self, word: &str) -> Vec<&'t str> {
        let start = format!("# {word} ");
        self.text.lines().filter_map(|line| line.strip_prefix(&start)).collect()
    }

    /// The director after its first checks.
    fn director(&self) -> (Director, Instant) {
        let mut now = Instant::now();
        let config = (self.config.director.clone(), self.config.global.clone());
        let mut director = Director::new(config.0, config.1, Options::default(), now);
        let down = self.says("down");
        for _ in 0..10 {
            for action in director.handle_deadline(now) {
                let Action::StartProbe { checker, probe } = action else { continue };
                let (service, server, _) = probe.at;
                let ip = probe.config.virtual_servers[service].real_servers[server].ip.to_string();
                let outcome = if down.contains(&ip.as_str()) {
                    Outcome::fail("connection refused")
                } else {
                    Outcome::pass("")
                };
                let actions = director.handle(Event::ProbeFinished { checker, outcome }, now);
                drop(actions);
            }
            now += Duration::from_secs(5);
        }
        (director, now)
    }

    fn held(&self, masters: &[&str]) -> Held {
        let vrrp = &self.config.vrrp;
        let mut held = Held {
            addresses: vrrp.static_addresses.clone(),
            routes: vrrp.static_routes.clone(),
            rules: vrrp.static_rules.clone(),
            sync_daemon: self.config.global.sync_daemon.is_some(),
        };
        for instance in &vrrp.instances {
            if masters.contains(&instance.name.value.as_str()) {
                held.addresses.extend(instance.addresses.iter().cloned());
                held.addresses.extend(instance.excluded.iter().cloned());
                held.routes.extend(instance.routes.iter().cloned());
                held.rules.extend(instance.rules.iter().cloned());
            }
        }
        held
    }

    fn status(&self) -> Snapshot {
        let (director, now) = self.director();
        let masters = self.says("master");
        let instance = |instance: &config::model::VrrpInstance| InstanceStatus {
            name: instance.name.value.clone(),
            interface: instance.interface.value.clone(),
            vrid: instance.vrid.value.0,
            state: if masters.contains(&instance.name.value.as_str()) {
                "MASTER"
            } else {
                "BACKUP"
            }
            .to_owned(),
            addresses: instance.addresses.iter().map(|a| a.prefix().to_string()).collect(),
            ..InstanceStatus::default()
        };
        Snapshot {
            vrrp: Some(VrrpStatus {
                instances: self.config.vrrp.instances.iter().map(instance).collect(),
                sync_groups: vec![],
                held: self.held(&masters),
            }),
            director: Some(director.status(now)),
            ..Snapshot::default()
        }
    }

    fn kernel(&self, table: Table) -> Kernel {
        let held = self.held(&self.says("master"));
        let index = |name: &str| LinkIndex(u32::from(name.as_bytes()[name.len() - 1]));
        let mut links: BTreeMap<String, LinkView> = BTreeMap::new();
        for address in &held.addresses {
            let name = address.dev.clone();
            let view = links.entry(name.clone()).or_insert_with(|| LinkView {
                index: index(&name),
                name,
                up: true,
                running: true,
                multicast: true,
                noarp: false,
                loopback: false,
                mtu: 1500,
                mac: None,
                addresses: vec![],
            });
            view.addresses.push(address.prefix());
        }
        let routes = held.routes.iter().map(|route| RouteView {
            identity: route.identity(),
            protocol: route.protocol,
            kind: route.kind,
            via: route.via,
            dev: route.dev.as_deref().map(index),
            source: route.source,
        });
        let active = self.says("connections").first().map_or(0, |count| count.parse().unwrap());
        let mut observed = Observed { table, ..Observed::default() };
        for (key, service) in &observed.table.0 {
            let counters = observed.counters.entry(*key).or_default();
            let count = DestinationCounters { active, ..DestinationCounters::default() };
            counters.destinations.extend(service.destinations.keys().map(|at| (*at, count)));
        }
        let ipvs = IpvsView { observed, timeouts: None, daemons: vec![] };
        let routes = routes.collect();
        Kernel { ipvs: Some(ipvs), links: links.into_values().collect(), routes, rules: held.rules }
    }
}

fn compared(text: &str) -> plan::Plan {
    let mut parts: BTreeMap<&str, Part<'_>> = BTreeMap::new();
    for (at, part) in text.split("--- ").enumerate() {
        let (name, text) = if at == 0 { ("file", part) } else { part.split_once('\n').unwrap() };
        parts.insert(name, Part::new(text));
    }
    let daemon = parts.get("daemon");
    let kernel = match (parts.get("kernel"), daemon) {
        (Some(kernel), _) => kernel.kernel(rehearse(&kernel.config.director, None).table),
        (None, Some(daemon)) => daemon.kernel(daemon.director().0.wanted().clone()),
        (None, None) => Kernel::default(),
    };
    plan::compare(&parts["file"].config, &kernel, daemon.map(Part::status).as_ref())
}

#[test]
fn plans_read_as_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "plan"));
    files.sort();
    let mut wrong = vec![];
    for path in files {
        let plan = compared(&fs::read_to_string(&path).unwrap());
        let shown = |language, colour, all| {
            plan::render(&plan, Shown { file: "keepalived.conf", language, colour, all })
        };
        let english = shown(Language::English, false, false);
        let chinese = shown(Language::Chinese, false, false);
        assert_eq!(english.lines().count(), chinese.lines().count());
        let coloured = shown(Language::English, true, false);
        let plain = ["1", "31", "32", "33", "36"]
            .iter()
            .fold(coloured, |text, code| text.replace(&format!("\x1b[{code}m"), ""));
        assert_eq!(plain.replace("\x1b[0m", ""), english);
        assert!(shown(Language::English, false, true).len() >= english.len());
        let json = plan::json(&plan, "keepalived.conf").unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["equal"], !plan.differs());
        let code = if plan.differs() { 2 } else { 0 };
        let is = format!("{english}\n--- zh\n{chinese}\n--- exit code {code}\n");
        let expected = path.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &is).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != is {
            wrong.push(format!("{}:\n{is}", path.display()));
        }
    }
    show_in_readme(&fs::read_to_string(folder.join("reload.expected")).unwrap());
    assert!(wrong.is_empty(), "UPDATE_EXPECT=1 rewrites what is expected\n{}", wrong.join("\n"));
}

/// README shows the screen of `reload.plan`.
fn show_in_readme(expected: &str) {
    const BEGIN: &str = "<!-- plan: written by tests/plan.rs -->\n";
    const END: &str = "<!-- end of plan -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let english = expected.split("\n--- zh").next().unwrap();
    let is = format!("{head}{BEGIN}```console\n$ ldirector plan\n{english}```\n{END}{tail}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &is).unwrap();
    }
    assert!(
        readme == is || std::env::var_os("UPDATE_EXPECT").is_some(),
        "README.md is out of date"
    );
}

#[test]
fn what_cannot_be_compared_has_a_code_of_its_own() {
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_ldirector")).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty() && !said.is_empty());
        (output.status.code().unwrap(), said)
    };
    let (code, said) = run(&["plan", "-f", "/nowhere.conf"]);
    assert!(code == 3 && said.contains("/nowhere.conf"), "{code} {said}");
    let broken = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/values.conf");
    let (code, said) = run(&["plan", "-f", broken, "--lang", "en"]);
    assert!(code == 3 && said.contains("error[LD0"), "{code} {said}");
    // 2 means that something differs.
    assert_eq!(run(&["plan", "--no-such-option"]).0, 1);
    assert_eq!(run(&["check", "--no-such-option"]).0, 2);
}
