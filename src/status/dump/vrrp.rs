//! Instances and sync groups.
use super::{Facts, Page, command, micros};
use crate::{
    config::model::{Authentication, GarpSchedule, NotifyScripts, Version, VrrpInstance},
    status::InstanceStatus,
};
use std::time::Duration;

pub(super) fn add(page: &mut Page, facts: &Facts<'_>) {
    let status = facts.snapshot.vrrp.as_ref();
    page.heading(0, "VRRP Topology");
    for instance in &facts.config.vrrp.instances {
        let known = status.and_then(|s| s.instances.iter().find(|i| i.name == instance.name.value));
        let group =
            facts.config.vrrp.sync_groups.iter().find(|group| {
                group.members.iter().any(|member| member.value == instance.name.value)
            });
        page.line(1, format_args!("VRRP Instance = {}", instance.name.value));
        let version = if instance.version == Version::V2 { 2 } else { 3 };
        page.line(3, format_args!("VRRP Version = {version}"));
        page.optional(3, "Sync group", group.map(|group| &group.name.value));
        state(page, instance, known, facts.clock);
        settings(page, instance);
        addresses(page, instance, known);
        notify(page, &instance.notify, instance.smtp_alert);
    }
    scripts(page, facts);
    page.heading(0, "VRRP Sync groups");
    for group in &facts.config.vrrp.sync_groups {
        let known = status.and_then(|s| s.sync_groups.iter().find(|g| g.name == group.name.value));
        let state = known.map_or("UNKNOWN", |known| known.state.as_str());
        page.line(1, format_args!("VRRP Sync Group = {}, {state}", group.name.value));
        page.line(3, format_args!("VRRP member instances :"));
        for member in &group.members {
            page.line(5, format_args!("{}", member.value));
        }
        notify(page, &group.notify, group.smtp_alert);
    }
}

fn state(
    page: &mut Page,
    instance: &VrrpInstance,
    known: Option<&InstanceStatus>,
    clock: Duration,
) {
    let wish = if instance.wants_master { "MASTER" } else { "BACKUP" };
    let Some(known) = known else {
        page.line(3, format_args!("State = UNKNOWN"));
        return;
    };
    page.line(3, format_args!("State = {}", known.state));
    page.line(3, format_args!("Wantstate = {wish}"));
    page.optional(3, "Master router", known.master.as_ref());
    page.line(3, format_args!("Number of faults = {}", known.faults.len()));
    for fault in &known.faults {
        page.line(5, format_args!("{fault}"));
    }
    let since = clock.saturating_sub(Duration::from_secs(known.since));
    let (last, ago) = (micros(since), known.since);
    page.line(3, format_args!("Last transition = {last} ({ago} seconds ago)"));
    page.line(3, format_args!("Effective priority = {}", known.priority));
    page.line(3, format_args!("Total priority = {}", known.priority));
}

fn settings(page: &mut Page, instance: &VrrpInstance) {
    page.line(3, format_args!("Interface = {}", instance.interface.value));
    page.optional(3, "Using src_ip", instance.source);
    match &instance.unicast {
        None => page.line(3, format_args!("Multicast address {}", instance.multicast_group)),
        Some(unicast) => {
            page.line(3, format_args!("Unicast Peer ({}):", unicast.peers.len()));
            for peer in &unicast.peers {
                page.line(5, format_args!("{}", peer.address));
            }
        }
    }
    garp(page, &instance.garp);
    let yes = |flag: bool| if flag { "enabled" } else { "disabled" };
    page.line(3, format_args!("Down timer adverts = {}", instance.down_timer_adverts));
    let (lower, higher) = (!instance.lower_prio_no_advert, instance.higher_prio_send_advert);
    page.line(3, format_args!("Send advert after receive lower priority advert = {lower}"));
    page.line(3, format_args!("Send advert after receive higher priority advert = {higher}"));
    page.line(3, format_args!("Virtual Router ID = {}", instance.vrid.value.0));
    page.line(3, format_args!("Priority = {}", instance.priority.value.0));
    let interval = instance.advert_interval;
    if interval.subsec_millis() == 0 {
        page.line(3, format_args!("Advert interval = {} sec", interval.as_secs()));
    } else {
        page.line(3, format_args!("Advert interval = {} milli-sec", interval.as_millis()));
    }
    page.line(3, format_args!("Accept = {}", yes(instance.accept)));
    page.line(3, format_args!("Preempt = {}", yes(instance.preempt)));
    if !instance.preempt_delay.is_zero() {
        page.line(3, format_args!("Preempt delay = {} secs", micros(instance.preempt_delay)));
    }
    page.line(3, format_args!("Promote_secondaries = {}", yes(instance.promote_secondaries)));
    // The key itself is nobody's business.
    let kind = match instance.authentication {
        Authentication::None => "none",
        Authentication::Password(_) => "SIMPLE_PASSWORD",
        Authentication::Header(_) => "IPSEC_AH",
    };
    page.line(3, format_args!("Authentication type = {kind}"));
    for tracked in &instance.track_interfaces {
        let (name, weight) = (&tracked.name.value, tracked.weight);
        page.line(3, format_args!("Tracked interface = {name}, weight {weight}"));
    }
    for tracked in &instance.track_scripts {
        let (name, weight) = (&tracked.name.value, tracked.weight);
        page.line(3, format_args!("Tracked script = {name}, weight {weight}"));
    }
}

fn garp(page: &mut Page, garp: &GarpSchedule) {
    page.line(3, format_args!("Gratuitous ARP delay = {}", garp.delay.as_secs()));
    page.line(3, format_args!("Gratuitous ARP repeat = {}", garp.repeat));
    page.line(3, format_args!("Gratuitous ARP refresh = {}", garp.refresh.as_secs()));
    page.line(3, format_args!("Gratuitous ARP refresh repeat = {}", garp.refresh_repeat));
    let delay = garp.lower_prio_delay.as_secs();
    page.line(3, format_args!("Gratuitous ARP lower priority delay = {delay}"));
    page.line(3, format_args!("Gratuitous ARP lower priority repeat = {}", garp.lower_prio_repeat));
}

fn addresses(page: &mut Page, instance: &VrrpInstance, known: Option<&InstanceStatus>) {
    let set = if known.is_some_and(|known| known.state == "MASTER") { " set" } else { "" };
    for (title, list) in
        [("Virtual IP", &instance.addresses), ("Virtual IP Excluded", &instance.excluded)]
    {
        if list.is_empty() {
            continue;
        }
        page.line(3, format_args!("{title} ({}):", list.len()));
        for address in list {
            let prefix = address.prefix();
            page.line(5, format_args!("{prefix} dev {}{set}", address.dev));
        }
    }
    if !instance.routes.is_empty() {
        page.line(3, format_args!("Virtual Routes :"));
    }
    for route in &instance.routes {
        let via = route.via.map(|via| format!(" via {via}")).unwrap_or_default();
        let dev = route.dev.as_ref().map(|dev| format!(" dev {dev}")).unwrap_or_default();
        page.line(5, format_args!("{}{via}{dev}", route.destination));
    }
}

fn notify(page: &mut Page, scripts: &NotifyScripts, mail: bool) {
    page.line(3, format_args!("Using smtp notification = {}", if mail { "yes" } else { "no" }));
    for (what, script) in [
        ("Backup state transition script", &scripts.backup),
        ("Master state transition script", &scripts.master),
        ("Fault state transition script", &scripts.fault),
        ("Stop state transition script", &scripts.stop),
        ("Deleted state transition script", &scripts.deleted),
        ("Master rx lower priority script", &scripts.master_rx_lower_pri),
        ("Generic state transition script", &scripts.any),
    ] {
        page.optional(3, what, script.as_ref().map(command));
    }
    page.line(3, format_args!("Notify priority changes = {}", scripts.priority_changes));
}

fn scripts(page: &mut Page, facts: &Facts<'_>) {
    let scripts = &facts.config.vrrp.scripts;
    if scripts.is_empty() {
        return;
    }
    page.heading(0, "VRRP Scripts");
    for script in scripts {
        page.line(1, format_args!("VRRP Script = {}", script.name.value));
        page.line(3, format_args!("Command = {}", command(&script.script)));
        page.line(3, format_args!("Interval = {} sec", micros(script.interval)));
        page.line(3, format_args!("Timeout = {} sec", micros(script.timeout)));
        page.line(3, format_args!("Weight = {}", script.weight));
        page.line(3, format_args!("Rise = {}", script.rise));
        page.line(3, format_args!("Fall = {}", script.fall));
    }
}
