//! What an advert does to an instance: RFC 9568 §6.4.2 and §6.4.3, who yields to whom.
use super::{
    encode::ChecksumForm,
    event::{Action, Level},
    instance::{Complaint, Heard, Instance, Phase, Rival, State, Turn},
    packet::View,
    receive::{Receiver, Reject},
    report, tell,
};
use crate::{
    base::Priority,
    config::model::{Version, VrrpInstance},
};
use std::{mem::discriminant, time::Duration};

impl Instance {
    /// A packet for this VRID. Nothing rejected touches a timer.
    pub(super) fn on_packet(&mut self, view: &View<'_>, turn: &mut Turn<'_>) -> Heard {
        match self.phase() {
            Phase::Initialize | Phase::Fault => return Heard::Nothing,
            Phase::Backup | Phase::Master => {}
        }
        self.gives_way(turn);
        let receiver = Receiver {
            config: &self.config,
            advertised: &self.advertised,
            unicast: self.is_unicast(),
            sequence: self.sequence,
            heard: &self.heard,
            wall: turn.wall,
            in_master: self.phase() == Phase::Master,
            last_sender: self.master(),
        };
        let accepted = match receiver.judge(view) {
            Ok(accepted) => accepted,
            Err(reject) => {
                self.counters.rejected += 1;
                report::count(&mut self.counters.errors, &reject);
                if let Reject::Replayed { sequence, in_master: true } = reject {
                    self.sequence.leave_lockstep(sequence, view.from, self.source);
                }
                let complaint = Complaint::Reject(discriminant(&reject));
                if reject != Reject::NextHeader && self.logged.insert(complaint) {
                    self.log(Level::Info, &reject.to_string(), turn);
                }
                return Heard::Nothing;
            }
        };
        self.counters.received += 1;
        self.counters.zero_received += u64::from(view.priority == Priority::STOP.0);
        if let Some(ah) = view.ah {
            self.sequence.hear(ah.sequence);
        }
        if let (Some(_), Some(trailer)) = (&self.config.auth_hmac, view.trailer()) {
            let peers = self.config.unicast.as_ref().map_or(0, |unicast| unicast.peers.len());
            self.heard.hear(view.from, trailer.stamp, peers);
        }
        if accepted.old_checksum && self.form == ChecksumForm::Pseudo {
            self.log(Level::Info, "Setting unicast VRRPv3 checksum to old version", turn);
            self.use_form(ChecksumForm::OldUnicast);
        }
        for remark in accepted.remarks {
            if self.logged.insert(Complaint::Remark(discriminant(&remark))) {
                self.log(Level::Info, &remark.to_string(), turn);
            }
        }
        match self.phase() {
            Phase::Initialize | Phase::Fault => Heard::Nothing,
            Phase::Backup => {
                self.heard_as_backup(view, turn);
                Heard::Nothing
            }
            Phase::Master => self.heard_as_master(view, turn),
        }
    }

    /// RFC 9568 §6.4.2, (445) and following; nopreempt and preempt_delay are keepalived's.
    fn heard_as_backup(&mut self, view: &View<'_>, turn: &mut Turn<'_>) {
        if view.priority == Priority::STOP.0 {
            self.log(Level::Info, "Backup received priority 0 advertisement", turn);
            let skew = self.skew();
            self.rearm(turn.now + skew);
            return;
        }
        let State::Backup { preempt_at, .. } = &mut self.state else { return };
        let lower = view.priority < self.priority.0;
        let preempts = preempts(&self.config);
        let delay = preempt_delay(&self.config);
        let mut said = None;
        if !lower {
            if preempt_at.take().is_some() {
                said = Some("stop preempt delay".to_owned());
            }
        } else if preempts && !delay.is_zero() && preempt_at.is_none() {
            *preempt_at = Some(turn.now + delay);
            said = Some(format!(
                "start preempt delay ({}.{:06})",
                delay.as_secs(),
                delay.subsec_micros()
            ));
        }
        let waiting = preempt_at.is_some_and(|at| turn.now < at);
        if let Some(text) = said {
            self.log(Level::Info, &text, turn);
        }
        if lower && preempts && !waiting {
            if self.logged.insert(Complaint::LowerPriority) {
                let text = format!(
                    "received lower priority ({}) advert from {} - discarding",
                    view.priority, view.from
                );
                self.log(Level::Info, &text, turn);
            }
            return;
        }
        self.accept_master(view, turn);
    }

    /// RFC 9568 §6.4.2 (470): this is our master, and it lives.
    fn accept_master(&mut self, view: &View<'_>, turn: &mut Turn<'_>) {
        self.learn_interval(view);
        self.wants_master = false;
        let master_down = turn.now + self.master_down();
        self.rearm(master_down);
        let State::Backup { master, .. } = &mut self.state else { return };
        let before = master.replace(view.from);
        let text = match before {
            Some(before) if before == view.from => return,
            Some(before) => format!("master changed from {before} to {}", view.from),
            None => format!("master set to {}", view.from),
        };
        self.logged.clear();
        self.log(Level::Detail, &text, turn);
    }

    /// RFC 9568 §6.4.3, (700) and following.
    fn heard_as_master(&mut self, view: &View<'_>, turn: &mut Turn<'_>) -> Heard {
        use std::cmp::Ordering::{Equal, Greater, Less};
        if view.priority == Priority::STOP.0 {
            self.log(Level::Info, "Master received priority 0 message", turn);
            self.advertise(turn);
            return Heard::Nothing;
        }
        let by_priority = view.priority.cmp(&self.priority.0);
        let by_address = self.source.map_or(Greater, |ours| view.from.cmp(&ours));
        match (by_priority, by_address) {
            (Equal, Less) if self.yields_to_rival(view, turn) => {
                self.yield_to(view, turn);
                Heard::Nothing
            }
            (Less, _) | (Equal, Less) => {
                self.defy(view, turn);
                Heard::LowerMaster
            }
            (Equal, Equal) => {
                let text = "WARNING - equal priority advert received from remote host with our \
                            IP address.";
                self.log(Level::Warning, text, turn);
                Heard::Nothing
            }
            (Greater, _) | (Equal, Greater) => {
                self.yield_to(view, turn);
                Heard::Nothing
            }
        }
    }

    /// Two owners: the one of the lower address steps down when it hears the other. If it still has
    /// not done so after some adverts, there is no reasoning with it: we stop being the owner until
    /// it is gone.
    fn yields_to_rival(&mut self, view: &View<'_>, turn: &mut Turn<'_>) -> bool {
        if self.priority != Priority::OWNER {
            return false;
        }
        let ours = self.config.advert_interval;
        let fresh = Rival { since: turn.now, last: turn.now, stubborn: false };
        let known = self.rival.filter(|rival| turn.now < rival.last + self.master_down());
        let rival = Rival { last: turn.now, ..known.unwrap_or(fresh) };
        self.rival = Some(rival);
        let patience = ours * 2 + self.interval_of(view).max(ours) * 6 / 5;
        if turn.now < rival.since + patience {
            return false;
        }
        let text = "CONFIGURATION ERROR: local instance and a remote instance are both configured as \
                    address owner, please fix - reducing local priority";
        self.log(Level::Warning, text, turn);
        self.rival = Some(Rival { stubborn: true, ..rival });
        let priority = self.effective_priority();
        self.set_priority(priority, turn);
        true
    }

    fn defy(&mut self, view: &View<'_>, turn: &mut Turn<'_>) {
        let text = format!(
            "Received advert from {} with lower priority {}, ours {}, forcing new election",
            view.from, view.priority, self.priority
        );
        self.log(Level::Info, &text, turn);
        if !self.config.lower_prio_no_advert && !self.config.strict {
            self.advertise(turn);
        }
        self.announce_after_lower(turn);
        let told = tell::of_lower_master(&self.config, self.priority, turn.global);
        turn.out.extend(told.into_iter().map(Action::Notify));
    }

    fn yield_to(&mut self, view: &View<'_>, turn: &mut Turn<'_>) {
        if self.config.higher_prio_send_advert && !self.config.strict {
            self.advertise(turn);
        }
        let text = if view.priority > self.priority.0 {
            format!(
                "Master received advert from {} with higher priority {}, ours {}",
                view.from, view.priority, self.priority
            )
        } else {
            format!(
                "Master received advert from {} with same priority {} but higher IP address than \
                 ours",
                view.from, view.priority
            )
        };
        self.log(Level::Info, &text, turn);
        self.learn_interval(view);
        self.step_down(self.master_down(), Some(view.from), turn);
    }

    fn learn_interval(&mut self, view: &View<'_>) {
        self.master_interval = self.interval_of(view);
    }

    /// VRRPv2's is our own, or the packet would not count.
    fn interval_of(&self, view: &View<'_>) -> Duration {
        let theirs = Duration::from_millis(10 * u64::from(view.centiseconds()));
        match self.config.version {
            Version::V3 if !theirs.is_zero() => theirs,
            Version::V3 => self.master_interval,
            Version::V2 => self.config.advert_interval,
        }
    }

    fn use_form(&mut self, form: ChecksumForm) {
        self.form = form;
        for encoder in &mut self.encoders {
            encoder.set_form(form);
        }
    }
}

/// `nopreempt` means nothing for the owner and with `state MASTER`.
fn preempts(config: &VrrpInstance) -> bool {
    config.preempt || config.wants_master || config.priority.value == Priority::OWNER
}

/// `preempt_delay` means nothing with `state MASTER`, `nopreempt` and `vrrp_strict`.
fn preempt_delay(config: &VrrpInstance) -> Duration {
    if config.wants_master || config.strict || !config.preempt {
        Duration::ZERO
    } else {
        config.preempt_delay
    }
}
