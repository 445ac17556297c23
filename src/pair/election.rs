//! Who would hold which address when something fails: every combination is played with the very
//! machine that runs on the directors.
use super::{
    Director,
    combinations::{Depth, Failure, combinations},
    lan::Lan,
    network::{LONGEST_DELAY, build, tracked},
};
use crate::{config::model::VrrpInstance, trackers::Reading};
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// More combinations than this are never played.
const MOST: usize = 1024;
/// Nor more of them than have so many adverts: some seconds of work.
const ADVERTS: u64 = 200_000;
/// But so many in any case.
const LEAST: usize = 32;

/// A virtual address, and the instance that moves it on each director that has one.
#[derive(Clone, Debug)]
pub struct Vip {
    pub address: IpAddr,
    pub instances: Vec<Option<String>>,
}

/// What became of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Directors on which it can be reached.
    pub holders: Vec<usize>,
    /// Directors that could hold it, with the priorities they have now: they live, are not in FAULT,
    /// and the link that carries the address has carrier.
    pub able: Vec<(usize, u8)>,
}

/// What is wrong with an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody holds the address, though somebody could.
    Nobody,
    /// More than one do.
    Several,
}

impl Outcome {
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match (self.holders.as_slice(), self.able.as_slice()) {
            ([], [_, ..]) => Some(Fault::Nobody),
            ([_, _, ..], _) => Some(Fault::Several),
            ([], []) | ([_], _) => None,
        }
    }
}

/// One combination, played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub failing: Vec<Failure>,
    /// For each address.
    pub outcomes: Vec<Outcome>,
}

/// The whole proof.
#[derive(Clone, Debug)]
pub struct Proof {
    pub vips: Vec<Vip>,
    /// The first has no failure.
    pub rows: Vec<Row>,
    pub depth: Depth,
}

/// Plays everything. `origin` is any instant.
#[must_use]
pub fn prove(directors: &[Director<'_>], origin: Instant) -> Proof {
    let vips = vips(directors);
    let (combinations, depth) = combinations(directors, most(directors));
    let rows =
        combinations.into_iter().map(|failing| play(directors, &vips, failing, origin)).collect();
    Proof { vips, rows, depth }
}

/// Each address once, in the order of the files.
fn vips(directors: &[Director<'_>]) -> Vec<Vip> {
    let mut found: Vec<Vip> = vec![];
    for (at, director) in directors.iter().enumerate() {
        for instance in &director.config.vrrp.instances {
            for address in super::all_addresses(instance) {
                let place = found.iter().position(|vip| vip.address == address);
                let place = place.unwrap_or_else(|| {
                    found.push(Vip { address, instances: vec![None; directors.len()] });
                    found.len() - 1
                });
                let slot = found.get_mut(place).and_then(|vip| vip.instances.get_mut(at));
                if let Some(slot) = slot {
                    slot.get_or_insert_with(|| instance.name.value.clone());
                }
            }
        }
    }
    found
}

/// How many combinations are played.
fn most(directors: &[Director<'_>]) -> usize {
    let seconds = 2.0 * settling(directors).as_secs_f64();
    let instances = directors.iter().flat_map(|director| &director.config.vrrp.instances);
    let each: f64 =
        instances.map(|instance| seconds / instance.advert_interval.as_secs_f64().max(0.01)).sum();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rough number of adverts, not negative"
    )]
    let each = each as u64 + 1;
    usize::try_from(ADVERTS / each).unwrap_or(MOST).clamp(LEAST, MOST)
}

fn play(directors: &[Director<'_>], vips: &[Vip], failing: Vec<Failure>, origin: Instant) -> Row {
    let mut lan = build(directors, origin);
    let calm = settling(directors);
    lan.run_until(calm);
    for failure in &failing {
        let Some(director) = directors.get(failure.director()) else { continue };
        match failure {
            Failure::Node(_) => lan.kill(director.name),
            Failure::Interface(_, name) => lan.set_link(director.name, name, false),
            Failure::Tracked(_, subject) => {
                let healthy = tracked(&director.config.vrrp).get(subject).copied();
                let broken = Reading::of(healthy == Some(Reading::Down));
                lan.set_tracked(director.name, subject.clone(), broken);
            }
        }
    }
    lan.run_until(calm * 2);
    let outcomes = vips.iter().map(|vip| outcome(&lan, vip, directors)).collect();
    Row { failing, outcomes }
}

fn outcome(lan: &Lan, vip: &Vip, directors: &[Director<'_>]) -> Outcome {
    let mut outcome = Outcome::default();
    let instances = vip.instances.iter().zip(&lan.hosts).zip(directors).enumerate();
    for (at, ((name, host), director)) in instances {
        // What a dead machine still has does not answer.
        let Some(name) = name.as_ref().filter(|_| host.node.is_some()) else { continue };
        if host.answers(vip.address) {
            outcome.holders.push(at);
        }
        let instance = director.config.vrrp.instances.iter().find(|i| i.name.value == *name);
        let (Some(instance), Some(status)) = (instance, host.status(name, lan.now())) else {
            continue;
        };
        if status.state != "FAULT" && carriers(instance, vip.address).all(|dev| host.is_up(dev)) {
            outcome.able.push((at, status.priority));
        }
    }
    outcome
}

/// The interfaces that an address of this instance needs.
fn carriers(instance: &VrrpInstance, address: IpAddr) -> impl Iterator<Item = &str> {
    let vips = instance.addresses.iter().chain(&instance.excluded);
    vips.filter(move |vip| vip.address == address).map(|vip| {
        let own = instance.own_links.iter().find(|link| link.name == vip.dev);
        own.map_or(vip.dev.as_str(), |link| link.parent.as_str())
    })
}

/// Until nothing changes any more: a few times as long as a dead master is waited for.
fn settling(directors: &[Director<'_>]) -> Duration {
    let all = || directors.iter().flat_map(|director| &director.config.vrrp.instances);
    let longest = |of: &dyn Fn(&VrrpInstance) -> Duration| all().map(of).max().unwrap_or_default();
    let down =
        longest(&|instance| instance.advert_interval * u32::from(instance.down_timer_adverts));
    let delay = longest(&|instance| instance.preempt_delay.min(LONGEST_DELAY));
    (down + Duration::from_secs(1)) * 4 + delay
}
