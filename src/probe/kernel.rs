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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{LinkIndex, Prefix},
        config::{self, source::Sources},
    };

    fn link(name: &str, address: &str) -> LinkView {
        let address = Prefix { address: address.parse().unwrap(), length: 24 };
        LinkView {
            index: LinkIndex(1),
            name: name.to_owned(),
            up: true,
            running: true,
            multicast: true,
            noarp: false,
            loopback: false,
            mtu: 1500,
            mac: None,
            addresses: vec![address],
        }
    }

    fn config(kind: &str, service: &str, server: &str) -> Config {
        let text = format!(
            "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{\n\
             192.0.2.80\n}}\n}}\nvirtual_server {service} {{\nlb_algo mh\nlb_kind {kind}\n\
             protocol TCP\nreal_server {server} 80 {{\nTCP_CHECK {{\nconnect_timeout 3\n}}\n}}\n}}\n"
        );
        let (config, found) = config::parse(&Sources::from_text("x.conf", text));
        assert!(!found.has_errors(), "{found:?}");
        config
    }

    #[test]
    fn settings_are_asked_for_where_they_matter() {
        let one = [link("eth0", "192.0.2.5")];
        let two = [link("eth0", "192.0.2.5"), link("eth1.7", "10.0.0.5")];
        const FORWARD: &str = "net.ipv4.ip_forward";
        const REDIRECTS: &str = "net.ipv4.conf.eth0.send_redirects";
        const REVERSE: &str = "net.ipv4.conf.eth0.rp_filter";
        let address = "192.0.2.80 80";
        for (kind, service, server, links, expected) in [
            ("NAT", address, "10.0.0.11", &two[..], &[(FORWARD, 1011)][..]),
            ("NAT", address, "192.0.2.11", &one, &[(REDIRECTS, 1013), (FORWARD, 1011)]),
            ("DR", address, "192.0.2.11", &one, &[]),
            ("DR", address, "192.0.2.11", &two, &[]),
            ("TUN", address, "10.0.0.11", &one, &[]),
            ("TUN", address, "10.0.0.11", &two, &[(REVERSE, 1012)]),
            ("DR", "fwmark 7", "192.0.2.11", &two, &[(REVERSE, 1012)]),
        ] {
            let config = config(kind, service, server);
            let sick = |name: &str| match name {
                FORWARD => Some("0".to_owned()),
                _ => Some("1".to_owned()),
            };
            let found = judge_settings(&config, links, sick);
            let mut codes: Vec<_> = found
                .looks
                .iter()
                .zip(found.findings.iter())
                .map(|(look, found)| (look.subject.as_str(), found.rule.code))
                .collect();
            let mut expected = expected.to_vec();
            codes.sort_unstable();
            expected.sort_unstable();
            assert_eq!(codes, expected, "{kind} {service} {server}");
            let well = |name: &str| match name {
                FORWARD => Some("1".to_owned()),
                REVERSE => Some("2".to_owned()),
                "net.ipv4.conf.all.rp_filter" => Some("1".to_owned()),
                _ => Some("0".to_owned()),
            };
            assert!(judge_settings(&config, links, well).findings.is_empty());
            assert!(judge_settings(&config, links, |_| None).findings.is_empty());
        }
    }

    #[test]
    fn modules_are_those_of_the_file() {
        let needed = modules(&config("DR", "192.0.2.80 80", "192.0.2.11"));
        assert_eq!(needed.keys().collect::<Vec<_>>(), ["ip_vs", "ip_vs_mh"]);
        assert!(modules(&Config::default()).is_empty());
        for (module, codes) in [
            (Module::Present, &[][..]),
            (Module::Loadable, &[]),
            (Module::Unknown, &[]),
            (Module::Absent, &[1010]),
        ] {
            let found = judge_module("ip_vs", Span::default(), module);
            let found: Vec<_> = found.findings.iter().map(|found| found.rule.code).collect();
            assert_eq!(found, codes, "{module:?}");
        }
    }
}
