//! What everything tracked makes of an instance: its effective priority, or a fault.
use super::fault::Fault;
use crate::{
    base::Priority,
    config::model::{TrackInterface, TrackerUse},
    trackers::{Reading, Subject},
};

/// All that one instance tracks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trackers(Vec<Tracker>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tracker {
    subject: Subject,
    /// 0: down means FAULT. Of a file: the factor of its number.
    weight: i32,
    reverse: bool,
    /// None before the first result.
    reading: Option<Reading>,
}

/// What a tracker does to its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Points(i32),
    Fault,
}

impl Trackers {
    pub(super) fn track_interface(&mut self, line: &TrackInterface, counts: bool) {
        let subject = Subject::Interface(line.name.value.clone());
        self.add(subject, line.weight, line.reverse, counts);
    }

    /// `kind` makes the subject of the line's name.
    pub(super) fn track(&mut self, kind: fn(String) -> Subject, line: &TrackerUse, counts: bool) {
        self.add(kind(line.name.value.clone()), line.weight, line.reverse, counts);
    }

    fn add(&mut self, subject: Subject, weight: i32, reverse: bool, counts: bool) {
        if counts || weight == 0 {
            self.0.push(Tracker { subject, weight, reverse, reading: None });
        }
    }

    /// An interface that addresses or routes need: down means FAULT, whatever `track_interface`
    /// says of it.
    pub(super) fn need_interface(&mut self, name: &str) {
        let subject = Subject::Interface(name.to_owned());
        self.0.retain(|tracker| tracker.subject != subject);
        self.0.push(Tracker { subject, weight: 0, reverse: false, reading: None });
    }

    pub(super) fn set(&mut self, subject: &Subject, reading: Option<Reading>) {
        for tracker in self.0.iter_mut().filter(|tracker| tracker.subject == *subject) {
            tracker.reading = reading;
        }
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.0.iter().map(|tracker| &tracker.subject)
    }

    /// Whether it is too early to start: something that can mean FAULT, or that is known within a
    /// moment, has not given its first result yet.
    pub(super) fn pending(&self) -> bool {
        self.0.iter().filter(|tracker| tracker.reading.is_none()).any(|tracker| {
            match &tracker.subject {
                Subject::Process(_) | Subject::File(_) => true,
                Subject::Interface(_) | Subject::Script(_) | Subject::Bfd(_) => tracker.weight == 0,
            }
        })
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = Fault> + '_ {
        self.0.iter().filter(|tracker| tracker.effect() == Effect::Fault).map(|tracker| {
            match &tracker.subject {
                Subject::Interface(name) => Fault::Interface(name.clone()),
                Subject::Script(name) => Fault::Script(name.clone()),
                Subject::Process(name) => Fault::Process(name.clone()),
                Subject::File(name) => Fault::File(name.clone()),
                Subject::Bfd(name) => Fault::Bfd(name.clone()),
            }
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
    /// Up and down: a positive weight counts while up, a negative one while down, `reverse` turns
    /// the sign; weight 0 is FAULT while down, in reverse while up. A number: times the weight, at
    /// most 253, and FAULT from -254 down; weight 0 is FAULT unless it is 0, in reverse if it is.
    /// Before the first result nothing counts.
    fn effect(&self) -> Effect {
        let faulty = |fault: bool| if fault { Effect::Fault } else { Effect::Points(0) };
        let signed = |points: i32| Effect::Points(if self.reverse { -points } else { points });
        match (self.reading, self.weight) {
            (None, _) => Effect::Points(0),
            (Some(Reading::Up), 0) => faulty(self.reverse),
            (Some(Reading::Down), 0) => faulty(!self.reverse),
            (Some(Reading::Up), weight) => signed(weight.max(0)),
            (Some(Reading::Down), weight) => signed(weight.min(0)),
            (Some(Reading::Number(number)), 0) => faulty((number != 0) != self.reverse),
            (Some(Reading::Number(number)), weight) => {
                let factor = i64::from(if self.reverse { -weight } else { weight });
                let points = number.saturating_mul(factor).clamp(-254, 253);
                i32::try_from(points)
                    .ok()
                    .filter(|p| *p > -254)
                    .map_or(Effect::Fault, Effect::Points)
            }
        }
    }

    fn contribution(&self) -> i32 {
        match self.effect() {
            Effect::Points(points) => points,
            Effect::Fault => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(weight: i32, reverse: bool, reading: Option<Reading>) -> Trackers {
        let subject = match reading {
            Some(Reading::Number(_)) => Subject::File("f".to_owned()),
            Some(Reading::Up | Reading::Down) | None => Subject::Script("chk".to_owned()),
        };
        Trackers(vec![Tracker { subject, weight, reverse, reading }])
    }

    #[test]
    fn weights_count_as_in_keepalived() {
        use Reading::{Down, Number, Up};
        let cases = [
            (2, false, None, 100),
            (2, false, Some(Up), 102),
            (2, false, Some(Down), 100),
            (-30, false, Some(Up), 100),
            (-30, false, Some(Down), 70),
            (10, true, Some(Up), 90),
            (-10, true, Some(Down), 110),
            (253, false, Some(Up), 254),
            (-253, false, Some(Down), 1),
            (1, false, Some(Number(7)), 107),
            (2, false, Some(Number(-10)), 80),
            (2, true, Some(Number(-10)), 120),
            (-3, false, Some(Number(5)), 85),
            (254, false, Some(Number(1)), 254),
            (1, false, Some(Number(-253)), 1),
            (1, false, Some(Number(i64::MAX)), 254),
            (1, false, Some(Number(0)), 100),
        ];
        for (weight, reverse, reading, expected) in cases {
            let trackers = one(weight, reverse, reading);
            assert_eq!(
                trackers.effective(Priority(100)),
                Priority(expected),
                "{weight} {reverse} {reading:?}"
            );
            assert!(!trackers.pending() && trackers.faults().next().is_none());
        }
        assert_eq!(one(-30, false, Some(Down)).effective(Priority::OWNER), Priority::OWNER);
    }

    #[test]
    fn what_means_fault() {
        use Reading::{Down, Number, Up};
        for (weight, reverse, reading, faults) in [
            (0, false, Down, 1),
            (0, false, Up, 0),
            (0, true, Up, 1),
            (0, true, Down, 0),
            (0, false, Number(0), 0),
            (0, false, Number(-1), 1),
            (0, true, Number(0), 1),
            (0, true, Number(4), 0),
            (1, false, Number(-254), 1),
            (1, true, Number(254), 1),
            (254, false, Number(-1), 1),
            (-254, false, Number(i64::MAX), 1),
        ] {
            let trackers = one(weight, reverse, Some(reading));
            assert_eq!(trackers.faults().count(), faults, "{weight} {reverse} {reading:?}");
            assert_eq!(trackers.effective(Priority(100)), Priority(100), "a fault moves nothing");
        }
    }

    #[test]
    fn what_is_known_in_a_moment_is_waited_for() {
        let waits = |subject: Subject, weight| {
            let mut trackers = Trackers::default();
            trackers.add(subject, weight, false, true);
            trackers.pending()
        };
        assert!(waits(Subject::Script("s".to_owned()), 0));
        assert!(!waits(Subject::Script("s".to_owned()), 10));
        assert!(waits(Subject::File("f".to_owned()), 1));
        assert!(waits(Subject::Process("p".to_owned()), -20));
    }
}
