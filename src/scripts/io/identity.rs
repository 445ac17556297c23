//! Whom a script runs as, as the name service knows them.
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
    /// The group and all others that the user is a member of.
    pub(super) groups: Vec<Gid>,
}

/// What the name service is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    /// Name or number.
    pub(super) user: String,
    /// Name or number; None: the user's own.
    group: Option<String>,
    /// The file names no user.
    customary: bool,
}

/// Why the name service gives no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    NoUser,
    NoGroup,
    /// It could not be asked for the user.
    User(Errno),
    /// It could not be asked for the group.
    Group(Errno),
}

/// What the name service says.
pub(super) type Answer = Result<Identity, Failure>;

impl Wanted {
    /// The script's own user, else `script_user`, else `keepalived_script`.
    pub(super) fn of(script: &Script, policy: &Policy) -> Self {
        let configured = match (&script.user, &policy.default_user) {
            (Some(user), _) => Some((user, &script.group)),
            (None, Some((user, group))) => Some((user, group)),
            (None, None) => None,
        };
        let Some((user, group)) = configured else {
            return Self { user: CUSTOMARY.to_owned(), group: None, customary: true };
        };
        let group = group.as_deref().map(|group| group.trim_start_matches(':'));
        let group = group.filter(|group| !group.is_empty()).map(str::to_owned);
        Self { user: user.clone(), group, customary: false }
    }

    /// Whose number this is.
    pub(super) fn owner(user: u32) -> Self {
        Self { user: user.to_string(), group: None, customary: false }
    }

    /// Asks the name service, which may take any time: never on the loop's thread.
    pub(super) fn look_up(&self) -> Answer {
        let user = match self.user.parse() {
            Ok(id) => User::from_uid(Uid::from_raw(id)),
            Err(_) => User::from_name(&self.user),
        };
        let user = user.map_err(Failure::User)?.ok_or(Failure::NoUser)?;
        let group = match &self.group {
            None => user.gid,
            Some(name) => match name.parse() {
                Ok(id) => Gid::from_raw(id),
                Err(_) => {
                    let found = Group::from_name(name).map_err(Failure::Group)?;
                    found.ok_or(Failure::NoGroup)?.gid
                }
            },
        };
        let name = std::ffi::CString::new(user.name.as_str()).unwrap_or_default();
        let groups = getgrouplist(&name, group).unwrap_or_else(|_| vec![group]);
        Ok(Identity { user: Some(user.uid), group: Some(group), name: Some(user.name), groups })
    }

    /// As whom to run after this answer. A customary user that does not exist is ours, unless
    /// `enable_script_security` forbids that.
    pub(super) fn judge(&self, answer: Answer, policy: &Policy) -> Result<Identity, Refusal> {
        let user = &self.user;
        match answer {
            Ok(identity) => Ok(identity),
            Err(Failure::NoUser) if self.customary && !policy.security => Ok(Identity::default()),
            Err(Failure::NoUser) if self.customary => Err(Refusal::new(
                "enable_script_security is on and no user is set",
                format!(
                    "add `script_user USER` to global_defs, or `useradd -r -s /usr/sbin/nologin {user}`"
                ),
            )),
            Err(Failure::NoUser) => Err(Refusal::new(
                format!("there is no user `{user}`"),
                format!(
                    "`useradd -r -s /usr/sbin/nologin {user}`, or, if it is an argument of the command, put both in double quotes"
                ),
            )),
            Err(Failure::NoGroup) => Err(Refusal::new(
                format!("there is no group `{}`", self.group()),
                format!("`groupadd -r {}`", self.group()),
            )),
            Err(Failure::User(error)) => Err(trouble(user, &error)),
            Err(Failure::Group(error)) => Err(trouble(self.group(), &error)),
        }
    }

    /// The answer has not come in time.
    pub(super) fn unanswered(&self) -> Refusal {
        trouble(&self.user, &"the name service does not answer")
    }

    /// How the owner of a file is called after this answer.
    pub(super) fn called(&self, answer: Option<Answer>) -> String {
        let name = answer.and_then(Result::ok).and_then(|identity| identity.name);
        name.unwrap_or_else(|| format!("user {}", self.user))
    }

    fn group(&self) -> &str {
        self.group.as_deref().unwrap_or_default()
    }
}

fn trouble(name: &str, what: &dyn fmt::Display) -> Refusal {
    Refusal::new(format!("looking up `{name}`: {what}"), "see nsswitch.conf(5)")
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
