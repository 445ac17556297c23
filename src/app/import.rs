//! `ldirector import`: another program's file in, keepalived.conf out.
use super::{cli::ImportArgs, exit, print};
use crate::import::{self, Format};
use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

pub(super) fn run(arguments: &ImportArgs) -> u8 {
    let (format, path) = what(arguments);
    if let (None, Some(_)) = (format, &arguments.file) {
        let name = arguments.what.display();
        eprintln!("error: `{name}` is no format: ldirectord.cf or ipvsadm-save");
        return exit::CONFIG;
    }
    let text = match read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            eprintln!("error: cannot read {}: {error}", path.display());
            return exit::CONFIG;
        }
    };
    if let Some(why) = import::foreign(&text) {
        eprintln!("error: {}: {why}", path.display());
        return exit::FAILED;
    }
    let imported = import::import(&text, format.unwrap_or_else(|| import::guess(&text)));
    for warning in &imported.warnings {
        eprintln!("warning: {}: {warning}", path.display());
    }
    print(&imported.text)
}

/// `import ldirectord.cf` names the format; where a file of that name is here, that too.
fn what(arguments: &ImportArgs) -> (Option<Format>, PathBuf) {
    let named = arguments.what.to_str().and_then(|name| match name {
        "ldirectord.cf" | "ldirectord" => Some(Format::Ldirectord),
        "ipvsadm-save" | "ipvsadm" => Some(Format::Ipvsadm),
        _ => None,
    });
    let path = match (named, &arguments.file) {
        (_, Some(file)) => file.clone(),
        (Some(_), None) if !arguments.what.is_file() => PathBuf::from("-"),
        (Some(_) | None, None) => arguments.what.clone(),
    };
    (named, path)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path);
    }
    let mut bytes = vec![];
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}
