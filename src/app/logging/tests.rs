//! Who logs never waits, nothing is lost at the end, and what is lost is counted.
use super::*;
use std::{collections::VecDeque, os::unix::net::UnixDatagram, sync::mpsc, thread, time::Duration};

/// Logs to `destination` alone, until all of it is written.
pub(super) fn logging(destination: (Destination, WorkerGuard), body: impl FnOnce()) {
    let (layer, guard) = destination;
    tracing::subscriber::with_default(Registry::default().with(layer), body);
    drop(guard);
}

#[test]
fn a_logger_that_hangs_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let logger = UnixDatagram::bind(&path).unwrap();
    logger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let lines = 2 * LINES;
    let (tell, told) = mpsc::channel();
    let program = thread::spawn(move || {
        let protocol = Protocol::Syslog;
        let socket = Datagrams::open(protocol, &path).unwrap();
        let (queue, guard) = queue(socket);
        let dropped = queue.error_counter();
        let format = Format { protocol, ident: "x" };
        let layer = fmt::layer().with_writer(queue).with_ansi(false).event_format(format);
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            for number in 0..lines {
                tracing::info!("{number}");
            }
        });
        tell.send(dropped.dropped_lines()).unwrap();
        guard
    });
    // Nobody reads, and all is said nevertheless.
    let dropped = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!((1..=lines - LINES).contains(&dropped), "{dropped}");
    let guard = program.join().unwrap();
    for number in 0..lines - dropped {
        let mut bytes = [0; 100];
        let length = logger.recv(&mut bytes).unwrap();
        let line = std::str::from_utf8(&bytes[..length]).unwrap();
        assert!(line.ends_with(&format!(": {number}")), "{line}");
    }
    drop(guard);
}

#[test]
fn the_last_lines_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let file = std::fs::File::create(&path).unwrap();
    logging(text(file, false), || {
        for number in 0..1000 {
            tracing::info!("{number}");
        }
    });
    let text = std::fs::read_to_string(path).unwrap();
    let seen = text.lines().filter_map(|line| line.split_whitespace().last());
    assert!(seen.eq((0..1000).map(|number| number.to_string())), "{text}");
}

/// Takes a line for each `true`.
struct Moody(VecDeque<bool>);

impl Write for Moody {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.pop_front().unwrap() { Ok(line.len()) } else { Err(io::ErrorKind::Other.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lost_lines_are_counted_and_said_when_there_is_somebody() {
    let mood = VecDeque::from([true, false, false, true, true, false, true]);
    let mut counted =
        Counted { writer: Moody(mood), dropped: Arc::default(), refused: 0, said: 0, well: true };
    let mut said = vec![];
    for _ in 0..7 {
        let lines = tempfile::NamedTempFile::new().unwrap();
        let file = Arc::new(lines.reopen().unwrap());
        let layer = fmt::layer().with_writer(file).with_ansi(false).without_time();
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            counted.write_all(b"line").unwrap();
            counted.flush().unwrap();
        });
        let text = std::fs::read_to_string(lines.path()).unwrap();
        let count = text
            .split_once("lines were lost")
            .map(|_| text.split_whitespace().find_map(|word| word.parse::<usize>().ok()).unwrap());
        said.push(count);
    }
    assert_eq!(said, [None, None, None, Some(2), None, None, Some(1)]);
}
