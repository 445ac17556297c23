//! The reader as a whole: what a text means, and what is said about it.
use super::{Config, diagnostic::Severity, parse, source::Sources};

fn read(text: &str) -> (Config, Vec<u16>) {
    let (config, found) = parse(&Sources::from_text("test.conf", text));
    let errors = found.iter().filter(|f| f.rule.severity != Severity::Note);
    let codes = errors.map(|f| f.rule.code).collect();
    (config, codes)
}
