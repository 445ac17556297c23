//! What can be said on the command line.
//!
//! Two forms: subcommands (`ldirector run`), and keepalived's own options without a subcommand
//! (`ldirector -D -f FILE`), so that a unit file or script only needs the program's name changed.
use super::{generate::GenerateArgs, genhash::GenhashArgs, help, realserver::RealserverArgs};
use crate::config::{diagnostic::Severity, rules::text};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where `ldirector status` finds the daemon.
pub(super) const SOCKET: &str = "/run/ldirector/ldirector.sock";
/// Options that unit files of keepalived have and that change nothing here.
const ACCEPTED: &str = "Accepted, without effect";
/// Tried in this order where no file is named.
pub(super) const CONFIG_FILES: [&str; 2] =
    ["/etc/keepalived/keepalived.conf", "/etc/ldirector/ldirector.conf"];

/// LVS/IPVS director with VRRP; reads keepalived.conf.
#[derive(Debug, Parser)]
#[command(
    name = "ldirector",
    version,
    arg_required_else_help = true,
    max_term_width = WIDTH,
    after_help = help::PROGRAM
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Longer lines are hard to read, however wide the terminal.
const WIDTH: usize = 100;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run in the foreground; logs go to the journal or to standard error.
    #[command(after_help = help::RUN)]
    Run(Box<RunArgs>),
    /// Say what is wrong in configuration files, and how to mend it.
    #[command(after_help = help::CHECK)]
    Check(CheckArgs),
    /// Say what a finding of `check` means, with a wrong and a right example; list all without a
    /// code.
    #[command(after_help = help::EXPLAIN)]
    Explain(ExplainArgs),
    /// Say what a keyword or a block of the configuration is; list all without a word.
    #[command(after_help = help::KEYWORDS)]
    Keywords(KeywordsArgs),
    /// Show virtual routers, virtual servers and real servers of the running daemon.
    #[command(after_help = help::STATUS)]
    Status(StatusArgs),
    /// Apply the changed configuration file; fails if it has errors, and then changes nothing.
    #[command(after_help = help::RELOAD)]
    Reload(SocketArgs),
    /// Stop the daemon, and come back when it has let go of everything.
    #[command(after_help = help::STOP)]
    Stop(SocketArgs),
    /// On a real server of LVS-DR or LVS-TUN: check, apply, undo or print what it needs to take
    /// packets to the virtual address and to be silent about it.
    Realserver(RealserverArgs),
    /// Show what a reload (or a start) with the file would change in the kernel; changes nothing.
    #[command(after_help = help::PLAN)]
    Plan(PlanArgs),
    /// Print a keepalived.conf made from ldirectord.cf or from what ipvsadm-save prints.
    #[command(after_help = help::IMPORT)]
    Import(ImportArgs),
    /// Print the MD5 of what a web server answers, for `digest` of HTTP_GET and SSL_GET.
    #[command(after_help = help::GENHASH)]
    Genhash(GenhashArgs),
    /// Write manual pages or shell completions, for packages.
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// One of the daemon's own processes.
    #[command(hide = true)]
    Child(ChildArgs),
}

#[derive(Clone, Debug, Default, Args)]
pub(super) struct RunArgs {
    /// Configuration file
    #[arg(short = 'f', long = "use-file", visible_alias = "file", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Stay in the foreground; `run` always does
    #[arg(short = 'n', long)]
    pub(super) dont_fork: bool,
    /// Log details
    #[arg(short = 'D', long)]
    pub(super) log_detail: bool,
    /// `check` shows what was understood
    #[arg(short = 'd', long, help_heading = ACCEPTED)]
    pub(super) dump_conf: bool,
    /// Log to standard error
    #[arg(short = 'l', long)]
    pub(super) log_console: bool,
    /// Only check the configuration, as `check` does
    #[arg(short = 't', long, value_name = "LOG", num_args = 0..=1, require_equals = true)]
    pub(super) config_test: Option<Option<PathBuf>>,
    /// Only the VRRP process
    #[arg(short = 'P', long, conflicts_with = "check")]
    pub(super) vrrp: bool,
    /// Only the checkers process
    #[arg(short = 'C', long)]
    pub(super) check: bool,
    /// Leave virtual addresses and routes when stopping
    #[arg(short = 'V', long)]
    pub(super) dont_release_vrrp: bool,
    /// Leave the IPVS table when stopping
    #[arg(short = 'I', long)]
    pub(super) dont_release_ipvs: bool,
    /// A process that ends unexpectedly is restarted in any case
    #[arg(short = 'R', long, help_heading = ACCEPTED)]
    pub(super) dont_respawn: bool,
    /// Pid file
    #[arg(short = 'p', long = "pid", value_name = "FILE")]
    pub(super) pid: Option<PathBuf>,
    /// Pid file of the VRRP process
    #[arg(short = 'r', long = "vrrp_pid", alias = "vrrp-pid", value_name = "FILE")]
    pub(super) vrrp_pid: Option<PathBuf>,
    /// Pid file of the checkers process
    #[arg(short = 'c', long = "checkers_pid", alias = "checkers-pid", value_name = "FILE")]
    pub(super) checkers_pid: Option<PathBuf>,
    /// Logs go to the journal or the system log as they are
    #[arg(short = 'S', long, value_name = "0-7", help_heading = ACCEPTED)]
    pub(super) log_facility: Option<u8>,
    /// Log to this file
    #[arg(short = 'g', long, value_name = "FILE", num_args = 0..=1)]
    pub(super) log_file: Option<Option<PathBuf>>,
    /// Do not log to the system log
    #[arg(short = 'G', long)]
    pub(super) no_syslog: bool,
    /// There is no SNMP agent in ldirector
    #[arg(short = 'x', long, help_heading = ACCEPTED)]
    pub(super) snmp: bool,
    /// What `@ID` lines of the file are compared with
    #[arg(short = 'i', long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// Control socket [default: /run/ldirector/ldirector.sock, or that of `instance`]
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// Run in this network namespace, whatever the file says
    #[arg(short = 's', long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// Bits that created files do not get, whatever the file says
    #[arg(short = 'u', long, value_name = "MASK", value_parser = umask)]
    pub(super) umask: Option<u32>,
    /// Pid file of the BFD process
    #[arg(short = 'b', long = "bfd_pid", alias = "bfd-pid", value_name = "FILE")]
    pub(super) bfd_pid: Option<PathBuf>,
    /// Without the BFD process
    #[arg(short = 'B', long = "no_bfd", alias = "no-bfd")]
    pub(super) no_bfd: bool,
    /// A missing include is an error, as `include_check` says it
    #[arg(short = 'e', long)]
    pub(super) all_config: bool,
    /// A process runs where the file gives it something to do
    #[arg(long, help_heading = ACCEPTED)]
    pub(super) all: bool,
    /// Addresses are released at a stop unless -V is given
    #[arg(short = 'X', long, help_heading = ACCEPTED)]
    pub(super) release_vips: bool,
    /// `LDIRECTOR_LOG=debug` shows what netlink reports
    #[arg(short = 'a', long, help_heading = ACCEPTED)]
    pub(super) address_monitoring: bool,
    /// Core dumps are as the service manager sets them
    #[arg(short = 'm', long, help_heading = ACCEPTED)]
    pub(super) core_dump: bool,
    /// Core dumps are as the service manager sets them
    #[arg(short = 'M', long, value_name = "PATTERN", num_args = 0..=1, help_heading = ACCEPTED)]
    pub(super) core_dump_pattern: Option<Option<String>>,
    /// There is no SNMP agent in ldirector
    #[arg(short = 'A', long, value_name = "SOCKET", help_heading = ACCEPTED)]
    pub(super) snmp_agent_socket: Option<String>,
    /// Print the number of the signal for RELOAD, STOP, DATA, STATS or JSON
    #[arg(long, value_name = "FUNCTION")]
    pub(super) signum: Option<String>,
}

/// A number as C writes it.
fn umask(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None if text.starts_with('0') => u32::from_str_radix(text, 8),
        None => text.parse(),
    };
    parsed.ok().filter(|mask| *mask <= 0o777).ok_or_else(|| "a number from 0 to 0777".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Files to check; `-` is standard input
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The same, as keepalived's option
    #[arg(short = 'f', long = "use-file", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// What `@ID` lines of the file are compared with
    #[arg(short = 'i', long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// A missing include is an error, as `include_check` says it
    #[arg(short = 'e', long)]
    pub(super) all_config: bool,
    /// Take warnings for errors
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(super) deny: Option<Deny>,
    /// Say nothing of this warning or note: `LD0113`; may be repeated
    #[arg(long, value_name = "CODE", value_parser = silenceable)]
    pub(super) allow: Vec<u16>,
    /// For people (on standard error), or for programs (on standard output)
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// The files are directors of one site, and so they are checked against each other, too: whether
    /// they agree, and who holds which address when machines, interfaces and scripts fail. Without
    /// this option that is done where all of the files hang together by their virtual routers: an
    /// address in common, or a virtual_router_id and addresses of one /24 or /64
    #[arg(long, conflicts_with = "no_pair")]
    pub(super) pair: bool,
    /// Check each file on its own
    #[arg(long)]
    pub(super) no_pair: bool,
    /// Mend what can be mended without doubt, and show the difference; `-` is written to standard
    /// output
    #[arg(long)]
    pub(super) fix: bool,
    /// With --fix: only show the difference, and what is to be said of the files as they are
    #[arg(long, requires = "fix")]
    pub(super) dry_run: bool,
    /// Also look at this machine and the real servers, for at most so many seconds (30 if none are
    /// given): interfaces, kernel, firewall, other routers, scripts, mail server, checkers.
    /// Changes nothing. Some of it takes root
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30",
        value_parser = clap::value_parser!(u64).range(1..=3600),
        conflicts_with = "fix"
    )]
    pub(super) probe: Option<u64>,
    #[command(flatten)]
    pub(super) language: LanguageArgs,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Code of a finding: `LD0102`
    #[arg(value_name = "CODE")]
    pub(super) codes: Vec<String>,
    #[command(flatten)]
    pub(super) language: LanguageArgs,
}

#[derive(Debug, Args)]
pub(super) struct KeywordsArgs {
    /// Keyword or block: `advert_int`, `real_server`
    #[arg(value_name = "WORD")]
    pub(super) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct LanguageArgs {
    /// Language of messages; without it as LC_ALL, LC_MESSAGES or LANG say
    #[arg(long = "lang", value_enum, value_name = "LANG")]
    pub(super) language: Option<Lang>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Lang {
    /// English
    En,
    /// Simplified Chinese
    Zh,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Deny {
    Warnings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The source line with the place underlined, cause and remedy
    Text,
    /// `FILE:LINE:COLUMN: error[CODE]: message; help`, a line each
    Short,
    /// One JSON document
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// The code of a finding that can be silenced.
fn silenceable(code: &str) -> Result<u16, String> {
    match text::find(code) {
        None => Err("there is no such code; `ldirector explain` lists all".to_owned()),
        Some(rule) if rule.severity == Severity::Error => {
            Err("this is an error; errors cannot be silenced".to_owned())
        }
        Some(rule) => Ok(rule.code),
    }
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) socket: SocketArgs,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// What it is (`ldirectord.cf` or `ipvsadm-save`), or the file itself: then its text decides
    #[arg(value_name = "FORMAT|FILE")]
    pub(super) what: PathBuf,
    /// File to read [default: standard input]
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Configuration file; `-` is standard input
    #[arg(short = 'f', long = "use-file", visible_alias = "file", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// What `@ID` lines of the file are compared with
    #[arg(short = 'i', long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Also what is equal, and all services of others
    #[arg(long)]
    pub(super) all: bool,
    /// Control socket of the daemon [default: /run/ldirector/ldirector.sock, or that of `instance`]
    #[arg(long, value_name = "PATH")]
    pub(super) socket: Option<PathBuf>,
    /// The network namespace that the daemon runs in, whatever the file says
    #[arg(short = 's', long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    #[command(flatten)]
    pub(super) language: LanguageArgs,
}

#[derive(Debug, Args)]
pub(super) struct SocketArgs {
    /// Control socket of the daemon
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    pub(super) socket: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ChildArgs {
    #[command(subcommand)]
    pub(super) role: Role,
}

#[derive(Debug, Subcommand)]
pub(super) enum Role {
    Vrrp(Box<RunArgs>),
    Checkers(Box<RunArgs>),
    Bfd(Box<RunArgs>),
    /// Lets go of what a killed daemon has left: with the daemon's own options.
    Tidy(Box<RunArgs>),
    /// Becomes a script: with all groups of its user, and not outliving us.
    Script(ScriptArgs),
}

#[derive(Debug, Args)]
pub(super) struct ScriptArgs {
    /// Groups it gets, by number
    #[arg(long, value_delimiter = ',', requires = "uid")]
    pub(super) groups: Vec<u32>,
    #[arg(long, requires = "gid")]
    pub(super) uid: Option<u32>,
    #[arg(long, requires = "groups")]
    pub(super) gid: Option<u32>,
    /// Program and arguments
    #[arg(last = true, required = true)]
    pub(super) command: Vec<OsString>,
}

/// The form without a subcommand.
#[derive(Debug, Parser)]
#[command(name = "ldirector", disable_version_flag = true)]
struct Keepalived {
    #[command(flatten)]
    run: RunArgs,
}

/// As `genhash` of old, and behind `-T`.
#[derive(Debug, Parser)]
#[command(name = "genhash", disable_version_flag = true)]
struct Genhash {
    #[command(flatten)]
    arguments: GenhashArgs,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Invocation {
    Command(Command),
    /// keepalived's way: into the background unless told otherwise.
    Daemon(Box<RunArgs>),
}

pub(super) fn parse(mut arguments: Vec<OsString>) -> Result<Invocation, clap::Error> {
    let called = arguments.first().map(Path::new).and_then(Path::file_name);
    let asked = arguments.get(1).is_some_and(|word| word == "-T" || word == "--genhash");
    if asked || called.is_some_and(|name| name == "genhash") {
        if asked {
            arguments.remove(1);
        }
        let Genhash { arguments } = Genhash::try_parse_from(arguments)?;
        return Ok(Invocation::Command(Command::Genhash(arguments)));
    }
    let first = arguments.get(1).and_then(|word| word.to_str()).unwrap_or("");
    let ours = ["-h", "--help", "--version", "-v"].contains(&first);
    if first.starts_with('-') && !ours {
        let run = Keepalived::try_parse_from(arguments)?.run;
        return Ok(Invocation::Daemon(Box::new(run)));
    }
    let arguments = arguments.into_iter().enumerate().map(|(at, word)| {
        // keepalived's -v is what -V is to Rust programs.
        if at == 1 && word == "-v" { OsString::from("--version") } else { word }
    });
    Ok(Invocation::Command(Cli::try_parse_from(arguments)?.command))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
        Keepalived::command().debug_assert();
        Genhash::command().debug_assert();
    }

    #[test]
    fn options_of_unit_files_are_taken() {
        for line in [
            "ldirector -D",
            "ldirector -D -d -S 0",
            "ldirector -n -l -f /etc/keepalived/keepalived.conf -p /run/k.pid -r /run/v.pid -c /run/c.pid",
            "ldirector --dont-fork --log-console --log-detail --vrrp",
            "ldirector --use-file=/a.conf --config-id one -x -G -g/var/log/k.log",
            "ldirector -P -V -I",
            "ldirector -B -n",
            "ldirector -b /run/b.pid",
            "ldirector -t",
            "ldirector -t -f /a.conf",
            "ldirector -tf /a.conf",
            "ldirector --config-test=/tmp/log",
            "ldirector --signum=DATA",
            "ldirector -s red -u 0022 -b /run/b.pid -B -e --all",
            "ldirector --vrrp_pid=/v --checkers_pid=/c --bfd_pid=/b",
        ] {
            let parsed = parse(words(line));
            assert!(matches!(parsed, Ok(Invocation::Daemon(_))), "{line}: {parsed:?}");
        }
        assert!(matches!(
            parse(words("ldirector run -f /a.conf -D")),
            Ok(Invocation::Command(Command::Run(_)))
        ));
        for line in [
            "ldirector genhash -s 10.0.0.1 -p 80 -u /",
            "ldirector -T -S -I -s ::1 -p 443 -u /a -V www.example.org -v -P 1.0C -m 7 -t 3",
            "ldirector --genhash --server 10.0.0.1 --port 80 --url / --protocol 1.1",
            "/usr/bin/genhash -s 10.0.0.1 -p 80 -u /",
        ] {
            let parsed = parse(words(line));
            let genhash = matches!(parsed, Ok(Invocation::Command(Command::Genhash(_))));
            assert!(genhash, "{line}: {parsed:?}");
        }
        assert!(parse(words("ldirector genhash -s localhost -p 80 -u /")).is_err());
        assert!(parse(words("ldirector -P -C")).is_err());
        assert!(parse(words("ldirector --no-such-option")).is_err());
    }
}
