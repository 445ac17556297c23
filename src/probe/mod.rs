//! `check --probe`: what the machine and the real servers say to a configuration, and what that means.
//!
//! A probe looks at one thing and answers with a [`Found`]: a line for the report whatever was seen,
//! and a diagnostic at the place in the file where something is wrong. Sentences are rules of
//! [`crate::config::rules::probe`] and [`crate::config::rules::servers`].
pub mod addresses;
pub mod firewall;
pub mod interfaces;
pub mod io;
pub mod kernel;
pub mod routers;
pub mod servers;

use crate::config::{
    diagnostic::{Diagnostic, Diagnostics},
    look::{Look, LookState, Topic},
    rules::Rule,
    source::Span,
};

/// What one probe, or all of them, came to.
#[derive(Debug, Default)]
pub struct Found {
    pub looks: Vec<Look>,
    pub findings: Diagnostics,
}

impl Found {
    /// It is as the file needs it.
    pub fn good(&mut self, topic: Topic, subject: impl Into<String>, seen: impl Into<String>) {
        self.look(topic, subject.into(), LookState::Good, seen.into());
    }

    /// It could not be looked at, and why.
    pub fn unknown(&mut self, topic: Topic, subject: impl Into<String>, seen: impl Into<String>) {
        self.look(topic, subject.into(), LookState::Unknown, seen.into());
    }

    /// It is not as the file needs it. Each such look has a finding ([`Self::report`]).
    pub fn bad(&mut self, topic: Topic, subject: impl Into<String>, seen: impl Into<String>) {
        self.look(topic, subject.into(), LookState::Bad, seen.into());
    }

    /// Adds a finding; chain `with` on the answer.
    pub fn report(&mut self, rule: &'static Rule, span: Span) -> &mut Diagnostic {
        self.findings.report(rule, span)
    }

    /// Adds what another probe found.
    pub fn append(&mut self, more: Self) {
        self.looks.extend(more.looks);
        self.findings.append(more.findings);
    }

    fn look(&mut self, topic: Topic, subject: String, state: LookState, seen: String) {
        self.looks.push(Look { topic, subject, state, seen });
    }
}
