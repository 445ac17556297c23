//! Each rule of spec §3 and §4 as a line: outcomes in, changes and pauses out.
use super::*;
use crate::base::Script;
use crate::config::model::{
    Connection, DnsCheck, FileCheck, HttpCheck, HttpProtocol, HttpUrl, MiscCheck, SmtpCheck,
    UdpCheck,
};
use std::sync::Arc;

/// A line of outcomes: `F/0.5` a failure after half a second; then what is expected: `-` nothing,
/// `ok` confirmed, `up`, `down(retries)`; `!` where a line in the log is due without a change;
/// `+seconds` until the next probe, counted from the end of the probe; `u1` when that one is of the
/// second url. The steps stand between bars.
#[derive(Debug)]
struct Row {
    name: &'static str,
    checker: Checker,
    born: Born,
    script: &'static str,
}

fn connection() -> Connection {
    Connection {
        to: "192.0.2.1:80".parse().unwrap(),
        from: None,
        from_port: 0,
        interface: None,
        mark: 0,
        timeout: Duration::from_secs(5),
    }
}

fn kind(name: &str) -> CheckerKind {
    let target = connection();
    let connection = Box::new(target.clone());
    let url = HttpUrl {
        path: "/".into(),
        virtualhost: None,
        sni: None,
        digest: None,
        status_codes: Arc::from([(200, 299)]),
        regex: None,
    };
    let http = |urls: usize, fast_recovery| {
        CheckerKind::Http(Box::new(HttpCheck {
            connection: target.clone(),
            tls: false,
            protocol: HttpProtocol::V1_0,
            fast_recovery,
            enable_sni: false,
            tls_compliant: false,
            urls: vec![url.clone(); urls].into(),
        }))
    };
    match name {
        "tcp" => CheckerKind::Tcp(connection),
        "ping" => CheckerKind::Ping(connection),
        "http" => http(1, false),
        "http3" => http(3, false),
        "http3fast" => http(3, true),
        "smtp" => {
            CheckerKind::Smtp(Box::new(SmtpCheck { connection: *connection, helo: "x".into() }))
        }
        "misc" => CheckerKind::Misc(Box::new(MiscCheck {
            script: Script { argv: vec!["/bin/true".into()], user: None, group: None },
            timeout: Duration::from_secs(60),
            dynamic: true,
        })),
        "dns" => CheckerKind::Dns(Box::new(DnsCheck {
            connection: *connection,
            record: 6,
            name: String::new(),
        })),
        "udp" => CheckerKind::Udp(Box::new(UdpCheck {
            connection: *connection,
            payload: Arc::from([]),
            require_reply: false,
            reply: None,
            min_reply_length: 0,
            max_reply_length: 255,
        })),
        "file" => {
            CheckerKind::File(Box::new(FileCheck { name: "f".into(), weight: 1, reverse: false }))
        }
        other => panic!("no kind {other}"),
    }
}

/// delay_loop 60 s, warmup 60 s.
fn checker(name: &str, retry: u32, delay_before_retry: u64, alpha: bool) -> Checker {
    Checker {
        timing: Timing {
            delay_loop: Duration::from_secs(60),
            retry,
            delay_before_retry: Duration::from_secs(delay_before_retry),
            warmup: Duration::from_secs(60),
            alpha,
            log_all_failures: false,
        },
        kind: kind(name),
    }
}

fn run(row: &Row) {
    let mut now = Instant::now();
    let mut schedule = Schedule::new(&row.checker, row.born, now, 0.0);
    assert_eq!(schedule.next_probe(), Some(now + Duration::from_secs(1)), "{}", row.name);
    for step in row.script.split('|') {
        let mut words = step.split_whitespace();
        let (outcome, took) = words.next().unwrap().split_once('/').unwrap_or((step.trim(), "0"));
        let outcome = match outcome.chars().next().unwrap() {
            'P' => Outcome::pass(""),
            'C' => Outcome::Pass {
                code: outcome[1..].split(' ').next().unwrap().parse().ok(),
                reason: String::new(),
            },
            'F' => Outcome::fail(""),
            'L' => Outcome::local(""),
            other => panic!("no outcome {other}"),
        };
        now = schedule.next_probe().unwrap();
        schedule.started(now);
        assert_eq!(schedule.next_probe(), None);
        now += Duration::from_secs_f64(took.parse().unwrap());
        let verdict = schedule.record(&outcome, now);
        let mut found = match verdict.change {
            Change::Unchanged if verdict.log => "!".to_owned(),
            Change::Unchanged => "-".to_owned(),
            Change::Confirmed => "ok".to_owned(),
            Change::Up => "up".to_owned(),
            Change::Down => format!("down({})", verdict.retries),
        };
        let pause = schedule.next_probe().unwrap() - now;
        found += &format!(" +{}", pause.as_secs_f64());
        if schedule.probe_request().url > 0 {
            found += &format!(" u{}", schedule.probe_request().url);
        }
        assert_eq!(found, words.collect::<Vec<_>>().join(" "), "{}: at `{step}`", row.name);
    }
}

#[test]
fn rules_by_kind() {
    let start = |name, checker, script| Row { name, checker, born: Born::AtStart, script };
    let reload = |name, checker, script| Row { name, checker, born: Born::AtReload, script };
    let rows = [
        start(
            "retry 3 is four attempts; one success is enough",
            checker("tcp", 3, 1, false),
            "P ok +60 | F - +1 | F - +1 | F - +1 | F down(3) +60 | F - +60 | P up +60 | P - +60",
        ),
        start(
            "a success within the series ends it",
            checker("tcp", 2, 1, false),
            "P ok +60 | F - +1 | F - +1 | P - +60 | F - +1 | F - +1 | F down(2) +60",
        ),
        start(
            "the first failure counts at once",
            checker("tcp", 3, 1, false),
            "F down(0) +60 | P up +60",
        ),
        start("for DNS", checker("dns", 3, 60, false), "F down(0) +60 | P up +60 | F - +60"),
        start(
            "for UDP",
            checker("udp", 1, 1, false),
            "F down(0) +60 | P up +60 | F - +1 | F down(1) +60",
        ),
        start(
            "for PING",
            checker("ping", 1, 1, false),
            "F down(0) +60 | P up +60 | F - +1 | P - +60",
        ),
        start(
            "for HTTP",
            checker("http", 1, 3, false),
            "F down(0) +60 | P up +60 | F - +3 | F down(1) +60",
        ),
        start("for MISC", checker("misc", 0, 1, false), "F down(0) +60 | P up +60 | F down(0) +60"),
        start(
            "but not for SMTP, where each round has its retries",
            checker("smtp", 1, 1, false),
            "F - +1 | F down(1) +60 | F - +1 | F - +60 | F - +1 | P up +60",
        ),
        reload(
            "nor for a server that came with a reload",
            checker("tcp", 1, 1, false),
            "F - +1 | F down(1) +60 | P up +60",
        ),
        start("alpha starts down", checker("tcp", 3, 1, true), "P up +60 | F - +1"),
        start(
            "and its first failure is told though it never was up",
            checker("tcp", 3, 1, true),
            "F down(0) +60 | F - +60 | P up +60",
        ),
        reload("after a reload too", checker("tcp", 3, 1, true), "F down(0) +60 | P up +60"),
        start(
            "MISC counts from the start, and an overdue one is due at once",
            checker("misc", 1, 5, false),
            "P/10 ok +50 | F/2 - +3 | F/70 down(1) +0 | P/1 up +59",
        ),
        start(
            "others count from the end",
            checker("tcp", 0, 1, false),
            "P/5 ok +60 | F/5 down(0) +60",
        ),
        start(
            "HTTP waits the longer of both delays while down",
            checker("http", 1, 90, false),
            "P ok +60 | F - +90 | F down(1) +90 | F - +90 | P up +60",
        ),
        start(
            "a local error moves nothing",
            checker("tcp", 1, 1, false),
            "L ! +60 | L ! +60 | P ok +60 | F - +1 | L ! +60 | F down(1) +60 | L ! +60 | P up +60",
        ),
    ];
    rows.iter().for_each(run);
}

#[test]
fn lists_of_urls() {
    let start = |name, kind, alpha, script| Row {
        name,
        checker: checker(kind, 1, 3, alpha),
        born: Born::AtStart,
        script,
    };
    let rows = [
        start(
            "in order, one every delay_loop",
            "http3",
            false,
            "P - +60 u1 | P - +60 u2 | P ok +60 | P - +60 u1 | P - +60 u2 | P - +60",
        ),
        start(
            "a failing one is probed alone; then the list begins anew",
            "http3",
            false,
            "P - +60 u1 | P - +60 u2 | P ok +60 | P - +60 u1 | F - +3 u1 | F down(1) +60 u1 | F - +60 u1
             | P - +60 | P - +60 u1 | P - +60 u2 | P up +60",
        ),
        start(
            "a flapping middle one keeps it down",
            "http3",
            false,
            "P - +60 u1 | F down(0) +60 u1 | P - +60 | P - +60 u1 | F - +60 u1 | P - +60 | P - +60 u1
             | P - +60 u2 | P up +60",
        ),
        start(
            "the first one failing begins the new pass by passing",
            "http3",
            false,
            "F down(0) +60 | P - +60 u1 | P - +60 u2 | P up +60",
        ),
        start("a retry that passes goes on with the next", "http3", false, "P - +60 u1 | P - +60 u2 | P ok +60 | F - +3 | P - +60 u1"),
        start(
            "fast_recovery starts and recovers without pauses",
            "http3fast",
            true,
            "P - +0 u1 | P - +0 u2 | P up +60 | P - +60 u1 | F - +3 u1 | F down(1) +60 u1 | P - +0
             | P - +0 u1 | P - +0 u2 | P up +60",
        ),
    ];
    rows.iter().for_each(run);
}

#[test]
fn the_first_probe_waits_a_second_and_its_share_of_the_warmup() {
    let now = Instant::now();
    for (kind, jitter, wait) in [("tcp", 0.0, 1.0), ("tcp", 0.5, 31.0), ("http", 0.25, 16.0)] {
        let schedule = Schedule::new(&checker(kind, 1, 1, false), Born::AtStart, now, jitter);
        assert_eq!(
            schedule.next_probe(),
            Some(now + Duration::from_secs_f64(wait)),
            "{kind} {jitter}"
        );
        assert!(schedule.is_up() && !schedule.has_run());
    }
}

fn probed(schedule: &mut Schedule, outcome: &Outcome, now: Instant) -> Verdict {
    schedule.started(now);
    schedule.record(outcome, now)
}

#[test]
fn exit_codes_move_the_weight_until_the_final_failure() {
    let now = Instant::now();
    let mut schedule = Schedule::new(&checker("misc", 1, 1, false), Born::AtStart, now, 0.0);
    let code = |code| Outcome::Pass { code, reason: String::new() };
    assert_eq!(schedule.weight_offset(7), 0);
    for (code_, weight) in [(2, 0), (10, 8), (255, 253)] {
        assert!(probed(&mut schedule, &code(Some(code_)), now).weight_changed);
        assert_eq!(7 + schedule.weight_offset(7), weight, "code {code_}");
    }
    assert!(!probed(&mut schedule, &code(Some(255)), now).weight_changed);
    assert!(!probed(&mut schedule, &Outcome::fail(""), now).weight_changed, "retries first");
    let last = probed(&mut schedule, &Outcome::fail(""), now);
    assert!(last.weight_changed && last.change == Change::Down);
    assert_eq!(schedule.weight_offset(7), 0);
    assert!(probed(&mut schedule, &code(Some(3)), now).weight_changed);
    assert!(probed(&mut schedule, &code(None), now).weight_changed, "code 0: as configured");
    assert_eq!(schedule.weight_offset(7), 0);
}

#[test]
fn a_file_moves_the_weight() {
    let now = Instant::now();
    let mut schedule = Schedule::new(&checker("file", 0, 1, false), Born::AtStart, now, 0.0);
    let verdict = probed(&mut schedule, &Outcome::Weigh { offset: -3, reason: String::new() }, now);
    assert_eq!((verdict.change, verdict.weight_changed), (Change::Confirmed, true));
    assert_eq!(schedule.weight_offset(7), -3);
    assert_eq!(probed(&mut schedule, &Outcome::fail("9"), now).change, Change::Down, "at once");
    assert_eq!(schedule.next_probe(), None, "it is told, and never asks");
    schedule.resume(now);
    assert_eq!(schedule.next_probe(), None);
}

#[test]
fn what_is_known_before_the_start_is_no_change() {
    let now = Instant::now();
    let mut schedule = Schedule::new(&checker("file", 0, 1, false), Born::AtStart, now, 0.0);
    schedule.assume(&Outcome::fail("holds 1"));
    assert!(!schedule.is_up() && schedule.has_run());
    assert_eq!(probed(&mut schedule, &Outcome::fail("holds 2"), now).change, Change::Unchanged);
    schedule.assume(&Outcome::Weigh { offset: 5, reason: String::new() });
    assert_eq!((schedule.is_up(), schedule.weight_offset(7)), (true, 5));
}

#[test]
fn suspended_it_forgets_the_probe_under_way_and_keeps_its_standing() {
    let now = Instant::now();
    let mut schedule = Schedule::new(&checker("tcp", 0, 1, false), Born::AtStart, now, 0.0);
    schedule.started(now);
    schedule.suspend();
    let late = schedule.record(&Outcome::fail(""), now);
    assert_eq!(late.change, Change::Unchanged);
    assert!(schedule.is_up() && schedule.next_probe().is_none());
    schedule.resume(now);
    assert_eq!(schedule.next_probe(), Some(now));
}

#[test]
fn log_all_failures_has_each_one_logged() {
    let mut quiet = checker("tcp", 1, 1, false);
    for (all, expected) in [(false, [false, true, false]), (true, [true, true, true])] {
        quiet.timing.log_all_failures = all;
        let now = Instant::now();
        let mut schedule = Schedule::new(&quiet, Born::AtReload, now, 0.0);
        let logged = [(); 3].map(|()| probed(&mut schedule, &Outcome::fail(""), now).log);
        assert_eq!(logged, expected);
    }
}
