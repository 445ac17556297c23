//! Each check a received advert goes through, in keepalived's order and words.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
use lan::instance;
use ldirector::{
    base::{Family, LinkIndex, Prefix, Priority, Vrid},
    config::model::{
        Authentication, GlobalDefs, Unicast, UnicastPeer, Version, VrrpConfig, VrrpInstance,
    },
    machine::Machine,
    net::{LinkView, NetEvent},
    vrrp::{Action, ChecksumForm, Datagram, Encoder, Endpoint, Event, Shape, SocketKey, VrrpNode},
};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

const PEER: [u8; 4] = [10, 0, 0, 9];
const OURS: [u8; 4] = [10, 0, 0, 5];
const GROUP: [u8; 4] = [224, 0, 0, 18];

/// A backup that hears one packet.
struct Case {
    config: VrrpInstance,
    shape: Shape,
    priority: u8,
    sequence: u32,
    /// Where the packet arrives.
    protocol: u8,
    bend: fn(&mut Vec<u8>),
}

impl Case {
    fn new() -> Self {
        let config = instance("X", 51);
        let shape = Shape {
            version: Version::V2,
            vrid: Vrid(51),
            interval: Duration::from_secs(1),
            authentication: Authentication::None,
            signature: None,
            addresses: vec![[192, 0, 2, 10].into()],
            source: PEER.into(),
            destination: GROUP.into(),
            ttl: 255,
            form: ChecksumForm::Pseudo,
        };
        Self { config, shape, priority: 200, sequence: 7, protocol: 112, bend: |_| {} }
    }

    fn v3() -> Self {
        let mut case = Self::new();
        case.config.version = Version::V3;
        case.shape.version = Version::V3;
        case
    }

    fn password() -> Self {
        let mut case = Self::new();
        case.config.authentication = Authentication::Password(*b"secret\0\0");
        case.shape.authentication = case.config.authentication;
        case
    }

    fn header() -> Self {
        let mut case = Self::new();
        case.config.authentication = Authentication::Header(*b"secret\0\0");
        case.shape.authentication = case.config.authentication;
        case.protocol = 51;
        case
    }

    fn unicast() -> Self {
        let mut case = Self::v3();
        let peer = UnicastPeer { address: PEER.into(), min_ttl: None, max_ttl: None };
        case.config.unicast = Some(Unicast { peers: vec![peer], ..Unicast::default() });
        case.shape.destination = OURS.into();
        case
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether it counted, and what was logged (without `(X) `).
    fn judge(self) -> (bool, Vec<String>) {
        let endpoint = if self.config.unicast.is_some() {
            Endpoint::Unicast(OURS.into())
        } else {
            Endpoint::Multicast(GROUP.into())
        };
        let socket = Arc::new(SocketKey {
            family: Family::V4,
            protocol: self.protocol,
            interface: "eth0".to_owned(),
            endpoint,
        });
        let now = Instant::now();
        let config = VrrpConfig { instances: vec![self.config], ..VrrpConfig::default() };
        let mut node = VrrpNode::new(config.into(), GlobalDefs::default().into(), now);
        let first = node.handle(Event::Net(NetEvent::Links(vec![link()])), now);
        assert!(first.iter().any(|action| matches!(action, Action::Open(_))), "{first:?}");
        let mut bytes = Encoder::new(self.shape.clone())
            .encode(Priority(self.priority), 1, self.sequence)
            .to_vec();
        (self.bend)(&mut bytes);
        let (from, to): (IpAddr, IpAddr) = (self.shape.source, self.shape.destination);
        let datagram = Datagram { socket, from, to, hop_limit: None, bytes };
        let out = node.handle(Event::Datagram(datagram), now);
        let lines = out
            .into_iter()
            .filter_map(|action| match action {
                Action::Log(_, line) => Some(line.trim_start_matches("(X) ").to_owned()),
                _ => None,
            })
            .filter(|line| !line.starts_with("master set to"))
            .collect();
        let status = node.status(now).instances.remove(0);
        (status.adverts_received == 1, lines)
    }

    fn accepted(self, lines: &[&str]) {
        assert_eq!(self.judge(), (true, lines.iter().map(|l| (*l).to_owned()).collect()));
    }

    fn refused(self, line: &str) {
        let lines = if line.is_empty() { vec![] } else { vec![line.to_owned()] };
        assert_eq!(self.judge(), (false, lines));
    }
}

fn link() -> LinkView {
    LinkView {
        index: LinkIndex(1),
        name: "eth0".to_owned(),
        up: true,
        running: true,
        multicast: true,
        noarp: false,
        loopback: false,
        mtu: 1500,
        mac: None,
        addresses: vec![Prefix { address: OURS.into(), length: 24 }],
    }
}

#[test]
fn what_is_right_is_accepted() {
    for case in [Case::new(), Case::password(), Case::header(), Case::v3(), Case::unicast()] {
        case.accepted(&[]);
    }
}

#[test]
fn either_checksum_of_version_3_is_accepted() {
    Case::v3().with(|case| case.shape.form = ChecksumForm::Message).accepted(&[]);
    Case::v3().with(|case| case.config.v3_checksum_as_v2 = true).accepted(&[]);
    Case::v3()
        .with(|case| case.bend = |bytes| bytes[26] ^= 1)
        .refused("Invalid VRRPv3 checksum from 10.0.0.9");
    Case::new()
        .with(|case| case.bend = |bytes| bytes[26] ^= 1)
        .refused("Invalid VRRPv2 checksum from 10.0.0.9");
}

#[test]
fn an_old_keepalived_s_unicast_checksum_is_learned_unless_forbidden() {
    let old = || Case::unicast().with(|case| case.shape.form = ChecksumForm::OldUnicast);
    old().accepted(&["Setting unicast VRRPv3 checksum to old version"]);
    old()
        .with(|case| {
            let unicast = case.config.unicast.as_mut().unwrap();
            unicast.old_checksum = Some(false);
        })
        .refused("Invalid VRRPv3 checksum from 10.0.0.9");
}

#[test]
fn length() {
    Case::new()
        .with(|case| case.bend = |bytes| bytes.truncate(39))
        .refused("vrrp packet from 10.0.0.9 too short, length 39 and expect 40");
    Case::new()
        .with(|case| case.bend = |bytes| bytes.extend([0; 8]))
        .refused("vrrp packet from 10.0.0.9 too long, length 48 and expect 40");
    Case::new()
        .with(|case| case.bend = |bytes| bytes.extend([0; 4]))
        .refused("vrrp packet from 10.0.0.9 too long, length 44 and expect 40");
    Case::new()
        .with(|case| case.bend = |bytes| bytes.truncate(27))
        .refused("IPv4 VRRP packet too short - 27 bytes");
    // Ethernet's padding.
    Case::new().with(|case| case.bend = |bytes| bytes.extend([0; 6])).accepted(&[]);
    Case::v3().with(|case| case.bend = |bytes| bytes.extend([9; 14])).accepted(&[]);
    Case::v3().with(|case| case.bend = |bytes| bytes.extend([9; 10])).accepted(&[]);
}

#[test]
fn claimed_length() {
    Case::new()
        .with(|case| case.bend = |bytes| bytes[3] = 60)
        .refused("ip_tot_len mismatch against received length from 10.0.0.9. 60 and received 40");
}

#[test]
fn hop_limit() {
    Case::new()
        .with(|case| case.shape.ttl = 254)
        .refused("invalid TTL/HL from 10.0.0.9. Received 254 and expect 255");
    Case::unicast().with(|case| case.shape.ttl = 12).accepted(&[]);
}

#[test]
fn version() {
    Case::new()
        .with(|case| case.shape.version = Version::V3)
        .refused("wrong VRRP version from 10.0.0.9. Received 3 and expect 2");
    Case::v3()
        .with(|case| case.shape.version = Version::V2)
        .refused("wrong VRRP version from 10.0.0.9. Received 2 and expect 3");
}

#[test]
fn authentication() {
    Case::new()
        .with(|case| case.bend = |bytes| bytes[24] = 9)
        .refused("Invalid auth type from 10.0.0.9: 9");
    Case::password()
        .with(|case| case.shape.authentication = Authentication::None)
        .refused("received a 0 auth from 10.0.0.9, expecting 1!");
    let other = Authentication::Password(*b"secret1\0");
    Case::password()
        .with(|case| case.shape.authentication = other)
        .refused("received an invalid passwd from 10.0.0.9!");
    Case::new()
        .with(|case| {
            case.shape.authentication = Authentication::Header(*b"secret\0\0");
        })
        .refused("Received AH header but auth type not AH from 10.0.0.9");
    Case::header()
        .with(|case| case.shape.authentication = Authentication::None)
        .refused("No AH header but auth type is AH from 10.0.0.9");
}

#[test]
fn authentication_header() {
    let digest = "IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad \
                  password !";
    let other = Authentication::Header(*b"secret1\0");
    Case::header().with(|case| case.shape.authentication = other).refused(digest);
    Case::header().with(|case| case.bend = |bytes| bytes[46] = 255).refused(digest);
    Case::header().with(|case| case.bend = |bytes| bytes[31] ^= 1).refused(digest);
    Case::header()
        .with(|case| case.sequence = 0)
        .refused("IPSEC-AH : sequence number 0 already processed. Packet dropped. Local(0)");
    // Somebody else's protocol under our header: silence.
    Case::header().with(|case| case.bend = |bytes| bytes[20] = 6).refused("");
    // TOS and the IP checksum change on the way and are not covered.
    Case::header().with(|case| case.bend = |bytes| (bytes[1], bytes[10]) = (0, 0)).accepted(&[]);
}

#[test]
fn interval() {
    let two = |case: &mut Case| case.shape.interval = Duration::from_secs(2);
    Case::new()
        .with(two)
        .refused("advertisement interval mismatch with 10.0.0.9 mine=1 sec rcv'd=2 sec");
    Case::v3()
        .with(two)
        .accepted(&["advertisement interval mismatch ours = 100 centi-sec rcv'd=200 centi-sec"]);
}

#[test]
fn kind() {
    Case::new()
        .with(|case| case.bend = |bytes| bytes[20] = 0x22)
        .refused("Invalid packet type from 10.0.0.9. 2 and expect 1");
}

#[test]
fn casting() {
    Case::v3()
        .with(|case| case.shape.destination = OURS.into())
        .refused("Expected multicast packet but received unicast packet from 10.0.0.9");
    Case::unicast()
        .with(|case| case.shape.destination = GROUP.into())
        .refused("Expected unicast packet but received multicast packet from 10.0.0.9");
}

#[test]
fn owner() {
    Case::new()
        .with(|case| {
            case.config.priority.value = Priority::OWNER;
            case.config.owner_ignore_adverts = true;
        })
        .refused("Dropping packet(s) from 10.0.0.9 since we are address owner");
}

#[test]
fn other_addresses_are_remarked_and_accepted() {
    Case::new()
        .with(|case| case.shape.addresses = vec![[192, 0, 2, 11].into(), [192, 0, 2, 12].into()])
        .accepted(&[
            "expected 1 VIPs but received 2",
            "ip address associated with VRID 51 not present in advert from 10.0.0.9: 192.0.2.10",
        ]);
    Case::new().with(|case| case.shape.addresses = vec![]).accepted(&[
        "expected 1 VIPs but received 0",
        "ip address associated with VRID 51 not present in advert from 10.0.0.9: 192.0.2.10",
    ]);
}

#[test]
fn peers() {
    let strict = |case: &mut Case| {
        let unicast = case.config.unicast.as_mut().unwrap();
        unicast.check_source = true;
        unicast.peers[0].address = [10, 0, 0, 77].into();
    };
    Case::unicast().with(strict).refused("unicast source address 10.0.0.9 not a unicast peer");
    let near = |case: &mut Case| {
        case.config.unicast.as_mut().unwrap().peers[0].min_ttl = Some(254);
        case.shape.ttl = 250;
    };
    Case::unicast().with(near).refused("TTL/HL 250 from 10.0.0.9 not in range [254, 255]");
}
