//! PING_CHECK: an echo request comes back. All checkers of the same source share one socket and the
//! task that reads it; both end with the [`Pings`] that made them.
use super::connect;
use crate::{base::Family, checkers::Outcome, config::model::Connection};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::BorrowedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};
use surge_ping::{Client, Config, ICMP, PingIdentifier, PingSequence, SurgeError};

/// The sockets in use.
#[derive(Clone, Default)]
pub(super) struct Pings(Arc<Shared>);

#[derive(Default)]
struct Shared {
    clients: Mutex<HashMap<Source, Client>>,
    /// One number for every request of every checker: no two in flight are alike.
    sequence: AtomicU16,
}

/// What tells one socket from another.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Source {
    family: Family,
    from: Option<IpAddr>,
    interface: Option<String>,
    mark: u32,
}

/// keepalived sends as much; a longer way than 64 bytes shows MTU trouble no better.
const PAYLOAD: [u8; 128] = [b'k'; 128];

impl Pings {
    pub(super) async fn probe(&self, connection: &Connection) -> Outcome {
        let source = Source {
            family: Family::of(&connection.to.ip()),
            from: connection.from,
            interface: connection.interface.clone(),
            mark: connection.mark,
        };
        let client = match self.client(&source) {
            Ok(client) => client,
            Err(error) => return Outcome::local(format!("cannot open an ICMP socket: {error}")),
        };
        let sequence = self.0.sequence.fetch_add(1, Ordering::Relaxed);
        let identifier = PingIdentifier(u16::try_from(std::process::id() & 0xffff).unwrap_or(1));
        let mut pinger = client.pinger(connection.to.ip(), identifier).await;
        if let SocketAddr::V6(to) = connection.to {
            pinger.scope_id(to.scope_id());
        }
        pinger.timeout(connection.timeout);
        match pinger.ping(PingSequence(sequence), &PAYLOAD).await {
            Ok((_, time)) => {
                Outcome::pass(format!("answered in {:.1} ms", time.as_secs_f64() * 1e3))
            }
            Err(SurgeError::Timeout { .. }) => Outcome::fail("no answer within the time"),
            Err(SurgeError::IOError(error)) => {
                // The socket may be tied to an address or a link that is gone: make another.
                self.lock().remove(&source);
                connect::outcome(connection, "cannot send", &error)
            }
            Err(error) => Outcome::fail(error.to_string()),
        }
    }

    fn client(&self, source: &Source) -> io::Result<Client> {
        let mut clients = self.lock();
        if let Some(client) = clients.get(source) {
            return Ok(client.clone());
        }
        let kind = match source.family {
            Family::V4 => ICMP::V4,
            Family::V6 => ICMP::V6,
        };
        // A datagram socket where ping_group_range lets us, else a raw one.
        let mut config = Config::builder().kind(kind);
        if let Some(from) = source.from {
            config = config.bind(SocketAddr::new(from, 0));
        }
        if let Some(interface) = &source.interface {
            config = config.interface(interface);
        }
        let client = Client::new(&config.build())?;
        if source.mark != 0 {
            set_mark(&client, source.mark)?;
        }
        clients.insert(source.clone(), client.clone());
        Ok(client)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Source, Client>> {
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Pings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pings").field("sockets", &self.lock().len()).finish()
    }
}

#[allow(unsafe_code, reason = "surge-ping shows its socket as a bare number only")]
fn set_mark(client: &Client, mark: u32) -> io::Result<()> {
    let socket = client.get_socket();
    // SAFETY: `socket` shares ownership of the descriptor and outlives the borrow.
    let descriptor = unsafe { BorrowedFd::borrow_raw(socket.get_native_sock()) };
    socket2::SockRef::from(&descriptor).set_mark(mark)
}
