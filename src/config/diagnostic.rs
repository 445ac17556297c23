//! What is wrong in a configuration, where, and what to do about it.
use super::{
    rules::{
        Rule, language,
        text::{self, Language},
        values,
    },
    source::{FileId, Span},
};
use std::{borrow::Cow, collections::BTreeSet};

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
    /// The rule's, unless the user wants it otherwise ([`super::levels`]).
    pub severity: Severity,
    pub span: Span,
    /// Values of the `{name}`s in the rule's message and help.
    pub values: Vec<(&'static str, String)>,
    /// Other places that take part: the first of two, the other brace.
    pub labels: Vec<(Span, &'static str)>,
    /// Text that probably mends it when put in place of `span`.
    pub replacement: Option<String>,
    /// Whether the replacement is what was meant, beyond doubt: then `check --fix` makes it.
    pub certainty: Certainty,
    /// Further places to be changed together with that of `replacement`.
    pub further: Vec<(Span, String)>,
}

/// How sure a replacement is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certainty {
    #[default]
    Likely,
    Certain,
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

    /// What was probably meant: shown, but not applied by `--fix`.
    pub fn replace_with(&mut self, text: impl Into<String>) -> &mut Self {
        self.replacement = Some(text.into());
        self
    }

    /// What was meant: nothing else makes sense here, or it changes nothing in what is understood.
    pub fn mend_with(&mut self, text: impl Into<String>) -> &mut Self {
        self.certainty = Certainty::Certain;
        self.replace_with(text)
    }

    /// Another place that `--fix` changes with this.
    pub fn mend_also(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.further.push((span, text.into()));
        self
    }

    /// What was given for `{name}`; empty where nothing was.
    fn value(&self, name: &str) -> &str {
        let value = self.values.iter().find(|(known, _)| *known == name);
        value.map_or("", |(_, value)| value.as_str())
    }

    /// The rule's sentence with its values filled in, in English.
    #[must_use]
    pub fn message(&self) -> String {
        self.message_in(Language::English)
    }

    /// What to do about it, in English; None where the rule has nothing to say.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.help_in(Language::English)
    }

    #[must_use]
    pub fn message_in(&self, language: Language) -> String {
        self.fill(text::message(self.rule, language), language)
    }

    #[must_use]
    pub fn help_in(&self, language: Language) -> Option<String> {
        let help = text::help(self.rule, language);
        (!help.is_empty()).then(|| self.fill(help, language))
    }

    /// The words at another place that takes part.
    #[must_use]
    pub fn label_in(label: &'static str, language: Language) -> Cow<'static, str> {
        match language {
            Language::English => Cow::Borrowed(label),
            Language::Chinese => text::phrase(label).map_or(Cow::Borrowed(label), Cow::Owned),
        }
    }

    fn fill(&self, template: &str, language: Language) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(&before.replace("}}", "}"));
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
                Some((_, value)) => match language {
                    Language::Chinese if !is_quotation(name) && value.len() < LONGEST_PHRASE => {
                        let chinese = text::phrase(value);
                        push_shortened(&mut text, chinese.as_deref().unwrap_or(value));
                    }
                    Language::English | Language::Chinese => push_shortened(&mut text, value),
                },
                None => text.push_str(&format!("{{{name}}}")),
            }
            rest = tail;
        }
        text.push_str(&rest.replace("}}", "}"));
        text
    }
}

/// Longer values are no phrases of ours.
const LONGEST_PHRASE: usize = 400;

/// Values of these names are words of the file.
fn is_quotation(name: &str) -> bool {
    matches!(
        name,
        "word" | "value" | "name" | "surplus" | "tail" | "path" | "pattern" | "reflowed" | "line"
    )
}

/// A sentence stays one, whatever the file put in the place of a word.
fn push_shortened(text: &mut String, value: &str) {
    const MOST: usize = 1000;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => {
            text.push_str(&value[..end]);
            text.push_str("...");
        }
        None => text.push_str(value),
    }
}

/// What was found while one block was read: a stretch of the list. Whoever misses something in the
/// block can see whether it was there and not understood, and need not say it twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    from: usize,
    to: usize,
}

/// What is not to be believed of a text whose braces are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubted {
    All,
    /// That keywords stand in the wrong place.
    Keywords,
}

/// Text whose braces are wrong: what was made of it is not what was meant.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    doubted: Doubted,
    /// The words that open the top-level block.
    header: Span,
    file: FileId,
    /// Offsets, the end excluded.
    from: u32,
    to: u32,
}

impl Doubt {
    fn covers(&self, found: &Diagnostic, is_keyword: impl Fn(&str) -> bool) -> bool {
        let Span { file, start, .. } = found.span;
        let inside = |of, from, to| file == of && (from..to).contains(&start);
        inside(self.header.file, self.header.start, self.header.end)
            || inside(self.file, self.from, self.to)
                && match self.doubted {
                    Doubted::All => true,
                    Doubted::Keywords => is_keyword(found.value("word")),
                }
    }
}

/// Findings in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    doubts: Vec<Doubt>,
}

impl Diagnostics {
    /// Adds a finding; chain `with`, `label`, `replace_with` on the answer.
    pub fn report(&mut self, rule: &'static Rule, span: Span) -> &mut Diagnostic {
        let at = self.found.len();
        self.found.push(Diagnostic {
            rule,
            severity: rule.severity,
            span,
            values: vec![],
            labels: vec![],
            replacement: None,
            certainty: Certainty::Likely,
            further: vec![],
        });
        &mut self.found[at]
    }

    /// Adds the findings of another list.
    pub fn append(&mut self, mut more: Self) {
        self.found.append(&mut more.found);
    }

    /// The finding reported last.
    pub fn last(&mut self) -> Option<&mut Diagnostic> {
        self.found.last_mut()
    }

    /// The first finding of this rule with this value, to which another place can be added.
    pub(super) fn earlier(
        &mut self,
        rule: &'static Rule,
        name: &str,
        value: &str,
    ) -> Option<&mut Diagnostic> {
        self.found.iter_mut().find(|found| found.rule == rule && found.value(name) == value)
    }

    /// The finding of this rule at this place, to which another place can be added.
    pub(super) fn of(&mut self, rule: &'static Rule, span: Span) -> Option<&mut Diagnostic> {
        self.found.iter_mut().rev().find(|found| found.rule == rule && found.span == span)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Keeps those for which `keep` answers true, and lets it change them.
    pub(super) fn retain(&mut self, keep: impl FnMut(&mut Diagnostic) -> bool) {
        self.found.retain_mut(keep);
    }

    /// Drops what a closer look has answered.
    pub fn forget(&mut self, rule: &'static Rule) {
        self.found.retain(|found| found.rule != rule);
    }

    /// Where the list ends now: for [`Self::since`].
    #[must_use]
    pub fn here(&self) -> Said {
        let at = self.found.len();
        Said { from: at, to: at }
    }

    /// What was found since then.
    #[must_use]
    pub fn since(&self, start: Said) -> Said {
        Said { from: start.to, to: self.found.len() }
    }

    /// Everything that was found so far.
    #[must_use]
    pub fn all(&self) -> Said {
        Said { from: 0, to: self.found.len() }
    }

    fn errors_of(&self, said: Said) -> impl Iterator<Item = &Diagnostic> {
        let found = self.found.get(said.from..said.to).unwrap_or_default();
        found.iter().filter(|found| found.rule.severity == Severity::Error)
    }

    #[must_use]
    pub fn has_errors_in(&self, said: Said) -> bool {
        self.errors_of(said).next().is_some()
    }

    /// Whether an error was found that may be the reason why `keyword` of this block is missing: it
    /// was misspelt, had no value, or stood behind another on its line.
    #[must_use]
    pub fn explains(&self, said: Said, block: &str, keyword: &str) -> bool {
        self.errors_of(said).any(|found| {
            if found.rule == language::UNKNOWN_KEYWORD {
                // It may have been meant for anything.
                found.value("block") == block
            } else if found.rule == language::UNKNOWN_KEYWORD_NEAR {
                let near = found.value("near");
                found.value("block") == block && near.split(' ').next() == Some(keyword)
            } else if found.rule == language::ONE_LINE_BLOCK {
                let mut lines = found.value("reflowed").lines();
                lines.any(|line| line.split(' ').next() == Some(keyword))
            } else {
                found.value("word") == keyword
            }
        })
    }

    /// From `from` on up to `to` (None: to the end of the file) statements stand in blocks in which
    /// they do not belong. `header` opens the block at the top level around them.
    pub(super) fn doubt(&mut self, header: Span, from: Span, to: Option<Span>, doubted: Doubted) {
        let end = to.filter(|to| to.file == from.file).map_or(u32::MAX, |to| to.start);
        self.doubts.push(Doubt { doubted, header, file: from.file, from: from.start, to: end });
    }

    /// Drops what was only found because of a wrong brace, which has been reported.
    pub(super) fn forget_the_doubtful(&mut self, is_keyword: impl Fn(&str) -> bool) {
        let doubts = std::mem::take(&mut self.doubts);
        if !doubts.is_empty() {
            self.found.retain(|found| {
                language::is_of_the_text(found.rule)
                    || !doubts.iter().any(|doubt| doubt.covers(found, &is_keyword))
            });
        }
    }

    /// A word that is no value because its parameter is not defined: that is the mistake, and as bad.
    pub(super) fn blame_parameters(&mut self) {
        let undefined = [language::UNDEFINED_PARAMETER, language::UNDEFINED_PARAMETER_KEPT];
        let parameters = self.found.iter().filter(|found| undefined.contains(&found.rule));
        let parameters: BTreeSet<_> = parameters.map(|found| found.span).collect();
        if parameters.is_empty() {
            return;
        }
        let mut blamed = BTreeSet::new();
        self.found.retain(|found| {
            let is_no_value = found.rule.severity == Severity::Error
                && values::ALL.contains(&found.rule)
                && parameters.contains(&found.span);
            if is_no_value {
                blamed.insert(found.span);
            }
            !is_no_value
        });
        for found in &mut self.found {
            if undefined.contains(&found.rule) && blamed.contains(&found.span) {
                found.rule = language::UNDEFINED_PARAMETER;
                found.severity = found.rule.severity;
            }
        }
    }

    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.found.iter().map(|found| found.severity).max()
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.worst() == Some(Severity::Error)
    }
}
