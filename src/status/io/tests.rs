//! Real files in a directory of the test's own.
use super::*;
use crate::{
    config::{model::GlobalDefs, parse, source::Sources},
    status::{DirectorStatus, InstanceStatus, PacketErrors, VrrpStatus},
};
use std::{os::unix::fs::PermissionsExt, sync::Arc};

const TEXT: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 100\n \
    authentication {\n auth_type PASS\n auth_pass secret12\n }\n \
    virtual_ipaddress {\n 10.0.0.100/24\n }\n notify /bin/n\n}\n\
    virtual_server 10.0.0.100 80 {\n lb_algo rr\n lb_kind DR\n protocol TCP\n \
    real_server 10.0.0.1 80 {\n TCP_CHECK {\n }\n }\n}\n";

fn config(dumps: DumpSettings) -> Config {
    let (mut config, found) = parse(&Sources::from_text("k.conf", TEXT));
    assert!(!found.has_errors());
    config.global = Arc::new(GlobalDefs { dumps, ..(*config.global).clone() });
    config
}

fn snapshot() -> Snapshot {
    let instance = InstanceStatus {
        name: "VI_1".into(),
        interface: "eth0".into(),
        vrid: 51,
        state: "MASTER".into(),
        since: 5,
        priority: 90,
        base_priority: 100,
        adverts_sent: 7,
        errors: PacketErrors { length: 2, ..PacketErrors::default() },
        ..InstanceStatus::default()
    };
    Snapshot {
        bfd: None,
        vrrp: Some(VrrpStatus {
            instances: vec![instance],
            sync_groups: vec![],
            ..VrrpStatus::default()
        }),
        director: Some(DirectorStatus::default()),
        notes: vec![],
    }
}

#[test]
fn every_process_has_a_sheet_with_keepaliveds_headings() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    // Somebody has left a link where the dump goes.
    std::os::unix::fs::symlink(at("victim"), at("k.data")).unwrap();
    let config = config(DumpSettings { state: Some(at("k.data")), ..DumpSettings::default() });
    data(&config, &snapshot()).unwrap();
    assert!(!at("victim").exists());
    let sheet = fs::read_to_string(at("k.data")).unwrap();
    for line in [
        "------< Global definitions >------",
        "------< VRRP Topology >------",
        " VRRP Instance = VI_1",
        "   State = MASTER",
        "   Virtual Router ID = 51",
        "   Priority = 100",
        "   Effective priority = 90",
        "   Advert interval = 1 sec",
        "   Virtual IP (1):",
        "     10.0.0.100/24 dev eth0 set",
        "   Generic state transition script = '/bin/n'",
    ] {
        assert!(sheet.lines().any(|found| found == line), "{line} in\n{sheet}");
    }
    assert!(!sheet.contains("secret12"), "passwords stay out");
    assert_eq!(fs::metadata(at("k.data")).unwrap().permissions().mode() & 0o777, 0o600);
    let sheet = fs::read_to_string(at("k_check.data")).unwrap();
    for line in [
        " ------< Virtual server >------",
        " VS VIP = 10.0.0.100, VPORT = 80",
        "   lvs_sched = rr",
        "   RIP = 10.0.0.1, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1",
        " [10.0.0.100]:tcp:80 -> [10.0.0.1]:tcp:80",
        "   Keepalive method = TCP_CHECK",
    ] {
        assert!(sheet.lines().any(|found| found == line), "{line} in\n{sheet}");
    }
    assert!(at("k_parent.data").exists());
}

#[test]
fn statistics_and_json_are_where_they_are_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let dumps = DumpSettings {
        stats: Some(at("s")),
        json: Some(at("j.json")),
        use_instance: true,
        ..DumpSettings::default()
    };
    let mut config = config(dumps);
    let mut global = (*config.global).clone();
    global.process.instance = Some("one".into());
    config.global = Arc::new(global);
    statistics(&config, &snapshot()).unwrap();
    let text = fs::read_to_string(at("s.one")).unwrap();
    assert!(
        text.starts_with("VRRP Instance: VI_1\n  Advertisements:\n    Received: 0\n    Sent: 7\n")
    );
    assert!(text.contains("  Packet Errors:\n    Length: 2\n"));
    json(&config, &snapshot()).unwrap();
    let text = fs::read_to_string(at("j.one.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value[0]["data"]["iname"], "VI_1");
    assert_eq!(value[0]["data"]["state"], 2);
    assert_eq!(value[0]["stats"]["advert_sent"], 7);
}

#[test]
fn what_a_reload_took_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("kept");
    let config = config(DumpSettings::default());
    let texts = [(Path::new("a.conf"), "a\n"), (Path::new("b.inc"), "b\n")];
    save_texts(&folder, texts.into_iter(), 3).unwrap();
    saved(&folder, &config, &snapshot(), 3, "pre").unwrap();
    let pid = std::process::id();
    let kept = fs::read_to_string(folder.join(format!("keepalived.conf.{pid}.3"))).unwrap();
    assert_eq!(kept, "a\n# b.inc\nb\n");
    assert!(folder.join(format!("keepalived_vrrp.{pid}.3.pre")).exists());
    assert!(folder.join(format!("keepalived_check.{pid}.3.pre")).exists());
}
