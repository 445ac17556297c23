//! One slip, one finding that names it, with a help that mends it: slips.txt, and the real ones of
//! `../shared/corpus/bad` where they are at hand.
//!
//! `UPDATE_EXPECT=1 cargo test --test slips` rewrites what is expected.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::config::{
    fix,
    formats::{Checked, short},
    io::{LoadOptions, load},
    levels::{self, Levels},
    lints::{ScriptTexts, lint},
    parse_for_advice,
    rules::text::Language,
    source::Sources,
};
use std::{collections::BTreeSet, fs, path::Path};

fn checked(sources: Sources) -> Checked {
    let (config, mut found, written) = parse_for_advice(&sources);
    if !found.has_errors() {
        lint(written, &sources, &config, &ScriptTexts::new(), &mut found);
    }
    levels::apply(&sources, &Levels::default(), &mut found);
    Checked { sources, found }
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

/// File, the code that names its mistake. Empty: there is none to be seen in the text.
const REAL: &[(&str, &str)] = &[
    ("00-good", ""),
    ("01-autp_pass", "LD0102"),
    ("02-preemtp_delay", "LD0102"),
    ("04-persistent_timeout", "LD0102"),
    ("05-missing-vrrp-brace", "LD0120"),
    // A brace may touch the word before it.
    ("07-virtual_server-nospace", ""),
    ("08-virtual_server-colon", "LD0209"),
    ("10-bad-kind", "LD0213"),
    ("11-bad-port", "LD0202"),
    ("13-prio-300", "LD0202"),
    ("14-nopreempt-master", "LD0407"),
    ("16-vrrp_strict", "LD0701"),
    ("17-vip-not-in-vs", "LD0730"),
    // Whether an interface or a script is there only the machine can say.
    ("19-missing-iface", ""),
    ("20-script-missing", "LD0702"),
    ("22-http-no-url", "LD0614"),
    ("23-smart-quotes", "LD0126"),
    ("25-crlf", ""),
    ("26-comment-slashes", "LD0130"),
    ("28-dup-instance-name", "LD0403"),
    ("29-sched-pipe", "LD0214"),
    ("31-missing-value", "LD0104"),
    ("32-vip-mask-missing-subnet", "LD0325"),
    ("34-empty", "LD0795"),
    ("35-weight-vs-prio", "LD0702"),
];
/// vrrp_strict rules out two more things of that file; each is a finding of its own.
const MORE: &[(&str, &[&str])] = &[("16-vrrp_strict", &["LD0424", "LD0414"])];

#[test]
fn real_slips_are_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/bad");
    if !folder.exists() {
        println!("skipped: no corpus at {}", folder.display());
        return;
    }
    let check = |name: &str| {
        let path = folder.join(format!("{name}.conf"));
        checked(load(&path, &LoadOptions::default()).unwrap())
    };
    // The sample's password, its id and its persistence are in all of them.
    let usual: BTreeSet<String> = codes(&check("00-good")).into_iter().collect();
    let mut wrong = vec![];
    for (name, code) in REAL {
        let one = check(name);
        let found: BTreeSet<String> = codes(&one).into_iter().collect();
        let more = MORE.iter().find(|(file, _)| file == name).map_or(&[][..], |(_, more)| more);
        let expected: BTreeSet<String> =
            more.iter().chain([code]).filter(|c| !c.is_empty()).map(|c| (*c).to_owned()).collect();
        let special: BTreeSet<String> = found.difference(&usual).cloned().collect();
        if special != expected {
            wrong.push(format!("{name}: {special:?}, not {expected:?}"));
        }
        if one.found.iter().any(|found| found.help().is_none()) {
            wrong.push(format!("{name}: a finding without help"));
        }
        let (mended, places) = fix::fix(&one.sources);
        if places > 0 {
            // A keyword that is spelt well may say something that deserves advice.
            let after = checked(mended);
            let left = codes(&after);
            if after.found.has_errors() || left.iter().any(|left| left == code) {
                wrong.push(format!("{name}: after --fix {left:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
