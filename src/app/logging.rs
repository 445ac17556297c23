//! Where log lines go: the journal, standard error, a file, or the system log.
//!
//! `LDIRECTOR_LOG` takes a filter of tracing-subscriber's syntax (`debug`, `ldirector::vrrp=trace`).
use super::cli::RunArgs;
use std::{
    fs::OpenOptions,
    io::{self, IsTerminal, Write},
    os::unix::net::UnixDatagram,
    path::Path,
    sync::Mutex,
};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

const FILTER: &str = "warn,ldirector=info";
/// keepalived's default file for `-g`.
const LOG_FILE: &str = "/tmp/keepalived.log";

type Destination = Box<dyn Layer<Registry> + Send + Sync>;

/// `ident` names the process in the system log: `ldirector`, `ldirector_vrrp`, …
pub(super) fn start(arguments: &RunArgs, ident: &'static str, background: bool) {
    let filter =
        EnvFilter::try_from_env("LDIRECTOR_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let (layer, trouble) = destination(arguments, ident, background);
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    if let Some(trouble) = trouble {
        tracing::warn!("{trouble}");
    }
}

fn destination(
    arguments: &RunArgs,
    ident: &'static str,
    background: bool,
) -> (Destination, Option<String>) {
    if let Some(file) = &arguments.log_file {
        let path = file.as_deref().unwrap_or(Path::new(LOG_FILE));
        match OpenOptions::new().append(true).create(true).open(path) {
            Ok(file) => return (text(Mutex::new(file), false), None),
            Err(error) => {
                let trouble = format!("cannot log to {}: {error}", path.display());
                return (text(io::stderr, false), Some(trouble));
            }
        }
    }
    // Under systemd the journal takes the lines with their level and fields.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some() || background;
    if journal
        && !arguments.log_console
        && let Ok(layer) = tracing_journald::layer()
    {
        return (Box::new(layer.with_syslog_identifier(ident.to_owned())), None);
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
        return (Box::new(layer), None);
    }
    (text(io::stderr, io::stderr().is_terminal()), None)
}

fn text<W>(writer: W, colour: bool) -> Destination
where
    W: for<'w> fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    Box::new(fmt::layer().with_writer(writer).with_ansi(colour).with_target(false))
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
