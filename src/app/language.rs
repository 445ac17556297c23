//! In which language the user wants to be spoken to.
use super::cli::{Lang, LanguageArgs};
use crate::config::{
    diagnostic::Severity,
    rules::text::{Language, phrase, severity},
};

/// As asked for, else as the locale says (POSIX: LC_ALL, LC_MESSAGES, LANG; the first that is set).
pub(super) fn of(arguments: &LanguageArgs) -> Language {
    match arguments.language {
        Some(Lang::En) => Language::English,
        Some(Lang::Zh) => Language::Chinese,
        None => of_locale(),
    }
}

pub(super) fn of_locale() -> Language {
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
    let mut set = variables.filter_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    set.next().map_or(Language::English, |locale| Language::of_locale(&locale))
}

/// A sentence of ours in the user's language, as far as it is known there.
pub(super) fn say(english: &str, language: Language) -> String {
    let chinese = match language {
        Language::English => None,
        Language::Chinese => phrase(english),
    };
    chinese.unwrap_or_else(|| english.to_owned())
}

/// Says on standard error why something cannot be done.
pub(super) fn complain(why: &str, language: Language) {
    eprintln!("{}: {}", severity(Severity::Error, language), say(why, language));
}
