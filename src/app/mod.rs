//! Wiring only: reads the command line, picks the real kernel, starts the drivers.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "this is the program itself"
)]
mod bfd_child;
mod check;
mod checkers_child;
mod child;
mod chores;
mod cli;
mod explain;
mod fix;
mod generate;
mod genhash;
mod help;
mod import;
mod keywords;
mod language;
mod logging;
mod memory;
mod pair;
mod places;
mod plan;
mod probe;
mod realserver;
mod run;
mod script_child;
mod status;
mod tidy;
mod tuning;
mod vrrp_child;

use cli::{Command, Invocation, Role};
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Exit codes, as README documents them.
mod exit {
    pub(super) const OK: u8 = 0;
    /// `check`: errors found. Otherwise: it failed, and said why.
    pub(super) const FAILED: u8 = 1;
    /// `check`: cannot read. `run`: the configuration is refused. Any: wrong usage.
    pub(super) const CONFIG: u8 = 2;
    /// `plan`: the kernel differs from the file.
    pub(super) const DIFFERS: u8 = 2;
    /// `plan`: the file cannot be read, or has errors.
    pub(super) const REFUSED: u8 = 3;
}

/// The running program, even after an upgrade has replaced its file.
const SELF: &str = "/proc/self/exe";

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os().collect()) {
        Ok(invocation) => invocation,
        Err(error) => {
            let plan = std::env::args_os().nth(1).is_some_and(|command| command == "plan");
            let code = match (error.use_stderr(), plan) {
                (false, _) => exit::OK,
                // Its 2 means that something differs.
                (true, true) => exit::FAILED,
                (true, false) => exit::CONFIG,
            };
            // A closed pipe behind `--help` is nobody's problem.
            return ExitCode::from(error.print().map_or(exit::OK, |()| code));
        }
    };
    ExitCode::from(match invocation {
        Invocation::Daemon(arguments) => run::daemon(&arguments),
        Invocation::Command(command) => match command {
            Command::Run(arguments) => run::foreground(&arguments),
            Command::Check(arguments) => check::files(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Keywords(arguments) => keywords::run(&arguments),
            Command::Status(arguments) => status::show(&arguments),
            Command::Import(arguments) => import::run(&arguments),
            Command::Plan(arguments) => plan::run(&arguments),
            Command::Reload(arguments) => status::reload(&arguments),
            Command::Realserver(arguments) => realserver::run(&arguments),
            Command::Stop(arguments) => status::stop(&arguments),
            Command::Genhash(arguments) => genhash::run(&arguments),
            Command::Generate(arguments) => generate::run(&arguments),
            Command::Child(arguments) => match arguments.role {
                Role::Vrrp(arguments) => vrrp_child::run(&arguments),
                Role::Checkers(arguments) => checkers_child::run(&arguments),
                Role::Script(arguments) => script_child::run(&arguments),
                Role::Bfd(arguments) => bfd_child::run(&arguments),
                Role::Tidy(arguments) => tidy::run(&arguments),
            },
        },
    })
}

/// Writes to standard output; a reader that has gone is not an error.
fn print(text: &str) -> u8 {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => exit::OK,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::OK,
        Err(error) => {
            eprintln!("ldirector: writing: {error}");
            exit::FAILED
        }
    }
}
