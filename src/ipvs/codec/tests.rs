//! Golden messages of a 6.12 kernel and ipvsadm 1.31, round trips, and hostile bytes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use crate::{
    base::{Family, Forward, Protocol, Tunnel, TunnelChecksum, TunnelKind},
    ipvs::{
        DaemonRole, Step, SyncDaemon, Timeouts,
        table::{
            Destination, DestinationKey, FOREIGN_FORWARD, Mask, Persistence, Service, ServiceKey,
            Stats,
        },
    },
};
use proptest::prelude::*;
use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

const HEADER: Header = Header { family: 0x1e, sequence: 0x6b00_e43e };

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Header of a write: the length, then what is always the same, port id 0.
fn write(length: &str, command: &str, rest: &str) -> Vec<u8> {
    bytes(&format!("{length}000000 1e00 0500 3ee4006b 00000000 {command}010000 {rest}"))
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![];
    encode(&mut out);
    out
}

fn encoded_step(step: &Step) -> Vec<u8> {
    encoded(|out| super::step(HEADER, step, out))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn service(scheduler: &str, flags: u32, persistence: Option<Persistence>) -> Arc<Service> {
    Arc::new(Service {
        scheduler: scheduler.into(),
        flags,
        persistence,
        destinations: BTreeMap::new(),
    })
}

fn tcp(address: &str, port: u16) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, ip: ip(address), port }
}

#[test]
fn the_request_for_the_family_is_the_golden_one() {
    let expected =
        bytes("20000000 1000 0100 3ee4006b 00000000 03010000 0900 0200 4950565300 000000");
    assert_eq!(encoded(|out| family_request(HEADER.sequence, out)), expected);
}

#[test]
fn services_encode_as_ipvsadm_does() {
    let add = |key, service| encoded_step(&Step::AddService { key, service });
    assert_eq!(
        add(tcp("10.0.0.100", 80), service("wrr", 0, None)),
        write(
            "68",
            "01",
            "54000180 0600010002000000 0600020006000000
             140003000a000064000000000000000000000000 0600040000500000 0800060077727200
             0c00070000000000ffffffff 0800080000000000 08000900ffffffff"
        )
    );
    let persistent = Persistence {
        timeout: 300,
        mask: Mask::V4("255.255.255.0".parse().unwrap()),
        engine: None,
    };
    assert_eq!(
        add(tcp("10.0.0.100", 443), service("sh", 0x18, Some(persistent))),
        write(
            "68",
            "01",
            "5400018006000100020000000600020006000000140003000a00006400000000000000000000000006
             00040001bb000007000600736800000c00070019000000ffffffff080008002c01000008000900ffffff00"
        )
    );
    assert_eq!(
        add(ServiceKey::Mark { family: Family::V4, mark: 7 }, service("wlc", 0, None)),
        write(
            "4c",
            "01",
            "380001800600010002000000080005000700000008000600776c63000c00070000000000ffffffff
             080008000000000008000900ffffffff"
        )
    );
    let key = ServiceKey::Address { protocol: Protocol::Udp, ip: ip("2001:db8::1"), port: 53 };
    assert_eq!(
        add(key, service("rr", 4, None)),
        write(
            "68",
            "01",
            "5400018006000100 0a000000 06000200110000001400030020010db8000000000000000000000001
             060004000035000007000600727200000c00070004000000ffffffff08000800000000000800090080000000"
        )
    );
    assert_eq!(
        encoded_step(&Step::DeleteService { key: tcp("10.0.0.100", 80) }),
        write(
            "44",
            "03",
            "30000180 0600010002000000 0600020006000000
             140003000a000064000000000000000000000000 0600040000500000"
        )
    );
}

const KEY_80: &str = "30000180 0600010002000000 0600020006000000
    140003000a000064000000000000000000000000 0600040000500000";

#[test]
fn destinations_encode_in_their_minimal_form() {
    let service = tcp("10.0.0.100", 80);
    let at = DestinationKey { ip: ip("10.0.0.11"), port: 80 };
    let destination =
        Destination { forward: Forward::DirectRoute, weight: 3, upper: 100, lower: 50 };
    assert_eq!(
        encoded_step(&Step::AddDestination { service, at, destination }),
        write(
            "84",
            "05",
            &format!(
                "{KEY_80} 40000280 140001000a00000b000000000000000000000000 0600020000500000
                 0800030003000000 0800040003000000 0800050064000000 0800060032000000"
            )
        )
    );
    let destination = Destination { weight: 0, ..destination };
    assert_eq!(
        encoded_step(&Step::EditDestination { service, at, destination }),
        write(
            "84",
            "06",
            &format!(
                "{KEY_80} 40000280 140001000a00000b000000000000000000000000 0600020000500000
                 0800030003000000 0800040000000000 0800050064000000 0800060032000000"
            )
        )
    );
    assert_eq!(
        encoded_step(&Step::DeleteDestination { service, at }),
        write(
            "64",
            "07",
            &format!("{KEY_80} 20000280 140001000a00000b000000000000000000000000 0600020000500000")
        )
    );
}

#[test]
fn a_tunnel_says_its_kind_only_where_it_is_not_plain() {
    let service = tcp("10.0.0.100", 80);
    let at = DestinationKey { ip: ip("2001:db8::d"), port: 80 };
    let tunnel =
        |tunnel| Destination { forward: Forward::Tunnel(tunnel), weight: 2, upper: 0, lower: 0 };
    let gue = Tunnel { kind: TunnelKind::Gue { port: 6080 }, checksum: TunnelChecksum::Checksum };
    assert_eq!(
        encoded_step(&Step::AddDestination { service, at, destination: tunnel(gue) }),
        write(
            "a4",
            "05",
            &format!(
                "{KEY_80} 60000280 06000b000a000000 1400010020010db800000000000000000000000d
                 0600020000500000 0800030002000000 0800040002000000
                 05000d0001000000 06000e0017c00000 06000f0001000000 0800050000000000 0800060000000000"
            )
        )
    );
    let plain =
        encoded_step(&Step::AddDestination { service, at, destination: tunnel(Tunnel::IPIP) });
    assert_eq!(plain.len(), 0xa4 - 24);
}

#[test]
fn the_rest_encodes_as_seen() {
    assert_eq!(
        encoded(|out| set_timeouts(HEADER, Timeouts { tcp: 900, tcp_fin: 120, udp: 300 }, out)),
        write("2c", "0c", "0800040084030000 0800050078000000 080006002c010000")
    );
    let daemon = SyncDaemon {
        role: DaemonRole::Backup,
        interface: "dum0".into(),
        id: 5,
        max_length: Some(1200),
        port: Some(9999),
        ttl: Some(3),
        group: Some(ip("224.0.0.82")),
    };
    assert_eq!(
        encoded(|out| start_daemon(HEADER, &daemon, out)),
        write(
            "54",
            "09",
            "40000380 0800010002000000 0900020064756d3000000000 0800030005000000
             06000400b0040000 060007000f270000 0500080003000000 08000500e0000052"
        )
    );
    // The kernel tells a daemon with the attributes it is told one with.
    let told = reply(
        11,
        3,
        "0800010002000000 0900020064756d3000000000 0800030005000000 06000400b0040000
         060007000f270000 0500080003000000 08000500e0000052",
    );
    let Decoded::Attributes(attributes) = only(&told).content else { panic!() };
    assert_eq!(super::daemon(attributes), Some(daemon));
    assert_eq!(
        encoded(|out| stop_daemon(HEADER, DaemonRole::Master, out)),
        write("20", "0a", "0c000380 0800010001000000")
    );
    assert_eq!(
        encoded(|out| services_dump(HEADER, out)),
        bytes("14000000 1e00 0103 3ee4006b 00000000 04010000")
    );
    assert_eq!(
        encoded(|out| destinations_dump(HEADER, &tcp("10.0.0.100", 80), out)),
        bytes(&format!("44000000 1e00 0103 3ee4006b 00000000 08010000 {KEY_80}"))
    );
    assert_eq!(encoded(|out| flush(HEADER, out)), write("14", "11", ""));
}

/// A reply with one nest, as the kernel sends it: without NLA_F_NESTED. Lengths are filled in.
fn reply(command: u8, kind: u8, inside: &str) -> Vec<u8> {
    let inside = bytes(inside);
    let nest = u8::try_from(inside.len() + 4).unwrap();
    let mut out = bytes("00000000 1e000200 3ee4006b 400300e7");
    out.extend([command, 1, 0, 0, nest, 0, kind, 0]);
    out.extend(inside);
    out[0] = u8::try_from(out.len()).unwrap();
    out
}

fn only(datagram: &[u8]) -> Message<'_> {
    let all: Vec<_> = messages(datagram).collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]
}

fn attributes(datagram: &[u8]) -> &[u8] {
    match only(datagram).content {
        Decoded::Attributes(attributes) => attributes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dumped_service_decodes_without_nested_flags() {
    let entry = reply(
        1,
        1,
        "0600010002000000 0600020006000000 140003000a000064000000000000000000000000 0600040001bb0000
         0700060073680000 0c0007001b000000ffffffff 080008002c010000 08000900ffffff00
         20000a00 08000100ff000000 04000b00 0c000400 0000000000000000 04006300
         20000c00 0c000100 0000000000000000 04000b00 0c000200 0700000000000000",
    );
    let (key, service, stats) = super::service(attributes(&entry)).unwrap();
    assert_eq!(key, tcp("10.0.0.100", 443));
    assert_eq!(service.scheduler, "sh");
    assert_eq!(service.flags, 0x18);
    let persistence = service.persistence.unwrap();
    assert_eq!(persistence.timeout, 300);
    assert_eq!(persistence.mask, Mask::V4("255.255.255.0".parse().unwrap()));
    assert_eq!(stats, Stats { packets_in: 7, ..Stats::default() }, "the wide ones are preferred");
}

#[test]
fn a_destination_of_an_old_kernel_decodes() {
    // Linux 3.10: no address family, no tunnel type, no wide counters.
    let entry = reply(
        5,
        2,
        "140001000a00000b000000000000000000000000 0600020000500000 0800030003010000 0800040000000000
         0800050064000000 0800060032000000 0800070003000000 0800080004000000 0800090000000000",
    );
    let (at, destination, counters) = destination(Family::V4, attributes(&entry)).unwrap();
    assert_eq!(at.to_string(), "[10.0.0.11]:80");
    let expected = Destination { forward: Forward::DirectRoute, weight: 0, upper: 100, lower: 50 };
    assert_eq!(destination, expected, "flags beside the method are not part of it");
    assert_eq!((counters.active, counters.inactive), (3, 4));
}

#[test]
fn a_method_nobody_can_configure_differs_from_all() {
    for (method, tunnel) in [("01", ""), ("04", ""), ("02", "05000d0009000000")] {
        let length = if tunnel.is_empty() { "30" } else { "38" };
        let inside = bytes(&format!(
            "{length}000200 140001000a00000b000000000000000000000000 0600020000500000
             08000300{method}000000 0800040001000000 {tunnel}"
        ));
        let (_, destination, _) = destination(Family::V4, &inside).unwrap();
        assert_eq!(destination.forward, FOREIGN_FORWARD);
    }
}

#[test]
fn acknowledgement_refusal_and_end_are_results() {
    let ack =
        bytes("24000000 0200 0001 3ee4006b 11034080 00000000 68000000 1e000500 3ee4006b 00000000");
    assert_eq!(only(&ack), Message { sequence: HEADER.sequence, content: Decoded::Result(0) });
    let refused =
        bytes("24000000 0200 0000 3ee4006b 11034080 efffffff 68000000 1e000500 3ee4006b 00000000");
    assert_eq!(only(&refused).content, Decoded::Result(17));
    let done = bytes("14000000 0300 0200 3ee4006b 11034080 00000000");
    assert_eq!(only(&done).content, Decoded::Result(0));
    let two = [ack, done].concat();
    assert_eq!(messages(&two).count(), 2);
}

fn any_family() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::V4), Just(Family::V6)]
}

fn any_ip(family: Family) -> BoxedStrategy<IpAddr> {
    match family {
        Family::V4 => any::<[u8; 4]>().prop_map(IpAddr::from).boxed(),
        Family::V6 => any::<[u8; 16]>().prop_map(IpAddr::from).boxed(),
    }
}

fn any_key() -> impl Strategy<Value = ServiceKey> {
    let protocol = prop_oneof![Just(Protocol::Tcp), Just(Protocol::Udp), Just(Protocol::Sctp)];
    (any_family(), protocol, any::<u16>(), any::<Option<u32>>()).prop_flat_map(
        |(family, protocol, port, mark)| {
            any_ip(family).prop_map(move |ip| match mark {
                Some(mark) => ServiceKey::Mark { family, mark },
                None => ServiceKey::Address { protocol, ip, port },
            })
        },
    )
}

fn any_service(family: Family) -> impl Strategy<Value = Service> {
    let mask = match family {
        Family::V4 => any::<[u8; 4]>().prop_map(|bytes| Mask::V4(bytes.into())).boxed(),
        Family::V6 => (1..=128_u8).prop_map(Mask::V6).boxed(),
    };
    let engine = prop_oneof![Just(None), Just(Some("sip".to_owned()))];
    let persistence = (1..u32::MAX, mask, engine).prop_map(|(timeout, mask, engine)| Persistence {
        timeout,
        mask,
        engine,
    });
    ("[a-z]{1,15}", 0..16_u32, proptest::option::of(persistence)).prop_map(
        |(scheduler, flags, persistence)| Service {
            scheduler,
            flags: flags << 2,
            persistence,
            destinations: BTreeMap::new(),
        },
    )
}

fn any_destination() -> impl Strategy<Value = Destination> {
    let checksum = prop_oneof![
        Just(TunnelChecksum::None),
        Just(TunnelChecksum::Checksum),
        Just(TunnelChecksum::RemoteChecksum)
    ];
    let kind = prop_oneof![
        Just(TunnelKind::Ipip),
        Just(TunnelKind::Gre),
        (1..u16::MAX).prop_map(|port| TunnelKind::Gue { port })
    ];
    let forward = prop_oneof![
        Just(Forward::Nat),
        Just(Forward::DirectRoute),
        (kind, checksum).prop_map(|(kind, checksum)| Forward::Tunnel(Tunnel { kind, checksum })),
    ];
    (forward, any::<u32>(), any::<u32>(), any::<u32>())
        .prop_map(|(forward, weight, upper, lower)| Destination { forward, weight, upper, lower })
}

proptest! {
    #[test]
    fn a_service_survives_the_wire(
        (key, wanted) in any_key().prop_flat_map(|key| (Just(key), any_service(key.family())))
    ) {
        let message = encoded_step(&Step::AddService { key, service: Arc::new(wanted.clone()) });
        let (back_key, back, _) = super::service(attributes(&message)).unwrap();
        prop_assert_eq!((back_key, back), (key, wanted));
    }

    #[test]
    fn a_destination_survives_the_wire(
        service in any_key(),
        wanted in any_destination(),
        (at, port) in (any_family().prop_flat_map(any_ip), any::<u16>()),
    ) {
        let at = DestinationKey { ip: at, port };
        let message = encoded_step(&Step::EditDestination { service, at, destination: wanted });
        let (back_at, back, _) = destination(service.family(), attributes(&message)).unwrap();
        prop_assert_eq!((back_at, back), (at, wanted));
    }

    #[test]
    fn any_bytes_decode_to_something_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for message in messages(&bytes).chain([Message { sequence: 0, content: Decoded::Attributes(&bytes) }]) {
            if let Decoded::Attributes(attributes) = message.content {
                let found = (
                    super::service(attributes),
                    destination(Family::V4, attributes),
                    destination(Family::V6, attributes),
                    timeouts(attributes),
                    family_id(attributes),
                );
                let words = format!("{:?}", found);
                prop_assert!(words.len() > 4);
            }
        }
    }

    /// A real message with some bytes changed reaches further into the decoder than noise.
    #[test]
    fn damaged_messages_do_no_harm(
        (key, wanted) in any_key().prop_flat_map(|key| (Just(key), any_service(key.family()))),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut message = encoded_step(&Step::AddService { key, service: Arc::new(wanted) });
        for (at, byte) in damage {
            let at = at.index(message.len());
            message[at] = byte;
        }
        for message in messages(&message) {
            if let Decoded::Attributes(attributes) = message.content {
                let found = (super::service(attributes), destination(Family::V6, attributes));
                let words = format!("{:?}", found);
                prop_assert!(words.len() > 4);
            }
        }
    }
}
