//! `ldirector check` and `explain` from outside: languages, levels, formats, mending.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
#[path = "support/program.rs"]
mod support;
use std::{fs, io::Write, os::unix::fs::PermissionsExt, process::Stdio};
use support::{Files, GOOD, program, ran, run};

#[test]
fn codes_are_explained_in_two_languages() {
    let list = run(&["explain"]);
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    assert!(list.out.lines().count() > 200);
    assert!(list.out.contains("LD0102  error   unknown keyword `WORD` in BLOCK\n"), "{}", list.out);
    for (arguments, expected) in [
        (&["explain", "LD0407"][..], ["warning[LD0407]: nopreempt", "\nWrong:\n", "\nRight:\n"]),
        (&["explain", "0407", "--lang", "zh"], ["警告[LD0407]", "\n错误示例：\n", "state BACKUP"]),
    ] {
        let found = run(arguments);
        assert_eq!((found.code, found.err.as_str()), (Some(0), ""), "{arguments:?}");
        for word in expected {
            assert!(found.out.contains(word), "{word} in\n{}", found.out);
        }
    }
    let found = run(&["explain", "LD9999"]);
    assert_eq!((found.code, found.err.lines().count()), (Some(2), 1));
}

#[test]
fn the_locale_chooses_the_language() {
    let files = Files::new();
    let name = files.write("a.conf", GOOD.replace("wrr", "wwr"));
    for (variables, expected) in [
        (&[("LC_ALL", "zh_CN.UTF-8")][..], "错误[LD0213]"),
        (&[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")], "错误[LD0213]"),
        (&[("LC_ALL", ""), ("LC_MESSAGES", "en_GB"), ("LANG", "zh_CN")], "error[LD0213]"),
        (&[("LC_ALL", "C")], "error[LD0213]"),
    ] {
        let mut command = program(&["check", &name]);
        command.env_remove("LC_MESSAGES").env_remove("LANG").envs(variables.iter().copied());
        let found = ran(command.output().unwrap());
        assert!(found.err.contains(expected), "{variables:?}\n{}", found.err);
    }
    let found = run(&["check", "--lang", "zh", &name]);
    assert!(found.err.contains("帮助: 是不是想写 `wrr`？") && found.err.ends_with("1 个错误\n"));
    assert!(run(&["check", "--lang", "fr", &name]).code == Some(2));
}

#[test]
fn warnings_are_denied_or_allowed() {
    let files = Files::new();
    let warned = GOOD.replace("delay_loop 6", "delay_loop 6 7");
    let name = files.write("a.conf", &warned);
    assert_eq!(run(&["check", &name]).code, Some(0));
    let denied = run(&["check", "--deny", "warnings", &name]);
    assert_eq!((denied.code, denied.codes()), (Some(1), vec!["LD0113"]));
    assert!(denied.err.starts_with("error[LD0113]"), "{}", denied.err);
    let allowed = run(&["check", "--deny", "warnings", "--allow", "LD0113", &name]);
    assert_eq!((allowed.code, allowed.err.as_str()), (Some(0), ""));
    let name = files.write("b.conf", warned.replace("6 7", "6 7 # ldirector: allow(LD0113)"));
    let commented = run(&["check", "--deny", "warnings", &name]);
    assert_eq!((commented.code, commented.err.as_str()), (Some(0), ""));
    for wrong in ["LD0102", "LD9999"] {
        assert_eq!(run(&["check", "--allow", wrong, &name]).code, Some(2), "{wrong}");
    }
}

#[test]
fn programs_read_standard_output() {
    let files = Files::new();
    let name = files.write("a.conf", GOOD.replace("wrr", "wwr"));
    for (format, expected) in [
        (
            "short",
            format!("{name}:20:13: error[LD0213]: lb_algo knows no `wwr`; did you mean `wrr`?\n"),
        ),
        (
            "github",
            format!(
                "::error file={name},line=20,endLine=20,col=13,endColumn=15,title=LD0213::lb_algo \
                 knows no `wwr`%0Adid you mean `wrr`?\n"
            ),
        ),
    ] {
        let found = run(&["check", "--format", format, &name]);
        assert_eq!((found.code, found.out, found.err.as_str()), (Some(1), expected, ""));
    }
    let good = files.write("good.conf", GOOD);
    for (format, count) in [("json", "/findings"), ("sarif", "/runs/0/results")] {
        let parsed = |out: &str| serde_json::from_str::<serde_json::Value>(out).unwrap();
        // The same findings of two files are two, of the same file one.
        for (names, expected) in [(vec![&good], 0), (vec![&name, &good], 1), (vec![&name; 2], 1)] {
            let mut arguments = vec!["check", "--format", format];
            arguments.extend(names.iter().map(|name| name.as_str()));
            let found = run(&arguments);
            assert_eq!((found.code, found.err.as_str()), (Some(expected), ""), "{arguments:?}");
            let found = parsed(&found.out);
            let all = found.pointer(count).unwrap().as_array().unwrap();
            assert_eq!(all.len(), usize::try_from(expected).unwrap());
        }
    }
    let found = run(&["check", "--format", "json", &files.name("absent"), &good]);
    assert_eq!(found.code, Some(2));
    assert!(found.err.contains("cannot read") && found.out.starts_with('{'));
}

#[test]
fn what_is_certain_is_mended() {
    let files = Files::new();
    let wrong = GOOD.replace("wrr", "wwr").replace("delay_loop 6", "delay_loop 6s // often");
    let name = files.write("a.conf", &wrong);
    fs::set_permissions(&name, fs::Permissions::from_mode(0o640)).unwrap();
    let diff = "-    delay_loop 6s // often\n-    lb_algo wwr\n+    delay_loop 6 # often\n\
                +    lb_algo wrr\n";
    let dry = run(&["check", "--fix", "--dry-run", &name]);
    assert_eq!((dry.code, dry.codes()), (Some(1), vec!["LD0203", "LD0130", "LD0213"]));
    assert!(dry.out.contains(diff), "{}", dry.out);
    assert_eq!(fs::read_to_string(&name).unwrap(), wrong);
    let done = run(&["check", "--fix", &name]);
    assert_eq!((done.code, done.out, done.err.as_str()), (Some(0), dry.out, ""));
    let mended = GOOD.replace("delay_loop 6", "delay_loop 6 # often");
    assert_eq!(fs::read_to_string(&name).unwrap(), mended);
    assert_eq!(fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o640);
    let again = run(&["check", "--fix", &name]);
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (Some(0), "", ""));
    // What takes a person is left, and said.
    let name =
        files.write("b.conf", GOOD.replace("wrr", "wwr").replace("router_id proxy1", "frob 1"));
    let found = run(&["check", "--fix", &name]);
    assert_eq!((found.code, found.codes()), (Some(1), vec!["LD0101"]));
    // From standard input to standard output.
    let mut child = program(&["check", "--fix", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(wrong.as_bytes()).unwrap();
    let found = ran(child.wait_with_output().unwrap());
    assert_eq!((found.code, found.out, found.err.as_str()), (Some(0), mended, ""));
    assert_eq!(run(&["check", "--dry-run", &name]).code, Some(2), "nothing to be dry about");
}

/// What is said is about the file that is on disk.
#[test]
fn a_file_that_cannot_be_written_back_is_as_it_was() {
    let files = Files::new();
    let wrong = GOOD.replace("wrr", "wwr");
    // The name of the draft beside it would be too long.
    let name = files.write(&format!("{}.conf", "a".repeat(250)), &wrong);
    let found = run(&["check", "--fix", &name]);
    assert_eq!((found.code, found.codes()), (Some(2), vec!["LD0213"]), "{}", found.err);
    assert!(found.err.contains("error: cannot write "), "{}", found.err);
    let dry = run(&["check", "--fix", "--dry-run", "--format", "json", &name]);
    assert!(dry.code == Some(1) && dry.out.contains("\"errors\": 1"), "{}", dry.out);
    assert_eq!(fs::read_to_string(&name).unwrap(), wrong);
}

/// It is said why; and the text of UTF-16 is read all the same.
#[test]
fn files_in_other_encodings_are_not_mended() {
    let files = Files::new();
    let wrong = GOOD.replace("wrr", "wwr");
    let gbk = [b"# \xb8\xba\xd4\xd8\n", wrong.as_bytes()].concat();
    let name = files.write("gbk.conf", &gbk);
    let found = run(&["check", "--fix", &name]);
    assert_eq!((found.code, found.codes()), (Some(1), vec!["LD0134", "LD0213"]));
    assert!(found.err.starts_with(&format!("{name}: nothing is mended here: ")), "{}", found.err);
    assert_eq!((found.out.as_str(), fs::read(&name).unwrap()), ("", gbk));
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let wide: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(bytes).collect();
        let found = run(&["check", &files.write("wide.conf", wide)]);
        assert_eq!((found.code, found.codes()), (Some(1), vec!["LD0190"]), "{}", found.err);
    }
}

/// A file that is included by two configurations is mended once, and findings stand where they are.
#[test]
fn included_files_are_mended() {
    let files = Files::new();
    let part = files.write("part.inc", "global_defs {\n    route_id A\n}\n");
    let names =
        [files.write("a.conf", "include part.inc\n"), files.write("b.conf", "include part.inc\n")];
    let found = run(&["check", "--fix", &names[0], &names[1]]);
    assert_eq!(found.code, Some(0), "{}", found.err);
    assert_eq!(fs::read_to_string(part).unwrap(), "global_defs {\n    router_id A\n}\n");
}

#[test]
fn probes_name_what_this_machine_lacks() {
    let files = Files::new();
    let text = "vrrp_instance VI_1 {\n    interface ldnosuch0\n    virtual_router_id 77\n    \
                virtual_ipaddress {\n        192.0.2.80\n    }\n    notify /absent/n.sh\n}\n";
    let name = files.write("a.conf", text);
    assert_eq!(run(&["check", &name]).code, Some(0));
    let found = run(&["check", "--probe=5", "--lang", "en", &name]);
    assert_eq!((found.code, found.codes()), (Some(1), vec!["LD1001", "LD0319"]), "{}", found.err);
    assert_eq!(
        found.out,
        "bad  interface  ldnosuch0     it is not there\n\
         bad  script     /absent/n.sh  /absent/n.sh: No such file or directory (os error 2)\n\
         0 ok, 2 bad, 0 could not be looked at\n"
    );
    assert!(found.err.starts_with("error[LD1001]") && found.err.contains("warning[LD0319]"));
    let found = run(&["check", "--probe=5", "--lang", "zh", &name]);
    assert!(found.out.starts_with("异常 网卡       ldnosuch0     不存在\n"), "{}", found.out);
    let found = run(&["check", "--probe=5", "--format", "json", &name]);
    let document: serde_json::Value = serde_json::from_str(&found.out).unwrap();
    let look = &document["looks"][0];
    assert_eq!((&look["topic"], &look["state"]), (&"interface".into(), &"bad".into()));
    assert_eq!(run(&["check", "--probe", "--fix", &name]).code, Some(2));
    assert_eq!(run(&["check", "--probe=0", &name]).code, Some(2));
}
