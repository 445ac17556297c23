//! Which adverts count: the checks of RFC 9568 §7.1 and RFC 3768 §7.1, in keepalived's order.
//! The first one that fails decides.
use super::{
    auth::{self, HopLimit, Sequence},
    encode::{ChecksumForm, OLD_DESTINATION, centiseconds},
    packet::{ADVERTISEMENT, AH_PROTOCOL, PROTOCOL, View},
    trailer::{self, Senders, Unsigned},
};
use crate::{
    base::{Family, Priority},
    config::model::{AuthHmac, Authentication, Freshness, HmacMode, Version, VrrpInstance},
};
use std::{fmt, net::IpAddr, time::Duration};

/// What a packet is judged against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receiver<'a> {
    pub(super) config: &'a VrrpInstance,
    /// Those of `config.addresses` that fit into an advert.
    pub(super) advertised: &'a [IpAddr],
    pub(super) unicast: bool,
    pub(super) sequence: Sequence,
    /// Stamps of signed adverts.
    pub(super) heard: &'a Senders,
    /// Time since 1970.
    pub(super) wall: Duration,
    pub(super) in_master: bool,
    /// Whom the last accepted advert came from.
    pub(super) last_sender: Option<IpAddr>,
}

/// An advert that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// Worth a line in the log all the same.
    pub(super) remarks: Vec<Remark>,
    /// The peer is an old keepalived: send it what it understands.
    pub(super) old_checksum: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    Interval {
        ours: u16,
        theirs: u16,
    },
    Count {
        ours: usize,
        theirs: u8,
    },
    Missing {
        vrid: u8,
        address: IpAddr,
        from: IpAddr,
    },
    /// Not signed, and taken all the same by the mode.
    NoTrailer(IpAddr),
    ClockSkew {
        from: IpAddr,
        skew: i64,
        window: u64,
    },
}

/// Why a packet does not count, in keepalived's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reject {
    UnexpectedHeader(IpAddr),
    NoHeader(IpAddr),
    TooLong {
        from: IpAddr,
        length: usize,
        expected: usize,
    },
    TooShort {
        from: IpAddr,
        length: usize,
        expected: usize,
    },
    HopLimit {
        from: IpAddr,
        hop_limit: u8,
    },
    Version {
        from: IpAddr,
        theirs: u8,
        ours: u8,
    },
    NoTrailer(IpAddr),
    Trailer(IpAddr, Unsigned),
    AuthTypeInvalid {
        from: IpAddr,
        theirs: u8,
    },
    AuthTypeDiffers {
        from: IpAddr,
        theirs: u8,
        ours: u8,
    },
    Password(IpAddr),
    /// The header announces something else than VRRP: not for us, nothing to say.
    NextHeader,
    Digest,
    Spi(IpAddr),
    Replayed {
        sequence: u32,
        in_master: bool,
    },
    Interval {
        from: IpAddr,
        ours: u64,
        theirs: u8,
    },
    Kind {
        from: IpAddr,
        kind: u8,
    },
    TotalLength {
        from: IpAddr,
        claimed: usize,
        received: usize,
    },
    Checksum {
        from: IpAddr,
        version: u8,
    },
    Casting {
        from: IpAddr,
        unicast: bool,
    },
    OwnerIgnores(IpAddr),
    NotAPeer(IpAddr),
    PeerHopLimit {
        from: IpAddr,
        hop_limit: u8,
        least: u8,
        most: u8,
    },
}

impl Receiver<'_> {
    pub(super) fn judge(&self, view: &View<'_>) -> Result<Accepted, Reject> {
        self.header_present(view)?;
        self.length(view)?;
        self.hop_limit(view)?;
        let ours = version_number(self.config.version);
        let from = view.from;
        if view.version != ours {
            return Err(Reject::Version { from, theirs: view.version, ours });
        }
        if let Some(hmac) = &self.config.auth_hmac {
            self.signature(view, hmac)?;
        }
        if self.config.version == Version::V2 {
            self.authentication(view)?;
            let ours = self.config.advert_interval.as_secs();
            if u64::from(view.seconds()) != ours {
                return Err(Reject::Interval { from, ours, theirs: view.seconds() });
            }
        }
        if view.kind != ADVERTISEMENT {
            return Err(Reject::Kind { from, kind: view.kind });
        }
        if !fits(view.received, view.total_length) {
            return Err(Reject::TotalLength {
                from,
                claimed: view.total_length,
                received: view.received,
            });
        }
        let old_checksum = self.checksum(view)?;
        if view.to.is_multicast() == self.unicast {
            return Err(Reject::Casting { from, unicast: self.unicast });
        }
        if self.config.owner_ignore_adverts && self.config.priority.value == Priority::OWNER {
            return Err(Reject::OwnerIgnores(from));
        }
        self.peer(view)?;
        Ok(Accepted { remarks: self.remarks(view), old_checksum })
    }

    fn header_present(&self, view: &View<'_>) -> Result<(), Reject> {
        let wanted = matches!(self.config.authentication, Authentication::Header(_));
        match (view.ah.is_some(), wanted && view.family() == Family::V4) {
            (true, false) => Err(Reject::UnexpectedHeader(view.from)),
            (false, true) => Err(Reject::NoHeader(view.from)),
            (true, true) | (false, false) => Ok(()),
        }
    }

    fn length(&self, view: &View<'_>) -> Result<(), Reject> {
        if self.config.auth_hmac.is_some() && view.trailer().is_some() {
            return Ok(());
        }
        let (from, length, expected) = (view.from, view.received, view.expected_packet());
        if length < expected {
            return Err(Reject::TooShort { from, length, expected });
        }
        if !fits(length, expected) {
            return Err(Reject::TooLong { from, length, expected });
        }
        Ok(())
    }

    /// RFC 9568 §5.1.1.3: a multicast packet with less has come through a router.
    fn hop_limit(&self, view: &View<'_>) -> Result<(), Reject> {
        let hop_limit = view.hop_limit.unwrap_or(0);
        if !self.unicast && hop_limit != 255 {
            return Err(Reject::HopLimit { from: view.from, hop_limit });
        }
        Ok(())
    }

    /// In unicast only configured peers can be told apart for long enough to notice a replay.
    fn signature(&self, view: &View<'_>, hmac: &AuthHmac) -> Result<(), Reject> {
        let from = view.from;
        let Some(trailer) = view.trailer() else {
            return match hmac.mode {
                HmacMode::Enforce => Err(Reject::NoTrailer(from)),
                HmacMode::Permissive | HmacMode::ReceiveOnly => Ok(()),
            };
        };
        if let Some(unicast) = self.config.unicast.as_ref().filter(|_| self.unicast)
            && !unicast.peers.iter().any(|peer| peer.address == from)
        {
            return Err(Reject::NotAPeer(from));
        }
        trailer::verify(hmac, view, &trailer, self.heard, self.wall)
            .map_err(|why| Reject::Trailer(from, why))
    }

    fn authentication(&self, view: &View<'_>) -> Result<(), Reject> {
        let from = view.from;
        let theirs = view.auth_type();
        if theirs > 2 {
            return Err(Reject::AuthTypeInvalid { from, theirs });
        }
        let ours = match self.config.authentication {
            Authentication::None => 0,
            Authentication::Password(_) => 1,
            Authentication::Header(_) => 2,
        };
        if theirs != ours {
            return Err(Reject::AuthTypeDiffers { from, theirs, ours });
        }
        match (self.config.authentication, view.ah) {
            (Authentication::None, _) | (Authentication::Header(_), None) => Ok(()),
            (Authentication::Password(password), _) => match view.password() {
                // IPv6 has no room for it.
                None => Ok(()),
                Some(theirs) if theirs == password => Ok(()),
                Some(_) => Err(Reject::Password(from)),
            },
            (Authentication::Header(key), Some(ah)) => {
                if ah.next_header != PROTOCOL {
                    return Err(Reject::NextHeader);
                }
                let hop_limit = if self.unicast { HopLimit::Zeroed } else { HopLimit::Covered };
                if !auth::verify(&key, &ah, view, hop_limit) {
                    return Err(Reject::Digest);
                }
                if ah.spi != auth::spi(from) {
                    return Err(Reject::Spi(from));
                }
                let (sequence, in_master) = (ah.sequence, self.in_master);
                if !self.sequence.is_new(sequence) {
                    return Err(Reject::Replayed { sequence, in_master });
                }
                Ok(())
            }
        }
    }

    /// Whether the peer sums as keepalived up to 1.3.6 did. VRRPv3 over IPv4 has two forms in the
    /// field; either is taken, whichever we send.
    fn checksum(&self, view: &View<'_>) -> Result<bool, Reject> {
        let wrong = Reject::Checksum { from: view.from, version: view.version };
        match (self.config.version, view.family()) {
            (Version::V2, Family::V4) => {
                if view.checksum_plain() {
                    Ok(false)
                } else {
                    Err(wrong)
                }
            }
            (Version::V2 | Version::V3, Family::V6) => {
                if view.checksum_with(view.to) {
                    Ok(false)
                } else {
                    Err(wrong)
                }
            }
            (Version::V3, Family::V4) => {
                if view.checksum_with(view.to) || view.checksum_plain() {
                    return Ok(false);
                }
                let allowed = self
                    .config
                    .unicast
                    .as_ref()
                    .is_some_and(|unicast| unicast.old_checksum != Some(false));
                if self.unicast && allowed && view.checksum_with(OLD_DESTINATION.into()) {
                    return Ok(true);
                }
                Err(wrong)
            }
        }
    }

    fn peer(&self, view: &View<'_>) -> Result<(), Reject> {
        let Some(unicast) = self.config.unicast.as_ref().filter(|_| self.unicast) else {
            return Ok(());
        };
        let limited =
            unicast.peers.iter().any(|peer| peer.min_ttl.is_some() || peer.max_ttl.is_some());
        if !unicast.check_source && !limited {
            return Ok(());
        }
        let from = view.from;
        let peer =
            unicast.peers.iter().find(|peer| peer.address == from).ok_or(Reject::NotAPeer(from))?;
        let (least, most) = (peer.min_ttl.unwrap_or(0), peer.max_ttl.unwrap_or(255));
        match view.hop_limit {
            Some(hop_limit) if !(least..=most).contains(&hop_limit) => {
                Err(Reject::PeerHopLimit { from, hop_limit, least, most })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn remarks(&self, view: &View<'_>) -> Vec<Remark> {
        let mut remarks = vec![];
        if self.config.auth_hmac.is_some() && view.trailer().is_none() {
            remarks.push(Remark::NoTrailer(view.from));
        }
        if let (Some(hmac), Some(trailer)) = (&self.config.auth_hmac, view.trailer())
            && let Freshness::Window(window) = hmac.freshness
        {
            let (skew, window) = (trailer.skew(self.wall), window.as_secs());
            if skew.unsigned_abs() > window / 2 {
                remarks.push(Remark::ClockSkew { from: view.from, skew, window });
            }
        }
        let ours = centiseconds(self.config.advert_interval);
        if self.config.version == Version::V3 && view.centiseconds() != ours {
            remarks.push(Remark::Interval { ours, theirs: view.centiseconds() });
        }
        if usize::from(view.count) != self.advertised.len() {
            remarks.push(Remark::Count { ours: self.advertised.len(), theirs: view.count });
        }
        let skip = self.config.skip_check_adv_addr && self.last_sender == Some(view.from);
        // In the same order, as between equal configurations, this is one pass.
        if !skip && !view.addresses().eq(self.advertised.iter().copied()) {
            let missing = |address: &&IpAddr| !view.addresses().any(|theirs| theirs == **address);
            if let Some(address) = self.advertised.iter().find(missing) {
                let (vrid, address, from) = (view.vrid, *address, view.from);
                remarks.push(Remark::Missing { vrid, address, from });
            }
        }
        remarks
    }
}

/// Exactly that long, or filled up by Ethernet to its least payload of 46 bytes (4 less for each
/// VLAN tag) because that is how some drivers hand over short frames.
const fn fits(length: usize, expected: usize) -> bool {
    length == expected
        || (length > expected && expected < 46 && length <= 46 && (46 - length).is_multiple_of(4))
}

pub(super) const fn version_number(version: Version) -> u8 {
    match version {
        Version::V2 => 2,
        Version::V3 => 3,
    }
}

/// Whether this packet came on the protocol that an instance with this authentication listens to.
pub(super) const fn protocol(authentication: Authentication, family: Family) -> u8 {
    match (authentication, family) {
        (Authentication::Header(_), Family::V4) => AH_PROTOCOL,
        (Authentication::Header(_), Family::V6)
        | (Authentication::None | Authentication::Password(_), Family::V4 | Family::V6) => PROTOCOL,
    }
}

/// The form in which an instance sends before it has met an old peer.
pub(super) fn configured_form(config: &VrrpInstance) -> ChecksumForm {
    let old = config.unicast.as_ref().and_then(|unicast| unicast.old_checksum);
    if config.v3_checksum_as_v2 {
        ChecksumForm::Message
    } else if old == Some(true) {
        ChecksumForm::OldUnicast
    } else {
        ChecksumForm::Pseudo
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interval { ours, theirs } => write!(
                f,
                "advertisement interval mismatch ours = {ours} centi-sec rcv'd={theirs} centi-sec"
            ),
            Self::NoTrailer(from) => write!(f, "missing authentication trailer from {from}"),
            Self::ClockSkew { from, skew, window } => write!(
                f,
                "authentication clock skew {skew} sec from {from} approaching window {window} sec"
            ),
            Self::Count { ours, theirs } => write!(f, "expected {ours} VIPs but received {theirs}"),
            Self::Missing { vrid, address, from } => write!(
                f,
                "ip address associated with VRID {vrid} not present in advert from {from}: \
                 {address}"
            ),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedHeader(from) => {
                write!(f, "Received AH header but auth type not AH from {from}")
            }
            Self::NoHeader(from) => write!(f, "No AH header but auth type is AH from {from}"),
            Self::TooLong { from, length, expected } => {
                write!(f, "vrrp packet from {from} too long, length {length} and expect {expected}")
            }
            Self::TooShort { from, length, expected } => write!(
                f,
                "vrrp packet from {from} too short, length {length} and expect {expected}"
            ),
            Self::HopLimit { from, hop_limit } => {
                write!(f, "invalid TTL/HL from {from}. Received {hop_limit} and expect 255")
            }
            Self::Version { from, theirs, ours } => {
                write!(f, "wrong VRRP version from {from}. Received {theirs} and expect {ours}")
            }
            Self::NoTrailer(from) => write!(f, "missing authentication trailer from {from}"),
            Self::Trailer(from, Unsigned::Malformed) => {
                write!(f, "malformed authentication trailer from {from}")
            }
            Self::Trailer(from, Unsigned::UnknownKey(id)) => {
                write!(f, "unknown authentication key id {id} from {from}")
            }
            Self::Trailer(from, Unsigned::Digest) => {
                write!(f, "invalid authentication HMAC from {from}")
            }
            Self::Trailer(from, Unsigned::Stale { skew, window }) => write!(
                f,
                "stale authentication trailer from {from}, clock skew {skew} sec exceeds window \
                 {window} sec"
            ),
            Self::Trailer(from, Unsigned::Replayed) => {
                write!(f, "replayed authentication trailer from {from}")
            }
            Self::AuthTypeInvalid { from, theirs } => {
                write!(f, "Invalid auth type from {from}: {theirs}")
            }
            Self::AuthTypeDiffers { from, theirs, ours } => {
                write!(f, "received a {theirs} auth from {from}, expecting {ours}!")
            }
            Self::Password(from) => write!(f, "received an invalid passwd from {from}!"),
            Self::NextHeader => f.write_str("AH header does not carry VRRP"),
            Self::Digest => f.write_str(
                "IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad password !",
            ),
            Self::Spi(from) => write!(f, "IPSEC AH : invalid IPSEC SPI value from {from}"),
            Self::Replayed { sequence, in_master } => write!(
                f,
                "IPSEC-AH : sequence number {sequence} already processed. Packet dropped. \
                 Local({})",
                u8::from(*in_master)
            ),
            Self::Interval { from, ours, theirs } => write!(
                f,
                "advertisement interval mismatch with {from} mine={ours} sec rcv'd={theirs} sec"
            ),
            Self::Kind { from, kind } => {
                write!(f, "Invalid packet type from {from}. {kind} and expect 1")
            }
            Self::TotalLength { from, claimed, received } => write!(
                f,
                "ip_tot_len mismatch against received length from {from}. {claimed} and received \
                 {received}"
            ),
            Self::Checksum { from, version } => {
                write!(f, "Invalid VRRPv{version} checksum from {from}")
            }
            Self::Casting { from, unicast } => {
                let (wanted, got) =
                    if *unicast { ("unicast", "multicast") } else { ("multicast", "unicast") };
                write!(f, "Expected {wanted} packet but received {got} packet from {from}")
            }
            Self::OwnerIgnores(from) => {
                write!(f, "Dropping packet(s) from {from} since we are address owner")
            }
            Self::NotAPeer(from) => write!(f, "unicast source address {from} not a unicast peer"),
            Self::PeerHopLimit { from, hop_limit, least, most } => {
                write!(f, "TTL/HL {hop_limit} from {from} not in range [{least}, {most}]")
            }
        }
    }
}
