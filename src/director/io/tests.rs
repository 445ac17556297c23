//! The keeper against a kernel in memory, and the whole executor from start to stop.
use super::{keeper::Keeper, *};
use crate::notify::io::policy;
use crate::{
    base::{Family, Forward},
    config,
    director::End,
    ipvs::{
        Destination, DestinationKey, Service, ServiceKey, Table, Timeouts, io::fake::FakeKernel,
    },
};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

fn key(mark: u32) -> ServiceKey {
    ServiceKey::Mark { family: Family::V4, mark }
}

fn service(weight: u32) -> Arc<Service> {
    let at = DestinationKey { ip: [198, 51, 100, 1].into(), port: 80 };
    let destination = Destination { forward: Forward::Nat, weight, upper: 0, lower: 0 };
    Arc::new(Service {
        scheduler: "rr".into(),
        flags: 0,
        persistence: None,
        destinations: BTreeMap::from([(at, destination)]),
    })
}

fn table(services: &[(u32, u32)]) -> Table {
    Table(services.iter().map(|(mark, weight)| (key(*mark), service(*weight))).collect())
}

struct Rig {
    kernel: FakeKernel,
    keeper: Keeper,
    events: Receiver<Inbound<Event>>,
}

impl Rig {
    fn new(kernel: FakeKernel, global: GlobalDefs) -> Self {
        let (sender, events) = mpsc::channel(8);
        let (upward, _) = mpsc::channel(8);
        let opened = kernel.clone();
        let open = move || Ok(opened.clone());
        Self { kernel, keeper: Keeper::start(open, Arc::new(global), sender, upward), events }
    }

    async fn event(&mut self) -> Event {
        match self.events.recv().await {
            Some(Inbound::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    async fn until(&self, done: impl Fn(&FakeKernel) -> bool) {
        while !done(&self.kernel) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn end(&mut self, end: End) {
        self.keeper.end(end);
        assert_eq!(self.event().await, Event::Ended);
    }
}

#[tokio::test]
async fn our_services_go_at_the_end_and_others_stay() {
    let mut rig = Rig::new(FakeKernel::new(table(&[(9, 9)])), GlobalDefs::default());
    rig.keeper.want(table(&[(1, 5)]));
    rig.until(|kernel| kernel.state().table == table(&[(1, 5), (9, 9)])).await;
    rig.end(End::Remove).await;
    assert_eq!(rig.kernel.state().table, table(&[(9, 9)]));
}

#[tokio::test]
async fn the_end_can_leave_all_or_take_all() {
    for (end, left) in [(End::Leave, table(&[(1, 5), (9, 9)])), (End::Flush, Table::default())] {
        let mut rig = Rig::new(FakeKernel::new(table(&[(9, 9)])), GlobalDefs::default());
        rig.keeper.want(table(&[(1, 5)]));
        rig.until(|kernel| kernel.state().table.0.contains_key(&key(1))).await;
        rig.until(|kernel| kernel.state().table == table(&[(1, 5), (9, 9)])).await;
        rig.end(end).await;
        assert_eq!(rig.kernel.state().table, left, "{end:?}");
    }
}

#[tokio::test]
async fn a_stop_before_the_first_look_still_ends() {
    let mut rig = Rig::new(FakeKernel::default(), GlobalDefs::default());
    rig.keeper.want(table(&[(1, 5)]));
    rig.end(End::Remove).await;
    assert_eq!(rig.kernel.state().table, Table::default());
}

#[tokio::test]
async fn lvs_flush_removes_strangers_and_keeps_what_is_wanted() {
    let global = GlobalDefs { lvs_flush: true, ..GlobalDefs::default() };
    let rig = Rig::new(FakeKernel::new(table(&[(1, 5), (9, 9)])), global);
    rig.keeper.want(table(&[(1, 5), (2, 1)]));
    rig.until(|kernel| kernel.state().table == table(&[(1, 5), (2, 1)])).await;
    let touched = rig.kernel.state().log.iter().any(|step| step.key() == key(1));
    assert!(!touched, "a service that stays was touched");
}

#[tokio::test]
async fn timeouts_are_set_and_put_back() {
    let global = GlobalDefs { lvs_timeouts: Some((1, 2, 3)), ..GlobalDefs::default() };
    let mut rig = Rig::new(FakeKernel::default(), global);
    rig.keeper.want(table(&[(1, 5)]));
    let set = Some(Timeouts { tcp: 1, tcp_fin: 2, udp: 3 });
    rig.until(|kernel| kernel.state().timeouts == set).await;
    rig.end(End::Remove).await;
    let before = Some(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 });
    assert_eq!(rig.kernel.state().timeouts, before);
}

#[tokio::test]
async fn a_failed_call_is_reported_and_tried_again() {
    let kernel = FakeKernel::default();
    kernel.state().fail_next = true;
    let mut rig = Rig::new(kernel, GlobalDefs::default());
    rig.keeper.want(table(&[(1, 5)]));
    let Event::KernelError(Some(text)) = rig.event().await else { panic!("no error") };
    assert!(text.contains("list the services"), "{text}");
    assert_eq!(rig.event().await, Event::KernelError(None));
    assert_eq!(rig.kernel.state().table, table(&[(1, 5)]));
}

struct Quiet(ProbeContext);

impl World for Quiet {
    fn first_numbers(&mut self, _: &[TrackFile]) -> Vec<(String, i64)> {
        vec![]
    }

    fn watch_files(&mut self, _: Vec<TrackFile>) {}

    fn notify(&mut self, _: Notification) {}

    fn probe_context(&mut self) -> ProbeContext {
        self.0.clone()
    }

    fn watch_addresses(&mut self) {}

    async fn finish(&mut self) {}
}

#[tokio::test]
async fn a_sync_daemon_that_follows_nobody_runs_both_ways() {
    let daemon = |id| config::model::SyncDaemon {
        interface: "eth0".into(),
        instance: None,
        id,
        max_length: None,
        port: Some(8849),
        ttl: None,
        group: None,
    };
    let global = |id| GlobalDefs { sync_daemon: Some(daemon(id)), ..GlobalDefs::default() };
    let runs = |kernel: &FakeKernel| -> Vec<(u32, u8)> {
        kernel.state().daemons.iter().map(|d| (d.role.number(), d.id)).collect()
    };
    let mut rig = Rig::new(FakeKernel::default(), global(Some(7)));
    rig.keeper.want(table(&[(1, 5)]));
    rig.until(|kernel| runs(kernel) == [(1, 7), (2, 7)]).await;
    // Somebody stops one: it runs again.
    rig.kernel.state().daemons.pop();
    rig.until(|kernel| runs(kernel) == [(1, 7), (2, 7)]).await;
    rig.keeper.settings(Arc::new(global(None)));
    rig.until(|kernel| runs(kernel) == [(1, 0), (2, 0)]).await;
    rig.keeper.settings(Arc::new(GlobalDefs::default()));
    rig.until(|kernel| runs(kernel).is_empty()).await;
    rig.keeper.settings(Arc::new(global(None)));
    rig.until(|kernel| runs(kernel).len() == 2).await;
    rig.end(End::Leave).await;
    assert!(runs(&rig.kernel).is_empty());
}

#[tokio::test]
async fn from_start_to_stop() {
    let text = "virtual_server 192.0.2.1 80 {\n protocol TCP\n delay_loop 1\n real_server 127.0.0.1 1 {\n\
                warmup 0\n TCP_CHECK {\n connect_timeout 1\n retry 0\n }\n }\n\
                real_server 192.0.2.3 80 {\n }\n}\n";
    let (config, found) = config::parse(&config::source::Sources::from_text("t", text));
    assert!(!found.has_errors(), "{found:?}");
    let kernel = FakeKernel::default();
    let (events, inbox) = mpsc::channel(64);
    let (upward, mut answers) = mpsc::channel(8);
    let ends = Ends { inbox, events: events.clone(), upward };
    let opened = kernel.clone();
    let world = Quiet(ProbeContext::new(&config.director.tls, policy(&config.global)).unwrap());
    let configured = (config.director, config.global);
    let running =
        tokio::spawn(run(configured, Options::default(), ends, move || Ok(opened.clone()), world));
    let servers = |kernel: &FakeKernel| kernel.state().table.destinations();
    // Nobody listens on port 1, so one of two is taken out.
    while servers(&kernel) != 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while servers(&kernel) != 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    events.send(Inbound::Mark(Mark::Ping(7))).await.unwrap();
    assert_eq!(answers.recv().await, Some(Upward::Reached(Mark::Ping(7))));
    events.send(Inbound::Event(Event::ReportStatus(3))).await.unwrap();
    let Some(Upward::Status(3, status)) = answers.recv().await else { panic!("no status") };
    let servers = &status.virtual_servers[0].real_servers;
    assert_eq!(servers[0].active_connections, None, "not in the table");
    assert_eq!(servers[1].active_connections, Some(0));
    assert!(servers[0].checkers[0].reason.contains("refused"), "{servers:?}");
    let text = text.replace("192.0.2.3 80 {\n", "192.0.2.3 80 {\n weight 5\n");
    let (config, _) = config::parse(&config::source::Sources::from_text("t", &text));
    let reload = Event::Reload(config.director, config.global);
    events.send(Inbound::Event(reload)).await.unwrap();
    events.send(Inbound::Mark(Mark::Configured)).await.unwrap();
    assert_eq!(answers.recv().await, Some(Upward::Reached(Mark::Configured)));
    let wanted = kernel.state().table.clone();
    let destinations = wanted.0.values().flat_map(|service| service.destinations.values());
    let weights: Vec<u32> = destinations.map(|destination| destination.weight).collect();
    assert_eq!(weights, [5], "whoever is told that it is configured finds it so");
    kernel.state().table = Table::default();
    let (config, _) = config::parse(&config::source::Sources::from_text("t", &text));
    let reload = Event::Reload(config.director, config.global);
    events.send(Inbound::Event(reload)).await.unwrap();
    events.send(Inbound::Mark(Mark::Configured)).await.unwrap();
    assert_eq!(answers.recv().await, Some(Upward::Reached(Mark::Configured)));
    assert_eq!(kernel.state().table, wanted, "also where a hand has undone it");
    events.send(Inbound::Event(Event::Stop)).await.unwrap();
    assert_eq!(running.await.unwrap(), 0);
    assert_eq!(kernel.state().table, Table::default());
}
