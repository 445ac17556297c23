//! Statements and their blocks; knows no keyword.
use super::source::Span;
use std::borrow::Cow;

/// A word with its quotes removed. Words that no parameter touched borrow from the source.
#[derive(Clone, Debug)]
pub struct Word<'s> {
    pub text: Cow<'s, str>,
    pub span: Span,
}

impl Word<'_> {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// One line, and the block behind it if there is one. `words` is never empty.
#[derive(Clone, Debug)]
pub struct Statement<'s> {
    pub words: Vec<Word<'s>>,
    /// The line as written, comments gone and parameters replaced, brace excluded: scripts and
    /// regular expressions split it by rules of their own.
    pub raw: Cow<'s, str>,
    pub block: Option<Block<'s>>,
    /// From the first word to the last.
    pub span: Span,
}

/// What stands between two braces.
#[derive(Clone, Debug, Default)]
pub struct Block<'s> {
    pub body: Vec<Statement<'s>>,
    pub open: Span,
    /// The closing brace; the end of the text where it is missing.
    pub close: Span,
}

impl<'s> Statement<'s> {
    /// The keyword.
    #[must_use]
    pub fn first(&self) -> &str {
        self.words.first().map_or("", |word| word.as_str())
    }

    /// Word `index`, the keyword being 0.
    #[must_use]
    pub fn word(&self, index: usize) -> Option<&Word<'s>> {
        self.words.get(index)
    }

    /// The block's statements; none where there is no block.
    #[must_use]
    pub fn body(&self) -> &[Self] {
        self.block.as_ref().map_or(&[], |block| &block.body)
    }
}
