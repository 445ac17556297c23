//! The two intervals of RFC 9568 §6.1 (and RFC 3768 §6.1): Skew_Time and Master_Down_Interval.
use crate::{base::Priority, config::model::Version};
use std::time::Duration;

/// Skew_Time. VRRPv2: (256 − priority)/256 of a second, whatever the interval;
/// VRRPv3: of the master's interval.
pub(super) fn skew(version: Version, priority: Priority, master_interval: Duration) -> Duration {
    let unit = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => master_interval,
    };
    unit * (256 - u32::from(priority.0)) / 256
}

/// Master_Down_Interval: `adverts` (3 unless configured) intervals and the skew.
pub(super) fn master_down(
    version: Version,
    priority: Priority,
    master_interval: Duration,
    adverts: u8,
) -> Duration {
    master_interval * u32::from(adverts) + skew(version, priority, master_interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_measured_with_keepalived() {
        let second = Duration::from_secs(1);
        let ms = |version, priority, interval, adverts| {
            master_down(version, Priority(priority), interval, adverts).as_millis()
        };
        assert_eq!(ms(Version::V2, 100, second, 3), 3609);
        assert_eq!(ms(Version::V2, 255, second, 3), 3003);
        assert_eq!(ms(Version::V2, 100, 2 * second, 3), 6609);
        assert_eq!(ms(Version::V3, 100, second / 2, 3), 1804);
        assert_eq!(skew(Version::V2, Priority(90), second).as_millis(), 648);
        assert_eq!(skew(Version::V3, Priority(128), 2 * second).as_millis(), 1000);
    }
}
