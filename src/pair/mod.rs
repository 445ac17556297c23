//! Directors that are to work together: whether their files agree, and who would hold what when
//! something fails.
mod agree;
mod combinations;
mod election;
pub mod host;
mod judge;
pub mod lan;
mod network;
mod report;
mod services;
mod stays;

pub use election::{Proof, prove};
pub use report::{Report, table};

use crate::config::{
    Config,
    diagnostic::Diagnostics,
    model::VrrpInstance,
    render,
    rules::{Rule, lints},
    source::{Sources, Span},
};
use std::{collections::BTreeSet, net::IpAddr};

/// Advice about one file that asks what the proof answers.
pub const ANSWERED: &Rule = lints::WEIGHT_SMALL;

/// One director's file.
#[derive(Clone, Copy, Debug)]
pub struct Director<'c> {
    /// What tells it from the others.
    pub name: &'c str,
    pub sources: &'c Sources,
    pub config: &'c Config,
}

impl Director<'_> {
    /// A place in it, for findings about another one.
    fn place(&self, span: Span) -> String {
        render::place(self.sources, span)
    }
}

/// Reports what is wrong between directors, each into its own list of `found`, and answers what was
/// proved. `found` has a list for each of them.
pub fn check(
    directors: &[Director<'_>],
    origin: std::time::Instant,
    found: &mut [Diagnostics],
) -> Proof {
    agree::instances(directors, found);
    services::services(directors, found);
    let proof = prove(directors, origin);
    judge::judge(&proof, directors, found);
    proof
}

/// Whether these are the directors of one site: each has a virtual router in common with another,
/// and no group of them stands apart.
#[must_use]
pub fn belong_together(configs: &[&Config]) -> bool {
    let mut waiting: Vec<&Config> = configs.iter().skip(1).copied().collect();
    let mut reached: Vec<&Config> = configs.first().copied().into_iter().collect();
    let mut at = 0;
    while let Some(one) = reached.get(at).copied() {
        let (near, far) = waiting.iter().copied().partition(|other| are_related(one, other));
        waiting = far;
        reached.extend::<Vec<&Config>>(near);
        at += 1;
    }
    waiting.is_empty() && reached.len() > 1
}

fn are_related(one: &Config, other: &Config) -> bool {
    one.vrrp
        .instances
        .iter()
        .any(|first| other.vrrp.instances.iter().any(|second| partnership(first, second).is_some()))
}

/// How sure it is that two instances are the same virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Partnership {
    /// The same id, and addresses of the same neighbourhood.
    Near,
    Address,
    AddressAndId,
}

fn partnership(one: &VrrpInstance, other: &VrrpInstance) -> Option<Partnership> {
    let same_id = one.vrid == other.vrid && one.family == other.family;
    let known: BTreeSet<IpAddr> = all_addresses(one).collect();
    let shares = all_addresses(other).any(|address| known.contains(&address));
    let areas: BTreeSet<IpAddr> = known.iter().copied().map(area).collect();
    match (shares, same_id) {
        (true, true) => Some(Partnership::AddressAndId),
        (true, false) => Some(Partnership::Address),
        (false, true) => all_addresses(other)
            .any(|address| areas.contains(&area(address)))
            .then_some(Partnership::Near),
        (false, false) => None,
    }
}

fn all_addresses(instance: &VrrpInstance) -> impl Iterator<Item = IpAddr> {
    instance.addresses.iter().chain(&instance.excluded).map(|vip| vip.address)
}

/// The /24 or /64 around an address: one id in it twice is hardly chance.
fn area(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4((u32::from(address) & !0xff).into()),
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
    }
}

/// The instance over there that is elected against this one.
fn partner<'c>(instance: &VrrpInstance, there: &Director<'c>) -> Option<&'c VrrpInstance> {
    let candidates = there.config.vrrp.instances.iter();
    let mut best: Option<(Partnership, &VrrpInstance)> = None;
    for candidate in candidates {
        let Some(how) = partnership(instance, candidate) else { continue };
        // The first of equals.
        if best.is_none_or(|(known, _)| how > known) {
            best = Some((how, candidate));
        }
    }
    best.map(|(_, instance)| instance)
}
