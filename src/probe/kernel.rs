//! What the file needs of the kernel: modules, and settings below /proc/sys.
use super::{Found, interfaces};
use crate::{
    base::{Family, Forward},
    config::{
        Config,
        look::Topic,
        model::{ServiceAddress, VirtualServer},
        rules::probe as rules,
        source::Span,
    },
    net::LinkView,
};
use std::collections::BTreeMap;

/// What is known of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// Loaded, or part of the kernel.
    Present,
    /// The kernel will find it.
    Loadable,
    Absent,
    /// There is no `modprobe` to ask.
    Unknown,
}

/// The modules that the file needs, each with the place that first does.
#[must_use]
pub fn modules(config: &Config) -> BTreeMap<String, Span> {
    let mut needed = BTreeMap::new();
    let daemon = config.global.sync_daemon.is_some();
    let services = &config.director.virtual_servers;
    if let Some(span) = services.first().map(|service| service.span).or(daemon.then(Span::default))
    {
        needed.insert("ip_vs".to_owned(), span);
    }
    for service in services {
        needed.entry(format!("ip_vs_{}", service.scheduler)).or_insert(service.span);
    }
    needed
}

/// What is to be said of a module.
#[must_use]
pub fn judge_module(name: &str, span: Span, module: Module) -> Found {
    let mut found = Found::default();
    match module {
        Module::Present => found.good(Topic::Module, name, "loaded"),
        Module::Loadable => found.good(Topic::Module, name, "loadable"),
        Module::Unknown => {
            found.unknown(Topic::Module, name, "not loaded, and there is no modprobe to ask");
        }
        Module::Absent => {
            found.bad(Topic::Module, name, "this kernel has none");
            found.report(rules::NO_MODULE, span).with("name", name);
        }
    }
    found
}

/// A setting that the file needs to have one of some values.
#[derive(Debug)]
struct Need {
    /// As sysctl(8) writes it.
    name: String,
    span: Span,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// NAT passes packets on from one interface to another.
    Forward,
    /// The way back to a packet's sender is not looked at, or on any interface.
    LooseReversePath,
    /// Servers and clients on one network would be told to speak to each other.
    NoRedirects,
}

/// What is to be said of the settings. `read` answers with the value of a setting; None where this
/// kernel has none of that name.
#[must_use]
pub fn judge_settings(
    config: &Config,
    links: &[LinkView],
    read: impl Fn(&str) -> Option<String>,
) -> Found {
    let mut found = Found::default();
    for Need { name, span, why } in needs(config, links) {
        let value = |name: &str| read(name).and_then(|value| value.parse::<u8>().ok());
        let Some(own) = value(&name) else {
            found.unknown(Topic::Sysctl, name, "this kernel has no such setting");
            continue;
        };
        let all = |key| value(&format!("net.ipv4.conf.all.{key}")).unwrap_or(0);
        // The kernel's own rules of what `all` does (Documentation/networking/ip-sysctl).
        let (right, rule, command) = match why {
            Why::Forward => (own != 0, rules::NO_FORWARDING, format!("sysctl -w {name}=1")),
            Why::LooseReversePath => (
                own.max(all("rp_filter")) != 1,
                rules::STRICT_REVERSE_PATH,
                format!("sysctl -w {name}=2"),
            ),
            Why::NoRedirects => (
                own == 0 && all("send_redirects") == 0,
                rules::REDIRECTS,
                format!("sysctl -w net.ipv4.conf.all.send_redirects=0 {name}=0"),
            ),
        };
        if right {
            found.good(Topic::Sysctl, name, own.to_string());
        } else {
            let shown = match why {
                Why::Forward => own,
                Why::LooseReversePath => own.max(all("rp_filter")),
                Why::NoRedirects => own.max(all("send_redirects")),
            };
            found.bad(Topic::Sysctl, &name, shown.to_string());
            found.report(rule, span).with("name", &name).with("command", command);
        }
    }
    found
}

/// One need for each setting, with the place that first has it.
fn needs(config: &Config, links: &[LinkView]) -> Vec<Need> {
    let mut needs: Vec<Need> = vec![];
    let mut need = |name: String, span, why| {
        if !needs.iter().any(|known| known.name == name) {
            needs.push(Need { name, span, why });
        }
    };
    for service in &config.director.virtual_servers {
        for server in &service.real_servers {
            match (server.forward, service.family) {
                (Forward::Nat, Family::V4) => {
                    need("net.ipv4.ip_forward".to_owned(), server.span, Why::Forward);
                }
                (Forward::Nat, Family::V6) => {
                    need("net.ipv6.conf.all.forwarding".to_owned(), server.span, Why::Forward);
                }
                (Forward::Tunnel(_) | Forward::DirectRoute, _) => {}
            }
            // Both on one network: the kernel would tell servers of the nearer way to the client.
            for link in entrances(config, service, links) {
                let nat = matches!(server.forward, Forward::Nat) && service.family == Family::V4;
                if nat && interfaces::carries(link, server.ip) {
                    let name = interfaces::sysctl_name(&link.name);
                    let name = format!("net.ipv4.conf.{name}.send_redirects");
                    need(name, server.span, Why::NoRedirects);
                }
            }
        }
        let tunnels = service.real_servers.iter();
        let tunnels = tunnels.map(|server| server.forward);
        let tunnels = tunnels.filter(|forward| matches!(forward, Forward::Tunnel(_))).count() > 0;
        let marked = matches!(service.at, ServiceAddress::Mark(_));
        // With one interface there is no other way back.
        let ways = links.iter().filter(|link| !link.loopback && link.is_usable());
        let ways = ways.filter(|link| !link.addresses.is_empty()).count();
        if service.family == Family::V4 && (tunnels || marked) && ways > 1 {
            for link in entrances(config, service, links) {
                let name = interfaces::sysctl_name(&link.name);
                need(
                    format!("net.ipv4.conf.{name}.rp_filter"),
                    service.span,
                    Why::LooseReversePath,
                );
            }
        }
    }
    needs
}

/// Where packets for a service come in: at the interface of its address; with a mark, at any
/// instance's.
fn entrances<'l>(
    config: &Config,
    service: &VirtualServer,
    links: &'l [LinkView],
) -> impl Iterator<Item = &'l LinkView> {
    let instances = config.vrrp.instances.iter().filter(|instance| match &service.at {
        ServiceAddress::Address { ip, .. } => {
            let mut addresses = instance.addresses.iter().chain(&instance.excluded);
            addresses.any(|address| address.address == *ip)
        }
        ServiceAddress::Mark(_) | ServiceAddress::Group { .. } => true,
    });
    let names: Vec<&str> = instances.map(|instance| instance.interface.value.as_str()).collect();
    links.iter().filter(move |link| names.contains(&link.name.as_str()))
}
