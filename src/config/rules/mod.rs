//! Every sentence that `ldirector check` can say, with its code: one `Rule` each, grouped by area.
//!
//! Codes are stable: LD01xx language, LD02xx values, LD03xx global_defs and scripts,
//! LD04xx VRRP, LD05xx virtual servers, LD06xx checkers, LD07xx advice,
//! LD08xx trackers, LD09xx directors against each other, LD10xx what probes see on this machine, LD11xx
//! on real servers. A retired code is not used again.
pub mod checkers;
pub mod global;
pub mod language;
pub mod lints;
pub mod lvs;
pub mod pair;
pub mod probe;
pub mod servers;
pub mod text;
pub mod trackers;
pub mod values;
pub mod vrrp;

use super::diagnostic::Severity;

/// A kind of finding. `{name}`s in the sentences are filled from the diagnostic's values.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Printed as `LD0117`.
    pub code: u16,
    pub severity: Severity,
    /// The fact, in one line, without a full stop.
    pub message: &'static str,
    /// What to do about it; may be empty.
    pub help: &'static str,
}

const fn error(code: u16, message: &'static str, help: &'static str) -> Rule {
    Rule { code, severity: Severity::Error, message, help }
}
const fn warning(code: u16, message: &'static str, help: &'static str) -> Rule {
    Rule { code, severity: Severity::Warning, message, help }
}
const fn note(code: u16, message: &'static str, help: &'static str) -> Rule {
    Rule { code, severity: Severity::Note, message, help }
}

/// All areas, for the tests and for whoever lists the codes.
pub const AREAS: &[&[&Rule]] = &[
    language::ALL,
    values::ALL,
    global::ALL,
    vrrp::ALL,
    lvs::ALL,
    checkers::ALL,
    lints::ALL,
    trackers::ALL,
    pair::ALL,
    probe::ALL,
    servers::ALL,
];

/// Declares the rules of one area and the list of them.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $severity:ident($code:literal, $message:literal, $help:literal);)*) => {
        $($(#[$doc])* pub const $name: &super::Rule = &super::$severity($code, $message, $help);)*
        /// Every rule of this file.
        pub const ALL: &[&super::Rule] = &[$($name),*];
    };
}
pub(crate) use rules;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_in_their_area() {
        let mut seen = BTreeSet::new();
        for (area, rules) in AREAS.iter().enumerate() {
            for rule in *rules {
                assert!(seen.insert(rule.code), "LD{:04} twice", rule.code);
                assert_eq!(usize::from(rule.code) / 100, area + 1, "LD{:04}", rule.code);
                assert!(!rule.message.ends_with('.'), "LD{:04}: {}", rule.code, rule.message);
            }
        }
    }
}
