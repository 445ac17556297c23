//! The keywords of `global_defs`.
use super::{Draft, rules, sync_daemon};
use crate::{
    base::Family,
    config::{
        blocks::{
            notify,
            words::{self, take_count, take_flag, take_time, take_word},
        },
        diagnostic::Diagnostics,
        keyword::{
            Keyword,
            Takes::{Lines, Nothing, One, OptionalBool, Script, UpTo1, Words},
            kw,
        },
        model::{ExtraGarp, FlushOnStop, Version},
        tree::Statement,
        value,
    },
};
use std::{net::IpAddr, time::Duration};

const LONGEST: Duration = Duration::from_secs(4294);
const MILLISECOND: Duration = Duration::from_millis(1);

pub(super) fn keywords() -> Vec<Keyword<Draft>> {
    vec![
        kw(&["router_id"], One("NAME"), take_word!(router_id))
            .default("host name")
            .doc("name of this machine in mails"),
        kw(&["lvs_id"], One("NAME"), lvs_id).doc("old name of router_id"),
        kw(&["notification_email"], Lines("ADDRESS..."), recipients).doc("who gets mail"),
        kw(&["notification_email_from"], Words(1, 1, "ADDRESS"), take_word!(mail_from))
            .default("keepalived@host")
            .doc("sender of mails"),
        kw(&["smtp_server"], Words(1, 2, "HOST [PORT]"), mail_server)
            .default("none")
            .doc("mail server; port 25 unless given"),
        kw(&["smtp_connect_timeout"], One("SECONDS"), |d: &mut Draft, s, out| {
            words::set(&mut d.mail_timeout, words::whole_seconds(s, 1..=4294, out));
        })
        .default("30")
        .range("1..4294")
        .doc("for the connection and for each reply"),
        kw(&["smtp_helo_name"], One("NAME"), take_word!(mail_helo))
            .default("host name")
            .doc("how this machine greets the mail server"),
        kw(&["smtp_alert"], OptionalBool, take_flag!(smtp_alert))
            .default("unset")
            .doc("mail at changes of instances, services and servers"),
        kw(&["smtp_alert_vrrp"], OptionalBool, take_flag!(smtp_alert_vrrp))
            .default("smtp_alert")
            .doc("mail at changes of instances"),
        kw(&["smtp_alert_checker"], OptionalBool, take_flag!(smtp_alert_checker))
            .default("smtp_alert")
            .doc("mail at changes of services and servers"),
        kw(&["no_email_faults"], Nothing, |d: &mut Draft, _, _| d.no_email_faults = true)
            .default("off")
            .doc("no mail when an instance becomes FAULT"),
        kw(&["no_checker_emails"], OptionalBool, take_flag!(no_checker_emails))
            .default("off")
            .doc("mail when a server changes, not each of its checkers"),
        kw(&["checker_log_all_failures"], OptionalBool, take_flag!(checker_log_all_failures))
            .default("off")
            .doc("log failures that are still being retried"),
        kw(&["rs_init_notifies"], OptionalBool, take_flag!(rs_init_notifies))
            .default("off")
            .doc("run notify_up for servers that are up from the start"),
        kw(&["enable_script_security"], Nothing, |d: &mut Draft, _, _| {
            d.enable_script_security = true
        })
        .default("off")
        .doc("no script as root that others than root can change"),
        kw(&["script_user"], Words(1, 2, "USER [GROUP]"), |d: &mut Draft, s, _| {
            d.script_user = words::text(s).map(|user| (user, words::word(s, 2).map(|w| w.value)));
        })
        .default("keepalived_script, else root")
        .doc("whom scripts run as"),
        kw(
            &["lvs_sync_daemon"],
            Words(1, 14, "INTERFACE [inst INSTANCE] [id N] [...]"),
            sync_daemon::read,
        )
        .doc("the kernel tells the other director of connections; also maxlen, port, ttl, group"),
        kw(&["lvs_flush"], Nothing, |d: &mut Draft, _, _| d.lvs_flush = true)
            .default("off")
            .doc("empty the whole IPVS table at start"),
        kw(&["lvs_flush_on_stop", "lvs_flush_onstop"], UpTo1("VS"), flush_on_stop)
            .default("off")
            .doc("empty the whole IPVS table at the end; VS: our services only"),
        kw(&["lvs_timeouts"], Words(2, 6, "[tcp S] [tcpfin S] [udp S]"), lvs_timeouts)
            .default("the kernel's")
            .range("0..2678400")
            .doc("how long idle connections live"),
        kw(&["vrrp_version"], One("2|3"), |d: &mut Draft, s, out| {
            words::set(&mut d.vrrp.version, version(s, out));
        })
        .default("2")
        .range("2..3")
        .doc("VRRP version of instances over IPv4"),
        kw(&["vrrp_mcast_group4"], One("ADDRESS"), |d: &mut Draft, s, out| {
            words::set(&mut d.vrrp.group4, multicast(s, Family::V4, out));
        })
        .default("224.0.0.18")
        .doc("where adverts go over IPv4"),
        kw(&["vrrp_mcast_group6"], One("ADDRESS"), |d: &mut Draft, s, out| {
            words::set(&mut d.vrrp.group6, multicast(s, Family::V6, out));
        })
        .default("ff02::12")
        .doc("where adverts go over IPv6"),
        kw(
            &["vrrp_garp_master_delay"],
            One("SECONDS"),
            take_time!(Duration::ZERO..=LONGEST, vrrp.garp.delay),
        )
        .default("5")
        .doc("second set of gratuitous ARPs, after becoming MASTER"),
        kw(&["vrrp_garp_master_repeat"], One("COUNT"), |d: &mut Draft, s, out| {
            words::set(&mut d.vrrp.garp.repeat, at_least_one(s, out));
        })
        .default("5")
        .doc("ARPs of a set"),
        kw(
            &["vrrp_garp_master_refresh"],
            One("SECONDS"),
            take_time!(Duration::ZERO..=LONGEST, vrrp.garp.refresh),
        )
        .default("0")
        .doc("time between sets while MASTER; 0 = never"),
        kw(&["vrrp_garp_master_refresh_repeat"], One("COUNT"), |d: &mut Draft, s, out| {
            words::set(&mut d.vrrp.garp.refresh_repeat, at_least_one(s, out));
        })
        .default("1")
        .doc("ARPs of a refreshing set"),
        kw(
            &["vrrp_garp_lower_prio_delay"],
            One("SECONDS"),
            take_time!(Duration::ZERO..=LONGEST, vrrp.garp.lower_prio_delay),
        )
        .default("vrrp_garp_master_delay")
        .doc("second set after an advert of lower priority"),
        kw(
            &["vrrp_garp_lower_prio_repeat"],
            One("COUNT"),
            take_count!(0..=u64::from(u32::MAX), vrrp.garp.lower_prio_repeat),
        )
        .default("vrrp_garp_master_repeat")
        .doc("ARPs of a set after an advert of lower priority"),
        kw(
            &["vrrp_garp_interval"],
            One("SECONDS"),
            take_time!(Duration::ZERO..=LONGEST, vrrp.garp_interval),
        )
        .default("0")
        .doc("pause between two ARPs on an interface"),
        kw(
            &["vrrp_gna_interval"],
            One("SECONDS"),
            take_time!(Duration::ZERO..=LONGEST, vrrp.gna_interval),
        )
        .default("0")
        .doc("pause between two neighbour advertisements on an interface"),
        kw(&["vrrp_min_garp"], OptionalBool, take_flag!(vrrp.min_garp))
            .default("off")
            .doc("one ARP per address and no second set"),
        kw(
            &["vrrp_garp_extra_if", "vrrp_vmac_garp_intvl"],
            Words(1, 2, "[all] SECONDS"),
            |d: &mut Draft, s, out| {
                words::set(&mut d.vrrp.garp.extra, extra_garp(s, out));
            },
        )
        .default("0")
        .range("0..86400")
        .doc("periodic ARPs on an instance's other VMACs; all: on all its other interfaces"),
        kw(&["vrrp_lower_prio_no_advert"], OptionalBool, take_flag!(vrrp.lower_prio_no_advert))
            .default("off")
            .doc("a MASTER does not answer adverts of lower priority"),
        kw(
            &["vrrp_higher_prio_send_advert"],
            OptionalBool,
            take_flag!(vrrp.higher_prio_send_advert),
        )
        .default("off")
        .doc("a MASTER sends a last advert when it hears a higher priority"),
        kw(&["vrrp_owner_ignore_adverts"], OptionalBool, take_flag!(vrrp.owner_ignore_adverts))
            .default("off")
            .doc("priority 255 ignores all adverts"),
        kw(&["vrrp_skip_check_adv_addr"], OptionalBool, take_flag!(vrrp.skip_check_adv_addr))
            .default("off")
            .doc("addresses of an advert are looked at once per sender"),
        kw(&["vrrp_strict"], OptionalBool, take_flag!(vrrp.strict))
            .default("off")
            .doc("keep to the letter of the RFC"),
        kw(
            &["vrrp_down_timer_adverts"],
            One("COUNT"),
            take_count!(1..=100, vrrp.down_timer_adverts),
        )
        .default("3")
        .range("1..100")
        .doc("missed adverts until the master counts as gone"),
        kw(&["vrrp_check_unicast_src"], OptionalBool, take_flag!(vrrp.check_unicast_src))
            .default("off")
            .doc("take unicast adverts from unicast_peer only"),
        kw(&["v3_checksum_as_v2"], OptionalBool, take_flag!(vrrp.v3_checksum_as_v2))
            .default("off")
            .doc("checksum of VRRP version 3 without pseudo header"),
        kw(
            &["vrrp_notify_priority_changes"],
            OptionalBool,
            take_flag!(vrrp.notify_priority_changes),
        )
        .default("off")
        .doc("also tell FIFOs of changed priorities"),
        kw(&["log_unknown_vrids"], OptionalBool, take_flag!(log_unknown_vrids))
            .default("off")
            .doc("log adverts of virtual routers that are not configured here"),
        kw(
            &["vrrp_startup_delay"],
            One("SECONDS"),
            take_time!(MILLISECOND..=LONGEST, vrrp_startup_delay),
        )
        .default("0")
        .doc("no change of state before this time has passed since the start"),
        kw(
            &["vrrp_delay_after_boot"],
            One("SECONDS"),
            take_time!(MILLISECOND..=LONGEST, vrrp_delay_after_boot),
        )
        .default("0")
        .doc("no change of state before this time has passed since boot"),
        kw(&["default_interface"], One("INTERFACE"), take_word!(default_interface))
            .default("eth0")
            .doc("for static addresses that name none"),
        kw(&["notify_fifo"], Words(1, 3, "PATH [USER [GROUP]]"), |d: &mut Draft, s, _| {
            d.fifo.path(s)
        })
        .doc("all changes are written to it"),
        kw(&["notify_fifo_script"], Script, |d: &mut Draft, s, out| {
            notify::script(&mut d.fifo.script, s, out);
        })
        .doc("started once to read notify_fifo"),
        kw(&["lvs_notify_fifo"], Words(1, 3, "PATH [USER [GROUP]]"), |d: &mut Draft, s, _| {
            d.lvs_fifo.path(s)
        })
        .doc("changes of services and servers are written to it"),
        kw(&["lvs_notify_fifo_script"], Script, |d: &mut Draft, s, out| {
            notify::script(&mut d.lvs_fifo.script, s, out);
        })
        .doc("started once to read lvs_notify_fifo"),
        kw(&["vrrp_notify_fifo"], Words(1, 3, "PATH [USER [GROUP]]"), |d: &mut Draft, s, _| {
            d.vrrp_fifo.path(s)
        })
        .doc("changes of instances and groups are written to it"),
        kw(&["vrrp_notify_fifo_script"], Script, |d: &mut Draft, s, out| {
            notify::script(&mut d.vrrp_fifo.script, s, out);
        })
        .doc("started once to read vrrp_notify_fifo"),
        kw(&["fifo_write_vrrp_states_on_reload"], OptionalBool, take_flag!(fifo_states_on_reload))
            .default("off")
            .doc("write all states to the FIFOs after a reload"),
    ]
}

/// A name of very old versions; keepalived knows it no more, the packaged samples still do.
pub(in crate::config::blocks) fn lvs_id(
    draft: &mut Draft,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    out.report(rules::LVS_ID, statement.span);
    words::set(&mut draft.router_id, words::text(statement));
}

fn recipients(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    draft.recipients_at.get_or_insert(statement.span);
    for word in statement.body().iter().flat_map(|line| &line.words) {
        if !word.as_str().contains('@') {
            out.report(rules::NOT_A_MAIL_ADDRESS, word.span).with("word", word.as_str());
            continue;
        }
        draft.recipients.push(word.as_str().to_owned());
    }
}

fn mail_server(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let port = match statement.word(2) {
        Some(_) => words::number(statement, 2, 1..=65535, out).unwrap_or(25),
        None => 25,
    };
    draft.mail_server = words::text(statement).map(|host| (host, port));
}

fn flush_on_stop(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    draft.lvs_flush_on_stop = match statement.word(1) {
        None => FlushOnStop::Everything,
        Some(word) if word.as_str() == "VS" => FlushOnStop::OwnServices,
        Some(word) => {
            out.report(rules::BAD_FLAG_WORD, word.span)
                .with("word", word.as_str())
                .with("keyword", statement.first())
                .with("takes", "nothing or VS");
            return;
        }
    };
}

fn lvs_timeouts(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let mut timeouts = draft.lvs_timeouts.unwrap_or_default();
    let mut at = 1;
    while let Some(word) = statement.word(at) {
        let slot = match word.as_str() {
            "tcp" => &mut timeouts.0,
            "tcpfin" => &mut timeouts.1,
            "udp" => &mut timeouts.2,
            unknown => {
                out.report(rules::LVS_TIMEOUT_WORD, word.span).with("word", unknown);
                return;
            }
        };
        *slot = words::number(statement, at + 1, 0..=2_678_400, out).unwrap_or(*slot);
        at += 2;
    }
    draft.lvs_timeouts = Some(timeouts);
}

/// `2` or `3`.
pub(in crate::config::blocks) fn version(
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) -> Option<Version> {
    value::number(statement, 1, 2..=3, out)
        .map(|number| if number == 3 { Version::V3 } else { Version::V2 })
}

fn multicast(s: &Statement<'_>, family: Family, out: &mut Diagnostics) -> Option<IpAddr> {
    let address = value::ip(s, 1, out)?;
    if Family::of(&address) == family && address.is_multicast() {
        return Some(address);
    }
    out.report(rules::NOT_MULTICAST, s.span)
        .with("address", address)
        .with("family", if family == Family::V6 { 6 } else { 4 });
    None
}

/// `[all] SECONDS`; Some(None) = never.
pub(in crate::config::blocks) fn extra_garp(
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) -> Option<Option<ExtraGarp>> {
    let all = statement.word(1).is_some_and(|word| word.as_str() == "all");
    let seconds: u64 = words::number(statement, 1 + usize::from(all), 0..=86_400, out)?;
    let every = Duration::from_secs(seconds);
    Some((!every.is_zero()).then_some(ExtraGarp { every, all }))
}

/// A count of which keepalived makes 1 where somebody writes 0.
pub(in crate::config::blocks) fn at_least_one(
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) -> Option<u32> {
    let count: u32 = words::number(statement, 1, 0..=u64::from(u32::MAX), out)?;
    if count == 0 {
        out.report(rules::ZERO_REPEAT, statement.span).with("word", statement.first());
    }
    Some(count.max(1))
}
