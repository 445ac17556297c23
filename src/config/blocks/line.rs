//! The words of a free line, taken one after the other with their values.
use crate::config::{
    diagnostic::Diagnostics,
    rules::Rule,
    tree::{Statement, Word},
};
use std::net::IpAddr;

/// A position in a line. `needs_value` and `bad_value` are the block's words for two mistakes.
#[derive(Debug)]
pub(super) struct Line<'a, 's> {
    statement: &'a Statement<'s>,
    at: usize,
    needs_value: &'static Rule,
    bad_value: &'static Rule,
}

impl<'a, 's> Line<'a, 's> {
    pub(super) fn new(
        statement: &'a Statement<'s>,
        needs_value: &'static Rule,
        bad_value: &'static Rule,
    ) -> Self {
        Self { statement, at: 0, needs_value, bad_value }
    }

    /// The next word, which is then behind us.
    pub(super) fn next(&mut self) -> Option<&'a Word<'s>> {
        let word = self.statement.word(self.at)?;
        self.at += 1;
        Some(word)
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.statement.word(self.at).map(Word::as_str)
    }

    /// Whether the next word is this one; if so it is behind us.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// The value that must follow `option`.
    pub(super) fn value(
        &mut self,
        option: &Word<'_>,
        out: &mut Diagnostics,
    ) -> Option<&'a Word<'s>> {
        let value = self.next();
        if value.is_none() {
            out.report(self.needs_value, option.span).with("word", option.as_str());
        }
        value
    }

    /// The value that must follow `option`, read by `read`; `takes` says to people what it may be.
    pub(super) fn read<T>(
        &mut self,
        option: &Word<'_>,
        takes: &str,
        out: &mut Diagnostics,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let word = self.value(option, out)?;
        let value = read(word.as_str());
        if value.is_none() {
            out.report(self.bad_value, word.span)
                .with("value", word.as_str())
                .with("word", option.as_str())
                .with("takes", takes);
        }
        value
    }
}

/// A number, decimal or after `0x`.
pub(super) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    number.ok().and_then(|number| T::try_from(number).ok())
}

/// An address and the text of its length, if there is one.
pub(super) fn address(text: &str) -> Option<(IpAddr, Option<&str>)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    address.parse().ok().map(|address| (address, length))
}
