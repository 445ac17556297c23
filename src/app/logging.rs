//! Where log lines go: the journal, standard error, a file, or the system log.
//!
//! `LDIRECTOR_LOG` takes a filter of tracing-subscriber's syntax (`debug`, `ldirector::vrrp=trace`).
use super::cli::RunArgs;
use std::{
    fs::OpenOptions,
    io::{self, BufWriter, IsTerminal, Write},
    os::unix::net::UnixDatagram,
    path::Path,
    sync::Mutex,
};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

const FILTER: &str = "warn,ldirector=info";
/// keepalived's default file for `-g`.
const LOG_FILE: &str = "/tmp/keepalived.log";

/// Lines that wait for a slow writer; then whoever logs waits.
const LINES: usize = 4096;

type Destination = Box<dyn Layer<Registry> + Send + Sync>;

/// Lines on their way: writing the last ones is waited for when this is dropped.
#[must_use = "lines are lost without it"]
pub(super) struct Log(
    #[expect(dead_code, reason = "it acts when it is dropped")] Option<WorkerGuard>,
);

/// `ident` names the process in the system log: `ldirector`, `ldirector_vrrp`, …
pub(super) fn start(arguments: &RunArgs, ident: &'static str, background: bool) -> Log {
    let filter =
        EnvFilter::try_from_env("LDIRECTOR_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let (layer, guard, trouble) = destination(arguments, ident, background);
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    if let Some(trouble) = trouble {
        tracing::warn!("{trouble}");
    }
    Log(guard)
}

fn destination(
    arguments: &RunArgs,
    ident: &'static str,
    background: bool,
) -> (Destination, Option<WorkerGuard>, Option<String>) {
    if let Some(file) = &arguments.log_file {
        let path = file.as_deref().unwrap_or(Path::new(LOG_FILE));
        match OpenOptions::new().append(true).create(true).open(path) {
            Ok(file) => {
                let (layer, guard) = text(file, false);
                return (layer, Some(guard), None);
            }
            Err(error) => {
                let trouble = format!("cannot log to {}: {error}", path.display());
                let (layer, guard) = text(io::stderr(), false);
                return (layer, Some(guard), Some(trouble));
            }
        }
    }
    // Under systemd the journal takes the lines with their level and fields.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some() || background;
    if journal
        && !arguments.log_console
        && let Ok(layer) = tracing_journald::layer()
    {
        return (Box::new(layer.with_syslog_identifier(ident.to_owned())), None, None);
    }
    if background
        && !arguments.log_console
        && !arguments.no_syslog
        && let Ok(syslog) = Syslog::connect(ident)
    {
        let layer = fmt::layer()
            .with_writer(Mutex::new(syslog))
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .with_level(false);
        return (Box::new(layer), None, None);
    }
    let (layer, guard) = text(io::stderr(), io::stderr().is_terminal());
    (layer, Some(guard), None)
}

/// Lines are written by a thread of their own, many at a time: a slow disk or terminal must not
/// hold an advert up, and thousands of lines at a start are not thousands of writes.
fn text(writer: impl Write + Send + 'static, colour: bool) -> (Destination, WorkerGuard) {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(LINES)
        .thread_name("log")
        .finish(BufWriter::with_capacity(64 * 1024, writer));
    (Box::new(fmt::layer().with_writer(writer).with_ansi(colour).with_target(false)), guard)
}

/// The system log's socket, for hosts without a journal: one datagram a line (syslog(3)).
struct Syslog {
    socket: UnixDatagram,
    ident: &'static str,
}

impl Syslog {
    /// daemon.info: facility 3, severity 6.
    const PRIORITY: u8 = 3 << 3 | 6;

    fn connect(ident: &'static str) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect("/dev/log")?;
        Ok(Self { socket, ident })
    }
}

impl Write for Syslog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let ident = self.ident;
        let pid = std::process::id();
        let datagram = format!("<{}>{ident}[{pid}]: {}", Self::PRIORITY, text.trim_end());
        self.socket.send(datagram.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
