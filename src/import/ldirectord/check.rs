//! How ldirectord looks at a server, as a checker's block.
use super::{Page, Settings, number};
use crate::{
    base::Protocol,
    import::{
        services::{At, Check, File, Server, Service},
        write::{quoted, word},
    },
};

/// Services with a usual port, where `service` does not say which it is.
const BY_PORT: &[(u16, &str)] = &[
    (21, "ftp"),
    (25, "smtp"),
    (53, "dns"),
    (80, "http"),
    (110, "pop"),
    (119, "nntp"),
    (143, "imap"),
    (389, "ldap"),
    (443, "https"),
    (587, "submission"),
    (636, "ldaps"),
    (993, "imaps"),
    (995, "pops"),
    (1521, "oracle"),
    (1812, "radius"),
    (3128, "http_proxy"),
    (3306, "mysql"),
    (5060, "sip"),
    (5432, "pgsql"),
];
/// Seconds that a request may take where the file does not say (ldirectord(8)).
const NEGOTIATE: u32 = 30;
const CONNECT: u32 = 5;

/// What is known of one check.
struct Looking<'a> {
    server: &'a Server,
    settings: &'a Settings<'a>,
    page: Page<'a>,
    udp: bool,
    /// 0: nobody says which.
    port: u16,
}

pub(super) fn add(
    server: &mut Server,
    page: Page<'_>,
    service: &Service,
    settings: &Settings<'_>,
    file: &mut File,
) {
    let get = |name: &str| settings.get(name).map(|setting| setting.value);
    let asked = get("checkport").and_then(super::port);
    let usual =
        |name: &str| BY_PORT.iter().find(|(_, known)| *known == name).map(|(port, _)| *port);
    let named = get("service").and_then(usual);
    let own = Some(server.port).filter(|port| *port != 0);
    let port = asked.or(own).or(named).unwrap_or(0);
    let udp = matches!(service.at, At::Address { protocol: Protocol::Udp, .. });
    let looking = Looking { server, settings, page, udp, port };
    let line = settings.get("checktype").map_or(service.line, |setting| setting.line);
    server.check = match get("checktype").unwrap_or("negotiate") {
        "on" | "off" => None,
        "ping" => looking.finish("PING_CHECK", vec![], CONNECT, file),
        "connect" if udp => looking.finish("UDP_CHECK", vec![], CONNECT, file),
        "connect" => looking.finish("TCP_CHECK", vec![], CONNECT, file),
        kind @ ("external" | "external-perl") => looking.external(kind, service, line, file),
        "negotiate" => looking.negotiate(service, file),
        other => {
            let advice = "every check negotiates";
            file.warn(line, format!("checktype {other} has no counterpart: {advice}"));
            looking.negotiate(service, file)
        }
    };
}

impl Looking<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(|setting| setting.value)
    }

    fn negotiate(&self, service: &Service, file: &mut File) -> Option<Check> {
        let by_port = BY_PORT.iter().find(|(port, _)| *port == self.port).map(|(_, name)| *name);
        let name = self.get("service").or(by_port).unwrap_or("none");
        let line = self.settings.get("service").map_or(service.line, |setting| setting.line);
        match name {
            "http" | "http_proxy" => self.http("HTTP_GET", file),
            "https" => self.http("SSL_GET", file),
            "smtp" | "submission" => self.finish("SMTP_CHECK", vec![], NEGOTIATE, file),
            "dns" => {
                let name = self.page.0.or_else(|| self.get("request"));
                let mut lines = vec!["type A".to_owned()];
                lines.extend(name.map(|name| format!("name {}", word(name))));
                if let Some(receive) = self.settings.get("receive") {
                    file.warn(receive.line, "DNS_CHECK asks for an answer, not for a certain one");
                }
                self.finish("DNS_CHECK", lines, NEGOTIATE, file)
            }
            other => {
                let udp = self.udp || matches!(other, "radius" | "sip") && self.server.port == 0;
                let keyword = if udp { "UDP_CHECK" } else { "TCP_CHECK" };
                if other != "none" {
                    let advice = format!("{keyword} was written; MISC_CHECK can run a client");
                    file.warn(line, format!("keepalived does not speak {other}: {advice}"));
                }
                self.finish(keyword, vec![], NEGOTIATE, file)
            }
        }
    }

    fn http(&self, keyword: &'static str, file: &mut File) -> Option<Check> {
        let path = self.page.0.or_else(|| self.get("request")).unwrap_or("/");
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut lines =
            vec!["url {".to_owned(), format!("    path {}", word(&format!("{slash}{path}")))];
        if let Some(host) = self.get("virtualhost") {
            lines.push(format!("    virtualhost {}", word(host)));
        }
        match self.page.1.or_else(|| self.get("receive")) {
            Some(pattern) => lines.push(format!("    regex {}", quoted(pattern))),
            None => lines.push("    status_code 200-299".to_owned()),
        }
        lines.push("}".to_owned());
        if let Some(method) = self.settings.get("httpmethod").filter(|m| m.value != "GET") {
            file.warn(method.line, format!("httpmethod {} has no counterpart: GET", method.value));
        }
        self.finish(keyword, lines, NEGOTIATE, file)
    }

    /// It is told the service's address and port, and the server's.
    fn external(
        &self,
        kind: &str,
        service: &Service,
        line: usize,
        file: &mut File,
    ) -> Option<Check> {
        let Some(command) = self.get("checkcommand") else {
            file.warn(line, format!("checktype {kind} without checkcommand: nothing is checked"));
            return None;
        };
        if kind == "external-perl" {
            file.warn(line, "checktype external-perl: the file is run as a program, not by ldirectord's own perl");
        }
        let to = match service.at {
            At::Address { ip, port, .. } => format!("{ip} {port}"),
            At::Mark { mark, .. } => format!("{mark} 0"),
        };
        let command = format!("{command} {to} {} {}", self.server.ip, self.port);
        let timeout = number("checktimeout", self.settings, file).unwrap_or(CONNECT);
        let mut lines =
            vec![format!("misc_path {}", quoted(&command)), format!("misc_timeout {timeout}")];
        self.retry(&mut lines, file);
        Some(Check { keyword: "MISC_CHECK", lines })
    }

    /// With what every check has.
    fn finish(
        &self,
        keyword: &'static str,
        mut lines: Vec<String>,
        usual: u32,
        file: &mut File,
    ) -> Option<Check> {
        let pings = keyword == "PING_CHECK";
        if !pings && self.port == 0 {
            let line = self.server.line;
            file.warn(
                line,
                format!(
                    "{keyword} of {} needs a port: add checkport; PING_CHECK was written",
                    self.server.ip
                ),
            );
            return self.finish("PING_CHECK", vec![], CONNECT, file);
        }
        if !pings && self.port != self.server.port {
            lines.push(format!("connect_port {}", self.port));
        }
        let timeout = number("checktimeout", self.settings, file).unwrap_or(CONNECT);
        let timeout = match usual {
            NEGOTIATE => number("negotiatetimeout", self.settings, file).unwrap_or(usual),
            _ => timeout,
        };
        lines.push(format!("connect_timeout {timeout}"));
        self.retry(&mut lines, file);
        Some(Check { keyword, lines })
    }

    /// A failure counts when it was seen so many times, one look after the other.
    fn retry(&self, lines: &mut Vec<String>, file: &mut File) {
        let count = number("failurecount", self.settings, file).unwrap_or(1);
        lines.push(format!("retry {}", count.saturating_sub(1)));
        if count > 1 {
            let pause = number("checkinterval", self.settings, file).unwrap_or(10);
            lines.push(format!("delay_before_retry {pause}"));
        }
    }
}
