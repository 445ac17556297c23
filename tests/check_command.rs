//! The program from outside: what it prints on which stream, and with which exit code it ends.
//!
//! Nothing here starts a daemon that gets further than its configuration.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

#[path = "support/program.rs"]
mod support;
use support::{Files, GOOD, check, program, ran, run};

#[test]
fn a_good_file_gets_silence() {
    let found = check(GOOD);
    assert_eq!((found.code, found.out.as_str(), found.err.as_str()), (Some(0), "", ""));
}

#[test]
fn an_error_is_shown_with_its_place_and_remedy() {
    let files = Files::new();
    let name = files.write("a.conf", GOOD.replace("delay_loop 6", "persistent_timeout 50"));
    let found = run(&["check", &name]);
    assert_eq!((found.code, found.out.as_str()), (Some(1), ""));
    let expected = format!(
        "\
error[LD0102]: unknown keyword `persistent_timeout` in virtual_server
  --> {name}:19:5
   |
19 |     persistent_timeout 50
   |     ^^^^^^^^^^^^^^^^^^
   |
help: did you mean `persistence_timeout`?
   |
19 -     persistent_timeout 50
19 +     persistence_timeout 50
   |

1 error
"
    );
    assert_eq!(found.err, expected);
}

#[test]
fn the_worst_of_several_files_counts() {
    let files = Files::new();
    let good = files.write("good.conf", GOOD);
    let advised = files.write("advised.conf", GOOD.replace(" retry 3", " nb_get_retry 3"));
    let bad = files.write("bad.conf", GOOD.replace("wrr", "wrrr"));
    let absent = files.name("absent.conf");
    for (arguments, code) in [
        (vec![good.as_str(), advised.as_str()], 0),
        (vec![good.as_str(), bad.as_str(), advised.as_str()], 1),
        (vec![bad.as_str(), absent.as_str(), good.as_str()], 2),
        (vec!["-f", good.as_str()], 0),
        (vec!["-f", bad.as_str(), good.as_str()], 1),
        (vec!["--use-file", bad.as_str()], 1),
    ] {
        // Copies of one file look like a pair.
        let arguments: Vec<&str> = ["check", "--no-pair"].into_iter().chain(arguments).collect();
        let found = run(&arguments);
        assert_eq!(found.code, Some(code), "{arguments:?}\n{}", found.err);
        let named = |name: &str| found.err.contains(name);
        assert!(!named("good.conf"));
        assert_eq!(named("bad.conf:20:13"), arguments.contains(&bad.as_str()));
    }
}

#[test]
fn standard_input_is_a_file_too() {
    let mut child = program(&["check", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"global_defs {\nroute_id A\n}\n").unwrap();
    let found = ran(child.wait_with_output().unwrap());
    assert_eq!(found.code, Some(1));
    assert!(found.err.contains("--> standard input:2:1"), "{}", found.err);
}

#[test]
fn what_cannot_be_read_is_said_in_one_sentence() {
    let files = Files::new();
    fs::create_dir(files.path("folder.conf")).unwrap();
    files.write("script.conf", GOOD);
    fs::set_permissions(files.path("script.conf"), fs::Permissions::from_mode(0o755)).unwrap();
    files.write("secret.conf", GOOD);
    fs::set_permissions(files.path("secret.conf"), fs::Permissions::from_mode(0o000)).unwrap();
    std::os::unix::fs::symlink("nowhere", files.path("link.conf")).unwrap();
    let mut cases = vec![
        ("absent.conf", "No such file"),
        ("link.conf", "No such file"),
        ("folder.conf", "it is a directory"),
        ("script.conf", "chmod a-x"),
    ];
    // Root reads everything.
    if fs::read(files.path("secret.conf")).is_err() {
        cases.push(("secret.conf", "ermission denied"));
    }
    for (name, why) in cases {
        let name = files.name(name);
        for arguments in
            [vec!["check", &name], vec!["-t", "-f", &name], vec!["run", "-t", "-f", &name]]
        {
            let found = run(&arguments);
            assert_eq!((found.code, found.out.as_str()), (Some(2), ""), "{arguments:?}");
            assert!(
                found.err.starts_with(&format!("error: cannot read {name}: ")),
                "{}",
                found.err
            );
            assert!(found.err.contains(why) && found.err.lines().count() == 1, "{}", found.err);
            assert!(!found.err.contains("-f FILE"), "it is named: {}", found.err);
        }
    }
    let absent = files.name("absent.conf");
    let found = run(&["check", "--lang", "zh", &absent]);
    assert_eq!(found.err, format!("错误: 无法读取 {absent}：没有这个文件或目录\n"));
    for (name, why) in [
        ("folder.conf", "它是一个目录"),
        ("script.conf", "它是可执行文件：请用 chmod a-x 去掉执行权限，或者这不是要检查的文件？"),
    ] {
        let name = files.name(name);
        let found = run(&["check", "--lang", "zh", &name]);
        assert_eq!(found.err, format!("错误: 无法读取 {name}：{why}\n"));
    }
    let found = run(&["realserver", "--lang", "zh"]);
    assert_eq!(found.err, "错误: 是哪个虚拟地址？`--vip 地址`\n");
    let found = run(&["realserver", "--vip", "192.0.2.80/24"]);
    assert!(found.code == Some(2) && found.err.contains("write it without `/24`"), "{}", found.err);
}

#[test]
fn include_lines_that_find_nothing_say_what_helps() {
    let files = Files::new();
    fs::create_dir(files.path("conf.d")).unwrap();
    files.write("conf.d/a.conf", "");
    for (line, code, help) in [
        ("include conf.d/a.conf;", "LD0151", "+ include conf.d/a.conf\n"),
        ("include \"conf.d/*.conf\"", "LD0151", "+ include conf.d/*.conf\n"),
        ("include a.conf b.conf", "LD0151", "write a line for each"),
        ("include none.conf", "LD0151", "the directory of this file"),
        ("includea none.conf", "LD0152", "the directory of this file"),
        ("include conf.d", "LD0153", "write `include conf.d/*.conf`"),
        ("includer conf.d/", "LD0154", "write `include conf.d/*.conf`"),
        ("Include conf.d/a.conf", "LD0102", "did you mean `include`?"),
        ("includes conf.d/a.conf", "LD0102", "did you mean `include`?"),
    ] {
        let found = run(&["check", &files.write("x.conf", format!("{line}\n{GOOD}"))]);
        assert_eq!(found.codes(), [code], "{line}: {}", found.err);
        assert!(found.err.contains(help), "{line}: {}", found.err);
    }
}

/// Slips of texts that many have copied: what is to be replaced, what stands there instead, the
/// codes, words of the answer, and whether the file can be used all the same.
#[test]
fn widely_copied_slips_get_the_right_answer() {
    let in_global = "router_id proxy1";
    let in_instance = "advert_int 1";
    let in_service = "delay_loop 6";
    let in_check = "retry 3";
    for (place, slip, code, answer, usable) in [
        (in_service, "persistent_timeout 50", "LD0102", "`persistence_timeout`?", false),
        (
            in_service,
            "persistent_granularity 255.255.255.0",
            "LD0102",
            "`persistence_granularity`?",
            false,
        ),
        (in_global, "stmp_connect_timeout 30", "LD0102", "`smtp_connect_timeout`?", false),
        ("auth_pass k7Qz_w2e", "autp_pass k7Qz_w2e", "LD0102", "`auth_pass`?", false),
        (in_instance, "preemtp_delay 300", "LD0102", "`preempt_delay`?", false),
        ("virtual_router_id 77", "virtual_route_id 77", "LD0102", "`virtual_router_id`?", false),
        (in_instance, "adver_int 1", "LD0102", "`advert_int`?", false),
        (in_instance, "debug", "LD0112", "remove it", true),
        (
            in_instance,
            "lvs_sync_daemon_interface eth0",
            "LD0306",
            "`lvs_sync_daemon eth0 VI_1` in global_defs",
            true,
        ),
        (
            in_instance,
            "lvs_sync_daemon_inteface eth0",
            "LD0306",
            "`lvs_sync_daemon eth0 VI_1` in global_defs",
            true,
        ),
        (in_check, "nb_get_retry 3", "LD0112", "write `retry`", true),
        (in_service, "nat_mask 255.255.255.0", "LD0112", "remove it", true),
        ("lb_algo wrr", "lb_algo rr|wrr", "LD0214", "choose one of rr, wrr, lc", false),
        ("lb_algo wrr", "lb_algorr", "LD0102", "`lb_algo rr`?", false),
        ("lb_algo wrr", "lb_algo WRR", "LD0213", "`wrr`?", false),
        ("lb_kind DR", "lb_kind NAT|DR|TUN", "LD0214", "choose one of", false),
        ("lb_kind DR", "lb_kind dr", "LD0213", "`DR`?", false),
        ("lb_kind DR", "lb-kind DR", "LD0102", "`lb_kind`?", false),
        (
            "real_server 192.168.4.100 80 {",
            "real_server <IPADDR> <PORT> {",
            "LD0205",
            "real value",
            false,
        ),
        (
            "real_server 192.168.4.100 80",
            "real_sever 192.168.4.100 80",
            "LD0102",
            "`real_server`?",
            false,
        ),
        ("TCP_CHECK {", "TCP_CHEAK {", "LD0102", "`TCP_CHECK`?", false),
        ("virtual_ipaddress {", "virtual_ipadress {", "LD0102", "`virtual_ipaddress`?", false),
        (in_service, "delay_loop 6s", "LD0203", "remove `s`", false),
        (in_service, "delay_loop", "LD0104", "write `delay_loop SECONDS`", false),
        (in_service, "delay_loop 6 // seconds", "LD0130", "write `#`", true),
        (in_service, "delay_loop 6;", "LD0131", "remove it", false),
        (in_global, "lvs_id proxy1", "LD0308", "write `router_id`", true),
        (in_global, "router_id \u{201c}proxy1\u{201d}", "LD0126", "write `\"`", false),
        ("192.168.4.80 80 {", "192.168.4.80:80 {", "LD0209", "two words", false),
        (in_instance, "persistence_timeout 50", "LD0103", "belongs in virtual_server", false),
    ] {
        let text = GOOD.replacen(place, slip, 1);
        assert_ne!(text, GOOD, "{place}");
        let found = check(&text);
        // The line that was replaced may be missed: that is advice.
        let codes = found.codes();
        let said: Vec<_> = codes.iter().filter(|code| !code.starts_with("LD07")).collect();
        assert_eq!(said, [&code], "{slip}:\n{}", found.err);
        assert!(found.err.contains(answer), "{slip}:\n{}", found.err);
        assert_eq!(found.code, Some(if usable { 0 } else { 1 }), "{slip}");
        let line = text.lines().position(|line| line.contains(slip)).unwrap() + 1;
        assert!(found.err.contains(&format!("a.conf:{line}:")), "{slip}:\n{}", found.err);
    }
}

#[test]
fn a_block_on_one_line_is_taken_or_reflowed() {
    let list = GOOD.replace(
        "virtual_ipaddress {\n        192.168.4.80/24\n    }",
        "virtual_ipaddress { 192.168.4.80/24 }",
    );
    assert_ne!(list, GOOD);
    assert_eq!(check(&list).err, "", "one value on one line is what it seems to be");
    let found = check(GOOD.replace(
        "{\n        auth_type PASS\n        auth_pass k7Qz_w2e\n    }",
        "{ auth_type PASS auth_pass k7Qz_w2e }",
    ));
    assert_eq!((found.code, found.codes()), (Some(1), vec!["LD0108"]), "{}", found.err);
    assert!(found.err.contains("auth_type PASS\n") && found.err.contains("auth_pass k7Qz_w2e\n"));
}

/// One brace less, wherever it is: one message, at the block or at the end of what it swallowed.
#[test]
fn a_missing_brace_is_one_message() {
    let lines: Vec<&str> = GOOD.lines().collect();
    let braces = lines.iter().enumerate().filter(|(_, line)| line.trim() == "}");
    for (at, _) in braces {
        let without: Vec<&str> = lines
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, line)| *line)
            .collect();
        // The block that lacks its brace: the last one above that is indented like it.
        let indent = lines[at].find('}').unwrap();
        let opener = lines[..at]
            .iter()
            .rposition(|line| line.ends_with('{') && line.find(|c| c != ' ') == Some(indent))
            .unwrap();
        let found = check(without.join("\n"));
        assert_eq!(
            (found.code, found.codes()),
            (Some(1), vec!["LD0120"]),
            "line {}:\n{}",
            at + 1,
            found.err
        );
        let place = format!("a.conf:{}:{}", opener + 1, indent + 1);
        assert!(found.err.contains(&place), "line {}, not at {place}:\n{}", at + 1, found.err);
    }
}

/// One brace too many, wherever it is: one message, too.
#[test]
fn a_surplus_brace_is_one_message() {
    let lines: Vec<&str> = GOOD.lines().collect();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.trim() == "}") {
        let mut more = lines.clone();
        more.insert(at, line);
        let found = check(more.join("\n"));
        assert_eq!(found.code, Some(1));
        assert_eq!(found.codes().len(), 1, "line {}:\n{}", at + 1, found.err);
        assert!(["LD0121", "LD0122"].contains(&found.codes()[0]), "{}", found.err);
    }
}

#[test]
fn nothing_that_can_be_in_a_file_makes_it_panic() {
    let noise: Vec<u8> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let half = GOOD.len() / 2;
    let nul = [&GOOD.as_bytes()[..half], b"\0\0\0", &GOOD.as_bytes()[half..]].concat();
    for (name, bytes) in [
        ("noise", noise),
        ("NULs", vec![0; 100_000]),
        ("a NUL in it", nul),
        (
            "no UTF-8",
            [b"global_defs {\nrouter_id ".as_slice(), &[0xc3, 0x28, 0xff], b"\n}\n"].concat(),
        ),
        ("a long line", vec![b'x'; 5_000_000]),
        ("many words", b"word ".repeat(500_000)),
        ("many openings", b"a {\n".repeat(100_000)),
        ("many closings", b"}\n".repeat(20_000)),
        ("braces on one line", b"{".repeat(200_000)),
        ("quotes", b"\"\\\n".repeat(20_000)),
        ("parameters", b"$A=$A$A\n$A\n".repeat(200)),
        ("empty", vec![]),
    ] {
        let found = check(&bytes);
        assert!(found.code.is_some_and(|code| code < 2), "{name}: {:?}", found.code);
        assert!(!found.err.contains("panicked"), "{name}");
        assert!(found.err.len() < 100_000_000, "{name}");
    }
}

#[test]
fn a_file_that_includes_itself_is_an_error() {
    let files = Files::new();
    let name = files.write("a.conf", format!("{GOOD}include a.conf\n"));
    let found = run(&["check", &name]);
    assert_eq!((found.code, found.codes()), (Some(1), vec!["LD0150"]), "{}", found.err);
}

/// An error in an included file is shown there.
#[test]
fn included_files_are_named() {
    let files = Files::new();
    files.write("part.inc", "global_defs {\n    route_id A\n}\n");
    let name = files.write("a.conf", "include *.inc\n");
    let found = run(&["check", &name]);
    assert_eq!(found.code, Some(1));
    assert!(found.err.contains("part.inc:2:5"), "{}", found.err);
}

#[test]
fn an_id_chooses_lines() {
    let files = Files::new();
    let name = files.write("a.conf", format!("{GOOD}@one nonsense\n"));
    assert_eq!(run(&["check", "-i", "one", &name]).code, Some(1));
    assert_eq!(run(&["check", "--config-id", "two", &name]).code, Some(0));
    assert_eq!(run(&["-t", "-i", "one", "-f", &name]).code, Some(1));
    assert_eq!(run(&["-t", "-i", "two", "-f", &name]).code, Some(0));
}

/// keepalived's way to ask. Its exit codes are finer and say less: 5 for a mere warning, 0 for a
/// missing file. Here they are those of `check`.
#[test]
fn keepaliveds_test_option_is_check() {
    let files = Files::new();
    let good = files.write("good.conf", GOOD);
    let advised = files.write("advised.conf", GOOD.replace(" retry 3", " nb_get_retry 3"));
    let bad = files.write("bad.conf", GOOD.replace("wrr", "wrrr"));
    for (name, code) in [(&good, 0), (&advised, 0), (&bad, 1)] {
        let expected = run(&["check", name]);
        assert_eq!(expected.code, Some(code));
        for arguments in [
            vec!["-t", "-f", name],
            vec!["-tf", name],
            vec!["--config-test", "--use-file", name],
            vec!["-n", "-l", "-D", "-t", "-f", name],
            vec!["run", "-t", "-f", name],
        ] {
            let found = run(&arguments);
            assert_eq!((found.code, found.out.as_str()), (Some(code), ""), "{arguments:?}");
            assert_eq!(found.err, expected.err, "{arguments:?}");
        }
    }
    // With a name the findings go to that file.
    let log = files.name("log");
    let found = run(&[&format!("--config-test={log}"), "-f", &bad]);
    assert_eq!((found.code, found.err.as_str()), (Some(1), ""));
    assert_eq!(fs::read_to_string(&log).unwrap(), run(&["check", &bad]).err);
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [["--help"], ["-h"]] {
        let found = run(&arguments);
        assert_eq!((found.code, found.err.as_str()), (Some(0), ""));
        for word in ["run", "check", "explain", "status", "reload", "keepalived"] {
            assert!(found.out.contains(word), "{word} in\n{}", found.out);
        }
        assert!(!found.out.contains("child"), "the daemon's own processes are no commands");
    }
    for arguments in [["--version"], ["-v"]] {
        let found = run(&arguments);
        let expected = format!("ldirector {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((found.code, found.out, found.err.as_str()), (Some(0), expected, ""));
    }
    for command in ["run", "check", "explain", "status", "reload"] {
        let found = run(&[command, "--help"]);
        assert_eq!((found.code, found.err.as_str()), (Some(0), ""), "{command}");
        assert!(found.out.contains("Usage: "), "{command}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [
        vec![],
        vec!["--no-such-option"],
        vec!["chekc"],
        vec!["check", "--no-such-option"],
        vec!["status", "surplus"],
        vec!["reload", "surplus"],
        vec!["run", "surplus"],
        vec!["-f"],
        vec!["-P", "-C"],
    ] {
        let found = run(&arguments);
        assert_eq!((found.code, found.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(found.err.contains("--help"), "{arguments:?}\n{}", found.err);
    }
}

#[test]
fn without_a_daemon_there_is_one_sentence() {
    let files = Files::new();
    let socket = files.name("socket");
    for arguments in [
        vec!["status", "--socket", &socket],
        vec!["status", "--json", "--socket", &socket],
        vec!["reload", "--socket", &socket],
    ] {
        let found = run(&arguments);
        assert_eq!((found.code, found.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert_eq!(found.err.lines().count(), 1, "{}", found.err);
        assert!(found.err.starts_with("ldirector: no ldirector answers on "), "{}", found.err);
        assert!(found.err.contains(&socket) && found.err.contains("is it running?"));
    }
    // A daemon that was killed leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert_eq!(run(&["status", "--socket", &socket]).code, Some(1));
}

/// Refused before anything is touched: no pid file, no socket, no process.
#[test]
fn a_broken_file_does_not_start() {
    let files = Files::new();
    let bad = files.write("bad.conf", GOOD.replace("wrr", "wrrr"));
    let absent = files.name("absent.conf");
    let (socket, pid) = (files.name("socket"), files.name("pid"));
    for (name, why) in [(&bad, "bad.conf:20:13"), (&absent, "cannot read")] {
        for arguments in [
            vec!["run", "-f", name],
            vec!["-n", "-l", "-f", name],
            vec!["-n", "-l", "-P", "-f", name],
            // Into the background: whoever starts it is told by the exit code at least.
            vec!["-f", name],
        ] {
            let own = ["--socket", &socket, "-p", &pid];
            let arguments: Vec<&str> = arguments.into_iter().chain(own).collect();
            let found = run(&arguments);
            assert_eq!((found.code, found.out.as_str()), (Some(2), ""), "{arguments:?}");
            if arguments[0] != "-f" {
                let said = found.err.contains("not starting") && found.err.contains(why);
                assert!(said, "{arguments:?}\n{}", found.err);
            }
            assert!(!Path::new(&socket).exists() && !Path::new(&pid).exists(), "{arguments:?}");
        }
    }
}

#[test]
fn a_script_that_will_not_run_is_a_warning_and_one_that_is_not_here_a_note() {
    let files = Files::new();
    let script = files.write("n.sh", "#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    let with = |command: &str| {
        let text = GOOD.replace("state MASTER", &format!("notify {command}\n    state MASTER"));
        run(&["check", &files.write("a.conf", text)])
    };
    let found = with(&script);
    assert_eq!((found.code, found.codes()), (Some(0), vec!["LD0318"]), "{}", found.err);
    assert!(found.err.contains("mode 0644") && found.err.contains("chmod +x"), "{}", found.err);
    assert!(found.err.contains("a.conf:5:12"), "{}", found.err);
    let found = with("/absent/n.sh");
    assert_eq!((found.code, found.codes()), (Some(0), vec!["LD0319"]), "{}", found.err);
    let found = with("\"/bin/true MASTER\" nosuchuser");
    assert_eq!((found.code, found.codes()), (Some(0), vec!["LD0318"]), "{}", found.err);
    assert!(found.err.contains("useradd"), "{}", found.err);
}

#[test]
fn signals_have_numbers_and_genhash_an_exit_code() {
    let numbers: Vec<String> = ["RELOAD", "STOP", "DATA", "STATS", "JSON"]
        .iter()
        .map(|function| run(&[&format!("--signum={function}")]).out)
        .collect();
    assert_eq!(numbers, ["1\n", "15\n", "10\n", "12\n", "36\n"]);
    assert_eq!(run(&["--signum=SING"]).code, Some(1));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 512];
        let length = std::io::Read::read(&mut stream, &mut asked).unwrap();
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello world\n").unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    let asked = ["-T", "-s", "127.0.0.1", "-p", &port, "-u", "/a", "-V", "www"];
    let found = run(&asked);
    assert_eq!(found.out, "6f5902ac237024bdd0c176cb93063dc4\n", "{}", found.err);
    let request = server.join().unwrap();
    assert_eq!(request, "GET /a HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: www\r\n\r\n");
    assert_eq!(run(&asked).code, Some(1), "nobody listens any more");
}
