//! The real kernel, where there is one: root on a kernel with IPVS, in a network namespace of its
//! own. Elsewhere it says that it was skipped.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a failing test says where; a skipped one says why"
)]
use ldirector::{
    base::{Family, Forward, Protocol, Tunnel, TunnelChecksum, TunnelKind},
    ipvs::{
        DaemonRole, Destination, DestinationKey, Mask, Next, Observed, Persistence, Reconciler,
        Refusal, Service, ServiceKey, Step, SyncDaemon, Table, Timeouts,
        io::{IpvsError, IpvsKernel, netlink::Netlink},
    },
};
use nix::sched::{CloneFlags, unshare};
use std::{
    collections::BTreeMap,
    future::Future,
    net::IpAddr,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// Runs in a thread with a network namespace of its own, or not at all.
fn in_namespace<F: Future<Output = ()>>(body: impl FnOnce(Netlink) -> F + Send + 'static) {
    let name = thread::current().name().unwrap_or("this case").to_owned();
    let outcome = thread::spawn(move || {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
            println!("skipped: {name}: no network namespace: {error}");
            return;
        }
        // Until some interface is up there is no local routing table, and the kernel takes every IPv4
        // destination for a broadcast address.
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        if !up.is_ok_and(|status| status.success()) {
            println!("skipped: {name}: cannot run `ip link set lo up`");
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut kernel = Netlink::start().unwrap();
            match kernel.dump().await {
                Ok(observed) => {
                    assert_eq!(observed, Observed::default(), "a new namespace has no services");
                    body(kernel).await;
                }
                Err(error @ (IpvsError::Absent { .. } | IpvsError::NotPermitted)) => {
                    println!("skipped: {name}: {error}");
                }
                Err(error) => panic!("{error}: {error:?}"),
            }
        });
    });
    outcome.join().unwrap();
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn destination(weight: u32, forward: Forward) -> Destination {
    Destination { forward, weight, upper: 0, lower: 0 }
}

fn at(text: &str) -> DestinationKey {
    DestinationKey { ip: ip(text), port: 80 }
}

fn tcp(address: &str) -> ServiceKey {
    ServiceKey::Address { protocol: Protocol::Tcp, ip: ip(address), port: 80 }
}

fn service(
    scheduler: &str,
    destinations: impl IntoIterator<Item = (DestinationKey, Destination)>,
) -> Service {
    Service {
        scheduler: scheduler.into(),
        flags: 0,
        persistence: None,
        destinations: destinations.into_iter().collect(),
    }
}

fn table(services: impl IntoIterator<Item = (ServiceKey, Service)>) -> Table {
    Table(services.into_iter().map(|(key, service)| (key, Arc::new(service))).collect())
}

async fn reconcile(reconciler: &mut Reconciler, kernel: &mut Netlink) -> Vec<Step> {
    let mut done = vec![];
    loop {
        match reconciler.what_next() {
            Next::Dump => {
                let observed = kernel.dump().await.unwrap();
                reconciler.observed(observed.table);
            }
            Next::Run(steps) => {
                let results = kernel.run(&steps).await.unwrap();
                reconciler.ran(&steps, &results);
                done.extend(steps);
            }
            Next::Settled => return done,
        }
    }
}

/// Each kind of service and destination that a 6.1 kernel knows.
fn everything() -> Table {
    let persistence = |mask| Persistence { timeout: 300, mask, engine: None };
    let v4 = Mask::V4("255.255.255.0".parse().unwrap());
    let plain = [
        (at("198.51.100.1"), destination(1, Forward::Nat)),
        (at("198.51.100.2"), destination(0, Forward::DirectRoute)),
        (at("198.51.100.3"), Destination { upper: 10, lower: 5, ..destination(3, Forward::Nat) }),
    ];
    let gue = Tunnel { kind: TunnelKind::Gue { port: 6080 }, checksum: TunnelChecksum::Checksum };
    let gre = Tunnel { kind: TunnelKind::Gre, checksum: TunnelChecksum::None };
    let tunnels = [
        (at("198.51.100.1"), destination(1, Forward::Tunnel(Tunnel::IPIP))),
        (at("198.51.100.2"), destination(1, Forward::Tunnel(gue))),
        (at("198.51.100.3"), destination(1, Forward::Tunnel(gre))),
    ];
    let udp = |ip| ServiceKey::Address { protocol: Protocol::Udp, ip, port: 53 };
    let sctp = ServiceKey::Address { protocol: Protocol::Sctp, ip: ip("192.0.2.9"), port: 99 };
    table([
        (tcp("192.0.2.1"), service("wrr", plain)),
        (tcp("192.0.2.2"), service("rr", tunnels)),
        (tcp("192.0.2.3"), Service { persistence: Some(persistence(v4)), ..service("wlc", plain) }),
        (tcp("192.0.2.4"), Service { flags: 0x18, ..service("sh", plain) }),
        (udp(ip("192.0.2.5")), Service { flags: 0x4, ..service("rr", []) }),
        (sctp, service("lc", [])),
        (ServiceKey::Mark { family: Family::V4, mark: 7 }, service("rr", plain)),
        (
            tcp("2001:db8::1"),
            Service {
                persistence: Some(persistence(Mask::V6(64))),
                ..service("rr", [(at("2001:db8::11"), destination(2, Forward::DirectRoute))])
            },
        ),
        (ServiceKey::Mark { family: Family::V6, mark: 7 }, service("rr", [])),
    ])
}

#[test]
fn what_was_wanted_is_what_is_there() {
    in_namespace(|mut kernel| async move {
        let mut reconciler = Reconciler::default();
        reconciler.want(everything());
        reconcile(&mut reconciler, &mut kernel).await;
        let observed = kernel.dump().await.unwrap();
        assert_eq!(observed.table, everything());
        assert_eq!(observed.counters.len(), everything().0.len());

        // A new process adopts all of it without a word.
        let mut second = Reconciler::default();
        second.want(everything());
        assert_eq!(reconcile(&mut second, &mut kernel).await, vec![]);

        // One weight, one message.
        let mut wanted = everything();
        let changed = Arc::make_mut(wanted.0.get_mut(&tcp("192.0.2.1")).unwrap());
        changed.destinations.get_mut(&at("198.51.100.1")).unwrap().weight = 9;
        reconciler.want(wanted.clone());
        let steps = reconcile(&mut reconciler, &mut kernel).await;
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert_eq!(kernel.dump().await.unwrap().table, wanted);

        // Everything about a service but its key, and every method, by edits alone.
        let mut wanted = everything();
        for service in wanted.0.values_mut() {
            let service = Arc::make_mut(service);
            service.scheduler = "wlc".into();
            service.flags = 0;
            service.persistence = None;
            for destination in service.destinations.values_mut() {
                *destination = Destination { forward: Forward::Nat, weight: 4, upper: 2, lower: 1 };
            }
        }
        reconciler.want(wanted.clone());
        for step in reconcile(&mut reconciler, &mut kernel).await {
            assert!(
                matches!(step, Step::EditService { .. } | Step::EditDestination { .. }),
                "{step}"
            );
        }
        assert_eq!(kernel.dump().await.unwrap().table, wanted);

        reconciler.want(Table::default());
        reconcile(&mut reconciler, &mut kernel).await;
        assert_eq!(kernel.dump().await.unwrap(), Observed::default());
    });
}

#[test]
fn foreign_services_stay_and_drift_is_healed() {
    in_namespace(|mut kernel| async move {
        let foreign =
            Step::AddService { key: tcp("192.0.2.77"), service: Arc::new(service("rr", [])) };
        assert_eq!(kernel.run(&[foreign]).await.unwrap(), vec![Ok(())]);
        let ours = [
            (at("198.51.100.1"), destination(1, Forward::Nat)),
            (at("198.51.100.2"), destination(1, Forward::Nat)),
        ];
        let wanted = table([(tcp("192.0.2.1"), service("rr", ours))]);
        let mut reconciler = Reconciler::default();
        reconciler.want(wanted);
        reconcile(&mut reconciler, &mut kernel).await;
        let meddling = [
            Step::DeleteDestination { service: tcp("192.0.2.1"), at: at("198.51.100.1") },
            Step::AddDestination {
                service: tcp("192.0.2.1"),
                at: at("198.51.100.9"),
                destination: destination(1, Forward::Nat),
            },
        ];
        assert_eq!(kernel.run(&meddling).await.unwrap(), vec![Ok(()); 2]);
        reconciler.verify();
        assert_eq!(reconciler.what_next(), Next::Dump);
        let drift = reconciler.observed(kernel.dump().await.unwrap().table);
        assert_eq!(drift.len(), 2, "{drift:?}");
        reconcile(&mut reconciler, &mut kernel).await;
        let healed = kernel.dump().await.unwrap().table;
        assert_eq!(**healed.service(&tcp("192.0.2.1")).unwrap(), service("rr", ours));
        reconciler.want(Table::default());
        reconcile(&mut reconciler, &mut kernel).await;
        let left: Vec<_> = kernel.dump().await.unwrap().table.0.into_keys().collect();
        assert_eq!(left, vec![tcp("192.0.2.77")]);
    });
}

#[test]
fn each_refusal_has_its_errno_and_the_rest_is_done() {
    in_namespace(|mut kernel| async move {
        let key = tcp("192.0.2.1");
        let add =
            |scheduler: &str| Step::AddService { key, service: Arc::new(service(scheduler, [])) };
        let place = at("198.51.100.1");
        let with = |destination| Step::AddDestination { service: key, at: place, destination };
        let edit = |at| Step::EditDestination {
            service: key,
            at,
            destination: destination(1, Forward::Nat),
        };
        let steps = [
            add("nosuch"),
            with(destination(1, Forward::Nat)),
            add("rr"),
            add("rr"),
            with(Destination { upper: 1, lower: 2, ..destination(1, Forward::Nat) }),
            with(destination(1, Forward::Nat)),
            with(destination(1, Forward::DirectRoute)),
            edit(at("198.51.100.2")),
            edit(at("198.51.100.1")),
            Step::AddDestination {
                service: key,
                at: at("224.0.0.1"),
                destination: destination(1, Forward::Nat),
            },
            Step::DeleteDestination { service: key, at: at("198.51.100.2") },
            Step::DeleteService { key: tcp("192.0.2.2") },
        ];
        let expected = vec![
            Err(Refusal::ENOENT),
            Err(Refusal::ESRCH),
            Ok(()),
            Err(Refusal::EEXIST),
            Err(Refusal::ERANGE),
            Ok(()),
            Err(Refusal::EEXIST),
            Err(Refusal::ENOENT),
            Ok(()),
            Err(Refusal::EINVAL),
            Err(Refusal::ENOENT),
            Err(Refusal::ESRCH),
        ];
        assert_eq!(kernel.run(&steps).await.unwrap(), expected);
    });
}

#[test]
fn ten_thousand_destinations_in_pipelined_batches() {
    in_namespace(|mut kernel| async move {
        let servers = |service: u32| {
            (0..10_u32).map(move |server| {
                let ip = IpAddr::from((0x0a00_0000 + service * 16 + server + 1).to_be_bytes());
                (DestinationKey { ip, port: 80 }, destination(1, Forward::DirectRoute))
            })
        };
        let key = |mark| ServiceKey::Mark { family: Family::V4, mark };
        let wanted = table((1..=1000).map(|mark| (key(mark), service("rr", servers(mark)))));
        let mut reconciler = Reconciler::default();
        reconciler.want(wanted.clone());
        let start = Instant::now();
        let steps = reconcile(&mut reconciler, &mut kernel).await;
        let applied = start.elapsed();
        assert_eq!(steps.len(), 11_000);
        let start = Instant::now();
        assert_eq!(kernel.dump().await.unwrap().table, wanted);
        println!("11,000 steps in {applied:?}, dump in {:?}", start.elapsed());
        assert!(applied < Duration::from_secs(20), "{applied:?}");
        kernel.flush().await.unwrap();
        assert_eq!(kernel.dump().await.unwrap(), Observed::default());
    });
}

#[test]
fn timeouts_and_sync_daemons() {
    in_namespace(|mut kernel| async move {
        let wanted = Timeouts { tcp: 100, tcp_fin: 20, udp: 30 };
        kernel.set_timeouts(wanted).await.unwrap();
        assert_eq!(kernel.timeouts().await.unwrap(), wanted);
        kernel.set_timeouts(Timeouts { tcp: 0, tcp_fin: 21, udp: 0 }).await.unwrap();
        assert_eq!(kernel.timeouts().await.unwrap(), Timeouts { tcp_fin: 21, ..wanted });
        let daemon = SyncDaemon {
            role: DaemonRole::Master,
            interface: "no-such-link".into(),
            id: 1,
            max_length: None,
            port: None,
            ttl: None,
            group: None,
        };
        match kernel.start_daemon(daemon).await {
            Err(IpvsError::Refused { refusal: Refusal::ENODEV, .. }) => {}
            other => panic!("{other:?}"),
        }
        kernel.stop_daemon(DaemonRole::Backup).await.unwrap();
    });
}

#[test]
fn the_tables_of_two_handles_are_one() {
    in_namespace(|mut kernel| async move {
        let mut other = Netlink::start().unwrap();
        let key = tcp("192.0.2.1");
        let add = Step::AddService { key, service: Arc::new(service("rr", [])) };
        assert_eq!(kernel.run(&[add]).await.unwrap(), vec![Ok(())]);
        let seen: BTreeMap<_, _> = other.dump().await.unwrap().table.0;
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), vec![key]);
    });
}
