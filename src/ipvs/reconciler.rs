//! Keeps one table true: what is wanted, what we believe the kernel holds, what to do next. Pure:
//! whoever owns it dumps and runs steps when told to, and reports what came of it.
use super::{
    plan::{Owned, Step, plan},
    refusal::Refusal,
    table::{Service, ServiceKey, Table},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read the table, then [`Reconciler::observed`] (or [`Reconciler::failed`]).
    Dump,
    /// Carry these out in order, then [`Reconciler::ran`] (or [`Reconciler::failed`]).
    Run(Vec<Step>),
    /// Wait for another table to be wanted, or for the time to verify.
    Settled,
}

/// Something that somebody else changed and that we now set right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift(pub Step);

/// A refusal worth telling, said once for as long as it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub service: ServiceKey,
    /// One sentence with the remedy, if there is one.
    pub message: String,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Reconciler {
    wanted: Table,
    /// None: unknown, read the kernel first.
    believed: Option<Table>,
    /// What we believed when we last trusted it, to tell drift from our own work.
    before: Option<Table>,
    owned: Owned,
    /// Steps that a refusal calls for, ahead of any plan.
    corrections: Vec<Step>,
    /// Services with a step the kernel refuses: left alone until somebody wants another value or
    /// the next verification.
    refused: BTreeMap<ServiceKey, Refused>,
    /// Rounds in a row that ended with a surprise.
    surprises: u32,
}

#[derive(Clone, Debug)]
struct Refused {
    wanted: Option<Arc<Service>>,
    message: String,
    /// Verification is due: the step may be tried again, but what it says is not news.
    retry: bool,
}

/// Steps in one go: bounds how long a newer wish waits (well under a second on any machine).
const STEPS_AT_ONCE: usize = 4096;
/// After this many surprises in a row somebody else is at work on the same services: leave it to
/// the next verification instead of fighting at full speed.
const MAX_SURPRISES: u32 = 4;

impl Reconciler {
    /// Replaces the wanted table. The services of every table ever wanted are ours, until they are
    /// seen gone.
    pub fn want(&mut self, table: Table) {
        self.owned.0.extend(table.0.keys().copied());
        self.wanted = table;
        self.surprises = 0;
        let wanted = &self.wanted;
        self.refused.retain(|key, refused| {
            let now = wanted.0.get(key);
            refused.retry |= now != refused.wanted.as_ref();
            now.is_some()
        });
    }

    /// Takes these services as ours, so that those which are not wanted go (`lvs_flush`).
    pub fn claim(&mut self, table: &Table) {
        self.owned.0.extend(table.0.keys().copied());
    }

    #[must_use]
    pub fn what_next(&mut self) -> Next {
        let Some(believed) = &self.believed else { return Next::Dump };
        if self.surprises > MAX_SURPRISES {
            return Next::Settled;
        }
        if !self.corrections.is_empty() {
            return Next::Run(std::mem::take(&mut self.corrections));
        }
        let mut steps = plan(believed, &self.wanted, &self.owned);
        if !self.refused.is_empty() {
            let concerned: BTreeSet<_> = steps.iter().map(Step::key).collect();
            self.refused.retain(|key, _| concerned.contains(key));
            steps.retain(|step| self.refused.get(&step.key()).is_none_or(|refused| refused.retry));
        }
        if steps.is_empty() {
            return Next::Settled;
        }
        steps.truncate(STEPS_AT_ONCE);
        Next::Run(steps)
    }

    /// What the kernel holds. Returns what differs from what we last left there.
    pub fn observed(&mut self, mut table: Table) -> Vec<Drift> {
        let drift = self.before.take().map_or_else(Vec::new, |before| {
            let ours = |key| self.owned.0.contains(&key) && !self.refused.contains_key(&key);
            let steps = plan(&table, &before, &Owned::default());
            steps.into_iter().filter(|step| ours(step.key())).map(Drift).collect()
        });
        let wanted = &self.wanted;
        self.owned.0.retain(|key| table.0.contains_key(key) || wanted.0.contains_key(key));
        // Share what is equal, so that later plans skip it by pointer.
        for (key, service) in &mut table.0 {
            if let Some(wanted) = self.wanted.0.get(key)
                && *wanted == *service
            {
                *service = Arc::clone(wanted);
            }
        }
        self.believed = Some(table);
        drift
    }

    /// What became of the steps of [`Next::Run`]. Returns the refusals that are news.
    pub fn ran(&mut self, steps: &[Step], results: &[Result<(), Refusal>]) -> Vec<Problem> {
        let mut round = Round::default();
        for (step, result) in steps.iter().zip(results) {
            match result {
                Ok(()) => self.done(step),
                Err(refusal) => self.refusal(step, *refusal, &mut round),
            }
        }
        if results.len() < steps.len() || round.dump {
            self.forget();
        }
        if round.surprise {
            self.surprises += 1;
        } else if round.problems.is_empty() {
            self.surprises = 0;
        }
        for key in steps.iter().map(Step::key).collect::<BTreeSet<_>>() {
            self.share(key);
            if !round.refused.contains(&key) {
                self.refused.remove(&key);
            }
        }
        round.problems
    }

    /// Nothing came back, or not all of it: believe nothing.
    pub fn failed(&mut self) {
        self.forget();
    }

    /// Time for a full comparison (once a minute): reads the kernel next, and tries again what it
    /// refused.
    pub fn verify(&mut self) {
        if self.corrections.is_empty() {
            self.before = self.believed.clone().or(self.before.take());
        }
        self.forget();
        self.surprises = 0;
        for refused in self.refused.values_mut() {
            refused.retry = true;
        }
    }

    /// What the kernel refuses at present, for `status`.
    pub fn refusals(&self) -> impl Iterator<Item = (ServiceKey, &str)> {
        self.refused.iter().map(|(key, refused)| (*key, refused.message.as_str()))
    }

    #[must_use]
    pub const fn wanted(&self) -> &Table {
        &self.wanted
    }

    fn forget(&mut self) {
        self.believed = None;
        self.corrections.clear();
    }

    fn done(&mut self, step: &Step) {
        let Some(Table(believed)) = &mut self.believed else { return };
        match step {
            Step::AddService { key, service } => {
                let bare = Service { destinations: BTreeMap::new(), ..Service::clone(service) };
                believed.insert(*key, Arc::new(bare));
            }
            Step::EditService { key, service } => {
                if let Some(is) = believed.get_mut(key) {
                    let destinations = is.destinations.clone();
                    *is = Arc::new(Service { destinations, ..Service::clone(service) });
                }
            }
            Step::DeleteService { key } => {
                believed.remove(key);
                if !self.wanted.0.contains_key(key) {
                    self.owned.0.remove(key);
                }
            }
            Step::AddDestination { service, at, destination }
            | Step::EditDestination { service, at, destination } => {
                if let Some(is) = believed.get_mut(service) {
                    Arc::make_mut(is).destinations.insert(*at, *destination);
                }
            }
            Step::DeleteDestination { service, at } => {
                if let Some(is) = believed.get_mut(service) {
                    Arc::make_mut(is).destinations.remove(at);
                }
            }
        }
    }

    /// A refusal that says "it is not as you believed" corrects the belief; any other is a problem
    /// of the service, told once.
    fn refusal(&mut self, step: &Step, refusal: Refusal, round: &mut Round) {
        let key = step.key();
        match (step, refusal) {
            // Gone already, which is what was wanted.
            (Step::DeleteService { .. }, Refusal::ESRCH)
            | (Step::DeleteDestination { .. }, Refusal::ENOENT) => {
                round.surprise = true;
                self.done(step);
            }
            // Somebody made it: set it right, and see what else is in it.
            (Step::AddService { .. }, Refusal::EEXIST) => {
                round.surprise = true;
                round.dump = true;
            }
            (Step::AddDestination { service, at, destination }, Refusal::EEXIST) => {
                round.surprise = true;
                let (service, at, destination) = (*service, *at, *destination);
                self.corrections.push(Step::EditDestination { service, at, destination });
            }
            // Somebody removed it: the next plan adds it.
            (Step::EditDestination { service, at, .. }, Refusal::ENOENT) => {
                round.surprise = true;
                self.done(&Step::DeleteDestination { service: *service, at: *at });
            }
            // The service is missing because it was refused a moment ago, and that is being told.
            (_, Refusal::ESRCH) if round.refused.contains(&key) => {}
            (_, Refusal::ESRCH) => {
                round.surprise = true;
                round.dump = true;
            }
            (
                Step::AddService { .. }
                | Step::EditService { .. }
                | Step::DeleteService { .. }
                | Step::AddDestination { .. }
                | Step::EditDestination { .. }
                | Step::DeleteDestination { .. },
                refusal,
            ) => self.problem(step, refusal, round),
        }
    }

    fn problem(&mut self, step: &Step, refusal: Refusal, round: &mut Round) {
        let service = step.key();
        if !round.refused.insert(service) {
            return;
        }
        let message = refusal.explain(step);
        let wanted = self.wanted.0.get(&service).cloned();
        let refused = Refused { wanted, message: message.clone(), retry: false };
        let known = self.refused.insert(service, refused);
        if known.is_none_or(|known| known.message != message) {
            round.problems.push(Problem { service, message });
        }
    }

    /// Lets the belief point to the wanted service where both are equal.
    fn share(&mut self, key: ServiceKey) {
        if let Some(Table(believed)) = &mut self.believed
            && let (Some(is), Some(wanted)) = (believed.get_mut(&key), self.wanted.0.get(&key))
            && !Arc::ptr_eq(is, wanted)
            && *is == *wanted
        {
            *is = Arc::clone(wanted);
        }
    }
}

/// What one batch of results showed.
#[derive(Default)]
struct Round {
    surprise: bool,
    dump: bool,
    refused: BTreeSet<ServiceKey>,
    problems: Vec<Problem>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::{Family, Forward},
        ipvs::{
            io::fake::FakeKernel,
            table::{Destination, DestinationKey},
        },
    };

    fn key(mark: u32) -> ServiceKey {
        ServiceKey::Mark { family: Family::V4, mark }
    }

    fn at(last: u8) -> DestinationKey {
        DestinationKey { ip: [198, 51, 100, last].into(), port: 80 }
    }

    fn weight(weight: u32) -> Destination {
        Destination { forward: Forward::Nat, weight, upper: 0, lower: 0 }
    }

    fn service(scheduler: &str, servers: &[(u8, u32)]) -> Arc<Service> {
        let destinations = servers.iter().map(|(last, w)| (at(*last), weight(*w))).collect();
        Arc::new(Service { scheduler: scheduler.into(), flags: 0, persistence: None, destinations })
    }

    fn table(services: &[(u32, Arc<Service>)]) -> Table {
        Table(services.iter().map(|(mark, service)| (key(*mark), Arc::clone(service))).collect())
    }

    fn settle(reconciler: &mut Reconciler, kernel: &FakeKernel) -> Vec<String> {
        let mut told = vec![];
        loop {
            match reconciler.what_next() {
                Next::Settled => return told,
                Next::Dump => {
                    told.push("dump".to_owned());
                    let drift = reconciler.observed(kernel.state().table.clone());
                    told.extend(drift.iter().map(|Drift(step)| format!("healed: {step}")));
                }
                Next::Run(steps) => {
                    told.extend(steps.iter().map(ToString::to_string));
                    let results: Vec<_> =
                        steps.iter().map(|step| kernel.state().apply(step)).collect();
                    let problems = reconciler.ran(&steps, &results);
                    told.extend(problems.iter().map(|problem| format!("! {}", problem.message)));
                }
            }
        }
    }

    #[test]
    fn a_missing_scheduler_is_told_once_with_its_service_and_the_rest_is_done() {
        let kernel = FakeKernel::default();
        kernel.state().missing_schedulers.insert("mh".into());
        let mut reconciler = Reconciler::default();
        reconciler.want(table(&[(1, service("mh", &[(1, 1)])), (2, service("rr", &[(1, 1)]))]));
        assert_eq!(
            settle(&mut reconciler, &kernel),
            [
                "dump",
                "adding FWM 1",
                "adding [198.51.100.1]:80 to FWM 1",
                "adding FWM 2",
                "adding [198.51.100.1]:80 to FWM 2",
                "! FWM 1: the kernel has no scheduler `mh`: load module ip_vs_mh, or choose another \
                 lvs_sched",
            ]
        );
        assert_eq!(reconciler.refusals().count(), 1);
        // Another try at each verification, without repeating itself.
        reconciler.verify();
        let told = settle(&mut reconciler, &kernel);
        assert_eq!(told, ["dump", "adding FWM 1", "adding [198.51.100.1]:80 to FWM 1"]);
        kernel.state().missing_schedulers.clear();
        reconciler.verify();
        settle(&mut reconciler, &kernel);
        assert_eq!(reconciler.refusals().count(), 0);
        assert_eq!(kernel.state().table, *reconciler.wanted());
    }

    #[test]
    fn surprises_are_set_right_at_once() {
        let kernel = FakeKernel::default();
        let mut reconciler = Reconciler::default();
        reconciler.want(table(&[(1, service("rr", &[(1, 1), (2, 1)]))]));
        settle(&mut reconciler, &kernel);
        // Somebody takes one server out and puts another in, and neither is announced.
        kernel.state().table = table(&[(1, service("rr", &[(1, 1), (3, 7)]))]);
        reconciler.want(table(&[(1, service("rr", &[(1, 1), (2, 2), (3, 3)]))]));
        assert_eq!(
            settle(&mut reconciler, &kernel),
            [
                "adding [198.51.100.3]:80 to FWM 1",
                "changing [198.51.100.2]:80 of FWM 1 (weight 2)",
                "changing [198.51.100.3]:80 of FWM 1 (weight 3)",
                "adding [198.51.100.2]:80 to FWM 1",
            ]
        );
        assert_eq!(kernel.state().table, *reconciler.wanted());
        // The whole service is gone: read again, make it again.
        kernel.state().table = Table::default();
        reconciler.want(table(&[(1, service("rr", &[(1, 5)]))]));
        settle(&mut reconciler, &kernel);
        assert_eq!(kernel.state().table, *reconciler.wanted());
    }

    #[test]
    fn verification_says_what_it_healed_but_not_of_others() {
        let kernel = FakeKernel::new(table(&[(9, service("rr", &[(9, 9)]))]));
        let mut reconciler = Reconciler::default();
        reconciler.want(table(&[(1, service("rr", &[(1, 1)]))]));
        settle(&mut reconciler, &kernel);
        kernel.state().table = table(&[(1, service("rr", &[(1, 0)])), (8, service("rr", &[]))]);
        reconciler.verify();
        assert_eq!(
            settle(&mut reconciler, &kernel),
            [
                "dump",
                "healed: changing [198.51.100.1]:80 of FWM 1 (weight 1)",
                "changing [198.51.100.1]:80 of FWM 1 (weight 1)",
            ]
        );
        assert_eq!(reconciler.what_next(), Next::Settled);
    }

    #[test]
    fn a_service_no_longer_wanted_is_deleted_and_then_no_longer_ours() {
        let kernel = FakeKernel::default();
        let mut reconciler = Reconciler::default();
        reconciler.want(table(&[(1, service("rr", &[(1, 1)]))]));
        settle(&mut reconciler, &kernel);
        reconciler.want(Table::default());
        assert_eq!(settle(&mut reconciler, &kernel), ["removing FWM 1"]);
        kernel.state().table = table(&[(1, service("rr", &[(1, 1)]))]);
        reconciler.verify();
        assert_eq!(settle(&mut reconciler, &kernel), ["dump"]);
    }

    #[test]
    fn after_a_failed_call_it_reads_before_it_writes() {
        let kernel = FakeKernel::default();
        let mut reconciler = Reconciler::default();
        reconciler.want(table(&[(1, service("rr", &[(1, 1)]))]));
        assert_eq!(reconciler.what_next(), Next::Dump);
        reconciler.observed(Table::default());
        let Next::Run(_) = reconciler.what_next() else { panic!("nothing to do") };
        reconciler.failed();
        assert_eq!(settle(&mut reconciler, &kernel).first().map(String::as_str), Some("dump"));
    }

    #[test]
    fn a_fight_over_a_service_waits_for_the_next_verification() {
        let kernel = FakeKernel::default();
        let mut reconciler = Reconciler::default();
        let step = Step::AddDestination { service: key(1), at: at(1), destination: weight(1) };
        kernel.state().refuse.insert(step.to_string(), Refusal::ESRCH);
        reconciler.want(table(&[(1, service("rr", &[(1, 1)]))]));
        let told = settle(&mut reconciler, &kernel);
        assert!(told.len() < 30, "{told:?}");
    }
}
