//! `nft -j list ruleset` as libnftables-json(5) describes it.
use super::{
    Action, Advert, Chains, Direction, End, Match, Rule, Verdict, network, together, walk,
};
use crate::base::{Family, Prefix};
use serde_json::Value;
use std::collections::BTreeMap;

/// A chain that the kernel itself enters.
struct Base<'v> {
    table: (&'v str, &'v str),
    name: &'v str,
    drops: bool,
}

/// What the rules, printed by `nft -j list ruleset`, do with an advert. What is no such text says
/// nothing.
#[must_use]
pub fn nft(json: &str, advert: &Advert<'_>) -> Verdict {
    let Ok(document) = serde_json::from_str::<Value>(json) else { return Verdict::Unsure };
    let mut tables: BTreeMap<(&str, &str), Chains> = BTreeMap::new();
    let mut bases = vec![];
    for object in document.get("nftables").and_then(Value::as_array).into_iter().flatten() {
        if let Some(chain) = object.get("chain") {
            bases.extend(base(chain, advert));
        } else if let Some(rule) = object.get("rule") {
            let (table, chain) = (table(rule), text(rule, "chain"));
            let rules = tables.entry(table).or_default().entry(chain.to_owned()).or_default();
            rules.extend(rules_of(rule, advert));
        }
    }
    let none = Chains::new();
    together(bases.into_iter().map(|base| {
        let mut unsure = false;
        let chains = tables.get(&base.table).unwrap_or(&none);
        let (family, table) = base.table;
        let by = match walk(chains, base.name, 0, &mut unsure) {
            End::Drop(rule) => Some(rule),
            End::Fell if base.drops => Some(format!("{family} {table} {} policy drop", base.name)),
            End::Fell | End::Accept => None,
        };
        match by {
            Some(by) if !unsure => Verdict::Drop { by, command: command(&base, advert) },
            Some(_) => Verdict::Unsure,
            None if unsure => Verdict::Unsure,
            None => Verdict::Pass,
        }
    }))
}

fn command(base: &Base<'_>, advert: &Advert<'_>) -> String {
    let (family, table) = base.table;
    if table == "firewalld" {
        // Its rules are written anew at each of its reloads.
        return "firewall-cmd --permanent --add-protocol=vrrp && firewall-cmd --reload".to_owned();
    }
    let protocol = match (family, advert.family) {
        ("netdev", Family::V4) => "ip protocol",
        ("netdev", Family::V6) => "ip6 nexthdr",
        (_, Family::V4 | Family::V6) => "meta l4proto",
    };
    let (name, number) = (base.name, advert.protocol);
    format!("nft insert rule {family} {table} {name} {protocol} {number} accept")
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn table(object: &Value) -> (&str, &str) {
    (text(object, "family"), text(object, "table"))
}

/// A chain that the advert comes through.
fn base<'v>(chain: &'v Value, advert: &Advert<'_>) -> Option<Base<'v>> {
    let (family, hook) = (text(chain, "family"), text(chain, "hook"));
    let concerned = match family {
        "ip" => advert.family == Family::V4,
        "ip6" => advert.family == Family::V6,
        "inet" => true,
        "netdev" => chain.get("dev").is_some_and(|dev| match dev {
            Value::Array(all) => all.iter().any(|one| one.as_str() == Some(advert.interface)),
            one => one.as_str() == Some(advert.interface),
        }),
        _ => false,
    };
    let passed = match advert.direction {
        Direction::In => ["ingress", "prerouting", "input"].contains(&hook),
        Direction::Out => ["output", "postrouting", "egress"].contains(&hook),
    };
    let drops = text(chain, "policy") == "drop";
    (concerned && passed).then(|| Base { table: table(chain), name: text(chain, "name"), drops })
}

/// A rule with a verdict map is one for each of its entries.
fn rules_of(rule: &Value, advert: &Advert<'_>) -> Vec<Rule> {
    let (family, table) = table(rule);
    let handle = rule.get("handle").map(Value::to_string).unwrap_or_default();
    let place = format!("{family} {table} {} handle {handle}", text(rule, "chain"));
    let mut matches = Match::Yes;
    let mut rules = vec![];
    let mut add = |matches, action| {
        rules.push(Rule { matches, action, text: place.clone() });
    };
    for part in rule.get("expr").and_then(Value::as_array).into_iter().flatten() {
        let Some((kind, what)) = part.as_object().and_then(|part| part.iter().next()) else {
            continue;
        };
        match kind.as_str() {
            "match" => matches = matches.and(matched(what, advert)),
            "counter" | "log" | "mangle" | "notrack" | "ct helper" | "set" | "map" => {}
            "vmap" => {
                let entries = what.get("data").and_then(|data| data.get("set"));
                match entries.and_then(Value::as_array) {
                    Some(entries) => {
                        for entry in entries.iter().filter_map(Value::as_array) {
                            let [key, verdict] = entry.as_slice() else { continue };
                            let left = what.get("key").unwrap_or(&Value::Null);
                            let hit = matches.and(compare(left, key, advert));
                            if let Some(action) = action(verdict) {
                                add(hit, action);
                            }
                        }
                    }
                    // A named map.
                    None => add(matches.and(Match::Maybe), Action::Ask),
                }
            }
            // Extensions of iptables: iptables-save shows them.
            "xt" | "limit" | "queue" => {
                matches = matches.and(Match::Maybe);
                if kind == "queue" {
                    add(matches, Action::Ask);
                }
            }
            _ => match action(part) {
                Some(action) => add(matches, action),
                None => matches = matches.and(Match::Maybe),
            },
        }
    }
    rules
}

fn action(verdict: &Value) -> Option<Action> {
    let (kind, what) = verdict.as_object()?.iter().next()?;
    let target = || text(what, "target").to_owned();
    Some(match kind.as_str() {
        "accept" => Action::Accept,
        "drop" | "reject" => Action::Drop,
        "return" => Action::Return,
        "continue" => Action::Continue,
        "jump" => Action::Jump(target()),
        "goto" => Action::Goto(target()),
        _ => return None,
    })
}

fn matched(what: &Value, advert: &Advert<'_>) -> Match {
    let (left, right) = (what.get("left"), what.get("right"));
    let (Some(left), Some(right)) = (left, right) else { return Match::Maybe };
    match text(what, "op") {
        "==" | "in" => compare(left, right, advert),
        "!=" => compare(left, right, advert).not(),
        _ => Match::Maybe,
    }
}

/// Whether what `left` stands for is `right`, or among it.
fn compare(left: &Value, right: &Value, advert: &Advert<'_>) -> Match {
    if let Some(all) = right.as_array().or_else(|| right.get("set").and_then(Value::as_array)) {
        return all.iter().map(|one| compare(left, one, advert)).fold(Match::No, Match::or);
    }
    let word = match right {
        Value::String(word) => word.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    if word.starts_with('@') {
        return Match::Maybe;
    }
    if let Some(meta) = left.get("meta") {
        return match (text(meta, "key"), advert.direction) {
            (_, _) if word.is_empty() => Match::Maybe,
            ("l4proto", _) => advert.is_protocol(&word),
            ("iif" | "iifname", Direction::In) | ("oif" | "oifname", Direction::Out) => {
                advert.is_interface(&word, '*')
            }
            ("iif" | "iifname", Direction::Out) | ("oif" | "oifname", Direction::In) => Match::No,
            ("pkttype", _) => advert.is_type(&word),
            ("nfproto", _) => Match::of((word == "ipv4") == (advert.family == Family::V4)),
            ("protocol", _) => Match::of((word == "ip") == (advert.family == Family::V4)),
            (_, Direction::In | Direction::Out) => Match::Maybe,
        };
    }
    if let Some(payload) = left.get("payload") {
        let family = match advert.family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        };
        return match (text(payload, "protocol"), text(payload, "field")) {
            (protocol @ ("ip" | "ip6"), _) if protocol != family => Match::No,
            ("ip", "protocol") | ("ip6", "nexthdr") if !word.is_empty() => {
                advert.is_protocol(&word)
            }
            ("ip" | "ip6", "saddr") => advert.is_from(prefix(right)),
            ("ip" | "ip6", "daddr") => advert.is_to(prefix(right)),
            ("tcp" | "udp" | "udplite" | "icmp" | "icmpv6" | "sctp" | "dccp" | "arp", _) => {
                Match::No
            }
            _ => Match::Maybe,
        };
    }
    if left.get("ct").is_some_and(|ct| text(ct, "key") == "state") && !word.is_empty() {
        return Advert::has_state(&word);
    }
    let fib = left.get("fib").filter(|fib| text(fib, "result") == "type" && !word.is_empty());
    fib.map_or(Match::Maybe, |_| advert.is_type(&word))
}

fn prefix(value: &Value) -> Option<Prefix> {
    if let Some(address) = value.as_str() {
        return network(address);
    }
    let prefix = value.get("prefix")?;
    let length = prefix.get("len")?.as_u64()?;
    network(&format!("{}/{length}", text(prefix, "addr")))
}
