//! The snapshot as people read it in a terminal.
use super::{BfdSessionStatus, InstanceStatus, RealServerStatus, Snapshot, VirtualServerStatus};
use std::{fmt::Write, time::Duration};

/// Plain text, a line per object, ends with a newline.
#[must_use]
pub fn render(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for note in &snapshot.notes {
        line(&mut text, format_args!("note: {note}"));
    }
    if let Some(vrrp) = &snapshot.vrrp {
        for instance in &vrrp.instances {
            add_instance(&mut text, instance);
        }
        for group in &vrrp.sync_groups {
            line(
                &mut text,
                format_args!(
                    "vrrp_sync_group {}  {}  ({})",
                    group.name,
                    group.state,
                    group.members.join(", ")
                ),
            );
        }
    }
    for session in snapshot.bfd.iter().flat_map(|bfd| &bfd.sessions) {
        add_session(&mut text, session);
    }
    if let Some(director) = &snapshot.director {
        if let Some(error) = &director.kernel_error {
            line(&mut text, format_args!("note: the kernel refuses a part of the table: {error}"));
        }
        for service in &director.virtual_servers {
            add_service(&mut text, service);
        }
    }
    if text.is_empty() {
        text.push_str("nothing is configured\n");
    }
    text
}

fn add_instance(text: &mut String, instance: &InstanceStatus) {
    let priority = if instance.priority == instance.base_priority {
        instance.priority.to_string()
    } else {
        format!("{} (base {})", instance.priority, instance.base_priority)
    };
    line(
        text,
        format_args!(
            "vrrp_instance {}  {} for {}  priority {priority}  {} vrid {}",
            instance.name,
            instance.state,
            duration(instance.since),
            instance.interface,
            instance.vrid,
        ),
    );
    if let Some(master) = &instance.master {
        line(text, format_args!("  master     {master}"));
    }
    for fault in &instance.faults {
        line(text, format_args!("  fault      {fault}"));
    }
    line(text, format_args!("  addresses  {}", instance.addresses.join(", ")));
    line(
        text,
        format_args!(
            "  adverts    {} sent, {} received, {} rejected; became master {} times",
            instance.adverts_sent,
            instance.adverts_received,
            instance.rejected,
            instance.became_master,
        ),
    );
}

fn add_session(text: &mut String, session: &BfdSessionStatus) {
    let milliseconds = |microseconds: u64| Duration::from_micros(microseconds).as_secs_f64() * 1e3;
    line(
        text,
        format_args!(
            "bfd_instance {}  {}  neighbour {} ({})  sends every {} ms, down after {} ms  {}",
            session.name,
            session.state,
            session.neighbour,
            session.remote_state,
            milliseconds(session.interval_us),
            milliseconds(session.detection_us),
            session.diagnostic,
        ),
    );
}

fn add_service(text: &mut String, service: &VirtualServerStatus) {
    let quorum = if service.quorum_up { "quorum up" } else { "quorum DOWN" };
    let sorry = if service.sorry_in_use { ", sorry server in use" } else { "" };
    line(
        text,
        format_args!(
            "virtual_server {}  {}  {quorum} ({} of {}){sorry}",
            service.name, service.scheduler, service.weight, service.quorum,
        ),
    );
    for server in &service.real_servers {
        add_server(text, server);
    }
}

fn add_server(text: &mut String, server: &RealServerStatus) {
    let state = if server.alive { "up" } else { "DOWN" };
    let connections = match (server.active_connections, server.inactive_connections) {
        (Some(active), Some(inactive)) => format!("  active {active}  inactive {inactive}"),
        (Some(_) | None, None) | (None, Some(_)) => "  not in the kernel's table".to_owned(),
    };
    line(
        text,
        format_args!(
            "  {}  {state}  weight {}  {}{connections}",
            server.name, server.weight, server.forward,
        ),
    );
    for checker in &server.checkers {
        let state = if checker.up { "up" } else { "DOWN" };
        let when = checker
            .checked
            .map_or_else(|| "not yet".to_owned(), |ago| format!("{} ago", duration(ago)));
        let reason =
            if checker.reason.is_empty() { String::new() } else { format!(": {}", checker.reason) };
        line(text, format_args!("    {}  {state}, checked {when}{reason}", checker.kind));
    }
}

/// `59s`, `12m30s`, `3h05m`, `2d04h`.
fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    if text.write_fmt(arguments).is_ok() {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{BfdStatus, CheckerStatus, DirectorStatus, VrrpStatus};

    #[test]
    fn a_page_reads_as_intended() {
        let snapshot = Snapshot {
            bfd: Some(BfdStatus {
                sessions: vec![BfdSessionStatus {
                    name: "b".into(),
                    neighbour: "192.0.2.2".into(),
                    state: "Up".into(),
                    remote_state: "Up".into(),
                    diagnostic: "No Diagnostic".into(),
                    interval_us: 10_000,
                    detection_us: 51_500,
                }],
            }),
            vrrp: Some(VrrpStatus {
                instances: vec![InstanceStatus {
                    name: "VI_1".into(),
                    interface: "eth0".into(),
                    vrid: 51,
                    state: "BACKUP".into(),
                    since: 125,
                    priority: 80,
                    base_priority: 100,
                    master: Some("192.0.2.2".into()),
                    addresses: vec!["192.0.2.10/24 dev eth0".into()],
                    faults: vec![],
                    adverts_sent: 3,
                    adverts_received: 40,
                    became_master: 1,
                    rejected: 2,
                    ..InstanceStatus::default()
                }],
                sync_groups: vec![],
                held: Default::default(),
            }),
            director: Some(DirectorStatus {
                virtual_servers: vec![VirtualServerStatus {
                    at: None,
                    family: None,
                    name: "[192.0.2.10]:tcp:80".into(),
                    scheduler: "rr".into(),
                    quorum_up: true,
                    quorum: 1,
                    weight: 1,
                    sorry_in_use: false,
                    real_servers: vec![RealServerStatus {
                        base_weight: None,
                        name: "[192.0.2.21]:tcp:80".into(),
                        alive: true,
                        weight: 1,
                        forward: "Route".into(),
                        checkers: vec![CheckerStatus {
                            kind: "HTTP_GET".into(),
                            up: true,
                            checked: Some(2),
                            reason: "status 200".into(),
                        }],
                        active_connections: Some(4),
                        inactive_connections: Some(0),
                    }],
                }],
                kernel_error: None,
            }),
            notes: vec!["the last reload was refused: line 3".into()],
        };
        let expected = "\
note: the last reload was refused: line 3
vrrp_instance VI_1  BACKUP for 2m05s  priority 80 (base 100)  eth0 vrid 51
  master     192.0.2.2
  addresses  192.0.2.10/24 dev eth0
  adverts    3 sent, 40 received, 2 rejected; became master 1 times
bfd_instance b  Up  neighbour 192.0.2.2 (Up)  sends every 10 ms, down after 51.5 ms  No Diagnostic
virtual_server [192.0.2.10]:tcp:80  rr  quorum up (1 of 1)
  [192.0.2.21]:tcp:80  up  weight 1  Route  active 4  inactive 0
    HTTP_GET  up, checked 2s ago: status 200
";
        assert_eq!(render(&snapshot), expected);
        assert_eq!(render(&Snapshot::default()), "nothing is configured\n");
    }

    #[test]
    fn durations_have_two_units() {
        let shown: Vec<String> = [5, 60, 3725, 100_000].map(duration).into();
        assert_eq!(shown, ["5s", "1m00s", "1h02m", "1d03h"]);
    }
}
