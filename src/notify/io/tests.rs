//! Scripts, a FIFO and a mail server for real.
use super::*;
use crate::{base::Script, config::model::Mail};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
};

/// Longer than a line that mail programs fold.
const LONG: &str =
    "[R] Realserver [192.168.4.100]:tcp:80 of virtual server [192.168.4.80]:tcp:80 - DOWN";

fn sh(text: &str) -> Script {
    Script { argv: vec!["sh".into(), "-c".into(), text.into()], user: None, group: None }
}

fn script(queue: &str, text: &str) -> Notification {
    Notification::Script { queue: queue.into(), script: sh(text) }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn scripts_of_a_queue_keep_their_order_and_queues_run_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let mut notifier = Notifier::start(&GlobalDefs::default(), Plane::Vrrp);
    notifier.deliver(script("A", &format!("sleep 0.5; echo slow >> {}", a.display())));
    for n in 0..30 {
        notifier.deliver(script("A", &format!("echo {n} >> {}", a.display())));
    }
    let path = (a.display(), b.display());
    // It has ended before the slow one of the other queue has written anything.
    notifier.deliver(script("B", &format!("test ! -e {} && echo first >> {}", path.0, path.1)));
    notifier.finish(Duration::from_secs(60)).await;
    let expected: Vec<String> =
        std::iter::once("slow".to_owned()).chain((0..30).map(|n| n.to_string())).collect();
    assert_eq!(lines(&a), expected);
    assert_eq!(lines(&b), ["first"]);
}

#[tokio::test]
async fn a_fifo_keeps_lines_for_its_reader_and_goes_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    let out = dir.path().join("out");
    let reader = sh(&format!("head -n 2 \"$0\" > {}", out.display()));
    let fifo = Fifo { path: path.clone(), user: None, group: None, script: Some(reader) };
    let global = GlobalDefs { vrrp_fifo: Some(fifo), ..GlobalDefs::default() };
    let mut kept = Kept::default();
    kept.settle(&global, &Policy::default());
    let mut notifier = Notifier::start(&global, Plane::Vrrp);
    notifier.deliver(Notification::Fifo("INSTANCE \"VI_1\" MASTER 100\n".into()));
    notifier.deliver(Notification::Fifo("INSTANCE \"VI_1\" BACKUP 100\n".into()));
    for _ in 0..200 {
        if fs::read_to_string(&out).is_ok_and(|text| text.lines().count() == 2) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(lines(&out), ["INSTANCE \"VI_1\" MASTER 100", "INSTANCE \"VI_1\" BACKUP 100"]);
    notifier.finish(Duration::ZERO).await;
    assert!(path.exists(), "one of the writers has gone, the keeper has not");
    drop(kept);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_mail_reaches_the_server_with_its_headers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answers = stream.try_clone().unwrap();
        let mut said = vec![];
        let mut in_data = false;
        answers.write_all(b"220 sink\r\n").unwrap();
        for line in BufReader::new(stream).lines() {
            let line = line.unwrap();
            let answer: &[u8] = match line.as_str() {
                "." => {
                    in_data = false;
                    b"250 ok\r\n"
                }
                _ if in_data => b"",
                "DATA" => {
                    in_data = true;
                    b"354 go\r\n"
                }
                "QUIT" => b"221 bye\r\n",
                _ => b"250 ok\r\n",
            };
            said.push(line.clone());
            answers.write_all(answer).unwrap();
            if line == "." {
                return said;
            }
        }
        said
    });
    let mail = Mail {
        to: vec!["a@example.org".into(), "Bob B. <b@example.org>".into()],
        from: Some("lb@example.org".into()),
        server: Some(("127.0.0.1".into(), port)),
        ..Mail::default()
    };
    let global = GlobalDefs { mail, ..GlobalDefs::default() };
    let mut notifier = Notifier::start(&global, Plane::Lvs);
    notifier.deliver(Notification::Mail { subject: LONG.into(), body: "=> x <=".into() });
    let said = tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
    notifier.finish(Duration::from_secs(5)).await;
    for wanted in [
        "MAIL FROM:<lb@example.org>",
        "RCPT TO:<a@example.org>",
        "RCPT TO:<b@example.org>",
        "To: a@example.org, \"Bob B.\" <b@example.org>",
        &format!("Subject: {LONG}"),
        "X-Mailer: Keepalived",
        "=> x <=",
    ] {
        assert!(said.iter().any(|line| line.starts_with(wanted)), "{wanted} in {said:#?}");
    }
    assert!(said.iter().any(|line| line.starts_with("Date: ")), "{said:#?}");
}
