//! SMTP_CHECK: greets, says HELO, takes its leave.
use super::connect;
use crate::{
    checkers::{
        Outcome,
        smtp::{Dialogue, Next, Stage},
    },
    config::model::SmtpCheck,
};
use std::io;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// RFC 5321 §4.5.3.1.5 allows 512 bytes; some servers boast longer.
const MAX_LINE: usize = 4096;
/// A server that never ends its reply.
const MAX_LINES: usize = 200;

pub(super) async fn probe(check: &SmtpCheck) -> Outcome {
    let mut stream = match connect::tcp(&check.connection).await {
        Ok(stream) => stream,
        Err(outcome) => return outcome,
    };
    let mut dialogue = Dialogue::new(&check.helo);
    let mut unread = vec![];
    for _ in 0..MAX_LINES {
        let stage = dialogue.stage();
        let line = match timeout(check.connection.timeout, line(&mut stream, &mut unread)).await {
            Ok(Ok(line)) => line,
            // It has said all it had to.
            Ok(Err(_)) if stage == Stage::Quit => return Outcome::pass("closed after QUIT"),
            Ok(Err(error)) => {
                return Outcome::fail(format!("{}: {}", waiting(stage), connect::words(&error)));
            }
            Err(_) => return Outcome::fail(format!("{}: timed out", waiting(stage))),
        };
        match dialogue.line(&line) {
            None => {}
            Some(Next::Passed) => return Outcome::pass("greeted"),
            Some(Next::Failed(reason)) => return Outcome::fail(reason),
            Some(Next::Send(text)) => {
                if let Err(error) = stream.write_all(text.as_bytes()).await {
                    return Outcome::fail(format!("cannot send: {}", connect::words(&error)));
                }
            }
        }
    }
    Outcome::fail("a reply without end")
}

const fn waiting(stage: Stage) -> &'static str {
    match stage {
        Stage::Greeting => "no greeting",
        Stage::Hello => "no answer to HELO",
        Stage::Quit => "no answer to QUIT",
    }
}

/// The next line without its end; what comes after it stays in `unread`.
async fn line(stream: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    loop {
        if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = unread.drain(..=end).collect();
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            return Ok(line);
        }
        if unread.len() > MAX_LINE {
            return Err(io::Error::other("a line without end"));
        }
        if stream.read_buf(unread).await? == 0 {
            return Err(io::Error::other("connection closed"));
        }
    }
}
