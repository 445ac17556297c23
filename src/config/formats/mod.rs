//! What was found, for programs: one line each, JSON, SARIF, annotations of GitHub.
mod json;
mod sarif;

#[cfg(test)]
mod tests;

pub use json::json;
pub use sarif::sarif;

use super::{
    diagnostic::{Certainty, Diagnostic, Diagnostics, Severity},
    look::Look,
    render::{Lines, in_order, separator},
    rules::text::{self, Language},
    source::{Sources, Span},
};

/// A configuration and what was found in it.
#[derive(Debug)]
pub struct Checked {
    pub sources: Sources,
    pub found: Diagnostics,
    /// What probes looked at; None without `--probe`.
    pub looks: Option<Vec<Look>>,
}

/// A stretch of a file. Lines and columns count from 1, columns in characters; the end is excluded.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Region {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// A finding with its places looked up and its sentences written.
#[derive(Debug)]
struct Finding<'f> {
    found: &'f Diagnostic,
    code: String,
    region: Region,
    message: String,
    help: Option<String>,
    labels: Vec<(Region, String)>,
    /// Changes that would mend it.
    edits: Vec<(Region, &'f str)>,
}

impl Finding<'_> {
    fn is_certain(&self) -> bool {
        self.found.certainty == Certainty::Certain
    }
}

/// Of all configurations in their order, within one in the order of the text. A finding in a file
/// that several of them include is told once.
fn findings(checked: &[Checked], language: Language) -> Vec<Finding<'_>> {
    let mut all: Vec<Finding<'_>> = vec![];
    for Checked { sources, found, .. } in checked {
        let lines = Lines::of(sources);
        let region = |span: Span| {
            let (file, line, column) = lines.place(sources, span.file, span.start);
            let (_, end_line, end_column) =
                lines.place(sources, span.file, span.end.max(span.start));
            Region { file, line, column, end_line, end_column }
        };
        let before = all.len();
        for found in in_order(found) {
            let label = |(span, label): &(Span, &'static str)| {
                (region(*span), Diagnostic::label_in(label, language).into_owned())
            };
            let own = found.replacement.as_deref().map(|text| (region(found.span), text));
            // Line breaks of a statement that is to be reflowed are no texts of their own.
            let further = found.further.iter().filter(|_| own.is_some());
            let further: Vec<_> =
                further.map(|(span, text)| (region(*span), text.as_str())).collect();
            let finding = Finding {
                code: format!("LD{:04}", found.rule.code),
                region: region(found.span),
                message: found.message_in(language),
                help: found.help_in(language),
                labels: found.labels.iter().map(label).collect(),
                edits: own.into_iter().chain(further).collect(),
                found,
            };
            let known = all.iter().take(before).any(|other| {
                (&other.region, &other.message) == (&finding.region, &finding.message)
            });
            if !known {
                all.push(finding);
            }
        }
    }
    all
}

/// A line each: `FILE:LINE:COLUMN: error[LD0102]: message; help`.
#[must_use]
pub fn short(checked: &[Checked], language: Language) -> String {
    let mut text = String::new();
    for finding in findings(checked, language) {
        let Region { file, line, column, .. } = &finding.region;
        let severity = text::severity(finding.found.severity, language);
        let (code, message) = (&finding.code, &finding.message);
        let help = finding.help.as_deref().map(|help| format!("{}{help}", separator(language)));
        let help = help.unwrap_or_default().replace('\n', " ");
        text.push_str(&format!("{file}:{line}:{column}: {severity}[{code}]: {message}{help}\n"));
    }
    text
}

/// Workflow commands of GitHub Actions: each becomes an annotation of its line.
#[must_use]
pub fn github(checked: &[Checked], language: Language) -> String {
    let mut text = String::new();
    for finding in findings(checked, language) {
        let command = match finding.found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let Region { file, line, column, end_line, end_column } = &finding.region;
        // A range of columns is only understood within one line; there the end is included.
        let end = if line == end_line {
            format!(",endColumn={}", (*end_column).saturating_sub(1).max(*column))
        } else {
            String::new()
        };
        let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
        text.push_str(&format!(
            "::{command} file={},line={line},endLine={end_line},col={column}{end},title={}::{}\n",
            property(file),
            finding.code,
            data(&format!("{}{help}", finding.message)),
        ));
    }
    text
}

/// Escaped as the runner's toolkit escapes a command's text.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escaped as the runner's toolkit escapes a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
