//! `auth_hmac`: the images of the draft's appendix, and each way a signature can be wrong.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "vrrp/lan.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod lan;
use lan::{instance, vip};
use ldirector::{
    base::{Family, LinkIndex, Prefix, Priority, Vrid},
    config::model::{
        AuthHmac, Authentication, Freshness, GlobalDefs, HmacKey, HmacMode, Unicast, UnicastPeer,
        Version, VrrpConfig, VrrpInstance,
    },
    machine::Machine,
    net::{LinkView, NetEvent},
    vrrp::{Action, ChecksumForm, Datagram, Encoder, Endpoint, Event, Shape, SocketKey, VrrpNode},
};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Of the appendix: half a second after 0x68000000.
const STAMP: u64 = 0x6800_0000_8000_0000;
const NOW: Duration = Duration::from_millis(0x6800_0000 * 1000 + 500);
const WINDOW: Freshness = Freshness::Window(Duration::from_secs(5));

fn keys(ids: &[u8]) -> BTreeMap<u8, HmacKey> {
    let key = |id: u8| HmacKey::new((0..32).map(|byte| byte + id - 1).collect()).unwrap();
    ids.iter().map(|id| (*id, key(*id))).collect()
}

fn hmac() -> AuthHmac {
    let mode = HmacMode::Enforce;
    AuthHmac { keys: keys(&[1]), active_key: 1, freshness: WINDOW, mode }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shape(from: &str, to: &str, address: &str) -> Shape {
    Shape {
        version: Version::V3,
        vrid: Vrid(51),
        interval: Duration::from_secs(1),
        authentication: Authentication::None,
        signature: Some(hmac().into()),
        addresses: vec![address.parse().unwrap()],
        source: from.parse().unwrap(),
        destination: to.parse().unwrap(),
        ttl: 255,
        form: ChecksumForm::Message,
    }
}

fn encoded(shape: &Shape, stamp: u64) -> Vec<u8> {
    let mut encoder = Encoder::new(shape.clone());
    encoder.set_stamp(stamp);
    encoder.encode(Priority(200), 1, 0).to_vec()
}

#[test]
fn the_images_of_the_draft_are_encoded_byte_for_byte() {
    let v4 = encoded(&shape("198.51.100.10", "224.0.0.18", "192.0.2.100"), STAMP);
    assert_eq!(
        hex(&v4[20..]),
        "3133c80100644402c00002640101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265"
    );
    assert_eq!(v4[3], 20 + 12 + 28, "the IP header counts the trailer");
    let v6 = encoded(&shape("fe80::10", "fe80::20", "fe80::100"), STAMP);
    assert_eq!(
        hex(&v6),
        "3133c8010064a2e9fe800000000000000000000000000100010100006800000080000000\
         c8c56146ebfd66ee10ec4d8186461b78"
    );
}

/// A backup and what it hears.
struct Rig {
    node: VrrpNode,
    now: Instant,
    socket: Arc<SocketKey>,
    shape: Shape,
}

impl Rig {
    fn new(change: impl FnOnce(&mut VrrpInstance, &mut AuthHmac)) -> Self {
        let (from, to) = ("10.0.0.9", "224.0.0.18");
        Self::of(shape(from, to, "192.0.2.10"), change)
    }

    fn of(shape: Shape, change: impl FnOnce(&mut VrrpInstance, &mut AuthHmac)) -> Self {
        let now = Instant::now();
        let mut config = instance("X", 51);
        let mut own = hmac();
        config.version = shape.version;
        config.family = Family::of(&shape.source);
        config.addresses = vec![vip(shape.addresses[0], "eth0")];
        config.multicast_group = shape.destination;
        change(&mut config, &mut own);
        config.auth_hmac = Some(own.into());
        let endpoint = match &config.unicast {
            Some(_) => Endpoint::Unicast(shape.destination),
            None => Endpoint::Multicast(shape.destination),
        };
        let socket = SocketKey {
            family: config.family,
            protocol: 112,
            interface: "eth0".to_owned(),
            endpoint,
        };
        let config = VrrpConfig { instances: vec![config], ..VrrpConfig::default() };
        let mut node =
            VrrpNode::new(config.into(), GlobalDefs::default().into(), now).at_time(NOW, now);
        let first = node.handle(Event::Net(NetEvent::Links(vec![link()])), now);
        assert!(first.contains(&Action::WatchClock));
        assert!(first.iter().any(|action| matches!(action, Action::Open(_))), "{first:?}");
        Self { node, now, socket: socket.into(), shape }
    }

    fn unicast(peer: [u8; 4]) -> Self {
        let shape = shape("10.0.0.9", "10.0.0.5", "192.0.2.10");
        Self::of(shape, |config, _| {
            let peer = UnicastPeer { address: peer.into(), min_ttl: None, max_ttl: None };
            config.unicast = Some(Unicast { peers: vec![peer], ..Unicast::default() });
        })
    }

    /// What is said of an advert; "" = it counts.
    fn hears(&mut self, stamp: u64) -> String {
        let bytes = encoded(&self.shape, stamp);
        self.hears_bytes(bytes)
    }

    fn hears_bytes(&mut self, bytes: Vec<u8>) -> String {
        let before = self.counts();
        let (from, to): (IpAddr, IpAddr) = (self.shape.source, self.shape.destination);
        let socket = Arc::clone(&self.socket);
        let datagram = Datagram { socket, from, to, hop_limit: Some(255), bytes };
        let out = self.node.handle(Event::Datagram(datagram), self.now);
        let lines: Vec<String> = out
            .into_iter()
            .filter_map(|action| match action {
                Action::Log(_, line) => Some(line.trim_start_matches("(X) ").to_owned()),
                _ => None,
            })
            .filter(|line| !line.starts_with("master set to"))
            .collect();
        assert_eq!(self.counts() == before + 1, lines.is_empty(), "{lines:?}");
        lines.concat()
    }

    fn counts(&self) -> u64 {
        self.node.status(self.now).instances[0].adverts_received
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
        addresses: vec![
            Prefix { address: [10, 0, 0, 5].into(), length: 24 },
            Prefix { address: "fe80::5".parse().unwrap(), length: 64 },
        ],
    }
}

#[test]
fn a_signed_advert_counts_once() {
    let mut rig = Rig::new(|_, _| {});
    assert_eq!(rig.hears(STAMP), "");
    assert_eq!(rig.hears(STAMP), "replayed authentication trailer from 10.0.0.9");
    assert_eq!(rig.hears(STAMP + 1), "");
}

#[test]
fn every_version_and_family_carries_a_signature() {
    let v2 = |mut shape: Shape| {
        shape.version = Version::V2;
        shape
    };
    let v4 = shape("10.0.0.9", "224.0.0.18", "192.0.2.10");
    let v6 = shape("fe80::9", "ff02::12", "2001:db8::10");
    let pseudo = Shape { form: ChecksumForm::Pseudo, ..v4.clone() };
    for shape in [v4.clone(), v2(v4), pseudo, v6.clone(), v2(v6)] {
        assert_eq!(Rig::of(shape.clone(), |_, _| {}).hears(STAMP), "", "{shape:?}");
    }
}

#[test]
fn what_is_covered_cannot_be_changed() {
    let first = |at: usize| {
        let mut rig = Rig::of(shape("fe80::9", "ff02::12", "2001:db8::10"), |_, _| {});
        let mut bytes = encoded(&rig.shape, STAMP);
        bytes[at] ^= 1;
        rig.hears_bytes(bytes)
    };
    let (digest, malformed) = (
        "invalid authentication HMAC from fe80::9",
        "malformed authentication trailer from fe80::9",
    );
    let cases = [
        (2, digest, "priority"),
        (5, digest, "interval"),
        (6, "Invalid VRRPv3 checksum from fe80::9", "the checksum is not covered"),
        (8 + 15, digest, "address"),
        (24, malformed, "type"),
        (25, "unknown authentication key id 0 from fe80::9", "key"),
        (26, malformed, "reserved"),
        (31, digest, "seconds"),
        (35, digest, "counter"),
        (36, digest, "digest"),
    ];
    for (at, expected, what) in cases {
        assert_eq!(first(at), expected, "{what}");
    }
    let mut rig = Rig::new(|_, _| {});
    let mut bytes = encoded(&rig.shape, STAMP);
    bytes[15] ^= 1;
    assert_eq!(rig.hears_bytes(bytes), "invalid authentication HMAC from 10.0.0.8", "source");
}

#[test]
fn old_and_future_adverts_do_not_count_where_the_time_does() {
    let seconds = |count: u64| count << 32;
    let mut rig = Rig::new(|_, _| {});
    let line = |skew| {
        format!(
            "stale authentication trailer from 10.0.0.9, clock skew {skew} sec exceeds window 5 sec"
        )
    };
    assert_eq!(rig.hears(STAMP - seconds(6)), line(6));
    let mut rig = Rig::new(|_, _| {});
    assert_eq!(rig.hears(STAMP + seconds(6)), line(-6));
    let mut rig = Rig::new(|_, hmac| hmac.freshness = Freshness::Growing);
    assert_eq!(rig.hears(STAMP - seconds(600)), "");
    assert_eq!(rig.hears(STAMP - seconds(601)), "replayed authentication trailer from 10.0.0.9");
}

#[test]
fn clocks_that_drift_apart_are_told_in_time() {
    let mut rig = Rig::new(|_, _| {});
    let bytes = encoded(&rig.shape, STAMP - (3 << 32));
    let socket = Arc::clone(&rig.socket);
    let (from, to) = (rig.shape.source, rig.shape.destination);
    let datagram = Datagram { socket, from, to, hop_limit: None, bytes };
    let out = rig.node.handle(Event::Datagram(datagram), rig.now);
    let skew = "(X) authentication clock skew 3 sec from 10.0.0.9 approaching window 5 sec";
    assert!(out.iter().any(|action| matches!(action, Action::Log(_, line) if line == skew)));
    assert_eq!(rig.counts(), 1);
}

#[test]
fn a_clock_that_is_set_is_followed() {
    let mut rig = Rig::new(|_, _| {});
    let later = NOW + Duration::from_secs(3600);
    assert!(rig.node.handle(Event::WallClock(later), rig.now).is_empty());
    assert_eq!(rig.hears(STAMP + (3600 << 32)), "");
}

#[test]
fn any_known_key_verifies_and_one_signs() {
    let mut rig = Rig::new(|_, hmac| (hmac.keys, hmac.active_key) = (keys(&[1, 2]), 2));
    assert_eq!(rig.hears(STAMP), "", "signed with 1, as before the rotation");
    let mut rig = Rig::new(|_, hmac| (hmac.keys, hmac.active_key) = (keys(&[2]), 2));
    assert_eq!(rig.hears(STAMP), "unknown authentication key id 1 from 10.0.0.9");
}

#[test]
fn unsigned_adverts_count_by_mode() {
    let unsigned = |mode: HmacMode| {
        let mut rig = Rig::new(|_, hmac| hmac.mode = mode);
        rig.shape.signature = None;
        let bytes = encoded(&rig.shape, 0);
        let (from, to) = (rig.shape.source, rig.shape.destination);
        let socket = Arc::clone(&rig.socket);
        let datagram = Datagram { socket, from, to, hop_limit: None, bytes };
        let out = rig.node.handle(Event::Datagram(datagram), rig.now);
        let line = "(X) missing authentication trailer from 10.0.0.9";
        assert!(out.iter().any(|action| matches!(action, Action::Log(_, said) if said == line)));
        rig.counts() == 1
    };
    assert!(!unsigned(HmacMode::Enforce));
    assert!(unsigned(HmacMode::Permissive));
    assert!(unsigned(HmacMode::ReceiveOnly));
    let mut permissive = Rig::new(|_, hmac| hmac.mode = HmacMode::Permissive);
    permissive.shape.signature =
        Some(AuthHmac { keys: keys(&[1]), active_key: 9, ..hmac() }.into());
    let line = permissive.hears(STAMP);
    assert_eq!(
        line, "malformed authentication trailer from 10.0.0.9",
        "what is there must be right"
    );
}

#[test]
fn a_router_that_knows_no_signatures_takes_none() {
    let now = Instant::now();
    let mut config = instance("X", 51);
    config.version = Version::V3;
    let config = VrrpConfig { instances: vec![config], ..VrrpConfig::default() };
    let mut rig = Rig::new(|_, _| {});
    rig.node = VrrpNode::new(config.into(), GlobalDefs::default().into(), now);
    drop(rig.node.handle(Event::Net(NetEvent::Links(vec![link()])), now));
    let line = "vrrp packet from 10.0.0.9 too long, length 60 and expect 32";
    assert_eq!(rig.hears(STAMP), line);
}

#[test]
fn in_unicast_only_peers_may_sign() {
    assert_eq!(Rig::unicast([10, 0, 0, 9]).hears(STAMP), "");
    let line = "unicast source address 10.0.0.9 not a unicast peer";
    assert_eq!(Rig::unicast([10, 0, 0, 7]).hears(STAMP), line);
}

#[test]
fn all_peers_of_one_advert_get_the_same_signature() {
    let shape = shape("10.0.0.5", "10.0.0.9", "192.0.2.10");
    let mut rig = Rig::of(shape, |config, _| {
        let peers = [9, 10].map(|last| UnicastPeer {
            address: [10, 0, 0, last].into(),
            min_ttl: None,
            max_ttl: None,
        });
        config.unicast = Some(Unicast { peers: peers.to_vec(), ..Unicast::default() });
    });
    let deadline = rig.node.next_deadline().unwrap();
    let sent: Vec<_> = rig
        .node
        .handle_deadline(deadline)
        .into_iter()
        .filter_map(|action| match action {
            Action::Send(packet) => Some(packet.bytes),
            _ => None,
        })
        .collect();
    let [one, two] = &sent[..] else { panic!("{sent:?}") };
    let trailer = |bytes: &[u8]| hex(&bytes[bytes.len() - 28..]);
    assert_eq!(trailer(one), trailer(two));
    // Three adverts and a skew later than when the node was told the time.
    let waited = deadline.duration_since(rig.now);
    let stamp = u64::from_be_bytes(one[one.len() - 24..one.len() - 16].try_into().unwrap());
    assert_eq!(stamp >> 32, (NOW + waited).as_secs());
}

#[test]
fn who_only_verifies_signs_nothing() {
    let mut rig = Rig::new(|_, hmac| hmac.mode = HmacMode::ReceiveOnly);
    let deadline = rig.node.next_deadline().unwrap();
    let out = rig.node.handle_deadline(deadline);
    let lengths = out.iter().filter_map(|action| match action {
        Action::Send(packet) => Some(packet.bytes.len()),
        _ => None,
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [32]);
}
