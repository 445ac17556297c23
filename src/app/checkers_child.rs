//! The checkers process: the machine of `director`, with the real kernel, probes, scripts and mail
//! around it.
use super::{
    child::{self, Answers, ChildError, Link, Order},
    cli::RunArgs,
    places,
};
use crate::{
    checkers::io::ProbeContext,
    config::{Config, model::TrackFile},
    director::{
        Event, Options,
        io::{Ends, Upward, World},
    },
    ipc::{Child, ToParent},
    ipvs::io::netlink::Netlink,
    machine::io::Inbound,
    net::io::monitor::{self, Monitor},
    notify::{
        Notification,
        io::{Notifier, Plane, policy},
    },
    trackers::{
        News, Reading, Subject,
        io::{Watch, files},
    },
};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// Events that wait while the machine is busy: senders wait in turn.
const INBOX: usize = 1024;
/// For what was notified at the end.
const LAST_MOMENT: Duration = Duration::from_secs(1);

pub(super) fn run(arguments: &RunArgs) -> u8 {
    child::run(arguments, Child::Checkers, "ldirector_checkers", async |config, link, answers| {
        turn(arguments, config, link, answers).await
    })
}

async fn turn(
    arguments: &RunArgs,
    config: Config,
    link: Link,
    answers: Answers,
) -> Result<u8, ChildError> {
    let (events, inbox) = mpsc::channel::<Inbound<Event>>(INBOX);
    let probes = probe_context(&config, None).map_err(ChildError::Identity)?;
    let shared = Arc::new(Mutex::new(Shared {
        notifier: Some(Notifier::start(&config.global, Plane::Lvs)),
        probes,
    }));
    let (numbers, mut read) = mpsc::channel(64);
    let world = Host {
        shared: Arc::clone(&shared),
        events: events.clone(),
        monitor: None,
        numbers,
        files: None,
    };
    let inbox_of_files = events.clone();
    tokio::spawn(async move {
        while let Some(News { subject, reading }) = read.recv().await {
            let (Subject::File(name), Reading::Number(number)) = (subject, reading) else {
                continue;
            };
            let event = Event::FileRead { name, number };
            if inbox_of_files.send(Inbound::Event(event)).await.is_err() {
                return;
            }
        }
    });
    child::obey(link, events.clone(), move |order| match order {
        Order::Reload(config) => {
            reload(&shared, &config);
            Event::Reload(config.director, config.global)
        }
        Order::ReportStatus(number) => Event::ReportStatus(number),
        Order::Bfd { name, up } => Event::Bfd { name, up },
        Order::Stop => Event::Stop,
    });
    let (upward, mut reports) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(report) = reports.recv().await {
            answers.send(match report {
                Upward::Reached(mark) => child::reached(mark),
                Upward::Status(number, status) => ToParent::Director(number, status),
            });
        }
    });
    let options = Options { keep_table: arguments.dont_release_ipvs, seed: seed() };
    let ends = Ends { inbox, events, upward };
    let namespace = places::ipvs_namespace(&config.global);
    let open = move || Netlink::start_in(namespace.clone());
    let configured = (config.director, config.global);
    Ok(crate::director::io::run(configured, options, ends, open, world).await)
}

/// A client certificate that cannot be read stops nothing but SSL_GET.
fn probe_context(config: &Config, before: Option<&ProbeContext>) -> Result<ProbeContext, String> {
    let probes = ProbeContext::of(&config.director, policy(&config.global))?;
    let Some(why) = probes.no_identity() else { return Ok(probes) };
    if let Some(probes) = before.and_then(|before| probes.with_identity_of(before)) {
        tracing::error!("SSL: {why}; the client certificate stays what it was");
        return Ok(probes);
    }
    tracing::error!(
        "SSL: {why}; SSL_GET checks nothing until this is mended and a reload reads it"
    );
    Ok(probes)
}

fn reload(shared: &Mutex<Shared>, config: &Config) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(notifier) = &mut shared.notifier {
        notifier.reload(&config.global, Plane::Lvs);
    }
    match probe_context(config, Some(&shared.probes)) {
        Ok(probes) => shared.probes = probes,
        Err(reason) => tracing::error!("SSL: {reason}"),
    }
}

/// Spreads first probes differently each time.
fn seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

struct Shared {
    /// None after the end.
    notifier: Option<Notifier>,
    probes: ProbeContext,
}

struct Host {
    shared: Arc<Mutex<Shared>>,
    events: mpsc::Sender<Inbound<Event>>,
    monitor: Option<Monitor>,
    numbers: mpsc::Sender<News>,
    files: Option<Watch>,
}

impl World for Host {
    fn first_numbers(&mut self, list: &[TrackFile]) -> Vec<(String, i64)> {
        files::initialise(list, true);
        files::read_all(list)
    }

    fn watch_files(&mut self, list: Vec<TrackFile>) {
        files::initialise(&list, false);
        self.files = (!list.is_empty()).then(|| files::watch(list, self.numbers.clone()));
    }

    fn notify(&mut self, notification: Notification) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notifier) = &mut shared.notifier {
            notifier.deliver(notification);
        }
    }

    fn probe_context(&mut self) -> ProbeContext {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).probes.clone()
    }

    fn watch_addresses(&mut self) {
        let (tell, mut news) = mpsc::channel(64);
        self.monitor = Some(monitor::watch(tell));
        let events = self.events.clone();
        tokio::spawn(async move {
            while let Some(news) = news.recv().await {
                if events.send(Inbound::Event(Event::Net(news))).await.is_err() {
                    return;
                }
            }
        });
    }

    async fn finish(&mut self) {
        self.files = None;
        let notifier = self.shared.lock().unwrap_or_else(PoisonError::into_inner).notifier.take();
        if let Some(notifier) = notifier {
            notifier.finish(LAST_MOMENT).await;
        }
    }
}
