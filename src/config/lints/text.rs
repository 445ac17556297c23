//! Advice about the text itself: what stands twice, what is cut, what nobody uses.
use crate::config::{
    diagnostic::Diagnostics,
    parameters,
    rules::lints as rules,
    source::{FileId, Sources, Span},
    tree::Statement,
};
use std::collections::HashSet;

/// How often a block may have a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Often {
    Once,
    /// A list that may be given in parts, though hardly anybody means to.
    List,
}

/// None where it does not matter. Every line of a file comes by here.
fn often(word: &str) -> Option<Often> {
    match word {
        "interface"
        | "virtual_router_id"
        | "priority"
        | "advert_int"
        | "delay_loop"
        | "lb_algo"
        | "lvs_sched"
        | "lb_kind"
        | "lvs_method"
        | "protocol"
        | "persistence_timeout"
        | "weight"
        | "connect_timeout"
        | "connect_port"
        | "interval" => Some(Often::Once),
        "authentication"
        | "virtual_ipaddress"
        | "virtual_ipaddress_excluded"
        | "virtual_routes"
        | "track_script"
        | "track_interface"
        | "unicast_peer" => Some(Often::List),
        _ => None,
    }
}

/// A statement and everything below it.
pub(super) fn statement(statement: &Statement<'_>, sources: &Sources, out: &mut Diagnostics) {
    cut(statement, sources, out);
    let body = statement.body();
    let mut first: Vec<&Statement<'_>> = vec![];
    for line in body {
        let word = line.first();
        if let Some(often) = often(word) {
            match (first.iter().find(|earlier| earlier.first() == word), often) {
                (Some(earlier), Often::List) => {
                    out.report(rules::BLOCK_TWICE, line.span)
                        .with("word", word)
                        .label(earlier.span, "the first one");
                }
                (Some(earlier), Often::Once) => {
                    let used = line.word(1).map_or("the second", |word| word.as_str());
                    out.report(rules::VALUE_TWICE, line.span)
                        .with("word", word)
                        .with("used", used)
                        .label(earlier.span, "the first one");
                }
                (None, Often::Once | Often::List) => first.push(line),
            }
        }
        self::statement(line, sources, out);
    }
}

/// A word that goes on behind what begins a comment.
fn cut(statement: &Statement<'_>, sources: &Sources, out: &mut Diagnostics) {
    let Some(last) = statement.words.get(1..).and_then(<[_]>::last) else { return };
    let Some(file) = sources.file(last.span.file) else { return };
    let sign = match file.text.as_bytes().get(last.span.end as usize) {
        Some(b'#') => "#",
        Some(b'!') => "!",
        Some(_) | None => return,
    };
    out.report(rules::CUT_BY_COMMENT, last.span)
        .with("sign", sign)
        .with("count", last.as_str().chars().count());
}

/// Parameters that are defined and never used.
pub(super) fn definitions(sources: &Sources, out: &mut Diagnostics) {
    let mut defined = vec![];
    let mut used = HashSet::new();
    for (number, file) in sources.files.iter().enumerate() {
        let Ok(number) = u16::try_from(number) else { return };
        for (at, _) in file.text.match_indices('$') {
            let line = file.text[..at].rfind('\n').map_or(0, |end| end + 1);
            let begins = file.text[line..at].bytes().all(|byte| byte.is_ascii_whitespace());
            let rest = file.text[at..].lines().next().unwrap_or_default();
            match parameters::definition(rest).filter(|_| begins) {
                Some(name) => defined.push((name, FileId(number), at, at + 1 + name.len())),
                None => {
                    used.insert(name_at(file.text[at + 1..].trim_start_matches('{')));
                }
            }
        }
    }
    for (name, file, start, end) in defined {
        if let (false, Ok(start), Ok(end)) =
            (used.contains(name), u32::try_from(start), u32::try_from(end))
        {
            out.report(rules::DEFINITION_UNUSED, Span { file, start, end }).with("name", name);
        }
    }
}

/// The name that a text begins with.
fn name_at(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}
