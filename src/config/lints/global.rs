//! Advice about `global_defs`, and about the file as a whole.
use super::{Seen, child};
use crate::config::{
    Config, diagnostic::Diagnostics, rules::lints as rules, source::Span, tree::Statement,
};

/// Mail settings of the packaged sample.
const SAMPLE_HOST: &str = "@firewall.loc";
const SAMPLE_SERVER: &str = "192.168.200.1";

pub(super) fn block(block: &Statement<'_>, seen: &mut Seen, out: &mut Diagnostics) {
    match seen.global_defs {
        Some(first) => {
            out.report(rules::GLOBAL_TWICE, block.span).label(first, "the first one");
        }
        None => seen.global_defs = Some(block.span),
    }
    let value = |keyword: &str| child(block, &[keyword]).and_then(|line| line.word(1));
    if let Some(word) = value("router_id").filter(|word| word.as_str() == "LVS_DEVEL") {
        out.report(rules::ROUTER_ID_SAMPLE, word.span);
    }
    if let Some(mails) = child(block, &["notification_email"]) {
        seen.recipients.get_or_insert(mails.span);
        let sample = mails.body().iter().find(|line| line.first().ends_with(SAMPLE_HOST));
        if let Some(line) = sample {
            out.report(rules::MAIL_SAMPLE, line.span).with("value", line.first());
        }
    }
    if let Some(word) = value("smtp_server").filter(|word| word.as_str() == SAMPLE_SERVER) {
        out.report(rules::MAIL_SAMPLE, word.span).with("value", word.as_str());
    }
    let alerts = ["smtp_alert", "smtp_alert_vrrp", "smtp_alert_checker"];
    seen.alert |= child(block, &alerts).is_some();
    if let Some(line) = child(block, &["lvs_flush"]) {
        out.report(rules::FLUSH_FOREIGN, line.span);
    }
}

pub(super) fn whole(config: &Config, seen: &Seen, out: &mut Diagnostics) {
    let vrrp = &config.vrrp;
    let services = &config.director.virtual_servers;
    if vrrp.instances.is_empty()
        && services.is_empty()
        && vrrp.static_addresses.is_empty()
        && vrrp.static_routes.is_empty()
        && vrrp.static_rules.is_empty()
        && !out.has_errors()
    {
        out.report(rules::NOTHING_CONFIGURED, Span::default());
    }
    let routers = vrrp.instances.iter().any(|instance| instance.smtp_alert)
        || vrrp.sync_groups.iter().any(|group| group.smtp_alert);
    let servers = services.iter().any(|service| {
        service.smtp_alert || service.real_servers.iter().any(|server| server.smtp_alert)
    });
    if let (Some(span), false, true, false, false) =
        (seen.recipients, vrrp.instances.is_empty(), servers, routers, seen.alert)
    {
        out.report(rules::ROUTERS_NOT_MAILED, span);
    }
    match seen.recipients {
        Some(span) if !routers && !servers => {
            out.report(rules::ALERT_NOWHERE, span);
        }
        None if routers && config.global.mail.to.is_empty() => {
            let asking = vrrp.instances.iter().find(|instance| instance.smtp_alert);
            let span = asking.map_or(Span::default(), |instance| instance.name.span);
            out.report(rules::ALERT_WITHOUT_RECIPIENT, span);
        }
        Some(_) | None => {}
    }
}
