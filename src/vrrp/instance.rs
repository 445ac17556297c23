//! ONE virtual router: RFC 9568 §6.4, with keepalived's FAULT beside it.
//!
//! ```text
//!                 healthy, first results in            master_down expired
//!  ┌────────────┐ ────────────────────────▶ ┌────────┐ ──────────────────▶ ┌────────┐
//!  │ Initialize │                           │ Backup │                     │ Master │
//!  └────────────┘ ──┐                   ┌── └────────┘ ◀────────────────── └────────┘
//!        │          │ a fault           │   ▲      higher advert, address stolen │
//!        │          ▼                   │   │                                    │
//!        │      ┌───────┐ ◀─────────────┘   │                                    │
//!        │      │ Fault │ ──────────────────┘ last fault gone                    │
//!        │      └───────┘ ◀──────────────────────────────────────────────────────┘
//!        └─▶ Master: the owner (255) that is configured `state MASTER`, from Fault too
//! ```
//!
//! What an advert does is in [`super::hear`]; what happens on the way into a state is in [`super::transitions`], which alone assigns it.
use super::{
    announce::Schedule,
    auth::Sequence,
    encode::{ChecksumForm, Encoder},
    event::{Action, Level, Packet, SocketKey},
    fault::Fault,
    links::Links,
    priority::Trackers,
    receive::{Reject, Remark, configured_form},
    routing::Expected,
    tell::{self, Told},
    timing,
    trailer::{Senders, next_stamp},
};
use crate::{
    base::{InterfaceAddress, Priority},
    config::model::{Authentication, GlobalDefs, SyncDaemon, VrrpInstance},
    status::PacketErrors,
};
use std::{
    collections::{BTreeSet, HashSet},
    mem::Discriminant,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) config: VrrpInstance,
    pub(super) name: Arc<str>,
    pub(super) state: State,
    /// When it entered that state.
    pub(super) since: Instant,
    pub(super) faults: BTreeSet<Fault>,
    pub(super) trackers: Trackers,
    /// An interface of its own has been ordered and is not there yet.
    pub(super) awaits_links: bool,
    /// Effective: base and weights.
    pub(super) priority: Priority,
    /// Its timer has expired, but others of its sync group are not ready.
    pub(super) wants_master: bool,
    /// Master_Adver_Interval: learned in VRRPv3, our own otherwise.
    pub(super) master_interval: Duration,
    pub(super) source: Option<IpAddr>,
    pub(super) socket: Option<Arc<SocketKey>>,
    /// One a destination.
    pub(super) encoders: Vec<Encoder>,
    /// Those of the addresses that fit into an advert.
    pub(super) advertised: Vec<IpAddr>,
    pub(super) form: ChecksumForm,
    /// IPv4 identification of the last advert.
    pub(super) id: u16,
    pub(super) sequence: Sequence,
    /// Of the last signed advert.
    pub(super) stamp: u64,
    /// Stamps of the signed adverts of others.
    pub(super) heard: Senders,
    /// What has been complained of since the last change.
    pub(super) logged: HashSet<Complaint>,
    pub(super) send_failure_logged: bool,
    /// While master: addresses the kernel has confirmed, so that their removal is somebody's act.
    pub(super) held: BTreeSet<(String, IpAddr)>,
    pub(super) expected: Expected,
    /// The IPVS synchronisation that follows this instance.
    pub(super) sync_daemon: Option<Arc<SyncDaemon>>,
    pub(super) told: Option<Told>,
    /// The owner (255) hears another owner.
    pub(super) rival: Option<Rival>,
    pub(super) counters: Counters,
}

/// Another router that takes itself for the owner of the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rival {
    /// When it was first heard in this conflict.
    pub(super) since: Instant,
    pub(super) last: Instant,
    /// It did not yield: we do, for the time being.
    pub(super) stubborn: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing heard of the host's interfaces yet, a start delay runs, or a script that decides
    /// has not ended once.
    Initialize,
    /// See `faults`.
    Fault,
    Backup {
        /// Master_Down_Timer.
        master_down: Instant,
        master: Option<IpAddr>,
        /// `preempt_delay` runs until then; stays while lower adverts come.
        preempt_at: Option<Instant>,
    },
    Master {
        /// Adver_Timer.
        next_advert: Instant,
        /// When the last one was sent.
        last_advert: Instant,
        announce: Schedule,
    },
}

/// What is said once until the state changes or a new master is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Complaint {
    Reject(Discriminant<Reject>),
    Remark(Discriminant<Remark>),
    LowerPriority,
}

/// A state without its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Initialize,
    Fault,
    Backup,
    Master,
}

/// What the rest of the sync group says to becoming master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Alone, or all the others want it too.
    Ready,
    /// Another member does not want it yet, or cannot.
    Waiting,
}

/// What an advert has led to beyond the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    /// Another master of lower priority: the whole group tells its neighbours again.
    LowerMaster,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) rejected: u64,
    pub(super) became_master: u64,
    pub(super) released_master: u64,
    pub(super) zero_received: u64,
    pub(super) zero_sent: u64,
    pub(super) errors: PacketErrors,
}

/// What every step needs besides the instance.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    /// Time since 1970.
    pub(super) wall: Duration,
    pub(super) links: &'a mut Links,
    pub(super) global: &'a GlobalDefs,
    pub(super) out: &'a mut Vec<Action>,
}

impl Instance {
    pub(super) fn new(config: VrrpInstance, now: Instant) -> Self {
        Self {
            name: config.name.value.as_str().into(),
            state: State::Initialize,
            since: now,
            faults: BTreeSet::new(),
            trackers: Trackers::default(),
            awaits_links: false,
            priority: config.priority.value,
            wants_master: false,
            master_interval: config.advert_interval,
            source: None,
            socket: None,
            encoders: vec![],
            advertised: vec![],
            form: configured_form(&config),
            id: 0,
            sequence: Sequence::default(),
            stamp: 0,
            heard: Senders::default(),
            logged: HashSet::new(),
            send_failure_logged: false,
            held: BTreeSet::new(),
            expected: Expected::default(),
            sync_daemon: None,
            told: None,
            rival: None,
            counters: Counters::default(),
            config,
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        match self.state {
            State::Initialize => Phase::Initialize,
            State::Fault => Phase::Fault,
            State::Backup { .. } => Phase::Backup,
            State::Master { .. } => Phase::Master,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Initialize | State::Fault => None,
            State::Backup { master_down, .. } => Some(*master_down),
            State::Master { next_advert, announce, .. } => {
                Some(announce.next().map_or(*next_advert, |at| at.min(*next_advert)))
            }
        }
    }

    /// Faults and first results have been brought up to date: moves if they say so.
    pub(super) fn settle(&mut self, company: Company, turn: &mut Turn<'_>) {
        let healthy = self.faults.is_empty();
        match self.state {
            State::Initialize | State::Fault
                if healthy && !self.trackers.pending() && !self.awaits_links =>
            {
                self.begin(company, turn);
            }
            State::Initialize if !healthy && !self.awaits_links => self.enter_fault(turn),
            State::Initialize | State::Fault => {}
            State::Backup { .. } | State::Master { .. } => {
                if !healthy {
                    self.enter_fault(turn);
                }
            }
        }
    }

    /// RFC 9568 §6.4.1. Only the owner takes the addresses without having listened, and only when
    /// it is configured `state MASTER`.
    fn begin(&mut self, company: Company, turn: &mut Turn<'_>) {
        self.master_interval = self.config.advert_interval;
        if self.phase() == Phase::Fault && self.is_unicast() {
            self.announce_source(turn);
        }
        let owner = self.config.priority.value == Priority::OWNER && self.config.wants_master;
        match company {
            Company::Ready if owner => self.enter_master(turn),
            Company::Ready | Company::Waiting => {
                self.wants_master = owner;
                self.enter_backup(self.master_down(), turn);
            }
        }
    }

    pub(super) fn on_deadline(&mut self, company: Company, turn: &mut Turn<'_>) {
        if self.gives_way(turn) {
            return;
        }
        match &mut self.state {
            State::Initialize | State::Fault => {}
            State::Backup { master_down, .. } => {
                if *master_down > turn.now {
                    return;
                }
                self.log(Level::Detail, "Receive advertisement timeout", turn);
                match company {
                    Company::Ready => self.enter_master(turn),
                    Company::Waiting => {
                        self.wants_master = true;
                        let again = turn.now + self.master_down();
                        self.rearm(again);
                    }
                }
            }
            State::Master { next_advert, announce, .. } => {
                let advert_due = *next_advert <= turn.now;
                let rounds = announce.due(&self.config.garp, turn.now);
                let extra = announce.extra_due(&self.config.garp, turn.now);
                if advert_due {
                    // Keeps the beat as long as it is not lost by more than an interval.
                    let beat = *next_advert + self.config.advert_interval;
                    self.advertise(turn);
                    if let State::Master { next_advert, .. } = &mut self.state
                        && beat > turn.now
                    {
                        *next_advert = beat;
                    }
                }
                self.announce(rounds, turn);
                if extra {
                    self.announce_elsewhere(turn);
                }
            }
        }
    }

    /// `timer_expired_backup`: whether this master was silent for so long that another router has
    /// taken over; then it has stepped down.
    pub(super) fn gives_way(&mut self, turn: &mut Turn<'_>) -> bool {
        let State::Master { last_advert, .. } = self.state else { return false };
        let Some(others) = self.config.timer_expired_backup else { return false };
        let (version, adverts) = (self.config.version, self.config.down_timer_adverts);
        let patience = timing::master_down(version, others, self.config.advert_interval, adverts);
        let silent = turn.now.duration_since(last_advert);
        if silent < patience {
            return false;
        }
        let text = format!(
            "no advert sent for {:.2} seconds, another router may be master",
            silent.as_secs_f64()
        );
        self.log(Level::Info, &text, turn);
        self.step_down(self.master_down(), None, turn);
        true
    }

    /// Somebody took one of our addresses from its interface.
    pub(super) fn on_address_removed(&mut self, dev: &str, address: IpAddr, turn: &mut Turn<'_>) {
        let held = self.held.remove(&(dev.to_owned(), address));
        let tracked = self.all_addresses().any(|vip| vip.track && is_it(vip, dev, address));
        if held && tracked && self.phase() == Phase::Master {
            let text = format!("Netlink reflector reports IP {address} removed from {dev}");
            self.log(Level::Info, &text, turn);
            self.give_up(turn);
        }
    }

    pub(super) fn on_address_added(&mut self, dev: &str, address: IpAddr) {
        if self.phase() == Phase::Master && self.all_addresses().any(|vip| is_it(vip, dev, address))
        {
            self.held.insert((dev.to_owned(), address));
        }
    }

    /// Sends an advert now; the next one is due an interval later.
    pub(super) fn advertise(&mut self, turn: &mut Turn<'_>) {
        self.send(self.priority, turn);
        if let State::Master { next_advert, last_advert, .. } = &mut self.state {
            *next_advert = turn.now + self.config.advert_interval;
            *last_advert = turn.now;
        }
    }

    pub(super) fn send(&mut self, priority: Priority, turn: &mut Turn<'_>) {
        let Some(socket) = self.socket.clone() else { return };
        self.id = self.id.checked_add(1).unwrap_or(1);
        let sequence = match self.config.authentication {
            Authentication::Header(_) => self.sequence.advance(),
            Authentication::None | Authentication::Password(_) => 0,
        };
        // One for all peers: the signature covers no destination.
        if let Some(hmac) = &self.config.auth_hmac {
            self.stamp = next_stamp(self.stamp, hmac.freshness, turn.wall);
        }
        let hop_limit = self.config.unicast.as_ref().and_then(|unicast| unicast.ttl);
        for encoder in &mut self.encoders {
            encoder.set_stamp(self.stamp);
            turn.out.push(Action::Send(Packet {
                socket: Arc::clone(&socket),
                from: encoder.shape().source,
                to: encoder.shape().destination,
                hop_limit,
                bytes: encoder.encode(priority, self.id, sequence),
            }));
        }
        self.counters.sent += 1;
        self.counters.zero_sent += u64::from(priority == Priority::STOP);
    }

    /// The effective priority changed: the running timer moves by what that changes in
    /// Master_Down_Interval.
    pub(super) fn set_priority(&mut self, priority: Priority, turn: &mut Turn<'_>) {
        if priority == self.priority {
            return;
        }
        let text = format!("Changing effective priority from {} to {priority}", self.priority);
        let before = self.master_down();
        self.priority = priority;
        let after = self.master_down();
        if let State::Backup { master_down, .. } = &mut self.state {
            *master_down = if after >= before {
                *master_down + (after - before)
            } else {
                master_down.checked_sub(before - after).unwrap_or(turn.now).max(turn.now)
            };
        }
        self.log(Level::Info, &text, turn);
        let is_master = self.phase() == Phase::Master;
        let told = tell::of_priority(&self.config, priority, is_master, turn.global);
        turn.out.extend(told.map(Action::Notify));
    }

    /// Base and weights; an owner that yields to another one is no owner for the time being.
    pub(super) fn effective_priority(&self) -> Priority {
        if self.rival.is_some_and(|rival| rival.stubborn) {
            return Priority(Priority::OWNER.0 - 1);
        }
        self.trackers.effective(self.config.priority.value)
    }

    pub(super) fn master(&self) -> Option<IpAddr> {
        match &self.state {
            State::Backup { master, .. } => *master,
            State::Initialize | State::Fault | State::Master { .. } => None,
        }
    }

    pub(super) fn is_unicast(&self) -> bool {
        self.config.unicast.is_some()
    }

    pub(super) fn has_peer(&self, address: IpAddr) -> bool {
        let peers = self.config.unicast.iter().flat_map(|unicast| &unicast.peers);
        peers.into_iter().any(|peer| peer.address == address)
    }

    pub(super) fn master_down(&self) -> Duration {
        let (version, adverts) = (self.config.version, self.config.down_timer_adverts);
        timing::master_down(version, self.priority, self.master_interval, adverts)
    }

    pub(super) fn skew(&self) -> Duration {
        timing::skew(self.config.version, self.priority, self.master_interval)
    }

    /// Complaints may be repeated from here on.
    pub(super) fn forget_complaints(&mut self) {
        self.logged.clear();
        self.send_failure_logged = false;
    }

    pub(super) fn log(&self, level: Level, text: &str, turn: &mut Turn<'_>) {
        turn.out.push(Action::Log(level, format!("({}) {text}", self.name)));
    }

    pub(super) fn rearm(&mut self, at: Instant) {
        if let State::Backup { master_down, .. } = &mut self.state {
            *master_down = at;
        }
    }
}

fn is_it(vip: &InterfaceAddress, dev: &str, address: IpAddr) -> bool {
    vip.dev == dev && vip.address == address
}
