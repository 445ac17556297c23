//! Advice about one `vrrp_instance`.
use super::{child, place, seconds};
use crate::{
    base::{Family, InterfaceAddress, Priority, Vrid},
    config::{
        Config,
        diagnostic::Diagnostics,
        model::{TrackScript, VrrpInstance},
        rules::{lints as rules, vrrp},
        source::Span,
        tree::Statement,
    },
};
use std::{net::IpAddr, time::Duration};

/// A weight up to this decides between two priorities that are next to each other only.
const SMALL: u32 = 5;
/// Passwords of tutorials.
const KNOWN: &[&str] = &["1111", "1234", "12345", "123456", "12345678", "password", "passwd"];
const SLOW: Duration = Duration::from_secs(10);
const FAST: Duration = Duration::from_millis(100);
/// The priority of a router that says nothing.
const USUAL: u8 = 100;
/// What tutorials give the master.
const HIGH: u8 = 150;

pub(super) fn block(
    block: &Statement<'_>,
    instance: &VrrpInstance,
    config: &Config,
    out: &mut Diagnostics,
) {
    strict(block, instance, out);
    state(block, instance, out);
    weights(block, instance, &config.vrrp.scripts, out);
    addresses(block, instance, out);
    password(block, out);
    if instance.vrid.value == Vrid(51) {
        out.report(rules::VRID_SAMPLE, place(block, &["virtual_router_id"]));
    }
    interval(block, instance, out);
    peers(block, instance, out);
}

/// `vrrp_strict` that nobody thought through: what else it overrules here is the same mistake.
fn strict(block: &Statement<'_>, instance: &VrrpInstance, out: &mut Diagnostics) {
    if !instance.strict || instance.accept || instance.priority.value == Priority::OWNER {
        return;
    }
    let overrules = [vrrp::STRICT_STATE, vrrp::AUTH_IGNORED_STRICT];
    let inside = |span: Span| {
        let close = block.block.as_ref().map_or(block.span, |block| block.close);
        let begins = (block.span.file, block.span.start) <= (span.file, span.start);
        begins && (span.file, span.end) <= (close.file, close.end)
    };
    let mut overruled = vec![];
    out.retain(|found| {
        let same = overrules.contains(&found.rule) && inside(found.span);
        if same {
            overruled.push(found.span);
        }
        !same
    });
    let found = out.report(rules::STRICT_DROPS, instance.name.span);
    found.with("name", &instance.name.value);
    for span in overruled {
        found.label(span, "overruled by vrrp_strict");
    }
}

fn state(block: &Statement<'_>, instance: &VrrpInstance, out: &mut Diagnostics) {
    let Some(state) = child(block, &["state"]) else { return };
    let master = state.word(1).is_some_and(|word| word.as_str() == "MASTER");
    let priority = instance.priority.value.0;
    let span = place(block, &["priority"]);
    match (master, priority) {
        (true, ..USUAL) => {
            out.report(rules::MASTER_LOW, span).with("priority", priority);
        }
        (false, 255) => {
            out.report(rules::OWNER_WAITS, state.span);
        }
        (false, HIGH..) if instance.preempt => {
            out.report(rules::BACKUP_HIGH, span).with("priority", priority);
        }
        (false, ..USUAL) if !instance.preempt_delay.is_zero() => {
            out.report(rules::LONELY_PREEMPT_DELAY, place(block, &["preempt_delay"]))
                .with("priority", priority);
        }
        (true | false, _) => {}
    }
}

fn weights(
    block: &Statement<'_>,
    instance: &VrrpInstance,
    scripts: &[TrackScript],
    out: &mut Diagnostics,
) {
    let base = i32::from(instance.priority.value.0);
    for tracked in &instance.track_scripts {
        let weight = tracked.weight;
        // Where the weight was written: with the script, or on the line that tracks it.
        let span = scripts
            .iter()
            .find(|script| script.name.value == tracked.name.value)
            .filter(|script| script.weight == weight)
            .map_or(tracked.name.span, |script| script.name.span);
        let (low, high) = if weight < 0 { (base + weight, base) } else { (base, base + weight) };
        let cut_off = high > 254 && base < 255;
        if cut_off {
            out.report(rules::WEIGHT_CUT_OFF, place(block, &["priority"]))
                .with("base", base)
                .with("weight", weight);
        } else if (1..=SMALL).contains(&weight.unsigned_abs()) {
            out.report(rules::WEIGHT_SMALL, span)
                .with("script", &tracked.name.value)
                .with("low", low)
                .with("high", high)
                .with("base", base)
                .with("sign", if weight < 0 { "-" } else { "+" })
                .with("weight", weight.abs())
                .with("result", base + weight);
        }
    }
}

fn addresses(block: &Statement<'_>, instance: &VrrpInstance, out: &mut Diagnostics) {
    let line = |address: &InterfaceAddress| line_of(block, &address.address);
    for address in instance.addresses.iter().chain(&instance.excluded) {
        if let Some(what) = strange(address.address) {
            out.report(rules::STRANGE_ADDRESS, line(address))
                .with("address", address.address)
                .with("what", what);
        } else if let Some(rule) = end_of_network(address) {
            out.report(rule, line(address))
                .with("address", address.address)
                .with("length", address.length);
        }
        if let Some(label) = address.label.as_ref().filter(|l| !l.starts_with(&address.dev)) {
            out.report(rules::LABEL, line(address)).with("label", label).with("dev", &address.dev);
        }
    }
    if let (Family::V6, Some(first)) = (instance.family, instance.addresses.first())
        && !matches!(first.address, IpAddr::V6(ip) if ip.is_unicast_link_local())
    {
        out.report(rules::NOT_LINK_LOCAL, line(first));
    }
}

/// The line of one of the address blocks that begins with this address.
fn line_of(block: &Statement<'_>, address: &IpAddr) -> Span {
    let mut lines = block
        .body()
        .iter()
        .filter(|list| list.first().starts_with("virtual_ipaddress"))
        .flat_map(Statement::body);
    lines
        .find(|line| {
            let text = line.first().split('/').next().unwrap_or_default();
            text.parse::<IpAddr>().is_ok_and(|written| written == *address)
        })
        .map_or(block.span, |line| line.span)
}

const fn strange(address: IpAddr) -> Option<&'static str> {
    if address.is_loopback() {
        Some("a loopback address")
    } else if address.is_multicast() {
        Some("a multicast address")
    } else if address.is_unspecified() {
        Some("no address at all")
    } else {
        None
    }
}

fn end_of_network(address: &InterfaceAddress) -> Option<&'static crate::config::rules::Rule> {
    let (IpAddr::V4(ip), 1..=30) = (address.address, address.length) else { return None };
    let host = u32::MAX >> address.length;
    match u32::from(ip) & host {
        0 => Some(rules::NETWORK_ADDRESS),
        bits if bits == host => Some(rules::BROADCAST_ADDRESS),
        _ => None,
    }
}

fn password(block: &Statement<'_>, out: &mut Diagnostics) {
    let password = child(block, &["authentication"])
        .and_then(|authentication| child(authentication, &["auth_pass"]))
        .and_then(|line| line.word(1));
    if let Some(word) = password.filter(|word| KNOWN.contains(&word.as_str())) {
        out.report(rules::PASSWORD_KNOWN, word.span);
    }
}

fn interval(block: &Statement<'_>, instance: &VrrpInstance, out: &mut Diagnostics) {
    let interval = instance.advert_interval;
    let unheard = interval * u32::from(instance.down_timer_adverts);
    let span = place(block, &["advert_int"]);
    if unheard >= SLOW {
        out.report(rules::SLOW_FAILOVER, span)
            .with("interval", seconds(interval))
            .with("seconds", seconds(unheard));
    }
    if interval < FAST {
        out.report(rules::FAST_ADVERTS, span)
            .with("interval", seconds(interval))
            .with("pause", unheard.as_millis());
    }
}

fn peers(block: &Statement<'_>, instance: &VrrpInstance, out: &mut Diagnostics) {
    let (Some(unicast), Some(source)) = (&instance.unicast, instance.source) else { return };
    if unicast.peers.iter().any(|peer| peer.address == source) {
        out.report(rules::PEER_IS_SELF, place(block, &["unicast_peer"])).with("address", source);
    }
}
