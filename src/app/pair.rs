//! `ldirector check` of several files that are directors of one site.
use super::{
    check::Advised,
    cli::{CheckArgs, Format},
};
use crate::{
    config::{Config, diagnostic::Diagnostics, rules::text::Language},
    pair::{self, Director, Report},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

/// What was proved of directors.
pub(super) struct Proved {
    /// For people.
    pub(super) table: String,
    /// For programs.
    pub(super) report: serde_json::Value,
}

/// Adds what is wrong between the files. None where they are no directors of one site, or an error in
/// one of them keeps it from being one.
pub(super) fn check(
    all: &mut [Advised],
    files: &[PathBuf],
    arguments: &CheckArgs,
    language: Language,
) -> Option<Proved> {
    let distinct: BTreeSet<&PathBuf> = files.iter().collect();
    // Of a file that could not be read nothing can be said.
    if all.len() != files.len() || distinct.len() != files.len() || all.len() < 2 {
        return None;
    }
    let configs: Vec<&Config> = all.iter().map(|one| &one.config).collect();
    if arguments.no_pair || !arguments.pair && !pair::belong_together(&configs) {
        return None;
    }
    if all.iter().any(|one| one.found.has_errors()) {
        if arguments.format == Format::Text {
            eprintln!("{}", not_compared(language));
        }
        return None;
    }
    let names = names(files);
    let directors: Vec<Director<'_>> = all
        .iter()
        .zip(&names)
        .map(|(one, name)| Director { name, sources: &one.sources, config: &one.config })
        .collect();
    let mut found = vec![Diagnostics::default(); all.len()];
    let proof = pair::check(&directors, Instant::now(), &mut found);
    let table = pair::table(&proof, &directors, language);
    let report = serde_json::to_value(Report::of(&proof, &directors)).unwrap_or_default();
    for (one, more) in all.iter_mut().zip(found) {
        one.found.append(more);
        one.found.forget(pair::ANSWERED);
    }
    Some(Proved { table, report })
}

const fn not_compared(language: Language) -> &'static str {
    match language {
        Language::English => "Not checked against each other: errors in the files come first.",
        Language::Chinese => "未相互核对：请先改正各文件中的错误。",
    }
}

/// The files' own names, as long as these tell them apart.
fn names(files: &[PathBuf]) -> Vec<String> {
    let own = |path: &PathBuf| {
        path.file_name().map_or_else(
            || path.display().to_string(),
            |name| Path::new(name).display().to_string(),
        )
    };
    let short: Vec<String> = files.iter().map(own).collect();
    let distinct: BTreeSet<&String> = short.iter().collect();
    if distinct.len() == short.len() {
        short
    } else {
        files.iter().map(|path| path.display().to_string()).collect()
    }
}
