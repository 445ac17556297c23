//! What SIGUSR2 writes: keepalived's packet counters, in its form.
use super::{InstanceStatus, VrrpStatus};
use std::fmt::Write;

/// A paragraph an instance.
#[must_use]
pub fn render(status: &VrrpStatus) -> String {
    status.instances.iter().map(paragraph).collect()
}

fn paragraph(instance: &InstanceStatus) -> String {
    let errors = &instance.errors;
    let rows: [(usize, &str, Option<u64>); 20] = [
        (2, "Advertisements", None),
        (4, "Received", Some(instance.adverts_received)),
        (4, "Sent", Some(instance.adverts_sent)),
        (2, "Became master", Some(instance.became_master)),
        (2, "Released master", Some(instance.released_master)),
        (2, "Packet Errors", None),
        (4, "Length", Some(errors.length)),
        (4, "TTL", Some(errors.ttl)),
        (4, "Invalid Type", Some(errors.kind)),
        (4, "Advertisement Interval", Some(errors.interval)),
        (4, "Address List", Some(errors.addresses)),
        (4, "Other", Some(errors.other)),
        (2, "Authentication Errors", None),
        (4, "Invalid Type", Some(errors.auth_invalid)),
        (4, "Type Mismatch", Some(errors.auth_mismatch)),
        (4, "Failure", Some(errors.auth_failure)),
        (2, "Priority Zero", None),
        (4, "Received", Some(instance.zero_received)),
        (4, "Sent", Some(instance.zero_sent)),
        (2, "Rejected", Some(instance.rejected)),
    ];
    let mut text = format!("VRRP Instance: {}\n", instance.name);
    for (depth, what, count) in rows {
        let count = count.map(|count| format!(" {count}")).unwrap_or_default();
        // Writing to a String cannot fail.
        if write!(text, "{:depth$}{what}:{count}", "").is_ok() {
            text.push('\n');
        }
    }
    text
}
