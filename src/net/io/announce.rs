//! Sends gratuitous ARPs and neighbour advertisements, paced, in a task of its own, so that a
//! thousand of them never delay an advert. The task ends when its [`Announcer`] is dropped; what is
//! still queued is then not sent.
use super::{NetError, Network, sys};
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
/// Until a frame is tried again that the interface did not take.
const FULL: Duration = Duration::from_millis(10);
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
                add(&mut lanes, &burst);
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

/// Queues a burst. What is still queued for an address counts: an address waits for as many turns as
/// it has rounds, however fast bursts come.
fn add(lanes: &mut BTreeMap<Arc<str>, Lane>, burst: &Burst) {
    let mut queued: HashMap<(Arc<str>, String, IpAddr), u32> = HashMap::new();
    for (name, lane) in lanes.iter() {
        for Item { target, .. } in lane.queue.iter().filter(|item| item.owner == burst.owner) {
            let of = (Arc::clone(name), target.interface.clone(), target.address);
            *queued.entry(of).or_default() += 1;
        }
    }
    for _ in 0..burst.rounds {
        for target in &burst.targets {
            let of = (Arc::clone(&target.lane), target.interface.clone(), target.address);
            if let Some(already) = queued.get_mut(&of).filter(|count| **count > 0) {
                *already -= 1;
                continue;
            }
            let lane = lanes
                .entry(Arc::clone(&target.lane))
                .or_insert_with(|| Lane { queue: VecDeque::new(), free: Instant::now() });
            let owner = Arc::clone(&burst.owner);
            lane.queue.push_back(Item { owner, target: target.clone() });
        }
    }
}

struct Sender {
    network: Network,
    /// As looked up for this burst; None = nothing can be sent there.
    ways: HashMap<String, Option<Way>>,
}

/// Each interface has a socket of its own: one that takes no more frames holds up no other.
struct Way {
    link: LinkView,
    mac: [u8; 6],
    socket: Socket,
}

impl Sender {
    fn new(network: Network) -> Self {
        Self { network, ways: HashMap::new() }
    }

    /// A link may have changed its MAC since the last burst.
    fn forget_links(&mut self) {
        self.ways.clear();
    }

    /// One frame of each lane whose pause is over. A lane stays until the pause after its last frame
    /// is over too: the next burst keeps the pace.
    async fn serve(&mut self, lanes: &mut BTreeMap<Arc<str>, Lane>) {
        let now = Instant::now();
        for lane in lanes.values_mut().filter(|lane| lane.free <= now) {
            if let Some(item) = lane.queue.pop_front() {
                let Target { interface, address, gap, .. } = &item.target;
                lane.free = now + *gap;
                if self.send(interface, *address).await == Sent::Later {
                    lane.free = now + FULL;
                    lane.queue.push_front(item);
                }
            }
        }
        lanes.retain(|_, lane| !lane.queue.is_empty() || lane.free > now);
    }

    async fn send(&mut self, interface: &str, address: IpAddr) -> Sent {
        if !self.ways.contains_key(interface) {
            let way = match self.way(interface).await {
                Ok(way) => way,
                Err(error) => {
                    tracing::warn!("announcing {address} on {interface}: {error}");
                    None
                }
            };
            self.ways.insert(interface.to_owned(), way);
        }
        let Some(Some(way)) = self.ways.get(interface) else { return Sent::Done };
        let sent = match address {
            IpAddr::V4(address) => way.transmit(ARP, &arp::gratuitous(way.mac, address)),
            IpAddr::V6(address) => {
                way.transmit(IPV6, &ndisc::unsolicited(way.mac, address, role()))
            }
        };
        let what =
            if address.is_ipv4() { "gratuitous ARP" } else { "unsolicited Neighbour Advert" };
        match sent {
            Ok(()) => tracing::debug!("Sending {what} on {interface} for {address}"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Later,
            Err(error) => tracing::warn!("sending {what} on {interface} for {address}: {error}"),
        }
        Sent::Done
    }

    /// None: nobody there listens to announcements.
    async fn way(&self, interface: &str) -> Result<Option<Way>, NetError> {
        let link = self.network.link(interface).await?;
        let Some(mac) = link.mac.filter(|_| !link.noarp) else { return Ok(None) };
        // Protocol 0: it hears nothing.
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))
            .and_then(|socket| socket.set_nonblocking(true).map(|()| socket))
            .map_err(NetError::Socket)?;
        Ok(Some(Way { link, mac, socket }))
    }
}

impl Way {
    fn transmit(&self, ether_type: u16, frame: &[u8]) -> io::Result<()> {
        let to = sys::link_address(self.link.index.0, ether_type)?;
        self.socket.send_to(frame, &to).map(|_| ())
    }
}

/// What became of a frame.
#[derive(PartialEq, Eq)]
enum Sent {
    Done,
    /// The interface takes no more for now.
    Later,
}

/// Whether this machine forwards IPv6.
fn role() -> Role {
    let forwarding = std::fs::read_to_string("/proc/sys/net/ipv6/conf/all/forwarding");
    if forwarding.is_ok_and(|text| text.trim() == "1") { Role::Router } else { Role::Host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(addresses: &[&str], rounds: u32) -> Burst {
        let target = |address: &&str| Target {
            interface: "eth0".to_owned(),
            address: address.parse().unwrap(),
            gap: Duration::from_millis(1),
            lane: Arc::from("eth0"),
        };
        let targets = addresses.iter().map(target).collect();
        Burst { owner: Arc::from("VI_1"), targets, rounds }
    }

    fn queued(lanes: &BTreeMap<Arc<str>, Lane>) -> Vec<String> {
        let items = lanes.values().flat_map(|lane| &lane.queue);
        items.map(|item| item.target.address.to_string()).collect()
    }

    #[test]
    fn bursts_that_come_faster_than_they_go_do_not_pile_up() {
        let mut lanes = BTreeMap::new();
        let both = burst(&["10.0.0.1", "10.0.0.2"], 2);
        add(&mut lanes, &both);
        assert_eq!(queued(&lanes), ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"]);
        add(&mut lanes, &both);
        assert_eq!(queued(&lanes).len(), 4, "each waits for two turns already");
        for lane in lanes.values_mut() {
            lane.queue.drain(..3);
        }
        add(&mut lanes, &both);
        assert_eq!(queued(&lanes), ["10.0.0.2", "10.0.0.1", "10.0.0.1", "10.0.0.2"]);
        let other = Burst { owner: Arc::from("VI_2"), ..both };
        add(&mut lanes, &other);
        assert_eq!(queued(&lanes).len(), 8, "another instance has turns of its own");
    }
}
