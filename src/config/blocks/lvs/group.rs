//! `virtual_server_group`: addresses and marks that share one virtual_server.
use crate::{
    base::Family,
    config::{
        blocks::{Drafts, words},
        diagnostic::Diagnostics,
        model::GroupEntry,
        rules::lvs as rules,
        source::Spanned,
        tree::Statement,
        value,
    },
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of a million addresses is a mistake that must not take the machine down.
const MOST_ADDRESSES: u128 = 65_536;

#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: Spanned<String>,
    pub(super) entries: Vec<Entry>,
}

/// A line, before it is known to which family a mark belongs.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Range { first: IpAddr, last: IpAddr, port: u16 },
    Mark { mark: u32, family: Option<Family> },
}

impl Entry {
    pub(super) fn family(&self) -> Option<Family> {
        match self {
            Self::Range { first, .. } => Some(Family::of(first)),
            Self::Mark { family, .. } => *family,
        }
    }

    pub(super) fn settle(self, default: Family) -> GroupEntry {
        match self {
            Self::Range { first, last, port } => GroupEntry::Range { first, last, port },
            Self::Mark { mark, family } => {
                GroupEntry::Mark { mark, family: family.unwrap_or(default) }
            }
        }
    }
}

/// The root table's line.
pub(in crate::config::blocks) fn block(
    drafts: &mut Drafts,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    let Some(name) = words::name(statement) else { return };
    let entries: Vec<Entry> = statement.body().iter().filter_map(|line| entry(line, out)).collect();
    // Bad lines have been reported.
    if statement.body().is_empty() {
        out.report(rules::GROUP_EMPTY, name.span).with("name", &name.value);
    }
    if drafts.admit("virtual_server_group", &name, rules::GROUP_TWICE, out) {
        drafts.lvs.groups.push(Draft { name, entries });
    }
}

fn entry(line: &Statement<'_>, out: &mut Diagnostics) -> Option<Entry> {
    let word = line.words.first()?;
    let text = word.as_str();
    if text == "fwmark" {
        let mark = words::number(line, 1, 0..=u64::from(u32::MAX), out)?;
        let family = match line.word(2).is_some() {
            true => match value::one_of(line, 2, &["inet", "inet6"], out)? {
                "inet" => Some(Family::V4),
                _ => Some(Family::V6),
            },
            false => None,
        };
        return Some(Entry::Mark { mark, family });
    }
    let port = match line.word(1) {
        Some(_) => value::port(line, 1, out)?,
        None => 0,
    };
    let range = if let Some((first, last)) = text.split_once('-') {
        range(first, last)
    } else if text.contains('/') {
        let prefix = value::prefix(line, 0, out)?;
        network(prefix.address, prefix.length)
    } else {
        let address = value::ip(line, 0, out)?;
        Some((address, address))
    };
    let Some((first, last)) = range else {
        out.report(rules::GROUP_RANGE, word.span).with("range", text);
        return None;
    };
    if count_less_one(first, last) >= MOST_ADDRESSES {
        out.report(rules::GROUP_TOO_BIG, word.span)
            .with("range", text)
            .with("most", MOST_ADDRESSES);
        return None;
    }
    Some(Entry::Range { first, last, port })
}

/// How many addresses lie behind `first`, to `last`; the two are of one family.
fn count_less_one(first: IpAddr, last: IpAddr) -> u128 {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            u128::from(u32::from(last)).saturating_sub(u32::from(first).into())
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => u128::from(last).saturating_sub(first.into()),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => 0,
    }
}

/// `192.0.2.1-9`, `2001:db8::1-ff`, `192.0.2.1-192.0.2.9`; the end must lie behind the start.
fn range(first: &str, last: &str) -> Option<(IpAddr, IpAddr)> {
    let first: IpAddr = first.parse().ok()?;
    let last = match (first, last.parse()) {
        (_, Ok(last)) => last,
        (IpAddr::V4(start), Err(_)) => {
            let [a, b, c, _] = start.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, last.parse().ok()?))
        }
        (IpAddr::V6(start), Err(_)) => {
            let group = u16::from_str_radix(last, 16).ok()?;
            let bits = u128::from(start) & !0xffff | u128::from(group);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    };
    (Family::of(&first) == Family::of(&last) && last > first).then_some((first, last))
}

/// Every address of a network whose host bits are 0.
fn network(address: IpAddr, length: u8) -> Option<(IpAddr, IpAddr)> {
    match address {
        IpAddr::V4(start) => {
            let host = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let bits = u32::from(start);
            (bits & host == 0).then(|| (address, IpAddr::V4(Ipv4Addr::from(bits | host))))
        }
        IpAddr::V6(start) => {
            let host = u128::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            let bits = u128::from(start);
            (bits & host == 0).then(|| (address, IpAddr::V6(Ipv6Addr::from(bits | host))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_networks() {
        let ends = |pair: Option<(IpAddr, IpAddr)>| pair.map(|(a, b)| format!("{a} {b}"));
        assert_eq!(ends(range("192.0.2.1", "9")).as_deref(), Some("192.0.2.1 192.0.2.9"));
        assert_eq!(ends(range("192.0.2.9", "9")), None);
        assert_eq!(ends(range("192.0.2.9", "256")), None);
        assert_eq!(ends(range("2001:db8::1", "ff")).as_deref(), Some("2001:db8::1 2001:db8::ff"));
        assert_eq!(ends(range("192.0.2.1", "192.0.3.1")).as_deref(), Some("192.0.2.1 192.0.3.1"));
        let net = |text: &str, length| ends(network(text.parse().unwrap(), length));
        assert_eq!(net("192.0.2.8", 30).as_deref(), Some("192.0.2.8 192.0.2.11"));
        assert_eq!(net("192.0.2.9", 30), None);
        assert_eq!(net("192.0.2.9", 32).as_deref(), Some("192.0.2.9 192.0.2.9"));
        assert_eq!(net("2001:db8::", 126).as_deref(), Some("2001:db8:: 2001:db8::3"));
    }
}
