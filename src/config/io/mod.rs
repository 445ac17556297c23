//! Reads the file and everything it includes. The only place that opens a configuration file.
#![allow(clippy::disallowed_methods, reason = "this is where configuration files are read")]
mod names;
mod replace;

pub use replace::{ReplaceError, replace};

use super::{
    expand::include_form,
    lexer,
    line::Line,
    source::{FileId, Included, KeyFile, SourceFile, Sources},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// Offsets are 32 bits wide; no configuration comes near.
const MAX_FILE: u64 = 1 << 30;
/// Including more files than this is a file that includes itself through a glob.
const MAX_FILES: usize = 4096;

/// What the caller decides about a configuration.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// `-i ID`; None = the host name up to its first dot.
    pub config_id: Option<String>,
    /// `-e`.
    pub strict_includes: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read {path}: {why}{remedy}")]
    File { path: PathBuf, why: String, remedy: String },
    #[error("cannot read {path}: it includes more than {MAX_FILES} files")]
    TooMany { path: PathBuf },
}

/// Reads a configuration with all that it includes.
///
/// # Errors
/// When the main file cannot be read. Included files that cannot are noted in the answer instead.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Sources, LoadError> {
    let main = read(path).map_err(|why| {
        let remedy = if why.contains("executable") {
            ": remove its execute bits with chmod a-x, or is it the wrong file?".to_owned()
        } else if why.contains("ermission denied") {
            fs::metadata(path).map_or_else(
                |_| TRY_ROOT.to_owned(),
                |about| readers(about.uid(), about.gid(), about.mode()),
            )
        } else {
            String::new()
        };
        LoadError::File { path: path.to_owned(), why, remedy }
    })?;
    let mut loader = Loader { sources: empty(options), known: HashMap::new() };
    loader.add(path.to_owned(), main);
    let mut next = 0;
    while next < loader.sources.files.len() {
        if next > MAX_FILES {
            return Err(LoadError::TooMany { path: path.to_owned() });
        }
        loader.follow(next);
        next += 1;
    }
    Ok(loader.finish())
}

/// What helps where not even its owner is seen.
const TRY_ROOT: &str = ": root may read it: use sudo";

/// Who may read a file, by its owner, group and mode.
fn readers(owner: u32, group: u32, mode: u32) -> String {
    match (owner, mode & 0o040) {
        (0, 0) => ": only root may read it: use sudo".to_owned(),
        (_, 0) => format!(": root and the user {owner} may read it: use sudo"),
        _ => format!(": root, the user {owner} and the group {group} may read it: use sudo"),
    }
}

/// A configuration that does not come from a file: includes are relative to the working directory.
#[must_use]
pub fn from_bytes(name: &str, bytes: &[u8], options: &LoadOptions) -> Sources {
    let mut loader = Loader { sources: empty(options), known: HashMap::new() };
    loader.add(PathBuf::from(name), bytes.to_vec());
    let mut next = 0;
    while next < loader.sources.files.len().min(MAX_FILES) {
        loader.follow(next);
        next += 1;
    }
    loader.finish()
}

fn empty(options: &LoadOptions) -> Sources {
    let config_id = options.config_id.clone().unwrap_or_else(host_name);
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| {
        // Only the low bits vary, and only they matter.
        u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap_or(0)
    });
    let strict_includes = options.strict_includes;
    Sources { config_id, seed, strict_includes, ..Sources::default() }
}

fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().split('.').next().unwrap_or_default().to_owned()
}

/// The bytes of a plain file, or why it is not one.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let about = fs::metadata(path).map_err(|error| error.to_string())?;
    if about.is_dir() {
        return Err("it is a directory".to_owned());
    }
    if !about.is_file() {
        return Err("it is not a plain file".to_owned());
    }
    if about.permissions().mode() & 0o111 != 0 {
        return Err("it is executable".to_owned());
    }
    if about.len() > MAX_FILE {
        return Err("it is larger than a configuration can be".to_owned());
    }
    fs::read(path).map_err(|error| error.to_string())
}

struct Loader {
    sources: Sources,
    known: HashMap<PathBuf, u16>,
}

impl Loader {
    /// What the texts name beyond each other.
    fn finish(self) -> Sources {
        let mut sources = self.sources;
        sources.environment = environment(&sources);
        sources.keys = keys(&sources);
        sources.names = names::load(&sources);
        sources
    }

    fn add(&mut self, path: PathBuf, bytes: Vec<u8>) -> Option<u16> {
        let number = u16::try_from(self.sources.files.len()).ok()?;
        let wide = utf16(&bytes);
        let utf16 = wide.is_some();
        let (text, lossy) = match (wide, String::from_utf8(bytes)) {
            (Some(text), _) => (text, true),
            (None, Ok(text)) => (text, false),
            (None, Err(error)) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        };
        self.known.insert(path.clone(), number);
        self.sources.files.push(SourceFile { path, text, includes: BTreeMap::new(), lossy, utf16 });
        Some(number)
    }

    /// Finds the include lines of a file and reads what they name.
    fn follow(&mut self, number: usize) {
        let Some(file) = self.sources.files.get(number) else { return };
        if !has(file, "include") {
            return;
        }
        let folder = file.path.parent().map(Path::to_owned).unwrap_or_default();
        let wanted = patterns(&file.text);
        let mut includes = BTreeMap::new();
        for (offset, pattern) in wanted {
            let included = self.include(&folder, &pattern);
            includes.insert(offset, included);
        }
        if let Some(file) = self.sources.files.get_mut(number) {
            file.includes = includes;
        }
    }

    fn include(&mut self, folder: &Path, pattern: &str) -> Included {
        let mut included = Included::default();
        for alternative in alternatives(pattern) {
            let full = folder.join(&alternative);
            let found = glob::glob(&full.to_string_lossy());
            let paths: Vec<PathBuf> = found.into_iter().flatten().filter_map(Result::ok).collect();
            if paths.is_empty() {
                included.empty_alternatives.push(alternative);
            }
            for path in paths {
                if let Some(number) = self.known.get(&path) {
                    included.files.push(*number);
                    continue;
                }
                match read(&path) {
                    Ok(bytes) => included.files.extend(self.add(path, bytes)),
                    Err(why) => included.skipped.push((path, why)),
                }
            }
        }
        included
    }
}

/// The text of a file that begins with the byte order mark of UTF-16.
fn utf16(bytes: &[u8]) -> Option<String> {
    let unit = match bytes.first_chunk()? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes.as_chunks().0.iter().skip(1).map(|pair| unit(*pair));
    let chars = char::decode_utf16(units);
    Some(chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// Offset and pattern of each include line.
fn patterns(text: &str) -> Vec<(u32, String)> {
    let mut found = vec![];
    let mut offset = 0;
    for physical in text.split_inclusive('\n') {
        let line = Line::straight(physical, FileId(0), offset).trim();
        offset += physical.len();
        if !line.text.contains("include") {
            continue;
        }
        let mut rest = lexer::strip_comment(line);
        loop {
            rest = rest.trim();
            if include_form(&rest.text).is_some() {
                let pattern = rest.text.split_once(|c: char| c.is_ascii_whitespace());
                let pattern = pattern.map_or("", |(_, pattern)| pattern.trim());
                found.push((rest.span(0..rest.text.len()).start, pattern.to_owned()));
                break;
            }
            match lexer::find_brace(&rest) {
                Some(at) => rest = rest.slice(at + 1..rest.text.len()),
                None => break,
            }
        }
    }
    found
}

/// `a{b,c}d` is `abd` and `acd`, as the shell has it.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else { return vec![pattern.to_owned()] };
    let mut depth = 0_usize;
    let mut starts = vec![open + 1];
    let mut ends = vec![];
    let mut close = None;
    for (at, c) in pattern.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => {
                ends.push(at);
                close = Some(at);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 1 => {
                ends.push(at);
                starts.push(at + 1);
            }
            _ => {}
        }
    }
    let Some(close) = close else { return vec![pattern.to_owned()] };
    starts
        .into_iter()
        .zip(ends)
        .flat_map(|(start, end)| {
            let (before, middle, after) =
                (&pattern[..open], &pattern[start..end], &pattern[close + 1..]);
            alternatives(&format!("{before}{middle}{after}"))
        })
        .collect()
}

/// Values of the variables that `${_ENV NAME}` names.
fn environment(sources: &Sources) -> BTreeMap<String, String> {
    let names: BTreeSet<&str> = sources
        .files
        .iter()
        .filter(|file| has(file, "${_ENV"))
        .flat_map(|file| file.text.split("${_ENV").skip(1))
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.trim()))
        .collect();
    names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect()
}

/// Whether a word stands anywhere in a file: few have what most questions are about.
fn has(file: &SourceFile, word: &str) -> bool {
    memchr::memmem::find(file.text.as_bytes(), word.as_bytes()).is_some()
}

/// The files that hold keys: `key 1 file:PATH`. A relative path begins where the file lies that
/// names it.
fn keys(sources: &Sources) -> BTreeMap<String, KeyFile> {
    let mut found = BTreeMap::new();
    for file in sources.files.iter().filter(|file| has(file, "file:")) {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        for line in file.text.lines().filter(|line| line.contains("file:")) {
            let Some(path) = key_path(line, &sources.environment) else { continue };
            let full = folder.join(&path);
            let key = found.entry(path).or_insert_with(|| read_key(&full));
            if key.text.is_err() {
                *key = read_key(&full);
            }
        }
    }
    found
}

/// What stands behind `key ID file:`, with the environment filled in.
fn key_path(line: &str, environment: &BTreeMap<String, String>) -> Option<String> {
    let line = line.split(['#', '!']).next().unwrap_or_default();
    let (before, path) = line.split_once("file:")?;
    let mut before = before.trim_end_matches('"').split_ascii_whitespace();
    if before.next() != Some("key") || before.count() != 1 {
        return None;
    }
    let mut path = path.trim().trim_end_matches('"').to_owned();
    while let Some((start, rest)) = path.split_once("${_ENV") {
        let (name, end) = rest.split_once('}')?;
        let value = environment.get(name.trim()).map_or("", String::as_str);
        path = format!("{start}{value}{end}");
    }
    path.split_ascii_whitespace().next().map(ToOwned::to_owned)
}

fn read_key(path: &Path) -> KeyFile {
    let exposed = fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
    let text = read(path).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| "it is not text: write it with `hex:`".to_owned())
    });
    KeyFile { text, exposed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }

    #[test]
    fn includes_are_found_with_globs_and_braces() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(
            &at("a.conf"),
            "# include no.conf\nx { include part-*.inc\n}\ninclude {one,two}.inc\n",
        );
        write(&at("part-2.inc"), "b");
        write(&at("part-1.inc"), "a\ninclude part-2.inc\n");
        write(&at("one.inc"), "1");
        fs::set_permissions(at("one.inc"), fs::Permissions::from_mode(0o755)).unwrap();
        let sources = load(&at("a.conf"), &LoadOptions::default()).unwrap();
        let names: Vec<_> =
            sources.files.iter().map(|f| f.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.conf", "part-1.inc", "part-2.inc"]);
        let includes: Vec<_> = sources.files[0].includes.values().collect();
        assert_eq!(includes[0].files, [1, 2]);
        assert_eq!(includes[1].skipped.len(), 1, "executable");
        assert_eq!(includes[1].empty_alternatives, ["two.inc"]);
    }

    #[test]
    fn a_main_file_that_cannot_be_used_is_refused_with_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let options = LoadOptions::default();
        let why = |path: &Path| load(path, &options).unwrap_err().to_string();
        assert!(
            why(&dir.path().join("absent")).ends_with("No such file or directory (os error 2)")
        );
        assert!(why(dir.path()).contains("directory"));
        let script = dir.path().join("x");
        write(&script, "");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(why(&script).contains("chmod"));
    }

    #[test]
    fn who_may_read_a_file_is_said() {
        assert_eq!(readers(0, 0, 0o600), ": only root may read it: use sudo");
        assert_eq!(readers(7, 0, 0o600), ": root and the user 7 may read it: use sudo");
        let shared = ": root, the user 0 and the group 8 may read it: use sudo";
        assert_eq!(readers(0, 8, 0o640), shared);
    }

    #[test]
    fn key_files_are_read_with_the_texts_that_name_them() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        write(&at("a.conf"), "auth_hmac {\n key 1 file:one # comment\n key 2 file:/absent\n}\n");
        write(&at("one"), "secret");
        fs::set_permissions(at("one"), fs::Permissions::from_mode(0o600)).unwrap();
        let sources = load(&at("a.conf"), &LoadOptions::default()).unwrap();
        let key = &sources.keys["one"];
        assert_eq!((key.text.as_deref(), key.exposed), (Ok("secret"), false));
        assert!(sources.keys["/absent"].text.is_err());
        let environment = BTreeMap::from([("DIR".to_owned(), "/run/x".to_owned())]);
        let path = |line| key_path(line, &environment);
        assert_eq!(path("key 1 file:${_ENV DIR}/vrrp51").as_deref(), Some("/run/x/vrrp51"));
        assert_eq!(path("script file:/x"), None);
    }

    #[test]
    fn braces_multiply() {
        assert_eq!(alternatives("a{b,c{d,e}}f"), ["abf", "acdf", "acef"]);
        assert_eq!(alternatives("a{b"), ["a{b"]);
    }
}
