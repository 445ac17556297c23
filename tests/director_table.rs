//! Property: whatever servers answer, the wanted table is the one that the rules say (spec: LVS and
//! checkers §2), computed here the naive way; scripts alternate.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "director/rig.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod rig;
use ldirector::director::Options;
use proptest::prelude::*;
use rig::{Answer, Rig};
use std::{collections::BTreeMap, fmt::Write, time::Duration};

#[derive(Clone, Debug)]
struct Server {
    weight: u32,
    inhibit: bool,
    alpha: bool,
}

#[derive(Clone, Debug)]
struct Service {
    servers: Vec<Server>,
    quorum: u32,
    hysteresis: u32,
    /// inhibit?
    sorry: Option<bool>,
    /// The sorry server is also the first real server.
    sorry_is_real: bool,
}

fn service() -> impl Strategy<Value = Service> {
    let server = (0..4_u32, any::<bool>(), any::<bool>())
        .prop_map(|(weight, inhibit, alpha)| Server { weight, inhibit, alpha });
    (
        prop::collection::vec(server, 1..5),
        1..6_u32,
        0..3_u32,
        prop::option::of(any::<bool>()),
        any::<bool>(),
    )
        .prop_map(|(servers, quorum, hysteresis, sorry, sorry_is_real)| {
            // What the configuration would cut down by itself is not of interest here.
            let sum = servers.iter().map(|s| s.weight).sum::<u32>().max(1);
            let quorum = quorum.min(sum);
            let hysteresis = hysteresis.min(quorum - 1);
            Service { servers, quorum, hysteresis, sorry, sorry_is_real }
        })
}

fn address(n: usize) -> String {
    format!("192.0.2.{}", n + 10)
}

impl Service {
    fn sorry_address(&self) -> String {
        if self.sorry_is_real { address(0) } else { "192.0.2.99".into() }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "virtual_server 192.0.2.1 80 {{\n protocol TCP\n lb_algo rr\n lb_kind NAT\n delay_loop 5\n \
             quorum {}\n hysteresis {}\n quorum_up \"/q up\"\n quorum_down \"/q down\"\n",
            self.quorum, self.hysteresis
        );
        if let Some(inhibit) = self.sorry {
            writeln!(text, " sorry_server {} 80", self.sorry_address()).unwrap();
            if inhibit {
                text += " sorry_server_inhibit\n";
            }
        }
        for (n, server) in self.servers.iter().enumerate() {
            writeln!(text, " real_server {} 80 {{\n weight {}", address(n), server.weight).unwrap();
            if server.inhibit {
                text += " inhibit_on_failure\n";
            }
            writeln!(text, " notify_up \"/s {n} up\"\n notify_down \"/s {n} down\"").unwrap();
            text += " TCP_CHECK {\n retry 0\n warmup 0\n";
            if server.alpha {
                text += " alpha\n";
            }
            text += " }\n }\n";
        }
        text + "}\n"
    }

    /// The rules, naively.
    fn quorum(&self, alive: &[bool], up: bool) -> bool {
        let sum: u32 =
            self.servers.iter().zip(alive).filter(|(_, a)| **a).map(|(s, _)| s.weight).sum();
        if up {
            sum > 0 && sum >= self.quorum - self.hysteresis
        } else {
            sum >= self.quorum + self.hysteresis
        }
    }

    fn table(&self, alive: &[bool], quorum_up: bool) -> String {
        let in_use = self.sorry.is_some() && !quorum_up;
        let mut entries = BTreeMap::new();
        for (n, (server, alive)) in self.servers.iter().zip(alive).enumerate() {
            if *alive && !in_use {
                entries.insert(address(n), server.weight);
            } else if server.inhibit {
                entries.insert(address(n), 0);
            }
        }
        if let Some(inhibit) = self.sorry {
            if in_use {
                entries.insert(self.sorry_address(), 1);
            } else if inhibit {
                entries.entry(self.sorry_address()).or_insert(0);
            }
        }
        let servers = entries.iter().map(|(at, weight)| format!(" {at}:80={weight}"));
        format!("rr{}", servers.collect::<String>())
    }
}

proptest! {
    #[test]
    fn the_table_follows_the_rules(
        service in service(),
        changes in prop::collection::vec((0..5_usize, any::<bool>()), 1..12),
    ) {
        let mut rig = Rig::start(&service.text(), Options::default()).unwrap();
        let mut alive: Vec<bool> = service.servers.iter().map(|server| !server.alpha).collect();
        let mut quorum_up = service.quorum(&alive, false);
        prop_assert_eq!(&rig.table()[0].1, &service.table(&alive, quorum_up));
        // Alpha servers fail first, so that each later change is one change.
        for (n, server) in service.servers.iter().enumerate() {
            if server.alpha {
                rig.answers.insert(format!("{}:80", address(n)), Answer::Fail);
            }
        }
        rig.run(Duration::from_secs(3));
        prop_assert_eq!(&rig.table()[0].1, &service.table(&alive, quorum_up));
        rig.scripts.clear();
        for (n, lives) in changes {
            let n = n % alive.len();
            let answer = if lives { Answer::Pass } else { Answer::Fail };
            rig.answers.insert(format!("{}:80", address(n)), answer);
            let mut scripts = vec![];
            if alive[n] != lives {
                alive[n] = lives;
                scripts.push(format!("/s {n} {}", if lives { "up" } else { "down" }));
            }
            let was = quorum_up;
            quorum_up = service.quorum(&alive, was);
            if was != quorum_up {
                scripts.push(format!("/q {}", if quorum_up { "up" } else { "down" }));
            }
            rig.run(Duration::from_secs(6));
            prop_assert_eq!(&rig.table()[0].1, &service.table(&alive, quorum_up));
            prop_assert_eq!(std::mem::take(&mut rig.scripts), scripts);
        }
    }
}
