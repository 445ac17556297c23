//! `ldirector explain`: what the codes of `check` mean.
use super::{cli::ExplainArgs, exit, language, print};
use crate::config::rules::text;

pub(super) fn run(arguments: &ExplainArgs) -> u8 {
    let language = language::of(&arguments.language);
    if arguments.codes.is_empty() {
        return print(&text::list(language));
    }
    let mut code = exit::OK;
    let mut texts = vec![];
    for asked in &arguments.codes {
        match text::find(asked) {
            Some(rule) => texts.push(text::explain(rule, language)),
            None => {
                eprintln!("error: there is no code {asked}; `ldirector explain` lists all");
                code = exit::CONFIG;
            }
        }
    }
    code.max(print(&texts.join("\n")))
}
