//! Whom a script runs as.
use crate::{base::Script, scripts::Policy};
use nix::unistd::{Gid, Group, Uid, User};
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
    pub(super) fn of(script: &Script, policy: &Policy) -> Result<Self, String> {
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
            Ok(None) if policy.security => Err(format!(
                "enable_script_security is on and no user is set: add `script_user USER` to global_defs, or create the user {CUSTOMARY}"
            )),
            Ok(None) => Ok(Self::default()),
            Err(error) => Err(format!("looking up the user {CUSTOMARY}: {error}")),
        }
    }

    fn named(user: &str, group: Option<&str>) -> Result<Self, String> {
        let found = match user.parse() {
            Ok(id) => User::from_uid(Uid::from_raw(id)),
            Err(_) => User::from_name(user),
        };
        let about = match found {
            Ok(Some(about)) => about,
            Ok(None) => {
                return Err(format!(
                    "there is no user `{user}`: create it with useradd, or, if it is an argument of the command, put both in double quotes"
                ));
            }
            Err(error) => return Err(format!("looking up the user {user}: {error}")),
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
                        return Err(format!("there is no group `{name}`: create it with groupadd"));
                    }
                    Err(error) => return Err(format!("looking up the group {name}: {error}")),
                }
            }
        };
        Ok(Self { user: Some(about.uid), group: Some(group), name: Some(about.name) })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.user {
            None => f.write_str("this user"),
            Some(user) => write!(f, "user {user}"),
        }
    }
}
