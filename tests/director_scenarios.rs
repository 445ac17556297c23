//! Runs `tests/director/*.scenario`: what the director does with a configuration, as a transcript.
//!
//! A scenario is a play and its transcript in one file. A line with `|` is what happened, word for
//! word; all other lines are the play. `UPDATE_EXPECT=1 cargo test --test director_scenarios`
//! writes the transcripts anew: read the difference before believing it.
//!
//! ```text
//! # why this scenario is here; comments stay
//! hide log mail                  kinds of transcript lines of no interest here
//! config                         the keepalived.conf, indented
//!     virtual_server 10.0.0.1 80 {
//! at 0s start [-I]
//! at 5s WHO answers WHAT         from now on. WHO: 10.0.0.11, 10.0.0.11:80, 10.0.0.11#2 (its second
//!                                checker), 10.0.0.11/path (a url), all.  WHAT: pass, fail, local
//!                                (each with a reason), exit CODE, timeout, never; then perhaps
//!                                `after 2s`
//! at 5s file NAME NUMBER         what a tracked file holds, before the start or from now on
//! at 5s bfd NAME up|down
//! at 60s                         time passes
//! at 60s reload                  the next, indented lines are the new text
//! at 60s reload same
//! at 60s reload OLD -> NEW       the text with each OLD replaced
//! at 60s address IP comes|goes [on N]   on link N of this machine (0)
//! at 60s status | kernel refuses TEXT | kernel accepts | kernel hangs | stop
//! ```
//!
//! Kinds of lines: `table` (a service whose entry changed; weights behind `=`), `script`, `fifo`,
//! `mail` (subject: body), `log`, `warning`, `probes` (how many were started since the line
//! before), `cancel`, `watch` (tracked files), `status`, `config` (what the parser says), `end`, `exit`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "director/lab.rs"]
mod lab;
use lab::{Lab, seconds};
use ldirector::director::Event;
use std::{fmt::Write, fs, iter::Peekable, path::Path};

#[test]
fn every_transcript_is_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/director");
    let mut count = 0;
    let mut wrong = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "scenario") {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        let played = play(&text);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &played).unwrap();
        } else if text != played {
            let name = path.file_name().unwrap().display();
            wrong.push(format!("{name}:\n{}", difference(&text, &played)));
        }
    }
    assert!(count >= 20, "only {count} scenarios found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_transcript_that_is_wrong_is_noticed() {
    let service = "config\n    virtual_server 10.0.0.1 80 {\n    lb_algo rr\n    lb_kind NAT\n    \
                   protocol TCP\n    real_server 10.0.0.11 80 {\n    }\n    }\nat 0s start\n";
    let right = play(service);
    assert!(right.contains("|     0s table   10.0.0.1:80/tcp rr  10.0.0.11:80=1\n"), "{right}");
    assert_eq!(play(&right), right, "a play does not depend on its transcript");
    let wrong = right.replace("80=1", "80=2");
    assert_eq!(play(&wrong), right);
    assert!(difference(&wrong, &right).contains("+|     0s table"));
}

/// The play with the transcript that it gives.
fn play(text: &str) -> String {
    let mut lab = Lab::new();
    let mut hidden: Vec<&str> = vec![];
    let mut out = String::new();
    let mut lines = text.lines().filter(|line| !line.starts_with('|')).peekable();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [] => {}
            [comment, ..] if comment.starts_with('#') => {}
            ["hide", ref kinds @ ..] => hidden.extend(kinds),
            ["config"] => lab.text = indented(&mut lines, &mut out),
            ["at", time, ref what @ ..] => {
                lab.run_until(seconds(time));
                if what == ["reload"] {
                    lab.text = indented(&mut lines, &mut out);
                }
                act(&mut lab, what);
                lab.count_probes();
                for told in lab.transcript.drain(..) {
                    let kind = told.split_whitespace().nth(1).unwrap();
                    if !hidden.contains(&kind) {
                        writeln!(out, "|{told}").unwrap();
                    }
                }
            }
            _ => panic!("not understood: {line}"),
        }
    }
    out
}

fn indented<'a>(lines: &mut Peekable<impl Iterator<Item = &'a str>>, out: &mut String) -> String {
    let mut text = String::new();
    while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
        writeln!(out, "{line}").unwrap();
        writeln!(text, "{line}").unwrap();
    }
    text
}

fn act(lab: &mut Lab, what: &[&str]) {
    match what {
        [] => {}
        ["start"] => lab.start(),
        ["start", "-I"] => {
            lab.options.keep_table = true;
            lab.start();
        }
        [who, "answers", how @ ..] => lab.answers(who, &how.join(" ")),
        ["reload"] | ["reload", "same"] => lab.reload(),
        ["reload", change @ ..] => {
            let change = change.join(" ");
            let (old, new) = change.split_once("->").expect("reload OLD -> NEW");
            assert!(lab.text.contains(old.trim()), "{} does not occur", old.trim());
            lab.text = lab.text.replace(old.trim(), new.trim());
            lab.reload();
        }
        ["address", ip, way, rest @ ..] => {
            let link = rest.last().map_or(0, |link| link.parse().unwrap());
            lab.address(ip, link, *way == "comes");
        }
        ["file", name, number] => lab.file(name, number.parse().unwrap()),
        ["bfd", name, state] => {
            lab.tell(Event::Bfd { name: (*name).to_owned(), up: *state == "up" });
        }
        ["status"] => lab.tell(Event::ReportStatus(1)),
        ["kernel", "refuses", why @ ..] => lab.tell(Event::KernelError(Some(why.join(" ")))),
        ["kernel", "accepts"] => lab.tell(Event::KernelError(None)),
        ["kernel", "hangs"] => lab.kernel_hangs = true,
        ["stop"] => lab.tell(Event::Stop),
        _ => panic!("not understood: {what:?}"),
    }
}

/// The lines that differ, between those that both share at the start and at the end.
fn difference(expected: &str, played: &str) -> String {
    let (a, b): (Vec<_>, Vec<_>) = (expected.lines().collect(), played.lines().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - same;
    let ends = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut text = format!("from line {}:\n", same + 1);
    for line in &a[same..a.len() - ends] {
        writeln!(text, "-{line}").unwrap();
    }
    for line in &b[same..b.len() - ends] {
        writeln!(text, "+{line}").unwrap();
    }
    text
}
