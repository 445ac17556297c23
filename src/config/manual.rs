//! The manual page of the configuration file, written from the tables of keywords.
use super::{
    blocks::blocks,
    keyword::{BlockInfo, KeywordInfo, Support, TOP, Takes},
};
use roff::{Inline, Roff, bold, italic, roman};

/// A complete configuration for the page's end.
const EXAMPLE: &str = include_str!("../../conf-examples/lvs-dr-master.conf");

/// The rules of the text: term, meaning.
const LANGUAGE: &[(&str, &str)] = &[
    (
        "KEYWORD WORD...",
        "One statement a line; blanks separate words. A word that holds blanks, braces, # or ! \
         stands in double quotes. There is no continuation of lines.",
    ),
    (
        "KEYWORD WORD... {",
        "The statements up to the closing brace belong to this one. The brace may stand on the \
         next line.",
    ),
    ("# or !", "A comment, up to the end of the line; also in the middle of a line."),
    (
        "include PATTERN",
        "The files that the pattern names, in the order of their names. Relative patterns start at \
         the folder of the file that includes. The forms includer, includem, includew, includeb \
         and includea make a file that is missing or cannot be read an error.",
    ),
    (
        "$NAME=VALUE",
        "From here on, ${NAME} stands for the value. A value that ends in a backslash goes on in \
         the next lines. Known from the start are ${_PWD}, ${_INSTANCE}, ${_RANDOM}, ${_HASH}, \
         ${_BANG} and ${_ENV NAME}.",
    ),
    (
        "~SEQ(VAR, FROM, TO) TEXT",
        "The text once for each number; ~LST(VAR, A, B...) TEXT once for each word.",
    ),
    (
        "@ID TEXT",
        "The text counts only where ID is what --config-id says (the host's name unless given); \
         @^ID TEXT only where it is not.",
    ),
];

/// ldirector.conf(5) as roff; `version` is the program's.
#[must_use]
pub fn page(version: &str) -> String {
    let mut page = Roff::new();
    let source = format!("ldirector {version}");
    // An empty date must be there, in quotes.
    page.control("TH", ["ldirector.conf", "5", "\"\"", source.as_str(), "File formats"]);
    page.control("SH", ["NAME"]);
    page.text([roman("ldirector.conf - configuration of ldirector, in keepalived's language")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([
        bold("ldirector"),
        roman(" reads "),
        italic("/etc/keepalived/keepalived.conf"),
        roman(", else "),
        italic("/etc/ldirector/ldirector.conf"),
        roman(
            ", in the language of keepalived. A file with errors is refused whole: at the start \
             the daemon ends, at a reload it goes on as before. ",
        ),
        bold("ldirector check"),
        roman(" says what is wrong and how to mend it."),
    ]);
    page.control("SH", ["LANGUAGE"]);
    for (term, meaning) in LANGUAGE {
        page.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
    }
    let all = blocks();
    page.control("SH", ["KEYWORDS"]);
    page.text([roman(
        "Each block with its keywords: arguments, meaning, default and range. Brackets enclose \
         what may be left out, a bar separates alternatives.",
    )]);
    for block in &all {
        section(&mut page, block, &all);
    }
    page.control("SH", ["EXAMPLE"]);
    page.control("EX", []).text([roman(EXAMPLE.trim_end())]).control("EE", []);
    page.control("SH", ["SEE ALSO"]);
    page.text([roman(
        "ldirector(8), ldirector-check(8), ldirector-explain(8); more examples in \
         /usr/share/doc/ldirector/examples",
    )]);
    page.render()
}

fn section(page: &mut Roff, block: &BlockInfo, all: &[BlockInfo]) {
    let heading = if block.name == TOP { "Outside of any block" } else { block.name };
    page.control("SS", [heading]);
    for (home, keyword) in openers(block.name, all) {
        let mut line = heading_of(&keyword);
        line.push(roman(if home == TOP { ", outside of any block" } else { ", in " }));
        if home != TOP {
            line.push(bold(home));
        }
        page.text(line).control("br", []);
    }
    for keyword in (block.keywords)() {
        page.control("TP", []).text(heading_of(&keyword));
        page.text([roman(meaning(&keyword))]);
    }
}

/// The keywords that open a block, each with the block it stands in.
fn openers(name: &str, all: &[BlockInfo]) -> Vec<(&'static str, KeywordInfo)> {
    let opens = |keyword: &KeywordInfo| {
        keyword.names.contains(&name)
            && matches!(keyword.takes, Takes::Block | Takes::NamedBlock(_) | Takes::WordsBlock(..))
    };
    all.iter()
        .flat_map(|home| (home.keywords)().into_iter().map(|keyword| (home.name, keyword)))
        .filter(|(_, keyword)| opens(keyword))
        .collect()
}

/// The keyword, its other spellings, and what stands behind it.
fn heading_of(keyword: &KeywordInfo) -> Vec<Inline> {
    let mut line = vec![];
    for name in keyword.names {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.push(bold(*name));
    }
    let what = match keyword.takes {
        Takes::Nothing => return line,
        Takes::Block => " { ... }".to_owned(),
        Takes::Lines(what) => format!(" {{ {what} }}"),
        Takes::NamedBlock(what) | Takes::WordsBlock(_, _, what) => format!(" {what} {{ ... }}"),
        Takes::UpTo1(what) if !what.starts_with('[') => format!(" [{what}]"),
        takes @ (Takes::OptionalBool
        | Takes::One(_)
        | Takes::UpTo1(_)
        | Takes::Words(..)
        | Takes::Script) => format!(" {}", takes.describe()),
    };
    line.push(italic(what));
    line
}

fn meaning(keyword: &KeywordInfo) -> String {
    let mut text = sentence(keyword.doc);
    if !keyword.default.is_empty() {
        text.push_str(&format!(" Default: {}.", keyword.default));
    }
    if !keyword.range.is_empty() {
        text.push_str(&format!(" Range: {}.", keyword.range));
    }
    match keyword.support {
        Support::Full => {}
        Support::Obsolete(why) => text.push_str(&format!(" Old: {why}.")),
        Support::NoEffect(why) => text.push_str(&format!(" Without effect: {why}.")),
        Support::NotYet(why) => text.push_str(&format!(" Does nothing yet: {why}.")),
    }
    text
}

/// With a capital letter and a full stop; a word with an underscore or a capital inside is a name
/// and stays.
fn sentence(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let name = first.chars().skip(1).any(|c| c == '_' || c.is_uppercase());
    let mut chars = text.chars();
    match chars.next() {
        Some(initial) if !name => format!("{}{}.", initial.to_uppercase(), chars.as_str()),
        Some(_) | None => format!("{text}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_in_the_page_with_what_is_known_of_it() {
        let page = page("1");
        for block in blocks() {
            assert!(page.contains(&format!(".SS {}\n", block.name)) || block.name == TOP);
            for keyword in (block.keywords)() {
                let mut entry = Roff::new();
                entry.control("TP", []).text(heading_of(&keyword));
                entry.text([roman(meaning(&keyword))]);
                let entry = entry.render();
                let entry = entry.split_once(".TP\n").unwrap().1;
                assert!(page.contains(entry), "{}: {entry}", block.name);
            }
        }
    }

    #[test]
    fn every_block_says_where_it_stands() {
        let all = blocks();
        for block in all.iter().filter(|block| block.name != TOP) {
            assert!(!openers(block.name, &all).is_empty(), "nothing opens {}", block.name);
        }
    }

    #[test]
    fn entries_read_well() {
        let find = |block: &str, word: &str| {
            let block = blocks().into_iter().find(|known| known.name == block).unwrap();
            (block.keywords)().into_iter().find(|known| known.names.contains(&word)).unwrap()
        };
        let router = find("vrrp_instance", "virtual_router_id");
        assert!(meaning(&router).contains(" Range: 1..255."), "{}", meaning(&router));
        assert_eq!(sentence("who gets mail"), "Who gets mail.");
        assert_eq!(sentence("a_name of old"), "a_name of old.");
        assert_eq!(sentence("UP is as DOWN"), "UP is as DOWN.");
        let linkbeat = find(TOP, "linkbeat_use_polling");
        assert_eq!(
            meaning(&linkbeat),
            "Poll all links. Without effect: the kernel reports link changes."
        );
    }
}
