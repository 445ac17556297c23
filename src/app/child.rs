//! What all children do: read the parent's link (their standard input), parse what it sends,
//! answer on it, and stop in order when it is gone.
use super::{
    cli::RunArgs,
    exit, logging, memory,
    tuning::{self, Tuned},
};
use crate::{
    config::{self, Config, source::Sources},
    ipc::{self, Child, ToChild, ToParent, io::IpcError},
    machine::io::{Inbound, Mark},
    scripts,
};
use std::{os::fd::AsFd, sync::Arc};
use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
};

/// Answers that wait for the parent to read them. What does not fit is lost: pongs and snapshots,
/// of which the next one is as good.
const ANSWERS: usize = 64;

#[derive(Debug, thiserror::Error)]
pub(super) enum ChildError {
    #[error("this command is for the daemon itself: use `ldirector run`")]
    NoParent,
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error("the link to the parent: {0}")]
    Link(#[from] IpcError),
    #[error("the parent sent something else than a configuration first")]
    NoConfiguration,
    #[error("the parent sent a configuration with errors: {0}")]
    Configuration(String),
    #[error("SSL: {0}")]
    Identity(String),
    #[error(transparent)]
    Net(#[from] crate::net::io::NetError),
}

/// Sets the process up, waits for its configuration and runs `body` to the exit code.
pub(super) fn run<F>(arguments: &RunArgs, which: Child, ident: &'static str, body: F) -> u8
where
    F: AsyncFnOnce(Config, Link, Answers) -> Result<u8, ChildError>,
{
    memory::prepare();
    tuning::name(None);
    scripts::io::set_launcher(super::SELF.into());
    let _log = logging::start(arguments, ident, !arguments.dont_fork);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("{}", ChildError::Runtime(error));
            return exit::FAILED;
        }
    };
    let outcome = runtime.block_on(async {
        // The parent alone decides when we stop: a terminal's ^C reaches the whole group, and a
        // service manager's signals all processes of the service. When those end the parent, we
        // still have to let go of what we hold.
        ignore_signals().map_err(ChildError::Runtime)?;
        let tuned = Tuned::new(which, arguments.umask);
        let (mut link, answers) = open(tuned)?;
        let config = link.first_configuration().await?;
        answers.send(ToParent::Configured);
        body(config, link, answers).await
    });
    // A thread that waits for a name service or a dead file server holds nobody up.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            exit::FAILED
        }
    }
}

fn ignore_signals() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let abort = SignalKind::from_raw(libc::SIGABRT);
    for kind in [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate(), abort] {
        let mut caught = signal(kind)?;
        tokio::spawn(async move { while caught.recv().await.is_some() {} });
    }
    Ok(())
}

fn open(tuned: Tuned) -> Result<(Link, Answers), ChildError> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned().map_err(ChildError::Runtime)?;
    let stream = std::os::unix::net::UnixStream::from(stdin);
    // Anything but a socket pair's end answers with an error here.
    stream.set_nonblocking(true).map_err(ChildError::Runtime)?;
    stream.peer_addr().map_err(|_| ChildError::NoParent)?;
    let stream = UnixStream::from_std(stream).map_err(ChildError::Runtime)?;
    let (reader, writer) = stream.into_split();
    let (answers, queue) = mpsc::channel(ANSWERS);
    tokio::spawn(write(writer, queue));
    Ok((Link { reader, tuned }, Answers(answers)))
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<ToParent>) {
    while let Some(message) = queue.recv().await {
        if let Err(error) = ipc::io::send(&mut writer, &message).await {
            tracing::debug!("answering the parent: {error}");
            return;
        }
    }
}

/// What the parent is told of a mark that was reached.
pub(super) const fn reached(mark: Mark) -> ToParent {
    match mark {
        Mark::Ping(number) => ToParent::Pong(number),
        Mark::Configured => ToParent::Configured,
    }
}

/// The way up; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Answers(mpsc::Sender<ToParent>);

impl Answers {
    /// For what must not be lost: waits until there is room.
    pub(super) async fn deliver(&self, message: ToParent) {
        if self.0.send(message).await.is_err() {
            tracing::debug!("news for a parent that is gone");
        }
    }

    pub(super) fn send(&self, message: ToParent) {
        if self.0.try_send(message).is_err() {
            tracing::debug!("an answer to the parent is lost: it does not read");
        }
    }
}

/// The way down.
#[derive(Debug)]
pub(super) struct Link {
    reader: OwnedReadHalf,
    /// Each configuration says anew how this process is to run.
    tuned: Tuned,
}

/// What the parent wants of the machine, with its texts parsed.
#[derive(Debug)]
pub(super) enum Order {
    Reload(Config),
    ReportStatus(u64),
    /// A BFD session came up or went down.
    Bfd {
        name: String,
        up: bool,
    },
    Stop,
}

/// Feeds the parent's orders to a machine's inbox, as the events that `event` makes of them, each
/// configuration with a mark behind it; what a reload changes beside the machine is done in `event`. When the link ends it orders to stop: a
/// child without its parent has nobody who would ever stop it.
pub(super) fn obey<E: Send + 'static>(
    mut link: Link,
    inbox: mpsc::Sender<Inbound<E>>,
    event: impl Fn(Order) -> E + Send + 'static,
) {
    tokio::spawn(async move {
        loop {
            let heard = link.next().await;
            let last = matches!(heard, Heard::End);
            let configured = matches!(heard, Heard::Order(Order::Reload(_)));
            let inbound = match heard {
                Heard::Ping(number) => Inbound::Mark(Mark::Ping(number)),
                Heard::Order(order) => Inbound::Event(event(order)),
                Heard::End => Inbound::Event(event(Order::Stop)),
            };
            let mark = configured.then_some(Inbound::Mark(Mark::Configured));
            for inbound in [Some(inbound), mark].into_iter().flatten() {
                if inbox.send(inbound).await.is_err() {
                    tracing::debug!("an order came after the end");
                }
            }
            if last {
                return;
            }
        }
    });
}

enum Heard {
    Order(Order),
    Ping(u64),
    End,
}

impl Link {
    async fn first_configuration(&mut self) -> Result<Config, ChildError> {
        match ipc::io::receive(&mut self.reader).await? {
            ToChild::Configure(sources) => {
                let config = parse(&sources)?;
                self.tuned.apply(&config.global);
                Ok(config)
            }
            ToChild::Ping(_) | ToChild::ReportStatus(_) | ToChild::Bfd { .. } | ToChild::Stop => {
                Err(ChildError::NoConfiguration)
            }
        }
    }

    async fn next(&mut self) -> Heard {
        loop {
            return match ipc::io::receive(&mut self.reader).await {
                Ok(ToChild::Configure(sources)) => match parse(&sources) {
                    Ok(config) => {
                        self.tuned.apply(&config.global);
                        Heard::Order(Order::Reload(config))
                    }
                    Err(error) => {
                        tracing::error!("{error}");
                        continue;
                    }
                },
                Ok(ToChild::Ping(number)) => Heard::Ping(number),
                Ok(ToChild::ReportStatus(number)) => Heard::Order(Order::ReportStatus(number)),
                Ok(ToChild::Bfd { name, up }) => Heard::Order(Order::Bfd { name, up }),
                Ok(ToChild::Stop) => Heard::Order(Order::Stop),
                Err(error) => {
                    tracing::warn!("the parent is gone ({error}): stopping");
                    Heard::End
                }
            };
        }
    }
}

/// The parent has found no error in these texts; if we do, we are of another version.
fn parse(sources: &Sources) -> Result<Config, ChildError> {
    let (mut config, found) = config::parse(sources);
    if found.has_errors() {
        let first = config::render::first_error(sources, &found).unwrap_or_default();
        return Err(ChildError::Configuration(first));
    }
    memory::give_back_later();
    if config.global.router_id.is_none() {
        Arc::make_mut(&mut config.global).router_id = Some(host_name());
    }
    Ok(config)
}

fn host_name() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| "localhost".to_owned(),
        |names| names.nodename().to_string_lossy().into_owned(),
    )
}
