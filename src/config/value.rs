//! Words to values: one function per type, one message per mistake.
use super::{diagnostic::Diagnostics, rules::values as rules, tree::Statement};
use crate::base::{Prefix, Script};
use std::{net::IpAddr, ops::RangeInclusive, time::Duration};

pub(super) fn number(
    s: &Statement<'_>,
    index: usize,
    range: RangeInclusive<u64>,
    out: &mut Diagnostics,
) -> Option<u64> {
    let w = s.word(index)?;
    match w.as_str().parse::<u64>() {
        Ok(n) if range.contains(&n) => Some(n),
        Ok(n) => {
            out.report(rules::OUT_OF_RANGE, w.span)
                .with("value", n)
                .with("word", s.first())
                .with("range", format!("{}..{}", range.start(), range.end()));
            None
        }
        Err(_) => {
            out.report(rules::BAD_NUMBER, w.span)
                .with("value", w.as_str())
                .with("word", s.first())
                .with("range", "");
            None
        }
    }
}
pub(super) fn timer(
    s: &Statement<'_>,
    index: usize,
    range: RangeInclusive<Duration>,
    out: &mut Diagnostics,
) -> Option<Duration> {
    let w = s.word(index)?;
    match w.as_str().parse::<f64>() {
        Ok(n) if n >= 0.0 && range.contains(&Duration::from_secs_f64(n)) => {
            Some(Duration::from_secs_f64(n))
        }
        _ => {
            out.report(rules::BAD_NUMBER, w.span)
                .with("value", w.as_str())
                .with("word", s.first())
                .with("range", "");
            None
        }
    }
}
pub(super) fn boolean(s: &Statement<'_>, _out: &mut Diagnostics) -> Option<bool> {
    match s.word(1).map(|w| w.as_str()) {
        None | Some("on" | "true" | "yes") => Some(true),
        Some("off" | "false" | "no") => Some(false),
        _ => None,
    }
}
pub(super) fn ip(s: &Statement<'_>, index: usize, out: &mut Diagnostics) -> Option<IpAddr> {
    let w = s.word(index)?;
    let got = w.as_str().split('/').next().and_then(|t| t.parse().ok());
    if got.is_none() {
        out.report(rules::BAD_NUMBER, w.span)
            .with("value", w.as_str())
            .with("word", s.first())
            .with("range", "");
    }
    got
}
pub(super) fn prefix(s: &Statement<'_>, index: usize, out: &mut Diagnostics) -> Option<Prefix> {
    let w = s.word(index)?;
    let got = match w.as_str().split_once('/') {
        Some((a, l)) => {
            a.parse().ok().zip(l.parse().ok()).map(|(address, length)| Prefix { address, length })
        }
        None => w.as_str().parse().ok().map(Prefix::host),
    };
    if got.is_none() {
        out.report(rules::BAD_NUMBER, w.span)
            .with("value", w.as_str())
            .with("word", s.first())
            .with("range", "");
    }
    got
}
pub(super) fn script(s: &Statement<'_>, _out: &mut Diagnostics) -> Option<Script> {
    let w = s.word(1)?;
    let argv: Vec<String> = w.as_str().split_whitespace().map(str::to_owned).collect();
    (!argv.is_empty()).then(|| Script {
        argv,
        user: s.word(2).map(|w| w.as_str().to_owned()),
        group: s.word(3).map(|w| w.as_str().to_owned()),
    })
}
