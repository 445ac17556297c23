//! Reads this host, and does the steps.
#![allow(clippy::disallowed_methods, reason = "this is a shell: it reads and writes files")]
use super::{Key, Link, Observed, Record, Settings, Step};
use crate::{
    base::{AddressFlags, InterfaceAddress, Prefix},
    net::io::{NetError, Network},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where [`Record`] is kept.
pub const RECORD: &str = "/run/ldirector/realserver.json";

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("{operation} {path}: {source}")]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} is not what `apply` has written: {source}; remove it")]
    Record { path: PathBuf, source: serde_json::Error },
}

/// # Errors
/// When the kernel does not answer.
pub async fn observe(network: &Network) -> Result<Observed, HostError> {
    let links = network.links().await?.into_iter().map(|link| Link {
        settings: settings(&link.name),
        quiet: link.loopback || link.noarp,
        up: link.up,
        addresses: link.addresses,
        name: link.name,
    });
    Ok(Observed { links: links.collect(), all: settings("all"), default: settings("default") })
}

/// Zeros where this kernel has no such setting.
fn settings(interface: &str) -> Settings {
    let read = |key| {
        let text = fs::read_to_string(path(interface, key)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    };
    Settings {
        arp_ignore: read(Key::ArpIgnore),
        arp_announce: read(Key::ArpAnnounce),
        rp_filter: read(Key::RpFilter),
    }
}

fn path(interface: &str, key: Key) -> PathBuf {
    ["/proc/sys/net/ipv4/conf", interface, key.name()].iter().collect()
}

/// What is so already is no error.
///
/// # Errors
/// When the kernel refuses, most often for want of root's rights.
pub async fn run(network: &Network, step: &Step) -> Result<(), HostError> {
    match step {
        Step::Set { interface, key, value, .. } => {
            let path = path(interface, *key);
            let written = fs::write(&path, value.to_string());
            written.map_err(|source| HostError::File { operation: "writing", path, source })
        }
        Step::CreateTunnel { name } => Ok(network.add_fallback_tunnel(name).await?),
        Step::Up { name } => Ok(network.switch(name, true).await?),
        Step::Down { name } => Ok(network.switch(name, false).await?),
        Step::AddAddress { address, interface, label } => {
            let address = on(*address, interface, label.clone());
            Ok(network.add_address(&address).await.map(|_| ())?)
        }
        Step::RemoveAddress { address, interface } => {
            Ok(network.remove_address(&on(*address, interface, None), None).await?)
        }
    }
}

fn on(prefix: Prefix, interface: &str, label: Option<String>) -> InterfaceAddress {
    InterfaceAddress {
        address: prefix.address,
        length: prefix.length,
        dev: interface.to_owned(),
        broadcast: None,
        scope: 0,
        label,
        peer: None,
        flags: AddressFlags { nodad: true, ..AddressFlags::default() },
        preferred_lifetime: None,
        track: false,
    }
}

/// What is not there is an empty record.
///
/// # Errors
/// When the file cannot be read, or is none of ours.
pub fn load(path: &Path) -> Result<Record, HostError> {
    match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|source| HostError::Record { path: path.to_owned(), source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
        Err(source) => Err(HostError::File { operation: "reading", path: path.to_owned(), source }),
    }
}

/// An empty record needs no file.
///
/// # Errors
/// When the file cannot be written.
pub fn store(path: &Path, record: &Record) -> Result<(), HostError> {
    let failed = |operation| {
        let path = path.to_owned();
        move |source| HostError::File { operation, path, source }
    };
    if record.steps.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removing")(error)),
            Ok(()) | Err(_) => Ok(()),
        };
    }
    let text = serde_json::to_string_pretty(record)
        .map_err(|source| HostError::Record { path: path.to_owned(), source })?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed("making the folder of"))?;
    }
    // Renamed into place: a record is whole or absent.
    let fresh = path.with_extension("new");
    fs::write(&fresh, text).map_err(failed("writing"))?;
    fs::rename(&fresh, path).map_err(failed("writing"))
}
