//! The keywords of `vrrp_instance` and its `authentication`.
use super::{AuthenticationDraft, AuthenticationKind, Draft, State, hmac, own_links, unicast};
use crate::{
    base::Priority,
    config::{
        blocks::{
            addresses,
            global_defs::{at_least_one, extra_garp, version},
            notify,
            routing::{self, Place},
            trackers,
            words::{self, take_count, take_flag, take_time},
        },
        diagnostic::Diagnostics,
        keyword::{
            Apply, Keyword, Support,
            Takes::{Block, Lines, Nothing, One, OptionalBool, Script, UpTo1, Words},
            apply, inert, kw,
        },
        rules::{global as global_rules, values as value_rules, vrrp as rules},
        source::Spanned,
        tree::{Statement, Word},
        value,
    },
};
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(4294);

/// A line of the table for a script.
macro_rules! script {
    ($slot:ident) => {
        (|d: &mut Draft, s: &Statement<'_>, out: &mut Diagnostics| {
            notify::script(&mut d.notify.scripts.$slot, s, out);
        }) as Apply<Draft>
    };
}

pub(in crate::config::blocks) static KEYWORDS: &[Keyword<Draft>] = &[
    kw(&["state"], One("MASTER|BACKUP"), state)
        .default("MASTER with priority 255, else BACKUP")
        .doc("wish for the start; the election decides"),
    kw(&["interface"], One("INTERFACE"), |d: &mut Draft, s, out| {
        d.interface = words::name(s);
        if let Some(word) = s.word(1) {
            interface(s, word, out);
        }
    })
    .doc("where adverts run"),
    kw(&["virtual_router_id"], One("ID"), |d: &mut Draft, s, out| {
        d.vrid_given = true;
        let vrid = words::number(s, 1, 1..=255, out);
        words::set(&mut d.vrid, vrid.map(|value| Spanned { value, span: s.span }));
    })
    .range("1..255")
    .doc("the virtual router; the same on all its routers"),
    kw(&["priority"], One("PRIORITY"), |d: &mut Draft, s, out| {
        let priority = words::number(s, 1, 1..=255, out).unwrap_or(Priority::DEFAULT.0);
        d.priority = Some(Spanned { value: Priority(priority), span: s.span });
    })
    .default("100")
    .range("1..255")
    .doc("the highest becomes MASTER; 255 owns the addresses"),
    kw(&["advert_int"], One("SECONDS"), |d: &mut Draft, s, out| {
        let interval = words::seconds(s, Duration::from_millis(10)..=Duration::from_secs(255), out);
        words::set(&mut d.advert_interval, interval.map(|value| Spanned { value, span: s.span }));
    })
    .default("1")
    .range("0.01..255")
    .doc("time between adverts; version 2: whole seconds"),
    kw(&["authentication"], Block, authentication).doc("VRRP version 2 only"),
    kw(
        &["virtual_ipaddress"],
        Lines("ADDRESS[/LENGTH] [dev INTERFACE] [...]"),
        |d: &mut Draft, s, out| {
            d.addresses_given |= !s.body().is_empty();
            addresses::lines(&mut d.addresses, Place::Virtual, &d.routing, s, out);
        },
    )
    .doc("addresses of the MASTER, told in adverts"),
    kw(
        &["virtual_ipaddress_excluded"],
        Lines("ADDRESS[/LENGTH] [dev INTERFACE] [...]"),
        |d: &mut Draft, s, out| {
            addresses::lines(&mut d.excluded, Place::Virtual, &d.routing, s, out);
        },
    )
    .doc("further addresses of the MASTER, not told in adverts"),
    kw(&["no_virtual_ipaddress"], Nothing, |d: &mut Draft, _, _| d.no_addresses = true)
        .default("off")
        .doc("it is meant that there is no virtual_ipaddress"),
    kw(
        &["virtual_routes"],
        Lines("DESTINATION [via ADDRESS] [dev INTERFACE] [...]"),
        |d: &mut Draft, s, out| {
            routing::routes(&mut d.routes, Place::Virtual, &d.routing, s, out);
        },
    )
    .doc("routes of the MASTER"),
    kw(
        &["virtual_rules"],
        Lines("[from PREFIX] [to PREFIX] [...] table TABLE"),
        |d: &mut Draft, s, out| {
            routing::rules(&mut d.rules, Place::Virtual, &mut d.routing, s, out);
        },
    )
    .doc("routing rules of the MASTER"),
    kw(&["track_interface"], Lines("INTERFACE [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.track_interfaces, "interface", s, out);
    })
    .doc("interfaces that must be up"),
    kw(&["track_script"], Lines("SCRIPT [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.scripts, "script", s, out);
    })
    .doc("scripts that must succeed"),
    kw(&["track_process"], Lines("PROCESS [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.processes, "process", s, out);
    })
    .doc("processes that must run"),
    kw(&["track_file"], Lines("FILE [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.files, trackers::FILE, s, out);
    })
    .doc("files whose numbers count"),
    kw(&["track_bfd"], Lines("BFD [weight N [reverse]]"), |d: &mut Draft, s, out| {
        trackers::lines(&mut d.lines.bfds, "BFD session", s, out);
    })
    .doc("BFD sessions that must be up"),
    kw(&["track_src_ip"], Nothing, |d: &mut Draft, _, _| d.track_source = true)
        .default("off")
        .doc("FAULT while the configured source address is missing"),
    kw(&["dont_track_primary"], Nothing, |d: &mut Draft, _, _| d.ignore_primary = true)
        .default("off")
        .doc("the instance's own interface may be down"),
    kw(&["notify_master"], Script, script!(master)).doc("run on becoming MASTER"),
    kw(&["notify_backup"], Script, script!(backup)).doc("run on becoming BACKUP"),
    kw(&["notify_fault"], Script, script!(fault)).doc("run on becoming FAULT"),
    kw(&["notify_stop"], Script, script!(stop)).doc("run when the program stops"),
    kw(&["notify_deleted"], Script, script!(deleted)).doc("run when a reload removes the instance"),
    kw(&["notify_master_rx_lower_pri"], Script, script!(master_rx_lower_pri))
        .doc("run when a MASTER hears a lower priority"),
    kw(&["notify"], Script, script!(any))
        .doc("run at every change, with INSTANCE NAME STATE PRIORITY"),
    kw(&["notify_priority_changes"], OptionalBool, take_flag!(notify.priority_changes))
        .default("of its group, else vrrp_notify_priority_changes")
        .doc("also tell FIFOs of changed priorities"),
    kw(&["smtp_alert"], OptionalBool, take_flag!(notify.smtp_alert))
        .default("smtp_alert_vrrp")
        .doc("mail at every change"),
    kw(&["nopreempt"], Nothing, |d: &mut Draft, s, _| d.nopreempt = Some(s.span))
        .default("off")
        .doc("leave a living MASTER of lower priority alone"),
    kw(&["preempt"], Nothing, |d: &mut Draft, _, _| d.nopreempt = None)
        .default("on")
        .doc("replace a MASTER of lower priority"),
    kw(&["preempt_delay"], One("SECONDS"), |d: &mut Draft, s, out| {
        let delay = words::seconds(s, Duration::ZERO..=Duration::from_secs(1000), out);
        words::set(&mut d.preempt_delay, delay.map(|value| Spanned { value, span: s.span }));
    })
    .default("0")
    .range("0..1000")
    .doc("wait this long before replacing a MASTER of lower priority"),
    kw(&["mcast_src_ip", "unicast_src_ip"], One("ADDRESS"), |d: &mut Draft, s, out| {
        if s.first() == "unicast_src_ip" {
            d.says_unicast(s);
        }
        let source = value::ip(s, 1, out);
        words::set(&mut d.source, source.map(|value| Spanned { value, span: s.span }));
    })
    .default("first address of the interface")
    .doc("source of adverts"),
    kw(&["mcast_dst_ip"], One("ADDRESS"), |d: &mut Draft, s, out| {
        let group = value::ip(s, 1, out);
        words::set(&mut d.multicast_group, group.map(|value| Spanned { value, span: s.span }));
    })
    .default("vrrp_mcast_group4, vrrp_mcast_group6")
    .doc("where adverts go"),
    kw(&["unicast_peer"], Lines("ADDRESS [min_ttl N] [max_ttl N]"), |d: &mut Draft, s, out| {
        d.says_unicast(s);
        unicast::peers(d, s, out);
    })
    .doc("the other routers; adverts go to them alone"),
    kw(&["unicast_ttl"], One("TTL"), |d: &mut Draft, s, out| {
        d.says_unicast(s);
        words::set(&mut d.unicast.ttl, words::number(s, 1, 0..=255, out));
    })
    .default("255; IPv6: the kernel's")
    .range("0..255")
    .doc("of unicast adverts"),
    kw(&["check_unicast_src"], OptionalBool, |d: &mut Draft, s, out| {
        d.says_unicast(s);
        words::set(&mut d.unicast.check_source, value::boolean(s, out));
    })
    .default("vrrp_check_unicast_src")
    .doc("take adverts from unicast_peer only"),
    kw(&["unicast_fault_no_peer"], Nothing, |d: &mut Draft, _, _| d.unicast.fault_no_peer = true)
        .default("off")
        .doc("FAULT rather than multicast without unicast_peer"),
    kw(&["old_unicast_checksum"], UpTo1("never"), |d: &mut Draft, s, _| {
        d.says_unicast(s);
        d.unicast.old_checksum = Some(s.word(1).is_none());
    })
    .default("as the peer does")
    .doc("checksum of keepalived up to 1.3.6 for version 3 over unicast"),
    kw(&["v3_checksum_as_v2"], OptionalBool, take_flag!(v3_checksum_as_v2))
        .default("global v3_checksum_as_v2")
        .doc("checksum of VRRP version 3 without pseudo header"),
    kw(&["version"], One("2|3"), |d: &mut Draft, s, out| {
        words::set(&mut d.version, version(s, out))
    })
    .default("vrrp_version; 3 for IPv6")
    .range("2..3")
    .doc("VRRP version"),
    kw(&["native_ipv6"], Nothing, |d: &mut Draft, _, _| d.native_ipv6 = true)
        .support(Support::Obsolete("the addresses decide; remove it"))
        .doc("the instance is IPv6"),
    kw(&["garp_master_delay"], One("SECONDS"), take_time!(Duration::ZERO..=LONGEST, garp.delay))
        .default("vrrp_garp_master_delay")
        .doc("second set of gratuitous ARPs, after becoming MASTER"),
    kw(&["garp_master_repeat"], One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.garp.repeat, at_least_one(s, out));
    })
    .default("vrrp_garp_master_repeat")
    .doc("ARPs of a set"),
    kw(
        &["garp_master_refresh"],
        One("SECONDS"),
        take_time!(Duration::ZERO..=LONGEST, garp.refresh),
    )
    .default("vrrp_garp_master_refresh")
    .doc("time between sets while MASTER; 0 = never"),
    kw(&["garp_master_refresh_repeat"], One("COUNT"), |d: &mut Draft, s, out| {
        words::set(&mut d.garp.refresh_repeat, at_least_one(s, out));
    })
    .default("vrrp_garp_master_refresh_repeat")
    .doc("ARPs of a refreshing set"),
    kw(
        &["garp_lower_prio_delay"],
        One("SECONDS"),
        take_time!(Duration::ZERO..=LONGEST, garp.lower_prio_delay),
    )
    .default("vrrp_garp_lower_prio_delay")
    .doc("second set after an advert of lower priority"),
    kw(
        &["garp_lower_prio_repeat"],
        One("COUNT"),
        take_count!(0..=u64::from(u32::MAX), garp.lower_prio_repeat),
    )
    .default("vrrp_garp_lower_prio_repeat")
    .doc("ARPs of a set after an advert of lower priority"),
    kw(
        &["garp_extra_if", "vmac_garp_intvl"],
        Words(1, 2, "[all] SECONDS"),
        |d: &mut Draft, s, out| {
            words::set(&mut d.garp.extra, extra_garp(s, out));
        },
    )
    .default("vrrp_garp_extra_if")
    .range("0..86400")
    .doc("periodic ARPs on the instance's other VMACs; all: on all its other interfaces"),
    kw(&["lower_prio_no_advert"], OptionalBool, take_flag!(lower_prio_no_advert))
        .default("vrrp_lower_prio_no_advert")
        .doc("a MASTER does not answer adverts of lower priority"),
    kw(&["higher_prio_send_advert"], OptionalBool, take_flag!(higher_prio_send_advert))
        .default("vrrp_higher_prio_send_advert")
        .doc("a MASTER sends a last advert when it hears a higher priority"),
    kw(&["owner_ignore_adverts"], OptionalBool, take_flag!(owner_ignore_adverts))
        .default("vrrp_owner_ignore_adverts")
        .doc("priority 255 ignores all adverts"),
    kw(&["down_timer_adverts"], One("COUNT"), take_count!(1..=100, down_timer_adverts))
        .default("vrrp_down_timer_adverts")
        .range("1..100")
        .doc("missed adverts until the master counts as gone"),
    kw(
        &["timer_expired_backup", "thread_timer_expired"],
        UpTo1("PRIORITY"),
        |d: &mut Draft, s, out| {
            let priority = match s.word(1) {
                Some(_) => words::number(s, 1, 1..=254, out),
                None => Some(254),
            };
            let priority = priority.map(|value| Spanned { value: Priority(value), span: s.span });
            words::set(&mut d.timer_expired_backup, priority);
        },
    )
    .default("off; 254 without a priority")
    .range("1..254")
    .doc("with nopreempt: a MASTER that was frozen gives way; the others' highest priority"),
    kw(
        &["use_vmac"],
        Words(0, 8, "[NAME] [MAC] [netlink_notify_msg] [group N]"),
        own_links::use_vmac,
    )
    .default("vrrp.ID, the MAC address of the RFC")
    .doc("the virtual router's MAC address, on an interface of its own"),
    kw(&["use_vmac_addr"], Nothing, |d: &mut Draft, _, _| d.own_links.for_addresses = true)
        .default("off")
        .doc("that MAC address for addresses on other interfaces too"),
    kw(&["vmac_xmit_base"], Nothing, |d: &mut Draft, s, _| {
        d.own_links.transmit_from_base = Some(s.span);
    })
    .default("off")
    .doc("adverts leave by the interface itself, with its MAC address"),
    kw(
        &["use_ipvlan"],
        Words(0, 8, "[NAME] [ADDRESS] [bridge|private|vepa] [group N]"),
        own_links::use_ipvlan,
    )
    .default("vrrp.ID, bridge")
    .doc("an ipvlan interface of its own; IPv4 needs the address"),
    kw(&["vrf"], One("INTERFACE"), |d: &mut Draft, s, _| d.vrf = words::name(s))
        .default("none")
        .doc("VRF of unicast without an interface"),
    kw(&["accept"], Nothing, |d: &mut Draft, s, _| {
        d.accept = Some(Spanned { value: true, span: s.span })
    })
    .default("on unless strict")
    .doc("the MASTER answers on the virtual addresses"),
    kw(&["no_accept"], Nothing, |d: &mut Draft, s, _| {
        d.accept = Some(Spanned { value: false, span: s.span })
    })
    .default("off unless strict")
    .doc("packets to the virtual addresses are dropped"),
    kw(&["strict_mode"], OptionalBool, take_flag!(strict))
        .default("vrrp_strict")
        .doc("keep to the letter of the RFC"),
    kw(&["skip_check_adv_addr"], OptionalBool, take_flag!(skip_check_adv_addr))
        .default("vrrp_skip_check_adv_addr")
        .doc("addresses of an advert are looked at once per sender"),
    kw(&["promote_secondaries"], Nothing, |d: &mut Draft, _, _| d.promote_secondaries = true)
        .default("off")
        .doc("removing an address leaves the others of its subnet"),
    inert(
        &["kernel_rx_buf_size"],
        One("BYTES"),
        Support::NoEffect("receive buffers are sized by need, nothing has to be set"),
    )
    .doc("receive buffer"),
    kw(&["auth_hmac"], Block, hmac::block).doc("signed adverts, as of keepalived 2.4.2"),
    kw(
        &["lvs_sync_daemon_interface", "lvs_sync_daemon_inteface"],
        One("INTERFACE"),
        |d: &mut Draft, s, out| {
            d.sync_interface = words::name(s);
            out.report(global_rules::SYNC_DAEMON_IN_INSTANCE, s.span)
                .with("word", s.first())
                .with("interface", d.sync_interface.as_ref().map_or("", |name| &name.value))
                .with("instance", &d.name.value);
        },
    )
    .doc("old way to say lvs_sync_daemon"),
    inert(&["linkbeat_use_polling"], Nothing, Support::NoEffect("the kernel reports link changes"))
        .doc("poll the link"),
    kw(&["debug"], UpTo1("LEVEL"), |_, _, _| {})
        .support(Support::Obsolete("it does nothing; remove it"))
        .range("0..4")
        .doc("nothing"),
];

pub(in crate::config::blocks) static AUTHENTICATION: &[Keyword<AuthenticationDraft>] = &[
    kw(&["auth_type"], One("PASS|AH"), |d: &mut AuthenticationDraft, s, out| {
        match s.word(1).map(|word| (word.as_str(), word.span)) {
            Some(("PASS", _)) => d.kind = Some(AuthenticationKind::Password),
            Some(("AH", _)) => d.kind = Some(AuthenticationKind::Header),
            Some((other, span)) if !near(s, &["PASS", "AH"], out) => {
                out.report(rules::AUTH_TYPE, span).with("word", other);
            }
            Some(_) | None => {}
        }
    })
    .doc("password in clear text, or IPSEC AH"),
    kw(&["auth_pass"], One("PASSWORD"), |d: &mut AuthenticationDraft, s, out| {
        d.password = words::name(s).filter(|_| !value::is_placeholder(s, out));
    })
    .doc("at most 8 characters, the same on all routers"),
];

/// Reports a value that is near to one of a list.
fn near(statement: &Statement<'_>, list: &[&str], out: &mut Diagnostics) -> bool {
    statement.word(1).is_some_and(|word| value::refuse_near(statement, word, list, out))
}

/// Reports a name that the interface of adverts cannot have, or hardly has.
fn interface(statement: &Statement<'_>, word: &Word<'_>, out: &mut Diagnostics) {
    let name = word.as_str();
    if value::is_placeholder(statement, out) {
        return;
    }
    let cut = name.strip_suffix(['X', 'N']).or_else(|| name.strip_suffix("??"));
    if name == "lo" {
        out.report(rules::LOOPBACK, word.span).with("word", statement.first());
    } else if cut.is_some_and(|cut| cut.bytes().all(|byte| byte.is_ascii_lowercase())) {
        out.report(value_rules::PLACEHOLDER_LIKE, word.span).with("value", name);
    } else if name.len() > 15 {
        out.report(rules::NAME_LONG, word.span).with("name", name);
    }
}

fn state(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let Some(word) = statement.word(1) else { return };
    if let Some(first) = &draft.state {
        let (label, name) =
            (first.span, if first.value == State::Master { "MASTER" } else { "BACKUP" });
        out.report(rules::STATE_TWICE, statement.span)
            .with("first", name)
            .label(label, "the first");
        return;
    }
    let value = match word.as_str() {
        "MASTER" => State::Master,
        "BACKUP" => State::Backup,
        other => {
            if !near(statement, &["MASTER", "BACKUP"], out) {
                out.report(rules::STATE_WORD, word.span).with("word", other);
            }
            State::Backup
        }
    };
    draft.state = Some(Spanned { value, span: statement.span });
}

fn authentication(draft: &mut Draft, statement: &Statement<'_>, out: &mut Diagnostics) {
    let into = draft.authentication.get_or_insert_default();
    into.span = statement.span;
    let start = out.here();
    apply(AUTHENTICATION, "authentication", statement.body(), into, out);
    into.said = out.since(start);
}
