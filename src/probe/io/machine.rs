//! This machine: interfaces, modules, settings, routers and filters, scripts, mail server.
use super::{Probe, adverts, filters};
use crate::{
    checkers::{
        Outcome, ProbeRequest,
        io::{ProbeContext, probe},
    },
    config::{
        Config,
        look::Topic,
        model::{CheckerKind, Connection, Mail, SmtpCheck, TlsIdentity},
        rules::probe as rules,
        scripts::scripts,
        source::{Sources, Span},
    },
    net::{
        LinkView,
        io::{Network, sysctl},
    },
    notify::io::policy,
    probe::{
        Found, interfaces,
        kernel::{self, Module},
        routers,
    },
    scripts::{Policy, io::refusal},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{net::lookup_host, process::Command};

/// The network's own name of a mail client that has none (RFC 5321 §4.1.1.1 wants one).
const HELO: &str = "localhost";

/// All of this machine. `limit` is the time that listening may take.
pub(super) fn probes(config: &Config, sources: &Sources, limit: Duration) -> Vec<Probe> {
    let mut probes = vec![];
    if !config.vrrp.instances.is_empty() {
        let subject = "VRRP";
        probes.push(Probe::new(Topic::Router, subject, routers(config.clone(), limit)));
    }
    let mail = &config.global.mail;
    if let Some(server) = mail.server.clone().filter(|_| !mail.to.is_empty()) {
        let subject = format!("{} port {}", server.0, server.1);
        probes.push(Probe::new(
            Topic::Mail,
            &*subject,
            ask_mail(mail.clone(), server, subject.clone(), sources.keyword("smtp_server")),
        ));
    }
    probes.push(Probe::new(Topic::Module, "modprobe", modules(kernel::modules(config))));
    let config = config.clone();
    probes.push(Probe::new(Topic::Interface, "rtnetlink", async move {
        let mut found = Found::default();
        match links().await {
            Ok(links) => {
                found.append(interfaces::judge(&config, &links));
                found.append(kernel::judge_settings(&config, &links, setting));
            }
            Err(why) => found.unknown(Topic::Interface, "rtnetlink", why),
        }
        found.append(commands(&config));
        found
    }));
    probes
}

/// By the name that sysctl(8) gives it, in which a dot of an interface's name is a slash.
fn setting(name: &str) -> Option<String> {
    let path = name.chars().map(|c| match c {
        '.' => '/',
        '/' => '.',
        c => c,
    });
    sysctl(&path.collect::<String>())
}

async fn links() -> Result<Vec<LinkView>, String> {
    let network = Network::connect().map_err(|error| error.to_string())?;
    network.links().await.map_err(|error| error.to_string())
}

/// Listens, and reads the packet filters meanwhile.
async fn routers(config: Config, limit: Duration) -> Found {
    let links = match links().await {
        Ok(links) => links,
        Err(why) => {
            let mut found = Found::default();
            found.unknown(Topic::Router, "VRRP", why);
            return found;
        }
    };
    let mut instances = config.vrrp.instances.iter();
    if !instances.any(|instance| routers::link(instance, &links).is_some()) {
        return Found::default();
    }
    let (listened, filters) =
        tokio::join!(adverts::listen(&config, &links, limit), filters::read());
    let listened = listened.map_err(|error| error.to_string());
    routers::judge(&config, &links, &listened, |advert| filters.verdict(advert))
}

/// Scripts that cannot run are findings of every check; here is what was looked at.
fn commands(config: &Config) -> Found {
    let mut found = Found::default();
    let policy = policy(&config.global);
    let mut said = BTreeSet::new();
    for used in scripts(config) {
        let script = used.script;
        let Some(name) = script.argv.first() else { continue };
        if !said.insert((name, &script.user, &script.group)) {
            continue;
        }
        match refusal(script, &policy) {
            None => found.good(Topic::Script, name, "it can be executed"),
            Some(refusal) => found.bad(Topic::Script, name, refusal.why),
        }
    }
    found
}

/// Without ip_vs nothing is to be said of its schedulers.
async fn modules(needed: BTreeMap<String, Span>) -> Found {
    let mut found = Found::default();
    for (name, span) in needed {
        let module = module(&name).await;
        found.append(kernel::judge_module(&name, span, module));
        if (name.as_str(), module) == ("ip_vs", Module::Absent) {
            break;
        }
    }
    found
}

/// Whether the kernel has it or will find it. Nothing is loaded: `modprobe -n` only looks.
async fn module(name: &str) -> Module {
    if is_present(name) {
        return Module::Present;
    }
    // The kernel's own loader: it may be a wrapper that knows where modules are.
    let loader = std::fs::read_to_string("/proc/sys/kernel/modprobe").unwrap_or_default();
    let loader = Some(loader.trim()).filter(|path| !path.is_empty()).unwrap_or("modprobe");
    let asked = Command::new(loader)
        .args(["-n", "-q", name])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
    match asked {
        Ok(status) if status.success() => Module::Loadable,
        Ok(_) => Module::Absent,
        Err(_) => Module::Unknown,
    }
}

/// Loaded or part of the kernel, where that can be seen.
pub(super) fn is_present(name: &str) -> bool {
    let seen = name == "ip_vs" && Path::new("/proc/net/ip_vs").exists();
    seen || Path::new("/sys/module").join(name).exists() || is_listed(name)
}

fn is_listed(name: &str) -> bool {
    let loaded = std::fs::read_to_string("/proc/modules").unwrap_or_default();
    if loaded.lines().any(|line| line.split(' ').next() == Some(name)) {
        return true;
    }
    let Ok(kernel) = nix::sys::utsname::uname() else { return false };
    let builtin = Path::new("/lib/modules").join(kernel.release()).join("modules.builtin");
    let builtin = std::fs::read_to_string(builtin).unwrap_or_default();
    builtin.lines().any(|line| line.ends_with(&format!("/{name}.ko")))
}

/// Greets the mail server, and takes leave: no mail is sent.
async fn ask_mail(mail: Mail, (host, port): (String, u16), subject: String, place: Span) -> Found {
    let mut found = Found::default();
    let answer = async {
        let addresses = lookup_host((host.as_str(), port)).await;
        let mut addresses = addresses.map_err(|error| error.to_string())?;
        let to = addresses.next().ok_or_else(|| "the name has no address".to_owned())?;
        let connection = Connection {
            to,
            from: None,
            from_port: 0,
            interface: None,
            mark: 0,
            timeout: mail.connect_timeout,
        };
        let helo = Arc::from(mail.helo.as_deref().unwrap_or(HELO));
        let check = CheckerKind::Smtp(Box::new(SmtpCheck { connection, helo }));
        let context = ProbeContext::new(&TlsIdentity::default(), Policy::default())?;
        match probe(&check, ProbeRequest { url: 0 }, &context).await {
            Outcome::Pass { .. } | Outcome::Weigh { .. } => Ok(()),
            Outcome::Fail { reason } | Outcome::Local { reason } => Err(reason),
        }
    };
    match answer.await {
        Ok(()) => found.good(Topic::Mail, subject, "it greets"),
        Err(why) => {
            found.bad(Topic::Mail, &*subject, &*why);
            found
                .report(rules::MAIL, place)
                .with("server", subject)
                .with("why", why)
                .with("host", host)
                .with("port", port);
        }
    }
    found
}
