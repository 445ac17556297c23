//! `ldirector check`: diagnostics of configuration files, for people and for exit codes; and the
//! same checks for the daemon, which refuses what has errors.
use super::{
    cli::{CONFIG_FILES, CheckArgs, Deny, Format, RunArgs},
    exit, fix, language, pair, print, probe,
};
use crate::{
    config::{
        self, Config,
        diagnostic::{Diagnostics, Severity},
        formats::{self, Checked},
        io::LoadOptions,
        levels::{self, Levels, Warnings},
        lints::{self, ScriptTexts},
        look::{self, Look},
        render::{self, Style},
        rules::{global as rules, text::Language},
        scripts::scripts,
        source::Sources,
    },
    ipc::Child,
    notify::io::policy,
    supervisor::Configuration,
};
use std::{
    collections::BTreeSet,
    io::{IsTerminal, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Bytes of a script that advice is given on.
const SCRIPT: u64 = 64 * 1024;

pub(super) fn files(arguments: &CheckArgs) -> u8 {
    let mut files: Vec<PathBuf> = arguments.file.iter().chain(&arguments.files).cloned().collect();
    if files.is_empty() {
        files.push(usual_file());
    }
    let levels = Levels {
        allow: arguments.allow.iter().copied().collect(),
        warnings: match arguments.deny {
            Some(Deny::Warnings) => Warnings::Denied,
            None => Warnings::AsTheyAre,
        },
    };
    let language = language::of(&arguments.language);
    let options = LoadOptions {
        config_id: arguments.config_id.clone(),
        strict_includes: arguments.all_config,
    };
    let probe = arguments.probe.map(Duration::from_secs);
    let mut code = exit::OK;
    let mut all = vec![];
    for path in &files {
        match load(path, &options) {
            Ok(sources) => all.push(if arguments.fix {
                mend(path, &sources, arguments, language, &mut code)
            } else {
                advised(sources, probe.as_ref())
            }),
            Err(why) => {
                language::complain(&why, language);
                code = exit::CONFIG;
            }
        }
    }
    let proof = pair::check(&mut all, &files, arguments, language);
    let all: Vec<Checked> = all.into_iter().map(|advised| advised.level(&levels)).collect();
    if all.iter().any(|checked| checked.found.has_errors()) {
        code = code.max(exit::FAILED);
    }
    let text = match arguments.format {
        Format::Text => {
            let style = Style { colour: colours(&std::io::stderr()), width: width(), language };
            for Checked { sources, found, looks } in &all {
                if let Some(looks) = looks {
                    code = code.max(print(&look::report(looks, language)));
                }
                eprint!("{}", render::render(sources, found, style));
            }
            let Some(proof) = proof else { return code };
            proof.table
        }
        Format::Short => formats::short(&all, language),
        Format::Json => formats::json(&all, language, proof.as_ref().map(|proof| &proof.report)),
        Format::Sarif => formats::sarif(&all, language),
        Format::Github => formats::github(&all, language),
    };
    code.max(print(&text))
}

/// Mends a configuration; what is left to be said is about the files as they are then: of a dry run,
/// as they were.
fn mend(
    path: &Path,
    sources: &Sources,
    arguments: &CheckArgs,
    language: Language,
    code: &mut u8,
) -> Advised {
    let from_input = path == Path::new("-");
    let show = match arguments.format {
        Format::Text => fix::Show::Output,
        Format::Short | Format::Json | Format::Sarif | Format::Github => fix::Show::Error,
    };
    let mended = fix::run(sources, from_input, arguments.dry_run, show, language);
    if !mended.ok {
        *code = exit::CONFIG;
    }
    advised(mended.sources, None)
}

/// A configuration, and all that could be said of it.
pub(super) struct Advised {
    pub(super) sources: Sources,
    pub(super) config: Config,
    pub(super) found: Diagnostics,
    /// Only with `--probe`.
    looks: Option<Vec<Look>>,
}

impl Advised {
    /// What the user wants to hear of it.
    fn level(mut self, levels: &Levels) -> Checked {
        levels::apply(&self.sources, levels, &mut self.found);
        // The process ends soon: the kernel takes a large model back faster than we take it apart.
        std::mem::forget(self.config);
        Checked { sources: self.sources, found: self.found, looks: self.looks }
    }
}

/// What is to be said of a configuration; with `probe`, also of where it is to run, found within
/// that time.
fn advised(sources: Sources, probe: Option<&Duration>) -> Advised {
    let (config, mut found, written) = config::parse_for_advice(&sources);
    // Advice about what is not understood yet would be noise.
    if !found.has_errors() {
        lints::lint(written, &sources, &config, &script_texts(&config), &mut found);
        let machine = if probe.is_some() { Machine::This } else { Machine::Any };
        look_at_scripts(&config, &sources, machine, &mut found);
    }
    // What has errors will not run anywhere.
    let probe = probe.filter(|_| !found.has_errors());
    let looks = probe.map(|limit| probe::look(&config, &sources, *limit, &mut found));
    Advised { sources, config, found, looks }
}

pub(super) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// `-t`: checks one file; what is to be said of it goes to `log`, or to standard error.
pub(super) fn test(path: &Path, arguments: &RunArgs, log: Option<&Path>) -> u8 {
    let sources = match load(path, &options(arguments)) {
        Ok(sources) => sources,
        Err(why) => {
            eprintln!("error: {why}");
            return exit::CONFIG;
        }
    };
    let Checked { sources, found, .. } = advised(sources, None).level(&Levels::default());
    let code = if found.has_errors() { exit::FAILED } else { exit::OK };
    let colour = log.is_none() && colours(&std::io::stderr());
    let style = Style { colour, width: width(), language: language::of_locale() };
    let text = render::render(&sources, &found, style);
    match log.map(|log| (log, std::fs::write(log, &text))) {
        None => eprint!("{text}"),
        Some((_, Ok(()))) => {}
        Some((log, Err(error))) => {
            eprintln!("error: cannot write {}: {error}", log.display());
            return exit::CONFIG;
        }
    }
    code
}

/// What the command line says of reading.
pub(super) fn options(arguments: &RunArgs) -> LoadOptions {
    LoadOptions { config_id: arguments.config_id.clone(), strict_includes: arguments.all_config }
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

/// A file that others than the daemon work with. Why it is refused is said on standard error.
pub(super) fn accepted(path: &Path, options: &LoadOptions, language: Language) -> Option<Config> {
    let sources = match load(path, options) {
        Ok(sources) => sources,
        Err(why) => {
            eprintln!("error: {why}");
            return None;
        }
    };
    let (config, found) = config::parse(&sources);
    if found.has_errors() {
        let style = Style { colour: colours(&std::io::stderr()), width: width(), language };
        eprint!("{}", render::render(&sources, &found, style));
        return None;
    }
    Some(config)
}

/// The file that is meant where none is named.
pub(super) fn usual_file() -> PathBuf {
    let found = CONFIG_FILES.iter().map(Path::new).find(|path| path.exists());
    found.unwrap_or(Path::new(CONFIG_FILES[0])).to_owned()
}

/// Reads and checks the daemon's file. What was found is logged; an error keeps it from being used.
pub(super) fn read(path: &Path, options: &LoadOptions) -> Result<Configuration, String> {
    let sources = load(path, options)?;
    let (config, mut found) = config::parse(&sources);
    look_at_scripts(&config, &sources, Machine::Any, &mut found);
    levels::apply(&sources, &Levels::default(), &mut found);
    log(&sources, &found);
    if let Some(path) = &config.global.reload.check_log {
        let text = render::render(
            &sources,
            &found,
            Style { colour: false, width: width(), language: Language::English },
        );
        if let Err(error) = std::fs::write(path, text) {
            tracing::warn!("reload_check_config {}: {error}", path.display());
        }
    }
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
    let sessions = !config.bfd.sessions.is_empty();
    let parts = [(routers, Child::Vrrp), (services, Child::Checkers), (sessions, Child::Bfd)];
    parts.into_iter().filter_map(|(any, child)| any.then_some(child)).collect()
}

/// Where the file is to be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Machine {
    /// What is not here is missing.
    This,
    /// It may be there.
    Any,
}

/// A script that cannot run, or is not here, does not keep a configuration from being used.
fn look_at_scripts(config: &Config, sources: &Sources, machine: Machine, found: &mut Diagnostics) {
    let policy = policy(&config.global);
    let mut said = BTreeSet::new();
    for used in scripts(config) {
        let script = used.script;
        // A thousand servers share one script.
        if !said.insert((&script.argv[..1.min(script.argv.len())], &script.user, &script.group)) {
            continue;
        }
        let Some(refusal) = crate::scripts::io::refusal(script, &policy) else { continue };
        let rule = if refusal.absent { rules::SCRIPT_ABSENT } else { rules::SCRIPT_REFUSED };
        let finding = found.report(rule, used.place(sources));
        finding.with("why", refusal.why).with("remedy", refusal.remedy);
        if machine == Machine::This {
            finding.severity = finding.severity.max(Severity::Warning);
        }
    }
}

fn load(path: &Path, options: &LoadOptions) -> Result<Sources, String> {
    if path == Path::new("-") {
        let mut text = vec![];
        std::io::stdin()
            .read_to_end(&mut text)
            .map_err(|error| format!("cannot read standard input: {error}"))?;
        return Ok(config::io::from_bytes("standard input", &text, options));
    }
    config::io::load(path, options).map_err(|error| {
        let usual = CONFIG_FILES.iter().any(|usual| path == Path::new(usual));
        let hint = if usual && !path.exists() { ": name the file with -f FILE" } else { "" };
        format!("{error}{hint}")
    })
}

fn log(sources: &Sources, found: &Diagnostics) {
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
