//! The tunnels that a module of the kernel brings along (tunl0, ip6tnl0), and switching links on and
//! off.
use super::{NetError, Network};
use nix::errno::Errno;
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_EXCL},
    packet_route::{
        RouteNetlinkMessage,
        link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
    },
};

impl Network {
    /// Asking for one loads its module, which makes it; the kernel then finds the name taken. One that
    /// is there already is no error.
    ///
    /// # Errors
    /// When the kernel has no such module, or refuses.
    pub async fn add_fallback_tunnel(&self, name: &str) -> Result<(), NetError> {
        let kind = if name == "ip6tnl0" { InfoKind::Ip6Tnl } else { InfoKind::IpIp };
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
        let message = RouteNetlinkMessage::NewLink(message);
        match self.ask("make a tunnel", message, NLM_F_CREATE | NLM_F_EXCL).await {
            Err(NetError::Refused { source: Errno::EEXIST, .. }) => Ok(()),
            other => other,
        }
    }

    /// # Errors
    /// When there is no such link, or the kernel refuses.
    pub async fn switch(&self, name: &str, on: bool) -> Result<(), NetError> {
        let mut message = LinkMessage::default();
        message.header.index = self.link(name).await?.index.0;
        message.header.flags = if on { LinkFlags::Up } else { LinkFlags::empty() };
        message.header.change_mask = LinkFlags::Up;
        let message = RouteNetlinkMessage::SetLink(message);
        self.ask("set a link up or down", message, 0).await
    }
}
