//! What is sent for a line, and what happens when the logger ends and comes back.
use super::*;
use std::time::Instant;
use tempfile::TempDir;

struct Logger {
    socket: Option<UnixDatagram>,
    path: PathBuf,
    _folder: TempDir,
}

impl Logger {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut logger = Self { socket: None, path: folder.path().join("log"), _folder: folder };
        logger.rise();
        logger
    }

    fn rise(&mut self) {
        let socket = UnixDatagram::bind(&self.path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        self.socket = Some(socket);
    }

    fn fall(&mut self) {
        self.socket = None;
        std::fs::remove_file(&self.path).unwrap();
    }

    fn next(&self) -> Vec<u8> {
        let mut bytes = vec![0; 2 * LONGEST];
        let length = self.socket.as_ref().unwrap().recv(&mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }
}

/// What arrives when all levels are logged.
fn all_levels(protocol: Protocol) -> Vec<Vec<u8>> {
    let logger = Logger::start();
    let socket = Datagrams::open(protocol, &logger.path).unwrap();
    let format = Format { protocol, ident: "ldirector_vrrp" };
    super::super::tests::logging(super::super::datagrams(format, socket), || {
        tracing::error!("one\nand two");
        tracing::warn!("warn");
        tracing::info!(count = 3, "info");
        tracing::debug!("debug");
        tracing::trace!("trace");
    });
    (0..5).map(|_| logger.next()).collect()
}

#[test]
fn the_system_log_gets_the_severity() {
    let pid = std::process::id();
    let lines: Vec<String> = all_levels(Protocol::Syslog)
        .into_iter()
        .map(|line| String::from_utf8(line).unwrap())
        .collect();
    let expected =
        [(27, "one\nand two"), (28, "warn"), (30, "info count=3"), (31, "debug"), (31, "trace")];
    assert_eq!(
        lines,
        expected.map(|(priority, text)| format!("<{priority}>ldirector_vrrp[{pid}]: {text}"))
    );
}

#[test]
fn the_journal_gets_its_fields() {
    let entries = all_levels(Protocol::Journal);
    for (entry, (priority, text)) in entries.iter().zip([
        (3, "one\nand two"),
        (4, "warn"),
        (5, "info count=3"),
        (6, "debug"),
        (7, "trace"),
    ]) {
        let at = memmem::find(entry, MESSAGE).unwrap() + MESSAGE.len();
        let (fields, message) = entry.split_at(at);
        let fields = std::str::from_utf8(fields).unwrap();
        let (before, after) = fields.split_once("CODE_LINE=").unwrap();
        assert_eq!(
            before,
            format!(
                "PRIORITY={priority}\nSYSLOG_IDENTIFIER=ldirector_vrrp\nCODE_FILE={}\n",
                file!()
            )
        );
        let (number, after) = after.split_once('\n').unwrap();
        assert!(number.parse::<u32>().unwrap() > 1);
        assert_eq!(after, format!("TARGET={}\nMESSAGE\n", module_path!()));
        let length = (text.len() as u64).to_le_bytes();
        assert_eq!(message, [&length, text.as_bytes(), b"\n"].concat());
    }
}

#[test]
fn a_logger_that_is_started_anew_gets_its_lines() {
    let mut logger = Logger::start();
    let mut log = Datagrams::open(Protocol::Syslog, &logger.path).unwrap();
    log.write_all(b"first").unwrap();
    assert_eq!(logger.next(), b"first");
    // At once, and after a while.
    logger.fall();
    logger.rise();
    log.write_all(b"second").unwrap();
    assert_eq!(logger.next(), b"second");
    logger.fall();
    let writer = thread::spawn(move || log.write_all(b"third"));
    thread::sleep(PAUSE * 2);
    logger.rise();
    assert_eq!(logger.next(), b"third");
    writer.join().unwrap().unwrap();
}

#[test]
fn a_logger_that_stays_away_is_waited_for_once() {
    let mut logger = Logger::start();
    let mut log = Datagrams::open(Protocol::Syslog, &logger.path).unwrap();
    logger.fall();
    let begun = Instant::now();
    assert!(log.write_all(b"first").is_err());
    assert!(begun.elapsed() >= PAUSE * (TRIES - 1));
    let later = Instant::now();
    for _ in 0..TRIES {
        assert!(log.write_all(b"second").is_err());
    }
    assert!(later.elapsed() < PAUSE * TRIES);
    logger.rise();
    log.write_all(b"third").unwrap();
    assert_eq!(logger.next(), b"third");
}

#[test]
fn an_endless_line_is_cut_off() {
    let logger = Logger::start();
    for (protocol, surplus) in [(Protocol::Syslog, 0), (Protocol::Journal, 9)] {
        let mut log = Datagrams::open(protocol, &logger.path).unwrap();
        log.write_all(&vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(logger.next().len(), LONGEST + surplus);
    }
}

#[test]
fn without_a_logger_there_is_no_socket() {
    let mut logger = Logger::start();
    logger.fall();
    assert!(Datagrams::open(Protocol::Syslog, &logger.path).is_err());
}
