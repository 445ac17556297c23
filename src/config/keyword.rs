//! A block is a table of keywords; this applies a table to a block.
use super::{diagnostic::Diagnostics, rules::language as rules, tree::Statement};

/// One keyword of one block: what the parser, `check` and the README table know of it.
#[derive(Debug)]
pub struct Keyword<T: 'static> {
    /// The keyword and its other spellings; the first is the one to recommend.
    pub names: &'static [&'static str],
    pub takes: Takes,
    pub support: Support,
    pub default: &'static str,
    pub range: &'static str,
    pub doc: &'static str,
    pub apply: Apply<T>,
}

/// Called with the number of words already checked against [`Takes`].
pub type Apply<T> = fn(&mut T, &Statement<'_>, &mut Diagnostics);

/// What stands behind a keyword; the text names the arguments for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    /// Nothing, or on/off/true/false/yes/no.
    OptionalBool,
    /// Exactly one word.
    One(&'static str),
    /// Nothing or one word.
    UpTo1(&'static str),
    /// At least `min`, at most `max` words.
    Words(usize, usize, &'static str),
    /// A command line that is split by the rules of scripts (`value::script`).
    Script,
    /// Keywords between braces, no word before them.
    Block,
    /// One word (a name), then keywords between braces.
    NamedBlock(&'static str),
    /// `min`..=`max` words, then keywords between braces.
    WordsBlock(usize, usize, &'static str),
    /// Free lines between braces.
    Lines(&'static str),
}

/// Whether a keyword does what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Works.
    Full,
    /// Will work; until then a warning says that it does not.
    NotYet(&'static str),
    /// Never will; a warning says why, and what to do instead.
    NoEffect(&'static str),
    /// Works, but is an old way to say it: a note says the new one.
    Obsolete(&'static str),
}

/// Starts a table line: `kw(&["delay_loop"], One("SECONDS"), apply).default("60").doc("…")`.
pub const fn kw<T>(names: &'static [&'static str], takes: Takes, apply: Apply<T>) -> Keyword<T> {
    Keyword { names, takes, support: Support::Full, default: "", range: "", doc: "", apply }
}

/// A keyword that is known and does nothing yet: its block, if it has one, is skipped.
pub const fn not_yet<T>(names: &'static [&'static str], takes: Takes) -> Keyword<T> {
    kw(names, takes, |_, _, _| {}).support(Support::NotYet("it is planned"))
}

impl<T> Keyword<T> {
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }
    #[must_use]
    pub const fn range(mut self, range: &'static str) -> Self {
        self.range = range;
        self
    }
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
    #[must_use]
    pub const fn support(mut self, support: Support) -> Self {
        self.support = support;
        self
    }
}

/// A keyword without its block's type: for lists, suggestions and documentation.
#[derive(Clone, Copy, Debug)]
pub struct KeywordInfo {
    pub names: &'static [&'static str],
    pub takes: Takes,
    pub support: Support,
    pub default: &'static str,
    pub range: &'static str,
    pub doc: &'static str,
}

/// A block by its name, and the keywords it knows.
#[derive(Clone, Copy, Debug)]
pub struct BlockInfo {
    pub name: &'static str,
    pub keywords: fn() -> Vec<KeywordInfo>,
}

/// Forgets the type of a table.
#[must_use]
pub fn describe<T>(table: &'static [Keyword<T>]) -> Vec<KeywordInfo> {
    table
        .iter()
        .map(|k| KeywordInfo {
            names: k.names,
            takes: k.takes,
            support: k.support,
            default: k.default,
            range: k.range,
            doc: k.doc,
        })
        .collect()
}

/// Applies a table to the statements of a block. `block` is its name for messages: "virtual_server".
/// A statement that does not fit is reported once and skipped whole, with its block.
pub fn apply<T>(
    table: &'static [Keyword<T>],
    block: &'static str,
    body: &[Statement<'_>],
    into: &mut T,
    out: &mut Diagnostics,
) {
    for statement in body {
        match table.iter().find(|k| k.names.contains(&statement.first())) {
            Some(keyword) => (keyword.apply)(into, statement, out),
            None => {
                out.report(rules::UNKNOWN_KEYWORD, statement.span)
                    .with("word", statement.first())
                    .with("block", block);
            }
        }
    }
}
