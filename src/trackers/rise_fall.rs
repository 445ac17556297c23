//! How many good or bad runs in a row turn a tracked script around.

/// Counts results. The first one decides alone, whatever `rise` and `fall` are; after that it
/// takes `fall` failures in a row to go down and `rise` successes in a row to come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiseFall {
    rise: u32,
    fall: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unknown,
    /// Failures since the last success.
    Up {
        failures: u32,
    },
    /// Successes since the last failure.
    Down {
        successes: u32,
    },
}

/// What a result changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    None,
    Up,
    Down,
}

impl RiseFall {
    /// `rise` and `fall` below 1 count as 1.
    #[must_use]
    pub fn new(rise: u32, fall: u32) -> Self {
        Self { rise: rise.max(1), fall: fall.max(1), state: State::Unknown }
    }

    pub fn record(&mut self, good: bool) -> Turn {
        let (state, turn) = match (self.state, good) {
            (State::Unknown, true) => (State::Up { failures: 0 }, Turn::Up),
            (State::Unknown, false) => (State::Down { successes: 0 }, Turn::Down),
            (State::Up { .. }, true) => (State::Up { failures: 0 }, Turn::None),
            (State::Up { failures }, false) if failures + 1 >= self.fall => {
                (State::Down { successes: 0 }, Turn::Down)
            }
            (State::Up { failures }, false) => (State::Up { failures: failures + 1 }, Turn::None),
            (State::Down { .. }, false) => (State::Down { successes: 0 }, Turn::None),
            (State::Down { successes }, true) if successes + 1 >= self.rise => {
                (State::Up { failures: 0 }, Turn::Up)
            }
            (State::Down { successes }, true) => {
                (State::Down { successes: successes + 1 }, Turn::None)
            }
        };
        self.state = state;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` good, `-` failed; `U` and `D` where it turned, `.` where not.
    fn turns(rise: u32, fall: u32, results: &str) -> String {
        let mut counter = RiseFall::new(rise, fall);
        results
            .chars()
            .map(|c| match counter.record(c == '+') {
                Turn::None => '.',
                Turn::Up => 'U',
                Turn::Down => 'D',
            })
            .collect()
    }

    #[test]
    fn rows_of_results_turn_it() {
        for (rise, fall, results, expected) in [
            (1, 1, "+-+-", "UDUD"),
            (2, 3, "+--+---", "U.....D"),
            (2, 3, "-+-++", "D...U"),
            (3, 1, "-+++-", "D..UD"),
            (0, 0, "-+", "DU"),
        ] {
            assert_eq!(turns(rise, fall, results), expected, "rise {rise} fall {fall} {results}");
        }
    }
}
