//! MISC_CHECK: runs a script and judges its end.
use crate::{
    checkers::{Outcome, misc},
    config::model::MiscCheck,
    scripts::{self, Policy},
};

pub(super) async fn probe(check: &MiscCheck, policy: &Policy) -> Outcome {
    misc::judge(check, &scripts::io::run(&check.script, policy, Some(check.timeout)).await)
}
