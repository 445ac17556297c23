//! What the world is told of a change of state: which scripts, fifo lines and mails, in order.
use crate::{
    base::{Priority, Script},
    config::model::{GlobalDefs, NotifyScripts, SyncGroup, VrrpInstance},
    notify::Notification,
};

/// A state as notifications name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Master,
    Backup,
    Fault,
    Stop,
    Deleted,
}

/// Who changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject<'a> {
    Instance(&'a VrrpInstance, Priority),
    Group(&'a SyncGroup),
}

impl Told {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Master => "MASTER",
            Self::Backup => "BACKUP",
            Self::Fault => "FAULT",
            Self::Stop => "STOP",
            Self::Deleted => "DELETED",
        }
    }

    const fn mail_subject(self) -> &'static str {
        match self {
            Self::Master => "Entering MASTER state",
            Self::Backup => "Entering BACKUP state",
            Self::Fault => "Entering FAULT state",
            Self::Stop => "Stopping",
            Self::Deleted => "Deleted",
        }
    }
}

impl Subject<'_> {
    const fn scripts(&self) -> &NotifyScripts {
        match self {
            Self::Instance(instance, _) => &instance.notify,
            Self::Group(group) => &group.notify,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Instance(..) => "INSTANCE",
            Self::Group(_) => "GROUP",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Instance(instance, _) => &instance.name.value,
            Self::Group(group) => &group.name.value,
        }
    }

    /// 0 for a group, which has none.
    const fn priority(&self) -> u8 {
        match self {
            Self::Instance(_, priority) => priority.0,
            Self::Group(_) => 0,
        }
    }

    const fn mails(&self) -> bool {
        match self {
            Self::Instance(instance, _) => instance.smtp_alert,
            Self::Group(group) => group.smtp_alert,
        }
    }

    const fn mail_body(&self, told: Told) -> &'static str {
        match (self, told) {
            (Self::Instance(..), Told::Master) => "=> VRRP Instance is now owning VRRP VIPs <=",
            (Self::Instance(..), Told::Backup | Told::Fault) => {
                "=> VRRP Instance is no longer owning VRRP VIPs <="
            }
            (Self::Instance(..), Told::Stop) => "=> VRRP Instance stopping <=",
            (Self::Instance(..) | Self::Group(_), Told::Deleted) => "=> VRRP Deleted at reload <=",
            (Self::Group(_), Told::Master) => {
                "=> All VRRP group instances are now in MASTER state <="
            }
            (Self::Group(_), Told::Backup) => {
                "=> All VRRP group instances are now in BACKUP state <="
            }
            (Self::Group(_), Told::Fault) => {
                "=> All VRRP group instances are now in FAULT state <="
            }
            (Self::Group(_), Told::Stop) => "=> All VRRP group instances are now stopping <=",
        }
    }
}

/// `notify_<state>`, `notify` with its four words, the fifo line, the mail.
pub(super) fn of_state(subject: Subject<'_>, told: Told, global: &GlobalDefs) -> Vec<Notification> {
    let scripts = subject.scripts();
    let own = match told {
        Told::Master => &scripts.master,
        Told::Backup => &scripts.backup,
        Told::Fault => &scripts.fault,
        Told::Stop => &scripts.stop,
        Told::Deleted => &scripts.deleted,
    };
    let priority = subject.priority().to_string();
    let words = [subject.kind(), subject.name(), told.name(), &priority];
    let mut out = vec![];
    out.extend(own.as_ref().map(|script| run(subject, script.clone())));
    out.extend(scripts.any.as_ref().map(|script| run(subject, script.with_arguments(&words))));
    out.extend(fifo(subject, told.name(), global));
    let silent = told == Told::Fault && global.no_email_faults;
    let possible = !global.mail.to.is_empty() && global.mail.server.is_some();
    if subject.mails() && possible && !silent {
        out.push(Notification::Mail {
            subject: mail_subject(subject, told, global),
            body: subject.mail_body(told).to_owned(),
        });
    }
    out
}

/// The FIFO's line of a state that was told before.
pub(super) fn state_line(
    subject: Subject<'_>,
    told: Told,
    global: &GlobalDefs,
) -> Option<Notification> {
    fifo(subject, told.name(), global)
}

/// A master heard another one of lower priority.
pub(super) fn of_lower_master(
    config: &VrrpInstance,
    priority: Priority,
    global: &GlobalDefs,
) -> Vec<Notification> {
    let subject = Subject::Instance(config, priority);
    let script = config.notify.master_rx_lower_pri.as_ref();
    let mut out = vec![];
    out.extend(script.map(|script| run(subject, script.clone())));
    out.extend(fifo(subject, "MASTER_RX_LOWER_PRI", global));
    out
}

/// `notify_priority_changes`: a fifo line alone. A state that is not master counts as backup.
pub(super) fn of_priority(
    config: &VrrpInstance,
    priority: Priority,
    is_master: bool,
    global: &GlobalDefs,
) -> Option<Notification> {
    if !config.notify.priority_changes {
        return None;
    }
    let word = if is_master { "MASTER_PRIORITY" } else { "BACKUP_PRIORITY" };
    fifo(Subject::Instance(config, priority), word, global)
}

fn run(subject: Subject<'_>, script: Script) -> Notification {
    Notification::Script { queue: subject.name().to_owned(), script }
}

fn fifo(subject: Subject<'_>, word: &str, global: &GlobalDefs) -> Option<Notification> {
    (global.fifo.is_some() || global.vrrp_fifo.is_some()).then(|| {
        Notification::Fifo(format!(
            "{} \"{}\" {word} {}\n",
            subject.kind(),
            subject.name(),
            subject.priority()
        ))
    })
}

fn mail_subject(subject: Subject<'_>, told: Told, global: &GlobalDefs) -> String {
    let kind = match subject {
        Subject::Instance(..) => "Instance",
        Subject::Group(_) => "Group",
    };
    let what = format!("VRRP {kind} {} - {}", subject.name(), told.mail_subject());
    match &global.router_id {
        Some(router) => format!("[{router}] {what}"),
        None => what,
    }
}
