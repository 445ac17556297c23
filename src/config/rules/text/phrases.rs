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
    if let Some(chinese) = PHRASES.whole.get(english) {
        return Some((*chinese).to_owned());
    }
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
