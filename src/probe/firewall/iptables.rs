//! `iptables-save` and `ip6tables-save` as iptables-extensions(8) writes them.
use super::{
    Action, Advert, Chains, Direction, End, Match, Rule, Verdict, network, together, walk,
};
use std::collections::BTreeMap;

/// Table, and the chain in which packets begin.
const IN: [(&str, &str); 5] = [
    ("raw", "PREROUTING"),
    ("mangle", "PREROUTING"),
    ("mangle", "INPUT"),
    ("filter", "INPUT"),
    ("security", "INPUT"),
];
const OUT: [(&str, &str); 5] = [
    ("raw", "OUTPUT"),
    ("mangle", "OUTPUT"),
    ("filter", "OUTPUT"),
    ("security", "OUTPUT"),
    ("mangle", "POSTROUTING"),
];

#[derive(Default)]
struct Table {
    chains: Chains,
    /// `ACCEPT` or `DROP`; user's chains have `-`.
    policies: BTreeMap<String, String>,
}

/// What the rules, printed by `PROGRAM-save`, do with an advert.
#[must_use]
pub fn iptables(program: &str, saved: &str, advert: &Advert<'_>) -> Verdict {
    let mut tables: BTreeMap<&str, Table> = BTreeMap::new();
    let mut table = "";
    for line in saved.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.trim();
        } else if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace().map(str::to_owned);
            if let (Some(name), Some(policy)) = (words.next(), words.next()) {
                tables.entry(table).or_default().policies.insert(name, policy);
            }
        } else if let Some(at) = line.find("-A ") {
            let words = words(line.get(at + 3..).unwrap_or_default());
            let Some((chain, rest)) = words.split_first() else { continue };
            let rule = rule(line, rest, advert);
            tables.entry(table).or_default().chains.entry(chain.clone()).or_default().push(rule);
        }
    }
    let hooks = match advert.direction {
        Direction::In => IN,
        Direction::Out => OUT,
    };
    together(hooks.into_iter().filter_map(|(name, chain)| {
        let table = tables.get(name)?;
        let policy = table.policies.get(chain)?;
        let mut unsure = false;
        let by = match walk(&table.chains, chain, 0, &mut unsure) {
            End::Accept => return Some(if unsure { Verdict::Unsure } else { Verdict::Pass }),
            End::Drop(rule) => rule,
            End::Fell if policy == "DROP" => format!("-P {chain} DROP"),
            End::Fell => return Some(if unsure { Verdict::Unsure } else { Verdict::Pass }),
        };
        Some(if unsure {
            Verdict::Unsure
        } else {
            Verdict::Drop { by, command: command(program, name, chain, advert) }
        })
    }))
}

fn command(program: &str, table: &str, chain: &str, advert: &Advert<'_>) -> String {
    let table = if table == "filter" { String::new() } else { format!(" -t {table}") };
    let side = match advert.direction {
        Direction::In => "-i",
        Direction::Out => "-o",
    };
    // Before routing there is no interface to leave by.
    let interface = if (chain, advert.direction) == ("PREROUTING", Direction::Out) {
        String::new()
    } else {
        format!(" {side} {}", advert.interface)
    };
    format!("{program}{table} -I {chain}{interface} -p {} -j ACCEPT", advert.protocol)
}

fn rule(line: &str, words: &[String], advert: &Advert<'_>) -> Rule {
    let mut matches = Match::Yes;
    let mut action = Action::Continue;
    let mut at = words.iter().map(String::as_str).peekable();
    let mut negated = false;
    while let Some(word) = at.next() {
        if word == "!" {
            negated = true;
            continue;
        }
        let mut values = vec![];
        while let Some(value) = at.next_if(|next| !next.starts_with('-') && *next != "!") {
            values.push(value);
        }
        let value = values.first().copied().unwrap_or_default();
        let part = match word {
            "-j" | "--jump" => {
                action = target(value);
                // What follows belongs to the target.
                break;
            }
            "-g" | "--goto" => {
                action = Action::Goto(value.to_owned());
                break;
            }
            "-m" | "--match" | "--comment" | "-c" => Match::Yes,
            "-p" | "--protocol" if value == "all" => Match::Yes,
            "-p" | "--protocol" => advert.is_protocol(value),
            "-i" => match advert.direction {
                Direction::In => advert.is_interface(value, '+'),
                Direction::Out => Match::No,
            },
            "-o" => match advert.direction {
                Direction::Out => advert.is_interface(value, '+'),
                Direction::In => Match::No,
            },
            "-s" => advert.is_from(network(value)),
            "-d" => advert.is_to(network(value)),
            "--state" | "--ctstate" => {
                value.split(',').map(Advert::has_state).fold(Match::No, Match::or)
            }
            "--pkt-type" => advert.is_type(value),
            "--dst-type" => {
                value.split(',').map(|word| advert.is_type(word)).fold(Match::No, Match::or)
            }
            _ => Match::Maybe,
        };
        matches = matches.and(if negated { part.not() } else { part });
        negated = false;
    }
    Rule { matches, action, text: line.trim().to_owned() }
}

fn target(name: &str) -> Action {
    match name {
        "ACCEPT" => Action::Accept,
        "DROP" | "REJECT" => Action::Drop,
        "RETURN" => Action::Return,
        "QUEUE" | "NFQUEUE" => Action::Ask,
        // Targets of modules are in capitals by custom; a chain of this name is walked all the same,
        // and one that is not there has no rules.
        name => Action::Jump(name.to_owned()),
    }
}

/// Words between blanks; quotes hold some together, a backslash keeps the next character.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (vec![], String::new(), false, false);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            '\\' => word.extend(chars.next()),
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            c => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}
