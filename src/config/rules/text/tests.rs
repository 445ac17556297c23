//! No rule without its texts, no phrase without its Chinese, no example that does not do what it
//! says.
use super::*;
use crate::config::{self, blocks, io, rules};
use std::{collections::BTreeSet, fs, path::Path};

fn placeholders(template: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        if let Some(end) = rest.find('}').filter(|end| *end > 0)
            && rest[..end].bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            found.insert(&rest[..end]);
        }
    }
    found
}

#[test]
fn every_rule_has_its_texts() {
    let mut wrong = vec![];
    for rule in rules() {
        let Some(text) = of(rule) else {
            wrong.push(format!("LD{:04}: no entry", rule.code));
            continue;
        };
        for (what, part) in [
            ("zh", text.message),
            ("why", text.why),
            ("zh-why", text.why_chinese),
            ("wrong", text.wrong.lines),
            ("right", text.right.lines),
        ] {
            if part.is_empty() {
                wrong.push(format!("LD{:04}: no {what}", rule.code));
            }
        }
        if rule.help.is_empty() != text.help.is_empty() {
            wrong.push(format!("LD{:04}: help in one language only", rule.code));
        }
        for (english, chinese) in [(rule.message, text.message), (rule.help, text.help)] {
            if placeholders(english) != placeholders(chinese) {
                wrong.push(format!("LD{:04}: `{english}` and `{chinese}`", rule.code));
            }
        }
        for chinese in [text.message, text.why_chinese] {
            if chinese.is_ascii() {
                wrong.push(format!("LD{:04}: no Chinese: {chinese}", rule.code));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// A whole file around an example: what its block needs and it does not show.
fn file_around(block: &str, text: &str) -> String {
    let text = expanded(text);
    let has = |word: &str| text.lines().any(|line| line.split_whitespace().next() == Some(word));
    let missing = |pairs: &[(&str, &str)]| -> String {
        pairs
            .iter()
            .filter(|(word, _)| !has(word))
            .map(|(word, rest)| format!("{word} {rest}\n"))
            .collect()
    };
    const INSTANCE: &[(&str, &str)] = &[("interface", "eth0"), ("virtual_router_id", "77")];
    const ADDRESS: (&str, &str) = ("virtual_ipaddress", "{\n192.0.2.80/24\n}");
    const SERVICE: &[(&str, &str)] = &[("lb_algo", "wrr"), ("lb_kind", "DR"), ("protocol", "TCP")];
    const SERVER: &str = "{\nTCP_CHECK {\nconnect_timeout 3\n}\n}";
    match block {
        "" => text,
        "vrrp_instance" => {
            let address = if has("no_virtual_ipaddress") || text.contains("virtual_ipaddress {") {
                String::new()
            } else {
                missing(&[ADDRESS])
            };
            format!("vrrp_instance VI_1 {{\n{}{address}{text}}}\n", missing(INSTANCE))
        }
        "vrrp_script" => {
            let needed = missing(&[("script", "\"/bin/true\"")]);
            format!(
                "vrrp_script chk_nginx {{\n{text}{needed}}}\nvrrp_instance VI_1 {{\n{}{}{} {}\n\
                 track_script {{\nchk_nginx\n}}\n}}\n",
                "interface eth0\n", "virtual_router_id 77\n", ADDRESS.0, ADDRESS.1
            )
        }
        "virtual_server" => {
            let server = if has("real_server") {
                String::new()
            } else {
                format!("real_server 192.0.2.11 80 {SERVER}\n")
            };
            format!("virtual_server 192.0.2.80 80 {{\n{}{text}{server}}}\n", missing(SERVICE))
        }
        "real_server" => format!(
            "virtual_server 192.0.2.80 80 {{\n{}real_server 192.0.2.11 80 {{\n{text}}}\n}}\n",
            missing(SERVICE)
        ),
        block => format!("{block} {{\n{text}}}\n"),
    }
}

/// With `<U+00A0>` and `<3 times: x>` replaced.
fn expanded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('>').unwrap_or(0);
        let inside = rest.get(1..end).unwrap_or("");
        if let Some(code) = inside.strip_prefix("U+") {
            out.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
            rest = &rest[end + 1..];
        } else if let Some((times, what)) = inside.split_once(" times: ") {
            out.push_str(&format!("{what} ").repeat(times.parse().unwrap()));
            rest = &rest[end + 1..];
        } else {
            out.push('<');
            rest = &rest[1..];
        }
    }
    out + rest
}

/// Codes that a file gets beside these: `conf.d/web.conf`, `check.sh` (executable), `vrrp.key`
/// (readable by all), which examples may call `/etc/keepalived/vrrp.key`. Behind
/// `--- /path` stands the text of a script.
fn codes(folder: &Path, example: &Example) -> Vec<u16> {
    let mut parts = example.text().split("--- ").map(str::to_owned).collect::<Vec<_>>().into_iter();
    let text = &file_around(example.block, &parts.next().unwrap());
    let scripts: config::lints::ScriptTexts = parts
        .map(|part| {
            let (path, text) = part.split_once('\n').unwrap();
            (path.to_owned(), expanded(text))
        })
        .collect();
    let mut bytes = vec![];
    for (at, part) in text.split("<E9>").enumerate() {
        bytes.extend_from_slice(if at > 0 { b"\xe9" } else { b"" });
        bytes.extend_from_slice(part.as_bytes());
    }
    let mut bytes = String::from_utf8(bytes.clone()).map_or(bytes, |text| {
        text.replace("/etc/keepalived/", &format!("{}/", folder.display())).into_bytes()
    });
    if let Some(text) = text.strip_prefix("<UTF-16>") {
        bytes = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    let path = folder.join("keepalived.conf");
    fs::write(&path, bytes).unwrap();
    let sources = io::load(&path, &io::LoadOptions::default()).unwrap();
    let (config, mut found, written) = config::parse_for_advice(&sources);
    if !found.has_errors() {
        config::lints::lint(written, &sources, &config, &scripts, &mut found);
    }
    config::levels::apply(&sources, &config::levels::Levels::default(), &mut found);
    found.iter().map(|found| found.rule.code).collect()
}

/// From here on codes are what probes see.
const OF_PROBES: u16 = 1000;

/// What the first reports ends with the arrival of features, and one example is as good as another;
/// the others look at the machine: tests/check_command.rs has them.
const NOT_FROM_THE_TEXT: [u16; 3] = [110, 318, 319];

#[test]
fn examples_do_what_they_say() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    fs::write(folder.path().join("conf.d/web.conf"), "").unwrap();
    let script = folder.path().join("check.sh");
    fs::write(&script, "").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let key = folder.path().join("vrrp.key");
    fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let mut wrong = vec![];
    for rule in rules() {
        let Some(text) = of(rule) else { continue };
        let bad = codes(folder.path(), &text.wrong);
        let good = codes(folder.path(), &text.right);
        // What takes two files is shown by tests/pair.rs.
        let of_two = rules::pair::ALL.contains(&rule);
        let from_the_text =
            rule.code < OF_PROBES && !of_two && !NOT_FROM_THE_TEXT.contains(&rule.code);
        if from_the_text && !bad.contains(&rule.code) {
            wrong.push(format!("LD{:04}: the wrong example gets {bad:?}", rule.code));
        }
        // Advice that a short example has no checker or an unused name is not its subject.
        let errors: Vec<_> = good
            .iter()
            .filter(|code| {
                **code == rule.code
                    || find(&code.to_string()).is_some_and(|rule| rule.severity == Severity::Error)
            })
            .collect();
        if !errors.is_empty() {
            wrong.push(format!("LD{:04}: the right example gets {errors:?}", rule.code));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Whether a text is more than names and figures.
fn is_prose(text: &str) -> bool {
    let plain = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let words: Vec<&str> = text.split(' ').collect();
    words.windows(2).any(|pair| pair.iter().all(plain))
}

/// Whether words that only English has stand in a text, beside what is to be written.
fn is_english(text: &str) -> bool {
    let plain = text.split('`').step_by(2);
    let mut words = plain.flat_map(|part| part.split(|c: char| c.is_whitespace() || !c.is_ascii()));
    words.any(|word| matches!(word, "a" | "an" | "the" | "its" | "or" | "of" | "and"))
}

/// String literals behind `start`, as far as the next `end`.
fn literals<'t>(text: &'t str, start: &str, end: &str) -> Vec<&'t str> {
    let mut found = vec![];
    for part in text.split(start).skip(1) {
        let part = part.split(end).next().unwrap_or("");
        found.extend(part.split('"').skip(1).step_by(2));
    }
    found
}

#[test]
fn every_phrase_has_its_chinese() {
    let mut phrases = BTreeSet::new();
    for block in blocks::blocks() {
        phrases.insert(block.name.to_owned());
        for keyword in (block.keywords)() {
            use crate::config::keyword::Support;
            phrases.insert(keyword.takes.describe().to_owned());
            match keyword.support {
                Support::Full => {}
                Support::NotYet(why) | Support::NoEffect(why) | Support::Obsolete(why) => {
                    phrases.insert(why.to_owned());
                }
            }
        }
    }
    fn walk(folder: &Path, phrases: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, phrases);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
                for literal in literals(text, ".label(", ");") {
                    phrases.insert(literal.to_owned());
                }
                let probes = [(".good(", ");"), (".unknown(", ");"), (".bad(", ");")];
                let words =
                    [(".with(", ")"), (".read(", "out,"), ("let takes =", ";"), ("Err(", ")")];
                for (start, end) in words.into_iter().chain(probes) {
                    let found = literals(text, start, end).into_iter();
                    // What is put together is translated as a pattern.
                    phrases.extend(found.map(|text| text.replace("{}", "x").to_owned()));
                }
            }
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    walk(&source.join("config"), &mut phrases);
    walk(&source.join("probe"), &mut phrases);
    let advice = config::keyword::advice();
    phrases.extend(advice.map(str::to_owned));
    let lacks = |text: &str| match phrase(text) {
        Some(chinese) => is_english(&chinese),
        None => is_prose(text) || is_english(text),
    };
    let missing: Vec<_> = phrases.iter().map(String::as_str).filter(|text| lacks(text)).collect();
    assert!(missing.is_empty(), "phrases.txt lacks\n{}\n", missing.join("\n"));
}

#[test]
fn phrases_with_stars_are_found() {
    assert_eq!(phrase("a number from 1 to 255").as_deref(), Some("1 到 255 的数"));
    assert_eq!(
        phrase("real_server or virtual_server").as_deref(),
        Some("real_server 或 virtual_server")
    );
    assert_eq!(
        phrase("virtual_server, real_server or the file itself, outside of any block").as_deref(),
        Some("virtual_server、real_server 或 文件顶层（不在任何块中）")
    );
    assert_eq!(phrase("a network or all").as_deref(), Some("网络 或 all"));
    assert_eq!(phrase("rr, wrr, lc").as_deref(), Some("rr、wrr、lc"));
    assert_eq!(phrase("VI_1"), None);
}

#[test]
fn templates_are_shown_as_people_write_them() {
    assert_eq!(plain("`{word} {{ ... }}` needs {needs}"), "`WORD { ... }` needs NEEDS");
}
