//! Names of routing tables, protocols, scopes, realms, service fields and interface groups: those
//! that everybody knows, and those of iproute2's files.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// RT_TABLE_*.
const TABLES: &[(&str, u32)] = &[("default", 253), ("main", 254), ("local", 255)];
/// RTPROT_*.
const PROTOCOLS: &[(&str, u32)] = &[
    ("unspec", 0),
    ("redirect", 1),
    ("kernel", 2),
    ("boot", 3),
    ("static", 4),
    ("gated", 8),
    ("ra", 9),
    ("mrt", 10),
    ("zebra", 11),
    ("bird", 12),
    ("dnrouted", 13),
    ("xorp", 14),
    ("ntk", 15),
    ("dhcp", 16),
    ("keepalived", 18),
    ("babel", 42),
    ("bgp", 186),
    ("isis", 187),
    ("ospf", 188),
    ("rip", 189),
    ("eigrp", 192),
];
/// RT_SCOPE_*.
const SCOPES: &[(&str, u32)] =
    &[("global", 0), ("site", 200), ("link", 253), ("host", 254), ("nowhere", 255)];
const REALMS: &[(&str, u32)] = &[("cosmos", 0)];
/// Differentiated services (RFC 2474), as iproute2's rt_dsfield has them.
const FIELDS: &[(&str, u32)] = &[
    ("default", 0),
    ("AF11", 0x28),
    ("AF12", 0x30),
    ("AF13", 0x38),
    ("AF21", 0x48),
    ("AF22", 0x50),
    ("AF23", 0x58),
    ("AF31", 0x68),
    ("AF32", 0x70),
    ("AF33", 0x78),
    ("AF41", 0x88),
    ("AF42", 0x90),
    ("AF43", 0x98),
    ("CS1", 0x20),
    ("CS2", 0x40),
    ("CS3", 0x60),
    ("CS4", 0x80),
    ("CS5", 0xa0),
    ("CS6", 0xc0),
    ("CS7", 0xe0),
    ("EF", 0xb8),
];
const GROUPS: &[(&str, u32)] = &[("default", 0)];

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    Table,
    Protocol,
    Scope,
    Realm,
    Field,
    Group,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Table, Self::Protocol, Self::Scope, Self::Realm, Self::Field, Self::Group];

    /// The file of iproute2's directories with these names; more are in `FILE.d/*.conf`.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Table => "rt_tables",
            Self::Protocol => "rt_protos",
            Self::Scope => "rt_scopes",
            Self::Realm => "rt_realms",
            Self::Field => "rt_dsfield",
            Self::Group => "group",
        }
    }

    const fn well_known(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::Table => TABLES,
            Self::Protocol => PROTOCOLS,
            Self::Scope => SCOPES,
            Self::Realm => REALMS,
            Self::Field => FIELDS,
            Self::Group => GROUPS,
        }
    }
}

/// The names that files of this machine define.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names(BTreeMap<Kind, BTreeMap<String, u32>>);

impl Names {
    /// Adds what a file says: `NUMBER NAME` lines, `#` begins a comment. Later files win.
    pub fn add(&mut self, kind: Kind, text: &str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            if let (Some(number), Some(name)) = (words.next().and_then(number), words.next()) {
                self.0.entry(kind).or_default().insert(name.to_owned(), number);
            }
        }
    }

    /// The number of a name, or the number that is written.
    #[must_use]
    pub fn find(&self, kind: Kind, word: &str) -> Option<u32> {
        let of_files = self.0.get(&kind).and_then(|names| names.get(word)).copied();
        let known = || kind.well_known().iter().find(|(name, _)| *name == word).map(|(_, n)| *n);
        of_files.or_else(known).or_else(|| number(word))
    }

    /// As [`Self::find`], where the kernel's field is smaller.
    #[must_use]
    pub fn find_as<T: TryFrom<u32>>(&self, kind: Kind, word: &str) -> Option<T> {
        self.find(kind, word).and_then(|number| T::try_from(number).ok())
    }
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_add_to_what_everybody_knows() {
        let mut names = Names::default();
        names.add(
            Kind::Table,
            "# a comment\n255\tlocal\n 100 uplink # and one behind\n0x65 dsl\n\nx",
        );
        assert_eq!(names.find(Kind::Table, "uplink"), Some(100));
        assert_eq!(names.find(Kind::Table, "dsl"), Some(101));
        assert_eq!(names.find(Kind::Table, "main"), Some(254));
        assert_eq!(names.find(Kind::Table, "77"), Some(77));
        assert_eq!(names.find(Kind::Table, "absent"), None);
        assert_eq!(names.find(Kind::Protocol, "uplink"), None);
        assert_eq!(names.find_as::<u8>(Kind::Field, "300"), None);
        names.add(Kind::Protocol, "12 zebra");
        assert_eq!(names.find(Kind::Protocol, "zebra"), Some(12), "files win");
    }
}
