//! Where log lines go: the journal, standard error, a file, or the system log.
//!
//! `LDIRECTOR_LOG` takes a filter of tracing-subscriber's syntax (`debug`, `ldirector::vrrp=trace`).
//!
//! Who logs never waits: lines are written by a thread of their own. A logger, disk or terminal that
//! hangs must not hold an advert up, and thousands of lines at a start are not thousands of writes.
mod datagrams;

use super::cli::RunArgs;
use datagrams::{Datagrams, Format, Protocol};
use std::{
    fs::OpenOptions,
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
    sync::{Arc, OnceLock},
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

const FILTER: &str = "warn,ldirector=info";
/// keepalived's default file for `-g`.
const LOG_FILE: &str = "/tmp/keepalived.log";

/// Lines that wait for a slow writer; what comes then is lost.
const LINES: usize = 4096;

type Destination = Box<dyn Layer<Registry> + Send + Sync>;

/// Lines on their way: writing the last ones is waited for when this is dropped, a second at most.
#[must_use = "lines are lost without it"]
pub(super) struct Log(#[expect(dead_code, reason = "it acts when it is dropped")] WorkerGuard);

/// `ident` names the process in the system log: `ldirector`, `ldirector_vrrp`, …
///
/// To be called in the very process that logs: threads do not survive a fork.
pub(super) fn start(arguments: &RunArgs, ident: &'static str, background: bool) -> Log {
    let filter =
        EnvFilter::try_from_env("LDIRECTOR_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let ((layer, guard), trouble) = destination(arguments, ident, background);
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
) -> ((Destination, WorkerGuard), Option<String>) {
    if let Some(file) = &arguments.log_file {
        let path = file.as_deref().unwrap_or(Path::new(LOG_FILE));
        return match OpenOptions::new().append(true).create(true).open(path) {
            Ok(file) => (text(file, false), None),
            Err(error) => {
                let trouble = format!("cannot log to {}: {error}", path.display());
                (text(io::stderr(), false), Some(trouble))
            }
        };
    }
    // Under systemd the journal takes the lines with their level and fields.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some() || background;
    let syslog = background && !arguments.no_syslog;
    for (wanted, protocol) in [(journal, Protocol::Journal), (syslog, Protocol::Syslog)] {
        if wanted
            && !arguments.log_console
            && let Ok(socket) = Datagrams::open(protocol, Path::new(protocol.socket()))
        {
            return (datagrams(Format { protocol, ident }, socket), None);
        }
    }
    (text(io::stderr(), io::stderr().is_terminal()), None)
}

fn text(writer: impl Write + Send + 'static, colour: bool) -> (Destination, WorkerGuard) {
    let (writer, guard) = queue(BufWriter::with_capacity(64 * 1024, writer));
    (Box::new(fmt::layer().with_writer(writer).with_ansi(colour).with_target(false)), guard)
}

fn datagrams(format: Format, socket: Datagrams) -> (Destination, WorkerGuard) {
    let (writer, guard) = queue(socket);
    (Box::new(fmt::layer().with_writer(writer).with_ansi(false).event_format(format)), guard)
}

fn queue(writer: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    let dropped = Arc::default();
    let counted =
        Counted { writer, dropped: Arc::clone(&dropped), refused: 0, said: 0, well: true };
    let (queue, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES)
        .thread_name("log")
        .finish(counted);
    dropped.get_or_init(|| queue.error_counter());
    (queue, guard)
}

/// Says how many lines were lost, once it can be said.
struct Counted<W> {
    writer: W,
    /// Lines for which the queue had no room.
    dropped: Arc<OnceLock<ErrorCounter>>,
    /// Lines that nobody took.
    refused: usize,
    /// Of both.
    said: usize,
    /// The last line was written.
    well: bool,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.well = self.writer.write_all(line).is_ok();
        self.refused += usize::from(!self.well);
        Ok(line.len())
    }

    /// The queue is empty for the moment.
    fn flush(&mut self) -> io::Result<()> {
        self.well &= self.writer.flush().is_ok();
        let lost = self.refused + self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        if self.well && lost > self.said {
            tracing::warn!("{} log lines were lost: they could not be written", lost - self.said);
            self.said = lost;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
