//! `ldirector generate`: manual pages and shell completions, which packages install.
use super::{
    cli::{Cli, SOCKET},
    exit,
};
use crate::config::manual;
use clap::{Args, Command, CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use roff::{Roff, bold, roman};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// What to write
    what: What,
    /// Folder to write to; it is made where it lacks
    #[arg(value_name = "DIRECTORY")]
    folder: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// ldirector(8), a page for each command, ldirector.conf(5)
    Man,
    /// For bash, zsh and fish
    Completions,
}

pub(super) fn run(arguments: &GenerateArgs) -> u8 {
    let folder = &arguments.folder;
    let written = fs::create_dir_all(folder).and_then(|()| match arguments.what {
        What::Man => manuals(folder),
        What::Completions => completions(folder),
    });
    match written {
        Ok(()) => exit::OK,
        Err(error) => {
            eprintln!("ldirector: writing to {}: {error}", folder.display());
            exit::FAILED
        }
    }
}

fn manuals(folder: &Path) -> io::Result<()> {
    let mut program = program().disable_help_subcommand(true);
    program.build();
    for command in program.get_subcommands() {
        let name = format!("ldirector-{}.8", command.get_name());
        fs::write(folder.join(name), command_page(command)?)?;
    }
    fs::write(folder.join("ldirector.8"), program_page(&program)?)?;
    fs::write(folder.join("ldirector.conf.5"), manual::page(env!("CARGO_PKG_VERSION")))
}

fn completions(folder: &Path) -> io::Result<()> {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut program(), "ldirector", folder)?;
    }
    Ok(())
}

/// The command line without what is hidden.
fn program() -> Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let about = all.get_about().cloned().unwrap_or_default();
    Command::new("ldirector").version(env!("CARGO_PKG_VERSION")).about(about).subcommands(shown)
}

fn page(command: Command) -> Man {
    Man::new(command)
        .section("8")
        .date(NO_DATE)
        .source(concat!("ldirector ", env!("CARGO_PKG_VERSION")))
        .manual("System administration")
}

fn command_page(command: &Command) -> io::Result<Vec<u8>> {
    let man = page(command.clone());
    let mut text = vec![];
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let notes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut own = Roff::new();
    let mut open = "";
    for paragraph in notes.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
        let (heading, body) = match paragraph.split_once(':') {
            Some(("Example" | "Examples", body)) => ("EXAMPLES", body),
            Some(("Exit codes", body)) => ("EXIT STATUS", body),
            Some(_) | None => ("NOTES", paragraph),
        };
        if heading == open {
            own.control("PP", []);
        } else {
            own.control("SH", [heading]);
            open = heading;
        }
        for line in body.lines().filter(|line| !line.is_empty()) {
            match line.strip_prefix("  ") {
                // A command, as it is typed.
                Some(typed) => own.control("EX", []).text([bold(typed)]).control("EE", []),
                None => own.text([roman(line.trim_start())]),
            };
        }
    }
    own.control("SH", ["SEE ALSO"]).text([roman("ldirector(8), ldirector.conf(5)")]);
    own.to_writer(&mut text)?;
    Ok(text)
}

/// An argument that is there and empty: roff would take the next one for the date.
const NO_DATE: &str = "\"\"";

/// What the command line's definition does not know: section, terms and their meanings.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "SIGNALS",
        &[
            ("SIGHUP", "Apply the changed configuration file, as `ldirector reload` does."),
            ("SIGTERM, SIGINT", "Release addresses and services, and end."),
            ("SIGUSR1, SIGUSR2", "Write /tmp/keepalived.data or /tmp/keepalived.stats."),
            (
                "--signum=FUNCTION",
                "`ldirector --signum=DATA` prints the number of a signal for scripts; there are \
                 RELOAD, STOP, DATA, STATS and JSON.",
            ),
        ],
    ),
    (
        "FILES",
        &[
            (
                "/etc/keepalived/keepalived.conf",
                "The configuration, unless -f names another: ldirector.conf(5).",
            ),
            ("/etc/ldirector/ldirector.conf", "The same, where that file does not exist."),
            (
                "/etc/sysconfig/ldirector, /etc/default/ldirector",
                "Options of the systemd unit, in LDIRECTOR_OPTIONS.",
            ),
            (SOCKET, "The socket that `ldirector status` and `ldirector reload` ask at."),
            (
                "/run/keepalived.pid, /run/vrrp.pid, /run/checkers.pid, /run/bfd.pid",
                "Pid files, where keepalived's options are used or -p, -r, -c, -b are given.",
            ),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            (
                "LDIRECTOR_LOG",
                "What is logged: `debug`, or a filter as `ldirector::vrrp=debug,info`.",
            ),
            (
                "LC_ALL, LC_MESSAGES, LANG",
                "Language of `check` and `explain`: English or Simplified Chinese.",
            ),
        ],
    ),
    (
        "EXIT STATUS",
        &[
            ("0", "Done; `check` found no errors."),
            ("1", "It failed and said why; `check` found errors."),
            ("2", "The configuration cannot be read or is refused, or wrong usage."),
            ("other", "As the page of the command says: `plan` has codes of its own."),
        ],
    ),
];

fn program_page(program: &Command) -> io::Result<Vec<u8>> {
    let man = page(program.clone());
    let mut text = vec![];
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    let mut own = Roff::new();
    own.control("SH", ["SYNOPSIS"]);
    for (number, form) in SYNOPSIS.iter().enumerate() {
        if number > 0 {
            own.control("br", []);
        }
        own.text([bold("ldirector"), roman(*form)]);
    }
    own.control("SH", ["DESCRIPTION"]);
    own.text([roman(DESCRIPTION)]).control("PP", []).text([roman(KEEPALIVED)]);
    own.control("SH", ["COMMANDS"]);
    for command in program.get_subcommands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        own.control("TP", []);
        own.text([bold(format!("ldirector-{}", command.get_name())), roman("(8)")]);
        own.text([roman(about)]);
    }
    for (heading, entries) in SECTIONS {
        own.control("SH", [*heading]);
        for (term, meaning) in *entries {
            own.control("TP", []).text([bold(*term)]).text([roman(*meaning)]);
        }
    }
    own.control("SH", ["SEE ALSO"]);
    own.text([roman("ldirector.conf(5), ipvsadm(8), ip(8), systemctl(1)")]);
    own.to_writer(&mut text)?;
    Ok(text)
}

const SYNOPSIS: &[&str] =
    &[" COMMAND [OPTION...]", " -D [-f FILE] [OPTION...]", " --help | --version"];

const DESCRIPTION: &str = "\
ldirector balances connections over servers with the kernel's IPVS (LVS), checks that the servers \
live, and floats addresses between directors with VRRP. It reads keepalived.conf unchanged and \
takes keepalived's place; the two must not run at once. Each command has a page of its own.";

const KEEPALIVED: &str = "\
Without a command, keepalived's own options do what they do there: the daemon goes to the background \
unless -n is given. ldirector-run(8) lists them.";
