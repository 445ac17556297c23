//! The texts a configuration is made of, and places in them.
use super::names::Names;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// Number of a file within [`Sources`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u16);

/// A range of bytes in one file: what a diagnostic underlines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

/// A value and where it was written. Two are equal when the values are: a moved line is no change.
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<T: Eq> Eq for Spanned<T> {}

/// Everything `parse` looks at. It is pure, so whatever the outside contributes is collected here
/// by [`super::io::load`]; the parent hands the very same value to its children.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// `files[0]` is the main file. A file included twice stands here once.
    pub files: Vec<SourceFile>,
    /// What `@id` lines and `${_INSTANCE}` compare with: `-i ID`, else the host name up to its dot.
    pub config_id: String,
    /// For `${_ENV NAME}`: only the names that occur in the files.
    pub environment: BTreeMap<String, String>,
    /// What the `file:` keys of `auth_hmac` name, by the path as it is written once parameters are
    /// filled in.
    pub keys: BTreeMap<String, KeyFile>,
    /// For `${_RANDOM}` where no `random_seed` is given.
    pub seed: u64,
    /// `-e`: every include must find what it names, as if `include_check` stood first.
    #[serde(default)]
    pub strict_includes: bool,
    /// What files of this machine call routing tables and the like.
    pub names: Names,
}

/// A file that holds a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    /// Or why it cannot be read.
    pub text: Result<String, String>,
    /// Others than its owner may read it.
    pub exposed: bool,
}

/// Keys stay out of logs and dumps.
impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFile(..)")
    }
}

/// One file, already decoded to UTF-8 (what was not UTF-8 is replaced, and diagnosed).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// As the user would name it.
    pub path: PathBuf,
    pub text: String,
    /// Where its include lines lead: byte offset of the line → what was found for its pattern.
    pub includes: BTreeMap<u32, Included>,
    /// The bytes of the file are not those of `text`: they were not UTF-8.
    pub lossy: bool,
    /// They were UTF-16, by the mark at the start.
    #[serde(default)]
    pub utf16: bool,
}

/// The outcome of one include line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Included {
    /// Indexes into [`Sources::files`], in glob order.
    pub files: Vec<u16>,
    /// Matches that could not be read, and why: "is a directory", "is executable", an errno text.
    pub skipped: Vec<(PathBuf, String)>,
    /// Brace alternatives of the pattern that matched nothing.
    pub empty_alternatives: Vec<String>,
}

impl Sources {
    /// A single text that includes nothing: for tests.
    #[must_use]
    pub fn from_text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let file = SourceFile { path: path.into(), text: text.into(), ..SourceFile::default() };
        Self { files: vec![file], ..Self::default() }
    }

    /// Where a keyword first begins a line: for what has no place of its own in the model. The start
    /// of the text where it does not.
    #[must_use]
    pub fn keyword(&self, keyword: &str) -> Span {
        let mut places = self.files.iter().enumerate().filter_map(|(number, file)| {
            let mut at = 0;
            let line = file.text.split_inclusive('\n').find(|line| {
                at += line.len();
                line.split_whitespace().next() == Some(keyword)
            })?;
            let start = at - line.trim_start().len();
            let statement = line.split(['#', '!']).next().unwrap_or_default().trim();
            let (start, end) = (u32::try_from(start), u32::try_from(start + statement.len()));
            Some(Span {
                file: FileId(u16::try_from(number).ok()?),
                start: start.ok()?,
                end: end.ok()?,
            })
        });
        places.next().unwrap_or_default()
    }

    #[must_use]
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(usize::from(id.0))
    }
}
