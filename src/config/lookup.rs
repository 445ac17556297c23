//! What the tables of keywords say, for a terminal.
use super::{
    blocks::blocks,
    keyword::{BlockInfo, KeywordInfo, Support, TOP, Takes, nearest},
};
use std::{collections::BTreeSet, fmt::Arguments};

/// Lines are broken before this column.
const WIDTH: usize = 80;

/// Every keyword and block, block by block. For who wants to know what there is.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for block in blocks() {
        let names: Vec<&str> = (block.keywords)()
            .iter()
            .filter_map(|keyword| keyword.names.first().copied())
            .collect();
        paragraph(&mut text, "", title(block.name));
        paragraph(&mut text, "    ", &names.join(" "));
        text.push('\n');
    }
    text.push_str("`ldirector keywords WORD` says what a keyword or a block is.\n");
    text
}

/// What a word means in each block that knows it, and what stands in the block of that name. None: no
/// table has it.
#[must_use]
pub fn of(word: &str) -> Option<String> {
    let mut text = String::new();
    for block in blocks() {
        for keyword in (block.keywords)() {
            if keyword.names.contains(&word) {
                entry(&mut text, &block, &keyword);
            }
        }
    }
    if let Some(block) = blocks().iter().find(|block| block.name == word) {
        if !text.is_empty() {
            text.push('\n');
        }
        contents(&mut text, block);
    }
    (!text.is_empty()).then_some(text)
}

/// Words of the tables that may have been meant, the likeliest first; may be empty.
#[must_use]
pub fn near(word: &str) -> Vec<&'static str> {
    let all: BTreeSet<&'static str> = blocks()
        .iter()
        .flat_map(|block| (block.keywords)())
        .flat_map(|keyword| keyword.names.iter().copied())
        .collect();
    let slip = nearest(word, all.iter().copied()).map(|(name, _)| name);
    let lower = word.to_lowercase();
    let within = all.iter().copied().filter(|name| {
        word.len() >= 3 && name.to_lowercase().contains(&lower) && Some(*name) != slip
    });
    slip.into_iter().chain(within).collect()
}

fn title(block: &str) -> &str {
    if block == TOP { "outside of any block" } else { block }
}

fn entry(text: &mut String, block: &BlockInfo, keyword: &KeywordInfo) {
    if !text.is_empty() {
        text.push('\n');
    }
    let name = keyword.names.first().copied().unwrap_or_default();
    line(text, format_args!("{name} {}", arguments(keyword.takes)));
    line(text, format_args!("    in         {}", title(block.name)));
    if let [_, others @ ..] = keyword.names
        && !others.is_empty()
    {
        line(text, format_args!("    also       {}", others.join(", ")));
    }
    for (label, value) in [("default", keyword.default), ("range", keyword.range)] {
        if !value.is_empty() {
            line(text, format_args!("    {label:<10} {value}"));
        }
    }
    let (label, why) = match keyword.support {
        Support::Full => ("", ""),
        Support::Obsolete(why) => ("Old: ", why),
        Support::NoEffect(why) => ("Has no effect: ", why),
        Support::NotYet(why) => ("Does nothing yet: ", why),
    };
    paragraph(text, "    ", keyword.doc);
    if !label.is_empty() {
        paragraph(text, "    ", &format!("{label}{why}"));
    }
}

fn contents(text: &mut String, block: &BlockInfo) {
    line(text, format_args!("In a block {}:", block.name));
    let keywords = (block.keywords)();
    let names = |keyword: &KeywordInfo| {
        let name = keyword.names.first().copied().unwrap_or_default();
        format!("{name} {}", arguments(keyword.takes)).trim_end().to_owned()
    };
    let widest = keywords.iter().map(|keyword| names(keyword).len()).max().unwrap_or(0).min(32);
    for keyword in &keywords {
        line(text, format_args!("    {:<widest$}  {}", names(keyword), keyword.doc));
    }
}

/// As it is written in the file: `SECONDS`, `[BOOL]`, `NAME { ... }`.
fn arguments(takes: Takes) -> String {
    match takes {
        Takes::Nothing => String::new(),
        Takes::Block => "{ ... }".to_owned(),
        Takes::Lines(what) => format!("{{ {what} }}"),
        Takes::OptionalBool => "[on|off]".to_owned(),
        Takes::NamedBlock(what) | Takes::WordsBlock(_, _, what) => format!("{what} {{ ... }}"),
        Takes::UpTo1(what) if !what.starts_with('[') => format!("[{what}]"),
        Takes::UpTo1(_) | Takes::One(_) | Takes::Words(..) | Takes::Script => {
            takes.describe().to_owned()
        }
    }
}

fn line(text: &mut String, content: Arguments<'_>) {
    let line = content.to_string();
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Broken between words; what is longer than a line stays whole.
fn paragraph(text: &mut String, indent: &str, content: &str) {
    let mut column = 0;
    for word in content.split_whitespace() {
        if column > 0 && column + 1 + word.len() > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push_str(indent);
            column = indent.len();
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_has_an_entry_in_every_block_that_knows_it() {
        for block in blocks() {
            for keyword in (block.keywords)() {
                for name in keyword.names {
                    let text = of(name).unwrap();
                    assert!(text.contains(&format!("    in         {}\n", title(block.name))));
                    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
                }
            }
        }
        assert!(list().lines().all(|line| line.len() <= WIDTH));
    }

    #[test]
    fn an_entry_says_what_the_table_says() {
        let text = of("advert_int").unwrap();
        assert!(text.starts_with("advert_int SECONDS\n    in         vrrp_instance\n"), "{text}");
        assert!(text.contains("    default    1\n"), "{text}");
        let block = of("real_server").unwrap();
        assert!(block.contains("\nIn a block real_server:\n    weight "), "{block}");
        assert!(of("lb_algo").unwrap().contains("    also       lvs_sched\n"));
    }

    #[test]
    fn slips_and_parts_of_words_are_found() {
        assert_eq!(of("advert_itn"), None);
        assert_eq!(near("advert_itn").first(), Some(&"advert_int"));
        assert_eq!(near("hysteresys"), ["hysteresis"]);
        assert!(near("quorum").contains(&"quorum_up"));
        assert_eq!(near("xyzzyx"), [""; 0]);
    }
}
