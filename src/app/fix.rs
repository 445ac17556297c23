//! `ldirector check --fix`: shows what is mended, and writes it.
use super::{check::colours, language, print};
use crate::config::{
    self, diagnostic::Certainty, fix, io::replace, rules::text::Language, source::Sources,
};
use similar::{
    DiffTag,
    algorithms::{Capture, Replace, myers},
};
use std::{ops::Range, path::Path};

/// What became of a configuration.
#[derive(Debug)]
pub(super) struct Mended {
    /// As the files are now.
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
pub(super) fn run(
    sources: &Sources,
    from_input: bool,
    dry_run: bool,
    show: Show,
    language: Language,
) -> Mended {
    let colour = match show {
        Show::Output => colours(&std::io::stdout()),
        Show::Error => colours(&std::io::stderr()),
    };
    for (path, why) in unmendable(sources) {
        eprintln!("{}: {}", path.display(), language::say(why, language));
    }
    let (mended, _) = fix::fix(sources);
    let mut now = sources.clone();
    let mut ok = true;
    let files = now.files.iter_mut().zip(&sources.files).zip(mended.files);
    for (number, ((now, before), after)) in files.enumerate() {
        let is_input = from_input && number == 0;
        if is_input && !dry_run {
            ok &= print(&after.text) == super::exit::OK;
            *now = after;
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
        if dry_run {
            continue;
        }
        match replace(&before.path, &before.text, &after.text) {
            Ok(()) => *now = after,
            Err(error) => {
                language::complain(&error.to_string(), language);
                ok = false;
            }
        }
    }
    Mended { sources: now, ok }
}

/// Files in which something could be mended, if only they could be written back.
fn unmendable(sources: &Sources) -> Vec<(&Path, &'static str)> {
    let files = sources.files.iter().enumerate().filter(|(_, file)| file.lossy);
    let mut files = files.peekable();
    if files.peek().is_none() {
        return vec![];
    }
    let (_, found) = config::parse(sources);
    let wanted = |number: usize| {
        let mut here = found.iter().filter(|found| usize::from(found.span.file.0) == number);
        here.any(|found| found.certainty == Certainty::Certain)
    };
    let why = "nothing is mended here: the file is not UTF-8; save it as UTF-8 first";
    files
        .filter(|(number, _)| wanted(*number))
        .map(|(_, file)| (file.path.as_path(), why))
        .collect()
}

/// A unified diff.
fn difference(path: &Path, before: &str, after: &str, colour: bool) -> String {
    let text = unified(&path.display().to_string(), before, after);
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

/// Lines around a change that are shown.
const AROUND: usize = 2;

/// By one algorithm: the library's own renderer would bring all of them along.
fn unified(path: &str, before: &str, after: &str) -> String {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let mut found = Replace::new(Capture::new());
    let Ok(()) = myers::diff(&mut found, &old[..], 0..old.len(), &new[..], 0..new.len());
    let mut text = format!("--- {path}\n+++ {path}\n");
    for hunk in found.into_inner().into_grouped_ops(AROUND) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let covered = |first: Range<usize>, last: Range<usize>| place(first.start..last.end);
        let old_place = covered(first.old_range(), last.old_range());
        let new_place = covered(first.new_range(), last.new_range());
        text.push_str(&format!("@@ -{old_place} +{new_place} @@\n"));
        for change in &hunk {
            let (tag, gone, come) = change.as_tag_tuple();
            if tag == DiffTag::Equal {
                lines(&mut text, ' ', &old, gone);
            } else {
                lines(&mut text, '-', &old, gone);
                lines(&mut text, '+', &new, come);
            }
        }
    }
    text
}

/// First line, counted from 1, and how many: `3,2`; `3` for one, `2,0` for none behind line 2.
fn place(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

fn lines(text: &mut String, sign: char, all: &[&str], which: Range<usize>) {
    for line in all.get(which).unwrap_or_default() {
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}
