//! The settled services as keepalived.conf.
use super::{
    Format,
    services::{At, File, Server, Service},
};
use crate::base::Family;

pub(super) fn file(file: &File, format: Format) -> String {
    let mut page = Page::default();
    page.line(
        0,
        match format {
            Format::Ldirectord => "# Made from ldirectord.cf by `ldirector import`.",
            Format::Ipvsadm => "# Made from the output of ipvsadm-save by `ldirector import`.",
        },
    );
    page.line(0, "# The virtual addresses themselves are not in it: a vrrp_instance brings them.");
    if format == Format::Ipvsadm {
        page.line(
            0,
            "# IPVS knows no checks: TCP_CHECK was added where the service has a TCP port.",
        );
        page.line(0, "# ipvsadm-save keeps thresholds to itself: see `ipvsadm -Ln --thresholds`.");
    }
    file.comments.iter().for_each(|comment| page.comment(0, comment));
    globals(file, &mut page);
    file.services.iter().for_each(|service| self::service(service, &mut page));
    page.0
}

fn globals(file: &File, page: &mut Page) {
    let alert = !file.mail_to.is_empty();
    if !alert && file.timeouts.is_none() && file.sync_daemon.is_none() {
        return;
    }
    page.line(0, "");
    page.line(0, "global_defs {");
    if alert {
        page.line(1, "notification_email {");
        file.mail_to.iter().for_each(|to| page.line(2, &word(to)));
        page.line(1, "}");
        let given = |name: &str, value: &Option<String>| {
            value.iter().map(|value| format!("{name} {}", word(value))).collect::<Vec<_>>()
        };
        given("notification_email_from", &file.mail_from).iter().for_each(|l| page.line(1, l));
        given("smtp_server", &file.mail_server).iter().for_each(|l| page.line(1, l));
    }
    if let Some((tcp, tcp_fin, udp)) = file.timeouts {
        page.line(1, &format!("lvs_timeouts tcp {tcp} tcpfin {tcp_fin} udp {udp}"));
    }
    file.sync_daemon.iter().for_each(|words| page.line(1, &format!("lvs_sync_daemon {words}")));
    page.line(0, "}");
}

fn service(service: &Service, page: &mut Page) {
    page.line(0, "");
    match service.at {
        At::Address { ip, port, .. } => {
            page.line(0, &format!("virtual_server {ip}{} {{", tail(port)))
        }
        At::Mark { mark, .. } => page.line(0, &format!("virtual_server fwmark {mark} {{")),
    }
    service.comments.iter().for_each(|comment| page.comment(1, comment));
    let mut say = |word: &str, value: Option<&str>| {
        value.iter().for_each(|value| page.line(1, &format!("{word} {value}")));
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    say("delay_loop", number(service.delay_loop).as_deref());
    say("lb_algo", Some(&service.scheduler));
    let usual = service.servers.first().map_or("NAT", |server| server.method.as_str());
    say("lb_kind", Some(usual));
    match service.at {
        At::Address { protocol, .. } => say("protocol", Some(&protocol.name().to_uppercase())),
        At::Mark { family: Family::V6, .. } => say("ip_family", Some("inet6")),
        At::Mark { family: Family::V4, .. } => {}
    }
    say("persistence_timeout", number(service.persistence).as_deref());
    say("persistence_granularity", service.granularity.as_deref());
    say("persistence_engine", service.engine.as_deref());
    say("quorum_up", service.quorum_up.as_deref());
    say("quorum_down", service.quorum_down.as_deref());
    if service.alert {
        page.line(1, "smtp_alert");
    }
    service.flags.iter().for_each(|flag| page.line(1, flag));
    if let Some(sorry) = &service.sorry {
        page.line(1, &format!("sorry_server {}{}", sorry.ip, tail(sorry.port)));
        if let Some(method) = sorry.method.as_deref().filter(|method| *method != usual) {
            page.line(1, &format!("sorry_server_lvs_method {method}"));
        }
    }
    service.servers.iter().for_each(|server| self::server(server, usual, page));
    page.line(0, "}");
}

fn server(server: &Server, usual: &str, page: &mut Page) {
    page.line(1, &format!("real_server {}{} {{", server.ip, tail(server.port)));
    page.line(2, &format!("weight {}", server.weight));
    if server.method != usual {
        page.line(2, &format!("lvs_method {}", server.method));
    }
    if server.inhibit {
        page.line(2, "inhibit_on_failure");
    }
    for (word, value) in [("uthreshold", server.upper), ("lthreshold", server.lower)] {
        if value > 0 {
            page.line(2, &format!("{word} {value}"));
        }
    }
    if let Some(check) = &server.check {
        page.line(2, &format!("{} {{", check.keyword));
        check.lines.iter().for_each(|line| page.line(3, line));
        page.line(2, "}");
    }
    page.line(1, "}");
}

/// A port, if there is one.
fn tail(port: u16) -> String {
    if port == 0 { String::new() } else { format!(" {port}") }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        if !text.is_empty() {
            self.0.push_str(&"    ".repeat(depth));
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn comment(&mut self, depth: usize, text: &str) {
        // A backslash at its end would take in the next line.
        self.line(depth, &format!("# {}", text.trim_end_matches('\\')));
    }
}

/// As one word: between quotes where it must be.
pub(super) fn word(text: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "_./:?&=%@,+-~*".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', ""))
    }
}

/// Between double quotes, as regular expressions and commands are read: with escapes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\x22"))
}
