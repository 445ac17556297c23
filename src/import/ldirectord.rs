//! `ldirectord.cf` (ldirectord(8) of linux-ha): global settings, then services with their settings
//! indented below them.
mod check;

use super::services::{At, File, Server, Service, Sorry, place, port, range};
use crate::base::{Family, Protocol};
use std::{collections::BTreeMap, net::IpAddr};

/// A setting with its line.
#[derive(Clone, Debug)]
struct Setting<'t> {
    line: usize,
    value: &'t str,
}

type Settings<'t> = BTreeMap<&'t str, Setting<'t>>;

/// What ldirectord does and keepalived has no need or no word for; with what to do instead.
const WITHOUT_COUNTERPART: &[(&str, &str)] = &[
    ("autoreload", "reload with `ldirector reload` after a change"),
    ("callback", "run your command after `ldirector reload`"),
    ("checkcount", "failurecount is carried over as retry"),
    ("cleanstop", "services are removed at a stop, unless ldirector runs with -I"),
    ("database", "only the port is checked; use MISC_CHECK with a client of the database"),
    ("emailalertfreq", "a mail is sent once for each change"),
    ("emailalertstatus", "mails are sent for every change"),
    ("execute", "start the other program by itself"),
    ("fork", "ldirector checks all services at the same time"),
    ("load", "only the port is checked; use MISC_CHECK"),
    ("login", "only the port is checked; use MISC_CHECK with a client that logs in"),
    ("maintenancedir", "use FILE_CHECK with a track_file, or set the weight to 0 and reload"),
    ("monitorfile", "use FILE_CHECK with a track_file"),
    ("passwd", "only the port is checked; use MISC_CHECK with a client that logs in"),
    ("readdquiescent", "a server that comes back gets its weight again"),
    ("secret", "only the port is checked; use MISC_CHECK with a client that logs in"),
];
/// Nothing is lost without these: where logs go and how it runs is the service manager's.
const NEEDLESS: &[&str] = &["logfile", "supervised"];

pub(super) fn read(text: &str) -> File {
    let mut file = File::default();
    let mut globals = Settings::new();
    // A service, its settings, its servers.
    let mut services: Vec<(Setting<'_>, Settings<'_>, Vec<Setting<'_>>)> = vec![];
    for (number, raw) in text.lines().enumerate() {
        let line = number + 1;
        let (content, indented) = (raw.trim(), raw.starts_with([' ', '\t']));
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let Some((name, value)) = content.split_once('=') else {
            file.comments.push(format!("not carried over: {content}"));
            file.warn(line, format!("this is not understood: {content}"));
            continue;
        };
        let (name, setting) = (name.trim_end(), Setting { line, value: uncommented(value) });
        if setting.value.is_empty() {
            file.warn(line, format!("`{name}` has no value and was left out"));
            continue;
        }
        match (name, services.last_mut()) {
            ("virtual" | "virtual6", _) => services.push((setting, Settings::new(), vec![])),
            ("real" | "real6", Some((_, _, servers))) => servers.push(setting),
            ("fallback6", Some((_, settings, _))) if indented => {
                settings.insert("fallback", setting);
            }
            (name, Some((_, settings, _))) if indented => {
                settings.insert(name, setting);
            }
            (name, _) => {
                globals.insert(name, setting);
            }
        }
    }
    global(&globals, &mut file);
    for (at, own, servers) in services {
        let mut settings = globals.clone();
        settings.extend(own.clone());
        if let Err(why) = service(&at, &settings, &own, &servers, &mut file) {
            file.comments.push(format!("not carried over: virtual = {}", at.value));
            file.warn(at.line, why);
        }
    }
    file
}

/// Without what stands behind a `#`, and without quotes around it all.
fn uncommented(value: &str) -> &str {
    let value = value.trim();
    if let Some(inside) = value.strip_prefix('"') {
        return inside
            .split_once('"')
            .filter(|(_, rest)| !rest.contains('"'))
            .map_or(value, |v| v.0);
    }
    if let Some(inside) = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        return inside;
    }
    if value.contains('"') {
        return value;
    }
    value.split_once(" #").map_or(value, |(value, _)| value.trim_end())
}

fn global(settings: &Settings<'_>, file: &mut File) {
    if let Some(to) = settings.get("emailalert") {
        file.mail_to =
            to.value.split([',', ' ']).filter(|t| !t.is_empty()).map(str::to_owned).collect();
        file.mail_from = settings.get("emailalertfrom").map(|from| from.value.to_owned());
        let server = settings.get("smtp").map(|server| server.value);
        file.mail_server = Some(server.unwrap_or("127.0.0.1").to_owned());
        if server.is_none() {
            file.warn(
                to.line,
                "ldirectord mails through the local sendmail: smtp_server 127.0.0.1 was written",
            );
        }
    }
    let mut lost = vec![];
    for (name, setting) in settings {
        without_counterpart(name, setting, file, &mut lost);
    }
    file.comments.extend(lost);
}

/// Known ones with advice, unknown ones without.
fn without_counterpart(name: &str, setting: &Setting<'_>, file: &mut File, lost: &mut Vec<String>) {
    if KNOWN.contains(&name) || NEEDLESS.contains(&name) {
        return;
    }
    let known = WITHOUT_COUNTERPART.iter().find(|(word, _)| *word == name);
    let value = if matches!(name, "passwd" | "secret") { "…" } else { setting.value };
    match known {
        Some((_, advice)) => {
            lost.push(format!("not carried over: {name} = {value} ({advice})"));
            file.warn(setting.line, format!("`{name}` has no counterpart: {advice}"));
        }
        None => {
            lost.push(format!("not carried over: {name} = {value}"));
            file.warn(setting.line, format!("`{name}` is not a setting of ldirectord"));
        }
    }
}

/// What is carried over.
const KNOWN: &[&str] = &[
    "checkcommand",
    "checkinterval",
    "checkport",
    "checktimeout",
    "checktype",
    "emailalert",
    "emailalertfrom",
    "failurecount",
    "fallback",
    "fallbackcommand",
    "httpmethod",
    "negotiatetimeout",
    "netmask",
    "ops",
    "persistent",
    "protocol",
    "quiescent",
    "receive",
    "request",
    "scheduler",
    "service",
    "smtp",
    "virtualhost",
];

/// `settings`: with the global ones below; `own`: those of the service alone.
fn service(
    at: &Setting<'_>,
    settings: &Settings<'_>,
    own: &Settings<'_>,
    servers: &[Setting<'_>],
    file: &mut File,
) -> Result<(), String> {
    let get = |name: &str| settings.get(name).map(|setting| setting.value);
    let place = self::at(at.value, get("protocol"), servers)?;
    if get("checktype") == Some("off") {
        return Err("checktype off: no server is ever in use, so the service is left out".into());
    }
    let mut comments = vec![];
    for (name, setting) in own {
        without_counterpart(name, setting, file, &mut comments);
    }
    let mut service = Service {
        line: at.line,
        at: place,
        scheduler: get("scheduler").unwrap_or("wrr").to_owned(),
        flags: vec![],
        persistence: number("persistent", settings, file),
        granularity: None,
        engine: None,
        delay_loop: Some(number("checkinterval", settings, file).unwrap_or(10)),
        alert: get("emailalert").is_some(),
        sorry: None,
        quorum_up: None,
        quorum_down: None,
        comments,
        servers: vec![],
    };
    if is_yes(get("ops")) {
        service.flags.push("ops".to_owned());
    }
    // Alone it would make the service persistent.
    if service.persistence.is_some() {
        service.granularity = get("netmask").map(str::to_owned);
    }
    if let Some(fallback) = settings.get("fallback") {
        sorry(fallback, &mut service, file);
    }
    if let Some(command) = get("fallbackcommand") {
        service.quorum_down = Some(super::write::quoted(&format!("{command} start")));
        service.quorum_up = Some(super::write::quoted(&format!("{command} stop")));
    }
    let inhibit = is_yes(get("quiescent"));
    for line in servers {
        match real(line, &service, inhibit) {
            Ok((found, page)) => {
                for mut server in found {
                    check::add(&mut server, page, &service, settings, file);
                    service.servers.push(server);
                }
            }
            Err(why) => {
                service.comments.push(format!("not carried over: real = {}", line.value));
                file.warn(line.line, why);
            }
        }
    }
    file.services.push(service);
    Ok(())
}

/// `protocol` says tcp or udp; without it a number is a mark.
fn at(text: &str, protocol: Option<&str>, servers: &[Setting<'_>]) -> Result<At, String> {
    if protocol == Some("fwm") || protocol.is_none() && text.parse::<u32>().is_ok() {
        let mark = text.parse().map_err(|_| format!("`{text}` is no firewall mark"))?;
        let is_v6 = servers.iter().any(|server| server.value.starts_with('['));
        return Ok(At::Mark { mark, family: if is_v6 { Family::V6 } else { Family::V4 } });
    }
    let (ip, port) = place(text)?;
    let port = port.ok_or_else(|| format!("`{text}` has no port"))?;
    let protocol = match protocol {
        None | Some("tcp") => Protocol::Tcp,
        Some("udp") => Protocol::Udp,
        Some("sctp") => Protocol::Sctp,
        Some(other) => return Err(format!("`{other}` is no protocol: tcp, udp or fwm")),
    };
    Ok(At::Address { ip, port, protocol })
}

/// Host, port, method: `127.0.0.1:80 gate`.
fn sorry(setting: &Setting<'_>, service: &mut Service, file: &mut File) {
    let mut words = setting.value.split_whitespace();
    let usual = match service.at {
        At::Address { port, .. } => port,
        At::Mark { .. } => 0,
    };
    match place(words.next().unwrap_or_default()) {
        Ok((ip, port)) => {
            let method = words.next().and_then(method).map(str::to_owned);
            let stays = method.as_deref().is_some_and(|method| method != "NAT");
            let port = port.filter(|_| !stays).unwrap_or(usual);
            service.sorry = Some(Sorry { ip, port, method });
        }
        Err(why) => {
            service.comments.push(format!("not carried over: fallback = {}", setting.value));
            file.warn(setting.line, why);
        }
    }
}

/// A page of its own for one server: request and what is to be received.
type Page<'t> = (Option<&'t str>, Option<&'t str>);

/// `192.0.2.1->192.0.2.4:80 gate 5 "page.html", "OK"`.
fn real<'t>(
    setting: &Setting<'t>,
    service: &Service,
    inhibit: bool,
) -> Result<(Vec<Server>, Page<'t>), String> {
    let (plain, texts) = match setting.value.find('"') {
        Some(quote) => setting.value.split_at(quote),
        None => (setting.value, ""),
    };
    let mut texts =
        texts.split('"').skip(1).step_by(2).map(|text| Some(text).filter(|t| !t.is_empty()));
    let page = (texts.next().flatten(), texts.next().flatten());
    let mut words = plain.split_whitespace();
    let place = words.next().ok_or("the server's address is missing")?;
    let (first, rest) = match place.split_once("->") {
        Some((first, rest)) => (Some(first), rest),
        None => (None, place),
    };
    let (last, port) = self::place(rest)?;
    let all = match first.map(|first| first.trim_matches(['[', ']'])) {
        None => vec![last],
        Some(first) => {
            let first: IpAddr = first.parse().map_err(|_| format!("`{first}` is no address"))?;
            range(first, last)
                .ok_or_else(|| format!("`{place}` is no range of at most 256 addresses"))?
        }
    };
    let usual = match service.at {
        At::Address { port, .. } => port,
        At::Mark { .. } => 0,
    };
    let word = words.next().unwrap_or("gate");
    let method = method(word).ok_or_else(|| format!("`{word}` is not gate, masq or ipip"))?;
    let weight = words.next().map_or(Ok(1), str::parse).map_err(|_| "the weight is no number")?;
    let server = |ip| Server {
        line: setting.line,
        ip,
        port: port.unwrap_or(usual),
        method: method.to_owned(),
        weight,
        inhibit,
        upper: 0,
        lower: 0,
        check: None,
    };
    Ok((all.into_iter().map(server).collect(), page))
}

fn method(word: &str) -> Option<&'static str> {
    match word {
        "gate" => Some("DR"),
        "masq" => Some("NAT"),
        "ipip" => Some("TUN"),
        _ => None,
    }
}

fn is_yes(value: Option<&str>) -> bool {
    matches!(value, Some("yes" | "on" | "true" | "1"))
}

/// At least 1, as keepalived.conf wants it; 0 switches `persistent` off.
fn number(name: &str, settings: &Settings<'_>, file: &mut File) -> Option<u32> {
    const MOST: u32 = 86_400;
    let setting = settings.get(name)?;
    match setting.value.parse::<u32>() {
        Ok(0) if name == "persistent" => None,
        Ok(number) => Some(number.clamp(1, MOST)),
        Err(_) => {
            let why = format!("`{}` is no number: {name} was left out", setting.value);
            file.warn(setting.line, why);
            None
        }
    }
}
