//! What `check --fix` does to a text: every replacement that is certain, and nothing else.
use super::{
    diagnostic::{Certainty, Diagnostic, Diagnostics},
    parse,
    rules::{global, language},
    source::{SourceFile, Sources, Span},
};
use std::collections::BTreeMap;

/// A mended line may show the next mistake; a text that needs more rounds is left for a person.
const MAX_ROUNDS: usize = 20;

/// The texts with everything mended that can be mended without doubt, and in how many places.
#[must_use]
pub fn fix(sources: &Sources) -> (Sources, usize) {
    let mut mended = sources.clone();
    let mut places = 0;
    for _ in 0..MAX_ROUNDS {
        let (_, found) = parse(&mended);
        let edits = edits(&mended, &found);
        if edits.is_empty() {
            break;
        }
        places += edits.len();
        mended.files =
            mended.files.iter().enumerate().map(|(at, file)| apply(file, at, &edits)).collect();
    }
    (mended, places)
}

/// Non-overlapping changes in order: of a finding all or none.
fn edits(sources: &Sources, found: &Diagnostics) -> BTreeMap<Span, String> {
    let mut all: BTreeMap<Span, String> = BTreeMap::new();
    for finding in found.iter().filter(|finding| finding.certainty == Certainty::Certain) {
        let own = of(sources, finding);
        let fits = own.iter().all(|(span, text)| {
            is_possible(sources, *span)
                && all.get(span).is_none_or(|known| known == text)
                && !all.keys().any(|other| other != span && overlap(*other, *span))
        });
        if fits {
            all.extend(own);
        }
    }
    all
}

fn of(sources: &Sources, finding: &Diagnostic) -> Vec<(Span, String)> {
    if [language::ONE_LINE_BLOCK, global::ADDRESS_SECOND].contains(&finding.rule) {
        return reflow(sources, finding);
    }
    let own = finding.replacement.clone().map(|text| (finding.span, text));
    own.into_iter().chain(finding.further.iter().cloned()).collect()
}

fn overlap(a: Span, b: Span) -> bool {
    a.file == b.file && a.start < b.end.max(b.start + 1) && b.start < a.end.max(a.start + 1)
}

/// A parameter stands for more than this place, and bytes that are not UTF-8 cannot be written
/// back as they were.
fn is_possible(sources: &Sources, span: Span) -> bool {
    sources.file(span.file).is_some_and(|file| {
        let text = file.text.get(span.start as usize..span.end as usize);
        !file.lossy && text.is_some_and(|text| !text.contains('$'))
    })
}

/// New lines between the statements of a line, and around the braces that stand on it.
fn reflow(sources: &Sources, finding: &Diagnostic) -> Vec<(Span, String)> {
    let (Some(file), Some((first, _))) = (sources.file(finding.span.file), finding.further.first())
    else {
        return vec![];
    };
    let text = file.text.as_str();
    let at = first.start as usize;
    let start = text.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(at..).and_then(|text| text.find('\n')).map_or(text.len(), |end| at + end);
    let Some(line) = text.get(start..end) else { return vec![] };
    let newline = if line.ends_with('\r') { "\r\n" } else { "\n" };
    let indent = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
    let step = if indent.contains('\t') { "\t" } else { "    " };
    let span = |from: usize, to: usize| Span {
        start: u32::try_from(start + from).unwrap_or(u32::MAX),
        end: u32::try_from(start + to).unwrap_or(u32::MAX),
        ..finding.span
    };
    let mut edits = vec![];
    // `authentication { auth_type PASS auth_pass x }`: the brace in front, then the one behind.
    let before = line.get(..at - start).unwrap_or_default();
    let mut inner = indent.to_owned();
    if let Some(brace) = before.rfind('{') {
        inner.push_str(step);
        let words = before.get(brace + 1..).unwrap_or_default();
        let blanks = words.len() - words.trim_start().len();
        edits.push((span(brace + 1, brace + 1 + blanks), format!("{newline}{inner}")));
        let last = finding.further.last().map_or(at, |(span, _)| span.end as usize) - start;
        let behind = line.get(last..).unwrap_or_default();
        if let Some(brace) = behind.find('}').filter(|_| !behind.contains('{')) {
            let blanks = behind.get(..brace).map_or(0, |text| text.len() - text.trim_end().len());
            edits.push((span(last + brace - blanks, last + brace), format!("{newline}{indent}")));
        }
    }
    for (span, _) in &finding.further {
        edits.push((*span, format!("{newline}{inner}")));
    }
    edits
}

/// One file with its changes made.
fn apply(file: &SourceFile, number: usize, edits: &BTreeMap<Span, String>) -> SourceFile {
    let mut mended = file.clone();
    // From the end, so that what stands before keeps its place.
    for (span, text) in edits.iter().rev().filter(|(span, _)| usize::from(span.file.0) == number) {
        let range = span.start as usize..span.end as usize;
        if mended.text.get(range.clone()).is_none() {
            continue;
        }
        mended.text.replace_range(range, text);
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let moved =
            |at: u32| if at < span.end { at } else { at - (span.end - span.start) + length };
        mended.includes =
            mended.includes.into_iter().map(|(at, found)| (moved(at), found)).collect();
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> String {
        let (sources, _) = fix(&Sources::from_text("x.conf", text));
        sources.files.into_iter().next().unwrap_or_default().text
    }

    fn instance(text: &str) -> String {
        format!(
            "vrrp_instance A {{\n    interface eth0\n    virtual_router_id 7\n{text}\n    \
             no_virtual_ipaddress\n}}\n"
        )
    }

    #[test]
    fn what_is_certain_is_mended() {
        for (wrong, right) in [
            ("    preemtp_delay 3", "    preempt_delay 3"),
            ("    advert_int 2s", "    advert_int 2"),
            ("    advert_int 100ms\n    version 3", "    advert_int 0.1\n    version 3"),
            ("    priority\u{3000}100", "    priority 100"),
            ("\u{a0}\u{a0}priority\u{a0}100", "  priority 100"),
            ("    \u{feff}prio\u{200b}rity\u{a0}\u{200e}100", "    priority 100"),
            ("&nbsp;&nbsp;&nbsp;&nbsp;notify &quot;/bin/x&quot;", "    notify \"/bin/x\""),
            ("    notify \"/bin/sh -c 'a &amp;&amp; b'\"", "    notify \"/bin/sh -c 'a && b'\""),
            ("    priority １００", "    priority 100"),
            ("    ;priority 9 {", "    #priority 9 {"),
            ("    ＃priority 9 {", "    #priority 9 {"),
            ("    priority 9 ＃ low {", "    priority 9 # low {"),
            ("    $P = 9\n    priority $P", "    $P=9\n    priority $P"),
            ("    // the master\n    priority 9", "    # the master\n    priority 9"),
            ("    priority 9 // low", "    priority 9 # low"),
            ("    priority 9;", "    priority 9"),
            ("    notify “/bin/x y”", "    notify \"/bin/x y\""),
            ("    track_interface ｛\n    eth1\n    ｝", "    track_interface {\n    eth1\n    }"),
            (
                "    authentication { auth_type PASS auth_pass abc }",
                "    authentication {\n        auth_type PASS\n        auth_pass abc\n    }",
            ),
            ("    priority 9 advert_int 2", "    priority 9\n    advert_int 2"),
            ("\tpriority 9 state BACKUP\r", "\tpriority 9\r\n\tstate BACKUP\r"),
            (
                "    virtual_ipaddress {\n        192.0.2.1/24, 192.0.2.2/24, 192.0.2.3/24\n    }",
                "    virtual_ipaddress {\n        192.0.2.1/24\n        192.0.2.2/24\n        \
                 192.0.2.3/24\n    }",
            ),
            // Two slips, one behind the other.
            ("    preemtp_delay 3s", "    preempt_delay 3"),
        ] {
            assert_eq!(fixed(&instance(wrong)), instance(right), "{wrong}");
            let (_, found) = parse(&Sources::from_text("x.conf", instance(right)));
            assert!(!found.has_errors(), "{right}");
        }
    }

    #[test]
    fn what_is_not_certain_stays() {
        for text in [
            "    frobnicate 3",
            "    priority 100x",
            "    track_script {\n    chk\n    }",
            "    notify \"/bin/x",
            "    $P=2s\n    advert_int $P",
            "    notify \"“x” &quot;\"",
            "    notify /bin/文件－1",
        ] {
            assert_eq!(fixed(&instance(text)), instance(text), "{text}");
        }
    }

    #[test]
    fn services_are_mended() {
        let wrong = "\u{feff}virtual_server 192.0.2.1:80 {\n lb_algo wwr\n lb_kind DRR\n \
                     protocol TCP\n delay_loop 6 real_server 192.0.2.2 80 {\n }\n}\n";
        let right = "virtual_server 192.0.2.1 80 {\n lb_algo wrr\n lb_kind DR\n protocol TCP\n \
                     delay_loop 6\n real_server 192.0.2.2 80 {\n }\n}\n";
        assert_eq!(fixed(wrong), right);
    }

    #[test]
    fn includes_stay_where_they_are() {
        let mut sources = Sources::from_text("x.conf", "include a\n// x\ninclude b\n");
        sources.files[0].includes.insert(0, Default::default());
        sources.files[0].includes.insert(15, Default::default());
        let (mended, places) = fix(&sources);
        assert_eq!(places, 1);
        assert_eq!(mended.files[0].text, "include a\n# x\ninclude b\n");
        assert_eq!(mended.files[0].includes.keys().copied().collect::<Vec<_>>(), [0, 14]);
    }
}
