//! Diagnostics as people read them: the source line with the place underlined, cause and remedy.
use super::{
    diagnostic::{Diagnostic, Diagnostics, Severity},
    rules::text::{self, Language},
    source::{FileId, Sources, Span},
};
use annotate_snippets::{
    AnnotationKind, Group, Level, Patch, Renderer, Snippet, renderer::DecorStyle,
};
use std::{borrow::Cow, ops::Range};

/// How the output looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
    pub language: Language,
}

/// Labels further apart than this many bytes are shown as places of their own.
const NEAR: usize = 4096;

/// All diagnostics in the order of the text, and a line that counts them. Empty for none.
#[must_use]
pub fn render(sources: &Sources, found: &Diagnostics, style: Style) -> String {
    if found.is_empty() {
        return String::new();
    }
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(style.width).decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    let lines = Lines::of(sources);
    for diagnostic in in_order(found) {
        text.push_str(&one(sources, &lines, diagnostic, &renderer, style.language));
        text.push_str("\n\n");
    }
    text.push_str(&summary(found, style.language));
    text
}

pub(super) fn in_order(found: &Diagnostics) -> Vec<&Diagnostic> {
    let mut all: Vec<&Diagnostic> = found.iter().collect();
    all.sort_by_key(|diagnostic| {
        (diagnostic.span.file, diagnostic.span.start, diagnostic.rule.code)
    });
    all
}

/// `FILE:LINE` of a place, for findings about another configuration.
#[must_use]
pub fn place(sources: &Sources, span: Span) -> String {
    let (file, line, _) = Lines::of(sources).place(sources, span.file, span.start);
    format!("{file}:{line}")
}

/// How many errors, warnings and notes there are, as a line; empty where there are none.
#[must_use]
pub fn summary(found: &Diagnostics, language: Language) -> String {
    let count = |severity| found.iter().filter(|d| d.severity == severity).count();
    let parts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (count(severity), text::severity(severity, language)))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| match language {
            Language::English => format!("{number} {word}{}", if number == 1 { "" } else { "s" }),
            Language::Chinese => format!("{number} 个{word}"),
        })
        .collect();
    let separator = match language {
        Language::English => ", ",
        Language::Chinese => "，",
    };
    if parts.is_empty() { String::new() } else { format!("{}\n", parts.join(separator)) }
}

fn level(severity: Severity, language: Language) -> Level<'static> {
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    level.with_name(text::severity(severity, language))
}

fn help_level(language: Language) -> Level<'static> {
    Level::HELP.with_name(match language {
        Language::English => "help",
        Language::Chinese => "帮助",
    })
}

fn one(
    sources: &Sources,
    lines: &Lines,
    diagnostic: &Diagnostic,
    renderer: &Renderer,
    language: Language,
) -> String {
    let message = diagnostic.message_in(language);
    let id = format!("LD{:04}", diagnostic.rule.code);
    let title = level(diagnostic.severity, language).primary_title(&*message).id(&*id);
    let main = Excerpt::around(sources, lines, diagnostic.span, &diagnostic.labels);
    let mut group = Group::with_title(title);
    let help = diagnostic.help_in(language);
    let labels: Vec<(Span, Cow<'static, str>)> = diagnostic
        .labels
        .iter()
        .map(|(span, label)| (*span, Diagnostic::label_in(label, language)))
        .collect();
    let mut groups = vec![];
    if let Some(main) = &main {
        let mut snippet = Snippet::source(main.text)
            .path(main.path.as_str())
            .line_start(main.line)
            .annotation(AnnotationKind::Primary.span(main.range(diagnostic.span)));
        for (span, label) in labels.iter().filter(|(span, _)| main.holds(*span)) {
            let annotation = AnnotationKind::Context.span(main.range(*span));
            snippet = snippet.annotation(annotation.label(&**label));
        }
        group = group.element(snippet);
    }
    let far: Vec<(Excerpt<'_>, Span, &str)> = labels
        .iter()
        .filter(|(span, _)| !main.as_ref().is_some_and(|main| main.holds(*span)))
        .filter_map(|(span, label)| {
            Some((Excerpt::around(sources, lines, *span, &[])?, *span, &**label))
        })
        .collect();
    for (excerpt, span, label) in &far {
        group = group.element(
            Snippet::source(excerpt.text)
                .path(excerpt.path.as_str())
                .line_start(excerpt.line)
                .annotation(AnnotationKind::Context.span(excerpt.range(*span)).label(*label)),
        );
    }
    match (&help, &diagnostic.replacement, &main) {
        (Some(help), Some(replacement), Some(main)) => {
            groups.push(group);
            let mut snippet = Snippet::source(main.text)
                .path(main.path.as_str())
                .line_start(main.line)
                .patch(Patch::new(main.range(diagnostic.span), replacement.as_str()));
            for (span, text) in diagnostic.further.iter().filter(|(span, _)| main.holds(*span)) {
                snippet = snippet.patch(Patch::new(main.range(*span), text.as_str()));
            }
            let title = help_level(language).secondary_title(help.as_str());
            groups.push(Group::with_title(title).element(snippet));
        }
        (Some(help), _, _) => {
            group = group.element(help_level(language).message(help.as_str()));
            groups.push(group);
        }
        (None, _, _) => groups.push(group),
    }
    renderer.render(&groups)
}

/// Where the lines of each file end, so that no finding has to count them.
pub(super) struct Lines(Vec<Vec<usize>>);

impl Lines {
    pub(super) fn of(sources: &Sources) -> Self {
        let ends = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        Self(sources.files.iter().map(|file| ends(&file.text)).collect())
    }

    /// The number of the line in which an offset lies, from 1.
    fn number(&self, file: FileId, offset: usize) -> usize {
        let ends = self.0.get(usize::from(file.0));
        ends.map_or(0, |ends| ends.partition_point(|end| *end < offset)) + 1
    }

    /// File, line and column of an offset; line and column count from 1, columns in characters.
    pub(super) fn place(&self, sources: &Sources, file: FileId, at: u32) -> (String, usize, usize) {
        let line = self.number(file, at as usize);
        let (path, column) = sources.file(file).map_or((String::new(), 0), |file| {
            let before = file.text.get(..at as usize).unwrap_or_default();
            let line = before.rfind('\n').map_or(0, |at| at + 1);
            let column = before.get(line..).unwrap_or_default().chars().count() + 1;
            (file.path.display().to_string(), column)
        });
        (path, line, column)
    }
}

/// The lines of a file that a diagnostic shows.
struct Excerpt<'s> {
    text: &'s str,
    path: String,
    /// Offset of the text in its file.
    start: usize,
    /// Number of its first line, from 1.
    line: usize,
    span: Span,
}

impl<'s> Excerpt<'s> {
    /// The lines of `span`, and of those labels that are near enough.
    fn around(
        sources: &'s Sources,
        lines: &Lines,
        span: Span,
        labels: &[(Span, &'static str)],
    ) -> Option<Self> {
        let file = sources.file(span.file)?;
        let text = file.text.as_str();
        let near = |other: &&(Span, &'static str)| {
            other.0.file == span.file
                && (other.0.start as usize).abs_diff(span.start as usize) < NEAR
        };
        let spans = || labels.iter().filter(near).map(|(span, _)| *span).chain([span]);
        let first = spans().map(|span| span.start as usize).min()?.min(text.len());
        let last = spans().map(|span| span.end.max(span.start) as usize).max()?.min(text.len());
        let start = text.get(..first)?.rfind('\n').map_or(0, |at| at + 1);
        let end = text.get(last..)?.find('\n').map_or(text.len(), |at| last + at);
        let line = lines.number(span.file, start);
        let path = file.path.display().to_string();
        Some(Self { text: text.get(start..end)?, path, start, line, span })
    }

    fn holds(&self, span: Span) -> bool {
        let range = span.start as usize..span.end.max(span.start) as usize;
        span.file == self.span.file
            && range.start >= self.start
            && range.end <= self.start + self.text.len()
    }

    /// A span within the excerpt, at least up to the end of it.
    fn range(&self, span: Span) -> Range<usize> {
        let start = (span.start as usize).saturating_sub(self.start).min(self.text.len());
        let end = (span.end as usize).saturating_sub(self.start).clamp(start, self.text.len());
        start..end
    }
}

/// One line each, for logs: `FILE:LINE:COLUMN: message; help`.
pub fn lines<'d>(
    sources: &'d Sources,
    found: &'d Diagnostics,
) -> impl Iterator<Item = (Severity, String)> + 'd {
    let lines = Lines::of(sources);
    in_order(found).into_iter().map(move |diagnostic| {
        (diagnostic.severity, line(sources, &lines, diagnostic, Language::English))
    })
}

/// The first error, in one line; None where there is none.
#[must_use]
pub fn first_error(sources: &Sources, found: &Diagnostics) -> Option<String> {
    let all = in_order(found);
    let first = all.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error)?;
    Some(line(sources, &Lines::of(sources), first, Language::English))
}

fn line(sources: &Sources, lines: &Lines, diagnostic: &Diagnostic, language: Language) -> String {
    let (path, line, column) = lines.place(sources, diagnostic.span.file, diagnostic.span.start);
    let help = diagnostic.help_in(language);
    let help = help.map(|help| format!("{}{help}", separator(language))).unwrap_or_default();
    format!("{path}:{line}:{column}: {}{help}", diagnostic.message_in(language))
}

/// Between two sentences of a line.
pub(super) fn separator(language: Language) -> &'static str {
    match language {
        Language::English => "; ",
        Language::Chinese => "；",
    }
}
