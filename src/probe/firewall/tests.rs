//! Rules as people write them, and what becomes of an advert.
use super::*;

fn advert(direction: Direction) -> Advert<'static> {
    Advert {
        family: Family::V4,
        direction,
        interface: "eth0",
        protocol: 112,
        from: None,
        to: "224.0.0.18".parse().unwrap(),
    }
}

/// `pass`, `unsure`, or by what it is dropped.
fn shown(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Unsure => "unsure",
        Verdict::Drop { by, .. } => by,
    }
}

fn saved(policy: &str, rules: &[&str]) -> String {
    let rules: String = rules.iter().map(|rule| format!("{rule}\n")).collect();
    format!("*filter\n:INPUT {policy} [0:0]\n:OUTPUT ACCEPT [1:2]\n:own - [0:0]\n{rules}COMMIT\n")
}

#[test]
fn iptables_rules_are_walked() {
    for (policy, rules, expected) in [
        ("ACCEPT", &[][..], "pass"),
        ("DROP", &[], "-P INPUT DROP"),
        ("DROP", &["-A INPUT -p vrrp -j ACCEPT"], "pass"),
        ("ACCEPT", &["-A INPUT -p 112 -j DROP"], "-A INPUT -p 112 -j DROP"),
        ("ACCEPT", &["-A INPUT ! -p 112 -j DROP"], "pass"),
        ("ACCEPT", &["-A INPUT -i eth1 -p vrrp -j DROP"], "pass"),
        (
            "ACCEPT",
            &["-A INPUT -i eth+ -j REJECT --reject-with icmp-host-prohibited"],
            "-A INPUT -i eth+ -j REJECT --reject-with icmp-host-prohibited",
        ),
        ("DROP", &["-A INPUT -d 224.0.0.0/8 -j ACCEPT"], "pass"),
        ("DROP", &["-A INPUT -d 224.0.0.18/32 -p tcp -j ACCEPT"], "-P INPUT DROP"),
        ("DROP", &["-A INPUT -s 192.0.2.0/24 -j ACCEPT"], "unsure"),
        (
            "DROP",
            &["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"],
            "-P INPUT DROP",
        ),
        ("DROP", &["-A INPUT -m pkttype --pkt-type multicast -j ACCEPT"], "pass"),
        ("DROP", &["-A INPUT -m recent --rcheck -j ACCEPT"], "unsure"),
        ("ACCEPT", &["-A INPUT -m recent --rcheck -j DROP"], "pass"),
        (
            "ACCEPT",
            &["-A INPUT -m comment --comment \"no -j ACCEPT\" -j DROP"],
            "-A INPUT -m comment --comment \"no -j ACCEPT\" -j DROP",
        ),
        ("ACCEPT", &["-A own -p 112 -j DROP", "-A INPUT -j own"], "-A own -p 112 -j DROP"),
        ("ACCEPT", &["-A own -p tcp -j DROP", "-A INPUT -j own"], "pass"),
        (
            "DROP",
            &["-A own -p 112 -j RETURN", "-A own -j ACCEPT", "-A INPUT -j own"],
            "-P INPUT DROP",
        ),
        ("ACCEPT", &["-A INPUT -j LOG --log-prefix \"x -j DROP\"", "-A INPUT -j NFLOG"], "pass"),
        ("DROP", &["-A own -j own", "-A INPUT -j own"], "unsure"),
        ("ACCEPT", &["-A OUTPUT -p 112 -j DROP"], "pass"),
    ] {
        let verdict = iptables("iptables", &saved(policy, rules), &advert(Direction::In));
        assert_eq!(shown(&verdict), expected, "{policy} {rules:?}");
    }
    let verdict = iptables(
        "iptables",
        &saved("DROP", &["-A OUTPUT -p 112 -j DROP"]),
        &advert(Direction::Out),
    );
    assert_eq!(
        verdict,
        Verdict::Drop {
            by: "-A OUTPUT -p 112 -j DROP".to_owned(),
            command: "iptables -I OUTPUT -o eth0 -p 112 -j ACCEPT".to_owned(),
        }
    );
}

/// As nft 1.0.6 prints them.
fn ruleset(policy: &str, rules: &[&str]) -> String {
    let rule = |(at, expr): (usize, &&str)| {
        format!(
            r#", {{"rule": {{"family": "inet", "table": "filter", "chain": "input", "handle": {at}, "expr": [{expr}]}}}}"#
        )
    };
    let rules: String = rules.iter().enumerate().map(rule).collect();
    format!(
        r#"{{"nftables": [{{"metainfo": {{"version": "1.0.6"}}}}, {{"chain": {{"family": "inet",
        "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input",
        "prio": 0, "policy": "{policy}"}}}}{rules}]}}"#
    )
}

#[test]
fn nft_rules_are_walked() {
    const STATES: &str = r#"{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", {"drop": null}], ["established", {"accept": null}], ["related", {"accept": null}]]}}}"#;
    const VRRP: &str = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}}, "right": "vrrp"}}, {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "224.0.0.18"}}, "#;
    const PORTS: &str = r#"{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["tcp", "udp"]}}}, {"match": {"op": "==", "left": {"payload": {"protocol": "th", "field": "dport"}}, "right": 22}}, {"accept": null}"#;
    const REJECT: &str = r#"{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}"#;
    let vrrp = |verdict: &str| format!("{VRRP}{verdict}");
    let (drop, accept) = (
        vrrp(r#"{"drop": null}"#),
        vrrp(r#"{"counter": {"packets": 0, "bytes": 0}}, {"accept": null}"#),
    );
    let eth = r#"{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth*"}}, {"match": {"op": "==", "left": {"meta": {"key": "pkttype"}}, "right": "multicast"}}, {"accept": null}"#;
    let named = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@routers"}}, {"accept": null}"#;
    let net = r#"{"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": {"prefix": {"addr": "224.0.0.0", "len": 4}}}}, {"drop": null}"#;
    for (policy, rules, expected) in [
        ("accept", &[][..], "pass"),
        ("drop", &[STATES], "inet filter input policy drop"),
        ("drop", &[STATES, accept.as_str()], "pass"),
        ("accept", &[STATES, drop.as_str()], "inet filter input handle 1"),
        ("accept", &[STATES, PORTS, REJECT], "inet filter input handle 2"),
        ("drop", &[eth], "pass"),
        ("drop", &[named], "unsure"),
        ("accept", &[net], "pass"),
        ("accept", &[r#"{"xt": {"type": "match", "name": "comment"}}, {"drop": null}"#], "pass"),
        (
            "drop",
            &[r#"{"xt": {"type": "target", "name": "ACCEPT"}}"#],
            "inet filter input policy drop",
        ),
    ] {
        let verdict = nft(&ruleset(policy, rules), &advert(Direction::In));
        assert_eq!(shown(&verdict), expected, "{policy} {rules:?}");
    }
    let verdict = nft(&ruleset("drop", &[]), &advert(Direction::In));
    let Verdict::Drop { command, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(command, "nft insert rule inet filter input meta l4proto 112 accept");
    assert_eq!(nft(&ruleset("drop", &[]), &advert(Direction::Out)), Verdict::Pass);
    assert_eq!(nft("", &advert(Direction::In)), Verdict::Unsure);
}
