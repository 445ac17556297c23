//! A keepalived.conf from what other programs read or write: `ldirectord.cf` of linux-ha, and what
//! `ipvsadm-save` prints. What has no counterpart becomes a comment and a warning, never a guess.
mod ipvsadm;
mod ldirectord;
mod services;
mod write;

use services::File;
use std::fmt;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Ldirectord,
    Ipvsadm,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// keepalived.conf; ends with a newline.
    pub text: String,
    /// In the order of the lines.
    pub warnings: Vec<Warning>,
}

/// Something that could not be carried over as it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// The format, by the first line that says anything.
#[must_use]
pub fn guess(text: &str) -> Format {
    let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let first = text.lines().map(str::trim).find(says).unwrap_or_default();
    if first.starts_with('-') || first.contains("ipvsadm") {
        Format::Ipvsadm
    } else {
        Format::Ldirectord
    }
}

/// What a text is that holds nothing to import, and what helps; None where it may hold something.
#[must_use]
pub fn foreign(text: &str) -> Option<&'static str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.clone().next()?;
    if first.starts_with("IP Virtual Server version") || first.starts_with("Prot LocalAddress") {
        return Some(
            "this is what `ipvsadm -L` shows to people; give what `ipvsadm-save -n` prints",
        );
    }
    let is_block = |line: &str| {
        let word = line.split([' ', '\t', '{']).next().unwrap_or_default();
        KEEPALIVED.contains(&word) && !line.contains('=')
    };
    lines.any(is_block).then_some("this is a keepalived.conf already: `ldirector check` checks it")
}

/// What begins the blocks of keepalived.conf.
const KEEPALIVED: [&str; 5] =
    ["global_defs", "virtual_server", "vrrp_instance", "vrrp_script", "vrrp_sync_group"];

/// Reads every line; one that is not understood costs itself only.
#[must_use]
pub fn import(text: &str, format: Format) -> Imported {
    let mut file = match format {
        Format::Ldirectord => ldirectord::read(text),
        Format::Ipvsadm => ipvsadm::read(text),
    };
    file.settle();
    let text = write::file(&file, format);
    let File { mut warnings, .. } = file;
    warnings.sort();
    warnings.dedup();
    Imported { text, warnings }
}
