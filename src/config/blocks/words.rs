//! Words of a statement as the small types of the model; complaints come from `value`.
use crate::config::{diagnostic::Diagnostics, source::Spanned, tree::Statement, value};
use std::{ops::RangeInclusive, time::Duration};

/// Word `index` as a number that fits `T`. `range` must lie within `T`.
pub(super) fn number<T: TryFrom<u64>>(
    statement: &Statement<'_>,
    index: usize,
    range: RangeInclusive<u64>,
    out: &mut Diagnostics,
) -> Option<T> {
    value::number(statement, index, range, out).and_then(|number| T::try_from(number).ok())
}

/// The first argument as whole seconds.
pub(super) fn whole_seconds(
    statement: &Statement<'_>,
    range: RangeInclusive<u64>,
    out: &mut Diagnostics,
) -> Option<Duration> {
    value::number(statement, 1, range, out).map(Duration::from_secs)
}

/// The first argument as seconds with a fraction.
pub(super) fn seconds(
    statement: &Statement<'_>,
    range: RangeInclusive<Duration>,
    out: &mut Diagnostics,
) -> Option<Duration> {
    value::timer(statement, 1, range, out)
}

/// The first argument as it is written.
pub(super) fn text(statement: &Statement<'_>) -> Option<String> {
    statement.word(1).map(|word| word.as_str().to_owned())
}

/// The first argument and where it is written.
pub(super) fn name(statement: &Statement<'_>) -> Option<Spanned<String>> {
    word(statement, 1)
}

/// Word `index` and where it is written.
pub(super) fn word(statement: &Statement<'_>, index: usize) -> Option<Spanned<String>> {
    statement.word(index).map(|word| Spanned { value: word.as_str().to_owned(), span: word.span })
}

/// Puts `value` in place unless it is absent: what did not parse leaves an earlier value alone.
pub(super) fn set<T>(into: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *into = value;
    }
}

/// An apply function: the keyword sets a flag of `Draft` from its optional on/off.
macro_rules! take_flag {
    ($($field:ident).+) => {
        (|d: &mut Draft, s: &$crate::config::tree::Statement<'_>, out: &mut $crate::config::diagnostic::Diagnostics| {
            $crate::config::blocks::words::set(&mut d.$($field).+, $crate::config::value::boolean(s, out));
        }) as $crate::config::keyword::Apply<Draft>
    };
}
/// An apply function: the keyword is a number of the draft.
macro_rules! take_count {
    ($range:expr, $($field:ident).+) => {
        (|d: &mut Draft, s: &$crate::config::tree::Statement<'_>, out: &mut $crate::config::diagnostic::Diagnostics| {
            $crate::config::blocks::words::set(&mut d.$($field).+, $crate::config::blocks::words::number(s, 1, $range, out));
        }) as $crate::config::keyword::Apply<Draft>
    };
}
/// An apply function: the keyword is a time of the draft.
macro_rules! take_time {
    ($range:expr, $($field:ident).+) => {
        (|d: &mut Draft, s: &$crate::config::tree::Statement<'_>, out: &mut $crate::config::diagnostic::Diagnostics| {
            $crate::config::blocks::words::set(&mut d.$($field).+, $crate::config::blocks::words::seconds(s, $range, out));
        }) as $crate::config::keyword::Apply<Draft>
    };
}
/// An apply function: the keyword is a word of the draft.
macro_rules! take_word {
    ($($field:ident).+) => {
        (|d: &mut Draft, s: &$crate::config::tree::Statement<'_>, _: &mut $crate::config::diagnostic::Diagnostics| {
            $crate::config::blocks::words::set(&mut d.$($field).+, $crate::config::blocks::words::text(s));
        }) as $crate::config::keyword::Apply<Draft>
    };
}
pub(super) use {take_count, take_flag, take_time, take_word};
