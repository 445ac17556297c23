//! Advice about the text itself: what stands twice, what is cut, what nobody uses.
use crate::config::{
    diagnostic::Diagnostics,
    parameters,
    rules::lints as rules,
    source::{FileId, Sources, Span},
    tree::Statement,
};

/// Keywords of which a block has one.
const SINGLE: &[&str] = &[
    "interface",
    "virtual_router_id",
    "priority",
    "advert_int",
    "delay_loop",
    "lb_algo",
    "lvs_sched",
    "lb_kind",
    "lvs_method",
    "protocol",
    "persistence_timeout",
    "weight",
    "connect_timeout",
    "connect_port",
    "interval",
];
/// Lists that may be given in parts, though hardly anybody means to.
const LISTS: &[&str] = &[
    "authentication",
    "virtual_ipaddress",
    "virtual_ipaddress_excluded",
    "virtual_routes",
    "track_script",
    "track_interface",
    "unicast_peer",
];

/// A statement and everything below it.
pub(super) fn statement(statement: &Statement<'_>, sources: &Sources, out: &mut Diagnostics) {
    cut(statement, sources, out);
    let body = statement.body();
    let mut first: Vec<&Statement<'_>> = vec![];
    for line in body {
        let word = line.first();
        let (single, list) = (SINGLE.contains(&word), LISTS.contains(&word));
        if single || list {
            match first.iter().find(|earlier| earlier.first() == word) {
                Some(earlier) if list => {
                    out.report(rules::BLOCK_TWICE, line.span)
                        .with("word", word)
                        .label(earlier.span, "the first one");
                }
                Some(earlier) => {
                    let used = line.word(1).map_or("the second", |word| word.as_str());
                    out.report(rules::VALUE_TWICE, line.span)
                        .with("word", word)
                        .with("used", used)
                        .label(earlier.span, "the first one");
                }
                None => first.push(line),
            }
        }
        self::statement(line, sources, out);
    }
}

/// A word that goes on behind what begins a comment.
fn cut(statement: &Statement<'_>, sources: &Sources, out: &mut Diagnostics) {
    let Some(last) = statement.words.get(1..).and_then(<[_]>::last) else { return };
    let Some(file) = sources.file(last.span.file) else { return };
    let behind = file.text.get(last.span.end as usize..).unwrap_or_default();
    if let Some(sign) = ["#", "!"].into_iter().find(|sign| behind.starts_with(sign)) {
        out.report(rules::CUT_BY_COMMENT, last.span)
            .with("sign", sign)
            .with("count", last.as_str().chars().count());
    }
}

/// Parameters that are defined and never used.
pub(super) fn definitions(sources: &Sources, out: &mut Diagnostics) {
    let mut defined = vec![];
    for (number, file) in sources.files.iter().enumerate() {
        let Ok(number) = u16::try_from(number) else { return };
        let mut at = 0;
        for line in file.text.split_inclusive('\n') {
            let blank = line.len() - line.trim_start().len();
            if let Some(name) = parameters::definition(line.trim_start()) {
                let start = at + blank;
                defined.push((name, FileId(number), start, start + 1 + name.len()));
            }
            at += line.len();
        }
    }
    for (name, file, start, end) in defined {
        let used = sources.files.iter().any(|file| {
            ["$", "${"].iter().any(|opener| uses(&file.text, &format!("{opener}{name}")))
        });
        if let (false, Ok(start), Ok(end)) = (used, u32::try_from(start), u32::try_from(end)) {
            out.report(rules::DEFINITION_UNUSED, Span { file, start, end }).with("name", name);
        }
    }
}

/// Whether `used` stands in the text other than where it is defined.
fn uses(text: &str, used: &str) -> bool {
    text.match_indices(used).any(|(at, _)| {
        let next = text[at + used.len()..].chars().next();
        next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '=')
    })
}
