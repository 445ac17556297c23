//! The keywords of `global_defs` about processes: their names, scheduling and the scripts around
//! their life, ways to reload, and dumps.
use super::Draft;
use crate::{
    base::Script,
    config::{
        blocks::{notify, words},
        diagnostic::Diagnostics,
        keyword::{
            Keyword, Support,
            Takes::{Nothing, One, OptionalBool, Script as Command, UpTo1, Words},
            inert, kw,
        },
        model::{
            DumpSettings, IpvsNamespace, JsonVersion, ProcessControl, ReloadMarker, ReloadSettings,
            Scheduling, TimedScript,
        },
        rules::global as rules,
        tree::Statement,
        value,
    },
};
use std::{path::PathBuf, time::Duration};

/// The kernel keeps 15 bytes of a process's name (prctl(2), PR_SET_NAME).
const LONGEST_NAME: usize = 15;
const HIGHEST_PRIORITY: u8 = 99;

/// What was said about processes.
#[derive(Debug, Default)]
pub(in crate::config::blocks) struct ProcessDraft {
    startup: Option<Script>,
    startup_timeout: Option<Duration>,
    shutdown: Option<Script>,
    shutdown_timeout: Option<Duration>,
    umask: Option<u32>,
    usual_names: bool,
    parent_name: Option<String>,
    vrrp: Scheduling,
    checkers: Scheduling,
    bfd: Scheduling,
    max_auto_priority: Option<u8>,
    min_auto_priority_delay: Option<Duration>,
    set_supplementary_groups: Option<bool>,
    pub(in crate::config::blocks) instance: Option<String>,
    pub(in crate::config::blocks) use_pid_dir: bool,
    pub(in crate::config::blocks) net_namespace: Option<String>,
    pub(in crate::config::blocks) net_namespace_ipvs: Option<IpvsNamespace>,
    pub(super) reload: ReloadSettings,
    pub(super) dumps: DumpSettings,
}

impl ProcessDraft {
    pub(super) fn settle(self) -> (ProcessControl, ReloadSettings, DumpSettings) {
        let default = ProcessControl::default();
        let timed = |script: Option<Script>, timeout: Option<Duration>| {
            let timeout = timeout.unwrap_or(Duration::from_secs(10));
            script.map(|script| TimedScript { script, timeout })
        };
        let usual = |name: &str| self.usual_names.then(|| name.to_owned());
        let named = |scheduling: Scheduling, name: &str| {
            let name = scheduling.name.or_else(|| usual(name));
            Scheduling { name, ..scheduling }
        };
        let control = ProcessControl {
            startup: timed(self.startup, self.startup_timeout),
            shutdown: timed(self.shutdown, self.shutdown_timeout),
            umask: self.umask,
            parent_name: self.parent_name.or_else(|| usual("keepalived")),
            vrrp: named(self.vrrp, "keepalived_vrrp"),
            checkers: named(self.checkers, "keepalived_lvs"),
            bfd: named(self.bfd, "keepalived_bfd"),
            max_auto_priority: self.max_auto_priority.unwrap_or(default.max_auto_priority),
            min_auto_priority_delay: self
                .min_auto_priority_delay
                .unwrap_or(default.min_auto_priority_delay),
            set_supplementary_groups: self.set_supplementary_groups.unwrap_or(false),
            instance: self.instance,
            use_pid_dir: self.use_pid_dir,
            net_namespace: self.net_namespace,
            net_namespace_ipvs: self.net_namespace_ipvs,
        };
        (control, self.reload, self.dumps)
    }
}

/// The six keywords that every kind of child has.
macro_rules! child {
    ($field:ident, $process:literal,
     $nice:literal, $no_swap:literal, $rt:literal, $cpus:literal, $limits:expr, $names:expr) => {
        [
            kw(&[$nice], One("NICE"), |d: &mut Draft, s, out| {
                let nice = value::signed(s, 1, -20..=19, out);
                words::set(&mut d.process.$field.nice, nice.and_then(|n| i8::try_from(n).ok()));
            })
            .default("0")
            .range("-20..19")
            .doc(concat!("nice value of the ", $process, " process")),
            kw(&[$no_swap], Nothing, |d: &mut Draft, _, _| d.process.$field.no_swap = true)
                .default("off")
                .doc(concat!("keep the ", $process, " process in memory")),
            kw(&[$rt], One("PRIORITY"), |d: &mut Draft, s, out| {
                let priority = words::number(s, 1, 1..=u64::from(HIGHEST_PRIORITY), out);
                words::set(&mut d.process.$field.rt_priority, priority);
            })
            .default("none")
            .range("1..99")
            .doc(concat!("real-time priority of the ", $process, " process")),
            kw(&[$cpus], Words(1, 1024, "CPU..."), |d: &mut Draft, s, out| {
                cpus(&mut d.process.$field.cpus, s, out);
            })
            .default("all")
            .doc(concat!("processors of the ", $process, " process")),
            kw($limits, One("MICROSECONDS"), |d: &mut Draft, s, out| {
                let limit = value::number(s, 1, 2..=u64::from(u32::MAX), out);
                words::set(&mut d.process.$field.rt_limit, limit.map(Duration::from_micros));
            })
            .default("none: a process that hangs is ended in any case")
            .range("2..")
            .doc("computing without a pause under real-time scheduling; more ends the process"),
            kw($names, UpTo1("NAME"), |d: &mut Draft, s, out| {
                words::set(&mut d.process.$field.name, process_name(s, out));
            })
            .doc(concat!("name of the ", $process, " process in ps")),
        ]
    };
}

pub(super) fn keywords() -> Vec<Keyword<Draft>> {
    let mut table = around();
    table.extend(child!(
        vrrp,
        "VRRP",
        "vrrp_priority",
        "vrrp_no_swap",
        "vrrp_rt_priority",
        "vrrp_cpu_affinity",
        &["vrrp_rlimit_rttime", "vrrp_rlimit_rtime"],
        &["vrrp_process_name"]
    ));
    table.extend(child!(
        checkers,
        "checker",
        "checker_priority",
        "checker_no_swap",
        "checker_rt_priority",
        "checker_cpu_affinity",
        &["checker_rlimit_rttime", "checker_rlimit_rtime"],
        &["checker_process_name", "lvs_process_name"]
    ));
    table.extend(child!(
        bfd,
        "BFD",
        "bfd_priority",
        "bfd_no_swap",
        "bfd_rt_priority",
        "bfd_cpu_affinity",
        &["bfd_rlimit_rttime", "bfd_rlimit_rtime"],
        &["bfd_process_name"]
    ));
    table.extend(reading());
    table.extend(reloading());
    table.extend(dumps());
    table
}

fn around() -> Vec<Keyword<Draft>> {
    vec![
        kw(&["startup_script"], Command, |d: &mut Draft, s, out| {
            notify::script(&mut d.process.startup, s, out);
        })
        .doc("run before the processes start"),
        kw(&["startup_script_timeout"], One("SECONDS"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.startup_timeout, words::whole_seconds(s, 1..=1000, out));
        })
        .default("10")
        .range("1..1000")
        .doc("after this startup_script is ended"),
        kw(&["shutdown_script"], Command, |d: &mut Draft, s, out| {
            notify::script(&mut d.process.shutdown, s, out);
        })
        .doc("run after the processes have ended"),
        kw(&["shutdown_script_timeout"], One("SECONDS"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.shutdown_timeout, words::whole_seconds(s, 1..=1000, out));
        })
        .default("10")
        .range("1..1000")
        .doc("after this shutdown_script is ended"),
        kw(&["max_auto_priority"], UpTo1("PRIORITY"), |d: &mut Draft, s, out| {
            let priority = match s.word(1) {
                None => Some(i64::from(HIGHEST_PRIORITY)),
                Some(_) => value::signed(s, 1, -1..=i64::from(HIGHEST_PRIORITY), out),
            };
            let priority = priority.and_then(|p| u8::try_from(p.max(0)).ok());
            words::set(&mut d.process.max_auto_priority, priority);
        })
        .default("0")
        .range("-1..99")
        .doc("real-time priority up to which a process that runs late raises itself; 0: never"),
        kw(&["min_auto_priority_delay"], One("MICROSECONDS"), |d: &mut Draft, s, out| {
            let delay = value::number(s, 1, 1..=10_000_000, out).map(Duration::from_micros);
            words::set(&mut d.process.min_auto_priority_delay, delay);
        })
        .default("1000000")
        .range("1..10000000")
        .doc("what counts as late for max_auto_priority"),
        kw(&["process_names"], Nothing, |d: &mut Draft, _, _| d.process.usual_names = true)
            .default("off")
            .doc("processes are keepalived, keepalived_vrrp, keepalived_lvs, keepalived_bfd in ps"),
        kw(&["process_name"], UpTo1("NAME"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.parent_name, process_name(s, out));
        })
        .default("ldirector")
        .doc("name of the parent in ps"),
        kw(&["umask"], Words(1, 32, "MASK"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.umask, umask(s, out));
        })
        .default("0177")
        .range("0..0777")
        .doc("bits that created files do not get: a number, or IWGRP|IWOTH..."),
        kw(&["set_supplementary_groups"], OptionalBool, |d: &mut Draft, s, out| {
            words::set(&mut d.process.set_supplementary_groups, value::boolean(s, out));
        })
        .default("off")
        .doc("scripts get all groups of their user"),
        inert(
            &["use_symlink_paths"],
            OptionalBool,
            Support::NoEffect(
                "scripts are always started by the path as written, and checked where it leads",
            ),
        )
        .doc("script paths may contain symbolic links"),
    ]
}

/// What these say is known while the text is read.
fn reading() -> Vec<Keyword<Draft>> {
    vec![
        kw(&["include_check"], Words(0, 8, "[+-]read|match|..."), |_, _, _| {})
            .doc("what missing includes mean"),
        kw(&["random_seed"], UpTo1("SEED"), |_, _, _| {}).doc("makes ${_RANDOM} repeatable"),
        kw(&["iproute_usr_dir"], One("PATH"), |_, _, _| {})
            .doc("names of tables, scopes, protocols"),
        kw(&["iproute_etc_dir"], One("PATH"), |_, _, _| {}).doc("the same, and these win"),
    ]
}

fn reloading() -> Vec<Keyword<Draft>> {
    vec![
        kw(&["reload_check_config"], UpTo1("LOG"), |d: &mut Draft, s, _| {
            words::set(&mut d.process.reload.check_log, path(s));
        })
        .default("on")
        .doc("a new file is always looked at before it is used; LOG gets what was found"),
        kw(&["reload_time_file"], One("PATH"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.reload.time_file, absolute(s, out));
        })
        .doc("its first line says when to reload: [[YY]YY-MM-DD ]HH:MM:SS[Z]"),
        kw(&["reload_repeat"], Nothing, |d: &mut Draft, _, _| d.process.reload.repeat = true)
            .default("off")
            .doc("reload_time_file stays, and a time without a date comes every day"),
        kw(&["reload_file"], UpTo1("PATH"), |d: &mut Draft, s, out| {
            d.process.reload.marker = match s.word(1) {
                None => Some(ReloadMarker::Usual),
                Some(_) => absolute(s, out).map(ReloadMarker::At),
            };
        })
        .default("keepalived.reload beside the pid file")
        .doc("a file that exists while the configuration is read"),
        kw(&["config_save_dir"], One("PATH"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.reload.save_dir, absolute(s, out));
        })
        .doc("keeps a copy of each configuration that was taken, and the state around it"),
        inert(&["tmp_config_directory"], One("PATH"), NO_COPIES)
            .doc("for copies of the configuration"),
        inert(&["config_copy_directory"], One("PATH"), NO_COPIES)
            .doc("for copies of the configuration"),
    ]
}

const NO_COPIES: Support =
    Support::NoEffect("no copies are made on disk: the processes get the text from memory");

fn dumps() -> Vec<Keyword<Draft>> {
    vec![
        kw(&["data_use_instance"], OptionalBool, |d: &mut Draft, s, out| {
            d.process.dumps.use_instance =
                value::boolean(s, out).unwrap_or(d.process.dumps.use_instance);
        })
        .default("off")
        .doc("instance and namespace in the names of dumps"),
        kw(&["json_version"], One("1|2"), |d: &mut Draft, s, out| {
            match value::one_of(s, 1, &["1", "2"], out) {
                Some("2") => d.process.dumps.json_version = JsonVersion::Two,
                Some(_) => d.process.dumps.json_version = JsonVersion::One,
                None => {}
            }
        })
        .default("1")
        .doc("1: the JSON dump is an array of instances; 2: an object of named arrays"),
        kw(
            &["state_dump_file", "state_dump_file_location"],
            One("PATH"),
            |d: &mut Draft, s, out| {
                words::set(&mut d.process.dumps.state, absolute(s, out));
            },
        )
        .default("/tmp/keepalived.data")
        .doc("where SIGUSR1 writes; _parent and _check go before the last dot"),
        kw(
            &["stats_dump_file", "stats_dump_file_location"],
            One("PATH"),
            |d: &mut Draft, s, out| {
                words::set(&mut d.process.dumps.stats, absolute(s, out));
            },
        )
        .default("/tmp/keepalived.stats")
        .doc("where SIGUSR2 writes"),
        kw(&["json_dump_file", "json_dump_file_location"], One("PATH"), |d: &mut Draft, s, out| {
            words::set(&mut d.process.dumps.json, absolute(s, out));
        })
        .default("/tmp/keepalived.json")
        .doc("where the JSON signal writes"),
    ]
}

fn path(statement: &Statement<'_>) -> Option<PathBuf> {
    words::text(statement).map(PathBuf::from)
}

/// A path from the root: the daemon's working directory is nobody's business.
fn absolute(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<PathBuf> {
    let path = path(statement)?;
    if path.is_absolute() {
        return Some(path);
    }
    out.report(rules::PATH_NOT_ABSOLUTE, value::span_of(statement, 1))
        .with("word", statement.first())
        .with("path", path.display());
    None
}

fn process_name(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<String> {
    let word = statement.word(1)?;
    let mut name = word.as_str().to_owned();
    if name.len() > LONGEST_NAME {
        let mut end = LONGEST_NAME;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        out.report(rules::PROCESS_NAME_LONG, word.span).with("name", &name);
    }
    Some(name)
}

fn cpus(into: &mut Vec<usize>, statement: &Statement<'_>, out: &mut Diagnostics) {
    for index in 1..statement.words.len() {
        // CPU_SETSIZE of sched_setaffinity(2).
        let Some(cpu) = words::number(statement, index, 0..=1023, out) else { continue };
        if !into.contains(&cpu) {
            into.push(cpu);
        }
    }
}

/// A number as C writes it, or names of mode bits joined by `|`.
fn umask(statement: &Statement<'_>, out: &mut Diagnostics) -> Option<u32> {
    let words = statement.words.get(1..).unwrap_or_default();
    let text: String = words.iter().map(|word| word.as_str()).collect();
    let mask = if text.starts_with(|c: char| c.is_ascii_digit()) {
        c_number(&text)
    } else {
        text.split('|').map(mode_bit).try_fold(0, |mask, bit| Some(mask | bit?))
    };
    let mask = mask.filter(|mask| *mask <= 0o777);
    if mask.is_none() {
        out.report(rules::BAD_UMASK, value::span_of(statement, 1)).with("value", &text);
    }
    mask
}

fn c_number(text: &str) -> Option<u32> {
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return u32::from_str_radix(hex, 16).ok();
    }
    let radix = if text.starts_with('0') { 8 } else { 10 };
    u32::from_str_radix(text, radix).ok()
}

/// `IRUSR` and its like (inode(7), without their `S_`).
fn mode_bit(name: &str) -> Option<u32> {
    let (what, who) = name.strip_prefix('I')?.split_at_checked(1)?;
    let bit = match what {
        "R" => 4,
        "W" => 2,
        "X" => 1,
        _ => return None,
    };
    let shift = match who {
        "USR" => 6,
        "GRP" => 3,
        "OTH" => 0,
        _ => return None,
    };
    Some(bit << shift)
}

#[cfg(test)]
mod tests {
    use crate::config::{
        blocks::testing::read,
        model::{GlobalDefs, Scheduling},
    };
    use std::{sync::Arc, time::Duration};

    fn global(text: &str) -> (Arc<GlobalDefs>, Vec<u16>) {
        let (config, found) = read(text);
        (config.global, found.iter().map(|found| found.rule.code).collect())
    }

    #[test]
    fn settings_are_kept_apart_by_kind_of_child() {
        let (global, codes) = global(
            "global_defs {\n vrrp_priority -5\n vrrp_rt_priority 10\n vrrp_no_swap\n \
             vrrp_cpu_affinity 0 2\n checker_rlimit_rtime 20000\n process_names\n \
             lvs_process_name lll\n bfd_priority 3\n}\n",
        );
        assert_eq!(codes, [] as [u16; 0]);
        let expected = Scheduling {
            name: Some("keepalived_vrrp".into()),
            nice: Some(-5),
            no_swap: true,
            rt_priority: Some(10),
            cpus: vec![0, 2],
            rt_limit: None,
        };
        assert_eq!(global.process.vrrp, expected);
        assert_eq!(global.process.checkers.name.as_deref(), Some("lll"));
        assert_eq!(global.process.checkers.rt_limit, Some(Duration::from_millis(20)));
        assert_eq!(global.process.bfd.nice, Some(3));
        assert_eq!(global.process.parent_name.as_deref(), Some("keepalived"));
    }

    #[test]
    fn masks_are_numbers_or_names() {
        for (text, expected) in [
            ("0177", Some(0o177)),
            ("127", Some(0o177)),
            ("0x7f", Some(0o177)),
            ("IWGRP|IWOTH", Some(0o22)),
            ("IWGRP | IXUSR", Some(0o120)),
            ("IWGRP|what", None),
            ("01777", None),
            ("089", None),
        ] {
            let (global, codes) = global(&format!("global_defs {{\n umask {text}\n}}\n"));
            assert_eq!(global.process.umask, expected, "{text}");
            assert_eq!(codes.is_empty(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn names_and_paths_that_cannot_be() {
        let (first, codes) = global("global_defs {\n process_name a_very_long_name\n}\n");
        assert_eq!(first.process.parent_name.as_deref(), Some("a_very_long_nam"));
        assert_eq!(codes, [315]);
        let (_, codes) = global("global_defs {\n state_dump_file here\n}\n");
        assert_eq!(codes, [317]);
        for (text, expected) in [("", 99), (" 7", 7), (" -1", 0)] {
            let (global, _) = global(&format!("global_defs {{\n max_auto_priority{text}\n}}\n"));
            assert_eq!(global.process.max_auto_priority, expected, "{text}");
        }
    }
}
