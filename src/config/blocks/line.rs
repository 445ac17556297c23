//! The words of a free line, taken one after the other with their values.
use crate::{
    base::Prefix,
    config::{
        address,
        diagnostic::{Certainty, Diagnostics},
        rules::{Rule, global as global_rules},
        source::Span,
        tree::{Statement, Word},
    },
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

    pub(super) fn peek_word(&self) -> Option<&'a Word<'s>> {
        self.statement.word(self.at)
    }

    /// Whether the next word is this one; if so it is behind us.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// Where the word behind us is a mask apart from the address before it: the place of both, and
    /// how they are written.
    pub(super) fn mask(&self, host: Prefix) -> Option<(Span, String)> {
        let [address, mask] = self.statement.words.get(..2)? else { return None };
        let length = address::mask(mask.as_str()).filter(|length| *length <= host.length)?;
        let apart = self.at == 2 && address.span.file == mask.span.file;
        let span = Span { end: mask.span.end, ..address.span };
        apart.then(|| (span, format!("{}/{length}", host.address)))
    }

    /// Whether the word behind us is another address: then it is reported.
    pub(super) fn is_address(&self, out: &mut Diagnostics) -> bool {
        further_addresses(self.statement, self.at.saturating_sub(1), out)
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

/// The address that begins a line of the list `keyword`, and the text of its length. A comma behind
/// it is reported; so is a word that is none, by `otherwise` where it is not even like one.
pub(super) fn leading<'w>(
    keyword: &str,
    word: &'w Word<'_>,
    otherwise: &'static Rule,
    out: &mut Diagnostics,
) -> Option<(IpAddr, Option<&'w str>)> {
    let text = word.as_str();
    let is_list = text.contains([',', '，']);
    if let Some(found) = address(text).filter(|_| !is_list) {
        return Some(found);
    }
    if !address::explain(keyword, word, out) {
        out.report(otherwise, word.span).with("word", keyword).with("value", text);
    }
    address::without_comma(text).and_then(address)
}

/// Reports that from word `index` on further addresses stand on a line; false where word `index` is
/// none.
fn further_addresses(statement: &Statement<'_>, index: usize, out: &mut Diagnostics) -> bool {
    let is_address = |word: &Word<'_>| {
        let text = word.as_str();
        address(address::without_comma(text).unwrap_or(text)).is_some()
    };
    let Some(word) = statement.word(index).filter(|word| is_address(word)) else { return false };
    let found = out.report(global_rules::ADDRESS_SECOND, word.span).with("word", word.as_str());
    found.certainty = Certainty::Certain;
    for pair in statement.words.windows(2).skip(index.saturating_sub(1)) {
        if let [before, word] = pair
            && is_address(word)
            && before.span.file == word.span.file
            && before.span.end <= word.span.start
        {
            let gap = Span { start: before.span.end, end: word.span.start, ..word.span };
            found.mend_also(gap, "\n");
        }
    }
    true
}

/// An address and the text of its length, if there is one.
pub(super) fn address(text: &str) -> Option<(IpAddr, Option<&str>)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    address.parse().ok().map(|address| (address, length))
}
