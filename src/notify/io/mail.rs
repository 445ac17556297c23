//! Mail, by one task over one connection at a time: a slow or dead server delays nothing but mail.
use crate::{base::Backoff, config::model::Mail};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::extension::ClientId,
};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
    time::sleep,
};

/// Mails that wait; what comes when they are so many is dropped.
const QUEUE: usize = 256;
/// Attempts at one mail; the pauses between them grow to 30 s, a minute in all.
const ATTEMPTS: u32 = 8;
/// keepalived's, which filters know.
const MAILER: &str = "Keepalived";

/// Where mail goes in. Nobody who has something to say waits here.
#[derive(Debug)]
pub(super) struct Post {
    open: Option<Open>,
    /// What a configuration before this one left in its queue: worked off by the same rule, one
    /// connection at a time.
    earlier: Option<JoinHandle<()>>,
    dropped: u64,
}

#[derive(Debug)]
struct Open {
    mail: Mail,
    host: String,
    queue: mpsc::Sender<(String, String)>,
    task: JoinHandle<()>,
}

impl Post {
    /// Sends nothing where no server or no recipient is configured.
    pub(super) fn start(mail: &Mail, router_id: Option<&str>) -> Self {
        Self { open: open(mail, router_id, None), earlier: None, dropped: 0 }
    }

    /// The queue stays unless the settings change; then it is worked off before the new one.
    pub(super) fn reload(&mut self, mail: &Mail, router_id: Option<&str>) {
        let host = router_id.map_or_else(host_name, str::to_owned);
        if self.open.as_ref().is_some_and(|open| open.mail == *mail && open.host == host) {
            return;
        }
        // Its task ends when the sending end is gone and the queue is empty.
        let before = self.open.take().map(|open| open.task).or_else(|| self.earlier.take());
        let usable = mail.server.is_some() && !mail.to.is_empty();
        if usable {
            self.open = open(mail, router_id, before);
        } else {
            self.earlier = before;
        }
    }

    pub(super) fn send(&mut self, subject: String, body: String) {
        let Some(open) = &self.open else { return };
        match open.queue.try_send((subject, body)) {
            Ok(()) if self.dropped > 0 => {
                tracing::warn!("{} mails were dropped, they are taken again", self.dropped);
                self.dropped = 0;
            }
            Ok(()) => {}
            Err(TrySendError::Full((subject, _)) | TrySendError::Closed((subject, _))) => {
                if self.dropped == 0 {
                    tracing::error!(
                        "mails are dropped from \"{subject}\" on: {QUEUE} wait for the server"
                    );
                }
                self.dropped += 1;
            }
        }
    }

    pub(super) async fn drain(self) {
        let last = self.open.map(|open| open.task).or(self.earlier);
        if let Some(task) = last
            && let Err(error) = task.await
        {
            tracing::error!("mail: {error}");
        }
    }
}

fn open(mail: &Mail, router_id: Option<&str>, before: Option<JoinHandle<()>>) -> Option<Open> {
    let server = mail.server.clone().filter(|_| !mail.to.is_empty())?;
    let host = router_id.map_or_else(host_name, str::to_owned);
    let letterhead = Letterhead::new(mail, &host);
    let (queue, waiting) = mpsc::channel(QUEUE);
    let settings = mail.clone();
    let task = tokio::spawn(async move {
        if let Some(before) = before
            && let Err(error) = before.await
        {
            tracing::error!("mail: {error}");
        }
        work(settings, server, letterhead, waiting).await;
    });
    Some(Open { mail: mail.clone(), host, queue, task })
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
        let parse = |text: &str| match mailbox(text) {
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
        let agent = HeaderValue::new(HeaderName::new_from_ascii_str("X-Mailer"), MAILER.to_owned());
        let mut letter = Message::builder().raw_header(agent);
        // A subject stays on one line, as keepalived sends it and filters expect it.
        letter = if subject.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            let name = HeaderName::new_from_ascii_str("Subject");
            let (raw, encoded) = (subject.to_owned(), subject.to_owned());
            letter.raw_header(HeaderValue::dangerous_new_pre_encoded(name, raw, encoded))
        } else {
            letter.subject(subject)
        };
        if let Some(from) = &self.from {
            letter = letter.from(from.clone());
        }
        for to in &self.to {
            letter = letter.to(to.clone());
        }
        letter.header(ContentType::TEXT_PLAIN).body(format!("{body}\r\n"))
    }
}

/// `a@b`, or a name and `<a@b>`; the name may have what only quotes protect in a header.
fn mailbox(text: &str) -> Result<Mailbox, lettre::address::AddressError> {
    match text.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) => {
            let name = name.trim().trim_matches('"').to_owned();
            let name = (!name.is_empty()).then_some(name);
            Ok(Mailbox::new(name, address.trim().parse()?))
        }
        None => Ok(Mailbox::new(None, text.trim().parse()?)),
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
        let mut pauses = Backoff::default();
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
                    if attempt == 1 {
                        tracing::warn!(
                            "the mail \"{subject}\" will be tried again: {host} port {port}: {error}"
                        );
                    }
                    sleep(pauses.after_failure()).await;
                }
            }
        }
    }
}
