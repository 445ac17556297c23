//! LVS-DR: which virtual addresses a real server has to carry, and what its answers say.
//!
//! Whoever has an address answers the first packet of a connection to it, with SYN and ACK or with
//! RST; whoever has it not is silent. The server's own address is asked too: a server that is silent
//! there as well says nothing about the other.
use super::Found;
use crate::{
    base::{Family, Forward, Protocol},
    config::{
        look::Topic,
        model::{DirectorConfig, GroupEntry, ServiceAddress, VirtualServer},
        rules::servers as rules,
        source::Span,
    },
    net::half_open::Answer,
};
use std::{collections::BTreeMap, net::IpAddr};

/// Of a range so many are looked at.
const OF_A_RANGE: u128 = 16;
/// Any port is answered, so this stands for "every port".
const SOME_PORT: u16 = 80;

/// A virtual address that a real server has to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub server: IpAddr,
    pub address: IpAddr,
    /// Of the first such real server in the file.
    pub span: Span,
    pub ports: Vec<Port>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Of the service, and so of the virtual address on the server.
    pub service: u16,
    /// Of the server's own address.
    pub server: u16,
    /// Only with TCP somebody must be listening.
    pub tcp: bool,
}

/// What a port said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    pub port: Port,
    /// None: nothing.
    pub address: Option<Answer>,
    /// Of the server's own address.
    pub own: Option<Answer>,
}

/// Each pair of server and address once.
#[must_use]
pub fn carried(director: &DirectorConfig) -> Vec<Carried> {
    let mut pairs: BTreeMap<(IpAddr, IpAddr), Carried> = BTreeMap::new();
    for service in &director.virtual_servers {
        let tcp = service.protocol() == Some(Protocol::Tcp);
        let servers = service.real_servers.iter();
        for server in servers.filter(|server| server.forward == Forward::DirectRoute) {
            for (address, port) in addresses(service) {
                let pair = pairs.entry((server.ip, address)).or_insert_with(|| Carried {
                    server: server.ip,
                    address,
                    span: server.span,
                    ports: vec![],
                });
                let asked = [port, server.port].into_iter().find(|port| *port != 0);
                let asked = asked.unwrap_or(SOME_PORT);
                // Behind another port of a group stands the same port of the server.
                let own = match &service.at {
                    ServiceAddress::Address { .. } if server.port != 0 => server.port,
                    ServiceAddress::Address { .. }
                    | ServiceAddress::Group { .. }
                    | ServiceAddress::Mark(_) => asked,
                };
                let port = Port { service: asked, server: own, tcp };
                if !pair.ports.contains(&port) {
                    pair.ports.push(port);
                }
            }
        }
    }
    pairs.into_values().collect()
}

/// What of it cannot be looked at, and why: nowhere does the file say which addresses get a mark, and
/// of a long range the beginning stands for the whole.
#[must_use]
pub fn left_out(director: &DirectorConfig) -> Found {
    let mut found = Found::default();
    let hands_on = |service: &&VirtualServer| {
        service.real_servers.iter().any(|server| server.forward == Forward::DirectRoute)
    };
    for service in director.virtual_servers.iter().filter(hands_on) {
        let entries = match &service.at {
            ServiceAddress::Address { .. } => &[][..],
            ServiceAddress::Mark(mark) => {
                unmarked(&mut found, *mark);
                continue;
            }
            ServiceAddress::Group { entries, .. } => entries,
        };
        for entry in entries {
            match entry {
                GroupEntry::Mark { mark, .. } => unmarked(&mut found, *mark),
                GroupEntry::Range { first, last, .. } => {
                    if range(*first, *last).last() != Some(*last) {
                        let why = format!("of so many addresses only {OF_A_RANGE} are looked at");
                        found.unknown(Topic::Address, format!("{first}-{last}"), why);
                    }
                }
            }
        }
    }
    found
}

fn unmarked(found: &mut Found, mark: u32) {
    let why = "the file does not say which addresses get this mark";
    found.unknown(Topic::Address, format!("FWM {mark}"), why);
}

/// Every address that real servers may carry: none of them is an address to ask from.
pub fn virtual_addresses(director: &DirectorConfig) -> impl Iterator<Item = IpAddr> {
    director.virtual_servers.iter().flat_map(addresses).map(|(address, _)| address)
}

/// Those of a service with their ports, as far as the file knows them: which ones get a firewall
/// mark stands elsewhere.
fn addresses(service: &VirtualServer) -> Vec<(IpAddr, u16)> {
    match &service.at {
        ServiceAddress::Address { ip, port, .. } => vec![(*ip, *port)],
        ServiceAddress::Mark(_) => vec![],
        ServiceAddress::Group { entries, .. } => {
            let mut all = vec![];
            for entry in entries {
                match entry {
                    GroupEntry::Range { first, last, port } => {
                        all.extend(range(*first, *last).map(|address| (address, *port)));
                    }
                    GroupEntry::Mark { .. } => {}
                }
            }
            all
        }
    }
}

fn range(first: IpAddr, last: IpAddr) -> impl Iterator<Item = IpAddr> {
    let number = |address| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let (start, end) = (number(first), number(last));
    (0..=end.saturating_sub(start).min(OF_A_RANGE - 1)).map(move |n| match first {
        IpAddr::V4(_) => IpAddr::V4(u32::try_from(start + n).unwrap_or(u32::MAX).into()),
        IpAddr::V6(_) => IpAddr::V6((start + n).into()),
    })
}

impl Carried {
    /// `192.0.2.80 on 192.0.2.11`
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{} on {}", self.address, self.server)
    }

    /// How the link is asked for an address of its family.
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        match Family::of(&self.address) {
            Family::V4 => "ARP",
            Family::V6 => "NDP",
        }
    }

    /// It could not be looked at.
    #[must_use]
    pub fn unknown(&self, why: &str) -> Found {
        let mut found = Found::default();
        found.unknown(Topic::Address, self.subject(), why);
        found
    }

    /// The server is not on a link of ours.
    #[must_use]
    pub fn far(&self) -> Found {
        let mut found = Found::default();
        found.bad(Topic::Address, self.subject(), "the server is on no link of this machine");
        found.report(rules::NOT_A_NEIGHBOUR, self.span).with("server", self.server);
        found
    }

    /// `leaks`: asked by ARP or neighbour discovery, it says that it has the virtual address.
    #[must_use]
    pub fn judge(&self, leaks: bool, said: &[Said]) -> Found {
        let mut found = Found::default();
        let here = self.subject();
        let protocol = self.protocol();
        let carries = said.iter().any(|said| said.address.is_some());
        let lives = said.iter().any(|said| said.own.is_some());
        if !carries && !lives {
            found.unknown(Topic::Address, &*here, "its own address does not answer either");
        } else if !carries {
            found.bad(Topic::Address, &*here, "the server does not have it");
            let command = match Family::of(&self.address) {
                Family::V4 => format!(
                    "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; \
                     ip addr add {}/32 dev lo",
                    self.address
                ),
                Family::V6 => format!("ip addr add {}/128 dev lo nodad", self.address),
            };
            self.report(&mut found, rules::ADDRESS_MISSING).with("command", command);
        }
        if leaks {
            found.bad(Topic::Address, &*here, format!("the server answers {protocol} for it"));
            let rule = match Family::of(&self.address) {
                Family::V4 => rules::ADDRESS_LEAKS,
                Family::V6 => rules::ADDRESS_LEAKS_V6,
            };
            self.report(&mut found, rule);
        }
        for Said { port, address, own } in said {
            let unserved = port.tcp
                && matches!(address, Some(Answer::Refused))
                && matches!(own, Some(Answer::Accepted { .. }));
            if unserved {
                let line = format!("nobody listens on it at port {}", port.service);
                found.bad(Topic::Address, &*here, line);
                let any = match Family::of(&self.address) {
                    Family::V4 => "0.0.0.0",
                    Family::V6 => "[::]",
                };
                self.report(&mut found, rules::ADDRESS_UNSERVED)
                    .with("port", port.service)
                    .with("any", any);
            }
        }
        if found.looks.is_empty() {
            let line = format!("the server has it and is silent in {protocol}");
            found.good(Topic::Address, here, line);
        }
        found
    }

    fn report<'f>(
        &self,
        found: &'f mut Found,
        rule: &'static crate::config::rules::Rule,
    ) -> &'f mut crate::config::diagnostic::Diagnostic {
        found.report(rule, self.span).with("server", self.server).with("address", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{look::LookState, parse, source::Sources};

    fn all(text: &str) -> Vec<Carried> {
        let (config, found) = parse(&Sources::from_text("keepalived.conf", text));
        assert!(!found.has_errors(), "{text}");
        carried(&config.director)
    }

    fn shown(all: &[Carried]) -> Vec<String> {
        let ports = |carried: &Carried| {
            let ports = carried.ports.iter();
            ports.map(|p| format!(" {}/{}/{}", p.service, p.server, p.tcp)).collect::<String>()
        };
        all.iter().map(|carried| format!("{}{}", carried.subject(), ports(carried))).collect()
    }

    #[test]
    fn each_pair_is_asked_once_for_all_its_ports() {
        let text = "
            virtual_server_group G {
                192.0.2.90-91 80
                fwmark 7
            }
            virtual_server 192.0.2.80 80 {
                lb_kind DR
                protocol TCP
                real_server 192.0.2.11 80 {
                }
            }
            virtual_server 192.0.2.80 53 {
                lb_kind DR
                protocol UDP
                real_server 192.0.2.11 53 {
                }
            }
            virtual_server 192.0.2.81 80 {
                lb_kind NAT
                protocol TCP
                real_server 192.0.2.11 80 {
                }
            }
            virtual_server group G {
                lb_kind DR
                protocol TCP
                real_server 192.0.2.12 80 {
                }
            }";
        assert_eq!(
            shown(&all(text)),
            [
                "192.0.2.80 on 192.0.2.11 80/80/true 53/53/false",
                "192.0.2.90 on 192.0.2.12 80/80/true",
                "192.0.2.91 on 192.0.2.12 80/80/true",
            ]
        );
    }

    #[test]
    fn what_is_left_out_is_said() {
        let text = "
            virtual_server_group G {
                192.0.2.90-250 80
                192.0.2.80 80
                fwmark 7
            }
            virtual_server group G {
                lb_kind DR
                protocol TCP
                real_server 192.0.2.12 80 {
                }
            }
            virtual_server fwmark 9 {
                lb_kind NAT
                real_server 192.0.2.12 80 {
                }
            }";
        let (config, _) = parse(&Sources::from_text("keepalived.conf", text));
        let subjects: Vec<_> =
            left_out(&config.director).looks.into_iter().map(|look| look.subject).collect();
        assert_eq!(subjects, ["192.0.2.90-192.0.2.250", "FWM 7"]);
    }

    #[test]
    fn a_range_is_not_endless() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(range(ip("192.0.2.1"), ip("192.0.2.1")).count(), 1);
        assert_eq!(range(ip("10.0.0.0"), ip("10.255.255.255")).count(), 16);
        let found: Vec<_> = range(ip("2001:db8::fffe"), ip("2001:db8::1:0")).collect();
        assert_eq!(found, [ip("2001:db8::fffe"), ip("2001:db8::ffff"), ip("2001:db8::1:0")]);
    }

    #[test]
    fn answers_are_understood() {
        let carried = &all("virtual_server 192.0.2.80 80 {\nlb_kind DR\nprotocol TCP\n\
             real_server 192.0.2.11 80 {\n}\n}\n")[0];
        let judged = |leaks, tcp, address, own| {
            let port = Port { tcp, ..carried.ports[0] };
            let found = carried.judge(leaks, &[Said { port, address, own }]);
            let codes: Vec<_> = found.findings.iter().map(|found| found.rule.code).collect();
            let states: Vec<_> = found.looks.iter().map(|look| look.state).collect();
            (states, codes)
        };
        use LookState::{Bad, Good, Unknown};
        let (yes, no) = (Some(Answer::Accepted { next: 1 }), Some(Answer::Refused));
        assert_eq!(judged(false, true, yes, None), (vec![Good], vec![]));
        assert_eq!(judged(true, true, yes, None), (vec![Bad], vec![1111]));
        assert_eq!(judged(false, true, None, yes), (vec![Bad], vec![1110]));
        // The service is down, and that is all: its checkers tell.
        assert_eq!(judged(false, true, no, no), (vec![Good], vec![]));
        assert_eq!(judged(false, true, None, no), (vec![Bad], vec![1110]));
        assert_eq!(judged(false, true, no, yes), (vec![Bad], vec![1112]));
        assert_eq!(judged(false, false, no, yes), (vec![Good], vec![]));
        assert_eq!(judged(false, true, None, None), (vec![Unknown], vec![]));
    }

    #[test]
    fn ipv6_has_remedies_of_its_own() {
        let carried = &all("virtual_server 2001:db8::80 80 {\nlb_kind DR\nprotocol TCP\n\
             real_server 2001:db8::11 80 {\n}\n}\n")[0];
        let said = |address, own| [Said { port: carried.ports[0], address, own }];
        let (yes, no) = (Some(Answer::Accepted { next: 1 }), Some(Answer::Refused));
        let shown = |leaks, said: &[Said]| {
            let found = carried.judge(leaks, said);
            let helps = found.findings.iter().map(|finding| finding.help().unwrap_or_default());
            (found.looks[0].seen.clone(), helps.collect::<Vec<_>>())
        };
        let missing = "on 2001:db8::11: `ip addr add 2001:db8::80/128 dev lo nodad`";
        assert_eq!(
            shown(false, &said(None, yes)),
            ("the server does not have it".to_owned(), vec![missing.to_owned()])
        );
        let leak = "on 2001:db8::11: `ip -6 addr show to 2001:db8::80` must show it on lo, and on no \
                    other interface";
        assert_eq!(
            shown(true, &said(yes, None)),
            ("the server answers NDP for it".to_owned(), vec![leak.to_owned()])
        );
        let unserved = "on 2001:db8::11: `ss -ltn` shows what its service listens on; it must be 2001:db8::80 or [::]";
        assert_eq!(shown(false, &said(no, yes)).1, [unserved]);
        assert_eq!(shown(false, &said(yes, None)).0, "the server has it and is silent in NDP");
    }
}
