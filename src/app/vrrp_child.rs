//! The VRRP process: the machine of `vrrp`, with the real network, scripts and mail around it.
use super::{
    child::{self, Answers, ChildError, Link, Order},
    cli::RunArgs,
    places,
};
use crate::{
    base::{InterfaceAddress, LinkIndex, OwnLink, Route, Rule},
    config::{
        Config,
        model::{GlobalDefs, TrackFile, TrackProcess, TrackScript},
    },
    ipc::{Child, ToParent},
    ipvs::{
        DaemonRole, SyncDaemon,
        io::{IpvsError, IpvsKernel, netlink::Netlink},
    },
    machine::io::Inbound,
    net::{
        filter::Filter,
        io::{
            NetError, Network,
            announce::{Announcer, Burst, Target},
            filter::Filters,
            monitor,
            own_links::OwnLinks,
        },
    },
    notify::{
        Notification,
        io::{Notifier, Plane, policy},
    },
    scripts::Policy,
    trackers::{
        News, Reading, Subject,
        io::{Watch, files, processes, scripts},
    },
    vrrp::{
        Announcement, Event, SyncOrder, SyncRole, Tuning,
        io::{Detail, Upward, World},
    },
};
use std::{
    collections::HashMap,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// Events that wait while the machine is busy: senders wait in turn, sockets drop.
const INBOX: usize = 256;
/// For what was notified at the end.
const LAST_MOMENT: Duration = Duration::from_secs(3);

pub(super) fn run(arguments: &RunArgs) -> u8 {
    child::run(arguments, Child::Vrrp, "ldirector_vrrp", async |config, link, answers| {
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
    let (tracked, mut watched) = mpsc::channel(64);
    let network = Network::connect()?;
    let shared = Arc::new(Shared {
        notifier: Mutex::new(Some(Notifier::start(&config.global, Plane::Vrrp))),
        policy: Mutex::new(Arc::new(policy(&config.global))),
    });
    let world = Host {
        announcer: Announcer::start(network.clone()),
        own_links: OwnLinks::new(network.clone()),
        network,
        filters: Filters::default(),
        placed: HashMap::new(),
        ipvs: None,
        ipvs_namespace: places::ipvs_namespace(&config.global),
        shared: Arc::clone(&shared),
        tracked,
        watches: HashMap::new(),
        files: None,
        processes: None,
    };
    let (tell, mut news) = mpsc::channel(INBOX);
    let _monitor = monitor::watch(tell);
    let inbox_of_news = events.clone();
    tokio::spawn(async move {
        while let Some(news) = news.recv().await {
            if inbox_of_news.send(Inbound::Event(Event::Net(news))).await.is_err() {
                return;
            }
        }
    });
    let inbox_of_trackers = events.clone();
    tokio::spawn(async move {
        while let Some(news) = watched.recv().await {
            if inbox_of_trackers.send(Inbound::Event(Event::Tracker(news))).await.is_err() {
                return;
            }
        }
    });
    let keep = arguments.dont_release_vrrp;
    child::obey(link, events.clone(), move |order| match order {
        Order::Reload(config) => {
            shared.reload(&config.global);
            Event::Reload(config.vrrp, config.global)
        }
        Order::ReportStatus(number) => Event::ReportStatus(number),
        Order::Bfd { name, up } => {
            Event::Tracker(News { subject: Subject::Bfd(name), reading: Reading::of(up) })
        }
        Order::Stop if keep => Event::Leave,
        Order::Stop => Event::Stop,
    });
    let (upward, mut reports) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(report) = reports.recv().await {
            answers.send(match report {
                Upward::Reached(mark) => child::reached(mark),
                Upward::Status(number, status) => ToParent::Vrrp(number, status),
            });
        }
    });
    let Config { vrrp, global, director, bfd: _ } = config;
    // Thousands of real servers are the other process's business.
    drop(director);
    let detail = if arguments.log_detail { Detail::All } else { Detail::Usual };
    Ok(crate::vrrp::io::run(vrrp, global, inbox, events, upward, world, detail).await)
}

/// What a reload changes behind the machine's back.
struct Shared {
    /// None after the end.
    notifier: Mutex<Option<Notifier>>,
    policy: Mutex<Arc<Policy>>,
}

impl Shared {
    fn reload(&self, global: &GlobalDefs) {
        if let Some(notifier) = &mut *self.notifier.lock().unwrap_or_else(PoisonError::into_inner) {
            notifier.reload(global, Plane::Vrrp);
        }
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(policy(global));
    }
}

/// This machine, as the VRRP machine's orders change it.
struct Host {
    network: Network,
    own_links: OwnLinks,
    filters: Filters,
    /// Where addresses are that we have added: an interface may have got another name since.
    placed: HashMap<(String, IpAddr), LinkIndex>,
    announcer: Announcer,
    /// Opened when the first sync daemon is ordered.
    ipvs: Option<Netlink>,
    ipvs_namespace: Option<PathBuf>,
    shared: Arc<Shared>,
    tracked: mpsc::Sender<News>,
    watches: HashMap<String, Watch>,
    files: Option<Watch>,
    processes: Option<Watch>,
}

#[derive(Debug, thiserror::Error)]
enum HostError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Ipvs(#[from] IpvsError),
    #[error("IPVS: {0}")]
    Thread(std::io::Error),
}

impl World for Host {
    type Error = HostError;

    async fn add_address(&mut self, address: &InterfaceAddress) -> Result<(), HostError> {
        let index = self.network.add_address(address).await?;
        self.placed.insert((address.dev.clone(), address.address), index);
        Ok(())
    }

    async fn remove_address(&mut self, address: &InterfaceAddress) -> Result<(), HostError> {
        let put = self.placed.remove(&(address.dev.clone(), address.address));
        Ok(self.network.remove_address(address, put).await?)
    }

    async fn add_route(&mut self, route: &Route) -> Result<(), HostError> {
        Ok(self.network.add_route(route).await?)
    }

    async fn remove_route(&mut self, route: &Route) -> Result<(), HostError> {
        Ok(self.network.remove_route(route).await?)
    }

    async fn add_rule(&mut self, rule: &Rule) -> Result<(), HostError> {
        Ok(self.network.add_rule(rule).await?)
    }

    async fn remove_rule(&mut self, rule: &Rule) -> Result<(), HostError> {
        Ok(self.network.remove_rule(rule).await?)
    }

    async fn create_link(&mut self, link: &OwnLink) -> Result<(), HostError> {
        self.own_links.create(link).await?;
        tracing::info!("Success creating interface {} on {}", link.name, link.parent);
        Ok(())
    }

    async fn remove_link(&mut self, link: &OwnLink) -> Result<(), HostError> {
        self.own_links.remove(link).await?;
        tracing::info!("Success removing interface {}", link.name);
        Ok(())
    }

    async fn filter(&mut self, filter: &Filter) -> Result<(), HostError> {
        Ok(self.filters.replace(filter).await?)
    }

    fn tune(&mut self, tuning: &Tuning) {
        match tuning {
            Tuning::PromoteSecondaries(interface) => self.own_links.promote_secondaries(interface),
            Tuning::NoLocalIgmp => self.own_links.disable_local_igmp(),
        }
    }

    fn untune(&mut self) {
        self.own_links.restore();
    }

    async fn sync_daemon(&mut self, order: &SyncOrder) -> Result<(), HostError> {
        let ipvs = match &mut self.ipvs {
            Some(ipvs) => ipvs,
            None => {
                let opened = Netlink::start_in(self.ipvs_namespace.clone());
                self.ipvs.insert(opened.map_err(HostError::Thread)?)
            }
        };
        let role = |role| match role {
            SyncRole::Master => DaemonRole::Master,
            SyncRole::Backup => DaemonRole::Backup,
        };
        match order {
            SyncOrder::Start { role: which, daemon, id } => {
                let daemon = SyncDaemon {
                    role: role(*which),
                    interface: daemon.interface.clone(),
                    id: *id,
                    max_length: daemon.max_length,
                    port: daemon.port,
                    ttl: daemon.ttl,
                    group: daemon.group,
                };
                Ok(ipvs.start_daemon(daemon).await?)
            }
            SyncOrder::Stop { role: which, .. } => Ok(ipvs.stop_daemon(role(*which)).await?),
        }
    }

    fn announce(&mut self, announcement: Announcement) {
        self.announcer.send(Burst {
            owner: announcement.owner,
            targets: announcement.targets.into_iter().map(burst_target).collect(),
            rounds: announcement.rounds,
        });
    }

    fn cancel_announcements(&mut self, owner: &str) {
        self.announcer.cancel(owner);
    }

    fn notify(&mut self, notification: Notification) {
        let notifier = &mut *self.shared.notifier.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notifier) = notifier {
            notifier.deliver(notification);
        }
    }

    fn watch_script(&mut self, script: TrackScript) {
        let policy = self.shared.policy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let name = script.name.value.clone();
        self.watches.insert(name, scripts::watch(script, policy, self.tracked.clone()));
    }

    fn unwatch_script(&mut self, name: &str) {
        self.watches.remove(name);
    }

    fn watch_files(&mut self, list: Vec<TrackFile>, overwrite: bool) {
        files::initialise(&list, overwrite);
        self.files = (!list.is_empty()).then(|| files::watch(list, self.tracked.clone()));
    }

    fn watch_processes(&mut self, list: Vec<TrackProcess>) {
        self.processes = (!list.is_empty()).then(|| processes::watch(list, self.tracked.clone()));
    }

    async fn finish(&mut self) {
        self.watches.clear();
        self.files = None;
        self.processes = None;
        let notifier = self.shared.notifier.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(notifier) = notifier {
            notifier.finish(LAST_MOMENT).await;
        }
    }
}

fn burst_target(target: crate::vrrp::Target) -> Target {
    let crate::vrrp::Target { interface, address, gap, lane } = target;
    Target { interface, address, gap, lane }
}
