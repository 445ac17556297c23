//! What the world hears of servers and services: log lines, scripts, fifo lines, mails, in
//! keepalived's words (spec: LVS and checkers §9, §10, §12).
use super::{
    event::{Action, Level},
    virtual_server::ServiceState,
};
use crate::{
    base::Script,
    checkers::{Outcome, misc},
    config::model::{CheckerKind, GlobalDefs, RealServer, SorryServer, VirtualServer},
    notify::Notification,
};

/// Names of one server and its service.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) server: String,
    pub(super) service: String,
}

impl Names {
    pub(super) fn of(service: &VirtualServer, server: &RealServer) -> Self {
        Self { server: service.server_name(server.ip, server.port), service: service.name() }
    }
}

/// Mail's sentence about what a reload removes.
pub(super) const REMOVING: &str = "=> Removing <=";
/// Mail's sentence about what goes with the daemon.
pub(super) const SHUTTING_DOWN: &str = "=> Shutting down <=";

pub(super) fn info(out: &mut Vec<Action>, text: String) {
    out.push(Action::Log(Level::Info, text));
}

fn script(out: &mut Vec<Action>, queue: &str, script: Option<&Script>) {
    if let Some(script) = script {
        let (queue, script) = (queue.to_owned(), script.clone());
        out.push(Action::Notify(Notification::Script { queue, script }));
    }
}

fn state(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}

/// The line of a result that matters.
pub(super) fn result(names: &Names, kind: &CheckerKind, outcome: &Outcome, retries: u32) -> String {
    let (server, service) = (&names.server, &names.service);
    let reason = outcome.reason();
    let passed = matches!(outcome, Outcome::Pass { .. } | Outcome::Weigh { .. });
    match (kind, passed) {
        (CheckerKind::Tcp(_), true) => format!("TCP connection to {server} success."),
        (CheckerKind::Http(_), true) => format!("Remote Web server {server} succeed on service."),
        (CheckerKind::Smtp(_), true) => format!("Remote SMTP server {server} succeed on service."),
        (CheckerKind::Misc(misc), passed) => {
            let path = misc.script.argv.first().map_or("", String::as_str);
            let end = match (passed, retries) {
                (true, _) => "succeeded.".to_owned(),
                (false, 0) => format!("failed with retry disabled ({reason})."),
                (false, n) => format!("failed after {n} retries ({reason})."),
            };
            format!("Misc check for [{server} VS {service}] by [{path}] {end}")
        }
        (CheckerKind::Bfd(bfd), up) => {
            format!("BFD check of [{}] RS({server}) is {}", bfd.name, state(up))
        }
        (
            CheckerKind::Ping(_) | CheckerKind::Dns(_) | CheckerKind::Udp(_) | CheckerKind::File(_),
            true,
        ) => format!("{} on service {server} success.", kind.keyword()),
        (
            CheckerKind::Tcp(_)
            | CheckerKind::Http(_)
            | CheckerKind::Smtp(_)
            | CheckerKind::Ping(_)
            | CheckerKind::Dns(_)
            | CheckerKind::Udp(_)
            | CheckerKind::File(_),
            false,
        ) => {
            let name = match kind.keyword() {
                "HTTP_GET" => "HTTP_CHECK",
                "SSL_GET" => "SSL_CHECK",
                other => other,
            };
            match retries {
                0 => format!("{name} on service {server} failed: {reason}"),
                n => format!("{name} on service {server} failed after {n} retries: {reason}"),
            }
        }
    }
}

/// The mail's sentence about a checker's result.
fn mail_body(kind: &CheckerKind, up: bool, reason: &str) -> String {
    let plain = |name: &str| {
        let word = if up { "succeed" } else { "failed" };
        format!("=> {name} {word} on service <=")
    };
    match kind {
        CheckerKind::Tcp(_) => plain("TCP CHECK"),
        CheckerKind::Udp(_) => plain("UDP CHECK"),
        CheckerKind::Ping(_) => plain("ICMP CHECK"),
        CheckerKind::Dns(_) => plain("DNS_CHECK:"),
        CheckerKind::File(_) => plain("FILE CHECK"),
        CheckerKind::Bfd(bfd) => plain(&format!("BFD CHECK {}", bfd.name)),
        CheckerKind::Http(_) | CheckerKind::Smtp(_) if up => plain("CHECK"),
        CheckerKind::Http(http) => {
            let name = if http.tls { "SSL" } else { "HTTP" };
            format!("=> CHECK failed on service : {name} request failed <=")
        }
        CheckerKind::Smtp(_) => format!("=> CHECK failed on service : {reason} <="),
        CheckerKind::Misc(_) if up => "=> MISC CHECK succeeded on service <=".to_owned(),
        CheckerKind::Misc(_) if reason == misc::TIMED_OUT => {
            "=> MISC CHECK timed out on service <=".to_owned()
        }
        CheckerKind::Misc(_) => "=> MISC CHECK failed on service <=".to_owned(),
    }
}

/// A mail about a server; its subject tells how the server is, not the checker.
pub(super) fn server_mail(
    out: &mut Vec<Action>,
    global: &GlobalDefs,
    names: &Names,
    alive: bool,
    body: String,
) {
    let router = global.router_id.as_deref().unwrap_or_default();
    let subject = format!(
        "[{router}] Realserver {} of virtual server {} - {}",
        names.server,
        names.service,
        state(alive)
    );
    out.push(Action::Notify(Notification::Mail { subject, body }));
}

/// A checker changed: the mail that follows it.
pub(super) fn checker_mail(
    out: &mut Vec<Action>,
    global: &GlobalDefs,
    names: &Names,
    alive: bool,
    kind: &CheckerKind,
    (up, reason): (bool, &str),
) {
    server_mail(out, global, names, alive, mail_body(kind, up, reason));
}

/// A server came up or went down: script and fifo.
pub(super) fn server(out: &mut Vec<Action>, names: &Names, config: &RealServer, up: bool) {
    let chosen = if up { &config.notify_up } else { &config.notify_down };
    script(out, &names.service, chosen.as_deref());
    let line = format!("RS {} {} {}\n", names.server, names.service, state(up));
    out.push(Action::Notify(Notification::Fifo(line)));
}

/// A service gained or lost its quorum: line, the sorry server's part, script, fifo, mail.
pub(super) fn quorum(
    out: &mut Vec<Action>,
    global: &GlobalDefs,
    config: &VirtualServer,
    service: &ServiceState,
    starting: bool,
) {
    let up = service.quorum_up;
    let name = config.name();
    let sum = service.sum(config);
    let (keeps, gains) = ServiceState::thresholds(config);
    let (quorum, hysteresis) = (config.quorum, config.hysteresis);
    let counted = match (starting, up) {
        (_, true) => format!("{quorum}+{hysteresis}={gains} <= {sum}"),
        (true, false) => format!("{quorum}+{hysteresis}={gains} > {sum}"),
        (false, false) => format!("{quorum}-{hysteresis}={keeps} > {sum}"),
    };
    let event = match (starting, up) {
        (false, true) => "Gained quorum",
        (false, false) => "Lost quorum",
        (true, true) => "Starting with quorum up",
        (true, false) => "Starting with quorum down",
    };
    if !starting || up {
        let word = if up { "Gained" } else { "Lost" };
        info(out, format!("{word} quorum {counted} for VS {name}"));
    }
    if let (Some(sorry), false) = (&config.sorry, starting && up) {
        sorry_role(out, config, sorry, !up);
    }
    quorum_script(out, config, &name, up);
    if config.smtp_alert {
        // keepalived's mails write it like this whichever way it went.
        let threshold = if up || starting { gains } else { keeps };
        let body = format!("=> {event} {quorum}+{hysteresis}={threshold} <= {sum} <=");
        quorum_mail(out, global, &name, up, body);
    }
}

fn quorum_script(out: &mut Vec<Action>, config: &VirtualServer, name: &str, up: bool) {
    script(out, name, if up { &config.quorum_up } else { &config.quorum_down }.as_ref());
    out.push(Action::Notify(Notification::Fifo(format!("VS {name} {}\n", state(up)))));
}

fn quorum_mail(out: &mut Vec<Action>, global: &GlobalDefs, name: &str, up: bool, body: String) {
    let router = global.router_id.as_deref().unwrap_or_default();
    let subject = format!("[{router}] Virtualserver {name} - {}", state(up));
    out.push(Action::Notify(Notification::Mail { subject, body }));
}

/// A server that was up goes with the daemon; `omega` has it told.
pub(super) fn stopped_server(
    out: &mut Vec<Action>,
    global: &GlobalDefs,
    config: &VirtualServer,
    real: &RealServer,
) {
    let names = Names::of(config, real);
    info(out, format!("Shutting down service {} from VS {}", names.server, names.service));
    if config.omega {
        server(out, &names, real, false);
        if real.smtp_alert {
            server_mail(out, global, &names, false, SHUTTING_DOWN.to_owned());
        }
    }
}

/// A service goes; with a `why` it is told that it is down.
pub(super) fn gone_service(
    out: &mut Vec<Action>,
    global: &GlobalDefs,
    config: &VirtualServer,
    why: Option<&str>,
) {
    let name = config.name();
    info(out, format!("Removing Virtual Server {name}"));
    if let Some(why) = why {
        quorum_script(out, config, &name, false);
        if config.smtp_alert {
            quorum_mail(out, global, &name, false, why.to_owned());
        }
    }
}

/// The sorry server takes over, or the others do again.
fn sorry_role(out: &mut Vec<Action>, config: &VirtualServer, sorry: &SorryServer, in_use: bool) {
    if in_use {
        sorry_server(out, config, sorry, true);
        alive_servers(out, config, false);
    } else {
        alive_servers(out, config, true);
        sorry_server(out, config, sorry, false);
    }
}

/// A reload changes who is sorry, or whether anybody is, while the quorum is lost.
pub(super) fn sorry_changed(
    out: &mut Vec<Action>,
    config: &VirtualServer,
    before: Option<&SorryServer>,
) {
    match (&config.sorry, before) {
        (Some(sorry), None) => sorry_role(out, config, sorry, true),
        (None, Some(before)) => sorry_role(out, config, before, false),
        (Some(sorry), Some(before)) => {
            sorry_server(out, config, sorry, true);
            sorry_server(out, config, before, false);
        }
        (None, None) => {}
    }
}

fn sorry_server(out: &mut Vec<Action>, config: &VirtualServer, sorry: &SorryServer, up: bool) {
    let name = config.name();
    let server = config.server_name(sorry.ip, sorry.port);
    let (verb, link) = match (up, sorry.inhibit) {
        (true, false) => ("Adding", "to"),
        (true, true) => ("Enabling", "to"),
        (false, false) => ("Removing", "from"),
        (false, true) => ("Disabling", "from"),
    };
    info(out, format!("{verb} sorry server {server} {link} VS {name}"));
}

fn alive_servers(out: &mut Vec<Action>, config: &VirtualServer, up: bool) {
    let (verb, link) = if up { ("Adding", "to") } else { ("Removing", "from") };
    info(out, format!("{verb} alive servers {link} the pool for VS {}", config.name()));
}

/// The checkers of all servers of a service begin.
pub(super) fn activating(out: &mut Vec<Action>, config: &VirtualServer) {
    for server in &config.real_servers {
        checkers(out, config, server, true);
    }
}

/// They pause, because the service is served elsewhere.
pub(super) fn suspending(out: &mut Vec<Action>, config: &VirtualServer) {
    for server in &config.real_servers {
        checkers(out, config, server, false);
    }
}

/// The checkers of one server begin or pause: a line for each, as keepalived writes it.
pub(super) fn checkers(
    out: &mut Vec<Action>,
    config: &VirtualServer,
    server: &RealServer,
    begin: bool,
) {
    let verb = if begin { "Activating" } else { "Suspending" };
    if !server.checkers.is_empty() {
        let Names { server, service } = Names::of(config, server);
        info(out, format!("{verb} healthchecker for service {server} for VS {service}"));
    }
}

/// The kernel's entry of a server comes or goes.
pub(super) fn pool(out: &mut Vec<Action>, names: &Names, inhibit: bool, up: bool) {
    let (server, service) = (&names.server, &names.service);
    info(
        out,
        match (up, inhibit) {
            (true, false) => format!("Adding service {server} to VS {service}"),
            (true, true) => format!("Enabling service {server} of VS {service}"),
            (false, false) => format!("Removing service {server} from VS {service}"),
            (false, true) => format!("Disabling service {server} of VS {service}"),
        },
    );
}
