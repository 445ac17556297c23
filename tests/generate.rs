//! Manual pages and completions as packages get them: `ldirector generate`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

fn ldirector(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ldirector")).args(arguments).output().unwrap()
}

fn generate(what: &str, folder: &Path) -> BTreeSet<String> {
    let written = ldirector(&["generate", what, folder.to_str().unwrap()]);
    assert!(written.status.success(), "{written:?}");
    let names = fs::read_dir(folder).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The commands that `--help` lists.
fn commands() -> Vec<String> {
    let help = String::from_utf8(ldirector(&["--help"]).stdout).unwrap();
    let list = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = list.lines().filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_page_and_every_page_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let pages = generate("man", folder.path());
    let commands = commands();
    assert!(commands.len() > 5, "{commands:?}");
    let mut expected: BTreeSet<String> =
        commands.iter().map(|c| format!("ldirector-{c}.8")).collect();
    expected.extend(["ldirector.8".to_owned(), "ldirector.conf.5".to_owned()]);
    assert_eq!(pages, expected);
    let program = fs::read_to_string(folder.path().join("ldirector.8")).unwrap();
    for command in &commands {
        assert!(program.contains(&format!("ldirector\\-{command}")), "{command}");
    }
    for page in &pages {
        let text = fs::read_to_string(folder.path().join(page)).unwrap();
        let title = text.lines().find(|line| line.starts_with(".TH ")).unwrap();
        // Title, section, a date that is there and empty, source, manual.
        assert!(title.contains(" \"\" \"ldirector "), "{page}: {title}");
        assert!(text.contains("\n.SH NAME\n"), "{page}");
    }
}

#[test]
fn completions_know_every_command_and_no_hidden_one() {
    let folder = tempfile::tempdir().unwrap();
    let files = generate("completions", folder.path());
    assert_eq!(files, ["_ldirector", "ldirector.bash", "ldirector.fish"].map(str::to_owned).into());
    for file in &files {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        for command in commands() {
            assert!(text.contains(&command), "{file}: {command}");
        }
        assert!(!text.contains("child"), "{file}");
    }
    let bash = folder.path().join("ldirector.bash");
    assert!(Command::new("bash").arg("-n").arg(bash).status().unwrap().success());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let failed = ldirector(&["generate", "man", "/proc/none"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8(failed.stderr).unwrap().contains("/proc/none"));
}
