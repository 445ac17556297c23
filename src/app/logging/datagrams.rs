//! Log lines for who listens at a socket, a datagram each: the journal, the system log.
use memchr::memmem;
use std::{
    fmt,
    io::{self, Write},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// How long a logger that does not answer is waited for: it may just be starting anew.
const PAUSE: Duration = Duration::from_millis(200);
const TRIES: u32 = 25;

/// Bytes of a line; the rest is left out. A datagram of the journal may have some 200 KiB, one of
/// rsyslogd 8 KiB.
const LONGEST: usize = 64 * 1024;

/// The line before a message of the journal.
const MESSAGE: &[u8] = b"\nMESSAGE\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>
    Journal,
    /// RFC 3164 §4.1.3, and before it the priority alone: who listens knows the time and the host.
    Syslog,
}

impl Protocol {
    pub(super) const fn socket(self) -> &'static str {
        match self {
            Self::Journal => "/run/systemd/journal/socket",
            Self::Syslog => "/dev/log",
        }
    }

    /// Facility and severity (RFC 3164 §4.1.1). What the journal takes has no facility; there an
    /// info of ours is a notice, so that a debug is more than what the journal calls that.
    const fn priority(self, level: Level) -> u8 {
        const DAEMON: u8 = 3 << 3;
        match (self, level) {
            (Self::Journal, Level::ERROR) => 3,
            (Self::Journal, Level::WARN) => 4,
            (Self::Journal, Level::INFO) => 5,
            (Self::Journal, Level::DEBUG) => 6,
            (Self::Journal, Level::TRACE) => 7,
            (Self::Syslog, Level::ERROR) => DAEMON | 3,
            (Self::Syslog, Level::WARN) => DAEMON | 4,
            (Self::Syslog, Level::INFO) => DAEMON | 6,
            (Self::Syslog, Level::DEBUG | Level::TRACE) => DAEMON | 7,
        }
    }
}

/// Writes an event as [`Datagrams`] of the same protocol wants it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) protocol: Protocol,
    pub(super) ident: &'static str,
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Self { protocol, ident } = self;
        let about = event.metadata();
        let priority = protocol.priority(*about.level());
        match protocol {
            Protocol::Syslog => write!(line, "<{priority}>{ident}[{}]: ", std::process::id())?,
            Protocol::Journal => {
                write!(line, "PRIORITY={priority}\nSYSLOG_IDENTIFIER={ident}\n")?;
                if let (Some(file), Some(number)) = (about.file(), about.line()) {
                    write!(line, "CODE_FILE={file}\nCODE_LINE={number}\n")?;
                }
                write!(line, "TARGET={}\nMESSAGE\n", about.target())?;
            }
        }
        context.format_fields(line, event)
    }
}

/// Sends what is written, one call one datagram. May wait: it belongs into a thread of its own.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UnixDatagram,
    path: PathBuf,
    protocol: Protocol,
    /// Nobody came back while there was time: lines are tried once only.
    gone: bool,
}

impl Datagrams {
    /// # Errors
    /// Nobody listens at the socket.
    pub(super) fn open(protocol: Protocol, path: &Path) -> io::Result<Self> {
        UnixDatagram::unbound()?.connect(path)?;
        let socket = UnixDatagram::unbound()?;
        Ok(Self { socket, path: path.to_owned(), protocol, gone: false })
    }

    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let mut tries = if self.gone { 1 } else { TRIES };
        loop {
            // By name each time: who was started anew has made a new socket there.
            let sent = self.socket.send_to(datagram, &self.path);
            tries -= 1;
            self.gone = sent.is_err() && tries == 0;
            match sent {
                Ok(_) => return Ok(()),
                Err(error) if tries == 0 => return Err(error),
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }
}

impl Write for Datagrams {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let kept = line.get(..LONGEST).unwrap_or(line);
        match self.protocol {
            Protocol::Journal => self.send(&entry(kept))?,
            Protocol::Syslog => self.send(kept)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message can have several lines, so the journal wants its length before it. It is the last field.
fn entry(line: &[u8]) -> Vec<u8> {
    let start = memmem::find(line, MESSAGE).map_or(line.len(), |at| at + MESSAGE.len());
    let (fields, message) = line.split_at(start);
    [fields, &(message.len() as u64).to_le_bytes(), message, b"\n"].concat()
}

#[cfg(test)]
mod tests;
