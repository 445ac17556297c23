//! Slips of course texts, one in each file of tests/bad: exactly one finding names it, its help
//! mends it, and what `--fix` mends checks clean. The golden file of each says so, in both
//! languages.
//!
//! `UPDATE_EXPECT=1 cargo test --test bad` rewrites what is expected.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[path = "support/program.rs"]
mod support;
use support::{Files, Ran, program, ran};

struct Slip {
    file: &'static str,
    planted: &'static str,
    /// The finding that names it; empty where the file is right.
    code: &'static str,
    /// Advice on what comes with the slip and is no part of it.
    beside: &'static [&'static str],
    fixed: Fixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fixed {
    /// `--fix` leaves it to a person.
    No,
    /// `--fix` mends it: what is left is what the good file gets.
    Clean,
    /// `--fix` mends it, and what is spelt well now gets a warning of its own.
    Advised(&'static str),
}
use Fixed::{Advised, Clean, No};

const fn slip(file: &'static str, planted: &'static str, code: &'static str, fixed: Fixed) -> Slip {
    Slip { file, planted, code, beside: &[], fixed }
}

const SLIPS: &[Slip] = &[
    slip("00-good", "nothing", "", No),
    slip("01-autp_pass", "a misspelt keyword in authentication", "LD0102", Clean),
    // Written well it is a keyword that does nothing for a MASTER.
    slip("02-preemtp_delay", "a misspelt keyword", "LD0102", Advised("LD0409")),
    slip("04-persistent_timeout", "a misspelt keyword", "LD0102", Clean),
    slip("05-missing-vrrp-brace", "the brace of vrrp_instance is missing", "LD0120", No),
    slip("07-virtual_server-nospace", "nothing: a brace may touch the word before it", "", No),
    slip("08-virtual_server-colon", "address and port are one word", "LD0209", Clean),
    slip("10-bad-kind", "a misspelt lb_kind", "LD0213", Clean),
    slip("11-bad-port", "a port above 65535", "LD0202", No),
    slip("13-prio-300", "a priority above 255", "LD0202", No),
    slip("14-nopreempt-master", "nopreempt with state MASTER", "LD0407", No),
    slip("16-vrrp_strict", "vrrp_strict: the addresses cannot be reached", "LD0701", No),
    slip("17-vip-not-in-vs", "no instance has the virtual_server's address", "LD0730", No),
    slip(
        "19-missing-iface",
        "an interface that is not there: only the machine can say, so only `check --probe` does",
        "",
        No,
    ),
    Slip {
        beside: &["LD0702"],
        ..slip("20-script-missing", "a script that is not there", "LD0319", No)
    },
    slip("22-http-no-url", "path and status_code without a url, twice", "LD0614", No),
    slip("23-smart-quotes", "typographic quotes", "LD0126", Clean),
    slip("25-crlf", "nothing: lines may end as on Windows", "", No),
    slip("26-comment-slashes", "`//` for a comment", "LD0130", Clean),
    slip("28-dup-instance-name", "two instances of one name", "LD0403", No),
    slip("29-sched-pipe", "the manual's notation for a choice", "LD0214", No),
    slip("31-missing-value", "a keyword without its value", "LD0104", No),
    slip("32-vip-mask-missing-subnet", "a prefix length of 240", "LD0325", No),
    slip("34-empty", "an empty file", "LD0795", No),
    slip("35-weight-vs-prio", "a weight that moves the priority by one", "LD0702", No),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

fn check(folder: &Path, options: &[&str], name: &str) -> Ran {
    let arguments: Vec<&str> = ["check"].iter().chain(options).copied().chain([name]).collect();
    ran(program(&arguments).current_dir(folder).output().unwrap())
}

/// What is found in the mended file; None where nothing was mended.
fn after_fix(name: &str, text: &[u8]) -> Option<Ran> {
    let files = Files::new();
    let path = files.write(name, text);
    check(&files.path(""), &["--fix"], name);
    (fs::read(path).unwrap() != text).then(|| check(&files.path(""), &[], name))
}

/// The codes that the file has beside those of `usual`.
fn special<'r>(found: &'r Ran, usual: &[&str]) -> Vec<&'r str> {
    found.codes().into_iter().filter(|code| !usual.contains(code)).collect()
}

fn helps(found: &Ran) -> usize {
    found
        .err
        .lines()
        .filter(|line| line.trim_start_matches([' ', '=']).starts_with("help: "))
        .count()
}

#[test]
fn every_slip_is_named_once() {
    let folder = folder();
    let good = check(&folder, &[], "00-good.conf");
    // Its password, its id and its persistence are in all of them.
    let usual = good.codes();
    assert_eq!(usual, ["LD0712", "LD0711", "LD0731"]);
    assert!(good.code == Some(0) && good.err.ends_with("\n3 notes\n"), "{}", good.err);
    let mut wrong = vec![];
    for slip in SLIPS {
        let name = format!("{}.conf", slip.file);
        let text = fs::read(folder.join(&name)).unwrap();
        let found = check(&folder, &[], &name);
        let mut primary = special(&found, &usual);
        primary.retain(|code| !slip.beside.contains(code));
        let expected: Vec<&str> = [slip.code].into_iter().filter(|c| !c.is_empty()).collect();
        if primary != expected {
            wrong.push(format!("{name}: {primary:?}, not {expected:?}"));
        }
        if helps(&found) != found.codes().len() {
            wrong.push(format!("{name}: a finding without help"));
        }
        let after = after_fix(&name, &text);
        let fixed = match &after {
            None => No,
            Some(after) => match special(after, &usual)[..] {
                [] => Clean,
                [code] if matches!(slip.fixed, Advised(known) if known == code) => slip.fixed,
                _ => {
                    wrong.push(format!("{name}: after --fix\n{}", after.err));
                    continue;
                }
            },
        };
        if fixed != slip.fixed || after.as_ref().is_some_and(|after| after.code != Some(0)) {
            wrong.push(format!("{name}: {fixed:?}, not {:?}", slip.fixed));
        }
        let named = if primary.is_empty() { "nothing".to_owned() } else { primary.join(" ") };
        let mut said = format!("planted: {}\nnamed by: {named}\n", slip.planted);
        writeln!(said, "mended by --fix: {fixed:?}\nexit code: {:?}\n", found.code.unwrap())
            .unwrap();
        let chinese = check(&folder, &["--format", "short", "--lang", "zh"], &name);
        write!(said, "{}\n{}", found.err, chinese.out).unwrap();
        let golden = folder.join(format!("{}.expected", slip.file));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&golden, &said).unwrap();
        }
        if fs::read_to_string(&golden).unwrap_or_default() != said {
            wrong.push(format!("{name}: not as expected:\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_file_has_a_slip() {
    let mut files: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".conf").map(str::to_owned))
        .collect();
    files.sort();
    assert_eq!(files, SLIPS.iter().map(|slip| slip.file).collect::<Vec<_>>());
}
