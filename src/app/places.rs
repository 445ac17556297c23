//! Where the daemon's files are: pid files, the control socket, the mark of a reload, namespaces.
use super::cli::RunArgs;
use crate::{
    config::model::{GlobalDefs, IpvsNamespace, ProcessControl, ReloadMarker},
    ipc::Child,
};
use std::path::PathBuf;

/// keepalived's, which its unit files wait for.
const RUN: &str = "/run";
const OWN: &str = "/run/keepalived";

/// `-s`, else the file's.
pub(super) fn network_namespace(arguments: &RunArgs, global: &GlobalDefs) -> Option<PathBuf> {
    let name = arguments.namespace.as_ref().or(global.process.net_namespace.as_ref());
    name.map(|name| PathBuf::from("/run/netns").join(name))
}

/// None: the one that the process runs in.
pub(super) fn ipvs_namespace(global: &GlobalDefs) -> Option<PathBuf> {
    match global.process.net_namespace_ipvs.as_ref()? {
        IpvsNamespace::Main => Some("/proc/1/ns/net".into()),
        IpvsNamespace::Named(name) => Some(PathBuf::from("/run/netns").join(name)),
    }
}

/// Pid files of the parent and of each child; with keepalived's options they always exist,
/// otherwise where somebody asks for them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFiles {
    pub(super) parent: Option<PathBuf>,
    pub(super) children: Vec<(Child, PathBuf)>,
}

impl PidFiles {
    pub(super) fn of(arguments: &RunArgs, global: &GlobalDefs, always: bool) -> Self {
        let control = &global.process;
        let usual = always || control.use_pid_dir || control.instance.is_some();
        let file = |given: &Option<PathBuf>, name: &str| {
            given.clone().or_else(|| usual.then(|| usual_file(arguments, control, name, "pid")))
        };
        let children = [
            (Child::Vrrp, file(&arguments.vrrp_pid, "vrrp")),
            (Child::Checkers, file(&arguments.checkers_pid, "checkers")),
            (Child::Bfd, file(&arguments.bfd_pid, "bfd")),
        ];
        Self {
            parent: file(&arguments.pid, "keepalived"),
            children: children.into_iter().filter_map(|(c, path)| Some((c, path?))).collect(),
        }
    }
}

/// The file of `reload_file`.
pub(super) fn reload_marker(arguments: &RunArgs, global: &GlobalDefs) -> Option<PathBuf> {
    match global.reload.marker.as_ref()? {
        ReloadMarker::At(path) => Some(path.clone()),
        ReloadMarker::Usual => Some(usual_file(arguments, &global.process, "keepalived", "reload")),
    }
}

fn usual_file(
    arguments: &RunArgs,
    control: &ProcessControl,
    name: &str,
    extension: &str,
) -> PathBuf {
    let namespace = arguments.namespace.as_ref().or(control.net_namespace.as_ref());
    let instance = control.instance.as_ref();
    let own = control.use_pid_dir || instance.is_some() || namespace.is_some();
    let mut folder = PathBuf::from(if own { OWN } else { RUN });
    folder.extend(namespace);
    let instance = instance.map(|instance| format!("_{instance}")).unwrap_or_default();
    folder.join(format!("{name}{instance}.{extension}"))
}

/// Daemons with names of their own have sockets of their own.
pub(super) fn socket(arguments: &RunArgs, global: &GlobalDefs) -> PathBuf {
    if let Some(given) = &arguments.socket {
        return given.clone();
    }
    let control = &global.process;
    let namespace = arguments.namespace.as_ref().or(control.net_namespace.as_ref());
    let names: Vec<&str> =
        [namespace, control.instance.as_ref()].into_iter().flatten().map(String::as_str).collect();
    if names.is_empty() {
        return PathBuf::from(super::cli::SOCKET);
    }
    PathBuf::from(super::cli::SOCKET).with_file_name(format!("{}.sock", names.join("_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arguments: &RunArgs, global: &GlobalDefs) -> String {
        let files = PidFiles::of(arguments, global, true);
        let mut text = files.parent.unwrap().display().to_string();
        for (_, path) in files.children {
            text.push_str(&format!(" {}", path.display()));
        }
        format!("{text} {}", socket(arguments, global).display())
    }

    #[test]
    fn files_are_where_keepaliveds_are() {
        let mut global = GlobalDefs::default();
        let mut arguments = RunArgs::default();
        let usual = "/run/keepalived.pid /run/vrrp.pid /run/checkers.pid /run/bfd.pid \
                     /run/ldirector/ldirector.sock";
        assert_eq!(shown(&arguments, &global), usual);
        global.process.instance = Some("one".into());
        let expected = "/run/keepalived/keepalived_one.pid /run/keepalived/vrrp_one.pid \
                        /run/keepalived/checkers_one.pid /run/keepalived/bfd_one.pid \
                        /run/ldirector/one.sock";
        assert_eq!(shown(&arguments, &global), expected);
        arguments.namespace = Some("red".into());
        arguments.pid = Some("/p".into());
        let expected = "/p /run/keepalived/red/vrrp_one.pid /run/keepalived/red/checkers_one.pid \
                        /run/keepalived/red/bfd_one.pid /run/ldirector/red_one.sock";
        assert_eq!(shown(&arguments, &global), expected);
        global.reload.marker = Some(ReloadMarker::Usual);
        let marker = reload_marker(&RunArgs::default(), &global).unwrap();
        assert_eq!(marker, PathBuf::from("/run/keepalived/keepalived_one.reload"));
        let asked = PidFiles::of(&RunArgs::default(), &GlobalDefs::default(), false);
        assert_eq!(asked, PidFiles { parent: None, children: vec![] });
    }
}
