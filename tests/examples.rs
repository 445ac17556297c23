//! The examples keep what they promise: each is read without an error or a warning, says on top what
//! it is for, and its scripts are valid.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::config::{
    self,
    diagnostic::Diagnostics,
    io::{LoadOptions, load},
    model::{Config, VirtualServer},
    render::{Style, render},
    rules::text::Language,
    source::Sources,
};
use std::{
    collections::BTreeSet,
    fs,
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Examples that come in two files which must be the same up to a few lines.
const PAIRS: &[(&str, &str)] = &[
    ("course-web-pair-master.conf", "course-web-pair-backup.conf"),
    ("lvs-dr-master.conf", "lvs-dr-backup.conf"),
    ("lvs-nat-master.conf", "lvs-nat-backup.conf"),
    ("lvs-tun-master.conf", "lvs-tun-backup.conf"),
    ("nginx-master.conf", "nginx-backup.conf"),
    ("haproxy-master.conf", "haproxy-backup.conf"),
    ("haproxy-dual-a.conf", "haproxy-dual-b.conf"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf-examples")
}

fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// What can be given to the program: everything but the parts that others include.
fn mains() -> Vec<PathBuf> {
    let mut paths = with_extension(&folder(), "conf");
    paths.push(folder().join("includes/main.conf"));
    paths
}

fn read(path: &Path, machine: &str) -> (Sources, Config, Diagnostics) {
    let sources =
        load(path, &LoadOptions { config_id: Some(machine.into()), ..LoadOptions::default() })
            .unwrap();
    let (config, found) = config::parse(&sources);
    (sources, config, found)
}

fn example(name: &str) -> Config {
    read(&folder().join(name), "proxy1").1
}

#[test]
fn every_example_is_read_without_a_remark() {
    assert!(mains().len() > 20);
    let mut wrong = vec![];
    for path in mains() {
        for machine in ["proxy1", "proxy2"] {
            let (sources, _, found) = read(&path, machine);
            wrong.push(render(
                &sources,
                &found,
                Style { colour: false, width: 100, language: Language::English },
            ));
        }
    }
    assert_eq!(wrong.concat(), "");
}

#[test]
fn every_example_says_what_it_is_for() {
    let mut paths = mains();
    paths.extend(with_extension(&folder().join("includes/conf.d"), "conf"));
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let about: Vec<&str> = text.lines().take_while(|line| line.starts_with('!')).collect();
        assert!(about.iter().map(|line| line.len()).sum::<usize>() > 40, "{}", path.display());
        assert!(text.is_ascii() && text.ends_with('\n'), "{}", path.display());
        for (at, line) in text.lines().enumerate() {
            let place = format!("{}:{}", path.display(), at + 1);
            assert!(line.chars().count() <= 120, "{place} is long");
            assert!(!line.contains('\t') && line.trim_end() == line, "{place}: blanks");
        }
    }
}

type Server = (IpAddr, u16, u32);

/// The files of a pair meet on one link: they must agree on what makes them one virtual router, and
/// differ in who wins.
#[test]
fn pairs_fit_together() {
    for (first, second) in PAIRS {
        let (one, other) = (example(first), example(second));
        assert_ne!(one.global.router_id, other.global.router_id, "{first}");
        assert_eq!(one.vrrp.instances.len(), other.vrrp.instances.len(), "{first}");
        for (a, b) in one.vrrp.instances.iter().zip(&other.vrrp.instances) {
            assert_eq!(a.vrid.value, b.vrid.value, "{first}");
            assert_eq!(a.authentication, b.authentication, "{first}");
            assert_eq!(a.advert_interval, b.advert_interval, "{first}");
            assert_eq!(a.addresses, b.addresses, "{first}");
            assert_ne!(a.priority.value, b.priority.value, "{first}");
        }
        let services = |config: &Config| -> Vec<(String, Vec<Server>)> {
            let servers = |service: &VirtualServer| {
                service.real_servers.iter().map(|s| (s.ip, s.port, s.weight)).collect()
            };
            config.director.virtual_servers.iter().map(|s| (s.name(), servers(s))).collect()
        };
        assert_eq!(services(&one), services(&other), "{first}");
    }
}

/// Includes, definitions and loops of the example really make what its comments say.
#[test]
fn the_example_in_parts_is_whole() {
    let config = example("includes/main.conf");
    assert_eq!(config.vrrp.instances[0].priority.value.0, 100);
    let names: Vec<String> =
        config.director.virtual_servers.iter().map(|service| service.name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let web = &config.director.virtual_servers[1];
    let servers: Vec<String> = web.real_servers.iter().map(|s| s.ip.to_string()).collect();
    assert_eq!(servers, ["192.168.4.101", "192.168.4.102", "192.168.4.103"]);
    assert!(web.real_servers.iter().all(|server| server.checkers.len() == 1));
    let (_, other, _) = read(&folder().join("includes/main.conf"), "proxy2");
    assert_eq!(other.vrrp.instances[0].priority.value.0, 50);
    assert_eq!(other.global.router_id.as_deref(), Some("proxy2"));
}

#[test]
fn scripts_are_valid_and_there() {
    let scripts = with_extension(&folder().join("scripts"), "sh");
    for path in &scripts {
        let found = Command::new("sh").arg("-n").arg(path).output().unwrap();
        let complaint = String::from_utf8_lossy(&found.stderr);
        assert!(found.status.success(), "{}: {complaint}", path.display());
        let text = fs::read_to_string(path).unwrap();
        let second = text.lines().nth(1).unwrap_or_default();
        assert!(text.starts_with("#!/bin/sh\n") && second.starts_with("# "), "{}", path.display());
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{} is not executable", path.display());
    }
    // Whatever an example calls in /etc/keepalived is delivered with it, and nothing else is.
    let called: BTreeSet<String> = mains()
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .flat_map(|text| {
            let words = text.split(|c: char| c.is_whitespace() || c == '"');
            let names = words.filter_map(|word| word.strip_prefix("/etc/keepalived/"));
            names.filter(|name| name.ends_with(".sh")).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let there: BTreeSet<String> =
        scripts.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(called, there);
}

/// What an example promises is shown on a real kernel: some case of the lab runs it.
#[test]
fn every_example_is_run_by_a_case() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("integration/cases");
    let texts: Vec<String> = with_extension(&cases, "case")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let runs = |path: &Path| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        texts
            .iter()
            .flat_map(|text| text.lines())
            .any(|line| line.starts_with("config ") && line.split(' ').any(|word| word == name))
    };
    let idle: Vec<PathBuf> = mains().into_iter().filter(|path| !runs(path)).collect();
    assert!(idle.is_empty(), "no `config HOST FILE` in integration/cases names {idle:?}");
}

/// Lines between ``` of a kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let mut inside = false;
    for line in text.lines() {
        if let Some(opened) = line.strip_prefix("```") {
            inside = opened == kind;
            if inside {
                found.push(String::new());
            }
        } else if inside && let Some(block) = found.last_mut() {
            block.push_str(&format!("{line}\n"));
        }
    }
    found
}

/// One of them is played on a real kernel (integration/cases); so both are true.
#[test]
fn the_lab_guide_types_the_same_in_both_languages() {
    let read = |name| fs::read_to_string(folder().join(name)).unwrap();
    let english = blocks(&read("LAB.md"), "console");
    assert!(english.len() > 10);
    assert_eq!(english, blocks(&read("LAB.zh.md"), "console"));
}
