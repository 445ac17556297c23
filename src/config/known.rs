//! What is known of a word in all blocks together: which of them have it, and what it opens.
use super::{
    blocks::blocks,
    keyword::{BlockInfo, TOP, Takes},
    tree::Word,
};
use std::{collections::HashSet, sync::LazyLock};

/// Whether a word is a keyword of some block.
pub(super) fn is_known(word: &str) -> bool {
    !homes(word).is_empty()
}

/// The keywords that open a block somewhere: few lines begin with one, and every line is asked.
static OPENING: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let keywords = blocks().into_iter().flat_map(|block| (block.keywords)());
    keywords.filter(|known| known.takes.shape().2).flat_map(|known| known.names).copied().collect()
});

/// A line that may be the first of a block that has no brace.
#[derive(Clone, Copy, Debug)]
pub(super) struct FirstLine<'l, 's> {
    pub(super) words: &'l [Word<'s>],
    /// It is indented deeper than the line in front of it.
    pub(super) deeper: bool,
}

/// Whether these words open a block within that of `around` (None: at the top level), and, where
/// it is given, this line belongs in it.
pub(super) fn opens_a_block(
    around: Option<&str>,
    words: &[Word<'_>],
    line: Option<FirstLine<'_, '_>>,
) -> bool {
    let Some((keyword, arguments)) = words.split_first() else { return false };
    if !OPENING.contains(keyword.as_str()) {
        return false;
    }
    let blocks = blocks();
    let knows = |block: &BlockInfo, word: &str| {
        (block.keywords)().into_iter().find(|known| known.names.contains(&word))
    };
    let around = match around {
        None => TOP,
        Some("SSL_GET") => "HTTP_GET",
        Some(around) => around,
    };
    let around = blocks.iter().find(|block| block.name == around);
    let Some((around, known)) =
        around.and_then(|around| Some((around, knows(around, keyword.as_str())?)))
    else {
        return false;
    };
    let (least, most, takes_block) = known.takes.shape();
    if !takes_block || !(least..=most).contains(&arguments.len()) {
        return false;
    }
    let Some(line) = line else { return true };
    let Some(first) = line.words.first().map(Word::as_str) else { return false };
    match known.takes {
        Takes::Lines(_) if line.deeper => knows(around, first).is_none(),
        Takes::Lines(_) => !is_known(first),
        _ => {
            let own = blocks.iter().filter(|block| known.names.contains(&block.name));
            own.into_iter().any(|block| knows(block, first).is_some())
                && (line.deeper || knows(around, first).is_none())
        }
    }
}

/// The blocks that know a word: "virtual_server or real_server".
pub(super) fn homes(word: &str) -> String {
    let homes: Vec<&str> =
        blocks()
            .into_iter()
            .filter(|block| (block.keywords)().iter().any(|known| known.names.contains(&word)))
            .map(|block| {
                if block.name == TOP { "the file itself, outside of any block" } else { block.name }
            })
            .collect();
    match homes.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}
