//! Runs `tests/vrrp/*.scenario`: what each router is at which time, on a simulated LAN.
//!
//! ```text
//! node NAME [instance I] SETTING..   one instance of a node; separated by `;`. Settings:
//!     priority N, vrid N, state MASTER, nopreempt, preempt_delay S, version 3, pass WORD, ah WORD,
//!     vip A[,B], unicast PEER|none.., source A, track_src_ip, owner_ignore, timer_expired_backup N, script NAME WEIGHT, interface NAME WEIGHT, advert_int S,
//!     no_track_primary, file|process|bfd NAME WEIGHT [reverse]
//! advert_int S | version 3           for all instances of all nodes declared before on the line
//! group NODE G I..                   a sync group
//! at T DO..                          start|kill|stop|plug|unplug NODE.., up|down NODE IF, loss PERCENT,
//!                                    script NODE NAME ok|fail, steal|give NODE ADDR,
//!                                    file NODE NAME NUMBER, process|bfd NODE NAME up|down,
//!                                    freeze|thaw NODE..,
//!                                    reload NODE [instance I] SETTING..
//! at T CHECK, ..  by T CHECK, ..  until T CHECK, ..     holds then | at some time until then | all the time
//!     NODE[/I] master|backup|fault|initialize|gone
//!     NODE holds|lacks ADDR   NODE announced ADDR   NODE[/I] priority N   NODE[/I] told WORD
//!     NODE logged TEXT..   NODE silent   (has sent nothing since the line before)
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the other tests use the rest of it")]
mod lan;
use lan::{Host, Hosts, Lan, Settings, plain, vip};
use ldirector::{
    base::{Family, Priority, Vrid},
    config::model::{Authentication, TrackerUse, Unicast, UnicastPeer, Version},
    trackers::{Reading, Subject},
    vrrp::{Action, Event},
};
use std::{fs, net::IpAddr, path::Path, time::Duration};

#[test]
fn every_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vrrp");
    let mut count = 0;
    let mut failed = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "scenario") {
            count += 1;
            if let Err(why) = run(&fs::read_to_string(&path).unwrap()) {
                failed.push(format!("{}: {why}", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(count >= 15, "only {count} scenarios found");
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

#[test]
fn a_scenario_that_does_not_hold_is_noticed() {
    let wrong = "node a priority 150\nat 0s start a\nat 3s a master";
    assert!(run(wrong).unwrap_err().contains("line 3"));
    assert!(run("node a\nat 0s start a\nby 3s a master").is_err());
    assert!(run("node a\nat 0s start a\nuntil 5s a backup").is_err());
}

fn run(text: &str) -> Result<(), String> {
    let mut lan = lan::lan();
    let mut mark = Duration::ZERO;
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap().trim();
        let fail = |why: &str| format!("line {}: {line}: {why}", number + 1);
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            ["node" | "group" | "advert_int" | "version", ..] => {
                line.split(';').for_each(|part| declare(&mut lan, part));
            }
            [when @ ("at" | "by" | "until"), time, ..] => {
                let rest = line.splitn(3, char::is_whitespace).nth(2).unwrap_or("").trim();
                let from = lan.clock;
                let time = seconds(time);
                let checks = clauses(&lan, rest);
                let all = |lan: &mut Lan| checks.iter().all(|check| holds(lan, check, mark));
                match when {
                    "by" => {
                        while !all(&mut lan) {
                            if !lan.step(time) {
                                return Err(fail(&explain(&mut lan)));
                            }
                        }
                    }
                    "until" => loop {
                        if !all(&mut lan) {
                            return Err(fail(&explain(&mut lan)));
                        }
                        if !lan.step(time) {
                            lan.run_until(time);
                            break;
                        }
                    },
                    _ => {
                        lan.run_until(time);
                        for check in &checks {
                            if !act(&mut lan, check) && !holds(&mut lan, check, mark) {
                                return Err(fail(&explain(&mut lan)));
                            }
                        }
                    }
                }
                mark = from.max(lan.clock);
            }
            _ => return Err(fail("not understood")),
        }
    }
    Ok(())
}

/// Cut at `, ` and `;`, but not within the text of a log line.
fn clauses(lan: &Lan, text: &str) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    for part in text.replace(';', ", ").split(", ").map(str::trim) {
        let first = part.split([' ', '/']).next().unwrap_or("");
        let starts = lan.hosts.iter().any(|host| host.name == first) || !part.contains(' ');
        match out.last_mut() {
            Some(before) if before.contains(" logged ") && !starts => {
                before.push_str(", ");
                before.push_str(part);
            }
            _ => out.push(part.to_owned()),
        }
    }
    out
}

fn declare(lan: &mut Lan, part: &str) {
    let words: Vec<&str> = part.split_whitespace().collect();
    match words[..] {
        ["node", name, ref rest @ ..] => {
            let host = if lan.hosts.iter().any(|host| host.name == name) {
                lan.host(name)
            } else {
                lan.new_host(name)
            };
            configure(host, rest);
        }
        ["group", node, name, ref members @ ..] => lan.host(node).group(name, members),
        [..] => {
            for host in &mut lan.hosts {
                let names: Vec<String> =
                    host.config.instances.iter().map(|i| i.name.value.clone()).collect();
                for name in names {
                    set(host, &name, &words);
                }
            }
        }
    }
}

fn configure(host: &mut Host, words: &[&str]) {
    match words {
        ["instance", name, rest @ ..] => {
            host.instance(name);
            set(host, name, rest);
        }
        rest => {
            host.instance("VI_1");
            set(host, "VI_1", rest);
        }
    }
}

fn set(host: &mut Host, name: &str, mut words: &[&str]) {
    loop {
        let instance = host.instance(name);
        words = match words {
            [] => return,
            ["priority", n, rest @ ..] => {
                instance.priority.value = Priority(n.parse().unwrap());
                rest
            }
            ["vrid", n, rest @ ..] => {
                instance.vrid.value = Vrid(n.parse().unwrap());
                rest
            }
            ["state", wish, rest @ ..] => {
                instance.wants_master = *wish == "MASTER";
                rest
            }
            ["nopreempt", rest @ ..] => {
                instance.preempt = false;
                rest
            }
            ["preempt_delay", s, rest @ ..] => {
                instance.preempt_delay = seconds(s);
                rest
            }
            ["advert_int", s, rest @ ..] => {
                instance.advert_interval = seconds(s);
                rest
            }
            ["version", n, rest @ ..] => {
                instance.version = if *n == "3" { Version::V3 } else { Version::V2 };
                rest
            }
            ["pass", word, rest @ ..] => {
                instance.authentication = Authentication::Password(key(word));
                rest
            }
            ["ah", word, rest @ ..] => {
                instance.authentication = Authentication::Header(key(word));
                rest
            }
            ["vip", list, rest @ ..] => {
                let dev = instance.interface.value.clone();
                instance.addresses =
                    list.split(',').map(|a| vip(a.parse().unwrap(), &dev)).collect();
                instance.family = Family::of(&instance.addresses[0].address);
                if instance.family == Family::V6 {
                    instance.multicast_group = "ff02::12".parse().unwrap();
                }
                rest
            }
            ["unicast", "none", rest @ ..] => {
                instance.unicast = Some(Unicast::default());
                rest
            }
            ["source", address, rest @ ..] => {
                instance.source = Some(address.parse().unwrap());
                rest
            }
            ["track_src_ip", rest @ ..] => {
                instance.track_source = true;
                rest
            }
            ["owner_ignore", rest @ ..] => {
                instance.owner_ignore_adverts = true;
                rest
            }
            ["timer_expired_backup", n, rest @ ..] => {
                instance.timer_expired_backup = Some(Priority(n.parse().unwrap()));
                rest
            }
            ["unicast", peer, rest @ ..] => {
                let address: IpAddr = peer.parse().unwrap();
                let unicast = instance.unicast.get_or_insert_with(Unicast::default);
                unicast.peers.push(UnicastPeer { address, min_ttl: None, max_ttl: None });
                rest
            }
            ["no_track_primary", rest @ ..] => {
                instance.track_primary = false;
                rest
            }
            ["script", script, weight, rest @ ..] => {
                host.track(name, script, weight.parse().unwrap());
                rest
            }
            [kind @ ("file" | "process" | "bfd"), tracked, weight, rest @ ..] => {
                let (reverse, rest) = match rest {
                    ["reverse", rest @ ..] => (true, rest),
                    rest => (false, rest),
                };
                let weight = weight.parse().unwrap();
                let tracked = TrackerUse { name: plain((*tracked).to_owned()), weight, reverse };
                host.track_other(kind, name, tracked);
                rest
            }
            ["interface", interface, weight, rest @ ..] => {
                host.track_interface(name, interface, weight.parse().unwrap());
                rest
            }
            other => panic!("unknown setting {other:?}"),
        };
    }
}

/// Whether it was something to do; then it is done.
fn act(lan: &mut Lan, clause: &str) -> bool {
    let words: Vec<&str> = clause.split_whitespace().collect();
    match words[..] {
        [
            verb @ ("start" | "kill" | "stop" | "plug" | "unplug" | "freeze" | "thaw"),
            ref names @ ..,
        ] => {
            for name in names {
                match verb {
                    "start" => lan.start(name),
                    "kill" => lan.kill(name),
                    "stop" => lan.tell(name, Event::Stop),
                    "freeze" => lan.host(name).frozen = true,
                    "thaw" => lan.host(name).frozen = false,
                    "plug" => lan.host(name).plugged = true,
                    _ => lan.host(name).plugged = false,
                }
            }
        }
        ["up", node, interface] => lan.set_link(node, interface, true),
        ["down", node, interface] => lan.set_link(node, interface, false),
        ["loss", percent] => lan.loss = percent.parse().unwrap(),
        ["script", node, name, result] => lan.set_script(node, name, result == "ok"),
        ["give", node, address] => lan.give(node, &vip(address.parse().unwrap(), "eth0")),
        ["file", node, name, number] => {
            let reading = Reading::Number(number.parse().unwrap());
            lan.set_tracked(node, Subject::File(name.to_owned()), reading);
        }
        ["process", node, name, state] => {
            lan.set_tracked(node, Subject::Process(name.to_owned()), Reading::of(state == "up"));
        }
        ["bfd", node, name, state] => {
            lan.set_tracked(node, Subject::Bfd(name.to_owned()), Reading::of(state == "up"));
        }
        ["steal", node, address] => lan.steal(node, address.parse().unwrap()),
        ["reload", node, ref rest @ ..] => {
            let host = lan.host(node);
            configure(host, rest);
            let event = Event::Reload(host.config.clone().into(), host.global.clone().into());
            lan.tell(node, event);
        }
        _ => return false,
    }
    lan.run_until(lan.clock);
    true
}

fn holds(lan: &mut Lan, check: &str, mark: Duration) -> bool {
    let now = lan.now();
    let words: Vec<&str> = check.split_whitespace().collect();
    let (node, instance) = words[0].split_once('/').unwrap_or((words[0], "VI_1"));
    let host = lan.host(node);
    let status = host.status(instance, now);
    let state = status.as_ref().map_or("GONE", |status| status.state.as_str());
    let address = || words[2].parse::<IpAddr>().unwrap();
    match words[1..] {
        ["initialize"] => state == "INIT",
        [word @ ("master" | "backup" | "fault" | "gone")] => state == word.to_uppercase(),
        ["holds", _] => host.holds(address()),
        ["lacks", _] => !host.holds(address()),
        ["announced", _] => host.record.iter().any(|(_, action)| match action {
            Action::Announce(what) => what.targets.iter().any(|t| t.address == address()),
            _ => false,
        }),
        ["priority", n] => status.is_some_and(|status| status.priority.to_string() == n),
        ["told", word] => {
            host.last_notify(if words[0].contains('/') { instance } else { "VI_1" }) == Some(word)
        }
        ["group", name, "told", word] => host.last_notify(name) == Some(word),
        ["silent"] => {
            !host.record.iter().any(|(at, action)| *at > mark && matches!(action, Action::Send(_)))
        }
        ["logged", ..] => {
            let text = words[2..].join(" ");
            host.record.iter().any(|(_, action)| match action {
                Action::Log(_, line) => line.contains(&text),
                _ => false,
            })
        }
        _ => panic!("unknown check {check:?}"),
    }
}

/// What every node is now.
fn explain(lan: &mut Lan) -> String {
    let now = lan.now();
    let mut all = vec![format!("at {:.3}s", lan.clock.as_secs_f64())];
    for host in &lan.hosts {
        let status = host.node.as_ref().map(|node| node.status(now));
        for instance in status.iter().flat_map(|status| &status.instances) {
            all.push(format!(
                "{}/{} {} prio {} {:?}",
                host.name, instance.name, instance.state, instance.priority, instance.faults
            ));
        }
        let lines = host.record.iter().rev().filter_map(|(at, action)| match action {
            Action::Log(_, line) => {
                Some(format!("\n    {} {:.3} {line}", host.name, at.as_secs_f64()))
            }
            _ => None,
        });
        all.extend(lines.take(5));
    }
    all.join(", ")
}

fn seconds(word: &str) -> Duration {
    Duration::from_secs_f64(word.trim_end_matches('s').parse().unwrap())
}

fn key(word: &str) -> [u8; 8] {
    let mut key = [0; 8];
    for (to, from) in key.iter_mut().zip(word.bytes()) {
        *to = from;
    }
    key
}
