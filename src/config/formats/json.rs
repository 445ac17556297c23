//! One JSON document. Members are added, never renamed; `version` changes if they must be.
use super::{Checked, Finding, Region, findings};
use crate::config::{
    diagnostic::Severity,
    look::{Look, LookState, Topic},
    rules::text::Language,
};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'f, P> {
    version: u32,
    findings: Vec<Entry<'f>>,
    /// Only with `--probe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    looks: Option<Vec<Looked<'f>>>,
    errors: usize,
    warnings: usize,
    notes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pair: Option<P>,
}

#[derive(Serialize)]
struct Entry<'f> {
    code: &'f str,
    severity: &'static str,
    message: &'f str,
    help: Option<&'f str>,
    #[serde(flatten)]
    place: Place<'f>,
    labels: Vec<Label<'f>>,
    /// What would mend it; None where that takes a person.
    fix: Option<Fix<'f>>,
}

/// Something that a probe looked at.
#[derive(Serialize)]
struct Looked<'f> {
    topic: &'static str,
    subject: &'f str,
    state: &'static str,
    seen: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Place<'f> {
    file: &'f str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Label<'f> {
    message: &'f str,
    #[serde(flatten)]
    place: Place<'f>,
}

#[derive(Serialize)]
struct Fix<'f> {
    /// Whether `check --fix` makes it.
    certain: bool,
    edits: Vec<Edit<'f>>,
}

#[derive(Serialize)]
struct Edit<'f> {
    text: &'f str,
    #[serde(flatten)]
    place: Place<'f>,
}

fn place(region: &Region) -> Place<'_> {
    let Region { file, line, column, end_line, end_column } = region;
    Place { file, line: *line, column: *column, end_line: *end_line, end_column: *end_column }
}

fn entry<'f>(finding: &'f Finding<'f>) -> Entry<'f> {
    let labels = finding.labels.iter();
    let edits = finding.edits.iter();
    Entry {
        code: &finding.code,
        severity: match finding.found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        message: &finding.message,
        help: finding.help.as_deref(),
        place: place(&finding.region),
        labels: labels.map(|(at, text)| Label { message: text, place: place(at) }).collect(),
        fix: (!finding.edits.is_empty()).then(|| Fix {
            certain: finding.is_certain(),
            edits: edits.map(|(at, text)| Edit { text, place: place(at) }).collect(),
        }),
    }
}

fn looked(look: &Look, language: Language) -> Looked<'_> {
    Looked {
        // Programs find these by name, whatever language people speak.
        topic: Topic::name(look.topic, Language::English),
        subject: &look.subject,
        state: match look.state {
            LookState::Good => "good",
            LookState::Bad => "bad",
            LookState::Unknown => "unknown",
        },
        seen: look.seen_in(language),
    }
}

/// Everything that was found, as one document; with what was proved of a pair, if it is one.
#[must_use]
pub fn json(checked: &[Checked], language: Language, pair: Option<impl Serialize>) -> String {
    let findings = findings(checked, language);
    let count =
        |severity| findings.iter().filter(|finding| finding.found.severity == severity).count();
    let document = Document {
        version: 1,
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
        findings: findings.iter().map(entry).collect(),
        looks: checked.iter().any(|one| one.looks.is_some()).then(|| {
            let looks = checked.iter().flat_map(|one| one.looks.iter().flatten());
            looks.map(|look| looked(look, language)).collect()
        }),
        pair,
    };
    // Strings and numbers only: there is nothing that could fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}
