//! What is known of a word in all blocks together: which of them have it, and what it opens.
use super::{
    blocks::blocks,
    keyword::{BlockInfo, TOP, Takes},
    tree::Word,
};

/// Whether a word is a keyword of some block.
pub(super) fn is_known(word: &str) -> bool {
    !homes(word).is_empty()
}

/// Whether these words open a block within that of `around` (None: at the top level), and, where
/// it is given, this line may be the first in it.
pub(super) fn opens_a_block(
    around: Option<&str>,
    words: &[Word<'_>],
    line: Option<&[Word<'_>]>,
) -> bool {
    let Some((keyword, arguments)) = words.split_first() else { return false };
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
    let Some(first) = line.and_then(|line| line.first()) else { return line.is_none() };
    match known.takes {
        Takes::Lines(_) => knows(around, first.as_str()).is_none(),
        _ => blocks
            .iter()
            .filter(|block| known.names.contains(&block.name))
            .any(|block| knows(block, first.as_str()).is_some()),
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
