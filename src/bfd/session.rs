//! One session with a neighbour (RFC 5880 §6.8).
//!
//! ```text
//!                   ┌──────── Down ────────┐  the neighbour is
//!        neighbour  │  ▲          ▲        │  in Init
//!        is in Down ▼  │ silence  │        ▼
//!                 Init ┘          └──────  Up
//!                   └─────────────────────▶   silence, or the neighbour is in Down or AdminDown
//!                     neighbour in Init, Up
//! ```
use super::{
    event::{Action, Level, SessionId},
    packet::{Control, Diagnostic, State},
};
use crate::config::model::BfdInstance;
use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

/// bfd.RemoteMinRxInterval before anything was heard (RFC 5880 §6.8.1).
const FIRST_REMOTE_RX: Duration = Duration::from_micros(1);

/// A deadline that is noticed so late says more about this machine than about the neighbour.
const LATE: Duration = Duration::from_millis(5);
/// Enough to read what has come meanwhile.
const BREATH: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Session {
    pub(super) config: BfdInstance,
    pub(super) id: SessionId,
    pub(super) state: State,
    pub(super) diagnostic: Diagnostic,
    pub(super) remote: Remote,
    /// bfd.DesiredMinTxInterval, as our packets say it.
    desired_tx: Duration,
    /// What we send by: a longer desire counts after the neighbour has confirmed it (§6.8.3).
    used_tx: Duration,
    /// What we expect packets by: a shorter demand counts after that.
    used_rx: Duration,
    /// A Poll Sequence is under way.
    poll: bool,
    /// When the next packet leaves; None: nobody is to be sent any.
    next: Option<Instant>,
    /// The interval that `next` was chosen by.
    paced_by: Duration,
    sent: Option<Instant>,
    /// When silence has lasted too long.
    expires: Option<Instant>,
    /// We were late ourselves: what waits in the socket is looked at first.
    excused: bool,
    /// What was told of it.
    pub(super) told: bool,
    random: u64,
}

/// What the neighbour last said of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remote {
    pub(super) discriminator: u32,
    pub(super) state: State,
    pub(super) diagnostic: Diagnostic,
    demand: bool,
    multiplier: u8,
    min_tx: Duration,
    min_rx: Duration,
}

impl Session {
    /// It sends its first packet at once, unless it is passive.
    pub(super) fn new(config: BfdInstance, id: SessionId, seed: u64, now: Instant) -> Self {
        let (desired_tx, used_rx) = (config.idle_tx, config.min_rx);
        let mut session = Self {
            config,
            id,
            state: State::Down,
            diagnostic: Diagnostic::NONE,
            remote: Remote {
                discriminator: 0,
                state: State::Down,
                diagnostic: Diagnostic::NONE,
                demand: false,
                multiplier: 0,
                min_tx: Duration::ZERO,
                min_rx: FIRST_REMOTE_RX,
            },
            desired_tx,
            used_tx: desired_tx,
            used_rx,
            poll: false,
            next: None,
            paced_by: Duration::ZERO,
            sent: None,
            expires: None,
            excused: false,
            told: false,
            random: seed,
        };
        session.next = session.sends().then_some(now);
        session
    }

    /// Whether a packet that names no session is ours by its addresses.
    pub(super) fn is_between(&self, from: IpAddr, to: IpAddr) -> bool {
        self.config.neighbour == from && self.config.source.is_none_or(|source| source == to)
    }

    /// Whether a packet has come too far (RFC 5881 §5, RFC 5082).
    pub(super) fn is_far(&self, ttl: Option<u8>) -> bool {
        match (ttl, self.config.max_hops) {
            (Some(ttl), Some(hops)) => ttl < self.config.ttl.saturating_sub(hops),
            (None, _) | (_, None) => false,
        }
    }

    /// A packet of the neighbour (§6.8.6).
    pub(super) fn hear(&mut self, packet: &Control, now: Instant, out: &mut Vec<Action>) {
        self.remote = Remote {
            discriminator: packet.mine,
            state: packet.state,
            diagnostic: packet.diagnostic,
            demand: packet.demand,
            multiplier: packet.multiplier,
            min_tx: packet.desired_min_tx,
            min_rx: packet.required_min_rx,
        };
        if packet.last && self.poll {
            self.poll = false;
            self.used_tx = self.desired_tx;
            self.used_rx = self.config.min_rx;
        }
        match (self.state, packet.state) {
            (State::AdminDown, _) => return,
            (State::Down, State::AdminDown | State::Up) => {}
            (State::Down, State::Down) => self.enter_init(now, out),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                self.enter_up(now, out);
            }
            (State::Init, State::Down) | (State::Up, State::Init | State::Up) => {}
            (State::Init | State::Up, State::AdminDown) | (State::Up, State::Down) => {
                self.enter_down(Diagnostic::SIGNALED, now, out);
            }
        }
        self.expires = Some(now + self.detection_time());
        self.excused = false;
        if packet.poll {
            self.send(true, now, out);
        }
        self.pace(now);
    }

    /// bfd.DetectMult of the neighbour times the slower of what it sends by and we take (§6.8.4).
    pub(super) fn detection_time(&self) -> Duration {
        self.used_rx.max(self.remote.min_tx).saturating_mul(self.remote.multiplier.into())
    }

    /// What we send by, before jitter (§6.8.7).
    pub(super) fn interval(&self) -> Duration {
        self.used_tx.max(self.remote.min_rx)
    }

    /// Whether packets leave regularly (§6.8.7).
    fn sends(&self) -> bool {
        let waits = self.config.passive && self.remote.discriminator == 0;
        let on_demand = self.remote.demand
            && self.state == State::Up
            && self.remote.state == State::Up
            && !self.poll;
        self.state != State::AdminDown && !waits && !on_demand && !self.remote.min_rx.is_zero()
    }

    fn enter_init(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.state = State::Init;
        self.diagnostic = Diagnostic::NONE;
        self.say(Level::Info, "Entering Init state", out);
        self.send(false, now, out);
    }

    fn enter_up(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.state = State::Up;
        self.diagnostic = Diagnostic::NONE;
        self.desire(self.config.min_tx);
        self.say(Level::Info, "Entering Up state", out);
        self.tell(out);
        self.send(false, now, out);
    }

    fn enter_down(&mut self, why: Diagnostic, now: Instant, out: &mut Vec<Action>) {
        self.state = State::Down;
        self.diagnostic = why;
        self.poll = false;
        self.used_rx = self.config.min_rx;
        self.desire(self.config.idle_tx);
        let text = format!(
            "Entering Down state (Local diagnostic - {why}, Remote diagnostic - {})",
            self.remote.diagnostic
        );
        self.say(Level::Warning, &text, out);
        // Who ends a session on purpose says nothing of the path (RFC 5882 §3.2): nothing fails
        // over because the other end's daemon stops in order.
        if self.remote.state != State::AdminDown {
            self.tell(out);
        }
        self.send(false, now, out);
    }

    /// Other wishes while up are asked of the neighbour first (§6.8.3).
    fn desire(&mut self, interval: Duration) {
        let longer = interval > self.used_tx;
        self.desired_tx = interval;
        if self.state == State::Up {
            self.poll = true;
        }
        if self.state != State::Up || !longer {
            self.used_tx = interval;
        }
    }

    /// Another configuration for the same neighbour: intervals change while the session stays.
    pub(super) fn adopt(&mut self, config: BfdInstance, now: Instant) {
        let shorter = config.min_rx < self.used_rx;
        let up = self.state == State::Up;
        self.config = config;
        if !up || !shorter {
            self.used_rx = self.config.min_rx;
        }
        self.desire(if up { self.config.min_tx } else { self.config.idle_tx });
        self.pace(now);
    }

    /// No more: the neighbour is told (§6.8.16).
    pub(super) fn enter_admin_down(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.state = State::AdminDown;
        self.diagnostic = Diagnostic::ADMIN;
        self.expires = None;
        self.say(Level::Info, "Entering AdminDown state", out);
        self.tell(out);
        if self.remote.discriminator != 0 {
            self.send(false, now, out);
        }
        self.next = None;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.next.into_iter().chain(self.expires).min()
    }

    pub(super) fn on_deadline(&mut self, now: Instant, out: &mut Vec<Action>) {
        if let Some(at) = self.expires.filter(|at| *at <= now) {
            if now.duration_since(at) > LATE && !self.excused {
                self.excused = true;
                self.expires = Some(now + BREATH);
            } else {
                self.expires = None;
                self.expire(now, out);
            }
        }
        if self.next.is_some_and(|at| at <= now) {
            self.send(false, now, out);
        }
    }

    /// Silence for a detection time: who we spoke with may be another when it speaks again.
    fn expire(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.remote.discriminator = 0;
        if self.state == State::Up {
            self.remote.state = State::Down;
        }
        match self.state {
            State::Init | State::Up => {
                let silence = self.detection_time().as_millis();
                self.say(Level::Warning, &format!("Expired after {silence} ms"), out);
                self.enter_down(Diagnostic::EXPIRED, now, out);
            }
            State::Down | State::AdminDown => {}
        }
        self.pace(now);
    }

    /// `answer`: to a poll; sent whatever the rate is.
    fn send(&mut self, answer: bool, now: Instant, out: &mut Vec<Action>) {
        if !answer && !self.sends() && self.state != State::AdminDown {
            self.next = None;
            return;
        }
        let packet = Control {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: self.poll && !answer,
            last: answer,
            demand: false,
            multiplier: self.config.multiplier,
            mine: self.id.0,
            yours: self.remote.discriminator,
            desired_min_tx: self.desired_tx,
            required_min_rx: self.config.min_rx,
        };
        out.push(Action::Send(self.id, packet.encode()));
        self.sent = Some(now);
        self.next = None;
        self.pace(now);
    }

    /// When the next packet leaves: never later than the interval since the last one, as it is now.
    fn pace(&mut self, now: Instant) {
        if !self.sends() {
            self.next = None;
            return;
        }
        if self.next.is_some() && self.paced_by == self.interval() {
            return;
        }
        self.paced_by = self.interval();
        let interval = self.jittered();
        let due = self.sent.map_or(now, |sent| (sent + interval).max(now));
        self.next = Some(self.next.map_or(due, |planned| planned.min(due)));
    }

    /// Shorter by up to a quarter; with a multiplier of 1 by a tenth at least (§6.8.7).
    fn jittered(&mut self) -> Duration {
        let (least, most) = if self.config.multiplier == 1 { (0.75, 0.90) } else { (0.75, 1.0) };
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0);
        let fraction = f64::from(top) / f64::from(u32::MAX);
        self.interval().mul_f64(least + (most - least) * fraction)
    }

    /// Others hear of up and not up alone.
    fn tell(&mut self, out: &mut Vec<Action>) {
        let up = self.state == State::Up;
        if up != self.told {
            self.told = up;
            out.push(Action::Tell { name: self.config.name.value.clone(), up });
        }
    }

    pub(super) fn say(&self, level: Level, text: &str, out: &mut Vec<Action>) {
        let name = &self.config.name.value;
        out.push(Action::Log(level, format!("({name}) {text}")));
    }
}
