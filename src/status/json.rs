//! What the JSON signal writes: keepalived's names for what an instance is configured as, how it is,
//! and what it has counted.
use super::{InstanceStatus, VrrpStatus};
use crate::config::model::{
    Authentication, Config, JsonVersion, NotifyScripts, Version, VrrpInstance,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// One line, as keepalived writes it. `clock` is the time since 1970, in UTC.
#[must_use]
pub fn render(config: &Config, status: &VrrpStatus, clock: Duration) -> String {
    let instances: Vec<Value> = config
        .vrrp
        .instances
        .iter()
        .filter_map(|instance| {
            let known = status.instances.iter().find(|known| known.name == instance.name.value)?;
            Some(json!({
                "data": data(instance, known, clock),
                "stats": stats(known),
            }))
        })
        .collect();
    let whole = match config.global.dumps.json_version {
        JsonVersion::One => Value::Array(instances),
        JsonVersion::Two => json!({ "version": 2, "vrrp": instances, "track_process": [] }),
    };
    format!("{whole}\n")
}

fn data(instance: &VrrpInstance, known: &InstanceStatus, clock: Duration) -> Value {
    let since = clock.saturating_sub(Duration::from_secs(known.since)).as_secs_f64();
    let number = |state: &str| match state {
        "INIT" => 0,
        "BACKUP" => 1,
        "MASTER" => 2,
        _ => 3,
    };
    let garp = &instance.garp;
    let is_master = known.state == "MASTER";
    let set = if is_master { " set" } else { "" };
    let lines = |list: &[crate::base::InterfaceAddress]| -> Vec<String> {
        list.iter()
            .map(|address| format!("{} dev {}{set}", address.prefix(), address.dev))
            .collect()
    };
    let mut data = json!({
        "iname": known.name,
        "dont_track_primary": u8::from(!instance.track_primary),
        "skip_check_adv_addr": u8::from(instance.skip_check_adv_addr),
        "strict_mode": u8::from(instance.strict),
        "vmac_ifname": "",
        "ifp_ifname": known.interface,
        "master_priority": 0,
        "last_transition": since,
        "garp_delay": garp.delay.as_secs(),
        "garp_refresh": garp.refresh.as_secs(),
        "garp_rep": garp.repeat,
        "garp_refresh_rep": garp.refresh_repeat,
        "garp_lower_prio_delay": garp.lower_prio_delay.as_secs(),
        "garp_lower_prio_rep": garp.lower_prio_repeat,
        "lower_prio_no_advert": u8::from(instance.lower_prio_no_advert),
        "higher_prio_send_advert": u8::from(instance.higher_prio_send_advert),
        "vrid": known.vrid,
        "base_priority": known.base_priority,
        "effective_priority": known.priority,
        "vipset": is_master,
        "promote_secondaries": instance.promote_secondaries,
        "adver_int": instance.advert_interval.as_secs_f64(),
        "master_adver_int": instance.advert_interval.as_secs_f64(),
        "accept": u8::from(instance.accept),
        "nopreempt": !instance.preempt,
        "preempt_delay": instance.preempt_delay.as_secs(),
        "state": number(&known.state),
        "wantstate": if instance.wants_master { 2 } else { 1 },
        "version": if instance.version == Version::V2 { 2 } else { 3 },
        "smtp_alert": instance.smtp_alert,
        "vips": lines(&instance.addresses),
    });
    if let Value::Object(data) = &mut data {
        if !instance.excluded.is_empty() {
            data.insert("evips".to_owned(), json!(lines(&instance.excluded)));
        }
        if instance.version == Version::V2 {
            let kind = match instance.authentication {
                Authentication::None => 0,
                Authentication::Password(_) => 1,
                Authentication::Header(_) => 2,
            };
            data.insert("auth_type".to_owned(), json!(kind));
        }
        scripts(data, &instance.notify);
    }
    data
}

fn scripts(data: &mut Map<String, Value>, notify: &NotifyScripts) {
    for (name, script) in [
        ("script_backup", &notify.backup),
        ("script_master", &notify.master),
        ("script_fault", &notify.fault),
        ("script_stop", &notify.stop),
        ("script_deleted", &notify.deleted),
        ("script_master_rx_lower_pri", &notify.master_rx_lower_pri),
        ("script", &notify.any),
    ] {
        if let Some(script) = script {
            data.insert(name.to_owned(), json!(format!("'{}'", script.argv.join(" "))));
        }
    }
}

fn stats(known: &InstanceStatus) -> Value {
    let errors = &known.errors;
    json!({
        "advert_rcvd": known.adverts_received,
        "advert_sent": known.adverts_sent,
        "become_master": known.became_master,
        "release_master": known.released_master,
        "packet_len_err": errors.length,
        "advert_interval_err": errors.interval,
        "ip_ttl_err": errors.ttl,
        "invalid_type_rcvd": errors.kind,
        "addr_list_err": errors.addresses,
        "invalid_authtype": errors.auth_invalid,
        "authtype_mismatch": errors.auth_mismatch,
        "auth_failure": errors.auth_failure,
        "pri_zero_rcvd": known.zero_received,
        "pri_zero_sent": known.zero_sent,
    })
}
