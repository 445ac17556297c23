//! From files to statements and braces: conditional lines, definitions, loops, parameters and
//! includes are resolved here, one line at a time, so that a large file is never held twice.
use super::{
    diagnostic::Diagnostics,
    lexer,
    line::{self, Builder, Line, Marks},
    parameters::{self, Definitions, Found},
    rules::language as rules,
    source::{FileId, Sources, Span},
    tree::Word,
};
use std::path::Path;

/// A parameter that grows beyond this is one that contains itself.
const MAX_ROUNDS: usize = 64;
/// Bytes of a line with its parameters replaced: more comes only from parameters that contain each
/// other, which double it with every round.
const LONGEST: usize = 64 * 1024;
/// Bytes that all loops and parameters of several lines may make together.
pub(super) const MOST_MADE: usize = 64 * 1024 * 1024;
/// Includes and multi-line parameters within one another.
const MAX_DEPTH: usize = 64;

/// What a line falls apart into.
#[derive(Debug)]
pub(super) enum Piece<'s> {
    /// Never without a word.
    Words {
        words: Vec<Word<'s>>,
        line: Line<'s>,
    },
    Open(Span),
    /// `indent` where the brace is the first thing on its line.
    Close {
        span: Span,
        indent: Option<u32>,
    },
}

#[derive(Debug)]
enum Frame<'s> {
    File {
        file: FileId,
        text: &'s str,
        at: usize,
        /// What a plain `include` in it demands.
        checks: Strict,
    },
    /// With the names that a loop gives values to while its lines are read.
    Lines { lines: std::vec::IntoIter<Line<'s>>, names: Vec<String> },
}

/// An iterator over the pieces of a configuration.
#[derive(Debug)]
pub(super) struct Expander<'s> {
    sources: &'s Sources,
    frames: Vec<Frame<'s>>,
    /// What stands behind a brace on the same line.
    rest: Option<Line<'s>>,
    definitions: Definitions<'s>,
    /// Pieces that were looked at too early, the next one last.
    returned: Vec<Piece<'s>>,
    /// End of the last line that was read: where a missing brace is missing.
    end: Span,
    /// Bytes that loops and parameters may still make.
    budget: usize,
}

impl<'s> Expander<'s> {
    pub(super) fn new(sources: &'s Sources, out: &mut Diagnostics) -> Self {
        let mut expander = Self {
            sources,
            frames: vec![],
            rest: None,
            definitions: Definitions::new(sources),
            returned: vec![],
            end: Span::default(),
            budget: MOST_MADE,
        };
        expander.open(FileId(0), out);
        expander
    }

    /// Where the text ended so far.
    pub(super) fn end(&self) -> Span {
        self.end
    }

    fn open(&mut self, file: FileId, out: &mut Diagnostics) {
        let Some(source) = self.sources.files.get(usize::from(file.0)) else { return };
        let mut at = 0;
        if source.text.starts_with('\u{feff}') {
            at = '\u{feff}'.len_utf8();
            out.report(rules::BYTE_ORDER_MARK, Span { file, start: 0, end: 3 }).mend_with("");
        }
        if source.utf16 {
            out.report(rules::UTF16, Span { file, start: 0, end: 1 });
        } else if source.lossy {
            let first = source.text.find('\u{fffd}').unwrap_or(0);
            let start = u32::try_from(first).unwrap_or(0);
            out.report(rules::NOT_UTF8, Span { file, start, end: start + 3 });
        }
        let checks = self.checks();
        self.frames.push(Frame::File { file, text: &source.text, at, checks });
    }

    /// Those of the file that is being read.
    fn checks(&self) -> Strict {
        let of_file = |frame: &Frame<'_>| match frame {
            Frame::File { checks, .. } => Some(*checks),
            Frame::Lines { .. } => None,
        };
        let usual = if self.sources.strict_includes { Strict::ALL } else { Strict::default() };
        self.frames.iter().rev().find_map(of_file).unwrap_or(usual)
    }

    /// Two keywords change how what follows is read.
    fn heed(&mut self, words: &[Word<'_>]) {
        let Some((first, rest)) = words.split_first() else { return };
        match first.as_str() {
            "include_check" => {
                let checks = self.checks().checked(rest.iter().map(Word::as_str));
                for frame in self.frames.iter_mut().rev() {
                    if let Frame::File { checks: known, .. } = frame {
                        *known = checks;
                        return;
                    }
                }
            }
            "random_seed" => {
                if let Some(seed) = rest.first().and_then(|word| word.as_str().parse().ok()) {
                    self.definitions.seed(seed);
                }
            }
            _ => {}
        }
    }

    /// Gives a piece back: it is the next one again.
    pub(super) fn put_back(&mut self, piece: Piece<'s>) {
        self.returned.push(piece);
    }

    /// The next physical line, or line of a multi-line parameter, without blanks at its ends.
    fn next_line(&mut self) -> Option<Line<'s>> {
        loop {
            match self.frames.last_mut()? {
                Frame::Lines { lines, names } => match lines.next() {
                    Some(line) => return Some(line.trim()),
                    None => {
                        for name in names.drain(..) {
                            self.definitions.remove(&name);
                        }
                        self.frames.pop();
                    }
                },
                Frame::File { text, at, .. } if *at >= text.len() => {
                    self.frames.pop();
                }
                Frame::File { file, text, at, .. } => {
                    let rest = &text[*at..];
                    let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
                    let (physical, start) = (&rest[..length], *at);
                    *at += length + 1;
                    let end = u32::try_from(*at - 1).unwrap_or(u32::MAX);
                    self.end = Span { file: *file, start: end, end };
                    let solid = line::solid(physical);
                    let mut line =
                        Line::straight(&physical[solid.clone()], *file, start + solid.start);
                    line.indent = Some(indent(physical));
                    return Some(line);
                }
            }
        }
    }

    /// The next statement or brace; None at the end of the configuration.
    pub(super) fn next(&mut self, out: &mut Diagnostics) -> Option<Piece<'s>> {
        if let Some(piece) = self.returned.pop() {
            return Some(piece);
        }
        loop {
            let line = match self.rest.take() {
                Some(rest) => rest,
                None => {
                    let line = lexer::strip_comment(self.next_line()?);
                    let line = lexer::strip_other_comment(line, out);
                    lexer::replace_lookalikes(lexer::replace_entities(line, out), out)
                }
            };
            if line.text.is_empty() {
                continue;
            }
            if let Some(line) = self.resolve(line, out)
                && let Some(piece) = self.split(line, out)
            {
                return Some(piece);
            }
        }
    }

    /// Steps 4 to 8 of the language: until the line is one that stands for itself.
    fn resolve(&mut self, mut line: Line<'s>, out: &mut Diagnostics) -> Option<Line<'s>> {
        for _ in 0..MAX_ROUNDS {
            if !line.marks.any(Marks::EXPAND) && include_form(&line.text).is_none() {
                return Some(line);
            }
            if let Some(condition) = line.text.strip_prefix('@') {
                let wanted = condition.split(|c: char| c.is_ascii_whitespace()).next()?;
                let (id, negated) = match wanted.strip_prefix('^') {
                    Some(id) => (id, true),
                    None => (wanted, false),
                };
                if (id == self.sources.config_id) == negated {
                    return None;
                }
                let indent = line.indent;
                let behind = 1 + wanted.len()..line.text.len();
                line = Line { indent, ..line.slice(behind).trim() };
                continue;
            }
            if let Some(blanks) = parameters::blanks_in_definition(&line.text) {
                let sign = blanks.end + 1;
                let value = sign + line::solid(&line.text[sign..]).start;
                let found = out
                    .report(rules::BLANK_IN_DEFINITION, line.span(blanks.clone()))
                    .with("name", &line.text[1..blanks.start])
                    .mend_with("");
                if value > sign {
                    found.mend_also(line.span(sign..value), "");
                }
                let mut plain = Builder::default();
                plain.copy(&line, 0..blanks.start);
                plain.copy(&line, blanks.end..line.text.len());
                line = plain.finish(line.indent);
            }
            if let Some(name) = parameters::definition(&line.text) {
                let start = line.text.find('=').map_or(line.text.len(), |at| at + 1);
                let name = name.to_owned();
                let value = line.slice(start..line.text.len()).trim();
                let body = self.body_of(value);
                self.definitions.set(name, body);
                return None;
            }
            if line.text.starts_with("~SEQ") || line.text.starts_with("~LST") {
                if let Some(fresh) = self.loop_with_values(&line, out) {
                    line = fresh;
                    continue;
                }
                let repeated = parameters::repeat(&line, &self.definitions, out)?;
                self.push(repeated.lines, repeated.names, &line, out);
                return None;
            }
            if include_form(&line.text).is_some() {
                self.include(&line, out);
                return None;
            }
            match self.definitions.substitute(&line, out) {
                Found::Nothing => return Some(line),
                Found::Line(fresh) => line = lexer::strip_comment(fresh.trim()),
                Found::Lines(mut lines) => {
                    let first = lines.remove(0);
                    self.push(lines, vec![], &line, out);
                    line = lexer::strip_comment(first.trim());
                }
            }
            if line.text.is_empty() {
                return None;
            }
            if line.text.len() > LONGEST {
                break;
            }
        }
        out.report(rules::ENDLESS_PARAMETER, line.span(0..line.text.len()));
        None
    }

    /// The lines of a definition: a value that ends with a backslash goes on, up to and with the
    /// first line that does not; a blank line ends it too.
    fn body_of(&mut self, value: Line<'s>) -> Vec<Line<'s>> {
        let mut body = vec![];
        let mut line = value;
        loop {
            let Some(kept) = line.text.strip_suffix('\\').map(str::len) else {
                body.push(line);
                return body;
            };
            body.push(line.slice(0..kept).trim());
            // A line with a comment only is as if it were not there.
            line = loop {
                let Some(next) = self.next_line() else { return body };
                if next.text.is_empty() {
                    return body;
                }
                let next = lexer::strip_comment(next);
                if !next.text.is_empty() {
                    break next;
                }
            };
        }
    }

    /// The line with the parameters of its loop's head replaced; None where there are none.
    fn loop_with_values(&self, line: &Line<'s>, out: &mut Diagnostics) -> Option<Line<'s>> {
        let end = parameters::head_end(&line.text)?;
        match self.definitions.substitute(&line.slice(0..end), out) {
            Found::Nothing | Found::Lines(_) => None,
            Found::Line(head) => {
                let mut built = Builder::default();
                built.copy(&head, 0..head.text.len());
                built.copy(line, end..line.text.len());
                Some(built.finish(line.indent))
            }
        }
    }

    fn push(
        &mut self,
        lines: Vec<Line<'s>>,
        names: Vec<String>,
        from: &Line<'s>,
        out: &mut Diagnostics,
    ) {
        if self.frames.len() >= MAX_DEPTH {
            // It would be so at the end of every other branch: once is enough.
            if std::mem::take(&mut self.budget) > 0 {
                out.report(rules::TOO_DEEP, from.span(0..from.text.len()));
            }
            return;
        }
        // A line costs something even where it is empty.
        let made: usize = lines.iter().map(|line| line.text.len() + 32).sum();
        let Some(left) = self.budget.checked_sub(made) else {
            if std::mem::take(&mut self.budget) > 0 {
                out.report(rules::ENDLESS_PARAMETER, from.span(0..from.text.len()));
            }
            return;
        };
        self.budget = left;
        if !lines.is_empty() {
            self.frames.push(Frame::Lines { lines: lines.into_iter(), names });
        }
    }

    fn include(&mut self, line: &Line<'s>, out: &mut Diagnostics) {
        let span = line.span(0..line.text.len());
        let pattern = line.text.split_once(|c: char| c.is_ascii_whitespace());
        let pattern = pattern.map_or("", |(_, pattern)| pattern.trim());
        let source = self.sources.files.get(usize::from(span.file.0));
        // The loader saw the very same line: where it found nothing to note, it came from a
        // parameter, which keepalived does not follow either.
        let Some(found) = source.and_then(|source| source.includes.get(&span.start)) else {
            out.report(rules::INCLUDE_FROM_PARAMETER, span).with("pattern", pattern);
            return;
        };
        let strict = include_form(&line.text).flatten().unwrap_or_else(|| self.checks());
        for (path, why) in &found.skipped {
            let rule = if strict.read {
                rules::INCLUDE_UNREADABLE_STRICT
            } else {
                rules::INCLUDE_UNREADABLE
            };
            let remedy = readable(why, path, pattern);
            let found = out.report(rule, span).with("path", path.display()).with("why", why);
            found.with("remedy", remedy);
        }
        let wild = pattern.contains(['*', '?', '[']);
        if found.files.is_empty() && found.skipped.is_empty() {
            let insists = strict.wildcard || strict.brace || (strict.exact && !wild);
            let rule = if insists { rules::INCLUDE_NOTHING_STRICT } else { rules::INCLUDE_NOTHING };
            let (advice, meant) = spelling(pattern);
            let found = out.report(rule, span).with("pattern", pattern).with("advice", advice);
            if let Some(meant) = meant {
                let word = line.text.split_ascii_whitespace().next().unwrap_or_default();
                found.replace_with(format!("{word} {meant}"));
            }
        }
        // That nothing was found at all has been said.
        let some = !found.files.is_empty() || !found.skipped.is_empty();
        for empty in found.empty_alternatives.iter().filter(|_| some && strict.brace) {
            out.report(rules::INCLUDE_NOTHING_STRICT, span)
                .with("pattern", empty)
                .with("advice", "use `include` where that may be");
        }
        for file in found.files.iter().rev() {
            let id = FileId(*file);
            let is_open =
                |frame: &Frame<'_>| matches!(frame, Frame::File { file, .. } if *file == id);
            if self.frames.len() >= MAX_DEPTH || self.frames.iter().any(is_open) {
                out.report(rules::TOO_DEEP, span);
                return;
            }
            self.open(id, out);
        }
    }

    /// Steps 9 and 10: up to the first brace; what stands behind it waits in `rest`.
    fn split(&mut self, line: Line<'s>, out: &mut Diagnostics) -> Option<Piece<'s>> {
        let Some(at) = lexer::find_brace(&line) else {
            let words = lexer::words(&line, out);
            self.heed(&words);
            return (!words.is_empty()).then_some(Piece::Words { words, line });
        };
        if at == 0 {
            let span = line.span(0..1);
            if line.text.len() > 1 {
                let rest = line.slice(1..line.text.len()).trim();
                self.rest = Some(rest).filter(|rest| !rest.text.is_empty());
            }
            return Some(if line.text.starts_with('{') {
                Piece::Open(span)
            } else {
                Piece::Close { span, indent: line.indent }
            });
        }
        let statement = Line { indent: line.indent, ..line.slice(0..at) }.trim();
        if &line.text[at..] == "{" {
            self.returned.push(Piece::Open(line.span(at..at + 1)));
        } else {
            self.rest = Some(line.slice(at..line.text.len()));
        }
        let words = lexer::words(&statement, out);
        self.heed(&words);
        (!words.is_empty()).then_some(Piece::Words { words, line: statement })
    }
}

/// What helps where a pattern matches nothing, and the pattern that was meant.
fn spelling(pattern: &str) -> (&'static str, Option<&str>) {
    let bare = pattern.trim_end_matches([';', ',']).trim_end().trim_matches(['"', '\'']);
    if bare.contains(char::is_whitespace) {
        ("an include line names one file or pattern: write a line for each", None)
    } else if bare.len() < pattern.len() {
        ("write it without quotes and without a mark behind it", Some(bare))
    } else {
        ("correct it: a relative path begins in the directory of this file", None)
    }
}

/// What helps where a file cannot be included.
fn readable(why: &str, path: &Path, pattern: &str) -> String {
    match why {
        "it is a directory" => format!("write `include {}/*.conf`", pattern.trim_end_matches('/')),
        "it is executable" => format!("chmod a-x {}", path.display()),
        "it is not a plain file" => "name a plain file".to_owned(),
        _ => "let root read it".to_owned(),
    }
}

fn indent(text: &str) -> u32 {
    let columns = |c| match c {
        ' ' => Some(1),
        '\t' => Some(8),
        _ => c.is_whitespace().then_some(1),
    };
    text.chars().map_while(columns).fold(0, u32::saturating_add)
}

/// What of an include line is an error where it fails (keepalived.conf(5), include_check).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Strict {
    /// A match that is no readable plain file.
    read: bool,
    /// No match of a pattern without wildcards.
    exact: bool,
    /// No match at all.
    wildcard: bool,
    /// No match of one alternative of a brace.
    brace: bool,
}

impl Strict {
    const ALL: Self = Self { read: true, exact: true, wildcard: true, brace: true };

    /// What `include_check` leaves of this: words alone replace it, those with a sign change it.
    fn checked<'w>(self, words: impl Iterator<Item = &'w str>) -> Self {
        let mut checks = self;
        let mut replaced = None;
        let mut any = false;
        for word in words {
            any = true;
            let (name, on) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
                (Some(name), _) => (name, true),
                (None, Some(name)) => (name, false),
                (None, None) => (word, true),
            };
            let base = if name.len() == word.len() {
                replaced.get_or_insert_with(Self::default)
            } else {
                &mut checks
            };
            match name {
                "read" | "readable" => base.read = on,
                "match" => base.exact = on,
                "wildcard_match" => base.wildcard = on,
                "brace_match" => base.brace = on,
                _ => {}
            }
        }
        if any { replaced.unwrap_or(checks) } else { Self::ALL }
    }
}

/// Whether a line includes something, and how strictly; None within: as `include_check` says.
pub(super) fn include_form(text: &str) -> Option<Option<Strict>> {
    if !text.starts_with("include") {
        return None;
    }
    let (word, _) = text.split_once(|c: char| c.is_ascii_whitespace())?;
    let none = Strict::default();
    match word {
        "include" => Some(None),
        "includer" => Some(Some(Strict { read: true, ..none })),
        "includem" => Some(Some(Strict { exact: true, ..none })),
        "includew" => Some(Some(Strict { wildcard: true, ..none })),
        "includeb" => Some(Some(Strict { exact: true, brace: true, ..none })),
        "includea" => Some(Some(Strict::ALL)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_set_added_and_taken_away() {
        let none = Strict::default();
        for (words, before, expected) in [
            ("", none, Strict::ALL),
            ("match", Strict::ALL, Strict { exact: true, ..none }),
            ("read brace_match", none, Strict { read: true, brace: true, ..none }),
            (
                "+wildcard_match",
                Strict { read: true, ..none },
                Strict { read: true, wildcard: true, ..none },
            ),
            (
                "+match -brace_match -read",
                Strict::ALL,
                Strict { read: false, brace: false, ..Strict::ALL },
            ),
        ] {
            let found = before.checked(words.split_whitespace());
            assert_eq!(found, expected, "{words}");
        }
    }
}
