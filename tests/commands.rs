//! Small commands from outside: what they print, and their exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests are their own outside world"
)]
use std::process::Command;

/// (exit code, standard output, standard error)
fn ldirector(line: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ldirector"));
    let done = command.args(line.split_whitespace()).env("LC_ALL", "C").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn keywords_are_documented_and_slips_are_understood() {
    let (code, text, _) = ldirector("keywords advert_int quorum");
    assert_eq!(code, 0);
    assert!(text.starts_with("advert_int SECONDS\n    in         vrrp_instance\n"), "{text}");
    assert!(text.contains("\n\nquorum "), "{text}");
    let (code, text, complaint) = ldirector("keywords advert_itn");
    assert_eq!((code, text.as_str()), (2, ""));
    assert_eq!(complaint, "error: there is no keyword advert_itn; there is advert_int\n");
    let (code, text, _) = ldirector("keywords");
    assert_eq!(code, 0);
    assert!(text.contains("\nvrrp_instance\n    "), "{text}");
}

#[test]
fn a_real_server_is_printed_as_a_script() {
    let (code, text, _) = ldirector("realserver --vip 192.168.4.80,fd00::80 print");
    assert_eq!(code, 0);
    let expected = "\
        sysctl -w net.ipv4.conf.all.arp_ignore=1\n\
        sysctl -w net.ipv4.conf.all.arp_announce=2\n\
        ip address replace 192.168.4.80/32 dev lo label lo:0\n\
        ip address replace fd00::80/128 dev lo nodad preferred_lft 0\n";
    assert!(text.contains(expected), "{text}");
    let (code, text, _) = ldirector("realserver --vip 192.168.4.80 --tun print --format ifcfg");
    assert_eq!(code, 0);
    for file in [
        "/etc/sysctl.d/90-lvs-realserver.conf",
        "/etc/modules-load.d/lvs-realserver.conf",
        "/etc/sysconfig/network-scripts/ifcfg-tunl0",
    ] {
        assert!(text.contains(&format!("cat > {file} <<END\n")), "{text}");
    }
}

#[test]
fn a_real_server_needs_an_address() {
    for line in [
        "realserver",
        "realserver apply",
        "realserver --vip 192.168.4.80/32",
        "realserver --vip 127.0.0.1",
        "realserver --vip 224.0.0.18",
        "realserver --vip fe80::80",
        "realserver --vip fd00::80 print --format ifcfg",
    ] {
        let (code, text, complaint) = ldirector(line);
        assert_eq!((code, text.as_str()), (2, ""), "{line}");
        assert!(complaint.starts_with("error: "), "{line}: {complaint}");
    }
}
