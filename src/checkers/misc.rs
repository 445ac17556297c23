//! MISC_CHECK and FILE_CHECK, the half that judges: exit codes and numbers (spec: LVS and checkers
//! §5.4, §5.8).
use super::Outcome;
use crate::{
    config::model::{FileCheck, MiscCheck},
    scripts::Exit,
};

/// The reason of a script that took too long.
pub const TIMED_OUT: &str = "timed out";

/// What a script's end means.
#[must_use]
pub fn judge(check: &MiscCheck, exit: &Exit) -> Outcome {
    match exit {
        Exit::Code(0) => Outcome::pass("exited with status 0"),
        Exit::Code(code @ 2..) if check.dynamic => {
            Outcome::Pass { code: Some(*code), reason: format!("exited with status {code}") }
        }
        Exit::Code(code) => Outcome::fail(format!("exited with status {code}")),
        Exit::Signal(signal) => Outcome::fail(format!("exited due to signal {signal}")),
        Exit::TimedOut => Outcome::fail(TIMED_OUT),
        Exit::NotStarted(why) => Outcome::fail(format!("not started: {why}")),
    }
}

/// What the number in a file means; a missing or an empty file counts as 0.
#[must_use]
pub fn judge_file(check: &FileCheck, value: i64) -> Outcome {
    let reason = format!("track_file {} holds {value}", check.name);
    if check.weight == 0 {
        let passes = (value == 0) != check.reverse;
        return if passes { Outcome::pass(reason) } else { Outcome::fail(reason) };
    }
    let sign = if check.reverse { -1 } else { 1 };
    let offset = value.saturating_mul(i64::from(check.weight)).saturating_mul(sign);
    if offset <= i64::from(i32::MIN) {
        return Outcome::fail(reason);
    }
    Outcome::Weigh { offset: offset.min(i32::MAX.into()), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Script;
    use std::time::Duration;

    #[test]
    fn exits() {
        let check = |dynamic| MiscCheck {
            script: Script { argv: vec!["/bin/true".into()], user: None, group: None },
            timeout: Duration::from_secs(1),
            dynamic,
        };
        let pass = |code| Some(code);
        let table = [
            (Exit::Code(0), pass(None), pass(None)),
            (Exit::Code(1), None, None),
            (Exit::Code(2), None, pass(Some(2))),
            (Exit::Code(255), None, pass(Some(255))),
            (Exit::Signal(9), None, None),
            (Exit::TimedOut, None, None),
            (Exit::NotStarted("no such file".into()), None, None),
        ];
        for (exit, plain, dynamic) in table {
            for (dynamic, expected) in [(false, plain), (true, dynamic)] {
                let found = match judge(&check(dynamic), &exit) {
                    Outcome::Pass { code, .. } => Some(code),
                    Outcome::Fail { .. } => None,
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{exit:?} dynamic {dynamic}");
            }
        }
    }

    #[test]
    fn files() {
        let judged = |weight, reverse, value| match judge_file(
            &FileCheck { name: "f".into(), weight, reverse },
            value,
        ) {
            Outcome::Pass { .. } => "pass".to_owned(),
            Outcome::Fail { .. } => "fail".to_owned(),
            Outcome::Weigh { offset, .. } => offset.to_string(),
            Outcome::Local { .. } => "local".to_owned(),
        };
        assert_eq!(judged(0, false, 0), "pass");
        assert_eq!(judged(0, false, 3), "fail");
        assert_eq!(judged(0, true, 3), "pass");
        assert_eq!(judged(0, true, 0), "fail");
        assert_eq!(judged(2, false, 5), "10");
        assert_eq!(judged(2, true, 5), "-10");
        assert_eq!(judged(1, false, -2_147_483_648), "fail");
        assert_eq!(judged(1, false, -2_147_483_647), "-2147483647");
        assert_eq!(judged(253, false, i64::MAX), i32::MAX.to_string());
    }
}
