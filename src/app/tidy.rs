//! What a unit file's `ExecStopPost=` runs: lets go of what a killed daemon has left in the kernel.
//!
//! Its control socket tells: an orderly end removes the file, a killed daemon leaves it behind and
//! nobody answers there. Without that file nothing is touched.
//!
//! Addresses, routes, rules and interfaces of virtual routers go in any case: nobody speaks for them,
//! and the peer takes them. The IPVS table stays when the service manager says that the daemon
//! failed: it is about to be started again, takes over what it finds, and until then the kernel goes
//! on serving. It goes when the service was stopped, and where the service manager (before systemd
//! 232) does not say.
use super::{check, cli::RunArgs, exit, logging, places, run};
use crate::{
    config::{self, Config},
    director,
    ipvs::{
        DaemonRole, Step,
        io::{IpvsError, IpvsKernel, netlink::Netlink},
    },
    net::io::{NetError, Network, own_links::OwnLinks},
    vrrp::Leftovers,
};
use std::{ffi::OsStr, fmt, fs, os::unix::net::UnixStream};

/// Values of `SERVICE_RESULT` after which systemd starts a unit with `Restart=on-failure` again
/// (systemd.exec(5)).
const FAILURES: [&str; 5] = ["exit-code", "signal", "core-dump", "watchdog", "oom-kill"];

#[derive(Debug, thiserror::Error)]
enum TidyError {
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    #[error("cannot enter the network namespace: {0}")]
    Namespace(std::io::Error),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Ipvs(#[from] IpvsError),
}

pub(super) fn run(arguments: &RunArgs) -> u8 {
    let _log = logging::start(arguments, "ldirector", false);
    // A file with errors was the daemon's until somebody broke it: what is understood is tidied.
    let file = run::chosen_file(arguments);
    let sources = match config::io::load(&file, &check::options(arguments)) {
        Ok(sources) => sources,
        Err(error) => {
            tracing::error!("cannot tidy up: {error}");
            return exit::CONFIG;
        }
    };
    let (config, _) = config::parse(&sources);
    let socket = places::socket(arguments, &config.global);
    if !socket.exists() || UnixStream::connect(&socket).is_ok() {
        return exit::OK;
    }
    tracing::info!("Tidying up after a daemon that was killed");
    let result = std::env::var_os("SERVICE_RESULT");
    match tidy(arguments, &config, starts_again(result.as_deref())) {
        Ok(()) => {
            complain("remove", socket.display(), fs::remove_file(&socket));
            exit::OK
        }
        Err(error) => {
            tracing::error!("cannot tidy up: {error}");
            exit::FAILED
        }
    }
}

fn starts_again(result: Option<&OsStr>) -> bool {
    result.is_some_and(|result| FAILURES.iter().any(|failure| result == *failure))
}

fn tidy(arguments: &RunArgs, config: &Config, starts_again: bool) -> Result<(), TidyError> {
    if let Some(path) = places::network_namespace(arguments, &config.global) {
        run::enter(&path).map_err(TidyError::Namespace)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(TidyError::Runtime)?;
    runtime.block_on(async {
        if !arguments.dont_release_vrrp && !arguments.check {
            routers(Leftovers::of(&config.vrrp)).await?;
        }
        if !arguments.dont_release_ipvs && !arguments.vrrp && !starts_again {
            services(config).await?;
        }
        Ok(())
    })
}

async fn routers(left: Leftovers) -> Result<(), TidyError> {
    let network = Network::connect()?;
    for rule in &left.rules {
        complain("remove rule", rule, network.remove_rule(rule).await);
    }
    for route in &left.routes {
        complain("remove route", route.destination, network.remove_route(route).await);
    }
    for address in &left.addresses {
        let removed = network.remove_address(address, None).await;
        complain("remove address", address.prefix(), removed);
    }
    let mut own_links = OwnLinks::new(network);
    for link in &left.links {
        complain("remove interface", &link.name, own_links.remove(link).await);
    }
    Ok(())
}

async fn services(config: &Config) -> Result<(), TidyError> {
    let daemons = config.global.sync_daemon.is_some();
    let mut ours = director::keys(&config.director);
    if ours.is_empty() && !daemons {
        return Ok(());
    }
    let namespace = places::ipvs_namespace(&config.global);
    let mut kernel = Netlink::start_in(namespace).map_err(TidyError::Runtime)?;
    let found = kernel.dump().await?.table;
    ours.retain(|key| found.service(key).is_some());
    let steps: Vec<Step> = ours.into_iter().map(|key| Step::DeleteService { key }).collect();
    for refusal in kernel.run(&steps).await?.into_iter().filter_map(Result::err) {
        tracing::warn!("{refusal}");
    }
    if daemons {
        for role in [DaemonRole::Master, DaemonRole::Backup] {
            kernel.stop_daemon(role).await?;
        }
    }
    Ok(())
}

/// The rest may still be removed.
fn complain<E: fmt::Display>(what: &str, subject: impl fmt::Display, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::warn!("cannot {what} {subject}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_waits_for_a_daemon_that_comes_back() {
        for (result, expected) in [
            (Some("signal"), true),
            (Some("watchdog"), true),
            (Some("core-dump"), true),
            (Some("success"), false),
            (Some("timeout"), false),
            (None, false),
        ] {
            assert_eq!(starts_again(result.map(OsStr::new)), expected, "{result:?}");
        }
    }
}
