//! Settings below /proc/sys that are ours while we run, and what they were before.
use std::{fs, io, path::PathBuf};

/// Puts everything back when asked to; not when dropped, for a process that is killed cannot either.
#[derive(Debug, Default)]
pub(super) struct Sysctls {
    /// In the order of the first change.
    before: Vec<(String, String)>,
}

impl Sysctls {
    /// The first word of a setting; None where this kernel has none of that name.
    pub(super) fn read(name: &str) -> Option<String> {
        let text = fs::read_to_string(path(name)).ok()?;
        text.split_whitespace().next().map(str::to_owned)
    }

    /// For a while: [`Self::restore`] undoes it. Silent where this kernel has no such setting.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let Some(before) = Self::read(name) else { return };
        if before == value {
            return;
        }
        if write(name, value) && !self.before.iter().any(|(known, _)| known == name) {
            self.before.push((name.to_owned(), before));
        }
    }

    /// For good: of an interface that will go with its settings.
    pub(super) fn set_for_good(name: &str, value: &str) {
        if Self::read(name).is_some_and(|before| before != value) {
            write(name, value);
        }
    }

    /// Undoes what begins with `prefix`, the latest first.
    pub(super) fn restore(&mut self, prefix: &str) {
        let (back, rest) = std::mem::take(&mut self.before)
            .into_iter()
            .partition::<Vec<_>, _>(|(name, _)| name.starts_with(prefix));
        self.before = rest;
        for (name, value) in back.into_iter().rev() {
            if Self::read(&name).is_some() {
                write(&name, &value);
            }
        }
    }
}

/// `net/ipv4/conf/eth0/arp_ignore`: slashes, for names of interfaces may have dots.
fn path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name)
}

fn write(name: &str, value: &str) -> bool {
    let written: io::Result<()> = fs::write(path(name), value);
    if let Err(error) = &written {
        tracing::warn!("cannot set sysctl {name} to {value}: {error}");
    }
    written.is_ok()
}
