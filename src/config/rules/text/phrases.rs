//! Chinese for labels, and for words that the parser fills into sentences.
use std::{collections::HashMap, sync::LazyLock};

/// `English = Chinese` a line. A `*` stands for any text, the n-th for the n-th.
const FILE: &str = include_str!("phrases.txt");

struct Phrases {
    whole: HashMap<&'static str, &'static str>,
    patterns: Vec<(&'static str, &'static str)>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let pairs = FILE.lines().filter_map(|line| line.split_once(" = "));
    let (patterns, whole): (Vec<_>, Vec<_>) = pairs.partition(|(english, _)| english.contains('*'));
    Phrases { whole: whole.into_iter().collect(), patterns }
});

/// The Chinese of a phrase; None where it is not known, or is a name.
pub(crate) fn phrase(english: &str) -> Option<String> {
    whole(english).or_else(|| list(english)).or_else(|| by_pattern(english))
}

fn whole(english: &str) -> Option<String> {
    PHRASES.whole.get(english).map(|chinese| (*chinese).to_owned())
}

/// `a, b or c`, where each is a single word or a phrase; None where it is no such list.
fn list(english: &str) -> Option<String> {
    let (most, last) = match english.rsplit_once(" or ") {
        Some((most, last)) => (most, Some(last)),
        None => (english, None),
    };
    if last.is_none() && !most.contains(", ") {
        return None;
    }
    let item = |text: &str| match text.contains(' ') {
        true => whole(text).or_else(|| by_pattern(text)),
        false => Some(whole(text).unwrap_or_else(|| text.to_owned())),
    };
    let mut items = vec![];
    // A phrase may hold a comma itself.
    let mut so_far = String::new();
    for part in most.split(", ") {
        so_far.push_str(if so_far.is_empty() { "" } else { ", " });
        so_far.push_str(part);
        if let Some(found) = item(&so_far) {
            items.push(found);
            so_far.clear();
        }
    }
    let last = match last {
        Some(last) => format!(" 或 {}", item(last)?),
        None => String::new(),
    };
    so_far.is_empty().then(|| items.join("、") + &last)
}

fn by_pattern(english: &str) -> Option<String> {
    PHRASES.patterns.iter().find_map(|(pattern, chinese)| {
        let mut found = matched(pattern, english)?.into_iter();
        let mut text = String::new();
        for (at, part) in chinese.split('*').enumerate() {
            if at > 0 {
                let word = found.next().unwrap_or_default();
                text.push_str(&phrase(word).unwrap_or_else(|| word.to_owned()));
            }
            text.push_str(part);
        }
        Some(text)
    })
}

/// What the `*`s of a pattern stand for in a text.
fn matched<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = pattern.split('*');
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = vec![];
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let at = if parts.peek().is_none() {
            let at = rest.len().checked_sub(part.len())?;
            rest.ends_with(part).then_some(at)?
        } else {
            rest.find(part)?
        };
        let word = rest.get(..at)?;
        if word.is_empty() {
            return None;
        }
        found.push(word);
        rest = rest.get(at + part.len()..)?;
    }
    rest.is_empty().then_some(found)
}
