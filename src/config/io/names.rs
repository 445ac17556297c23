//! iproute2's files of names. They are read only for configurations that can name something.
use crate::config::{
    names::{Kind, Names},
    source::Sources,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Newer packages have the files of the distribution there, the oldest have none but /etc's.
const DISTRIBUTION: [&str; 2] = ["/usr/lib/iproute2", "/usr/share/iproute2"];
const OWN: &str = "/etc/iproute2";

/// What the files define; those of the host's own directory win.
pub(super) fn load(sources: &Sources) -> Names {
    let mut names = Names::default();
    let needed = ["_routes", "_rules", "scope"];
    if !sources.files.iter().any(|file| needed.iter().any(|word| super::has(file, word))) {
        return names;
    }
    let distribution = match directory(sources, "iproute_usr_dir") {
        Some(named) => vec![named],
        None => DISTRIBUTION.map(PathBuf::from).to_vec(),
    };
    let own = directory(sources, "iproute_etc_dir").unwrap_or_else(|| PathBuf::from(OWN));
    for directory in distribution.iter().chain([&own]) {
        for kind in Kind::ALL {
            let path = directory.join(kind.file());
            read(&path, kind, &mut names);
            let pattern = format!("{}.d/*.conf", path.display());
            let more = glob::glob(&pattern).into_iter().flatten().filter_map(Result::ok);
            more.for_each(|path| read(&path, kind, &mut names));
        }
    }
    names
}

fn read(path: &Path, kind: Kind, names: &mut Names) {
    match fs::read(path) {
        Ok(bytes) => names.add(kind, &String::from_utf8_lossy(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!("cannot read {}: {error}", path.display()),
    }
}

/// What the last line of this keyword names.
fn directory(sources: &Sources, keyword: &str) -> Option<PathBuf> {
    let lines = sources.files.iter().flat_map(|file| file.text.lines());
    let mut named = lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some(keyword)).then(|| words.next()).flatten()
    });
    named.next_back().map(|path| PathBuf::from(path.trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_files_win_and_only_those_that_are_named_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("usr")).unwrap();
        fs::create_dir_all(at("etc/rt_tables.d")).unwrap();
        fs::write(at("usr/rt_tables"), "10 ten\n20 twenty\n").unwrap();
        fs::write(at("etc/rt_tables"), "21 twenty\n").unwrap();
        fs::write(at("etc/rt_tables.d/more.conf"), "30 thirty\n").unwrap();
        let text = format!(
            "global_defs {{\niproute_usr_dir {}\n iproute_etc_dir \"{}\"\n}}\nstatic_rules {{\n}}\n",
            at("usr").display(),
            at("etc").display()
        );
        let names = load(&Sources::from_text("a.conf", &text));
        let find = |name: &str| names.find(Kind::Table, name);
        assert_eq!((find("ten"), find("twenty"), find("thirty")), (Some(10), Some(21), Some(30)));
        let unneeded = text.replace("static_rules", "static_ipaddress");
        assert_eq!(load(&Sources::from_text("a.conf", unneeded)), Names::default());
    }
}
