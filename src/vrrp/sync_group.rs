//! Instances that move together: `vrrp_sync_group`.
use super::{
    VrrpNode,
    event::{Action, Level},
    fault::Fault,
    instance::{Company, Phase, State},
    tell::{self, Subject, Told},
};
use crate::config::model::SyncGroup;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) config: SyncGroup,
    /// Positions in the node's list of instances.
    pub(super) members: Vec<usize>,
    pub(super) told: Option<Told>,
}

impl VrrpNode {
    pub(super) fn company(&self, index: usize) -> Company {
        let ready = self.companions(index).iter().all(|other| {
            self.instances.get(*other).is_some_and(|other| match other.phase() {
                Phase::Initialize | Phase::Fault => false,
                Phase::Backup => other.wants_master,
                Phase::Master => true,
            })
        });
        if ready { Company::Ready } else { Company::Waiting }
    }

    /// The other members of its group.
    pub(super) fn companions(&self, index: usize) -> Vec<usize> {
        self.group_of(index)
            .map(|group| group.members.iter().copied().filter(|other| *other != index).collect())
            .unwrap_or_default()
    }

    pub(super) fn group_of(&self, index: usize) -> Option<&Group> {
        self.groups.iter().find(|group| group.members.contains(&index))
    }

    /// A member has moved: the others follow. Faults spread in [`Self::spread_faults`].
    pub(super) fn follow(
        &mut self,
        index: usize,
        before: Phase,
        now: Instant,
        out: &mut Vec<Action>,
    ) {
        let Some(after) = self.instances.get(index).map(super::Instance::phase) else { return };
        let companions = self.companions(index);
        if after == before || companions.is_empty() {
            return;
        }
        match (before, after) {
            (_, Phase::Master) => {
                self.log_group(index, "MASTER", out);
                for other in companions {
                    self.with(other, now, out, |instance, turn| {
                        if instance.phase() == Phase::Backup {
                            instance.enter_master(turn);
                        }
                    });
                }
            }
            (Phase::Master, Phase::Backup) => {
                self.log_group(index, "BACKUP", out);
                let timer = self.remaining(index, now);
                for other in companions {
                    self.with(other, now, out, |instance, turn| {
                        if instance.phase() == Phase::Master {
                            instance.step_down(timer.max(instance.skew()), None, turn);
                        }
                    });
                }
            }
            (Phase::Initialize | Phase::Fault | Phase::Backup, Phase::Backup)
            | (_, Phase::Fault | Phase::Initialize) => {}
        }
    }

    /// A member's fault is everybody's, until the last one has recovered.
    pub(super) fn spread_faults(&mut self, out: &mut Vec<Action>) {
        for group in &self.groups {
            let faulty: Vec<usize> = group
                .members
                .iter()
                .copied()
                .filter(|at| self.instances.get(*at).is_some_and(super::Instance::has_own_fault))
                .collect();
            let mut spreads = false;
            for at in &group.members {
                let Some(member) = self.instances.get_mut(*at) else { continue };
                if faulty.iter().any(|other| other != at) {
                    spreads |= member.faults.insert(Fault::Group);
                } else {
                    member.faults.remove(&Fault::Group);
                }
            }
            if spreads && group.told != Some(Told::Fault) {
                out.push(Action::Log(Level::Info, syncing(&group.config, "FAULT")));
            }
        }
    }

    /// After the members' own notifications: the group's.
    pub(super) fn tell_groups(&mut self, out: &mut Vec<Action>) {
        for group in &mut self.groups {
            let mut phases = group
                .members
                .iter()
                .filter_map(|at| self.instances.get(*at).map(super::Instance::phase));
            let state = if phases.clone().any(|phase| phase == Phase::Initialize) {
                continue;
            } else if phases.clone().any(|phase| phase == Phase::Fault) {
                Told::Fault
            } else if phases.all(|phase| phase == Phase::Master) {
                Told::Master
            } else {
                Told::Backup
            };
            if (group.told, state) == (Some(Told::Fault), Told::Backup) {
                out.push(Action::Log(Level::Info, syncing(&group.config, "BACKUP")));
            }
            group.tell(state, &self.global, out);
        }
    }

    fn remaining(&self, index: usize, now: Instant) -> Duration {
        match self.instances.get(index).map(|instance| &instance.state) {
            Some(State::Backup { master_down, .. }) => master_down.duration_since(now),
            Some(State::Initialize | State::Fault | State::Master { .. }) | None => Duration::ZERO,
        }
    }

    fn log_group(&self, index: usize, state: &str, out: &mut Vec<Action>) {
        if let Some(group) = self.group_of(index) {
            out.push(Action::Log(Level::Info, syncing(&group.config, state)));
        }
    }
}

impl Group {
    pub(super) fn tell(
        &mut self,
        told: Told,
        global: &crate::config::model::GlobalDefs,
        out: &mut Vec<Action>,
    ) {
        if self.told == Some(told) || self.members.is_empty() {
            return;
        }
        self.told = Some(told);
        let all = tell::of_state(Subject::Group(&self.config), told, global);
        out.extend(all.into_iter().map(Action::Notify));
    }
}

fn syncing(group: &SyncGroup, state: &str) -> String {
    format!("VRRP_Group({}) Syncing instances to {state} state", group.name.value)
}
