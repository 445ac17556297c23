//! `encap`: what a route wraps its packets in.
use crate::{
    base::{Encapsulation, Family, TunnelHeader},
    config::{
        blocks::line::{self, Line},
        diagnostic::Diagnostics,
        rules::global as rules,
        tree::Word,
    },
};
use std::net::{IpAddr, Ipv6Addr};

/// 20 bits (RFC 3032 §2.1).
const HIGHEST_LABEL: u32 = 0xf_ffff;
/// Kinds of ip-route(8) that are not offered, and why.
const REFUSED: &[(&str, &str)] = &[
    ("bpf", "programs are loaded by `ip route` only; keepalived cannot either"),
    ("seg6local", "its actions are those of an endpoint, not of a route that moves with a master"),
    ("rpl", "keepalived cannot either; add the route in a notify script"),
    ("ioam6", "keepalived cannot either; add the route in a notify script"),
    ("xfrm", "keepalived cannot either; add the route in a notify script"),
];

/// What stands behind `encap`, up to the first word of another kind. None where it is not
/// understood: that has been said.
pub(super) fn read(
    word: &Word<'_>,
    line: &mut Line<'_, '_>,
    out: &mut Diagnostics,
) -> Option<Encapsulation> {
    let kind = line.value(word, out)?;
    match kind.as_str() {
        "mpls" => mpls(kind, line, out),
        "ip" => header(Family::V4, kind, line, out).map(Encapsulation::Ip),
        "ip6" => header(Family::V6, kind, line, out).map(Encapsulation::Ip6),
        "ila" => line.read(kind, "a locator: a:b:c:d", out, locator).map(Encapsulation::Ila),
        "seg6" => segments(kind, line, out),
        other => {
            match REFUSED.iter().find(|(name, _)| *name == other) {
                Some((_, why)) => out
                    .report(rules::ROUTE_ENCAP_REFUSED, kind.span)
                    .with("kind", other)
                    .with("why", why),
                None => out
                    .report(rules::ROUTE_BAD_VALUE, kind.span)
                    .with("value", other)
                    .with("word", "encap")
                    .with("takes", "mpls, ip, ip6, ila or seg6"),
            };
            None
        }
    }
}

/// `100/200 [ttl N]`.
fn mpls(kind: &Word<'_>, line: &mut Line<'_, '_>, out: &mut Diagnostics) -> Option<Encapsulation> {
    let label = |text: &str| line::number(text).filter(|label: &u32| *label <= HIGHEST_LABEL);
    let read = |text: &str| text.split('/').map(label).collect::<Option<Vec<u32>>>();
    let labels = line.read(kind, "labels from 0 to 1048575: 100/200", out, read)?;
    let ttl = match next_is(line, &["ttl"]) {
        Some(word) => Some(line.read(word, "0..255", out, line::number)?),
        None => None,
    };
    Some(Encapsulation::Mpls { labels, ttl })
}

/// The words of `encap ip` and `encap ip6`, in any order.
fn header(
    family: Family,
    _kind: &Word<'_>,
    line: &mut Line<'_, '_>,
    out: &mut Diagnostics,
) -> Option<TunnelHeader> {
    const FOR_IP: &[&str] = &["id", "dst", "src", "tos", "ttl", "key", "csum", "seq"];
    const FOR_IP6: &[&str] = &["id", "dst", "src", "tc", "hoplimit", "key", "csum", "seq"];
    let known = match family {
        Family::V4 => FOR_IP,
        Family::V6 => FOR_IP6,
    };
    let address = |text: &str| text.parse().ok().filter(|a: &IpAddr| Family::of(a) == family);
    let takes = match family {
        Family::V4 => "an IPv4 address",
        Family::V6 => "an IPv6 address",
    };
    let mut found = TunnelHeader::default();
    while let Some(word) = next_is(line, known) {
        match word.as_str() {
            "id" => found.id = Some(line.read(word, "a number", out, line::number)?),
            "dst" => found.destination = Some(line.read(word, takes, out, address)?),
            "src" => found.source = Some(line.read(word, takes, out, address)?),
            "tos" | "tc" => found.tos = Some(line.read(word, "0..255", out, line::number)?),
            "ttl" | "hoplimit" => {
                found.ttl = Some(line.read(word, "0..255", out, line::number)?);
            }
            "key" => found.key = true,
            "csum" => found.checksum = true,
            _ => found.sequence = true,
        }
    }
    Some(found)
}

/// `mode encap|inline segs A,B [hmac KEY]`.
fn segments(
    kind: &Word<'_>,
    line: &mut Line<'_, '_>,
    out: &mut Diagnostics,
) -> Option<Encapsulation> {
    let mut inline = false;
    let mut segments: Vec<Ipv6Addr> = vec![];
    let mut hmac = None;
    while let Some(word) = next_is(line, &["mode", "segs", "hmac"]) {
        match word.as_str() {
            "mode" => {
                inline = line.read(word, "encap or inline", out, |text| match text {
                    "encap" => Some(false),
                    "inline" => Some(true),
                    _ => None,
                })?;
            }
            "segs" => {
                segments =
                    line.read(word, "IPv6 addresses with commas between them", out, |t| {
                        t.split(',').map(|segment| segment.parse().ok()).collect()
                    })?;
            }
            _ => hmac = Some(line.read(word, "the id of a key", out, line::number)?),
        }
    }
    if segments.is_empty() {
        out.report(rules::ROUTE_NEEDS_VALUE, kind.span).with("word", "encap seg6");
        return None;
    }
    Some(Encapsulation::Seg6 { inline, segments, hmac })
}

/// The upper half of an address, `:` between its four groups.
fn locator(text: &str) -> Option<u64> {
    let groups: Option<Vec<u16>> =
        text.split(':').map(|group| u16::from_str_radix(group, 16).ok()).collect();
    let groups: [u16; 4] = groups?.try_into().ok()?;
    Some(groups.into_iter().fold(0, |all, group| all << 16 | u64::from(group)))
}

/// The next word, if it is one of these; then it is behind us.
fn next_is<'a, 's>(line: &mut Line<'a, 's>, words: &[&str]) -> Option<&'a Word<'s>> {
    line.peek().is_some_and(|next| words.contains(&next)).then(|| line.next()).flatten()
}
