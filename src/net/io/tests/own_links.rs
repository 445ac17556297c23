//! Interfaces of our own and filters, in the same namespace.
use super::{in_namespace, ip};
use crate::{
    base::{Family, LinkIndex, OwnLink, OwnLinkKind, Vrid, virtual_router_mac},
    net::{
        filter::Filter,
        io::{NetError, Network, filter, own_links},
    },
};
use std::process::Command;

fn vmac(name: &str, family: Family) -> OwnLink {
    OwnLink {
        name: name.to_owned(),
        parent: "va".to_owned(),
        kind: OwnLinkKind::Macvlan { mac: virtual_router_mac(family, Vrid(51)) },
        family,
        group: None,
        retell_parent: true,
    }
}

#[test]
fn interfaces_of_our_own_come_and_go() {
    in_namespace(|| async {
        let network = Network::connect().unwrap();
        let mut own = own_links::OwnLinks::new(network.clone());
        let (v4, v6) = (vmac("vrrp.51", Family::V4), vmac("vrrp6.51", Family::V6));
        if let Err(error) = own.create(&v4).await {
            println!("skipped: no macvlan: {error}");
            return;
        }
        own.create(&v6).await.unwrap();
        let shown = ip("-d link show vrrp.51");
        assert!(shown.contains("vrrp.51@va") && shown.contains("00:00:5e:00:01:33"), "{shown}");
        assert!(shown.contains("macvlan mode private") && shown.contains(",UP"), "{shown}");
        let below = ip("-o -6 address show dev va");
        let local = below.split_whitespace().find(|word| word.starts_with("fe80::")).unwrap();
        let shown = ip("-o -6 address show dev vrrp6.51");
        assert_eq!(shown.lines().count(), 1, "{shown}");
        assert!(shown.contains(local) && shown.contains("deprecated"), "{shown}");
        let setting = |name: &str| std::fs::read_to_string(format!("/proc/sys/{name}")).unwrap();
        assert_eq!(setting("net/ipv4/conf/va/arp_ignore"), "1\n");
        assert_eq!(setting("net/ipv4/conf/vrrp.51/accept_local"), "1\n");
        assert_eq!(setting("net/ipv6/conf/vrrp.51/disable_ipv6"), "1\n");

        // What a crash has left is made anew, what is somebody else's stays.
        let before = network.link("vrrp.51").await.unwrap().index;
        own_links::OwnLinks::new(network.clone()).create(&v4).await.unwrap();
        assert_ne!(network.link("vrrp.51").await.unwrap().index, before);
        ip("link add taken type dummy");
        ip("link add link vb name taken type macvlan");
        let taken = own.create(&vmac("taken", Family::V4)).await;
        assert!(matches!(taken, Err(NetError::NameTaken(_))), "{taken:?}");
        assert!(ip("link show taken").contains("taken"));

        own.promote_secondaries("va");
        assert_eq!(setting("net/ipv4/conf/va/promote_secondaries"), "1\n");
        for _ in 0..2 {
            own.remove(&v4).await.unwrap();
            own.remove(&v6).await.unwrap();
        }
        own.restore();
        assert!(!ip("link").contains("vrrp"));
        assert_eq!(setting("net/ipv4/conf/va/arp_ignore"), "0\n");
        assert_eq!(setting("net/ipv4/conf/va/promote_secondaries"), "0\n");
    });
}

fn nft(line: &str) -> String {
    let output = Command::new("nft").args(line.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn filters_are_replaced_as_a_whole() {
    in_namespace(|| async {
        let works = Command::new("nft").args(["add", "table", "ip", "keepalived"]).status();
        if !works.is_ok_and(|status| status.success()) {
            println!("skipped: no nftables");
            return;
        }
        let index = |name: &str| LinkIndex(if name == "va" { 2 } else { 3 });
        let at = |address: &str, link: &str| (address.parse().unwrap(), link.to_owned());
        let mut filters = filter::Filters::default();
        let mut wanted = Filter {
            table: "keepalived".to_owned(),
            priority: -1,
            counters: true,
            by_index: false,
            addresses: [at("192.0.2.7", "va"), at("2001:db8::7", "va"), at("fe80::7", "va")].into(),
            own_links: [
                (index("vb"), (index("va"), Family::V4)),
                (LinkIndex(9), (index("va"), Family::V6)),
            ]
            .into(),
            shared: [(LinkIndex(9), "fe80::9".parse().unwrap())].into(),
            leave_igmp: false,
        };
        for by_index in [false, true] {
            wanted.by_index = by_index;
            if by_index {
                wanted.addresses = [at("192.0.2.7", "2"), at("fe80::7", "2")].into();
            }
            filters.replace(&wanted).await.unwrap();
            let shown = nft("list ruleset");
            assert!(shown.contains("ip daddr @vips counter"), "{shown}");
            assert!(shown.contains("dup to ip daddr device oif map @vmac_map"), "{shown}");
            assert!(shown.contains("fe80::7 . "), "{shown}");
            let told = "nd-neighbor-advert @th,64,128 0xfe800000000000000000000000000009 counter";
            assert!(shown.contains(told), "{shown}");
            assert!(shown.contains("@vips_link_local counter"), "{shown}");
        }
        filters.replace(&Filter { table: wanted.table, ..Filter::default() }).await.unwrap();
        assert_eq!(nft("list ruleset"), "");
    });
}
