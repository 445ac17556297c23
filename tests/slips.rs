//! One slip, one finding that names it, with a help that mends it: slips.txt.
//!
//! `UPDATE_EXPECT=1 cargo test --test slips` rewrites what is expected.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::config::{
    fix,
    formats::{Checked, short},
    levels::{self, Levels},
    lints::{ScriptTexts, lint},
    parse_for_advice,
    rules::text::Language,
    source::Sources,
};
use std::{fs, path::Path};

fn checked(sources: Sources) -> Checked {
    let (config, mut found, written) = parse_for_advice(&sources);
    if !found.has_errors() {
        lint(written, &sources, &config, &ScriptTexts::new(), &mut found);
    }
    levels::apply(&sources, &Levels::default(), &mut found);
    Checked { sources, found, looks: None }
}

fn codes(checked: &Checked) -> Vec<String> {
    checked.found.iter().map(|found| format!("LD{:04}", found.rule.code)).collect()
}

/// Lines of a case that begin with a sign, without it.
fn lines(case: &str, sign: char) -> String {
    let lines = case.lines().filter_map(|line| line.strip_prefix(sign));
    lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

#[test]
fn one_slip_one_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slips");
    let good = fs::read_to_string(folder.join("good.conf")).unwrap();
    assert_eq!(codes(&checked(Sources::from_text("x", &good))), Vec::<String>::new());
    let cases = fs::read_to_string(folder.join("slips.txt")).unwrap();
    let (mut wrong, mut said) = (vec![], String::new());
    for case in cases.split("=== ").skip(1) {
        let (head, _) = case.split_once('\n').unwrap();
        let (code, outcome) = head.split_once(' ').unwrap();
        let (from, to) = (lines(case, '-'), lines(case, '+'));
        let at = good.find(&from).or_else(|| good.find(from.trim_start())).unwrap();
        let length =
            if good[at..].starts_with(&from) { from.len() } else { from.trim_start().len() };
        let slip = format!("{}{to}{}", &good[..at], &good[at + length..]);
        let one = checked(Sources::from_text("slip.conf", slip));
        if codes(&one) != [code] {
            wrong.push(format!("{head}: {:?}\n{to}", codes(&one)));
        }
        if one.found.iter().any(|found| found.help().is_none()) {
            wrong.push(format!("{head}: no help\n{to}"));
        }
        let (mended, _) = fix::fix(&one.sources);
        let is_good = mended.files[0].text == good;
        if is_good != (outcome == "mended") {
            wrong.push(format!("{head}: --fix gives\n{}", mended.files[0].text));
        }
        for language in [Language::English, Language::Chinese] {
            said.push_str(&short(std::slice::from_ref(&one), language));
        }
        said.push('\n');
    }
    let expected = folder.join("slips.expected");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expected, &said).unwrap();
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    snapbox::assert_data_eq!(said, snapbox::Data::read_from(&expected, None).raw());
}
