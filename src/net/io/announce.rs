//! Sends gratuitous ARPs and neighbour advertisements, paced, in a task of its own, so that a
//! thousand of them never delay an advert. The task ends when its [`Announcer`] is dropped; what is
//! still queued is then not sent.
use super::{Network, sys};
use crate::net::{
    LinkView, arp,
    ndisc::{self, Role},
};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};

/// Orders that wait; one comes per transition of an instance, so this is plenty. What does not fit
/// is dropped with a warning: announcements are repeated anyway.
const ORDERS: usize = 1024;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// `rounds` times the whole list.
#[derive(Clone, Debug)]
pub struct Burst {
    /// Whose: for [`Announcer::cancel`].
    pub owner: Arc<str>,
    pub targets: Vec<Target>,
    pub rounds: u32,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub interface: String,
    pub address: IpAddr,
    /// Pause after it in its lane; zero = back to back.
    pub gap: Duration,
    /// What shares a pace: an interface, or some.
    pub lane: Arc<str>,
}

enum Order {
    Send(Burst),
    Cancel(Arc<str>),
}

#[derive(Debug)]
pub struct Announcer {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Send(burst) => burst.fmt(f),
            Self::Cancel(owner) => write!(f, "Cancel({owner})"),
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Announcer {
    #[must_use]
    pub fn start(network: Network) -> Self {
        let (orders, queue) = mpsc::channel(ORDERS);
        Self { orders, task: tokio::spawn(run(network, queue)) }
    }

    pub fn send(&self, burst: Burst) {
        self.order(Order::Send(burst));
    }

    /// Drops what is still queued for an owner.
    pub fn cancel(&self, owner: &str) {
        self.order(Order::Cancel(Arc::from(owner)));
    }

    fn order(&self, order: Order) {
        if let Err(error) = self.orders.try_send(order) {
            tracing::warn!("announcements: {error}");
        }
    }
}

/// One frame to be sent.
struct Item {
    owner: Arc<str>,
    target: Target,
}

/// What waits for its turn on one pace.
struct Lane {
    queue: VecDeque<Item>,
    /// Not before then.
    free: Instant,
}

async fn run(network: Network, mut orders: mpsc::Receiver<Order>) {
    let mut lanes: BTreeMap<Arc<str>, Lane> = BTreeMap::new();
    let mut sender = Sender::new(network);
    loop {
        // Orders first: a cancelled item must not slip through.
        let order = match lanes.values().map(|lane| lane.free).min() {
            None => orders.recv().await.ok_or(End),
            Some(next) => match orders.try_recv() {
                Ok(order) => Ok(order),
                Err(mpsc::error::TryRecvError::Disconnected) => Err(End),
                Err(mpsc::error::TryRecvError::Empty) if next <= Instant::now() => {
                    sender.serve(&mut lanes).await;
                    // Adverts have their turn after each.
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(mpsc::error::TryRecvError::Empty) => {
                    match timeout_at(next, orders.recv()).await {
                        Ok(order) => order.ok_or(End),
                        Err(_) => continue,
                    }
                }
            },
        };
        match order {
            Ok(Order::Send(burst)) => {
                sender.forget_links();
                for item in items(&burst) {
                    let lane = lanes
                        .entry(Arc::clone(&item.target.lane))
                        .or_insert_with(|| Lane { queue: VecDeque::new(), free: Instant::now() });
                    lane.queue.push_back(item);
                }
            }
            Ok(Order::Cancel(owner)) => {
                for lane in lanes.values_mut() {
                    lane.queue.retain(|item| item.owner != owner);
                }
            }
            Err(End) => return,
        }
    }
}

/// Nobody orders any more.
struct End;

fn items(burst: &Burst) -> impl Iterator<Item = Item> + '_ {
    (0..burst.rounds).flat_map(move |_| {
        let owner = &burst.owner;
        burst.targets.iter().map(|target| Item { owner: Arc::clone(owner), target: target.clone() })
    })
}

struct Sender {
    network: Network,
    socket: Option<Socket>,
    /// As looked up for this burst; None = there is no such link.
    links: HashMap<String, Option<LinkView>>,
}

impl Sender {
    fn new(network: Network) -> Self {
        Self { network, socket: None, links: HashMap::new() }
    }

    /// A link may have changed its MAC since the last burst.
    fn forget_links(&mut self) {
        self.links.clear();
    }

    /// One frame of each lane whose pause is over. A lane stays until the pause after its last frame
    /// is over too: the next burst keeps the pace.
    async fn serve(&mut self, lanes: &mut BTreeMap<Arc<str>, Lane>) {
        let now = Instant::now();
        for lane in lanes.values_mut().filter(|lane| lane.free <= now) {
            if let Some(Item { target, .. }) = lane.queue.pop_front() {
                self.send(&target.interface, target.address).await;
                lane.free = now + target.gap;
            }
        }
        lanes.retain(|_, lane| !lane.queue.is_empty() || lane.free > now);
    }

    async fn send(&mut self, interface: &str, address: IpAddr) {
        if !self.links.contains_key(interface) {
            let link = match self.network.link(interface).await {
                Ok(link) => Some(link),
                Err(error) => {
                    tracing::warn!("announcing {address} on {interface}: {error}");
                    None
                }
            };
            self.links.insert(interface.to_owned(), link);
        }
        let Some(Some(link)) = self.links.get(interface) else { return };
        let Some(mac) = link.mac.filter(|_| !link.noarp) else { return };
        let index = link.index.0;
        let sent = match address {
            IpAddr::V4(address) => self.transmit(index, ARP, &arp::gratuitous(mac, address)),
            IpAddr::V6(address) => {
                self.transmit(index, IPV6, &ndisc::unsolicited(mac, address, role()))
            }
        };
        let what =
            if address.is_ipv4() { "gratuitous ARP" } else { "unsolicited Neighbour Advert" };
        match sent {
            Ok(()) => tracing::debug!("Sending {what} on {interface} for {address}"),
            Err(error) => tracing::warn!("sending {what} on {interface} for {address}: {error}"),
        }
    }

    fn transmit(&mut self, index: u32, ether_type: u16, frame: &[u8]) -> io::Result<()> {
        let socket = match &self.socket {
            Some(socket) => socket,
            // Protocol 0: it hears nothing.
            None => {
                self.socket.insert(Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?)
            }
        };
        socket.send_to(frame, &sys::link_address(index, ether_type)?)?;
        Ok(())
    }
}

/// Whether this machine forwards IPv6.
fn role() -> Role {
    let forwarding = std::fs::read_to_string("/proc/sys/net/ipv6/conf/all/forwarding");
    if forwarding.is_ok_and(|text| text.trim() == "1") { Role::Router } else { Role::Host }
}
