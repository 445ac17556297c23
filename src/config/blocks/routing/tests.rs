//! Lines as people write them, and what the kernel is to be told.
use super::*;
use crate::{
    base::{Encapsulation, RouteMode, RuleAction, TunnelHeader},
    config::{
        blocks::testing::{codes, instance, only, read},
        parse,
        source::Sources,
    },
};

fn text(line: &str) -> String {
    instance(&format!("virtual_routes {{\n{line}\n}}"))
}

fn route(line: &str) -> Route {
    only(&text(line)).routes.first().cloned().unwrap_or_else(|| panic!("no route: {line}"))
}

fn rules_text(line: &str) -> String {
    instance(&format!("virtual_rules {{\n{line}\n}}"))
}

fn rule(line: &str) -> Rule {
    let found = only(&rules_text(line));
    found.rules.first().cloned().unwrap_or_else(|| panic!("no rule: {line}"))
}

#[test]
fn the_forms_of_the_packaged_sample() {
    let found = route("src 192.168.100.1 to 192.168.109.0/24 via 192.168.200.254 dev eth1");
    assert_eq!(found.destination.to_string(), "192.168.109.0/24");
    assert_eq!(found.source.unwrap().to_string(), "192.168.100.1");
    assert_eq!(found.via.unwrap().to_string(), "192.168.200.254");
    assert_eq!(found.dev.as_deref(), Some("eth1"));
    assert_eq!((found.table, found.protocol, found.kind), (254, 18, 1));
    assert_eq!(route("192.168.111.0/24 dev eth2").via, None);
    assert_eq!(route("blackhole 192.168.114.0/24").kind, 6);
    assert_eq!(route("192.168.113.0/24 via 10.0.0.1 or 10.0.0.2").nexthops.len(), 2);
    assert_eq!(route("0.0.0.0/0 via 10.0.0.1"), route("default via 10.0.0.1"));
}

#[test]
fn every_option_of_a_route() {
    let found = route(
        "10.1.0.0/16 via 10.0.0.1 dev eth0 table 100 scope link metric 7 tos 0x10 \
         protocol static onlink mtu lock 1400 advmss 1300 rtt 500ms quickack 1 append no_track \
         features ecn realms 3/4 vrf red ttl-propagate disabled congctl lock cubic",
    );
    assert_eq!((found.table, found.scope, found.metric), (100, Some(253), Some(7)));
    assert_eq!((found.tos, found.protocol, found.onlink), (16, 4, true));
    assert_eq!(found.metrics[&2], (1400, true));
    assert_eq!(found.metrics[&8], (1300, false));
    assert_eq!(found.metrics[&4], (4000, false));
    assert_eq!(found.metrics[&12], (1, false));
    assert_eq!((found.mode, found.track), (RouteMode::Append, false));
    assert_eq!(found.realms, Some(Realms { from: 3, to: 4 }));
    assert_eq!(found.vrf.as_deref(), Some("red"));
    assert_eq!(found.ttl_propagate, Some(false));
    assert_eq!(found.congestion, Some(("cubic".to_owned(), true)));
    let found = route("2001:db8::/32 dev eth0 pref high expires 60 proto bgp");
    assert_eq!((found.preference, found.expires), (Some(1), Some(60)));
}

#[test]
fn next_hops_have_options_of_their_own() {
    let found = route(
        "default metric 9 nexthop via 10.0.0.1 dev eth0 weight 2 realms 5 \
         nexthop via 10.0.0.2 onlink encap mpls 100/200",
    );
    assert_eq!((found.nexthops[0].weight, found.nexthops[1].onlink), (2, true));
    assert_eq!(found.nexthops[0].realms, Some(Realms { from: 0, to: 5 }));
    let labels = Encapsulation::Mpls { labels: vec![100, 200], ttl: None };
    assert_eq!(found.nexthops[1].encapsulation, Some(labels));
    assert_eq!(codes(&text("default nexthop via 10.0.0.1 metric 9")), [345]);
}

#[test]
fn times_are_in_the_units_of_the_kernel() {
    let metric =
        |line: &str, number: u16| route(&format!("10.1.0.0/16 dev eth0 {line}")).metrics[&number].0;
    assert_eq!(metric("rtt 2000", 4), 2000);
    assert_eq!(metric("rtt 300ms", 4), 2400);
    assert_eq!(metric("rttvar 0.5s", 5), 2000);
    assert_eq!(metric("rttvar 3s", 5), 12000);
    assert_eq!(metric("rto_min 1.25s", 13), 1250);
    assert_eq!(metric("rtt 5ms", 4), 1600, "keepalived's least: 200 ms");
    assert_eq!(codes(&text("10.1.0.0/16 dev eth0 rto_min 7ms")), [344]);
}

#[test]
fn default_takes_the_family_of_the_gateway() {
    assert_eq!(route("default via 2001:db8::1").destination.to_string(), "::/0");
    assert_eq!(route("default via 2001:db8::1").family, Family::V6);
    assert_eq!(route("default6 via fe80::1 dev eth0").destination.to_string(), "::/0");
    assert_eq!(route("inet6 default dev eth0").family, Family::V6);
    let mixed = route("10.1.0.0/16 via inet6 fe80::1 dev eth0");
    assert_eq!(mixed.family, Family::V4);
}

#[test]
fn encapsulations() {
    let encap = |words: &str| route(&format!("10.1.0.0/16 dev eth0 encap {words}")).encapsulation;
    let header = TunnelHeader {
        id: Some(5),
        destination: Some("10.0.0.3".parse().unwrap()),
        ttl: Some(9),
        checksum: true,
        ..TunnelHeader::default()
    };
    assert_eq!(encap("ip id 5 dst 10.0.0.3 ttl 9 csum"), Some(Encapsulation::Ip(header)));
    let labels = Encapsulation::Mpls { labels: vec![16, 17], ttl: Some(4) };
    assert_eq!(encap("mpls 16/17 ttl 4 table 9"), Some(labels));
    assert_eq!(encap("ila 1:2:3:4"), Some(Encapsulation::Ila(0x0001_0002_0003_0004)));
    let segments = vec!["2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap()];
    let seg6 = Encapsulation::Seg6 { inline: false, segments, hmac: Some(7) };
    assert_eq!(encap("seg6 mode encap segs 2001:db8::1,2001:db8::2 hmac 7"), Some(seg6));
    let line = |words: &str| text(&format!("10.1.0.0/16 dev eth0 encap {words}"));
    assert_eq!(codes(&line("bpf in obj a.o")), [346]);
    assert_eq!(codes(&line("ip6 dst 10.0.0.3")), [334]);
    assert_eq!(codes(&line("mpls 1048576")), [334]);
    assert!(only(&line("mpls 1048576")).routes.is_empty());
}

#[test]
fn a_route_that_would_be_another_is_left_out() {
    for (line, code) in [
        ("10.1.0.0/16 via 10.0.0.1 nosuch 4", 331),
        ("10.1.0.0/16 via 10.0.0.1 table nosuch", 334),
        ("10.1.0.0/16", 335),
        ("via 10.0.0.1", 330),
        ("10.1.0.0/16 via 10.0.0.1 src 2001:db8::1", 336),
        ("10.1.0.0/16 dev eth0 expires 9", 339),
        ("10.1.0.0/16 dev", 333),
    ] {
        assert_eq!(codes(&text(line)), [code], "{line}");
        assert!(only(&text(line)).routes.is_empty(), "{line}");
    }
}

#[test]
fn host_bits_go() {
    let line = "10.1.2.3/16 dev eth0";
    assert_eq!(route(line).destination.to_string(), "10.1.0.0/16");
    assert_eq!(codes(&text(line)), [341]);
}

#[test]
fn what_is_looked_after_has_an_interface_and_our_mark() {
    let line = "10.1.0.0/16 via 10.0.0.1";
    assert!(!route(line).track);
    assert_eq!(codes(&text(line)), [342]);
    let line = "10.1.0.0/16 dev eth0 protocol static";
    assert_eq!((route(line).track, route(line).protocol), (true, 18));
    assert_eq!(codes(&text(line)), [343]);
    assert_eq!(route("10.1.0.0/16 dev eth0 protocol static no_track").protocol, 4);
    let rules =
        |line: &str| rule(&format!("from 10.1.0.0/16 table 5 preference 9 {line}")).protocol;
    assert_eq!(rules(""), 18);
    assert_eq!(rules("protocol 12"), 18);
    assert_eq!(rules("protocol 12 no_track"), 12);
    assert_eq!(rules("no_track"), 0, "as keepalived has it");
}

#[test]
fn every_option_of_a_rule() {
    let found = rule(
        "not from 10.3.0.0/16 to 10.4.0.0/16 iif eth0 oif eth1 fwmark 0x10/0xff tos AF11 \
         ipproto udp sport 5-9 dport 80 uidrange 1000-2000 tunnel-id 7 preference 39 \
         realms 30/20 suppress_prefixlength 8 suppress_ifgroup default table main",
    );
    let mut wanted = Rule::new(Family::V4, 39, RuleAction::Table(254));
    wanted.invert = true;
    wanted.from = prefix("10.3.0.0/16");
    wanted.to = prefix("10.4.0.0/16");
    wanted.iif = Some("eth0".into());
    wanted.oif = Some("eth1".into());
    wanted.mark = Some((16, 255));
    wanted.tos = 0x28;
    wanted.ip_protocol = Some(17);
    wanted.source_ports = Some((5, 9));
    wanted.destination_ports = Some((80, 80));
    wanted.users = Some((1000, 2000));
    wanted.tunnel = Some(7);
    wanted.realms = Some(Realms { from: 30, to: 20 });
    wanted.suppress_prefix_length = Some(8);
    wanted.suppress_group = Some(0);
    assert_eq!(found, wanted);
}

#[test]
fn actions_and_families_of_rules() {
    let of = |line: &str| (rule(line).family, rule(line).action);
    assert_eq!(of("from all lookup 9 order 1"), (Family::V4, RuleAction::Table(9)));
    assert_eq!(of("from 10.0.0.0/8 goto 40 priority 20"), (Family::V4, RuleAction::Goto(40)));
    assert_eq!(of("to 2001:db8::/32 prohibit pref 3"), (Family::V6, RuleAction::Prohibit));
    assert_eq!(of("inet6 fwmark 3 table 77 pref 3"), (Family::V6, RuleAction::Table(77)));
    assert_eq!(of("from 10.0.0.0/8 l3mdev pref 3"), (Family::V4, RuleAction::L3mdev));
    let everything = rule("from ::/0 to 2001:db8::/32 unreachable pref 3");
    assert_eq!((everything.family, everything.from), (Family::V6, None));
    for (line, code) in [
        ("from 10.0.0.0/8 preference 5", 353),
        ("from 10.0.0.0/8 table 5 goto 9 preference 5", 354),
        ("from 10.0.0.0/8 to 2001:db8::/32 table 5 preference 5", 355),
        ("from 10.0.0.0/8 goto 5 preference 5", 357),
        ("to 2001:db8::/32 realms 5 table 5 preference 5", 358),
        ("from 10.0.0.0/8 table 5 preference 5 nosuch", 350),
        ("from 10.0.0.0/8 table", 351),
        ("from 10.0.0.0/8 table nosuch", 352),
        ("from 10.0.0.0/8 sport 9-5 table 5", 352),
    ] {
        assert_eq!(codes(&rules_text(line)), [code], "{line}");
        assert!(only(&rules_text(line)).rules.is_empty(), "{line}");
    }
}

#[test]
fn preferences_count_down_over_the_file_and_for_each_family() {
    let statics = "static_rules {\nfrom 10.0.0.0/8 table 1\nto 2001:db8::/32 table 2\n\
                   from 10.0.0.0/8 table 3 preference 7\nto 10.0.0.0/8 table 4\n}\n";
    let text = format!("{statics}{}", rules_text("fwmark 1 table 5\nto 2001:db8:1::/48 table 6"));
    let (config, found) = read(&text);
    let preferences = |rules: &[Rule]| rules.iter().map(|r| r.preference).collect::<Vec<_>>();
    assert_eq!(preferences(&config.vrrp.static_rules), [16384, 16384, 7, 16383]);
    assert_eq!(preferences(&config.vrrp.instances[0].rules), [16382, 16383]);
    assert_eq!(found.iter().filter(|found| found.rule.code == 356).count(), 5);
}

#[test]
fn names_come_from_the_files_of_the_machine() {
    let mut sources = Sources::from_text("test.conf", rules_text("fwmark 1 table uplink pref 1"));
    sources.names.add(Kind::Table, "100 uplink");
    let (config, found) = parse(&sources);
    assert_eq!(config.vrrp.instances[0].rules[0].action, RuleAction::Table(100));
    assert!(found.is_empty());
}

#[test]
fn instances_of_a_track_group_need_the_interfaces_of_its_lines() {
    let file = format!(
        "track_group G {{\ngroup {{\nVI_1\n}}\n}}\n\
         static_ipaddress {{\n10.0.0.61/24 dev eth1 track_group G\n10.0.0.62/24 dev eth7\n}}\n\
         static_routes {{\n192.168.11.0/24 dev eth2 track_group G\n}}\n\
         static_rules {{\nfrom 10.3.0.0/16 iif eth3 table 5 pref 5 track_group G\n}}\n{}",
        instance("")
    );
    assert_eq!(only(&file).static_interfaces, ["eth1", "eth2", "eth3"]);
    assert_eq!(codes(&file.replace("eth1 track_group G", "eth1 track_group H")), [361]);
    assert_eq!(codes(&file.replace("eth1 track_group G", "eth1 track_group other")), [360]);
    assert_eq!(codes(&file.replace("VI_1\n}\n}\nstatic", "another\n}\n}\nstatic")), [362]);
    assert_eq!(codes(&file.replace("VI_1\n}\n}\nstatic", "VI_9\n}\n}\nstatic")), [363]);
    assert_eq!(codes(&file.replace("iif eth3 ", "")), [364]);
    assert_eq!(codes(&text("192.168.11.0/24 dev eth2 track_group G")), [365]);
}
