//! BFD Control packets (RFC 5880 §4.1).
//!
//! ```text
//!  0                   1                   2                   3
//! |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
//! |                       My Discriminator                        |
//! |                      Your Discriminator                       |
//! |                    Desired Min TX Interval                    |
//! |                   Required Min RX Interval                    |
//! |                 Required Min Echo RX Interval                 |
//! ```
use std::{fmt, time::Duration};

/// Without authentication, which is not used.
pub const LENGTH: usize = 24;
const VERSION: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    AdminDown,
    Down,
    Init,
    Up,
}

impl State {
    const fn of(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        })
    }
}

/// Why a session is not up (RFC 5880 §4.1); other numbers may come from neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic(pub u8);

impl Diagnostic {
    pub const NONE: Self = Self(0);
    /// Control Detection Time Expired.
    pub const EXPIRED: Self = Self(1);
    /// Neighbor Signaled Session Down.
    pub const SIGNALED: Self = Self(3);
    /// Administratively Down.
    pub const ADMIN: Self = Self(7);
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "No Diagnostic",
            1 => "Control Detection Time Expired",
            2 => "Echo Function Failed",
            3 => "Neighbor Signaled Session Down",
            4 => "Forwarding Plane Reset",
            5 => "Path Down",
            6 => "Concatenated Path Down",
            7 => "Administratively Down",
            8 => "Reverse Concatenated Path Down",
            other => return write!(f, "Diagnostic {other}"),
        })
    }
}

/// What a packet says; intervals are whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    pub diagnostic: Diagnostic,
    pub state: State,
    pub poll: bool,
    pub last: bool,
    pub demand: bool,
    pub multiplier: u8,
    pub mine: u32,
    /// 0: not known yet.
    pub yours: u32,
    pub desired_min_tx: Duration,
    pub required_min_rx: Duration,
}

/// Why a packet is dropped unread (RFC 5880 §6.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is cut short")]
    Short,
    #[error("its version is {0}")]
    Version(u8),
    #[error("its length field says {0}")]
    Length(u8),
    #[error("its detection multiplier is 0")]
    Multiplier,
    #[error("it is multipoint")]
    Multipoint,
    #[error("its discriminator is 0")]
    Discriminator,
    #[error("it names no session, though its state is {0}")]
    NoSession(State),
    #[error("it is authenticated, which no session is")]
    Authenticated,
    #[error("it both asks and answers")]
    PollAndFinal,
}

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const AUTHENTICATION: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

impl Control {
    /// Reads the payload of a datagram; what stands behind the packet's own length is ignored.
    ///
    /// # Errors
    /// Why it is to be dropped.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refused> {
        let (packet, _) = bytes.split_first_chunk::<LENGTH>().ok_or(Refused::Short)?;
        let [first, flags, multiplier, length, words @ ..] = packet;
        if first >> 5 != VERSION {
            return Err(Refused::Version(first >> 5));
        }
        let set = |flag: u8| flags & flag != 0;
        let length_fits = usize::from(*length) >= LENGTH && usize::from(*length) <= bytes.len();
        if !length_fits {
            return Err(Refused::Length(*length));
        }
        if *multiplier == 0 {
            return Err(Refused::Multiplier);
        }
        if set(MULTIPOINT) {
            return Err(Refused::Multipoint);
        }
        let [mine, yours, tx, rx, _echo] = words_of(words);
        if mine == 0 {
            return Err(Refused::Discriminator);
        }
        let state = State::of(flags >> 6);
        if yours == 0 && matches!(state, State::Init | State::Up) {
            return Err(Refused::NoSession(state));
        }
        if set(AUTHENTICATION) {
            return Err(Refused::Authenticated);
        }
        if set(POLL) && set(FINAL) {
            return Err(Refused::PollAndFinal);
        }
        Ok(Self {
            diagnostic: Diagnostic(first & 0x1f),
            state,
            poll: set(POLL),
            last: set(FINAL),
            demand: set(DEMAND),
            multiplier: *multiplier,
            mine,
            yours,
            desired_min_tx: Duration::from_micros(tx.into()),
            required_min_rx: Duration::from_micros(rx.into()),
        })
    }

    /// Intervals beyond 32 bits of microseconds are sent as the longest. The echo interval is 0: we
    /// return none.
    #[must_use]
    pub fn encode(&self) -> [u8; LENGTH] {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        let flags = self.state.bits() << 6
            | flag(self.poll, POLL)
            | flag(self.last, FINAL)
            | flag(self.demand, DEMAND);
        let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        let length = u8::try_from(LENGTH).unwrap_or(u8::MAX);
        let head = [VERSION << 5 | self.diagnostic.0 & 0x1f, flags, self.multiplier, length];
        let words =
            [self.mine, self.yours, micros(self.desired_min_tx), micros(self.required_min_rx), 0];
        let mut packet = [0; LENGTH];
        let bytes = head.into_iter().chain(words.into_iter().flat_map(u32::to_be_bytes));
        packet.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        packet
    }
}

fn words_of(bytes: &[u8; LENGTH - 4]) -> [u32; 5] {
    let mut words = [0; 5];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Up, detect mult 5, 10 ms both ways, as RFC 5880 §4.1 draws it.
    const UP: [u8; LENGTH] =
        [0x20, 0xc0, 5, 24, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10, 0, 0, 0, 0];

    #[test]
    fn a_packet_of_the_rfc() {
        let packet = Control::decode(&UP).unwrap();
        assert_eq!(packet.state, State::Up);
        assert_eq!((packet.mine, packet.yours, packet.multiplier), (1, 2, 5));
        assert_eq!(packet.desired_min_tx, Duration::from_millis(10));
        assert_eq!(packet.encode(), UP);
    }

    #[test]
    fn what_is_dropped() {
        let with = |at: usize, byte: u8| {
            let mut packet = UP;
            packet[at] = byte;
            Control::decode(&packet)
        };
        assert_eq!(Control::decode(&UP[..23]), Err(Refused::Short));
        assert_eq!(with(0, 0x40), Err(Refused::Version(2)));
        assert_eq!(with(3, 23), Err(Refused::Length(23)));
        assert_eq!(with(3, 25), Err(Refused::Length(25)));
        assert_eq!(with(2, 0), Err(Refused::Multiplier));
        assert_eq!(with(1, 0xc1), Err(Refused::Multipoint));
        assert_eq!(with(7, 0), Err(Refused::Discriminator));
        assert_eq!(with(11, 0), Err(Refused::NoSession(State::Up)));
        assert_eq!(with(1, 0xc4), Err(Refused::Authenticated));
        assert_eq!(with(1, 0xf0), Err(Refused::PollAndFinal));
        let mut longer = UP.to_vec();
        longer.push(7);
        assert!(Control::decode(&longer).is_ok(), "what stands behind it is ignored");
    }

    proptest! {
        #[test]
        fn nothing_from_outside_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(packet) = Control::decode(&bytes) {
                prop_assert_eq!(Control::decode(&packet.encode()), Ok(packet));
            }
        }
    }
}
