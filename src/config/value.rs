//! Words to values: one function per type, one message per mistake.
use super::{
    address,
    diagnostic::{Certainty, Diagnostics},
    keyword::nearest,
    rules::{Rule, values as rules},
    source::Span,
    tree::{Statement, Word},
};
use crate::base::{Family, Prefix};
use std::{net::IpAddr, ops::RangeInclusive, time::Duration};

pub use super::command::script;

/// Reports a rule at a word, naming the keyword and the value.
fn refuse<'d>(
    rule: &'static Rule,
    statement: &Statement<'_>,
    word: &Word<'_>,
    out: &'d mut Diagnostics,
) -> &'d mut super::diagnostic::Diagnostic {
    out.report(rule, word.span).with("word", statement.first()).with("value", word.as_str())
}

/// Reports why a word is no number: a unit, a placeholder, text stuck to it, or no digits at all.
fn not_a_number(statement: &Statement<'_>, word: &Word<'_>, what: &str, out: &mut Diagnostics) {
    let text = word.as_str();
    let digits: &str =
        &text[..text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len())];
    let tail = &text[digits.len()..];
    if text.starts_with('<') || text.starts_with('[') {
        refuse(rules::PLACEHOLDER, statement, word, out);
    } else if digits.is_empty() || tail.is_empty() {
        refuse(rules::BAD_NUMBER, statement, word, out).with("what", what);
    } else if matches!(tail, "s" | "sec" | "secs" | "seconds" | "秒") {
        refuse(rules::UNIT, statement, word, out).with("tail", tail).mend_with(digits);
    } else if let (SECONDS, Some(seconds)) = (what, in_seconds(digits, tail)) {
        refuse(rules::OTHER_UNIT, statement, word, out)
            .with("seconds", &seconds)
            .mend_with(&*seconds);
    } else {
        refuse(rules::TAIL, statement, word, out)
            .with("tail", tail)
            .with("digits", digits)
            .replace_with(digits);
    }
}

/// Whether the first argument is `<...>`, which a template has for what its reader knows; then it is
/// reported.
pub fn is_placeholder(statement: &Statement<'_>, out: &mut Diagnostics) -> bool {
    let bracketed =
        |word: &&Word<'_>| word.as_str().starts_with('<') && word.as_str().ends_with('>');
    let word = statement.word(1).filter(bracketed);
    if let Some(word) = word {
        refuse(rules::PLACEHOLDER, statement, word, out);
    }
    word.is_some()
}

/// What [`timer`] takes.
const SECONDS: &str = "a number of seconds";

/// A time with another unit, as plain seconds.
fn in_seconds(digits: &str, unit: &str) -> Option<String> {
    let factor = match unit {
        "ms" | "毫秒" => 0.001,
        "m" | "min" | "mins" | "minutes" | "分钟" => 60.0,
        "h" | "hours" | "小时" => 3600.0,
        _ => return None,
    };
    let seconds = digits.parse::<f64>().ok()? * factor;
    Some(format!("{seconds:.3}").trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// A whole number within a range.
pub fn number(
    statement: &Statement<'_>,
    index: usize,
    range: RangeInclusive<u64>,
    out: &mut Diagnostics,
) -> Option<u64> {
    let word = statement.word(index)?;
    let text = word.as_str();
    let all_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if range.contains(&number) && all_digits => Some(number),
        Err(_) if !all_digits => {
            let negative = text.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
            if negative {
                out_of_range(statement, word, range_text(&range), out);
            } else {
                not_a_number(statement, word, "a whole number", out);
            }
            None
        }
        Ok(_) if !all_digits => {
            not_a_number(statement, word, "a whole number", out);
            None
        }
        Ok(_) | Err(_) => {
            out_of_range(statement, word, range_text(&range), out);
            None
        }
    }
}

fn range_text(range: &RangeInclusive<u64>) -> String {
    match (*range.start(), *range.end()) {
        (start, end) if end >= u64::from(u32::MAX) => format!("a number from {start} on"),
        (start, end) => format!("a number from {start} to {end}"),
    }
}

fn out_of_range(statement: &Statement<'_>, word: &Word<'_>, range: String, out: &mut Diagnostics) {
    refuse(rules::OUT_OF_RANGE, statement, word, out).with("range", range);
}

/// A whole number that may be negative.
pub fn signed(
    statement: &Statement<'_>,
    index: usize,
    range: RangeInclusive<i64>,
    out: &mut Diagnostics,
) -> Option<i64> {
    let word = statement.word(index)?;
    match word.as_str().parse::<i64>() {
        Ok(number) if range.contains(&number) => Some(number),
        Ok(_) => {
            let text = format!("a number from {} to {}", range.start(), range.end());
            out_of_range(statement, word, text, out);
            None
        }
        Err(_) => {
            not_a_number(statement, word, "a whole number", out);
            None
        }
    }
}

/// Seconds with up to six decimals. A unit is an error: keepalived takes `6s` as 6 µs, or drops it.
pub fn timer(
    statement: &Statement<'_>,
    index: usize,
    range: RangeInclusive<Duration>,
    out: &mut Diagnostics,
) -> Option<Duration> {
    let word = statement.word(index)?;
    let Some(time) = seconds(word.as_str()) else {
        not_a_number(statement, word, SECONDS, out);
        return None;
    };
    if !range.contains(&time) {
        let (start, end) = (range.start().as_secs_f64(), range.end().as_secs_f64());
        let text = if *range.end() >= Duration::from_secs(4_294_967) {
            format!("seconds from {start} on")
        } else {
            format!("seconds from {start} to {end}")
        };
        out_of_range(statement, word, text, out);
        return None;
    }
    Some(time)
}

/// Decimal seconds, to the microsecond.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let places = decimals.bytes().map(|digit| u64::from(digit - b'0')).chain(std::iter::repeat(0));
    let micros = places.take(6).fold(0, |micros, digit| micros * 10 + digit);
    Some(Duration::from_secs(whole) + Duration::from_micros(micros))
}

/// `on`, `off` and their like; nothing is `on`.
pub fn boolean(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<bool> {
    match statement.word(1) {
        None => Some(true),
        Some(word) => match word.as_str() {
            "on" | "true" | "yes" => Some(true),
            "off" | "false" | "no" => Some(false),
            _ => {
                refuse(rules::BAD_BOOLEAN, statement, word, out);
                None
            }
        },
    }
}

/// An address; a prefix length behind it is reported and ignored, as keepalived does silently.
pub fn ip(statement: &Statement<'_>, index: usize, out: &mut Diagnostics) -> Option<IpAddr> {
    let word = statement.word(index)?;
    let text = word.as_str();
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some((address, tail)) = text.split_once(['/', '-'])
        && let Ok(parsed) = address.parse()
    {
        refuse(rules::MASK_IGNORED, statement, word, out)
            .with("tail", &text[address.len()..])
            .mend_with(address);
        debug_assert!(tail.len() < text.len());
        return Some(parsed);
    }
    not_an_address(statement, word, out);
    None
}

fn not_an_address(statement: &Statement<'_>, word: &Word<'_>, out: &mut Diagnostics) {
    let takes_port = matches!(statement.first(), "virtual_server" | "real_server" | "sorry_server");
    let with_port = address::and_port(word.as_str());
    if let Some((address, port)) = with_port.filter(|_| takes_port) {
        let found = refuse(rules::ADDRESS_AND_PORT, statement, word, out)
            .replace_with(format!("{address} {port}"));
        if statement.words.len() == 2 {
            found.certainty = Certainty::Certain;
        }
    } else if !address::explain(statement.first(), word, out) {
        refuse(rules::HOST_NAME, statement, word, out);
    }
}

/// `ADDRESS/LENGTH`, or `ADDRESS` alone for one host.
pub fn prefix(statement: &Statement<'_>, index: usize, out: &mut Diagnostics) -> Option<Prefix> {
    let word = statement.word(index)?;
    let text = word.as_str();
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        not_an_address(statement, word, out);
        return None;
    };
    let bits = Family::of(&address).bits();
    match length.map(str::parse::<u8>) {
        None => Some(Prefix::host(address)),
        Some(Ok(length)) if length <= bits => Some(Prefix { address, length }),
        Some(Ok(_) | Err(_)) => {
            refuse(rules::BAD_LENGTH, statement, word, out).with("bits", bits);
            None
        }
    }
}

/// 1 to 65535, or 0 for none.
pub fn port(statement: &Statement<'_>, index: usize, out: &mut Diagnostics) -> Option<u16> {
    let number = number(statement, index, 0..=65535, out)?;
    u16::try_from(number).ok()
}

/// One of a list of words, spelt exactly; a near one is suggested.
pub fn one_of<'l>(
    statement: &Statement<'_>,
    index: usize,
    list: &[&'l str],
    out: &mut Diagnostics,
) -> Option<&'l str> {
    let word = statement.word(index)?;
    let text = word.as_str();
    if let Some(known) = list.iter().find(|known| **known == text) {
        return Some(known);
    }
    let choices = list.join(", ");
    if text.contains('|') {
        refuse(rules::NOTATION, statement, word, out).with("choices", choices);
    } else if !refuse_near(statement, word, list, out) {
        refuse(rules::NOT_IN_LIST, statement, word, out).with("choices", choices);
    }
    None
}

/// Reports the word of a list that a word is near to; false where there is none.
pub fn refuse_near(
    statement: &Statement<'_>,
    word: &Word<'_>,
    list: &[&str],
    out: &mut Diagnostics,
) -> bool {
    let near = nearest_value(word.as_str(), list);
    if let Some((near, certainty)) = near {
        refuse(rules::NOT_IN_LIST_NEAR, statement, word, out)
            .with("near", near)
            .replace_with(near)
            .certainty = certainty;
    }
    near.is_some()
}

/// Values are short, so one slip counts even in words of three letters.
pub(super) fn nearest_value<'l>(text: &str, list: &[&'l str]) -> Option<(&'l str, Certainty)> {
    nearest(text, list.iter().copied()).or_else(|| {
        let near = list.iter().copied().filter(|known| {
            strsim::damerau_levenshtein(&text.to_lowercase(), &known.to_lowercase()) <= 1
        });
        near.max_by_key(|known| known.len()).map(|known| (known, Certainty::Likely))
    })
}

/// Hexadecimal digits of the words from `index` on, two a byte; `None` after a mistake.
pub fn hex(statement: &Statement<'_>, index: usize, out: &mut Diagnostics) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    for word in statement.words.get(index..).unwrap_or_default() {
        let text = word.as_str();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            refuse(rules::BAD_HEX, statement, word, out);
            return None;
        }
        // An odd digit before a blank is a byte of its own.
        let digits: Vec<u8> = text
            .chars()
            .filter_map(|c| c.to_digit(16))
            .filter_map(|d| u8::try_from(d).ok())
            .collect();
        bytes.extend(
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)),
        );
    }
    Some(bytes)
}

/// The span of a word, or of the whole statement where the word is absent.
#[must_use]
pub fn span_of(statement: &Statement<'_>, index: usize) -> Span {
    statement.word(index).map_or(statement.span, |word| word.span)
}

/// The first argument, split off as a script's command is and then unescaped: `regex` is written
/// `\\d` for `\d`.
pub fn one_raw_word(statement: &Statement<'_>) -> Option<String> {
    super::command::argument(&statement.raw)
}
