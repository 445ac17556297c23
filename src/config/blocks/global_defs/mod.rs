//! `global_defs`: what concerns neither a single instance nor a single service.
mod inert;
mod links;
mod process;
mod sync_daemon;
mod table;

pub(super) use table::{at_least_one, extra_garp, lvs_id, version};

use super::{Drafts, vrrp_instance::Names, words};
use crate::{
    base::Script,
    config::{
        diagnostic::Diagnostics,
        keyword::{Keyword, apply},
        model::{ExtraGarp, Fifo, FlushOnStop, GlobalDefs, Mail, SyncDaemon, Version},
        rules::global as rules,
        source::{Span, Spanned},
        tree::Statement,
    },
};
use std::{net::IpAddr, path::PathBuf, sync::LazyLock, time::Duration};

/// The block's keywords: those that work and those that do not.
pub(super) static KEYWORDS: LazyLock<Vec<Keyword<Draft>>> = LazyLock::new(|| {
    let parts = [table::keywords(), links::keywords(), process::keywords(), inert::keywords()];
    parts.into_iter().flatten().collect()
});

/// What the blocks say (several add up). Unset stays None: the defaults are filled in when the
/// whole file is known, so the order of blocks does not matter.
#[derive(Debug, Default)]
pub(in crate::config) struct Draft {
    router_id: Option<String>,
    recipients: Vec<String>,
    /// Of the first `notification_email`.
    recipients_at: Option<Span>,
    mail_from: Option<String>,
    mail_server: Option<(String, u16)>,
    mail_timeout: Option<Duration>,
    mail_helo: Option<String>,
    pub(super) smtp_alert: Option<bool>,
    pub(super) smtp_alert_vrrp: Option<bool>,
    pub(super) smtp_alert_checker: Option<bool>,
    pub(super) checker_log_all_failures: Option<bool>,
    script_user: Option<(String, Option<String>)>,
    enable_script_security: bool,
    sync_daemon: Option<Spanned<SyncDaemon>>,
    lvs_flush: bool,
    lvs_flush_on_stop: FlushOnStop,
    lvs_timeouts: Option<(u32, u32, u32)>,
    rs_init_notifies: Option<bool>,
    no_checker_emails: Option<bool>,
    no_email_faults: bool,
    fifo: FifoDraft,
    lvs_fifo: FifoDraft,
    vrrp_fifo: FifoDraft,
    vrrp_startup_delay: Option<Duration>,
    vrrp_delay_after_boot: Option<Duration>,
    fifo_states_on_reload: Option<bool>,
    log_unknown_vrids: Option<bool>,
    pub(super) child_wait_time: Option<Duration>,
    default_interface: Option<String>,
    links: links::Draft,
    pub(super) vrrp: VrrpDefaults,
    pub(super) process: process::ProcessDraft,
}

/// `vrrp_*`: what instances start from.
#[derive(Debug, Default)]
pub(in crate::config) struct VrrpDefaults {
    pub(super) version: Option<Version>,
    pub(super) group4: Option<IpAddr>,
    pub(super) group6: Option<IpAddr>,
    pub(super) garp: Garp,
    pub(super) garp_interval: Option<Duration>,
    pub(super) gna_interval: Option<Duration>,
    pub(super) min_garp: Option<bool>,
    pub(super) lower_prio_no_advert: Option<bool>,
    pub(super) higher_prio_send_advert: Option<bool>,
    pub(super) owner_ignore_adverts: Option<bool>,
    pub(super) skip_check_adv_addr: Option<bool>,
    pub(super) down_timer_adverts: Option<u8>,
    pub(super) check_unicast_src: Option<bool>,
    pub(super) v3_checksum_as_v2: Option<bool>,
    pub(super) notify_priority_changes: Option<bool>,
    pub(super) strict: Option<bool>,
}

/// When gratuitous ARPs are sent, as far as somebody said so.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::config) struct Garp {
    pub(super) delay: Option<Duration>,
    pub(super) repeat: Option<u32>,
    pub(super) refresh: Option<Duration>,
    pub(super) refresh_repeat: Option<u32>,
    pub(super) lower_prio_delay: Option<Duration>,
    pub(super) lower_prio_repeat: Option<u32>,
    /// Some(None) = switched off.
    pub(super) extra: Option<Option<ExtraGarp>>,
}

/// `notify_fifo` and `notify_fifo_script`, in either order.
#[derive(Debug, Default)]
struct FifoDraft {
    path: Option<PathBuf>,
    user: Option<String>,
    group: Option<String>,
    script: Option<Script>,
}

/// A `lvs_sync_daemon_interface` found in an instance.
#[derive(Debug)]
pub(super) struct SyncInterface {
    pub(super) interface: Spanned<String>,
    pub(super) instance: String,
}

/// The root table's line.
pub(super) fn block(drafts: &mut Drafts, statement: &Statement<'_>, out: &mut Diagnostics) {
    apply(&KEYWORDS, "global_defs", statement.body(), &mut drafts.global, out);
}

impl Draft {
    /// Whether `lvs_sync_daemon` is there.
    pub(super) const fn has_sync_daemon(&self) -> bool {
        self.sync_daemon.is_some()
    }

    /// For static addresses that name no interface.
    pub(super) fn default_interface(&self) -> &str {
        self.default_interface.as_deref().unwrap_or("eth0")
    }

    /// Whether instances and groups mail unless they say otherwise.
    pub(super) fn vrrp_alert(&self) -> bool {
        self.smtp_alert_vrrp.or(self.smtp_alert).unwrap_or(false)
    }

    /// For the interfaces that instances have for themselves.
    pub(super) fn own_names(&self) -> Names {
        self.links.names()
    }

    /// `instances` are the names of all instances, `interfaces` their ways to ask for a sync
    /// daemon.
    pub(super) fn settle(
        self,
        instances: &[&str],
        interfaces: Vec<SyncInterface>,
        out: &mut Diagnostics,
    ) -> GlobalDefs {
        if let (Some(span), None) = (self.recipients_at, &self.mail_server) {
            out.report(rules::MAIL_WITHOUT_SERVER, span);
        }
        let default = GlobalDefs::default();
        let (process, reload, dumps) = self.process.settle();
        GlobalDefs {
            router_id: self.router_id,
            mail: Mail {
                to: self.recipients,
                from: self.mail_from,
                server: self.mail_server,
                connect_timeout: self.mail_timeout.unwrap_or(default.mail.connect_timeout),
                helo: self.mail_helo,
            },
            script_user: self.script_user,
            enable_script_security: self.enable_script_security,
            sync_daemon: sync_daemon::settle(self.sync_daemon, interfaces, instances, out),
            lvs_flush: self.lvs_flush,
            lvs_flush_on_stop: self.lvs_flush_on_stop,
            lvs_timeouts: self.lvs_timeouts,
            rs_init_notifies: self.rs_init_notifies.unwrap_or(false),
            no_checker_emails: self.no_checker_emails.unwrap_or(false),
            no_email_faults: self.no_email_faults,
            fifo: self.fifo.settle(),
            lvs_fifo: self.lvs_fifo.settle(),
            vrrp_fifo: self.vrrp_fifo.settle(),
            vrrp_startup_delay: self.vrrp_startup_delay.unwrap_or(default.vrrp_startup_delay),
            vrrp_delay_after_boot: self.vrrp_delay_after_boot.unwrap_or(Duration::ZERO),
            fifo_states_on_reload: self.fifo_states_on_reload.unwrap_or(false),
            log_unknown_vrids: self.log_unknown_vrids.unwrap_or(false),
            child_wait_time: self.child_wait_time.unwrap_or(default.child_wait_time),
            process,
            reload,
            dumps,
            nftables: self.links.nftables,
            disable_local_igmp: self.links.disable_local_igmp,
            ..default
        }
    }
}

impl FifoDraft {
    fn path(&mut self, statement: &Statement<'_>) {
        self.path = words::text(statement).map(PathBuf::from);
        self.user = words::word(statement, 2).map(|word| word.value);
        self.group = words::word(statement, 3).map(|word| word.value);
    }

    fn settle(self) -> Option<Fifo> {
        let Self { path, user, group, script } = self;
        path.map(|path| Fifo { path, user, group, script })
    }
}
