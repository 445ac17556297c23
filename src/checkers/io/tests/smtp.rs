//! SMTP_CHECK against servers that say what they are told to say.
use super::*;
use crate::config::model::SmtpCheck;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// Greets with the first of `replies`, answers each line with the next, then says no more.
async fn mail_server(replies: &[&[u8]], hang_up: bool) -> (SocketAddr, UnboundedReceiver<String>) {
    let replies: Vec<Vec<u8>> = replies.iter().map(|reply| reply.to_vec()).collect();
    let (told, hears) = unbounded_channel();
    let to = server(move |stream| {
        let (replies, told) = (replies.clone(), told.clone());
        async move {
            let mut stream = BufReader::new(stream);
            for reply in replies {
                stream.write_all(&reply).await.unwrap();
                let mut line = String::new();
                if hang_up && reply.is_empty() || stream.read_line(&mut line).await.is_err() {
                    return;
                }
                told.send(line).unwrap();
            }
            pending::<()>().await;
        }
    })
    .await;
    (to, hears)
}

fn check(to: SocketAddr, timeout: Duration) -> CheckerKind {
    let connection = Connection { timeout, ..connection(to) };
    CheckerKind::Smtp(Box::new(SmtpCheck { connection, helo: "lb.example.com".into() }))
}

#[tokio::test]
async fn replies_of_several_lines_pass() {
    let (to, mut hears) = mail_server(
        &[
            b"220-mx.example.com\r\n220-no spam\r\n220 ready\r\n",
            b"250-mx.example.com\r\n250-SIZE 100\r\n250 HELP\r\n",
            b"221 bye\r\n",
        ],
        false,
    )
    .await;
    passes(&run(&check(to, AMPLE)).await, "greeted");
    assert_eq!(hears.recv().await.as_deref(), Some("HELO lb.example.com\r\n"));
    assert_eq!(hears.recv().await.as_deref(), Some("QUIT\r\n"));
}

#[tokio::test]
async fn a_reply_in_pieces_and_with_bare_line_ends_passes() {
    let to = server(|stream| async move {
        let mut stream = BufReader::new(stream);
        for piece in ["22", "0 rea", "dy\n"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        for reply in ["250\n", "221\n"] {
            stream.read_line(&mut String::new()).await.unwrap();
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    })
    .await;
    passes(&run(&check(to, AMPLE)).await, "greeted");
}

#[tokio::test]
async fn a_refusal_fails_and_names_its_code() {
    let (to, _hears) = mail_server(&[b"554 no service\r\n"], false).await;
    fails(&run(&check(to, AMPLE)).await, "554");
    let (to, _hears) = mail_server(&[b"220 ready\r\n", b"550 not you\r\n"], false).await;
    fails(&run(&check(to, AMPLE)).await, "550 to HELO");
}

#[tokio::test]
async fn a_silent_server_fails_at_the_step_it_is_silent_in() {
    fails(&run(&check(silent_server().await, SHORT)).await, "no greeting: timed out");
    let (to, _hears) = mail_server(&[b"220 ready\r\n"], false).await;
    fails(&run(&check(to, SHORT)).await, "no answer to HELO: timed out");
    let (to, _hears) = mail_server(&[b"220 ready\r\n", b"250 fine\r\n"], false).await;
    fails(&run(&check(to, SHORT)).await, "no answer to QUIT: timed out");
    let (to, _hears) = mail_server(&[b"220-a line, and the rest never\r\n"], false).await;
    fails(&run(&check(to, SHORT)).await, "no greeting: timed out");
}

#[tokio::test]
async fn hanging_up_fails_before_quit_and_passes_after_it() {
    let (to, _hears) = mail_server(&[b""], true).await;
    fails(&run(&check(to, AMPLE)).await, "no greeting: connection closed");
    let (to, _hears) = mail_server(&[b"220 ready\r\n", b""], true).await;
    fails(&run(&check(to, AMPLE)).await, "no answer to HELO: connection closed");
    let (to, _hears) = mail_server(&[b"220 ready\r\n", b"250 fine\r\n", b""], true).await;
    passes(&run(&check(to, AMPLE)).await, "closed after QUIT");
}

#[tokio::test]
async fn garbage_fails_and_is_shown_harmlessly() {
    for garbage in [
        &b"\x00\xff\xfe\x1b[2J\x07\x80 and on\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\n",
        b"\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        "220\u{fffd}\u{1f4a9} ready\r\n".as_bytes(),
    ] {
        let (to, _hears) = mail_server(&[garbage], false).await;
        let outcome = run(&check(to, AMPLE)).await;
        fails(&outcome, "not an SMTP reply");
        let harmful = outcome.reason().chars().any(char::is_control);
        assert!(!harmful, "goes to logs and terminals: {outcome:?}");
    }
}

#[tokio::test]
async fn lines_and_replies_without_end_fail() {
    let (to, _hears) = mail_server(&[&[b'2'; 9000]], false).await;
    fails(&run(&check(to, AMPLE)).await, "a line without end");
    let (to, _hears) = mail_server(&[&b"220-on\r\n".repeat(300)], false).await;
    fails(&run(&check(to, AMPLE)).await, "a reply without end");
}

#[tokio::test]
async fn no_connection_is_told_from_no_mail() {
    fails(&run(&check(nobody().await, AMPLE)).await, "Connection refused");
    for (connection, words) in impossible(silent_server().await) {
        let check = SmtpCheck { connection, helo: "x".into() };
        is_our_fault(&run(&CheckerKind::Smtp(Box::new(check))).await, words);
    }
}
