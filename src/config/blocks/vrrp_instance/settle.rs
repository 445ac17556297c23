//! From what an instance's block says to what it means, given everything else in the file.
use super::{
    AuthenticationDraft, AuthenticationKind, Draft, State,
    own_links::{Modes, Names, OwnLinks},
};
use crate::{
    base::{Family, InterfaceAddress, Priority, Vrid},
    config::{
        blocks::{
            addresses,
            global_defs::{Garp, VrrpDefaults},
            routing,
            trackers::{Available, Standing},
            vrrp_sync_group::Membership,
        },
        diagnostic::Diagnostics,
        model::{Authentication, GarpSchedule, TrackInterface, Version, VrrpInstance},
        rules::{global as global_rules, vrrp as rules},
        source::{KeyFile, Span, Spanned},
    },
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

/// 224.0.0.18 and ff02::12 (RFC 9568 §5.1).
const GROUP4: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
const GROUP6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));

/// What an instance depends on beyond its own block.
#[derive(Debug)]
pub(in crate::config::blocks) struct Surroundings<'a> {
    pub(in crate::config::blocks) defaults: &'a VrrpDefaults,
    /// For virtual addresses of instances without an interface.
    pub(in crate::config::blocks) default_interface: &'a str,
    /// What `file:` keys of `auth_hmac` name.
    pub(in crate::config::blocks) key_files: &'a BTreeMap<String, KeyFile>,
    pub(in crate::config::blocks) smtp_alert: bool,
    pub(in crate::config::blocks) available: &'a Available,
    /// By instance name: what its sync group adds.
    pub(in crate::config::blocks) memberships: &'a BTreeMap<String, Membership>,
}

impl Draft {
    /// None where the block lacks what no default can replace.
    pub(in crate::config::blocks) fn settle(
        mut self,
        around: &Surroundings<'_>,
        names: &mut Names,
        out: &mut Diagnostics,
    ) -> Option<VrrpInstance> {
        let defaults = around.defaults;
        let required = self.required(out);
        let strict = self.strict.or(defaults.strict).unwrap_or(false);
        let family = self.family();
        let version = self.settled_version(family, strict, defaults, out);
        let (priority, wants_master) = self.election(strict, out);
        let owner = priority.value == Priority::OWNER;
        let preempt_delay = self.preemption(strict, owner, out);
        let advert_interval = self.settled_interval(version, out);
        let (authentication, auth_hmac) =
            self.settled_security(version, family, strict, advert_interval, around.key_files, out);
        self.strictly_ignored(strict, out);
        let timer_expired_backup = self.settled_timer_expired(out);
        let unicast = self.settled_unicast(family, strict, defaults, out);
        let accept = self.settled_accept(version, strict, owner, out);
        let interface_name =
            self.interface.as_ref().map_or(around.default_interface, |name| name.value.as_str());
        let expects_addresses =
            !self.no_addresses && !self.addresses_given && self.misses("virtual_ipaddress", out);
        let vrid = required.as_ref().map_or(Vrid(0), |(_, vrid)| vrid.value);
        let mut own = OwnLinks::new(&self.own_links, names, interface_name, vrid, family, out);
        let (addresses, excluded) =
            settle_addresses(self.addresses, self.excluded, family, &mut own, out);
        let modes = Modes { strict, unicast: unicast.is_some(), has_source: self.source.is_some() };
        let (advert_interface, own_source, own_links) = own.finish(&self.own_links, modes, out);
        if addresses.is_empty() && (expects_addresses || strict && self.no_addresses) {
            let rule = if strict { rules::STRICT_NO_ADDRESS } else { rules::NO_ADDRESS };
            out.report(rule, self.name.span).with("name", &self.name.value);
        }
        if let (true, Some(IpAddr::V6(first))) = (strict, addresses.first().map(|a| a.address))
            && !first.is_unicast_link_local()
        {
            out.report(rules::STRICT_LINK_LOCAL, self.name.span).with("address", first);
        }
        let membership = around.memberships.get(&self.name.value);
        let standing =
            Standing { owner, bound: membership.is_some_and(|group| group.standing.bound) };
        let track_interfaces =
            settle_interfaces(&self.track_interfaces, membership, interface_name, standing, out);
        let own = self.lines.resolve(around.available, out);
        // Who gave no priority did not mean to own the addresses, and was told.
        let mut unsaid = Diagnostics::default();
        let out_of_owner = if owner && self.priority.is_none() { &mut unsaid } else { &mut *out };
        // The group has said already which of its own do not count.
        let own = own.admitted(standing, out_of_owner);
        let tracked = match membership {
            Some(group) if standing.owner => {
                own.with(&group.uses.clone().admitted(standing, out_of_owner))
            }
            Some(group) => own.with(&group.uses),
            None => own,
        };
        let source = of_family(self.source, family, out).or(own_source);
        let multicast_group = settled_group(self.multicast_group, family, out)
            .or(match family {
                Family::V4 => defaults.group4,
                Family::V6 => defaults.group6,
            })
            .unwrap_or(match family {
                Family::V4 => GROUP4,
                Family::V6 => GROUP6,
            });
        // Strict mode fixes these, whatever the file says (spec of keepalived's manual).
        let flag = |own: Option<bool>, global: Option<bool>, strictly: bool| {
            if strict { strictly } else { own.or(global).unwrap_or(false) }
        };
        let lower_prio_no_advert =
            flag(self.lower_prio_no_advert, defaults.lower_prio_no_advert, true);
        let higher_prio_send_advert =
            flag(self.higher_prio_send_advert, defaults.higher_prio_send_advert, false);
        let owner_ignore_adverts =
            flag(self.owner_ignore_adverts, defaults.owner_ignore_adverts, true);
        let down_timer_adverts = if strict {
            3
        } else {
            self.down_timer_adverts.or(defaults.down_timer_adverts).unwrap_or(3)
        };
        let (interface, vrid) = required?;
        // Its addresses have a place without it; the adverts have none of their own.
        let advert_interface =
            if interface.value.is_empty() { String::new() } else { advert_interface };
        Some(VrrpInstance {
            name: self.name,
            wants_master,
            vrf: self.vrf.map(|vrf| vrf.value).filter(|_| interface.value.is_empty()),
            interface,
            advert_interface,
            own_links,
            vrid,
            priority,
            version,
            family,
            advert_interval,
            authentication,
            auth_hmac,
            addresses,
            excluded,
            routes: routing::values(self.routes),
            rules: routing::values(self.rules),
            static_interfaces: vec![],
            track_interfaces,
            track_scripts: tracked.scripts,
            track_processes: tracked.processes,
            track_files: tracked.files,
            track_bfds: tracked.bfds,
            track_primary: !self.ignore_primary,
            smtp_alert: self.notify.smtp_alert.unwrap_or(around.smtp_alert),
            notify: self.notify.settle(
                membership
                    .and_then(|group| group.priority_changes)
                    .or(defaults.notify_priority_changes)
                    .unwrap_or(false),
            ),
            preempt: self.nopreempt.is_none(),
            preempt_delay,
            source,
            track_source: self.track_source,
            multicast_group,
            unicast,
            garp: schedule(self.garp, defaults, strict),
            lower_prio_no_advert,
            higher_prio_send_advert,
            owner_ignore_adverts,
            skip_check_adv_addr: self
                .skip_check_adv_addr
                .or(defaults.skip_check_adv_addr)
                .unwrap_or(false),
            down_timer_adverts,
            timer_expired_backup,
            v3_checksum_as_v2: self
                .v3_checksum_as_v2
                .or(defaults.v3_checksum_as_v2)
                .unwrap_or(false),
            promote_secondaries: self.promote_secondaries,
            strict,
            accept,
        })
    }

    /// Whether a keyword is really not there, and not just misspelt.
    fn misses(&self, keyword: &str, out: &Diagnostics) -> bool {
        !out.explains(self.said, "vrrp_instance", keyword)
    }

    fn required(&mut self, out: &mut Diagnostics) -> Option<(Spanned<String>, Spanned<Vrid>)> {
        let interface = self.settled_interface(out);
        if self.vrid.is_none() && !self.vrid_given && self.misses("virtual_router_id", out) {
            out.report(rules::NO_VRID, self.name.span).with("name", &self.name.value);
        }
        let vrid = self.vrid.as_ref()?;
        let vrid = Spanned { value: Vrid(vrid.value), span: vrid.span };
        Some((interface?, vrid))
    }

    /// Of the first virtual address; where there is none, of whatever else has a family.
    fn family(&self) -> Family {
        let addresses = self.addresses.iter().map(|line| line.address.address);
        let source = self.source.as_ref().map(|source| source.value);
        let peers = self.unicast.peers.iter().map(|peer| peer.value.address);
        match addresses.chain(source).chain(peers).next() {
            Some(address) => Family::of(&address),
            None if self.native_ipv6 => Family::V6,
            None => Family::V4,
        }
    }

    fn settled_version(
        &self,
        family: Family,
        strict: bool,
        defaults: &VrrpDefaults,
        out: &mut Diagnostics,
    ) -> Version {
        match (family, self.version) {
            (Family::V4, own) => own.or(defaults.version).unwrap_or_default(),
            (Family::V6, None) => Version::V3,
            (Family::V6, Some(Version::V2)) if strict || self.native_ipv6 => {
                out.report(rules::VERSION_V6, self.name.span);
                Version::V3
            }
            (Family::V6, Some(version)) => version,
        }
    }

    /// The base priority, and whether the instance wants to start as MASTER.
    fn election(&mut self, strict: bool, out: &mut Diagnostics) -> (Spanned<Priority>, bool) {
        let state = self.state.clone();
        let asks = state.as_ref().filter(|state| state.value == State::Master);
        let priority = match (&self.priority, asks) {
            (Some(priority), _) => priority.clone(),
            (None, Some(state)) => {
                if self.misses("priority", out) {
                    out.report(rules::MASTER_WITHOUT_PRIORITY, state.span);
                }
                Spanned { value: Priority::OWNER, span: state.span }
            }
            (None, None) => Spanned { value: Priority::DEFAULT, span: self.name.span },
        };
        let owner = priority.value == Priority::OWNER;
        if let Some(asks) = asks.filter(|_| strict && !owner) {
            out.report(rules::STRICT_STATE, asks.span);
            self.state = None;
            return (priority, false);
        }
        let humble = state.as_ref().filter(|state| state.value == State::Backup);
        if let (Some(humble), true) = (humble, strict && owner) {
            out.report(rules::STRICT_OWNER, humble.span);
            return (priority, true);
        }
        let wants_master = match &state {
            Some(state) => state.value == State::Master,
            None => owner,
        };
        (priority, wants_master)
    }

    /// Clears what cannot work together, as keepalived does. Answers the delay.
    fn preemption(&mut self, strict: bool, owner: bool, out: &mut Diagnostics) -> Duration {
        let master = self.state.as_ref().filter(|state| state.value == State::Master);
        let (label, rule) = match master {
            Some(state) => (Some(state.span), rules::NOPREEMPT_MASTER),
            None => (None, rules::NOPREEMPT_OWNER),
        };
        if (master.is_some() || owner)
            && let Some(span) = self.nopreempt.take()
        {
            let found = out.report(rule, span);
            if let Some(label) = label {
                found.label(label, "here");
            }
        }
        let Some(delay) = self.preempt_delay.take().filter(|delay| !delay.value.is_zero()) else {
            return Duration::ZERO;
        };
        let why = match (master, &self.nopreempt) {
            (Some(_), _) => "`state MASTER`",
            (None, Some(_)) => "nopreempt",
            (None, None) if strict => "vrrp_strict",
            (None, None) => return delay.value,
        };
        out.report(rules::PREEMPT_DELAY_IGNORED, delay.span).with("why", why);
        Duration::ZERO
    }

    pub(super) fn settled_authentication(
        &mut self,
        version: Version,
        family: Family,
        strict: bool,
        out: &mut Diagnostics,
    ) -> Authentication {
        let Some(AuthenticationDraft { span, kind, password, said }) = self.authentication.take()
        else {
            return Authentication::None;
        };
        let (kind, password) = match (kind, password) {
            (None, None) => return Authentication::None,
            (Some(_), None) => {
                if !out.explains(said, "authentication", "auth_pass") {
                    out.report(rules::AUTH_NO_PASSWORD, span);
                }
                return Authentication::None;
            }
            (None, Some(_)) => {
                if !out.has_errors_in(said) {
                    out.report(rules::AUTH_NO_TYPE, span);
                }
                return Authentication::None;
            }
            (Some(kind), Some(password)) => (kind, password),
        };
        let ignored = match (version, family) {
            // Version 2 would not help there.
            (_, Family::V6) => Some(rules::AUTH_IGNORED_V6),
            (Version::V3, Family::V4) => Some(rules::AUTH_IGNORED_V3),
            (Version::V2, Family::V4) => strict.then_some(rules::AUTH_IGNORED_STRICT),
        };
        if let Some(rule) = ignored {
            out.report(rule, span);
            return Authentication::None;
        }
        let bytes = password.value.as_bytes();
        if bytes.len() > 8 {
            out.report(rules::AUTH_PASS_CUT, password.span);
        }
        let mut key = [0; 8];
        for (to, from) in key.iter_mut().zip(bytes) {
            *to = *from;
        }
        match kind {
            AuthenticationKind::Password => Authentication::Password(key),
            AuthenticationKind::Header => Authentication::Header(key),
        }
    }

    /// Says what strict mode overrules.
    fn strictly_ignored(&self, strict: bool, out: &mut Diagnostics) {
        let overruled = [
            ("lower_prio_no_advert", self.lower_prio_no_advert == Some(false)),
            ("higher_prio_send_advert", self.higher_prio_send_advert == Some(true)),
            ("owner_ignore_adverts", self.owner_ignore_adverts == Some(false)),
            ("down_timer_adverts", self.down_timer_adverts.is_some_and(|count| count != 3)),
            ("garp_lower_prio_delay", self.garp.lower_prio_delay.is_some()),
            ("garp_lower_prio_repeat", self.garp.lower_prio_repeat.is_some_and(|n| n != 0)),
        ];
        for (word, _) in overruled.iter().filter(|(_, said)| strict && *said) {
            out.report(rules::STRICT_IGNORES, self.name.span).with("word", word);
        }
    }

    /// Owners always accept; version 2 to the letter leaves the others no choice (RFC 3768 §6.4.3).
    fn settled_accept(
        &self,
        version: Version,
        strict: bool,
        owner: bool,
        out: &mut Diagnostics,
    ) -> bool {
        match &self.accept {
            _ if owner => true,
            None => !strict,
            Some(said) if said.value && strict && version == Version::V2 => {
                out.report(rules::STRICT_IGNORES, said.span).with("word", "accept");
                false
            }
            Some(said) => said.value,
        }
    }

    /// Preempting, a router that was frozen would come back at once.
    fn settled_timer_expired(&self, out: &mut Diagnostics) -> Option<Priority> {
        let said = self.timer_expired_backup.as_ref()?;
        if self.nopreempt.is_none() {
            out.report(rules::TIMER_EXPIRED_PREEMPTS, said.span);
            return None;
        }
        Some(said.value)
    }

    /// What the version's field can hold: 8 bits of seconds, or 12 bits of 10 ms.
    fn settled_interval(&self, version: Version, out: &mut Diagnostics) -> Duration {
        let Some(Spanned { value: wanted, span }) = &self.advert_interval else {
            return Duration::from_secs(1);
        };
        let (step, most, rule) = match version {
            Version::V2 => (1_000, 255_000, rules::ADVERT_INT_ROUNDED),
            Version::V3 => (10, 40_950, rules::ADVERT_INT_CUT),
        };
        let rounded = (wanted.as_micros() + step * 500) / (step * 1_000) * step;
        let used = Duration::from_millis(u64::try_from(rounded.clamp(step, most)).unwrap_or(1_000));
        if used != *wanted {
            out.report(rule, *span)
                .with("value", wanted.as_secs_f64())
                .with("used", used.as_secs_f64());
        }
        used
    }
}

/// Advertised and excluded addresses: of one family, none twice, no more than an advert holds.
fn settle_addresses(
    advertised: Vec<addresses::Draft>,
    excluded: Vec<addresses::Draft>,
    family: Family,
    own: &mut OwnLinks<'_>,
    out: &mut Diagnostics,
) -> (Vec<InterfaceAddress>, Vec<InterfaceAddress>) {
    let mut seen: BTreeMap<(IpAddr, String), Span> = BTreeMap::new();
    let mut once = |line: addresses::Draft, out: &mut Diagnostics| {
        let span = line.span;
        let address = own.place(line);
        if let Some(first) = seen.get(&(address.address, address.dev.clone())) {
            out.report(rules::ADDRESS_TWICE, span)
                .with("address", address.address)
                .label(*first, "first listed here");
            return None;
        }
        seen.insert((address.address, address.dev.clone()), span);
        Some((address, span))
    };
    let mut kept = vec![];
    for line in advertised {
        if Family::of(&line.address.address) != family {
            out.report(rules::ADDRESS_FAMILY, line.span).with("address", line.address.address);
            continue;
        }
        kept.extend(once(line, out));
    }
    // 255 fit the count; IPv6 on Ethernet: (1500 - 14 - 40 - 24 - 8) / 16 fit the packet.
    let most = match family {
        Family::V4 => 255,
        Family::V6 => 88,
    };
    let mut surplus = kept.split_off(kept.len().min(most));
    if let Some((_, span)) = surplus.first() {
        out.report(rules::TOO_MANY_ADDRESSES, *span)
            .with("most", most)
            .with("surplus", surplus.len());
    }
    surplus.extend(excluded.into_iter().filter_map(|line| once(line, out)));
    let bare = |list: Vec<(InterfaceAddress, Span)>| list.into_iter().map(|(a, _)| a).collect();
    (bare(kept), bare(surplus))
}

fn settle_interfaces(
    lines: &[super::trackers::Draft],
    membership: Option<&Membership>,
    own: &str,
    standing: Standing,
    out: &mut Diagnostics,
) -> Vec<TrackInterface> {
    let mut found: Vec<TrackInterface> = vec![];
    for line in lines {
        let weight = line.weight.unwrap_or(0);
        if line.name.value == own {
            out.report(rules::OWN_INTERFACE, line.name.span).with("name", own);
        } else if standing.admits(&line.name.value, weight, line.name.span, out) {
            found.push(TrackInterface {
                name: line.name.clone(),
                weight,
                reverse: line.reverse.unwrap_or(false),
            });
        }
    }
    for tracked in membership.iter().flat_map(|group| &group.interfaces) {
        let known = tracked.name.value == own || found.iter().any(|t| t.name == tracked.name);
        let span = tracked.name.span;
        if !known && standing.admits(&tracked.name.value, tracked.weight, span, out) {
            found.push(tracked.clone());
        }
    }
    found
}

fn of_family(
    address: Option<Spanned<IpAddr>>,
    family: Family,
    out: &mut Diagnostics,
) -> Option<IpAddr> {
    let Spanned { value, span } = address?;
    if Family::of(&value) == family {
        return Some(value);
    }
    out.report(rules::SOURCE_FAMILY, span).with("address", value);
    None
}

/// `mcast_dst_ip`.
fn settled_group(
    group: Option<Spanned<IpAddr>>,
    family: Family,
    out: &mut Diagnostics,
) -> Option<IpAddr> {
    let span = group.as_ref()?.span;
    let address = of_family(group, family, out)?;
    if address.is_multicast() {
        return Some(address);
    }
    out.report(global_rules::NOT_MULTICAST, span)
        .with("address", address)
        .with("family", if family == Family::V6 { 6 } else { 4 });
    None
}

/// Instance, global, default. After a lower priority the *global* master values are the default.
fn schedule(own: Garp, defaults: &VrrpDefaults, strict: bool) -> GarpSchedule {
    let global = defaults.garp;
    let least = defaults.min_garp.unwrap_or(false);
    let default_delay = Duration::from_secs(if least { 0 } else { 5 });
    let default_repeat = if least { 1 } else { 5 };
    let global_delay = global.delay.unwrap_or(default_delay);
    let global_repeat = global.repeat.unwrap_or(default_repeat);
    let lower_delay = own.lower_prio_delay.or(global.lower_prio_delay).unwrap_or(global_delay);
    let lower_repeat = own.lower_prio_repeat.or(global.lower_prio_repeat).unwrap_or(global_repeat);
    GarpSchedule {
        delay: own.delay.unwrap_or(global_delay),
        repeat: own.repeat.unwrap_or(global_repeat),
        refresh: own.refresh.or(global.refresh).unwrap_or(Duration::ZERO),
        refresh_repeat: own.refresh_repeat.or(global.refresh_repeat).unwrap_or(1),
        lower_prio_delay: if strict { Duration::ZERO } else { lower_delay },
        lower_prio_repeat: if strict { 0 } else { lower_repeat },
        interval: defaults.garp_interval.unwrap_or(Duration::ZERO),
        gna_interval: defaults.gna_interval.unwrap_or(Duration::ZERO),
        extra: own.extra.or(global.extra).flatten(),
    }
}
