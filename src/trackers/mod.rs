//! What moves a priority from outside: tracked scripts, and when their results count.
pub mod io;
mod rise_fall;

pub use rise_fall::{RiseFall, Turn};
