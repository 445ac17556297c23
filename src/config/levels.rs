//! What the user wants to hear: codes that are silenced, by option or by a comment in the file, and
//! warnings that count as errors.
//!
//! `# ldirector: allow(LD0117, LD0118)` behind a statement silences warnings and notes on its line;
//! on a line of its own, those on the next line that is no comment. Errors cannot be silenced.
use super::{
    diagnostic::{Diagnostics, Severity},
    lexer,
    line::Line,
    rules::{
        Rule, language,
        text::{self},
    },
    source::{FileId, Sources, Span},
};
use std::collections::BTreeSet;

/// From the command line.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    /// Codes that are silent everywhere.
    pub allow: BTreeSet<u16>,
    pub warnings: Warnings,
}

/// What a warning is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Warnings {
    #[default]
    AsTheyAre,
    /// As bad as an error.
    Denied,
}

const MARK: &str = "ldirector: allow(";

/// Drops what is silenced and raises what is denied. Comments that silence nothing that could be
/// silenced are reported.
pub fn apply(sources: &Sources, levels: &Levels, found: &mut Diagnostics) {
    let mut allowances = vec![];
    for (number, file) in sources.files.iter().enumerate() {
        if let (true, Ok(number)) = (file.text.contains(MARK), u16::try_from(number)) {
            allowances.extend(in_file(FileId(number), &file.text));
        }
    }
    for allowance in &allowances {
        match text::find(&allowance.code) {
            None => {
                found.report(language::ALLOW_UNKNOWN, allowance.span).with("code", &allowance.code);
            }
            Some(rule) if rule.severity == Severity::Error => {
                found.report(language::ALLOW_ERROR, allowance.span).with("code", &allowance.code);
            }
            Some(_) => {}
        }
    }
    let silenced = |rule: &Rule, span: Span| {
        levels.allow.contains(&rule.code)
            || allowances.iter().any(|allowance| allowance.covers(rule.code, span))
    };
    found.retain(|finding| {
        let keep = finding.severity == Severity::Error || !silenced(finding.rule, finding.span);
        if levels.warnings == Warnings::Denied && finding.severity == Severity::Warning {
            finding.severity = Severity::Error;
        }
        keep
    });
}

/// One code of a comment.
#[derive(Debug)]
struct Allowance {
    code: String,
    /// Where the code stands.
    span: Span,
    /// The line it speaks for.
    from: u32,
    to: u32,
}

impl Allowance {
    fn covers(&self, code: u16, span: Span) -> bool {
        span.file == self.span.file
            && (self.from..=self.to).contains(&span.start)
            && text::find(&self.code).is_some_and(|rule| rule.code == code)
    }
}

fn in_file(file: FileId, text: &str) -> Vec<Allowance> {
    let mut found = vec![];
    // Those that stand alone, until their line is known.
    let mut waiting: Vec<Allowance> = vec![];
    let mut offset = 0;
    for physical in text.split_inclusive('\n') {
        let start = offset;
        offset += physical.len();
        let line = Line::straight(physical, file, start).trim();
        let statement = lexer::strip_comment(line.clone()).text.len();
        let (from, to) = (short(start), short(offset.saturating_sub(1)));
        if statement > 0 {
            found.extend(waiting.drain(..).map(|allowance| Allowance { from, to, ..allowance }));
        }
        let comment = statement..line.text.len();
        let Some(at) = line.text.get(comment.clone()).and_then(|comment| comment.find(MARK)) else {
            continue;
        };
        let inside = comment.start + at + MARK.len();
        let codes = line.text.get(inside..).unwrap_or_default();
        let codes = codes.split(')').next().unwrap_or_default();
        let mut at = inside;
        for code in codes.split(',') {
            let blank = code.len() - code.trim_start().len();
            let span = line.span(at + blank..at + blank + code.trim().len());
            at += code.len() + 1;
            let allowance = Allowance { code: code.trim().to_owned(), span, from, to };
            if statement > 0 { found.push(allowance) } else { waiting.push(allowance) }
        }
    }
    found.append(&mut waiting);
    found
}

fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn codes(text: &str, levels: &Levels) -> Vec<(u16, Severity)> {
        let text = format!(
            "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nno_virtual_ipaddress\n{text}\n}}\n"
        );
        let sources = Sources::from_text("x.conf", text);
        let (_, mut found) = config::parse(&sources);
        apply(&sources, levels, &mut found);
        found.iter().map(|finding| (finding.rule.code, finding.severity)).collect()
    }

    #[test]
    fn comments_silence_their_line() {
        for (text, expected) in [
            ("priority 100 x", vec![(113, Severity::Warning)]),
            ("priority 100 x # ldirector: allow(LD0113)", vec![]),
            ("priority 100 x # known, ldirector: allow(0110, ld0113) really", vec![]),
            ("# ldirector: allow(LD0113)\n\n# more\npriority 100 x", vec![]),
            ("! ldirector: allow(LD0113)\npriority 100 x", vec![]),
            (
                "# ldirector: allow(LD0113)\npriority 100\nadvert_int 1 x",
                vec![(113, Severity::Warning)],
            ),
            (
                "priority 100 # ldirector: allow(LD0113)\nadvert_int 1 x",
                vec![(113, Severity::Warning)],
            ),
            (
                "priority 300 # ldirector: allow(LD0202)",
                vec![(202, Severity::Error), (137, Severity::Warning)],
            ),
            ("priority 100 # ldirector: allow(LD9113)", vec![(136, Severity::Warning)]),
            ("notify \"/bin/true ldirector: allow(LD9113)\"", vec![]),
        ] {
            assert_eq!(codes(text, &Levels::default()), expected, "{text}");
        }
    }

    #[test]
    fn options_silence_and_deny() {
        let denied = Levels { warnings: Warnings::Denied, ..Levels::default() };
        assert_eq!(codes("priority 100 x", &denied), [(113, Severity::Error)]);
        let allowed = Levels { allow: BTreeSet::from([113, 202]), ..denied };
        assert_eq!(codes("priority 100 x", &allowed), []);
        assert_eq!(codes("priority 300", &allowed), [(202, Severity::Error)], "errors stay");
    }
}
