//! Address families and prefixes.
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    #[must_use]
    pub const fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Bits of an address: 32 or 128.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }
}

/// An address and how many of its leading bits name the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Prefix {
    pub address: IpAddr,
    /// 0..=32 or 0..=128.
    pub length: u8,
}

impl Prefix {
    /// The whole address space of a family: `0.0.0.0/0` or `::/0`.
    #[must_use]
    pub const fn everything(family: Family) -> Self {
        let address = match family {
            Family::V4 => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        };
        Self { address, length: 0 }
    }

    /// One address alone: `/32` or `/128`.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        Self { address, length: Family::of(&address).bits() }
    }

    #[must_use]
    pub const fn family(&self) -> Family {
        Family::of(&self.address)
    }

    /// The same with its host bits cleared.
    #[must_use]
    pub fn network(&self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length.min(32))).unwrap_or(0);
                IpAddr::from((u32::from(address) & mask).to_be_bytes())
            }
            IpAddr::V6(address) => {
                let mask =
                    u128::MAX.checked_shl(128 - u32::from(self.length.min(128))).unwrap_or(0);
                IpAddr::from((u128::from(address) & mask).to_be_bytes())
            }
        };
        Self { address, length: self.length }
    }

    /// Whether `other` lies in the network that this prefix names (host bits are ignored).
    #[must_use]
    pub fn contains(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length.min(32))).unwrap_or(0);
                (u32::from(a) ^ u32::from(b)) & mask == 0
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let mask =
                    u128::MAX.checked_shl(128 - u32::from(self.length.min(128))).unwrap_or(0);
                (u128::from(a) ^ u128::from(b)) & mask == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_no_host_bits() {
        let net = |text: &str, length| {
            Prefix { address: text.parse().unwrap(), length }.network().to_string()
        };
        assert_eq!(net("192.0.2.77", 24), "192.0.2.0/24");
        assert_eq!(net("192.0.2.77", 32), "192.0.2.77/32");
        assert_eq!(net("192.0.2.77", 0), "0.0.0.0/0");
        assert_eq!(net("2001:db8::77", 33), "2001:db8::/33");
    }

    #[test]
    fn contains_looks_at_the_leading_bits_only() {
        let net = Prefix { address: "192.0.2.77".parse().unwrap(), length: 24 };
        assert!(net.contains("192.0.2.1".parse().unwrap()));
        assert!(!net.contains("192.0.3.1".parse().unwrap()));
        assert!(!net.contains("2001:db8::1".parse().unwrap()));
        assert!(Prefix::everything(Family::V4).contains("198.51.100.1".parse().unwrap()));
        assert!(Prefix::everything(Family::V6).contains("2001:db8::1".parse().unwrap()));
        assert!(!Prefix::host("::1".parse().unwrap()).contains("::2".parse().unwrap()));
    }
}
