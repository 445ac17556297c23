//! Makes and removes interfaces of our own (macvlan, ipvlan), with the settings of the kernel that a
//! second interface on the same wire needs.
use super::{NetError, Network, sysctl::Sysctls};
use crate::{
    base::{
        AddressFlags, Family, InterfaceAddress, IpvlanMode, LinkIndex, OwnLink, OwnLinkKind, Prefix,
    },
    net::LinkView,
};
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        link::{
            InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags, IpVlanMode, LinkAttribute,
            LinkFlags, LinkInfo, LinkLayerType, LinkMessage, MacVlanMode,
        },
    },
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

/// What we have made, and how things were before.
#[derive(Debug)]
pub struct OwnLinks {
    network: Network,
    sysctls: Sysctls,
    /// Name → the interface below.
    made: BTreeMap<String, String>,
}

impl OwnLinks {
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network, sysctls: Sysctls::default(), made: BTreeMap::new() }
    }

    /// Makes it, up and with the addresses it needs. What an earlier run has left under that name is
    /// replaced.
    ///
    /// # Errors
    /// When the interface below is absent or no Ethernet, when the name belongs to another
    /// interface, or when the kernel refuses.
    pub async fn create(&mut self, link: &OwnLink) -> Result<(), NetError> {
        let parent = self.network.find(&link.parent).await?;
        self.clear(link, &parent).await?;
        if link.family == Family::V4 && matches!(link.kind, OwnLinkKind::Macvlan { .. }) {
            self.free_reverse_path_filter();
        }
        let message = RouteNetlinkMessage::NewLink(new_link(link, &parent)?);
        let flags = NLM_F_CREATE | NLM_F_EXCL;
        self.network.ask("create an interface", message, flags).await?;
        self.made.insert(link.name.clone(), link.parent.clone());
        self.tune(link);
        let index = self.network.link(&link.name).await?.index;
        self.network.ask("set an interface up", up(index), 0).await?;
        if let Some(vrf) = self.vrf_of(&parent).await {
            let message = change(index, LinkAttribute::Controller(vrf));
            self.network.ask("put an interface into its VRF", message, 0).await?;
        }
        for address in self.addresses(link, &parent).await? {
            self.network.add_address(&address).await?;
        }
        if link.retell_parent {
            let group = LinkAttribute::Group(group(&parent));
            let message = change(LinkIndex(parent.header.index), group);
            self.network.ask("announce an interface", message, 0).await?;
        }
        Ok(())
    }

    /// One that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove(&mut self, link: &OwnLink) -> Result<(), NetError> {
        let removed = self.remove_named(&link.name).await;
        self.made.remove(&link.name);
        if !self.made.values().any(|parent| *parent == link.parent) {
            self.sysctls.restore(&format!("net/ipv4/conf/{}/arp_", link.parent));
        }
        removed
    }

    async fn remove_named(&self, name: &str) -> Result<(), NetError> {
        let found = match self.network.find(name).await {
            Err(NetError::NoInterface(_)) => return Ok(()),
            other => other?,
        };
        let mut message = LinkMessage::default();
        message.header.index = found.header.index;
        let message = RouteNetlinkMessage::DelLink(message);
        self.network.ask("remove an interface", message, 0).await
    }

    /// Removing an address of it leaves the others of its subnet.
    pub fn promote_secondaries(&mut self, interface: &str) {
        self.sysctls.set(&format!("net/ipv4/conf/{interface}/promote_secondaries"), "1");
    }

    /// Linux 4.3 and later.
    pub fn disable_local_igmp(&mut self) {
        self.sysctls.set("net/ipv4/igmp_link_local_mcast_reports", "0");
    }

    /// All settings are as they were.
    pub fn restore(&mut self) {
        self.sysctls.restore("");
    }

    async fn clear(&self, link: &OwnLink, parent: &LinkMessage) -> Result<(), NetError> {
        let found = match self.network.find(&link.name).await {
            Err(NetError::NoInterface(_)) => return Ok(()),
            other => other?,
        };
        let on_parent = found.attributes.contains(&LinkAttribute::Link(parent.header.index));
        let same_mac = match link.kind {
            OwnLinkKind::Macvlan { mac } => mac_of(&found) == Some(mac),
            OwnLinkKind::Ipvlan { .. } => false,
        };
        let kind = kind_of(&found);
        let ours = match link.kind {
            OwnLinkKind::Macvlan { .. } => kind == Some(&InfoKind::MacVlan),
            OwnLinkKind::Ipvlan { .. } => kind == Some(&InfoKind::IpVlan),
        };
        if !ours || !(on_parent || same_mac) {
            return Err(NetError::NameTaken(link.name.clone()));
        }
        self.remove_named(&link.name).await
    }

    /// A packet that arrives for one of two interfaces on a wire must not be judged by the other:
    /// `all` counts for each, so what it says moves to every interface that is there.
    fn free_reverse_path_filter(&mut self) {
        let read = |name: &str| Sysctls::read(name)?.parse::<u8>().ok();
        let all = "net/ipv4/conf/all/rp_filter";
        let Some(value) = read(all).filter(|value| *value > 0) else { return };
        let Ok(entries) = std::fs::read_dir("/proc/sys/net/ipv4/conf") else { return };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        for name in names.filter(|name| name != "all") {
            let setting = format!("net/ipv4/conf/{name}/rp_filter");
            if read(&setting).is_some_and(|own| own < value) {
                self.sysctls.set(&setting, &value.to_string());
            }
        }
        tracing::info!("sysctl net.ipv4.conf.all.rp_filter moves to each interface");
        self.sysctls.set(all, "0");
    }

    /// Two interfaces share a wire: each answers ARP for its own addresses only.
    fn tune(&mut self, link: &OwnLink) {
        let (name, parent) = (&link.name, &link.parent);
        match (link.family, link.kind) {
            (Family::V4, OwnLinkKind::Macvlan { .. }) => {
                for (setting, value) in [
                    ("arp_ignore", "1"),
                    ("accept_local", "1"),
                    ("rp_filter", "0"),
                    ("promote_secondaries", "1"),
                ] {
                    Sysctls::set_for_good(&format!("net/ipv4/conf/{name}/{setting}"), value);
                }
                for setting in ["arp_ignore", "arp_filter"] {
                    let setting = format!("net/ipv4/conf/{parent}/{setting}");
                    if Sysctls::read(&setting).as_deref() == Some("0") {
                        self.sysctls.set(&setting, "1");
                    }
                }
                Sysctls::set_for_good(&format!("net/ipv6/conf/{name}/addr_gen_mode"), "1");
                Sysctls::set_for_good(&format!("net/ipv6/conf/{name}/disable_ipv6"), "1");
            }
            (Family::V6, OwnLinkKind::Macvlan { .. }) => {
                // Every router has this MAC address: an address made from it would be there twice.
                Sysctls::set_for_good(&format!("net/ipv6/conf/{name}/addr_gen_mode"), "1");
            }
            (Family::V4 | Family::V6, OwnLinkKind::Ipvlan { .. }) => {}
        }
    }

    /// What it has from the start.
    async fn addresses(
        &self,
        link: &OwnLink,
        parent: &LinkMessage,
    ) -> Result<Vec<InterfaceAddress>, NetError> {
        match (link.kind, link.family) {
            (OwnLinkKind::Macvlan { .. }, Family::V4) => Ok(vec![]),
            (OwnLinkKind::Macvlan { .. }, Family::V6) => {
                // Adverts over IPv6 come from a link-local address, and each router has its own.
                let links = self.network.links().await?;
                let below = links.iter().find(|view| view.name == link.parent);
                let own = below.and_then(link_local).or_else(|| mac_of(parent).map(from_mac));
                let prefix = own.map(|own| Prefix { address: IpAddr::V6(own), length: 64 });
                Ok(prefix.map(|prefix| address(link, prefix, Some(0))).into_iter().collect())
            }
            (OwnLinkKind::Ipvlan { address: own, .. }, _) => {
                Ok(own.map(|prefix| address(link, prefix, None)).into_iter().collect())
            }
        }
    }

    async fn vrf_of(&self, parent: &LinkMessage) -> Option<u32> {
        let master = parent.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Controller(index) => Some(*index),
            _ => None,
        })?;
        let mut found = self.network.handle().ok()?.link().get().match_index(master).execute();
        let message = super::next("find a link", &mut found).await.ok()??;
        (kind_of(&message) == Some(&InfoKind::Vrf)).then_some(master)
    }
}

fn new_link(link: &OwnLink, parent: &LinkMessage) -> Result<LinkMessage, NetError> {
    let ethernet = parent.header.link_layer_type == LinkLayerType::Ether;
    let mut message = LinkMessage::default();
    let attributes = &mut message.attributes;
    attributes.push(LinkAttribute::IfName(link.name.clone()));
    attributes.push(LinkAttribute::Link(parent.header.index));
    let info = match link.kind {
        OwnLinkKind::Macvlan { mac } => {
            if !ethernet {
                return Err(NetError::NotEthernet(link.parent.clone()));
            }
            attributes.push(LinkAttribute::Address(mac.to_vec()));
            let mode = InfoMacVlan::Mode(MacVlanMode::Private);
            [LinkInfo::Kind(InfoKind::MacVlan), LinkInfo::Data(InfoData::MacVlan(vec![mode]))]
        }
        OwnLinkKind::Ipvlan { mode, .. } => {
            let flags = match mode {
                IpvlanMode::Bridge => IpVlanFlags::empty(),
                IpvlanMode::Private => IpVlanFlags::Private,
                IpvlanMode::Vepa => IpVlanFlags::Vepa,
            };
            let data = vec![InfoIpVlan::Mode(IpVlanMode::L2), InfoIpVlan::Flags(flags)];
            [LinkInfo::Kind(InfoKind::IpVlan), LinkInfo::Data(InfoData::IpVlan(data))]
        }
    };
    attributes.push(LinkAttribute::LinkInfo(info.to_vec()));
    attributes.push(LinkAttribute::Group(link.group.unwrap_or_else(|| group(parent))));
    Ok(message)
}

fn up(index: LinkIndex) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index.0;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    RouteNetlinkMessage::SetLink(message)
}

fn change(index: LinkIndex, attribute: LinkAttribute) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index.0;
    message.attributes.push(attribute);
    RouteNetlinkMessage::SetLink(message)
}

fn address(link: &OwnLink, prefix: Prefix, preferred_lifetime: Option<u32>) -> InterfaceAddress {
    InterfaceAddress {
        address: prefix.address,
        length: prefix.length,
        dev: link.name.clone(),
        broadcast: None,
        scope: 0,
        label: None,
        peer: None,
        flags: AddressFlags { nodad: prefix.address.is_ipv6(), ..AddressFlags::default() },
        preferred_lifetime,
        track: false,
    }
}

fn group(message: &LinkMessage) -> u32 {
    let mut groups = message.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::Group(group) => Some(*group),
        _ => None,
    });
    groups.next().unwrap_or(0)
}

fn mac_of(message: &LinkMessage) -> Option<[u8; 6]> {
    message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Address(bytes) => bytes.as_slice().try_into().ok(),
        _ => None,
    })
}

fn kind_of(message: &LinkMessage) -> Option<&InfoKind> {
    message.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => infos.iter().find_map(|info| match info {
            LinkInfo::Kind(kind) => Some(kind),
            _ => None,
        }),
        _ => None,
    })
}

fn link_local(view: &LinkView) -> Option<Ipv6Addr> {
    view.addresses.iter().find_map(|prefix| match prefix.address {
        IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    })
}

/// RFC 4291, appendix A: the modified EUI-64 below fe80::/64.
fn from_mac(mac: [u8; 6]) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac;
    let id = [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
    let [s, t, u, v, w, x, y, z] = id;
    let octets = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, s, t, u, v, w, x, y, z];
    Ipv6Addr::from(octets)
}
