//! `ipvsadm-save` and `ipvsadm -Sn`: a command a line. Scripts of ipvsadm's own options are read too.
use super::{
    services::{At, Check, File, Server, Service, place},
    write::word,
};
use crate::base::{Family, Protocol};
use std::collections::BTreeMap;

/// Options with an argument, by every name.
const WITH_ARGUMENT: &[(&str, &str)] = &[
    ("-t", "-t"),
    ("--tcp-service", "-t"),
    ("-u", "-u"),
    ("--udp-service", "-u"),
    ("--sctp-service", "--sctp-service"),
    ("-f", "-f"),
    ("--fwmark-service", "-f"),
    ("-s", "-s"),
    ("--scheduler", "-s"),
    ("-r", "-r"),
    ("--real-server", "-r"),
    ("-w", "-w"),
    ("--weight", "-w"),
    ("-M", "-M"),
    ("--netmask", "-M"),
    ("-x", "-x"),
    ("--u-threshold", "-x"),
    ("-y", "-y"),
    ("--l-threshold", "-y"),
    ("-b", "-b"),
    ("--sched-flags", "-b"),
    ("--pe", "--pe"),
    ("--tun-type", "--tun-type"),
    ("--tun-port", "--tun-port"),
    ("--mcast-interface", "--mcast-interface"),
    ("--syncid", "--syncid"),
];
/// `-p` may stand alone.
const PERSISTENCE: u32 = 360;

/// One command.
#[derive(Debug, Default)]
struct Command<'t> {
    /// The options with what they are given.
    values: BTreeMap<&'static str, &'t str>,
    /// All other words.
    words: Vec<&'t str>,
    persistence: Option<u32>,
}

impl<'t> Command<'t> {
    fn new(line: &'t str) -> Self {
        let mut command = Self::default();
        let mut words =
            line.split_whitespace().skip_while(|word| !word.starts_with('-')).peekable();
        while let Some(word) = words.next() {
            let (name, glued) = match word.split_once('=') {
                Some((name, value)) if word.starts_with("--") => (name, Some(value)),
                Some(_) | None => (word, None),
            };
            if matches!(name, "-p" | "--persistent") {
                let next = words.next_if(|next| next.parse::<u32>().is_ok());
                command.persistence =
                    Some(glued.or(next).and_then(|n| n.parse().ok()).unwrap_or(PERSISTENCE));
            } else if let Some((_, known)) = WITH_ARGUMENT.iter().find(|(own, _)| *own == name) {
                command.values.extend(glued.or_else(|| words.next()).map(|value| (*known, value)));
            } else {
                command.words.push(word);
            }
        }
        command
    }

    fn has(&self, names: &[&str]) -> bool {
        self.words.iter().any(|word| names.contains(word))
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.values.get(name)?.parse().ok()
    }

    fn at(&self) -> Result<At, String> {
        for (name, protocol) in
            [("-t", Protocol::Tcp), ("-u", Protocol::Udp), ("--sctp-service", Protocol::Sctp)]
        {
            if let Some(text) = self.values.get(name) {
                let (ip, port) = place(text)?;
                return Ok(At::Address { ip, port: port.unwrap_or(0), protocol });
            }
        }
        let mark = self.number("-f").ok_or("this names no service")?;
        let family = if self.has(&["-6", "--ipv6"]) { Family::V6 } else { Family::V4 };
        Ok(At::Mark { mark, family })
    }
}

pub(super) fn read(text: &str) -> File {
    let mut file = File::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(why) = self::line(number + 1, line, &mut file) {
            file.comments.push(format!("not carried over: {line}"));
            file.warn(number + 1, format!("{why}: {line}"));
        }
    }
    file
}

fn line(number: usize, line: &str, file: &mut File) -> Result<(), String> {
    let command = Command::new(line);
    if command.has(&["-A", "--add-service"]) {
        let service = service(number, &command, file)?;
        file.services.push(service);
    } else if command.has(&["-a", "--add-server"]) {
        let at = command.at()?;
        let server = server(number, at, &command)?;
        let of = file.services.iter_mut().find(|service| service.at == at);
        of.ok_or("its service does not stand before it")?.servers.push(server);
    } else if command.has(&["--set"]) {
        let numbers: Vec<u32> = command.words.iter().filter_map(|word| word.parse().ok()).collect();
        let [tcp, tcp_fin, udp] = numbers[..] else {
            return Err("three numbers are missing".into());
        };
        file.timeouts = Some((tcp, tcp_fin, udp));
    } else if command.has(&["--start-daemon"]) {
        let interface =
            command.values.get("--mcast-interface").ok_or("the interface is missing")?;
        let id = command.number("--syncid").unwrap_or(0);
        file.sync_daemon = Some(format!("{} id {id}", word(interface)));
    } else if !command.has(&["-C", "--clear", "-R", "--restore"]) {
        return Err("this is not understood".into());
    }
    Ok(())
}

fn service(number: usize, command: &Command<'_>, file: &mut File) -> Result<Service, String> {
    let at = command.at()?;
    if file.services.iter().any(|service| service.at == at) {
        return Err("this service stands twice".into());
    }
    let scheduler = command.values.get("-s").copied().unwrap_or("wlc");
    let mut flags: Vec<String> = vec![];
    if command.has(&["-o", "--ops"]) {
        flags.push("ops".into());
    }
    let given = command.values.get("-b").into_iter().flat_map(|flags| flags.split(','));
    flags.extend(given.map(str::to_owned));
    Ok(Service {
        line: number,
        at,
        scheduler: scheduler.to_owned(),
        flags,
        persistence: command.persistence,
        granularity: command.values.get("-M").map(ToString::to_string),
        engine: command.values.get("--pe").map(ToString::to_string),
        delay_loop: Some(6),
        alert: false,
        sorry: None,
        quorum_up: None,
        quorum_down: None,
        comments: vec![],
        servers: vec![],
    })
}

fn server(number: usize, at: At, command: &Command<'_>) -> Result<Server, String> {
    let (ip, port) = place(command.values.get("-r").ok_or("the server is missing")?)?;
    let usual = match at {
        At::Address { port, .. } => port,
        At::Mark { .. } => 0,
    };
    let method = if command.has(&["-m", "--masquerading"]) {
        "NAT".to_owned()
    } else if command.has(&["-i", "--ipip"]) {
        tunnel(command)?
    } else {
        "DR".to_owned()
    };
    let port = port.unwrap_or(usual);
    let is_tcp = matches!(at, At::Address { protocol: Protocol::Tcp, .. }) && port != 0;
    Ok(Server {
        line: number,
        ip,
        port,
        method,
        weight: command.number("-w").unwrap_or(1),
        inhibit: false,
        upper: command.number("-x").unwrap_or(0),
        lower: command.number("-y").unwrap_or(0),
        check: is_tcp
            .then(|| Check { keyword: "TCP_CHECK", lines: vec!["connect_timeout 3".into()] }),
    })
}

/// What `lvs_method` says of a tunnel.
fn tunnel(command: &Command<'_>) -> Result<String, String> {
    let mut text = String::from("TUN");
    match command.values.get("--tun-type").copied() {
        None | Some("ipip") => return Ok(text),
        Some("gre") => text.push_str(" type gre"),
        Some("gue") => {
            let port = command.number("--tun-port").ok_or("a GUE tunnel needs --tun-port")?;
            text.push_str(&format!(" type gue port {port}"));
            if command.has(&["--tun-remcsum"]) {
                text.push_str(" remcsum");
            }
        }
        Some(other) => return Err(format!("`{other}` is no kind of tunnel")),
    }
    if command.has(&["--tun-csum"]) {
        text.push_str(" csum");
    }
    Ok(text)
}
