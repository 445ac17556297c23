//! Addresses, routes and links of the kernel, over rtnetlink.
//!
//! Tasks: one per netlink connection (it ends when the last [`Network`] is dropped), one that
//! watches (`monitor`), one that announces (`announce`). None holds state that matters: aborting
//! them loses nothing but news.
#![allow(clippy::disallowed_methods, reason = "this is a shell: it starts tasks")]
pub mod announce;
pub mod filter;
mod message;
pub mod monitor;
pub mod own_links;
mod route_message;
mod rule_message;
mod sys;
mod sysctl;
#[cfg(test)]
mod tests;
mod tunnel;
pub mod wire;

use super::{LinkView, RouteView};
use crate::base::{InterfaceAddress, LinkIndex, Route, Rule};
use futures_util::{StreamExt, TryStream, TryStreamExt};
use nix::{errno::Errno, net::if_::if_nametoindex};
use route_message::Resolved;
use rtnetlink::{
    Handle, IpVersion,
    packet_core::{
        NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage,
        NetlinkPayload,
    },
    packet_route::{AddressFamily, RouteNetlinkMessage, link::LinkMessage, route::RouteMessage},
};
use std::{
    collections::BTreeMap,
    future::Future,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("opening a netlink socket: {0}")]
    Socket(io::Error),
    #[error("there is no interface {0}")]
    NoInterface(String),
    #[error("interface {0} is no VRF")]
    NoVrf(String),
    #[error("there is another interface called {0}")]
    NameTaken(String),
    #[error("{0} is no Ethernet: it can have no virtual MAC address")]
    NotEthernet(String),
    #[error("filters need the program `nft` (package nftables): {0}")]
    NoNft(io::Error),
    #[error("nft refuses the filters: {0}")]
    Nft(String),
    #[error("the kernel refuses to {operation}: {source}")]
    Refused { operation: &'static str, source: Errno },
    #[error("the kernel does not answer when asked to {operation}")]
    Silent { operation: &'static str },
    #[error("to {operation}: {source}")]
    Netlink { operation: &'static str, source: rtnetlink::Error },
}

/// The first word of a setting (`net/ipv4/ip_forward`); None where this kernel has none of that name.
#[must_use]
pub fn sysctl(name: &str) -> Option<String> {
    sysctl::Sysctls::read(name)
}

/// The kernel answers at once, or not at all: an answer that cannot be decoded is lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection to the kernel; cheap to clone. Lives in the network namespace of the thread that
/// opened it. One that has broken is opened again.
#[derive(Clone, Debug)]
pub struct Network {
    line: Arc<Mutex<Line>>,
}

#[derive(Debug)]
struct Line {
    handle: Handle,
    /// The task that reads and writes has ended.
    broken: Arc<AtomicBool>,
}

impl Line {
    fn open() -> Result<Self, NetError> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(NetError::Socket)?;
        let broken = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&broken);
        tokio::spawn(async move {
            connection.await;
            ended.store(true, Ordering::Relaxed);
        });
        Ok(Self { handle, broken })
    }
}

impl Network {
    /// # Errors
    /// When the kernel gives no socket.
    pub fn connect() -> Result<Self, NetError> {
        Ok(Self { line: Arc::new(Mutex::new(Line::open()?)) })
    }

    /// On a connection that somebody else turns.
    fn over(handle: Handle) -> Self {
        Self { line: Arc::new(Mutex::new(Line { handle, broken: Arc::default() })) }
    }

    fn handle(&self) -> Result<Handle, NetError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.broken.load(Ordering::Relaxed) {
            tracing::warn!("netlink: the connection ended, connecting again");
            *line = Line::open()?;
        }
        Ok(line.handle.clone())
    }

    /// An address that is there already is no error. Answers where it is.
    ///
    /// # Errors
    /// When the interface is absent, or the kernel refuses.
    pub async fn add_address(&self, address: &InterfaceAddress) -> Result<LinkIndex, NetError> {
        let index = Self::index(&address.dev)?;
        let message = RouteNetlinkMessage::NewAddress(message::address(address, index));
        match self.ask("add an address", message, NLM_F_CREATE | NLM_F_EXCL).await {
            Ok(()) | Err(NetError::Refused { source: Errno::EEXIST, .. }) => Ok(index),
            Err(error) => Err(error),
        }
    }

    /// From the interface of its name, and from where it was `put`: that one may have another name
    /// by now. An address or an interface that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_address(
        &self,
        address: &InterfaceAddress,
        put: Option<LinkIndex>,
    ) -> Result<(), NetError> {
        let named = match Self::index(&address.dev) {
            Err(NetError::NoInterface(_)) => None,
            other => Some(other?),
        };
        if let Some(index) = put.filter(|_| put != named) {
            // Renaming has changed the label too.
            let unlabelled = InterfaceAddress { label: None, ..address.clone() };
            self.remove_address_at(&unlabelled, index).await?;
        }
        match named {
            Some(index) => self.remove_address_at(address, index).await,
            None => Ok(()),
        }
    }

    async fn remove_address_at(
        &self,
        address: &InterfaceAddress,
        index: LinkIndex,
    ) -> Result<(), NetError> {
        let message = RouteNetlinkMessage::DelAddress(message::address(address, index));
        match self.ask("remove an address", message, 0).await {
            Err(NetError::Refused { source: Errno::EADDRNOTAVAIL | Errno::ENODEV, .. }) => Ok(()),
            other => other,
        }
    }

    /// A route that is there already is no error.
    ///
    /// # Errors
    /// When an interface is absent, or the kernel refuses.
    pub async fn add_route(&self, route: &Route) -> Result<(), NetError> {
        use crate::base::RouteMode;
        let flags = match route.mode {
            RouteMode::Prepend => NLM_F_CREATE,
            RouteMode::Add => NLM_F_CREATE | NLM_F_EXCL,
            RouteMode::Append => NLM_F_CREATE | NLM_F_APPEND,
        };
        let message = route_message::route(route, &self.resolve(route).await?);
        match self.ask("add a route", RouteNetlinkMessage::NewRoute(message), flags).await {
            Err(NetError::Refused { source: Errno::EEXIST, .. }) => Ok(()),
            other => other,
        }
    }

    /// A route or an interface that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_route(&self, route: &Route) -> Result<(), NetError> {
        let resolved = match self.resolve(route).await {
            Err(NetError::NoInterface(_)) => return Ok(()),
            other => other?,
        };
        let message = RouteNetlinkMessage::DelRoute(route_message::route(route, &resolved));
        match self.ask("remove a route", message, 0).await {
            Err(NetError::Refused { source: Errno::ESRCH | Errno::ENODEV, .. }) => Ok(()),
            other => other,
        }
    }

    /// Every link with its addresses.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn links(&self) -> Result<Vec<LinkView>, NetError> {
        let mut links = BTreeMap::new();
        let mut found = self.handle()?.link().get().execute();
        while let Some(link) = next("list links", &mut found).await? {
            if let Some(view) = message::link_view(&link) {
                links.insert(view.index, view);
            }
        }
        let mut found = self.handle()?.address().get().execute();
        while let Some(address) = next("list addresses", &mut found).await? {
            if let Some((index, prefix)) = message::usable_address(&address)
                && let Some(link) = links.get_mut(&index)
            {
                link.addresses.push(prefix);
            }
        }
        Ok(links.into_values().collect())
    }

    /// The routes of all tables, of IPv4 and IPv6.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn routes(&self) -> Result<Vec<RouteView>, NetError> {
        let mut routes = vec![];
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut message = RouteMessage::default();
            message.header.address_family = family;
            let mut found = self.handle()?.route().get(message).execute();
            while let Some(route) = next("list routes", &mut found).await? {
                routes.extend(route_message::view(&route));
            }
        }
        Ok(routes)
    }

    /// The rules of IPv4 and IPv6 that do what a rule of ours may do.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn rules(&self) -> Result<Vec<Rule>, NetError> {
        let mut rules = vec![];
        for version in [IpVersion::V4, IpVersion::V6] {
            let mut found = self.handle()?.rule().get(version).execute();
            while let Some(rule) = next("list rules", &mut found).await? {
                rules.extend(rule_message::read(&rule));
            }
        }
        Ok(rules)
    }

    /// A rule that is there already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn add_rule(&self, rule: &Rule) -> Result<(), NetError> {
        let message = RouteNetlinkMessage::NewRule(rule_message::rule(rule));
        match self.ask("add a rule", message, NLM_F_CREATE | NLM_F_EXCL).await {
            Err(NetError::Refused { source: Errno::EEXIST, .. }) => Ok(()),
            other => other,
        }
    }

    /// A rule that is gone already is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove_rule(&self, rule: &Rule) -> Result<(), NetError> {
        let message = RouteNetlinkMessage::DelRule(rule_message::rule(rule));
        match self.ask("remove a rule", message, 0).await {
            Err(NetError::Refused { source: Errno::ENOENT, .. }) => Ok(()),
            other => other,
        }
    }

    /// One link, without its addresses.
    ///
    /// # Errors
    /// When there is no such link, or the kernel does not answer.
    pub async fn link(&self, name: &str) -> Result<LinkView, NetError> {
        let absent = || NetError::NoInterface(name.to_owned());
        message::link_view(&self.find(name).await?).ok_or_else(absent)
    }

    async fn find(&self, name: &str) -> Result<LinkMessage, NetError> {
        let absent = || NetError::NoInterface(name.to_owned());
        let mut found = self.handle()?.link().get().match_name(name.to_owned()).execute();
        match in_time("find a link", found.try_next()).await? {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(absent()),
            Err(rtnetlink::Error::NetlinkError(error))
                if Errno::from_raw(error.raw_code().abs()) == Errno::ENODEV =>
            {
                Err(absent())
            }
            Err(source) => Err(NetError::Netlink { operation: "find a link", source }),
        }
    }

    /// Without a message that could be misunderstood: an address is not to fail for an attribute of
    /// its interface.
    fn index(name: &str) -> Result<LinkIndex, NetError> {
        match if_nametoindex(name) {
            Ok(index) => Ok(LinkIndex(index)),
            Err(Errno::ENODEV | Errno::ENXIO) => Err(NetError::NoInterface(name.to_owned())),
            Err(source) => Err(NetError::Refused { operation: "find a link", source }),
        }
    }

    /// What a route names: interfaces and VRF.
    async fn resolve(&self, route: &Route) -> Result<Resolved, NetError> {
        let mut resolved = Resolved::default();
        for name in route.interfaces() {
            resolved.indexes.insert(name.to_owned(), Self::index(name)?);
        }
        if let Some(vrf) = &route.vrf {
            let link = self.find(vrf).await?;
            let table = message::vrf_table(&link).ok_or_else(|| NetError::NoVrf(vrf.clone()))?;
            resolved.table = Some(table);
        }
        Ok(resolved)
    }

    async fn ask(
        &self,
        operation: &'static str,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), NetError> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        let mut answers = self
            .handle()?
            .request(request)
            .map_err(|source| NetError::Netlink { operation, source })?;
        while let Some(answer) = in_time(operation, answers.next()).await? {
            if let NetlinkPayload::Error(error) = answer.payload
                && error.code.is_some()
            {
                let source = Errno::from_raw(error.raw_code().abs());
                return Err(NetError::Refused { operation, source });
            }
        }
        Ok(())
    }
}

/// The next piece of a list.
async fn next<T>(
    operation: &'static str,
    list: &mut (impl TryStream<Ok = T, Error = rtnetlink::Error> + Unpin),
) -> Result<Option<T>, NetError> {
    let next = in_time(operation, list.try_next()).await?;
    next.map_err(|source| NetError::Netlink { operation, source })
}

async fn in_time<T>(
    operation: &'static str,
    answer: impl Future<Output = T>,
) -> Result<T, NetError> {
    timeout(PATIENCE, answer).await.map_err(|_| NetError::Silent { operation })
}
