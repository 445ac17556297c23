//! The formats hold what their readers require.
use super::*;
use crate::config::{parse, source::Sources};
use serde_json::Value;

const TEXT: &str = "vrrp_instance A {\n    interface eth0\n    virtual_router_id 7\n    优先 1\n    \
                    preemtp_delay 3\n    state BACKUP\n    state MASTER\n    priority 300\n    \
                    no_virtual_ipaddress\n}\n";

fn checked() -> [Checked; 1] {
    let sources = Sources::from_text("etc/my conf,1.conf", TEXT);
    let (_, found) = parse(&sources);
    [Checked { sources, found, looks: None }]
}

#[test]
fn short_is_a_line_each() {
    assert_eq!(
        short(&checked(), Language::English),
        "etc/my conf,1.conf:4:5: error[LD0101]: unknown keyword `优先` in vrrp_instance\n\
         etc/my conf,1.conf:5:5: error[LD0102]: unknown keyword `preemtp_delay` in vrrp_instance; \
         did you mean `preempt_delay`?\n\
         etc/my conf,1.conf:7:5: warning[LD0405]: a second `state` is ignored; `BACKUP` stays; \
         remove one of the two\n\
         etc/my conf,1.conf:8:14: error[LD0202]: 300 is out of range; priority takes a number \
         from 1 to 255\n"
    );
    let chinese = short(&checked(), Language::Chinese);
    assert!(
        chinese.contains("8:14: 错误[LD0202]: 300 超出范围；priority 的参数是1 到 255 的数\n"),
        "{chinese}"
    );
}

#[test]
fn github_escapes_what_it_must() {
    let text = github(&checked(), Language::English);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[1],
        "::error file=etc/my conf%2C1.conf,line=5,endLine=5,col=5,endColumn=17,title=LD0102::\
         unknown keyword `preemtp_delay` in vrrp_instance%0Adid you mean `preempt_delay`?"
    );
    assert!(lines[2].starts_with("::warning "));
}

#[test]
fn json_has_what_readme_says() {
    let value: Value =
        serde_json::from_str(&json(&checked(), Language::English, None::<()>)).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!((&value["errors"], &value["warnings"]), (&3.into(), &1.into()));
    let finding = &value["findings"][1];
    for (name, expected) in [
        ("code", Value::from("LD0102")),
        ("severity", "error".into()),
        ("help", "did you mean `preempt_delay`?".into()),
        ("file", "etc/my conf,1.conf".into()),
        ("line", 5.into()),
        ("column", 5.into()),
        ("endColumn", 18.into()),
    ] {
        assert_eq!(finding[name], expected, "{name}");
    }
    assert_eq!(finding["fix"]["certain"], true);
    assert_eq!(finding["fix"]["edits"][0]["text"], "preempt_delay");
    assert_eq!(value["findings"][2]["labels"][0]["line"], 6);
}

/// The members that SARIF 2.1.0 requires, and the form of those that readers rely on.
#[test]
fn sarif_has_its_required_members() {
    let value: Value = serde_json::from_str(&sarif(&checked(), Language::English)).unwrap();
    assert_eq!(value["version"], "2.1.0");
    let run = &value["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "ldirector");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for rule in rules {
        for member in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[member]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
    }
    for result in results {
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "etc/my%20conf%2C1.conf");
        let region = &place["region"];
        for member in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(region[member].as_u64().unwrap() >= 1, "{member}");
        }
    }
    let change = &results[1]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "preempt_delay");
    assert!(change["artifactLocation"]["uri"].is_string());
    assert!(results[2]["relatedLocations"][0]["message"]["text"].is_string());
}
