//! keepalived.conf: text to statements to typed model. Never fails: always a model and a list of
//! diagnostics.
mod address;
pub mod blocks;
mod command;
pub mod diagnostic;
mod expand;
pub mod fix;
pub mod formats;
pub mod io;
pub mod keyword;
mod known;
pub mod levels;
mod lexer;
mod line;
pub mod lints;
pub mod look;
pub mod lookup;
pub mod manual;
pub mod model;
pub mod names;
mod parameters;
mod reader;
pub mod render;
pub mod rules;
pub mod scripts;
pub mod source;
pub mod tree;
mod validate;
pub mod value;

#[cfg(test)]
mod tests;

pub use model::Config;

use diagnostic::Diagnostics;
use lints::Written;
use reader::Reader;
use source::Sources;
use std::cell::RefCell;
use tree::Statement;

/// The whole way: lines (`expand`) → words and braces (`lexer`) → statements (`reader`) → drafts
/// and settled model (`blocks`). One top-level block at a time, so memory follows the model and
/// not the text.
#[must_use]
pub fn parse(sources: &Sources) -> (Config, Diagnostics) {
    read(sources, drop)
}

/// The same, and what [`lints::lint`] wants to know of the text.
#[must_use]
pub fn parse_for_advice(sources: &Sources) -> (Config, Diagnostics, Written<'_>) {
    let mut written = Written::default();
    let (config, found) = read(sources, |statement| written.keep(statement, sources));
    (config, found, written)
}

/// `keep` gets every top-level statement once it has been understood.
fn read<'s>(sources: &'s Sources, keep: impl FnMut(Statement<'s>)) -> (Config, Diagnostics) {
    let found = RefCell::new(Diagnostics::default());
    let statements = Reader::new(sources, blocks::is_root_block, known::opens_a_block, &found);
    let config = blocks::interpret(statements, sources, &found, keep);
    let mut found = found.into_inner();
    found.forget_the_doubtful(known::is_known);
    found.blame_parameters();
    (config, found)
}
