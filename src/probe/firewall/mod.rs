//! Whether packet filters drop a router's adverts: their rules are walked as the kernel walks them.
//!
//! What is not understood of a rule makes it one that may match. A verdict is only `Drop` where every
//! rule on the way there is understood.
mod iptables;
mod nft;
#[cfg(test)]
mod tests;

pub use iptables::iptables;
pub use nft::nft;

use crate::base::{Family, Prefix};
use std::{collections::BTreeMap, net::IpAddr};

/// An advert on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert<'a> {
    pub family: Family,
    pub direction: Direction,
    pub interface: &'a str,
    /// 112, or 51 with an Authentication Header.
    pub protocol: u8,
    /// None where any router on the link may be its sender.
    pub from: Option<IpAddr>,
    pub to: IpAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// What becomes of an advert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// A rule that is not understood may decide.
    Unsure,
    Drop {
        /// The rule, or the chain whose policy it is.
        by: String,
        /// Lets adverts pass.
        command: String,
    },
}

/// Whether a rule, or a part of it, matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    Maybe,
}

impl Match {
    const fn of(matches: bool) -> Self {
        if matches { Self::Yes } else { Self::No }
    }

    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Maybe, _) | (_, Self::Maybe) => Self::Maybe,
            (Self::No, Self::No) => Self::No,
        }
    }

    const fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
        }
    }
}

/// What a rule does with what it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Accept,
    Drop,
    Return,
    /// To a chain, and back.
    Jump(String),
    /// To a chain, and not back.
    Goto(String),
    /// Logging, counting, marking.
    Continue,
    /// Somebody else decides (a queue).
    Ask,
}

/// A rule as far as one advert is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    matches: Match,
    action: Action,
    /// For people.
    text: String,
}

/// Chains of one table by name.
type Chains = BTreeMap<String, Vec<Rule>>;

/// How a chain ends.
enum End {
    Accept,
    Drop(String),
    /// At its last rule.
    Fell,
}

/// Deeper jumps are no rules that people write (the kernel's own limit is 16).
const DEEPEST: usize = 32;

/// Walks a chain. `unsure` becomes true when a rule that may match could have ended the way.
fn walk(chains: &Chains, name: &str, depth: usize, unsure: &mut bool) -> End {
    if depth > DEEPEST {
        *unsure = true;
        return End::Fell;
    }
    for rule in chains.get(name).into_iter().flatten() {
        let certain = match rule.matches {
            Match::No => continue,
            Match::Yes => true,
            Match::Maybe => false,
        };
        let target = match &rule.action {
            Action::Continue => continue,
            Action::Accept => End::Accept,
            Action::Drop => End::Drop(rule.text.clone()),
            Action::Return if certain => return End::Fell,
            Action::Return | Action::Ask => {
                *unsure = true;
                continue;
            }
            Action::Jump(chain) => walk(chains, chain, depth + 1, unsure),
            Action::Goto(chain) => {
                let end = walk(chains, chain, depth + 1, unsure);
                if certain {
                    return end;
                }
                // Where it leads there, what follows here does not count.
                *unsure = true;
                end
            }
        };
        match (target, certain) {
            (End::Fell, _) => {}
            (end @ (End::Accept | End::Drop(_)), true) => return end,
            (End::Accept, false) => *unsure = true,
            // It may be dropped: no reason to say that it is.
            (End::Drop(_), false) => {}
        }
    }
    End::Fell
}

/// Of several hooks that a packet passes, the first that drops it counts.
fn together(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let mut all = Verdict::Pass;
    for verdict in verdicts {
        match verdict {
            Verdict::Drop { .. } => return verdict,
            Verdict::Unsure => all = Verdict::Unsure,
            Verdict::Pass => {}
        }
    }
    all
}

/// Of two ways to see the same rules.
#[must_use]
pub fn either(first: Verdict, second: Verdict) -> Verdict {
    together([first, second])
}

impl Advert<'_> {
    fn is_protocol(&self, name: &str) -> Match {
        let number = match name {
            "vrrp" | "carp" => 112,
            "ah" | "ipv6-auth" => 51,
            name => match name.parse::<u8>() {
                Ok(number) => number,
                // tcp, udp, icmp: never what adverts are.
                Err(_) => return Match::No,
            },
        };
        Match::of(number == self.protocol)
    }

    /// A name, or the beginning of one and the wildcard.
    fn is_interface(&self, name: &str, wildcard: char) -> Match {
        Match::of(match name.strip_suffix(wildcard) {
            Some(beginning) => self.interface.starts_with(beginning),
            None => self.interface == name,
        })
    }

    fn is_to(&self, network: Option<Prefix>) -> Match {
        network.map_or(Match::Maybe, |network| Match::of(network.contains(self.to)))
    }

    fn is_from(&self, network: Option<Prefix>) -> Match {
        match (network, self.from) {
            (Some(network), _) if network.length == 0 => Match::Yes,
            (Some(network), Some(from)) => Match::of(network.contains(from)),
            (Some(network), None) if network.address.is_loopback() => Match::No,
            (Some(_), None) | (None, _) => Match::Maybe,
        }
    }

    /// `multicast`, `unicast`, `broadcast`, `host`: how it was addressed on the link.
    fn is_type(&self, word: &str) -> Match {
        match (word.to_ascii_lowercase().as_str(), self.direction) {
            ("multicast", _) => Match::of(self.to.is_multicast()),
            ("unicast" | "host" | "local", Direction::In) => Match::of(!self.to.is_multicast()),
            ("broadcast" | "anycast", _) => Match::No,
            (_, Direction::In | Direction::Out) => Match::Maybe,
        }
    }

    /// Adverts are one-way: to connection tracking each is the first of its kind.
    fn has_state(word: &str) -> Match {
        match word.to_ascii_lowercase().as_str() {
            "new" => Match::Yes,
            "untracked" => Match::Maybe,
            _ => Match::No,
        }
    }
}

/// `192.0.2.0/24`, `192.0.2.0/255.255.255.0` or an address.
fn network(text: &str) -> Option<Prefix> {
    let Some((address, length)) = text.split_once('/') else {
        return Some(Prefix::host(text.parse().ok()?));
    };
    let length = match length.parse::<IpAddr>() {
        Ok(IpAddr::V4(mask)) => u8::try_from(mask.to_bits().leading_ones()).ok()?,
        Ok(IpAddr::V6(mask)) => u8::try_from(mask.to_bits().leading_ones()).ok()?,
        Err(_) => length.parse().ok()?,
    };
    Some(Prefix { address: address.parse().ok()?, length })
}
