//! Which host lacks what; that applying mends it, and undoing brings back what was there.
use super::{record::follow, *};
use crate::config::rules::text::Language;
use proptest::{collection::vec, prelude::*, sample::select};

const VIP: &str = "192.168.4.80";

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix { address: address.parse().unwrap(), length: length.parse().unwrap() }
}

fn link(name: &str, addresses: &[&str]) -> Link {
    Link {
        name: name.to_owned(),
        up: true,
        quiet: name != "eth0" && name != "eth1",
        addresses: addresses.iter().map(|text| prefix(text)).collect(),
        settings: Settings::default(),
    }
}

/// As a machine comes out of the box.
fn fresh() -> Observed {
    Observed {
        links: vec![link("lo", &["127.0.0.1/8", "::1/128"]), link("eth0", &["192.168.4.100/24"])],
        all: Settings::default(),
        default: Settings::default(),
    }
}

fn direct() -> Wanted {
    Wanted { vips: vec![VIP.parse().unwrap()], method: Method::Direct }
}

/// One that has all.
fn ready() -> Observed {
    let mut host = fresh();
    host.all = Settings { arp_ignore: 1, arp_announce: 2, rp_filter: 0 };
    host.links[0].addresses.push(prefix("192.168.4.80/32"));
    host
}

fn remedies(wanted: &Wanted, host: &Observed) -> Vec<String> {
    plan(wanted, host).iter().flat_map(remedy).collect()
}

#[test]
fn a_fresh_host_lacks_everything_in_order() {
    assert_eq!(
        remedies(&direct(), &fresh()),
        [
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
            "ip address add 192.168.4.80/32 dev lo label lo:0",
        ]
    );
    assert_eq!(remedies(&direct(), &ready()), [""; 0]);
    let tunnel = Wanted { method: Method::Tunnel, ..direct() };
    let mut host = fresh();
    host.all.rp_filter = 1;
    assert_eq!(
        remedies(&tunnel, &host),
        [
            "sysctl -w net.ipv4.conf.all.arp_ignore=1",
            "sysctl -w net.ipv4.conf.all.arp_announce=2",
            "modprobe ipip",
            "ip link set tunl0 up",
            "sysctl -w net.ipv4.conf.tunl0.rp_filter=2",
            "ip address add 192.168.4.80/32 dev tunl0",
        ]
    );
}

#[test]
fn each_thing_that_is_wrong_is_named_alone() {
    type Change = fn(&mut Observed);
    let table: &[(Change, &str)] = &[
        (|host| host.all.arp_ignore = 0, "sysctl -w net.ipv4.conf.all.arp_ignore=1"),
        // Answers for addresses that are not of the host's own scope: for ours, too.
        (|host| host.all.arp_ignore = 3, "sysctl -w net.ipv4.conf.all.arp_ignore=1"),
        (|host| host.links[1].settings.arp_ignore = 3, "sysctl -w net.ipv4.conf.eth0.arp_ignore=1"),
        (|host| host.all.arp_announce = 1, "sysctl -w net.ipv4.conf.all.arp_announce=2"),
        (|host| host.links[0].up = false, "ip link set lo up"),
        (
            |host| host.links[0].addresses[2].length = 24,
            "ip address del 192.168.4.80/24 dev lo; \
             ip address add 192.168.4.80/32 dev lo label lo:1",
        ),
        (
            |host| host.links[1].addresses.push(prefix("192.168.4.80/24")),
            "ip address del 192.168.4.80/24 dev eth0",
        ),
        (
            |host| {
                host.links.push(link("eth1", &["10.0.0.1/8"]));
                host.links[2].settings.rp_filter = 1;
            },
            "sysctl -w net.ipv4.conf.eth1.rp_filter=2",
        ),
    ];
    for (change, expected) in table {
        let mut host = ready();
        change(&mut host);
        assert_eq!(remedies(&direct(), &host).join("; "), *expected);
        for fault in plan(&direct(), &host) {
            let chinese = sentence(&fault, Language::Chinese);
            assert!(sentence(&fault, Language::English).is_ascii());
            assert!(!chinese.is_ascii(), "{chinese}");
        }
    }
}

#[test]
fn what_is_as_good_is_left_alone() {
    let table: &[fn(&mut Observed)] = &[
        // Of each interface its own.
        |host| {
            host.links[1].settings = host.all;
            host.all = Settings::default();
        },
        |host| host.all.arp_ignore = 2,
        |host| host.all.arp_ignore = 8,
        // One way in and out: a strict filter drops nothing.
        |host| host.all.rp_filter = 1,
        |host| {
            host.links[0].addresses.pop();
            host.links.push(link("dummy0", &["192.168.4.80/32"]));
        },
    ];
    for change in table {
        let mut host = ready();
        change(&mut host);
        assert_eq!(plan(&direct(), &host), []);
    }
}

#[test]
fn ipv6_has_no_settings() {
    let wanted = Wanted { vips: vec!["2001:db8::80".parse().unwrap()], method: Method::Direct };
    let expected = ["ip address add 2001:db8::80/128 dev lo nodad preferred_lft 0"];
    assert_eq!(remedies(&wanted, &fresh()), expected);
}

#[test]
fn undo_leaves_what_another_has_changed_and_other_addresses() {
    let mut host = fresh();
    let mut record = Record::default();
    let two = Wanted { vips: vec![VIP.parse().unwrap(), "10.0.0.1".parse().unwrap()], ..direct() };
    for step in record.apply(&two, &host) {
        follow(&mut host, &step);
    }
    let one: Vec<String> =
        record.undo(&[VIP.parse().unwrap()], &host).iter().map(command).collect();
    assert_eq!(one, ["ip address del 192.168.4.80/32 dev lo"]);
    host.all.arp_announce = 1;
    let rest: Vec<String> = record.undo(&[], &host).iter().map(command).collect();
    assert_eq!(
        rest,
        ["ip address del 10.0.0.1/32 dev lo", "sysctl -w net.ipv4.conf.all.arp_ignore=0"]
    );
    assert_eq!(record, Record::default());
}

#[test]
fn scripts_say_everything() {
    let two = Wanted { vips: vec![VIP.parse().unwrap(), "10.0.0.1".parse().unwrap()], ..direct() };
    let text = shell(&two);
    assert!(text.contains("\nip address replace 192.168.4.80/32 dev lo label lo:0\n"), "{text}");
    assert!(text.contains("\nip address replace 10.0.0.1/32 dev lo label lo:1\n"), "{text}");
    let files = ifcfg(&two).unwrap();
    assert!(files.contains("ifcfg-lo:1 <<END\nDEVICE=lo:1\n"), "{files}");
    let tunnel = ifcfg(&Wanted { method: Method::Tunnel, ..two }).unwrap();
    let expected = "IPADDR=192.168.4.80\nNETMASK=255.255.255.255\nIPADDR1=10.0.0.1\n\
                    NETMASK1=255.255.255.255\nEND\n";
    assert!(tunnel.contains(expected), "{tunnel}");
    assert!(tunnel.contains("modprobe ipip\n"), "{tunnel}");
}

fn settings() -> impl Strategy<Value = Settings> {
    (0_u8..=8, 0_u8..=2, 0_u8..=2).prop_map(|(arp_ignore, arp_announce, rp_filter)| Settings {
        arp_ignore,
        arp_announce,
        rp_filter,
    })
}

fn host() -> impl Strategy<Value = Observed> {
    let held =
        select(vec!["192.168.4.80/32", "192.168.4.80/24", "10.0.0.1/32", "2001:db8::80/128"]);
    let one = move |name: &'static str| {
        (vec(held.clone(), 0..3), settings(), any::<bool>()).prop_map(
            move |(mut held, settings, up)| {
                held.sort_unstable();
                held.dedup();
                Link { up, settings, ..link(name, &held) }
            },
        )
    };
    (one("lo"), one("eth0"), one("eth1"), one("tunl0"), one("ip6tnl0"), settings(), settings())
        .prop_map(|(lo, eth0, eth1, tunl0, ip6tnl0, all, default)| Observed {
            links: vec![lo, eth0, eth1, tunl0, ip6tnl0],
            all,
            default,
        })
}

fn sorted(mut host: Observed) -> Observed {
    for link in &mut host.links {
        link.addresses.sort_unstable();
    }
    host
}

proptest! {
    #[test]
    fn applying_mends_all_that_can_be_mended_and_undoing_brings_it_back(
        before in host(),
        vips in vec(select(vec![VIP, "10.0.0.1", "2001:db8::80"]), 1..3),
        tunnel: bool,
    ) {
        let mut vips: Vec<IpAddr> = vips.into_iter().map(|vip| vip.parse().unwrap()).collect();
        vips.dedup();
        let method = if tunnel { Method::Tunnel } else { Method::Direct };
        let wanted = Wanted { vips, method };
        let mut now = before.clone();
        let mut record = Record::default();
        for step in record.apply(&wanted, &now.clone()) {
            follow(&mut now, &step);
        }
        let left = plan(&wanted, &now);
        let a_person_decides =
            |fault: &Fault| matches!(fault, Fault::Exposed { .. } | Fault::Strict { .. });
        prop_assert!(left.iter().all(a_person_decides), "{left:?}");
        for step in record.undo(&[], &now.clone()) {
            follow(&mut now, &step);
        }
        prop_assert_eq!(sorted(now), sorted(before));
    }
}
