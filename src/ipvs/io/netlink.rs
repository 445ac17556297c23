//! The real kernel. One thread of the operating system owns the socket, because the first use of a
//! scheduler loads a module inside the call; it ends when the [`Netlink`] that started it is
//! dropped. Dropping the future of a call loses its answer, never the socket's order.
use super::{IpvsError, IpvsKernel};
use crate::ipvs::{
    DaemonRole, Observed, Refusal, Step, SyncDaemon, Table, Timeouts,
    codec::{self, Decoded, Header},
    table::{Counters, ServiceCounters},
};
use neli::{
    consts::socket::{Msg, NlFamily},
    socket::NlSocket,
    utils::Groups,
};
use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, mpsc},
    thread,
};
use tokio::sync::oneshot;

/// A handle to the thread. Orders are carried out one after the other.
#[derive(Debug)]
pub struct Netlink {
    orders: mpsc::Sender<Order>,
}

type Order = Box<dyn FnOnce(&mut Session) + Send>;

/// Messages in one send: 200 acknowledgements fit into a receive buffer of default size.
const BATCH: usize = 128;
/// The kernel makes dump chunks of up to 32 KiB.
const BUFFER: usize = 64 * 1024;
const RECEIVE_BUFFER: usize = 1 << 20;

impl Netlink {
    /// Starts the thread. Its socket is opened at the first call, in the network namespace in which
    /// the calling thread is now.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start() -> io::Result<Self> {
        Self::start_in(None)
    }

    /// The same, in the network namespace that this file of /run/netns or /proc stands for. Orders
    /// fail while that cannot be entered.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn start_in(namespace: Option<PathBuf>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel::<Order>();
        thread::Builder::new().name("ipvs".into()).spawn(move || {
            if let Some(namespace) = namespace
                && let Err(error) = enter(&namespace)
            {
                // Its table is not ours: without the thread every order fails, and says so.
                tracing::error!("the network namespace {}: {error}", namespace.display());
                return;
            }
            let mut session = Session::default();
            while let Ok(order) = inbox.recv() {
                order(&mut session);
            }
        })?;
        Ok(Self { orders })
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<T, IpvsError> + Send + 'static,
    ) -> Result<T, IpvsError> {
        let (answer, answered) = oneshot::channel();
        let order: Order = Box::new(move |session| {
            if answer.send(session.with(work)).is_err() {
                tracing::debug!("nobody waits for this answer of the kernel any more");
            }
        });
        self.orders.send(order).map_err(|_| IpvsError::Gone)?;
        answered.await.map_err(|_| IpvsError::Gone)?
    }

    async fn command(
        &self,
        operation: &'static str,
        encode: impl Fn(Header, &mut Vec<u8>) + Send + 'static,
    ) -> Result<(), IpvsError> {
        self.ask(move |connection| connection.command(operation, &encode)).await
    }
}

/// Only this thread moves.
fn enter(namespace: &Path) -> io::Result<()> {
    let file = std::fs::File::open(namespace)?;
    Ok(nix::sched::setns(file, nix::sched::CloneFlags::CLONE_NEWNET)?)
}

impl IpvsKernel for Netlink {
    async fn dump(&mut self) -> Result<Observed, IpvsError> {
        self.ask(Connection::dump).await
    }

    async fn run(&mut self, steps: &[Step]) -> Result<Vec<Result<(), Refusal>>, IpvsError> {
        let steps = steps.to_vec();
        self.ask(move |connection| connection.run(&steps)).await
    }

    async fn flush(&mut self) -> Result<(), IpvsError> {
        self.command("empty the table", codec::flush).await
    }

    async fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.ask(Connection::timeouts).await
    }

    async fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), IpvsError> {
        let encode = move |header, out: &mut Vec<u8>| codec::set_timeouts(header, timeouts, out);
        self.command("set the timeouts", encode).await
    }

    async fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        self.ask(Connection::daemons).await
    }

    async fn start_daemon(&mut self, daemon: SyncDaemon) -> Result<(), IpvsError> {
        self.stop_daemon(daemon.role).await?;
        self.keep_daemon(daemon).await
    }

    async fn keep_daemon(&mut self, daemon: SyncDaemon) -> Result<(), IpvsError> {
        let daemon = Arc::new(daemon);
        let encode = move |header, out: &mut Vec<u8>| codec::start_daemon(header, &daemon, out);
        match self.command("start the sync daemon", encode).await {
            Err(IpvsError::Refused { refusal: Refusal::EEXIST, .. }) => Ok(()),
            other => other,
        }
    }

    async fn stop_daemon(&mut self, role: DaemonRole) -> Result<(), IpvsError> {
        let encode = move |header, out: &mut Vec<u8>| codec::stop_daemon(header, role, out);
        match self.command("stop the sync daemon", encode).await {
            Err(IpvsError::Refused { refusal: Refusal::ESRCH, .. }) => Ok(()),
            other => other,
        }
    }
}

/// The thread's socket, opened when needed and again after anything odd.
#[derive(Default)]
struct Session {
    connection: Option<Connection>,
}

impl Session {
    fn with<T>(
        &mut self,
        work: impl Fn(&mut Connection) -> Result<T, IpvsError>,
    ) -> Result<T, IpvsError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open()?,
        };
        let result = work(&mut connection);
        match &result {
            Ok(_) | Err(IpvsError::Refused { .. } | IpvsError::NotPermitted) => {
                self.connection = Some(connection);
            }
            // Answers may be left in the socket: the next call gets a fresh one.
            Err(
                IpvsError::Socket { .. }
                | IpvsError::Malformed { .. }
                | IpvsError::Absent { .. }
                | IpvsError::Gone,
            ) => {}
        }
        result
    }
}

struct Connection {
    socket: NlSocket,
    family: u16,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Connection {
    fn open() -> Result<Self, IpvsError> {
        let failed = |source| IpvsError::Socket { operation: "open a netlink socket", source };
        let socket = NlSocket::connect(NlFamily::Generic, None, Groups::empty()).map_err(failed)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER).map_err(failed)?;
        let mut connection = Self { socket, family: 0, sequence: 0, buffer: vec![0; BUFFER] };
        connection.family = match connection.resolve()? {
            Some(family) => family,
            None => {
                let detail = load_module();
                connection.resolve()?.ok_or(IpvsError::Absent { detail })?
            }
        };
        Ok(connection)
    }

    /// None: the kernel does not know the family `IPVS`.
    fn resolve(&mut self) -> Result<Option<u16>, IpvsError> {
        let operation = "ask for the netlink family IPVS";
        let sequence = self.next_sequence();
        let mut message = vec![];
        codec::family_request(sequence, &mut message);
        self.send(operation, &message)?;
        let mut family = None;
        let code = self.receive(operation, sequence, true, &mut |attributes| {
            family = codec::family_id(attributes);
        })?;
        match (code, family) {
            (0, Some(family)) => Ok(Some(family)),
            (0, None) => Err(IpvsError::Malformed { operation }),
            (code, _) if code == Refusal::ENOENT.errno => Ok(None),
            (errno, _) => {
                Err(IpvsError::Refused { operation: operation.into(), refusal: Refusal { errno } })
            }
        }
    }

    /// Whether the family has another id than before: the module was loaded anew.
    fn family_moved(&mut self) -> Result<bool, IpvsError> {
        let before = self.family;
        let absent = || IpvsError::Absent { detail: "the module was unloaded".into() };
        self.family = self.resolve()?.ok_or_else(absent)?;
        Ok(self.family != before)
    }

    fn run(&mut self, steps: &[Step]) -> Result<Vec<Result<(), Refusal>>, IpvsError> {
        let mut results = Vec::with_capacity(steps.len());
        for batch in steps.chunks(BATCH) {
            let mut answers = self.exchange(batch)?;
            if answers.contains(&Err(Refusal::ENOENT)) && self.family_moved()? {
                answers = self.exchange(batch)?;
            }
            if answers.contains(&Err(Refusal::EPERM)) {
                return Err(IpvsError::NotPermitted);
            }
            results.extend(answers);
        }
        Ok(results)
    }

    /// Many messages in one send, answers matched by sequence number. Refusals are always answered,
    /// success is for the last one only: the kernel works in order, so its answer ends the batch.
    fn exchange(&mut self, steps: &[Step]) -> Result<Vec<Result<(), Refusal>>, IpvsError> {
        let operation = "change the table";
        let mut datagram = Vec::with_capacity(steps.len() * 160);
        let first = self.sequence.wrapping_add(1);
        for (place, step) in steps.iter().enumerate() {
            let header = Header { family: self.family, sequence: self.next_sequence() };
            let start = datagram.len();
            codec::step(header, step, &mut datagram);
            if place + 1 < steps.len() {
                codec::only_refusal(datagram.get_mut(start..).unwrap_or_default());
            }
        }
        self.send(operation, &datagram)?;
        let mut answers = vec![Ok(()); steps.len()];
        let mut complete = steps.is_empty();
        while !complete {
            let length = self.receive_datagram(operation)?;
            for message in codec::messages(self.buffer.get(..length).unwrap_or_default()) {
                let place = usize::try_from(message.sequence.wrapping_sub(first)).ok();
                let Some(place) = place.filter(|place| *place < steps.len()) else { continue };
                match (message.content, answers.get_mut(place)) {
                    (Decoded::Result(errno), Some(answer)) => {
                        if errno != 0 {
                            *answer = Err(Refusal { errno });
                        }
                        complete |= place + 1 == steps.len();
                    }
                    (Decoded::Attributes(_), _) | (Decoded::Result(_), None) => {}
                    (Decoded::Lost, _) => return Err(IpvsError::Malformed { operation }),
                }
            }
        }
        Ok(answers)
    }

    fn command(
        &mut self,
        operation: &'static str,
        encode: &impl Fn(Header, &mut Vec<u8>),
    ) -> Result<(), IpvsError> {
        self.question(operation, encode, &mut |_| ())
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        let operation = "report the timeouts";
        let mut timeouts = None;
        self.question(operation, &codec::timeouts_request, &mut |attributes| {
            timeouts = codec::timeouts(attributes);
        })?;
        timeouts.ok_or(IpvsError::Malformed { operation })
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        let mut found = vec![];
        let keep = &mut |attributes: &[u8]| found.extend(codec::daemon(attributes));
        self.question("list the sync daemons", &codec::daemons_dump, keep)?;
        Ok(found)
    }

    fn dump(&mut self) -> Result<Observed, IpvsError> {
        let mut services = vec![];
        let keep = &mut |attributes: &[u8]| services.extend(codec::service(attributes));
        self.question("list the services", &codec::services_dump, keep)?;
        let mut table = Table::default();
        let mut counters = Counters::default();
        for (key, mut service, stats) in services {
            let mut counts = ServiceCounters { stats, ..ServiceCounters::default() };
            self.question(
                "list the destinations",
                &|header, out| codec::destinations_dump(header, &key, out),
                &mut |attributes| {
                    if let Some((at, destination, count)) =
                        codec::destination(key.family(), attributes)
                    {
                        service.destinations.insert(at, destination);
                        counts.destinations.insert(at, count);
                    }
                },
            )?;
            table.0.insert(key, Arc::new(service));
            counters.insert(key, counts);
        }
        Ok(Observed { table, counters })
    }

    /// One message and all that answers it, up to the acknowledgement or the end of the dump; asks again if the family has moved.
    fn question(
        &mut self,
        operation: &'static str,
        encode: &impl Fn(Header, &mut Vec<u8>),
        each: &mut impl FnMut(&[u8]),
    ) -> Result<(), IpvsError> {
        let mut moved = false;
        loop {
            let sequence = self.next_sequence();
            let mut message = vec![];
            encode(Header { family: self.family, sequence }, &mut message);
            self.send(operation, &message)?;
            let errno = self.receive(operation, sequence, false, each)?;
            let refusal = Refusal { errno };
            match refusal {
                Refusal { errno: 0 } => return Ok(()),
                Refusal::EPERM => return Err(IpvsError::NotPermitted),
                Refusal::ENOENT if !moved && self.family_moved()? => moved = true,
                _ => return Err(IpvsError::Refused { operation: operation.into(), refusal }),
            }
        }
    }

    /// Reads until the result of that sequence number, or its first answer where none follows.
    fn receive(
        &mut self,
        operation: &'static str,
        sequence: u32,
        single: bool,
        each: &mut impl FnMut(&[u8]),
    ) -> Result<i32, IpvsError> {
        loop {
            let length = self.receive_datagram(operation)?;
            for message in codec::messages(self.buffer.get(..length).unwrap_or_default()) {
                match message.content {
                    _ if message.sequence != sequence => {}
                    Decoded::Result(code) => return Ok(code),
                    Decoded::Attributes(attributes) => {
                        each(attributes);
                        if single {
                            return Ok(0);
                        }
                    }
                    Decoded::Lost => return Err(IpvsError::Malformed { operation }),
                }
            }
        }
    }

    fn send(&self, operation: &'static str, bytes: &[u8]) -> Result<(), IpvsError> {
        loop {
            match self.socket.send(bytes, Msg::empty()) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(IpvsError::Socket { operation, source }),
            }
        }
    }

    /// Never waits: the kernel has queued its answer before `send` returns, and makes the next
    /// chunk of a dump while the one before is read. An answer that is missing (ENOBUFS, EAGAIN)
    /// fails the call, and whoever asked reads the table again.
    fn receive_datagram(&mut self, operation: &'static str) -> Result<usize, IpvsError> {
        loop {
            match self.socket.recv(&mut self.buffer, Msg::DONTWAIT) {
                Ok((length, _)) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(IpvsError::Socket { operation, source }),
            }
        }
    }

    const fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }
}

/// `modprobe ip_vs`; what it said goes into the error if the family is missing still.
fn load_module() -> String {
    let absolute = Path::new("/sbin/modprobe");
    let program = if absolute.exists() { absolute } else { Path::new("modprobe") };
    match Command::new(program).arg("ip_vs").output() {
        Ok(output) if output.status.success() => "the module was loaded, in vain".into(),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            text.lines().next().unwrap_or("modprobe failed").trim().to_owned()
        }
        Err(error) => format!("cannot run modprobe: {error}"),
    }
}
