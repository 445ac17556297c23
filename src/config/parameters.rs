//! `$NAME`, `${NAME}`, built-ins, `~SEQ` and `~LST`: what is put in the place of what.
use super::{
    diagnostic::Diagnostics,
    expand::MOST_MADE,
    line::{Builder, Line},
    rules::language as rules,
    source::{Sources, Span},
};
use std::{cell::Cell, collections::HashMap, ops::Range};

/// What substitution did to a line.
#[derive(Debug)]
pub(super) enum Found<'s> {
    Nothing,
    Line(Line<'s>),
    /// A multi-line parameter; never empty.
    Lines(Vec<Line<'s>>),
}

/// Parameters as defined so far; a later definition replaces an earlier one.
#[derive(Debug)]
pub(super) struct Definitions<'s> {
    known: HashMap<String, Vec<Line<'s>>>,
    sources: &'s Sources,
    random: Cell<u64>,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The name that a line `$NAME=VALUE` defines.
pub(super) fn definition(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('$')?.split_once('=')?;
    is_name(name).then_some(name)
}

/// The blanks of a line `$NAME = VALUE`, which would be a definition without them.
pub(super) fn blanks_in_definition(text: &str) -> Option<Range<usize>> {
    let (before, _) = text.strip_prefix('$')?.split_once('=')?;
    let name = before.trim_end();
    let blanks = 1 + name.len()..1 + before.len();
    (is_name(name) && !blanks.is_empty()).then_some(blanks)
}

/// Where a parameter stands in a text, and what is between the braces or behind the `$`.
struct Use<'t> {
    start: usize,
    end: usize,
    name: &'t str,
    braced: bool,
}

/// The first use of a parameter at or behind `from`.
fn find_use(text: &str, from: usize) -> Option<Use<'_>> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find('$')?;
        let behind = &text[start + 1..];
        if let Some(inner) = behind.strip_prefix('{') {
            if let Some(length) = inner.find('}') {
                let name = &inner[..length];
                return Some(Use { start, end: start + length + 3, name, braced: true });
            }
        } else {
            let length = behind
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(behind.len());
            let ends =
                matches!(behind[length..].chars().next(), None | Some(' ' | '\t' | ',' | ')'));
            if ends && is_name(&behind[..length]) {
                let name = &behind[..length];
                return Some(Use { start, end: start + 1 + length, name, braced: false });
            }
        }
        at = start + 1;
    }
}

impl<'s> Definitions<'s> {
    pub(super) fn new(sources: &'s Sources) -> Self {
        Self { known: HashMap::new(), sources, random: Cell::new(sources.seed) }
    }

    pub(super) fn set(&mut self, name: String, body: Vec<Line<'s>>) {
        self.known.insert(name, body);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.known.remove(name);
    }

    /// Replaces every parameter of a line once; what comes in is looked at in the next round.
    pub(super) fn substitute(&self, line: &Line<'s>, out: &mut Diagnostics) -> Found<'s> {
        if !line.text.contains('$') {
            return Found::Nothing;
        }
        let mut built = Builder::default();
        let mut done = 0;
        let mut from = 0;
        while let Some(found) = find_use(&line.text, from) {
            let span = line.span(found.start..found.end);
            from = found.end;
            if let Some(body) = self.known.get(found.name) {
                built.copy(line, done..found.start);
                done = found.end;
                let Some((first, more)) = body.split_first() else { continue };
                if more.is_empty() {
                    built.insert(&first.text, span);
                    continue;
                }
                built.copy(first, 0..first.text.len());
                let mut lines = vec![built.finish(line.indent)];
                lines.extend(more.iter().cloned());
                let tail = line.slice(done..line.text.len()).trim();
                if !tail.text.is_empty() {
                    out.report(rules::BEHIND_MULTI_LINE, tail.span(0..tail.text.len()))
                        .with("name", found.name);
                }
                return Found::Lines(lines);
            }
            match self.built_in(found.name, span) {
                Some(value) => {
                    built.copy(line, done..found.start);
                    built.insert(&value, span);
                    done = found.end;
                }
                None => undefined(line, &found, span, out),
            }
        }
        if done == 0 {
            return Found::Nothing;
        }
        built.copy(line, done..line.text.len());
        Found::Line(built.finish(line.indent))
    }

    fn built_in(&self, inside: &str, span: Span) -> Option<String> {
        let mut words = inside.split_ascii_whitespace();
        let name = words.next()?;
        let rest: Vec<&str> = words.collect();
        match (name, rest.as_slice()) {
            ("_PWD", []) => {
                let path = &self.sources.files.get(usize::from(span.file.0))?.path;
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                Some(folder.map_or_else(|| ".".to_owned(), |folder| folder.display().to_string()))
            }
            ("_INSTANCE", []) => Some(self.sources.config_id.clone()),
            ("_HASH", []) => Some("#".to_owned()),
            ("_BANG", []) => Some("!".to_owned()),
            ("_ENV", [name]) => {
                Some(self.sources.environment.get(*name).cloned().unwrap_or_default())
            }
            ("_RANDOM", bounds) => {
                let number = |at: usize, default| match bounds.get(at) {
                    Some(word) => word.parse::<u64>().ok(),
                    None => Some(default),
                };
                let (low, high) = (number(0, 0)?, number(1, 32767)?);
                let width = high.checked_sub(low)?.checked_add(1)?;
                Some((low + self.random() % width).to_string())
            }
            _ => None,
        }
    }

    /// `random_seed`: what comes from here on is the same every time.
    pub(super) fn seed(&self, seed: u64) {
        self.random.set(seed);
    }

    /// SplitMix64: a seed gives the same file the same meaning in every process.
    fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }
}

fn undefined(line: &Line<'_>, found: &Use<'_>, span: Span, out: &mut Diagnostics) {
    let quoted = line.text[..found.start].matches('"').count() % 2 == 1;
    // Inside quotes, and without braces, the text stays as it is and may be meant for a shell.
    let rule = if found.braced && !quoted {
        rules::UNDEFINED_PARAMETER
    } else {
        rules::UNDEFINED_PARAMETER_KEPT
    };
    out.report(rule, span).with("name", found.name);
}

/// What a loop stands for.
#[derive(Debug)]
pub(super) struct Repeated<'s> {
    pub(super) lines: Vec<Line<'s>>,
    /// Variables that the lines define; they end with the loop.
    pub(super) names: Vec<String>,
}

/// Where the head of a loop ends, behind its `)`.
pub(super) fn head_end(text: &str) -> Option<usize> {
    let (head, behind) = text.split_once('(')?;
    closing(behind).map(|at| head.len() + 1 + at + 1)
}

/// The lines of `~SEQ(VAR, …) TEXT` or `~LST(VAR, …) TEXT`. None after a mistake, which is reported.
pub(super) fn repeat<'s>(
    line: &Line<'s>,
    definitions: &Definitions<'_>,
    out: &mut Diagnostics,
) -> Option<Repeated<'s>> {
    let text: &str = &line.text;
    let whole = line.span(0..text.len());
    let (head, behind) = text.split_once('(')?;
    let close = closing(behind);
    let (Some(close), true) = (close, matches!(head.trim(), "~SEQ" | "~SEQx" | "~LST")) else {
        out.report(rules::BAD_LOOP, whole)
            .with("why", "it is not of the form ~SEQ(NAME, ...) TEXT");
        return None;
    };
    let inside = &behind[..close];
    let body = line.slice(head.len() + 1 + close + 1..text.len()).trim();
    let rows = match head.trim() {
        "~LST" => list(inside),
        kind => sequence(inside, kind == "~SEQx"),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(why) => {
            out.report(rules::BAD_LOOP, whole).with("why", why);
            return None;
        }
    };
    if let Some((name, _)) =
        rows.first().into_iter().flatten().find(|(n, _)| definitions.is_defined(n))
    {
        let why = format!("`{name}` is already a parameter");
        out.report(rules::BAD_LOOP, whole).with("why", why);
        return None;
    }
    if rows.len().saturating_mul(body.text.len()) > MOST_MADE {
        out.report(rules::BAD_LOOP, whole).with("why", "it would make too much text");
        return None;
    }
    let mut repeated = Repeated { lines: vec![], names: vec![] };
    for row in &rows {
        let line = put(&body, row);
        // A parameter of the text may itself name the variable.
        if line.text.contains('$') {
            for (name, value) in row {
                let mut built = Builder::default();
                built.insert(&format!("${name}={value}"), line.span(0..line.text.len()));
                repeated.lines.push(built.finish(None));
            }
        }
        repeated.lines.push(line);
    }
    if let (Some(row), true) = (rows.first(), repeated.lines.len() > rows.len()) {
        repeated.names.extend(row.iter().map(|(name, _)| name.clone()));
    }
    Some(repeated)
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Replaces loop variables only; parameters of the text are for later.
fn put<'s>(body: &Line<'s>, row: &[(String, String)]) -> Line<'s> {
    let mut built = Builder::default();
    let (mut done, mut from) = (0, 0);
    while let Some(found) = find_use(&body.text, from) {
        from = found.end;
        if let Some((_, value)) = row.iter().find(|(name, _)| name == found.name) {
            built.copy(body, done..found.start);
            built.insert(value, body.span(found.start..found.end));
            done = found.end;
        }
    }
    built.copy(body, done..body.text.len());
    built.finish(None)
}

type Rows = Vec<Vec<(String, String)>>;

fn sequence(inside: &str, hex: bool) -> Result<Rows, String> {
    const MOST: i64 = 100_000;
    let mut parts = inside.split(',').map(str::trim);
    let name = parts.next().filter(|name| is_name(name)).ok_or("a name comes first")?;
    let numbers: Result<Vec<i64>, String> = parts.map(c_number).collect();
    let (start, step, end) = match numbers?.as_slice() {
        [end] => (if *end >= 0 { 1 } else { -1 }, None, *end),
        [start, end] => (*start, None, *end),
        [start, step, end] => (*start, Some(*step), *end),
        _ => return Err("it takes one, two or three numbers behind the name".to_owned()),
    };
    let step = step.unwrap_or(if end >= start { 1 } else { -1 });
    if step == 0 || (end - start).signum() * step.signum() < 0 {
        return Err(format!("a step of {step} never leads from {start} to {end}"));
    }
    if (end - start) / step >= MOST {
        return Err(format!("it would make more than {MOST} lines"));
    }
    let count = (end - start) / step;
    Ok((0..=count)
        .map(|n| {
            let value = start + n * step;
            let text = if hex { format!("{value:x}") } else { value.to_string() };
            vec![(name.to_owned(), text)]
        })
        .collect())
}

/// A number as C writes it: 0x10, 010, 10.
fn c_number(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let parsed = if let Some(hex) = digits.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    // Far beyond any use, and sums of three stay in range.
    match parsed {
        Ok(number) if number.abs() <= i64::from(u32::MAX) => Ok(sign * number),
        Ok(_) | Err(_) => Err(format!("`{text}` is not a number")),
    }
}

fn list(inside: &str) -> Result<Rows, String> {
    let items = split_list(inside);
    let (names, values) = items.split_first().ok_or("a name comes first")?;
    let names = fields(names);
    if !names.iter().all(|name| is_name(name)) {
        return Err("a name, or {NAME, NAME}, comes first".to_owned());
    }
    values
        .iter()
        .map(|value| {
            let values = if names.len() == 1 { vec![value.clone()] } else { fields(value) };
            if values.len() > names.len() {
                return Err(format!("`{value}` has more values than there are names"));
            }
            let values = values.into_iter().chain(std::iter::repeat(String::new()));
            Ok(names.iter().cloned().zip(values).collect())
        })
        .collect()
}

/// Splits at commas outside braces.
fn split_list(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut items = vec![String::new()];
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == ',' && depth == 0 {
            items.push(String::new());
        } else if let Some(item) = items.last_mut() {
            item.push(c);
        }
    }
    items.iter().map(|item| item.trim().to_owned()).collect()
}

fn fields(item: &str) -> Vec<String> {
    match item.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) => inner.split(',').map(|field| field.trim().to_owned()).collect(),
        None => vec![item.to_owned()],
    }
}
