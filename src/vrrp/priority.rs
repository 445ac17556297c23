//! What tracked interfaces and scripts make of an instance: its effective priority, or a fault.
use super::fault::Fault;
use crate::{
    base::Priority,
    config::model::{TrackInterface, TrackerUse},
};

/// All that one instance tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trackers(Vec<Tracker>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tracker {
    subject: Subject,
    /// 0: down means FAULT.
    weight: i32,
    reverse: bool,
    /// None before the first result.
    up: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Interface(String),
    Script(String),
}

impl Trackers {
    pub(super) fn track_interface(&mut self, line: &TrackInterface, counts: bool) {
        if !counts && line.weight != 0 {
            return;
        }
        self.0.push(Tracker {
            subject: Subject::Interface(line.name.value.clone()),
            weight: line.weight,
            reverse: line.reverse,
            up: None,
        });
    }

    pub(super) fn track_script(&mut self, line: &TrackerUse, counts: bool) {
        if !counts && line.weight != 0 {
            return;
        }
        self.0.push(Tracker {
            subject: Subject::Script(line.name.value.clone()),
            weight: line.weight,
            reverse: line.reverse,
            up: None,
        });
    }

    /// An interface that addresses or routes need: down means FAULT, whatever `track_interface`
    /// says of it.
    pub(super) fn need_interface(&mut self, name: &str) {
        let subject = Subject::Interface(name.to_owned());
        self.0.retain(|tracker| tracker.subject != subject);
        self.0.push(Tracker { subject, weight: 0, reverse: false, up: None });
    }

    pub(super) fn set(&mut self, subject: &Subject, up: Option<bool>) {
        for tracker in self.0.iter_mut().filter(|tracker| tracker.subject == *subject) {
            tracker.up = up;
        }
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.0.iter().map(|tracker| &tracker.subject)
    }

    /// Whether something unweighted has not given its first result yet: too early to start.
    pub(super) fn pending(&self) -> bool {
        self.0.iter().any(|tracker| tracker.weight == 0 && tracker.up.is_none())
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0
            .iter()
            .filter(|tracker| tracker.weight == 0 && tracker.up == Some(tracker.reverse))
            .map(|tracker| match &tracker.subject {
                Subject::Interface(name) => Fault::Interface(name.clone()),
                Subject::Script(name) => Fault::Script(name.clone()),
            })
    }

    /// Base plus contributions, within 1..=254; the owner's 255 never moves.
    pub(super) fn effective(&self, base: Priority) -> Priority {
        if base == Priority::OWNER {
            return base;
        }
        let total: i32 = self.0.iter().map(Tracker::contribution).sum();
        let clamped = (i32::from(base.0) + total).clamp(1, 254);
        Priority(u8::try_from(clamped).unwrap_or(base.0))
    }
}

impl Tracker {
    /// A positive weight counts while up, a negative one while down, `reverse` turns the sign;
    /// before the first result nothing counts.
    fn contribution(&self) -> i32 {
        let amount = match self.up {
            None => 0,
            Some(true) => self.weight.max(0),
            Some(false) => self.weight.min(0),
        };
        if self.reverse { -amount } else { amount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(weight: i32, reverse: bool, up: Option<bool>) -> Trackers {
        let subject = Subject::Script("chk".to_owned());
        Trackers(vec![Tracker { subject, weight, reverse, up }])
    }

    #[test]
    fn weights_count_as_in_keepalived() {
        let cases = [
            (2, false, None, 100),
            (2, false, Some(true), 102),
            (2, false, Some(false), 100),
            (-30, false, Some(true), 100),
            (-30, false, Some(false), 70),
            (10, true, Some(true), 90),
            (-10, true, Some(false), 110),
            (253, false, Some(true), 254),
            (-253, false, Some(false), 1),
        ];
        for (weight, reverse, up, expected) in cases {
            let trackers = one(weight, reverse, up);
            assert_eq!(
                trackers.effective(Priority(100)),
                Priority(expected),
                "{weight} {reverse} {up:?}"
            );
            assert!(!trackers.pending() && trackers.faults().next().is_none());
        }
        assert_eq!(one(-30, false, Some(false)).effective(Priority::OWNER), Priority::OWNER);
    }

    #[test]
    fn without_a_weight_down_is_a_fault_and_silence_is_waiting() {
        assert!(one(0, false, None).pending());
        assert_eq!(one(0, false, Some(false)).faults().count(), 1);
        assert_eq!(one(0, false, Some(true)).faults().count(), 0);
        assert_eq!(one(0, true, Some(true)).faults().count(), 1);
        assert_eq!(one(0, true, Some(false)).faults().count(), 0);
    }
}
