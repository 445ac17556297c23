//! What stands beside a rule: its Chinese sentences, why it matters in both languages, and examples.
//!
//! The data are the `.md` files next to this one, an entry a rule; translations of words that are
//! filled into sentences, and of labels, stand in `phrases.txt`.
mod entry;
mod phrases;

#[cfg(test)]
mod tests;

use super::{AREAS, Rule};
use crate::config::diagnostic::Severity;
pub use entry::{Example, Text};
pub(crate) use phrases::phrase;
use std::{collections::BTreeMap, sync::LazyLock};

/// In which language people are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    /// Simplified characters.
    Chinese,
}

impl Language {
    /// The language of a locale's name: `zh_CN.UTF-8`, `en_GB`, `C`. Chinese in traditional
    /// characters is still nearer than English.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        match locale.get(..2) {
            Some("zh") => Self::Chinese,
            Some(_) | None => Self::English,
        }
    }
}

const FILES: [&str; 11] = [
    include_str!("language.md"),
    include_str!("values.md"),
    include_str!("global.md"),
    include_str!("vrrp.md"),
    include_str!("lvs.md"),
    include_str!("checkers.md"),
    include_str!("trackers.md"),
    include_str!("lints.md"),
    include_str!("probe.md"),
    include_str!("pair.md"),
    include_str!("servers.md"),
];

static TEXTS: LazyLock<BTreeMap<u16, Text>> = LazyLock::new(|| {
    let entries = FILES.into_iter().flat_map(entry::entries);
    entries.map(|text| (text.code, text)).collect()
});

/// What stands beside a rule; None only where a test has failed.
#[must_use]
pub fn of(rule: &Rule) -> Option<&'static Text> {
    TEXTS.get(&rule.code)
}

/// The rule's message with its `{name}`s not yet filled.
#[must_use]
pub fn message(rule: &'static Rule, language: Language) -> &'static str {
    match (language, of(rule)) {
        (Language::Chinese, Some(text)) => text.message,
        (Language::English, _) | (Language::Chinese, None) => rule.message,
    }
}

/// The rule's help with its `{name}`s not yet filled; may be empty.
#[must_use]
pub fn help(rule: &'static Rule, language: Language) -> &'static str {
    match (language, of(rule)) {
        (Language::Chinese, Some(text)) => text.help,
        (Language::English, _) | (Language::Chinese, None) => rule.help,
    }
}

/// The rule that people call `LD0117`; `0117` and lower case are taken too.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    let digits = code.trim_start_matches(['L', 'l']).trim_start_matches(['D', 'd']);
    let code: u16 = digits.parse().ok()?;
    rules().find(|rule| rule.code == code)
}

/// Every rule, in the order of the codes.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let all: BTreeMap<u16, &'static Rule> =
        AREAS.iter().flat_map(|area| area.iter()).map(|rule| (rule.code, *rule)).collect();
    all.into_values()
}

/// The word for a severity.
#[must_use]
pub fn severity(severity: Severity, language: Language) -> &'static str {
    match (severity, language) {
        (Severity::Error, Language::English) => "error",
        (Severity::Warning, Language::English) => "warning",
        (Severity::Note, Language::English) => "note",
        (Severity::Error, Language::Chinese) => "错误",
        (Severity::Warning, Language::Chinese) => "警告",
        (Severity::Note, Language::Chinese) => "提示",
    }
}

/// A line a rule: code, severity, message.
#[must_use]
pub fn list(language: Language) -> String {
    let mut text = String::new();
    for rule in rules() {
        let word = severity(rule.severity, language);
        // Two columns a Chinese character.
        let blanks = " ".repeat(match language {
            Language::English => 8 - word.len(),
            Language::Chinese => 2,
        });
        text.push_str(&format!(
            "LD{:04}  {word}{blanks}{}\n",
            rule.code,
            plain(message(rule, language))
        ));
    }
    text
}

/// All that is known about a rule: what it means, why it hurts, a wrong and a right example.
#[must_use]
pub fn explain(rule: &'static Rule, language: Language) -> String {
    let word = severity(rule.severity, language);
    let mut out = format!("{word}[LD{:04}]: {}\n", rule.code, plain(message(rule, language)));
    let Some(text) = of(rule) else { return out };
    let (why, wrong, right) = match language {
        Language::English => (text.why, "Wrong:", "Right:"),
        Language::Chinese => (text.why_chinese, "错误示例：", "正确示例："),
    };
    out.push_str(&format!("\n{why}\n"));
    for (title, example) in [(wrong, &text.wrong), (right, &text.right)] {
        out.push_str(&format!("\n{title}\n\n{}", example.shown()));
    }
    out
}

/// A template for people: `{name}` becomes `NAME`.
pub(in crate::config) fn plain(template: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    let mut chars = template.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '{' | '}' if chars.peek() == Some(&c) => text.extend(chars.next()),
            '{' if chars.peek().is_some_and(char::is_ascii_lowercase) => inside = true,
            '}' if inside => inside = false,
            c if inside => text.push(c.to_ascii_uppercase()),
            c => text.push(c),
        }
    }
    text
}
