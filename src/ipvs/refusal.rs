//! What the kernel says no with, in words (spec: IPVS netlink §3).
use super::{Step, table::ServiceKey};
use std::fmt;

/// The kernel's answer to one step: an errno, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    pub errno: i32,
}

impl Refusal {
    pub const EPERM: Self = Self { errno: 1 };
    pub const ENOENT: Self = Self { errno: 2 };
    pub const ESRCH: Self = Self { errno: 3 };
    pub const EEXIST: Self = Self { errno: 17 };
    pub const ENODEV: Self = Self { errno: 19 };
    pub const EINVAL: Self = Self { errno: 22 };
    pub const ERANGE: Self = Self { errno: 34 };
    pub const EAFNOSUPPORT: Self = Self { errno: 97 };

    /// One sentence: what was refused, why, and what to do about it.
    #[must_use]
    pub fn explain(self, step: &Step) -> String {
        let what = step.to_string();
        match (self, step) {
            (
                Self::ENOENT,
                Step::AddService { service, key } | Step::EditService { service, key },
            ) => missing_module(
                *key,
                &service.scheduler,
                service.persistence.as_ref().and_then(|p| p.engine.as_deref()),
            ),
            (Self::EINVAL, Step::AddDestination { .. } | Step::EditDestination { .. }) => format!(
                "{what}: the kernel refuses the address or the method (a real server's address must \
                 be unicast; another family than the service's needs lvs_method TUN and no sync daemon)"
            ),
            (Self::ERANGE, _) => {
                format!(
                    "{what}: weight or thresholds out of range (lthreshold must not exceed uthreshold)"
                )
            }
            (Self::EAFNOSUPPORT, _) => {
                format!("{what}: this kernel's IPVS lacks the address family (IPv6)")
            }
            (Self::EPERM, _) => {
                format!("{what}: not permitted: run as root, or with CAP_NET_ADMIN")
            }
            (refusal, _) => format!("{what}: {refusal}"),
        }
    }
}

fn missing_module(key: ServiceKey, scheduler: &str, engine: Option<&str>) -> String {
    let engine = engine.map(|name| format!(" or ip_vs_pe_{name}")).unwrap_or_default();
    format!(
        "{key}: the kernel has no scheduler `{scheduler}`: load module ip_vs_{scheduler}{engine}, \
         or choose another lvs_sched"
    )
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match *self {
            Self::EPERM => "not permitted",
            Self::ENOENT => "no such entry",
            Self::ESRCH => "no such service",
            Self::EEXIST => "exists already",
            Self::ENODEV => "no such interface",
            Self::EINVAL => "not a valid value",
            Self::ERANGE => "out of range",
            Self::EAFNOSUPPORT => "address family not supported",
            Self { errno } => return write!(f, "errno {errno}"),
        };
        f.write_str(words)
    }
}
