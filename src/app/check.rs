//! `ldirector check`: diagnostics of configuration files, for people and for exit codes; and the
//! same checks for the daemon, which refuses what has errors.
use super::{
    cli::{CONFIG_FILES, CheckArgs, RunArgs},
    exit,
};
use crate::{
    config::{
        self, Config,
        diagnostic::Diagnostics,
        io::LoadOptions,
        lints::{self, ScriptTexts},
        render::{self, Style},
        source::Sources,
    },
    ipc::Child,
    supervisor::Configuration,
};
use std::{
    io::{IsTerminal, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes of a script that advice is given on.
const SCRIPT: u64 = 64 * 1024;

pub(super) fn files(arguments: &CheckArgs) -> u8 {
    let mut files: Vec<PathBuf> = arguments.file.iter().chain(&arguments.files).cloned().collect();
    if files.is_empty() {
        let found = CONFIG_FILES.iter().map(Path::new).find(|path| path.exists());
        files.push(found.unwrap_or(Path::new(CONFIG_FILES[0])).to_owned());
    }
    let codes = files.iter().map(|path| file(path, arguments.config_id.as_deref()));
    codes.max().unwrap_or(exit::OK)
}

/// `-t`: checks one file; what is to be said of it goes to `log`, or to standard error.
pub(super) fn test(path: &Path, arguments: &RunArgs, log: Option<&Path>) -> u8 {
    let id = arguments.config_id.as_deref();
    let Some(log) = log else { return file(path, id) };
    let (code, text) = said(path, id, false);
    match std::fs::write(log, text) {
        Ok(()) => code,
        Err(error) => {
            eprintln!("error: cannot write {}: {error}", log.display());
            exit::CONFIG
        }
    }
}

/// Checks one file and prints what is to be said of it on standard error.
fn file(path: &Path, config_id: Option<&str>) -> u8 {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (code, text) = said(path, config_id, colour);
    eprint!("{text}");
    code
}

/// The exit code for a file, and what is to be said of it.
fn said(path: &Path, config_id: Option<&str>, colour: bool) -> (u8, String) {
    let sources = match load(path, config_id) {
        Ok(sources) => sources,
        Err(why) => return (exit::CONFIG, format!("error: {why}\n")),
    };
    let (config, mut found, written) = config::parse_for_advice(&sources);
    // Advice about what is not understood yet would be noise.
    if !found.has_errors() {
        lints::lint(written, &sources, &config, &script_texts(&config), &mut found);
    }
    let text = render::render(&sources, &found, Style { colour, width: width() });
    (if found.has_errors() { exit::FAILED } else { exit::OK }, text)
}

/// The beginnings of the scripts that the file runs, as far as they are there and readable.
fn script_texts(config: &Config) -> ScriptTexts {
    let read = |path: &str| {
        let mut text = vec![];
        std::fs::File::open(path).ok()?.take(SCRIPT).read_to_end(&mut text).ok()?;
        Some((path.to_owned(), String::from_utf8_lossy(&text).into_owned()))
    };
    // A device or a pipe would keep us waiting.
    let plain = |path: &&str| std::fs::metadata(path).is_ok_and(|found| found.is_file());
    lints::scripts_of(config).into_iter().filter(plain).filter_map(read).collect()
}

/// Reads and checks the daemon's file. What was found is logged; an error keeps it from being used.
pub(super) fn read(path: &Path, config_id: Option<&str>) -> Result<Configuration, String> {
    let sources = load(path, config_id)?;
    let (config, found) = config::parse(&sources);
    log(&sources, &found);
    if found.has_errors() {
        let first = render::first_error(&sources, &found).unwrap_or_default();
        return Err(format!("{first} (`ldirector check {}` shows all)", path.display()));
    }
    let needs = needs(&config);
    Ok(Configuration { sources: Arc::new(sources), needs, global: config.global })
}

/// Whose business is in the file.
fn needs(config: &Config) -> Vec<Child> {
    let vrrp = &config.vrrp;
    let routes = !vrrp.static_addresses.is_empty()
        || !vrrp.static_routes.is_empty()
        || !vrrp.static_rules.is_empty();
    let routers = !vrrp.instances.is_empty() || routes;
    let services = !config.director.virtual_servers.is_empty();
    let services = services || config.global.own_sync_daemon().is_some();
    let parts = [(routers, Child::Vrrp), (services, Child::Checkers)];
    parts.into_iter().filter_map(|(any, child)| any.then_some(child)).collect()
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
