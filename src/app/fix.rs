//! `ldirector check --fix`: shows what is mended, and writes it.
use super::{check::colours, print};
use crate::config::{fix, io::replace, source::Sources};
use similar::TextDiff;
use std::path::Path;

/// What became of a configuration.
#[derive(Debug)]
pub(super) struct Mended {
    /// With everything mended that can be.
    pub(super) sources: Sources,
    /// Whether showing and writing went well.
    pub(super) ok: bool,
}

/// Where the difference is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    Output,
    /// Where standard output belongs to a program.
    Error,
}

/// Mends a configuration with the files it includes. Standard input is mended to standard output.
pub(super) fn run(sources: &Sources, from_input: bool, dry_run: bool, show: Show) -> Mended {
    let colour = match show {
        Show::Output => colours(&std::io::stdout()),
        Show::Error => colours(&std::io::stderr()),
    };
    let (mended, _) = fix::fix(sources);
    let mut ok = true;
    for (number, (before, after)) in sources.files.iter().zip(&mended.files).enumerate() {
        let is_input = from_input && number == 0;
        if is_input && !dry_run {
            ok &= print(&after.text) == super::exit::OK;
            continue;
        }
        if before.text == after.text {
            continue;
        }
        let difference = difference(&before.path, &before.text, &after.text, colour);
        match show {
            Show::Output => ok &= print(&difference) == super::exit::OK,
            Show::Error => eprint!("{difference}"),
        }
        if !dry_run && let Err(error) = replace(&before.path, &before.text, &after.text) {
            eprintln!("error: {error}");
            ok = false;
        }
    }
    Mended { sources: mended, ok }
}

/// A unified diff.
fn difference(path: &Path, before: &str, after: &str, colour: bool) -> String {
    let path = path.display().to_string();
    let difference = TextDiff::from_lines(before, after);
    let text = difference.unified_diff().context_radius(2).header(&path, &path).to_string();
    if !colour {
        return text;
    }
    let paint = |line: &str| {
        let code = match line.as_bytes().first() {
            Some(b'-') => "31",
            Some(b'+') => "32",
            Some(b'@') => "36",
            Some(_) | None => return format!("{line}\n"),
        };
        format!("\x1b[{code}m{line}\x1b[0m\n")
    };
    text.lines().map(paint).collect()
}
