//! Mail, by one task over one connection at a time: a slow or dead server delays nothing but mail.
use crate::config::model::Mail;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::extension::ClientId,
};
use std::time::Duration;
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

/// Mails that wait; what comes when they are so many is dropped with a line in the log.
const QUEUE: usize = 256;
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Post(Option<Open>);

#[derive(Debug)]
struct Open {
    queue: mpsc::Sender<(String, String)>,
    task: JoinHandle<()>,
}

impl Post {
    /// Sends nothing where no server or no recipient is configured.
    pub(super) fn start(mail: Mail, router_id: Option<&str>) -> Self {
        let Some(server) = mail.server.clone().filter(|_| !mail.to.is_empty()) else {
            return Self(None);
        };
        let host = router_id.map_or_else(host_name, str::to_owned);
        let letterhead = Letterhead::new(&mail, &host);
        let (queue, waiting) = mpsc::channel(QUEUE);
        let task = tokio::spawn(work(mail, server, letterhead, waiting));
        Self(Some(Open { queue, task }))
    }

    pub(super) fn send(&self, subject: String, body: String) {
        let Some(open) = &self.0 else { return };
        if let Err(error) = open.queue.try_send((subject, body)) {
            tracing::error!("a mail is dropped: {error}");
        }
    }

    pub(super) async fn drain(self) {
        let Some(open) = self.0 else { return };
        drop(open.queue);
        if let Err(error) = open.task.await {
            tracing::error!("mail: {error}");
        }
    }
}

fn host_name() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| "localhost".to_owned(),
        |names| names.nodename().to_string_lossy().into_owned(),
    )
}

/// What all mails have in common.
#[derive(Debug)]
struct Letterhead {
    from: Option<Mailbox>,
    to: Vec<Mailbox>,
}

impl Letterhead {
    fn new(mail: &Mail, host: &str) -> Self {
        let parse = |text: &str| match text.parse::<Mailbox>() {
            Ok(mailbox) => Some(mailbox),
            Err(error) => {
                tracing::error!("mail: `{text}` is no address ({error}): no mail goes there");
                None
            }
        };
        let default = format!("keepalived@{host}");
        let from = parse(mail.from.as_deref().unwrap_or(&default));
        Self { from, to: mail.to.iter().filter_map(|text| parse(text)).collect() }
    }

    fn write(&self, subject: &str, body: &str) -> Result<Message, lettre::error::Error> {
        let agent =
            HeaderValue::new(HeaderName::new_from_ascii_str("X-Mailer"), "ldirector".to_owned());
        let mut letter = Message::builder().subject(subject).raw_header(agent);
        if let Some(from) = &self.from {
            letter = letter.from(from.clone());
        }
        for to in &self.to {
            letter = letter.to(to.clone());
        }
        letter.header(ContentType::TEXT_PLAIN).body(format!("{body}\r\n"))
    }
}

async fn work(
    mail: Mail,
    (host, port): (String, u16),
    letterhead: Letterhead,
    mut waiting: mpsc::Receiver<(String, String)>,
) {
    let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
        .port(port)
        .timeout(Some(mail.connect_timeout));
    if let Some(helo) = &mail.helo {
        server = server.hello_name(ClientId::Domain(helo.clone()));
    }
    let server = server.build();
    while let Some((subject, body)) = waiting.recv().await {
        let letter = match letterhead.write(&subject, &body) {
            Ok(letter) => letter,
            Err(error) => {
                tracing::error!("the mail \"{subject}\" cannot be written: {error}");
                continue;
            }
        };
        for attempt in 1..=ATTEMPTS {
            match server.send(letter.clone()).await {
                Ok(_) => {
                    tracing::debug!("mail sent: {subject}");
                    break;
                }
                Err(error) if attempt == ATTEMPTS || error.is_permanent() => {
                    tracing::error!(
                        "the mail \"{subject}\" is given up: {host} port {port}: {error}"
                    );
                    break;
                }
                Err(error) => {
                    tracing::warn!(
                        "the mail \"{subject}\" will be tried again: {host} port {port}: {error}"
                    );
                    sleep(PAUSE).await;
                }
            }
        }
    }
}
