//! Services as written and as settled.
use crate::{
    base::{Forward, Protocol, Scheduler, Tunnel, TunnelKind, lvs::service_flags},
    config::{
        blocks::testing::{codes, read},
        model::{
            Checker, CheckerKind, GroupEntry, HttpProtocol, PersistenceMask, ServiceAddress,
            VirtualServer,
        },
        rules::{Rule, checkers as checker_rules, language, lvs as rules},
    },
};
use std::{mem::size_of, time::Duration};

/// A service with two servers, and what `service` and `server` say more.
fn text(service: &str, server: &str) -> String {
    format!(
        "virtual_server 192.0.2.80 80 {{\nlb_algo rr\nlb_kind DR\nprotocol TCP\n{service}\n\
         real_server 192.0.2.11 80 {{\n{server}\n}}\nreal_server 192.0.2.12 80 {{\nTCP_CHECK {{\n}}\n}}\n}}\n"
    )
}

fn services(text: &str) -> Vec<VirtualServer> {
    read(text).0.director.virtual_servers.clone()
}

fn only(text: &str) -> VirtualServer {
    let mut services = services(text);
    assert_eq!(services.len(), 1, "services of {text}");
    services.remove(0)
}

fn checkers(server: &str) -> Vec<Checker> {
    only(&text("", server)).real_servers[0].checkers.to_vec()
}

/// `wrong` gives the rule, once; `right` does not.
fn fires(rule: &'static Rule, wrong: &str, right: &str) {
    let count = |text: &str| codes(text).iter().filter(|code| **code == rule.code).count();
    assert_eq!(count(wrong), 1, "LD{:04} on\n{wrong}\n{:?}", rule.code, codes(wrong));
    assert_eq!(count(right), 0, "LD{:04} on\n{right}", rule.code);
}

#[test]
fn a_plain_service_has_keepaliveds_defaults() {
    let service = only(&text("", "TCP_CHECK {\n}"));
    assert_eq!(service.name(), "[192.0.2.80]:tcp:80");
    assert_eq!(service.scheduler, Scheduler::RoundRobin);
    assert_eq!((service.quorum, service.hysteresis, service.flags), (1, 0, 0));
    assert!(service.persistence.is_none() && service.sorry.is_none() && !service.smtp_alert);
    let server = &service.real_servers[0];
    assert_eq!(service.server_name(server.ip, server.port), "[192.0.2.11]:tcp:80");
    assert_eq!((server.weight, server.forward), (1, Forward::DirectRoute));
    assert!(!server.inhibit_on_failure && server.smtp_alert);
    let timing = server.checkers[0].timing;
    let seconds = Duration::from_secs;
    assert_eq!((timing.delay_loop, timing.warmup), (seconds(60), seconds(60)));
    assert_eq!((timing.retry, timing.delay_before_retry), (1, seconds(1)));
}

#[test]
fn what_is_nearest_to_the_checker_counts() {
    let service = "delay_loop 6\nretry 2\ndelay_before_retry 4\nconnect_timeout 7\nwarmup 0\nalpha\nweight 5\ninhibit_on_failure";
    let server = "retry 3\nTCP_CHECK {\n}\nTCP_CHECK {\nretry 0\nconnect_timeout 1\nalpha off\n}\nMISC_CHECK {\nmisc_path /bin/true\n}";
    let service = only(&text(service, server));
    let server = &service.real_servers[0];
    assert_eq!((server.weight, server.inhibit_on_failure), (5, true));
    let seen: Vec<_> = server
        .checkers
        .iter()
        .map(|c| (c.timing.retry, c.timing.delay_before_retry.as_secs(), c.timing.alpha))
        .collect();
    assert_eq!(seen, [(3, 4, true), (0, 4, false), (3, 4, true)]);
    let timeouts: Vec<_> = server
        .checkers
        .iter()
        .map(|c| match &c.kind {
            CheckerKind::Tcp(link) => link.timeout.as_secs(),
            CheckerKind::Misc(misc) => misc.timeout.as_secs(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(timeouts, [7, 1, 6], "a script's own default is delay_loop");
    assert_eq!(service.real_servers[1].checkers[0].timing.retry, 2);
}

#[test]
fn every_kind_has_its_own_defaults() {
    let kinds = checkers(
        "HTTP_GET {\nurl {\npath /\n}\n}\nSMTP_CHECK {\n}\nDNS_CHECK {\n}\nPING_CHECK {\n}\n\
         UDP_CHECK {\n}\nMISC_CHECK {\nmisc_path /bin/true\n}",
    );
    let seen: Vec<_> = kinds
        .iter()
        .map(|c| (c.kind.keyword(), c.timing.retry, c.timing.delay_before_retry.as_secs()))
        .collect();
    assert_eq!(
        seen,
        [
            ("HTTP_GET", 1, 3),
            ("SMTP_CHECK", 1, 1),
            ("DNS_CHECK", 3, 60),
            ("PING_CHECK", 1, 1),
            ("UDP_CHECK", 1, 1),
            ("MISC_CHECK", 0, 1),
        ]
    );
}

#[test]
fn http_takes_names_from_near_to_far() {
    let http = |server: &str| {
        let service = only(&text("virtualhost vs.example.org", server));
        match &service.real_servers[0].checkers[0].kind {
            CheckerKind::Http(http) => (**http).clone(),
            other => panic!("{other:?}"),
        }
    };
    let plain = http(
        "HTTP_GET {\nurl {\npath /a\nstatus_code 200 301-302\ndigest 0123456789abcdef0123456789ABCDEF\n}\n}",
    );
    assert_eq!(plain.urls[0].virtualhost.as_deref(), Some("vs.example.org"));
    assert_eq!(&*plain.urls[0].status_codes, [(200, 200), (301, 302)]);
    assert_eq!(plain.urls[0].digest.unwrap()[..3], [1, 0x23, 0x45]);
    assert_eq!((plain.tls, plain.protocol), (false, HttpProtocol::V1_0));
    let tls = http(
        "virtualhost rs.example.org\nSSL_GET {\nenable_sni\nhttp_protocol 1.1\nurl {\npath /\nregex \"a\\\\d+\"\n}\n}",
    );
    assert!(tls.tls);
    assert_eq!(tls.urls[0].virtualhost.as_deref(), Some("rs.example.org"));
    assert_eq!(tls.urls[0].sni.as_deref(), Some("vs.example.org"), "not the server's");
    assert_eq!(tls.urls[0].regex.as_ref().unwrap().pattern, "a\\d+");
    assert_eq!(&*tls.urls[0].status_codes, [(200, 299)]);
}

#[test]
fn old_smtp_hosts_are_checkers_of_their_own() {
    let hosts = "SMTP_CHECK {\nhelo_name me\nhost {\nconnect_ip 192.0.2.21\n}\nhost {\nconnect_port 2525\n}\n}";
    let seen: Vec<_> = checkers(hosts)
        .iter()
        .map(|c| match &c.kind {
            CheckerKind::Smtp(smtp) => (smtp.connection.to.to_string(), smtp.helo.to_string()),
            other => panic!("{other:?}"),
        })
        .collect();
    let me = || "me".to_owned();
    assert_eq!(seen, [("192.0.2.21:80".into(), me()), ("192.0.2.11:2525".into(), me())]);
}

#[test]
fn groups_marks_and_methods() {
    let found = only(
        "virtual_server_group G {\n192.0.2.80 80\n192.0.2.81-83 443\n198.51.100.0/30 80\nfwmark 7\n}\n\
         virtual_server group G {\nlb_algo sh\nsh-port\nsh-fallback\nlb_kind TUN type gue port 6080 csum\nprotocol UDP\nops\n\
         real_server 192.0.2.11 80 {\n}\n}\n",
    );
    let ServiceAddress::Group { protocol: Protocol::Udp, entries, .. } = &found.at else {
        panic!("{:?}", found.at)
    };
    assert_eq!(entries.len(), 4);
    let last = |n: usize| match &entries[n] {
        GroupEntry::Range { last, port, .. } => format!("{last} {port}"),
        GroupEntry::Mark { mark, .. } => format!("mark {mark}"),
    };
    assert_eq!(
        [0, 1, 2, 3].map(last),
        ["192.0.2.80 80", "192.0.2.83 443", "198.51.100.3 80", "mark 7"]
    );
    let flags = service_flags::SCHED1 | service_flags::SCHED2 | service_flags::ONE_PACKET;
    assert_eq!(found.flags, flags);
    let forward = found.real_servers[0].forward;
    assert!(
        matches!(forward, Forward::Tunnel(Tunnel { kind: TunnelKind::Gue { port: 6080 }, .. })),
        "{forward:?}"
    );
    let mark = only(
        "virtual_server fwmark 9 {\nlb_algo wrr\nlb_kind DR\npersistence_timeout 50\n\
         persistence_granularity 255.255.255.0\nreal_server 192.0.2.11 80 {\n}\n}\n",
    );
    assert_eq!((mark.name().as_str(), mark.real_servers[0].port), ("FWM 9", 0));
    let persistence = mark.persistence.unwrap();
    assert_eq!(persistence.timeout, 50);
    assert_eq!(persistence.mask, PersistenceMask::V4("255.255.255.0".parse().unwrap()));
}

#[test]
fn the_order_within_a_block_does_not_matter() {
    let one = only(&text(
        "sorry_server_inhibit\nsorry_server_lvs_method NAT\nsorry_server 192.0.2.9 81",
        "",
    ));
    let two = only(&text(
        "sorry_server 192.0.2.9 81\nsorry_server_lvs_method NAT\nsorry_server_inhibit",
        "",
    ));
    assert_eq!(one.sorry, two.sorry);
    assert!(one.sorry.is_some_and(|sorry| sorry.inhibit && sorry.port == 81));
}

#[test]
fn two_blocks_for_one_address_are_one_service() {
    let tun = text("", "").replace("DR", "TUN").replace("192.0.2.1", "198.51.100.1");
    let both = format!("{}{tun}", text("", ""));
    let service = only(&both);
    assert_eq!(service.real_servers.len(), 4);
    assert_eq!(service.real_servers[0].forward, Forward::DirectRoute);
    assert_eq!(service.real_servers[2].forward, Forward::Tunnel(Tunnel::IPIP));
    fires(rules::SAME_SERVICE, &both, &text("", ""));
}

#[test]
fn what_packaged_samples_say_is_taken_with_advice() {
    for (service, server) in [
        ("persistence_timeout 0", ""),
        ("nat_mask 255.255.255.0", ""),
        ("", "TCP_CHECK {\nnb_get_retry 3\n}"),
        ("", "HTTP_GET {\nnb_get_retry 3\nurl {\npath /\n}\n}"),
        ("", "SMTP_CHECK {\nhost {\n}\n}"),
    ] {
        let (config, found) = read(&text(service, server));
        assert!(!found.has_errors(), "{service} {server}");
        assert!(config.director.virtual_servers[0].persistence.is_none());
    }
    assert_eq!(checkers("TCP_CHECK {\nnb_get_retry 3\n}")[0].timing.retry, 3);
}

#[test]
fn rules_fire_where_they_should_and_nowhere_else() {
    let good = text("", "TCP_CHECK {\n}");
    let with = |service: &str| text(service, "TCP_CHECK {\n}");
    let server = |server: &str| text("", server);
    for (rule, wrong) in [
        (rules::NO_PROTOCOL, good.replace("protocol TCP\n", "")),
        (rules::NO_SCHEDULER, good.replace("lb_algo rr\n", "")),
        (rules::NO_METHOD, good.replace("lb_kind DR\n", "")),
        (rules::PORT, good.replace("192.0.2.11 80", "192.0.2.11 8080")),
        (rules::DUPLICATE, good.replace("192.0.2.12", "192.0.2.11")),
        (rules::FAMILY, good.replace("192.0.2.12", "2001:db8::1")),
        (rules::QUORUM, with("quorum 3")),
        (rules::HYSTERESIS, with("quorum 2\nhysteresis 2")),
        (rules::OPS, with("ops")),
        (rules::FLAG_SCHEDULER, with("sh-port")),
        (rules::OFF_IS_ON, with("alpha off")),
        (rules::SORRY_TWICE, with("sorry_server 192.0.2.9 80\nsorry_server 192.0.2.8 80")),
        (rules::SCRIPT_TWICE, with("quorum_up /bin/true\nquorum_up /bin/false")),
        (rules::GRANULARITY_FAMILY, with("persistence_granularity 64")),
        (rules::ENGINE_WITHOUT, with("persistence_engine sip")),
        (rules::GUE_PORT, good.replace("lb_kind DR", "lb_kind TUN type gue")),
        (rules::TUNNEL_PORT, good.replace("lb_kind DR", "lb_kind TUN type gre port 1")),
        (rules::TUNNEL_CHECKSUM, good.replace("lb_kind DR", "lb_kind TUN csum")),
        (rules::METHOD_OPTION, good.replace("lb_kind DR", "lb_kind DR csum")),
        (rules::HEADER_INCOMPLETE, good.replace("192.0.2.80 80", "fwmark")),
        (rules::GROUP_UNKNOWN, good.replace("192.0.2.80 80", "group G")),
        (rules::PERSISTENCE_FORCED, good.replace("192.0.2.80 80", "192.0.2.80")),
        (rules::NO_CHECKER, server("")),
        (checker_rules::NO_URL, server("HTTP_GET {\n}")),
        (checker_rules::NO_PATH, server("HTTP_GET {\nurl {\n}\n}")),
        (checker_rules::DIGEST, server("HTTP_GET {\nurl {\npath /\ndigest 12\n}\n}")),
        (checker_rules::STATUS_CODE, server("HTTP_GET {\nurl {\npath /\nstatus_code 99\n}\n}")),
        (checker_rules::REGEX, server("HTTP_GET {\nurl {\npath /\nregex \"(\"\n}\n}")),
        (checker_rules::SNI_WITHOUT_NAME, server("SSL_GET {\nenable_sni\nurl {\npath /\n}\n}")),
        (checker_rules::MISC_WITHOUT_PATH, server("MISC_CHECK {\n}")),
        (checker_rules::MISC_SURPLUS, server("MISC_CHECK {\nmisc_path /bin/true a\n}")),
        (checker_rules::BINDTO_FAMILY, server("TCP_CHECK {\nbindto ::1\n}")),
        (checker_rules::LINK_LOCAL, server("TCP_CHECK {\nconnect_ip fe80::1\n}")),
        (checker_rules::DNS_NAME, server("DNS_CHECK {\nname a..b\n}")),
        (checker_rules::REPLY_PATTERN, server("UDP_CHECK {\nrequire_reply zz\n}")),
        (
            checker_rules::REGEX_OPTION,
            server("HTTP_GET {\nurl {\npath /\nregex a\nregex_options utf dupnames\n}\n}"),
        ),
        (rules::THRESHOLDS, server("uthreshold 5\nlthreshold 6\nTCP_CHECK {\n}")),
        (language::ALIAS, server("lb_kind DR")),
    ] {
        fires(rule, &wrong, &good);
    }
    let marked =
        good.replace("192.0.2.80 80", "fwmark 3").replace("protocol TCP\n", "ha_suspend\n");
    fires(rules::HA_SUSPEND, &marked, &with("ha_suspend"));
    let tunnels = good.replace("lb_kind DR", "lb_kind TUN");
    let mixed = tunnels.replace("192.0.2.12", "2001:db8::1");
    let synced = |text: &str| format!("global_defs {{\nlvs_sync_daemon eth0\n}}\n{text}");
    fires(rules::MIXED_SYNC, &synced(&mixed), &synced(&tunnels));
    assert!(codes(&mixed).is_empty());
    fires(rules::NO_SERVERS, "virtual_server 192.0.2.1 80 {\nprotocol TCP\n}\n", &good);
    let group = |lines: &str| format!("virtual_server_group G {{\n{lines}\n}}\n");
    fires(rules::GROUP_EMPTY, &group(""), &group("192.0.2.1 80"));
    fires(rules::GROUP_TOO_BIG, &group("10.0.0.0/15 80"), &group("10.0.0.0/16 80"));
    fires(rules::GROUP_RANGE, &group("192.0.2.9-3 80"), &group("192.0.2.3-9 80"));
    fires(
        rules::GROUP_TWICE,
        &(group("192.0.2.1 80") + &group("192.0.2.2 80")),
        &group("192.0.2.1 80"),
    );
}

/// 36,000 servers with a checker each are to cost little.
#[test]
fn a_server_is_small() {
    use crate::config::model::{Connection, RealServer};
    let each = size_of::<RealServer>() + size_of::<Checker>() + size_of::<Connection>();
    assert!(each <= 600, "{each} bytes a server");
}

/// A tunnel carries either family; nothing else does.
#[test]
fn a_group_of_both_families_needs_tunnels_throughout() {
    let text = |method: &str, more: &str, own: &str| {
        format!(
            "virtual_server_group G {{\n192.0.2.80 80\n2001:db8::80 80\n}}\n\
             virtual_server group G {{\nlb_algo rr\nlb_kind {method}\nprotocol TCP\n{more}\n\
             real_server 192.0.2.11 80 {{\nTCP_CHECK {{\n}}\n}}\n\
             real_server 2001:db8::12 80 {{\n{own}\nTCP_CHECK {{\n}}\n}}\n}}\n"
        )
    };
    let good = text("TUN", "", "");
    assert!(codes(&good).is_empty());
    assert_eq!(only(&good).real_servers.len(), 2);
    assert!(codes(&text("TUN", "sorry_server 192.0.2.9 80", "")).is_empty());
    for wrong in [
        text("DR", "", ""),
        text("TUN", "", "lvs_method DR"),
        text("TUN", "sorry_server 192.0.2.9 80\nsorry_server_lvs_method NAT", ""),
    ] {
        fires(rules::GROUP_FAMILIES, &wrong, &good);
    }
}
