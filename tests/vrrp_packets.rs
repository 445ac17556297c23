//! Adverts against what keepalived puts on the wire, byte for byte, and properties of the codec.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
use ldirector::{
    base::{Priority, Vrid},
    config::model::{Authentication, Version},
    vrrp::{ChecksumForm, Encoder, Shape, View},
};
use proptest::prelude::*;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

struct Golden {
    name: String,
    shape: Shape,
    priority: Priority,
    id: u16,
    sequence: u32,
    /// Without the Ethernet header.
    packet: Vec<u8>,
}

fn golden() -> Vec<Golden> {
    let text = include_str!("packets/adverts.hex");
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    lines.chunks(3).map(|chunk| Golden::read(chunk[0], chunk[1], chunk[2])).collect()
}

impl Golden {
    fn read(name: &str, settings: &str, hex: &str) -> Self {
        let frame: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let mut golden = Self {
            name: name.to_owned(),
            shape: Shape {
                version: Version::V2,
                vrid: Vrid(51),
                interval: Duration::from_secs(1),
                authentication: Authentication::None,
                signature: None,
                addresses: vec!["10.0.0.100".parse().unwrap()],
                source: "10.0.0.1".parse().unwrap(),
                destination: "224.0.0.18".parse().unwrap(),
                ttl: 255,
                form: ChecksumForm::Pseudo,
            },
            priority: Priority(0),
            id: 0,
            sequence: 0,
            packet: frame[14..].to_vec(),
        };
        for setting in settings.split(' ') {
            golden.set(setting);
        }
        golden
    }

    fn set(&mut self, setting: &str) {
        let (key, value) = setting.split_once('=').unwrap();
        let shape = &mut self.shape;
        match key {
            "version" if value == "2" => shape.version = Version::V2,
            "version" => shape.version = Version::V3,
            "id" => self.id = value.parse().unwrap(),
            "sequence" => self.sequence = value.parse().unwrap(),
            "priority" => self.priority = Priority(value.parse().unwrap()),
            "interval" => shape.interval = Duration::from_millis(value.parse().unwrap()),
            "pass" => shape.authentication = Authentication::Password(key8(value)),
            "ah" => shape.authentication = Authentication::Header(key8(value)),
            "from" => shape.source = value.parse().unwrap(),
            "to" => shape.destination = value.parse().unwrap(),
            "addresses" => {
                shape.addresses = value.split(',').map(|word| word.parse().unwrap()).collect();
            }
            "form" if value == "message" => shape.form = ChecksumForm::Message,
            "form" => shape.form = ChecksumForm::OldUnicast,
            other => panic!("{other}"),
        }
    }

    fn is_v6(&self) -> bool {
        self.shape.source.is_ipv6()
    }

    /// What a raw socket shows of it: IPv6 loses its header.
    fn received(&self) -> &[u8] {
        if self.is_v6() { &self.packet[40..] } else { &self.packet }
    }
}

fn key8(text: &str) -> [u8; 8] {
    let mut key = [0; 8];
    key[..text.len()].copy_from_slice(text.as_bytes());
    key
}

fn view<'a>(bytes: &'a [u8], shape: &Shape) -> View<'a> {
    match (shape.source, shape.destination) {
        (IpAddr::V6(from), IpAddr::V6(to)) => View::of_v6(from, to, Some(255), bytes).unwrap(),
        _ => View::of_v4(bytes).unwrap(),
    }
}

#[test]
fn every_golden_packet_is_encoded_byte_for_byte() {
    let all = golden();
    assert_eq!(all.len(), 16);
    for golden in all {
        let mut encoder = Encoder::new(golden.shape.clone());
        let bytes = encoder.encode(golden.priority, golden.id, golden.sequence);
        assert_eq!(hex(&bytes), hex(golden.received()), "{}", golden.name);
    }
}

#[test]
fn every_golden_packet_is_understood() {
    for golden in golden() {
        let view = view(golden.received(), &golden.shape);
        agrees(&view, &golden.shape, golden.priority);
        if let Authentication::Header(_) = golden.shape.authentication {
            assert_eq!(view.ah.unwrap().sequence, golden.sequence, "{}", golden.name);
        }
        let right = match (golden.shape.version, golden.shape.form, golden.is_v6()) {
            (Version::V2, _, false) | (_, ChecksumForm::Message, _) => view.checksum_plain(),
            (_, ChecksumForm::OldUnicast, _) => view.checksum_with("224.0.0.18".parse().unwrap()),
            (_, ChecksumForm::Pseudo, _) => view.checksum_with(view.to),
        };
        assert!(right, "{}", golden.name);
    }
}

#[test]
fn an_encoder_writes_each_advert_into_the_same_buffer() {
    let golden = golden().swap_remove(0);
    let mut encoder = Encoder::new(golden.shape);
    let first = encoder.encode(Priority(100), 1, 0);
    let at = first.as_ptr();
    drop(first);
    assert_eq!(encoder.encode(Priority(90), 2, 0).as_ptr(), at);
}

fn agrees(view: &View<'_>, shape: &Shape, priority: Priority) {
    assert_eq!((view.from, view.to), (shape.source, shape.destination));
    assert_eq!((view.kind, view.vrid, view.priority), (1, shape.vrid.0, priority.0));
    assert_eq!(view.addresses().collect::<Vec<_>>(), shape.addresses);
    assert_eq!(view.expected_packet(), view.received);
    assert_eq!(view.hop_limit, Some(255));
    match shape.version {
        Version::V2 => {
            assert_eq!(view.version, 2);
            assert_eq!(u64::from(view.seconds()), shape.interval.as_secs());
        }
        Version::V3 => {
            assert_eq!(view.version, 3);
            assert_eq!(u128::from(view.centiseconds()), shape.interval.as_millis() / 10);
        }
    }
    match shape.authentication {
        Authentication::Password(password) => assert_eq!(view.password(), Some(password)),
        Authentication::None | Authentication::Header(_) => {
            assert!(view.password().is_none_or(|tail| tail == [0; 8]));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let authentication = prop_oneof![
        Just(Authentication::None),
        any::<[u8; 8]>().prop_map(Authentication::Password),
        any::<[u8; 8]>().prop_map(Authentication::Header),
    ];
    let v4 = prop::collection::vec(any::<Ipv4Addr>().prop_map(IpAddr::from), 0..255);
    let v6 = prop::collection::vec(any::<Ipv6Addr>().prop_map(IpAddr::from), 0..80);
    let ends4 = (any::<Ipv4Addr>(), any::<Ipv4Addr>())
        .prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b)));
    let ends6 = (any::<Ipv6Addr>(), any::<Ipv6Addr>())
        .prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b)));
    let ends = prop_oneof![
        (ends4, v4).prop_map(|(ends, addresses)| (ends, addresses)),
        (ends6, v6).prop_map(|(ends, addresses)| (ends, addresses)),
    ];
    (ends, 1..=255_u8, 1..=255_u64, authentication, any::<bool>()).prop_map(
        |(((source, destination), addresses), vrid, seconds, authentication, third)| Shape {
            version: if third { Version::V3 } else { Version::V2 },
            vrid: Vrid(vrid),
            interval: if third {
                Duration::from_millis(seconds * 10)
            } else {
                Duration::from_secs(seconds)
            },
            authentication: match authentication {
                // No such thing over IPv6 or in version 3.
                Authentication::Password(_) | Authentication::Header(_)
                    if third || source.is_ipv6() =>
                {
                    Authentication::None
                }
                other => other,
            },
            signature: None,
            addresses,
            source,
            destination,
            ttl: 255,
            form: ChecksumForm::Pseudo,
        },
    )
}

proptest! {
    #[test]
    fn what_is_encoded_is_understood(
        shape in any_shape(), priority: u8, id: u16, sequence: u32,
    ) {
        let bytes = Encoder::new(shape.clone()).encode(Priority(priority), id, sequence);
        let view = view(&bytes, &shape);
        agrees(&view, &shape, Priority(priority));
        prop_assert!(view.checksum_plain() || view.checksum_with(view.to));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(view) = View::of_v4(&bytes) {
            use_all(&view);
        }
        let there = Ipv6Addr::LOCALHOST;
        if let Ok(view) = View::of_v6(there, there, None, &bytes) {
            use_all(&view);
        }
    }

    #[test]
    fn a_flipped_bit_of_the_message_is_noticed(which in 0..16_usize, bit in 0..64_usize) {
        let golden = golden().swap_remove(which);
        let mut bytes = golden.received().to_vec();
        let start = bytes.len() - view(&bytes, &golden.shape).message.len();
        bytes[start + bit / 8] ^= 1 << (bit % 8);
        let view = view(&bytes, &golden.shape);
        let old = "224.0.0.18".parse().unwrap();
        prop_assert!(
            view.expected_packet() != view.received
                || view.version != bytes_version(&golden)
                || !(view.checksum_plain() || view.checksum_with(view.to) || view.checksum_with(old))
        );
    }
}

fn bytes_version(golden: &Golden) -> u8 {
    match golden.shape.version {
        Version::V2 => 2,
        Version::V3 => 3,
    }
}

fn use_all(view: &View<'_>) {
    let seen = (
        view.addresses().count(),
        view.expected_packet(),
        view.password(),
        view.centiseconds(),
        view.seconds(),
        view.auth_type(),
        view.checksum_plain(),
        view.checksum_with(view.to),
    );
    assert!(seen.0 <= 255);
}
