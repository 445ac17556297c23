//! News of links, addresses, routes and rules. One task: it lists everything first, and again whenever
//! news were lost, so that whoever listens can never be wrong for long.
use super::{NetError, Network, message, route_message, rule_message};
use crate::net::NetEvent;
use futures_util::StreamExt;
use rtnetlink::{
    Handle, MulticastGroup, packet_core::NetlinkPayload, packet_route::RouteNetlinkMessage,
    sys::AsyncSocket,
};
use std::time::Duration;
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
    // Listening has begun: what changes while the list is made comes afterwards as news.
    let outcome = async {
        list(&handle, tell).await?;
        while let Some((message, _)) = news.next().await {
            match message.payload {
                NetlinkPayload::InnerMessage(message) => {
                    if let Some(event) = event(&message, &handle).await {
                        tell.send(event).await.map_err(|_| Stop::NobodyListens)?;
                    }
                }
                NetlinkPayload::Overrun(_) => {
                    tracing::warn!("netlink: news were lost, listing everything again");
                    list(&handle, tell).await?;
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

async fn list(handle: &Handle, tell: &mpsc::Sender<NetEvent>) -> Result<(), Stop> {
    let links = Network { handle: handle.clone() }.links().await?;
    tell.send(NetEvent::Links(links)).await.map_err(|_| Stop::NobodyListens)
}

async fn event(message: &RouteNetlinkMessage, handle: &Handle) -> Option<NetEvent> {
    if let RouteNetlinkMessage::NewLink(link) = message {
        let mut view = message::link_view(link)?;
        // A link's message has no addresses; the listener keeps what it knows only if told.
        let links = Network { handle: handle.clone() }.links().await.ok()?;
        view.addresses = links.into_iter().find(|l| l.index == view.index)?.addresses;
        return Some(NetEvent::Link(view));
    }
    if let RouteNetlinkMessage::DelLink(link) = message {
        let view = message::link_view(link)?;
        return Some(NetEvent::LinkGone { index: view.index, name: view.name });
    }
    if let RouteNetlinkMessage::NewAddress(address) = message {
        let (index, prefix) = message::usable_address(address)?;
        return Some(NetEvent::AddressAdded { index, prefix });
    }
    if let RouteNetlinkMessage::DelAddress(address) = message {
        let (index, prefix) = message::any_address(address)?;
        return Some(NetEvent::AddressRemoved { index, prefix });
    }
    if let RouteNetlinkMessage::DelRoute(route) = message {
        return Some(NetEvent::RouteRemoved(route_message::our_route(route)?));
    }
    if let RouteNetlinkMessage::DelRule(rule) = message {
        return Some(NetEvent::RuleRemoved(Box::new(rule_message::read(rule)?)));
    }
    None
}
