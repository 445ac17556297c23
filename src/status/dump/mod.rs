//! What SIGUSR1 writes: the configuration and the state under keepalived's headings, which scripts
//! look for. A sheet for each process.
mod global;
mod lvs;
mod vrrp;

use super::Snapshot;
use crate::config::model::Config;
use std::{fmt::Write, time::Duration};

/// What all sheets are made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub config: &'a Config,
    pub snapshot: &'a Snapshot,
    /// Since 1970, in UTC.
    pub clock: Duration,
}

/// `keepalived_parent.data`.
#[must_use]
pub fn parent(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    global::add(&mut page, &facts.config.global);
    for note in &facts.snapshot.notes {
        page.line(1, format_args!("Note = {note}"));
    }
    page.0
}

/// `keepalived.data`.
#[must_use]
pub fn vrrp(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    global::add(&mut page, &facts.config.global);
    vrrp::add(&mut page, facts);
    page.0
}

/// `keepalived_check.data`.
#[must_use]
pub fn checkers(facts: &Facts<'_>) -> String {
    let mut page = Page::default();
    global::add(&mut page, &facts.config.global);
    lvs::add(&mut page, facts);
    page.0
}

/// Text that grows by lines.
#[derive(Debug, Default)]
struct Page(String);

impl Page {
    fn heading(&mut self, depth: usize, title: &str) {
        self.line(depth, format_args!("------< {title} >------"));
    }

    /// Indented by so many blanks.
    fn line(&mut self, depth: usize, arguments: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        if write!(self.0, "{:depth$}{arguments}", "").is_ok() {
            self.0.push('\n');
        }
    }

    fn optional<T: std::fmt::Display>(&mut self, depth: usize, what: &str, value: Option<T>) {
        if let Some(value) = value {
            self.line(depth, format_args!("{what} = {value}"));
        }
    }
}

/// Seconds with six decimals.
fn micros(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

fn command(script: &crate::base::Script) -> String {
    let user = script.user.as_deref().map(|user| format!(", user {user}")).unwrap_or_default();
    format!("'{}'{user}", script.argv.join(" "))
}
