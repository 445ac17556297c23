//! Rule lines: `virtual_rules`, `static_rules`.
use super::{Draft, Place, RuleDraft, Shared, interface, prefix, realms};
use crate::{
    base::{Family, Prefix, Rule, RuleAction, route::KEEPALIVED},
    config::{
        blocks::line::{self, Line},
        diagnostic::Diagnostics,
        names::{Kind, Names},
        rules::global as rules,
        source::{Span, Spanned},
        tree::{Statement, Word},
    },
};

/// IPPROTO_* by the names of /etc/protocols that rules are written with.
const IP_PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// Adds the lines of a block.
pub(in crate::config::blocks) fn lines(
    into: &mut Vec<RuleDraft>,
    place: Place,
    shared: &mut Shared,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    into.extend(statement.body().iter().filter_map(|line| read(line, place, shared, out)));
}

/// What a line has said so far.
struct Building<'n> {
    names: &'n Names,
    place: Place,
    rule: Rule,
    /// `inet`, `inet6`, or of the first address.
    family: Option<Family>,
    mixed: bool,
    preference: Option<u32>,
    protocol: Option<Spanned<u8>>,
    action: Option<RuleAction>,
    actions: usize,
    realms_at: Option<Span>,
    group: Option<Spanned<String>>,
}

/// One line; None where the rule would be another than the one that is written.
fn read(
    statement: &Statement<'_>,
    place: Place,
    shared: &mut Shared,
    out: &mut Diagnostics,
) -> Option<RuleDraft> {
    let names = std::sync::Arc::clone(&shared.names);
    let mut line = Line::new(statement, rules::RULE_NEEDS_VALUE, rules::RULE_BAD_VALUE);
    let mut so_far = Building {
        names: &names,
        place,
        rule: Rule::new(Family::V4, 0, RuleAction::Nop),
        family: None,
        mixed: false,
        preference: None,
        protocol: None,
        action: None,
        actions: 0,
        realms_at: None,
        group: None,
    };
    while let Some(word) = line.next() {
        so_far.option(word, &mut line, out)?;
    }
    so_far.finish(statement.span, shared, out)
}

impl Building<'_> {
    /// Takes one option with its values; None where the rest of the line makes no sense.
    fn option(
        &mut self,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let names = self.names;
        match word.as_str() {
            "inet" => self.is_of(Family::V4),
            "inet6" => self.is_of(Family::V6),
            "not" => self.rule.invert = true,
            "from" => self.rule.from = self.network(word, line, out)?,
            "to" => self.rule.to = self.network(word, line, out)?,
            "iif" | "dev" => {
                self.rule.iif = Some(line.read(word, "an interface name", out, interface)?);
            }
            "oif" => self.rule.oif = Some(line.read(word, "an interface name", out, interface)?),
            "fwmark" => self.rule.mark = Some(line.read(word, "MARK or MARK/MASK", out, mark)?),
            "tos" | "dsfield" => {
                self.rule.tos = line.read(word, "a number up to 255 or its name", out, |text| {
                    names.find_as(Kind::Field, text)
                })?;
            }
            "ipproto" | "ip_proto" => {
                self.rule.ip_protocol =
                    Some(line.read(word, "tcp, udp, ... or a number", out, |text| {
                        super::named(IP_PROTOCOLS, &text.to_ascii_lowercase())
                            .or_else(|| line::number(text))
                    })?);
            }
            "sport" => {
                self.rule.source_ports = Some(line.read(word, "a port or A-B", out, range)?);
            }
            "dport" => {
                self.rule.destination_ports = Some(line.read(word, "a port or A-B", out, range)?);
            }
            "uidrange" => self.rule.users = Some(line.read(word, "A-B", out, range)?),
            "tunnel-id" | "tun_id" => {
                self.rule.tunnel = Some(line.read(word, "a number", out, line::number)?);
            }
            "preference" | "pref" | "priority" | "order" => {
                self.preference = Some(line.read(word, "a number", out, line::number)?);
            }
            "realms" | "realm" => {
                self.realms_at = Some(word.span);
                self.rule.realms =
                    Some(line.read(word, "TO or FROM/TO", out, |text| realms(names, text))?);
            }
            "suppress_prefixlength" | "sup_pl" => {
                self.rule.suppress_prefix_length =
                    Some(line.read(word, "0..128", out, |text| {
                        line::number(text).filter(|length| *length <= 128)
                    })?);
            }
            "suppress_ifgroup" | "sup_group" => {
                self.rule.suppress_group =
                    Some(line.read(word, "a group of interfaces", out, |text| {
                        names.find(Kind::Group, text)
                    })?);
            }
            "protocol" | "proto" => {
                let value = line.read(word, "a protocol's name or number", out, |text| {
                    names.find_as(Kind::Protocol, text)
                })?;
                self.protocol = Some(Spanned { value, span: word.span });
            }
            "no_track" => self.rule.track = false,
            "track_group" => {
                let name = line.value(word, out)?;
                self.group = Some(Spanned { value: name.as_str().to_owned(), span: name.span });
            }
            _ => return self.act(word, line, out),
        }
        Some(())
    }

    fn act(
        &mut self,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> Option<()> {
        let names = self.names;
        let action = match word.as_str() {
            "table" | "lookup" => {
                RuleAction::Table(line.read(word, "a table's name or number", out, |text| {
                    names.find(Kind::Table, text).filter(|table| *table > 0)
                })?)
            }
            "goto" => RuleAction::Goto(line.read(word, "a preference", out, line::number)?),
            "nop" => RuleAction::Nop,
            "blackhole" => RuleAction::Blackhole,
            "unreachable" => RuleAction::Unreachable,
            "prohibit" => RuleAction::Prohibit,
            "l3mdev" => RuleAction::L3mdev,
            unknown => {
                out.report(rules::RULE_UNKNOWN_WORD, word.span).with("word", unknown);
                return None;
            }
        };
        self.action = Some(action);
        self.actions += 1;
        Some(())
    }

    /// None within for everything: `all`, `0.0.0.0/0`.
    fn network(
        &mut self,
        word: &Word<'_>,
        line: &mut Line<'_, '_>,
        out: &mut Diagnostics,
    ) -> Option<Option<Prefix>> {
        let found = line.read(word, "a network or all", out, |text| match text {
            "all" | "any" | "default" => Some(None),
            other => prefix(other).map(Some),
        })?;
        if let Some(prefix) = found {
            self.is_of(prefix.family());
        }
        Some(found.filter(|prefix| prefix.length > 0))
    }

    fn is_of(&mut self, family: Family) {
        self.mixed |= self.family.is_some_and(|known| known != family);
        self.family = self.family.or(Some(family));
    }

    fn finish(
        mut self,
        span: Span,
        shared: &mut Shared,
        out: &mut Diagnostics,
    ) -> Option<RuleDraft> {
        if self.mixed {
            out.report(rules::RULE_FAMILY_MIX, span);
            return None;
        }
        let Some(action) = self.action.filter(|_| self.actions == 1) else {
            let rule = if self.actions == 0 { rules::RULE_NO_ACTION } else { rules::RULE_ACTIONS };
            out.report(rule, span);
            return None;
        };
        let family = self.family.unwrap_or(Family::V4);
        if let (Some(span), Family::V6) = (self.realms_at, family) {
            out.report(rules::RULE_REALMS_V6, span);
            return None;
        }
        self.rule.family = family;
        self.rule.action = action;
        self.rule.preference = self.preference.unwrap_or_else(|| {
            let preference = shared.next_preference(family);
            out.report(rules::RULE_NO_PREFERENCE, span).with("preference", preference);
            preference
        });
        if let RuleAction::Goto(target) = action
            && target <= self.rule.preference
        {
            out.report(rules::RULE_GOTO_BACK, span)
                .with("target", target)
                .with("preference", self.rule.preference);
            return None;
        }
        self.rule.protocol = self.settled_protocol(out);
        if let (Some(group), Place::Virtual) = (&self.group, self.place) {
            out.report(rules::TRACK_GROUP_VIRTUAL, group.span);
            self.group = None;
        }
        Some(Draft { value: self.rule, group: self.group })
    }

    /// What is looked after carries our mark; the rest what is written, or none, as keepalived
    /// has it.
    fn settled_protocol(&self, out: &mut Diagnostics) -> u8 {
        let said = self.protocol.as_ref();
        if !self.rule.track {
            return said.map_or(0, |protocol| protocol.value);
        }
        if let Some(other) = said.filter(|protocol| protocol.value != KEEPALIVED) {
            out.report(rules::TRACKED_PROTOCOL, other.span).with("protocol", other.value);
        }
        KEEPALIVED
    }
}

fn mark(text: &str) -> Option<(u32, u32)> {
    match text.split_once('/') {
        Some((mark, mask)) => Some((line::number(mark)?, line::number(mask)?)),
        None => Some((line::number(text)?, u32::MAX)),
    }
}

/// `5` or `5-9`.
fn range<T: TryFrom<u64> + PartialOrd + Copy>(text: &str) -> Option<(T, T)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (line::number(first)?, line::number(last)?);
    (first <= last).then_some((first, last))
}
