//! `ldirector keywords`: the manual of the configuration, in the terminal.
use super::{cli::KeywordsArgs, exit, print};
use crate::config::lookup;

pub(super) fn run(arguments: &KeywordsArgs) -> u8 {
    if arguments.words.is_empty() {
        return print(&lookup::list());
    }
    let mut code = exit::OK;
    let mut texts = vec![];
    for word in &arguments.words {
        if let Some(text) = lookup::of(word) {
            texts.push(text);
            continue;
        }
        let near = lookup::near(word);
        if near.is_empty() {
            eprintln!("error: there is no keyword {word}; `ldirector keywords` lists all");
        } else {
            eprintln!("error: there is no keyword {word}; there is {}", near.join(", "));
        }
        code = exit::CONFIG;
    }
    code.max(print(&texts.join("\n")))
}
