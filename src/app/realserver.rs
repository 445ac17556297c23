//! `ldirector realserver`: makes this host a real server of LVS-DR or LVS-TUN, or says what it lacks.
use super::{cli::LanguageArgs, exit, language, print};
use crate::{
    base::Family,
    config::rules::text::Language,
    net::io::Network,
    realserver::{
        Method, Record, Step, Wanted, command, ifcfg,
        io::{HostError, RECORD, load, observe, run as run_step, store},
        plan, remedy, sentence, shell,
    },
};
use clap::{Args, ValueEnum};
use std::{net::IpAddr, path::Path};

#[derive(Debug, Args)]
#[command(
    override_usage = "ldirector realserver --vip ADDRESS[,ADDRESS]... [--tun] [check|apply|undo|print]",
    after_help = "Exit codes: 0 nothing is missing, or it was done; 1 something is missing or failed; \
                  2 wrong usage."
)]
pub(super) struct RealserverArgs {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Check)]
    action: Action,
    /// Virtual address; several with commas between them. `undo` without it: all of `apply`'s
    #[arg(long = "vip", value_name = "ADDRESS", value_delimiter = ',', value_parser = virtual_address)]
    vips: Vec<IpAddr>,
    /// Packets come through a tunnel (LVS-TUN), not as they are (LVS-DR)
    #[arg(long)]
    tun: bool,
    /// What `print` writes
    #[arg(long, value_enum, default_value_t = Output::Shell)]
    format: Output,
    #[command(flatten)]
    language: LanguageArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Say what is missing, and the commands that mend it
    Check,
    /// Mend it, until the next boot
    Apply,
    /// Put back what `apply` has changed
    Undo,
    /// Print a script that does the same
    Print,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Commands for any Linux, until the next boot
    Shell,
    /// Files of RHEL 7 and CentOS 7 (ifcfg-lo:0, sysctl.d), for good
    Ifcfg,
}

/// What several hosts can have at the same time, and clients can ask for.
fn virtual_address(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| match text.split_once('/') {
        Some((address, length)) if address.parse::<IpAddr>().is_ok() => {
            format!("write it without `/{length}`")
        }
        Some(_) | None => "it is not an IPv4 or IPv6 address".to_owned(),
    })?;
    let link_local = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if address.is_loopback() || address.is_multicast() || address.is_unspecified() || link_local {
        return Err("no address that clients of other networks can ask for".to_owned());
    }
    Ok(address)
}

pub(super) fn run(arguments: &RealserverArgs) -> u8 {
    let language = language::of(&arguments.language);
    if arguments.vips.is_empty() && arguments.action != Action::Undo {
        language::complain("which virtual address? `--vip ADDRESS`", language);
        return exit::CONFIG;
    }
    let method = if arguments.tun { Method::Tunnel } else { Method::Direct };
    let mut vips: Vec<IpAddr> = vec![];
    for vip in &arguments.vips {
        if !vips.contains(vip) {
            vips.push(*vip);
        }
    }
    let wanted = Wanted { vips, method };
    if arguments.action == Action::Print {
        return printed(&wanted, arguments.format, language);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return exit::FAILED;
        }
    };
    let done = runtime.block_on(async {
        let network = Network::connect()?;
        match arguments.action {
            Action::Check | Action::Print => check(&network, &wanted, language).await,
            Action::Apply => apply(&network, &wanted, language).await,
            Action::Undo => undo(&network, &wanted.vips).await,
        }
    });
    done.unwrap_or_else(|error: HostError| {
        eprintln!("error: {error}");
        exit::FAILED
    })
}

fn printed(wanted: &Wanted, format: Output, language: Language) -> u8 {
    match format {
        Output::Shell => print(&shell(wanted)),
        Output::Ifcfg => match ifcfg(wanted) {
            Some(text) => print(&text),
            None => {
                let why = "the files of RHEL 7 are for IPv4; for IPv6 use `--format shell` from a \
                           unit or rc.local";
                language::complain(why, language);
                exit::CONFIG
            }
        },
    }
}

async fn check(network: &Network, wanted: &Wanted, language: Language) -> Result<u8, HostError> {
    let faults = plan(wanted, &observe(network).await?);
    let missing = faults.iter().filter(|fault| !fault.is_advice()).count();
    let mut text = String::new();
    for fault in &faults {
        text.push_str(&format!("{}\n", sentence(fault, language)));
        for line in remedy(fault) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    if missing == 0 {
        text.push_str(&ready(wanted, language));
    }
    Ok(print(&text).max(if missing == 0 { exit::OK } else { exit::FAILED }))
}

fn ready(wanted: &Wanted, language: Language) -> String {
    let vips: Vec<String> = wanted.vips.iter().map(ToString::to_string).collect();
    let method = match wanted.method {
        Method::Direct => "LVS-DR",
        Method::Tunnel => "LVS-TUN",
    };
    let six = wanted.vips.iter().all(|vip| Family::of(vip) == Family::V6);
    match (language, six) {
        (Language::English, false) => {
            format!("{}: ready, this host is a real server of {method}\n", vips.join(", "))
        }
        (Language::English, true) => format!(
            "{}: ready, this host is a real server of {method}; IPv6 needs no settings against \
             answering for it\n",
            vips.join(", ")
        ),
        (Language::Chinese, false) => {
            format!("{}：就绪，本机是 {method} 的真实服务器\n", vips.join("、"))
        }
        (Language::Chinese, true) => format!(
            "{}：就绪，本机是 {method} 的真实服务器；IPv6 不需要设置 ARP 类参数\n",
            vips.join("、")
        ),
    }
}

/// Does what can be done, and then looks again.
async fn apply(network: &Network, wanted: &Wanted, language: Language) -> Result<u8, HostError> {
    let mut record = load(Path::new(RECORD))?;
    let steps = record.apply(wanted, &observe(network).await?);
    // First: who is killed between two steps can still undo the first.
    write_down(&record, &steps)?;
    for step in &steps {
        done(network, step).await?;
    }
    check(network, wanted, language).await
}

async fn undo(network: &Network, vips: &[IpAddr]) -> Result<u8, HostError> {
    let mut record = load(Path::new(RECORD))?;
    for step in record.undo(vips, &observe(network).await?) {
        done(network, &step).await?;
    }
    store(Path::new(RECORD), &record)?;
    Ok(exit::OK)
}

fn write_down(record: &Record, steps: &[Step]) -> Result<(), HostError> {
    if steps.is_empty() { Ok(()) } else { store(Path::new(RECORD), record) }
}

async fn done(network: &Network, step: &Step) -> Result<(), HostError> {
    run_step(network, step).await?;
    println!("{}", command(step));
    Ok(())
}
