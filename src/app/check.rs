//! `ldirector check`: diagnostics of configuration files, for people and for exit codes; and the
//! same checks for the daemon, which refuses what has errors.
use super::{
    cli::{CONFIG_FILES, CheckArgs},
    exit,
};
use crate::config::{
    self,
    diagnostic::Diagnostics,
    io::LoadOptions,
    render::{self, Style},
    source::Sources,
};
use std::{
    io::{IsTerminal, Read as _},
    path::{Path, PathBuf},
};

pub(super) fn files(arguments: &CheckArgs) -> u8 {
    let mut files: Vec<PathBuf> = arguments.file.iter().chain(&arguments.files).cloned().collect();
    if files.is_empty() {
        let found = CONFIG_FILES.iter().map(Path::new).find(|path| path.exists());
        files.push(found.unwrap_or(Path::new(CONFIG_FILES[0])).to_owned());
    }
    let codes = files.iter().map(|path| file(path, arguments.config_id.as_deref()));
    codes.max().unwrap_or(exit::OK)
}

/// Checks one file and prints what is to be said of it on standard error.
pub(super) fn file(path: &Path, config_id: Option<&str>) -> u8 {
    let sources = match load(path, config_id) {
        Ok(sources) => sources,
        Err(why) => {
            eprintln!("error: {why}");
            return exit::CONFIG;
        }
    };
    let (_, found) = config::parse(&sources);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    eprint!("{}", render::render(&sources, &found, Style { colour, width: width() }));
    if found.has_errors() { exit::FAILED } else { exit::OK }
}

/// Reads and checks the daemon's file. What was found is logged; an error keeps it from being used.
pub(super) fn read(path: &Path, config_id: Option<&str>) -> Result<Box<Sources>, String> {
    let sources = load(path, config_id)?;
    let (_, found) = config::parse(&sources);
    log(&sources, &found);
    if found.has_errors() {
        let first = render::first_error(&sources, &found).unwrap_or_default();
        return Err(format!("{first} (`ldirector check {}` shows all)", path.display()));
    }
    Ok(Box::new(sources))
}

fn load(path: &Path, config_id: Option<&str>) -> Result<Sources, String> {
    let options = LoadOptions { config_id: config_id.map(str::to_owned) };
    if path == Path::new("-") {
        let mut text = vec![];
        std::io::stdin()
            .read_to_end(&mut text)
            .map_err(|error| format!("cannot read standard input: {error}"))?;
        return Ok(config::io::from_bytes("standard input", &text, &options));
    }
    config::io::load(path, &options).map_err(|error| error.to_string())
}

fn log(sources: &Sources, found: &Diagnostics) {
    use config::diagnostic::Severity;
    for (severity, line) in render::lines(sources, found) {
        match severity {
            Severity::Error => tracing::error!("{line}"),
            Severity::Warning => tracing::warn!("{line}"),
            Severity::Note => tracing::debug!("{line}"),
        }
    }
}

/// Columns of the terminal, where it tells.
fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(120)
}
