//! Mistakes that keepalived takes without a word: `check` finds each. tests/silent/mistakes.txt has
//! them, row by row of a survey of real files, and says how it is written.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that reads files and reports counts"
)]
use std::{collections::BTreeSet, fs, path::Path};

#[path = "support/program.rs"]
mod support;
use support::{Files, run};

/// `text` with each stretch of `-` lines in the place of the `+` lines behind it.
fn edited(text: &str, case: &str) -> String {
    let mut text = text.to_owned();
    for change in case.split("\n\n") {
        let part = |sign: char| -> String {
            let lines = change.lines().filter_map(|line| line.strip_prefix(sign));
            lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
        };
        let from = part('-');
        if !from.is_empty() {
            assert!(text.contains(&from), "not in good.conf:\n{from}");
            text = text.replacen(&from, &part('+'), 1);
        }
    }
    text
}

/// The lines of a file that replaces good.conf.
fn whole(case: &str) -> String {
    case.lines().filter_map(|line| line.strip_prefix('+')).map(|line| format!("{line}\n")).collect()
}

fn codes(files: &Files, text: &str) -> BTreeSet<String> {
    let name = files.write("x.conf", text.replace("DIR", &files.name("")));
    let found = run(&["check", "--format", "short", &name]);
    assert_ne!(found.code, Some(2), "{}", found.err);
    let code = |line: &str| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned());
    found.out.lines().filter_map(code).collect()
}

#[test]
fn every_silent_mistake_is_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let good = fs::read_to_string(folder.join("slips/good.conf")).unwrap();
    // A program that is on every machine.
    let good = good.replace("/usr/bin/curl -sf http://127.0.0.1/", "/bin/true");
    let files = Files::new();
    files.write("plain.sh", "#!/bin/sh\n");
    assert_eq!(codes(&files, &good), BTreeSet::new());
    let table = fs::read_to_string(folder.join("silent/mistakes.txt")).unwrap();
    let table = table.replace("/usr/bin/curl -sf http://127.0.0.1/", "/bin/true");
    let (mut rows, mut cases, mut elsewhere, mut wrong) = (0, 0, 0, vec![]);
    for row in table.split("\n== ").skip(1) {
        rows += 1;
        let (row, rest) = row.split_once('\n').unwrap();
        let reason = rest.lines().find_map(|line| line.strip_prefix("* "));
        let found_by = rest.lines().filter(|line| line.starts_with("=== ")).count();
        assert!(
            reason.map_or(found_by > 0, |why| ["probe", "pair", "practice"].contains(&why)),
            "{row}: no case and no reason"
        );
        if found_by == 0 {
            elsewhere += 1;
        }
        for case in rest.split("=== ").skip(1) {
            cases += 1;
            let (head, case) = case.split_once('\n').unwrap();
            let expected: BTreeSet<String> =
                head.split(' ').filter(|word| *word != "whole").map(str::to_owned).collect();
            let text = if head.ends_with(" whole") { whole(case) } else { edited(&good, case) };
            let found = codes(&files, &text);
            if found != expected {
                wrong.push(format!("{row}\n{case}{found:?}, not {expected:?}"));
            }
        }
    }
    println!("{rows} rows, {cases} cases; {elsewhere} rows are practice and no mistake");
    assert!(wrong.is_empty(), "\n{}\n{} wrong", wrong.join("\n"), wrong.len());
}
