//! Lines of `track_interface`, `track_script` and their like: a name and what it weighs.
use super::{bfd_instance, track_file, track_process, vrrp_script};
use crate::config::{
    diagnostic::Diagnostics,
    keyword::TOP,
    model::{BfdInstance, TrackFile, TrackProcess, TrackScript, TrackerUse},
    rules::{trackers as tracker_rules, vrrp as rules},
    source::{Span, Spanned},
    tree::Statement,
    value,
};
use std::collections::HashMap;

/// What a line says; the rest comes from the tracked thing.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: Spanned<String>,
    pub(super) weight: Option<i32>,
    pub(super) reverse: Option<bool>,
}

/// What the lines of `track_file` name.
pub(super) const FILE: &str = "file";

/// Adds the lines of a block. `what` is the tracked thing for messages: "script".
pub(super) fn lines(
    into: &mut Vec<Draft>,
    what: &'static str,
    statement: &Statement<'_>,
    out: &mut Diagnostics,
) {
    for line in statement.body() {
        let Some(name) = super::words::word(line, 0) else { continue };
        if let Some(first) = into.iter().find(|known| known.name == name) {
            out.report(rules::TRACKED_TWICE, name.span)
                .with("name", &name.value)
                .label(first.name.span, "first tracked here");
            continue;
        }
        let (weight, reverse) = weighting(line, 1, what, out);
        into.push(Draft { name, weight, reverse });
    }
}

/// `weight N [reverse|noreverse]` from word `index` on.
fn weighting(
    line: &Statement<'_>,
    index: usize,
    what: &'static str,
    out: &mut Diagnostics,
) -> (Option<i32>, Option<bool>) {
    let (mut weight, mut reverse) = (None, None);
    let mut at = index;
    while let Some(word) = line.word(at) {
        at += 1;
        match word.as_str() {
            "weight" => {
                let read = if what == FILE { factor } else { self::weight };
                weight = read(line, at, out).or(weight);
                at += if line.word(at).is_some_and(|word| is_sign(word.as_str())) { 2 } else { 1 };
            }
            "reverse" => reverse = Some(true),
            "noreverse" | "no_reverse" => reverse = Some(false),
            unknown => {
                out.report(rules::TRACK_WORD, word.span).with("word", unknown).with("what", what);
                break;
            }
        }
    }
    (weight, reverse)
}

/// Word `index` as a weight, -253..=253. 254 is taken, as keepalived takes it, and cut.
pub(super) fn weight(
    statement: &Statement<'_>,
    index: usize,
    out: &mut Diagnostics,
) -> Option<i32> {
    let Some(word) = statement.word(index) else {
        out.report(rules::TRACK_BAD_WEIGHT, statement.span).with("word", statement.first());
        return None;
    };
    if let Some(number) = statement.word(index + 1).filter(|_| is_sign(word.as_str()))
        && number.as_str().parse::<u32>().is_ok()
    {
        let whole = format!("{}{}", word.as_str(), number.as_str());
        let apart = Span { end: number.span.end.max(word.span.end), ..word.span };
        out.report(rules::WEIGHT_APART, apart).with("near", &whole).mend_with(whole);
        return None;
    }
    let Some(weight) = word.as_str().parse::<i32>().ok().filter(|w| (-254..=254).contains(w))
    else {
        out.report(rules::TRACK_BAD_WEIGHT, word.span).with("word", word.as_str());
        return None;
    };
    let used = weight.clamp(-253, 253);
    if used != weight {
        out.report(rules::WEIGHT_CUT, word.span).with("weight", weight).with("used", used);
    }
    Some(used)
}

fn is_sign(text: &str) -> bool {
    matches!(text, "-" | "+")
}

/// Word `index` as the factor of a file's number, -254..=254.
pub(super) fn factor(
    statement: &Statement<'_>,
    index: usize,
    out: &mut Diagnostics,
) -> Option<i32> {
    let word = statement.word(index);
    let factor = word.and_then(|word| word.as_str().parse::<i32>().ok());
    let found = factor.filter(|factor| (-254..=254).contains(factor));
    if found.is_none() {
        let (span, text) =
            word.map_or((statement.span, statement.first()), |word| (word.span, word.as_str()));
        out.report(tracker_rules::TRACK_BAD_FACTOR, span).with("word", text);
    }
    found
}

/// Whether word `index` is `reverse`; anything else there is reported.
pub(super) fn reverse(statement: &Statement<'_>, index: usize, out: &mut Diagnostics) -> bool {
    match statement.word(index) {
        None => false,
        Some(word) if word.as_str() == "reverse" => true,
        // `weight - 20`: that has been said.
        Some(_) if statement.word(1).is_some_and(|word| is_sign(word.as_str())) => false,
        Some(word) => {
            if !value::refuse_near(statement, word, &["reverse"], out) {
                out.report(rules::TRACKER_WORD, word.span).with("word", word.as_str());
            }
            false
        }
    }
}

/// What the blocks of an instance or a group name, beside interfaces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) scripts: Vec<Draft>,
    pub(super) processes: Vec<Draft>,
    pub(super) files: Vec<Draft>,
    pub(super) bfds: Vec<Draft>,
}

impl Lines {
    /// Every script that is named, whether it counts or not.
    pub(super) fn named_scripts(&self) -> impl Iterator<Item = &String> {
        self.scripts.iter().map(|line| &line.name.value)
    }
}

/// What there is to track.
#[derive(Debug)]
pub(super) struct Available {
    pub(super) scripts: Vec<TrackScript>,
    pub(super) processes: Vec<TrackProcess>,
    pub(super) files: Vec<TrackFile>,
    pub(super) bfds: Vec<BfdInstance>,
    /// Weight and direction of each name of each kind of block.
    weights: HashMap<&'static str, HashMap<String, (i32, bool)>>,
}

impl Available {
    pub(super) fn new(
        scripts: Vec<TrackScript>,
        processes: Vec<TrackProcess>,
        files: Vec<TrackFile>,
        bfds: Vec<BfdInstance>,
    ) -> Self {
        let weights = HashMap::from([
            (vrrp_script::BLOCK, weights(scripts.iter().map(|s| (&s.name, s.weight, s.reverse)))),
            (
                track_process::BLOCK,
                weights(processes.iter().map(|p| (&p.name, p.weight, p.reverse))),
            ),
            (track_file::BLOCK, weights(files.iter().map(|f| (&f.name, f.weight, f.reverse)))),
            (bfd_instance::BLOCK, weights(bfds.iter().map(|b| (&b.name, b.weight, b.reverse)))),
        ]);
        Self { scripts, processes, files, bfds, weights }
    }

    /// Finds what lines name among the blocks of a kind, and fills in what they leave open.
    /// `report` gets a name that nothing has.
    pub(super) fn resolve(
        &self,
        lines: Vec<Draft>,
        block: &'static str,
        out: &mut Diagnostics,
        report: impl Fn(&Spanned<String>, &mut dyn Iterator<Item = &str>, &mut Diagnostics),
    ) -> Vec<TrackerUse> {
        let mut found = vec![];
        let Some(known) = self.weights.get(block) else { return found };
        for line in lines {
            match known.get(&line.name.value) {
                Some((weight, reverse)) => found.push(TrackerUse {
                    weight: line.weight.unwrap_or(*weight),
                    reverse: line.reverse.unwrap_or(*reverse),
                    name: line.name,
                }),
                // It seems to be there, in a block whose name was misspelt.
                None if out.explains(out.all(), TOP, block) => {}
                None => report(&line.name, &mut known.keys().map(String::as_str), out),
            }
        }
        found
    }
}

fn weights<'a>(
    known: impl Iterator<Item = (&'a Spanned<String>, i32, bool)>,
) -> HashMap<String, (i32, bool)> {
    known.map(|(name, weight, reverse)| (name.value.clone(), (weight, reverse))).collect()
}

/// The lines with what they leave open filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    pub(super) scripts: Vec<TrackerUse>,
    pub(super) processes: Vec<TrackerUse>,
    pub(super) files: Vec<TrackerUse>,
    pub(super) bfds: Vec<TrackerUse>,
}

impl Lines {
    pub(super) fn resolve(self, known: &Available, out: &mut Diagnostics) -> Uses {
        let mut heard = vec![];
        for line in self.bfds {
            match known.bfds.iter().find(|bfd| bfd.name == line.name) {
                Some(deaf) if !deaf.vrrp => {
                    out.report(tracker_rules::BFD_NOT_TOLD, line.name.span)
                        .with("name", &line.name.value)
                        .with("who", "instances")
                        .with("other", "checker")
                        .with("needed", "vrrp");
                }
                Some(_) | None => heard.push(line),
            }
        }
        Uses {
            scripts: vrrp_script::resolve(self.scripts, known, out),
            processes: resolve(self.processes, track_process::BLOCK, known, out),
            files: resolve(self.files, track_file::BLOCK, known, out),
            bfds: resolve(heard, bfd_instance::BLOCK, known, out),
        }
    }
}

fn resolve(
    lines: Vec<Draft>,
    block: &'static str,
    known: &Available,
    out: &mut Diagnostics,
) -> Vec<TrackerUse> {
    known.resolve(lines, block, out, |name, known, out| unknown(name, block, known, out))
}

/// Reports a name that no block defines.
pub(super) fn unknown<'a>(
    name: &Spanned<String>,
    block: &'static str,
    known: impl Iterator<Item = &'a str>,
    out: &mut Diagnostics,
) {
    let (rule, near) = (tracker_rules::TRACKER_UNKNOWN, tracker_rules::TRACKER_UNKNOWN_NEAR);
    super::names_nothing(name, known, rule, near, out).with("block", block);
}

impl Uses {
    /// Leaves out what does not count for somebody of this standing, and says so.
    pub(super) fn admitted(mut self, standing: Standing, out: &mut Diagnostics) -> Self {
        for list in [&mut self.scripts, &mut self.processes, &mut self.bfds] {
            list.retain(|t| standing.admits(&t.name.value, t.weight, t.name.span, out));
        }
        self.files.retain_mut(|file| standing.admits_file(file, out));
        self
    }

    /// Adds what the group tracks and the instance does not.
    pub(super) fn with(mut self, group: &Self) -> Self {
        let lists = [
            (&mut self.scripts, &group.scripts),
            (&mut self.processes, &group.processes),
            (&mut self.files, &group.files),
            (&mut self.bfds, &group.bfds),
        ];
        for (own, group) in lists {
            let new: Vec<_> =
                group.iter().filter(|t| own.iter().all(|o| o.name != t.name)).cloned().collect();
            own.extend(new);
        }
        self
    }
}

/// Whose priority the weights move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Priority 255 never changes.
    pub(super) owner: bool,
    /// In a sync group that has no `sync_group_tracking_weight`.
    pub(super) bound: bool,
}

impl Standing {
    /// Whether something of this weight is tracked at all; if not, says why.
    pub(super) fn admits(self, name: &str, weight: i32, span: Span, out: &mut Diagnostics) -> bool {
        let rule = match (weight, self) {
            (0, _) => return true,
            (_, Self { owner: true, .. }) => rules::WEIGHT_OF_OWNER,
            (_, Self { bound: true, .. }) => rules::WEIGHT_IN_GROUP,
            (_, Self { owner: false, bound: false }) => return true,
        };
        out.report(rule, span).with("name", name);
        false
    }

    /// A file's usual weight becomes 0, as in keepalived; any other is not tracked.
    fn admits_file(self, file: &mut TrackerUse, out: &mut Diagnostics) -> bool {
        let place = match self {
            Self { owner: true, .. } => "with priority 255",
            Self { bound: true, .. } => "in a sync group",
            Self { owner: false, bound: false } => return true,
        };
        if file.weight != 1 {
            return self.admits(&file.name.value, file.weight, file.name.span, out);
        }
        file.weight = 0;
        out.report(tracker_rules::FILE_WEIGHT_DROPPED, file.name.span)
            .with("name", &file.name.value)
            .with("where", place);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{codes, instance, only, read};
    use crate::config::model::{InitFile, ParamMatch, ProcessMatch};
    use std::time::Duration;

    const FILE: &str = "track_file f {\nfile /f\n}\n";

    fn service(checker: &str) -> String {
        format!(
            "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind DR\n\
             real_server 10.0.0.2 80 {{\n{checker}\n}}\n}}\n"
        )
    }

    #[test]
    fn mistakes_and_what_is_right() {
        for (code, text) in [
            (801, format!("{FILE}{FILE}")),
            (802, instance("track_file {\nnone\n}")),
            (
                803,
                "track_file load {\nfile /f\n}\n".to_owned() + &instance("track_file {\nlaod\n}"),
            ),
            (804, "track_file f {\n}\n".to_owned()),
            (805, "track_file f {\nfile /f\ninit_file now\n}\n".to_owned()),
            (806, "track_file f {\nfile /f\nweight 255\n}\n".to_owned()),
            (807, FILE.to_owned() + &instance("priority 255\ntrack_file {\nf\n}")),
            (808, "vrrp_track_process p {\n}\n".to_owned()),
            (809, "vrrp_track_process p {\nprocess /usr/sbin/nginx\n}\n".to_owned()),
            (810, "vrrp_track_process p {\nprocess a\nquorum 3\nquorum_max 2\n}\n".to_owned()),
            (811, format!("bfd_instance {} {{\nneighbor_ip 10.0.0.2\n}}\n", "b".repeat(32))),
            (812, "bfd_instance b {\nneighbor_ip 10.0.0.2\nidle_tx 999\n}\n".to_owned()),
            (813, "bfd_instance b {\n}\n".to_owned()),
            (
                814,
                ["a", "b"]
                    .map(|n| format!("bfd_instance {n} {{\nneighbor_ip 10.0.0.2\n}}\n"))
                    .concat(),
            ),
            (815, "bfd_instance b {\nneighbor_ip 10.0.0.2\nsource_ip fe80::1\n}\n".to_owned()),
            (
                816,
                "bfd_instance b {\nneighbor_ip 10.0.0.2\nchecker\n}\n".to_owned()
                    + &instance("track_bfd {\nb\n}"),
            ),
            (
                816,
                "bfd_instance b {\nneighbor_ip 10.0.0.2\nvrrp\n}\n".to_owned()
                    + &service("BFD_CHECK {\nname b\n}"),
            ),
            (450, FILE.to_owned() + &instance("priority 255\ntrack_file {\nf weight 2\n}")),
            (473, "vrrp_track_process p {\nprocess a\nweight 2 backwards\n}\n".to_owned()),
            (448, "bfd_instance b {\nneighbor_ip 10.0.0.2\nweight 254\n}\n".to_owned()),
            (680, service("FILE_CHECK {\n}")),
            (681, service("BFD_CHECK {\n}")),
        ] {
            assert_eq!(codes(&text), [code], "{text}");
        }
    }

    #[test]
    fn lines_say_more_than_blocks() {
        let found = only(
            &(FILE.to_owned()
                + "track_file g {\nfile /g\nweight -254 reverse\n}\n\
                   vrrp_track_process p {\nprocess nginx\nweight 5\n}\n\
                   bfd_instance b {\nneighbor_ip 10.0.0.2\nweight 7 reverse\n}\n"
                + &instance(
                    "track_file {\nf\ng weight 254 noreverse\n}\n\
                     track_process {\np weight -9 reverse\n}\ntrack_bfd {\nb\n}",
                )),
        );
        let said = |list: &[super::TrackerUse]| {
            list.iter().map(|t| (t.name.value.clone(), t.weight, t.reverse)).collect::<Vec<_>>()
        };
        let line = |name: &str, weight, reverse| (name.to_owned(), weight, reverse);
        assert_eq!(said(&found.track_files), [line("f", 1, false), line("g", 254, false)]);
        assert_eq!(said(&found.track_processes), [line("p", -9, true)]);
        assert_eq!(said(&found.track_bfds), [line("b", 7, true)]);
    }

    #[test]
    fn a_groups_trackers_count_for_every_member() {
        let second = instance("").replace("VI_1", "VI_2").replace("51", "52").replace("100", "101");
        let group = |more: &str| {
            format!(
                "vrrp_sync_group G {{\ngroup {{\nVI_1 VI_2\n}}\ntrack_file {{\nf\n}}\n{more}}}\n"
            )
        };
        let own = instance("track_file {\nf weight 3\n}");
        let (config, found) =
            read(&format!("{FILE}{own}{second}{}", group("sync_group_tracking_weight\n")));
        assert!(found.is_empty(), "{found:?}");
        let weights: Vec<_> =
            config.vrrp.instances.iter().map(|i| i.track_files[0].weight).collect();
        assert_eq!(weights, [3, 1]);
        let text = format!("{FILE}{}{second}{}", instance(""), group(""));
        assert_eq!(codes(&text), [807], "said once, not once a member");
        let (config, _) = read(&text);
        assert_eq!(config.vrrp.instances[1].track_files[0].weight, 0);
    }

    #[test]
    fn which_processes() {
        let which = |lines: &str| {
            let text = format!("vrrp_track_process p {{\n{lines}\n}}\n");
            let (config, found) = read(&(text + &instance("track_process {\np\n}")));
            assert!(found.is_empty(), "{found:?}");
            config.vrrp.processes[0].clone()
        };
        let line = |command: &str, parameters: &[&str], rule| ProcessMatch::CommandLine {
            command: command.to_owned(),
            parameters: parameters.iter().map(|p| (*p).to_owned()).collect(),
            rule,
        };
        assert_eq!(which("process nginx").which, ProcessMatch::Name("nginx".to_owned()));
        assert_eq!(which("process /a\nfull_command").which, line("/a", &[], ParamMatch::Any));
        assert_eq!(which("process /a\nparam_match").which, line("/a", &[], ParamMatch::Exact));
        assert_eq!(which("process \"/a b\" c").which, line("/a b", &["c"], ParamMatch::Exact));
        assert_eq!(
            which("param_match initial\nprocess /a c d").which,
            line("/a", &["c", "d"], ParamMatch::Initial)
        );
        let none = which("process a\nquorum_max 0\ndelay 0.5\nfork_delay 2");
        assert_eq!((none.quorum, none.quorum_max), (0, Some(0)));
        assert_eq!(none.fork_delay, Duration::from_secs(2));
        assert_eq!(none.terminate_delay, Duration::from_millis(500));
    }

    #[test]
    fn files_to_create_and_sessions_have_keepaliveds_defaults() {
        let (config, found) = read(
            "track_file f {\nfile /f\ninit_file 5 overwrite\n}\nvrrp_track_file g {\nfile /g\n}\n\
             bfd_instance b {\nneighbour_ip fe80::2\nmin_tx 3.3125\nmax_hops -1\n}\n",
        );
        assert!(!found.has_errors(), "{found:?}");
        assert_eq!(config.vrrp.files.len(), 1, "who nobody reads is still created");
        assert_eq!(config.vrrp.files[0].init, Some(InitFile { value: 5, overwrite: true }));
        let session = &config.bfd.sessions[0];
        assert_eq!((session.ttl, session.multiplier, session.max_hops), (64, 5, None));
        assert_eq!(session.min_tx, Duration::from_micros(3312));
        assert_eq!(session.idle_tx, Duration::from_secs(1));
        assert!(session.vrrp && session.checker && !session.multihop);
    }
}
