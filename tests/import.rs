//! `ldirector import`: tests/import/*.cf and *.save, what becomes of them word for word, and that it
//! checks clean.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use ldirector::{
    config::{
        self,
        diagnostic::Severity,
        lints::{ScriptTexts, lint},
        model::ServiceAddress,
        source::Sources,
    },
    director::rehearse,
    import::{Format, Imported, guess, import},
};
use proptest::prelude::*;
use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

/// Errors and warnings of `check`; notes are advice that the author of the old file may not want.
fn complaints(text: &str) -> Vec<String> {
    let sources = Sources::from_text("keepalived.conf", text);
    let (config, mut found, written) = config::parse_for_advice(&sources);
    if !found.has_errors() {
        lint(written, &sources, &config, &ScriptTexts::new(), &mut found);
    }
    let bad = found.iter().filter(|one| one.severity != Severity::Note);
    bad.map(|one| format!("LD{:04} {}", one.rule.code, one.message())).collect()
}

#[test]
fn what_is_made_reads_as_it_should_and_checks_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    let mut wrong = vec![];
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let format = match path.extension().and_then(|extension| extension.to_str()) {
            Some("cf") => Format::Ldirectord,
            Some("save") => Format::Ipvsadm,
            _ => continue,
        };
        seen += 1;
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(guess(&text), format, "{}", path.display());
        let Imported { text, warnings } = import(&text, format);
        assert_eq!(complaints(&text), Vec::<String>::new(), "{}:\n{text}", path.display());
        let said: String = warnings.iter().map(|warning| format!("{warning}\n")).collect();
        let is = format!("{text}--- warnings\n{said}");
        let expected = path.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &is).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != is {
            wrong.push(format!("{}:\n{is}", path.display()));
        }
    }
    assert!(seen > 3);
    assert!(wrong.is_empty(), "UPDATE_EXPECT=1 rewrites what is expected\n{}", wrong.join("\n"));
}

/// The kernel's table in the words of `ipvsadm-save -n`, as far as the test needs them.
fn saved(text: &str) -> String {
    let (config, _) = config::parse(&Sources::from_text("keepalived.conf", text));
    let mut out = String::new();
    for (service, (_, entry)) in
        config.director.virtual_servers.iter().zip(rehearse(&config.director, None).table.0)
    {
        let ServiceAddress::Address { ip, port, .. } = &service.at else { continue };
        out.push_str(&format!("-A -t {ip}:{port} -s {}\n", entry.scheduler));
        for (at, server) in &entry.destinations {
            let method = match server.forward.name() {
                "Masq" => "-m",
                "Tunnel" => "-i",
                _ => "-g",
            };
            let place = format!("{}:{}", at.ip, at.port);
            out.push_str(&format!("-a -t {ip}:{port} -r {place} {method} -w {}\n", server.weight));
        }
    }
    out
}

proptest! {
    #[test]
    fn whatever_comes_in_nothing_panics_and_the_result_parses(text in "[ -~\n]{0,400}") {
        for format in [Format::Ldirectord, Format::Ipvsadm] {
            let imported = import(&text, format);
            prop_assert!(imported.text.ends_with('\n'));
        }
    }

    #[test]
    fn broken_lines_never_break_the_result(
        cuts in proptest::collection::vec(0usize..4000, 0..6),
        which in 0usize..2,
    ) {
        let (text, format) = [
            (include_str!("import/manual.cf"), Format::Ldirectord),
            (include_str!("import/table.save"), Format::Ipvsadm),
        ][which];
        let mut text: Vec<char> = text.chars().collect();
        for cut in cuts {
            let at = cut % text.len();
            text.remove(at);
        }
        let imported = import(&text.into_iter().collect::<String>(), format);
        let sources = Sources::from_text("keepalived.conf", &imported.text);
        let (_, found) = config::parse(&sources);
        let broken = found.iter().filter(|one| one.severity == Severity::Error);
        // A pattern that was broken before is told by `check`.
        let broken: Vec<_> = broken.filter(|one| one.rule.code != 612).collect();
        prop_assert!(broken.is_empty(), "{broken:?}\n{}", imported.text);
    }

    #[test]
    fn a_saved_table_becomes_the_same_table(
        weights in proptest::collection::vec(0u32..100, 1..5),
        scheduler in "(rr|wrr|lc|wlc|sh|dh)",
        method in "(-g|-m|-i)",
    ) {
        let mut lines = vec![format!("-A -t 10.0.0.1:80 -s {scheduler}")];
        for (n, weight) in weights.iter().enumerate() {
            lines.push(format!("-a -t 10.0.0.1:80 -r 10.0.1.{}:80 {method} -w {weight}", n + 1));
        }
        let text = lines.join("\n") + "\n";
        prop_assert_eq!(saved(&import(&text, Format::Ipvsadm).text), text);
    }
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ldirector"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refuses the arguments reads nothing.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_says_what_is_lost_with_its_line() {
    let manual = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/manual.cf");
    let text = fs::read_to_string(manual).unwrap();
    let made = import(&text, Format::Ldirectord).text;
    for (arguments, input) in [
        (&["import", "ldirectord.cf", manual][..], ""),
        (&["import", manual], ""),
        (&["import", "ldirectord.cf"], text.as_str()),
        (&["import", "-"], &text),
    ] {
        let (code, out, said) = run(arguments, input);
        assert_eq!((code, out.as_str()), (0, made.as_str()), "{arguments:?}: {said}");
        assert!(said.contains("line 12: `emailalertfreq` has no counterpart"), "{said}");
    }
    let (code, _, said) = run(&["import", "ldirectord.cf", "/nowhere"], "");
    assert!(code == 2 && said.contains("/nowhere"), "{code} {said}");
    let listed = "IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler\n\
                  TCP  192.0.2.80:80 rr\n";
    for (what, text, why) in [
        ("ipvsadm-save", listed, "`ipvsadm-save -n`"),
        ("-", listed, "`ipvsadm-save -n`"),
        ("ldirectord.cf", "! a\nglobal_defs {\n}\n", "`ldirector check`"),
        ("-", "virtual_server 192.0.2.80 80 {\n}\n", "`ldirector check`"),
    ] {
        let (code, out, said) = run(&["import", what], text);
        assert_eq!((code, out.as_str(), said.lines().count()), (1, "", 1), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let (code, _, said) = run(&["import", "haproxy", manual], "");
    assert!(code == 2 && said.contains("`haproxy` is no format"), "{code} {said}");
}
