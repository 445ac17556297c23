//! What moves a priority from outside: scripts, processes, files and BFD sessions, and what
//! watching them says.
pub mod io;
mod number;
mod processes;
mod rise_fall;

pub use number::read_number;
pub use processes::{ProcessCount, matches};
pub use rise_fall::{RiseFall, Turn};

/// What is tracked, by its name in the configuration; each kind has names of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Interface(String),
    Script(String),
    Process(String),
    File(String),
    Bfd(String),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Up,
    Down,
    /// What a file holds.
    Number(i64),
}

impl Reading {
    #[must_use]
    pub const fn of(up: bool) -> Self {
        if up { Self::Up } else { Self::Down }
    }
}

/// Something turned, or is known for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub subject: Subject,
    pub reading: Reading,
}
