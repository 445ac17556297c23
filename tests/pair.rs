//! `ldirector check` of directors of one site: the course's pair and what its copies get wrong. What
//! is printed stands in `tests/pair/*.expected`; `UPDATE_EXPECT=1 cargo test --test pair` rewrites it.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
#[path = "support/program.rs"]
mod program;
use ldirector::config::rules::{
    lints, pair,
    text::{self, Language},
};
use program::{Files, GOOD, Ran, program, ran};
use serde_json::Value;
use std::{fs, path::Path};

const MASTER: &str = "lvs-dr-master.conf";
const BACKUP: &str = "lvs-dr-backup.conf";

/// A text in the files, and what stands there instead.
type Change = (&'static str, &'static str, &'static str);

const SCRIPT: &str = "vrrp_script chk_web {
    script \"/usr/bin/curl -fs http://127.0.0.1/\"
    weight -2
}

vrrp_instance VI_1 {
    track_script {
        chk_web
    }";
const UNICAST_MASTER: &str = "priority 100
    unicast_src_ip 192.168.4.5
    unicast_peer {
        192.168.4.6
    }";
const UNICAST_BACKUP: &str = "priority 50
    unicast_src_ip 192.168.4.6
    unicast_peer {
        192.168.4.7
    }";

const PLAYS: &[(&str, &str, &[Change])] = &[
    ("course", "en", &[]),
    ("course-chinese", "zh", &[]),
    ("same-priority", "en", &[(BACKUP, "priority 50", "priority 100")]),
    ("other-id", "en", &[(BACKUP, "virtual_router_id 51", "virtual_router_id 52")]),
    ("other-password", "en", &[(BACKUP, "auth_pass 1111", "auth_pass 1112")]),
    ("other-password-chinese", "zh", &[(BACKUP, "auth_pass 1111", "auth_pass 1112")]),
    ("weight-too-small", "en", &[(MASTER, "vrrp_instance VI_1 {", SCRIPT)]),
    (
        "address-on-an-untracked-interface",
        "en",
        &[
            (MASTER, "192.168.4.80\n", "192.168.4.80 dev eth1 no_track\n"),
            (BACKUP, "192.168.4.80\n", "192.168.4.80 dev eth1 no_track\n"),
        ],
    ),
    (
        "peer-forgotten",
        "en",
        &[(MASTER, "priority 100", UNICAST_MASTER), (BACKUP, "priority 50", UNICAST_BACKUP)],
    ),
    (
        "server-forgotten",
        "en",
        &[(BACKUP, "192.168.4.200 80", "192.168.4.201 80"), (BACKUP, "weight 1\n", "weight 3\n")],
    ),
];

/// `check` in the folder, so that no path of this machine is printed.
fn check(files: &Files, arguments: &[&str]) -> Ran {
    let arguments: Vec<&str> = ["check"].iter().chain(arguments).copied().collect();
    ran(program(&arguments).current_dir(files.path("")).output().unwrap())
}

/// The course's pair with changes.
fn course(changes: &[Change]) -> Files {
    let files = Files::new();
    for name in [MASTER, BACKUP] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf-examples").join(name);
        let mut text = fs::read_to_string(path).unwrap();
        for (_, from, to) in changes.iter().filter(|(file, ..)| *file == name) {
            assert!(text.contains(from), "{name}: {from}");
            text = text.replacen(from, to, 1);
        }
        files.write(name, text);
    }
    files
}

#[test]
fn the_pair_of_the_course_and_wrong_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pair");
    let mut wrong = vec![];
    for (name, language, changes) in PLAYS {
        // Advice about one file is not the subject.
        let quiet: Vec<String> =
            lints::ALL.iter().map(|rule| format!("--allow=LD{:04}", rule.code)).collect();
        let quiet = quiet.iter().map(String::as_str).chain(["--allow=LD0319"]);
        let arguments: Vec<&str> =
            ["--lang", language].into_iter().chain(quiet).chain([MASTER, BACKUP]).collect();
        let Ran { code, out, err } = check(&course(changes), &arguments);
        let code = code.unwrap();
        let printed = format!("$ ldirector check {MASTER} {BACKUP}\n{err}{out}exit code {code}\n");
        let path = folder.join(format!("{name}.expected"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &printed).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != printed {
            wrong.push(format!("{name}:\n{printed}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_readme_shows_what_is_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let printed = fs::read_to_string(folder.join("tests/pair/other-password.expected")).unwrap();
    let (printed, _) = printed.split_once("exit code").unwrap();
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains(&format!("```console\n{printed}```\n")), "{printed}");
}

/// A file of an example, with what it does not show.
fn completed(text: &str, priority: u8) -> String {
    let has = |word: &str| text.lines().any(|line| line.trim_start().starts_with(word));
    let mut missing = String::new();
    for (word, rest) in [
        ("interface", "eth0"),
        ("virtual_router_id", "77"),
        ("priority", &*priority.to_string()),
        ("virtual_ipaddress", "{\n192.0.2.80\n}"),
    ] {
        if !has(word) || text.contains("VI_2") {
            missing.push_str(&format!("{word} {rest}\n"));
        }
    }
    let service = [
        "lb_algo rr\n",
        "lb_kind DR\n",
        "protocol TCP\n",
        "real_server 192.0.2.11 80 {\nTCP_CHECK {\n}\n}\n",
    ];
    let service: String =
        service.iter().filter(|line| !has(line.split(' ').next().unwrap())).copied().collect();
    text.replace("VI_1 {\n", &format!("VI_1 {{\n{missing}"))
        .replace("VI_2 {\n", "VI_2 {\ninterface eth0\npriority 100\n")
        .replace("0 {\n", &format!("0 {{\n{service}"))
        .replace("443 {\n", &format!("443 {{\n{service}"))
}

/// Codes that the two files of an example get.
fn codes_of(example: &str) -> Vec<String> {
    let files = Files::new();
    let texts: String = example.lines().map(|line| format!("{}\n", line.trim())).collect();
    for (part, priority) in texts.split("--- ").skip(1).zip([100, 50]) {
        let (name, text) = part.split_once('\n').unwrap();
        files.write(name, completed(text, priority));
    }
    let ran = check(&files, &["--pair", "a.conf", "b.conf"]);
    ran.codes().into_iter().map(str::to_owned).collect()
}

#[test]
fn examples_do_what_they_say() {
    let mut wrong = vec![];
    for rule in pair::ALL {
        let code = format!("LD{:04}", rule.code);
        let text = text::explain(rule, Language::English);
        let (_, examples) = text.split_once("Wrong:\n").unwrap();
        let (bad, good) = examples.split_once("Right:\n").unwrap();
        let (bad, good) = (codes_of(bad), codes_of(good));
        if !bad.contains(&code) {
            wrong.push(format!("{code}: the wrong example gets {bad:?}"));
        }
        if good.iter().any(|code| code.starts_with("LD09")) {
            wrong.push(format!("{code}: the right example gets {good:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Whether a proof was printed.
fn is_proved(ran: &Ran) -> bool {
    ran.out.contains("combinations played")
}

#[test]
fn files_are_a_pair_when_all_hang_together() {
    let files = Files::new();
    let other = |from, to| GOOD.replace("priority 100", "priority 50").replace(from, to);
    files.write("a.conf", GOOD);
    files.write("b.conf", other("router_id proxy1", "router_id proxy2"));
    files.write("near.conf", other("192.168.4.80/24", "192.168.4.81/24"));
    files.write("far.conf", other("192.168.4.80/24", "192.168.5.80/24"));
    files.write("id.conf", other("virtual_router_id 77", "virtual_router_id 78"));
    files.write("bad.conf", other("auth_type PASS", "auth_type PAS"));
    for (arguments, proved, code) in [
        (&["a.conf", "b.conf"][..], true, 0),
        (&["a.conf"], false, 0),
        (&["a.conf", "a.conf"], false, 0),
        // A slip of the pen is no reason to keep silent.
        (&["a.conf", "near.conf"], true, 1),
        (&["a.conf", "id.conf"], true, 1),
        // One id may be used anywhere.
        (&["a.conf", "far.conf"], false, 0),
        (&["a.conf", "b.conf", "far.conf"], false, 0),
        (&["--pair", "a.conf", "far.conf"], true, 0),
        (&["--no-pair", "a.conf", "id.conf"], false, 0),
        (&["a.conf", "bad.conf"], false, 1),
        (&["a.conf", "absent.conf"], false, 2),
    ] {
        let ran = check(&files, arguments);
        assert_eq!((is_proved(&ran), ran.code), (proved, Some(code)), "{arguments:?}: {ran:?}");
    }
    let ran = check(&files, &["a.conf", "bad.conf"]);
    assert!(ran.err.contains("Not checked against each other"), "{}", ran.err);
}

#[test]
fn three_directors_and_a_slip_in_one() {
    let files = Files::new();
    for (name, priority, interval) in [("a", 100, 1), ("b", 90, 1), ("c", 80, 2)] {
        let text = GOOD.replace("priority 100", &format!("priority {priority}"));
        let text = text.replace("proxy1", name).replace("state MASTER", "state BACKUP");
        files.write(
            &format!("{name}.conf"),
            text.replace("advert_int 1", &format!("advert_int {interval}")),
        );
    }
    let ran = check(&files, &["a.conf", "b.conf", "c.conf"]);
    assert_eq!(ran.codes(), ["LD0902"], "{ran:?}");
    assert!(ran.out.contains("27 combinations played, all there are: wrong in"), "{}", ran.out);
}

#[test]
fn adverts_find_their_way_on_links_of_all_kinds() {
    const VMAC: &str = "use_vmac\nvmac_xmit_base\nvirtual_ipaddress {\n192.0.2.80/24\n}\n";
    const V6: &str = "use_vmac\nvirtual_ipaddress {\nfe80::80/64\n2001:db8::80/64\n}\n";
    const VIP: &str = "interface eth0\nvirtual_ipaddress {\n192.0.2.80/24 dev eth0\n}\n";
    let unicast = |own: u8, peer: u8, rest: &str| {
        format!("unicast_src_ip 192.0.2.{own}\nunicast_peer {{\n192.0.2.{peer}\n}}\n{rest}")
    };
    let alone = VIP.replace("interface eth0\n", "");
    let expected = |peer: u8| format!("unicast_peer {{\n192.0.2.{peer}\n}}\n{VIP}");
    for (a, b) in [
        // Interfaces of two names on one link.
        (format!("interface eth0\n{VMAC}"), format!("interface ens3\n{VMAC}")),
        (format!("interface eth0\n{V6}"), format!("interface ens3\n{V6}")),
        (unicast(1, 2, VIP), unicast(2, 1, VIP)),
        // Without an interface.
        (unicast(1, 2, &alone), unicast(2, 1, &alone)),
        // The address that the peer expects.
        (expected(2), expected(1)),
        // Delays.
        (format!("preempt_delay 900\n{VIP}"), format!("nopreempt\n{VIP}")),
    ] {
        let files = Files::new();
        for (name, priority, text) in [("a.conf", 100, &a), ("b.conf", 50, &b)] {
            let head = format!("virtual_router_id 77\npriority {priority}\nstate BACKUP\n");
            files.write(name, format!("vrrp_instance VI_1 {{\n{head}{text}}}\n"));
        }
        let ran = check(&files, &["a.conf", "b.conf"]);
        assert!(ran.out.contains(" played, all there are: in each of them"), "{a}\n{b}\n{ran:?}");
    }
}

#[test]
fn too_many_combinations_are_cut_and_that_is_said() {
    let files = Files::new();
    for (name, priority) in [("a.conf", 100), ("b.conf", 50)] {
        let mut text = String::new();
        let mut tracked = String::new();
        for number in 0..12 {
            text.push_str(&format!("vrrp_script chk{number} {{\nscript \"/bin/true\"\n}}\n"));
            tracked.push_str(&format!("chk{number}\n"));
        }
        text.push_str(
            &GOOD
                .replace("priority 100", &format!("priority {priority}"))
                .replace("advert_int 1", &format!("advert_int 1\ntrack_script {{\n{tracked}}}")),
        );
        files.write(name, text);
    }
    let ran = check(&files, &["a.conf", "b.conf"]);
    // 28 things: none, one, or two of them, but no part of a dead machine.
    let expected = 1 + 28 + 28 * 27 / 2 - 2 * 13;
    let expected = format!("{expected} combinations played, up to 2 failures at once");
    assert!(ran.out.contains(&expected), "{}", ran.out);
    assert_eq!(ran.out.lines().count(), 1 + 29 + 2, "{}", ran.out);
}

#[test]
fn programs_read_the_proof_too() {
    let files = course(&[(BACKUP, "auth_pass 1111", "auth_pass 1112")]);
    let ran = check(&files, &["--format", "json", MASTER, BACKUP]);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    let proof = &value["pair"];
    assert_eq!(proof["directors"], serde_json::json!([MASTER, BACKUP]));
    assert_eq!(proof["played"], "all");
    assert_eq!(
        proof["combinations"][0],
        serde_json::json!({"failing": [], "addresses": [{
            "address": "192.168.4.80",
            "holders": [MASTER, BACKUP],
            "able": [MASTER, BACKUP],
            "fault": "several",
        }]})
    );
    let second = proof["combinations"][2]["failing"][0].clone();
    assert_eq!(second, serde_json::json!({"director": BACKUP, "kind": "node", "name": null}));
    for format in ["short", "github", "sarif"] {
        let ran = check(&files, &["--format", format, MASTER, BACKUP]);
        assert!(ran.out.contains("LD0905") && !is_proved(&ran), "{}", ran.out);
    }
    let alone = check(&files, &["--format", "json", MASTER]);
    assert!(!alone.out.contains("\"pair\""), "{}", alone.out);
}
