//! For unit tests: a text to the model, and the codes of what was found.
use super::interpret;
use crate::config::{
    diagnostic::Diagnostics,
    model::{Config, VrrpInstance},
    source::{FileId, Span},
    tree::{Block, Statement, Word},
};
use std::borrow::Cow;

/// Reads a text without includes, definitions or comments: one statement to a line, `{` at the
/// end of a line, `}` alone, words with or without quotes.
pub(super) fn read(text: &str) -> (Config, Diagnostics) {
    let mut out = Diagnostics::default();
    let mut lines = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_end()))
    });
    let statements = body(&mut lines);
    let config = interpret(statements.into_iter(), &mut out);
    (config, out)
}

/// The codes of the findings, in their order.
pub(super) fn codes(text: &str) -> Vec<u16> {
    read(text).1.iter().map(|found| found.rule.code).collect()
}

/// An instance on eth0 with VRID 51, one address, and what `more` says.
pub(super) fn instance(more: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n\
         10.0.0.100/24\n}}\n{more}\n}}\n"
    )
}

/// The only instance of a text.
pub(super) fn only(text: &str) -> VrrpInstance {
    let (config, _) = read(text);
    assert_eq!(config.vrrp.instances.len(), 1, "instances of {text}");
    config.vrrp.instances[0].clone()
}

fn body<'s>(lines: &mut impl Iterator<Item = (usize, &'s str)>) -> Vec<Statement<'s>> {
    let mut found = vec![];
    while let Some((start, line)) = lines.next() {
        let (line, opens) = match line.strip_suffix('{') {
            Some(before) => (before, true),
            None => (line, false),
        };
        if line.trim() == "}" {
            break;
        }
        let words = words(start, line);
        let (Some(first), Some(last)) = (words.first(), words.last()) else { continue };
        let span = Span { start: first.span.start, ..last.span };
        let block = opens.then(|| Block { body: body(lines), ..Block::default() });
        found.push(Statement { words, raw: Cow::Borrowed(line), block, span });
    }
    found
}

fn words(start: usize, line: &str) -> Vec<Word<'_>> {
    let mut words = vec![];
    let mut at = 0;
    while let Some(rest) = line.get(at..).filter(|rest| !rest.trim().is_empty()) {
        at += rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let (text, length) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').map(|(text, _)| (text, text.len() + 2)).unwrap(),
            None => rest.split_once(' ').map_or((rest, rest.len()), |(text, _)| (text, text.len())),
        };
        let offset = |n: usize| u32::try_from(start + n).unwrap();
        let span = Span { file: FileId(0), start: offset(at), end: offset(at + length) };
        words.push(Word { text: Cow::Borrowed(text), span });
        at += length;
    }
    words
}
