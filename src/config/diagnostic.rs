//! What is wrong in a configuration, where, and what to do about it.
use super::{rules::Rule, source::Span};

/// How bad it is. Errors keep a configuration from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// One finding: a rule, a place, and the words that fill the rule's sentences.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub rule: &'static Rule,
    pub span: Span,
    /// Values of the `{name}`s in the rule's message and help.
    pub values: Vec<(&'static str, String)>,
    /// Other places that take part: the first of two, the other brace.
    pub labels: Vec<(Span, &'static str)>,
    /// Text that mends it when put in place of `span`.
    pub replacement: Option<String>,
}

impl Diagnostic {
    /// Gives `{name}` of the rule's sentences its value.
    pub fn with(&mut self, name: &'static str, value: impl std::fmt::Display) -> &mut Self {
        self.values.push((name, value.to_string()));
        self
    }

    pub fn label(&mut self, span: Span, text: &'static str) -> &mut Self {
        self.labels.push((span, text));
        self
    }

    pub fn replace_with(&mut self, text: impl Into<String>) -> &mut Self {
        self.replacement = Some(text.into());
        self
    }

    /// The rule's sentence with its values filled in.
    #[must_use]
    pub fn message(&self) -> String {
        self.fill(self.rule.message)
    }

    /// What to do about it; None where the rule has nothing to say.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        (!self.rule.help.is_empty()).then(|| self.fill(self.rule.help))
    }

    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            if let Some(after) = after.strip_prefix('{') {
                text.push('{');
                rest = after;
                continue;
            }
            let Some((name, tail)) = after.split_once('}') else {
                text.push('{');
                rest = after;
                continue;
            };
            match self.values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => text.push_str(value),
                None => text.push_str(&format!("{{{name}}}")),
            }
            rest = tail;
        }
        text.push_str(rest);
        text
    }
}

/// Findings in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a finding; chain `with`, `label`, `replace_with` on the answer.
    pub fn report(&mut self, rule: &'static Rule, span: Span) -> &mut Diagnostic {
        let at = self.0.len();
        self.0.push(Diagnostic { rule, span, values: vec![], labels: vec![], replacement: None });
        &mut self.0[at]
    }

    /// The finding reported last.
    pub fn last(&mut self) -> Option<&mut Diagnostic> {
        self.0.last_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.0.iter().map(|found| found.rule.severity).max()
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.worst() == Some(Severity::Error)
    }
}
