//! Whom a script runs as.
use crate::{
    base::Script,
    scripts::{Policy, Refusal},
};
use nix::{
    errno::Errno,
    unistd::{Gid, Group, Uid, User, getgrouplist},
};
use std::fmt;

/// keepalived's customary user for scripts.
const CUSTOMARY: &str = "keepalived_script";

/// None: as we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: Option<Uid>,
    pub(super) group: Option<Gid>,
    /// The user's name.
    pub(super) name: Option<String>,
}

impl Identity {
    /// The script's own user, else `script_user`, else `keepalived_script` where it exists, else
    /// ours, unless `enable_script_security` forbids that.
    pub(super) fn of(script: &Script, policy: &Policy) -> Result<Self, Refusal> {
        let configured = match (&script.user, &policy.default_user) {
            (Some(user), _) => Some((user.as_str(), script.group.as_deref())),
            (None, Some((user, group))) => Some((user.as_str(), group.as_deref())),
            (None, None) => None,
        };
        if let Some((user, group)) = configured {
            return Self::named(user, group.map(|group| group.trim_start_matches(':')));
        }
        match User::from_name(CUSTOMARY) {
            Ok(Some(user)) => {
                Ok(Self { user: Some(user.uid), group: Some(user.gid), name: Some(user.name) })
            }
            Ok(None) if policy.security => Err(Refusal::new(
                "enable_script_security is on and no user is set",
                format!(
                    "add `script_user USER` to global_defs, or `useradd -r -s /usr/sbin/nologin {CUSTOMARY}`"
                ),
            )),
            Ok(None) => Ok(Self::default()),
            Err(error) => Err(trouble(CUSTOMARY, error)),
        }
    }

    fn named(user: &str, group: Option<&str>) -> Result<Self, Refusal> {
        let found = match user.parse() {
            Ok(id) => User::from_uid(Uid::from_raw(id)),
            Err(_) => User::from_name(user),
        };
        let about = match found {
            Ok(Some(about)) => about,
            Ok(None) => {
                return Err(Refusal::new(
                    format!("there is no user `{user}`"),
                    format!(
                        "`useradd -r -s /usr/sbin/nologin {user}`, or, if it is an argument of the command, put both in double quotes"
                    ),
                ));
            }
            Err(error) => return Err(trouble(user, error)),
        };
        let group = match group.filter(|group| !group.is_empty()) {
            None => about.gid,
            Some(name) => {
                let found = match name.parse() {
                    Ok(id) => {
                        let group = Some(Gid::from_raw(id));
                        return Ok(Self { user: Some(about.uid), group, name: Some(about.name) });
                    }
                    Err(_) => Group::from_name(name),
                };
                match found {
                    Ok(Some(group)) => group.gid,
                    Ok(None) => {
                        return Err(Refusal::new(
                            format!("there is no group `{name}`"),
                            format!("`groupadd -r {name}`"),
                        ));
                    }
                    Err(error) => return Err(trouble(name, error)),
                }
            }
        };
        Ok(Self { user: Some(about.uid), group: Some(group), name: Some(about.name) })
    }
}

fn trouble(name: &str, error: Errno) -> Refusal {
    Refusal::new(format!("looking up `{name}`: {error}"), "see nsswitch.conf(5)")
}

impl Identity {
    /// The user's own group and those it is a member of.
    pub(super) fn groups(&self) -> Vec<Gid> {
        let (Some(name), Some(group)) = (&self.name, self.group) else { return vec![] };
        let name = std::ffi::CString::new(name.as_str()).unwrap_or_default();
        getgrouplist(&name, group).unwrap_or_else(|_| vec![group])
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.user) {
            (Some(name), _) => write!(f, "user {name}"),
            (None, Some(user)) => write!(f, "user {user}"),
            (None, None) => f.write_str("this user"),
        }
    }
}
