//! The characters of one line: comments, quotes, braces, words, and look-alikes of them that
//! editors and blogs put in their place.
use super::{
    diagnostic::Diagnostics,
    line::{Builder, Line, Marks},
    rules::{Rule, language as rules},
    source::Span,
    tree::Word,
};
use nom::{
    IResult, Parser,
    bytes::complete::{take_till, take_till1, take_while},
    character::complete::char,
};
use std::{borrow::Cow, ops::Range};

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0b' | b'\x0c')
}

/// Calls `visit` with each character outside `"…"` and its offset, until it answers true; answers
/// that offset. A character behind a backslash is skipped when it would start a comment.
fn find_unquoted(text: &str, visit: impl Fn(char, usize) -> bool) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if std::mem::replace(&mut escaped, false) && matches!(c, '#' | '!') {
            continue;
        }
        match c {
            '"' => quoted = !quoted,
            '\\' if !quoted => escaped = true,
            _ if quoted => {}
            _ if visit(c, at) => return Some(at),
            _ => {}
        }
    }
    None
}

/// The line without its comment. `\#` and `\!` become the plain character.
pub(super) fn strip_comment<'s>(line: Line<'s>) -> Line<'s> {
    if !line.marks.any(Marks::COMMENT) {
        return line;
    }
    let indent = line.indent;
    let line = match find_unquoted(&line.text, |c, _| matches!(c, '#' | '!')) {
        Some(at) => Line { indent, ..line.slice(0..at) }.trim(),
        None => line,
    };
    if !line.text.contains("\\#") && !line.text.contains("\\!") {
        return line;
    }
    let mut plain = Builder::default();
    let mut done = 0;
    let mut quoted = false;
    for (at, c) in line.text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '\\' if !quoted && line.text[at + 1..].starts_with(['#', '!']) => {
                plain.copy(&line, done..at);
                done = at + 1;
            }
            _ => {}
        }
    }
    plain.copy(&line, done..line.text.len());
    plain.finish(indent)
}

/// The first brace outside `"…"`. Those of a parameter that is not defined (`${X}`) do not count.
pub(super) fn find_brace(line: &Line<'_>) -> Option<usize> {
    let text: &str = &line.text;
    if !line.marks.any(Marks::BRACE) {
        return None;
    }
    if !line.marks.any(Marks::QUOTE) && !line.marks.any(Marks::EXPAND) {
        return memchr::memchr2(b'{', b'}', text.as_bytes());
    }
    let mut from = 0;
    loop {
        let at = from + find_unquoted(&text[from..], |c, _| matches!(c, '{' | '}'))?;
        let parameter = text[at..].starts_with('{') && text[..at].ends_with('$');
        match parameter.then(|| text[at..].find('}')).flatten() {
            Some(close) => from = at + close + 1,
            None => return Some(at),
        }
    }
}

/// Where a look-alike stands, which it is, and what is meant.
type Lookalike = (Span, char, String);

/// Replaces characters that look like the language's own but are not: full-width braces, curly
/// quotes, blanks that are none. Reports each kind once a line: an opening and a closing quote are one mistake.
pub(super) fn replace_lookalikes<'s>(line: Line<'s>, out: &mut Diagnostics) -> Line<'s> {
    if !line.marks.any(Marks::WIDE) {
        return line;
    }
    let mut plain = Builder::default();
    let mut done = 0;
    let mut quoted = false;
    let mut seen: Vec<(&'static Rule, Vec<Lookalike>)> = vec![];
    for (at, c) in line.text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        }
        let (meant, rule) = match c {
            _ if quoted || c.is_ascii() => continue,
            '\u{a0}' | '\u{3000}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' => {
                (" ".to_owned(), rules::STRANGE_BLANK)
            }
            _ if is_invisible(c) => (String::new(), rules::INVISIBLE),
            '｛' => ("{".to_owned(), rules::WIDE_BRACE),
            '｝' => ("}".to_owned(), rules::WIDE_BRACE),
            '“' | '”' | '„' | '＂' => ("\"".to_owned(), rules::CURLY_QUOTE),
            _ => match narrow(c).filter(|_| is_in_figures(&line.text, at)) {
                Some(meant) => (meant.to_string(), rules::WIDE_CHARACTER),
                None => continue,
            },
        };
        let span = line.span(at..at + c.len_utf8());
        plain.copy(&line, done..at);
        plain.insert(&meant, span);
        done = at + c.len_utf8();
        match seen.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, places)) => places.push((span, c, meant)),
            None => seen.push((rule, vec![(span, c, meant)])),
        }
    }
    for (rule, places) in seen {
        let mut places = places.into_iter();
        let Some((span, c, meant)) = places.next() else { continue };
        let found = out
            .report(rule, span)
            .with("code", format!("U+{:04X}", u32::from(c)))
            .with("character", c)
            .with("meant", &meant)
            .mend_with(meant);
        for (span, _, meant) in places {
            found.mend_also(span, meant);
        }
    }
    if done == 0 {
        return line;
    }
    plain.copy(&line, done..line.text.len());
    plain.finish(line.indent)
}

/// Joiners, soft hyphens, byte order marks, and marks of the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}')
}

/// What is meant by the characters of an input method for Chinese, or of a word processor. `；`
/// and `＃` mean something else where they stand.
fn narrow(c: char) -> Option<char> {
    match c {
        '\u{2010}'..='\u{2014}' | '\u{2212}' => Some('-'),
        '。' => Some('.'),
        '；' | '＃' | '！' => None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        _ => None,
    }
}

/// Characters that are looked at to either side.
const LONGEST_FIGURES: usize = 128;

/// Whether the word around this place is a number, an address or a path when its characters are
/// replaced: any other word may be a name, and names are the user's.
fn is_in_figures(text: &str, at: usize) -> bool {
    // `priority：１００`: what stands behind the sign is looked at for itself.
    let own = text[at..].chars().next();
    let ends =
        |c: &char| c.is_whitespace() || *c == '"' || matches!(c, '：' | '＝') && Some(*c) != own;
    let before = text[..at].chars().rev().take(LONGEST_FIGURES).take_while(|c| !ends(c));
    let start = at - before.map(char::len_utf8).sum::<usize>();
    let word = text[start..].chars().take(LONGEST_FIGURES).take_while(|c| !ends(c));
    let plain: Option<String> = word
        .filter(|c| !is_invisible(*c))
        .map(|c| if c.is_ascii() { Some(c) } else { narrow(c) })
        .collect();
    plain.is_some_and(|word| {
        let figure =
            |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/' | '%' | '+' | '-');
        word.starts_with('/')
            || word.chars().all(figure) && word.contains(|c: char| c.is_ascii_digit())
    })
}

/// How web pages write characters that mean something to them.
const ENTITIES: [(&str, &str); 6] = [
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&nbsp;", " "),
];

/// Replaces the entities of HTML, which come with copies from the source of a web page; one
/// finding a line. Between quotes `&quot;` would end the text.
pub(super) fn replace_entities<'s>(line: Line<'s>, out: &mut Diagnostics) -> Line<'s> {
    if !line.marks.any(Marks::ENTITY) {
        return line;
    }
    let mut plain = Builder::default();
    let mut done = 0;
    let mut quoted = false;
    let mut places = vec![];
    for (at, c) in line.text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        }
        let known = ENTITIES.iter().find(|(entity, _)| line.text[at..].starts_with(entity));
        let Some((entity, meant)) = known.filter(|(_, meant)| !quoted || *meant != "\"") else {
            continue;
        };
        let span = line.span(at..at + entity.len());
        plain.copy(&line, done..at);
        plain.insert(meant, span);
        done = at + entity.len();
        places.push((span, *entity, *meant));
    }
    let mut places = places.into_iter();
    let Some((span, entity, meant)) = places.next() else { return line };
    let found = out
        .report(rules::ENTITY, span)
        .with("entity", entity)
        .with("meant", meant)
        .mend_with(meant);
    for (span, _, meant) in places {
        found.mend_also(span, meant);
    }
    plain.copy(&line, done..line.text.len());
    plain.finish(line.indent).trim()
}

/// A quoted word without its quotes, and whether its end was found.
fn quoted(input: &[u8]) -> IResult<&[u8], (usize, bool)> {
    let (rest, _) = char('"').parse(input)?;
    let (rest, inside) = take_till(|byte| byte == b'"').parse(rest)?;
    Ok(match rest.strip_prefix(b"\"") {
        Some(rest) => (rest, (inside.len(), true)),
        None => (rest, (inside.len(), false)),
    })
}

fn plain(input: &[u8]) -> IResult<&[u8], (usize, bool)> {
    let word = take_till1(|byte| is_blank(byte) || byte == b'"');
    word.map(|word: &[u8]| (word.len(), true)).parse(input)
}

fn blanks(input: &[u8]) -> &[u8] {
    let found: IResult<&[u8], &[u8]> = take_while(is_blank).parse(input);
    found.map_or(input, |(rest, _)| rest)
}

/// Splits a line into words. A word that starts with `"` runs to the next one; a `"` within a word
/// ends it and starts another; `'` is a character like any other. Every character that ends a word
/// is ASCII, so that bytes do.
pub(super) fn words<'s>(line: &Line<'s>, out: &mut Diagnostics) -> Vec<Word<'s>> {
    let text: &str = &line.text;
    let mut words = Vec::with_capacity(4);
    let mut rest = blanks(text.as_bytes());
    while let Some(first) = rest.first() {
        let start = text.len() - rest.len();
        let is_quoted = *first == b'"';
        let parsed = if is_quoted { quoted(rest) } else { plain(rest) };
        // One of the two parsers always takes what is not blank.
        let Ok((after, (length, closed))) = parsed else { break };
        let end = text.len() - after.len();
        let after = blanks(after);
        let inner_start = start + usize::from(is_quoted);
        let inner = inner_start..inner_start + length;
        let word = &text[inner.clone()];
        if !closed {
            out.report(rules::UNTERMINATED_QUOTE, line.span(start..end))
                .replace_with(format!("\"{}\"", word.trim_end()));
        } else if !is_quoted && is_slash_comment(word) {
            comment_of_other_languages(line, start..start + 2, words.is_empty(), out);
            break;
        } else if !is_quoted && after.is_empty() && word.ends_with([';', '；']) {
            if let Some(word) = without_semicolon(line, inner, out) {
                words.push(word);
            }
            break;
        }
        words.push(word_of(line, inner, start..end));
        rest = after;
    }
    words
}

/// `//` or `//text`, but not `//usr/bin/x`, which is a path.
fn is_slash_comment(word: &str) -> bool {
    word.strip_prefix("//").is_some_and(|text| !text.contains('/'))
}

fn word_of<'s>(line: &Line<'s>, inner: Range<usize>, outer: Range<usize>) -> Word<'s> {
    let text = match &line.text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[inner]),
        Cow::Owned(text) => Cow::Owned(text[inner].to_owned()),
    };
    Word { text, span: line.span(outer) }
}

fn comment_of_other_languages(
    line: &Line<'_>,
    sign: Range<usize>,
    whole: bool,
    out: &mut Diagnostics,
) {
    let rule = if whole { rules::SLASH_COMMENT } else { rules::SLASH_COMMENT_BEHIND };
    let text = &line.text[sign.clone()];
    out.report(rule, line.span(sign)).with("sign", text).mend_with("#");
}

/// The line without a comment that begins as those of other languages do, as far as that must be
/// seen before the words are: such a comment may hold braces that mean nothing. `＃` is what an
/// input method makes of `#`.
pub(super) fn strip_other_comment<'s>(line: Line<'s>, out: &mut Diagnostics) -> Line<'s> {
    let begins = |sign: &str| line.text.starts_with(sign);
    let sign = if begins("//") {
        Some(0..2)
    } else if begins(";") && line.indent.is_some() && !line.text.trim_matches([';', ' ']).is_empty()
    {
        Some(0..1)
    } else if line.marks.any(Marks::WIDE) {
        let behind_blank = |at: usize| !line.text[..at].ends_with(|c: char| !c.is_whitespace());
        find_unquoted(&line.text, |c, at| c == '＃' && behind_blank(at))
            .map(|at| at..at + '＃'.len_utf8())
    } else {
        None
    };
    let Some(sign) = sign else { return line };
    let start = sign.start;
    comment_of_other_languages(&line, sign, start == 0, out);
    Line { indent: line.indent, ..line.slice(0..start) }.trim()
}

fn without_semicolon<'s>(
    line: &Line<'s>,
    word: Range<usize>,
    out: &mut Diagnostics,
) -> Option<Word<'s>> {
    let text = &line.text[word.clone()];
    let kept = text.trim_end_matches([';', '；']).len();
    let rule = if kept == 0 { rules::LONE_SEMICOLON } else { rules::SEMICOLON };
    out.report(rule, line.span(word.start + kept..word.end)).mend_with("");
    let range = word.start..word.start + kept;
    (kept > 0).then(|| word_of(line, range.clone(), range))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::FileId;

    fn split(text: &str) -> (Vec<String>, Vec<u16>) {
        let mut out = Diagnostics::default();
        let line = strip_comment(Line::straight(text, FileId(0), 0));
        let line = replace_lookalikes(line, &mut out);
        let words = words(&line, &mut out).into_iter().map(|word| word.text.into_owned()).collect();
        (words, out.iter().map(|found| found.rule.code).collect())
    }

    #[test]
    fn words_quotes_and_comments() {
        for (text, expected) in [
            ("lb_algo rr#x", vec!["lb_algo", "rr"]),
            ("path /c?x=1&y=!2", vec!["path", "/c?x=1&y="]),
            ("path \"/c?y=!2#3\"", vec!["path", "/c?y=!2#3"]),
            ("path /a\\#b", vec!["path", "/a#b"]),
            ("x \"a b\"c", vec!["x", "a b", "c"]),
            ("x a\"b c\"", vec!["x", "a", "b c"]),
            ("router_id 'a b'", vec!["router_id", "'a", "b'"]),
            ("x \"\"", vec!["x", ""]),
            ("\t a \t b ", vec!["a", "b"]),
            ("! all", vec![]),
        ] {
            assert_eq!(split(text), (expected.iter().map(|s| (*s).to_owned()).collect(), vec![]));
        }
    }

    #[test]
    fn lookalikes_are_named_and_understood() {
        for (text, expected, rule) in [
            ("router_id\u{3000}X", vec!["router_id", "X"], rules::STRANGE_BLANK),
            ("script “/a b”", vec!["script", "/a b"], rules::CURLY_QUOTE),
            ("protocol TCP;", vec!["protocol", "TCP"], rules::SEMICOLON),
            ("lb_kind DR ;", vec!["lb_kind", "DR"], rules::LONE_SEMICOLON),
            ("// nothing", vec![], rules::SLASH_COMMENT),
            ("lb_algo rr // the simple one", vec!["lb_algo", "rr"], rules::SLASH_COMMENT_BEHIND),
            ("router_id \"X", vec!["router_id", "X"], rules::UNTERMINATED_QUOTE),
        ] {
            let expected = expected.iter().map(|s| (*s).to_owned()).collect();
            assert_eq!(split(text), (expected, vec![rule.code]), "{text}");
        }
        assert_eq!(split("x \"“a” \u{3000}\"").1, Vec::<u16>::new(), "quoted text is the user's");
    }

    #[test]
    fn braces_are_found_outside_quotes_and_parameters() {
        let find_brace = |text| find_brace(&Line::straight(text, FileId(0), 0));
        assert_eq!(find_brace("VI_1{"), Some(4));
        assert_eq!(find_brace("path \"/a{b}\" }"), Some(13));
        assert_eq!(find_brace("x ${UNDEFINED} {"), Some(15));
        assert_eq!(find_brace("none"), None);
    }
}
