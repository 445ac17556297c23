//! The trailer of `auth_hmac` behind an advert (draft-cassen-vrrp-auth-hmac, keepalived 2.4.2):
//! who signed it, and when.
//!
//! ```text
//!  0                   1                   2                   3
//! +---------------+---------------+-------------------------------+
//! |    type 1     |      key      |               0               |
//! +---------------+---------------+-------------------------------+
//! |                 seconds since 1970 (32 bits)                  |
//! +-------------------------------+-------------------------------+
//! |        1/65536 seconds        |            counter            |
//! +-------------------------------+-------------------------------+
//! |            HMAC-SHA256, its first 16 bytes                    |
//! +---------------------------------------------------------------+
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
use super::packet::View;
use crate::config::model::{AuthHmac, Freshness, HmacKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{net::IpAddr, time::Duration};

/// Bytes of the whole trailer.
pub(super) const TRAILER: usize = 28;
const DIGEST: usize = 16;
/// HMAC-SHA256 truncated to 128 bits: the only type there is.
const SHA256: u8 = 1;
/// Senders whose last stamp is remembered in multicast: more than one send only in a contention.
const SENDERS: usize = 4;

/// A received trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer<'a> {
    pub kind: u8,
    pub key: u8,
    pub reserved: [u8; 2],
    /// Seconds, fraction and counter as one number that grows from advert to advert.
    pub stamp: u64,
    pub digest: &'a [u8; DIGEST],
}

/// Why a trailer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    Malformed,
    UnknownKey(u8),
    Digest,
    /// Our clock minus the sender's.
    Stale {
        skew: i64,
        window: u64,
    },
    Replayed,
}

impl<'a> Trailer<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[kind, key, r0, r1, s0, s1, s2, s3, s4, s5, s6, s7], rest) =
            bytes.split_first_chunk::<12>()?;
        Some(Self {
            kind,
            key,
            reserved: [r0, r1],
            stamp: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            digest: rest.first_chunk::<DIGEST>()?,
        })
    }

    /// Our clock minus the sender's, in seconds; right also where 32 bits of seconds wrap (2106).
    pub(super) fn skew(&self, wall: Duration) -> i64 {
        skew(self.stamp, wall)
    }
}

/// Writes the trailer behind the message that `out` holds from `start` on. The message's checksum
/// may be computed before or after: it does not count.
pub(super) fn sign(
    hmac: &AuthHmac,
    source: IpAddr,
    stamp: u64,
    start: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    let key = hmac.keys.get(&hmac.active_key)?;
    let signed = start;
    out.extend([SHA256, hmac.active_key, 0, 0]);
    out.extend(stamp.to_be_bytes());
    let digest = mac(key, source, out.get(signed..)?)?.finalize().into_bytes();
    out.extend(digest.first_chunk::<DIGEST>()?);
    Some(())
}

/// Whether a packet's trailer counts, at this time of the wall clock.
pub(super) fn verify(
    hmac: &AuthHmac,
    view: &View<'_>,
    trailer: &Trailer<'_>,
    heard: &Senders,
    wall: Duration,
) -> Result<(), Unsigned> {
    if trailer.kind != SHA256 || trailer.reserved != [0; 2] {
        return Err(Unsigned::Malformed);
    }
    // Before the digest is computed: captured packets by the thousand must cost nothing.
    if let Freshness::Window(window) = hmac.freshness {
        let skew = trailer.skew(wall);
        if skew.unsigned_abs() > window.as_secs() {
            return Err(Unsigned::Stale { skew, window: window.as_secs() });
        }
    }
    let key = hmac.keys.get(&trailer.key).ok_or(Unsigned::UnknownKey(trailer.key))?;
    let signed = view.message.len().saturating_sub(DIGEST);
    let message = view.message.get(..signed).ok_or(Unsigned::Malformed)?;
    mac(key, view.from, message)
        .and_then(|mac| mac.verify_truncated_left(trailer.digest).ok())
        .ok_or(Unsigned::Digest)?;
    if heard.is_new(view.from, trailer.stamp, hmac.freshness, wall) {
        Ok(())
    } else {
        Err(Unsigned::Replayed)
    }
}

/// Over what binds the packet to this virtual router and sender (family, version, VRID, source in
/// 16 bytes), the message and the trailer, with zeros where checksum and digest stand.
fn mac(key: &HmacKey, source: IpAddr, message: &[u8]) -> Option<Hmac<Sha256>> {
    let (&[first, vrid, c2, c3, c4, c5, _, _], rest) = message.split_first_chunk::<8>()?;
    let mut address = [0; 16];
    let family = match source {
        IpAddr::V4(source) => {
            for (to, from) in address.iter_mut().zip(source.octets()) {
                *to = from;
            }
            4
        }
        IpAddr::V6(source) => {
            address = source.octets();
            6
        }
    };
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.bytes()).ok()?;
    mac.update(&[family, first >> 4, vrid, 0]);
    mac.update(&address);
    mac.update(&[first, vrid, c2, c3, c4, c5, 0, 0]);
    mac.update(rest);
    mac.update(&[0; DIGEST]);
    Some(mac)
}

/// The stamp of the next advert: the clock, or one more than the last where that has not moved. A
/// clock that was set back by more than the window is followed: no one would take the old time.
pub(super) fn next_stamp(last: u64, freshness: Freshness, wall: Duration) -> u64 {
    let clock = clock(wall);
    if is_after(clock, last) {
        return clock;
    }
    let stranded = match freshness {
        Freshness::Window(window) => skew(last, wall) < 0 && age(last, wall) > window.as_secs(),
        Freshness::Growing => false,
    };
    if stranded { clock } else { last.wrapping_add(1) }
}

/// The last stamp of each sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Senders(Vec<(IpAddr, u64)>);

impl Senders {
    /// A stamp beyond the window orders nothing that the window lets through: it is forgotten, and
    /// with it a clock that was wrong.
    fn is_new(&self, from: IpAddr, stamp: u64, freshness: Freshness, wall: Duration) -> bool {
        let known = self.0.iter().find(|(sender, _)| *sender == from).map(|(_, last)| *last);
        let known = known.filter(|last| match freshness {
            Freshness::Window(window) => age(*last, wall) <= window.as_secs(),
            Freshness::Growing => true,
        });
        known.is_none_or(|last| is_after(stamp, last))
    }

    /// An advert of this sender counts. Beyond the configured peers a few are kept, the latest.
    pub(super) fn hear(&mut self, from: IpAddr, stamp: u64, peers: usize) {
        self.0.retain(|(sender, _)| *sender != from);
        self.0.insert(0, (from, stamp));
        self.0.truncate(peers.max(SENDERS));
    }
}

/// Seconds in the upper half, 1/65536 seconds below, the counter 0.
fn clock(wall: Duration) -> u64 {
    let fraction = (u64::from(wall.subsec_nanos()) << 16) / 1_000_000_000;
    (wall.as_secs() << 32) | (fraction << 16)
}

/// RFC 1982: serial numbers.
const fn is_after(a: u64, b: u64) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && ahead < 1 << 63
}

/// The clock minus the stamp, in seconds.
fn skew(stamp: u64, wall: Duration) -> i64 {
    let behind = (clock(wall) >> 32).wrapping_sub(stamp >> 32) & u64::from(u32::MAX);
    let behind = i64::try_from(behind).unwrap_or(0);
    if behind > i64::from(i32::MAX) { behind.wrapping_sub(1 << 32) } else { behind }
}

fn age(stamp: u64, wall: Duration) -> u64 {
    skew(stamp, wall).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Freshness = Freshness::Window(Duration::from_secs(5));

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn stamps_grow_with_the_clock_and_without_it() {
        let first = next_stamp(0, FIVE, Duration::from_millis(1_700_000_000_500));
        assert_eq!(first, (1_700_000_000 << 32) | (0x8000 << 16));
        let second = next_stamp(first, FIVE, at(1_700_000_000));
        assert_eq!(second, first + 1, "the clock went back a little");
        assert_eq!(next_stamp(u64::MAX, Freshness::Growing, at(1)), clock(at(1)), "it wraps");
    }

    #[test]
    fn a_clock_set_back_is_followed_only_where_the_time_counts() {
        let last = clock(at(10_000));
        assert_eq!(next_stamp(last, FIVE, at(6_400)), clock(at(6_400)));
        assert_eq!(next_stamp(last, Freshness::Growing, at(6_400)), last + 1);
        assert_eq!(next_stamp(last, FIVE, at(9_996)), last + 1, "within the window");
    }

    #[test]
    fn a_sender_is_heard_once_a_stamp() {
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let mut heard = Senders::default();
        let stamp = clock(at(100));
        heard.hear(one, stamp, 0);
        assert!(!heard.is_new(one, stamp, FIVE, at(100)));
        assert!(!heard.is_new(one, stamp - 1, FIVE, at(100)));
        assert!(heard.is_new(one, stamp + 1, FIVE, at(100)));
        assert!(heard.is_new(two, stamp, FIVE, at(100)));
        assert!(heard.is_new(one, clock(at(50)), FIVE, at(50)), "its mark is beyond the window");
        assert!(!heard.is_new(one, clock(at(50)), Freshness::Growing, at(50)));
    }

    #[test]
    fn of_many_senders_the_latest_are_known() {
        let mut heard = Senders::default();
        for last in 1..=6 {
            heard.hear([10, 0, 0, last].into(), 7, 0);
        }
        assert!(heard.is_new([10, 0, 0, 2].into(), 7, Freshness::Growing, at(0)));
        assert!(!heard.is_new([10, 0, 0, 3].into(), 7, Freshness::Growing, at(0)));
    }

    #[test]
    fn seconds_wrap_after_2106() {
        let late = at(u64::from(u32::MAX));
        assert_eq!(skew(clock(late), late + at(3)), 3);
        assert_eq!(skew(clock(late + at(3)), late), -3);
    }
}
