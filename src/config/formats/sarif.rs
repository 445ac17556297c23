//! SARIF 2.1.0 (OASIS Standard, 2020-03-27), which code-scanning services and editors read.
//! The comments name its sections.
use super::{Checked, Finding, Region, findings};
use crate::config::{
    diagnostic::Severity,
    rules::text::{self, Language},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// §3.13
#[derive(Serialize)]
struct Log<'f> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'f>; 1],
}

/// §3.14
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'f> {
    tool: Tool,
    language: &'static str,
    column_kind: &'static str,
    results: Vec<Outcome<'f>>,
}

/// §3.18
#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

/// §3.19
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Descriptor>,
}

/// §3.49
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    default_configuration: Configuration,
}

/// §3.50
#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

/// §3.11
#[derive(Serialize)]
struct Message {
    text: String,
}

/// §3.27, a `result`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'f> {
    rule_id: &'f str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix<'f>>,
}

/// §3.28
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

/// §3.29
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: TextRegion,
}

/// §3.4
#[derive(Clone, PartialEq, Serialize)]
struct ArtifactLocation {
    uri: String,
}

/// §3.30
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TextRegion {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

/// §3.55
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix<'f> {
    description: Message,
    artifact_changes: Vec<ArtifactChange<'f>>,
}

/// §3.56
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'f> {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement<'f>>,
}

/// §3.57
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'f> {
    deleted_region: TextRegion,
    inserted_content: Content<'f>,
}

/// §3.3
#[derive(Serialize)]
struct Content<'f> {
    text: &'f str,
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A path as a URI reference (RFC 3986): relative where the path is.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn region(region: &Region) -> TextRegion {
    TextRegion {
        start_line: region.line,
        start_column: region.column,
        end_line: region.end_line,
        end_column: region.end_column,
    }
}

fn location(at: &Region, message: Option<&str>) -> Location {
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(&at.file) },
            region: region(at),
        },
        message: message.map(|text| Message { text: text.to_owned() }),
    }
}

fn fixes<'f>(finding: &'f Finding<'f>) -> Vec<Fix<'f>> {
    let mut changes: Vec<ArtifactChange<'_>> = vec![];
    for (at, text) in &finding.edits {
        let file = ArtifactLocation { uri: uri(&at.file) };
        let replacement =
            Replacement { deleted_region: region(at), inserted_content: Content { text } };
        match changes.iter_mut().find(|change| change.artifact_location == file) {
            Some(change) => change.replacements.push(replacement),
            None => changes
                .push(ArtifactChange { artifact_location: file, replacements: vec![replacement] }),
        }
    }
    if changes.is_empty() {
        return vec![];
    }
    let text = finding.help.clone().unwrap_or_else(|| finding.message.clone());
    vec![Fix { description: Message { text }, artifact_changes: changes }]
}

fn outcome<'f>(finding: &'f Finding<'f>, rule_index: usize) -> Outcome<'f> {
    let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
    let labels = finding.labels.iter();
    Outcome {
        rule_id: &finding.code,
        rule_index,
        level: level(finding.found.severity),
        message: Message { text: format!("{}{help}", finding.message) },
        locations: [location(&finding.region, None)],
        related_locations: labels.map(|(at, text)| location(at, Some(text))).collect(),
        fixes: fixes(finding),
    }
}

/// Everything that was found, as one log with one run.
#[must_use]
pub fn sarif(checked: &[Checked], language: Language) -> String {
    let findings = findings(checked, language);
    let used: BTreeMap<u16, _> =
        findings.iter().map(|finding| (finding.found.rule.code, finding.found.rule)).collect();
    let rules = used.values().map(|rule| {
        let why = text::of(rule).map_or("", |text| match language {
            Language::English => text.why,
            Language::Chinese => text.why_chinese,
        });
        Descriptor {
            id: format!("LD{:04}", rule.code),
            short_description: Message { text: text::plain(text::message(rule, language)) },
            full_description: Message { text: why.to_owned() },
            help: Message { text: text::explain(rule, language) },
            default_configuration: Configuration { level: level(rule.severity) },
        }
    });
    let index = |code| used.keys().position(|known| *known == code).unwrap_or_default();
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "ldirector",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: rules.collect(),
                },
            },
            language: match language {
                Language::English => "en",
                Language::Chinese => "zh-CN",
            },
            column_kind: "unicodeCodePoints",
            results: findings
                .iter()
                .map(|finding| outcome(finding, index(finding.found.rule.code)))
                .collect(),
        }],
    };
    // Strings and numbers only: there is nothing that could fail.
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}
