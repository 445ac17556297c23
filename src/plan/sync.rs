//! The kernel's sync daemons (`lvs_sync_daemon`).
use super::{Act, Cost, Kernel, Mark, Note, Plan, PlannedStep, Remark, Section, Title, network};
use crate::{
    config::model::{self, Config},
    ipvs::{DaemonRole, SyncDaemon},
    status::Snapshot,
};

pub(super) fn compare(
    config: &Config,
    kernel: &Kernel,
    status: Option<&Snapshot>,
    plan: &mut Plan,
) {
    let wanted = wanted(config, status);
    let running = kernel.ipvs.as_ref().map_or(&[][..], |ipvs| &ipvs.daemons);
    let follows = config.global.own_sync_daemon().is_none();
    let held = status.and_then(|s| s.vrrp.as_ref()).is_some_and(|vrrp| vrrp.held.sync_daemon);
    let mut section = Section::new(Title::SyncDaemon);
    let of_role = |role, list: &[SyncDaemon]| list.iter().find(|d| d.role == role).cloned();
    for role in [DaemonRole::Master, DaemonRole::Backup] {
        let start = |daemon| PlannedStep { act: Act::StartSync(daemon), cost: Cost::Nothing };
        let stop = PlannedStep { act: Act::StopSync(role), cost: Cost::Nothing };
        match (of_role(role, running), of_role(role, &wanted)) {
            (None, None) => {}
            (Some(is), Some(wanted)) if is_as_wanted(&is, &wanted) => {
                section.line(Mark::Same, text(&is), None);
            }
            (Some(is), Some(wanted)) => {
                section.line(Mark::Remove, text(&is), None);
                section.line(Mark::Add, text(&wanted), None);
                plan.steps.extend([stop, start(wanted)]);
            }
            // One of our own settings is put right at a reload, one that follows an instance is not.
            (None, Some(wanted)) if follows && held => {
                section.line(Mark::Add, text(&wanted), Some(Remark::Stopped));
            }
            (None, Some(wanted)) => {
                section.line(Mark::Add, text(&wanted), None);
                plan.steps.push(start(wanted));
            }
            // A start only makes room for what it starts.
            (Some(is), None) if plan.daemon || !wanted.is_empty() => {
                section.line(Mark::Remove, text(&is), None);
                plan.steps.push(stop);
            }
            (Some(is), None) => plan.notes.push(Note::ForeignDaemon(text(&is))),
        }
    }
    if !section.lines.is_empty() {
        plan.sections.push(section);
    }
}

fn wanted(config: &Config, status: Option<&Snapshot>) -> Vec<SyncDaemon> {
    let Some(daemon) = &config.global.sync_daemon else { return vec![] };
    let Some(followed) = &daemon.instance else {
        let id = daemon.id.unwrap_or(0);
        return [DaemonRole::Master, DaemonRole::Backup].map(|role| named(daemon, role, id)).into();
    };
    let instance = config.vrrp.instances.iter().find(|i| i.name.value == *followed);
    let Some(instance) = instance else { return vec![] };
    let known = status.and_then(|status| network::known(instance, status.vrrp.as_ref()?));
    let is_master = known.is_some_and(|known| known.state == network::MASTER);
    let role = if is_master { DaemonRole::Master } else { DaemonRole::Backup };
    vec![named(daemon, role, daemon.id.unwrap_or(instance.vrid.value.0))]
}

fn named(daemon: &model::SyncDaemon, role: DaemonRole, id: u8) -> SyncDaemon {
    SyncDaemon {
        role,
        interface: daemon.interface.clone(),
        id,
        max_length: daemon.max_length,
        port: daemon.port,
        ttl: daemon.ttl,
        group: daemon.group,
    }
}

/// What is left to the kernel may be anything; kernels before 4.3 do not tell it.
fn is_as_wanted(is: &SyncDaemon, wanted: &SyncDaemon) -> bool {
    fn fits<T: PartialEq + Copy>(is: Option<T>, wanted: Option<T>) -> bool {
        is.is_none() || wanted.is_none() || is == wanted
    }
    is.role == wanted.role
        && is.interface == wanted.interface
        && is.id == wanted.id
        && fits(is.max_length, wanted.max_length)
        && fits(is.port, wanted.port)
        && fits(is.ttl, wanted.ttl)
        && fits(is.group, wanted.group)
}

pub(super) fn text(daemon: &SyncDaemon) -> String {
    let role = role(daemon.role);
    let mut text = format!("{role}  {}  id {}", daemon.interface, daemon.id);
    let mut add = |word: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("  {word} {value}"));
        }
    };
    add("maxlen", daemon.max_length.map(|n| n.to_string()));
    add("port", daemon.port.map(|n| n.to_string()));
    add("ttl", daemon.ttl.map(|n| n.to_string()));
    add("group", daemon.group.map(|n| n.to_string()));
    text
}

pub(super) const fn role(role: DaemonRole) -> &'static str {
    match role {
        DaemonRole::Master => "master",
        DaemonRole::Backup => "backup",
    }
}
