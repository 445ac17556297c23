//! Wiring only: picks the real kernel, starts the drivers.
use std::process::ExitCode;

#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
