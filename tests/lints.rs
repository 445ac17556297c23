//! Every lint fires where it should and is silent next to it: tests/lints/*.txt.
//!
//! A case begins with `=== LD0701 fires` or `=== LD0701 silent`; the configuration follows, and
//! behind `--- /path/of/script` the text of a script.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::config::{
    self,
    lints::{ScriptTexts, lint},
    rules::lints::ALL,
    source::Sources,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The codes that a text gets.
fn codes(case: &str) -> BTreeSet<String> {
    let mut parts = case.split("\n--- ");
    let sources = Sources::from_text("test.conf", parts.next().unwrap());
    let scripts: ScriptTexts = parts
        .map(|part| {
            let (path, text) = part.split_once('\n').unwrap();
            (path.to_owned(), text.replace("\\r", "\r"))
        })
        .collect();
    let (config, mut found, written) = config::parse_for_advice(&sources);
    assert!(!found.has_errors(), "the case itself is wrong: {:?}\n{case}", found.iter().next());
    lint(written, &sources, &config, &scripts, &mut found);
    for diagnostic in found.iter() {
        let said = format!("{} {}", diagnostic.message(), diagnostic.help().unwrap_or_default());
        assert!(!said.contains("{}") && !said.contains("{loop_}"), "{said}");
        let text = &sources.file(diagnostic.span.file).unwrap().text;
        assert!(text.get(diagnostic.span.start as usize..diagnostic.span.end as usize).is_some());
    }
    found.iter().map(|found| format!("LD{:04}", found.rule.code)).collect()
}

#[test]
fn every_lint_fires_and_is_silent() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lints");
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wrong = vec![];
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for case in text.split("=== ").skip(1) {
            let (head, case) = case.split_once('\n').unwrap();
            let (code, what) = head.split_once(' ').unwrap();
            let codes = codes(case);
            let expected = match what {
                "fires" => true,
                "silent" => false,
                other => panic!("{other} in {}", file.display()),
            };
            if codes.contains(code) != expected {
                wrong.push(format!("{code} {what}: {codes:?}\n{case}"));
            }
            seen.entry(code.into()).or_default().insert(what.into());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for rule in ALL {
        let code = format!("LD{:04}", rule.code);
        let cases = seen.get(&code).map_or(0, BTreeSet::len);
        assert_eq!(cases, 2, "{code} needs a case that fires and one that is silent");
    }
}
