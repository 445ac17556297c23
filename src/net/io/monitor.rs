//! News of links, addresses, routes and rules. One task: it lists everything first, and again whenever
//! news were lost, so that whoever listens can never be wrong for long.
use super::{NetError, Network, message, route_message, rule_message};
use crate::{
    base::{LinkIndex, Prefix},
    net::NetEvent,
};
use futures_util::StreamExt;
use rtnetlink::{
    Handle, MulticastGroup, packet_core::NetlinkPayload, packet_route::RouteNetlinkMessage,
    sys::AsyncSocket,
};
use std::{collections::HashMap, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle};

/// Room for a burst of some thousands of changes (default: 208 KiB).
const RECEIVE_BUFFER: usize = 1 << 20;
/// Before another connection is tried.
const PAUSE: Duration = Duration::from_secs(1);

/// Watching ends when this is dropped.
#[derive(Debug)]
pub struct Monitor(JoinHandle<()>);

impl Drop for Monitor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts watching. The first event is the list of all links; the task waits while `tell` is full
/// (the kernel's own buffer then holds what comes, and what does not fit leads to a new list).
#[must_use]
pub fn watch(tell: mpsc::Sender<NetEvent>) -> Monitor {
    Monitor(tokio::spawn(async move {
        loop {
            match session(&tell).await {
                Ok(()) => tracing::warn!("netlink: the connection ended, connecting again"),
                Err(Stop::Net(error)) => tracing::error!("{error}"),
                Err(Stop::NobodyListens) => return,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }))
}

enum Stop {
    Net(NetError),
    NobodyListens,
}

impl From<NetError> for Stop {
    fn from(error: NetError) -> Self {
        Self::Net(error)
    }
}

async fn session(tell: &mpsc::Sender<NetEvent>) -> Result<(), Stop> {
    let groups = [
        MulticastGroup::Link,
        MulticastGroup::Ipv4Ifaddr,
        MulticastGroup::Ipv6Ifaddr,
        MulticastGroup::Ipv4Route,
        MulticastGroup::Ipv6Route,
        MulticastGroup::Ipv4Rule,
        MulticastGroup::Ipv6Rule,
    ];
    let (mut connection, handle, mut news) =
        rtnetlink::new_multicast_connection(&groups).map_err(NetError::Socket)?;
    if let Err(error) = connection.socket_mut().socket_mut().set_rx_buf_sz(RECEIVE_BUFFER) {
        tracing::debug!("netlink receive buffer: {error}");
    }
    let connection = tokio::spawn(connection);
    let mut seen = Seen::default();
    // Listening has begun: what changes while the list is made comes afterwards as news.
    let outcome = async {
        tell_all(&mut seen, &handle, tell).await?;
        while let Some((message, _)) = news.next().await {
            match message.payload {
                NetlinkPayload::InnerMessage(message) => {
                    if let Some(event) = seen.event(&message) {
                        tell.send(event).await.map_err(|_| Stop::NobodyListens)?;
                    }
                }
                NetlinkPayload::Overrun(_) => {
                    tracing::warn!("netlink: news were lost, listing everything again");
                    tell_all(&mut seen, &handle, tell).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
    .await;
    connection.abort();
    outcome
}

async fn tell_all(
    seen: &mut Seen,
    handle: &Handle,
    tell: &mpsc::Sender<NetEvent>,
) -> Result<(), Stop> {
    let links = Network::over(handle.clone()).links().await?;
    seen.0 = links.iter().map(|link| (link.index, link.addresses.clone())).collect();
    tell.send(NetEvent::Links(links)).await.map_err(|_| Stop::NobodyListens)
}

/// The addresses of each link, as listed and told since: a link's own message has none, and asking
/// for them at each would take time that grows with their number.
#[derive(Debug, Default)]
struct Seen(HashMap<LinkIndex, Vec<Prefix>>);

impl Seen {
    fn event(&mut self, message: &RouteNetlinkMessage) -> Option<NetEvent> {
        match message {
            RouteNetlinkMessage::NewLink(link) => {
                let mut view = message::link_view(link)?;
                view.addresses.clone_from(self.0.entry(view.index).or_default());
                Some(NetEvent::Link(view))
            }
            RouteNetlinkMessage::DelLink(link) => {
                let view = message::link_view(link)?;
                self.0.remove(&view.index);
                Some(NetEvent::LinkGone { index: view.index, name: view.name })
            }
            RouteNetlinkMessage::NewAddress(address) => {
                let (index, prefix) = message::usable_address(address)?;
                let known = self.0.entry(index).or_default();
                if !known.contains(&prefix) {
                    known.push(prefix);
                }
                Some(NetEvent::AddressAdded { index, prefix })
            }
            RouteNetlinkMessage::DelAddress(address) => {
                let (index, prefix) = message::any_address(address)?;
                if let Some(known) = self.0.get_mut(&index) {
                    known.retain(|other| *other != prefix);
                }
                Some(NetEvent::AddressRemoved { index, prefix })
            }
            RouteNetlinkMessage::DelRoute(route) => {
                Some(NetEvent::RouteRemoved(route_message::our_route(route)?))
            }
            RouteNetlinkMessage::DelRule(rule) => {
                Some(NetEvent::RuleRemoved(Box::new(rule_message::read(rule)?)))
            }
            _ => None,
        }
    }
}
