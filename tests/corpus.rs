//! Real configurations: our verdict on each is keepalived's, or the difference has a reason in
//! `tests/corpus/differences.tsv`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that reads files and reports counts"
)]
use fancy_regex::Regex;
use ldirector::config::{
    diagnostic::Severity,
    io::{LoadOptions, load},
    parse,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Clean,
    Warnings,
    Errors,
}

/// The lines of `differences.tsv`, and which of them were needed.
struct Reasons {
    /// Codes where we say more.
    ours: BTreeSet<String>,
    /// Complaints of keepalived's where we say less, by their pattern.
    theirs: Vec<(String, Regex)>,
    used: BTreeSet<String>,
}

impl Reasons {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/differences.tsv");
        let mut reasons = Self { ours: BTreeSet::new(), theirs: vec![], used: BTreeSet::new() };
        let text = fs::read_to_string(path).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [who, what, why] = columns[..] else { panic!("three columns: {line}") };
            assert!(!why.is_empty(), "no reason: {line}");
            match who {
                "ldirector" => assert!(reasons.ours.insert(what.into()), "twice: {line}"),
                "keepalived" => reasons.theirs.push((what.into(), Regex::new(what).unwrap())),
                other => panic!("who is {other}?"),
            }
        }
        reasons
    }

    /// The codes that nothing explains.
    fn unexplained_of_ours<'c>(&mut self, codes: &'c BTreeSet<String>) -> Vec<&'c String> {
        self.used.extend(codes.iter().filter(|code| self.ours.contains(*code)).cloned());
        codes.iter().filter(|code| !self.ours.contains(*code)).collect()
    }

    /// The complaints that nothing explains; all of them if they are hidden.
    fn unexplained_of_theirs<'c>(&mut self, complaints: &[&'c str]) -> Vec<&'c str> {
        let mut left = vec![];
        for complaint in complaints {
            match self.theirs.iter().find(|(_, pattern)| pattern.is_match(complaint).unwrap()) {
                Some((what, _)) => {
                    self.used.insert(what.clone());
                }
                None => left.push(*complaint),
            }
        }
        left
    }

    fn unused(&self) -> Vec<&String> {
        let all = self.ours.iter().chain(self.theirs.iter().map(|(what, _)| what));
        all.filter(|what| !self.used.contains(*what)).collect()
    }
}

/// Our verdict, and the codes that make it.
fn ours(path: &Path) -> (Verdict, BTreeSet<String>) {
    let sources = load(path, &LoadOptions::default()).unwrap();
    let (_, found) = parse(&sources);
    let codes = |severity| -> BTreeSet<String> {
        found
            .iter()
            .filter(|finding| finding.rule.severity == severity)
            .map(|finding| format!("LD{:04}", finding.rule.code))
            .collect()
    };
    let (errors, warnings) = (codes(Severity::Error), codes(Severity::Warning));
    if !errors.is_empty() {
        (Verdict::Errors, errors)
    } else if !warnings.is_empty() {
        (Verdict::Warnings, warnings)
    } else {
        (Verdict::Clean, BTreeSet::new())
    }
}

#[test]
fn verdicts_are_keepaliveds_or_have_a_reason() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let (Ok(verdicts), Ok(index)) = (
        fs::read_to_string(corpus.join("verdicts.tsv")),
        fs::read_to_string(corpus.join("index.tsv")),
    ) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    // verdicts: id rc233 class ...; index: id file ...
    let classes: BTreeMap<&str, &str> = verdicts
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, columns.nth(1)?))
        })
        .collect();
    let mut reasons = Reasons::read();
    let (mut equal, mut different, mut none, mut wrong) = (0, 0, 0, vec![]);
    for line in index.lines() {
        let mut columns = line.split('\t');
        let (Some(id), Some(name)) = (columns.next(), columns.next()) else { continue };
        let path = corpus.join("files").join(name);
        let Some(class) = classes.get(id).filter(|_| path.exists()) else { continue };
        let (our, codes) = ours(&path);
        let their = match *class {
            "clean" => Verdict::Clean,
            "warnings" => Verdict::Warnings,
            "errors" => Verdict::Errors,
            // It crashed, hung or stopped reading: no verdict. That we have one is enough.
            _ => {
                none += 1;
                continue;
            }
        };
        let said = fs::read_to_string(corpus.join("oracle").join(format!("{id}.txt")));
        let said = said.unwrap_or_default();
        let complaints: Vec<&str> =
            said.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let unexplained = match our.cmp(&their) {
            std::cmp::Ordering::Equal => {
                equal += 1;
                continue;
            }
            std::cmp::Ordering::Greater => format!("{:?}", reasons.unexplained_of_ours(&codes)),
            std::cmp::Ordering::Less => {
                // What we warn of as well needs no reason of its own.
                format!("{:?}", reasons.unexplained_of_theirs(&complaints))
            }
        };
        if unexplained == "[]" {
            different += 1;
        } else {
            let short: String = unexplained.chars().take(400).collect();
            wrong.push(format!("{name}: keepalived {their:?}, we {our:?}: {short}"));
        }
    }
    println!("{equal} equal, {different} different with a reason, {none} without a verdict");
    assert!(wrong.is_empty(), "\n{}\n{} files\n", wrong.join("\n"), wrong.len());
    let unused = reasons.unused();
    assert!(unused.is_empty(), "these explain nothing any more: {unused:?}");
}
