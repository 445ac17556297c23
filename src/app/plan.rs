//! `ldirector plan`: reads the file, the kernel and the daemon's status, and shows what differs.
use super::{
    check,
    cli::{PlanArgs, RunArgs},
    exit, language, places, print, run,
    status::{self, AskError},
};
use crate::{
    config::{io::LoadOptions, model::Config},
    ipvs::io::{IpvsError, IpvsKernel, netlink::Netlink},
    net::io::{NetError, Network},
    plan::{self, IpvsView, Kernel, Shown},
    status::{Held, Snapshot},
};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
enum PlanError {
    #[error("the network namespace {path}: {source}; `ip netns add NAME` makes one")]
    Namespace { path: PathBuf, source: std::io::Error },
    #[error("cannot start: {0}")]
    Start(std::io::Error),
    #[error(transparent)]
    Daemon(#[from] AskError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("{}", chain(.0))]
    Ipvs(#[from] IpvsError),
    #[error("cannot be shown as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

pub(super) fn run(arguments: &PlanArgs) -> u8 {
    let path = arguments.file.clone().unwrap_or_else(check::usual_file);
    let language = language::of(&arguments.language);
    let options = LoadOptions { config_id: arguments.config_id.clone(), ..LoadOptions::default() };
    let Some(config) = check::accepted(&path, &options, language) else {
        return exit::REFUSED;
    };
    match compared(&config, arguments) {
        Ok(plan) => {
            let file = path.display().to_string();
            let colour = check::colours(&std::io::stdout());
            let text = if arguments.json {
                plan::json(&plan, &file).map_err(PlanError::from)
            } else {
                let shown = Shown { file: &file, language, colour, all: arguments.all };
                Ok(plan::render(&plan, shown))
            };
            match text {
                Ok(text) if print(&text) != exit::OK => exit::FAILED,
                Ok(_) if plan.differs() => exit::DIFFERS,
                Ok(_) => exit::OK,
                Err(error) => complain(&error),
            }
        }
        Err(error) => complain(&error),
    }
}

fn complain(error: &PlanError) -> u8 {
    eprintln!("ldirector: {error}");
    exit::FAILED
}

fn compared(config: &Config, arguments: &PlanArgs) -> Result<plan::Plan, PlanError> {
    // The daemon's own options say where it is.
    let daemon = RunArgs {
        socket: arguments.socket.clone(),
        namespace: arguments.namespace.clone(),
        ..RunArgs::default()
    };
    let status = status::snapshot(&places::socket(&daemon, &config.global))?;
    if let Some(path) = places::network_namespace(&daemon, &config.global) {
        run::enter(&path).map_err(|source| PlanError::Namespace { path, source })?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(PlanError::Start)?;
    let kernel = runtime.block_on(kernel(config, status.as_ref()))?;
    Ok(plan::compare(config, &kernel, status.as_ref()))
}

/// Reads no more than what is compared.
async fn kernel(config: &Config, status: Option<&Snapshot>) -> Result<Kernel, PlanError> {
    let network = Network::connect()?;
    let nothing = Held::default();
    let held = status.and_then(|s| s.vrrp.as_ref()).map_or(&nothing, |vrrp| &vrrp.held);
    let vrrp = &config.vrrp;
    let routes = !held.routes.is_empty()
        || !vrrp.static_routes.is_empty()
        || vrrp.instances.iter().any(|instance| !instance.routes.is_empty());
    let rules = !held.rules.is_empty()
        || !vrrp.static_rules.is_empty()
        || vrrp.instances.iter().any(|instance| !instance.rules.is_empty());
    Ok(Kernel {
        ipvs: ipvs(config).await?,
        links: network.links().await?,
        routes: if routes { network.routes().await? } else { vec![] },
        rules: if rules { network.rules().await? } else { vec![] },
    })
}

async fn ipvs(config: &Config) -> Result<Option<IpvsView>, PlanError> {
    // Asking for the table would load the module, and a plan changes nothing.
    if !Path::new("/proc/net/ip_vs").exists() {
        return Ok(None);
    }
    let namespace = places::ipvs_namespace(&config.global);
    let mut kernel = Netlink::start_in(namespace).map_err(PlanError::Start)?;
    let timeouts = match config.global.lvs_timeouts {
        Some(_) => Some(kernel.timeouts().await?),
        None => None,
    };
    let observed = kernel.dump().await?;
    Ok(Some(IpvsView { observed, timeouts, daemons: kernel.daemons().await? }))
}

/// The error with what caused it.
fn chain(error: &IpvsError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
