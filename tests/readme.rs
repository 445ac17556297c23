//! The README's table of keywords is what the program knows. `UPDATE_EXPECT=1 cargo test --test
//! readme` writes it anew.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::config::{
    blocks::blocks,
    keyword::{BlockInfo, KeywordInfo, Support, Takes},
};
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

const BEGIN: &str = "<!-- keywords: written by tests/readme.rs -->\n";
const END: &str = "<!-- end of keywords -->\n";

/// For a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", text.replace('|', "\\|")) }
}

fn row(keyword: &KeywordInfo) -> String {
    let names: Vec<String> = keyword.names.iter().map(|name| code(name)).collect();
    let mut default = cell(keyword.default);
    if !keyword.range.is_empty() {
        let gap = if default.is_empty() { "" } else { " " };
        write!(default, "{gap}({})", cell(keyword.range)).unwrap();
    }
    let support = match keyword.support {
        Support::Full => "yes".into(),
        Support::Obsolete(why) => format!("old: {}", cell(why)),
        Support::NoEffect(why) => format!("**no effect**: {}", cell(why)),
        Support::NotYet(why) => format!("**not yet**: {}", cell(why)),
    };
    let takes = match keyword.takes {
        Takes::Nothing => String::new(),
        Takes::Lines(what) => code(&format!("{{ {what} }}")),
        takes => code(takes.describe()),
    };
    let (names, doc) = (names.join(", "), cell(keyword.doc));
    format!("| {names} | {takes} | {default} | {doc} | {support} |\n")
}

fn table() -> String {
    let all = blocks();
    let keywords: Vec<(&BlockInfo, Vec<KeywordInfo>)> =
        all.iter().map(|block| (block, (block.keywords)())).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for keyword in keywords.iter().flat_map(|(_, keywords)| keywords) {
        *counts
            .entry(match keyword.support {
                Support::Full => "work",
                Support::Obsolete(_) => "work and are old",
                Support::NoEffect(_) => "have no effect",
                Support::NotYet(_) => "do nothing yet",
            })
            .or_default() += 1;
    }
    let total: usize = counts.values().sum();
    let counts: Vec<String> =
        counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let mut text = format!(
        "{} blocks, {total} keywords: {}. What has no effect says so, and why, in a warning of \
         `ldirector check`.\n",
        all.len(),
        counts.join(", ")
    );
    for (block, keywords) in keywords {
        let (name, count) = (block.name, keywords.len());
        write!(
            text,
            "\n<details><summary>{name} ({count})</summary>\n\n\
             | keyword | arguments | default (range) | what it is | works |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        text.extend(keywords.iter().map(row));
        text.push_str("\n</details>\n");
    }
    text
}

#[test]
fn the_table_of_keywords_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the mark where the table begins");
    let (written, after) = rest.split_once(END).expect("the mark where the table ends");
    let table = table();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, table, "run UPDATE_EXPECT=1 cargo test --test readme");
    }
}

/// Nobody looks for a reason in vain.
#[test]
fn what_does_nothing_says_why_and_every_keyword_says_what_it_is() {
    for block in blocks() {
        for keyword in (block.keywords)() {
            let name = keyword.names[0];
            assert!(!keyword.doc.is_empty(), "{}: {name} has no doc", block.name);
            let (Support::NoEffect(why) | Support::NotYet(why) | Support::Obsolete(why)) =
                keyword.support
            else {
                continue;
            };
            assert!(why.len() > 10, "{}: {name} has no reason", block.name);
        }
    }
}
