//! Real configurations that keepalived takes as clean must load without an error.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that reads files and reports a count"
)]
use ldirector::config::{
    diagnostic::Severity,
    io::{LoadOptions, load},
    parse,
};
use std::{collections::BTreeSet, fs, path::Path};

/// Files by number that we refuse on purpose, and why. One that becomes clean has to go.
const STRICTER: &[(&str, &str)] =
    &[("850", "a digest of 19 characters can never be the answer's: the server would stay down")];

#[test]
fn clean_files_have_no_error() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let (Ok(verdicts), Ok(index)) = (
        fs::read_to_string(corpus.join("verdicts.tsv")),
        fs::read_to_string(corpus.join("index.tsv")),
    ) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    // verdicts: id rc233 class ...; index: id file ...
    let clean: BTreeSet<&str> = verdicts
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let id = columns.next()?;
            (columns.nth(1)? == "clean").then_some(id)
        })
        .collect();
    let (mut files, mut wrong) = (0, vec![]);
    for line in index.lines() {
        let mut columns = line.split('\t');
        let (Some(id), Some(name)) = (columns.next(), columns.next()) else { continue };
        let path = corpus.join("files").join(name);
        if !clean.contains(id) || !path.exists() {
            continue;
        }
        files += 1;
        let sources = load(&path, &LoadOptions::default()).unwrap();
        let (_, found) = parse(&sources);
        let errors: Vec<String> = found
            .iter()
            .filter(|finding| finding.rule.severity == Severity::Error)
            .map(|finding| format!("LD{:04} {}", finding.rule.code, finding.message()))
            .collect();
        let excused = STRICTER.iter().any(|(known, _)| *known == id);
        if excused == errors.is_empty() {
            wrong.push(format!("{name}: {}", errors.join("; ")));
        }
    }
    println!("{files} clean files, {} refused on purpose", STRICTER.len());
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
