//! Failures that are to move an address and do not.
use super::{
    Director,
    combinations::Failure,
    election::{Outcome, Proof, Row, Vip},
    judge::{instance, name_of, names, outcome},
};
use crate::{
    config::{
        diagnostic::Diagnostics,
        model::{TrackerUse, VrrpInstance},
        rules::pair as rules,
    },
    trackers::Subject,
};

/// Something tracked has failed on the master alone, and the address stays there.
#[derive(Debug)]
pub(super) struct Stay<'p> {
    /// The master.
    at: usize,
    tracked: &'p TrackerUse,
    /// Its priority.
    before: u8,
    pub(super) after: u8,
    /// Who would be next, and its priority.
    other: usize,
    pub(super) theirs: u8,
    /// The other one has `nopreempt`, and the priority it takes.
    lets_it_go_on: bool,
}

/// What this combination shows for that address.
pub(super) fn stay<'p>(
    proof: &Proof,
    row: &Row,
    number: usize,
    directors: &'p [Director<'_>],
) -> Option<Stay<'p>> {
    let [Failure::Tracked(at, subject)] = row.failing.as_slice() else { return None };
    let (at, vip) = (*at, proof.vips.get(number)?);
    let Outcome { holders, able } = outcome(row, number);
    let healthy = outcome(proof.rows.first()?, number);
    let priority = |list: &[(usize, u8)]| {
        list.iter().find(|(director, _)| *director == at).map(|(_, priority)| *priority)
    };
    let (before, after) = (priority(&healthy.able)?, priority(&able)?);
    let others = able.iter().filter(|(other, _)| *other != at);
    let (other, theirs) = others.max_by_key(|(_, priority)| *priority).copied()?;
    let mut uses = uses(instance(vip, at, directors)?, subject);
    let tracked = uses.find(|used| used.name.value == name_of(subject))?;
    // With weight 0 it would be in FAULT; the owner of the addresses keeps them by right.
    let in_vain =
        healthy.holders == [at] && holders == [at] && after != u8::MAX && tracked.weight != 0;
    let lets_it_go_on = theirs > after && !instance(vip, other, directors)?.preempt;
    (in_vain && (theirs < after || lets_it_go_on)).then_some(Stay {
        at,
        tracked,
        before,
        after,
        other,
        theirs,
        lets_it_go_on,
    })
}

impl Stay<'_> {
    pub(super) fn report(&self, vip: &Vip, directors: &[Director<'_>], found: &mut [Diagnostics]) {
        let Some(found) = found.get_mut(self.at) else { return };
        let rule = if self.lets_it_go_on { rules::STAYS_NOPREEMPT } else { rules::STAYS };
        let finding = found.report(rule, self.tracked.name.span);
        finding
            .with("address", vip.address)
            .with("script", &self.tracked.name.value)
            .with("other", names(&[self.other], directors));
        if !self.lets_it_go_on {
            finding
                .with("before", self.before)
                .with("after", self.after)
                .with("theirs", self.theirs)
                .with("gap", self.before.saturating_sub(self.theirs));
        }
    }
}

fn uses<'i>(instance: &'i VrrpInstance, subject: &Subject) -> impl Iterator<Item = &'i TrackerUse> {
    let list: &[TrackerUse] = match subject {
        Subject::Script(_) => &instance.track_scripts,
        Subject::Process(_) => &instance.track_processes,
        Subject::File(_) => &instance.track_files,
        Subject::Bfd(_) => &instance.track_bfds,
        Subject::Interface(_) => &[],
    };
    list.iter()
}
