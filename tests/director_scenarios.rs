//! Runs `tests/director/*.scenario`: real configuration text, answers of servers on a virtual clock,
//! and the table, scripts, mails and log lines that must follow.
//!
//! ```text
//! config | reload         configuration text on the lines that follow, up to a line `end`
//! options keep_table      `-I`; before config
//! answer SERVER [KIND|url N] pass | fail | local | code N | offset N
//!                         what the probes of that server find from now on (pass at first)
//! run S                   lets S seconds pass
//! stop                    SIGTERM; stopped KIND tells how the kernel is left (remove, flush, leave, nothing)
//! table SERVICE SCHEDULER SERVER=WEIGHT..   exactly these servers; `table none`: no service
//! steady                  no table was wanted since the line before
//! scripts A ; B           all scripts started since this was asked last, in order (`none`)
//! fifo A ; B   mails A ; B   the same for fifo lines and for subjects (without the router's name)
//! logged TEXT   not logged TEXT   since the start or the last `run`, `reload` or `stop`
//! probes SERVER N         probes started since this was asked last
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed"
)]
#[path = "director/rig.rs"]
mod rig;
use ldirector::director::{End, Options};
use rig::{Answer, Rig};
use std::{fs, path::Path, time::Duration};

#[test]
fn every_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/director");
    let mut count = 0;
    let mut failed = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "scenario") {
            count += 1;
            if let Err(why) = run(&fs::read_to_string(&path).unwrap()) {
                failed.push(format!("{}: {why}", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(count >= 12, "only {count} scenarios found");
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n"));
}

#[test]
fn a_scenario_that_does_not_hold_is_noticed() {
    let config = "config\nvirtual_server 192.0.2.1 80 {\n protocol TCP\n real_server 192.0.2.2 80 {\n \
                  }\n}\nend\n";
    assert_eq!(run(&format!("{config}table 192.0.2.1:80/tcp wlc 192.0.2.2:80=1")), Ok(()));
    for wrong in
        ["table none", "table 192.0.2.1:80/tcp wlc 192.0.2.2:80=2", "scripts x", "nonsense"]
    {
        assert!(run(&format!("{config}{wrong}")).unwrap_err().contains("line 8"), "{wrong}");
    }
}

fn run(text: &str) -> Result<(), String> {
    let mut rig = None;
    let mut options = Options::default();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.split(" #").next().unwrap().trim();
        let fail = |why: String| format!("line {}: {line}: {why}", number + 1);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, &mut rig) {
            ("" | "#", _) => {}
            ("options", None) => options.keep_table = rest.contains("keep_table"),
            ("config", None) => {
                let text = block(&mut lines);
                rig = Some(Rig::start(&text, options).map_err(fail)?);
            }
            (_, None) => return Err(fail("no configuration yet".into())),
            (_, Some(rig)) => step(rig, word, rest.trim(), || block(&mut lines)).map_err(fail)?,
        }
    }
    Ok(())
}

fn block<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> String {
    let text = lines.take_while(|(_, line)| line.trim() != "end").map(|(_, line)| line);
    text.map(|line| format!("{line}\n")).collect()
}

fn step(
    rig: &mut Rig,
    word: &str,
    rest: &str,
    more: impl FnOnce() -> String,
) -> Result<(), String> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    match (word, &words[..]) {
        ("answer", [server, what @ ..]) => answer(rig, server, what),
        ("run", [seconds]) => {
            rig.run(Duration::from_secs_f64(seconds.parse().unwrap()));
            Ok(())
        }
        ("reload", []) => rig.reload(&more()),
        ("stop", []) => {
            rig.stop();
            Ok(())
        }
        ("stopped", [how]) => {
            let wanted = match *how {
                "remove" => Some(End::Remove),
                "flush" => Some(End::Flush),
                "leave" => Some(End::Leave),
                "nothing" => None,
                other => return Err(format!("stopped {other}?")),
            };
            same(&rig.ended, &(wanted, true))
        }
        ("table", ["none"]) => same(&rig.table(), &vec![]),
        ("table", [service, scheduler, servers @ ..]) => {
            let wanted = [&[*scheduler][..], servers].concat().join(" ");
            let table = rig.table();
            let is = table.iter().find(|(name, _)| name == service);
            let is = is.ok_or_else(|| format!("there is only {table:?}"))?;
            same(&is.1, &wanted)
        }
        ("steady", []) => same(&std::mem::take(&mut rig.tables_wanted), &0),
        ("scripts", _) => same(&std::mem::take(&mut rig.scripts), &list(rest)),
        ("fifo", _) => same(&std::mem::take(&mut rig.fifo), &list(rest)),
        ("mails", _) => same(&std::mem::take(&mut rig.mails), &list(rest)),
        ("logged", _) if rig.log.iter().any(|line| line.contains(rest)) => Ok(()),
        ("logged", _) => Err(format!("the log says {:#?}", rig.log)),
        ("not", ["logged", ..]) => {
            let text = rest.trim_start_matches("logged ");
            match rig.log.iter().find(|line| line.contains(text)) {
                None => Ok(()),
                Some(line) => Err(line.clone()),
            }
        }
        ("probes", [server, count]) => {
            let is = rig.probes.remove(*server).unwrap_or(0);
            same(&is, &count.parse().unwrap())
        }
        _ => Err("not understood".into()),
    }
}

fn answer(rig: &mut Rig, server: &str, what: &[&str]) -> Result<(), String> {
    let (place, what) = match what {
        ["url", n, what @ ..] => (format!("{server} url {n}"), what),
        [kind, what @ ..] if kind.contains("_CHECK") || kind.contains("_GET") => {
            (format!("{server} {kind}"), what)
        }
        what => (server.to_owned(), what),
    };
    let answer = match what {
        ["pass"] => Answer::Pass,
        ["fail"] => Answer::Fail,
        ["local"] => Answer::Local,
        ["code", n] => Answer::Code(n.parse().unwrap()),
        ["offset", n] => Answer::Offset(n.parse().unwrap()),
        other => return Err(format!("no such answer: {other:?}")),
    };
    rig.answers.insert(place, answer);
    Ok(())
}

fn list(text: &str) -> Vec<String> {
    match text {
        "none" => vec![],
        text => text.split(" ; ").map(|item| item.trim().to_owned()).collect(),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(is: &T, wanted: &T) -> Result<(), String> {
    if is == wanted { Ok(()) } else { Err(format!("\n   is     {is:?}\n   wanted {wanted:?}")) }
}
