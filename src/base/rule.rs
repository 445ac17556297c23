//! Routing rules as the kernel is told them (linux/fib_rules.h), and as configuration gives them.
use super::{Family, Prefix, Realms};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One rule. The kernel tells rules apart by all of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    pub family: Family,
    /// `not`: it applies to what does not match.
    pub invert: bool,
    pub from: Option<Prefix>,
    pub to: Option<Prefix>,
    /// Interface that a packet came in by.
    pub iif: Option<String>,
    /// Interface that the packet's socket is bound to.
    pub oif: Option<String>,
    /// Mark and mask.
    pub mark: Option<(u32, u32)>,
    pub tos: u8,
    /// IPPROTO_*.
    pub ip_protocol: Option<u8>,
    /// First and last.
    pub source_ports: Option<(u16, u16)>,
    /// First and last.
    pub destination_ports: Option<(u16, u16)>,
    /// First and last user id.
    pub users: Option<(u32, u32)>,
    pub tunnel: Option<u64>,
    /// The smaller, the earlier it is looked at.
    pub preference: u32,
    /// IPv4 only.
    pub realms: Option<Realms>,
    /// Routes with this prefix length or a shorter one do not count.
    pub suppress_prefix_length: Option<u32>,
    /// Routes that leave by an interface of this group do not count.
    pub suppress_group: Option<u32>,
    /// RTPROT_*: keepalived 18 for tracked ones.
    pub protocol: u8,
    pub action: RuleAction,
    /// Whether somebody's deleting it, or its interface's absence, counts.
    pub track: bool,
}

/// FR_ACT_*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RuleAction {
    /// Look into this table.
    Table(u32),
    /// Go on at this preference.
    Goto(u32),
    Nop,
    Blackhole,
    Unreachable,
    Prohibit,
    /// Look into the table of the packet's VRF.
    L3mdev,
}

impl Rule {
    /// A rule that matches everything.
    #[must_use]
    pub const fn new(family: Family, preference: u32, action: RuleAction) -> Self {
        Self {
            family,
            invert: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            mark: None,
            tos: 0,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            users: None,
            tunnel: None,
            preference,
            realms: None,
            suppress_prefix_length: None,
            suppress_group: None,
            protocol: super::route::KEEPALIVED,
            action,
            track: true,
        }
    }

    /// Whether the two are one to the kernel.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        if self.track == other.track {
            return self == other;
        }
        *self == Self { track: self.track, ..other.clone() }
    }

    /// Every interface it names.
    pub fn interfaces(&self) -> impl Iterator<Item = &str> {
        self.iif.as_deref().into_iter().chain(self.oif.as_deref())
    }
}

/// What distinguishes it at a glance; not all of it.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.invert {
            f.write_str("not ")?;
        }
        match &self.from {
            Some(from) => write!(f, "from {from}")?,
            None => f.write_str("from all")?,
        }
        if let Some(to) = &self.to {
            write!(f, " to {to}")?;
        }
        if let Some(iif) = &self.iif {
            write!(f, " iif {iif}")?;
        }
        if let Some(oif) = &self.oif {
            write!(f, " oif {oif}")?;
        }
        if let Some((mark, mask)) = self.mark {
            write!(f, " fwmark {mark:#x}/{mask:#x}")?;
        }
        write!(f, " priority {}", self.preference)?;
        match self.action {
            RuleAction::Table(table) => write!(f, " lookup {table}"),
            RuleAction::Goto(target) => write!(f, " goto {target}"),
            RuleAction::Nop => f.write_str(" nop"),
            RuleAction::Blackhole => f.write_str(" blackhole"),
            RuleAction::Unreachable => f.write_str(" unreachable"),
            RuleAction::Prohibit => f.write_str(" prohibit"),
            RuleAction::L3mdev => f.write_str(" l3mdev"),
        }
    }
}
