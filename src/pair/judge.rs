//! What the proof shows to be wrong: addresses that nobody holds or several do, and failures that
//! move nothing.
use super::{
    Director,
    combinations::Failure,
    election::{Fault, Outcome, Proof, Row, Vip},
    stays::stay,
};
use crate::{
    config::{
        diagnostic::{Diagnostics, Severity},
        model::VrrpInstance,
        rules::{Rule, pair as rules},
        source::Span,
    },
    trackers::Subject,
};

/// Reports into the list of each director. Each kind once for the addresses that go together, with
/// the fewest failures. Where files are known to disagree about a virtual router the table shows what
/// comes of it, and one finding is enough.
pub(super) fn judge(proof: &Proof, directors: &[Director<'_>], found: &mut [Diagnostics]) {
    for number in columns(proof).into_iter().filter_map(|column| column.first().copied()) {
        let Some(vip) = proof.vips.get(number) else { continue };
        if !is_explained(vip, directors, found) {
            for (fault, rule) in [(Fault::Nobody, rules::NOBODY), (Fault::Several, rules::TWO_HOLD)]
            {
                let at = |row: &&Row| outcome(row, number).fault() == Some(fault);
                if let Some(row) = proof.rows.iter().find(at) {
                    complain(rule, row, number, vip, directors, found);
                }
            }
        }
        for stay in proof.rows.iter().filter_map(|row| stay(proof, row, number, directors)) {
            stay.report(vip, directors, found);
        }
    }
}

/// The numbers of addresses that always share their fate.
pub(super) fn columns(proof: &Proof) -> Vec<Vec<usize>> {
    let mut columns: Vec<Vec<usize>> = vec![];
    for number in 0..proof.vips.len() {
        let same = |one: usize, other: usize| {
            let instances = |at: usize| proof.vips.get(at).map(|vip| &vip.instances);
            instances(one) == instances(other)
                && proof.rows.iter().all(|row| row.outcomes.get(one) == row.outcomes.get(other))
        };
        let known = columns
            .iter_mut()
            .find(|column| column.first().is_some_and(|first| same(*first, number)));
        match known {
            Some(column) => column.push(number),
            None => columns.push(vec![number]),
        }
    }
    columns
}

pub(super) fn outcome(row: &Row, number: usize) -> Outcome {
    row.outcomes.get(number).cloned().unwrap_or_default()
}

pub(super) fn instance<'d>(
    vip: &Vip,
    at: usize,
    directors: &'d [Director<'_>],
) -> Option<&'d VrrpInstance> {
    let name = vip.instances.get(at)?.as_ref()?;
    let instances = &directors.get(at)?.config.vrrp.instances;
    instances.iter().find(|instance| instance.name.value == *name)
}

/// Whether an error says already what is wrong with these instances.
fn is_explained(vip: &Vip, directors: &[Director<'_>], found: &[Diagnostics]) -> bool {
    (0..directors.len()).zip(found).any(|(at, found)| {
        let Some(instance) = instance(vip, at, directors) else { return false };
        let spans = [instance.name.span, instance.vrid.span, instance.priority.span];
        found.iter().any(|finding| {
            finding.rule.severity == Severity::Error
                && rules::ALL.contains(&finding.rule)
                && spans.contains(&finding.span)
        })
    })
}

fn complain(
    rule: &'static Rule,
    row: &Row,
    number: usize,
    vip: &Vip,
    directors: &[Director<'_>],
    found: &mut [Diagnostics],
) {
    let Outcome { holders, able } = outcome(row, number);
    let able: Vec<usize> = able.into_iter().map(|(at, _)| at).collect();
    // The later one is probably the copy.
    let Some(at) = holders.last().or(able.last()).copied() else { return };
    let span = instance(vip, at, directors).map_or(Span::default(), |instance| instance.name.span);
    let Some(found) = found.get_mut(at) else { return };
    let finding = found.report(rule, span);
    finding.with("address", vip.address).with("failing", failing(&row.failing, directors));
    if holders.is_empty() {
        finding.with("able", names(&able, directors));
    } else {
        finding.with("holders", names(&holders, directors));
    }
}

pub(super) fn names(numbers: &[usize], directors: &[Director<'_>]) -> String {
    let names = numbers.iter().filter_map(|at| directors.get(*at)).map(|director| director.name);
    names.collect::<Vec<_>>().join(", ")
}

/// `FILE` for a machine, `FILE:eth0` for a part of it.
fn failing(failures: &[Failure], directors: &[Director<'_>]) -> String {
    if failures.is_empty() {
        return "nothing".to_owned();
    }
    let part = |failure: &Failure| {
        let name = names(&[failure.director()], directors);
        match failure {
            Failure::Node(_) => name,
            Failure::Interface(_, what) => format!("{name}:{what}"),
            Failure::Tracked(_, subject) => format!("{name}:{}", name_of(subject)),
        }
    };
    failures.iter().map(part).collect::<Vec<_>>().join(", ")
}

pub(super) fn name_of(subject: &Subject) -> &str {
    match subject {
        Subject::Interface(name)
        | Subject::Script(name)
        | Subject::Process(name)
        | Subject::File(name)
        | Subject::Bfd(name) => name,
    }
}
