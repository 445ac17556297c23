//! `bfd_instance`: a session that says within milliseconds whether a neighbour lives.
use super::{Drafts, trackers, words};
use crate::{
    base::Family,
    config::{
        diagnostic::{Diagnostics, Said},
        keyword::{
            Keyword,
            Takes::{Nothing, One, OptionalBool, Words},
            apply, kw,
        },
        model::BfdInstance,
        rules::trackers as tracker_rules,
        source::Spanned,
        tree::Statement,
        value,
    },
};
use std::{net::IpAddr, ops::RangeInclusive, time::Duration};

/// What a block says.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    name: Spanned<String>,
    neighbour: Option<Spanned<IpAddr>>,
    neighbour_given: bool,
    source: Option<Spanned<IpAddr>>,
    min_rx: Option<Duration>,
    min_tx: Option<Duration>,
    idle_tx: Option<Duration>,
    multiplier: Option<u8>,
    passive: bool,
    ttl: Option<u8>,
    max_hops: Option<i64>,
    multihop: Option<bool>,
    weight: Option<i32>,
    reverse: bool,
    vrrp: bool,
    checker: bool,
    said: Said,
}

pub(super) const BLOCK: &str = "bfd_instance";
/// Longer names do not fit keepalived's messages.
const LONGEST_NAME: usize = 31;
const LONGEST: Duration = Duration::from_secs(4294);

pub(super) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["neighbor_ip", "neighbour_ip"], One("ADDRESS"), |d: &mut Draft, s, out| {
        d.neighbour_given = true;
        let address = value::ip(s, 1, out);
        words::set(&mut d.neighbour, address.map(|value| Spanned { value, span: s.span }));
    })
    .doc("the other end"),
    kw(&["source_ip"], One("ADDRESS"), |d: &mut Draft, s, out| {
        let address = value::ip(s, 1, out);
        words::set(&mut d.source, address.map(|value| Spanned { value, span: s.span }));
    })
    .default("as the route to the neighbour has it")
    .doc("this end"),
    kw(&["min_rx"], One("MILLISECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.min_rx, milliseconds(s, Duration::from_millis(1)..=LONGEST, out));
    })
    .default("10")
    .range("1..4294000")
    .doc("shortest interval at which packets are taken"),
    kw(&["min_tx"], One("MILLISECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.min_tx, milliseconds(s, Duration::from_millis(1)..=LONGEST, out));
    })
    .default("10")
    .range("1..4294000")
    .doc("shortest interval at which packets are sent"),
    kw(&["idle_tx"], One("MILLISECONDS"), |d: &mut Draft, s, out| {
        words::set(&mut d.idle_tx, milliseconds(s, Duration::from_secs(1)..=LONGEST, out));
    })
    .default("1000")
    .range("1000..4294000")
    .doc("the same while the session is down"),
    kw(&["multiplier"], One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.multiplier, words::number(s, 1, 1..=255, out));
    })
    .default("5")
    .range("1..255")
    .doc("missed packets until the session is down"),
    kw(&["passive"], Nothing, |d: &mut Draft, _, _| d.passive = true)
        .default("off")
        .doc("wait for the other end to speak first"),
    kw(&["ttl", "hoplimit"], One("TTL"), |d: &mut Draft, s, out| {
        words::set(&mut d.ttl, words::number(s, 1, 1..=255, out));
    })
    .default("255; 64 for IPv6")
    .range("1..255")
    .doc("of sent packets"),
    kw(&["max_hops"], One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.max_hops, value::signed(s, 1, -1..=255, out));
    })
    .default("0")
    .range("-1..255")
    .doc("by how much the TTL of a received packet may be below `ttl`; -1 or 255: by any"),
    kw(&["multihop"], OptionalBool, |d: &mut Draft, s, out| {
        words::set(&mut d.multihop, value::boolean(s, out));
    })
    .default("off")
    .doc("port 4784 instead of 3784"),
    kw(&["weight"], Words(1, 2, "WEIGHT [reverse]"), |d: &mut Draft, s, out| {
        words::set(&mut d.weight, trackers::weight(s, 1, out));
        d.reverse |= trackers::reverse(s, 2, out);
    })
    .default("0")
    .range("-253..253")
    .doc("what it adds to the priority; 0: down means FAULT"),
    kw(&["vrrp"], Nothing, |d: &mut Draft, _, _| d.vrrp = true)
        .default("on unless checker is said")
        .doc("instances hear of it"),
    kw(&["checker"], Nothing, |d: &mut Draft, _, _| d.checker = true)
        .default("on unless vrrp is said")
        .doc("BFD_CHECK hears of it"),
];

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(name) = words::name(statement) else { return };
    let mut draft = Draft { name, ..Draft::default() };
    let start = out.here();
    apply(KEYWORDS, BLOCK, statement.body(), &mut draft, out);
    draft.said = out.since(start);
    if draft.name.value.len() > LONGEST_NAME {
        out.report(tracker_rules::BFD_NAME_LONG, draft.name.span).with("name", &draft.name.value);
    }
    if drafts.admit(BLOCK, &draft.name, tracker_rules::TRACKER_TWICE, out) {
        drafts.bfds.push(draft);
    }
}

/// The first argument as milliseconds with a fraction.
fn milliseconds(
    statement: &Statement<'_>,
    range: RangeInclusive<Duration>,
    out: &mut Diagnostics,
) -> Option<Duration> {
    let word = statement.word(1)?;
    let text = word.as_str();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let time = text.parse::<f64>().ok().filter(|_| plain);
    let time = time.and_then(|time| Duration::try_from_secs_f64(time / 1000.0).ok());
    let time = time.map(|time| Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(0)));
    let found = time.filter(|time| range.contains(time));
    if found.is_none() {
        out.report(tracker_rules::BFD_INTERVAL, word.span)
            .with("word", statement.first())
            .with("value", text)
            .with("least", range.start().as_millis())
            .with("most", range.end().as_millis());
    }
    found
}

/// All in the order of the file; what cannot work is reported and left out.
pub(super) fn settle(drafts: Vec<Draft>, out: &mut Diagnostics) -> Vec<BfdInstance> {
    let mut found: Vec<BfdInstance> = vec![];
    for draft in drafts {
        let Some(session) = draft.settle(out) else { continue };
        let ends = |s: &BfdInstance| (s.neighbour, s.source);
        if let Some(first) = found.iter().find(|known| ends(known) == ends(&session)) {
            out.report(tracker_rules::BFD_SAME_NEIGHBOUR, session.name.span)
                .with("name", &session.name.value)
                .with("address", session.neighbour)
                .label(first.name.span, "the first session with it");
            continue;
        }
        found.push(session);
    }
    found
}

impl Draft {
    fn settle(self, out: &mut Diagnostics) -> Option<BfdInstance> {
        let Some(neighbour) = self.neighbour else {
            if !self.neighbour_given && !out.explains(self.said, BLOCK, "neighbor_ip") {
                out.report(tracker_rules::BFD_NO_NEIGHBOUR, self.name.span)
                    .with("name", &self.name.value);
            }
            return None;
        };
        let family = Family::of(&neighbour.value);
        if let Some(source) = self.source.as_ref().filter(|s| Family::of(&s.value) != family) {
            out.report(tracker_rules::BFD_FAMILY, source.span)
                .with("source", source.value)
                .with("neighbour", neighbour.value);
            return None;
        }
        let ttl = self.ttl.unwrap_or(match family {
            Family::V4 => 255,
            Family::V6 => 64,
        });
        let both = self.vrrp == self.checker;
        Some(BfdInstance {
            name: self.name,
            neighbour: neighbour.value,
            source: self.source.map(|source| source.value),
            min_rx: self.min_rx.unwrap_or(Duration::from_millis(10)),
            min_tx: self.min_tx.unwrap_or(Duration::from_millis(10)),
            idle_tx: self.idle_tx.unwrap_or(Duration::from_secs(1)),
            multiplier: self.multiplier.unwrap_or(5),
            passive: self.passive,
            ttl,
            max_hops: u8::try_from(self.max_hops.unwrap_or(0)).ok().filter(|hops| *hops < 255),
            multihop: self.multihop.unwrap_or(false),
            weight: self.weight.unwrap_or(0),
            reverse: self.reverse,
            vrrp: both || self.vrrp,
            checker: both || self.checker,
        })
    }
}
